//! Which Angarium a command talks to, and as whom.

use std::path::Path;

use anyhow::Context as _;
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use super::{Globals, Outcome};
use crate::config::variable;

/// Where `dev` leaves what other commands need.
pub(crate) const DEV_FILE: &str = ".angarium/dev.toml";
const DEFAULT_URL: &str = "http://localhost:3001";

/// What `dev` leaves.
#[derive(Default, Deserialize)]
pub(super) struct DevFile {
    url: Option<Url>,
    api_key: Option<String>,
    pub(super) secret: Option<String>,
}

/// An Angarium and a key to it.
pub(super) struct Target {
    pub(super) url: Url,
    pub(super) key: Option<SecretString>,
}

impl Target {
    /// Arguments first, then the environment, then what `dev` left.
    pub(super) fn find(globals: &Globals) -> Outcome<Self> {
        let dev = dev_file()?;
        let url = match globals.url.clone().or(dev.url) {
            Some(url) => url,
            None => DEFAULT_URL.parse()?,
        };
        let key = match (&globals.key_file, variable("ANGARIUM_API_KEY")) {
            (Some(path), _) => {
                let text = std::fs::read_to_string(path);
                Some(text.with_context(|| format!("cannot read {}", path.display()))?)
            }
            (None, Some(key)) => Some(key),
            (None, None) => dev.api_key,
        };
        Ok(Self { url, key: key.map(|key| key.trim().to_owned().into()) })
    }
}

/// What `dev` left in this directory; nothing is nothing.
pub(super) fn dev_file() -> Outcome<DevFile> {
    match std::fs::read_to_string(Path::new(DEV_FILE)) {
        Ok(text) => Ok(toml::from_str(&text).map_err(|error| {
            // The parser would quote the line, which may hold the key.
            anyhow::anyhow!("{DEV_FILE} does not parse: {}", error.message())
        })?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(DevFile::default()),
        Err(error) => Err(anyhow::Error::from(error).context(format!("cannot read {DEV_FILE}")).into()),
    }
}
