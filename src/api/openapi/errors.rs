//! The catalogue of codes as a page: what each means, and what to do about it.

use std::fmt::Write as _;

use super::shared::example;
use crate::api::Code;

const TITLE: &str = "Errors";
const INTRODUCTION: &str = "Every error has one of these codes, in `error.code`. The code is for programs and stays; \
    the message is for people and may be worded better one day. Quote `requestId` to whoever runs Angarium.";

/// What to do about it.
const fn advice(code: Code) -> &'static str {
    match code {
        Code::RequestMalformed => {
            "The body is not JSON, or broke off. The message says where; send it whole, in UTF-8."
        }
        Code::AuthRequired => "Send the key as `Authorization: Bearer KEY` or as `X-API-Key: KEY`.",
        Code::ApiKeyInvalid => {
            "The key is misspelt, was revoked, or is of the other environment: a deployment for production refuses \
             `sk_test_` keys. Look it up, or make a new one."
        }
        Code::ApiKeyExpired => "Make a new key, or rotate keys before they expire.",
        Code::SessionInvalid => "Sign in again.",
        Code::PermissionDenied => {
            "The message names the permission that is missing. Give it to the key, or use another key; or the request \
             came from an address that the key does not allow."
        }
        Code::PlanLimitExceeded => "The message names the limit. Wait for the next period, or change the plan.",
        Code::ResourceNotFound => {
            "The id or the path is misspelt, or what it was of is gone. What belongs to another tenant or to the \
             other environment is not there either."
        }
        Code::MethodNotAllowed => "The header `Allow` lists the methods that the path takes.",
        Code::RequestTimeout => "Send the body faster, or a smaller one.",
        Code::Conflict => "Read the thing again: the message says which state it is in and what that rules out.",
        Code::IdempotencyInProgress => "Wait a moment and send the same request again: it is answered once it is done.",
        Code::PreconditionFailed => "Read it again, make the change anew, and send it with the new `ETag`.",
        Code::PayloadTooLarge => "Send less; the message names the limit. Large things belong behind a link.",
        Code::UnsupportedMediaType => "Send `Content-Type: application/json`, in UTF-8.",
        Code::ValidationError => {
            "`details.errors` lists every field that is wrong, with its path, a code and what would be right. Do not \
             repeat the request unchanged."
        }
        Code::IdempotencyKeyReused => "Use a new key for a new request, and the same key only for the same request.",
        Code::RateLimitExceeded => "Wait for as many seconds as `Retry-After` says, then go on more slowly.",
        Code::MessagesLimitReached => {
            "Wait for as many seconds as `Retry-After` says: the meter starts anew each minute."
        }
        Code::InternalError => "It is our fault and is logged under the request's id. Repeating the request may help.",
        Code::Unavailable => "Repeat the request after as many seconds as `Retry-After` says.",
    }
}

/// The page as Markdown, for the repository.
pub(super) fn markdown() -> String {
    let mut text = format!("# {TITLE}\n\n{INTRODUCTION}\n");
    for code in Code::ALL {
        let body = serde_json::to_string_pretty(&example(code, false)).unwrap_or_default();
        let (word, status) = (code.as_str(), code.status().as_u16());
        // Writing to a text does not fail.
        let _ = write!(
            text,
            "\n## {word}\n\nHTTP {status}. {}.\n\n{}\n\n```json\n{body}\n```\n",
            code.title(),
            advice(code)
        );
    }
    text
}

/// The page that the `type` of a problem points at.
pub(super) fn html() -> String {
    let mut text = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{TITLE} · Angarium</title>\
         <link rel=\"stylesheet\" href=\"/docs/assets/page.css\"><main><h1>{TITLE}</h1><p>{}</p>",
        inline(INTRODUCTION)
    );
    for code in Code::ALL {
        let (word, status) = (code.as_str(), code.status().as_u16());
        let _ = write!(
            text,
            "<h2 id=\"{word}\"><a href=\"#{word}\">{word}</a></h2><p><strong>HTTP {status}.</strong> {}.</p><p>{}</p>",
            inline(code.title()),
            inline(advice(code))
        );
    }
    text + "</main></html>\n"
}

/// Our own sentences have no markup but `code`, and nothing to escape.
fn inline(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts.map(|(index, part)| if index % 2 == 1 { format!("<code>{part}</code>") } else { part.to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_section() {
        let (markdown, html) = (markdown(), html());
        for code in Code::ALL {
            assert!(markdown.contains(&format!("\n## {}\n", code.as_str())));
            assert!(html.contains(&format!("<h2 id=\"{}\">", code.as_str())));
            let sentence = advice(code);
            assert!(
                !sentence.contains(['<', '&', '>']) && sentence.matches('`').count().is_multiple_of(2),
                "{sentence}"
            );
        }
    }
}
