//! The command line, as a shell sees it: what is printed, where, and with which exit code.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::SOON;
use crate::support::app::{postgres_url, unique_name};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A folder of its own, and an environment with nothing in it but what a test puts there.
pub(crate) struct Shell {
    folder: PathBuf,
    variables: Vec<(&'static str, String)>,
}

impl Shell {
    pub(crate) fn new() -> Self {
        let folder = std::env::temp_dir().join(unique_name());
        std::fs::create_dir_all(&folder).unwrap();
        Self { folder, variables: Vec::new() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// What it was given under a name.
    pub(crate) fn variable(&self, name: &str) -> String {
        let found = self.variables.iter().find(|(other, _)| *other == name);
        found.map(|(_, value)| value.clone()).expect("it was given")
    }

    /// With a database and a master key, as a deployment has them.
    pub(crate) fn deployed(store_url: Option<String>) -> Self {
        let shell = Self::new();
        let url = store_url.unwrap_or_else(|| format!("sqlite:{}", shell.folder.join("angarium.db").display()));
        shell.with("ANGARIUM__STORE__URL", url).with("ANGARIUM__MASTER_KEYS", format!("1:{}=", "A".repeat(43)))
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_angarium"));
        command.args(arguments).current_dir(&self.folder).env_clear().envs(self.variables.iter().cloned());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::new(arguments, self.command(arguments).output().unwrap())
    }

    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &str) -> Ran {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Ran::new(arguments, child.wait_with_output().unwrap())
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.join(name)).unwrap()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.folder.join(name), text).unwrap();
        name.to_owned()
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A command that has ended.
pub(crate) struct Ran {
    what: String,
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn new(arguments: &[&str], output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let code = output.status.code().expect("it was not killed");
        Self { what: arguments.join(" "), code, out: text(output.stdout), err: text(output.stderr) }
    }

    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}{}", self.what, self.out, self.err);
        self
    }

    /// Its output, which is one JSON value and nothing else.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{}: {error}: {}", self.what, self.out))
    }
}

/// Removes a PostgreSQL database at the end, however the end comes.
pub(crate) struct Database(pub(crate) Shell);

impl Database {
    pub(crate) fn new() -> Self {
        let base = postgres_url();
        let (server, _) = base.rsplit_once('/').unwrap();
        Self(Shell::deployed(Some(format!("{server}/{}", unique_name()))))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let _ = self.0.command(&["migrate", "--drop-database"]).output();
    }
}

fn migrates(shell: &Shell, first: &[&str]) {
    let before = shell.run(&[&["--json", "migrate"], first].concat()).exits(0).json();
    let name = |verb: &str| before[verb][0].as_str().unwrap_or_default().to_owned();
    assert!(name(if first.contains(&"--status") { "pending" } else { "applied" }).starts_with("0001"), "{before}");
    shell.run(&["migrate"]).exits(0);
    assert_eq!(shell.run(&["--json", "migrate", "--status"]).exits(0).json(), json!({ "pending": [] }));
    assert_eq!(shell.run(&["--json", "migrate"]).exits(0).json(), json!({ "applied": [] }));
    assert!(shell.run(&["migrate", "--status"]).exits(0).out.contains("up to date"));
}

#[test]
fn migrations_say_what_is_missing() {
    migrates(&Shell::deployed(None), &["--status"]);
    let database = Database::new();
    let missing = database.0.run(&["migrate"]).exits(1);
    assert!(missing.err.starts_with("error: "), "{}", missing.err);
    database.0.run(&["migrate", "--create-database", "--status"]).exits(0);
    // A process refuses a database that is not what it expects, and says what to do.
    let serve = database.0.run(&["serve", "all"]).exits(1);
    assert!(serve.err.contains("angarium migrate"), "{}", serve.err);
    migrates(&database.0, &["--status"]);
}

#[test]
fn doctor_says_what_a_process_lacks() {
    let check = |ran: &Ran, name: &str| {
        let checks = ran.json()["checks"].clone();
        checks.as_array().unwrap().iter().find(|check| check["check"] == name).cloned()
    };
    let examine = ["--json", "doctor", "--local"];
    let shell = Shell::deployed(None);
    let before = shell.run(&examine).exits(1);
    assert!(check(&before, "database").unwrap()["text"].as_str().unwrap().ends_with("run `angarium migrate`"));
    shell.run(&["migrate"]).exits(0);
    let well = shell.run(&examine).exits(0);
    assert_eq!((&well.json()["ok"], check(&well, "settings")), (&json!(true), None));
    assert!(shell.run(&["doctor", "--local"]).exits(0).out.contains("✓ database sqlite answers and is up to date"));

    // PostgreSQL is told how to keep what it confirms; somebody told it otherwise.
    let database = Database::new();
    database.0.run(&["migrate", "--create-database"]).exits(0);
    let url = database.0.variable("ANGARIUM__STORE__URL");
    let careless = Shell::deployed(Some(format!("{url}?options=-c%20synchronous_commit=off")));
    let warned = careless.run(&examine).exits(1);
    let settings = check(&warned, "settings").unwrap();
    let text = "synchronous_commit is off: a crash loses what was accepted just before";
    assert!(settings["ok"] == false && settings["text"].as_str().unwrap().contains(text), "{settings}");
    let usual = database.0.run(&examine);
    assert!(!check(&usual, "settings").unwrap()["text"].as_str().unwrap().contains("synchronous_commit"));
    assert_eq!(check(&usual, "database").unwrap()["text"], "postgres answers and is up to date");
}

fn keys_come_and_go(shell: &Shell) {
    shell.run(&["migrate"]).exits(0);
    let create = ["--json", "keys", "create", "--tenant", "acme", "--environment", "production"];
    let made = shell.run(&create).exits(0).json();
    let key = made["key"].as_str().unwrap();
    assert!(key.starts_with("sk_live_"), "{made}");
    let limited = ["keys", "create", "--tenant", "acme", "--environment", "staging", "--permissions", "read:events"];
    let plain = shell.run(&limited).exits(0);
    assert!(plain.out.trim().starts_with("sk_test_") && plain.out.lines().count() == 1, "data only: {}", plain.out);

    let list = || shell.run(&["--json", "keys", "list", "--tenant", "acme"]).exits(0);
    assert!(!list().out.contains(key) && !list().out.contains(plain.out.trim()), "a key is shown once");
    let listed = list().json();
    assert_eq!(listed.as_array().unwrap().len(), 2);
    let permissions = listed.as_array().unwrap().iter().find(|row| row["environment"] == "staging").unwrap();
    assert_eq!(permissions["permissions"], json!(["read:events"]));
    shell.run(&["keys", "list", "--tenant", "acme"]).exits(0);

    let id = made["id"].as_str().unwrap();
    shell.run(&["keys", "revoke", "--tenant", "acme", id]).exits(0);
    let revoked = list().json();
    let row = revoked.as_array().unwrap().iter().find(|row| row["id"] == id).unwrap().clone();
    assert!(row["revokedAt"].is_string(), "{row}");
    shell.run(&["keys", "revoke", "--tenant", "acme", id]).exits(3);
    shell.run(&["keys", "list", "--tenant", "nobody"]).exits(3);
    shell.run(&["keys", "revoke", "--tenant", "acme", "nonsense"]).exits(2);
    let unknown = ["keys", "create", "--tenant", "acme", "--environment", "staging", "--permissions", "read:minds"];
    assert!(shell.run(&unknown).exits(2).err.contains("read:minds"));
}

#[test]
fn keys_are_made_listed_and_stopped() {
    keys_come_and_go(&Shell::deployed(None));
    let database = Database::new();
    database.0.run(&["migrate", "--create-database"]).exits(0);
    keys_come_and_go(&database.0);
}

#[test]
fn a_master_key_works_and_none_is_a_clear_error() {
    let master = Shell::new().run(&["keys", "master"]).exits(0).out.trim().to_owned();
    let made = ["keys", "create", "--tenant", "acme", "--environment", "staging"];
    let shell = Shell::new().with("ANGARIUM__MASTER_KEYS", master);
    shell.run(&["migrate"]).exits(0);
    shell.run(&made).exits(0);
    let without = Shell::new();
    without.run(&["migrate"]).exits(0);
    assert!(without.run(&made).exits(1).err.contains("ANGARIUM__MASTER_KEYS"));
    let wrong = Shell::new().with("ANGARIUM__MASTER_KEYS", "1:hunter2");
    wrong.run(&["migrate"]).exits(0);
    let ran = wrong.run(&made).exits(1);
    assert!(!ran.err.contains("hunter2"), "{}", ran.err);
}

#[test]
fn settings_that_make_no_sense_are_named_all_at_once() {
    let shell = Shell::deployed(None).with("ANGARIUM__BROKER__SHARDS", "many").with("ANGARIUM__NO__SUCH", "1");
    let file = shell.write("angarium.toml", "[api]\nlisten = 5\n");
    let ran = shell.run(&["--config", &file, "migrate"]).exits(1);
    for name in ["ANGARIUM__BROKER__SHARDS", "ANGARIUM__NO__SUCH", "api.listen"] {
        assert!(ran.err.contains(name), "{name}: {}", ran.err);
    }
}

#[test]
fn what_sign_signs_verify_verifies() {
    let shell = Shell::new().with("ANGARIUM_SECRET", SECRET);
    let body = shell.write("body.json", r#"{"text":"hi"}"#);
    let signed = shell.run(&["sign", "--id", "evt_1", "--body", &body]).exits(0);
    assert!(!signed.out.contains(SECRET) && signed.err.is_empty(), "{}", signed.err);
    let headers = shell.write("headers", &signed.out);
    let verify = ["verify", "--headers", &headers, "--body", &body];
    assert!(shell.run(&verify).exits(0).out.contains("verified"));
    let json_headers = shell.run(&["--json", "sign", "--id", "evt_1", "--body", &body]).exits(0);
    assert_eq!(json_headers.json()["webhook-id"], "evt_1");
    let json_headers = shell.write("headers.json", &json_headers.out);
    let verified = shell.run(&["--json", "verify", "--headers", &json_headers, "--body", &body]).exits(0).json();
    assert_eq!((&verified["verified"], &verified["reasons"]), (&json!(true), &json!([])));
    // From a pipe, too.
    shell.run_with_input(&["verify", "--headers", &headers, "--body", "-"], r#"{"text":"hi"}"#).exits(0);

    let changed = shell.write("changed.json", r#"{"text": "hi"}"#);
    let refused = shell.run(&["--json", "verify", "--headers", &headers, "--body", &changed]).exits(7).json();
    assert_eq!(refused["verified"], false);
    assert!(refused["reasons"][0]["message"].as_str().unwrap().contains("body"), "{refused}");
    let other = shell.write("other", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
    let refused = shell.run(&[&verify[..], &["--secret-file", &other]].concat()).exits(7);
    assert!(refused.out.contains("not verified") && refused.err.is_empty(), "{}{}", refused.out, refused.err);
    let old = shell.run(&["sign", "--id", "evt_1", "--timestamp", "1000000000", "--body", &body]).exits(0);
    let old = shell.write("old", &old.out);
    assert!(shell.run(&["verify", "--headers", &old, "--body", &body]).exits(7).out.contains("old"));
    shell.run(&["verify", "--headers", "nowhere", "--body", &body]).exits(1);
    shell.run(&["sign", "--id", "a.b", "--body", &body]).exits(2);
    let broken = Shell::new().with("ANGARIUM_SECRET", "hunter2");
    let body = broken.write("body.json", "{}");
    let ran = broken.run(&["sign", "--id", "evt_1", "--body", &body]).exits(2);
    assert!(!ran.err.contains("hunter2"), "{}", ran.err);
}

#[test]
fn no_help_offers_to_take_a_secret() {
    let shell = Shell::new();
    let commands: [&[&str]; 17] = [
        &[],
        &["dev"],
        &["serve"],
        &["migrate"],
        &["keys"],
        &["keys", "create"],
        &["keys", "list"],
        &["keys", "revoke"],
        &["users"],
        &["users", "create"],
        &["users", "reset-password"],
        &["send"],
        &["receiver"],
        &["sign"],
        &["verify"],
        &["doctor"],
        &["bench"],
    ];
    for command in commands {
        let help = shell.run(&[command, &["--help"]].concat()).exits(0).out;
        for secret in ["--key ", "--key=", "--secret ", "--secret=", "--password ", "--password=", "--api-key"] {
            assert!(!help.contains(secret), "{command:?} offers {secret}");
        }
        // Nor does it show what the environment holds.
        let told = Shell::new().with("ANGARIUM_API_KEY", "hunter2").with("ANGARIUM_SECRET", "hunter2");
        assert!(!told.run(&[command, &["--help"]].concat()).exits(0).out.contains("hunter2"));
    }
    shell.run(&["--help"]).exits(0);
    for wrong in [&["fly"][..], &["send"], &["send", "a", "--count", "0"], &["--nope"]] {
        shell.run(wrong).exits(2);
    }
}

/// `angarium dev`, until it is told to stop.
struct Dev {
    child: Option<Child>,
    port: u16,
}

impl Dev {
    fn start(shell: &Shell) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = shell.command(&["dev", "--port", &port.to_string()]);
        // Nobody reads what it prints, so that it must not be piped.
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let this = Self { child: Some(child), port };
        let began = Instant::now();
        while shell.run(&["--json", "send", "dev.started"]).code != 0 {
            assert!(began.elapsed() < SOON, "dev does not answer");
        }
        this
    }

    /// Asks it to stop, and waits until it has.
    fn stop(mut self) -> i32 {
        let mut child = self.child.take().unwrap();
        Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        let began = Instant::now();
        let status = child.wait().unwrap();
        assert!(began.elapsed() < Duration::from_secs(15), "it took {:?}", began.elapsed());
        status.code().expect("it ended by itself")
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn dev_and_send_work_from_an_empty_folder() {
    // A proxy in the environment is nobody's to use: this one would take the event's data.
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let proxy_url = format!("http://{}", proxy.local_addr().unwrap());
    let shell = Shell::new()
        .with("HTTP_PROXY", proxy_url.clone())
        .with("http_proxy", proxy_url.clone())
        .with("ALL_PROXY", proxy_url);
    let dev = Dev::start(&shell);
    let sent = shell.run(&["send", "message.received", "-d", r#"{"text":"hi"}"#, "--wait"]).exits(0);
    assert!(sent.out.contains("✓ delivered") && sent.out.contains("verified by the receiver"), "{}", sent.out);
    let sent = shell.run(&["--json", "send", "message.received", "--wait"]).exits(0).json();
    assert_eq!(sent["deliveries"][0]["status"], "delivered");
    assert_eq!(sent["deliveries"][0]["verified"], true);
    let many = shell.run(&["--json", "send", "message.received", "--count", "20", "--wait"]).exits(0);
    assert_eq!(many.json()["events"].as_array().unwrap().len(), 20);
    let piped = shell.run_with_input(&["--json", "send", "a.b", "-d", "-", "--wait"], r#"{"from":"a pipe"}"#).exits(0);
    assert_eq!(piped.json()["matched"], 1);
    let once = ["--json", "send", "a.b", "--idempotency-key", "once"];
    assert_eq!(shell.run(&once).exits(0).json()["id"], shell.run(&once).exits(0).json()["id"]);
    assert!(proxy.accept().is_err(), "the proxy was used");

    shell.run(&["send", "a.b", "-d", "not json"]).exits(2);
    shell.run(&["send", "a.b", "-d", "@nowhere"]).exits(1);
    let refused = shell.run(&["send", "Not A Type"]).exits(1);
    assert!(refused.err.contains("VALIDATION_ERROR") && refused.out.is_empty(), "{}", refused.err);
    let wrong = shell.write("key", "sk_test_nonsense");
    assert!(shell.run(&["--key-file", &wrong, "send", "a.b"]).exits(4).err.contains("API_KEY_INVALID"));
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let unreachable = shell.run(&["--url", &format!("http://{nobody}"), "send", "a.b"]).exits(1);
    assert!(unreachable.err.contains("is it running"), "{}", unreachable.err);
    let key = std::fs::read_to_string(shell.folder.join(".angarium/dev.toml")).unwrap();
    let key = key.lines().find_map(|line| line.strip_prefix("api_key = ")).unwrap().trim_matches('"').to_owned();
    let elsewhere = Shell::new().with("ANGARIUM_URL", format!("http://127.0.0.1:{}", dev.port));
    elsewhere.run(&["send", "a.b"]).exits(4);
    let elsewhere = elsewhere.with("ANGARIUM_API_KEY", key);
    elsewhere.run(&["send", "a.b"]).exits(0);
    assert_eq!(dev.stop(), 0);
    // Started again, it is the same one.
    let dev = Dev::start(&shell);
    shell.run(&["send", "a.b", "--wait"]).exits(0);
    assert_eq!(dev.stop(), 0);
}
