//! `send`: publishes events, and waits for what becomes of them if asked to.

use std::time::{Duration, Instant};

use clap::Args;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;

use super::api::Api;
use super::sign::read_body;
use super::target::Target;
use super::{Exit, Failure, Globals, Outcome, Output, duration};

const IN_FLIGHT_MAX: usize = 32;
const POLL_FIRST: Duration = Duration::from_millis(10);
const POLL_MAX: Duration = Duration::from_millis(500);
/// The most deliveries of one event that are waited for: the largest page.
const PAGE: usize = 100;

/// Arguments of `send`.
#[derive(Debug, Args)]
pub(super) struct SendArgs {
    /// The event's type, such as `message.received`
    #[arg(value_name = "TYPE")]
    event_type: String,
    /// The event's data: JSON, `@FILE`, or `-` for standard input
    #[arg(short, long, value_name = "JSON", default_value = "{}")]
    data: String,
    /// Publish so many
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    count: u64,
    /// At most so many per second
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: Option<u32>,
    /// The same key never makes a second event; with --count, `-1`, `-2`, … are appended
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// A channel that the event is for; may be given several times
    #[arg(long = "channel", value_name = "NAME")]
    channels: Vec<String>,
    /// Deliver no earlier than this time, such as `2026-12-24T18:00:00Z`
    #[arg(long, value_name = "TIME")]
    deliver_at: Option<String>,
    /// Wait until every delivery is final
    #[arg(long)]
    wait: bool,
    /// How long to wait
    #[arg(long, default_value = "60s", value_parser = duration::parse)]
    timeout: Duration,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    r#type: &'a str,
    data: &'a RawValue,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    channels: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    deliver_at: Option<&'a str>,
}

#[derive(Deserialize)]
struct Accepted {
    id: String,
    deliveries: u64,
}

/// An event that was published, and what became of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    id: String,
    event_type: String,
    accepted_ms: u64,
    /// How many webhooks it goes to.
    matched: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    deliveries: Option<Vec<Delivery>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Delivery {
    id: String,
    webhook_id: String,
    status: String,
    #[serde(default, rename(deserialize = "attemptLog"))]
    attempts: Vec<Attempt>,
    /// Whether the receiver said that the signature was good, as ours do.
    #[serde(skip_deserializing)]
    verified: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attempt {
    number: u32,
    duration_ms: u64,
    status: Option<u16>,
    #[serde(default)]
    outcome: Option<String>,
    #[serde(default)]
    response_excerpt: Option<String>,
}

impl Delivery {
    pub(super) fn is_final(&self) -> bool {
        self.status != "pending"
    }

    pub(super) fn is_delivered(&self) -> bool {
        self.status == "delivered"
    }

    fn judged(mut self) -> Self {
        let excerpt = self.attempts.last().and_then(|attempt| attempt.response_excerpt.as_deref()).unwrap_or_default();
        self.verified = serde_json::from_str(excerpt).is_ok_and(|value: serde_json::Value| value["verified"] == true);
        self
    }
}

pub(super) async fn run(args: SendArgs, globals: &Globals, output: Output) -> Outcome {
    let api = Api::new(Target::find(globals)?)?;
    let (body, data_bytes) = event_body(&args)?;
    let progress = (args.count > 1).then(|| output.progress(args.count, "send"));
    let began = Instant::now();
    let one = |number: u64| {
        let (api, args, body, progress) = (&api, &args, &body, &progress);
        async move {
            if let Some(rate) = args.rate {
                let due = Duration::from_nanos((number - 1) * 1_000_000_000 / u64::from(rate));
                tokio::time::sleep_until((began + due).into()).await;
            }
            let sent = send_one(api, args, body.clone(), number).await;
            if let Some(bar) = progress {
                bar.inc(1);
            }
            sent
        }
    };
    let sent: Vec<Sent> = stream::iter(1..=args.count).map(one).buffered(IN_FLIGHT_MAX).try_collect().await?;
    if let Some(bar) = progress {
        bar.finish_and_clear();
    }
    report(&sent, data_bytes, output)?;
    let deliveries = || sent.iter().flat_map(|sent| sent.deliveries.iter().flatten());
    let unlisted = |sent: &Sent| sent.deliveries.as_ref().is_some_and(|listed| listed.len() < expected(sent.matched));
    if sent.iter().any(unlisted) || deliveries().any(|delivery| !delivery.is_final()) {
        return Err(Failure::new(Exit::TimedOut, format!("not final within {} s", args.timeout.as_secs())));
    }
    let failed = deliveries().filter(|delivery| !delivery.is_delivered()).count();
    if failed == 0 { Ok(()) } else { Err(Failure::new(Exit::Failed, format!("{failed} not delivered"))) }
}

/// The request's body, and how many bytes of it are data. The data goes in as it is written, to the byte.
fn event_body(args: &SendArgs) -> Outcome<(String, usize)> {
    let data = read_data(&args.data)?;
    let (channels, deliver_at) = (args.channels.as_slice(), args.deliver_at.as_deref());
    let event = Event { r#type: &args.event_type, data: &data, channels, deliver_at };
    Ok((serde_json::to_string(&event)?, data.get().len()))
}

/// The data of an event, from an argument: JSON, `@FILE`, or `-`.
pub(super) fn read_data(argument: &str) -> Outcome<Box<RawValue>> {
    let data = match argument {
        "-" => String::from_utf8(read_body("-".as_ref())?)?,
        text => match text.strip_prefix('@') {
            Some(path) => String::from_utf8(read_body(path.as_ref())?)?,
            None => text.to_owned(),
        },
    };
    serde_json::from_str(&data).map_err(|error| Failure::new(Exit::Usage, format!("the data is not JSON: {error}")))
}

async fn send_one(api: &Api, args: &SendArgs, body: String, number: u64) -> Outcome<Sent> {
    let key =
        args.idempotency_key.as_ref().map(|key| if args.count > 1 { format!("{key}-{number}") } else { key.clone() });
    let headers: Vec<(&str, &str)> = key.iter().map(|key| ("idempotency-key", key.as_str())).collect();
    let began = Instant::now();
    let accepted: Accepted = api.call(Method::POST, "/events", Some(body), &headers).await?;
    let accepted_ms = u64::try_from(began.elapsed().as_millis())?;
    let Accepted { id, deliveries: matched } = accepted;
    let deliveries = if args.wait { Some(follow(api, &id, matched, args.timeout).await?) } else { None };
    Ok(Sent { id, event_type: args.event_type.clone(), accepted_ms, matched, deliveries })
}

/// Polls until every delivery of an event is final, or the time is up; gives them as they are then.
pub(super) async fn follow(api: &Api, event: &str, matched: u64, within: Duration) -> Outcome<Vec<Delivery>> {
    let began = Instant::now();
    let wanted = expected(matched);
    let mut pause = POLL_FIRST;
    let listed = loop {
        let listed: Vec<Delivery> = api.get(&format!("/deliveries?eventId={event}&limit={PAGE}")).await?;
        let settled = listed.len() >= wanted && listed.iter().all(Delivery::is_final);
        if settled || began.elapsed() >= within {
            break listed;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(POLL_MAX);
    };
    let detail = |delivery: Delivery| async move {
        let path = format!("/deliveries/{}", delivery.id);
        api.get::<Delivery>(&path).await.map(Delivery::judged)
    };
    stream::iter(listed).map(detail).buffered(IN_FLIGHT_MAX).try_collect().await
}

/// How many deliveries a list of them shows.
fn expected(matched: u64) -> usize {
    usize::try_from(matched).unwrap_or(PAGE).min(PAGE)
}

fn report(sent: &[Sent], data_bytes: usize, output: Output) -> Outcome {
    if output.is_json() {
        match sent {
            [one] => output.value(one)?,
            many => output.value(&json!({"events": many}))?,
        }
        return Ok(());
    }
    for Sent { id, event_type, accepted_ms, matched, deliveries } in sent {
        let webhooks = if *matched == 1 { "1 webhook".to_owned() } else { format!("{matched} webhooks") };
        output.line(&format!("{id}   {event_type}   {data_bytes} B   accepted in {accepted_ms} ms   for {webhooks}"));
        for delivery in deliveries.iter().flatten() {
            output.line(&format!("  {}", describe(delivery)));
        }
        if *matched == 0 {
            output.hint("  no webhook subscribes to this type");
        }
    }
    let deliveries: Vec<_> = sent.iter().filter_map(|sent| sent.deliveries.as_ref()).flatten().collect();
    if sent.iter().any(|sent| sent.deliveries.is_some()) {
        let delivered = deliveries.iter().filter(|delivery| delivery.is_delivered()).count();
        let pending = deliveries.iter().filter(|delivery| !delivery.is_final()).count();
        let failed = deliveries.len() - delivered - pending;
        output.line(&format!("{delivered} delivered, {failed} failed, {pending} pending"));
    }
    Ok(())
}

pub(super) fn describe(delivery: &Delivery) -> String {
    let Delivery { id, webhook_id, status, attempts, verified } = delivery;
    let mark = match status.as_str() {
        "delivered" => '✓',
        "pending" => '…',
        _ => '✗',
    };
    let Some(Attempt { number, duration_ms, status: answer, outcome, response_excerpt: _ }) = attempts.last() else {
        return format!("{mark} {status}   {id}   {webhook_id}   no attempt yet");
    };
    let answer = answer.map_or_else(|| "no answer".to_owned(), |answer| answer.to_string());
    let remark =
        if *verified { "signature verified by the receiver".to_owned() } else { outcome.clone().unwrap_or_default() };
    format!("{mark} {status}   {id}   {webhook_id}   {answer}   attempt {number}   {duration_ms} ms   {remark}")
        .trim_end()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(status: &str, excerpt: &str) -> Delivery {
        let log = json!([{"number": 1, "durationMs": 11, "status": 200, "outcome": "Delivered.", "responseExcerpt": excerpt}]);
        let value = json!({"id": "dlv_1", "webhookId": "wh_1", "status": status, "attempts": 1, "attemptLog": log});
        serde_json::from_value::<Delivery>(value).expect("reads what the API gives").judged()
    }

    #[test]
    fn a_delivery_says_that_it_was_verified_only_when_it_was() {
        let line = describe(&delivery("delivered", r#"{"verified":true}"#));
        assert_eq!(line, "✓ delivered   dlv_1   wh_1   200   attempt 1   11 ms   signature verified by the receiver");
        for excerpt in ["", "verified", r#"{"verified":false}"#, r#"{"verified":true"#] {
            assert!(!describe(&delivery("delivered", excerpt)).contains("verified"), "{excerpt}");
        }
    }

    #[test]
    fn a_list_gives_deliveries_without_attempts() {
        let value = json!({"id": "dlv_1", "webhookId": "wh_1", "status": "pending", "attempts": 0, "more": 1});
        let listed: Delivery = serde_json::from_value(value).expect("reads what the API gives");
        assert_eq!(describe(&listed), "… pending   dlv_1   wh_1   no attempt yet");
    }
}
