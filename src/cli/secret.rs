//! Where commands get signing secrets from.

use std::io::Read as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use secrecy::zeroize::Zeroizing;

use super::{Exit, Failure, Outcome, target};
use crate::config::variable;
use crate::domain::secret::Secret;

const VARIABLE: &str = "ANGARIUM_SECRET";

/// Where the secret is.
#[derive(Debug, Args)]
pub(crate) struct SecretArgs {
    /// A file that holds the secret, `whsec_…` [default: `ANGARIUM_SECRET`, or the one of `.angarium/dev.toml`]
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

impl SecretArgs {
    /// The secret from the file, the environment, or `dev`.
    pub(crate) fn find(&self) -> Outcome<Option<Secret>> {
        let text = match (&self.secret_file, variable(VARIABLE)) {
            (Some(path), _) => {
                Some(std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?)
            }
            (None, Some(text)) => Some(text),
            (None, None) => target::dev_file()?.secret,
        };
        text.map(|text| parse(&Zeroizing::new(text))).transpose()
    }

    /// The same, or from standard input where that is not taken.
    pub(crate) fn require(&self, stdin_taken: bool) -> Outcome<Secret> {
        if let Some(secret) = self.find()? {
            return Ok(secret);
        }
        if stdin_taken {
            return Err(Failure::new(Exit::Usage, format!("no secret: use --secret-file or {VARIABLE}")));
        }
        let mut text = Zeroizing::new(String::new());
        std::io::stdin().read_to_string(&mut text).context("cannot read the secret from standard input")?;
        parse(&text)
    }
}

fn parse(text: &str) -> Outcome<Secret> {
    Secret::parse(text.trim()).map_err(|error| Failure::new(Exit::Usage, format!("the secret {error}")))
}
