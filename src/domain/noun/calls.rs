//! Calls: a state machine.
//!
//! ```text
//! initiated ──▶ ringing ──▶ answered ──▶ completed ──▶ (its recording becomes available)
//!     └────────────┴────────────┴──────▶ failed
//! ```

use super::conversations::CONVERSATION;
use super::customers::CUSTOMER;
use super::kind::{Kind, line};
use super::users::USER;
use super::{Action, Change, Field, Filter, FilterBy, Initial, Is, Noun, no_rules};

const INITIATED: &[&str] = &["initiated"];
const RINGING: &[&str] = &["ringing"];
const ANSWERED: &[&str] = &["answered"];
const COMPLETED: &[&str] = &["completed"];
const FAILED: &[&str] = &["failed"];
const UNDER_WAY: &[&str] = &["initiated", "ringing", "answered"];
const STATUSES: &[&str] = &["initiated", "ringing", "answered", "completed", "failed"];

/// A day: no call is longer.
const DURATION: Kind = Kind::Count { max: 86_400 };

const TALKED: Field = Field::new("durationSeconds", DURATION, "How long they talked.");
const REASON: Field = Field::new("reason", line(500), "Why it failed, such as `busy` or `no answer`.");
const RECORDING: Field = Field::new("url", Kind::Link, "Where the recording is.").required();

const fn step(to: &'static [&'static str], stamps: &'static str, emits: &'static str) -> Change {
    Change { field: "status", to: Is::OneOf(to), stamps: Some(stamps), emits: Some(emits) }
}

/// A call.
pub static CALL: Noun = Noun {
    name: "call",
    plural: "calls",
    prefix: "cal",
    about: "A phone call: `initiated`, `ringing`, `answered`, and then `completed`, or `failed` at any step. Its \
        actions take it from one to the next; no other order is possible.",
    fields: &[
        Field::new("customerPhone", Kind::Phone, "The customer's number, kept without spaces and punctuation.")
            .required()
            .fixed(),
        Field::new("direction", Kind::Choice(&["outbound", "inbound"]), "Who called whom.").or("outbound").fixed(),
        Field::new("status", Kind::Choice(STATUSES), "Where it stands.").or("initiated").read_only(),
        Field::new("agentId", Kind::Reference(&USER), "The user who talks."),
        Field::new("customerId", Kind::Reference(&CUSTOMER), "The customer."),
        Field::new("conversationId", Kind::Reference(&CONVERSATION), "The conversation that it belongs to."),
        Field::new("recordingEnabled", Kind::Flag, "Whether it is to be recorded.").or_flag(true).fixed(),
        Field::new("durationSeconds", DURATION, "How long they talked.").read_only(),
        Field::new("failureReason", line(500), "Why it failed.").read_only(),
        Field::new("recordingUrl", Kind::Link, "Where the recording is.").read_only(),
        Field::new("customFields", Kind::Map, "Whatever else you know; replaced as a whole."),
        Field::stamp("ringingAt", "When it rang."),
        Field::stamp("answeredAt", "When it was answered."),
        Field::stamp("endedAt", "When it was completed, or failed."),
        Field::stamp("recordingAvailableAt", "When its recording became available."),
    ],
    rules: no_rules,
    filters: &[
        Filter { name: "conversationId", by: FilterBy::Value },
        Filter { name: "customerId", by: FilterBy::Value },
        Filter { name: "agentId", by: FilterBy::Value },
        Filter { name: "direction", by: FilterBy::Value },
        Filter { name: "status", by: FilterBy::Value },
    ],
    created: &[(&[], "call.initiated")],
    changes: &[
        step(RINGING, "ringingAt", "call.ringing"),
        step(ANSWERED, "answeredAt", "call.answered"),
        step(COMPLETED, "endedAt", "call.completed"),
        step(FAILED, "endedAt", "call.failed"),
        Change {
            field: "recordingUrl",
            to: Is::Given,
            stamps: Some("recordingAvailableAt"),
            emits: Some("call.recording.available"),
        },
    ],
    updated: None,
    actions: &[
        Action {
            word: "ring",
            about: "It rings at the other end.",
            takes: &[],
            needs: &[("status", Is::OneOf(INITIATED))],
            sets: &[("status", Initial::Word("ringing"))],
        },
        Action {
            word: "answer",
            about: "The other end picked up.",
            takes: &[],
            needs: &[("status", Is::OneOf(RINGING))],
            sets: &[("status", Initial::Word("answered"))],
        },
        Action {
            word: "complete",
            about: "They have hung up.",
            takes: &[(TALKED, "durationSeconds")],
            needs: &[("status", Is::OneOf(ANSWERED))],
            sets: &[("status", Initial::Word("completed"))],
        },
        Action {
            word: "fail",
            about: "It broke off, or did not come about.",
            takes: &[(REASON, "failureReason")],
            needs: &[("status", Is::OneOf(UNDER_WAY))],
            sets: &[("status", Initial::Word("failed"))],
        },
        Action {
            word: "recording",
            about: "Its recording is available.",
            takes: &[(RECORDING, "recordingUrl")],
            needs: &[
                ("status", Is::OneOf(COMPLETED)),
                ("recordingEnabled", Is::Flag(true)),
                ("recordingUrl", Is::Null),
            ],
            sets: &[],
        },
    ],
    parent: None,
    example: r#"{
        "id": "cal_06c8nbm1gsk7ecpr9t3v5x7z0f",
        "customerPhone": "+493012345678",
        "direction": "outbound",
        "status": "answered",
        "agentId": "usr_06c8nbm1gsk7ecpr9t3v5x7z0c",
        "customerId": "cus_06c8nbm1gsk7ecpr9t3v5x7z0a",
        "conversationId": null,
        "recordingEnabled": true,
        "durationSeconds": null,
        "failureReason": null,
        "recordingUrl": null,
        "customFields": {},
        "ringingAt": "2026-11-21T20:05:01.300Z",
        "answeredAt": "2026-11-21T20:05:07.010Z",
        "endedAt": null,
        "recordingAvailableAt": null,
        "createdAt": "2026-11-21T20:04:59.120Z",
        "updatedAt": "2026-11-21T20:05:07.010Z"
    }"#,
};
