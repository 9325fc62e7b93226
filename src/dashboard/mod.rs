//! The dashboard: pages for people, made on the server, at `/ui`.
//!
//! # How a page is made
//!
//! A route's handler takes a `access::Reader` or an `access::Actor` of what the route asks for, and there is no
//! other way to learn a scope: who signed in, whose rows they see, and whether their role permits it are decided there,
//! once. A handler reads from the store, writes through the engine's verbs, and fills a template of `templates/`. A
//! screen is a file here and a template of the same name; its link stands in `layout::NAV`.
//!
//! # Rules
//!
//! - Every action is a link or a form, and works without scripts. `assets/app.js` adds live rows, keys and copying.
//! - Every form carries a token of its session; one without it changes nothing.
//! - Templates escape. Only `markup::Markup` is not escaped, and only code of this folder makes one.
//! - Nothing is loaded from elsewhere, and no script or style stands in a page: see `page::POLICY`.
//! - What is not the reader's is not there: 404, never 403.

mod access;
mod account;
mod all_tenants;
mod assets;
mod attempt_view;
mod audit_log;
mod cause;
mod charts;
mod confirm;
mod dead_letters;
mod deliveries;
mod delivery;
mod delivery_filter;
mod delivery_row;
mod discard;
mod event_type_form;
mod event_types;
mod export;
mod form;
mod given;
mod key_form;
mod keys;
mod layout;
mod live;
mod markup;
mod outgoing;
mod overview;
mod page;
mod params;
mod portal;
mod portal_access;
mod portal_links;
mod preferences;
mod pretty;
mod problems;
mod processes;
mod prose;
mod replay_form;
mod replays;
mod search;
mod sign_in;
mod snippets;
mod stats_view;
mod system;
mod usage;
mod users;
mod verify;
mod webhook;
mod webhook_fields;
mod webhook_form;
mod webhook_health;
mod webhook_secret;
mod webhooks;
mod words;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Uri;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use tokio_util::sync::CancellationToken;

use crate::config;
use crate::engine::Engine;

pub use page::refused;

/// Where the pages are.
pub const ROOT: &str = "/ui";

/// Bounds of the pages; see `config/default.toml`.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "each is commented in config/default.toml")]
pub struct DashboardOptions {
    pub rows_per_page: u32,
    pub form_bytes_max: usize,
    pub export_rows_max: u32,
    pub streams_max: usize,
    pub live_every: Duration,
    pub webhook_timeout_default: Duration,
}

impl From<&config::Config> for DashboardOptions {
    fn from(config: &config::Config) -> Self {
        let config::Dashboard { rows_per_page, form_bytes_max, export_rows_max, streams_max, live_ms } =
            config.dashboard;
        let webhook_timeout_default = config.delivery.timeout_default_ms;
        let live_every = live_ms;
        Self { rows_per_page, form_bytes_max, export_rows_max, streams_max, live_every, webhook_timeout_default }
    }
}

/// What handlers work with.
pub struct Dashboard {
    engine: Arc<Engine>,
    options: DashboardOptions,
    draining: CancellationToken,
    hub: live::Hub,
}

impl Dashboard {
    /// `draining` is cancelled when the process is going down; streams end then.
    pub fn new(engine: Arc<Engine>, options: DashboardOptions, draining: CancellationToken) -> Arc<Self> {
        let hub = live::Hub::new(options.streams_max, &draining);
        Arc::new(Self { engine, options, draining, hub })
    }
}

/// Every page.
pub fn router(dashboard: &Arc<Dashboard>) -> Router {
    Router::new()
        .route(ROOT, get(home))
        .route("/ui/", get(home))
        .route("/ui/{*rest}", get(page::nothing_here))
        .merge(sign_in::routes())
        .merge(preferences::routes())
        .merge(search::routes())
        .merge(overview::routes())
        .merge(deliveries::routes())
        .merge(delivery::routes())
        .merge(all_tenants::routes())
        .merge(keys::routes())
        .merge(key_form::routes())
        .merge(event_types::routes())
        .merge(event_type_form::routes())
        .merge(replays::routes())
        .merge(replay_form::routes())
        .merge(discard::routes())
        .merge(verify::routes())
        .merge(usage::routes())
        .merge(users::routes())
        .merge(account::routes())
        .merge(audit_log::routes())
        .merge(system::routes())
        .merge(portal_links::routes())
        .merge(portal::routes())
        .merge(live::routes())
        .merge(export::routes())
        .merge(dead_letters::routes())
        .merge(webhooks::routes())
        .merge(webhook::routes())
        .merge(webhook_form::routes())
        .merge(webhook_secret::routes())
        .merge(assets::routes())
        .method_not_allowed_fallback(page::wrong_method)
        .layer(axum::middleware::from_fn_with_state(Arc::clone(dashboard), page::finish))
        .with_state(Arc::clone(dashboard))
}

async fn home(_: Uri) -> Response {
    Redirect::to(layout::HOME).into_response()
}
