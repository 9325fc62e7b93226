//! How a webhook fares, in one sentence: whether it is stopped, failing, given a rest, or well.

use super::prose::Prose;
use super::words::far;
use crate::domain::time::Timestamp;
use crate::domain::webhook::{Webhook, WebhookStatus};
use crate::engine::Engine;

/// The sentence, and what it is about.
pub(super) struct Health {
    pub(super) tone: &'static str,
    pub(super) word: &'static str,
    pub(super) sentence: Prose,
}

impl Health {
    /// `failing_since` is since when every attempt has failed.
    pub(super) fn of(webhook: &Webhook, failing_since: Option<Timestamp>, engine: &Engine, now: Timestamp) -> Self {
        let is = |tone, word, sentence| Self { tone, word, sentence };
        match webhook.status {
            WebhookStatus::Paused => {
                return is("idle", "paused", Prose::new("Somebody paused it: deliveries wait until it is resumed."));
            }
            WebhookStatus::Disabled => {
                let why = webhook.status_reason.as_deref().unwrap_or("It was disabled.");
                return is(
                    "bad",
                    "disabled",
                    Prose::read(why, now).then(" Deliveries wait until somebody resumes it."),
                );
            }
            WebhookStatus::Active => {}
        }
        let rest = engine.gates.shut_until(webhook.id, now);
        if let Some(since) = failing_since {
            let until = since.after(engine.limits().disable_after);
            let rest = rest.map_or(String::new(), |at| format!(" The next try is {}.", far(at, now)));
            let sentence = Prose::new("Every attempt has failed since ").at(since, now);
            let sentence = sentence.then(format!(".{rest} It is disabled at ")).at(until, now).then(".");
            return is("bad", "failing", sentence);
        }
        if let Some(at) = rest {
            let sentence = Prose::new("It is given a rest until ").at(at, now).then("; it goes on by itself then.");
            return is("retrying", "resting", sentence);
        }
        if engine.gates.is_probing(webhook.id) {
            let sentence = "A few deliveries are let through, to see whether the receiver is back.";
            return is("retrying", "trying", Prose::new(sentence));
        }
        is("good", "well", Prose::new("Deliveries are sent as they come."))
    }
}
