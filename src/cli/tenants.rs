//! `tenants`: who pays, and which plan they are on.

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Exit, Failure, Globals, Outcome, Output};
use crate::app::open_engine;
use crate::config::Config;
use crate::engine::Engine;

/// Arguments of `tenants`.
#[derive(Debug, Args)]
pub(super) struct TenantsArgs {
    #[command(subcommand)]
    command: TenantsCommand,
}

#[derive(Debug, Subcommand)]
enum TenantsCommand {
    /// Make a tenant
    Create {
        /// Its name, which no other tenant has
        name: String,
        /// Its plan, of the plans file
        #[arg(long)]
        plan: String,
    },
    /// List all tenants
    List,
    /// Put a tenant on another plan; that holds at once
    SetPlan {
        /// The tenant's name
        name: String,
        /// The plan, of the plans file
        plan: String,
    },
}

pub(super) async fn run(args: TenantsArgs, globals: &Globals, output: Output) -> Outcome {
    let config = Config::load(globals.config.as_deref())?;
    let engine = open_engine(&config).await?;
    let outcome = match args.command {
        TenantsCommand::Create { name, plan } => create(&engine, &name, &plan, output).await,
        TenantsCommand::List => list(&engine, output).await,
        TenantsCommand::SetPlan { name, plan } => set_plan(&engine, &name, &plan, output).await,
    };
    engine.finish().await;
    engine.store().close().await;
    outcome
}

fn known<'a>(engine: &Engine, plan: &'a str) -> Outcome<&'a str> {
    if engine.plans().has(plan) {
        return Ok(plan);
    }
    let names = engine.plans().names().join(", ");
    Err(Failure::new(Exit::Usage, format!("there is no plan {plan}; there are: {names}")))
}

async fn create(engine: &Engine, name: &str, plan: &str, output: Output) -> Outcome {
    let plan = known(engine, plan)?;
    if engine.store().tenant_by_name(name).await?.is_some() {
        return Err(Failure::new(Exit::Failed, format!("there is a tenant {name} already")));
    }
    let tenant = engine.ensure_tenant(name, plan).await?;
    if output.is_json() {
        output.value(&json!({ "id": tenant.id, "name": tenant.name, "plan": tenant.plan }))?;
    } else {
        output.line(&tenant.id.to_string());
    }
    Ok(())
}

async fn list(engine: &Engine, output: Output) -> Outcome {
    let tenants = engine.store().tenants_changed_since(0).await?;
    if output.is_json() {
        let shown = tenants.iter().map(|tenant| json!({ "id": tenant.id, "name": tenant.name, "plan": tenant.plan }));
        output.value(&shown.collect::<Vec<_>>())?;
        return Ok(());
    }
    let rows = tenants.into_iter().map(|tenant| vec![tenant.id.to_string(), tenant.name, tenant.plan]);
    output.table(&["ID", "NAME", "PLAN"], rows);
    Ok(())
}

async fn set_plan(engine: &Engine, name: &str, plan: &str, output: Output) -> Outcome {
    if !engine.set_plan(name, known(engine, plan)?).await? {
        return Err(Failure::new(Exit::NotFound, format!("there is no tenant {name}")));
    }
    output.hint(&format!("{name} is on the plan {plan}"));
    Ok(())
}
