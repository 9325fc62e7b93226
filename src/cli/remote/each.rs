//! The same to each of several things.

use std::fmt::Display;

use serde_json::value::RawValue;

use super::super::{Exit, Failure, Outcome, Output};

/// Acts on each id, and goes on where one fails. `act` gives what to print of it: a line for people, and the API's JSON.
pub(super) async fn each<I: Display>(
    ids: &[I],
    output: Output,
    act: impl AsyncFn(&I) -> Outcome<(String, Box<RawValue>)>,
) -> Outcome {
    let (mut values, mut failures) = (Vec::new(), Vec::new());
    for id in ids {
        match act(id).await {
            Ok((_, value)) if output.is_json() => values.push(value),
            Ok((line, value)) => {
                output.line(&line);
                values.push(value);
            }
            Err(failure) => failures.push(failure.about(id)),
        }
    }
    if output.is_json() {
        match values.as_slice() {
            [] => {}
            [one] if ids.len() == 1 => output.value(one)?,
            many => output.value(&many)?,
        }
    }
    if failures.is_empty() {
        return Ok(());
    }
    let failed = failures.len();
    let last = failures.pop();
    for failure in &failures {
        output.failure(failure);
    }
    match last {
        Some(last) if values.is_empty() => Err(last),
        Some(last) => {
            output.failure(&last);
            Err(Failure::new(Exit::PartlyFailed, format!("{failed} of {} failed", ids.len())))
        }
        None => Ok(()),
    }
}
