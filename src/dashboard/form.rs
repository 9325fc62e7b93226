//! The bodies of forms.

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, header};
use http_body_util::LengthLimitError;

use super::page::Failure;
use super::params::Params;

const MEDIA_TYPE: &str = "application/x-www-form-urlencoded";

/// Reads a form of at most so many bytes. How long that may take is the server's to bound.
pub(super) async fn read_form(headers: &HeaderMap, body: Body, bytes_max: usize) -> Result<Params, Failure> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !given.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case(MEDIA_TYPE)) {
        return Err(Failure::bad("This takes a form of this site's pages."));
    }
    let body = to_bytes(body, bytes_max).await.map_err(|error| {
        let is_too_large = error.into_inner().is::<LengthLimitError>();
        if is_too_large { Failure::TooLarge(bytes_max) } else { Failure::bad("The form did not arrive as a whole.") }
    })?;
    Ok(Params::parse(&body))
}
