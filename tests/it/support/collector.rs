//! An OpenTelemetry collector for tests: takes what it is sent, over HTTP, and keeps the spans.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use prost::Message as _;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A span that arrived, in plain words.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) name: String,
    pub(crate) trace: u128,
    pub(crate) id: Vec<u8>,
    pub(crate) parent: Vec<u8>,
    /// Its own attributes and those of its process.
    pub(crate) attributes: HashMap<String, String>,
    pub(crate) is_error: bool,
}

/// The collector.
pub(crate) struct Collector {
    pub(crate) endpoint: String,
    spans: Kept,
    task: JoinHandle<()>,
}

type Kept = Arc<Mutex<Vec<Span>>>;

impl Drop for Collector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Collector {
    /// Listens on a free port.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let spans = Kept::default();
        let router = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&spans));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { endpoint, spans, task }
    }

    /// What has come.
    pub(crate) fn spans(&self) -> Vec<Span> {
        self.spans.lock().unwrap().clone()
    }
}

async fn take(State(spans): State<Kept>, headers: HeaderMap, body: Bytes) -> StatusCode {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let mut spans = spans.lock().unwrap();
    for of_process in request.resource_spans {
        let shared = of_process.resource.map(|resource| resource.attributes).unwrap_or_default();
        for span in of_process.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            spans.push(Span {
                name: span.name,
                trace: u128::from_be_bytes(span.trace_id.try_into().unwrap()),
                id: span.span_id,
                parent: span.parent_span_id,
                attributes: span.attributes.into_iter().chain(shared.clone()).map(in_words).collect(),
                is_error: span.status.is_some_and(|status| status.code == 2),
            });
        }
    }
    StatusCode::OK
}

fn in_words(attribute: KeyValue) -> (String, String) {
    let value = match attribute.value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => panic!("{}: {other:?}", attribute.key),
    };
    (attribute.key, value)
}
