//! Notices: events about Angarium's own work, which a tenant can subscribe to like any other.

use bytes::Bytes;
use serde_json::{Value, json};

use super::Engine;
use super::accept::{Publish, Target};
use super::settle::AttemptOver;
use crate::domain::event::EventType;
use crate::domain::mail::MailKind;
use crate::domain::tenant::Scope;
use crate::store::beside::Beside;

/// Types that Angarium itself publishes. A delivery of one of these never causes another.
pub const NOTICE_TYPES: [&str; 5] =
    ["webhook.disabled", "webhook.failing", "delivery.exhausted", "quota.reached", "api_key.rotation_due"];

impl Engine {
    pub(super) async fn notice_exhausted(&self, over: &AttemptOver) {
        if NOTICE_TYPES.contains(&over.event_type.as_str()) {
            return;
        }
        let data = json!({
            "deliveryId": over.delivery,
            "webhookId": over.webhook,
            "eventType": over.event_type,
            "attempts": over.number,
            "lastStatus": over.result.status(),
            "lastError": over.result.failure_kind().map(crate::domain::attempt::FailureKind::as_str),
        });
        self.notice(over.scope, "delivery.exhausted", &data, None).await;
    }

    /// Publishes a notice, if somebody subscribes to it, and tells the tenant's people by mail, if it is one for them
    /// and mails are on: in one transaction. Its loss is logged, not retried.
    pub(super) async fn notice(&self, scope: Scope, event_type: &str, data: &Value, mail: Option<(MailKind, &Value)>) {
        let Ok(event_type) = EventType::parse(event_type) else { return };
        let mail = mail.and_then(|(kind, facts)| self.mail_row(scope, kind, facts));
        let snapshot = self.directory.current();
        if snapshot.listeners_of(scope).iter().any(|l| l.webhook.settings.wants(&event_type)) {
            let data = Bytes::from(data.to_string());
            let beside = mail.clone().map(|mail| Box::new(Beside { line: None, mail: Some(mail) }));
            let publish = Publish { is_metered: false, beside, ..Publish::new(event_type.clone(), data) };
            match self.accept(scope, publish, Target::Subscribers).await {
                Ok(_) => return,
                Err(error) => tracing::warn!("the notice {event_type} was lost: {error}"),
            }
        }
        if let Some(mail) = mail {
            self.mail_tenant(&mail).await;
        }
    }
}
