//! Lines: a webhook with a strict order is sent one delivery at a time, as they were accepted.
//!
//! The line of a webhook, a row of its own, says which delivery is its first. Only that one is claimed, whether it is
//! for the first time, for a retry, or because its lease ran out; when it is over, the next takes its place. A sweep
//! moves lines, and whoever settles the first of one moves it at once.

use std::sync::Arc;

use super::Engine;
use super::sweep::{Ready, count_by_webhook};
use crate::domain::id::WebhookId;
use crate::domain::time::Timestamp;
use crate::store::StoreError;

impl Engine {
    /// Makes tickets of the first in each line that is due; returns how many.
    pub(super) async fn sweep_lines(&self, lines: &[Ready], now: Timestamp) -> Result<usize, StoreError> {
        let mut claimed = 0;
        for line in lines {
            if self.store.first_in_line(line.webhook).await?.is_some_and(|due_at| due_at > now) {
                continue;
            }
            if self.broker.reserve(1) == 0 {
                break;
            }
            let moved = self.store.move_line(line.webhook, now, now.after(self.limits.lease)).await;
            let rows: Vec<_> = moved.as_ref().ok().copied().flatten().into_iter().collect();
            let tickets = self.tickets(&rows, now).await;
            self.broker.release(1usize.saturating_sub(tickets.as_ref().map_or(0, Vec::len)));
            moved?;
            self.note_fed(std::slice::from_ref(line), &count_by_webhook(&rows), now);
            self.broker.publish(tickets?);
            claimed += rows.len();
        }
        Ok(claimed)
    }

    /// Goes on with a line whose first delivery is over, without waiting for a sweep.
    pub(super) fn go_on_with_line(self: &Arc<Self>, webhook: WebhookId) {
        let engine = Arc::clone(self);
        self.tasks.spawn(async move {
            let now = engine.clock.now();
            let moved = async {
                match engine.ready_to_send(webhook, now).await? {
                    Some(ready) if ready.is_ordered => engine.sweep_lines(&[ready], now).await,
                    Some(_) | None => Ok(0),
                }
            };
            if let Err(error) = moved.await {
                // The next sweep does it.
                tracing::warn!(webhook.id = %webhook, "the line of {webhook} was not moved: {error}");
            }
        });
    }
}
