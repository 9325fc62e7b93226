//! Batches of many rows: the statements whose text differs between the databases, both texts side by side.
//!
//! `PostgreSQL` takes a batch as arrays (`unnest`) in one statement, so that a commit is one round trip. `SQLite`
//! has no arrays but no network either: it takes `values` lists of a few fixed sizes.

pub mod accept;
pub mod claim;
pub mod event_keys;
pub mod records;
pub mod replay_runs;
pub mod settle;
pub mod stats;

/// A `SQLite` statement over a list of rows: `head (?,?),(?,?) tail`.
pub(crate) struct Rows {
    pub(crate) head: &'static str,
    pub(crate) columns: usize,
    pub(crate) tail: &'static str,
}

impl Rows {
    /// The text for so many rows: only placeholders are added, never a value.
    pub(crate) fn sql(&self, rows: usize) -> String {
        let row = format!("({})", vec!["?"; self.columns].join(","));
        format!("{}{}{}", self.head, vec![row.as_str(); rows].join(","), self.tail)
    }
}
