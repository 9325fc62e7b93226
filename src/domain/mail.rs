//! Mails about operational events: what they say. Plain text, in one voice, without payloads or secrets.
//!
//! Names come from people. In a mail a line break in a name could pass for a header, so what goes into a subject, a
//! name or a sentence is one line of bounded length first ([`line()`]).

use serde_json::Value;

/// The most characters of a name, or of anything else that is not ours, in a mail.
pub const LINE_CHARS_MAX: usize = 120;
/// Webhooks that a digest lists.
pub const LISTED_MAX: usize = 20;

/// What a mail is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailKind {
    /// A webhook has had nothing but failures for half the time after which it is disabled.
    Failing,
    /// It was disabled.
    Disabled,
    /// A day's dead letters.
    Exhausted,
    /// Most of a month's quota is used, or all.
    Quota,
    /// An API key should be rotated.
    Rotation,
    /// Of the deployment: the broker has been away for long.
    BrokerDown,
    /// Of the deployment: deliveries are late that nothing holds back.
    Late,
}

impl MailKind {
    /// Every kind.
    pub const ALL: [Self; 7] =
        [Self::Failing, Self::Disabled, Self::Exhausted, Self::Quota, Self::Rotation, Self::BrokerDown, Self::Late];

    /// The word in the database, which is the type of the operational event where there is one.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failing => "webhook.failing",
            Self::Disabled => "webhook.disabled",
            Self::Exhausted => "delivery.exhausted",
            Self::Quota => "quota.reached",
            Self::Rotation => "api_key.rotation_due",
            Self::BrokerDown => "deployment.broker_down",
            Self::Late => "deployment.deliveries_late",
        }
    }

    /// The kind that a word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// What a mail is written from.
#[derive(Debug, Clone, Copy)]
pub struct MailFacts<'a> {
    /// What it is about.
    pub kind: MailKind,
    /// Whose; none: the deployment's.
    pub tenant: Option<&'a str>,
    /// Which environment.
    pub environment: Option<&'a str>,
    /// What the operational event says.
    pub facts: &'a Value,
    /// Where people find the pages; empty: nowhere.
    pub public_url: &'a str,
    /// Whom it goes to.
    pub email: &'a str,
}

/// A mail's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailText {
    /// One line.
    pub subject: String,
    /// Lines.
    pub body: String,
}

/// One line of bounded length, whatever it was.
#[must_use]
pub fn line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let line = words.collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LINE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Writes a mail.
#[must_use]
pub fn compose(about: MailFacts<'_>) -> MailText {
    let MailFacts { kind, tenant, environment, facts, public_url, email } = about;
    let of = Facts { facts, base: public_url.trim_end_matches('/') };
    let (what, text) = match kind {
        MailKind::Failing => of.failing(),
        MailKind::Disabled => of.disabled(),
        MailKind::Exhausted => of.exhausted(),
        MailKind::Quota => of.quota(),
        MailKind::Rotation => of.rotation(),
        MailKind::BrokerDown => of.broker_down(),
        MailKind::Late => of.late(),
    };
    let whose = match (tenant, environment) {
        (Some(tenant), Some(environment)) => format!("{} ({environment}): ", line(tenant)),
        (Some(tenant), None) => format!("{}: ", line(tenant)),
        (None, _) => String::new(),
    };
    let why = match tenant {
        Some(tenant) => format!("You get this as an owner or admin of {}.", line(tenant)),
        None => "You get this as an operator.".to_owned(),
    };
    let stop = format!("To end it, ask an operator for: angarium users mail --email {} --off", line(email));
    MailText { subject: format!("[Angarium] {whose}{what}"), body: format!("{text}\n\n-- \n{why}\n{stop}\n") }
}

struct Facts<'a> {
    facts: &'a Value,
    base: &'a str,
}

/// A subject and a text.
type Said = (String, String);

impl Facts<'_> {
    fn get(&self, name: &str) -> String {
        match &self.facts[name] {
            Value::String(text) => line(text),
            Value::Null => "unknown".to_owned(),
            other => line(&other.to_string()),
        }
    }

    /// Where to look, by page and by API.
    fn look(&self, page: &str, request: &str) -> String {
        let request = format!("By the API: GET {request}");
        if self.base.is_empty() { request } else { format!("Look: {}{page}\n{request}", self.base) }
    }

    fn look_at_webhook(&self) -> String {
        let id = self.get("webhookId");
        self.look(&format!("/ui/webhooks/{id}"), &format!("/api/v1/deliveries?webhookId={id}&status=pending"))
    }

    fn failing(&self) -> Said {
        let [name, id, since, until] =
            ["webhookName", "webhookId", "failingSince", "disablesAt"].map(|name| self.get(name));
        let text = format!(
            "Every attempt of the webhook \"{name}\" ({id}) has failed since {since}.\n\n\
             If that goes on, it is disabled at {until}. What it is owed is kept either way.\n\n{}",
            self.look_at_webhook()
        );
        (format!("the webhook \"{name}\" is failing"), text)
    }

    fn disabled(&self) -> Said {
        let [name, id, reason] = ["webhookName", "webhookId", "reason"].map(|name| self.get(name));
        let text = format!(
            "The webhook \"{name}\" ({id}) was disabled: nothing is sent to it any more. {reason}\n\n\
             What it is owed is kept. Mend its receiver, then resume it: POST /api/v1/webhooks/{id}/resume\n\n{}",
            self.look_at_webhook()
        );
        (format!("the webhook \"{name}\" was disabled"), text)
    }

    fn exhausted(&self) -> Said {
        let [total, from, until] = ["total", "from", "until"].map(|name| self.get(name));
        let rows = self.facts["webhooks"].as_array().map(Vec::as_slice).unwrap_or_default();
        let lines = rows.iter().take(LISTED_MAX).map(|row| {
            let row = Facts { facts: row, base: self.base };
            format!("  {:>8}  {} ({})", row.get("deadLetters"), row.get("webhookName"), row.get("webhookId"))
        });
        let mut lines: Vec<String> = lines.collect();
        if rows.len() > LISTED_MAX {
            lines.push(format!("            and {} more webhooks", rows.len() - LISTED_MAX));
        }
        let text = format!(
            "From {from} to {until}, {total} deliveries used up their attempts and are dead letters now:\n\n{}\n\n\
             They are kept. Once the receivers are well, redrive them: POST /api/v1/dead-letters/redrive\n\n{}",
            lines.join("\n"),
            self.look("/ui/deliveries?status=dead", "/api/v1/dead-letters")
        );
        (format!("{total} new dead letters"), text)
    }

    fn quota(&self) -> Said {
        let [quota, percent, used, limit, until] =
            ["quota", "percent", "used", "limit", "periodEnd"].map(|name| self.get(name));
        let then = if percent == "100" { " What is over it is refused until then." } else { "" };
        let text = format!(
            "{percent} % of the quota `{quota}` are used: {used} of {limit}. It starts anew at {until}.{then}\n\n{}",
            self.look("/ui", "/api/v1/analytics/usage")
        );
        (format!("{percent} % of the quota `{quota}` are used"), text)
    }

    fn rotation(&self) -> Said {
        let [name, prefix, id, due] = ["name", "keyPrefix", "keyId", "dueAt"].map(|name| self.get(name));
        let text = format!(
            "The API key \"{name}\" ({prefix}…, {id}) should be rotated by {due}, by its rotation policy.\n\n\
             Nothing is rotated by itself: POST /api/tenant/api-keys/{id}/rotate gives a new one, and the old one goes \
             on working for a day, or for as long as you say."
        );
        (format!("the API key \"{name}\" should be rotated"), text)
    }

    fn broker_down(&self) -> Said {
        let since = self.get("since");
        let text = format!(
            "RabbitMQ has taken no tickets since {since}. Events are accepted and kept, and are sent when it is \
             back.\n\n\
             What to do: docs/operate/runbooks/broker-down.md"
        );
        ("RabbitMQ is away".to_owned(), text)
    }

    fn late(&self) -> Said {
        let seconds = self.get("seconds");
        let text = format!(
            "Deliveries that nothing holds back have been due for {seconds} s and are not sent.\n\n\
             What to do: docs/operate/runbooks/queue-growing.md"
        );
        ("deliveries are late".to_owned(), text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn about<'a>(kind: MailKind, facts: &'a Value, tenant: Option<&'a str>) -> MailFacts<'a> {
        let environment = tenant.map(|_| "production");
        MailFacts { kind, tenant, environment, facts, public_url: "https://hooks.example/", email: "ada@example.com" }
    }

    #[test]
    fn no_name_makes_a_second_line_of_a_subject() {
        let facts = json!({ "webhookName": "a\r\nBcc: eve@example.com", "webhookId": "wh_1", "reason": "x\u{2028}y" });
        let text = compose(about(MailKind::Disabled, &facts, Some("acme\nSubject: hi")));
        assert_eq!(
            text.subject,
            "[Angarium] acme Subject: hi (production): the webhook \"a Bcc: eve@example.com\" was disabled"
        );
        assert!(text.body.contains("https://hooks.example/ui/webhooks/wh_1\n"), "{}", text.body);
        assert!(text.body.lines().all(|line| !line.starts_with("Bcc")));
    }

    #[test]
    fn lines_are_bounded() {
        assert_eq!(line(&"x".repeat(500)).chars().count(), LINE_CHARS_MAX + 1);
        assert_eq!(line(" a\t\u{0}b  c "), "a b c");
        assert_eq!(line(""), "");
    }

    #[test]
    fn every_kind_has_a_text_whatever_facts_there_are() {
        for kind in MailKind::ALL {
            assert_eq!(MailKind::parse(kind.as_str()), Some(kind));
            for facts in [json!({}), json!({ "webhooks": [{ "deadLetters": 3 }, {}] }), json!(null)] {
                let MailText { subject, body } = compose(about(kind, &facts, None));
                assert!(subject.starts_with("[Angarium] ") && !subject.contains('\n'));
                assert!(body.contains("users mail --email ada@example.com --off"));
            }
        }
    }
}
