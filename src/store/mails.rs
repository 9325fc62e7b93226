//! The outbox of mails, and what was told of already.

use uuid::Uuid;

use super::audit::note;
use super::{Store, StoreError, in_tx, on_read, on_write};
use crate::domain::audit::AuditEntry;
use crate::domain::id::{TenantId, UserId, WebhookId};
use crate::domain::tenant::{Environment, Scope};
use crate::domain::time::Timestamp;

pub(super) const FOR_TENANT: &str = "insert into mails \
    (notice_id, user_id, tenant_id, environment, kind, facts, due_at, attempts) \
    select $1, u.id, $2, $3, $4, $5, $6, 0 from users u \
    where u.tenant_id = $2 and u.role in ('owner', 'admin') and u.disabled_at is null and u.gets_mail \
    order by u.id limit $7";
const FOR_OPERATORS: &str = "insert into mails (notice_id, user_id, kind, facts, due_at, attempts) \
    select $1, u.id, $2, $3, $4, 0 from users u \
    where u.role = 'operator' and u.disabled_at is null and u.gets_mail order by u.id limit $5";
pub(super) const DUE: &str = "select m.notice_id, m.user_id, m.tenant_id, m.environment, m.kind, m.facts, m.due_at, \
    m.attempts, \
    u.email, u.name, u.disabled_at is null and u.gets_mail as wanted, t.name as tenant \
    from mails m join users u on u.id = m.user_id left join tenants t on t.id = m.tenant_id \
    where m.settled_at is null and m.due_at <= $1 order by m.due_at limit $2";
const CLAIM: &str = "update mails set due_at = $4, attempts = attempts + 1 \
    where notice_id = $1 and user_id = $2 and due_at = $3 and settled_at is null";
const POSTPONE: &str = "update mails set due_at = $3 where notice_id = $1 and user_id = $2 and settled_at is null";
const SETTLE: &str = "update mails set settled_at = $3, outcome = $4 \
    where notice_id = $1 and user_id = $2 and settled_at is null";
pub(super) const SENT_SINCE: &str = "select count(*) from (select settled_at from mails \
    where tenant_id = $1 and outcome = 'sent' and settled_at > $2 limit $3) as m";
const WAITING: &str = "select count(*) from (select due_at from mails where settled_at is null limit $1) as m";
const PURGE: &str = "delete from mails where notice_id < $1 and settled_at is not null";
const SET_MAIL: &str = "update users set gets_mail = $2, updated_at = $3 where id = $1 and gets_mail <> $2";
const GETS_MAIL: &str = "select gets_mail from users where id = $1";
const TELL_ONCE: &str = "insert into mail_marks (name, told_at) values ($1, $2) on conflict (name) do nothing";
const MARK: &str = "select told_at from mail_marks where name = $1";
const ADVANCE: &str = "update mail_marks set told_at = $3 where name = $1 and told_at = $2";
const FORGET: &str = "delete from mail_marks where name = $1";
pub(super) const DIED: &str = "select tenant_id, environment, webhook_id, count(*) from dead_letters \
    where died_at >= $1 and died_at < $2 group by tenant_id, environment, webhook_id \
    order by tenant_id, environment, count(*) desc limit $3";

/// People whom one notice is told to.
pub(super) const RECIPIENTS_MAX: i64 = 100;

/// Which mail: of which notice, to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailId {
    /// What is told of.
    pub notice: Uuid,
    /// Who is told.
    pub user: UserId,
}

/// A notice for the owners and admins of a tenant.
#[derive(Debug, Clone)]
pub struct NoticeRow {
    /// A new id.
    pub id: Uuid,
    /// Whose.
    pub scope: Scope,
    /// A word of [`crate::domain::mail::MailKind`].
    pub kind: &'static str,
    /// JSON object.
    pub facts: String,
}

/// A mail that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueMail {
    /// Which.
    pub id: MailId,
    /// Whose; none: the deployment's.
    pub tenant: Option<TenantId>,
    /// The tenant's name.
    pub tenant_name: Option<String>,
    /// Which environment.
    pub environment: Option<String>,
    /// A word of [`crate::domain::mail::MailKind`].
    pub kind: String,
    /// JSON object.
    pub facts: String,
    /// Since when it may be sent: what a claim compares.
    pub due_at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// Where to.
    pub email: String,
    /// Whom to.
    pub name: String,
    /// Whether its recipient still wants mails.
    pub wanted: bool,
}

#[derive(sqlx::FromRow)]
struct Row {
    notice_id: Uuid,
    user_id: Uuid,
    tenant_id: Option<Uuid>,
    environment: Option<String>,
    kind: String,
    facts: String,
    due_at: i64,
    attempts: i64,
    email: String,
    name: String,
    wanted: bool,
    tenant: Option<String>,
}

impl From<Row> for DueMail {
    fn from(row: Row) -> Self {
        let Row {
            notice_id,
            user_id,
            tenant_id,
            environment,
            kind,
            facts,
            due_at,
            attempts,
            email,
            name,
            wanted,
            tenant,
        } = row;
        Self {
            id: MailId { notice: notice_id, user: UserId(user_id) },
            tenant: tenant_id.map(TenantId),
            tenant_name: tenant,
            environment,
            kind,
            facts,
            due_at: Timestamp::from_millis(due_at),
            attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
            email,
            name,
            wanted,
        }
    }
}

/// Dead letters of one webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Died {
    /// Whose.
    pub scope: Scope,
    /// Which webhook's.
    pub webhook: WebhookId,
    /// How many.
    pub count: i64,
}

/// Binds a mail for each owner and admin of a tenant.
macro_rules! bind_notice {
    ($notice:expr, $due_at:expr) => {
        sqlx::query($crate::store::mails::FOR_TENANT)
            .bind($notice.id)
            .bind($notice.scope.tenant.0)
            .bind($notice.scope.environment.as_str())
            .bind($notice.kind)
            .bind(&$notice.facts)
            .bind($due_at.as_millis())
            .bind($crate::store::mails::RECIPIENTS_MAX)
    };
}
pub(super) use bind_notice;

impl Store {
    /// Puts a mail for each owner and admin of a tenant into the outbox.
    pub async fn mail_tenant(&self, notice: &NoticeRow, now: Timestamp) -> Result<(), StoreError> {
        on_write!(self, |db| bind_notice!(notice, now).execute(db).await.map(drop))?;
        Ok(())
    }

    /// Puts a mail for each operator into the outbox, once until [`Self::forget_mark`]; false when that was done.
    pub async fn mail_operators_once(
        &self,
        id: Uuid,
        kind: &'static str,
        facts: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(in_tx!(self, |tx| {
            let told = sqlx::query(TELL_ONCE).bind(kind).bind(now.as_millis()).execute(&mut *tx).await?;
            let is_first = told.rows_affected() > 0;
            if is_first {
                let mails = sqlx::query(FOR_OPERATORS).bind(id).bind(kind).bind(facts).bind(now.as_millis());
                mails.bind(RECIPIENTS_MAX).execute(&mut *tx).await?;
            }
            is_first
        }))
    }

    /// Lets something be told of again.
    pub async fn forget_mark(&self, name: &str) -> Result<(), StoreError> {
        on_write!(self, |db| sqlx::query(FORGET).bind(name).execute(db).await.map(drop))?;
        Ok(())
    }

    /// How far something was told of; sets it to `first` where it never was.
    pub async fn mark(&self, name: &str, first: Timestamp) -> Result<Timestamp, StoreError> {
        let told_at: i64 = in_tx!(self, |tx| {
            sqlx::query(TELL_ONCE).bind(name).bind(first.as_millis()).execute(&mut *tx).await?;
            sqlx::query_scalar(MARK).bind(name).fetch_one(&mut *tx).await?
        });
        Ok(Timestamp::from_millis(told_at))
    }

    /// Tells of what came since a mark, and moves the mark; does neither when somebody else moved it.
    pub async fn mail_and_advance(
        &self,
        name: &str,
        (from, until): (Timestamp, Timestamp),
        notices: &[NoticeRow],
    ) -> Result<(), StoreError> {
        in_tx!(self, |tx| {
            let advance = sqlx::query(ADVANCE).bind(name).bind(from.as_millis()).bind(until.as_millis());
            if advance.execute(&mut *tx).await?.rows_affected() > 0 {
                for notice in notices {
                    bind_notice!(notice, until).execute(&mut *tx).await?;
                }
            }
        });
        Ok(())
    }

    /// Dead letters of a time, by webhook: of each scope those with most first.
    pub async fn died_between(&self, from: Timestamp, until: Timestamp, max: u32) -> Result<Vec<Died>, StoreError> {
        let rows: Vec<(Uuid, String, Uuid, i64)> = on_read!(self, |db| {
            let died = sqlx::query_as(DIED).bind(from.as_millis()).bind(until.as_millis()).bind(i64::from(max));
            died.fetch_all(db).await
        })?;
        let died = |(tenant, environment, webhook, count): (Uuid, String, Uuid, i64)| {
            let corrupt =
                || StoreError::Corrupt { table: "dead_letters", column: "environment", id: webhook.to_string() };
            let environment: Environment = environment.parse().map_err(|_| corrupt())?;
            Ok(Died { scope: Scope { tenant: TenantId(tenant), environment }, webhook: WebhookId(webhook), count })
        };
        rows.into_iter().map(died).collect()
    }

    /// Mails that may be sent now.
    pub async fn due_mails(&self, now: Timestamp, max: u32) -> Result<Vec<DueMail>, StoreError> {
        let rows: Vec<Row> =
            on_read!(self, |db| sqlx::query_as(DUE).bind(now.as_millis()).bind(i64::from(max)).fetch_all(db).await)?;
        Ok(rows.into_iter().map(DueMail::from).collect())
    }

    /// Takes a mail until an instant; false when somebody else did.
    pub async fn claim_mail(&self, mail: &DueMail, until: Timestamp) -> Result<bool, StoreError> {
        let MailId { notice, user } = mail.id;
        let claimed = on_write!(self, |db| {
            let claim = sqlx::query(CLAIM).bind(notice).bind(user.0).bind(mail.due_at.as_millis());
            claim.bind(until.as_millis()).execute(db).await.map(|done| done.rows_affected())
        })?;
        Ok(claimed > 0)
    }

    /// Lets a mail wait until an instant.
    pub async fn postpone_mail(&self, id: MailId, until: Timestamp) -> Result<(), StoreError> {
        on_write!(self, |db| {
            sqlx::query(POSTPONE).bind(id.notice).bind(id.user.0).bind(until.as_millis()).execute(db).await.map(drop)
        })?;
        Ok(())
    }

    /// Notes what became of a mail.
    pub async fn settle_mail(&self, id: MailId, outcome: &'static str, now: Timestamp) -> Result<(), StoreError> {
        on_write!(self, |db| {
            let settle = sqlx::query(SETTLE).bind(id.notice).bind(id.user.0).bind(now.as_millis()).bind(outcome);
            settle.execute(db).await.map(drop)
        })?;
        Ok(())
    }

    /// How many mails of a tenant were sent since an instant, up to `max`.
    pub async fn mails_sent_since(&self, tenant: TenantId, since: Timestamp, max: u32) -> Result<u32, StoreError> {
        let count: i64 = on_read!(self, |db| {
            let count = sqlx::query_scalar(SENT_SINCE).bind(tenant.0).bind(since.as_millis()).bind(i64::from(max));
            count.fetch_one(db).await
        })?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// How many mails wait, up to `max`.
    pub async fn mails_waiting(&self, max: u32) -> Result<i64, StoreError> {
        Ok(on_read!(self, |db| sqlx::query_scalar(WAITING).bind(i64::from(max)).fetch_one(db).await)?)
    }

    /// Forgets mails of notices before an id.
    pub async fn purge_mails(&self, before: Uuid) -> Result<(), StoreError> {
        on_write!(self, |db| sqlx::query(PURGE).bind(before).execute(db).await.map(drop))?;
        Ok(())
    }

    /// Says whether a user gets mails.
    pub async fn set_mail(
        &self,
        user: UserId,
        gets_mail: bool,
        now: Timestamp,
        line: Option<&AuditEntry>,
    ) -> Result<(), StoreError> {
        in_tx!(self, |tx| {
            let set = sqlx::query(SET_MAIL).bind(user.0).bind(gets_mail).bind(now.as_millis());
            let done = set.execute(&mut *tx).await?.rows_affected() > 0;
            note!(tx, line.filter(|_| done));
        });
        Ok(())
    }

    /// Whether a user gets mails.
    pub async fn gets_mail(&self, user: UserId) -> Result<bool, StoreError> {
        let gets_mail: Option<bool> =
            on_read!(self, |db| sqlx::query_scalar(GETS_MAIL).bind(user.0).fetch_optional(db).await)?;
        Ok(gets_mail.unwrap_or(false))
    }
}
