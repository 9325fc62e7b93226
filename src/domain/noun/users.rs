//! Users: the people of a tenant who look after conversations. They are records like any other; who may sign in to
//! Angarium is another matter.

use super::kind::{Kind, line};
use super::{Field, Filter, FilterBy, Noun, no_rules};

/// A user.
pub static USER: Noun = Noun {
    name: "user",
    plural: "users",
    prefix: "usr",
    about: "A person of yours who looks after conversations. Not somebody who signs in to Angarium.",
    fields: &[
        Field::new("name", line(200), "Name.").required(),
        Field::new("email", Kind::Email, "Email address.").required(),
        Field::new("role", line(50), "What they do, such as `agent` or `supervisor`.").or("agent"),
        Field::new("isActive", Kind::Flag, "Whether they work here now.").or_flag(true),
        Field::new("customFields", Kind::Map, "Whatever else you know; replaced as a whole."),
    ],
    rules: no_rules,
    filters: &[
        Filter { name: "search", by: FilterBy::Words(&[&["name"], &["email"]]) },
        Filter { name: "role", by: FilterBy::Value },
        Filter { name: "isActive", by: FilterBy::Value },
    ],
    created: &[(&[], "user.created")],
    changes: &[],
    updated: Some("user.updated"),
    actions: &[],
    parent: None,
    example: r#"{
        "id": "usr_06c8nbm1gsk7ecpr9t3v5x7z0c",
        "name": "Mira Novak",
        "email": "mira@support.example",
        "role": "agent",
        "isActive": true,
        "customFields": {},
        "createdAt": "2026-11-21T20:04:59.120Z",
        "updatedAt": "2026-11-21T20:04:59.120Z"
    }"#,
};
