//! Receives Angarium's webhooks and verifies them.
//!
//! ```sh
//! ANGARIUM_SECRET=whsec_… cargo run -- [--profile default] [--port 8000]
//! cargo run -- --vectors ../../../tests/vectors/signatures.json
//! ```
//!
//! During a rotation `ANGARIUM_SECRET` may hold the old and the new secret, with a space between.

mod signature;
mod vectors;

use std::collections::HashSet;
use std::error::Error;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};

use crate::signature::{Scheme, verify};

const BODY_BYTES_MAX: usize = 1 << 20;

struct Receiver {
    scheme: Scheme,
    secrets: Vec<String>,
    /// Of the events that were processed. Keep them in your database, for longer than deliveries are repeated.
    processed: Mutex<HashSet<String>>,
}

async fn receive(State(receiver): State<Arc<Receiver>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs().cast_signed());
    if let Err(refusal) = verify(&receiver.scheme, &receiver.secrets, header, &body, now) {
        println!("refused: {refusal}");
        return StatusCode::UNAUTHORIZED;
    }
    let id = header("webhook-id").unwrap_or_default().to_owned();
    // The same id means the same event: it came again, because an answer got lost.
    let is_new = receiver.processed.lock().is_ok_and(|mut processed| processed.insert(id.clone()));
    if id.is_empty() || is_new {
        println!("received {id}: {}", String::from_utf8_lossy(&body));
    }
    StatusCode::NO_CONTENT
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let (mut profile, mut port) = ("default".to_owned(), 8000_u16);
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} takes a value"))?;
        match name.as_str() {
            "--profile" => profile = value,
            "--port" => port = value.parse()?,
            "--vectors" => {
                return Ok(if vectors::run(&value)? { ExitCode::SUCCESS } else { ExitCode::FAILURE });
            }
            _ => return Err(format!("there is no {name}").into()),
        }
    }
    let scheme = Scheme::of(&profile).ok_or("there is no such profile")?;
    let secrets: Vec<String> =
        std::env::var("ANGARIUM_SECRET").unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    if secrets.is_empty() {
        return Err("set ANGARIUM_SECRET to the webhook's secret".into());
    }
    let receiver = Receiver { scheme, secrets, processed: Mutex::default() };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let app = Router::new()
        .fallback(axum::routing::post(receive))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(Arc::new(receiver));
    axum::serve(listener, app).await?;
    Ok(ExitCode::SUCCESS)
}
