//! `endpoints`: webhooks, by the word that people use for them on a command line.

use std::io::IsTerminal as _;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use url::Url;

use super::super::api::Api;
use super::super::output::plain;
use super::super::send::{self, Delivery};
use super::super::{Exit, Failure, Outcome, Output, duration};
use super::each::each;
use super::list::{Filters, LimitArgs, list};
use super::webhook_body::SettingsArgs;
use crate::domain::id::WebhookId;

/// Arguments of `endpoints`.
#[derive(Debug, Args)]
pub(crate) struct WebhooksArgs {
    #[command(subcommand)]
    command: WebhooksCommand,
}

#[derive(Debug, Subcommand)]
enum WebhooksCommand {
    /// Register a URL, and print its secret this once
    Create {
        /// Where to send events
        #[arg(value_name = "URL")]
        target: Url,
        #[command(flatten)]
        settings: SettingsArgs,
    },
    /// List webhooks, newest first
    List {
        /// Only those that are sent to (`true`), or only the others (`false`)
        #[arg(long)]
        active: Option<bool>,
        #[command(flatten)]
        limit: LimitArgs,
    },
    /// Show a webhook
    Get {
        /// Its id
        id: WebhookId,
    },
    /// Change a webhook; what is not said stays
    Update {
        /// Its id
        id: WebhookId,
        /// Where to send events
        #[arg(long = "to", value_name = "URL")]
        target: Option<Url>,
        #[command(flatten)]
        settings: SettingsArgs,
    },
    /// Send nothing to webhooks until they are resumed; deliveries wait
    Pause {
        /// Their ids
        #[arg(required = true)]
        ids: Vec<WebhookId>,
    },
    /// Send to webhooks again, what has waited included
    Resume {
        /// Their ids
        #[arg(required = true)]
        ids: Vec<WebhookId>,
    },
    /// Send a test event to a webhook
    Test(TestArgs),
    /// Make a new secret, and print it this once
    RotateSecret(RotateArgs),
    /// Delete webhooks; what waits for them is cancelled
    Delete {
        /// Their ids
        #[arg(required = true)]
        ids: Vec<WebhookId>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Args)]
struct TestArgs {
    /// Its id
    id: WebhookId,
    /// Wait until the delivery is final
    #[arg(long)]
    wait: bool,
    /// How long to wait
    #[arg(long, default_value = "60s", value_parser = duration::parse)]
    timeout: Duration,
}

#[derive(Debug, Args)]
struct RotateArgs {
    /// Its id
    id: WebhookId,
    /// How long the older secrets go on signing beside the new one [default: a day]
    #[arg(long, value_parser = duration::parse)]
    overlap: Option<Duration>,
    /// `v1` or `v1a`, where it signs by both
    #[arg(long)]
    scheme: Option<String>,
}

/// A webhook as the API shows it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Webhook {
    id: String,
    name: String,
    url: String,
    events: Vec<String>,
    channels: Vec<String>,
    profile: String,
    filter: Option<Box<RawValue>>,
    retry_policy: Box<RawValue>,
    timeout_ms: u64,
    description: Option<String>,
    status: String,
    status_reason: Option<String>,
    created_at: String,
    secret: Option<String>,
    public_key: Option<String>,
}

pub(super) async fn run(args: WebhooksArgs, api: &Api, output: Output) -> Outcome {
    match args.command {
        WebhooksCommand::Create { target, settings } => create(api, target, settings, output).await,
        WebhooksCommand::List { active, limit } => show_list(api, active, limit, output).await,
        WebhooksCommand::Get { id } => show(&api.get::<Box<RawValue>>(&format!("/webhooks/{id}")).await?, output),
        WebhooksCommand::Update { id, target, settings } => {
            let body = json!(settings.body(target)?).to_string();
            let path = format!("/webhooks/{id}");
            show(&api.call::<Box<RawValue>>(reqwest::Method::PATCH, &path, Some(body), &[]).await?, output)
        }
        WebhooksCommand::Pause { ids } => change_each(api, &ids, "pause", output).await,
        WebhooksCommand::Resume { ids } => change_each(api, &ids, "resume", output).await,
        WebhooksCommand::Test(args) => test(api, args, output).await,
        WebhooksCommand::RotateSecret(args) => rotate(api, args, output).await,
        WebhooksCommand::Delete { ids, yes } => delete(api, &ids, yes, output).await,
    }
}

async fn create(api: &Api, url: Url, settings: SettingsArgs, output: Output) -> Outcome {
    let host = url.host_str().unwrap_or("webhook").to_owned();
    let mut body = settings.body(Some(url))?;
    body.entry("name").or_insert_with(|| host.into());
    body.entry("events").or_insert_with(|| json!(["*"]));
    show(&api.post::<Box<RawValue>>("/webhooks", json!(body).to_string()).await?, output)
}

fn show(raw: &RawValue, output: Output) -> Outcome {
    if output.is_json() {
        output.value(&raw)?;
        return Ok(());
    }
    let Webhook {
        id,
        name,
        url,
        events,
        channels,
        profile,
        filter,
        retry_policy,
        timeout_ms,
        description,
        status,
        status_reason,
        created_at,
        secret,
        public_key,
    } = serde_json::from_str(raw.get())?;
    let is_new = secret.is_some();
    output.facts([
        ("id", Some(id)),
        ("name", Some(name)),
        ("url", Some(url)),
        ("status", Some(status)),
        ("because", status_reason),
        ("events", Some(events.join(", "))),
        ("channels", (!channels.is_empty()).then(|| channels.join(", "))),
        ("filter", filter.map(|filter| filter.get().to_owned())),
        ("profile", Some(profile)),
        ("retries", Some(retry_policy.get().to_owned())),
        ("timeout", Some(format!("{timeout_ms} ms"))),
        ("about", description),
        ("created", Some(created_at)),
        ("public key", public_key),
        ("secret", secret),
    ]);
    if is_new {
        output.hint("The secret is not shown again.");
    }
    Ok(())
}

async fn show_list(api: &Api, active: Option<bool>, limit: LimitArgs, output: Output) -> Outcome {
    let listed = list(api, "/webhooks", &Filters::default().with("isActive", active), limit.limit).await?;
    listed.print(output, &["ID", "NAME", "STATUS", "EVENTS", "URL", "CREATED"], |webhook: Webhook| {
        let Webhook { id, name, url, events, status, created_at, .. } = webhook;
        vec![id, name, status, events.join(","), url, created_at]
    })
}

async fn change_each(api: &Api, ids: &[WebhookId], verb: &str, output: Output) -> Outcome {
    each(ids, output, async |id| {
        let raw: Box<RawValue> = api.call(reqwest::Method::POST, &format!("/webhooks/{id}/{verb}"), None, &[]).await?;
        let Webhook { id, name, status, .. } = serde_json::from_str(raw.get())?;
        Ok((format!("{id}   {status}   {}", plain(&name)), raw))
    })
    .await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tested {
    event_id: String,
    deliveries: u64,
}

async fn test(api: &Api, args: TestArgs, output: Output) -> Outcome {
    let TestArgs { id, wait, timeout } = args;
    let Tested { event_id, deliveries } =
        api.call(reqwest::Method::POST, &format!("/webhooks/{id}/test"), None, &[]).await?;
    let followed = if wait { send::follow(api, &event_id, deliveries, timeout).await? } else { Vec::new() };
    if output.is_json() {
        output.value(&json!({ "eventId": event_id, "deliveries": followed }))?;
    } else {
        output.line(&event_id);
        for delivery in &followed {
            output.line(&format!("  {}", send::describe(delivery)));
        }
    }
    if !wait {
        output.hint(&format!("`angarium deliveries list --event {event_id}` shows what becomes of it"));
    } else if !followed.iter().all(Delivery::is_final) {
        return Err(Failure::new(Exit::TimedOut, format!("not final within {} s", timeout.as_secs())));
    } else if !followed.iter().all(Delivery::is_delivered) {
        return Err(Failure::new(Exit::Failed, "it was not delivered"));
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rotated {
    secret: Option<String>,
    public_key: Option<String>,
    older_secrets_until: String,
}

async fn rotate(api: &Api, args: RotateArgs, output: Output) -> Outcome {
    let RotateArgs { id, overlap, scheme } = args;
    let mut asked = json!({});
    if let Some(overlap) = overlap {
        asked["overlapSeconds"] = overlap.as_secs().into();
    }
    if let Some(scheme) = scheme {
        asked["scheme"] = scheme.into();
    }
    let raw: Box<RawValue> = api.post(&format!("/webhooks/{id}/rotate-secret"), asked.to_string()).await?;
    if output.is_json() {
        output.value(&raw)?;
        return Ok(());
    }
    let Rotated { secret, public_key, older_secrets_until } = serde_json::from_str(raw.get())?;
    output.facts([("secret", secret), ("public key", public_key)]);
    output.hint(&format!("It is not shown again. The older ones sign until {older_secrets_until}."));
    Ok(())
}

#[derive(Deserialize)]
struct Deleted {
    id: String,
}

async fn delete(api: &Api, ids: &[WebhookId], yes: bool, output: Output) -> Outcome {
    if !yes {
        confirm(&format!("Delete {}? What waits for them is cancelled.", ids.len()))?;
    }
    each(ids, output, async |id| {
        let raw: Box<RawValue> = api.call(reqwest::Method::DELETE, &format!("/webhooks/{id}"), None, &[]).await?;
        let Deleted { id } = serde_json::from_str(raw.get())?;
        Ok((format!("{id}   deleted"), raw))
    })
    .await
}

/// Asks on the terminal; where there is none, nobody has agreed.
fn confirm(question: &str) -> Outcome {
    let terminal = console::Term::stderr();
    if !std::io::stdin().is_terminal() || !terminal.is_term() {
        return Err(Failure::new(Exit::Usage, "there is no terminal to ask on: say --yes"));
    }
    terminal.write_str(&format!("{question} [y/N] "))?;
    match terminal.read_line()?.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(Failure::new(Exit::Failed, "nothing was done")),
    }
}
