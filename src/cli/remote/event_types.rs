//! `event-types`: the catalogue.

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::value::RawValue;
use url::form_urlencoded::byte_serialize;

use super::super::api::Api;
use super::super::{Outcome, Output};
use super::list::{Filters, LimitArgs, list};

/// Arguments of `event-types`.
#[derive(Debug, Args)]
pub(crate) struct EventTypesArgs {
    #[command(subcommand)]
    command: EventTypesCommand,
}

#[derive(Debug, Subcommand)]
enum EventTypesCommand {
    /// List event types
    List {
        /// Only those that are there for everybody (`true`), or only your own (`false`)
        #[arg(long)]
        built_in: Option<bool>,
        #[command(flatten)]
        limit: LimitArgs,
    },
    /// Show an event type, with an example and its schema
    Get {
        /// The type, such as `message.received`
        name: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventType {
    name: String,
    description: Option<String>,
    example: Option<Box<RawValue>>,
    schema: Option<Box<RawValue>>,
    schema_mode: String,
    built_in: bool,
}

pub(super) async fn run(args: EventTypesArgs, api: &Api, output: Output) -> Outcome {
    match args.command {
        EventTypesCommand::List { built_in, limit } => {
            let filters = Filters::default().with("builtIn", built_in);
            let listed = list(api, "/event-types", &filters, limit.limit).await?;
            listed.print(output, &["NAME", "OF", "SCHEMA", "DESCRIPTION"], |event_type: EventType| {
                let EventType { name, description, schema_mode, built_in, .. } = event_type;
                vec![name, whose(built_in).to_owned(), schema_mode, description.unwrap_or_default()]
            })
        }
        EventTypesCommand::Get { name } => {
            let name: String = byte_serialize(name.as_bytes()).collect();
            let raw: Box<RawValue> = api.get(&format!("/event-types/{name}")).await?;
            if output.is_json() {
                output.value(&raw)?;
                return Ok(());
            }
            let EventType { name, description, example, schema, schema_mode, built_in } =
                serde_json::from_str(raw.get())?;
            let text = |value: Option<Box<RawValue>>| value.map(|value| value.get().to_owned());
            output.facts([
                ("name", Some(name)),
                ("of", Some(whose(built_in).to_owned())),
                ("about", description),
                ("example", text(example)),
                ("schema", text(schema)),
                ("checked", Some(schema_mode)),
            ]);
            Ok(())
        }
    }
}

const fn whose(built_in: bool) -> &'static str {
    if built_in { "everybody" } else { "you" }
}
