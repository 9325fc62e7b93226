//! The fields of a webhook's form as texts, from its settings and to a draft of them.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::given;
use super::params::Params;
use crate::domain::field::{FieldCode, FieldProblem, Given};
use crate::domain::ordering::Ordering;
use crate::domain::pace::Window;
use crate::domain::pace_draft::RateDraft;
use crate::domain::profile::{BodySignature, OptionRule, Profile, Schemes, SignatureOption};
use crate::domain::retry::{BackoffStrategy, RetryPolicy};
use crate::domain::signature::Encoding;
use crate::domain::webhook::WebhookSettings;
use crate::domain::webhook_draft::{HEADER_MASK, WebhookDraft, holds_credential};

/// The fields as they stand, as texts.
#[derive(Default)]
pub(super) struct Texts {
    pub(super) name: String,
    pub(super) url: String,
    pub(super) description: String,
    pub(super) events: String,
    pub(super) channels: String,
    pub(super) filter: String,
    pub(super) headers: String,
    pub(super) profile: String,
    pub(super) schemes: String,
    pub(super) signature_header: String,
    pub(super) signature_prefix: String,
    pub(super) encoding: String,
    pub(super) policy: String,
    pub(super) schedule: String,
    pub(super) retries: String,
    pub(super) timeout_s: String,
    pub(super) requests: String,
    pub(super) window: String,
    pub(super) ordering: String,
    pub(super) handshake: bool,
    pub(super) metadata: String,
}

fn pretty(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

impl Texts {
    /// What a new webhook starts with.
    pub(super) fn of_new() -> Self {
        Self {
            events: "*".to_owned(),
            profile: Profile::Default.as_str().to_owned(),
            schemes: Schemes::V1.words().join(" "),
            encoding: Encoding::Hex.as_str().to_owned(),
            policy: "durable".to_owned(),
            window: Window::Second.as_str().to_owned(),
            ordering: Ordering::None.as_str().to_owned(),
            ..Self::default()
        }
    }

    pub(super) fn of_settings(settings: &WebhookSettings) -> Self {
        let WebhookSettings {
            name,
            url,
            events,
            channels,
            filter,
            headers,
            retry_policy,
            timeout,
            rate_limit,
            ordering,
            profile,
            signature,
            handshake,
            description,
            metadata,
        } = settings;
        let header = |(name, value): (&String, &String)| {
            format!("{name}: {}", if holds_credential(name) { HEADER_MASK } else { value })
        };
        let channels = serde_json::to_value(channels).unwrap_or_default();
        let channels = channels.as_array().map(Vec::as_slice).unwrap_or_default();
        let mut texts = Self {
            name: name.clone(),
            url: url.clone(),
            description: description.clone().unwrap_or_default(),
            events: events.patterns().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
            channels: channels.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
            filter: filter.as_ref().map(pretty).unwrap_or_default(),
            headers: headers.iter().map(header).collect::<Vec<_>>().join("\n"),
            profile: profile.as_str().to_owned(),
            timeout_s: timeout.as_secs().to_string(),
            ordering: ordering.as_str().to_owned(),
            handshake: *handshake,
            metadata: metadata.as_ref().map(pretty).unwrap_or_default(),
            ..Self::of_new()
        };
        if let Some(rate) = rate_limit {
            (texts.requests, texts.window) = (rate.requests.to_string(), rate.window.as_str().to_owned());
        }
        texts.take_signature(signature);
        texts.take_policy(retry_policy);
        texts
    }

    fn take_signature(&mut self, option: &SignatureOption) {
        match option {
            SignatureOption::Fixed => {}
            SignatureOption::Schemes(schemes) => self.schemes = schemes.words().join(" "),
            SignatureOption::Body(BodySignature { header, prefix, encoding }) => {
                self.signature_header.clone_from(header);
                self.signature_prefix.clone_from(prefix);
                encoding.as_str().clone_into(&mut self.encoding);
            }
        }
    }

    fn take_policy(&mut self, policy: &RetryPolicy) {
        let word = match policy {
            RetryPolicy::Schedule(_) if *policy == RetryPolicy::default() => "durable",
            RetryPolicy::Schedule(seconds) => {
                self.schedule = seconds.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                "schedule"
            }
            RetryPolicy::Backoff { max_retries, strategy } => {
                self.retries = max_retries.to_string();
                match strategy {
                    BackoffStrategy::Exponential => "exponential",
                    BackoffStrategy::Linear => "linear",
                }
            }
        };
        word.clone_into(&mut self.policy);
    }

    pub(super) fn of_fields(fields: &Params) -> Self {
        Self {
            name: fields.text("name"),
            url: fields.text("url"),
            description: fields.text("description"),
            events: fields.text("events"),
            channels: fields.text("channels"),
            filter: fields.text("filter"),
            headers: fields.text("headers"),
            profile: fields.text("profile"),
            schemes: fields.text("schemes"),
            signature_header: fields.text("signature-header"),
            signature_prefix: fields.text("signature-prefix"),
            encoding: fields.text("encoding"),
            policy: fields.text("policy"),
            schedule: fields.text("schedule"),
            retries: fields.text("retries"),
            timeout_s: fields.text("timeout"),
            requests: fields.text("requests"),
            window: fields.text("window"),
            ordering: fields.text("ordering"),
            handshake: fields.get("handshake").is_some(),
            metadata: fields.text("metadata"),
        }
    }

    /// The draft that the texts make, and what in them makes none. An empty field asks for the default.
    pub(super) fn draft(&self) -> (WebhookDraft, Vec<FieldProblem>) {
        let mut problems = Vec::new();
        let words = |text: &str| -> Vec<String> {
            text.split(['\n', ',']).map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
        };
        let draft = WebhookDraft {
            name: Given::Value(self.name.clone()),
            url: Given::Value(self.url.clone()),
            events: Given::Value(words(&self.events)),
            channels: Given::Value(words(&self.channels)),
            filter: given::json(&self.filter, "filter", "JSON", &mut problems),
            headers: Given::Value(self.header_map(&mut problems)),
            retry_policy: self.policy_value(),
            timeout_ms: self.timeout_value(&mut problems),
            rate_limit: self.rate(&mut problems),
            ordering: given::text(&self.ordering),
            profile: Given::Value(self.profile.clone()),
            signature: self.signature_value(),
            handshake: Given::Value(self.handshake),
            description: given::text(&self.description),
            metadata: given::json(&self.metadata, "metadata", "a JSON object", &mut problems),
        };
        (draft, problems)
    }

    fn header_map(&self, problems: &mut Vec<FieldProblem>) -> BTreeMap<String, String> {
        let mut headers = BTreeMap::new();
        for line in self.headers.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if let Some((name, value)) = line.split_once(':') {
                headers.insert(name.trim().to_owned(), value.trim().to_owned());
            } else {
                let message = "must be a name, a colon and a value on each line";
                problems.push(FieldProblem::new("headers", FieldCode::Invalid, message));
            }
        }
        headers
    }

    /// What is no number is passed on as the text that it is: the rules say what is wrong with it.
    fn policy_value(&self) -> Given<Value> {
        let number = |text: &str| text.parse::<u64>().map_or_else(|_| Value::from(text), Value::from);
        match self.policy.as_str() {
            "schedule" => {
                let seconds = self.schedule.split(',').map(str::trim).filter(|text| !text.is_empty());
                Given::Value(json!({ "schedule": seconds.map(number).collect::<Vec<_>>() }))
            }
            strategy @ ("exponential" | "linear") => {
                Given::Value(json!({ "maxRetries": number(&self.retries), "backoffStrategy": strategy }))
            }
            _ => Given::Null,
        }
    }

    fn timeout_value(&self, problems: &mut Vec<FieldProblem>) -> Given<u64> {
        if self.timeout_s.is_empty() {
            return Given::Null;
        }
        if let Ok(seconds) = self.timeout_s.parse::<u64>() {
            return Given::Value(seconds.saturating_mul(1_000));
        }
        problems.push(FieldProblem::new("timeoutMs", FieldCode::Invalid, "must be a number of seconds"));
        Given::Absent
    }

    fn rate(&self, problems: &mut Vec<FieldProblem>) -> Given<RateDraft> {
        if self.requests.is_empty() {
            return Given::Null;
        }
        let Some(requests) = given::number(&self.requests, "rateLimit", problems) else { return Given::Absent };
        let window = Some(self.window.clone()).filter(|window| !window.is_empty());
        Given::Value(RateDraft { requests: Some(requests), window })
    }

    /// What the chosen profile lets one set; the fields of other profiles say nothing.
    fn signature_value(&self) -> Given<Value> {
        let Some(profile) = Profile::parse(&self.profile) else { return Given::Absent };
        let mut fields = Map::new();
        match profile.spec().option {
            OptionRule::Fixed => return Given::Null,
            OptionRule::Schemes => {
                let schemes: Vec<_> = self.schemes.split_whitespace().collect();
                if !schemes.is_empty() {
                    fields.insert("schemes".to_owned(), json!(schemes));
                }
            }
            OptionRule::Body => {
                let texts = [
                    ("header", &self.signature_header),
                    ("prefix", &self.signature_prefix),
                    ("encoding", &self.encoding),
                ];
                let said = texts.into_iter().filter(|(_, text)| !text.is_empty());
                fields.extend(said.map(|(name, text)| (name.to_owned(), json!(text))));
            }
        }
        Given::Value(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_profile_has_is_said_of_signatures() {
        let said = |profile: Profile| {
            let texts = Texts {
                profile: profile.as_str().to_owned(),
                schemes: "v1 v1a".to_owned(),
                signature_header: "X-Sig".to_owned(),
                encoding: "base64".to_owned(),
                ..Texts::default()
            };
            texts.draft().0.signature
        };
        assert_eq!(said(Profile::Default), Given::Value(json!({ "schemes": ["v1", "v1a"] })));
        assert_eq!(said(Profile::GTateth), Given::Value(json!({ "header": "X-Sig", "encoding": "base64" })));
        assert_eq!(said(Profile::Stripe), Given::Null);
    }
}
