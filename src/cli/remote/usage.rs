//! `usage`: what was used of the plan in a month.

use std::collections::BTreeMap;

use clap::Args;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::api::Api;
use super::super::{Outcome, Output};
use super::list::Filters;

/// Arguments of `usage`.
#[derive(Debug, Args)]
pub(crate) struct UsageArgs {
    /// Which month, such as `2026-11` [default: this one]
    #[arg(long, value_name = "YYYY-MM")]
    month: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Usage {
    month: String,
    total_requests: u64,
    failed_requests: u64,
    monthly_limit: i64,
    overage: u64,
    meters: BTreeMap<String, Meter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meter {
    count: u64,
    monthly_limit: i64,
}

pub(super) async fn run(args: UsageArgs, api: &Api, output: Output) -> Outcome {
    let query = Filters::default().with("month", args.month).query(&[]);
    let raw: Box<RawValue> = api.get(&format!("/analytics/usage?{query}")).await?;
    if output.is_json() {
        output.value(&raw)?;
        return Ok(());
    }
    let Usage { month, total_requests, failed_requests, monthly_limit, overage, meters } =
        serde_json::from_str(raw.get())?;
    let requests = row("requests", total_requests, monthly_limit);
    let meters = meters.iter().map(|(name, Meter { count, monthly_limit })| row(name, *count, *monthly_limit));
    output.table(&["METER", "USED", "LIMIT", "SHARE"], std::iter::once(requests).chain(meters));
    output.hint(&format!("in {month}; {failed_requests} requests failed"));
    if overage > 0 {
        output.hint(&format!("{overage} requests are beyond the plan's limit"));
    }
    Ok(())
}

/// A limit of -1 is none.
fn row(name: &str, used: u64, limit: i64) -> Vec<String> {
    let (limit, share) = match u64::try_from(limit) {
        Ok(limit) => (limit.to_string(), format!("{} %", used.saturating_mul(100) / limit.max(1))),
        Err(_) => ("unlimited".to_owned(), "–".to_owned()),
    };
    vec![name.to_owned(), used.to_string(), limit, share]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_may_be_none_or_nothing() {
        assert_eq!(row("events", 5, -1), ["events", "5", "unlimited", "–"]);
        assert_eq!(row("events", 5, 10), ["events", "5", "10", "50 %"]);
        assert_eq!(row("events", 0, 0), ["events", "0", "0", "0 %"]);
    }
}
