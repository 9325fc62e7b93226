//! Quotas: tells a tenant when most of a limit is used, and when all of it is.
//!
//! Whoever asks for more units of a limit ([`super::accept`], [`super::rates`]) leaves a note that it may be near. Once
//! a second the notes are looked through. A level of one window is told once, by whichever process is first.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde_json::json;

use super::Engine;
use crate::domain::mail::MailKind;
use crate::domain::meter::{Count, Metered, Period};
use crate::domain::plan::Limit;
use crate::store::StoreError;

/// Percent of a limit that are told.
const LEVELS: [u64; 2] = [80, 100];
/// A limit that is used so far, in percent, is looked at again though nobody asks for more.
const NEAR: u64 = 70;
/// Notes that are kept; beyond it, the next request for units leaves another.
const NOTES_MAX: usize = 10_000;

/// A limit that may be near.
struct Note {
    limit: u64,
    /// Where the one who left the note knows it better than the meters.
    count: Option<u64>,
}

/// Notes of limits that may be near.
#[derive(Default)]
pub(crate) struct Quotas(Mutex<HashMap<Count, Note>>);

impl Engine {
    /// Leaves a note that a limit may be near.
    pub(super) fn note_quota(&self, Metered { count, limit }: &Metered, known: Option<u64>) {
        let Limit::AtMost(limit) = *limit else { return };
        let mut notes = self.quotas.0.lock().unwrap_or_else(PoisonError::into_inner);
        if notes.len() < NOTES_MAX || notes.contains_key(count) {
            notes.insert(count.clone(), Note { limit, count: known });
        }
    }

    /// Tells of the limits that notes were left of.
    pub async fn check_quotas(&self) -> Result<(), StoreError> {
        let notes = std::mem::take(&mut *self.quotas.0.lock().unwrap_or_else(PoisonError::into_inner));
        for (count, Note { limit, count: known }) in notes {
            let counted = match known {
                Some(counted) => counted,
                None => self.store.counted(&count).await?,
            };
            let percent = counted.saturating_mul(100).checked_div(limit).unwrap_or(100);
            // Every minute would be too often for a warning.
            let warns = count.window.period == Period::Month;
            for level in LEVELS.into_iter().filter(|level| percent >= *level && (warns || *level >= 100)) {
                if self.store.quota_was_told(&count, level).await? {
                    self.notice_quota(&count, limit, counted, level).await;
                }
            }
            if (NEAR..100).contains(&percent) && known.is_none() && count.window.ends_at > self.clock.now() {
                self.note_quota(&Metered { count, limit: Limit::AtMost(limit) }, None);
            }
        }
        Ok(())
    }

    async fn notice_quota(&self, count: &Count, limit: u64, counted: u64, percent: u64) {
        let Count { scope, meter, window } = count;
        let data = json!({
            "quota": &**meter,
            "percent": percent,
            "used": counted.min(limit),
            "limit": limit,
            "periodStart": window.starts_at,
            "periodEnd": window.ends_at,
        });
        // A mail a minute would be one that nobody reads.
        let mail = (window.period == Period::Month).then_some((MailKind::Quota, &data));
        self.notice(*scope, "quota.reached", &data, mail).await;
    }
}
