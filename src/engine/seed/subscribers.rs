//! Who is sent to: made-up tenants, and webhooks that fare differently.

use std::time::Duration;

use super::draw::Draw;
use crate::domain::attempt::{AttemptResult, FailureKind};
use crate::domain::id::WebhookId;
use crate::domain::subscription::Subscription;
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;
use crate::domain::webhook::{Webhook, WebhookSettings, WebhookStatus};

/// What tenants are called, as many as there may be.
pub(super) const TENANTS: [&str; 8] = ["alder", "birch", "cedar", "dogwood", "elm", "fir", "gorse", "hazel"];

/// Before now, a receiver went away.
const DOWN_FOR: Duration = Duration::from_hours(36);
/// Before now, a webhook was stopped.
const STOPPED_FOR: Duration = Duration::from_hours(8);
/// The time limit of requests.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How a receiver answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Temper {
    /// Well, nearly always.
    Good,
    /// Well, and late.
    Slow,
    /// Every tenth time not.
    Flaky,
    /// Some of what it is sent it never takes.
    Picky,
    /// It went away a while ago.
    Down,
    /// A person has paused it.
    Paused,
    /// Angarium has disabled it.
    Disabled,
}

/// What a webhook is for; after the last of them it begins again.
const SHAPES: [(&str, &[&str], Temper); 12] = [
    ("warehouse", &["order.*"], Temper::Good),
    ("crm", &["customer.*", "message.received"], Temper::Good),
    ("billing", &["invoice.*", "order.paid"], Temper::Flaky),
    ("analytics", &["*"], Temper::Slow),
    ("newsletter", &["customer.created"], Temper::Picky),
    ("legacy-erp", &["order.created", "order.cancelled"], Temper::Down),
    ("chat", &["message.*", "conversation.*"], Temper::Good),
    ("fraud-check", &["order.created", "invoice.failed"], Temper::Good),
    ("shipping", &["order.paid", "order.shipped"], Temper::Flaky),
    ("staging-copy", &["subscription.*", "report.*"], Temper::Paused),
    ("partner", &["customer.updated"], Temper::Good),
    ("old-partner", &["customer.updated"], Temper::Disabled),
];

/// A webhook, and how it fares.
pub(super) struct Subscriber {
    pub(super) webhook: Webhook,
    pub(super) temper: Temper,
    /// When it went away or was stopped; never for others.
    pub(super) ends_at: Timestamp,
}

impl Subscriber {
    /// The `number`th webhook of a tenant.
    pub(super) fn new(
        scope: Scope,
        tenant: &str,
        number: u32,
        (start, now): (Timestamp, Timestamp),
        draw: &mut Draw,
    ) -> Self {
        let place = usize::try_from(number).unwrap_or(0);
        let (slug, events, temper) = SHAPES[place % SHAPES.len()];
        let round = place / SHAPES.len();
        let name = if round == 0 { slug.to_owned() } else { format!("{slug}-{}", round + 1) };
        // Of a domain that nobody can have (RFC 6761).
        let url = format!("https://hooks.{tenant}.invalid/{name}");
        let events = Subscription::parse(events).expect("a test parses them");
        let (status, status_reason, ends_at) = match temper {
            Temper::Good | Temper::Slow | Temper::Flaky | Temper::Picky => {
                (WebhookStatus::Active, None, Timestamp::NEVER)
            }
            Temper::Down => (WebhookStatus::Active, None, now.before(DOWN_FOR).max(start)),
            Temper::Paused => (WebhookStatus::Paused, None, now.before(STOPPED_FOR).max(start)),
            Temper::Disabled => {
                let reason = Some("The receiver answered 410 Gone.".to_owned());
                (WebhookStatus::Disabled, reason, now.before(STOPPED_FOR).max(start))
            }
        };
        let webhook = Webhook {
            id: WebhookId::new(start, draw.bits()),
            scope,
            settings: WebhookSettings::plain(name, url, events, TIMEOUT),
            status,
            status_reason,
            consent: None,
            created_at: start,
            updated_at: if status == WebhookStatus::Active { start } else { ends_at },
            deleted_at: None,
            revision: 0,
        };
        Self { webhook, temper, ends_at }
    }

    /// Whether nothing is sent to it at an instant.
    pub(super) fn is_stopped(&self, at: Timestamp) -> bool {
        matches!(self.temper, Temper::Paused | Temper::Disabled) && at >= self.ends_at
    }

    /// What an attempt at an instant comes to, and how long it takes. One that is refused is refused every time.
    pub(super) fn answer(&self, at: Timestamp, is_refused: bool, draw: &mut Draw) -> (AttemptResult, Duration) {
        let quick = Duration::from_micros(15_000 + draw.below(60_000));
        if is_refused {
            return (AttemptResult::FailedStatus { status: 422, retry_after: None }, quick);
        }
        let failures = match self.temper {
            Temper::Down if at >= self.ends_at => 10_000,
            Temper::Flaky => 1_000,
            Temper::Good | Temper::Slow | Temper::Picky | Temper::Down | Temper::Paused | Temper::Disabled => 80,
        };
        if draw.happens(failures) {
            return failure(quick, draw);
        }
        let took =
            if self.temper == Temper::Slow { quick + Duration::from_millis(300 + draw.below(1_500)) } else { quick };
        (AttemptResult::Succeeded { status: if draw.happens(1_500) { 204 } else { 200 } }, took)
    }
}

/// A failure, the common ones more often.
fn failure(quick: Duration, draw: &mut Draw) -> (AttemptResult, Duration) {
    let status = |status| AttemptResult::FailedStatus { status, retry_after: None };
    let kind = |kind| AttemptResult::Failed { kind };
    let choices = [
        (status(503), 40),
        (status(500), 18),
        (status(502), 10),
        (status(404), 4),
        (status(429), 6),
        (kind(FailureKind::Timeout), 12),
        (kind(FailureKind::Connect), 6),
        (kind(FailureKind::Reset), 3),
        (kind(FailureKind::Tls), 1),
    ];
    let (result, _) = draw.pick(&choices, |(_, weight)| *weight);
    let took = if result.failure_kind() == Some(FailureKind::Timeout) { TIMEOUT } else { quick };
    (result.clone(), took)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_is_a_subscription() {
        assert!(SHAPES.iter().all(|(_, events, _)| Subscription::parse(events).is_ok()));
    }
}
