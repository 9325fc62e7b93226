//! Why a signature does not verify, in words that say what to change.
//!
//! A plain "no match" leaves a person to guess among a dozen usual mistakes. All of them can be told apart from the
//! outside: by reading the header as somebody sloppy would, and by trying the bodies and keys that the mistakes lead
//! to. This is a tool for people with the secret in hand; it takes more time than [`verify()`], and its time tells about
//! the input, so it never answers a stranger.

mod finding;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

pub use self::finding::{BodyChange, Finding};
use super::json::{Layout, Spelling, lay_out, respell, sort_keys};
use super::verify::{Given, Headers, Read, check_time};
use super::{Encoding, Message, Received, SIGNATURES_MAX, Scheme, Signed, TimeAt, VerifyFailure, VerifyingKey, verify};
use crate::domain::profile::Profile;
use crate::domain::secret::{SECRET_PREFIX, Secret, SecretKind};
use crate::domain::time::Timestamp;

/// No date before the year 5138 has this many seconds; every date after March 1973 has this many milliseconds.
const MILLISECONDS_FROM: u64 = 100_000_000_000;

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
    findings.extend(read.missing().filter_map(|missing| missing_header(missing, scheme, received.headers)));
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

/// The scheme that a request is to be judged by: the first whose header it has, or else the first. A profile may sign in
/// several, and a receiver checks the one that it likes.
#[must_use]
pub fn scheme_used<'a>(schemes: &[Scheme<'a>], headers: &dyn Headers) -> Option<Scheme<'a>> {
    let used = schemes.iter().find(|scheme| !headers.value(scheme.header).is_empty());
    used.or(schemes.first()).copied()
}

fn missing_header(missing: VerifyFailure, scheme: &Scheme<'_>, headers: &dyn Headers) -> Option<Finding> {
    let name = match missing {
        VerifyFailure::MissingHeader { name } => name,
        VerifyFailure::MissingSignature => scheme.header,
        VerifyFailure::TimestampMalformed
        | VerifyFailure::TooOld { .. }
        | VerifyFailure::InFuture { .. }
        | VerifyFailure::TooManySignatures
        | VerifyFailure::NoMatch => return None,
    };
    if let Some(found) = other_names(name).into_iter().find(|other| !headers.value(other).is_empty()) {
        return Some(Finding::HeaderRenamed { name: name.to_owned(), found });
    }
    let other = (missing == VerifyFailure::MissingSignature).then(|| other_profile(scheme, headers)).flatten();
    Some(other.unwrap_or_else(|| Finding::MissingHeader { name: name.to_owned() }))
}

/// What gateways, proxies and frameworks make of a header's name.
fn other_names(name: &str) -> Vec<String> {
    let name = name.to_ascii_lowercase();
    let underscored = name.replace('-', "_");
    let mut names = vec![format!("http_{underscored}"), format!("http-{name}")];
    names.extend(["x-", "x-original-", "x-forwarded-", "x-amzn-remapped-"].map(|prefix| format!("{prefix}{name}")));
    names.extend(name.strip_prefix("x-").map(str::to_owned));
    names.extend(name.strip_prefix("webhook-").map(|rest| format!("svix-{rest}")));
    names.extend((underscored != name).then_some(underscored));
    names
}

/// Another profile whose signature the request has.
fn other_profile(scheme: &Scheme<'_>, headers: &dyn Headers) -> Option<Finding> {
    Profile::ALL.into_iter().find_map(|profile| {
        let found = profile.spec().signatures.first()?.header;
        let is_there = found != scheme.header && !headers.value(found).is_empty();
        is_there.then(|| Finding::OtherProfile { found, profile: profile.as_str() })
    })
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
        return Some(Finding::OnlyBodySigned { template: scheme.template() });
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

impl Scheme<'_> {
    /// What is signed, for people: `{id}.{timestamp}.{body}`.
    #[must_use]
    pub fn template(&self) -> String {
        let parts = self.signed.iter().map(|part| match part {
            Signed::Text(text) => text,
            Signed::Id => "{id}",
            Signed::Time => "{timestamp}",
            Signed::Body => "{body}",
        });
        parts.collect()
    }
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
    let same_order = text.filter(|_| sorted.is_some()).map(str::to_owned);
    let respelt = [same_order.clone(), sorted.clone()].into_iter().flatten().flat_map(|text| {
        let spelt = Spelling::ALL.map(|spelling| respell(&text, spelling));
        spelt.into_iter().filter(move |spelt| *spelt != text).map(|spelt| (BodyChange::Escapes, spelt))
    });
    let texts =
        [same_order.map(|text| (BodyChange::WhiteSpace, text)), sorted.map(|text| (BodyChange::KeyOrder, text))];
    let written_again = texts.into_iter().flatten().chain(respelt).flat_map(|(change, text)| {
        Layout::ALL.into_iter().flat_map(move |layout| {
            let body = lay_out(&text, layout).into_bytes();
            let with_newline = [body.as_slice(), b"\n"].concat();
            [(change, body), (change, with_newline)]
        })
    });
    bytes.into_iter().flatten().chain(written_again)
}

#[cfg(test)]
mod tests;
