//! What the parts are told of a configuration.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use secrecy::ExposeSecret;

use super::Role;
use crate::broker::INLINE_BYTES_MAX;
use crate::broker::rabbitmq::{QueueType, RabbitOptions};
use crate::chance;
use crate::config::Config;
use crate::domain::egress::EgressPolicy;
use crate::domain::plan::Plans;
use crate::domain::secret::MasterKeys;
use crate::domain::tenant::Environment;
use crate::engine::Limits;
use crate::engine::mails::MailLimits;
use crate::scheduler::SchedulerOptions;
use crate::scheduler::mailer::Mailer;
use crate::telemetry::traces::TraceOptions;
use crate::worker::client::ClientOptions;
use crate::worker::lanes::LaneLimits;

/// Tickets that one message of RabbitMQ carries.
const BATCH_TICKETS_MAX: usize = 64;
const DAY: Duration = Duration::from_hours(24);

/// The master keys of a configuration: the text, else the file.
pub fn master_keys(config: &Config) -> anyhow::Result<MasterKeys> {
    let mut text = config.master_keys.expose_secret().to_owned();
    if text.is_empty() && !config.master_keys_file.is_empty() {
        text = std::fs::read_to_string(&config.master_keys_file).context("master_keys_file cannot be read")?;
    }
    if text.trim().is_empty() {
        bail!("no master key: set ANGARIUM__MASTER_KEYS to the output of `angarium keys master`");
    }
    MasterKeys::parse(text.trim()).context("master_keys")
}

pub(super) fn trace_options(config: &Config, node: &str) -> TraceOptions {
    TraceOptions {
        endpoint: config.traces.endpoint.clone(),
        sample_ratio: config.traces.sample_ratio,
        queue_max: config.traces.queue_max,
        node: node.to_owned(),
    }
}

pub(super) fn limits(config: &Config) -> Limits {
    Limits {
        accept_queue_max: config.accept.queue_max,
        accept_batch_max: config.accept.batch_max,
        webhooks_max: config.accept.webhooks_max,
        deliver_at_max: DAY * config.accept.deliver_at_max_days,
        event_data_bytes_max: config.api.event_data_bytes_max,
        idempotency: config.api.idempotency_s,
        lease: config.delivery.lease_ms,
        timeout_max: config.delivery.timeout_max_ms,
        origin: config.delivery.origin.clone(),
        settle_batch_max: config.delivery.settle_batch_max,
        claims_max: config.delivery.claims_max,
        sweep_max: config.scheduler.sweep_max,
        sweep_per_webhook_max: u32::try_from(config.scheduler.sweep_per_webhook_max).unwrap_or(u32::MAX),
        disable_after: config.delivery.disable_after_s,
        meter_lease: config.accept.meter_lease_ms,
        session_requests_per_minute: config.limits.session_requests_per_minute,
        production: config.deployment.environment == Environment::Production,
        session: config.sessions.lifetime_s,
        login_failures_max: config.sessions.failures_max,
        login_lockout: config.sessions.lockout_s,
        password_hashes_max: config.sessions.hashes_max,
        replays: config.replays.clone(),
        portal: config.portal.clone(),
        audit_retention: DAY * config.audit.retention_days,
        mails: (!config.notifications.smtp_url.expose_secret().is_empty()).then(|| MailLimits {
            per_tenant_hour: config.notifications.mails_per_tenant_hour,
            public_url: config.notifications.public_url.clone(),
        }),
    }
}

/// The plans of a configuration: those of its file, else the ones that come with Angarium.
pub fn plans(config: &Config) -> anyhow::Result<Plans> {
    let text = match config.plans_file.as_str() {
        "" => crate::config::PLANS.to_owned(),
        file => std::fs::read_to_string(file).context("plans_file cannot be read")?,
    };
    Plans::parse(&text).map_err(|problems| anyhow::anyhow!("the plans have mistakes:\n{problems}"))
}

pub(super) fn egress(config: &Config) -> EgressPolicy {
    EgressPolicy {
        allow_http: config.egress.allow_http,
        allow_networks: config.egress.allow_networks.clone(),
        deny_networks: config.egress.deny_networks.clone(),
        allow_hosts: config.egress.allow_hosts.clone(),
        deny_ports: Vec::new(),
    }
}

pub(super) fn client_options(config: &Config) -> anyhow::Result<ClientOptions> {
    let extra_ca = match config.egress.extra_ca_file.as_str() {
        "" => None,
        file => Some(std::fs::read(file).context("egress.extra_ca_file cannot be read")?),
    };
    Ok(ClientOptions {
        policy: egress(config),
        dns_timeout: config.egress.dns_timeout_ms,
        dns_cache: config.egress.dns_cache_ms,
        extra_ca,
        excerpt_bytes_max: config.delivery.response_excerpt_bytes_max,
        // Many webhooks may live on one host: none of their connections is closed while it could be used again.
        idle_per_host_max: config.delivery.in_flight_max,
    })
}

pub(super) fn lane_limits(config: &Config) -> LaneLimits {
    LaneLimits {
        in_flight_max: config.delivery.in_flight_max,
        waiting_max: config.delivery.waiting_max,
        waiting_per_webhook_max: config.delivery.waiting_per_webhook_max,
        concurrency_start: config.delivery.concurrency_start,
        concurrency_max: config.delivery.concurrency_max,
    }
}

pub(super) fn scheduler_options(config: &Config, node: &str) -> anyhow::Result<SchedulerOptions> {
    let settings = &config.scheduler;
    Ok(SchedulerOptions {
        node: node.to_owned(),
        leader_lease: settings.leader_lease_ms,
        sweep_every: settings.sweep_ms,
        replay_step_every: config.replays.step_ms,
        partition_days_ahead: settings.partition_days_ahead,
        retention_days: settings.retention_days,
        partitions: settings.partitions.parse()?,
        retention: settings.retention.parse()?,
        idempotency: settings.idempotency.parse()?,
        health: settings.health.parse()?,
        rotation: settings.rotation.parse()?,
        mailer: mailer(config)?,
    })
}

/// Who sends mails, if anybody is to.
pub fn mailer(config: &Config) -> anyhow::Result<Option<Mailer>> {
    let settings = &config.notifications;
    if settings.smtp_url.expose_secret().is_empty() {
        return Ok(None);
    }
    Ok(Some(Mailer::new(settings.smtp_url.expose_secret(), &settings.from, settings.digest.parse()?)?))
}

pub(super) fn rabbit_options(config: &Config, node: &str, role: Role) -> RabbitOptions {
    RabbitOptions {
        uri: config.broker.url.clone(),
        prefix: config.broker.prefix.clone(),
        node: node.to_owned(),
        shards: config.broker.shards,
        queue_type: if config.broker.queue_type == "quorum" { QueueType::Quorum } else { QueueType::Classic },
        consume: role.works(),
        prefetch: config.broker.prefetch,
        window: config.broker.window,
        batch_tickets_max: BATCH_TICKETS_MAX,
        payload_inline_max: INLINE_BYTES_MAX,
        chance: Arc::new(chance::fraction),
    }
}
