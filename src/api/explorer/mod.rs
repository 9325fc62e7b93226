//! The documents and the page that explores them, all from this binary: no other host is asked for anything.
//!
//! The page is Swagger UI. A production deployment shows it, and the documents, only to whoever is signed in.

use std::borrow::Cow;
use std::io::Write as _;
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::{FromRequestParts as _, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};

use super::problem::Problem;
use super::session::Person;
use super::{Api, openapi};

const JSON: &str = "application/json";
const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
/// Nothing but what this server serves. Swagger UI sets styles of elements, and has its icons in the sheet.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";
/// Asked for again each time, and not sent again while it is the same.
const REVALIDATED: &str = "private, no-cache";
/// How much of a page's hash is its `ETag`.
const TAG_BYTES: usize = 12;
const KEPT_FOR_A_DAY: &str = "public, max-age=86400";

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/docs", guarded(|pages| &pages.index))
        .route("/docs/", guarded(|pages| &pages.index))
        .route("/api-docs", guarded(|pages| &pages.index))
        .route("/api-docs/", guarded(|pages| &pages.index))
        .route("/docs/openapi.json", guarded(|pages| &pages.openapi))
        .route("/api-docs/spec.json", guarded(|pages| &pages.openapi))
        .route("/docs/openapi-3.0.json", guarded(|pages| &pages.older))
        .route("/docs/postman.json", guarded(|pages| &pages.postman))
        .route("/postman/collection.json", guarded(|pages| &pages.postman))
        .route("/docs/errors", get(errors))
        .route("/docs/assets/{name}", get(asset))
}

/// Whether the documents may be read: in production, by people who have signed in.
async fn may_read_docs(parts: &mut Parts, api: &Arc<Api>) -> Result<(), Problem> {
    if api.engine.limits().production {
        Person::from_request_parts(parts, api).await?;
    }
    Ok(())
}

fn guarded(which: fn(&'static Pages) -> &'static Page) -> MethodRouter<Arc<Api>> {
    get(move |State(api): State<Arc<Api>>, mut parts: Parts| async move {
        may_read_docs(&mut parts, &api).await?;
        Ok::<_, Problem>(which(&PAGES).answer(&parts.headers, REVALIDATED))
    })
}

/// Open to all: the `type` of every problem points here.
async fn errors(headers: HeaderMap) -> Response {
    PAGES.errors.answer(&headers, KEPT_FOR_A_DAY)
}

async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let asset = ASSETS.iter().find(|asset| asset.name == name);
    let asset = asset.ok_or_else(|| Problem::not_found("file"))?;
    Ok(asset.page.answer(&headers, KEPT_FOR_A_DAY))
}

/// Something to show, in both forms that it may be asked for in.
struct Page {
    media_type: &'static str,
    plain: Cow<'static, [u8]>,
    packed: Vec<u8>,
    tag: HeaderValue,
}

struct Pages {
    index: Page,
    openapi: Page,
    older: Page,
    postman: Page,
    errors: Page,
}

struct Asset {
    name: &'static str,
    page: Page,
}

/// Made of the code when they are first asked for.
static PAGES: LazyLock<Pages> = LazyLock::new(|| Pages {
    index: Page::new(HTML, &include_bytes!("index.html")[..]),
    openapi: Page::new(JSON, openapi::json().into_bytes()),
    older: Page::new(JSON, openapi::older_json().into_bytes()),
    postman: Page::new(JSON, openapi::postman_json().into_bytes()),
    errors: Page::new(HTML, openapi::errors_html().into_bytes()),
});

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let ours = [
        Asset { name: "page.css", page: Page::new(CSS, &include_bytes!("page.css")[..]) },
        Asset { name: "start.js", page: Page::new(SCRIPT, &include_bytes!("start.js")[..]) },
    ];
    let theirs = [("swagger-ui.css", CSS), ("swagger-ui-bundle.js", SCRIPT), ("favicon-32x32.png", "image/png")];
    let config = Arc::new(utoipa_swagger_ui::Config::from("/docs/openapi.json"));
    let theirs = theirs.into_iter().filter_map(|(name, media_type)| {
        let file = utoipa_swagger_ui::serve(name, Arc::clone(&config)).ok()??;
        Some(Asset { name, page: Page::new(media_type, file.bytes.into_owned()) })
    });
    ours.into_iter().chain(theirs).collect()
});

impl Page {
    fn new(media_type: &'static str, plain: impl Into<Cow<'static, [u8]>>) -> Self {
        let plain = plain.into();
        let digest = Sha256::digest(&plain);
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        let packed = encoder.write_all(&plain).and_then(|()| encoder.finish()).unwrap_or_default();
        let tag = URL_SAFE_NO_PAD.encode(&digest[..TAG_BYTES]);
        let tag = HeaderValue::try_from(format!("\"{tag}\"")).expect("letters and digits are a header's value");
        Self { media_type, plain, packed, tag }
    }

    fn answer(&self, headers: &HeaderMap, kept: &'static str) -> Response {
        let ours: [(HeaderName, HeaderValue); 4] = [
            (header::ETAG, self.tag.clone()),
            (header::CACHE_CONTROL, HeaderValue::from_static(kept)),
            (header::VARY, HeaderValue::from_static("accept-encoding")),
            (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        ];
        if lists(headers, &header::IF_NONE_MATCH, self.tag.as_bytes()) {
            return (StatusCode::NOT_MODIFIED, ours).into_response();
        }
        let media_type = [(header::CONTENT_TYPE, self.media_type)];
        if lists(headers, &header::ACCEPT_ENCODING, b"gzip") && !self.packed.is_empty() {
            let packed = [(header::CONTENT_ENCODING, "gzip")];
            return (ours, media_type, packed, self.packed.clone()).into_response();
        }
        (ours, media_type, self.plain.clone().into_owned()).into_response()
    }
}

/// Whether a header's list has an entry, whatever its weight but none.
fn lists(headers: &HeaderMap, name: &HeaderName, entry: &[u8]) -> bool {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|given| {
        let mut parts = given.split(';').map(str::trim);
        let is_it = parts.next().is_some_and(|given| given.trim_start_matches("W/").as_bytes() == entry);
        is_it && !parts.any(|weight| matches!(weight, "q=0" | "q=0.0"))
    })
}
