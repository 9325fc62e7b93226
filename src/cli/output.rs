//! Where text goes.

use std::io::{self, Write as _};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::{Exit, Failure};

/// Standard output for data, standard error for the rest. A reader that has gone away is not an error.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
}

#[allow(clippy::unused_self, reason = "only who was handed an output may print")]
impl Output {
    pub(crate) const fn new(json: bool, quiet: bool) -> Self {
        Self { json, quiet }
    }

    pub(crate) const fn is_json(self) -> bool {
        self.json
    }

    /// A line of data.
    pub(crate) fn line(self, text: &str) {
        let _ = writeln!(io::stdout().lock(), "{text}");
    }

    /// A line of data that has no end; false when nobody reads it any more.
    pub(crate) fn stream(self, text: &str) -> bool {
        writeln!(io::stdout().lock(), "{text}").is_ok()
    }

    /// The data as JSON, on one line.
    pub(crate) fn value(self, value: &impl Serialize) -> Result<(), serde_json::Error> {
        self.line(&serde_json::to_string(value)?);
        Ok(())
    }

    /// Rows of data, in columns of spaces.
    pub(crate) fn table<C: Into<String>>(self, header: &[&str], rows: impl IntoIterator<Item = Vec<C>>) {
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::NOTHING).set_header(header);
        for row in rows {
            table.add_row(row.into_iter().map(|cell| plain(&cell.into())));
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        for line in table.lines() {
            self.line(line.trim_end());
        }
    }

    /// Facts about one thing, a line each; those that are not known are left out. A value may go over several lines, as
    /// JSON does that somebody laid out.
    pub(crate) fn facts<'a>(self, facts: impl IntoIterator<Item = (&'a str, Option<String>)>) {
        for (name, value) in facts {
            if let Some(value) = value {
                let lines: Vec<String> = value.split('\n').map(plain).collect();
                self.line(&format!("{name:<11} {}", lines.join("\n")));
            }
        }
    }

    /// Something for people, which no program reads.
    pub(crate) fn hint(self, text: &str) {
        if !self.quiet {
            let _ = writeln!(io::stderr().lock(), "{text}");
        }
    }

    /// Says what went wrong.
    pub(crate) fn failure(self, failure: &Failure) -> Exit {
        let Failure { exit, error } = failure;
        // Nothing to say: the data said it.
        let message = format!("{error:#}");
        if !message.is_empty() {
            let _ = writeln!(io::stderr().lock(), "error: {message}");
        }
        *exit
    }

    /// A bar on standard error; nowhere when that is not a terminal.
    pub(crate) fn progress(self, length: u64, what: &'static str) -> ProgressBar {
        let target = if self.quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let style = ProgressStyle::with_template("{prefix} {bar:30} {human_pos}/{human_len}  ETA {eta}  {msg}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        ProgressBar::with_draw_target(Some(length), target).with_style(style).with_prefix(what)
    }
}

/// Text of others, who could have put into it what a terminal obeys.
pub(crate) fn plain(text: &str) -> String {
    let obeyed = |character: char| character.is_control() && character != '\t';
    text.chars().map(|character| if obeyed(character) { '\u{fffd}' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_told_nothing_by_others() {
        assert_eq!(plain("a\u{1b}[31mb\nc\u{9b}d"), "a\u{fffd}[31mb\u{fffd}c\u{fffd}d");
        assert_eq!(plain("✓\tGrüße"), "✓\tGrüße");
    }
}
