//! Deliveries as a file: everything that the list's address finds, as a stream. However many there are, only one step
//! of them is in memory.

use std::fmt::Write as _;
use std::mem;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use futures_util::stream;
use serde_json::{Map, Value};

use super::Dashboard;
use super::access::{ReadDeliveries, Reader};
use super::delivery_filter;
use super::page::Failure;
use super::params::Params;
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::deliveries::{Delivery, DeliveryFilter};

/// Deliveries that are read at once.
const STEP: u32 = 500;
const HEADINGS: &str = "id,event_id,event_type,webhook_id,reason,status,attempts,last_status,last_error,next_attempt_at,created_at,settled_at\r\n";

pub(super) fn routes() -> Router<Arc<Dashboard>> {
    Router::new().route("/ui/deliveries/export/{name}", get(export))
}

#[derive(Clone, Copy)]
enum Format {
    Csv,
    JsonLines,
}

/// Where an export stands.
struct Walk {
    dashboard: Arc<Dashboard>,
    scope: Scope,
    filter: DeliveryFilter,
    format: Format,
    left: u32,
    has_begun: bool,
}

async fn export(
    State(dashboard): State<Arc<Dashboard>>,
    Path(name): Path<String>,
    reader: Reader<ReadDeliveries>,
    uri: Uri,
) -> Result<Response, Failure> {
    let (format, media_type) = match name.as_str() {
        "deliveries.csv" => (Format::Csv, "text/csv; charset=utf-8"),
        "deliveries.jsonl" => (Format::JsonLines, "application/jsonl; charset=utf-8"),
        _ => return Err(Failure::NotFound("file")),
    };
    let asked = delivery_filter::read(&Params::of(&uri), dashboard.engine.clock().now());
    if !asked.problems.is_empty() {
        return Err(Failure::Bad(asked.problems.join(" ")));
    }
    if asked.data.is_some() {
        let message = "Data cannot be searched in an export: leave out the words that begin with `data.`.";
        return Err(Failure::bad(message));
    }
    let left = dashboard.options.export_rows_max;
    let walk = Walk { dashboard, scope: reader.visit.scope, filter: asked.filter, format, left, has_begun: false };
    let disposition = HeaderValue::try_from(format!("attachment; filename=\"{name}\""));
    let disposition = disposition.map_err(|_| Failure::internal("the name of a file is no header"))?;
    let headers =
        [(header::CONTENT_TYPE, HeaderValue::from_static(media_type)), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, Body::from_stream(stream::try_unfold(walk, step))).into_response())
}

/// The next piece of the file, and where the one after it begins.
async fn step(mut walk: Walk) -> Result<Option<(Bytes, Walk)>, StoreError> {
    let is_first = !mem::replace(&mut walk.has_begun, true);
    if is_first && matches!(walk.format, Format::Csv) {
        // At once: where little is found, the rest takes its time.
        return Ok(Some((Bytes::from_static(HEADINGS.as_bytes()), walk)));
    }
    let found = walk.next().await?;
    let mut piece = String::new();
    for delivery in &found {
        match walk.format {
            Format::Csv => csv_line(delivery, &mut piece),
            Format::JsonLines => json_line(delivery, &mut piece),
        }
    }
    Ok((!piece.is_empty()).then(|| (Bytes::from(piece), walk)))
}

impl Walk {
    /// The next deliveries; none when there are no more. Where few are found, it looks on.
    async fn next(&mut self) -> Result<Vec<Delivery>, StoreError> {
        let store = self.dashboard.engine.store();
        while self.left > 0 {
            let limit = STEP.min(self.left);
            let stretch = store.stretch(self.scope, &self.filter).await?;
            let found = store.deliveries_of(self.scope, &stretch, limit, 0).await?;
            let count = u32::try_from(found.len()).unwrap_or(u32::MAX);
            let last = if count < limit { stretch.end } else { found.last().map(|delivery| delivery.id.0) };
            self.filter.before = last.or(self.filter.before);
            self.left = if last.is_none() { 0 } else { self.left - count };
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }
}

/// The columns of a file, by their names in JSON.
fn columns(delivery: &Delivery) -> [(&'static str, Value); 12] {
    let Delivery {
        id,
        event,
        event_type,
        webhook,
        reason,
        state,
        attempts,
        last_status,
        last_error,
        settled_at,
        note: _,
        next_attempt_at,
    } = delivery;
    let time = |at: Option<Timestamp>| at.map_or(Value::Null, |at| at.to_string().into());
    [
        ("id", id.to_string().into()),
        ("eventId", event.to_string().into()),
        ("eventType", event_type.as_str().into()),
        ("webhookId", webhook.to_string().into()),
        ("reason", reason.as_str().into()),
        ("status", state.as_str().into()),
        ("attempts", (*attempts).into()),
        ("lastStatus", (*last_status).into()),
        ("lastError", last_error.as_deref().into()),
        ("nextAttemptAt", time(*next_attempt_at)),
        ("createdAt", time(Some(id.time()))),
        ("settledAt", time(*settled_at)),
    ]
}

fn json_line(delivery: &Delivery, out: &mut String) {
    let object: Map<String, Value> =
        columns(delivery).into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    // Writing to a text does not fail.
    let _ = writeln!(out, "{}", Value::Object(object));
}

fn csv_line(delivery: &Delivery, out: &mut String) {
    for (index, (_, value)) in columns(delivery).iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        match value {
            Value::Null => {}
            Value::String(text) => write_cell(text, out),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                write_cell(&value.to_string(), out);
            }
        }
    }
    out.push_str("\r\n");
}

/// A cell that no spreadsheet takes for a formula.
fn write_cell(text: &str, out: &mut String) {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let needs_quotes = is_formula || text.contains([',', '"', '\n', '\r']);
    if !needs_quotes {
        out.push_str(text);
        return;
    }
    out.push('"');
    if is_formula {
        out.push('\'');
    }
    out.push_str(&text.replace('"', "\"\""));
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        let cell = |text: &str| {
            let mut out = String::new();
            write_cell(text, &mut out);
            out
        };
        assert_eq!(cell("order.created"), "order.created");
        assert_eq!(cell("=cmd|' /C calc'!A0"), "\"'=cmd|' /C calc'!A0\"");
        assert_eq!(cell("-1+1"), "\"'-1+1\"");
        assert_eq!(cell("@x"), "\"'@x\"");
        assert_eq!(cell("a,\"b\"\n"), "\"a,\"\"b\"\"\n\"");
    }
}
