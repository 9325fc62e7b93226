//! `dlq`: deliveries that used up their attempts.

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::super::api::Api;
use super::super::tickets::{self, TicketsArgs};
use super::super::{Exit, Failure, Globals, Outcome, Output};
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
    Redrive(ChosenArgs),
    /// Give dead letters up: those named, or those that a filter finds
    Discard {
        #[command(flatten)]
        chosen: ChosenArgs,
        /// Why; it stays with the deliveries
        #[arg(long)]
        reason: String,
    },
    /// Count and list the tickets that no worker could read; no delivery waits for them
    Tickets(TicketsArgs),
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
struct ChosenArgs {
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

pub(super) async fn run(args: DeadLettersArgs, api: &Api, globals: &Globals, output: Output) -> Outcome {
    match args.command {
        // These are the broker's: the API does not know of them.
        DeadLettersCommand::Tickets(args) => tickets::run(args, globals, output).await,
        DeadLettersCommand::List { filter, limit } => show_list(filter, limit, api, output).await,
        DeadLettersCommand::Redrive(ChosenArgs { ids, .. }) if !ids.is_empty() => {
            each(&ids, output, async |id| step_in(api, &format!("/dead-letters/{id}/redrive"), None).await).await
        }
        DeadLettersCommand::Redrive(chosen) => {
            let body = chosen.body()?;
            print(&api.post::<Box<RawValue>>("/dead-letters/redrive", body.to_string()).await?, output)
        }
        DeadLettersCommand::Discard { chosen: ChosenArgs { ids, .. }, reason } if !ids.is_empty() => {
            let body = json!({ "reason": reason }).to_string();
            let discard =
                async |id: &DeliveryId| step_in(api, &format!("/dead-letters/{id}/discard"), Some(body.clone())).await;
            each(&ids, output, discard).await
        }
        DeadLettersCommand::Discard { chosen, reason } => {
            let body = json!({ "letters": chosen.body()?, "reason": reason });
            print(&api.post::<Box<RawValue>>("/dead-letters/discard", body.to_string()).await?, output)
        }
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

impl ChosenArgs {
    fn body(self) -> Outcome<serde_json::Value> {
        let Self { ids: _, filter, all, max } = self;
        if filter.is_empty() && !all {
            let message = "which? name ids, narrow it by --webhook, --type, --since or --until, or say --all";
            return Err(Failure::new(Exit::Usage, message));
        }
        let FilterArgs { webhook, event_type, since, until } = filter;
        Ok(json!({
            "webhookId": webhook, "eventType": event_type, "diedAfter": since, "diedBefore": until, "max": max,
        }))
    }
}

/// How many were dealt with.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Changed {
    redriven: Option<u64>,
    discarded: Option<u64>,
    has_more: bool,
}

fn print(raw: &RawValue, output: Output) -> Outcome {
    let Changed { redriven, discarded, has_more } = serde_json::from_str(raw.get())?;
    if output.is_json() {
        output.value(&raw)?;
    } else if let Some(count) = redriven {
        output.line(&format!("{count} are on their way again"));
    } else if let Some(count) = discarded {
        output.line(&format!("{count} were given up"));
    }
    if has_more {
        output.hint("there are more: say it again, or raise --max");
    }
    Ok(())
}
