//! A page between a link and what cannot be undone.

use askama::Template;

use super::layout::Frame;

/// Asks whether it is meant.
#[derive(Template)]
#[template(path = "confirm.html", config = "src/dashboard/askama.toml")]
pub(super) struct Confirm {
    pub(super) frame: Frame,
    /// What happens, in a sentence or two.
    pub(super) text: String,
    /// Where the form goes.
    pub(super) action: String,
    pub(super) button: &'static str,
    /// Where one goes who does not mean it.
    pub(super) back: String,
    /// What has to be typed, so that the hand is not quicker than the eye.
    pub(super) typed: Option<String>,
    pub(super) problem: Option<&'static str>,
}
