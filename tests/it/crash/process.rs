//! A process of Angarium that a test starts, kills and starts again.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longer than `shutdown.drain_ms`, after which a process ends in any case.
const STOP_MAX: Duration = Duration::from_secs(40);
const POLL_EVERY: Duration = Duration::from_millis(10);
/// Of a log, what a failed test shows.
const TAIL_LINES: usize = 25;

/// Settings as the environment spells them.
pub(super) type Settings = Vec<(&'static str, String)>;

/// A child. Dropping it kills it; if its test failed, the end of its log is shown.
pub(super) struct Process {
    name: String,
    role: &'static str,
    settings: Settings,
    log: PathBuf,
    child: Child,
}

/// A command with nothing in its environment but these settings.
pub(super) fn angarium(settings: &Settings, folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_angarium"));
    command.env_clear().envs(settings.iter().cloned()).current_dir(folder).stdin(Stdio::null());
    command
}

impl Process {
    /// Starts `serve ROLE`. The name is for the log.
    pub(super) fn start(name: String, role: &'static str, settings: Settings, folder: &Path) -> Self {
        let log = folder.join(format!("{name}.log"));
        let child = spawn(role, &settings, &log);
        Self { name, role, settings, log, child }
    }

    /// Starts it again, after [`Self::kill`] or [`Self::terminate`].
    pub(super) fn start_again(&mut self) {
        assert!(!self.is_running(), "{} runs already", self.name);
        self.child = spawn(self.role, &self.settings, &self.log);
    }

    /// SIGKILL: nothing is finished, nothing is said.
    pub(super) fn kill(&mut self) {
        assert!(self.is_running(), "{} is not there to be killed", self.name);
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM; how long it took to end. It must end in time and say that all went well.
    pub(super) async fn terminate(&mut self) -> Duration {
        let began = Instant::now();
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        while began.elapsed() < STOP_MAX {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert!(status.success(), "{} ended with {status}", self.name);
                return began.elapsed();
            }
            tokio::time::sleep(POLL_EVERY).await;
        }
        panic!("{} did not end within {} s of SIGTERM", self.name, STOP_MAX.as_secs());
    }

    pub(super) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Fails if it ended although nobody asked it to.
    pub(super) fn expect_running(&mut self) {
        assert!(self.is_running(), "{} ended by itself", self.name);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("---- the end of {}'s log\n{}", self.name, tail(&self.log));
        }
    }
}

fn spawn(role: &str, settings: &Settings, log: &Path) -> Child {
    let output = File::options().create(true).append(true).open(log).unwrap();
    let folder = log.parent().expect("a log is in a folder");
    let mut command = angarium(settings, folder);
    command.args(["serve", role]).stdout(output.try_clone().unwrap()).stderr(output).spawn().unwrap()
}

/// The last lines of a file.
pub(super) fn tail(file: &Path) -> String {
    let text = std::fs::read(file).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}
