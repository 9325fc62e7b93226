//! Whether what a process works with is well: its database, its clock, its broker. `doctor` and the pages of operators
//! tell the same.

use std::time::Duration;

use super::Engine;
use crate::clock::Clock;
use crate::domain::signature::TOLERANCE;
use crate::store::Store;

/// What one check came to: what is so, or what is wrong.
pub type Check = Result<String, String>;

impl Engine {
    /// Every check that can be made; the first that fails does not end the others.
    pub async fn check_up(&self) -> Vec<(&'static str, Check)> {
        let mut checks = check_store(&self.store, &self.clock).await;
        let ready = self.broker.health().ready;
        let broker = if ready { Ok("is connected".to_owned()) } else { Err("is away: what is due waits".to_owned()) };
        checks.push(("broker", broker));
        checks
    }
}

/// Every check of a database.
pub async fn check_store(store: &Store, clock: &Clock) -> Vec<(&'static str, Check)> {
    let mut checks = vec![("database", check_migrations(store).await)];
    checks.extend(check_settings(store).await.map(|check| ("settings", check)));
    checks.extend(check_clock(store, clock).await.map(|check| ("clock", check)));
    checks
}

/// Whether the database answers and has every migration.
async fn check_migrations(store: &Store) -> Check {
    let pending = store.pending_migrations().await.map_err(|error| error.to_string())?;
    if pending.is_empty() {
        Ok(format!("{} answers and is up to date", store.engine_name()))
    } else {
        Err(format!("lacks {}: run `angarium migrate`", pending.join(", ")))
    }
}

/// Whether the database's server keeps what it confirms and clears away what is deleted, where it is one of its own.
async fn check_settings(store: &Store) -> Option<Check> {
    let off = store.settings_off().await.ok()??;
    let harm = |name: &String| match name.as_str() {
        "autovacuum" | "track_counts" => format!("{name} is off: tables grow, and every look at them slows down"),
        "synchronous_commit" => format!("{name} is off: a crash loses what was accepted just before"),
        _ => format!("{name} is off: a crash may damage the database"),
    };
    let harms: Vec<String> = off.iter().map(harm).collect();
    Some(if harms.is_empty() { Ok("keep what is committed".to_owned()) } else { Err(harms.join("; ")) })
}

/// How far the database's clock is off, where it has one of its own. A receiver refuses what was signed by a clock that
/// is too far off; half of that is reason enough to say so.
async fn check_clock(store: &Store, clock: &Clock) -> Option<Check> {
    let there = store.time().await.ok()??;
    let difference = there.as_millis().abs_diff(clock.now().as_millis());
    let text = format!("{difference} ms from the database's; receivers tolerate {} s", TOLERANCE.as_secs());
    Some(if Duration::from_millis(difference) <= TOLERANCE / 2 { Ok(text) } else { Err(text) })
}
