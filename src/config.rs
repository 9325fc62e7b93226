//! Configuration: `config/default.toml`, which is compiled in, then a file, then the environment.
//!
//! The default file is the schema: a key that it does not have, or a value of another type, is a problem, and all
//! problems are reported at once. The environment is read here and nowhere else.

pub mod origin;
pub mod reference;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

/// The commented defaults.
pub const DEFAULTS: &str = include_str!("../config/default.toml");
/// The plans that come with Angarium.
pub const PLANS: &str = include_str!("../config/plans.toml");
/// A claim outlives the longest request by this much, so that its outcome can still be committed.
pub const LEASE_MARGIN: Duration = Duration::from_secs(5);
const ENVIRONMENT_PREFIX: &str = "ANGARIUM__";

/// Everything that can be set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each key is commented in config/default.toml")]
pub struct Config {
    pub master_keys: SecretString,
    pub master_keys_file: String,
    pub plans_file: String,
    pub deployment: Deployment,
    pub api: Api,
    pub limits: Limits,
    pub admin: Admin,
    pub dashboard: Dashboard,
    pub sessions: Sessions,
    pub store: Store,
    pub broker: Broker,
    pub accept: Accept,
    pub delivery: Delivery,
    pub replays: Replays,
    pub portal: Portal,
    pub audit: Audit,
    pub egress: Egress,
    pub scheduler: Scheduler,
    pub notifications: Notifications,
    pub shutdown: Shutdown,
    pub log: Log,
    pub traces: Traces,
}

macro_rules! section {
    ($name:ident { $($key:ident: $type:ty $(=> $with:literal)?),* $(,)? }) => {
        #[doc = concat!("The section of `config/default.toml` named like `", stringify!($name), "`.")]
        #[derive(Debug, Clone, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[allow(missing_docs, reason = "each key is commented in config/default.toml")]
        pub struct $name { $($(#[serde(deserialize_with = $with)])? pub $key: $type),* }
    };
}

section!(Deployment { environment: crate::domain::tenant::Environment, node: String });
section!(Api {
    listen: SocketAddr, body_bytes_max: usize, event_data_bytes_max: usize, batch_events_max: usize,
    header_timeout_ms: Duration => "millis", body_timeout_ms: Duration => "millis",
    request_timeout_ms: Duration => "millis", connections_max: usize, idempotency_s: Duration => "seconds",
    page_limit_default: u32, conversations_limit_default: u32, page_limit_max: u32, page_depth_max: u32,
    trusted_proxies: Vec<ipnet::IpNet>,
});
section!(Limits {
    requests_per_second_per_address: u32, unlimited_networks: Vec<ipnet::IpNet>,
    session_requests_per_minute: u64, batches_max: usize, streams_max: usize, streams_per_tenant_max: usize,
    stream_rows_per_second: u32,
});
section!(Admin { listen: String });
section!(Dashboard {
    rows_per_page: u32, form_bytes_max: usize, export_rows_max: u32, streams_max: usize,
    live_ms: Duration => "millis",
});
section!(Portal { link_s: Duration => "seconds", visit_s: Duration => "seconds", links_max: u32, public_url: String });
section!(Sessions {
    lifetime_s: Duration => "seconds", failures_max: u32, lockout_s: Duration => "seconds", hashes_max: usize,
});
section!(Store {
    url: SecretString, connections_max: u32, connect_timeout_ms: Duration => "millis",
    statement_timeout_ms: Duration => "millis", looked_max: u32, counted_max: u32,
});
section!(Broker {
    url: SecretString,
    prefix: String,
    shards: u16,
    queue_type: String,
    window: usize,
    prefetch: u16,
    ingest: bool,
    ingest_exchange: String,
    ingest_prefetch: u16,
});
section!(Accept {
    queue_max: usize, batch_max: usize, webhooks_max: u32, deliver_at_max_days: u32,
    meter_lease_ms: Duration => "millis",
});
section!(Delivery {
    lease_ms: Duration => "millis", timeout_default_ms: Duration => "millis",
    timeout_max_ms: Duration => "millis", origin: String, in_flight_max: usize,
    waiting_max: usize, waiting_per_webhook_max: usize, concurrency_start: u32, concurrency_max: u32,
    response_excerpt_bytes_max: usize, claims_max: u32, disable_after_s: Duration => "seconds",
    settle_batch_max: usize,
});
section!(Replays {
    unfinished_max: u32,
    outstanding_max: u32,
    batch_max: u32,
    step_ms: Duration => "millis",
    rate_default: u32,
    rate_max: u32,
    preview_max: u32,
});
section!(Audit { retention_days: u32 });
section!(Egress {
    allow_http: bool, allow_networks: Vec<ipnet::IpNet>, allow_hosts: Vec<String>, deny_networks: Vec<ipnet::IpNet>,
    dns_timeout_ms: Duration => "millis", dns_cache_ms: Duration => "millis", extra_ca_file: String,
});
section!(Scheduler {
    partitions: String, retention: String, idempotency: String, health: String, rotation: String, retention_days: u32,
    partition_days_ahead: u32, sweep_ms: Duration => "millis", sweep_max: usize, sweep_per_webhook_max: usize,
    leader_lease_ms: Duration => "millis",
});
section!(Notifications {
    smtp_url: SecretString,
    from: String,
    public_url: String,
    mails_per_tenant_hour: u32,
    digest: String,
});
section!(Shutdown { drain_ms: Duration => "millis" });
section!(Log { format: String, filter: String });
section!(Traces { endpoint: String, sample_ratio: f64, queue_max: usize });

fn millis<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_millis)
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_secs)
}

/// All that is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
#[error("the configuration has {} problem(s):\n  {}", .0.len(), .0.join("\n  "))]
pub struct ConfigError(pub Vec<String>);

impl Config {
    /// Reads the defaults, the file if one is given, and the environment.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let (text, environment) = Self::layers(file)?;
        Self::from_layers(&text, environment)
    }

    /// What is laid over the defaults: the text of the file, and the variables of the environment.
    pub fn layers(file: Option<&Path>) -> Result<(String, Vec<(String, String)>), ConfigError> {
        let environment = std::env::vars().filter(|(name, _)| name.starts_with(ENVIRONMENT_PREFIX)).collect();
        let text = match file {
            None => String::new(),
            Some(path) => std::fs::read_to_string(path)
                .map_err(|error| ConfigError(vec![format!("{}: cannot be read: {error}", path.display())]))?,
        };
        Ok((text, environment))
    }

    /// The same from a text and a list of environment variables.
    pub fn from_layers(
        file: &str,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let config: Self = Deserialize::deserialize(toml::Value::Table(Self::layered(file, environment)?))
            .map_err(|error: toml::de::Error| ConfigError(vec![error.to_string()]))?;
        config.check()
    }

    /// The values of all layers, each of a key that there is and of its type.
    fn layered(
        file: &str,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<toml::Table, ConfigError> {
        let mut problems = Vec::new();
        let mut values: toml::Table =
            toml::from_str(DEFAULTS).map_err(|error| ConfigError(vec![format!("config/default.toml: {error}")]))?;
        match toml::from_str::<toml::Table>(file) {
            Ok(table) => overlay(&mut values, table, "", &mut problems),
            Err(error) => problems.push(format!("the configuration file is not TOML: {}", error.message())),
        }
        for (name, text) in environment {
            let path: Vec<String> = name[ENVIRONMENT_PREFIX.len()..].split("__").map(str::to_ascii_lowercase).collect();
            if let Err(problem) = set_from_text(&mut values, &path, &text) {
                problems.push(format!("{name}: {problem}"));
            }
        }
        if problems.is_empty() { Ok(values) } else { Err(ConfigError(problems)) }
    }

    /// What must be at least one, and whether it is.
    fn positive(&self) -> [(bool, &'static str); 15] {
        [
            (self.store.looked_max > 0, "store.looked_max"),
            (self.store.counted_max > 0, "store.counted_max"),
            (self.accept.batch_max > 0, "accept.batch_max"),
            (self.delivery.concurrency_start > 0, "delivery.concurrency_start"),
            (!self.sessions.lifetime_s.is_zero(), "sessions.lifetime_s"),
            (self.sessions.failures_max > 0, "sessions.failures_max"),
            (self.sessions.hashes_max > 0, "sessions.hashes_max"),
            (!self.portal.link_s.is_zero(), "portal.link_s"),
            (!self.portal.visit_s.is_zero(), "portal.visit_s"),
            (self.limits.stream_rows_per_second > 0, "limits.stream_rows_per_second"),
            (self.replays.outstanding_max > 0, "replays.outstanding_max"),
            (self.replays.batch_max > 0, "replays.batch_max"),
            (self.broker.shards > 0, "broker.shards"),
            (self.notifications.mails_per_tenant_hour > 0, "notifications.mails_per_tenant_hour"),
            (self.traces.queue_max > 0, "traces.queue_max"),
        ]
    }

    fn check(self) -> Result<Self, ConfigError> {
        let mut problems = Vec::new();
        let mut require = |holds: bool, text: &str| {
            if !holds {
                problems.push(text.to_owned());
            }
        };
        require(
            self.delivery.lease_ms >= self.delivery.timeout_max_ms + LEASE_MARGIN,
            "delivery.lease_ms: must be at least timeout_max_ms + 5000, so that a claim outlives the longest request",
        );
        for (holds, key) in self.positive() {
            require(holds, &format!("{key}: must be at least 1"));
        }
        require(self.accept.deliver_at_max_days <= 365, "accept.deliver_at_max_days: must be at most 365");
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
        require(
            self.delivery.origin.bytes().all(is_name),
            "delivery.origin: must be a DNS name, such as hooks.example.com",
        );
        require(self.replays.step_ms >= Duration::from_millis(10), "replays.step_ms: must be at least 10");
        require(
            (1..=self.replays.rate_max).contains(&self.replays.rate_default),
            "replays.rate_default: must be from 1 to rate_max",
        );
        require(
            (1..=200).contains(&self.dashboard.rows_per_page),
            "dashboard.rows_per_page: must be at least 1 and at most 200",
        );
        require(self.dashboard.live_ms >= Duration::from_millis(100), "dashboard.live_ms: must be at least 100");
        require(
            matches!(self.broker.queue_type.as_str(), "classic" | "quorum"),
            "broker.queue_type: must be \"classic\" or \"quorum\"",
        );
        require(matches!(self.log.format.as_str(), "text" | "json"), "log.format: must be \"text\" or \"json\"");
        let public_url = &self.notifications.public_url;
        let is_url = |text: &str| url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        require(
            public_url.is_empty() || is_url(public_url),
            "notifications.public_url: must be like https://hooks.example.com",
        );
        let Traces { endpoint, sample_ratio, .. } = &self.traces;
        require(endpoint.is_empty() || is_url(endpoint), "traces.endpoint: must be like http://localhost:4318");
        require((0.0..=1.0).contains(sample_ratio), "traces.sample_ratio: must be from 0 to 1");
        let Scheduler { partitions, retention, idempotency, health, rotation, .. } = &self.scheduler;
        for (key, text) in [
            ("notifications.digest", &self.notifications.digest),
            ("scheduler.partitions", partitions),
            ("scheduler.retention", retention),
            ("scheduler.idempotency", idempotency),
            ("scheduler.health", health),
            ("scheduler.rotation", rotation),
        ] {
            if let Err(error) = text.parse::<cron::Schedule>() {
                problems.push(format!("{key}: not a cron expression: {error}"));
            }
        }
        if problems.is_empty() { Ok(self) } else { Err(ConfigError(problems)) }
    }
}

/// A variable of the environment that belongs to a command and not to the configuration; an empty one counts as unset.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "this is where the environment is read")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn overlay(base: &mut toml::Table, over: toml::Table, prefix: &str, problems: &mut Vec<String>) {
    for (key, value) in over {
        let path = format!("{prefix}{key}");
        match (base.get_mut(&key), value) {
            (None, _) => problems.push(format!("{path}: unknown key")),
            (Some(toml::Value::Table(inner)), toml::Value::Table(value)) => {
                overlay(inner, value, &format!("{path}."), problems);
            }
            (Some(slot), value) if slot.same_type(&value) => *slot = value,
            (Some(slot), value) => {
                problems.push(format!("{path}: must be of type {}, not {}", slot.type_str(), value.type_str()));
            }
        }
    }
}

fn set_from_text(values: &mut toml::Table, path: &[String], text: &str) -> Result<(), String> {
    let (last, parents) = path.split_last().ok_or("unknown key")?;
    let mut table = values;
    for parent in parents {
        table = table.get_mut(parent).and_then(toml::Value::as_table_mut).ok_or("unknown key")?;
    }
    let slot = table.get_mut(last).ok_or("unknown key")?;
    *slot = match slot {
        toml::Value::String(_) => toml::Value::String(text.to_owned()),
        toml::Value::Integer(_) => toml::Value::Integer(text.parse().map_err(|_| "must be a whole number")?),
        toml::Value::Boolean(_) => toml::Value::Boolean(text.parse().map_err(|_| "must be true or false")?),
        toml::Value::Array(_) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            toml::Value::Array(items.map(|item| toml::Value::String(item.to_owned())).collect())
        }
        toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Table(_) => return Err("unknown key".into()),
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(file: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::from_layers(file, environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())))
    }

    #[test]
    fn the_default_file_and_the_struct_agree() {
        load("", &[]).expect("the defaults are valid");
    }

    #[test]
    fn later_layers_win() {
        let config = load("[broker]\nshards = 3", &[("ANGARIUM__BROKER__SHARDS", "5")]).expect("valid");
        assert_eq!(config.broker.shards, 5);
        let config = load("", &[("ANGARIUM__EGRESS__ALLOW_NETWORKS", "10.0.0.0/8, ::1/128")]).expect("valid");
        assert_eq!(config.egress.allow_networks.len(), 2);
    }

    #[test]
    fn all_problems_are_reported_at_once() {
        let error = load("nonsense = 1\n[broker]\nshards = \"x\"", &[("ANGARIUM__API__NOPE", "1")]).unwrap_err();
        assert_eq!(error.0.len(), 3, "{error}");
        let error = load("[broker]\nshards = 0\n[scheduler]\nhealth = \"x\"", &[]).unwrap_err();
        assert_eq!(error.0.len(), 2, "{error}");
    }

    #[test]
    fn limits_out_of_range_are_refused() {
        let out_of_range = [
            ("store", "looked_max = 0"),
            ("store", "counted_max = 0"),
            ("accept", "batch_max = 0"),
            ("accept", "deliver_at_max_days = 366"),
            ("delivery", "lease_ms = 1"),
            ("delivery", "concurrency_start = 0"),
            ("sessions", "lifetime_s = 0"),
            ("sessions", "failures_max = 0"),
            ("sessions", "hashes_max = 0"),
            ("portal", "link_s = 0"),
            ("portal", "visit_s = 0"),
            ("limits", "stream_rows_per_second = 0"),
            ("broker", "shards = 0"),
            ("notifications", "mails_per_tenant_hour = 0"),
            ("traces", "sample_ratio = 1.1"),
            ("traces", "queue_max = 0"),
            ("replays", "outstanding_max = 0"),
            ("replays", "batch_max = 0"),
            ("replays", "step_ms = 9"),
            ("replays", "rate_default = 0"),
            ("dashboard", "rows_per_page = 201"),
            ("dashboard", "live_ms = 99"),
        ];
        for (section, line) in out_of_range {
            let problems = load(&format!("[{section}]\n{line}"), &[]).unwrap_err().0;
            let key = line.split(' ').next().unwrap();
            assert!(
                problems.len() == 1 && problems[0].starts_with(&format!("{section}.{key}: must be")),
                "{problems:?}"
            );
        }
    }

    #[test]
    fn secrets_are_not_printed() {
        let config = load("", &[("ANGARIUM__STORE__URL", "postgres://u:hunter2@h/d")]).expect("valid");
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
