//! `deliveries`: what became of each event at each webhook, attempt by attempt.

use clap::{Args, Subcommand, ValueEnum};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::api::Api;
use super::super::output::plain;
use super::super::{Outcome, Output};
use super::each::each;
use super::list::{Filters, LimitArgs, list};
use super::when;
use crate::domain::attempt::FailureKind;
use crate::domain::delivery::DeliveryState;
use crate::domain::id::{DeliveryId, EventId, WebhookId};
use crate::domain::time::Timestamp;

/// Arguments of `deliveries`.
#[derive(Debug, Args)]
pub(crate) struct DeliveriesArgs {
    #[command(subcommand)]
    command: DeliveriesCommand,
}

#[derive(Debug, Subcommand)]
enum DeliveriesCommand {
    /// List deliveries, newest first
    List(ListArgs),
    /// Show a delivery, why it is as it is, what happens next, and all its attempts
    Get {
        /// The delivery's id
        id: DeliveryId,
    },
    /// Try deliveries now
    Retry {
        /// The deliveries' ids
        #[arg(required = true)]
        ids: Vec<DeliveryId>,
    },
    /// Cancel deliveries that wait
    Cancel {
        /// The deliveries' ids
        #[arg(required = true)]
        ids: Vec<DeliveryId>,
    },
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Only to this webhook
    #[arg(long, visible_alias = "endpoint", value_name = "ID")]
    webhook: Option<WebhookId>,
    /// Only of this event
    #[arg(long, value_name = "ID")]
    event: Option<EventId>,
    /// Only of events of this type
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// Only those that are `pending`, `delivered`, `dead` or `cancelled`
    #[arg(long, value_parser = status)]
    status: Option<DeliveryState>,
    /// Only those whose last answer was such
    #[arg(long, value_enum)]
    code: Option<StatusClass>,
    /// Only those whose last attempt failed so, such as `timeout` or `dns`
    #[arg(long, value_name = "KIND", value_parser = error_kind)]
    error: Option<FailureKind>,
    /// Only those made since: so long ago, such as `10m`, or a time
    #[arg(long, value_name = "WHEN", value_parser = when::parse)]
    since: Option<Timestamp>,
    /// Only those made before
    #[arg(long, value_name = "WHEN", value_parser = when::parse)]
    until: Option<Timestamp>,
    #[command(flatten)]
    limit: LimitArgs,
}

/// The kinds of HTTP answers.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum StatusClass {
    #[value(name = "2xx")]
    Success,
    #[value(name = "3xx")]
    Redirect,
    #[value(name = "4xx")]
    ClientError,
    #[value(name = "5xx")]
    ServerError,
}

impl StatusClass {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "2xx",
            Self::Redirect => "3xx",
            Self::ClientError => "4xx",
            Self::ServerError => "5xx",
        }
    }
}

pub(super) fn status(word: &str) -> Result<DeliveryState, String> {
    DeliveryState::parse(word).ok_or_else(|| "must be pending, delivered, dead or cancelled".to_owned())
}

pub(super) fn error_kind(word: &str) -> Result<FailureKind, String> {
    let kinds = || FailureKind::ALL.map(FailureKind::as_str).join(", ");
    FailureKind::parse(word).ok_or_else(|| format!("must be one of {}", kinds()))
}

/// A delivery as the API shows it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Delivery {
    pub(super) id: String,
    pub(super) event_id: String,
    pub(super) event_type: String,
    pub(super) webhook_id: String,
    reason: String,
    pub(super) status: String,
    pub(super) attempts: u64,
    last_status: Option<u16>,
    last_error: Option<String>,
    pub(super) next_attempt_at: Option<String>,
    created_at: String,
    settled_at: Option<String>,
    #[serde(default)]
    pub(super) attempt_log: Vec<Attempt>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Attempt {
    pub(super) number: u64,
    pub(super) started_at: String,
    pub(super) duration_ms: u64,
    pub(super) status: Option<u16>,
    pub(super) error_kind: Option<String>,
    pub(super) outcome: String,
    pub(super) next_attempt_at: Option<String>,
}

pub(super) async fn run(args: DeliveriesArgs, api: &Api, output: Output) -> Outcome {
    match args.command {
        DeliveriesCommand::List(args) => show_list(args, api, output).await,
        DeliveriesCommand::Get { id } => show(api, id, output).await,
        DeliveriesCommand::Retry { ids } => {
            each(&ids, output, async |id| step_in(api, &format!("/deliveries/{id}/retry"), None).await).await
        }
        DeliveriesCommand::Cancel { ids } => {
            each(&ids, output, async |id| step_in(api, &format!("/deliveries/{id}/cancel"), None).await).await
        }
    }
}

async fn show_list(args: ListArgs, api: &Api, output: Output) -> Outcome {
    let ListArgs { webhook, event, event_type, status, code, error, since, until, limit } = args;
    let filters = Filters::default()
        .with("webhookId", webhook)
        .with("eventId", event)
        .with("eventType", event_type)
        .with("status", status)
        .with("statusClass", code.map(StatusClass::as_str))
        .with("errorKind", error.map(FailureKind::as_str))
        .with("createdAfter", since)
        .with("createdBefore", until);
    let listed = list(api, "/deliveries", &filters, limit.limit).await?;
    let header = ["ID", "STATUS", "ANSWER", "EVENT TYPE", "WEBHOOK", "ATTEMPTS", "NEXT TRY", "CREATED"];
    listed.print(output, &header, |delivery: Delivery| {
        let answer = answer(delivery.last_status, delivery.last_error);
        let Delivery { id, event_type, webhook_id, status, attempts, next_attempt_at, created_at, .. } = delivery;
        let next = next_attempt_at.unwrap_or_default();
        vec![id, status, answer, event_type, webhook_id, attempts.to_string(), next, created_at]
    })
}

/// The HTTP status, or the word for why there was none.
pub(super) fn answer(status: Option<u16>, error: Option<String>) -> String {
    status.map(|status| status.to_string()).or(error).unwrap_or_else(|| "–".to_owned())
}

async fn show(api: &Api, id: DeliveryId, output: Output) -> Outcome {
    let raw: Box<RawValue> = api.get(&format!("/deliveries/{id}")).await?;
    if output.is_json() {
        output.value(&raw)?;
        return Ok(());
    }
    let delivery: Delivery = serde_json::from_str(raw.get())?;
    output.line(&headline(&delivery));
    output.line(&plain(&cause(&delivery)));
    let Delivery {
        id,
        event_id,
        webhook_id,
        reason,
        status,
        attempts,
        next_attempt_at,
        created_at,
        settled_at,
        attempt_log,
        ..
    } = delivery;
    output.facts([
        ("event", Some(event_id)),
        ("webhook", Some(webhook_id)),
        ("reason", Some(reason)),
        ("attempts", Some(attempts.to_string())),
        ("created", Some(created_at)),
        ("settled", settled_at),
        ("next try", next_attempt_at),
    ]);
    if !attempt_log.is_empty() {
        output.line("");
        let row = |attempt: Attempt| {
            let Attempt { number, started_at, duration_ms, status, error_kind, outcome, next_attempt_at: _ } = attempt;
            vec![number.to_string(), started_at, format!("{duration_ms} ms"), answer(status, error_kind), outcome]
        };
        output.table(&["#", "STARTED", "TOOK", "ANSWER", "OUTCOME"], attempt_log.into_iter().map(row));
    }
    if status == "dead" {
        output.hint(&format!("`angarium dlq redrive {id}` sends it again"));
    }
    Ok(())
}

fn headline(delivery: &Delivery) -> String {
    let Delivery { id, status, event_type, .. } = delivery;
    format!("{id}   {status}   {event_type}")
}

/// Why it is as it is, and what comes next.
fn cause(delivery: &Delivery) -> String {
    let Delivery { attempt_log, status, next_attempt_at, .. } = delivery;
    match (attempt_log.last(), status.as_str(), next_attempt_at) {
        (Some(attempt), ..) => attempt.outcome.clone(),
        (None, "pending", Some(_)) => "No attempt yet; it waits for its first.".to_owned(),
        (None, "pending", None) => "No attempt yet; one is under way, or its webhook is not sent to.".to_owned(),
        (None, _, _) => "There was no attempt.".to_owned(),
    }
}

/// Asks for a delivery to be changed; the delivery as it is then.
pub(super) async fn step_in(api: &Api, path: &str, body: Option<String>) -> Outcome<(String, Box<RawValue>)> {
    let raw: Box<RawValue> = api.call(reqwest::Method::POST, path, body, &[]).await?;
    let delivery: Delivery = serde_json::from_str(raw.get())?;
    Ok((headline(&delivery), raw))
}
