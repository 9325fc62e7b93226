//! `dev`: everything in one process, with nothing else installed, and something to look at.
//!
//! An `SQLite` file and the in-process queue; a tenant, a test key, a receiver that verifies every signature, and a
//! webhook that sends it everything. All of it stays on this machine: only loopback is listened on and sent to.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use serde::{Deserialize, Serialize};

use super::keys::all_permissions;
use super::serve::stop_signal;
use super::{Globals, Outcome, Output};
use crate::app::{App, Role};
use crate::chance;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::egress::EgressPolicy;
use crate::domain::id::{TenantId, WebhookId};
use crate::domain::key::ApiKeyText;
use crate::domain::password::{Password, draw};
use crate::domain::secret::Secret;
use crate::domain::subscription::Subscription;
use crate::domain::tenant::{Environment, Scope};
use crate::domain::user::{self, Email};
use crate::domain::webhook::WebhookSettings;
use crate::engine::Engine;
use crate::engine::users::{NewUser, UserError};
use crate::receiver::{Receiver, ReceiverOptions, Route};
use crate::telemetry::start_logging;

/// Arguments of `dev`.
#[derive(Debug, Args)]
pub(super) struct DevArgs {
    /// Where the API listens, on 127.0.0.1
    #[arg(long, default_value_t = 3001)]
    port: u16,
    /// Where the demo receiver listens, on 127.0.0.1; 0 takes any free port
    #[arg(long, default_value_t = 0)]
    receiver_port: u16,
    /// Where the database and the test key are kept
    #[arg(long, default_value = ".angarium", value_name = "DIR")]
    data_dir: PathBuf,
    /// Forget everything that an earlier `dev` has kept
    #[arg(long)]
    reset: bool,
}

/// What `dev` keeps for its next start, and for commands that talk to it.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    url: String,
    api_key: String,
    secret: String,
    webhook_id: String,
    master_keys: String,
    operator: Login,
    owner: Login,
}

/// A user of `dev`.
#[derive(Default, Serialize, Deserialize)]
struct Login {
    email: String,
    password: String,
}

pub(super) async fn run(args: DevArgs, globals: &Globals, output: Output) -> Outcome {
    if args.reset && args.data_dir.exists() {
        std::fs::remove_dir_all(&args.data_dir).context("the data directory cannot be removed")?;
    }
    std::fs::create_dir_all(&args.data_dir).context("the data directory cannot be made")?;
    let file = args.data_dir.join("dev.toml");
    let mut kept = read(&file)?;
    if kept.master_keys.is_empty() {
        let key: [u8; 32] = chance::bytes();
        kept.master_keys = format!("1:{}", STANDARD.encode(key));
        write(&file, &kept)?;
    }
    let config = configure(&args, globals, &kept)?;
    start_logging(&config.log.format, &config.log.filter);
    let app = Box::pin(App::start(&config, Role::All, Clock::system())).await?;
    let receiver = demo(&app.engine, &args, &mut kept).await?;
    kept.url = format!("http://localhost:{}", app.api.map_or(args.port, |address| address.port()));
    write(&file, &kept)?;
    greet(&args, &kept, &receiver, &file, output);
    stop_signal().await?;
    output.hint("stopping: what is under way is finished");
    app.stop().await;
    Ok(())
}

fn configure(args: &DevArgs, globals: &Globals, kept: &Kept) -> Outcome<Config> {
    let mut config = Config::load(globals.config.as_deref())?;
    config.master_keys = kept.master_keys.clone().into();
    config.store.url = format!("sqlite:{}", args.data_dir.join("angarium.db").display()).into();
    config.broker.url = String::new().into();
    config.deployment.environment = Environment::Staging;
    config.api.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    let local = EgressPolicy::dev();
    config.egress.allow_http = local.allow_http;
    config.egress.allow_networks.extend(local.allow_networks);
    config.egress.allow_hosts.extend(local.allow_hosts);
    Ok(config)
}

/// The tenant, the key, the webhook and the receiver; those of an earlier start where they still are.
async fn demo(engine: &Arc<Engine>, args: &DevArgs, kept: &mut Kept) -> Outcome<Receiver> {
    let tenant = engine.ensure_tenant("dev", "unlimited").await?;
    let scope = Scope { tenant: tenant.id, environment: Environment::Staging };
    let known = match ApiKeyText::parse(&kept.api_key) {
        Ok(text) => engine.find_key(&text).await?.is_some(),
        Err(_) => false,
    };
    if !known {
        let (_, text) = engine.create_key(scope, "dev", all_permissions(), None).await?;
        text.reveal().clone_into(&mut kept.api_key);
    }
    ensure_user(engine, &mut kept.operator, "operator@localhost", user::Role::Operator, None).await?;
    ensure_user(engine, &mut kept.owner, "owner@localhost", user::Role::Owner, Some(tenant.id)).await?;
    let secret = Secret::parse(&kept.secret).unwrap_or_else(|_| Secret::generate(chance::bytes()));
    kept.secret = secret.reveal();
    let receiver = Receiver::start(ReceiverOptions {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, args.receiver_port)),
        fallback: Some(Route::new(vec![secret.clone()]).recording(crate::receiver::Recording::Count)),
        ..ReceiverOptions::default()
    })
    .context("the demo receiver cannot listen")?;
    let settings = settings(receiver.url("/demo"))?;
    let existing = match kept.webhook_id.parse::<WebhookId>() {
        Ok(id) => engine.webhook(scope, id).await.ok(),
        Err(_) => None,
    };
    if let Some(webhook) = existing {
        engine.update_webhook(scope, webhook.id, settings, None).await?;
    } else {
        let (webhook, _) = engine.create_webhook(scope, settings, Some(secret)).await?;
        kept.webhook_id = webhook.id.to_string();
    }
    Ok(receiver)
}

/// A user with a password that only this folder knows; a new password where the folder has lost it.
async fn ensure_user(
    engine: &Engine,
    login: &mut Login,
    email: &str,
    role: user::Role,
    tenant: Option<TenantId>,
) -> Outcome {
    let address: Email = email.parse()?;
    let existing = engine.user_of(&address).await;
    if existing.is_ok() && !login.password.is_empty() {
        return Ok(());
    }
    *login = Login { email: email.to_owned(), password: draw(chance::bytes()) };
    let password = Password::new(login.password.clone().into())?;
    match existing {
        Ok(user) => engine.reset_password(&user, password).await?,
        Err(UserError::NotFound) => {
            engine.create_user(NewUser { tenant, email: address, name: email.to_owned(), role, password }).await?;
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

fn settings(url: String) -> Outcome<WebhookSettings> {
    let description = Some("Sends everything to the demo receiver.".into());
    let timeout = std::time::Duration::from_secs(10);
    let plain = WebhookSettings::plain("demo".into(), url, Subscription::parse(&["*"])?, timeout);
    Ok(WebhookSettings { description, ..plain })
}

fn greet(args: &DevArgs, kept: &Kept, receiver: &Receiver, file: &Path, output: Output) {
    let Kept { url, api_key, webhook_id, operator, owner, .. } = kept;
    let version = env!("CARGO_PKG_VERSION");
    let database = args.data_dir.join("angarium.db");
    output.line(&format!(
        "angarium {version}  embedded: SQLite at {}, in-process queue\n\
         \x20 Dashboard  {url}/ui\n\
         \x20 API        {url}/api/v1\n\
         \x20 Metrics    {url}/metrics\n\
         \x20 Receiver   {}  verifies every signature\n\
         \x20 Webhook    {webhook_id}  sends every event to the receiver\n\
         \x20 API key    {api_key}  (also in {})\n\
         \x20 Sign in    {} with {}, or as operator {} with {}\n\
         \x20            POST {url}/api/auth/login {{\"email\", \"password\"}}\n\
         Only this machine can connect, and webhooks may point at it: this is for development.\n\
         Try:  cargo run --release -- send message.received -d '{{\"text\":\"hi\"}}' --wait\n\
         Ctrl-C stops.",
        database.display(),
        receiver.url("/demo"),
        file.display(),
        owner.email,
        owner.password,
        operator.email,
        operator.password,
    ));
}

fn read(file: &Path) -> Outcome<Kept> {
    match std::fs::read_to_string(file) {
        // A file of another version is made anew.
        Ok(text) => Ok(toml::from_str(&text).unwrap_or_default()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Kept::default()),
        Err(error) => Err(anyhow::Error::from(error).context(format!("cannot read {}", file.display())).into()),
    }
}

/// It holds secrets: only the user may read it.
fn write(file: &Path, kept: &Kept) -> Outcome {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    let mut open = options.write(true).create(true).truncate(true).mode(0o600).open(file)?;
    open.write_all(toml::to_string(kept)?.as_bytes())?;
    Ok(())
}
