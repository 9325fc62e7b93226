//! `angarium metrics`: what the numbers of `/metrics` are called and mean.

use super::{Outcome, Output};
use crate::telemetry::{Metrics, reference};

/// Prints the reference: as Markdown, or with `--json` as one list.
pub(super) fn run(output: Output) -> Outcome {
    if output.is_json() {
        output.value(&serde_json::to_value(Metrics::new().described())?)?;
    } else {
        output.line(reference().trim_end());
    }
    Ok(())
}
