//! Explain: which webhooks an event would go to, and why the others do not get it. Nothing is accepted or sent.

use std::sync::Arc;

use serde_json::Value;

use super::Engine;
use super::directory::Listener;
use super::event_types::Judgement;
use crate::domain::channel::Channels;
use crate::domain::event::EventContent;
use crate::domain::filter::Unmet;
use crate::domain::id::WebhookId;
use crate::domain::selection::{Selection, select};
use crate::domain::tenant::Scope;
use crate::domain::webhook::{Webhook, WebhookStatus};
use crate::store::StoreError;

/// What would become of an event.
pub struct Explanation {
    /// What the schema of its type says.
    pub judgement: Judgement,
    /// Each webhook of the scope, or the one that was asked for; newest first.
    pub webhooks: Vec<Explained>,
}

/// What would become of an event at one webhook.
pub struct Explained {
    /// The webhook.
    pub listener: Arc<Listener>,
    /// Whether it gets the event.
    pub verdict: Verdict,
}

/// Whether a webhook gets an event, and if not, why.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It does.
    Sent,
    /// It does, once it is resumed: it is paused.
    Paused,
    /// It does, once it is resumed: it was disabled.
    Disabled,
    /// It subscribes to other types.
    OtherType,
    /// Its profile has no name for the type.
    OtherProfile,
    /// It hears other channels.
    OtherChannel,
    /// Its filter does not hold, because of these.
    Filtered(Vec<Unmet>),
}

impl Verdict {
    /// Whether it gets the event, now or later.
    #[must_use]
    pub fn matches(&self) -> bool {
        match self {
            Self::Sent | Self::Paused | Self::Disabled => true,
            Self::OtherType | Self::OtherProfile | Self::OtherChannel | Self::Filtered(_) => false,
        }
    }
}

impl Engine {
    /// What would become of an event. With `only`, at that webhook; none if there is no such webhook.
    pub async fn explain(
        &self,
        scope: Scope,
        event: &EventContent,
        channels: &Channels,
        only: Option<WebhookId>,
    ) -> Result<Option<Explanation>, StoreError> {
        let snapshot = self.refresh_directory().await?;
        let tree: Option<Value> = serde_json::from_slice(&event.data).ok();
        let asked = |listener: &&Arc<Listener>| only.is_none_or(|only| listener.webhook.id == only);
        let mut webhooks: Vec<Explained> = snapshot
            .listeners_of(scope)
            .iter()
            .filter(asked)
            .map(|listener| Explained {
                listener: Arc::clone(listener),
                verdict: verdict(&listener.webhook, event, channels, tree.as_ref()),
            })
            .collect();
        if only.is_some() && webhooks.is_empty() {
            return Ok(None);
        }
        webhooks.sort_by_key(|explained| std::cmp::Reverse(explained.listener.webhook.id.0));
        let judgement = self.judge(scope, &event.event_type, || tree.as_ref());
        Ok(Some(Explanation { judgement, webhooks }))
    }
}

fn verdict(webhook: &Webhook, event: &EventContent, channels: &Channels, data: Option<&Value>) -> Verdict {
    let settings = &webhook.settings;
    match select(settings, &event.event_type, channels, || data) {
        Selection::Wanted => match webhook.status {
            WebhookStatus::Active => Verdict::Sent,
            WebhookStatus::Paused => Verdict::Paused,
            WebhookStatus::Disabled => Verdict::Disabled,
        },
        Selection::OtherType => Verdict::OtherType,
        Selection::OtherProfile => Verdict::OtherProfile,
        Selection::OtherChannel => Verdict::OtherChannel,
        Selection::Filtered => {
            let unmet = settings.filter.as_ref().zip(data).map(|(filter, data)| filter.unmet(data));
            Verdict::Filtered(unmet.unwrap_or_default())
        }
    }
}
