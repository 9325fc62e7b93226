//! `tail`: attempts as they end, a line each.
//!
//! The server's stream has what every process of a deployment does. It ends now and then, with its server at the latest;
//! then another one goes on from where it was, and what comes again is not shown again.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::Deserialize;
use serde_json::json;

use super::super::api::Api;
use super::super::output::plain;
use super::super::{Exit, Failure, Outcome, Output};
use super::codes::Codes;
use super::deliveries::{Attempt, Delivery, answer};
use super::list::Filters;
use super::server_events::ServerEvents;
use super::when;
use crate::domain::id::WebhookId;
use crate::domain::time::Timestamp;

/// Attempts that are remembered, so that none is shown twice: more than a stream repeats.
const SHOWN_MAX: usize = 10_000;
/// From one try to reach the server to the next.
const TRY_AGAIN: Duration = Duration::from_secs(1);

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

/// What a stream tells.
#[derive(Deserialize)]
struct Told {
    #[serde(flatten)]
    delivery: Delivery,
    attempt: Attempt,
}

/// How a stream ended.
enum End {
    /// There is no more, and nobody waits for more.
    AllWasTold,
    /// Another one has the rest.
    OfTheStream,
}

struct Tail<'a> {
    api: &'a Api,
    args: &'a TailArgs,
    output: Output,
    names: HashMap<String, String>,
    /// Where the server's stream is.
    last_event: Option<String>,
    shown: HashSet<(String, u64)>,
    /// The same, oldest first.
    shown_in_order: VecDeque<(String, u64)>,
}

pub(super) async fn run(args: TailArgs, api: &Api, output: Output) -> Outcome {
    let mut tail = Tail {
        api,
        args: &args,
        output,
        names: HashMap::new(),
        last_event: None,
        shown: HashSet::new(),
        shown_in_order: VecDeque::new(),
    };
    loop {
        match tail.listen().await {
            Ok(End::AllWasTold) => return Ok(()),
            Ok(End::OfTheStream) => {}
            // Once it has begun, it goes on when the server is there again.
            Err(failure) if tail.last_event.is_some() && matches!(failure.exit, Exit::Failed | Exit::TimedOut) => {
                output.hint(&format!("{:#}; going on", failure.error));
            }
            Err(failure) => return Err(failure),
        }
        tokio::time::sleep(TRY_AGAIN).await;
    }
}

impl Tail<'_> {
    /// Shows what one stream tells, until it ends.
    async fn listen(&mut self) -> Outcome<End> {
        let TailArgs { webhook, event_type, since, no_follow, .. } = self.args;
        let filters = Filters::default()
            .with("webhookId", *webhook)
            .with("eventType", event_type.clone())
            .with("since", *since)
            .with("follow", no_follow.then_some(false));
        let path = format!("/deliveries/stream?{}", filters.query(&[]));
        let has_begun = self.last_event.is_some();
        let answer = self.api.stream(&path, self.last_event.as_deref()).await?;
        if !has_begun && !no_follow {
            self.output.hint("waiting for attempts   ^C stops");
        }
        let mut events = ServerEvents::new(Box::pin(answer.bytes_stream()));
        while let Some(event) = events.next().await? {
            match event.name.as_str() {
                "attempt" => {
                    let Told { delivery, attempt } = serde_json::from_str(&event.data)?;
                    self.show(&delivery, &attempt).await?;
                }
                "end" => return Ok(End::AllWasTold),
                // How far it is.
                _ => {}
            }
            self.last_event = event.id.or(self.last_event.take());
        }
        Ok(End::OfTheStream)
    }

    /// Prints an attempt that is wanted and was not shown.
    async fn show(&mut self, delivery: &Delivery, attempt: &Attempt) -> Outcome {
        if !self.wants(delivery, attempt) || !self.is_new((delivery.id.clone(), attempt.number)) {
            return Ok(());
        }
        let line =
            if self.output.is_json() { json_line(delivery, attempt) } else { self.line(delivery, attempt).await };
        if self.output.stream(&line) {
            return Ok(());
        }
        // Whoever read it has gone.
        Err(Failure::new(Exit::Ok, ""))
    }

    fn is_new(&mut self, attempt: (String, u64)) -> bool {
        if !self.shown.insert(attempt.clone()) {
            return false;
        }
        self.shown_in_order.push_back(attempt);
        if self.shown_in_order.len() > SHOWN_MAX
            && let Some(oldest) = self.shown_in_order.pop_front()
        {
            self.shown.remove(&oldest);
        }
        true
    }

    fn wants(&self, delivery: &Delivery, attempt: &Attempt) -> bool {
        let TailArgs { status, code, .. } = self.args;
        status.is_none_or(|status| ended(delivery, attempt).contains(&status))
            && code.is_none_or(|code| code.has(attempt.status))
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
