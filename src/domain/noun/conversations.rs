//! Conversations: what a customer wants, in whichever channel, and who looks after it.

use super::customers::CUSTOMER;
use super::kind::{Kind, line};
use super::users::USER;
use super::{Action, Change, Field, Filter, FilterBy, Initial, Is, Noun, no_rules};

const OPEN: &[&str] = &["open", "pending"];
const CLOSED: &[&str] = &["closed"];

const ASSIGNEE: Field = Field::new("assignedTo", Kind::Reference(&USER), "The user who looks after it.").required();
const REASON: Field = Field::new("reason", line(500), "Why, for the people who take over.");

/// A conversation.
pub static CONVERSATION: Noun = Noun {
    name: "conversation",
    plural: "conversations",
    prefix: "cnv",
    about: "What a customer wants, in whichever channel. Setting `status` to `closed`, `assignedTo` or `escalated` by \
        an update does and emits the same as the action; one update can do one of them. Deleting a conversation \
        deletes its messages.",
    fields: &[
        Field::new("subject", line(200), "What it is about."),
        Field::new("status", Kind::Choice(&["open", "pending", "closed"]), "Where it stands.").or("open"),
        Field::new("priority", Kind::Choice(&["low", "medium", "high", "urgent"]), "How much it hurries.").or("medium"),
        Field::new("channel", line(50), "How the customer came, such as `email`, `chat` or `phone`."),
        Field::new("customerId", Kind::Reference(&CUSTOMER), "The customer."),
        Field::new("assignedTo", Kind::Reference(&USER), "The user who looks after it."),
        Field::new("inboxId", line(64), "The inbox that it came to, as you name it."),
        Field::new("labels", Kind::Labels, "Words to find it by."),
        Field::new("escalated", Kind::Flag, "Whether a person was asked to take over.").or_flag(false),
        Field::new("escalationReason", line(500), "Why.").read_only(),
        Field::new("customFields", Kind::Map, "Whatever else you know; replaced as a whole."),
        Field::stamp("assignedAt", "When it was last assigned."),
        Field::stamp("escalatedAt", "When it was last escalated."),
        Field::stamp("closedAt", "When it was last closed."),
    ],
    rules: no_rules,
    filters: &[
        Filter { name: "customerId", by: FilterBy::Value },
        Filter { name: "assignedTo", by: FilterBy::Value },
        Filter { name: "inboxId", by: FilterBy::Value },
        Filter { name: "escalated", by: FilterBy::Value },
        Filter { name: "priority", by: FilterBy::Value },
        Filter { name: "status", by: FilterBy::Value },
    ],
    created: &[(&[], "conversation.created")],
    changes: &[
        Change { field: "status", to: Is::OneOf(CLOSED), stamps: Some("closedAt"), emits: Some("conversation.closed") },
        Change {
            field: "escalated",
            to: Is::Flag(true),
            stamps: Some("escalatedAt"),
            emits: Some("conversation.escalated"),
        },
        Change { field: "assignedTo", to: Is::Given, stamps: Some("assignedAt"), emits: Some("conversation.assigned") },
    ],
    updated: Some("conversation.updated"),
    actions: &[
        Action {
            word: "assign",
            about: "Gives it to a user.",
            takes: &[(ASSIGNEE, "assignedTo")],
            needs: &[("status", Is::OneOf(OPEN))],
            sets: &[],
        },
        Action {
            word: "escalate",
            about: "Asks for a person to take over.",
            takes: &[(REASON, "escalationReason")],
            needs: &[("status", Is::OneOf(OPEN)), ("escalated", Is::Flag(false))],
            sets: &[("escalated", Initial::Flag(true))],
        },
        Action {
            word: "close",
            about: "Ends it.",
            takes: &[],
            needs: &[("status", Is::OneOf(OPEN))],
            sets: &[("status", Initial::Word("closed"))],
        },
        Action {
            word: "reopen",
            about: "Takes it up again. It is then no longer escalated.",
            takes: &[],
            needs: &[("status", Is::OneOf(CLOSED))],
            sets: &[
                ("status", Initial::Word("open")),
                ("escalated", Initial::Flag(false)),
                ("escalationReason", Initial::Empty),
            ],
        },
    ],
    parent: None,
    example: r#"{
        "id": "cnv_06c8nbm1gsk7ecpr9t3v5x7z0b",
        "subject": "The invoice is wrong",
        "status": "open",
        "priority": "high",
        "channel": "email",
        "customerId": "cus_06c8nbm1gsk7ecpr9t3v5x7z0a",
        "assignedTo": "usr_06c8nbm1gsk7ecpr9t3v5x7z0c",
        "inboxId": "billing",
        "labels": ["invoice"],
        "escalated": false,
        "escalationReason": null,
        "customFields": {},
        "assignedAt": "2026-11-21T20:04:59.120Z",
        "escalatedAt": null,
        "closedAt": null,
        "createdAt": "2026-11-21T20:04:59.120Z",
        "updatedAt": "2026-11-21T20:04:59.120Z"
    }"#,
};
