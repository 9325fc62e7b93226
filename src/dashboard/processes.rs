//! The processes that are alive, as operators see them on the system's page.

use super::words::{Badge, Time, grouped};
use crate::domain::time::Timestamp;
use crate::engine::processes::{Process, SILENT_AFTER};

/// A process.
pub(super) struct ProcessRow {
    pub(super) node: String,
    pub(super) badge: Badge,
    pub(super) does: String,
    pub(super) version: String,
    pub(super) in_flight: String,
    pub(super) waiting: String,
    pub(super) started: Time,
    pub(super) seen: Time,
}

impl ProcessRow {
    pub(super) fn new(process: Process, now: Timestamp) -> Self {
        let Process { node, role, version, started_at, seen_at, leads, broker_ready, in_flight, waiting, lag_ms: _ } =
            process;
        Self {
            node,
            badge: Badge::of_process(now.since(seen_at) <= SILENT_AFTER, broker_ready),
            does: if leads { format!("{role}, leads") } else { role },
            version,
            in_flight: grouped(in_flight),
            waiting: grouped(waiting),
            started: Time { at: started_at, now },
            seen: Time { at: seen_at, now },
        }
    }
}
