//! Which root the hashes of API keys come from; see [`crate::domain::secret`].

use super::{Store, StoreError, in_tx};

const REMEMBER: &str = "insert into master_root (fingerprint) values ($1) on conflict (singleton) do nothing";
const REMEMBERED: &str = "select fingerprint from master_root";
const REPLACE: &str = "update master_root set fingerprint = $1";
const ANY_KEY: &str = "select count(*) from (select id from api_keys limit 1) as k";

impl Store {
    /// Remembers the fingerprint of the root, if none is remembered or nothing depends on another. False when API keys
    /// were hashed under another root.
    pub async fn remember_root(&self, fingerprint: [u8; 8]) -> Result<bool, StoreError> {
        Ok(in_tx!(self, |tx| {
            sqlx::query(REMEMBER).bind(&fingerprint[..]).execute(&mut *tx).await?;
            let remembered: Vec<u8> = sqlx::query_scalar(REMEMBERED).fetch_one(&mut *tx).await?;
            if remembered == fingerprint {
                true
            } else {
                let keys: i64 = sqlx::query_scalar(ANY_KEY).fetch_one(&mut *tx).await?;
                if keys == 0 {
                    sqlx::query(REPLACE).bind(&fingerprint[..]).execute(&mut *tx).await?;
                }
                keys == 0
            }
        }))
    }
}
