//! Code that verifies the requests of a webhook, to begin a receiver with: a function in Python and one for Node.js,
//! with nothing but what comes with either. A test runs them on a request that was sent.

use crate::domain::profile::{Profile, SecretRule, SignatureOption};
use crate::domain::signature::{Encoding, HEADER_ID, Scheme, Signed, TOLERANCE, TimeAt};

/// Code in one language.
pub(super) struct Snippet {
    pub(super) id: &'static str,
    pub(super) language: &'static str,
    pub(super) code: String,
}

/// The snippets for a profile; none where no shared secret signs.
pub(super) fn snippets(profile: Profile, option: &SignatureOption) -> Vec<Snippet> {
    let scheme = profile.scheme(option);
    let Some(prefix) = scheme.hmac else { return Vec::new() };
    let facts = Facts {
        header: quoted(&scheme.header.to_ascii_lowercase()),
        prefix: quoted(prefix),
        between: scheme.between.map(quoted),
        is_encoded: profile.spec().secret == SecretRule::Standard,
        scheme,
    };
    vec![
        Snippet { id: "python", language: "Python", code: facts.python() },
        Snippet { id: "node", language: "Node.js", code: facts.node() },
    ]
}

/// A string as both languages write it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

struct Facts<'a> {
    header: String,
    prefix: String,
    between: Option<String>,
    /// Whether the key is what the secret decodes to.
    is_encoded: bool,
    scheme: Scheme<'a>,
}

impl Facts<'_> {
    /// What is signed before the body, joined by the language's `+`.
    fn before_body(&self, id: &str, text: impl Fn(&str) -> String) -> String {
        let piece = |piece: &Signed| match piece {
            Signed::Text(part) => Some(text(&quoted(part))),
            Signed::Id => Some(text(id)),
            Signed::Time => Some(text("timestamp")),
            Signed::Body => None,
        };
        self.scheme.signed.iter().filter_map(piece).collect::<Vec<_>>().join(" + ")
    }

    fn python(&self) -> String {
        let Self { header, prefix, between, is_encoded, scheme } = self;
        let tolerance = TOLERANCE.as_secs();
        let given = between.as_ref().map_or_else(|| "[value]".to_owned(), |between| format!("value.split({between})"));
        let time = match scheme.time {
            TimeAt::Nowhere => String::new(),
            TimeAt::Header(name) => format!("    timestamp = headers.get({}, \"\")\n", quoted(name)),
            TimeAt::Entry(mark) => {
                let (mark, length) = (quoted(mark), mark.len());
                format!("    timestamp = next((one[{length}:] for one in given if one.startswith({mark})), \"\")\n")
            }
        };
        let check = if time.is_empty() {
            String::new()
        } else {
            format!(
                "    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > {tolerance}:\n        \
                 return False  # too old, or not one of ours\n"
            )
        };
        let before = self.before_body(&format!("headers.get({}, \"\")", quoted(HEADER_ID)), str::to_owned);
        let signed = if before.is_empty() { "body".to_owned() } else { format!("({before}).encode() + body") };
        let key = if *is_encoded { "base64.b64decode(secret.removeprefix(\"whsec_\"))" } else { "secret.encode()" };
        let mac = match scheme.encoding {
            Encoding::Hex => "mac.hex()",
            Encoding::Base64 => "base64.b64encode(mac).decode()",
        };
        format!(
            "import base64, hashlib, hmac, time\n\n\ndef is_ours(headers, body, secret):\n    \"\"\"`headers` with \
             lower-case names; `body` as raw bytes, before any parser.\"\"\"\n    value = headers.get({header}, \
             \"\")\n    given = {given}\n{time}{check}    mac = hmac.new({key}, {signed}, hashlib.sha256).digest()\n    \
             expected = ({prefix} + {mac}).encode()\n    return any(hmac.compare_digest(expected, one.encode()) for one \
             in given)\n"
        )
    }

    fn node(&self) -> String {
        let Self { header, prefix, between, is_encoded, scheme } = self;
        let tolerance = TOLERANCE.as_secs();
        let given = between.as_ref().map_or_else(|| "[value]".to_owned(), |between| format!("value.split({between})"));
        let time = match scheme.time {
            TimeAt::Nowhere => String::new(),
            TimeAt::Header(name) => format!("  const timestamp = headers[{}] ?? \"\";\n", quoted(name)),
            TimeAt::Entry(mark) => {
                let (mark, length) = (quoted(mark), mark.len());
                format!("  const timestamp = (given.find((one) => one.startsWith({mark})) ?? \"\").slice({length});\n")
            }
        };
        let check = if time.is_empty() {
            String::new()
        } else {
            format!(
                "  // Too old, or not one of ours.\n  if (!/^\\d+$/.test(timestamp) || Math.abs(Date.now() / 1000 - \
                 Number(timestamp)) > {tolerance}) return false;\n"
            )
        };
        let before = self.before_body(&format!("(headers[{}] ?? \"\")", quoted(HEADER_ID)), str::to_owned);
        let signed =
            if before.is_empty() { "body".to_owned() } else { format!("Buffer.concat([Buffer.from({before}), body])") };
        let key = if *is_encoded { "Buffer.from(secret.replace(/^whsec_/, \"\"), \"base64\")" } else { "secret" };
        let encoding = quoted(scheme.encoding.as_str());
        format!(
            "const crypto = require(\"node:crypto\");\n\n// `headers` with lower-case names; `body` as a raw Buffer, \
             before any parser.\nfunction isOurs(headers, body, secret) {{\n  const value = headers[{header}] ?? \
             \"\";\n  const given = {given};\n{time}{check}  const mac = crypto.createHmac(\"sha256\", \
             {key}).update({signed}).digest({encoding});\n  const expected = Buffer.from({prefix} + mac);\n  return \
             given.some((one) => {{\n    const bytes = Buffer.from(one);\n    return bytes.length === expected.length \
             && crypto.timingSafeEqual(bytes, expected);\n  }});\n}}\n"
        )
    }
}
