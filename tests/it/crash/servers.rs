//! A PostgreSQL or a RabbitMQ of the test's own, which it may kill.

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// Ports that the system does not give to outgoing connections, so that nobody takes one while its server is down.
const PORTS: std::ops::Range<u16> = 23_000..31_000;
/// RabbitMQ takes this many in a row.
const PORTS_MAX: u16 = 3;

/// A folder that the user `postgres` may enter. Dropping it removes it.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new() -> Self {
        let path = std::env::temp_dir().join(format!("angarium-crash-{:012x}", angarium::chance::bits() >> 16));
        std::fs::create_dir(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The first of some ports in a row that nobody listens on.
pub(super) fn free_ports() -> u16 {
    let count = u64::from(PORTS.end - PORTS.start - PORTS_MAX);
    let is_free = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    let mut candidates = (0..100).map(|_| PORTS.start + u16::try_from(angarium::chance::bits() % count).unwrap());
    candidates.find(|first| (*first..first + PORTS_MAX).all(is_free)).expect("some ports are free")
}

/// A server that runs by one of the scripts beside the tests. Dropping it ends it and removes its data.
pub(super) struct PrivateServer {
    script: PathBuf,
    folder: PathBuf,
    port: u16,
    url: String,
}

impl PrivateServer {
    pub(super) async fn postgres(folder: &Folder) -> Self {
        Self::start_new("private-postgres", folder.path().join("postgres")).await
    }

    pub(super) async fn rabbitmq(folder: &Folder) -> Self {
        Self::start_new("private-rabbitmq", folder.path().join("rabbitmq")).await
    }

    async fn start_new(script: &str, folder: PathBuf) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(script);
        let mut server = Self { script, folder, port: free_ports(), url: String::new() };
        server.url = server.run("start").await;
        server
    }

    /// As its clients spell it.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) async fn start_again(&self) {
        self.run("start").await;
    }

    pub(super) async fn kill(&self) {
        self.run("kill9").await;
    }

    /// Stops it in order.
    pub(super) async fn stop(&self) {
        self.run("stop").await;
    }

    /// Of PostgreSQL: without a checkpoint, so that the next start recovers from its log.
    pub(super) async fn stop_immediately(&self) {
        self.run("stop-immediate").await;
    }

    /// Removes all that it had.
    pub(super) async fn wipe(&self) {
        self.run("wipe").await;
    }

    async fn run(&self, verb: &str) -> String {
        let mut command = tokio::process::Command::new(&self.script);
        command.arg(verb).arg(&self.folder).arg(self.port.to_string()).stdin(Stdio::null());
        let output = command.output().await.unwrap();
        assert!(output.status.success(), "{verb}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

impl Drop for PrivateServer {
    fn drop(&mut self) {
        let mut wipe = std::process::Command::new(&self.script);
        let wipe = wipe.arg("wipe").arg(&self.folder).arg(self.port.to_string()).stdin(Stdio::null());
        if !wipe.status().is_ok_and(|status| status.success()) {
            eprintln!("{} may still run", self.folder.display());
        }
    }
}
