//! Names with values, as a query string or a form has them.

use axum::http::Uri;
use url::form_urlencoded;

/// More are not looked at: no page has so many.
const PAIRS_MAX: usize = 512;

/// The parameters of a page or the fields of a form.
#[derive(Debug, Clone, Default)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    /// Of a query string.
    pub(super) fn of(uri: &Uri) -> Self {
        Self::parse(uri.query().unwrap_or_default().as_bytes())
    }

    /// Of a query string or a form's body.
    pub(super) fn parse(text: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(text).take(PAIRS_MAX);
        Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// The value as it was given, if it was; perhaps empty.
    pub(super) fn raw(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The value without blanks around it, unless it is empty: an empty field asks for nothing.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.raw(name).map(str::trim).filter(|value| !value.is_empty())
    }

    /// The same as text for a field.
    pub(super) fn text(&self, name: &str) -> String {
        self.get(name).unwrap_or_default().to_owned()
    }

    /// Every value of a name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// A query string, with its `?`, of these with one put in the place of its name, or left out.
    pub(super) fn with(&self, name: &str, value: Option<&str>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let others = self.0.iter().filter(|(other, value)| other != name && !value.trim().is_empty());
        query.extend_pairs(others);
        if let Some(value) = value {
            query.append_pair(name, value);
        }
        let query = query.finish();
        if query.is_empty() { query } else { format!("?{query}") }
    }

    /// The same parameters without some.
    pub(super) fn without(&self, names: &[&str]) -> Self {
        Self(self.0.iter().filter(|(name, _)| !names.contains(&name.as_str())).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_changed_by_one_name() {
        let params = Params::of(&Uri::from_static("/x?a=1&b=&c=x%20y&cursor=z"));
        assert_eq!(params.get("b"), None);
        assert_eq!(params.without(&["cursor"]).with("a", None), "?c=x+y");
        assert_eq!(params.with("a", Some("<&>")), "?c=x+y&cursor=z&a=%3C%26%3E");
        assert_eq!(Params::default().with("a", None), "");
    }
}
