//! The engine under measurement: child processes of this program on a database of their own.
//!
//! What is not set here comes from the environment as usual, so that the effect of a setting can be measured.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use serde::Deserialize;
use tokio::process::{Child, Command};
use url::Url;

use super::BenchArgs;
use super::figures::{number, round};
use crate::clock::Clock;

const READY_WITHIN: Duration = Duration::from_secs(30);
const READY_POLL: Duration = Duration::from_millis(50);
/// Seals secrets that live for one run and sign nothing but this load, so anybody may know it.
const MASTER_KEY: [u8; 32] = [7; 32];
const LOG_LINES: usize = 20;

/// Which engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Embedded,
    Postgres,
}

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Postgres => "postgres",
        }
    }
}

/// What the engine's processes do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Everything.
    All,
    /// Only accept.
    Api,
}

/// A running engine. Dropping it ends its processes and removes its database, also after a failure or ^C.
pub(super) struct Engine {
    program: PathBuf,
    kind: Kind,
    settings: Vec<(&'static str, String)>,
    scratch: PathBuf,
    processes: Vec<Process>,
    key: SecretString,
}

struct Process {
    child: Child,
    addr: SocketAddr,
    log: PathBuf,
}

#[derive(Deserialize)]
struct CreatedKey {
    key: SecretString,
}

/// Resident memory in KiB.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Memory {
    pub(super) now_kib: u64,
    pub(super) peak_kib: u64,
}

impl Memory {
    pub(super) fn mib(kib: u64) -> f64 {
        round(number(kib) / 1024.0)
    }
}

impl Engine {
    pub(super) async fn start(args: &BenchArgs, kind: Kind, role: Role) -> anyhow::Result<Self> {
        let mut engine = Self::prepare(args, kind).await?;
        engine.launch(args, role, "bench").await?;
        Ok(engine)
    }

    /// An engine that has a database, and no process yet.
    pub(super) async fn prepare(args: &BenchArgs, kind: Kind) -> anyhow::Result<Self> {
        let name = format!("angarium_bench_{}_{}", std::process::id(), Clock::system().now().as_millis());
        let scratch = std::env::temp_dir().join(&name);
        std::fs::create_dir(&scratch).with_context(|| format!("cannot make {}", scratch.display()))?;
        let engine = Self {
            program: std::env::current_exe().context("cannot find this program")?,
            kind,
            settings: settings(args, kind, &name, &scratch),
            scratch,
            processes: Vec::new(),
            key: SecretString::default(),
        };
        engine.call(&["migrate", "--create-database"]).await?;
        Ok(engine)
    }

    /// Starts its processes, with a key of a tenant.
    pub(super) async fn launch(&mut self, args: &BenchArgs, role: Role, tenant: &str) -> anyhow::Result<()> {
        let created = self.call(&["keys", "create", "--tenant", tenant, "--environment", "staging", "--json"]).await?;
        let created: CreatedKey = serde_json::from_slice(&created).context("`keys create --json` gave no key")?;
        self.key = created.key;
        let processes = match self.kind {
            Kind::Embedded => 1,
            Kind::Postgres => args.processes,
        };
        for index in 0..processes {
            self.spawn(usize::from(index), role)?;
        }
        self.wait_until_ready().await.map_err(|error| self.explain(error))
    }

    fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new(&self.program);
        command.args(arguments).stdin(Stdio::null());
        command.envs(self.settings.iter().map(|(name, value)| (*name, value)));
        command
    }

    /// Runs a command of this program to its end, and gives what it prints.
    pub(super) async fn call(&self, arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
        let mut command = Command::from(self.command(arguments));
        let ended = command.kill_on_drop(true).output().await.context("cannot run this program again")?;
        if !ended.status.success() {
            bail!("`angarium {}` failed: {}", arguments.join(" "), String::from_utf8_lossy(&ended.stderr).trim());
        }
        Ok(ended.stdout)
    }

    fn spawn(&mut self, index: usize, role: Role) -> anyhow::Result<()> {
        // Free a moment ago; nothing else on this machine is in a hurry for it.
        let addr = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let role = match role {
            Role::All => "all",
            Role::Api => "api",
        };
        let log = self.scratch.join(format!("{index}.log"));
        let file = File::create(&log)?;
        let mut command = self.command(&["serve", role]);
        command.env("ANGARIUM__API__LISTEN", addr.to_string());
        command.stdout(file.try_clone()?).stderr(file);
        let child = Command::from(command).kill_on_drop(true).spawn().context("cannot start the engine")?;
        self.processes.push(Process { child, addr, log });
        Ok(())
    }

    async fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build()?;
        let until = Instant::now() + READY_WITHIN;
        for Process { child, addr, .. } in &mut self.processes {
            loop {
                if let Some(status) = child.try_wait()? {
                    bail!("the engine ended while starting: {status}");
                }
                let answer = client.get(format!("http://{addr}/readyz")).send().await;
                if answer.is_ok_and(|answer| answer.status().is_success()) {
                    break;
                }
                if Instant::now() > until {
                    bail!("the engine is not ready after {} s", READY_WITHIN.as_secs());
                }
                tokio::time::sleep(READY_POLL).await;
            }
        }
        Ok(())
    }

    pub(super) fn key(&self) -> &SecretString {
        &self.key
    }

    pub(super) fn addrs(&self) -> Vec<SocketAddr> {
        self.processes.iter().map(|process| process.addr).collect()
    }

    /// Adds the end of the engine's log to an error.
    pub(super) fn explain(&self, error: anyhow::Error) -> anyhow::Error {
        let texts = self.processes.iter().filter_map(|process| std::fs::read_to_string(&process.log).ok());
        let tails = texts.map(|text| {
            let lines: Vec<&str> = text.lines().collect();
            lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
        });
        let log = tails.filter(|tail| !tail.is_empty()).collect::<Vec<_>>().join("\n");
        if log.is_empty() { error } else { anyhow::anyhow!("{error:#}\nthe engine's log ends:\n{log}") }
    }

    /// Of all processes together.
    pub(super) fn memory(&self) -> anyhow::Result<Memory> {
        let mut sum = Memory::default();
        for status in self.read_proc("status")? {
            sum.now_kib += kib(&status, "VmRSS:")?;
            sum.peak_kib += kib(&status, "VmHWM:")?;
        }
        Ok(sum)
    }

    /// Processor time so far, of all processes together.
    pub(super) fn processor_time(&self) -> anyhow::Result<Duration> {
        /// What Linux counts in, on every architecture, as far as programs see.
        const TICK: Duration = Duration::from_millis(10);
        let mut ticks = 0;
        for stat in self.read_proc("stat")? {
            // The name in brackets may hold anything; after it come state and ten more fields before these two.
            let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_ascii_whitespace();
            let both = fields.skip(11).take(2).map(str::parse::<u32>);
            ticks += both.sum::<Result<u32, _>>().context("cannot read /proc")?;
        }
        Ok(TICK * ticks)
    }

    fn read_proc(&self, file: &str) -> anyhow::Result<Vec<String>> {
        let ids = self.processes.iter().map(|process| process.child.id().context("a process of the engine has ended"));
        ids.map(|id| {
            let path = format!("/proc/{}/{file}", id?);
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
        })
        .collect()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        for process in &mut self.processes {
            // It has ended already, then.
            let _ = process.child.start_kill();
        }
        match self.kind {
            Kind::Embedded => {}
            Kind::Postgres => {
                let mut command = self.command(&["migrate", "--drop-database"]);
                let dropped = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
                if !dropped.is_ok_and(|status| status.success()) {
                    eprintln!("a database named like {} is left over", self.scratch.display());
                }
            }
        }
        if let Err(error) = std::fs::remove_dir_all(&self.scratch) {
            eprintln!("{} is left over: {error}", self.scratch.display());
        }
    }
}

fn settings(args: &BenchArgs, kind: Kind, name: &str, scratch: &Path) -> Vec<(&'static str, String)> {
    let (store, broker) = match kind {
        Kind::Embedded => (format!("sqlite:{}", scratch.join("angarium.db").display()), String::new()),
        Kind::Postgres => (database(&args.postgres, name), args.amqp.to_string()),
    };
    vec![
        ("ANGARIUM__STORE__URL", store),
        ("ANGARIUM__BROKER__URL", broker),
        ("ANGARIUM__BROKER__PREFIX", name.replace('_', "-")),
        ("ANGARIUM__BROKER__INGEST", "false".to_owned()),
        ("ANGARIUM__MASTER_KEYS", format!("1:{}", STANDARD.encode(MASTER_KEY))),
        ("ANGARIUM__EGRESS__ALLOW_HTTP", "true".to_owned()),
        ("ANGARIUM__EGRESS__ALLOW_NETWORKS", "127.0.0.0/8".to_owned()),
        ("ANGARIUM__EGRESS__ALLOW_HOSTS", "localhost".to_owned()),
        ("ANGARIUM__LOG__FILTER", "warn".to_owned()),
        // One visitor opens all pages, again and again.
        ("ANGARIUM__LIMITS__SESSION_REQUESTS_PER_MINUTE", "1000000".to_owned()),
    ]
}

fn database(server: &Url, name: &str) -> String {
    let mut url = server.clone();
    url.set_path(name);
    url.to_string()
}

fn kib(status: &str, field: &str) -> anyhow::Result<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field)).context("cannot read /proc")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}
