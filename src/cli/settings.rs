//! `config`: what a process on this machine would be configured with.

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Globals, Outcome, Output};
use crate::config::Config;
use crate::config::origin::{Setting, Shown, settings};

/// Arguments of `config`.
#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Show every setting; of secrets, whether they are set
    Show {
        /// Show where each value comes from: the defaults, the file, or a variable of the environment
        #[arg(long)]
        origin: bool,
    },
}

pub(super) fn run(args: &ConfigArgs, globals: &Globals, output: Output) -> Outcome {
    let ConfigCommand::Show { origin } = args.command;
    let (file, environment) = Config::layers(globals.config.as_deref())?;
    let settings = settings(&file, &environment)?;
    if output.is_json() {
        let shown = settings.iter().map(|Setting { key, shown, origin }| {
            let (value, is_set) = match shown {
                Shown::Value(value) => (serde_json::to_value(value).unwrap_or_default(), true),
                Shown::Secret { is_set } => (serde_json::Value::Null, *is_set),
            };
            let secret = matches!(shown, Shown::Secret { .. });
            json!({ "key": key, "value": value, "secret": secret, "isSet": is_set, "origin": origin.to_string() })
        });
        output.value(&shown.collect::<Vec<_>>())?;
        return Ok(());
    }
    let text = |shown: &Shown| match shown {
        Shown::Value(value) => value.to_string(),
        Shown::Secret { is_set: true } => "(set)".to_owned(),
        Shown::Secret { is_set: false } => "(not set)".to_owned(),
    };
    if origin {
        let rows =
            settings.iter().map(|setting| vec![setting.key.clone(), text(&setting.shown), setting.origin.to_string()]);
        output.table(&["KEY", "VALUE", "FROM"], rows);
    } else {
        output.table(&["KEY", "VALUE"], settings.iter().map(|setting| vec![setting.key.clone(), text(&setting.shown)]));
    }
    Ok(())
}
