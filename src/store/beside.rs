//! What is written in the transaction of an event beside it: the line of whoever asked for it, and the mails that tell
//! the same.

use super::mails::NoticeRow;
use crate::domain::audit::AuditEntry;

/// Rows that are there exactly if the event and its deliveries are.
#[derive(Debug, Clone, Default)]
pub struct Beside {
    /// Of the audit log.
    pub line: Option<AuditEntry>,
    /// For the tenant's people.
    pub mail: Option<NoticeRow>,
}

/// Writes them.
macro_rules! write_beside {
    ($tx:ident, $besides:expr, $now:expr) => {
        for $crate::store::beside::Beside { line, mail } in $besides {
            $crate::store::audit::note!($tx, line.as_ref());
            if let Some(mail) = mail {
                $crate::store::mails::bind_notice!(mail, $now).execute(&mut *$tx).await?;
            }
        }
    };
}
pub(super) use write_beside;
