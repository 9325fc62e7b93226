//! Lists of the API: as many rows as are wanted, page by page.

use std::collections::BTreeMap;

use clap::Args;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use url::form_urlencoded;

use super::super::api::Api;
use super::super::{Outcome, Output};

/// Rows that are asked for at once: the largest page.
const PAGE: u32 = 100;

/// How much to show.
#[derive(Debug, Args)]
pub(super) struct LimitArgs {
    /// How many to show at most
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) limit: u32,
}

/// What a list is narrowed by.
#[derive(Default)]
pub(super) struct Filters(Vec<(&'static str, String)>);

impl Filters {
    pub(super) fn with(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        self.0.extend(value.map(|value| (name, value.to_string())));
        self
    }

    pub(super) fn query(&self, more: &[(&str, &str)]) -> String {
        let own = self.0.iter().map(|(name, value)| (*name, value.as_str()));
        form_urlencoded::Serializer::new(String::new()).extend_pairs(own.chain(more.iter().copied())).finish()
    }
}

/// Rows as the API gave them.
pub(super) struct Listed {
    pub(super) rows: Vec<Box<RawValue>>,
    total: u64,
}

#[derive(Deserialize)]
struct Page {
    data: Box<RawValue>,
    pagination: Option<Pagination>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pagination {
    total: u64,
    next_cursor: Option<String>,
}

/// The first rows of a list.
pub(super) async fn list(api: &Api, path: &str, filters: &Filters, wanted: u32) -> Outcome<Listed> {
    let limit = wanted.min(PAGE).to_string();
    let most = usize::try_from(wanted).unwrap_or(usize::MAX);
    let mut listed = Listed { rows: Vec::new(), total: 0 };
    let (mut page, mut cursor) = (1_u32, None);
    loop {
        let number = page.to_string();
        let place = cursor.as_deref().map_or(("page", number.as_str()), |cursor| ("cursor", cursor));
        let query = filters.query(&[("limit", limit.as_str()), place]);
        let answer: Page = api.answer(reqwest::Method::GET, &format!("{path}?{query}"), None, &[]).await?;
        let (rows, total) = split(&answer)?;
        listed.total = listed.total.max(total);
        let is_last = rows.is_empty();
        listed.rows.extend(rows);
        if is_last || listed.rows.len() >= most || listed.rows.len() as u64 >= listed.total {
            listed.rows.truncate(most);
            return Ok(listed);
        }
        page += 1;
        cursor = answer.pagination.and_then(|pagination| pagination.next_cursor);
    }
}

/// The rows of a page, and how many there are in all. Most lists are `data`; a few stand in it, beside their total.
fn split(page: &Page) -> Outcome<(Vec<Box<RawValue>>, u64)> {
    let Page { data, pagination } = page;
    if let Some(Pagination { total, next_cursor: _ }) = pagination {
        return Ok((serde_json::from_str(data.get())?, *total));
    }
    let fields: BTreeMap<String, Box<RawValue>> = serde_json::from_str(data.get())?;
    let total = fields.get("total").map(|total| serde_json::from_str(total.get())).transpose()?;
    let rows = fields.values().find(|value| value.get().starts_with('['));
    let rows = rows.map(|rows| serde_json::from_str(rows.get())).transpose()?;
    Ok((rows.unwrap_or_default(), total.unwrap_or_default()))
}

impl Listed {
    /// The rows, read.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Outcome<Vec<T>> {
        Ok(self.rows.iter().map(|row| serde_json::from_str(row.get())).collect::<Result<_, _>>()?)
    }

    /// Prints a row of cells for each.
    pub(super) fn print<T: DeserializeOwned>(
        self,
        output: Output,
        header: &[&str],
        cells: impl Fn(T) -> Vec<String>,
    ) -> Outcome {
        let Self { rows, total } = &self;
        if output.is_json() {
            output.value(rows)?;
        } else {
            output.table(header, self.read::<T>()?.into_iter().map(cells));
        }
        if (rows.len() as u64) < *total {
            output.hint(&format!("{} of {total}; --limit shows more", rows.len()));
        }
        Ok(())
    }
}
