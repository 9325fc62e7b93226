//! Commands that need no server: the configuration, completions, the pages for `man`, the reference, and `verify`.

use serde_json::{Value, json};

use crate::cli::Shell;
use crate::support::shown::shown;

fn committed(page: &str) -> String {
    let path = format!("{}/docs/reference/{page}.md", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn the_committed_reference_is_that_of_the_program() {
    for page in ["cli", "configuration", "headers"] {
        let printed = Shell::new().run(&["reference", page]).exits(0).out;
        assert!(committed(page) == printed, "run `cargo run -- reference {page} > docs/reference/{page}.md`");
    }
}

#[test]
fn the_configuration_says_where_each_value_comes_from() {
    let shell = Shell::new()
        .with("ANGARIUM__API__LISTEN", "127.0.0.1:4000")
        .with("ANGARIUM__STORE__URL", "postgres://user:hunter2@db/angarium");
    let file = shell.write("angarium.toml", "[broker]\nshards = 3\n");
    let show = ["--config", &file, "config", "show", "--origin"];
    let ran = shell.run(&show).exits(0);
    let text = shown(&ran.out);
    for line in [
        "KEY  VALUE  FROM",
        "api.listen  \"127.0.0.1:4000\"  ANGARIUM__API__LISTEN",
        "broker.shards  3  file",
        "broker.prefix  \"angarium\"  default",
        "store.url  (set)  ANGARIUM__STORE__URL",
        "master_keys  (not set)  default",
    ] {
        assert!(text.lines().any(|other| other == line), "{line} in {text}");
    }
    assert!(!format!("{}{}", ran.out, ran.err).contains("hunter2"));
    let value = shell.run(&[&["--json"], &show[..]].concat()).exits(0).json();
    let of = |key: &str| value.as_array().unwrap().iter().find(|entry| entry["key"] == key).unwrap().clone();
    assert_eq!(of("broker.shards")["value"], 3);
    let secret = json!({
        "key": "store.url", "value": null, "secret": true, "isSet": true, "origin": "ANGARIUM__STORE__URL",
    });
    assert_eq!(of("store.url"), secret);
    let wrong = Shell::new().with("ANGARIUM__NO__SUCH", "1").run(&["config", "show"]).exits(1);
    assert!(wrong.err.contains("ANGARIUM__NO__SUCH"), "{}", wrong.err);
}

#[test]
fn completions_and_pages_for_man_are_written() {
    let shell = Shell::new();
    for name in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(shell.run(&["completions", name]).exits(0).out.contains("rotate-secret"), "{name}");
    }
    shell.run(&["completions", "nosh"]).exits(2);
    shell.run(&["man", "pages"]).exits(0);
    for page in ["angarium.1", "angarium-deliveries-list.1", "angarium-verify.1"] {
        let listed = shell.read(&format!("pages/{page}"));
        assert!(listed.contains(".TH"), "{page}");
    }
}

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[test]
fn a_request_is_read_from_the_wire_and_from_curl() {
    let shell = Shell::new().with("ANGARIUM_SECRET", SECRET);
    let body = shell.write("body.json", r#"{"text":"it's"}"#);
    let signed = shell.run(&["sign", "--id", "evt_1", "--body", &body]).exits(0).out;
    let raw =
        shell.write("raw", &format!("POST / HTTP/1.1\r\n{}\r\n{}", signed.replace('\n', "\r\n"), r#"{"text":"it's"}"#));
    let explained = shell.run(&["verify", "--raw", &raw, "--explain"]).exits(0).out;
    let text = shown(&explained);
    for line in ["id  evt_1", "header  webhook-signature", "signed  {id}.{timestamp}.{body}, written in base64"] {
        assert!(text.lines().any(|other| other == line), "{line} in {text}");
    }
    let headers: Vec<String> = signed.lines().map(|line| format!("-H '{line}'")).collect();
    let curl = format!("curl https://x {} --data-raw $'{{\"text\":\"it\\'s\"}}'", headers.join(" \\\n  "));
    let curl = shell.write("request.sh", &curl);
    let value: Value = shell.run(&["--json", "verify", "--curl", &curl]).exits(0).json();
    assert_eq!(value, json!({ "verified": true, "header": "webhook-signature", "reasons": [], "bytes": 15 }));
    for wrong in [&[][..], &["--raw", &raw, "--curl", &curl], &["--headers", &raw], &["--curl", &body]] {
        shell.run(&[&["verify"], wrong].concat()).exits(2);
    }
}
