//! `keys`: API keys, and the master key. A key is shown when it is made and never again.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Exit, Failure, Globals, Outcome, Output};
use crate::app::open_engine;
use crate::chance;
use crate::config::Config;
use crate::domain::api_key::{ApiKey, KeySettings};
use crate::domain::id::KeyId;
use crate::domain::permission::Permission;
use crate::domain::tenant::{Environment, Scope};
use crate::engine::Engine;

/// What a key may do when nothing else is said: everything.
pub(super) fn all_permissions() -> Vec<String> {
    Permission::ALL.map(|permission| permission.to_string()).to_vec()
}

/// Arguments of `keys`.
#[derive(Debug, Args)]
pub(super) struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Make an API key, and its tenant if there is none of that name
    Create(CreateArgs),
    /// List a tenant's keys
    List {
        /// The tenant's name
        #[arg(long)]
        tenant: String,
    },
    /// Stop a key
    Revoke {
        /// The tenant's name
        #[arg(long)]
        tenant: String,
        /// The key's id, as `keys list` shows it
        id: KeyId,
    },
    /// Print a new master key, for `ANGARIUM__MASTER_KEYS`
    Master,
}

#[derive(Debug, Args)]
struct CreateArgs {
    /// The tenant's name
    #[arg(long)]
    tenant: String,
    /// `production` or `staging`
    #[arg(long)]
    environment: Environment,
    /// For people
    #[arg(long, default_value = "command line")]
    name: String,
    /// What it may do, separated by commas [default: all that there is]
    #[arg(long, value_delimiter = ',')]
    permissions: Vec<String>,
    /// Days until it stops working [default: never]
    #[arg(long)]
    expires_days: Option<u32>,
}

pub(super) async fn run(args: KeysArgs, globals: &Globals, output: Output) -> Outcome {
    if matches!(args.command, KeysCommand::Master) {
        let key: [u8; 32] = chance::bytes();
        output.line(&format!("1:{}", STANDARD.encode(key)));
        return Ok(());
    }
    let config = Config::load(globals.config.as_deref())?;
    let engine = open_engine(&config).await?;
    let outcome = match args.command {
        KeysCommand::Create(create) => make(&engine, create, output).await,
        KeysCommand::List { tenant } => list(&engine, &tenant, output).await,
        KeysCommand::Revoke { tenant, id } => revoke(&engine, &tenant, id, output).await,
        KeysCommand::Master => Ok(()),
    };
    engine.finish().await;
    engine.store().close().await;
    outcome
}

async fn make(engine: &Engine, args: CreateArgs, output: Output) -> Outcome {
    let CreateArgs { tenant, environment, name, mut permissions, expires_days } = args;
    if permissions.is_empty() {
        permissions = all_permissions();
    }
    if let Some(word) = permissions.iter().find(|word| !Permission::is_word(word)) {
        return Err(Failure::new(Exit::Usage, format!("there is no permission `{word}`")));
    }
    let tenant = engine.ensure_tenant(&tenant, "unlimited").await?;
    let day = Duration::from_hours(24);
    let expires_at = expires_days.map(|days| engine.clock().now().after(day * days));
    let scope = Scope { tenant: tenant.id, environment };
    let (key, text) = engine.create_key(scope, &name, permissions, expires_at).await?;
    if output.is_json() {
        let mut value = shown(&key);
        value["key"] = text.reveal().into();
        value["tenantId"] = tenant.id.to_string().into();
        output.value(&value)?;
    } else {
        output.line(text.reveal());
        output.hint(&format!("{} for {} ({environment}). It is not shown again.", key.id, tenant.name));
    }
    Ok(())
}

async fn list(engine: &Engine, tenant: &str, output: Output) -> Outcome {
    let keys = engine.store().keys_of(tenant_id(engine, tenant).await?).await?;
    if output.is_json() {
        output.value(&keys.iter().map(shown).collect::<Vec<_>>())?;
        return Ok(());
    }
    let rows = keys.iter().map(|key| {
        let ApiKey { id, hint, scope, settings, created_at, revoked_at, .. } = key;
        let ended = revoked_at.or(settings.expires_at).map_or_else(String::new, |time| time.to_string());
        let environment = scope.environment.to_string();
        vec![id.to_string(), hint.clone(), environment, settings.name.clone(), created_at.to_string(), ended]
    });
    output.table(&["ID", "KEY", "ENVIRONMENT", "NAME", "CREATED", "ENDED"], rows);
    Ok(())
}

async fn revoke(engine: &Engine, tenant: &str, id: KeyId, output: Output) -> Outcome {
    if !engine.revoke_key(tenant_id(engine, tenant).await?, id).await? {
        return Err(Failure::new(Exit::NotFound, format!("{tenant} has no key {id} that works")));
    }
    output.hint(&format!("{id} no longer works; other processes notice within a second"));
    Ok(())
}

async fn tenant_id(engine: &Engine, name: &str) -> Outcome<crate::domain::id::TenantId> {
    let tenant = engine.store().tenant_by_name(name).await?;
    tenant.map(|tenant| tenant.id).ok_or_else(|| Failure::new(Exit::NotFound, format!("there is no tenant {name}")))
}

fn shown(key: &ApiKey) -> Value {
    let ApiKey { id, scope, settings, hint, created_at, revoked_at, .. } = key;
    let KeySettings { name, permissions, expires_at, ip_list, rate_limit, rotation: _, is_active: _ } = settings;
    json!({
        "id": id, "tenantId": scope.tenant, "environment": scope.environment, "name": name, "hint": hint,
        "permissions": permissions, "createdAt": created_at, "expiresAt": expires_at, "revokedAt": revoked_at,
        "isActive": key.is_active(), "ipWhitelist": ip_list, "requestsPerHour": rate_limit,
    })
}
