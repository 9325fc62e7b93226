//! Requests that a client may repeat: the first is done, the others are told what it was answered.
//!
//! Only success is kept. A request that was refused has done nothing, so a repeat of it is judged anew. If a process dies
//! between the deed and the note of its answer, a repeat does it again: where that must not be, the deed itself carries
//! the key ([`super::accept`]).

use std::time::Duration;

use super::Engine;
use crate::chance;
use crate::store::StoreError;
use crate::store::idempotent_requests::{Earlier, RequestKey};

/// What a repeat finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repeat {
    /// It is none: go on, and tell what came of it.
    First,
    /// The key stands for another request.
    OtherRequest,
    /// The first is still under way.
    UnderWay,
    /// What the first was answered.
    Answered(u16, Vec<u8>),
}

impl Engine {
    /// Notes that a request begins, and gives it up after a time.
    pub async fn begin_request(
        &self,
        key: &RequestKey,
        hash: [u8; 32],
        give_up_after: Duration,
    ) -> Result<Repeat, StoreError> {
        let now = self.clock.now();
        Ok(match self.store.begin_request(key, hash, now, now.after(give_up_after)).await? {
            Earlier::None => Repeat::First,
            Earlier::OtherRequest => Repeat::OtherRequest,
            Earlier::UnderWay => Repeat::UnderWay,
            Earlier::Answered(status, sealed) => {
                let opened = self.keys.open_answer(key.owner, &sealed);
                let corrupt = |_| StoreError::Corrupt {
                    table: "idempotent_requests",
                    column: "answer",
                    id: key.owner.to_string(),
                };
                Repeat::Answered(status, opened.map_err(corrupt)?)
            }
        })
    }

    /// Keeps what a request was answered, or that it did nothing.
    pub async fn end_request(&self, key: &RequestKey, answer: Option<(u16, &[u8])>) -> Result<(), StoreError> {
        let Some((status, body)) = answer else { return self.store.give_up_request(key).await };
        let sealed = self.keys.seal_answer(key.owner, body, chance::bytes());
        let until = self.clock.now().after(self.limits.idempotency);
        self.store.keep_answer(key, status, &sealed, until).await
    }
}
