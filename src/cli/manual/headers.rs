//! The page about the headers of requests, made of the table of profiles.

use std::fmt::Write as _;

use crate::domain::profile::{Part, Profile, SignatureOption};
use crate::domain::signature::{Scheme, TimeAt};

const HEAD: &str = "\
# Headers of requests

What stands in the requests that webhooks are sent, by profile. The `default` one is Standard Webhooks, and a hex HMAC
of the body beside it. `angarium verify` checks a request that was received, and says why one does not verify.

This page is written by `angarium reference headers`.
";

/// The page.
pub(super) fn markdown() -> String {
    let mut page = HEAD.to_owned();
    for profile in Profile::ALL {
        let (spec, option) = (profile.spec(), SignatureOption::default_of(profile));
        // A string takes everything.
        let _ = write!(page, "\n## {}\n\n| header | value |\n|---|---|\n", profile.as_str());
        let _ = writeln!(page, "| `content-type` | `{}` |", spec.content_type);
        if let Some(agent) = spec.agent {
            let _ = writeln!(page, "| `user-agent` | `{agent}` |");
        }
        for (name, parts) in spec.headers {
            let value: String = parts.iter().map(|part| described(*part)).collect();
            let _ = writeln!(page, "| `{name}` | {value} |");
        }
        for scheme in profile.schemes(&option) {
            let _ = writeln!(page, "| `{}` | {} |", scheme.header, signature(&scheme));
        }
    }
    page
}

const fn described(part: Part) -> &'static str {
    match part {
        Part::Text(text) => text,
        Part::Id => "the event's id",
        Part::Uuid => "the event's id, as a plain UUID",
        Part::Event => "the event's type",
        Part::OccurredAt => "when it happened, RFC 3339",
        Part::SentAt => "when it was sent, Unix seconds",
        Part::Data => "the data",
        Part::Tenant => "the tenant's id",
        Part::Environment => "`production` or `staging`",
        Part::Token => "the secret",
    }
}

fn signature(scheme: &Scheme<'_>) -> String {
    let mut about = Vec::new();
    if let TimeAt::Entry(prefix) = scheme.time {
        about.push(format!("`{prefix}` and the time of signing"));
    }
    let mark = |mark: &str| if mark.is_empty() { String::new() } else { format!("`{mark}` and ") };
    let encoding = scheme.encoding.as_str();
    if let Some(prefix) = scheme.hmac {
        about.push(format!("{}the HMAC-SHA256 in {encoding}", mark(prefix)));
    }
    if let Some(prefix) = scheme.ed25519 {
        about.push(format!("with key pairs {}the Ed25519 signature in {encoding}", mark(prefix)));
    }
    let signed = scheme.template();
    let between = match scheme.between {
        Some(" ") => "; several with spaces between",
        Some(_) => "; several with commas between",
        None => "",
    };
    format!("{}, of `{signed}`{between}", about.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::signature::HEADER_ID;

    #[test]
    fn every_profile_is_on_the_page() {
        let page = markdown();
        assert!(Profile::ALL.iter().all(|profile| page.contains(&format!("\n## {}\n", profile.as_str()))));
        assert!(page.contains(&format!("`{HEADER_ID}`")), "{page}");
    }
}
