//! The command line: one file per command.
//!
//! What a command finds out goes to standard output, as text for people or, with `--json`, as one JSON value. Progress
//! and hints go to standard error, so that a pipe gets data only. Nothing is coloured. Secrets are read from a file,
//! the environment or standard input, never from the arguments, which every user of the machine can see.

mod api;
mod audit;
mod bench;
mod dev;
mod doctor;
mod duration;
mod exit;
mod keys;
mod manual;
mod metrics;
mod migrate;
mod openapi;
mod output;
mod receiver;
mod remote;
mod secret;
mod seed;
mod send;
mod serve;
mod settings;
mod sign;
mod target;
mod tenants;
mod tickets;
mod users;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use url::Url;

use crate::engine::asker::{Asker, asked_by};

pub use self::exit::Exit;
pub(crate) use self::exit::{Failure, Outcome};
pub(crate) use self::output::Output;

/// Delivers webhooks: accepts events, signs them, sends them, tries again, and keeps a log of all of it.
#[derive(Debug, Parser)]
#[command(name = "angarium", version, after_help = Exit::HELP)]
pub struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct Globals {
    /// A configuration file, over the defaults and under the environment
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The Angarium to talk to [default: the one of `.angarium/dev.toml`, or `http://localhost:3001`]
    #[arg(long, global = true, env = "ANGARIUM_URL", value_name = "URL")]
    pub(crate) url: Option<Url>,
    /// A file that holds the API key [default: `ANGARIUM_API_KEY`, or the key of `.angarium/dev.toml`]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print no hints and no progress
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run everything in one process, with a demo receiver and a test key
    Dev(dev::DevArgs),
    /// Run a role of a deployment
    Serve(serve::ServeArgs),
    /// Bring the database to what this version expects
    Migrate(migrate::MigrateArgs),
    /// Make, list and stop API keys
    Keys(keys::KeysArgs),
    /// Make and list tenants, and say which plan they are on
    Tenants(tenants::TenantsArgs),
    /// Make, list and disable users
    Users(users::UsersArgs),
    /// List who changed what
    Audit(audit::AuditArgs),
    /// Publish an event, and wait for its deliveries if asked to
    Send(send::SendArgs),
    #[command(flatten)]
    Remote(remote::RemoteCommand),
    /// Receive webhooks, verify them, and misbehave on demand
    Receiver(receiver::ReceiverArgs),
    /// Sign a body as Angarium does
    Sign(sign::SignArgs),
    /// Check a received request, and say why it does not verify
    Verify(verify::VerifyArgs),
    /// Check that an Angarium is well
    Doctor(doctor::DoctorArgs),
    /// Print the documents of the API
    Openapi(openapi::OpenApiArgs),
    /// Print the reference of metrics
    Metrics,
    /// Measure throughput, latency and memory on this machine
    Bench(bench::BenchArgs),
    /// Fill the database with made-up deliveries, to look at and to measure
    Seed(seed::SeedArgs),
    /// Show what a process is configured with
    Config(settings::ConfigArgs),
    /// Print the completions of a shell
    Completions(manual::CompletionsArgs),
    /// Write a page for `man` about each command
    Man(manual::ManArgs),
    /// Print a page of the reference, as Markdown
    Reference(manual::ReferenceArgs),
}

/// Runs a command. The exit code is that of [`Exit`].
pub async fn run(cli: Cli) -> ExitCode {
    let Cli { globals, command } = cli;
    let output = Output::new(globals.json, globals.quiet);
    let outcome = match command {
        Command::Dev(args) => Box::pin(dev::run(args, &globals, output)).await,
        Command::Serve(args) => serve::run(&args, &globals, output).await,
        Command::Migrate(args) => migrate::run(&args, &globals, output).await,
        Command::Keys(args) => asked_by(Asker::operator(), keys::run(args, &globals, output)).await,
        Command::Tenants(args) => asked_by(Asker::operator(), tenants::run(args, &globals, output)).await,
        Command::Users(args) => asked_by(Asker::operator(), users::run(args, &globals, output)).await,
        Command::Audit(args) => audit::run(&args, &globals, output).await,
        Command::Send(args) => send::run(args, &globals, output).await,
        Command::Remote(command) => remote::run(command, &globals, output).await,
        Command::Receiver(args) => receiver::run(args, output).await,
        Command::Sign(args) => sign::run(&args, &globals, output),
        Command::Verify(args) => verify::run(&args, &globals, output).await,
        Command::Doctor(args) => doctor::run(args, &globals, output).await,
        Command::Openapi(args) => {
            openapi::run(&args, output);
            Ok(())
        }
        Command::Metrics => metrics::run(output),
        Command::Bench(args) => Box::pin(bench::run(args, output)).await,
        Command::Seed(args) => asked_by(Asker::operator(), Box::pin(seed::run(&args, &globals, output))).await,
        Command::Config(args) => settings::run(&args, &globals, output),
        Command::Completions(args) => manual::completions(&args, output),
        Command::Man(args) => manual::man(&args, output),
        Command::Reference(args) => {
            manual::reference(&args, output);
            Ok(())
        }
    };
    let exit = outcome.map_or_else(|failure| output.failure(&failure), |()| Exit::Ok);
    ExitCode::from(exit.code())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    /// The parser would take the value of the one for the other.
    #[test]
    fn no_command_has_an_argument_called_as_a_global_one() {
        fn check(command: &clap::Command, globals: &[&str]) {
            for own in command.get_arguments().filter(|argument| !argument.is_global_set()) {
                assert!(!globals.contains(&own.get_id().as_str()), "{} has {own}", command.get_name());
            }
            command.get_subcommands().for_each(|command| check(command, globals));
        }
        let program = Cli::command();
        let globals: Vec<&str> = program.get_arguments().map(|argument| argument.get_id().as_str()).collect();
        assert!(globals.contains(&"url"), "{globals:?}");
        program.get_subcommands().for_each(|command| check(command, &globals));
    }

    #[test]
    fn no_argument_takes_a_secret() {
        let commands = Cli::command();
        let arguments =
            commands.get_subcommands().flat_map(clap::Command::get_arguments).chain(commands.get_arguments());
        for argument in arguments {
            assert!(!matches!(argument.get_long(), Some("key" | "secret" | "password")), "{argument}");
        }
    }
}
