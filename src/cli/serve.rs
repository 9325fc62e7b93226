//! `serve`: one role of a deployment, until it is told to stop.

use clap::Args;

use super::{Globals, Outcome, Output};
use crate::app::{App, Role};
use crate::clock::Clock;
use crate::config::Config;
use crate::telemetry::start_logging;

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// What this process does
    #[arg(value_enum)]
    role: Role,
}

pub(super) async fn run(args: &ServeArgs, globals: &Globals, output: Output) -> Outcome {
    let config = Config::load(globals.config.as_deref())?;
    start_logging(&config.log.format, &config.log.filter);
    let app = Box::pin(App::start(&config, args.role, Clock::system())).await?;
    for (what, address) in [("API", app.api), ("health and metrics", app.admin)] {
        if let Some(address) = address {
            output.hint(&format!("{what} on http://{address}"));
        }
    }
    stop_signal().await?;
    output.hint("stopping: what is under way is finished");
    app.stop().await;
    Ok(())
}

/// Returns when the process is asked to stop.
pub(super) async fn stop_signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}
