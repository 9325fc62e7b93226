//! Runs the vectors that every verifier of Angarium's signatures is tested with.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::signature::{Encoding, Scheme, verify};

/// True when each was accepted or refused as it should be. Those of Ed25519 are left out.
pub fn run(path: &str) -> Result<bool, Box<dyn std::error::Error>> {
    let file: Value = serde_json::from_slice(&std::fs::read(path)?)?;
    let vectors = file["vectors"].as_array().ok_or("there are no vectors")?;
    let (mut checked, mut wrong) = (0, 0);
    for vector in vectors {
        let secrets: Vec<&str> = vector["secrets"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if secrets.iter().any(|secret| secret.starts_with("whpk_")) {
            continue;
        }
        checked += 1;
        let found = check(vector, &secrets)?;
        let expected = vector["reason"].as_str().unwrap_or("accepted");
        if found != expected {
            wrong += 1;
            eprintln!("{}: {found}, not {expected}", vector["name"]);
        }
    }
    println!("vectors: {checked} checked, {} left out (Ed25519), {wrong} wrong", vectors.len() - checked);
    Ok(wrong == 0)
}

fn check(vector: &Value, secrets: &[&str]) -> Result<String, Box<dyn std::error::Error>> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let body = match vector["bodyBase64"].as_str() {
        Some(encoded) => STANDARD.decode(encoded)?,
        None => text(&vector["body"]).into_bytes(),
    };
    let scheme = match &vector["signature"] {
        Value::Object(own) => {
            let encoding = if own["encoding"] == "base64" { Encoding::Base64 } else { Encoding::Hex };
            Scheme::custom(&text(&own["header"]), &text(&own["prefix"]), encoding)
        }
        _ => Scheme::of(&text(&vector["profile"])).ok_or("an unknown profile")?,
    };
    let headers = vector["headers"].as_object().ok_or("no headers")?;
    let header = |name: &str| {
        headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name)).and_then(|(_, value)| value.as_str())
    };
    let now_s = vector["now"].as_i64().ok_or("no time")?;
    let verdict = verify(&scheme, secrets, header, &body, now_s);
    Ok(verdict.map_or_else(|refusal| refusal.to_string(), |()| "accepted".to_owned()))
}
