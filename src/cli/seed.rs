//! `seed`: made-up deliveries, to look at pages and to measure them at a size.

use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::{Exit, Failure, Globals, Outcome, Output};
use crate::app::open_engine;
use crate::config::Config;
use crate::engine::Engine;
use crate::engine::seed::{DAYS_MAX, SeedError, SeedPlan, Seeded, TENANTS_MAX, WEBHOOKS_MAX};

/// Deliveries that one run makes.
const DELIVERIES_MAX: u32 = 50_000_000;

/// Arguments of `seed`.
#[derive(Debug, Args)]
pub(super) struct SeedArgs {
    /// Deliveries, of all tenants together
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=i64::from(DELIVERIES_MAX)))]
    deliveries: u32,
    /// Tenants; each has half as many events as the one before
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=i64::from(TENANTS_MAX)))]
    tenants: u32,
    /// Webhooks of each tenant; some fail, one is paused, one is disabled
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=i64::from(WEBHOOKS_MAX)))]
    webhooks: u32,
    /// Days until now that the deliveries are spread over
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=i64::from(DAYS_MAX)))]
    days: u32,
    /// Another number makes other deliveries
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    draw: u64,
    /// Also where the database holds events already
    #[arg(long)]
    add: bool,
}

pub(super) async fn run(args: &SeedArgs, globals: &Globals, output: Output) -> Outcome {
    let config = Config::load(globals.config.as_deref())?;
    let engine = open_engine(&config).await?;
    let outcome = fill(&engine, args, output).await;
    engine.finish().await;
    engine.store().close().await;
    show(&outcome?, output)
}

async fn fill(engine: &Engine, args: &SeedArgs, output: Output) -> Outcome<Seeded> {
    let SeedArgs { deliveries, tenants, webhooks, days, draw, add } = *args;
    let plan = SeedPlan { deliveries, tenants, webhooks, days, number: draw };
    let bar = output.progress(u64::from(deliveries), "seed");
    bar.enable_steady_tick(Duration::from_secs(1));
    let seeded = engine.seed(&plan, add, |made| bar.set_position(made)).await;
    bar.finish_and_clear();
    match seeded {
        Ok(seeded) => Ok(seeded),
        Err(SeedError::NotEmpty) => {
            let message = "the database holds events already: with --add, what is made up is added to them";
            Err(Failure::new(Exit::Failed, message))
        }
        Err(SeedError::Store(error)) => Err(error.into()),
    }
}

fn show(seeded: &Seeded, output: Output) -> Outcome {
    let Seeded { tenants, webhooks, events, deliveries, delivered, pending, dead, cancelled, attempts } = seeded;
    if output.is_json() {
        let tenant = |(id, name, deliveries): &_| json!({ "id": id, "name": name, "deliveries": deliveries });
        output.value(&json!({
            "tenants": tenants.iter().map(tenant).collect::<Vec<_>>(), "webhooks": webhooks, "events": events,
            "deliveries": deliveries, "delivered": delivered, "pending": pending, "dead": dead,
            "cancelled": cancelled, "attempts": attempts,
        }))?;
        return Ok(());
    }
    let shares: Vec<_> = tenants.iter().map(|(_, name, count)| format!("{name} {count}")).collect();
    output.facts([
        ("tenants", Some(shares.join(", "))),
        ("webhooks", Some(webhooks.to_string())),
        ("events", Some(events.to_string())),
        ("deliveries", Some(deliveries.to_string())),
        ("delivered", Some(delivered.to_string())),
        ("pending", Some(pending.to_string())),
        ("dead", Some(dead.to_string())),
        ("cancelled", Some(cancelled.to_string())),
        ("attempts", Some(attempts.to_string())),
    ]);
    let name = tenants.first().map_or("", |(_, name, _)| name.as_str());
    output.hint(&format!(
        "to look at them: angarium users create --email you@example.com --role owner --tenant {name} --generate"
    ));
    Ok(())
}
