//! Who may use whom: the table of the crate's documentation, held against the `use` lines.

use std::fs;
use std::path::{Path, PathBuf};

/// A folder or file of `src`, and what of the crate it may name.
const MAY_USE: [(&str, &[&str]); 14] = [
    ("domain", &["domain"]),
    ("clock", &["domain"]),
    ("chance", &["domain"]),
    ("config", &["domain"]),
    ("telemetry", &["telemetry", "domain"]),
    ("store", &["store", "domain"]),
    ("broker", &["broker", "domain", "clock"]),
    ("engine", &["engine", "store", "broker", "domain", "clock", "chance", "config", "telemetry"]),
    ("worker", &["worker", "engine", "broker", "domain", "chance", "telemetry"]),
    ("scheduler", &["scheduler", "engine", "store", "domain"]),
    ("api", &["api", "engine", "store", "domain", "clock", "config", "chance", "broker", "telemetry"]),
    ("dashboard", &["dashboard", "engine", "store", "domain", "clock", "config", "chance", "telemetry"]),
    ("receiver", &["receiver", "domain", "clock"]),
    (
        "app",
        &[
            "app",
            "api",
            "dashboard",
            "worker",
            "scheduler",
            "engine",
            "store",
            "broker",
            "domain",
            "clock",
            "chance",
            "config",
            "telemetry",
        ],
    ),
];

/// What a folder must not name, and why.
const MUST_NOT_NAME: [(&str, &[&str], &str); 7] = [
    ("domain", &["tokio::", "axum::", "reqwest::", "sqlx::", "lapin::"], "rules are pure"),
    ("engine", &["axum::", "http::", "StatusCode", "reqwest::", "lapin::", "lettre::"], "verbs know no protocol"),
    ("store", &["lapin::", "axum::", "reqwest::"], "the store knows nothing but SQL"),
    ("broker", &["sqlx::", "axum::"], "the broker moves tickets"),
    ("api", &["sqlx::", "lapin::"], "the API asks the engine"),
    ("dashboard", &["sqlx::", "lapin::", "reqwest::"], "the pages ask the engine"),
    ("worker", &["sqlx::", "lapin::", "axum::"], "the worker asks the engine"),
];

fn sources(of: &Path) -> Vec<PathBuf> {
    if of.is_file() {
        return vec![of.to_owned()];
    }
    let entries = fs::read_dir(of).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

/// The files of a part: `src/name.rs`, and all under `src/name`.
fn part(name: &str) -> Vec<PathBuf> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let there = [src.join(name), src.join(format!("{name}.rs"))].into_iter().filter(|path| path.exists());
    let files: Vec<_> = there.flat_map(|path| sources(&path)).collect();
    assert!(!files.is_empty(), "src has no {name}");
    files
}

/// A file's code: comments say what they like, and its unit tests may reach further.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let product = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    product.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn is_test(path: &Path) -> bool {
    path.components().any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "tests.rs" | "sample.rs")))
}

#[test]
fn every_part_uses_only_what_it_may() {
    let mut wrong = Vec::new();
    for (name, allowed) in MAY_USE {
        for path in part(name).into_iter().filter(|path| !is_test(path)) {
            for used in code(&path).split("crate::").skip(1) {
                let used: String = used.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
                if !used.is_empty() && !allowed.contains(&used.as_str()) {
                    wrong.push(format!("{} uses crate::{used}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_part_names_what_it_must_not_know() {
    let mut wrong = Vec::new();
    for (name, forbidden, why) in MUST_NOT_NAME {
        for path in part(name).into_iter().filter(|path| !is_test(path)) {
            let code = code(&path);
            for word in forbidden.iter().filter(|word| code.contains(**word)) {
                wrong.push(format!("{} names {word}, but {why}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn sql_is_in_the_store_only() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let outside = sources(&src).into_iter().filter(|path| !path.starts_with(src.join("store")));
    let wrong: Vec<_> = outside.filter(|path| code(path).contains("sqlx::")).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn main_is_short() {
    let lines = fs::read_to_string(&part("main")[0]).unwrap().lines().count();
    assert!(lines <= 40, "main.rs has {lines} lines");
}
