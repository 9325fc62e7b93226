//! The statements that run for every event, attempt or sweep, by name: what a test explains on a real database, so
//! that none of them ever reads a growing table from one end to the other.

use super::deliveries::{BY_EVENT, BY_ID as DELIVERY, BY_SCOPE, BY_WEBHOOK};
use super::dialect::{accept, claim, records as record_writes, settle, stats};
use super::{attempts, dead_letters, delivery_stats, due, events, idempotency, records, sessions};

/// On `PostgreSQL`.
#[must_use]
pub fn postgres() -> Vec<(&'static str, &'static str)> {
    let own = [
        ("accept", accept::PG_INSERT),
        ("forget keys", accept::PG_FORGET_KEYS),
        ("take keys", accept::PG_TAKE_KEYS),
        ("sweep", claim::PG_SWEEP),
        ("claim", claim::PG_CLAIM),
        ("settle", settle::PG_SETTLE),
        ("park", settle::PG_PARK),
        ("write statistics", stats::PG_WRITE),
        ("events by id", events::PG_BY_IDS),
        ("insert records", record_writes::PG_INSERT),
        ("replace records", record_writes::PG_REPLACE),
        ("delete records", record_writes::PG_DELETE),
        ("drop facets", record_writes::PG_DROP_FACETS),
        ("insert facets", record_writes::PG_FACETS),
    ];
    own.into_iter().chain(shared()).collect()
}

/// On `SQLite`. Batches are shown with two rows.
#[must_use]
pub fn sqlite() -> Vec<(&'static str, String)> {
    let batches = [
        ("accept events", &accept::LITE_EVENTS),
        ("accept deliveries", &accept::LITE_DELIVERIES),
        ("accept due", &accept::LITE_DUE),
        ("settle attempts", &settle::LITE_ATTEMPTS),
        ("settle delivered", &settle::LITE_DELIVERED),
        ("settle ended", &settle::LITE_ENDED),
        ("settle raised", &settle::LITE_RAISED),
        ("insert facets", &record_writes::LITE_FACETS),
    ];
    let own = [
        ("forget key", accept::LITE_FORGET_KEY),
        ("take key", accept::LITE_TAKE_KEY),
        ("use units", accept::LITE_USE),
        ("sweep", claim::LITE_SWEEP),
        ("claim", claim::LITE_CLAIM),
        ("settle later", settle::LITE_LATER),
        ("settle dead", settle::LITE_DEAD),
        ("settle dead letter", settle::LITE_DEAD_LETTER),
        ("settle failed", settle::LITE_FAILED),
        ("park", settle::LITE_PARK),
        ("write statistics", stats::LITE_WRITE),
        ("event by id", events::LITE_BY_ID),
        ("insert record", record_writes::LITE_INSERT),
        ("replace record", record_writes::LITE_REPLACE),
        ("delete record", record_writes::LITE_DELETE),
        ("drop facets", record_writes::LITE_DROP_FACETS),
    ];
    let batches = batches.into_iter().map(|(name, rows)| (name, rows.sql(2)));
    let single = own.into_iter().chain(shared()).map(|(name, sql)| (name, sql.to_owned()));
    batches.chain(single).collect()
}

/// The same text on both.
fn shared() -> [(&'static str, &'static str); 35] {
    [
        ("kept key", accept::KEPT),
        ("purge keys", idempotency::PURGE),
        ("backlog", due::BACKLOG),
        ("set aside", due::SET_ASIDE),
        ("bring back", due::BRING_BACK),
        ("hurry all", due::HURRY_ALL),
        ("due of a webhook", due::OF_WEBHOOK),
        ("see where a delivery stands", due::STANDING),
        ("hurry", due::HURRY),
        ("event", events::BY_ID),
        ("delivery", DELIVERY),
        ("deliveries of a scope", BY_SCOPE.0),
        ("deliveries of a webhook", BY_WEBHOOK.0),
        ("deliveries of an event", BY_EVENT.0),
        ("dead letters", dead_letters::PAGE),
        ("attempts", attempts::OF_DELIVERY),
        ("pending", due::PENDING),
        ("pending of a webhook", due::COUNT_OF),
        ("statistics", delivery_stats::SINCE),
        ("oldest statistics", delivery_stats::OLDEST),
        ("take a minute of statistics", delivery_stats::TAKE_MINUTE),
        ("drop an hour of statistics", delivery_stats::DROP_HOUR),
        ("record", records::BY_ID),
        ("whether there is a record", records::EXISTS),
        ("records of a noun", records::ALL.0),
        ("count records of a noun", records::ALL.1),
        ("records with a facet", records::BY_FACET.0),
        ("count records with a facet", records::BY_FACET.1),
        ("records with a word", records::BY_WORD.0),
        ("count records with a word", records::BY_WORD.1),
        ("session", sessions::BY_ID),
        ("end the oldest sessions", sessions::DROP_OLDEST),
        ("purge sessions", sessions::PURGE),
        ("count a guess", sessions::COUNT_GUESS),
        ("purge guesses", sessions::PURGE_GUESSES),
    ]
}
