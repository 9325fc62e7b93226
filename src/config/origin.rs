//! Where each value comes from: the defaults, the file, or the environment.

use std::collections::BTreeMap;
use std::fmt;

use super::{Config, ConfigError, DEFAULTS, ENVIRONMENT_PREFIX};

/// Settings that are shown as set or not, never by their value: the fields of type `SecretString`.
const SECRETS: [&str; 4] = ["master_keys", "store.url", "broker.url", "notifications.smtp_url"];

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `config/default.toml`.
    Default,
    /// The file that `--config` names.
    File,
    /// This variable.
    Environment(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File => f.write_str("file"),
            Self::Environment(name) => f.write_str(name),
        }
    }
}

/// A value as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub enum Shown {
    /// All of it.
    Value(toml::Value),
    /// A secret, and whether there is one.
    Secret {
        /// Whether it is not empty.
        is_set: bool,
    },
}

/// One key of the configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Such as `api.listen`.
    pub key: String,
    /// What it is.
    pub shown: Shown,
    /// Who says so.
    pub origin: Origin,
}

/// Every key of a configuration that is valid, in the order of `config/default.toml`'s sections.
pub fn settings(file: &str, environment: &[(String, String)]) -> Result<Vec<Setting>, ConfigError> {
    Config::from_layers(file, environment.iter().cloned())?;
    let read = |text: &str| toml::from_str(text).map_err(|error| ConfigError(vec![error.message().to_owned()]));
    let values = Config::layered(file, environment.iter().cloned())?;
    let of_file = flat(read(file)?);
    let variables: BTreeMap<String, &String> = environment.iter().map(|(name, _)| (key_of(name), name)).collect();
    let keys = flat(read(DEFAULTS)?).into_keys();
    let mut values = flat(values);
    let setting = |key: String| {
        let value = values.remove(&key)?;
        let origin = match (variables.get(&key), of_file.contains_key(&key)) {
            (Some(name), _) => Origin::Environment((*name).clone()),
            (None, true) => Origin::File,
            (None, false) => Origin::Default,
        };
        let is_set = value.as_str().is_none_or(|text| !text.is_empty());
        let shown = if SECRETS.contains(&&*key) { Shown::Secret { is_set } } else { Shown::Value(value) };
        Some(Setting { key, shown, origin })
    };
    Ok(keys.filter_map(setting).collect())
}

fn key_of(variable: &str) -> String {
    variable.trim_start_matches(ENVIRONMENT_PREFIX).replace("__", ".").to_ascii_lowercase()
}

/// The values of a table by their whole names.
fn flat(table: toml::Table) -> BTreeMap<String, toml::Value> {
    let values = table.into_iter().flat_map(|(key, value)| match value {
        toml::Value::Table(inner) => {
            flat(inner).into_iter().map(|(rest, value)| (format!("{key}.{rest}"), value)).collect::<Vec<_>>()
        }
        value => vec![(key, value)],
    });
    values.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_says_where_it_comes_from() {
        let environment = [
            ("ANGARIUM__API__LISTEN".to_owned(), "127.0.0.1:4000".to_owned()),
            ("ANGARIUM__STORE__URL".to_owned(), "postgres://u:hunter2@h/d".to_owned()),
        ];
        let settings = settings("[broker]\nshards = 3\n[api]\nlisten = \"127.0.0.1:5\"", &environment).expect("valid");
        let of = |key: &str| settings.iter().find(|setting| setting.key == key).expect("is there").clone();
        assert_eq!(of("broker.shards").shown, Shown::Value(3.into()));
        assert_eq!((of("broker.shards").origin, of("broker.window").origin), (Origin::File, Origin::Default));
        assert_eq!(of("api.listen").shown, Shown::Value("127.0.0.1:4000".into()));
        assert_eq!(of("api.listen").origin.to_string(), "ANGARIUM__API__LISTEN");
        assert_eq!(of("store.url").shown, Shown::Secret { is_set: true });
        assert_eq!(of("master_keys").shown, Shown::Secret { is_set: false });
        assert!(!format!("{settings:?}").contains("hunter2"));
    }

    #[test]
    fn every_secret_is_known() {
        // In the source, because a field's type is not there at run time.
        let source = include_str!("../config.rs");
        let (product, _) = source.split_once("#[cfg(test)]").expect("has tests");
        assert_eq!(product.matches(": SecretString").count(), SECRETS.len());
    }
}
