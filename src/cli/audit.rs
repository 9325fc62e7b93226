//! `audit`: who changed what, in the whole deployment.

use clap::Args;
use serde_json::json;

use super::{Globals, Outcome, Output};
use crate::app::open_store;
use crate::config::Config;
use crate::domain::audit::AuditEntry;

/// Arguments of `audit`.
#[derive(Debug, Args)]
pub(super) struct AuditArgs {
    /// How many of the newest lines
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
}

pub(super) async fn run(args: &AuditArgs, globals: &Globals, output: Output) -> Outcome {
    let config = Config::load(globals.config.as_deref())?;
    let store = open_store(&config).await?;
    let entries = store.newest_audit(args.limit).await;
    store.close().await;
    let entries = entries?;
    if output.is_json() {
        let shown = entries.into_iter().map(|entry| {
            let AuditEntry { id, tenant, environment, actor, action, subject, changes, request, address } = entry;
            json!({
                "id": id, "at": id.time(), "tenant": tenant, "environment": environment, "actor": actor,
                "action": action, "subject": subject, "changes": changes, "requestId": request, "address": address,
            })
        });
        output.value(&shown.collect::<Vec<_>>())?;
        return Ok(());
    }
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_header(["AT", "WHO", "ACTION", "SUBJECT", "TENANT"]);
    for entry in entries {
        let tenant = entry.tenant.map_or_else(String::new, |tenant| tenant.to_string());
        table.add_row([entry.id.time().to_string(), entry.actor.name, entry.action, entry.subject, tenant]);
    }
    output.line(&table.to_string());
    Ok(())
}
