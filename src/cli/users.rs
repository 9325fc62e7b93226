//! `users`: people who sign in. A password is read from a terminal or a pipe, or drawn and shown once; never from the
//! arguments.

use std::io::{IsTerminal as _, Read as _};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{Exit, Failure, Globals, Outcome, Output};
use crate::app::open_engine;
use crate::chance;
use crate::config::Config;
use crate::domain::id::TenantId;
use crate::domain::password::{PASSWORD_BYTES_MAX, Password, draw};
use crate::domain::user::{Email, Role, User, user_name};
use crate::engine::Engine;
use crate::engine::users::{NewUser, UserError};

/// Users that a list shows.
const LIST_MAX: u32 = 10_000;

/// Arguments of `users`.
#[derive(Debug, Args)]
pub(super) struct UsersArgs {
    #[command(subcommand)]
    command: UsersCommand,
}

#[derive(Debug, Subcommand)]
enum UsersCommand {
    /// Make a user: of a tenant, or, as an operator, of the deployment
    Create(CreateArgs),
    /// List a tenant's users, or all
    List {
        /// The tenant's name
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Shut a user out, and end their sessions
    Disable {
        /// What they sign in with
        #[arg(long)]
        email: Email,
    },
    /// Say whether a user gets mails about operational events
    Mail {
        /// What they sign in with
        #[arg(long)]
        email: Email,
        /// No mails
        #[arg(long, conflicts_with = "on", required_unless_present = "on")]
        off: bool,
        /// Mails, as at first
        #[arg(long)]
        on: bool,
    },
    /// Give a user another password, end their sessions, and forget wrong guesses
    ResetPassword {
        /// What they sign in with
        #[arg(long)]
        email: Email,
        #[command(flatten)]
        password: PasswordArgs,
    },
}

#[derive(Debug, Args)]
struct CreateArgs {
    /// What they sign in with
    #[arg(long)]
    email: Email,
    /// `owner`, `admin` or `member` of a tenant, or `operator`
    #[arg(long)]
    role: Role,
    /// The tenant's name; not for operators. It is made if there is none of that name
    #[arg(long)]
    tenant: Option<String>,
    /// For people [default: the address]
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    password: PasswordArgs,
}

/// Where the password comes from.
#[derive(Debug, Args)]
struct PasswordArgs {
    /// Read the password from standard input [default: ask for it twice]
    #[arg(long, conflicts_with = "generate")]
    password_stdin: bool,
    /// Draw a password, and print it once
    #[arg(long)]
    generate: bool,
}

pub(super) async fn run(args: UsersArgs, globals: &Globals, output: Output) -> Outcome {
    let config = Config::load(globals.config.as_deref())?;
    let engine = open_engine(&config).await?;
    let outcome = match args.command {
        UsersCommand::Create(args) => create(&engine, args, output).await,
        UsersCommand::List { tenant } => list(&engine, tenant.as_deref(), output).await,
        UsersCommand::Disable { email } => disable(&engine, &email, output).await,
        UsersCommand::Mail { email, on, off: _ } => set_mail(&engine, &email, on, output).await,
        UsersCommand::ResetPassword { email, password } => reset(&engine, &email, &password, output).await,
    };
    engine.finish().await;
    engine.store().close().await;
    outcome
}

async fn create(engine: &Engine, args: CreateArgs, output: Output) -> Outcome {
    let CreateArgs { email, role, tenant, name, password } = args;
    let usage = |message: &str| Failure::new(Exit::Usage, message);
    let name = user_name(name.as_deref().unwrap_or(email.as_str()));
    let name = name.ok_or_else(|| usage("--name must have 1 to 100 characters"))?;
    if role.is_of_tenant() != tenant.is_some() {
        return Err(usage("an operator belongs to no tenant, and everybody else needs --tenant"));
    }
    let (password, drawn) = password.read()?;
    let tenant = match tenant {
        None => None,
        Some(name) => Some(engine.ensure_tenant(&name, "unlimited").await?.id),
    };
    let user = match engine.create_user(NewUser { tenant, email, name, role, password }).await {
        Ok(user) => user,
        Err(UserError::EmailTaken) => return Err(Failure::new(Exit::Failed, UserError::EmailTaken.to_string())),
        Err(error) => return Err(error.into()),
    };
    show(&user, drawn, output)
}

/// The user, and the password if it was drawn.
fn show(user: &User, drawn: Option<String>, output: Output) -> Outcome {
    if output.is_json() {
        let mut value = shown(user);
        if let Some(drawn) = drawn {
            value["password"] = drawn.into();
        }
        output.value(&value)?;
        return Ok(());
    }
    match drawn {
        Some(drawn) => {
            output.line(&drawn);
            output.hint(&format!("is the password of {} ({}). It is not shown again.", user.email, user.role));
        }
        None => output.hint(&format!("{} ({}) may sign in as {}", user.email, user.id, user.role)),
    }
    Ok(())
}

async fn list(engine: &Engine, tenant: Option<&str>, output: Output) -> Outcome {
    let tenant = match tenant {
        None => None,
        Some(name) => Some(tenant_id(engine, name).await?),
    };
    let users = engine.store().users(tenant, LIST_MAX).await?;
    if output.is_json() {
        output.value(&users.iter().map(shown).collect::<Vec<_>>())?;
        return Ok(());
    }
    let rows = users.iter().map(|user| {
        let User { id, email, role, name, created_at, disabled_at, .. } = user;
        let disabled = disabled_at.map_or_else(String::new, |time| time.to_string());
        vec![id.to_string(), email.to_string(), role.to_string(), name.clone(), created_at.to_string(), disabled]
    });
    output.table(&["ID", "EMAIL", "ROLE", "NAME", "CREATED", "DISABLED"], rows);
    Ok(())
}

async fn tenant_id(engine: &Engine, name: &str) -> Outcome<TenantId> {
    let tenant = engine.store().tenant_by_name(name).await?;
    tenant.map(|tenant| tenant.id).ok_or_else(|| Failure::new(Exit::NotFound, format!("there is no tenant {name}")))
}

async fn find(engine: &Engine, email: &Email) -> Outcome<User> {
    engine.user_of(email).await.map_err(|error| match error {
        UserError::NotFound => Failure::new(Exit::NotFound, format!("there is no user {email}")),
        UserError::EmailTaken
        | UserError::Tenant
        | UserError::Rank(..)
        | UserError::LastOwner
        | UserError::Changed
        | UserError::Busy
        | UserError::Store(_) => error.into(),
    })
}

async fn disable(engine: &Engine, email: &Email, output: Output) -> Outcome {
    let user = find(engine, email).await?;
    if engine.disable_user(user.id).await? {
        output.hint(&format!("{email} is signed out and cannot sign in any more"));
    } else {
        output.hint(&format!("{email} was disabled already"));
    }
    Ok(())
}

async fn set_mail(engine: &Engine, email: &Email, on: bool, output: Output) -> Outcome {
    let user = find(engine, email).await?;
    engine.set_mail(&user, on).await?;
    output.hint(&format!("{email} gets {}", if on { "mails about operational events" } else { "no mails any more" }));
    Ok(())
}

async fn reset(engine: &Engine, email: &Email, password: &PasswordArgs, output: Output) -> Outcome {
    let user = find(engine, email).await?;
    let (password, drawn) = password.read()?;
    engine.reset_password(&user, password).await?;
    show(&user, drawn, output)
}

fn shown(user: &User) -> Value {
    let User { id, tenant, email, name, role, created_at, updated_at: _, disabled_at } = user;
    json!({
        "id": id, "tenantId": tenant, "email": email.as_str(), "name": name, "role": role,
        "createdAt": created_at, "disabledAt": disabled_at,
    })
}

impl PasswordArgs {
    /// The password, and its text if it was drawn.
    fn read(&self) -> Outcome<(Password, Option<String>)> {
        if self.generate {
            let text = draw(chance::bytes());
            return Ok((checked(text.clone().into())?, Some(text)));
        }
        let text = if self.password_stdin { from_stdin()? } else { from_terminal()? };
        Ok((checked(text)?, None))
    }
}

fn checked(text: SecretString) -> Outcome<Password> {
    Password::new(text).map_err(|error| Failure::new(Exit::Usage, format!("the password {error}")))
}

/// One line, or all of it without the end of the line.
fn from_stdin() -> Outcome<SecretString> {
    let most = u64::try_from(PASSWORD_BYTES_MAX).unwrap_or(u64::MAX) + 3;
    let mut text = String::new();
    std::io::stdin().take(most).read_to_string(&mut text).context("cannot read the password from standard input")?;
    let line = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    Ok(line.into())
}

fn from_terminal() -> Outcome<SecretString> {
    let terminal = console::Term::stderr();
    if !std::io::stdin().is_terminal() || !terminal.is_term() {
        return Err(Failure::new(Exit::Usage, "there is no terminal to ask on: use --password-stdin or --generate"));
    }
    let ask = |what: &str| -> Outcome<String> {
        terminal.write_str(what)?;
        Ok(terminal.read_secure_line()?)
    };
    let password = ask("Password: ")?;
    if ask("Once more: ")? != password {
        return Err(Failure::new(Exit::Usage, "the two are not the same"));
    }
    Ok(password.into())
}
