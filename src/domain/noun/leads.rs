//! Leads: somebody who left a way to reach them.

use super::check::needs_one_of;
use super::conversations::CONVERSATION;
use super::kind::{Kind, line};
use super::{Document, Field, Filter, FilterBy, Noun};
use crate::domain::field::FieldProblem;

/// A lead.
pub static LEAD: Noun = Noun {
    name: "lead",
    plural: "leads",
    prefix: "led",
    about: "Somebody who left a way to reach them. At least one of `name`, `email` and `phone` is known of each.",
    fields: &[
        Field::new("name", line(200), "Name."),
        Field::new("email", Kind::Email, "Email address."),
        Field::new("phone", Kind::Phone, "Phone number, kept without spaces and punctuation."),
        Field::new("source", line(100), "How they came, such as `chat` or `form`."),
        Field::new("pageUrl", Kind::Link, "The page that they were on."),
        Field::new("conversationId", Kind::Reference(&CONVERSATION), "The conversation in which they left it."),
        Field::new("customFields", Kind::Map, "Whatever else you know; replaced as a whole."),
    ],
    rules: somebody,
    filters: &[
        Filter { name: "search", by: FilterBy::Words(&[&["name"], &["email"], &["phone"]]) },
        Filter { name: "conversationId", by: FilterBy::Value },
        Filter { name: "source", by: FilterBy::Value },
    ],
    created: &[(&[], "lead.captured")],
    changes: &[],
    updated: None,
    actions: &[],
    parent: None,
    example: r#"{
        "id": "led_06c8nbm1gsk7ecpr9t3v5x7z0e",
        "name": "Bo Lindqvist",
        "email": "bo@lindqvist.example",
        "phone": null,
        "source": "chat",
        "pageUrl": "https://shop.example/pricing",
        "conversationId": null,
        "customFields": { "seats": 40 },
        "createdAt": "2026-11-21T20:04:59.120Z",
        "updatedAt": "2026-11-21T20:04:59.120Z"
    }"#,
};

fn somebody(document: &mut Document, problems: &mut Vec<FieldProblem>) {
    needs_one_of(document, &["name", "email", "phone"], problems);
}
