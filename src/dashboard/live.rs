//! Live rows: what is new or has changed in a list that somebody looks at.
//!
//! A process looks at the newest deliveries of each scope that somebody watches, once for all who do, and tells the
//! streams what differs from the last time. So it sees what any process has done, whichever engine it runs on, and what
//! it asks of the database does not grow with the number of pages that are open. A stream shows a few rows a second,
//! which is as many as people read, and counts the others.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use askama::Template as _;
use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use futures_util::stream;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::Dashboard;
use super::access::{ReadDeliveries, Reader};
use super::delivery_filter;
use super::delivery_row::{DeliveryRow, PortalRowTemplate, RowTemplate};
use super::page::Failure;
use super::params::Params;
use crate::domain::delivery::DeliveryState;
use crate::domain::id::{DeliveryId, first_uuid_at};
use crate::domain::permission::Permission;
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;
use crate::engine::streams::{HEARTBEAT, Pace, Seat, Streams};
use crate::store::StoreError;
use crate::store::deliveries::{Delivery, DeliveryFilter};
use crate::store::delivery_fit::Fit;

/// The newest deliveries of a scope that are watched; what is older changes unseen until the page is loaded again.
const WATCHED_MAX: u32 = 200;
/// How far back they are looked for.
const WATCHED: Duration = Duration::from_hours(1);
/// What a stream may fall behind before it only counts.
const BEHIND_MAX: usize = 16;
/// Rows that a stream shows in a second.
const ROWS_PER_SECOND: u32 = 5;

/// Where news come from.
pub(super) const STREAM: &str = "/ui/deliveries/live";

pub(super) fn routes() -> Router<Arc<Dashboard>> {
    Router::new().route(STREAM, get(live))
}

/// Deliveries that are new or have changed.
type News = Arc<Vec<Delivery>>;

/// Who is told of what, in this process.
pub(super) struct Hub {
    scopes: Mutex<HashMap<Scope, broadcast::Sender<News>>>,
    of_users: Streams,
    // Their own: no customer's pages take the places of those who run the system.
    of_visitors: Streams,
}

impl Hub {
    /// So many streams of users, and as many of visitors; `draining` is cancelled when the process is going down.
    pub(super) fn new(streams_max: usize, draining: &CancellationToken) -> Self {
        let streams = || Streams::new(streams_max, draining.clone());
        Self { scopes: Mutex::default(), of_users: streams(), of_visitors: streams() }
    }

    fn seat(&self, looker: &Looker) -> Option<Seat> {
        match looker {
            Looker::User { .. } => self.of_users.open(),
            Looker::Visitor { .. } => self.of_visitors.open(),
        }
    }

    fn scopes(&self) -> MutexGuard<'_, HashMap<Scope, broadcast::Sender<News>>> {
        self.scopes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets one more listen; the first one of a scope has it watched.
    fn listen(&self, scope: Scope, dashboard: &Arc<Dashboard>) -> broadcast::Receiver<News> {
        let mut scopes = self.scopes();
        if let Some(sender) = scopes.get(&scope) {
            return sender.subscribe();
        }
        let (sender, receiver) = broadcast::channel(BEHIND_MAX);
        scopes.insert(scope, sender.clone());
        tokio::spawn(watch(Arc::clone(dashboard), scope, sender));
        receiver
    }

    /// Whether nobody listens any more; from then on the next one has the scope watched anew.
    fn is_left(&self, scope: Scope, sender: &broadcast::Sender<News>) -> bool {
        let mut scopes = self.scopes();
        let is_left = sender.receiver_count() == 0;
        if is_left {
            scopes.remove(&scope);
        }
        is_left
    }
}

/// What can change in a row.
type Look = (DeliveryState, i64, Option<i64>, Option<Timestamp>);

fn look(delivery: &Delivery) -> Look {
    (delivery.state, delivery.attempts, delivery.last_status, delivery.next_attempt_at)
}

async fn newest(dashboard: &Dashboard, scope: Scope) -> Result<Vec<Delivery>, StoreError> {
    let from = dashboard.engine.clock().now().before(WATCHED);
    let filter = DeliveryFilter { from: Some(first_uuid_at(from)), ..DeliveryFilter::default() };
    dashboard.engine.store().deliveries_page(scope, &filter, WATCHED_MAX).await
}

/// Tells those who listen what differs, until nobody does or the process goes down.
async fn watch(dashboard: Arc<Dashboard>, scope: Scope, sender: broadcast::Sender<News>) {
    let mut seen: HashMap<DeliveryId, Look> = HashMap::new();
    let mut has_begun = false;
    while !dashboard.draining.is_cancelled() && !dashboard.hub.is_left(scope, &sender) {
        match newest(&dashboard, scope).await {
            Ok(found) => {
                let now: HashMap<_, _> = found.iter().map(|delivery| (delivery.id, look(delivery))).collect();
                let mut news: Vec<_> =
                    found.into_iter().filter(|delivery| seen.get(&delivery.id) != now.get(&delivery.id)).collect();
                // Oldest first: each is put on top of those before it.
                news.reverse();
                if has_begun && !news.is_empty() {
                    // Nobody left to hear it: the next turn notices.
                    let _ = sender.send(Arc::new(news));
                }
                (seen, has_begun) = (now, true);
            }
            Err(error) => tracing::warn!("live rows are late: {error}"),
        }
        tokio::select! {
            () = dashboard.draining.cancelled() => break,
            () = tokio::time::sleep(dashboard.options.live_every) => {}
        }
    }
    // Closed by a shutdown: what still listens is told by the end of the channel.
    dashboard.hub.scopes().remove(&scope);
}

/// Who looks: how a row looks to them, and how long a stream may go on.
pub(super) enum Looker {
    /// Somebody who has signed in.
    User {
        /// Whether they may act on what they see.
        acts: bool,
    },
    /// Somebody who visits by a link, as long as the visit lasts.
    Visitor {
        /// What shows the visit.
        token: String,
    },
}

impl Looker {
    async fn is_still_let_in(&self, dashboard: &Dashboard) -> bool {
        match self {
            // They show who they are when the stream's time is over.
            Self::User { .. } => true,
            Self::Visitor { token } => matches!(dashboard.engine.portal_visit(token).await, Ok(Some(_))),
        }
    }

    fn html(&self, row: &DeliveryRow) -> askama::Result<String> {
        match self {
            Self::User { acts } => RowTemplate { row, acts: *acts }.render(),
            Self::Visitor { .. } => PortalRowTemplate { row }.render(),
        }
    }
}

/// One page's stream.
struct Listening {
    dashboard: Arc<Dashboard>,
    scope: Scope,
    filter: DeliveryFilter,
    looker: Looker,
    news: broadcast::Receiver<News>,
    ready: VecDeque<Event>,
    pace: Pace,
    seat: Seat,
}

async fn live(
    State(dashboard): State<Arc<Dashboard>>,
    reader: Reader<ReadDeliveries>,
    uri: Uri,
) -> Result<Response, Failure> {
    let visit = reader.visit;
    let params = Params::of(&uri);
    let filter = delivery_filter::read(&params, dashboard.engine.clock().now()).filter;
    let looker = Looker::User { acts: visit.may(Permission::WriteDeliveries) };
    open(dashboard, visit.scope, filter, looker, &params).await
}

/// Opens a stream of a filter's rows; `after` of the parameters says when the page was made.
pub(super) async fn open(
    dashboard: Arc<Dashboard>,
    scope: Scope,
    filter: DeliveryFilter,
    looker: Looker,
    params: &Params,
) -> Result<Response, Failure> {
    let seat = dashboard.hub.seat(&looker).ok_or(Failure::Busy)?;
    let news = dashboard.hub.listen(scope, &dashboard);
    let missed = newest(&dashboard, scope).await?;
    let mut listening = Listening {
        scope,
        filter,
        looker,
        news,
        ready: VecDeque::new(),
        pace: Pace::new(ROWS_PER_SECOND),
        seat,
        dashboard,
    };
    // What has happened since the page was made.
    if let Some(made_at) = params.get("after").and_then(|millis| millis.parse().ok()).map(Timestamp::from_millis) {
        let is_later = |delivery: &Delivery| delivery.id.time() >= made_at || delivery.settled_at >= Some(made_at);
        let missed: Vec<_> = missed.into_iter().rev().filter(is_later).collect();
        listening.take(&missed);
    }
    let events = stream::unfold(listening, |mut listening| async move {
        let event = listening.next().await?;
        Some((Ok::<_, Infallible>(event), listening))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response())
}

impl Listening {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            match self.seat.wait(self.news.recv()).await? {
                Ok(_) if !self.looker.is_still_let_in(&self.dashboard).await => return None,
                Ok(news) => self.take(&news),
                Err(RecvError::Lagged(count)) => self.ready.push_back(more(count)),
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// Makes events of news: rows, as many as may be shown, and the number of the others.
    fn take(&mut self, news: &[Delivery]) {
        let (engine, scope) = (&self.dashboard.engine, self.scope);
        let (known, now) = (engine.directory.current(), engine.clock().now());
        let mut left_out = 0;
        for delivery in news {
            let name = match self.filter.fit(delivery) {
                Fit::Fits => "row",
                // It may have stood in the list: then it is shown as it is now.
                Fit::NotAnyMore => "changed",
                Fit::Never => continue,
            };
            if self.pace.left() == 0 {
                left_out += u64::from(name == "row");
                continue;
            }
            let row = DeliveryRow::new(delivery.clone(), &known, now);
            match self.looker.html(&row) {
                Ok(html) => self.ready.push_back(Event::default().event(name).data(html)),
                Err(error) => tracing::error!("a row of {scope:?} does not render: {error}"),
            }
            self.pace.tell(1);
        }
        if left_out > 0 {
            self.ready.push_back(more(left_out));
        }
    }
}

fn more(count: u64) -> Event {
    Event::default().event("more").data(count.to_string())
}
