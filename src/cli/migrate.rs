//! `migrate`: brings the database to what this binary expects.

use clap::Args;
use secrecy::ExposeSecret;
use serde_json::json;

use super::{Globals, Outcome, Output};
use crate::app::{open_store, remove};
use crate::clock::Clock;
use crate::config::Config;
use crate::store::Store;

/// Arguments of `migrate`.
#[derive(Debug, Args)]
pub(super) struct MigrateArgs {
    /// Make the database of `store.url` first, if it is not there
    #[arg(long)]
    create_database: bool,
    /// Remove the database of `store.url` and the queues of `broker.prefix`, with all that is in them, instead
    #[arg(long, conflicts_with_all = ["create_database", "status"])]
    drop_database: bool,
    /// Only say what is missing
    #[arg(long)]
    status: bool,
}

pub(super) async fn run(args: &MigrateArgs, globals: &Globals, output: Output) -> Outcome {
    let config = Config::load(globals.config.as_deref())?;
    let url = config.store.url.expose_secret();
    if args.drop_database {
        remove(&config).await?;
        output.hint("the database was removed, and the queues of broker.prefix");
        return Ok(());
    }
    if args.create_database {
        Store::create_database(url).await?;
    }
    let store = open_store(&config).await?;
    let pending = store.pending_migrations().await?;
    if !args.status {
        store.migrate().await?;
        store.make_partitions(Clock::system().now(), config.scheduler.partition_days_ahead).await?;
    }
    store.close().await;
    let verb = if args.status { "pending" } else { "applied" };
    if output.is_json() {
        output.value(&json!({ (verb): pending }))?;
    } else if pending.is_empty() {
        output.line("the database is up to date");
    } else {
        for migration in pending {
            output.line(&format!("{verb} {migration}"));
        }
    }
    Ok(())
}
