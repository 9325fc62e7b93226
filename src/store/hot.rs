//! The statements that run for every event, attempt or sweep, by name: what a test explains on a real database, so
//! that none of them ever reads a growing table from one end to the other.

use super::deliveries::BY_ID as DELIVERY;
use super::delivery_list::{self, Walk};
use super::dialect::{accept, claim, event_keys, records as record_writes, replay_runs as run_writes, settle, stats};
use super::{
    ListSql, all_tenants, attempt_log, attempts, audit, dead_letters, delivery_stats, due, events, expunge,
    idempotency, lines, mails, measures, paces, portal_links, records, replay_runs, replay_walk, replays, retention,
    sessions, users,
};

/// On `PostgreSQL`.
#[must_use]
pub fn postgres() -> Vec<(&'static str, &'static str)> {
    let own = [
        ("accept", accept::PG_INSERT),
        ("forget keys", event_keys::PG_FORGET_KEYS),
        ("take keys", event_keys::PG_TAKE_KEYS),
        ("sweep", claim::PG_SWEEP),
        ("claim", claim::PG_CLAIM),
        ("settle", settle::PG_SETTLE),
        ("park", settle::PG_PARK),
        ("write statistics", stats::PG_WRITE),
        ("events by id", events::PG_BY_IDS),
        ("make runs", run_writes::PG_MAKE),
        ("note runs", run_writes::PG_NOTE),
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
        ("revive", &run_writes::LITE_REVIVE),
        ("make due again", &run_writes::LITE_AGAIN),
        ("make runs", &run_writes::LITE_MAKE),
        ("note runs", &run_writes::LITE_NOTE),
        ("insert facets", &record_writes::LITE_FACETS),
    ];
    let own = [
        ("forget key", event_keys::LITE_FORGET_KEY),
        ("take key", event_keys::LITE_TAKE_KEY),
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
fn shared() -> impl Iterator<Item = (&'static str, &'static str)> {
    of_deliveries().into_iter().chain(of_lists()).chain(of_people())
}

/// The lists of deliveries and dead letters: each walk that a filter can take, both ways, its count and its bound.
fn of_lists() -> Vec<(&'static str, &'static str)> {
    let of_walk = |[page, back, count, end, end_back]: [&'static str; 5], walk: Walk| {
        let ListSql { page: sql, page_back, count: counted } = walk.list;
        [(page, sql), (back, page_back), (count, counted), (end, walk.end), (end_back, walk.end_back)]
    };
    macro_rules! names {
        ($of:literal) => {
            [
                $of,
                concat!($of, ", back"),
                concat!("count ", $of),
                concat!("end of ", $of),
                concat!("end of ", $of, ", back"),
            ]
        };
    }
    let walks = [
        of_walk(names!("deliveries of a scope"), delivery_list::BY_SCOPE),
        of_walk(names!("deliveries of a webhook"), delivery_list::BY_WEBHOOK),
        of_walk(names!("deliveries of an event"), delivery_list::BY_EVENT),
        of_walk(names!("dead deliveries"), delivery_list::DEAD),
        of_walk(names!("waiting deliveries"), delivery_list::WAITING),
    ];
    let own = [
        ("count what waits", delivery_list::WAITING_COUNT),
        ("dead letters", dead_letters::PAGE),
        ("dead letters, back", dead_letters::PAGE_BACK),
        ("count dead letters", dead_letters::COUNT),
        ("end of dead letters", dead_letters::END),
        ("end of dead letters, back", dead_letters::END_BACK),
        ("count pending", due::COUNT),
        ("count a backlog", measures::COUNTS),
    ];
    walks.into_iter().flatten().chain(own).collect()
}

/// What runs for events, deliveries and attempts.
fn of_deliveries() -> Vec<(&'static str, &'static str)> {
    vec![
        ("kept key", event_keys::KEPT),
        ("purge keys", idempotency::PURGE),
        ("backlog", due::BACKLOG),
        ("set aside", due::SET_ASIDE),
        ("bring back", due::BRING_BACK),
        ("hurry all", due::HURRY_ALL),
        ("due of a webhook", due::OF_WEBHOOK),
        ("see where a delivery stands", due::STANDING),
        ("hurry", due::HURRY),
        ("event", events::BY_ID),
        ("events of a scope", events::LIST.page),
        ("events of a scope, back", events::LIST.page_back),
        ("count events of a scope", events::LIST.count),
        ("where a look at events ends", events::END),
        ("where a look at events ends, back", events::END_BACK),
        ("delivery", DELIVERY),
        ("deliveries of all", all_tenants::DELIVERIES),
        ("where to go on among all deliveries", all_tenants::DELIVERIES_EDGE),
        ("dead letters of all", all_tenants::DEAD_LETTERS),
        ("where to go on among all dead letters", all_tenants::DEAD_LETTERS_EDGE),
        ("attempts", attempts::OF_DELIVERY),
        ("attempts in the order of their ends", attempt_log::AFTER),
        ("pending", due::PENDING),
        ("pending of a webhook", due::COUNT_OF),
        ("lock a pace", paces::LOCK),
        ("keep a pace", paces::KEEP),
        ("first in line", lines::FIRST),
        ("lock a line", lines::LOCK),
        ("whether the first in line stands", lines::STANDS),
        ("next in line", lines::NEXT),
        ("move a line", lines::MOVE),
        ("claim the first in line", lines::CLAIM),
        ("last of aged deliveries", retention::LAST_DELIVERY),
        ("last of aged events", retention::LAST_EVENT),
        ("drop aged attempts", retention::ATTEMPTS),
        ("drop aged dead letters", retention::DEAD_LETTERS),
        ("drop aged deliveries", retention::DELIVERIES),
        ("drop aged events", retention::EVENTS),
        ("statistics", delivery_stats::SINCE),
        ("oldest statistics", delivery_stats::OLDEST),
        ("take a minute of statistics", delivery_stats::TAKE_MINUTE),
        ("drop an hour of statistics", delivery_stats::DROP_HOUR),
    ]
}

/// What people and clients ask for: records, sessions, replays, mails, the audit log.
fn of_people() -> Vec<(&'static str, &'static str)> {
    vec![
        ("mails that are due", mails::DUE),
        ("mails sent since", mails::SENT_SINCE),
        ("drop somebody's mails", users::DELETE_MAILS),
        ("dead letters of a time", mails::DIED),
        ("record", records::BY_ID),
        ("whether there is a record", records::EXISTS),
        ("records of a noun", records::ALL.page),
        ("count records of a noun", records::ALL.count),
        ("records with a facet", records::BY_FACET.page),
        ("count records with a facet", records::BY_FACET.count),
        ("records with a word", records::BY_WORD.page),
        ("count records with a word", records::BY_WORD.count),
        ("records of a noun, back", records::ALL.page_back),
        ("records with a facet, back", records::BY_FACET.page_back),
        ("records with a word, back", records::BY_WORD.page_back),
        ("session", sessions::BY_ID),
        ("end the oldest sessions", sessions::DROP_OLDEST),
        ("purge sessions", sessions::PURGE),
        ("count a guess", sessions::COUNT_GUESS),
        ("purge guesses", sessions::PURGE_GUESSES),
        ("open replays", replays::OPEN),
        ("walk a scope", replay_walk::OF_SCOPE.0),
        ("walk a scope backwards", replay_walk::OF_SCOPE.1),
        ("walk a webhook", replay_walk::OF_WEBHOOK.0),
        ("walk an event", replay_walk::OF_EVENT.0),
        ("walk dead letters", replay_walk::DEAD.0),
        ("walk dead letters backwards", replay_walk::DEAD.1),
        ("runs to look at", replay_runs::TO_LOOK_AT),
        ("one replay", replays::BY_ID),
        ("a portal visit", portal_links::BY_VISIT),
        ("portal links", portal_links::PAGE),
        ("portal links, back", portal_links::PAGE_BACK),
        ("purge portal links", portal_links::PURGE),
        ("expunge due", expunge::FORGET_DUE),
        ("expunge dead letters", expunge::FORGET_DEAD),
        ("expunge attempts", expunge::ERASE),
        ("cancel the expunged", expunge::CANCEL),
        ("expunged lately", expunge::LATELY),
        ("audit log", audit::LIST.page),
        ("audit log, back", audit::LIST.page_back),
    ]
}
