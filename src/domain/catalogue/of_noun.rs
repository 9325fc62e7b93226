//! The event types of the core API's nouns: their data is the record, so their schema is that of its fields.

use serde_json::{Map, Value, json};

use super::BuiltIn;
use crate::domain::noun::kind::Kind;
use crate::domain::noun::{Field, NOUNS, Noun, schema};

struct Told {
    name: &'static str,
    description: &'static str,
    /// Where its example differs from the noun's.
    differs: &'static str,
}

const fn told(name: &'static str, description: &'static str, differs: &'static str) -> Told {
    Told { name, description, differs }
}

const TYPES: [Told; 19] = [
    told("ai.reply.created", "The AI has answered a customer.", r#"{"role": "ai", "senderId": null}"#),
    told("call.answered", "The other end has picked up.", "{}"),
    told(
        "call.completed",
        "A call that was answered has ended.",
        r#"{"status": "completed", "durationSeconds": 127, "endedAt": "2026-11-21T20:07:14.010Z"}"#,
    ),
    told(
        "call.failed",
        "A call broke off, or did not come about.",
        r#"{"status": "failed", "failureReason": "no answer", "answeredAt": null,
            "endedAt": "2026-11-21T20:05:31.300Z"}"#,
    ),
    told(
        "call.initiated",
        "A call is being set up.",
        r#"{"status": "initiated", "ringingAt": null, "answeredAt": null}"#,
    ),
    told(
        "call.recording.available",
        "The recording of a call can be fetched.",
        r#"{"status": "completed", "durationSeconds": 127, "endedAt": "2026-11-21T20:07:14.010Z",
            "recordingUrl": "https://recordings.example/cal_06c8nbm1gsk7ecpr9t3v5x7z0f.ogg",
            "recordingAvailableAt": "2026-11-21T20:08:02.440Z"}"#,
    ),
    told("call.ringing", "It rings at the other end.", r#"{"status": "ringing", "answeredAt": null}"#),
    told("conversation.assigned", "A user looks after a conversation from now on.", "{}"),
    told(
        "conversation.closed",
        "A conversation has ended.",
        r#"{"status": "closed", "closedAt": "2026-11-21T20:41:10.003Z"}"#,
    ),
    told("conversation.created", "A conversation has begun.", r#"{"assignedTo": null, "assignedAt": null}"#),
    told(
        "conversation.escalated",
        "A person was asked to take a conversation over.",
        r#"{"escalated": true, "escalationReason": "asks for a refund", "escalatedAt": "2026-11-21T20:09:10.003Z"}"#,
    ),
    told("conversation.updated", "A conversation has changed in another way.", r#"{"labels": ["invoice", "vat"]}"#),
    told("customer.created", "There is a new customer.", "{}"),
    told("customer.updated", "A customer has changed.", r#"{"tier": "platinum"}"#),
    told("lead.captured", "Somebody has left a way to be reached.", "{}"),
    told(
        "message.received",
        "A customer has written.",
        r#"{"direction": "received", "role": "customer", "text": "The invoice is wrong.", "senderId": null}"#,
    ),
    told("message.sent", "A user has written to a customer.", "{}"),
    told("user.created", "There is a new user.", "{}"),
    told("user.updated", "A user has changed.", r#"{"isActive": false}"#),
];

pub(super) fn types() -> Vec<BuiltIn> {
    TYPES.iter().filter_map(built_in).collect()
}

fn built_in(told: &Told) -> Option<BuiltIn> {
    let Told { name, description, differs } = told;
    let noun = NOUNS.into_iter().find(|noun| noun.event_types().any(|event| event == *name))?;
    let mut example = noun.example_value();
    let differs: Map<String, Value> = serde_json::from_str(differs).expect("a test reads each example");
    example.extend(differs);
    let (name, description) = ((*name).to_owned(), (*description).to_owned());
    Some(BuiltIn { name, description, example: Value::Object(example), schema: record(noun) })
}

/// The schema of a record. Fields may be added to it, so that what is not named is allowed.
fn record(noun: &Noun) -> Value {
    let mut schema = object(noun.fields);
    let time = |about: &str| json!({ "type": "string", "format": "date-time", "description": about });
    let id = json!({ "type": "string", "pattern": schema::id_pattern(noun), "description": "Its id." });
    for (name, property) in
        [("id", id), ("createdAt", time("When it was made.")), ("updatedAt", time("When it was last changed."))]
    {
        schema["properties"][name] = property;
        schema["required"].as_array_mut().expect("a list was put there").push(Value::from(name));
    }
    schema["description"] = Value::from(noun.about);
    schema
}

fn object(fields: &[Field]) -> Value {
    let mut schema = json!({ "type": "object" });
    describe(&mut schema, fields);
    schema
}

fn describe(object: &mut Value, fields: &[Field]) {
    object["properties"] = fields.iter().map(|field| (field.name, property(field))).collect();
    object["required"] = fields.iter().map(|field| field.name).collect();
}

fn property(field: &Field) -> Value {
    let mut schema = Value::Object(schema::property(field, field.is_nullable()));
    if let Kind::Group(members) = field.kind {
        describe(&mut schema, members);
    }
    schema
}
