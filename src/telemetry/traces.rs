//! Traces: an event's way as spans, for a collector that speaks the OpenTelemetry protocol (OTLP over HTTP, protobuf).
//!
//! An event's id is its trace's, so nothing is kept beside it, and whoever knows the id finds the trace. Its root is the
//! commit that accepted it; each attempt of each of its deliveries is a span below, whichever process made it. Spans go
//! out on a thread of their own, from a bounded queue: a collector that is slow or away delays nothing and loses spans.
//! Neither payloads nor paths of URLs are in them.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SpanData, SpanEvents, SpanLinks, SpanProcessor as _,
};
use tokio::runtime::Handle;

use crate::domain::attempt::{AttemptResult, FailureKind};
use crate::domain::id::{DeliveryId, EventId, RANDOM, TenantId, WebhookId};
use crate::domain::time::Timestamp;

const PATH: &str = "/v1/traces";
/// How often spans are sent, however few there are.
const SEND_EVERY: Duration = Duration::from_secs(1);
/// How long a collector may take, and how long a process that ends waits for it.
const SEND_MAX: Duration = Duration::from_secs(5);
const ERROR_TYPE: &str = "error.type";

/// Where spans go.
#[derive(Debug, Clone)]
pub struct TraceOptions {
    /// The collector's URL, without the path.
    pub endpoint: String,
    /// The share of events that are told of.
    pub sample_ratio: f64,
    /// Spans that may wait.
    pub queue_max: usize,
    /// The name of this process.
    pub node: String,
}

/// Tells a collector of events and attempts, if there is one.
pub struct Traces(Option<Sender>);

struct Sender {
    processor: Arc<BatchSpanProcessor>,
    scope: InstrumentationScope,
    /// Traces whose random part is below it are told of.
    below: u64,
}

/// An event that was accepted.
pub struct AcceptedEvent<'a> {
    /// Which.
    pub event: EventId,
    /// Whose.
    pub tenant: TenantId,
    /// Of what type.
    pub event_type: &'a str,
    /// How many webhooks it goes to.
    pub deliveries: u32,
    /// When its commit began.
    pub began: Timestamp,
    /// How long that took.
    pub took: Duration,
}

/// An attempt that is over.
pub struct AttemptMade<'a> {
    /// Of which event.
    pub event: EventId,
    /// Of which delivery.
    pub delivery: DeliveryId,
    /// Whose.
    pub tenant: TenantId,
    /// Where to.
    pub webhook: WebhookId,
    /// Of what type the event is.
    pub event_type: &'a str,
    /// The URL, of which the host is told.
    pub url: &'a str,
    /// The attempt's number; 1 is the first.
    pub number: u32,
    /// When it began.
    pub began: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// What it came to.
    pub result: &'a AttemptResult,
}

impl Traces {
    /// Tells nobody.
    #[must_use]
    pub const fn off() -> Self {
        Self(None)
    }

    /// Starts sending, if there is an endpoint. It needs a tokio runtime.
    pub fn start(options: &TraceOptions) -> anyhow::Result<Self> {
        if options.endpoint.is_empty() {
            return Ok(Self::off());
        }
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let trusted = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(|der| reqwest::Certificate::from_der(der));
        let client = client.tls_certs_only(trusted.collect::<Result<Vec<_>, _>>()?).timeout(SEND_MAX).build()?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector { client, runtime: Handle::current() })
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{}{PATH}", options.endpoint.trim_end_matches('/')))
            .with_timeout(SEND_MAX)
            .build()?;
        let batches = BatchConfigBuilder::default().with_max_queue_size(options.queue_max);
        let batches = batches.with_max_export_batch_size(options.queue_max.min(512)).with_scheduled_delay(SEND_EVERY);
        let mut processor = BatchSpanProcessor::new(exporter, batches.build());
        processor.set_resource(&Resource::builder_empty().with_attributes(resource(&options.node)).build());
        let scope = InstrumentationScope::builder("angarium").with_version(env!("CARGO_PKG_VERSION")).build();
        Ok(Self(Some(Sender { processor: Arc::new(processor), scope, below: threshold(options.sample_ratio) })))
    }

    /// Tells of an event.
    pub fn accepted(&self, event: &AcceptedEvent<'_>) {
        let Some(sender) = self.sender_for(event.event) else { return };
        let attributes = vec![
            KeyValue::new("angarium.event.id", event.event.to_string()),
            KeyValue::new("angarium.event.type", event.event_type.to_owned()),
            KeyValue::new("angarium.tenant.id", event.tenant.to_string()),
            KeyValue::new("angarium.deliveries", i64::from(event.deliveries)),
        ];
        let root = root_of(event.event);
        let span = Span { id: root, parent: SpanId::INVALID, kind: SpanKind::Producer, name: "accept" };
        sender.send(event.event, span, event.began, event.took, attributes, Status::Unset);
    }

    /// Tells of an attempt.
    pub fn attempted(&self, attempt: &AttemptMade<'_>) {
        let Some(sender) = self.sender_for(attempt.event) else { return };
        let mut attributes = vec![
            KeyValue::new("http.request.method", "POST"),
            KeyValue::new("angarium.event.id", attempt.event.to_string()),
            KeyValue::new("angarium.event.type", attempt.event_type.to_owned()),
            KeyValue::new("angarium.tenant.id", attempt.tenant.to_string()),
            KeyValue::new("angarium.webhook.id", attempt.webhook.to_string()),
            KeyValue::new("angarium.delivery.id", attempt.delivery.to_string()),
            KeyValue::new("angarium.attempt", i64::from(attempt.number)),
        ];
        let url = url::Url::parse(attempt.url).ok();
        attributes.extend(
            url.as_ref().and_then(|url| url.host_str()).map(|host| KeyValue::new("server.address", host.to_owned())),
        );
        let status = attempt.result.status();
        attributes.extend(status.map(|status| KeyValue::new("http.response.status_code", i64::from(status))));
        let verdict = if attempt.result.is_success() {
            Status::Unset
        } else {
            let kind = attempt.result.failure_kind().map(FailureKind::as_str).map(str::to_owned);
            let kind = kind.or_else(|| status.map(|status| status.to_string()));
            attributes.extend(kind.map(|kind| KeyValue::new(ERROR_TYPE, kind)));
            Status::error("")
        };
        let (id, parent) = (attempt_span(attempt.delivery, attempt.number), root_of(attempt.event));
        let span = Span { id, parent, kind: SpanKind::Client, name: "POST" };
        sender.send(attempt.event, span, attempt.began, attempt.took, attributes, verdict);
    }

    /// Sends what waits, and then nothing more.
    pub async fn stop(&self) {
        let Some(Sender { processor, .. }) = &self.0 else { return };
        let processor = Arc::clone(processor);
        // It waits for its thread, and that for the runtime.
        let stopped = tokio::task::spawn_blocking(move || processor.shutdown_with_timeout(SEND_MAX)).await;
        if let Ok(Err(error)) = stopped {
            tracing::warn!("the last spans were not sent: {error}");
        }
    }

    fn sender_for(&self, event: EventId) -> Option<&Sender> {
        self.0.as_ref().filter(|sender| low(event.0) & RANDOM <= sender.below)
    }
}

/// What is the same for all spans of a process.
fn resource(node: &str) -> [KeyValue; 3] {
    [
        KeyValue::new("service.name", "angarium"),
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", node.to_owned()),
    ]
}

/// One span's place.
struct Span {
    id: SpanId,
    parent: SpanId,
    kind: SpanKind,
    name: &'static str,
}

impl Sender {
    fn send(
        &self,
        event: EventId,
        span: Span,
        began: Timestamp,
        took: Duration,
        attributes: Vec<KeyValue>,
        status: Status,
    ) {
        let Span { id, parent, kind, name } = span;
        let trace = TraceId::from(event.0.as_u128());
        let start_time = system_time(began);
        self.processor.on_end(SpanData {
            span_context: SpanContext::new(trace, id, TraceFlags::SAMPLED, false, TraceState::default()),
            parent_span_id: parent,
            parent_span_is_remote: parent != SpanId::INVALID,
            span_kind: kind,
            name: name.into(),
            start_time,
            end_time: start_time + took,
            attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status,
            instrumentation_scope: self.scope.clone(),
        });
    }
}

fn low(id: uuid::Uuid) -> u64 {
    id.as_u64_pair().1
}

fn threshold(ratio: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of all traces, to within one in a million"
    )]
    let below = (ratio.clamp(0.0, 1.0) * RANDOM as f64) as u64;
    below
}

fn root_of(event: EventId) -> SpanId {
    SpanId::from(low(event.0))
}

fn attempt_span(delivery: DeliveryId, number: u32) -> SpanId {
    SpanId::from(low(delivery.0).wrapping_add(u64::from(number)))
}

fn system_time(time: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(0))
}

/// The collector, asked from a thread that is none of the runtime's.
#[derive(Debug)]
struct Collector {
    client: reqwest::Client,
    runtime: Handle,
}

#[async_trait::async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (client, request) = (self.client.clone(), reqwest::Request::try_from(request)?);
        let answer = self.runtime.spawn(async move {
            let answer = client.execute(request).await?;
            Ok::<_, HttpError>(Response::builder().status(answer.status()).body(answer.bytes().await?)?)
        });
        answer.await?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::tail;

    #[test]
    fn a_share_of_the_events_is_told_of() {
        assert_eq!((threshold(0.0), threshold(7.0)), (0, RANDOM));
        let random = |n: u64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 7;
        let ids = (0..1000).map(|n| EventId::new(Timestamp::from_millis(1), tail(7, random(n))));
        let told = ids.filter(|id| low(id.0) & RANDOM <= threshold(0.25)).count();
        assert!((200..300).contains(&told), "{told}");
    }

    #[test]
    fn attempts_of_a_delivery_have_ids_of_their_own() {
        let delivery = DeliveryId::new(Timestamp::from_millis(1), u128::MAX);
        assert_ne!(attempt_span(delivery, 1), attempt_span(delivery, 2));
        assert_ne!(attempt_span(delivery, u32::MAX), SpanId::INVALID);
    }
}
