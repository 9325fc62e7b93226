//! Style sheet, script and icon: compiled in, named after their content, and so kept by browsers for ever.

use std::io::Write as _;
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};

use super::Dashboard;
use super::page::Failure;

/// How much of a file's hash stands in its name.
const HASH_BYTES: usize = 9;
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// Name, ending, media type and content.
const FILES: [(&str, &str, &str, &[u8]); 3] = [
    ("app", "css", "text/css; charset=utf-8", include_bytes!("assets/app.css")),
    ("app", "js", "text/javascript; charset=utf-8", include_bytes!("assets/app.js")),
    ("icon", "svg", "image/svg+xml", include_bytes!("assets/icon.svg")),
];

struct Asset {
    name: String,
    url: String,
    media_type: &'static str,
    plain: &'static [u8],
    packed: Vec<u8>,
}

static ASSETS: LazyLock<[Asset; 3]> = LazyLock::new(|| {
    FILES.map(|(stem, ending, media_type, plain)| {
        let hash = URL_SAFE_NO_PAD.encode(&Sha256::digest(plain)[..HASH_BYTES]);
        let name = format!("{stem}.{hash}.{ending}");
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        let packed = encoder.write_all(plain).and_then(|()| encoder.finish()).unwrap_or_default();
        Asset { url: format!("/ui/assets/{name}"), name, media_type, plain, packed }
    })
});

/// Where a page finds its assets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Urls {
    pub(super) style: &'static str,
    pub(super) script: &'static str,
    pub(super) icon: &'static str,
}

/// The assets of this binary.
pub(super) fn urls() -> Urls {
    let [style, script, icon] = &*ASSETS;
    Urls { style: &style.url, script: &script.url, icon: &icon.url }
}

pub(super) fn routes() -> Router<Arc<Dashboard>> {
    Router::new().route("/ui/assets/{name}", get(asset))
}

async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Failure> {
    let asset = ASSETS.iter().find(|asset| asset.name == name).ok_or(Failure::NotFound("file"))?;
    let ours = [
        (header::CONTENT_TYPE, asset.media_type),
        (header::CACHE_CONTROL, FOR_EVER),
        (header::VARY, "accept-encoding"),
    ];
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accepted.split(',').any(|coding| coding.trim() == "gzip") {
        return Ok((ours, [(header::CONTENT_ENCODING, "gzip")], asset.packed.as_slice()).into_response());
    }
    Ok((ours, asset.plain).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_assets_are_small() {
        let bytes: usize = ASSETS.iter().map(|asset| asset.plain.len()).sum();
        assert!(bytes < 60_000, "{bytes} bytes");
    }
}
