//! `dlq tickets`: what the broker set aside because nobody could read it.

use clap::Args;
use serde_json::json;

use super::{Globals, Outcome, Output};
use crate::app;
use crate::config::Config;

/// Arguments of `dlq tickets`.
#[derive(Debug, Args)]
pub(crate) struct TicketsArgs {
    /// How many of them to list
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=1_000))]
    limit: u32,
    /// Throw all of them away
    #[arg(long)]
    purge: bool,
}

pub(super) async fn run(args: TicketsArgs, globals: &Globals, output: Output) -> Outcome {
    let config = Config::load(globals.config.as_deref())?;
    let TicketsArgs { limit, purge } = args;
    if purge {
        let purged = app::purge_poison(&config).await?;
        if output.is_json() {
            output.value(&json!({ "purged": purged }))?;
        } else {
            output.line(&format!("{purged} thrown away"));
        }
        return Ok(());
    }
    let poison = app::poison(&config, limit).await?;
    if output.is_json() {
        let tickets = poison
            .messages
            .iter()
            .map(|message| json!({ "messageId": message.message_id, "queue": message.queue, "bytes": message.bytes }));
        output.value(&json!({ "count": poison.count, "tickets": tickets.collect::<Vec<_>>() }))?;
        return Ok(());
    }
    output.line(&format!("{} unreadable", poison.count));
    for message in poison.messages {
        let id = message.message_id.unwrap_or_else(|| "-".to_owned());
        output.line(&format!("{id}  {}  {} bytes", message.queue, message.bytes));
    }
    Ok(())
}
