//! Bodies: read within bounds, parsed as JSON, with the place of a mistake.
//!
//! A body that is not JSON is one thing (400), JSON that is not what the route wants another (422). The fast parser
//! reads every body; only one that it refuses is read again by the slower one that knows where it is.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use serde_json::{Map, Value};
use serde_path_to_error::Segment as PathSegment;

use super::Api;
use super::problem::{Code, Problem};
use crate::domain::field::{FieldCode, FieldProblem, Segment};

/// How much more than the limit is read and thrown away, so that the client hears the answer instead of a broken
/// connection.
const DISCARD_FACTOR: usize = 4;

/// A JSON body as its bytes, for routes that parse it themselves.
pub(super) struct JsonBytes(pub(super) Bytes);

impl FromRequest<Arc<Api>> for JsonBytes {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Arc<Api>) -> Result<Self, Problem> {
        require_json(request.headers())?;
        read(request, api).await.map(Self)
    }
}

/// A JSON body.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<Api>> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Arc<Api>) -> Result<Self, Problem> {
        let JsonBytes(bytes) = JsonBytes::from_request(request, api).await?;
        parse(&bytes).map(Self)
    }
}

/// A JSON object whose fields are judged elsewhere.
#[derive(Default)]
pub(super) struct Fields(pub(super) Map<String, Value>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Fields;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Map::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if fields.contains_key(&name) {
                        return Err(serde::de::Error::custom(format!("duplicate field `{name}`")));
                    }
                    fields.insert(name, value);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Visit)
    }
}

/// A JSON body that may be left out.
pub(super) struct MaybeJson<T>(pub(super) T);

impl<T: DeserializeOwned + Default> FromRequest<Arc<Api>> for MaybeJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Arc<Api>) -> Result<Self, Problem> {
        let typed = require_json(request.headers());
        let bytes = read(request, api).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        typed?;
        parse(&bytes).map(Self)
    }
}

fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = given.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    let is_json = essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"));
    let is_utf8 = parts.filter_map(|part| part.split_once('=')).all(|(name, value)| {
        !name.trim().eq_ignore_ascii_case("charset") || value.trim_matches([' ', '"']).eq_ignore_ascii_case("utf-8")
    });
    if is_json && is_utf8 {
        return Ok(());
    }
    Err(Problem::new(Code::UnsupportedMediaType, "The body must be `Content-Type: application/json`, in UTF-8."))
}

/// Reads a body within its bounds.
pub(super) async fn read(request: Request, api: &Api) -> Result<Bytes, Problem> {
    let (max, timeout) = (api.options.body_bytes_max, api.options.body_timeout);
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let body = request.into_body();
    if announced.is_some_and(|length: usize| length > max) {
        discard(body, max.saturating_mul(DISCARD_FACTOR), timeout).await;
        return Err(too_large(max).closing());
    }
    match tokio::time::timeout(timeout, Limited::new(body, max).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large(max).closing()),
        Ok(Err(_)) => Err(Problem::new(Code::RequestMalformed, "The body broke off.").closing()),
        Err(_) => {
            let message = format!("The body was not complete within {} ms.", timeout.as_millis());
            Err(Problem::new(Code::RequestTimeout, message).closing())
        }
    }
}

fn too_large(max: usize) -> Problem {
    Problem::new(Code::PayloadTooLarge, format!("The body may have at most {max} bytes."))
}

async fn discard(mut body: Body, max: usize, timeout: Duration) {
    let reading = async {
        let mut rest = max;
        while let Some(Ok(frame)) = body.frame().await {
            rest = rest.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if rest == 0 {
                break;
            }
        }
    };
    // Whether it was all read or not, the answer is the same.
    let _ = tokio::time::timeout(timeout, reading).await;
}

/// Parses a body, or a part of one.
pub(super) fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Problem> {
    // The parser would also take a list, as the fields in their order.
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(not_an_object(bytes));
    }
    serde_json::from_slice(bytes).or_else(|error| explain(bytes, &error))
}

fn not_an_object(bytes: &[u8]) -> Problem {
    match serde_json::from_slice::<IgnoredAny>(bytes) {
        Ok(_) => Problem::field(FieldProblem::at(Vec::new(), FieldCode::WrongType, "must be a JSON object")),
        Err(error) => malformed(bytes, &error),
    }
}

fn malformed(bytes: &[u8], error: &serde_json::Error) -> Problem {
    let message = match bytes {
        [] => "The body is empty; it must be JSON.".to_owned(),
        _ => format!("The body is not JSON: {error}."),
    };
    Problem::new(Code::RequestMalformed, message)
}

fn explain<'a, T: Deserialize<'a>>(bytes: &'a [u8], error: &serde_json::Error) -> Result<T, Problem> {
    match error.classify() {
        Category::Syntax | Category::Eof | Category::Io => Err(malformed(bytes, error)),
        Category::Data => {
            let mut parser = serde_json::Deserializer::from_slice(bytes);
            // What the fast parser refused, this one refuses too.
            serde_path_to_error::deserialize(&mut parser).map_err(|error| {
                let path = error.path().iter().filter_map(segment).collect();
                field_problem(path, &error.into_inner())
            })
        }
    }
}

fn segment(segment: &PathSegment) -> Option<Segment> {
    match segment {
        PathSegment::Seq { index } => Some(Segment::Index(*index)),
        PathSegment::Map { key } | PathSegment::Enum { variant: key } => Some(Segment::Name(key.clone())),
        PathSegment::Unknown => None,
    }
}

/// The parser's sentence, without the position that the path already gives.
fn field_problem(mut path: Vec<Segment>, error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
    let named = |prefix: &str| Some(message.strip_prefix(prefix)?.split('`').next()?.to_owned());
    let (code, message) = if let Some(name) = named("unknown field `") {
        if path.last() == Some(&Segment::Name(name.clone())) {
            path.pop();
        }
        // Names stand between backticks: `name` or `name`, …
        let known: Vec<&str> = message.split_once(", expected ").map_or("", |(_, names)| names).split('`').collect();
        let known: Vec<&str> = known.iter().skip(1).step_by(2).copied().collect();
        return Problem::field(FieldProblem::unknown(path, &name, &known));
    } else if let Some(name) = named("missing field `") {
        path.push(Segment::Name(name));
        (FieldCode::Required, "is required".to_owned())
    } else if let Some(name) = named("duplicate field `") {
        path.push(Segment::Name(name));
        (FieldCode::Invalid, "is given twice".to_owned())
    } else {
        let message = message.split_once(", expected ").map_or(message, |(_, expected)| expected);
        (FieldCode::WrongType, format!("must be {message}"))
    };
    Problem::field(FieldProblem::at(path, code, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use serde_json::value::RawValue;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only the errors count")]
    struct Body<'a> {
        name: Option<String>,
        inner: Option<Inner>,
        #[serde(borrow)]
        raw: Option<&'a RawValue>,
    }

    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "only the errors count")]
    struct Inner {
        list: Vec<u8>,
    }

    fn refused(text: &str) -> (Code, String) {
        let problem = parse::<Body>(text.as_bytes()).unwrap_err();
        (problem.code(), problem.message().to_owned())
    }

    #[test]
    fn what_is_not_json_is_malformed_and_has_a_position() {
        for text in ["", "{", "{\"name\":}", "{} x", "nul"] {
            assert_eq!(refused(text).0, Code::RequestMalformed, "{text}");
        }
        assert!(refused("{\n x").1.contains("line 2 column 2"));
        assert_eq!(parse::<Body>(b"{\"name\":\"\xff\"}").unwrap_err().code(), Code::RequestMalformed);
        assert_eq!(parse::<Body>(b"{\"raw\":\"\xff\"}").unwrap_err().code(), Code::RequestMalformed);
    }

    #[test]
    fn what_does_not_fit_names_its_place() {
        let sentence = |text| {
            let (code, message) = refused(text);
            assert_eq!(code, Code::ValidationError);
            message
        };
        for text in ["[]", "[\"a\"]", " 5", "null", "\"{\""] {
            assert_eq!(sentence(text), "must be a JSON object");
        }
        assert_eq!(sentence(r#"{"name":5}"#), "name must be a string");
        assert_eq!(sentence(r#"{"inner":{"list":[1,300]}}"#), "inner.list[1] must be u8");
        assert_eq!(sentence(r#"{"inner":{}}"#), "inner.list is required");
        assert_eq!(sentence(r#"{"name":"a","name":"b"}"#), "name is given twice");
        assert_eq!(
            sentence(r#"{"raw":{"a":1},"nmae":1}"#),
            "nmae is not a field here; did you mean `name`? There are: `name`, `inner`, `raw`"
        );
        assert_eq!(sentence(r#"{"colour":1}"#), "colour is not a field here; there are: `name`, `inner`, `raw`");
        let twice = parse::<Fields>(br#"{"a":1,"b":{"c":2},"a":3}"#).err().unwrap();
        assert_eq!(twice.message(), "a is given twice");
    }

    #[test]
    fn raw_values_keep_their_bytes() {
        let body: Body = parse(b"{\"raw\": {\"b\":1.0,  \"a\":1e2} }").unwrap();
        assert_eq!(body.raw.unwrap().get(), "{\"b\":1.0,  \"a\":1e2}");
    }

    #[test]
    fn only_json_in_utf8_is_taken() {
        let check = |value: &'static str| {
            require_json(&HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(value))])).is_ok()
        };
        assert!(check("application/json") && check("Application/JSON; charset=UTF-8"));
        assert!(check("application/cloudevents+json"));
        assert!(!check("text/plain") && !check("application/json; charset=latin1") && !check(""));
    }
}
