//! Why a signature does not verify, in words that say what to change.
//!
//! A plain "no match" leaves a person to guess among a dozen usual mistakes. All of them can be told apart from the
//! outside: by reading the header as somebody sloppy would, and by trying the bodies and keys that the mistakes lead
//! to. This is a tool for people with the secret in hand; it takes more time than [`verify()`], and its time tells about
//! the input, so it never answers a stranger.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::json::{Layout, lay_out, sort_keys};
use super::verify::{Given, Headers, Read, check_time};
use super::{Encoding, Message, Received, SIGNATURES_MAX, Scheme, Signed, TimeAt, VerifyFailure, VerifyingKey, verify};
use crate::domain::secret::{SECRET_PREFIX, Secret, SecretKind};
use crate::domain::time::Timestamp;

/// No date before the year 5138 has this many seconds; every date after March 1973 has this many milliseconds.
const MILLISECONDS_FROM: u64 = 100_000_000_000;

/// One thing that is wrong with a signed request, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// A header is missing or empty.
    #[error("The header `{name}` is missing: pass all of the sender's headers on, proxies included.")]
    MissingHeader {
        /// Which one.
        name: String,
    },
    /// The timestamp counts milliseconds.
    #[error("The timestamp counts milliseconds: it must be in seconds.")]
    TimestampInMilliseconds,
    /// The timestamp is not a plain number.
    #[error("The timestamp is not a plain number: it must be Unix seconds, digits only, no leading zero.")]
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
    #[error("There are more than {SIGNATURES_MAX} signatures: sign with the keys that are valid now only.")]
    TooManySignatures,
    /// Entries are separated by commas where spaces belong.
    #[error("The signatures are separated by commas: use one header line with one space between entries.")]
    CommaBetweenEntries,
    /// Entries are separated by more than they should, or there is a space at an end.
    #[error("There is a spare space in the signature header: leave it out.")]
    SpareSpace,
    /// An entry does not start as it should.
    #[error("A signature has no `{prefix}` in front: write it before each.")]
    PrefixMissing {
        /// What it should start with.
        prefix: String,
    },
    /// No entry is one that the keys could have made.
    #[error("No signature starts with `{prefix}`: the given key belongs to such entries only.")]
    NoEntryForKey {
        /// What it should start with.
        prefix: String,
    },
    /// The signature is in hex.
    #[error("The signature is in hex: encode its bytes in standard base64.")]
    SignatureInHex,
    /// The signature is in base64.
    #[error("The signature is in base64: encode its bytes in lower-case hex.")]
    SignatureInBase64,
    /// The signature has capitals.
    #[error("The signature has capital letters: write the hex digits in lower case.")]
    SignatureInCapitals,
    /// The signature is in the URL-safe alphabet.
    #[error("The signature is in URL-safe base64: use the standard alphabet, with `+` and `/`.")]
    SignatureInBase64Url,
    /// The signature has no padding.
    #[error("The signature's base64 has lost its `=` at the end: keep the padding.")]
    SignatureUnpadded,
    /// The signature does not have its length in any encoding known here.
    #[error("A signature is not {bytes} bytes in {encoding}: it was cut or changed on its way.")]
    SignatureUnreadable {
        /// How many bytes it should have.
        bytes: usize,
        /// How they should be written.
        encoding: &'static str,
    },
    /// The body is not, byte for byte, the one that was signed.
    #[error("The body {0} after it was signed: check the raw bytes, before any JSON parser touches them.")]
    BodyChanged(BodyChange),
    /// The HMAC key was the secret's text.
    #[error("The secret's text was used as the key: take off `{SECRET_PREFIX}` and decode the rest from base64.")]
    SecretUsedAsText,
    /// The HMAC key was what the secret's text decodes to.
    #[error("The secret was decoded from base64: in this scheme the key is the whole text, as it is.")]
    SecretDecoded,
    /// Id and timestamp were left out of the signed bytes.
    #[error("Only the body was signed: sign `{template}`.")]
    OnlyBodySigned {
        /// What should be signed.
        template: String,
    },
    /// Nothing known here explains it.
    #[error("No signature matches: the secret is another's or was rotated, or something that is signed was changed.")]
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

/// Everything that is wrong with a request that [`verify()`] refuses; nothing for one that it accepts.
#[must_use]
pub fn diagnose(
    scheme: &Scheme<'_>,
    keys: &[VerifyingKey],
    received: &Received<'_>,
    now: Timestamp,
    tolerance: Duration,
) -> Vec<Finding> {
    if verify(scheme, keys, received, now, tolerance).is_ok() {
        return Vec::new();
    }
    let read = Read::new(scheme, received);
    let mut findings = Vec::new();
    findings.extend(read.missing().filter_map(|missing| missing_header(missing, scheme)));
    let complete = findings.is_empty();
    let has_time = scheme.time != TimeAt::Nowhere && !(read.value.is_empty() && read.message.seconds.is_empty());
    if has_time && (complete || !read.message.seconds.is_empty()) {
        findings.extend(time_finding(read.message.seconds, now, tolerance));
    }
    if !read.value.is_empty() {
        let given = Lenient { scheme, keys, findings: &mut findings }.read(received.headers);
        if complete && !(given.tags.is_empty() && given.pairs.is_empty()) {
            findings.extend(explain_mismatch(scheme, keys, read.message, &given));
        }
    }
    if findings.is_empty() {
        findings.push(Finding::NoMatch);
    }
    findings
}

fn missing_header(missing: VerifyFailure, scheme: &Scheme<'_>) -> Option<Finding> {
    let name = match missing {
        VerifyFailure::MissingHeader { name } => name,
        VerifyFailure::MissingSignature => scheme.header,
        VerifyFailure::TimestampMalformed
        | VerifyFailure::TooOld { .. }
        | VerifyFailure::InFuture { .. }
        | VerifyFailure::TooManySignatures
        | VerifyFailure::NoMatch => return None,
    };
    Some(Finding::MissingHeader { name: name.to_owned() })
}

fn time_finding(seconds: &str, now: Timestamp, tolerance: Duration) -> Option<Finding> {
    if seconds.parse().is_ok_and(|number: u64| number >= MILLISECONDS_FROM) {
        return Some(Finding::TimestampInMilliseconds);
    }
    match check_time(seconds, now, tolerance).err()? {
        VerifyFailure::TooOld { age } => Some(Finding::TooOld { age }),
        VerifyFailure::InFuture { ahead } => Some(Finding::InFuture { ahead }),
        VerifyFailure::TimestampMalformed
        | VerifyFailure::MissingHeader { .. }
        | VerifyFailure::MissingSignature
        | VerifyFailure::TooManySignatures
        | VerifyFailure::NoMatch => Some(Finding::TimestampNotAnInteger),
    }
}

/// Reads the signatures that somebody meant, and notes what is wrong with how they are written.
struct Lenient<'a> {
    scheme: &'a Scheme<'a>,
    keys: &'a [VerifyingKey],
    findings: &'a mut Vec<Finding>,
}

impl Lenient<'_> {
    fn note(&mut self, finding: Finding) {
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    fn read(mut self, headers: &dyn Headers) -> Given {
        let separated = self.separated(headers.value(self.scheme.header));
        let all: Vec<&str> =
            self.scheme.between.map_or_else(|| vec![separated.as_str()], |b| separated.split(b).collect());
        let mut entries: Vec<&str> = all.iter().map(|entry| entry.trim()).filter(|entry| !entry.is_empty()).collect();
        if entries.len() != all.len() || all.iter().any(|entry| entry.trim() != *entry) {
            self.note(Finding::SpareSpace);
        }
        if let TimeAt::Entry(prefix) = self.scheme.time {
            entries.retain(|entry| !entry.starts_with(prefix));
        }
        if entries.len() > SIGNATURES_MAX {
            self.note(Finding::TooManySignatures);
        }
        let mut given = Given::default();
        let mut of_other_schemes = 0;
        for entry in entries.iter().take(SIGNATURES_MAX) {
            of_other_schemes += usize::from(!self.read_entry(entry.trim_end_matches(','), &mut given));
        }
        if of_other_schemes == entries.len() {
            let prefix = self.mark().to_owned();
            self.note(Finding::NoEntryForKey { prefix });
        }
        given
    }

    /// Base64 has no comma, so where spaces separate, a comma before a mark can only separate entries.
    fn separated(&mut self, value: &str) -> String {
        if self.scheme.between != Some(" ") {
            return value.to_owned();
        }
        let mut separated = value.to_owned();
        for mark in [self.scheme.hmac, self.scheme.ed25519].into_iter().flatten() {
            separated = separated.replace(&format!(", {mark}"), &format!(" {mark}"));
            separated = separated.replace(&format!(",{mark}"), &format!(" {mark}"));
        }
        if separated != value || value.split(' ').any(|entry| entry.ends_with(',')) {
            self.note(Finding::CommaBetweenEntries);
        }
        separated
    }

    fn is_for_pair(&self) -> bool {
        self.scheme.hmac.is_none() || self.keys.iter().all(|key| matches!(key, VerifyingKey::Public(_)))
    }

    /// What stands before the signatures that the keys make.
    fn mark(&self) -> &str {
        let mark = if self.is_for_pair() { self.scheme.ed25519 } else { self.scheme.hmac };
        mark.unwrap_or_default()
    }

    /// False when the entry is a signature of another scheme.
    fn read_entry(&mut self, entry: &str, given: &mut Given) -> bool {
        let mark = self.mark().to_owned();
        let encoded = match entry.strip_prefix(&mark) {
            Some(encoded) => encoded,
            // A version of several that the header may have.
            None if self.scheme.between == Some(" ") && entry.contains(',') => return false,
            None if self.scheme.between == Some(",") && entry.contains('=') && !entry.starts_with("sha256=") => {
                return false;
            }
            None => {
                self.note(Finding::PrefixMissing { prefix: mark });
                ["v1=", "v0=", "sha256="].iter().find_map(|prefix| entry.strip_prefix(prefix)).unwrap_or(entry)
            }
        };
        if self.is_for_pair() {
            given.pairs.extend(self.decode(encoded));
        } else {
            given.tags.extend(self.decode(encoded));
        }
        true
    }

    fn decode<const N: usize>(&mut self, encoded: &str) -> Option<[u8; N]> {
        let encoding = self.scheme.encoding;
        if let Some(bytes) = encoding.read(encoded) {
            return Some(bytes);
        }
        let is_hex = encoding == Encoding::Hex;
        let unpadded = encoded.trim_end_matches('=');
        let lower = Encoding::Hex.read(&encoded.to_ascii_lowercase());
        let plain = || STANDARD_NO_PAD.decode(unpadded).ok().and_then(|bytes| bytes.try_into().ok());
        let for_urls = || URL_SAFE_NO_PAD.decode(unpadded).ok().and_then(|bytes| bytes.try_into().ok());
        let (bytes, finding) = if let Some(bytes) = lower {
            (bytes, if is_hex { Finding::SignatureInCapitals } else { Finding::SignatureInHex })
        } else if let Some(bytes) = plain() {
            (bytes, if is_hex { Finding::SignatureInBase64 } else { Finding::SignatureUnpadded })
        } else if let Some(bytes) = for_urls() {
            (bytes, if is_hex { Finding::SignatureInBase64 } else { Finding::SignatureInBase64Url })
        } else {
            let encoding = if is_hex { "lower-case hex" } else { "standard base64" };
            self.note(Finding::SignatureUnreadable { bytes: N, encoding });
            return None;
        };
        self.note(finding);
        Some(bytes)
    }
}

/// `None` when a signature does match, so that only how it is written was wrong.
fn explain_mismatch(
    scheme: &Scheme<'_>,
    keys: &[VerifyingKey],
    message: Message<'_>,
    given: &Given,
) -> Option<Finding> {
    if given.are_by(scheme, keys, message) {
        return None;
    }
    let misread = keys.iter().flat_map(misread_keys);
    for (key, finding) in misread {
        if given.are_by(scheme, std::slice::from_ref(&key), message) {
            return Some(finding);
        }
    }
    let body_alone = Scheme { signed: &[Signed::Body], ..*scheme };
    if scheme.signed != body_alone.signed && given.are_by(&body_alone, keys, message) {
        return Some(Finding::OnlyBodySigned { template: template(scheme) });
    }
    let matches = |body: &[u8]| given.are_by(scheme, keys, Message { body, ..message });
    let change = bodies_before(message.body).find(|(_, body)| matches(body)).map(|(change, _)| change);
    Some(change.map_or(Finding::NoMatch, Finding::BodyChanged))
}

/// The keys that somebody makes of a secret who takes its text for the key, or the reverse.
fn misread_keys(key: &VerifyingKey) -> Vec<(VerifyingKey, Finding)> {
    let VerifyingKey::Shared(secret) = key else { return Vec::new() };
    let text = secret.reveal();
    let bare = text.strip_prefix(SECRET_PREFIX).unwrap_or(&text);
    match secret.kind() {
        SecretKind::Standard => {
            [text.as_str(), bare].map(|text| (Secret::received_text(text).into(), Finding::SecretUsedAsText)).into()
        }
        SecretKind::Text => {
            let decoded = Secret::parse_received(&format!("{SECRET_PREFIX}{bare}"));
            decoded.into_iter().map(|secret| (secret.into(), Finding::SecretDecoded)).collect()
        }
        SecretKind::Ed25519 => Vec::new(),
    }
}

/// What a scheme signs, for people.
fn template(scheme: &Scheme<'_>) -> String {
    let parts = scheme.signed.iter().map(|part| match part {
        Signed::Text(text) => text,
        Signed::Id => "{id}",
        Signed::Time => "{timestamp}",
        Signed::Body => "{body}",
    });
    parts.collect()
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
