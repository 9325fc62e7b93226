//! `tail`: attempts as they happen, a line each.
//!
//! It asks the API for deliveries made since the last look, and looks again at those that wait for a retry when their
//! time comes. So it needs nothing of the server but its log, and sees what every process of a deployment does.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use clap::{Args, ValueEnum};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::Deserialize;
use serde_json::json;

use super::super::api::Api;
use super::super::output::plain;
use super::super::{Exit, Failure, Outcome, Output, duration};
use super::codes::Codes;
use super::deliveries::{Attempt, Delivery, answer};
use super::list::{Filters, list};
use super::when;
use crate::clock::Clock;
use crate::domain::id::WebhookId;
use crate::domain::time::Timestamp;

/// Deliveries that one look asks for; of more, the newest.
const LOOK_MAX: u32 = 500;
/// Deliveries that waited before the beginning and whose retries are shown.
const WAITING_MAX: u32 = 200;
/// Deliveries whose attempts one look reads; what happens to more is told as a number.
const READ_MAX: usize = 100;
/// Retries that are due and that one look asks for.
const DUE_MAX: usize = 50;
/// Deliveries that are remembered.
const KNOWN_MAX: usize = 20_000;
/// What was accepted before a look may be seen by a later one only: it was being committed.
const OVERLAP: Duration = Duration::from_secs(10);
/// How far back deliveries are looked for that still wait: longer than a webhook's retries take by default.
const HORIZON: Duration = Duration::from_hours(48);
const READS_AT_ONCE: usize = 8;

/// Arguments of `tail`.
#[derive(Debug, Args)]
pub(crate) struct TailArgs {
    /// Only to this webhook
    #[arg(long, visible_alias = "endpoint", value_name = "ID")]
    webhook: Option<WebhookId>,
    /// Only of events of this type
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// Only attempts that ended so
    #[arg(long, value_enum)]
    status: Option<Ended>,
    /// Only attempts that were answered so: `503`, or `5xx`
    #[arg(long, value_parser = Codes::parse)]
    code: Option<Codes>,
    /// First show the attempts since: so long ago, such as `10m`, or a time
    #[arg(long, value_name = "WHEN", value_parser = when::parse)]
    since: Option<Timestamp>,
    /// Show what there is, and end
    #[arg(long, requires = "since")]
    no_follow: bool,
    /// Go on as attempts happen, until `^C`; this is the default
    #[arg(long, conflicts_with = "no_follow")]
    follow: bool,
    /// How often to look; each look is a request or two
    #[arg(long, default_value = "1s", value_parser = duration::parse)]
    interval: Duration,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Ended {
    /// With a 2xx
    Delivered,
    /// Without one
    Failed,
    /// Without one, and it was the last
    Dead,
}

/// What is remembered of a delivery.
struct Known {
    /// Attempts that were shown, or happened before the beginning.
    attempts: u64,
    /// When to look again; none for one that is final.
    next_look: Option<Timestamp>,
    created_at: Timestamp,
}

struct Tail<'a> {
    api: &'a Api,
    args: &'a TailArgs,
    output: Output,
    known: HashMap<String, Known>,
    names: HashMap<String, String>,
    /// The newest delivery's time, by the server's clock.
    newest: Option<Timestamp>,
}

pub(super) async fn run(args: TailArgs, api: &Api, output: Output) -> Outcome {
    let (known, names) = (HashMap::new(), HashMap::new());
    let mut tail = Tail { api, args: &args, output, known, names, newest: None };
    tail.begin().await?;
    if args.no_follow {
        return Ok(());
    }
    output.hint("waiting for attempts   ^C stops");
    loop {
        tokio::time::sleep(args.interval).await;
        match tail.look().await {
            Ok(()) => {}
            Err(failure) if matches!(failure.exit, Exit::Failed | Exit::TimedOut) => {
                output.hint(&format!("{:#}; going on", failure.error));
            }
            Err(failure) => return Err(failure),
        }
    }
}

impl Tail<'_> {
    fn filters(&self) -> Filters {
        Filters::default().with("webhookId", self.args.webhook).with("eventType", self.args.event_type.clone())
    }

    /// What was there before: shown as far as it is wanted, and else only remembered.
    async fn begin(&mut self) -> Outcome {
        let horizon = Clock::system().now().before(HORIZON);
        let since = self.args.since;
        let waiting = self.filters().with("status", Some("pending")).with("createdAfter", Some(horizon));
        let mut rows: Vec<Delivery> = list(self.api, "/deliveries", &waiting, WAITING_MAX).await?.read()?;
        if since.is_some() {
            self.newest = since;
            let recent = self.filters().with("createdAfter", since);
            rows.extend(list(self.api, "/deliveries", &recent, LOOK_MAX).await?.read::<Delivery>()?);
            return self.take(rows).await;
        }
        let last = self.filters().with("createdAfter", Some(horizon));
        let last: Vec<Delivery> = list(self.api, "/deliveries", &last, 1).await?.read()?;
        let newest = last.iter().filter_map(created_at).max().unwrap_or(horizon);
        self.newest = Some(newest);
        // Those that are committed late are among these, and not new.
        let overlapping = self.filters().with("createdAfter", Some(newest.before(OVERLAP)));
        rows.extend(list(self.api, "/deliveries", &overlapping, LOOK_MAX).await?.read::<Delivery>()?);
        for row in &rows {
            self.remember(row);
        }
        Ok(())
    }

    async fn look(&mut self) -> Outcome {
        let from = self.newest.map(|newest| newest.before(OVERLAP));
        let listed = list(self.api, "/deliveries", &self.filters().with("createdAfter", from), LOOK_MAX).await?;
        let mut rows: Vec<Delivery> = listed.read()?;
        let listed: HashSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        let now = Clock::system().now();
        let due = |known: &Known| known.next_look.filter(|next| *next <= now);
        let mut due: Vec<(Timestamp, String)> = self
            .known
            .iter()
            .filter(|(id, _)| !listed.contains(id.as_str()))
            .filter_map(|(id, known)| Some((due(known)?, id.clone())))
            .collect();
        due.sort();
        due.truncate(DUE_MAX);
        let api = self.api;
        let reads = due.into_iter().map(|(_, id)| async move { api.get(&format!("/deliveries/{id}")).await });
        let retried: Vec<Delivery> = stream::iter(reads).buffered(READS_AT_ONCE).try_collect().await?;
        rows.extend(retried);
        self.take(rows).await
    }

    /// Shows what is new of deliveries.
    async fn take(&mut self, rows: Vec<Delivery>) -> Outcome {
        let shown_of = |row: &Delivery| self.known.get(&row.id).map_or(0, |known| known.attempts);
        let (changed, same): (Vec<Delivery>, Vec<Delivery>) =
            rows.into_iter().partition(|row| row.attempts > shown_of(row));
        for row in same {
            self.remember(&row);
        }
        let mut unread = 0;
        let mut to_read = Vec::new();
        for row in changed {
            if to_read.iter().any(|other: &Delivery| other.id == row.id) {
                continue;
            }
            if to_read.len() < READ_MAX {
                to_read.push(row);
            } else {
                unread += row.attempts - self.known.get(&row.id).map_or(0, |known| known.attempts);
                self.remember(&row);
            }
        }
        let api = self.api;
        let reads = to_read.into_iter().map(|row| async move {
            let is_read = !row.attempt_log.is_empty();
            if is_read { Ok(row) } else { api.get(&format!("/deliveries/{}", row.id)).await }
        });
        let read: Vec<Delivery> = stream::iter(reads).buffered(READS_AT_ONCE).try_collect().await?;
        self.show(&read).await?;
        for row in &read {
            self.remember(row);
        }
        if unread > 0 {
            self.output.hint(&format!("+ {unread} more, which are not shown"));
        }
        self.forget();
        Ok(())
    }

    /// Prints attempts that were not shown, in the order in which they began.
    async fn show(&mut self, deliveries: &[Delivery]) -> Outcome {
        let mut lines: Vec<(&Delivery, &Attempt)> = Vec::new();
        for delivery in deliveries {
            let shown = self.known.get(&delivery.id).map_or(0, |known| known.attempts);
            let new = delivery.attempt_log.iter().filter(|attempt| attempt.number > shown);
            lines.extend(new.filter(|attempt| self.wants(delivery, attempt)).map(|attempt| (delivery, attempt)));
        }
        lines.sort_by(|(_, a), (_, b)| a.started_at.cmp(&b.started_at));
        for (delivery, attempt) in lines {
            let line =
                if self.output.is_json() { json_line(delivery, attempt) } else { self.line(delivery, attempt).await };
            if !self.output.stream(&line) {
                // Whoever read it has gone.
                return Err(Failure::new(Exit::Ok, ""));
            }
        }
        Ok(())
    }

    fn wants(&self, delivery: &Delivery, attempt: &Attempt) -> bool {
        let TailArgs { status, code, since, .. } = self.args;
        let is_old = |since: Timestamp| Timestamp::parse_rfc3339(&attempt.started_at).is_some_and(|at| at < since);
        status.is_none_or(|status| ended(delivery, attempt).contains(&status))
            && code.is_none_or(|code| code.has(attempt.status))
            && !since.is_some_and(is_old)
    }

    async fn line(&mut self, delivery: &Delivery, attempt: &Attempt) -> String {
        let Delivery { id, event_type, webhook_id, .. } = delivery;
        let Attempt { number, started_at, duration_ms, status, error_kind, next_attempt_at, .. } = attempt;
        let ended = ended(delivery, attempt);
        let mark = if ended.contains(&Ended::Delivered) { '✓' } else { '✗' };
        let next = match next_attempt_at {
            Some(next) => format!("next {next}"),
            None if ended.contains(&Ended::Delivered) => "delivered".to_owned(),
            None if ended.contains(&Ended::Dead) => "dead letter".to_owned(),
            None => String::new(),
        };
        let answer = answer(*status, error_kind.clone());
        let webhook = self.name(webhook_id).await;
        let line = format!(
            "{started_at}  {id}  {event_type:<24}  {webhook:<16}  {mark} {answer:<9}  #{number:<2}  {duration_ms:>6} ms  {next}"
        );
        plain(line.trim_end())
    }

    /// The webhook's name, or its id where the key may not see webhooks or it is gone.
    async fn name(&mut self, id: &str) -> String {
        #[derive(Deserialize)]
        struct Webhook {
            name: String,
        }
        if let Some(name) = self.names.get(id) {
            return name.clone();
        }
        let found = self.api.get::<Webhook>(&format!("/webhooks/{id}")).await;
        let name = found.map_or_else(|_| id.to_owned(), |webhook| webhook.name);
        self.names.insert(id.to_owned(), name.clone());
        name
    }

    fn remember(&mut self, row: &Delivery) {
        let Some(created_at) = created_at(row) else { return };
        self.newest = self.newest.max(Some(created_at));
        let next = row.next_attempt_at.as_deref().and_then(Timestamp::parse_rfc3339);
        // One that is under way is looked at each time.
        let next_look = (row.status == "pending").then(|| next.unwrap_or_default());
        self.known.insert(row.id.clone(), Known { attempts: row.attempts, next_look, created_at });
    }

    /// Drops what will not be asked about again.
    fn forget(&mut self) {
        let from = self.newest.map(|newest| newest.before(OVERLAP));
        self.known.retain(|_, known| known.next_look.is_some() || Some(known.created_at) >= from);
        if self.known.len() > KNOWN_MAX {
            let mut looks: Vec<_> = self.known.values().map(|known| known.next_look).collect();
            looks.sort();
            let last = looks[KNOWN_MAX / 2];
            self.known.retain(|_, known| known.next_look <= last);
            self.output.hint("too many deliveries wait: the retries of some will not be shown");
        }
    }
}

fn created_at(row: &Delivery) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(&row.created_at)
}

fn ended(delivery: &Delivery, attempt: &Attempt) -> &'static [Ended] {
    let is_last = attempt.number == delivery.attempts;
    match attempt.status {
        Some(200..=299) if attempt.error_kind.is_none() => &[Ended::Delivered],
        Some(_) | None if is_last && delivery.status == "dead" => &[Ended::Failed, Ended::Dead],
        Some(_) | None => &[Ended::Failed],
    }
}

fn json_line(delivery: &Delivery, attempt: &Attempt) -> String {
    let Delivery { id, event_id, event_type, webhook_id, .. } = delivery;
    let Attempt { number, started_at, duration_ms, status, error_kind, outcome, next_attempt_at } = attempt;
    json!({
        "deliveryId": id, "eventId": event_id, "eventType": event_type, "webhookId": webhook_id, "number": number,
        "startedAt": started_at, "durationMs": duration_ms, "status": status, "errorKind": error_kind,
        "outcome": outcome, "nextAttemptAt": next_attempt_at,
    })
    .to_string()
}
