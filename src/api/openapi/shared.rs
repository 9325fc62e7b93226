//! What operations have in common, added to each by what can be seen of it: how it refuses requests, and its headers.
//!
//! The answers to what went wrong are made of the closed catalogue of codes, one for each status, and their examples
//! by the code that writes the real ones; so a new code is documented by being there.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{HttpMethod, Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{
    Components, ContentBuilder, Header, OpenApi, Ref, RefOr, Required, Response, ResponseBuilder, Schema,
};

use super::operations;
use crate::api::problem::{Code, Envelope, Problem, ProblemJson, Rendering};
use crate::domain::field::{FieldCode, FieldProblem};
use crate::domain::id::RequestId;
use crate::domain::permission::Permission;
use crate::domain::time::Timestamp;
use crate::domain::user::Role;

/// Completes every operation, and adds what they then refer to.
pub(super) fn add(document: &mut OpenApi) {
    let by_status = by_status();
    for item in document.paths.paths.values_mut() {
        let is_versioned = item.get.as_ref().is_some_and(answers_with_etag);
        for (method, operation) in operations(item) {
            let seen = Seen::of(&method, operation, is_versioned);
            add_errors(operation, &seen, &by_status);
            add_headers(operation, &seen);
            add_security(operation);
        }
    }
    let components = document.components.get_or_insert_default();
    add_schemas(components);
    let responses = by_status.into_iter().map(|(status, codes)| (name_of(status), error_response(status, &codes)));
    components.responses.extend(responses.map(|(name, response)| (name, response.into())));
    components.headers.extend(headers().map(|(name, header)| (name.to_owned(), header.into())));
    components.parameters.extend(parameters().map(|(name, parameter)| (name.to_owned(), RefOr::T(parameter))));
}

/// What the rules below go by.
#[allow(clippy::struct_excessive_bools, reason = "each is seen on its own")]
struct Seen {
    is_post: bool,
    is_read: bool,
    is_open: bool,
    has_id: bool,
    has_query: bool,
    has_body: bool,
    /// The thing at this path has an `ETag`.
    is_versioned: bool,
}

impl Seen {
    fn of(method: &HttpMethod, operation: &Operation, is_versioned: bool) -> Self {
        let has = |place: ParameterIn| {
            let mut parameters = operation.parameters.iter().flatten();
            parameters.any(|parameter| matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == place))
        };
        Self {
            is_post: *method == HttpMethod::Post,
            is_read: *method == HttpMethod::Get,
            is_open: operation.security.iter().flatten().all(|needed| *needed == SecurityRequirement::default()),
            has_id: has(ParameterIn::Path),
            has_query: has(ParameterIn::Query),
            has_body: operation.request_body.is_some(),
            is_versioned,
        }
    }

    fn may_fail_with(&self, status: u16) -> bool {
        match status {
            400 | 408 | 413 | 415 => self.has_body,
            401 | 403 => !self.is_open,
            404 => self.has_id,
            // Whoever read the document does not use a method that is not in it.
            405 => false,
            409 => !self.is_read,
            412 => self.is_versioned && !self.is_read && !self.is_post,
            422 => self.has_body || self.has_query || self.is_post,
            _ => true,
        }
    }
}

fn answers_with_etag(operation: &Operation) -> bool {
    operation.responses.responses.values().any(|response| match response {
        RefOr::T(response) => response.headers.contains_key("ETag"),
        RefOr::Ref(_) => false,
    })
}

fn by_status() -> BTreeMap<u16, Vec<Code>> {
    let mut by_status = BTreeMap::<u16, Vec<Code>>::new();
    for code in Code::ALL {
        by_status.entry(code.status().as_u16()).or_default().push(code);
    }
    by_status
}

/// A status in words that are one: `NotFound`.
fn name_of(status: u16) -> String {
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Error");
    reason.split([' ', '-']).collect()
}

fn add_errors(operation: &mut Operation, seen: &Seen, by_status: &BTreeMap<u16, Vec<Code>>) {
    for status in by_status.keys().copied().filter(|status| seen.may_fail_with(*status)) {
        let shared = || Ref::from_response_name(name_of(status)).into();
        operation.responses.responses.entry(status.to_string()).or_insert_with(shared);
    }
}

fn add_headers(operation: &mut Operation, seen: &Seen) {
    let mut parameter = |name: &str| {
        let shared = Ref::new(format!("#/components/parameters/{name}"));
        operation.parameters.get_or_insert_default().push(RefOr::Ref(shared));
    };
    if seen.is_post && !seen.is_open {
        parameter("IdempotencyKey");
    }
    match (seen.is_versioned, seen.is_read, seen.is_post) {
        (true, true, _) => parameter("IfNoneMatch"),
        (true, false, false) => parameter("IfMatch"),
        _ => {}
    }
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        add_response_headers(response, seen, status.starts_with('2'));
    }
    if seen.is_versioned && seen.is_read {
        let unchanged = ResponseBuilder::new().description("It is still the version that `If-None-Match` names");
        operation.responses.responses.insert("304".to_owned(), unchanged.into());
    }
}

fn add_response_headers(response: &mut Response, seen: &Seen, is_success: bool) {
    let limits: &[&str] = if seen.is_open { &[] } else { &RATE_LIMIT };
    let replayed: &[&str] = if seen.is_post && is_success && !seen.is_open { &["Idempotent-Replayed"] } else { &[] };
    for name in ["X-Request-Id"].iter().chain(limits).chain(replayed) {
        response.headers.insert((*name).to_owned(), RefOr::Ref(header_ref(name)));
    }
}

/// A key may come in either of two headers, and a person with the right role may do what a key may.
fn add_security(operation: &mut Operation) {
    let Some(security) = &mut operation.security else { return };
    let words: Vec<_> = security.iter().filter_map(|needed| scopes(needed, "apiKey")).collect();
    for words in words {
        let all: Vec<_> = Permission::ALL.into_iter().filter(|p| p.is_among(&words)).collect();
        let roles = Role::ALL.into_iter().filter(|role| all.iter().all(|permission| role.permits(*permission)));
        security.push(SecurityRequirement::new("session", roles.map(Role::as_str)));
        security.insert(1, SecurityRequirement::new("apiKeyHeader", words));
    }
}

/// What a requirement asks of a scheme.
fn scopes(needed: &SecurityRequirement, scheme: &str) -> Option<Vec<String>> {
    serde_json::from_value(serde_json::to_value(needed).ok()?.get(scheme)?.clone()).ok()
}

fn add_schemas(components: &mut Components) {
    let mut schemas = Vec::new();
    for (name, schema, parts) in [
        (Envelope::name(), <Envelope as utoipa::PartialSchema>::schema(), Envelope::schemas as fn(&mut _)),
        (ProblemJson::name(), <ProblemJson as utoipa::PartialSchema>::schema(), ProblemJson::schemas as fn(&mut _)),
        (FieldProblem::name(), <FieldProblem as utoipa::PartialSchema>::schema(), FieldProblem::schemas as fn(&mut _)),
    ] {
        schemas.push((name.into_owned(), schema));
        parts(&mut schemas);
    }
    components.schemas.extend(schemas);
}

fn error_response(status: u16, codes: &[Code]) -> Response {
    let words: Vec<_> = codes.iter().map(|code| format!("`{}`: {}", code.as_str(), code.title())).collect();
    let content = |schema: &str, as_problem_json: bool| {
        let examples = codes.iter().map(|code| {
            let value = example(*code, as_problem_json);
            (code.as_str(), ExampleBuilder::new().summary(code.title()).value(Some(value)))
        });
        ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).examples_from_iter(examples).build()
    };
    let mut response = ResponseBuilder::new()
        .description(words.join("; "))
        .content("application/json", content(&Envelope::name(), false))
        .content("application/problem+json", content(&ProblemJson::name(), true))
        .header_ref("X-Request-Id", header_ref("X-Request-Id"));
    if matches!(status, 429 | 503) {
        response = response.header_ref("Retry-After", header_ref("Retry-After"));
    }
    if status == 429 {
        response = RATE_LIMIT.iter().fold(response, |response, name| response.header_ref(*name, header_ref(name)));
    }
    response.build()
}

/// What a client reads when it happens.
pub(super) fn example(code: Code, as_problem_json: bool) -> Value {
    let problem = match code {
        Code::ValidationError => {
            Problem::field(FieldProblem::new("url", FieldCode::NotAllowed, "must start with `https://`"))
        }
        Code::Unavailable => Problem::unavailable("The database is busy; try again soon."),
        _ => Problem::new(code, format!("{}.", code.title())),
    };
    let now = Timestamp::parse_rfc3339(super::schemas::EXAMPLE_TIME).unwrap_or_default();
    let with = Rendering {
        request_id: &super::schemas::example_id(RequestId::PREFIX),
        path: "/api/v1/webhooks",
        now,
        as_problem_json,
    };
    serde_json::from_slice(&problem.body(&with)).unwrap_or_default()
}

const RATE_LIMIT: [&str; 3] = ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"];

fn header_ref(name: &str) -> Ref {
    Ref::new(format!("#/components/headers/{name}"))
}

fn text(example: &str) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).examples([example]).into()
}

fn number(example: u64) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::Integer).examples([example]).into()
}

fn headers() -> impl Iterator<Item = (&'static str, Header)> {
    let header = |about: &str, schema| HeaderBuilder::new().schema(Some(schema)).description(Some(about)).build();
    [
        (
            "X-Request-Id",
            header(
                "The request's id: the client's, or a new one",
                text(&super::schemas::example_id(RequestId::PREFIX)),
            ),
        ),
        ("X-RateLimit-Limit", header("Requests per window", number(500))),
        ("X-RateLimit-Remaining", header("Requests left in the window", number(499))),
        ("X-RateLimit-Reset", header("When the window ends, in Unix seconds", number(1_795_291_200))),
        ("Retry-After", header("Seconds to wait", number(1))),
        ("Idempotent-Replayed", header("`true` where an earlier request with the same key was answered", text("true"))),
    ]
    .into_iter()
}

fn parameters() -> impl Iterator<Item = (&'static str, Parameter)> {
    // Without examples: the explorer would send them.
    let parameter = |name: &str, about: &str| {
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(about))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
            .build()
    };
    let key = "Does the request once in 24 hours, however often it is sent with this key. 1 to 255 visible characters";
    [
        ("IdempotencyKey", parameter("Idempotency-Key", key)),
        ("IfMatch", parameter("If-Match", "Changes it only while its `ETag` is this")),
        ("IfNoneMatch", parameter("If-None-Match", "Answers 304 while its `ETag` is still this")),
    ]
    .into_iter()
}
