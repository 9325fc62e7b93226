//! What `/metrics` says.

use super::TestApp;

/// A metric's value, summed over its labels.
pub(crate) fn value(text: &str, name: &str) -> f64 {
    let lines = text.lines().filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{'])));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

impl TestApp {
    /// What a gauge or a counter shows, rounded.
    pub(crate) async fn metric(&self, name: &str) -> i64 {
        let text = self.client.get("/metrics").await.expect(200).text;
        #[expect(clippy::cast_possible_truncation, reason = "tests count to small numbers")]
        let rounded = value(&text, name).round() as i64;
        rounded
    }
}
