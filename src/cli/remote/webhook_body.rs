//! What a person says about a webhook, as the API takes it.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value};
use url::Url;

use super::super::sign::read_body;
use super::super::{Exit, Failure, Outcome};

/// What can be set of a webhook.
#[derive(Debug, Args)]
pub(super) struct SettingsArgs {
    /// What people call it
    #[arg(long)]
    name: Option<String>,
    /// The event types that it wants, separated by commas, such as `message.*`
    #[arg(long, value_delimiter = ',', value_name = "TYPES")]
    events: Vec<String>,
    /// Takes only events that name one of these channels, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    channels: Vec<String>,
    /// For people
    #[arg(long)]
    description: Option<String>,
    /// How its requests look, such as `default` or `github`
    #[arg(long)]
    profile: Option<String>,
    /// The time limit of a request
    #[arg(long, value_name = "MS")]
    timeout_ms: Option<u64>,
    /// A file with all that the API takes, as a JSON object, under the options: headers, filter, retryPolicy, a secret of
    /// your own; `-` is standard input
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
}

impl SettingsArgs {
    /// The body of the request. Options win over the file.
    pub(super) fn body(self, url: Option<Url>) -> Outcome<Map<String, Value>> {
        let Self { name, events, channels, description, profile, timeout_ms, from } = self;
        let mut body = match from {
            None => Map::new(),
            Some(path) => serde_json::from_slice(&read_body(&path)?).map_err(|error| {
                // Its text may hold a secret: only the place is told.
                let (line, column) = (error.line(), error.column());
                Failure::new(Exit::Usage, format!("--from is no JSON object: line {line}, column {column}"))
            })?,
        };
        let list = |list: Vec<String>| (!list.is_empty()).then(|| Value::from(list));
        let given = [
            ("name", name.map(Value::from)),
            ("url", url.map(|url| url.as_str().into())),
            ("events", list(events)),
            ("channels", list(channels)),
            ("description", description.map(Value::from)),
            ("profile", profile.map(Value::from)),
            ("timeoutMs", timeout_ms.map(Value::from)),
        ];
        body.extend(given.into_iter().filter_map(|(field, value)| Some((field.to_owned(), value?))));
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_is_said_is_sent() {
        let nothing = || SettingsArgs {
            name: None,
            events: Vec::new(),
            channels: Vec::new(),
            description: None,
            profile: None,
            timeout_ms: None,
            from: None,
        };
        assert!(nothing().body(None).expect("nothing").is_empty());
        let settings = SettingsArgs { name: Some("a".into()), events: vec!["b.*".into()], ..nothing() };
        let body = settings.body(Some("https://example.com/hooks".parse().expect("a URL"))).expect("some");
        let expected = json!({ "name": "a", "url": "https://example.com/hooks", "events": ["b.*"] });
        assert_eq!(Value::from(body), expected);
    }
}
