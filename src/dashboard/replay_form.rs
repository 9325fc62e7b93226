//! What a replay would do, counted; and the form that starts it. The address is that of a list of deliveries: the same
//! filter means the same deliveries.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;

use super::Dashboard;
use super::access::{Actor, FORM_TOKEN, Reader, WriteDeliveries};
use super::delivery_filter::{self, Asked};
use super::layout::Frame;
use super::page::{self, Failure};
use super::params::Params;
use super::preferences::go_and_say;
use super::replays::{SECTION, words_of};
use super::words::{Time, grouped, span};
use crate::domain::delivery::DeliveryState;
use crate::domain::event::EventType;
use crate::domain::id::{DeliveryId, EventId, WebhookId};
use crate::domain::replay::ReplayFilter;
use crate::domain::subscription::Pattern;
use crate::domain::time::Timestamp;
use crate::engine::replays::{NewReplay, Preview};
use crate::store::deliveries::DeliveryFilter;

/// The fields of a list of deliveries that a replay goes by.
const FILTER: [&str; 11] =
    ["q", "status", "webhook", "event", "type", "code", "error", "attempt", "from", "until", "range"];

pub(super) fn routes() -> Router<Arc<Dashboard>> {
    Router::new().route("/ui/replays/new", get(preview).post(start))
}

#[derive(Template)]
#[template(path = "replay_form.html", config = "src/dashboard/askama.toml")]
struct PreviewPage {
    frame: Frame,
    problems: Vec<String>,
    words: Vec<String>,
    count: String,
    is_none: bool,
    oldest: Option<Time>,
    newest: Option<Time>,
    webhooks: Vec<(WebhookId, String, String)>,
    event_types: Vec<(String, String)>,
    skipped: Vec<(String, &'static str, String)>,
    skipped_count: String,
    takes: String,
    /// The filter, to be sent along.
    fields: Vec<(&'static str, String)>,
    only_failed: bool,
    newest_first: bool,
    rate: u32,
    rate_max: u32,
    back: String,
}

/// What is asked for, and what in it no replay can go by.
struct Wanted {
    new: NewReplay,
    problems: Vec<String>,
}

impl Wanted {
    /// Without the form's own fields, dead letters are meant unless the filter names another state.
    fn read(params: &Params, now: Timestamp, rate_max: u32) -> Self {
        let Asked { filter, data, mut problems, is_narrowed: _ } = delivery_filter::read(params, now);
        if data.is_some() {
            problems.push("A replay cannot go by the data of events: take that filter away.".to_owned());
        }
        let replay_filter = replay_filter(&filter, &mut problems);
        let other_state = filter.state.is_some_and(|state| state != DeliveryState::Dead);
        let only_failed = if params.get("counted").is_some() { params.get("failed").is_some() } else { !other_state };
        let rate = params.get("rate").map(str::parse::<u32>).transpose();
        let rate = rate.ok().filter(|rate| rate.is_none_or(|rate| (1..=rate_max).contains(&rate)));
        if rate.is_none() {
            problems.push(format!("The rate must be a whole number from 1 to {rate_max}."));
        }
        let newest_first = params.get("order") == Some("newest");
        Self { new: NewReplay { filter: replay_filter, only_failed, rate: rate.flatten(), newest_first }, problems }
    }
}

/// The same deliveries as a replay names them.
fn replay_filter(filter: &DeliveryFilter, problems: &mut Vec<String>) -> ReplayFilter {
    let DeliveryFilter {
        webhook,
        event,
        state,
        event_type,
        type_prefix,
        attempts,
        status_range,
        error,
        from,
        before,
        oldest_first: _,
    } = filter;
    if attempts.is_some() {
        problems.push("A replay cannot go by the number of attempts: take that filter away.".to_owned());
    }
    if *state == Some(DeliveryState::Pending) {
        problems.push("What is pending is on its way anyway: choose another status.".to_owned());
    }
    // An empty prefix is every type, which needs no pattern.
    let below = type_prefix.as_deref().filter(|prefix| !prefix.is_empty());
    let pattern = below.map(|prefix| match prefix.strip_suffix('.') {
        Some(parent) => EventType::parse(parent).map(Pattern::Below).ok(),
        None => None,
    });
    if pattern == Some(None) {
        problems.push("A replay goes by whole words of an event type: write order.* and not ord*.".to_owned());
    }
    let exact = event_type.as_deref().and_then(|name| EventType::parse(name).ok()).map(Pattern::Exact);
    let (status, class) = match status_range {
        Some((first, last)) if first == last => (u16::try_from(*first).ok(), None),
        Some((first, _)) => (None, u16::try_from(first / 100).ok()),
        None => (None, None),
    };
    let time = |id: uuid::Uuid| DeliveryId(id).time();
    ReplayFilter {
        webhook: *webhook,
        event_types: exact.into_iter().chain(pattern.flatten()).collect(),
        states: state.filter(|state| *state != DeliveryState::Pending).into_iter().collect(),
        http_status: status,
        status_class: class,
        error: *error,
        created_after: from.map(time),
        created_before: before.map(time),
        events: event.iter().copied().collect::<Vec<EventId>>(),
        deliveries: Vec::new(),
    }
}

async fn preview(
    State(dashboard): State<Arc<Dashboard>>,
    reader: Reader<WriteDeliveries>,
    uri: Uri,
) -> Result<Response, Failure> {
    let visit = reader.visit;
    let params = Params::of(&uri);
    let (engine, now) = (&dashboard.engine, dashboard.engine.clock().now());
    let limits = &engine.limits().replays;
    let Wanted { new, problems } = Wanted::read(&params, now, limits.rate_max);
    let nothing = || Preview { rate: limits.rate_default, ..Preview::default() };
    let found = if problems.is_empty() { engine.preview_replay(visit.scope, &new).await? } else { nothing() };
    let Preview { count, is_exact, oldest, newest, rate, top_webhooks, top_event_types, skipped } = found;
    let known = engine.directory.current();
    let name = |id| known.listener(id).map_or_else(|| id.to_string(), |l| l.webhook.settings.name.clone());
    let rate = new.rate.unwrap_or(rate);
    let seconds = count.div_ceil(u64::from(rate.max(1))).max(1);
    let time = |at| Time { at, now };
    let more = if is_exact || !problems.is_empty() { "" } else { "more than " };
    page::show(&PreviewPage {
        frame: dashboard.frame(&visit, "Send deliveries again", SECTION),
        words: words_of(&new.filter, new.only_failed, &known),
        count: format!("{more}{}", grouped(count)),
        is_none: count == 0,
        oldest: oldest.map(time),
        newest: newest.map(time),
        webhooks: top_webhooks.into_iter().map(|(id, n)| (id, name(id), grouped(n))).collect(),
        event_types: top_event_types.into_iter().map(|(event_type, n)| (event_type, grouped(n))).collect(),
        skipped_count: grouped(skipped.iter().map(|(_, _, n)| n).sum::<u64>()),
        skipped: skipped.into_iter().map(|(id, why, n)| (name(id), why.sentence(), grouped(n))).collect(),
        takes: span(std::time::Duration::from_secs(seconds)),
        fields: FILTER.iter().filter_map(|name| Some((*name, params.get(name)?.to_owned()))).collect(),
        only_failed: new.only_failed,
        newest_first: new.newest_first,
        rate,
        rate_max: limits.rate_max,
        back: format!("/ui/deliveries{}", params.without(&["counted", "failed", "rate", "order"]).with("page", None)),
        problems,
    })
}

async fn start(State(dashboard): State<Arc<Dashboard>>, actor: Actor<WriteDeliveries>) -> Result<Response, Failure> {
    if actor.fields.get("action") == Some("count") {
        let query = actor.fields.without(&[FORM_TOKEN, "action"]).with("cursor", None);
        return Ok(Redirect::to(&format!("/ui/replays/new{query}")).into_response());
    }
    let (engine, now) = (&dashboard.engine, dashboard.engine.clock().now());
    let Wanted { new, problems } = Wanted::read(&actor.fields, now, engine.limits().replays.rate_max);
    if !problems.is_empty() {
        return Err(Failure::Bad(problems.join(" ")));
    }
    let replay = engine.start_replay(actor.visit.scope, new).await?;
    Ok(go_and_say(&format!("{SECTION}/{}", replay.id), "The replay is on its way."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(query: &str) -> Wanted {
        Wanted::read(&Params::parse(query.as_bytes()), Timestamp::from_millis(1_790_000_000_000), 100)
    }

    #[test]
    fn a_list_and_its_replay_mean_the_same_deliveries() {
        let Wanted { new, problems } = wanted("q=order.*+code:5xx&error=timeout&from=2026-01-01T00:00Z&range=all");
        assert_eq!(problems, Vec::<String>::new());
        let filter = new.filter;
        assert_eq!(filter.event_types, [Pattern::parse("order.*").unwrap()]);
        assert_eq!((filter.status_class, filter.http_status), (Some(5), None));
        assert_eq!(filter.created_after, Timestamp::parse_rfc3339("2026-01-01T00:00:00Z"));
        assert!(new.only_failed && !new.newest_first && new.rate.is_none());
        assert_eq!(wanted("code=503").new.filter.http_status, Some(503));
        // A day is what the list shows where it is asked for nothing else.
        assert!(wanted("").new.filter.created_after.is_some());
    }

    #[test]
    fn dead_letters_are_meant_unless_something_else_is_said() {
        assert!(wanted("status=dead").new.only_failed && !wanted("status=delivered").new.only_failed);
        assert!(!wanted("status=dead&counted=1").new.only_failed && wanted("counted=1&failed=on").new.only_failed);
    }

    #[test]
    fn what_no_replay_can_go_by_is_said() {
        for query in [
            "attempt=%3E3",
            "q=data.customer.id:42",
            "status=pending",
            "type=ord*",
            "rate=0",
            "rate=101",
            "rate=x",
            "code=99",
        ] {
            assert_eq!(wanted(query).problems.len(), 1, "{query}");
        }
    }
}
