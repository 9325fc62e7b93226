//! `replay` and `replays`: many deliveries attempted again, as a job of the server.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::super::api::Api;
use super::super::output::plain;
use super::super::{Exit, Failure, Outcome, Output};
use super::codes::Codes;
use super::deliveries::{answer, error_kind, status};
use super::each::each;
use super::list::{Filters, LimitArgs, list};
use super::when;
use crate::domain::attempt::FailureKind;
use crate::domain::delivery::DeliveryState;
use crate::domain::id::{DeliveryId, EventId, ReplayId, WebhookId};
use crate::domain::replay::ReplayState;
use crate::domain::time::Timestamp;

/// How often a job that is waited for is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Arguments of `replay`.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct ReplayArgs {
    /// Deliveries or events, by their ids
    #[arg(value_parser = Which::parse)]
    ids: Vec<Which>,
    /// Only to this webhook
    #[arg(long, visible_alias = "endpoint", value_name = "ID")]
    webhook: Option<WebhookId>,
    /// Only of events of these types, separated by commas, such as `order.*`
    #[arg(long = "type", value_delimiter = ',', value_name = "TYPES")]
    event_types: Vec<String>,
    /// Only those that are `dead`, `delivered` or `cancelled`, separated by commas [default: dead]
    #[arg(long, value_delimiter = ',', value_name = "STATUSES", value_parser = status)]
    status: Vec<DeliveryState>,
    /// Only those whose last answer was such: `503`, or `5xx`
    #[arg(long, value_parser = Codes::parse)]
    code: Option<Codes>,
    /// Only those whose last attempt failed so, such as `timeout` or `dns`
    #[arg(long, value_name = "KIND", value_parser = error_kind)]
    error: Option<FailureKind>,
    /// Only those made since: so long ago, such as `2h`, or a time
    #[arg(long, value_name = "WHEN", value_parser = when::parse)]
    since: Option<Timestamp>,
    /// Only those made before
    #[arg(long, value_name = "WHEN", value_parser = when::parse)]
    until: Option<Timestamp>,
    /// All dead letters, if nothing narrows it
    #[arg(long)]
    all: bool,
    /// So many in a second
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// Newest first [default: oldest first]
    #[arg(long)]
    newest_first: bool,
    /// Count what would be done, and do nothing
    #[arg(long, conflicts_with = "wait")]
    dry_run: bool,
    /// Wait until every delivery is final; what it does goes on if this is interrupted
    #[arg(long)]
    wait: bool,
}

/// What an id is of.
#[derive(Debug, Clone, Copy)]
enum Which {
    Delivery(DeliveryId),
    Event(EventId),
}

impl Which {
    fn parse(text: &str) -> Result<Self, String> {
        let delivery = text.parse().map(Self::Delivery).ok();
        let event = || text.parse().map(Self::Event).ok();
        delivery.or_else(event).ok_or_else(|| "must be the id of a delivery (dlv_…) or of an event (evt_…)".to_owned())
    }
}

/// Arguments of `replays`.
#[derive(Debug, Args)]
pub(crate) struct ReplaysArgs {
    #[command(subcommand)]
    command: ReplaysCommand,
}

#[derive(Debug, Subcommand)]
enum ReplaysCommand {
    /// List replays, newest first
    List {
        /// Only those that are `running`, `paused`, `cancelled`, `done` or `failed`
        #[arg(long, value_parser = state)]
        state: Option<ReplayState>,
        #[command(flatten)]
        limit: LimitArgs,
    },
    /// Show how far a replay is
    Get {
        /// Its id
        id: ReplayId,
    },
    /// List what a replay could not deliver
    Failures {
        /// Its id
        id: ReplayId,
        #[command(flatten)]
        limit: LimitArgs,
    },
    /// Start no more deliveries of replays until they are resumed
    Pause {
        /// Their ids
        #[arg(required = true)]
        ids: Vec<ReplayId>,
    },
    /// Go on with replays that were paused
    Resume {
        /// Their ids
        #[arg(required = true)]
        ids: Vec<ReplayId>,
    },
    /// Call replays off
    Cancel {
        /// Their ids
        #[arg(required = true)]
        ids: Vec<ReplayId>,
    },
}

fn state(word: &str) -> Result<ReplayState, String> {
    ReplayState::parse(word).ok_or_else(|| "must be running, paused, cancelled, done or failed".to_owned())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Replay {
    id: String,
    state: String,
    filter: Box<RawValue>,
    rate: u32,
    total: u64,
    done: u64,
    delivered: u64,
    failed: u64,
    skipped: u64,
    pending: u64,
    eta_seconds: Option<u64>,
    note: Option<String>,
    created_at: String,
    ended_at: Option<String>,
}

impl Replay {
    fn is_over(&self) -> bool {
        matches!(self.state.as_str(), "done" | "cancelled" | "failed")
    }

    fn summary(&self) -> String {
        let Self { id, state, total, done, delivered, failed, skipped, .. } = self;
        format!("{id}   {state}   {done}/{total}   {delivered} delivered, {failed} failed, {skipped} skipped")
    }
}

pub(super) async fn run(args: ReplaysArgs, api: &Api, output: Output) -> Outcome {
    match args.command {
        ReplaysCommand::List { state, limit } => {
            let filters = Filters::default().with("state", state.map(ReplayState::as_str));
            let listed = list(api, "/replays", &filters, limit.limit).await?;
            let header = ["ID", "STATE", "DONE", "DELIVERED", "FAILED", "SKIPPED", "CREATED"];
            listed.print(output, &header, |replay: Replay| {
                let Replay { id, state, total, done, delivered, failed, skipped, created_at, .. } = replay;
                let [delivered, failed, skipped] = [delivered, failed, skipped].map(|count| count.to_string());
                vec![id, state, format!("{done}/{total}"), delivered, failed, skipped, created_at]
            })
        }
        ReplaysCommand::Get { id } => show(api, id, output).await,
        ReplaysCommand::Failures { id, limit } => failures(api, id, limit, output).await,
        ReplaysCommand::Pause { ids } => change_each(api, &ids, "pause", output).await,
        ReplaysCommand::Resume { ids } => change_each(api, &ids, "resume", output).await,
        ReplaysCommand::Cancel { ids } => change_each(api, &ids, "cancel", output).await,
    }
}

async fn show(api: &Api, id: ReplayId, output: Output) -> Outcome {
    let raw: Box<RawValue> = api.get(&format!("/replays/{id}")).await?;
    if output.is_json() {
        output.value(&raw)?;
        return Ok(());
    }
    let replay: Replay = serde_json::from_str(raw.get())?;
    output.line(&replay.summary());
    let Replay { filter, rate, pending, eta_seconds, note, created_at, ended_at, .. } = replay;
    output.facts([
        ("filter", Some(filter.get().to_owned())),
        ("rate", Some(format!("{rate}/s"))),
        ("under way", Some(pending.to_string())),
        ("ready in", eta_seconds.map(|seconds| format!("{seconds} s"))),
        ("because", note),
        ("created", Some(created_at)),
        ("ended", ended_at),
    ]);
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FailedRun {
    delivery_id: String,
    event_type: Option<String>,
    webhook_id: Option<String>,
    status: Option<String>,
    last_status: Option<u16>,
    last_error: Option<String>,
}

async fn failures(api: &Api, id: ReplayId, limit: LimitArgs, output: Output) -> Outcome {
    let listed = list(api, &format!("/replays/{id}/failures"), &Filters::default(), limit.limit).await?;
    listed.print(output, &["ID", "STATUS", "ANSWER", "EVENT TYPE", "WEBHOOK"], |run: FailedRun| {
        let FailedRun { delivery_id, event_type, webhook_id, status, last_status, last_error } = run;
        let text = Option::unwrap_or_default;
        vec![delivery_id, text(status), answer(last_status, last_error), text(event_type), text(webhook_id)]
    })
}

async fn change_each(api: &Api, ids: &[ReplayId], verb: &str, output: Output) -> Outcome {
    each(ids, output, async |id| {
        let raw: Box<RawValue> = api.call(reqwest::Method::POST, &format!("/replays/{id}/{verb}"), None, &[]).await?;
        let replay: Replay = serde_json::from_str(raw.get())?;
        Ok((replay.summary(), raw))
    })
    .await
}

pub(super) async fn start(args: ReplayArgs, api: &Api, output: Output) -> Outcome {
    let (dry_run, wait) = (args.dry_run, args.wait);
    let raw: Box<RawValue> = api.post("/replays", args.body()?.to_string()).await?;
    if dry_run {
        return preview(&raw, output);
    }
    let replay: Replay = serde_json::from_str(raw.get())?;
    if wait {
        return follow(api, replay, output).await;
    }
    if output.is_json() {
        output.value(&raw)?;
    } else {
        output.line(&replay.summary());
        output.hint(&format!("`angarium replays get {}` shows how far it is", replay.id));
    }
    Ok(())
}

impl ReplayArgs {
    fn body(self) -> Outcome<serde_json::Value> {
        let Self { ids, webhook, event_types, status, code, error, since, until, all, rate, newest_first, .. } = self;
        let narrowed = !(ids.is_empty() && event_types.is_empty() && status.is_empty())
            || webhook.is_some()
            || code.is_some()
            || error.is_some()
            || since.is_some()
            || until.is_some();
        if !narrowed && !all {
            let message = "which? name ids, narrow it by --webhook, --type, --code, --since or the like, or say --all";
            return Err(Failure::new(Exit::Usage, message));
        }
        // Who names one, or another state, does not mean dead letters only.
        let only_failed = ids.is_empty() && status.iter().all(|state| *state == DeliveryState::Dead);
        let statuses: Vec<&str> = status.iter().map(|state| state.as_str()).collect();
        let (mut deliveries, mut events) = (Vec::new(), Vec::new());
        for id in ids {
            match id {
                Which::Delivery(id) => deliveries.push(id.to_string()),
                Which::Event(id) => events.push(id.to_string()),
            }
        }
        let mut filter = json!({
            "eventTypes": event_types, "statuses": statuses, "deliveryIds": deliveries, "eventIds": events,
            "webhookId": webhook, "errorKind": error.map(FailureKind::as_str), "createdAfter": since,
            "createdBefore": until,
        });
        match code {
            Some(Codes { first, last }) if first == last => filter["httpStatus"] = first.into(),
            Some(Codes { first, .. }) => filter["statusClass"] = format!("{}xx", first / 100).into(),
            None => {}
        }
        let order = if newest_first { "newest" } else { "oldest" };
        Ok(json!({
            "filter": filter, "onlyFailed": only_failed, "rate": rate, "order": order, "dryRun": self.dry_run,
        }))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Preview {
    count: u64,
    is_exact: bool,
    oldest: Option<String>,
    newest: Option<String>,
    top_webhooks: Vec<Counted>,
    top_event_types: Vec<Counted>,
    skipped: Vec<Counted>,
}

/// So many of something.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Counted {
    webhook_id: Option<String>,
    name: Option<String>,
    event_type: Option<String>,
    reason: Option<String>,
    count: u64,
}

impl Counted {
    fn line(&self) -> String {
        let Self { webhook_id, name, event_type, reason, count } = self;
        let parts = [webhook_id, name, event_type, reason].into_iter().flatten().map(String::as_str);
        plain(&format!("{count:>8}   {}", parts.collect::<Vec<_>>().join("   ")))
    }
}

fn preview(raw: &RawValue, output: Output) -> Outcome {
    if output.is_json() {
        output.value(&raw)?;
        return Ok(());
    }
    let Preview { count, is_exact, oldest, newest, top_webhooks, top_event_types, skipped } =
        serde_json::from_str(raw.get())?;
    let more = if is_exact { "" } else { " or more" };
    output.line(&format!("would replay {count}{more}"));
    output.facts([("oldest", oldest), ("newest", newest)]);
    for (what, counted) in [("to", top_webhooks), ("of", top_event_types), ("skipped", skipped)] {
        for one in counted {
            output.line(&format!("{what:<8}{}", one.line()));
        }
    }
    output.hint("nothing was done; without --dry-run it is");
    Ok(())
}

/// Shows how far it is until it is over.
async fn follow(api: &Api, mut replay: Replay, output: Output) -> Outcome {
    let path = format!("/replays/{}", replay.id);
    let bar = output.progress(replay.total, "replay");
    let mut raw: Box<RawValue> = api.get(&path).await?;
    while !replay.is_over() {
        tokio::time::sleep(LOOK_EVERY).await;
        raw = api.get(&path).await?;
        replay = serde_json::from_str(raw.get())?;
        bar.set_length(replay.total);
        bar.set_position(replay.done);
        bar.set_message(format!("delivered {}  failed {}  {}", replay.delivered, replay.failed, replay.state));
    }
    bar.finish_and_clear();
    if output.is_json() {
        output.value(&raw)?;
    } else {
        output.line(&replay.summary());
    }
    let Replay { id, state, failed, delivered, note, .. } = replay;
    match (state.as_str(), failed) {
        ("done", 0) => Ok(()),
        ("done", _) => {
            output.hint(&format!("`angarium replays failures {id}` lists what failed"));
            let exit = if delivered > 0 { Exit::PartlyFailed } else { Exit::Failed };
            Err(Failure::new(exit, format!("{failed} failed")))
        }
        _ => Err(Failure::new(Exit::Failed, note.unwrap_or_else(|| format!("it was {state}")))),
    }
}
