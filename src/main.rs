//! The `angarium` program: parses the arguments and runs the command. See [`angarium::cli`].

use std::process::ExitCode;

use angarium::cli::{self, Cli};
use clap::Parser as _;

/// Every request allocates and frees some dozens of small pieces, often on different threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        return fail("another TLS provider is already installed");
    }
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(cli::run(cli)),
        Err(error) => fail(&format!("the runtime does not start: {error}")),
    }
}

fn fail(message: &str) -> ExitCode {
    eprintln!("error: {message}");
    ExitCode::FAILURE
}
