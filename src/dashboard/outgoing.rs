//! The request of a delivery as it goes out, built as the worker builds it, and what of it is signed.

use super::pretty::pretty;
use super::words::bytes;
use crate::domain::request;
use crate::domain::signature::Signed;
use crate::domain::time::Timestamp;
use crate::domain::webhook::Webhook;
use crate::engine::directory::Listener;
use crate::store::attempts::Attempt;
use crate::store::events::StoredEvent;

/// A body as it goes out, with what signs it.
pub(super) struct Outgoing {
    pub(super) raw: String,
    pub(super) pretty: String,
    pub(super) size: String,
    pub(super) profile: &'static str,
    /// Whether the webhook was changed since it was last sent.
    pub(super) is_later: bool,
    pub(super) signatures: Vec<SignatureView>,
}

/// A header that signs a request.
pub(super) struct SignatureView {
    pub(super) header: String,
    pub(super) scheme: String,
    pub(super) pieces: Vec<Piece>,
}

/// A piece of what is signed: what it is, and its text.
pub(super) struct Piece {
    pub(super) kind: &'static str,
    pub(super) text: String,
}

/// What goes out, or would. `None` when it cannot be signed.
pub(super) fn outgoing(
    listener: &Listener,
    event: &StoredEvent,
    attempts: &[Attempt],
    origin: &str,
    now: Timestamp,
) -> Option<Outgoing> {
    let webhook = &listener.webhook;
    let last = attempts.last().map(|attempt| attempt.started_at);
    let sent_at = last.unwrap_or(now);
    let built = request::build(webhook, &listener.keys_at(now), &event.content, origin, sent_at).ok()?;
    let size = bytes(built.body.len());
    let raw = String::from_utf8(built.body).ok()?;
    Some(Outgoing {
        pretty: pretty(&raw),
        size,
        profile: webhook.settings.profile.as_str(),
        is_later: last.is_some_and(|last| webhook.updated_at > last),
        signatures: signatures(webhook, event, sent_at, raw.len()),
        raw,
    })
}

fn signatures(webhook: &Webhook, event: &StoredEvent, sent_at: Timestamp, body_bytes: usize) -> Vec<SignatureView> {
    let settings = &webhook.settings;
    let rows = settings.profile.spec().signatures.iter();
    let view = |row: &crate::domain::signature::Scheme<'static>| {
        let scheme = settings.signature.applied_to(*row);
        let names = [scheme.hmac.map(|_| "HMAC-SHA256"), scheme.ed25519.map(|_| "Ed25519")];
        let names: Vec<_> = names.into_iter().flatten().collect();
        if names.is_empty() {
            return None;
        }
        let pieces = scheme.signed.iter().map(|piece| match piece {
            Signed::Text(text) => Piece { kind: "text", text: (*text).to_owned() },
            Signed::Id => Piece { kind: "id", text: event.content.id.to_string() },
            Signed::Time => Piece { kind: "time", text: sent_at.as_seconds().to_string() },
            Signed::Body => Piece { kind: "body", text: format!("(the body, {body_bytes} bytes)") },
        });
        Some(SignatureView {
            header: scheme.header.to_owned(),
            scheme: format!("{} in {}", names.join(" or "), scheme.encoding.as_str()),
            pieces: pieces.collect(),
        })
    };
    rows.filter_map(view).collect()
}
