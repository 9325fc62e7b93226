//! `angarium users`, and the master key that must not go away.

use serde_json::{Value, json};

use crate::cli::{Database, Shell};

const CREATE: [&str; 4] = ["--json", "users", "create", "--email"];

fn users_come_and_go(shell: &Shell) {
    shell.run(&["migrate"]).exits(0);
    let create = |rest: &[&str]| shell.run(&[&CREATE, rest].concat());
    let made = create(&["Root@Example.com", "--role", "operator", "--generate"]).exits(0).json();
    assert_eq!(
        (&made["email"], &made["role"], &made["tenantId"]),
        (&json!("root@example.com"), &json!("operator"), &Value::Null)
    );
    let drawn = made["password"].as_str().unwrap();
    assert!(drawn.len() >= 20, "{drawn}");
    let piped =
        ["users", "create", "--email", "ada@example.com", "--role", "owner", "--tenant", "acme", "--password-stdin"];
    let ran = shell.run_with_input(&piped, "correct horse battery\n").exits(0);
    assert!(ran.out.is_empty() && !ran.err.contains("correct horse"), "{}{}", ran.out, ran.err);

    let list = |rest: &[&str]| shell.run(&[&["--json", "users", "list"], rest].concat()).exits(0);
    assert_eq!(list(&[]).json().as_array().unwrap().len(), 2);
    assert_eq!(list(&["--tenant", "acme"]).json()[0]["email"], "ada@example.com");
    assert!(!list(&[]).out.contains("argon2") && !list(&[]).out.contains(drawn), "hashes stay inside");
    assert!(shell.run(&["users", "list"]).exits(0).out.contains("root@example.com"));
    shell.run(&["users", "list", "--tenant", "nobody"]).exits(3);

    let mail = |rest: &[&str]| shell.run(&[&["users", "mail", "--email"], rest].concat());
    assert!(mail(&["ada@example.com", "--off"]).exits(0).err.contains("no mails"));
    mail(&["ada@example.com", "--on"]).exits(0);
    mail(&["ada@example.com"]).exits(2);
    mail(&["eve@example.com", "--off"]).exits(3);

    let reset = ["--json", "users", "reset-password", "--email", "ada@example.com", "--generate"];
    let reset = shell.run(&reset).exits(0).json();
    assert_ne!(reset["password"], made["password"]);
    shell.run(&["users", "disable", "--email", "ADA@example.com"]).exits(0);
    assert!(list(&["--tenant", "acme"]).json()[0]["disabledAt"].is_string());
    assert!(shell.run(&["users", "disable", "--email", "ada@example.com"]).exits(0).err.contains("already"));
    shell.run(&["users", "disable", "--email", "eve@example.com"]).exits(3);
    shell.run(&["users", "reset-password", "--email", "eve@example.com", "--generate"]).exits(3);

    assert!(create(&["root@example.com", "--role", "operator", "--generate"]).exits(1).err.contains("exists"));
    for wrong in [
        &["eve", "--role", "operator", "--generate"][..],
        &["eve@example.com", "--role", "king", "--generate"],
        &["eve@example.com", "--generate"],
        &["eve@example.com", "--role", "owner", "--generate"],
        &["eve@example.com", "--role", "operator", "--tenant", "acme", "--generate"],
        &["eve@example.com", "--role", "operator", "--name", "", "--generate"],
        &["eve@example.com", "--role", "operator", "--generate", "--password-stdin"],
        // Nobody is there to be asked.
        &["eve@example.com", "--role", "operator"],
    ] {
        create(wrong).exits(2);
    }
    let short = ["users", "create", "--email", "eve@example.com", "--role", "operator", "--password-stdin"];
    for text in ["", "\n", "elevenchars\n", &"x".repeat(257)] {
        let ran = shell.run_with_input(&short, text).exits(2);
        assert!(!ran.err.contains("elevenchars") && ran.err.contains("12 characters"), "{}", ran.err);
    }
    assert_eq!(list(&[]).json().as_array().unwrap().len(), 2);

    let audit = shell.run(&["--json", "audit"]).exits(0);
    let lines = audit.json();
    let actions: Vec<_> = lines.as_array().unwrap().iter().map(|line| line["action"].as_str().unwrap()).collect();
    assert!(
        ["user.create", "user.password", "user.disable"].iter().all(|action| actions.contains(action)),
        "{actions:?}"
    );
    assert!(lines.as_array().unwrap().iter().all(|line| line["actor"]["kind"] == "operator"));
    assert!(!audit.out.contains(drawn) && !audit.out.contains("argon2"));
    assert!(shell.run(&["audit", "--limit", "1"]).exits(0).out.contains("user."));
}

#[test]
fn users_are_made_listed_and_shut_out() {
    users_come_and_go(&Shell::deployed(None));
    let database = Database::new();
    database.0.run(&["migrate", "--create-database"]).exits(0);
    users_come_and_go(&database.0);
}

fn the_root_stays(shell: &Shell, with: impl Fn(&str) -> Shell) {
    let (one, two) = (format!("1:{}=", "A".repeat(43)), format!("2:{}=", "E".repeat(43)));
    let list = ["users", "list"];
    shell.run(&list).exits(0);
    // Nothing depends on it yet.
    with(&two).run(&list).exits(0);
    shell.run(&list).exits(0);
    shell.run(&["keys", "create", "--tenant", "acme", "--environment", "staging"]).exits(0);
    with(&format!("{two},{one}")).run(&list).exits(0);
    for lost in [two.clone(), format!("1:{}=", "I".repeat(43))] {
        let other = with(&lost);
        let ran = other.run(&["keys", "list", "--tenant", "acme"]).exits(1);
        assert!(ran.err.contains("master_keys") && ran.err.contains("lowest number"), "{}", ran.err);
    }
    shell.run(&list).exits(0);
}

#[test]
fn a_deployment_does_not_start_without_the_master_key_of_its_api_keys() {
    let embedded = Shell::deployed(None);
    embedded.run(&["migrate"]).exits(0);
    let url = embedded.variable("ANGARIUM__STORE__URL");
    let other =
        |url: &str, keys: &str| Shell::new().with("ANGARIUM__STORE__URL", url).with("ANGARIUM__MASTER_KEYS", keys);
    the_root_stays(&embedded, |keys| other(&url, keys));
    let database = Database::new();
    database.0.run(&["migrate", "--create-database"]).exits(0);
    let url = database.0.variable("ANGARIUM__STORE__URL");
    the_root_stays(&database.0, |keys| other(&url, keys));
}
