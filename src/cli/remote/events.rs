//! `events`: list them, read one, send one again, and see where one would go.

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::super::api::Api;
use super::super::output::plain;
use super::super::send::read_data;
use super::super::{Outcome, Output};
use super::list::{Filters, LimitArgs, list};
use super::when;
use crate::domain::id::{EventId, WebhookId};
use crate::domain::time::Timestamp;

/// Arguments of `events`.
#[derive(Debug, Args)]
pub(crate) struct EventsArgs {
    #[command(subcommand)]
    command: EventsCommand,
}

#[derive(Debug, Subcommand)]
enum EventsCommand {
    /// List events, newest first
    List(ListArgs),
    /// Show an event
    Get {
        /// The event's id
        id: EventId,
        /// Print its data and nothing else, byte for byte
        #[arg(long)]
        data: bool,
    },
    /// Send an event again, with the same `webhook-id`
    Replay {
        /// The event's id
        id: EventId,
        /// Only to this webhook [default: to those that subscribe to it now]
        #[arg(long, visible_alias = "endpoint", value_name = "ID")]
        webhook: Option<WebhookId>,
    },
    /// Say where an event would go, and why not elsewhere; nothing is published
    Explain(ExplainArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Only of this type
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// Only those that name this channel
    #[arg(long, value_name = "NAME")]
    channel: Option<String>,
    /// Only those accepted since: so long ago, such as `10m`, or a time
    #[arg(long, value_name = "WHEN", value_parser = when::parse)]
    since: Option<Timestamp>,
    /// Only those accepted before
    #[arg(long, value_name = "WHEN", value_parser = when::parse)]
    until: Option<Timestamp>,
    #[command(flatten)]
    limit: LimitArgs,
}

#[derive(Debug, Args)]
struct ExplainArgs {
    /// The event's type, such as `message.received`
    #[arg(value_name = "TYPE")]
    event_type: String,
    /// The event's data: JSON, `@FILE`, or `-` for standard input
    #[arg(short, long, value_name = "JSON", default_value = "{}")]
    data: String,
    /// A channel that the event would be for; may be given several times
    #[arg(long = "channel", value_name = "NAME")]
    channels: Vec<String>,
    /// Only what this webhook would do
    #[arg(long, visible_alias = "endpoint", value_name = "ID")]
    webhook: Option<WebhookId>,
    /// Show the requests that would go out
    #[arg(long)]
    requests: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    id: String,
    r#type: String,
    /// Not in a list.
    data: Option<Box<RawValue>>,
    occurred_at: String,
    created_at: String,
    channels: Vec<String>,
    deliver_at: Option<String>,
    expunged_at: Option<String>,
}

pub(super) async fn run(args: EventsArgs, api: &Api, output: Output) -> Outcome {
    match args.command {
        EventsCommand::List(args) => show_list(args, api, output).await,
        EventsCommand::Get { id, data } => show(api, id, data, output).await,
        EventsCommand::Replay { id, webhook } => replay(api, id, webhook, output).await,
        EventsCommand::Explain(args) => explain(args, api, output).await,
    }
}

async fn show_list(args: ListArgs, api: &Api, output: Output) -> Outcome {
    let ListArgs { event_type, channel, since, until, limit } = args;
    let filters = Filters::default()
        .with("type", event_type)
        .with("channel", channel)
        .with("createdAfter", since)
        .with("createdBefore", until);
    let listed = list(api, "/events", &filters, limit.limit).await?;
    listed.print(output, &["ID", "TYPE", "CHANNELS", "DELIVER AT", "ERASED", "CREATED"], |event: Event| {
        let Event { id, r#type, channels, deliver_at, expunged_at, created_at, .. } = event;
        let (deliver_at, expunged_at) = (deliver_at.unwrap_or_default(), expunged_at.unwrap_or_default());
        vec![id, r#type, channels.join(","), deliver_at, expunged_at, created_at]
    })
}

async fn show(api: &Api, id: EventId, only_data: bool, output: Output) -> Outcome {
    let raw: Box<RawValue> = api.get(&format!("/events/{id}")).await?;
    if output.is_json() && !only_data {
        output.value(&raw)?;
        return Ok(());
    }
    let Event { id, r#type, data, occurred_at, created_at, channels, deliver_at, expunged_at } =
        serde_json::from_str(raw.get())?;
    let data = data.context("the answer has no data")?;
    if only_data {
        output.line(data.get());
        return Ok(());
    }
    let channels = (!channels.is_empty()).then(|| channels.join(", "));
    output.facts([
        ("id", Some(id)),
        ("type", Some(r#type)),
        ("occurred", Some(occurred_at)),
        ("created", Some(created_at)),
        ("channels", channels),
        ("deliver at", deliver_at),
        ("erased", expunged_at),
        ("data", Some(data.get().to_owned())),
    ]);
    Ok(())
}

#[derive(Deserialize)]
struct Replayed {
    id: String,
    deliveries: u64,
}

async fn replay(api: &Api, id: EventId, webhook: Option<WebhookId>, output: Output) -> Outcome {
    let body = json!({ "webhookId": webhook }).to_string();
    let raw: Box<RawValue> = api.post(&format!("/events/{id}/replay"), body).await?;
    if output.is_json() {
        output.value(&raw)?;
        return Ok(());
    }
    let Replayed { id, deliveries } = serde_json::from_str(raw.get())?;
    output.line(&format!("{id}   deliveries on their way: {deliveries}"));
    output.hint(&format!("`angarium deliveries list --event {id}` shows what becomes of them"));
    Ok(())
}

#[derive(Deserialize)]
struct Explained {
    r#type: String,
    matched: u64,
    accepted: bool,
    #[serde(default)]
    misfits: Vec<serde_json::Value>,
    webhooks: Vec<ExplainedWebhook>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExplainedWebhook {
    webhook_id: String,
    name: String,
    matched: bool,
    explanation: String,
    #[serde(default)]
    conditions: Vec<Box<RawValue>>,
    request: Option<Box<RawValue>>,
}

async fn explain(args: ExplainArgs, api: &Api, output: Output) -> Outcome {
    let ExplainArgs { event_type, data, channels, webhook, requests } = args;
    let data = read_data(&data)?;
    let channels = (!channels.is_empty()).then_some(channels);
    // Put together as text, so that the data stays as it is written.
    let asked = format!(
        r#"{{"type":{},"data":{},"channels":{},"webhookId":{}}}"#,
        json!(event_type),
        data.get(),
        json!(channels),
        json!(webhook)
    );
    let raw: Box<RawValue> = api.post("/events/explain", asked).await?;
    if output.is_json() {
        output.value(&raw)?;
        return Ok(());
    }
    let Explained { r#type: type_name, matched, accepted, misfits, webhooks } = serde_json::from_str(raw.get())?;
    for webhook in webhooks {
        let ExplainedWebhook { webhook_id, name, matched, explanation, conditions, request } = webhook;
        let mark = if matched { '✓' } else { '✗' };
        output.line(&plain(&format!("{mark} {webhook_id}   {name}   {explanation}")));
        for condition in conditions {
            output.line(&format!("    not met: {}", plain(condition.get())));
        }
        if let Some(request) = request.filter(|_| requests) {
            output.line(&format!("    {}", plain(request.get())));
        }
    }
    output.line(&format!("{type_name} would go to {matched}"));
    for misfit in misfits {
        output.line(&format!("the data does not fit the type's schema: {}", plain(&misfit.to_string())));
    }
    if !accepted {
        output.line("it would be refused");
    }
    Ok(())
}
