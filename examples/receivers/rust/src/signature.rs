//! Whether a request is Angarium's, whole and fresh. Copy this file; it needs `base64`, `hmac` and `sha2`.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

const TOLERANCE_S: i64 = 300;
const SIGNATURES_MAX: usize = 16;

/// Why a request is refused: the first of these that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    MissingHeader,
    TimestampMalformed,
    TooOld,
    InFuture,
    TooManySignatures,
    NoMatch,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MissingHeader => "missing_header",
            Self::TimestampMalformed => "timestamp_malformed",
            Self::TooOld => "too_old",
            Self::InFuture => "in_future",
            Self::TooManySignatures => "too_many_signatures",
            Self::NoMatch => "no_match",
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Hex,
    Base64,
}

/// What comes before the body in the signed bytes, and whether there is a time among it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signed {
    /// `{webhook-id}.{webhook-timestamp}.`
    IdAndTime,
    /// `{t}.`, the time being in the signature's header.
    Stripe,
    /// `v0:{x-slack-request-timestamp}:`
    Slack,
    /// Nothing.
    Body,
}

/// Where a profile has its signature, and how it is written.
#[derive(Debug, Clone)]
pub struct Scheme {
    header: String,
    prefix: String,
    encoding: Encoding,
    signed: Signed,
}

impl Scheme {
    /// The scheme of a profile, as webhooks of it are unless they were configured otherwise.
    pub fn of(profile: &str) -> Option<Self> {
        use Encoding::{Base64, Hex};
        let (header, prefix, encoding, signed) = match profile {
            "default" | "cloudevents" => ("webhook-signature", "v1,", Base64, Signed::IdAndTime),
            "g-tateth" => ("x-webhook-signature", "", Hex, Signed::Body),
            "contextgpt" => ("x-signature", "sha256=", Hex, Signed::Body),
            "github" => ("x-hub-signature-256", "sha256=", Hex, Signed::Body),
            "shopify" => ("x-shopify-hmac-sha256", "", Base64, Signed::Body),
            "slack" => ("x-slack-signature", "v0=", Hex, Signed::Slack),
            "stripe" => ("stripe-signature", "v1=", Hex, Signed::Stripe),
            _ => return None,
        };
        Some(Self { header: header.to_owned(), prefix: prefix.to_owned(), encoding, signed })
    }

    /// For a webhook of the profile `g-tateth` that has a header of its own.
    pub fn custom(header: &str, prefix: &str, encoding: Encoding) -> Self {
        Self { header: header.to_owned(), prefix: prefix.to_owned(), encoding, signed: Signed::Body }
    }

    /// The key in a secret's text: `whsec_` and base64 where the signature is a Standard Webhooks one, else the text.
    fn key(&self, secret: &str) -> Vec<u8> {
        match self.signed {
            Signed::IdAndTime => STANDARD.decode(secret.strip_prefix("whsec_").unwrap_or_default()).unwrap_or_default(),
            Signed::Stripe | Signed::Slack | Signed::Body => secret.as_bytes().to_vec(),
        }
    }

    fn decode(&self, entry: &str) -> Option<Vec<u8>> {
        let text = entry.strip_prefix(self.prefix.as_str())?;
        match self.encoding {
            Encoding::Base64 => STANDARD.decode(text).ok(),
            Encoding::Hex => decode_hex(text),
        }
    }
}

/// Says nothing for a request that one of `secrets` signed. `header` finds a header by its lower-case name; `body` is
/// the bytes as they came, before anything parsed them.
pub fn verify<'a>(
    scheme: &Scheme,
    secrets: &[impl AsRef<str>],
    header: impl Fn(&str) -> Option<&'a str>,
    body: &[u8],
    now_s: i64,
) -> Result<(), Refusal> {
    let required = |name: &str| header(name).filter(|value| !value.is_empty()).ok_or(Refusal::MissingHeader);
    let value = required(&scheme.header)?;
    let (entries, timestamp, before): (Vec<&str>, _, String) = match scheme.signed {
        Signed::Body => (vec![value], None, String::new()),
        Signed::IdAndTime => {
            let (id, time) = (required("webhook-id")?, required("webhook-timestamp")?);
            (value.split(' ').collect(), Some(time), format!("{id}.{time}."))
        }
        Signed::Slack => {
            let time = required("x-slack-request-timestamp")?;
            (vec![value], Some(time), format!("v0:{time}:"))
        }
        Signed::Stripe => {
            let time = value.split(',').find_map(|part| part.strip_prefix("t=")).unwrap_or_default();
            (value.split(',').filter(|part| part.starts_with("v1=")).collect(), Some(time), format!("{time}."))
        }
    };
    if let Some(text) = timestamp {
        require_fresh(text, now_s)?;
    }
    if entries.len() > SIGNATURES_MAX {
        return Err(Refusal::TooManySignatures);
    }
    let given: Vec<Vec<u8>> = entries.iter().filter_map(|entry| scheme.decode(entry)).collect();
    let matched = secrets.iter().map(|secret| scheme.key(secret.as_ref())).filter(|key| !key.is_empty()).any(|key| {
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes keys of any length");
        mac.update(before.as_bytes());
        mac.update(body);
        // In constant time, whatever was given.
        given.iter().any(|tag| mac.clone().verify_slice(tag).is_ok())
    });
    if matched { Ok(()) } else { Err(Refusal::NoMatch) }
}

fn require_fresh(text: &str, now_s: i64) -> Result<(), Refusal> {
    let is_plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    let timestamp: i64 = text.parse().ok().filter(|_| is_plain).ok_or(Refusal::TimestampMalformed)?;
    match now_s.saturating_sub(timestamp) {
        age if age > TOLERANCE_S => Err(Refusal::TooOld),
        age if age < -TOLERANCE_S => Err(Refusal::InFuture),
        _ => Ok(()),
    }
}

/// Lower case only, which is how signatures are sent.
fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?)).collect()
}
