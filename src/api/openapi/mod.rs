//! The `OpenAPI` document: written beside the handlers, completed here.
//!
//! A handler says what only it knows: its path, its permission, its parameters, its body, and what it answers when all
//! goes well. `shared` adds what all of them have in common: how requests are refused, and the headers of every
//! request and answer. `examples` makes an example of each body from the examples of its parts. `schemas` describes
//! the types of the domain, which does not know that it is documented.

pub(super) mod deprecation;
mod errors;
mod examples;
mod older;
mod outgoing;
mod postman;
pub(super) mod schemas;
mod shared;

use serde::Serialize;
use serde_json::Value;
use utoipa::openapi::path::{HttpMethod, Operation};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::server::ServerBuilder;
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{InfoBuilder, License, OpenApi, PathItem};

const DESCRIPTION: &str = include_str!("description.md");

/// The groups of operations, in the order of the document, and what they are about.
const TAGS: [(&str, &str); 16] = [
    ("Events", "Publish what happened, read it again, send it again."),
    ("Event types", "What events there are and what is in them; add types of your own, with schemas that judge."),
    ("Webhooks", "Register URLs, and say what each of them is sent and how."),
    ("Deliveries", "See what became of each event for each webhook, attempt by attempt, and step in."),
    ("Dead letters", "Deliveries that used up their attempts: inspect them, and send them again."),
    ("Analytics", "What was used of a plan, and how quickly requests were answered."),
    ("Customers", "The people and companies that your users talk to."),
    ("Conversations", "What customers want, who looks after it, and where it stands."),
    ("Messages", "What was said in conversations."),
    ("Leads", "Those who left a way to reach them."),
    ("Users", "Your people, who look after conversations. Not those who sign in to Angarium."),
    ("Calls", "Phone calls, step by step."),
    (
        "API keys",
        "Make keys for programs, limit them, rotate and revoke them. For people who have signed in, never for keys.",
    ),
    (
        "Teammates",
        "Your people who sign in to Angarium: let them in, give them roles and passwords. For owners and admins, never \
         for keys.",
    ),
    ("Sign in", "Sessions of people."),
    ("Health", "For orchestrators and dashboards. No key is asked for."),
];

/// The document.
pub fn json() -> String {
    pretty(&document())
}

/// The document as `OpenAPI` 3.0.
pub fn older_json() -> String {
    pretty(&older::downgrade(serde_json::to_value(document()).unwrap_or(Value::Null)))
}

/// The document as a Postman collection.
pub fn postman_json() -> String {
    pretty(&postman::collection(document()))
}

/// What each code of an error means, as Markdown.
pub fn errors_markdown() -> String {
    errors::markdown()
}

/// The same as a page.
pub(super) fn errors_html() -> String {
    errors::html()
}

fn pretty(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("text, numbers and lists are JSON")
}

/// The whole document.
fn document() -> OpenApi {
    let mut document = super::routes().into_openapi();
    let license = License::builder().name("Apache-2.0").identifier(Some("Apache-2.0")).build();
    document.info = InfoBuilder::new()
        .title("Angarium")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(license))
        .build();
    let here = ServerBuilder::new().url("/").description(Some("This deployment")).build();
    let local = ServerBuilder::new().url("http://localhost:3001").description(Some("`angarium dev`")).build();
    document.servers = Some(vec![here, local]);
    let tag = |(name, about)| TagBuilder::new().name(name).description(Some(about)).build();
    document.tags = Some(TAGS.map(tag).to_vec());
    let components = document.components.get_or_insert_default();
    components.security_schemes.extend(security_schemes().map(|(name, scheme)| (name.to_owned(), scheme.into())));
    document.webhooks = Some(outgoing::webhooks());
    shared::add(&mut document);
    examples::add(&mut document);
    document
}

fn security_schemes() -> [(&'static str, SecurityScheme); 3] {
    let bearer = |format: &str, about: &str| {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format(format);
        SecurityScheme::Http(scheme.description(Some(about)).build())
    };
    let header = ApiKeyValue::with_description("X-API-Key", "The same API key in a header of its own.");
    [
        ("apiKey", bearer("sk_live_… or sk_test_…", "An API key that holds the permission which the operation names.")),
        ("apiKeyHeader", SecurityScheme::ApiKey(ApiKey::Header(header))),
        ("session", bearer("JWT", "The session of a user who is signed in and has a role which the operation names.")),
    ]
}

/// The operations of a path.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (HttpMethod, &mut Operation)> {
    use HttpMethod::{Delete, Get, Patch, Post, Put};
    let PathItem { get, post, put, patch, delete, .. } = item;
    let all = [(Get, get), (Post, post), (Put, put), (Patch, patch), (Delete, delete)];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}
