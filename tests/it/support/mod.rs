//! What the tests are written with: an app on either engine, a client, a receiver, and bounds instead of sleeps.

pub(crate) mod app;
pub(crate) mod browser;
pub(crate) mod client;
pub(crate) mod collector;
pub(crate) mod core;
pub(crate) mod document;
pub(crate) mod metrics;
pub(crate) mod people;
pub(crate) mod promql;
pub(crate) mod shown;
pub(crate) mod smtp;
pub(crate) mod yaml;

pub(crate) use app::{TestApp, TestEngine, TestWebhook};
pub(crate) use client::Reply;

use std::time::Duration;

use angarium::domain::time::Timestamp;
use serde_json::Value;

/// Reads a time of an answer.
#[track_caller]
pub(crate) fn time(value: &Value) -> Timestamp {
    let text = value.as_str().unwrap_or_else(|| panic!("{value} is a time"));
    Timestamp::parse_rfc3339(text).unwrap_or_else(|| panic!("{text} is a time"))
}

/// The bound of every wait: long enough for a loaded machine, short enough to end.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// Waits until a condition gives a value; fails with `what` when it does not within [`SOON`].
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut condition: impl FnMut() -> F) -> T {
    let found = async {
        loop {
            if let Some(value) = condition().await {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let found = tokio::time::timeout(SOON, found).await;
    found.unwrap_or_else(|_| panic!("did not happen within {} s: {what}", SOON.as_secs()))
}

/// Declares the same test for both engines: `both_engines!(name)` runs `async fn name(app: TestApp)`. With
/// `both_engines!(start; name)` the app is what `async fn start(engine: TestEngine) -> TestApp` makes.
macro_rules! both_engines {
    ($start:ident; $($name:ident),* $(,)?) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(super::$start($crate::support::TestEngine::Embedded).await).await;
            })*
        }
        mod distributed {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(super::$start($crate::support::TestEngine::Distributed).await).await;
            })*
        }
    };
    ($($name:ident),* $(,)?) => {
        use $crate::support::app::start as start_with_defaults;

        $crate::support::both_engines!(start_with_defaults; $($name),*);
    };
}
pub(crate) use both_engines;
