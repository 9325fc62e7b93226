//! What a database can say.

/// A statement that did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A row with the same unique value exists.
    #[error("a row with the same {0} exists")]
    Conflict(String),
    /// The database cannot serve now: no connection in time, locked, shutting down. Worth another try.
    #[error("the database cannot serve now: {0}")]
    Busy(#[source] sqlx::Error),
    /// Others changed the same thing again and again. Worth another try.
    #[error("others keep changing the same thing")]
    Contended,
    /// A row holds what no version of Angarium writes.
    #[error("the row {id} of {table} has a bad {column}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row.
        id: String,
    },
    /// Everything else.
    #[error("the database refused a statement: {0}")]
    Database(#[source] sqlx::Error),
    /// The embedded migrations do not fit the database.
    #[error("migration: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// `store.url` is neither `sqlite:` nor `postgres:`.
    #[error("store.url must start with sqlite: or postgres:")]
    UnknownUrl,
}

impl StoreError {
    /// Whether the same statement may succeed soon.
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Busy(_) | Self::Contended)
    }

    /// Whether a partition is missing for the row's day.
    pub fn is_missing_partition(&self) -> bool {
        let Self::Database(sqlx::Error::Database(error)) = self else { return false };
        error.code().as_deref() == Some("23514") && error.message().contains("no partition")
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => {
                Self::Busy(error)
            }
            sqlx::Error::Database(database) if database.is_unique_violation() => {
                Self::Conflict(database.constraint().unwrap_or("key").to_owned())
            }
            // Shutting down, starting up, deadlock, serialization, too many clients, no room on the disk; SQLITE_BUSY
            // and its kin, SQLITE_FULL.
            sqlx::Error::Database(database) => match database.code().as_deref() {
                Some(
                    "57P01" | "57P02" | "57P03" | "57014" | "40P01" | "40001" | "53300" | "53100" | "5" | "6" | "13"
                    | "261" | "517",
                ) => Self::Busy(error),
                _ => Self::Database(error),
            },
            _ => Self::Database(error),
        }
    }
}
