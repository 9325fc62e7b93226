//! What can be wrong with a signed request, each as a sentence that says what to change.

use std::fmt;
use std::time::Duration;

use super::super::SIGNATURES_MAX;
use crate::domain::id::WebhookId;
use crate::domain::secret::SECRET_PREFIX;
use crate::domain::time::Timestamp;

/// One thing that is wrong with a signed request, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// A header is missing or empty.
    #[error("The header `{name}` is missing: pass all of the sender's headers on, proxies included.")]
    MissingHeader {
        /// Which one.
        name: String,
    },
    /// A header came under another name.
    #[error("The header `{name}` came as `{found}`: something on the way renamed it; pass it on as it was sent.")]
    HeaderRenamed {
        /// What it should be called.
        name: String,
        /// What it is called.
        found: String,
    },
    /// There is a signature, but one of another profile.
    #[error("The request has `{found}`, as the profile `{profile}` signs: verify it by that, or change the webhook's.")]
    OtherProfile {
        /// The header that it has.
        found: &'static str,
        /// Whose that is.
        profile: &'static str,
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
    #[error("The body {0} after it was signed: check the raw bytes, before any JSON parser touches them{hint}.", hint = .0.hint())]
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
    /// The key was one that does not sign any more.
    #[error("It is signed with a secret that was replaced and ended at {ended_at}: give the sender the new one.")]
    SecretEnded {
        /// When it ended.
        ended_at: Timestamp,
    },
    /// The key was that of another webhook.
    #[error("It is signed with the secret of {webhook}, another webhook: each has a secret of its own.")]
    OtherWebhook {
        /// Whose it is.
        webhook: WebhookId,
    },
    /// Nothing known here explains it.
    #[error("No signature matches: the secret is another's or was rotated, or something that is signed was changed.")]
    NoMatch,
}

impl Finding {
    /// The word for programs.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::MissingHeader { .. } => "missing_header",
            Self::HeaderRenamed { .. } => "header_renamed",
            Self::OtherProfile { .. } => "other_profile",
            Self::TimestampInMilliseconds => "timestamp_in_milliseconds",
            Self::TimestampNotAnInteger => "timestamp_not_an_integer",
            Self::TooOld { .. } => "too_old",
            Self::InFuture { .. } => "in_future",
            Self::TooManySignatures => "too_many_signatures",
            Self::CommaBetweenEntries => "comma_between_entries",
            Self::SpareSpace => "spare_space",
            Self::PrefixMissing { .. } => "prefix_missing",
            Self::NoEntryForKey { .. } => "no_entry_for_key",
            Self::SignatureInHex => "signature_in_hex",
            Self::SignatureInBase64 => "signature_in_base64",
            Self::SignatureInCapitals => "signature_in_capitals",
            Self::SignatureInBase64Url => "signature_in_base64_url",
            Self::SignatureUnpadded => "signature_unpadded",
            Self::SignatureUnreadable { .. } => "signature_unreadable",
            Self::BodyChanged(_) => "body_changed",
            Self::SecretUsedAsText => "secret_used_as_text",
            Self::SecretDecoded => "secret_decoded",
            Self::OnlyBodySigned { .. } => "only_body_signed",
            Self::SecretEnded { .. } => "secret_ended",
            Self::OtherWebhook { .. } => "other_webhook",
            Self::NoMatch => "no_match",
        }
    }
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
    /// It was parsed and written again with other escapes in its strings.
    Escapes,
}

impl BodyChange {
    /// Where frameworks hide the raw bytes.
    const fn hint(self) -> &'static str {
        match self {
            Self::WhiteSpace | Self::KeyOrder | Self::Escapes => {
                " (Express: `express.raw()`, Flask: `request.get_data()`, Rails: `request.raw_post`)"
            }
            Self::NewlineAdded | Self::NewlineRemoved | Self::LineEnds | Self::ByteOrderMark => "",
        }
    }
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
            Self::Escapes => "was parsed and written again with other escapes in its strings",
        })
    }
}
