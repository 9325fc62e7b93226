//! The signature doctor: whether a request that somebody received is one that a webhook's secrets signed, and if not,
//! why. It knows the secrets, so nobody has to paste one, and it tells none.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Semaphore;

use super::Engine;
use super::webhooks::WebhookError;
use crate::domain::id::WebhookId;
use crate::domain::profile::{Profile, SignatureOption};
use crate::domain::signature::{Finding, Received, Scheme, VerifyingKey, diagnose, scheme_used, verify};
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;
use crate::domain::webhook::Webhook;
use crate::store::StoreError;
use crate::store::webhooks::SealedSecret;

/// The largest body that is looked at: every change that a body may have gone through is tried on it.
pub const EXAMINED_BYTES_MAX: usize = 512 * 1024;
/// Other webhooks whose secrets are tried.
const OTHERS_MAX: usize = 100;
/// Requests that one process examines at once: each takes a core for as long as it takes.
static PLACES: Semaphore = Semaphore::const_new(2);

/// A request as its receiver got it.
pub struct Request {
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// The bytes of its body.
    pub body: Bytes,
    /// How far the time of signing may be from now.
    pub tolerance: Duration,
}

/// What is to be said of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// The header whose signatures were looked at.
    pub header: String,
    /// What is wrong with it; nothing with one that verifies.
    pub findings: Vec<Finding>,
    /// Where it verifies by a secret that was replaced and still signs: until when.
    pub older_until: Option<Timestamp>,
}

/// A secret, and when it stops signing.
#[derive(Clone)]
struct Known {
    key: VerifyingKey,
    webhook: WebhookId,
    ends_at: Option<Timestamp>,
}

impl Engine {
    /// Examines a request that is said to be of a webhook.
    pub async fn examine(&self, scope: Scope, id: WebhookId, request: Request) -> Result<Examined, WebhookError> {
        let webhook = self.webhook(scope, id).await?;
        // Those that have ended too: a receiver may still have one.
        let sealed = self.store.secrets_of(id, Timestamp::from_millis(0)).await?;
        let known: Vec<Known> = sealed.iter().filter_map(|sealed| self.known(scope, sealed)).collect();
        let now = self.clock.now();
        let request = Arc::new(request);
        let signs = Signs::of(&webhook);
        let mut examined = on_a_thread(&signs, &request, now, known, judge).await;
        if examined.findings.contains(&Finding::NoMatch) {
            let others = self.known_elsewhere(scope, id).await?;
            let of_other = on_a_thread(&signs, &request, now, others, whose).await;
            let found = examined.findings.iter_mut().find(|finding| **finding == Finding::NoMatch);
            if let (Some(slot), Some(webhook)) = (found, of_other) {
                *slot = Finding::OtherWebhook { webhook };
            }
        }
        Ok(examined)
    }

    /// Examines a request by a key that whoever asks has at hand, as a profile signs by default.
    pub async fn examine_by(&self, profile: Profile, key: VerifyingKey, request: Request) -> Examined {
        let signs = Signs { profile, option: SignatureOption::default_of(profile) };
        let known = vec![Known { key, webhook: WebhookId(uuid::Uuid::nil()), ends_at: None }];
        on_a_thread(&signs, &Arc::new(request), self.clock.now(), known, judge).await
    }

    fn known(&self, scope: Scope, sealed: &SealedSecret) -> Option<Known> {
        let SealedSecret { webhook, kind, sealed, expires_at, .. } = sealed;
        let opened = self.keys.open(scope.tenant, *webhook, sealed).ok()?;
        let key = crate::domain::secret::Secret::unsealed(*kind, opened)?.into();
        Some(Known { key, webhook: *webhook, ends_at: *expires_at })
    }

    /// The secrets of the scope's other webhooks.
    async fn known_elsewhere(&self, scope: Scope, id: WebhookId) -> Result<Vec<Known>, StoreError> {
        let snapshot = self.refresh_directory().await?;
        let others =
            snapshot.listeners_of(scope).iter().map(|listener| listener.webhook.id).filter(|other| *other != id);
        let mut known = Vec::new();
        for other in others.take(OTHERS_MAX) {
            let sealed = self.store.secrets_of(other, self.clock.now()).await?;
            known.extend(sealed.iter().filter_map(|sealed| self.known(scope, sealed)));
        }
        Ok(known)
    }
}

/// How somebody signs.
#[derive(Clone)]
struct Signs {
    profile: Profile,
    option: SignatureOption,
}

impl Signs {
    fn of(webhook: &Webhook) -> Self {
        Self { profile: webhook.settings.profile, option: webhook.settings.signature.clone() }
    }
}

/// What is looked at, and with what.
struct Case<'a> {
    scheme: Scheme<'a>,
    received: Received<'a>,
    tolerance: Duration,
    now: Timestamp,
    known: Vec<Known>,
}

/// Trying keys and bodies takes a while: not where requests are answered.
async fn on_a_thread<T: Send + 'static>(
    signs: &Signs,
    request: &Arc<Request>,
    now: Timestamp,
    known: Vec<Known>,
    look: fn(Case<'_>) -> T,
) -> T {
    let (signs, request) = (signs.clone(), Arc::clone(request));
    let _place = PLACES.acquire().await;
    let looked = tokio::task::spawn_blocking(move || {
        let Request { headers, body, tolerance } = &*request;
        let Signs { profile, option } = &signs;
        let schemes: Vec<_> = profile.schemes(option).collect();
        let scheme = scheme_used(&schemes, headers).unwrap_or_else(|| profile.scheme(option));
        look(Case { scheme, received: Received { headers, body }, tolerance: *tolerance, now, known })
    });
    looked.await.expect("trying keys does not panic")
}

fn judge(case: Case<'_>) -> Examined {
    let Case { scheme, received, tolerance, now, known } = case;
    let (valid, ended): (Vec<Known>, Vec<Known>) =
        known.into_iter().partition(|known| known.ends_at.is_none_or(|ends_at| ends_at > now));
    let keys: Vec<VerifyingKey> = valid.iter().map(|known| known.key.clone()).collect();
    let mut findings = diagnose(&scheme, &keys, &received, now, tolerance);
    let by = |known: &&Known| is_by(&scheme, known, &received, now);
    if let Some(slot) = findings.iter_mut().find(|finding| **finding == Finding::NoMatch)
        && let Some(ended_at) = ended.iter().find(by).and_then(|known| known.ends_at)
    {
        *slot = Finding::SecretEnded { ended_at };
    }
    let used = if findings.is_empty() { valid.iter().find(by) } else { None };
    Examined { header: scheme.header.to_owned(), findings, older_until: used.and_then(|known| known.ends_at) }
}

/// The webhook whose secret it is signed with.
fn whose(case: Case<'_>) -> Option<WebhookId> {
    let Case { scheme, received, tolerance: _, now, known } = case;
    known.iter().find(|known| is_by(&scheme, known, &received, now)).map(|known| known.webhook)
}

/// Whenever it was signed.
fn is_by(scheme: &Scheme<'_>, known: &Known, received: &Received<'_>, now: Timestamp) -> bool {
    verify(scheme, std::slice::from_ref(&known.key), received, now, Duration::MAX).is_ok()
}
