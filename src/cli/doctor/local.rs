//! What a process of a deployment needs: its configuration, master key, database and broker.

use std::path::Path;
use std::time::Duration;

use secrecy::ExposeSecret as _;

use super::Check;
use crate::app::{connect_broker, master_keys, open_store};
use crate::clock::Clock;
use crate::config::Config;
use crate::engine::check_up::check_store;

const BROKER_WAIT: Duration = Duration::from_secs(5);
const BROKER_LOOK: Duration = Duration::from_millis(20);

/// Every check that can be made; the first that fails does not end the others.
pub(super) async fn examine(file: Option<&Path>) -> Vec<(&'static str, Check)> {
    let config = match Config::load(file) {
        Ok(config) => config,
        Err(error) => return vec![("config", Err(error.to_string()))],
    };
    let mut checks = vec![("config", Ok("is valid".to_owned()))];
    let keys = master_keys(&config).map(|_| "can be read".to_owned());
    checks.push(("secrets", keys.map_err(|error| format!("{error:#}"))));
    match open_store(&config).await {
        Ok(store) => {
            checks.extend(check_store(&store, &Clock::system()).await);
            store.close().await;
        }
        Err(error) => checks.push(("database", Err(format!("{error:#}")))),
    }
    checks.push(("broker", check_broker(&config).await));
    checks
}

async fn check_broker(config: &Config) -> Check {
    if config.broker.url.expose_secret().is_empty() {
        return Ok("none: one process does everything".to_owned());
    }
    let broker = connect_broker(config, "doctor").map_err(|error| format!("{error:#}"))?;
    let connected = async {
        while !broker.health().ready {
            tokio::time::sleep(BROKER_LOOK).await;
        }
    };
    let outcome = tokio::time::timeout(BROKER_WAIT, connected).await;
    broker.close().await;
    match outcome {
        Ok(()) => Ok("RabbitMQ answers, and its queues are declared".to_owned()),
        Err(_) => Err(format!("RabbitMQ did not answer within {} s", BROKER_WAIT.as_secs())),
    }
}
