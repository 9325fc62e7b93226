//! Messages: what was said in a conversation.

use serde_json::Value;

use super::conversations::CONVERSATION;
use super::kind::{Kind, line};
use super::{Document, Field, Filter, FilterBy, Is, Noun, value};
use crate::domain::field::{FieldCode, FieldProblem};

const ROLES: &[&str] = &["customer", "agent", "ai"];

/// A message.
pub static MESSAGE: Noun = Noun {
    name: "message",
    plural: "messages",
    prefix: "msg",
    about: "What was said in a conversation. A message that was sent with the role `ai` emits `ai.reply.created` and \
        counts as an AI reply; every other one emits `message.sent` or `message.received` and counts as a message.",
    fields: &[
        Field::new("conversationId", Kind::Reference(&CONVERSATION), "The conversation.").required().fixed(),
        Field::new("direction", Kind::Choice(&["sent", "received"]), "Sent to the customer, or received from them.")
            .required()
            .fixed(),
        Field::new(
            "role",
            Kind::Choice(ROLES),
            "Who wrote it. When it is not given: `customer` for a received one, `agent` for a sent one.",
        )
        .fixed(),
        Field::new("text", Kind::Text { max: 10_000, lines: true }, "What it says.").required(),
        Field::new("senderId", line(64), "Who wrote it, as you name them.").fixed(),
        Field::new("customFields", Kind::Map, "Whatever else you know; replaced as a whole."),
    ],
    rules: who_wrote_it,
    filters: &[
        Filter { name: "conversationId", by: FilterBy::Value },
        Filter { name: "role", by: FilterBy::Value },
        Filter { name: "direction", by: FilterBy::Value },
    ],
    created: &[
        (&[("direction", Is::OneOf(&["received"]))], "message.received"),
        (&[("role", Is::OneOf(&["ai"]))], "ai.reply.created"),
        (&[], "message.sent"),
    ],
    changes: &[],
    updated: None,
    actions: &[],
    parent: Some("conversationId"),
    example: r#"{
        "id": "msg_06c8nbm1gsk7ecpr9t3v5x7z0d",
        "conversationId": "cnv_06c8nbm1gsk7ecpr9t3v5x7z0b",
        "direction": "sent",
        "role": "agent",
        "text": "Good morning! I am looking into it.",
        "senderId": "usr_06c8nbm1gsk7ecpr9t3v5x7z0c",
        "customFields": {},
        "createdAt": "2026-11-21T20:04:59.120Z",
        "updatedAt": "2026-11-21T20:04:59.120Z"
    }"#,
};

fn who_wrote_it(document: &mut Document, problems: &mut Vec<FieldProblem>) {
    let is_received = value(document, "direction") == "received";
    match value(document, "role").as_str() {
        None => {
            let role = if is_received { "customer" } else { "agent" };
            document.insert("role".to_owned(), Value::from(role));
        }
        Some("customer") if !is_received => {
            problems.push(FieldProblem::new("role", FieldCode::Mismatch, "cannot be `customer` in a sent message"));
        }
        Some("agent" | "ai") if is_received => {
            problems.push(FieldProblem::new("role", FieldCode::Mismatch, "must be `customer` in a received message"));
        }
        Some(_) => {}
    }
}
