//! `docs/contract.md` says what users are promised and which tests prove it: each promise names one, and each that is
//! named is there.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The rows of the tables, less their heads: a promise and its proofs.
fn promises() -> Vec<(String, Vec<String>)> {
    let text = fs::read_to_string(root().join("docs/contract.md")).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.rsplit_once(" | "));
    let rows = rows.filter(|(promise, _)| *promise != "promise");
    rows.map(|(promise, proofs)| {
        let proofs = proofs.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        (promise.to_owned(), proofs)
    })
    .collect()
}

/// Whether there is such a test: `file::name` or `folder::name` in `tests/it`, or a program's path.
fn is_there(proof: &str) -> bool {
    let Some((module, name)) = proof.rsplit_once("::") else { return root().join(proof).is_file() };
    let path = root().join("tests/it").join(module.replace("::", "/"));
    let files: [PathBuf; 2] = [path.with_extension("rs"), path.join("mod.rs")];
    let is_in = |text: String| text.contains(&format!("\nfn {name}(")) || text.contains(&format!("\nasync fn {name}("));
    files.into_iter().any(|file| fs::read_to_string(file).is_ok_and(is_in))
}

#[test]
fn every_promise_names_the_tests_that_prove_it() {
    let promises = promises();
    assert!(promises.len() > 80, "{} promises are read", promises.len());
    let mut wrong = Vec::new();
    for (promise, proofs) in promises {
        if proofs.is_empty() {
            wrong.push(format!("nothing proves: {promise}"));
        }
        wrong.extend(
            proofs.iter().filter(|proof| !is_there(proof)).map(|proof| format!("{proof} is not there: {promise}")),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_proof_is_a_test_and_not_any_word() {
    assert!(is_there("promises::every_promise_names_the_tests_that_prove_it") && is_there("tests/guides"));
    assert!(!is_there("promises::nothing") && !is_there("nothing::nothing") && !is_there("tests/nothing"));
}
