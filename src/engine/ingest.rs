//! Ingest: events that a core API publishes to the broker's topic exchange, accepted like any other.
//!
//! The routing key is `<tenant>.<event type>`, the tenant by its name or its id; the body is the event's data; the
//! message id, if there is one, is the idempotency key. The header [`ENVIRONMENT_HEADER`] names the environment,
//! [`CHANNELS_HEADER`] and [`DELIVER_AT_HEADER`] say where and when the event goes.
//! What can never be accepted is rejected with a reason; what cannot be accepted now is given back.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::Engine;
use super::accept::{AcceptError, IdempotencyKey, Publish, Target};
use crate::broker::ingest::{IngestMessage, IngestVerdict};
use crate::domain::channel::{Channels, EVENT_CHANNELS_MAX};
use crate::domain::event::{DATA_DEPTH_MAX, EventType, Routing, nesting, read_deliver_at};
use crate::domain::field::FieldProblem;
use crate::domain::id::TenantId;
use crate::domain::meter::{Metered, Period};
use crate::domain::tenant::{Environment, Scope};
use crate::store::StoreError;

/// `production` (which it is when it is absent) or `staging`.
pub const ENVIRONMENT_HEADER: &str = "x-angarium-environment";
/// The event's channels, with commas between them.
pub const CHANNELS_HEADER: &str = "x-angarium-channels";
/// When to deliver, as RFC 3339.
pub const DELIVER_AT_HEADER: &str = "x-angarium-deliver-at";
/// The most characters of an idempotency key.
pub const IDEMPOTENCY_KEY_CHARS_MAX: usize = 255;

/// The next minute is worth waiting for, the next month is not.
fn refusal_of(Metered { count, limit }: &Metered) -> Refusal {
    match count.window.period {
        Period::Minute => Refusal::NotNow,
        Period::Month => {
            let (meter, limit) = (&count.meter, limit.as_number());
            Refusal::Never(format!("the plan's {limit} {meter} of this month are used up"))
        }
    }
}

enum Refusal {
    Never(String),
    NotNow,
}

impl From<StoreError> for Refusal {
    fn from(_: StoreError) -> Self {
        Self::NotNow
    }
}

fn refusal(error: AcceptError) -> Refusal {
    match error {
        AcceptError::Misfit(misfits) => {
            let misfits: Vec<String> = misfits.iter().map(FieldProblem::sentence).collect();
            Refusal::Never(format!("the body does not fit the schema of its type: {}", misfits.join("; ")))
        }
        AcceptError::KeyReused => Refusal::Never("the message id was used with another message".to_owned()),
        AcceptError::UsedUp(used_up) => refusal_of(&used_up.metered),
        AcceptError::Overloaded
        | AcceptError::RecordRefused
        | AcceptError::WebhookNotFound
        | AcceptError::Expunged(_)
        | AcceptError::Store(_) => Refusal::NotNow,
    }
}

impl Engine {
    /// Accepts a message of the topic exchange.
    pub async fn ingest(&self, message: IngestMessage) -> IngestVerdict {
        match self.try_ingest(message).await {
            Ok(()) => IngestVerdict::Accepted,
            Err(Refusal::Never(reason)) => IngestVerdict::Rejected { reason },
            Err(Refusal::NotNow) => IngestVerdict::Later,
        }
    }

    async fn try_ingest(&self, message: IngestMessage) -> Result<(), Refusal> {
        let never = |reason: String| Refusal::Never(reason);
        let IngestMessage { routing_key, message_id, headers, body } = message;
        let (tenant, event_type) =
            routing_key.split_once('.').ok_or_else(|| never("the routing key is not <tenant>.<event type>".into()))?;
        let event_type = EventType::parse(event_type).map_err(|error| never(format!("the event type {error}")))?;
        let environment = headers.get(ENVIRONMENT_HEADER).map_or(Ok(Environment::Production), |text| text.parse());
        let environment = environment.map_err(|error| never(format!("the header {ENVIRONMENT_HEADER} {error}")))?;
        let tenant = self.tenant_of_route(tenant).await?.ok_or_else(|| never("there is no such tenant".into()))?;
        let max = self.event_data_bytes_max(tenant);
        if body.len() > max {
            return Err(never(format!("the body has {} bytes; at most {max} are allowed", body.len())));
        }
        let object = serde_json::from_slice::<&RawValue>(&body).is_ok_and(|raw| raw.get().starts_with('{'));
        if !object {
            return Err(never("the body is not a JSON object".into()));
        }
        if nesting(&body) > DATA_DEPTH_MAX {
            return Err(never(format!("the body is nested more than {DATA_DEPTH_MAX} levels deep")));
        }
        let routing = self.routing(&headers).map_err(never)?;
        if message_id.as_ref().is_some_and(|id| id.is_empty() || id.len() > IDEMPOTENCY_KEY_CHARS_MAX) {
            return Err(never(format!("the message id must have 1 to {IDEMPOTENCY_KEY_CHARS_MAX} characters")));
        }
        let routing_headers =
            [CHANNELS_HEADER, DELIVER_AT_HEADER].map(|name| headers.get(name).map_or("", String::as_str)).join("\0");
        let idempotency = message_id.map(|key| IdempotencyKey {
            key,
            request_hash: Sha256::new()
                .chain_update(event_type.as_str())
                .chain_update([0])
                .chain_update(&body)
                .chain_update(routing_headers)
                .finalize()
                .into(),
        });
        let publish = Publish { routing, idempotency, ..Publish::new(event_type, body) };
        let accepted = self.accept(Scope { tenant, environment }, publish, Target::Subscribers).await;
        accepted.map(drop).map_err(refusal)
    }

    fn routing(&self, headers: &BTreeMap<String, String>) -> Result<Routing, String> {
        let names = headers
            .get(CHANNELS_HEADER)
            .map_or_else(Vec::new, |text| text.split(',').map(|name| name.trim().to_owned()).collect());
        let channels = Channels::read(names, EVENT_CHANNELS_MAX).map_err(|problems| {
            let problem = problems.first().map(FieldProblem::sentence).unwrap_or_default();
            format!("the header {CHANNELS_HEADER}: {problem}")
        })?;
        let read = |text: &String| read_deliver_at(text, self.clock.now(), self.limits.deliver_at_max);
        let deliver_at = headers.get(DELIVER_AT_HEADER).map(read).transpose();
        let deliver_at = deliver_at.map_err(|error| format!("the header {DELIVER_AT_HEADER} {error}"))?;
        Ok(Routing { channels, deliver_at })
    }

    async fn tenant_of_route(&self, text: &str) -> Result<Option<TenantId>, StoreError> {
        let find = |snapshot: &super::directory::Snapshot| match text.parse::<TenantId>() {
            Ok(id) => snapshot.tenant(id).map(|tenant| tenant.id),
            Err(_) => snapshot.tenant_named(text).map(|tenant| tenant.id),
        };
        match find(&self.directory.current()) {
            Some(id) => Ok(Some(id)),
            None => Ok(find(&*self.refresh_directory().await?)),
        }
    }
}
