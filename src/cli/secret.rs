//! Where commands get signing secrets from.

use std::io::Read as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use secrecy::zeroize::Zeroizing;

use super::{Exit, Failure, Outcome, target};
use crate::config::variable;
use crate::domain::profile::{Profile, SignatureOption};
use crate::domain::secret::{InvalidSecret, Secret};
use crate::domain::signature::VerifyingKey;

const VARIABLE: &str = "ANGARIUM_SECRET";

/// How requests are signed.
#[derive(Debug, Args)]
pub(crate) struct ProfileArgs {
    /// The webhook's profile
    #[arg(long, default_value = Profile::Default.as_str(), value_parser = parse_profile)]
    profile: Profile,
    /// What the webhook sets about its signatures: the API's `signature`, as JSON
    #[arg(long, value_name = "JSON")]
    signature: Option<String>,
}

fn parse_profile(word: &str) -> Result<Profile, String> {
    Profile::parse(word).ok_or_else(|| format!("must be {}", Profile::words()))
}

impl ProfileArgs {
    /// The profile, and what is set about its signatures.
    pub(crate) fn read(&self) -> Outcome<(Profile, SignatureOption)> {
        let Self { profile, signature } = self;
        let Some(text) = signature else { return Ok((*profile, SignatureOption::default_of(*profile))) };
        let usage = |message: String| Failure::new(Exit::Usage, format!("--signature {message}"));
        let value = serde_json::from_str(text).map_err(|_| usage("is not JSON".to_owned()))?;
        let option = SignatureOption::parse(*profile, &value).map_err(|invalid| {
            let sentences =
                invalid.problems.iter().map(|(field, message)| format!("{field} {message}").trim().to_owned());
            usage(sentences.collect::<Vec<_>>().join("; "))
        })?;
        Ok((*profile, option))
    }
}

/// Where the secret is.
#[derive(Debug, Args)]
pub(crate) struct SecretArgs {
    /// A file that holds the secret, as the webhook's owner was given it, or the public key [default:
    /// `ANGARIUM_SECRET`, or the one of `.angarium/dev.toml`]
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

impl SecretArgs {
    /// The text from the file, the environment, or `dev`.
    fn find_text(&self) -> Outcome<Option<Zeroizing<String>>> {
        let text = match (&self.secret_file, variable(VARIABLE)) {
            (Some(path), _) => {
                Some(std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?)
            }
            (None, Some(text)) => Some(text),
            (None, None) => target::dev_file()?.secret,
        };
        Ok(text.map(Zeroizing::new))
    }

    /// The same, or from standard input where that is not taken.
    fn require_text(&self, stdin_taken: bool) -> Outcome<Zeroizing<String>> {
        if let Some(text) = self.find_text()? {
            return Ok(text);
        }
        if stdin_taken {
            return Err(Failure::new(Exit::Usage, format!("no secret: use --secret-file or {VARIABLE}")));
        }
        let mut text = Zeroizing::new(String::new());
        std::io::stdin().read_to_string(&mut text).context("cannot read the secret from standard input")?;
        Ok(text)
    }

    /// What requests of a profile can be verified with, if it is anywhere.
    pub(crate) fn find_key(&self, profile: Profile) -> Outcome<Option<VerifyingKey>> {
        self.find_text()?.map(|text| read(&text, |text| VerifyingKey::parse(profile, text))).transpose()
    }

    /// What requests of a profile can be verified with.
    pub(crate) fn require_key(&self, profile: Profile, stdin_taken: bool) -> Outcome<VerifyingKey> {
        read(&self.require_text(stdin_taken)?, |text| VerifyingKey::parse(profile, text))
    }

    /// What requests of a profile can be signed with.
    pub(crate) fn require_secret(&self, profile: Profile, stdin_taken: bool) -> Outcome<Secret> {
        read(&self.require_text(stdin_taken)?, |text| profile.received_secret(text))
    }
}

fn read<T>(text: &str, parse: impl FnOnce(&str) -> Result<T, InvalidSecret>) -> Outcome<T> {
    parse(text.trim()).map_err(|error| Failure::new(Exit::Usage, format!("the secret {error}")))
}
