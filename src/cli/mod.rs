//! The command line: one file per command.
//!
//! What a command finds out goes to standard output, as text for people or, with `--json`, as one JSON value. Progress
//! and hints go to standard error, so that a pipe gets data only. Nothing is coloured. Secrets are read from a file,
//! the environment or standard input, never from the arguments, which every user of the machine can see.

mod api;
mod bench;
mod dev;
mod doctor;
mod duration;
mod exit;
mod keys;
mod metrics;
mod migrate;
mod openapi;
mod output;
mod receiver;
mod secret;
mod send;
mod serve;
mod sign;
mod target;
mod tenants;
mod users;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use url::Url;

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
    /// Publish an event, and wait for its deliveries if asked to
    Send(send::SendArgs),
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
}

/// Runs a command. The exit code is that of [`Exit`].
pub async fn run(cli: Cli) -> ExitCode {
    let Cli { globals, command } = cli;
    let output = Output::new(globals.json, globals.quiet);
    let outcome = match command {
        Command::Dev(args) => Box::pin(dev::run(args, &globals, output)).await,
        Command::Serve(args) => serve::run(&args, &globals, output).await,
        Command::Migrate(args) => migrate::run(&args, &globals, output).await,
        Command::Keys(args) => keys::run(args, &globals, output).await,
        Command::Tenants(args) => tenants::run(args, &globals, output).await,
        Command::Users(args) => users::run(args, &globals, output).await,
        Command::Send(args) => send::run(args, &globals, output).await,
        Command::Receiver(args) => receiver::run(args, output).await,
        Command::Sign(args) => sign::run(&args, &globals, output),
        Command::Verify(args) => verify::run(&args, output),
        Command::Doctor(args) => doctor::run(args, &globals, output).await,
        Command::Openapi(args) => {
            openapi::run(&args, output);
            Ok(())
        }
        Command::Metrics => metrics::run(output),
        Command::Bench(args) => Box::pin(bench::run(args, output)).await,
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
