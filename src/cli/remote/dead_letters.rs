//! `dlq`: deliveries that used up their attempts.

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::super::api::Api;
use super::super::{Exit, Failure, Outcome, Output};
use super::deliveries::{answer, step_in};
use super::each::each;
use super::list::{Filters, LimitArgs, list};
use super::when;
use crate::domain::id::{DeliveryId, WebhookId};
use crate::domain::time::Timestamp;

/// Arguments of `dlq`.
#[derive(Debug, Args)]
pub(crate) struct DeadLettersArgs {
    #[command(subcommand)]
    command: DeadLettersCommand,
}

#[derive(Debug, Subcommand)]
enum DeadLettersCommand {
    /// List dead letters, newest first
    List {
        #[command(flatten)]
        filter: FilterArgs,
        #[command(flatten)]
        limit: LimitArgs,
    },
    /// Send dead letters again: those named, or those that a filter finds
    Redrive(RedriveArgs),
}

/// Which dead letters.
#[derive(Debug, Args)]
struct FilterArgs {
    /// Only to this webhook
    #[arg(long, visible_alias = "endpoint", value_name = "ID")]
    webhook: Option<WebhookId>,
    /// Only of events of this type
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// Only those given up since: so long ago, such as `2h`, or a time
    #[arg(long, value_name = "WHEN", value_parser = when::parse)]
    since: Option<Timestamp>,
    /// Only those given up before
    #[arg(long, value_name = "WHEN", value_parser = when::parse)]
    until: Option<Timestamp>,
}

#[derive(Debug, Args)]
struct RedriveArgs {
    /// Their ids
    #[arg(conflicts_with_all = ["webhook", "event_type", "since", "until", "all", "max"])]
    ids: Vec<DeliveryId>,
    #[command(flatten)]
    filter: FilterArgs,
    /// All of them, if nothing narrows it
    #[arg(long)]
    all: bool,
    /// At most so many
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    max: Option<u32>,
}

impl FilterArgs {
    const fn is_empty(&self) -> bool {
        let Self { webhook, event_type, since, until } = self;
        webhook.is_none() && event_type.is_none() && since.is_none() && until.is_none()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeadLetter {
    id: String,
    event_type: String,
    webhook_id: String,
    attempts: u64,
    last_status: Option<u16>,
    last_error: Option<String>,
    died_at: String,
}

pub(super) async fn run(args: DeadLettersArgs, api: &Api, output: Output) -> Outcome {
    match args.command {
        DeadLettersCommand::List { filter, limit } => show_list(filter, limit, api, output).await,
        DeadLettersCommand::Redrive(RedriveArgs { ids, .. }) if !ids.is_empty() => {
            each(&ids, output, async |id| step_in(api, &format!("/dead-letters/{id}/redrive")).await).await
        }
        DeadLettersCommand::Redrive(args) => redrive(args, api, output).await,
    }
}

async fn show_list(filter: FilterArgs, limit: LimitArgs, api: &Api, output: Output) -> Outcome {
    let FilterArgs { webhook, event_type, since, until } = filter;
    let filters = Filters::default()
        .with("webhookId", webhook)
        .with("eventType", event_type)
        .with("diedAfter", since)
        .with("diedBefore", until);
    let listed = list(api, "/dead-letters", &filters, limit.limit).await?;
    let header = ["ID", "ANSWER", "EVENT TYPE", "WEBHOOK", "ATTEMPTS", "DIED"];
    listed.print(output, &header, |letter: DeadLetter| {
        let DeadLetter { id, event_type, webhook_id, attempts, last_status, last_error, died_at } = letter;
        vec![id, answer(last_status, last_error), event_type, webhook_id, attempts.to_string(), died_at]
    })
}

#[derive(Deserialize)]
struct Redriven {
    redriven: u64,
}

async fn redrive(args: RedriveArgs, api: &Api, output: Output) -> Outcome {
    let RedriveArgs { ids: _, filter, all, max } = args;
    if filter.is_empty() && !all {
        let message = "which? name ids, narrow it by --webhook, --type, --since or --until, or say --all";
        return Err(Failure::new(Exit::Usage, message));
    }
    let FilterArgs { webhook, event_type, since, until } = filter;
    let asked = json!({
        "webhookId": webhook, "eventType": event_type, "diedAfter": since, "diedBefore": until, "max": max,
    });
    let raw: Box<RawValue> = api.post("/dead-letters/redrive", asked.to_string()).await?;
    if output.is_json() {
        output.value(&raw)?;
    } else {
        let Redriven { redriven } = serde_json::from_str(raw.get())?;
        output.line(&format!("{redriven} are on their way again"));
    }
    Ok(())
}
