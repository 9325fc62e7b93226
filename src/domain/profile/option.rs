//! What a webhook may set about its signatures: the API's `signature`, which depends on the profile.
//!
//! `default` and `cloudevents` take `{"schemes": ["v1", "v1a"]}`: one or both. `g-tateth`, whose documents leave it
//! open, takes `{"header", "prefix", "encoding"}`. The others are what they are.

use serde::ser::SerializeMap as _;
use serde_json::Value;

use super::{OptionRule, Profile};
use crate::domain::egress::may_carry_signature;
use crate::domain::signature::{Encoding, HEADER_BODY_HEX, Scheme};

/// The most characters in the name of a header with a signature.
const HEADER_CHARS_MAX: usize = 64;
/// The most characters before a signature.
const PREFIX_CHARS_MAX: usize = 32;

/// What is set about a webhook's signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignatureOption {
    /// Nothing can be.
    Fixed,
    /// Which Standard Webhooks schemes.
    Schemes(Schemes),
    /// How the body's signature is written.
    Body(BodySignature),
}

/// Which of the Standard Webhooks schemes sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schemes {
    /// HMAC-SHA256 by a shared secret.
    V1,
    /// Ed25519 by a key pair.
    V1a,
    /// Each request is signed by both.
    Both,
}

/// How a signature of the body is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodySignature {
    /// The header that it is in.
    pub header: String,
    /// What stands before it.
    pub prefix: String,
    /// How its bytes are written.
    pub encoding: Encoding,
}

/// Everything that is wrong with an option: where in it, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidOption {
    /// Pairs of a field (empty for the option itself) and a message.
    pub problems: Vec<(&'static str, String)>,
}

impl InvalidOption {
    fn one(field: &'static str, message: impl Into<String>) -> Self {
        Self { problems: vec![(field, message.into())] }
    }
}

impl SignatureOption {
    /// What a profile has where nothing is set.
    #[must_use]
    pub fn default_of(profile: Profile) -> Self {
        match profile.spec().option {
            OptionRule::Fixed => Self::Fixed,
            OptionRule::Schemes => Self::Schemes(Schemes::V1),
            OptionRule::Body => Self::Body(BodySignature {
                header: HEADER_BODY_HEX.to_owned(),
                prefix: String::new(),
                encoding: Encoding::Hex,
            }),
        }
    }

    /// Whether a profile has options of this kind.
    #[must_use]
    pub fn fits(&self, profile: Profile) -> bool {
        matches!(
            (self, profile.spec().option),
            (Self::Fixed, OptionRule::Fixed)
                | (Self::Schemes(_), OptionRule::Schemes)
                | (Self::Body(_), OptionRule::Body)
        )
    }

    /// Reads an option as the API spells it.
    ///
    /// # Errors
    /// With every problem at once.
    pub fn parse(profile: Profile, value: &Value) -> Result<Self, InvalidOption> {
        let Value::Object(fields) = value else { return Err(InvalidOption::one("", "must be an object")) };
        let (known, shape): (&[&str], _) = match profile.spec().option {
            OptionRule::Fixed => {
                let message = format!("cannot be set: the signature of the profile `{}` is fixed", profile.as_str());
                return Err(InvalidOption::one("", message));
            }
            OptionRule::Schemes => (&["schemes"], "may have `schemes` only"),
            OptionRule::Body => (&["header", "prefix", "encoding"], "may have `header`, `prefix` and `encoding` only"),
        };
        if fields.keys().any(|name| !known.contains(&name.as_str())) {
            return Err(InvalidOption::one("", format!("{shape}, with the profile `{}`", profile.as_str())));
        }
        match (Self::default_of(profile), profile.spec().option) {
            (Self::Body(usual), OptionRule::Body) => read_body(usual, fields).map(Self::Body),
            (usual, OptionRule::Fixed | OptionRule::Schemes | OptionRule::Body) => match fields.get("schemes") {
                None => Ok(usual),
                Some(schemes) => Schemes::parse(schemes).map(Self::Schemes).ok_or_else(|| {
                    InvalidOption::one("schemes", "must be a list of `v1`, `v1a` or both, each at most once")
                }),
            },
        }
    }

    /// A scheme of the table, written as this says.
    #[must_use]
    pub fn applied_to(&self, scheme: Scheme<'static>) -> Scheme<'_> {
        match self {
            Self::Fixed | Self::Schemes(_) => scheme,
            Self::Body(BodySignature { header, prefix, encoding }) => {
                Scheme { header, hmac: Some(prefix), encoding: *encoding, ..scheme }
            }
        }
    }
}

fn read_body(usual: BodySignature, fields: &serde_json::Map<String, Value>) -> Result<BodySignature, InvalidOption> {
    let BodySignature { mut header, mut prefix, mut encoding } = usual;
    let mut problems = Vec::new();
    if let Some(value) = fields.get("header") {
        match value.as_str().filter(|name| name.len() <= HEADER_CHARS_MAX && may_carry_signature(name)) {
            Some(name) => header = name.to_ascii_lowercase(),
            None => problems.push((
                "header",
                format!(
                    "must be the name of a header that Angarium and the connection do not need, of at most \
                     {HEADER_CHARS_MAX} letters, digits and `-`, such as `X-Webhook-Signature`"
                ),
            )),
        }
    }
    if let Some(value) = fields.get("prefix") {
        let fits = |text: &&str| text.len() <= PREFIX_CHARS_MAX && text.bytes().all(|b| b.is_ascii_graphic());
        match value.as_str().filter(fits) {
            Some(text) => text.clone_into(&mut prefix),
            None => problems.push(("prefix", format!("must be at most {PREFIX_CHARS_MAX} visible ASCII characters"))),
        }
    }
    if let Some(value) = fields.get("encoding") {
        match value.as_str().and_then(Encoding::parse) {
            Some(given) => encoding = given,
            None => problems.push(("encoding", "must be `hex` or `base64`".to_owned())),
        }
    }
    if problems.is_empty() { Ok(BodySignature { header, prefix, encoding }) } else { Err(InvalidOption { problems }) }
}

impl Schemes {
    /// As the API spells them.
    #[must_use]
    pub const fn words(self) -> &'static [&'static str] {
        match self {
            Self::V1 => &["v1"],
            Self::V1a => &["v1a"],
            Self::Both => &["v1", "v1a"],
        }
    }

    fn parse(value: &Value) -> Option<Self> {
        let mut words: Vec<&str> = value.as_array()?.iter().map(Value::as_str).collect::<Option<_>>()?;
        words.sort_unstable();
        [Self::V1, Self::V1a, Self::Both].into_iter().find(|schemes| schemes.words() == words)
    }
}

impl serde::Serialize for SignatureOption {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Fixed => serializer.serialize_unit(),
            Self::Schemes(schemes) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("schemes", schemes.words())?;
                map.end()
            }
            Self::Body(BodySignature { header, prefix, encoding }) => {
                let mut map = serializer.serialize_map(Some(3))?;
                map.serialize_entry("header", header)?;
                map.serialize_entry("prefix", prefix)?;
                map.serialize_entry("encoding", encoding.as_str())?;
                map.end()
            }
        }
    }
}
