//! `angarium openapi`: the documents of the API, as this binary serves them.

use clap::Args;

use super::Output;
use crate::api;

/// Which document.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct OpenApiArgs {
    /// The document in version 3.0, for generators that know nothing newer
    #[arg(long = "3.0")]
    older: bool,
    /// A Postman collection
    #[arg(long)]
    postman: bool,
    /// The page about error codes
    #[arg(long)]
    errors: bool,
}

/// Prints the document.
pub(super) fn run(args: &OpenApiArgs, output: Output) {
    let OpenApiArgs { older, postman, errors } = *args;
    let document = match (older, postman, errors) {
        (true, _, _) => api::openapi::older_json(),
        (_, true, _) => api::openapi::postman_json(),
        (_, _, true) => api::openapi::errors_markdown(),
        (false, false, false) => api::openapi::json(),
    };
    output.line(document.trim_end());
}
