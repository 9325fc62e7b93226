//! Mails about operational events, beside the events themselves: for owners and admins of the tenant, and for operators
//! about the deployment.
//!
//! What is to be told is a row for each recipient, written in the transaction of the event that tells the same, or by
//! itself where nobody subscribes to that; the scheduler's leader sends them. A mail is tried until it is too old to be
//! of use. No delivery waits for one, and where mails are off no row is written.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::Engine;
use crate::chance;
use crate::domain::id::{first_uuid_at, new_uuid, uuid_time};
use crate::domain::mail::{MailFacts, MailKind, MailText, compose};
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::mails::{Died, DueMail, MailId, NoticeRow};
use crate::telemetry::Outcome;

const HOUR: Duration = Duration::from_hours(1);
const MINUTE: Duration = Duration::from_mins(1);
/// Whoever sends a mail has it for this long.
const LEASE: Duration = Duration::from_mins(5);
/// Minutes from one try to the next; the last one repeats.
const BACKOFF_MINUTES: [u32; 5] = [1, 5, 15, 30, 60];
/// A mail that could not be sent in this time is not sent any more.
const USEFUL: Duration = Duration::from_hours(48);
/// How long rows of mails are kept.
const KEPT: Duration = Duration::from_hours(30 * 24);
/// Where the digest has got to.
const DIGEST: &str = "digest";
/// Webhooks that one digest of the whole deployment counts.
const DIGEST_ROWS_MAX: u32 = 10_000;
/// Operators are told when the broker has been away, or deliveries late, for this long.
const OPERATORS_AFTER: Duration = Duration::from_mins(10);
/// The most mails that are counted as waiting.
const COUNTED_MAX: u32 = 10_000;

/// How mails are made.
#[derive(Debug, Clone)]
pub struct MailLimits {
    /// Mails to one tenant's people in an hour.
    pub per_tenant_hour: u32,
    /// Where people find the pages.
    pub public_url: String,
}

/// A mail that this process has taken, to be sent.
#[derive(Debug, Clone)]
pub struct ReadyMail {
    /// Which.
    pub id: MailId,
    /// The same at each try: by it a recipient's program tells a repetition.
    pub message_id: String,
    /// Where to.
    pub email: String,
    /// Whom to.
    pub name: String,
    /// What it says.
    pub text: MailText,
    /// How often it was tried before.
    pub attempts: u32,
}

/// What trying to send a mail came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sending {
    /// The server has it.
    Sent,
    /// The server will never take it.
    Refused,
    /// Another time, perhaps.
    Failed,
}

/// What operators were told of.
#[derive(Debug, Default)]
pub struct Watch {
    broker_down_since: Option<Timestamp>,
    late_since: Option<Timestamp>,
    /// That nothing is wrong was noted.
    well: [bool; 2],
}

impl Engine {
    /// The row that tells the owners and admins of a tenant, if mails are on.
    pub(super) fn mail_row(&self, scope: Scope, kind: MailKind, facts: &Value) -> Option<NoticeRow> {
        self.limits.mails.as_ref().map(|_| self.notice_row(scope, kind, facts))
    }

    /// Keeps a mail that goes with no event. That it fails is logged: nothing depends on it.
    pub(super) async fn mail_tenant(&self, mail: &NoticeRow) {
        if let Err(error) = self.store.mail_tenant(mail, self.clock.now()).await {
            tracing::warn!("the mail about {} was lost: {error}", mail.kind);
        }
    }

    fn notice_row(&self, scope: Scope, kind: MailKind, facts: &Value) -> NoticeRow {
        let id = new_uuid(self.clock.now(), chance::id_tail());
        NoticeRow { id, scope, kind: kind.as_str(), facts: facts.to_string() }
    }

    /// Mails that wait to be sent.
    pub async fn due_mails(&self, max: u32) -> Result<Vec<DueMail>, StoreError> {
        self.store.due_mails(self.clock.now(), max).await
    }

    /// Takes a mail to send it; none when it is not to be sent now, or not at all.
    pub async fn take_mail(&self, mail: &DueMail) -> Result<Option<ReadyMail>, StoreError> {
        let Some(limits) = &self.limits.mails else { return Ok(None) };
        let now = self.clock.now();
        let kind = MailKind::parse(&mail.kind);
        let Some(kind) = kind.filter(|_| mail.wanted) else {
            self.end_mail(mail.id, "unwanted").await?;
            return Ok(None);
        };
        if uuid_time(mail.id.notice).after(USEFUL) < now {
            tracing::warn!("a mail about {} could not be sent in time", mail.kind);
            self.end_mail(mail.id, "late").await?;
            return Ok(None);
        }
        if let Some(tenant) = mail.tenant {
            let sent = self.store.mails_sent_since(tenant, now.before(HOUR), limits.per_tenant_hour).await?;
            if sent >= limits.per_tenant_hour {
                self.store.postpone_mail(mail.id, now.after(5 * MINUTE)).await?;
                return Ok(None);
            }
        }
        if !self.store.claim_mail(mail, now.after(LEASE)).await? {
            return Ok(None);
        }
        let facts: Value = serde_json::from_str(&mail.facts).unwrap_or_default();
        let text = compose(MailFacts {
            kind,
            tenant: mail.tenant_name.as_deref(),
            environment: mail.environment.as_deref(),
            facts: &facts,
            public_url: &limits.public_url,
            email: &mail.email,
        });
        Ok(Some(ReadyMail {
            id: mail.id,
            message_id: format!("{:x}.{:x}", mail.id.notice.as_u128(), mail.id.user.0.as_u128()),
            email: mail.email.clone(),
            name: mail.name.clone(),
            text,
            attempts: mail.attempts,
        }))
    }

    /// Notes what became of a mail that was taken.
    pub async fn settle_mail(&self, mail: &ReadyMail, sending: Sending) -> Result<(), StoreError> {
        match sending {
            Sending::Sent => self.end_mail(mail.id, "sent").await,
            Sending::Refused => self.end_mail(mail.id, "refused").await,
            Sending::Failed => {
                self.metrics.mails.get_or_create(&Outcome { outcome: "failed" }).inc();
                let step = usize::try_from(mail.attempts).unwrap_or(usize::MAX).min(BACKOFF_MINUTES.len() - 1);
                let wait = MINUTE * BACKOFF_MINUTES[step];
                self.store.postpone_mail(mail.id, self.clock.now().after(wait)).await
            }
        }
    }

    async fn end_mail(&self, id: MailId, outcome: &'static str) -> Result<(), StoreError> {
        self.metrics.mails.get_or_create(&Outcome { outcome }).inc();
        self.store.settle_mail(id, outcome, self.clock.now()).await
    }

    /// Remembers from when on a first digest counts.
    pub async fn begin_digest(&self) -> Result<(), StoreError> {
        self.store.mark(DIGEST, self.clock.now()).await.map(drop)
    }

    /// Tells each tenant of the dead letters since the last digest, and forgets old mails.
    pub async fn mail_digest(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let from = self.store.mark(DIGEST, now).await?;
        let died = self.store.died_between(from, now, DIGEST_ROWS_MAX).await?;
        let snapshot = self.directory.current();
        let mut of_scope: BTreeMap<Scope, Vec<Died>> = BTreeMap::new();
        for row in died {
            of_scope.entry(row.scope).or_default().push(row);
        }
        let notices: Vec<NoticeRow> = of_scope
            .into_iter()
            .map(|(scope, rows)| {
                let total: i64 = rows.iter().map(|row| row.count).sum();
                let webhooks: Vec<Value> = rows
                    .iter()
                    .map(|row| {
                        let name = snapshot.listener(row.webhook).map(|l| l.webhook.settings.name.as_str());
                        json!({ "webhookId": row.webhook, "webhookName": name, "deadLetters": row.count })
                    })
                    .collect();
                let facts = json!({ "total": total, "from": from, "until": now, "webhooks": webhooks });
                self.notice_row(scope, MailKind::Exhausted, &facts)
            })
            .collect();
        self.store.mail_and_advance(DIGEST, (from, now), &notices).await?;
        self.store.purge_mails(first_uuid_at(now.before(KEPT))).await
    }

    /// Tells operators what has been wrong with the deployment for a while, once each time.
    pub async fn watch_deployment(&self, watch: &mut Watch) -> Result<(), StoreError> {
        let now = self.clock.now();
        let is_down = !self.broker.health().ready;
        let since = is_down.then(|| watch.broker_down_since.unwrap_or(now));
        watch.broker_down_since = since;
        let facts = since.map(|since| (since, json!({ "since": since })));
        self.tell_operators(MailKind::BrokerDown, facts, &mut watch.well[0]).await?;

        let late = self.metrics.oldest_ready_seconds.get();
        let since = (late >= OPERATORS_AFTER.as_secs_f64()).then(|| watch.late_since.unwrap_or(now));
        watch.late_since = since;
        let facts = since.map(|_| (now.before(OPERATORS_AFTER), json!({ "seconds": late.round() })));
        self.tell_operators(MailKind::Late, facts, &mut watch.well[1]).await
    }

    /// What is wrong since when; nothing: it is well again.
    async fn tell_operators(
        &self,
        kind: MailKind,
        wrong: Option<(Timestamp, Value)>,
        was_well: &mut bool,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        match wrong {
            None if *was_well => Ok(()),
            None => {
                *was_well = true;
                self.store.forget_mark(kind.as_str()).await
            }
            Some((since, _)) if now.since(since) < OPERATORS_AFTER => Ok(()),
            Some((_, facts)) => {
                *was_well = false;
                let id = new_uuid(now, chance::id_tail());
                self.store.mail_operators_once(id, kind.as_str(), &facts.to_string(), now).await.map(drop)
            }
        }
    }

    /// Measures how many mails wait.
    pub async fn measure_mails(&self) -> Result<(), StoreError> {
        self.metrics.mails_waiting.set(self.store.mails_waiting(COUNTED_MAX).await?);
        Ok(())
    }
}
