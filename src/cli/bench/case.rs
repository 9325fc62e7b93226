//! One measurement's setting: an engine, a receiver, webhooks from one to the other, and an account of what passes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use hyper::header::HeaderValue;
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::engine::{Engine, Kind, Role};
use super::figures::{Counts, round};
use super::ledger::{Ledger, Template};
use super::load::Load;
use super::{BenchArgs, Progress};
use crate::cli::api::Api;
use crate::cli::target::Target;
use crate::cli::{Failure, Outcome};
use crate::domain::secret::Secret;
use crate::receiver::{Behaviour, Fault, Receiver, ReceiverOptions, Recording, Route};

/// A type from the catalogue.
pub(super) const EVENT_TYPE: &str = "message.received";
/// One in so many signatures is verified: enough to notice, little enough not to be what is measured.
pub(super) const VERIFY_EVERY: u64 = 16;
/// The most events that a second can bring here.
pub(super) const EVENTS_PER_SECOND_MAX: usize = 60_000;
/// A window so wide that nobody reaches its end.
pub(super) const UNBOUNDED: usize = 1 << 30;
/// A drain that brings nothing for so long is over.
const STALL: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(20);
/// The first event, which opens connections and fills caches.
const FIRST_WITHIN: Duration = Duration::from_secs(15);

/// What to set up.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) role: Role,
    /// Webhooks that answer.
    pub(super) healthy: u32,
    /// Webhooks that never do.
    pub(super) hanging: u32,
    /// Whether no delivery is sent: the webhooks are paused before the first event.
    pub(super) paused: bool,
    pub(super) events_max: usize,
    /// Deliveries on their way at once.
    pub(super) window: usize,
}

/// A setting, ready to be measured.
pub(super) struct Case<'a> {
    pub(super) engine: &'a Engine,
    pub(super) ledger: Arc<Ledger>,
    pub(super) load: Load,
    pub(super) api: Api,
    pub(super) receiver: Receiver,
    webhooks: Vec<Webhook>,
}

#[derive(Deserialize)]
struct Webhook {
    id: String,
    secret: String,
    #[serde(skip)]
    path: String,
}

/// Sets a case up, measures it, and takes it down, whatever comes of it.
pub(super) async fn with<T>(
    args: &BenchArgs,
    plan: Plan,
    progress: &Progress,
    work: impl AsyncFnOnce(&Case<'_>) -> anyhow::Result<T>,
) -> Outcome<T> {
    progress.begin(&format!("{}: {}", plan.kind.name(), plan.name));
    let engine = Engine::start(args, plan.kind, plan.role).await.with_context(|| plan.name.clone())?;
    let measured = async {
        let case = Case::prepare(args, &plan, &engine).await?;
        work(&case).await
    };
    measured.await.map_err(|error| Failure::from(engine.explain(error.context(plan.name))))
}

impl<'a> Case<'a> {
    async fn prepare(args: &BenchArgs, plan: &Plan, engine: &'a Engine) -> anyhow::Result<Self> {
        let Plan { healthy, hanging, paused, events_max, window, .. } = plan;
        let receiver = Receiver::start_on_thread(ReceiverOptions::default()).await?;
        let addrs = engine.addrs();
        let url = format!("http://{}", addrs.first().context("the engine has a process")?).parse()?;
        let api = Api::new(Target { url, key: Some(engine.key().clone()) }).map_err(|failure| failure.error)?;
        let ledger = Arc::new(Ledger::new(*events_max, usize::try_from(*healthy)?, *window));
        let mut authorization = HeaderValue::from_str(&format!("Bearer {}", engine.key().expose_secret()))?;
        authorization.set_sensitive(true);
        let template = Template::new(EVENT_TYPE, usize::try_from(args.payload)?);
        let lanes = healthy + hanging;
        let load = Load { addrs, authorization, template, ledger: Arc::clone(&ledger), lanes };
        let mut case = Self { engine, ledger, load, api, receiver, webhooks: Vec::new() };
        for lane in 0..lanes {
            let observed = usize::try_from(lane).ok().filter(|_| lane < *healthy);
            let webhook = case.subscribe(lane, observed).await?;
            case.webhooks.push(webhook);
        }
        if *paused {
            case.pause().await?;
        }
        case.load.publish_first().await?;
        if plan.role == Role::All && !paused {
            let until = Instant::now() + FIRST_WITHIN;
            while !case.ledger.is_complete() {
                anyhow::ensure!(Instant::now() < until, "the first event was accepted and not delivered");
                tokio::time::sleep(POLL).await;
            }
        }
        Ok(case)
    }

    async fn subscribe(&self, lane: u32, observed: Option<usize>) -> anyhow::Result<Webhook> {
        let path = format!("/bench/{lane}");
        let body = json!({"name": format!("bench {lane}"), "url": self.receiver.url(&path), "events": [EVENT_TYPE]});
        let created = self.api.post("/webhooks", body.to_string()).await;
        let mut webhook: Webhook = created.map_err(|failure| failure.error).context("cannot register a webhook")?;
        webhook.path = path;
        let secrets = vec![Secret::parse(&webhook.secret).context("the webhook's secret")?];
        let route = match observed {
            Some(index) => {
                let ledger = Arc::clone(&self.ledger);
                Route::new(secrets)
                    .recording(Recording::Observe(Arc::new(move |arrival| ledger.received(index, arrival))))
            }
            None => Route::new(secrets).recording(Recording::Count).behaving(Behaviour::fault(Fault::Hang)),
        };
        self.receiver.route(&webhook.path, Route { verify_every: VERIFY_EVERY, ..route });
        Ok(webhook)
    }

    async fn pause(&self) -> anyhow::Result<()> {
        self.tell_webhooks("pause").await
    }

    pub(super) async fn resume(&self) -> anyhow::Result<()> {
        self.tell_webhooks("resume").await
    }

    async fn tell_webhooks(&self, verb: &str) -> anyhow::Result<()> {
        for Webhook { id, .. } in &self.webhooks {
            let told = self.api.call::<Value>(Method::POST, &format!("/webhooks/{id}/{verb}"), None, &[]).await;
            told.map_err(|failure| failure.error).with_context(|| format!("cannot {verb} a webhook"))?;
        }
        Ok(())
    }

    /// Waits until all that was accepted was received; what has not come when nothing comes any more is lost.
    pub(super) async fn drain(&self, mut progress: impl FnMut(u64)) {
        let (mut before, mut since) = (0, Instant::now());
        while !self.ledger.is_complete() && since.elapsed() < STALL {
            let received = self.ledger.received_count();
            if received > before {
                (before, since) = (received, Instant::now());
                progress(received);
            }
            tokio::time::sleep(POLL).await;
        }
    }

    pub(super) fn counts(&self) -> Counts {
        self.ledger.counts(self.webhooks.iter().map(|webhook| self.receiver.refused(&webhook.path)).sum())
    }

    /// How many processors the engine has kept busy since `before`.
    pub(super) fn cores_since(&self, before: Duration, wall: Duration) -> anyhow::Result<f64> {
        Ok(round(self.engine.processor_time()?.saturating_sub(before).as_secs_f64() / wall.as_secs_f64()))
    }
}
