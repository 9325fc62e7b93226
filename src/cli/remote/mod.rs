//! Commands that ask a running Angarium, by its API: for those who operate one and for those who integrate with it.
//!
//! Lists walk as many pages as they are asked for. `--json` prints what the API gave, as it spelled it.

mod codes;
mod dead_letters;
mod deliveries;
mod each;
mod event_types;
mod events;
mod list;
mod listen;
mod replays;
mod server_events;
mod tail;
mod usage;
mod webhook_body;
mod webhooks;
mod when;

use clap::Subcommand;

use super::api::Api;
use super::target::Target;
use super::{Globals, Outcome, Output};

#[derive(Debug, Subcommand)]
pub(super) enum RemoteCommand {
    /// See what became of events at webhooks, and step in
    Deliveries(deliveries::DeliveriesArgs),
    /// List and read events, send them again, and see where they would go
    Events(events::EventsArgs),
    /// Register webhooks, and look after them
    #[command(visible_alias = "webhooks")]
    Endpoints(webhooks::WebhooksArgs),
    /// See what events there are, and what is in them
    EventTypes(event_types::EventTypesArgs),
    /// Watch attempts as they happen
    Tail(tail::TailArgs),
    /// Register a webhook for as long as this runs, and pass its requests on to a program on this machine
    Listen(listen::ListenArgs),
    /// See what was used of the plan
    Usage(usage::UsageArgs),
    /// Have many deliveries attempted again, at a rate
    Replay(replays::ReplayArgs),
    /// Look after the replays that were started
    Replays(replays::ReplaysArgs),
    /// Inspect dead letters, and send them again or give them up
    #[command(visible_alias = "dead-letters")]
    Dlq(dead_letters::DeadLettersArgs),
}

pub(super) async fn run(command: RemoteCommand, globals: &Globals, output: Output) -> Outcome {
    let api = Api::new(Target::find(globals)?)?;
    match command {
        RemoteCommand::Deliveries(args) => deliveries::run(args, &api, output).await,
        RemoteCommand::Events(args) => events::run(args, &api, output).await,
        RemoteCommand::Endpoints(args) => webhooks::run(args, &api, output).await,
        RemoteCommand::EventTypes(args) => event_types::run(args, &api, output).await,
        RemoteCommand::Replay(args) => replays::start(args, &api, output).await,
        RemoteCommand::Replays(args) => replays::run(args, &api, output).await,
        RemoteCommand::Tail(args) => tail::run(args, &api, output).await,
        RemoteCommand::Listen(args) => listen::run(args, &api, output).await,
        RemoteCommand::Usage(args) => usage::run(args, &api, output).await,
        RemoteCommand::Dlq(args) => dead_letters::run(args, &api, globals, output).await,
    }
}
