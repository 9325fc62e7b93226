//! What the program says about itself: completions for shells, pages for `man`, and the pages of `docs/reference`.

mod commands;
mod headers;

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, CommandFactory as _, ValueEnum};
use clap_complete::Shell;

use super::{Cli, Outcome, Output};
use crate::config;

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// The directory to write to; it is made where there is none
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

/// Arguments of `reference`.
#[derive(Debug, Args)]
pub(super) struct ReferenceArgs {
    /// Which page
    #[arg(value_enum)]
    page: Page,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Page {
    /// The commands, their options, and exit codes
    Cli,
    /// The settings
    Configuration,
    /// The headers and signatures of the requests that webhooks are sent
    Headers,
}

pub(super) fn completions(args: &CompletionsArgs, output: Output) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "angarium", &mut script);
    output.line(String::from_utf8(script)?.trim_end());
    Ok(())
}

pub(super) fn man(args: &ManArgs, output: Output) -> Outcome {
    let ManArgs { directory } = args;
    let place = || format!("cannot write to {}", directory.display());
    std::fs::create_dir_all(directory).with_context(place)?;
    clap_mangen::generate_to(Cli::command(), directory).with_context(place)?;
    output.hint(&format!("`man -l {}` shows the first page", directory.join("angarium.1").display()));
    Ok(())
}

pub(super) fn reference(args: &ReferenceArgs, output: Output) {
    let page = match args.page {
        Page::Cli => commands::markdown(),
        Page::Configuration => config::reference::markdown(),
        Page::Headers => headers::markdown(),
    };
    output.line(page.trim_end());
}
