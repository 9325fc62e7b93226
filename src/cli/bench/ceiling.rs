//! The raw ceiling: sign and post in a bare client loop, with no engine in between.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::Context as _;
use reqwest::header::CONTENT_TYPE;
use tokio::task::JoinSet;

use super::case::{EVENT_TYPE, VERIFY_EVERY};
use super::figures::{Counts, Row, per_second};
use super::ledger::Template;
use super::{BenchArgs, Progress};
use crate::cli::Outcome;
use crate::clock::Clock;
use crate::domain::profile::Profile;
use crate::domain::secret::Secret;
use crate::domain::signature::{HEADER_ID, HEADER_TIMESTAMP, Message, SigningKey};
use crate::receiver::{Receiver, ReceiverOptions, Recording, Route};

const PATH: &str = "/bench/raw";
/// As long as a real one.
const ID: &str = "evt_00000000000000000000000000";

struct Loop {
    client: reqwest::Client,
    url: String,
    key: SigningKey,
    template: Template,
    clock: Clock,
    posted: AtomicU64,
}

pub(super) async fn run(args: &BenchArgs, progress: &Progress) -> Outcome<Row> {
    progress.begin("raw ceiling: a bare client loop");
    let secret = Secret::generate([9; 32]);
    let receiver = Receiver::start_on_thread(ReceiverOptions::default()).await?;
    let route = Route::new(vec![secret.clone()]).recording(Recording::Count);
    receiver.route(PATH, Route { verify_every: VERIFY_EVERY, ..route });
    let posting = Arc::new(Loop {
        client: reqwest::Client::builder().no_proxy().build()?,
        url: receiver.url(PATH),
        key: SigningKey::new(&secret),
        template: Template::new(EVENT_TYPE, usize::try_from(args.payload)?),
        clock: Clock::system(),
        posted: AtomicU64::new(0),
    });
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..args.connections {
        tasks.spawn(Arc::clone(&posting).post_until(began + args.duration()));
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    let took = began.elapsed();
    let came = receiver.count(PATH);
    let counts = Counts {
        accepted: posting.posted.load(Ordering::Acquire),
        received: came,
        bad_signatures: receiver.refused(PATH),
        ..Counts::default()
    };
    Ok(Row {
        engine: "none",
        scenario: "raw ceiling".into(),
        delivered_per_s: Some(per_second(came, took)),
        counts: Some(counts),
        ..Row::default()
    })
}

impl Loop {
    async fn post_until(self: Arc<Self>, until: Instant) -> anyhow::Result<()> {
        let Self { client, url, key, template, clock, posted } = &*self;
        while Instant::now() < until {
            let number = usize::try_from(posted.fetch_add(1, Ordering::AcqRel))?;
            let body = template.numbered(number);
            let seconds = clock.now().as_seconds().to_string();
            let message = Message { id: ID, seconds: &seconds, body: &body };
            let mut request = client
                .post(url)
                .header(CONTENT_TYPE, "application/json")
                .header(HEADER_ID, ID)
                .header(HEADER_TIMESTAMP, &seconds);
            for scheme in Profile::Default.spec().signatures {
                let signature = scheme.sign(&[key], message).context("the key signs in no scheme")?;
                request = request.header(scheme.header, signature);
            }
            let answer = request.body(body).send().await.context("the receiver does not answer")?.error_for_status()?;
            answer.bytes().await?;
        }
        Ok(())
    }
}
