//! Why a signature does not verify, in words that say what to change.
//!
//! A plain "no match" leaves a person to guess among a dozen usual mistakes. All of them can be told apart from the
//! outside: by reading the header as somebody sloppy would, and by trying the bodies and keys that the mistakes lead
//! to. This is a tool for people with the secret in hand; it takes more time than [`verify`], and its time tells about
//! the input, so it never answers a stranger.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::super::secret::{SECRET_PREFIX, Secret};
use super::super::time::Timestamp;
use super::json::{Layout, lay_out, sort_keys};
use super::{
    HEADER_ID, HEADER_SIGNATURE, HEADER_TIMESTAMP, SIGNATURES_MAX, Signed, SigningKey, Tag, VERSION, VerifyFailure,
    any_match, check_time, verify,
};

/// No date before the year 5138 has this many seconds; every date after March 1973 has this many milliseconds.
const MILLISECONDS_FROM: u64 = 100_000_000_000;

/// One thing that is wrong with a signed request, and what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// A header is missing or empty.
    #[error("The header `{name}` is missing: pass all three `webhook-` headers on, proxies included.")]
    MissingHeader {
        /// Which one.
        name: &'static str,
    },
    /// The timestamp counts milliseconds.
    #[error("`{HEADER_TIMESTAMP}` counts milliseconds: it must be in seconds.")]
    TimestampInMilliseconds,
    /// The timestamp is not a plain number.
    #[error("`{HEADER_TIMESTAMP}` is not a plain number: it must be Unix seconds, digits only, no leading zero.")]
    TimestampNotAnInteger,
    /// The timestamp is too old.
    #[error("The timestamp is {} s old: sign when sending, check on arrival, keep both clocks on NTP.", age.as_secs())]
    TooOld {
        /// How old.
        age: Duration,
    },
    /// The timestamp is too far in the future.
    #[error("The timestamp is {} s in the future: one clock is wrong; keep both on NTP.", ahead.as_secs())]
    InFuture {
        /// How far.
        ahead: Duration,
    },
    /// More entries than a receiver looks at.
    #[error("`{HEADER_SIGNATURE}` has more than {SIGNATURES_MAX} entries: sign with the keys that are valid now only.")]
    TooManySignatures,
    /// Entries are separated by commas.
    #[error("The signatures are separated by commas: use one header line with one space between entries.")]
    CommaBetweenEntries,
    /// Entries are separated by more than one space, or there is one at an end.
    #[error("There is a spare space in the signature header: use exactly one between entries.")]
    SpareSpace,
    /// An entry does not start with a version and a comma.
    #[error("A signature has no version in front: each entry must read `v1,` and base64.")]
    EntryWithoutVersion,
    /// No entry is of version `v1`.
    #[error("No signature is of version `v1`: the secret belongs to `v1` entries only.")]
    NoEntryOfVersion1,
    /// The signature is in hex.
    #[error("The signature is in hex: encode the 32 bytes in standard base64.")]
    SignatureInHex,
    /// The signature is in the URL-safe alphabet.
    #[error("The signature is in URL-safe base64: use the standard alphabet, with `+` and `/`.")]
    SignatureInBase64Url,
    /// The signature has no padding.
    #[error("The signature's base64 has lost its `=` at the end: keep the padding.")]
    SignatureUnpadded,
    /// The signature is not 32 bytes in any encoding known here.
    #[error("A signature is not 32 bytes in standard base64: it was cut or changed on its way.")]
    SignatureUnreadable,
    /// The body is not, byte for byte, the one that was signed.
    #[error("The body {0} after it was signed: check the raw bytes, before any JSON parser touches them.")]
    BodyChanged(BodyChange),
    /// The HMAC key was the secret's text.
    #[error("The secret's text was used as the key: take off `{SECRET_PREFIX}` and decode the rest from base64.")]
    SecretUsedAsText,
    /// Id and timestamp were left out of the signed bytes.
    #[error("Only the body was signed: sign `{{id}}.{{timestamp}}.{{body}}`, joined by dots.")]
    OnlyBodySigned,
    /// Nothing known here explains it.
    #[error("No signature matches: the secret is another's or was rotated, or id, time or body were changed.")]
    NoMatch,
}

/// What happened to a body between the signing and the check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyChange {
    /// It gained a line end at its end.
    NewlineAdded,
    /// It lost the line end at its end.
    NewlineRemoved,
    /// LF became CRLF or the reverse.
    LineEnds,
    /// It gained or lost a byte order mark.
    ByteOrderMark,
    /// It was parsed and written again with other white space.
    WhiteSpace,
    /// It was parsed and written again with its keys in another order.
    KeyOrder,
}

impl fmt::Display for BodyChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NewlineAdded => "gained a line end at its end",
            Self::NewlineRemoved => "lost the line end at its end",
            Self::LineEnds => "had its line ends converted",
            Self::ByteOrderMark => "gained or lost a byte order mark",
            Self::WhiteSpace => "was parsed and written again with other white space",
            Self::KeyOrder => "was parsed and written again with its keys in another order",
        })
    }
}

/// Everything that is wrong with a request that [`verify`] refuses; nothing for one that it accepts.
#[must_use]
pub fn diagnose(secrets: &[Secret], message: &Signed<'_>, now: Timestamp, tolerance: Duration) -> Vec<Finding> {
    if verify(secrets, message, now, tolerance).is_ok() {
        return Vec::new();
    }
    let mut findings = missing_headers(message);
    let complete = findings.is_empty();
    if !message.timestamp.is_empty() {
        findings.extend(time_finding(message, now, tolerance));
    }
    if !message.signature.is_empty() {
        let given = read_leniently(message.signature, &mut findings);
        if complete && !given.is_empty() {
            findings.extend(explain_mismatch(secrets, message, &given));
        }
    }
    if findings.is_empty() {
        findings.push(Finding::NoMatch);
    }
    findings
}

fn missing_headers(message: &Signed<'_>) -> Vec<Finding> {
    [(HEADER_ID, message.id), (HEADER_TIMESTAMP, message.timestamp), (HEADER_SIGNATURE, message.signature)]
        .into_iter()
        .filter(|(_, value)| value.is_empty())
        .map(|(name, _)| Finding::MissingHeader { name })
        .collect()
}

fn time_finding(message: &Signed<'_>, now: Timestamp, tolerance: Duration) -> Option<Finding> {
    if message.timestamp.parse().is_ok_and(|number: u64| number >= MILLISECONDS_FROM) {
        return Some(Finding::TimestampInMilliseconds);
    }
    match check_time(message, now, tolerance).err()? {
        VerifyFailure::TooOld { age } => Some(Finding::TooOld { age }),
        VerifyFailure::InFuture { ahead } => Some(Finding::InFuture { ahead }),
        VerifyFailure::TimestampMalformed
        | VerifyFailure::MissingHeader { .. }
        | VerifyFailure::TooManySignatures
        | VerifyFailure::NoMatch => Some(Finding::TimestampNotAnInteger),
    }
}

/// The signatures that somebody meant, with what is wrong with how they are written.
fn read_leniently(header: &str, findings: &mut Vec<Finding>) -> Vec<Tag> {
    let mut note = |finding| {
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    };
    // Base64 has no comma, so a comma before `v1,` can only separate entries.
    let separated = header.replace(", v1,", " v1,").replace(",v1,", " v1,");
    if separated != header || header.split(' ').any(|entry| entry.ends_with(',')) {
        note(Finding::CommaBetweenEntries);
    }
    let entries: Vec<&str> = separated.split(' ').filter(|entry| !entry.is_empty()).collect();
    if entries.len() != separated.split(' ').count() {
        note(Finding::SpareSpace);
    }
    if entries.len() > SIGNATURES_MAX {
        note(Finding::TooManySignatures);
    }
    let mut given = Vec::new();
    let mut other_versions = 0;
    for entry in entries.iter().take(SIGNATURES_MAX) {
        let encoded = match entry.trim_end_matches(',').split_once(',') {
            Some((VERSION, encoded)) => encoded,
            Some(_) => {
                other_versions += 1;
                continue;
            }
            None => {
                note(Finding::EntryWithoutVersion);
                let unprefixed = ["v1=", "sha256="].iter().find_map(|prefix| entry.strip_prefix(prefix));
                unprefixed.unwrap_or(entry)
            }
        };
        let (tag, finding) = decode_leniently(encoded);
        given.extend(tag);
        if let Some(finding) = finding {
            note(finding);
        }
    }
    if other_versions == entries.len() {
        note(Finding::NoEntryOfVersion1);
    }
    given
}

fn decode_leniently(encoded: &str) -> (Option<Tag>, Option<Finding>) {
    let tag = |bytes: Vec<u8>| Tag::try_from(bytes).ok();
    if let Some(tag) = STANDARD.decode(encoded).ok().and_then(tag) {
        return (Some(tag), None);
    }
    if let Some(tag) = decode_hex(encoded) {
        return (Some(tag), Some(Finding::SignatureInHex));
    }
    let unpadded = encoded.trim_end_matches('=');
    if let Some(tag) = STANDARD_NO_PAD.decode(unpadded).ok().and_then(tag) {
        return (Some(tag), Some(Finding::SignatureUnpadded));
    }
    if let Some(tag) = URL_SAFE_NO_PAD.decode(unpadded).ok().and_then(tag) {
        return (Some(tag), Some(Finding::SignatureInBase64Url));
    }
    (None, Some(Finding::SignatureUnreadable))
}

fn decode_hex(text: &str) -> Option<Tag> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| Some(digit(pair[0])? << 4 | digit(pair[1])?);
    if text.len() != 2 * super::TAG_BYTES {
        return None;
    }
    let bytes: Vec<u8> = text.as_bytes().chunks_exact(2).map(pair).collect::<Option<_>>()?;
    Tag::try_from(bytes).ok()
}

/// `None` when a signature does match, so that only how it is written was wrong.
fn explain_mismatch(secrets: &[Secret], message: &Signed<'_>, given: &[Tag]) -> Option<Finding> {
    let keys: Vec<SigningKey> = secrets.iter().map(SigningKey::new).collect();
    let matches = |keys: &[SigningKey], body: &[u8]| {
        let tag = |key: &SigningKey| key.standard_tag(message.id, message.timestamp, body);
        any_match(&keys.iter().map(tag).collect::<Vec<_>>(), given)
    };
    if matches(&keys, message.body) {
        return None;
    }
    let texts: Vec<SigningKey> = secrets.iter().flat_map(keys_from_text).collect();
    if matches(&texts, message.body) {
        return Some(Finding::SecretUsedAsText);
    }
    if any_match(&keys.iter().map(|key| key.tag(&[message.body])).collect::<Vec<_>>(), given) {
        return Some(Finding::OnlyBodySigned);
    }
    let change = bodies_before(message.body).find(|(_, body)| matches(&keys, body)).map(|(change, _)| change);
    Some(change.map_or(Finding::NoMatch, Finding::BodyChanged))
}

fn keys_from_text(secret: &Secret) -> [SigningKey; 2] {
    let text = secret.reveal();
    [SigningKey::from_bytes(text.as_bytes()), SigningKey::from_bytes(&text.as_bytes()[SECRET_PREFIX.len()..])]
}

/// The bodies that may have been signed before something changed them into this one.
fn bodies_before(body: &[u8]) -> impl Iterator<Item = (BodyChange, Vec<u8>)> {
    const MARK: &[u8] = b"\xEF\xBB\xBF";
    let text = std::str::from_utf8(body).ok();
    let bytes = [
        body.strip_suffix(b"\n").map(|rest| (BodyChange::NewlineAdded, rest.to_vec())),
        body.strip_suffix(b"\r\n").map(|rest| (BodyChange::NewlineAdded, rest.to_vec())),
        Some((BodyChange::NewlineRemoved, [body, b"\n"].concat())),
        Some((BodyChange::NewlineRemoved, [body, b"\r\n"].concat())),
        text.map(|text| (BodyChange::LineEnds, text.replace("\r\n", "\n").into_bytes())),
        text.map(|text| (BodyChange::LineEnds, text.replace("\r\n", "\n").replace('\n', "\r\n").into_bytes())),
        Some((BodyChange::ByteOrderMark, body.strip_prefix(MARK).map_or([MARK, body].concat(), <[u8]>::to_vec))),
    ];
    let sorted = text.and_then(sort_keys);
    let written_again = move |(change, text): (BodyChange, String)| {
        Layout::ALL.map(|layout| (change, lay_out(&text, layout).into_bytes())).into_iter().flat_map(
            |(change, body)| {
                let with_newline = [body.as_slice(), b"\n"].concat();
                [(change, body), (change, with_newline)]
            },
        )
    };
    let same_order = text.filter(|_| sorted.is_some()).map(|text| (BodyChange::WhiteSpace, text.to_owned()));
    let texts = [same_order, sorted.map(|text| (BodyChange::KeyOrder, text))];
    bytes.into_iter().flatten().chain(texts.into_iter().flatten().flat_map(written_again))
}

#[cfg(test)]
mod tests;
