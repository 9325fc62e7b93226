//! Customers: the people and companies that a tenant's own users talk to.

use super::check::needs_one_of;
use super::kind::{Kind, line};
use super::{Change, Document, Field, Filter, FilterBy, Noun, value};
use crate::domain::field::FieldProblem;
use serde_json::Value;

const PROFILE: &[Field] = &[
    Field::new("firstName", line(100), "First name."),
    Field::new("lastName", line(100), "Last name."),
    Field::new("email", Kind::Email, "Email address."),
    Field::new("phone", Kind::Phone, "Phone number, kept without spaces and punctuation."),
    Field::new("company", line(200), "Company."),
    Field::new("jobTitle", line(200), "Job title."),
];

/// A customer.
pub static CUSTOMER: Noun = Noun {
    name: "customer",
    plural: "customers",
    prefix: "cus",
    about: "A person or a company that your users talk to. At least one of `firstName`, `lastName`, `email` and \
        `phone` is known of each. A new one's profile may be given inside `profile` or beside it.",
    fields: &[
        Field::new("profile", Kind::Group(PROFILE), "Who it is."),
        // Documents of the products that Angarium serves also name `standard`, which their own list of tiers lacks.
        Field::new("tier", Kind::Choice(&["bronze", "silver", "gold", "platinum"]), "How much it matters.")
            .or("bronze"),
        Field::new("status", Kind::Choice(&["active", "inactive", "archived"]), "Whether it is served.").or("active"),
        Field::new("tags", Kind::Labels, "Words to find it by."),
        Field::new("customFields", Kind::Map, "Whatever else you know; replaced as a whole."),
    ],
    rules: somebody,
    filters: &[
        Filter {
            name: "search",
            by: FilterBy::Words(&[
                &["profile", "firstName"],
                &["profile", "lastName"],
                &["profile", "email"],
                &["profile", "phone"],
                &["profile", "company"],
            ]),
        },
        Filter { name: "tags", by: FilterBy::Entries },
        Filter { name: "tier", by: FilterBy::Value },
        Filter { name: "status", by: FilterBy::Value },
    ],
    created: &[(&[], "customer.created")],
    changes: &[] as &[Change],
    updated: Some("customer.updated"),
    actions: &[],
    parent: None,
    example: r#"{
        "id": "cus_06c8nbm1gsk7ecpr9t3v5x7z0a",
        "profile": {
            "firstName": "Ada",
            "lastName": "Okafor",
            "email": "ada@okafor.example",
            "phone": "+493012345678",
            "company": "Okafor Ltd",
            "jobTitle": "Head of Support"
        },
        "tier": "gold",
        "status": "active",
        "tags": ["vip", "newsletter"],
        "customFields": { "accountNumber": "A-1041" },
        "createdAt": "2026-11-21T20:04:59.120Z",
        "updatedAt": "2026-11-21T20:04:59.120Z"
    }"#,
};

fn somebody(document: &mut Document, problems: &mut Vec<FieldProblem>) {
    if let Value::Object(profile) = value(document, "profile") {
        needs_one_of(profile, &["firstName", "lastName", "email", "phone"], problems);
    }
}
