//! The page about settings, made of the comments in `config/default.toml`.

use std::fmt::Write as _;

use super::{DEFAULTS, ENVIRONMENT_PREFIX};

const HEAD: &str = "\
# Configuration

Every setting, with its default. A file given by `--config` overrides the defaults, and the environment overrides
both. `angarium config show --origin` prints what a process would have, and where each value comes from.

This page is written by `angarium reference configuration`.
";

/// The page.
#[must_use]
pub fn markdown() -> String {
    let mut page = HEAD.to_owned();
    let mut section = String::new();
    let mut comment: Vec<&str> = Vec::new();
    // The first comment is about the file.
    let (_, settings) = DEFAULTS.split_once("\n\n").unwrap_or_default();
    head_of("", &mut page);
    for line in settings.lines() {
        if let Some(text) = line.strip_prefix('#') {
            comment.push(text.trim());
        } else if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.clone_into(&mut section);
            comment.clear();
            head_of(&section, &mut page);
        } else if let Some((key, default)) = line.split_once(" = ") {
            let path = if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") };
            let variable = format!("{ENVIRONMENT_PREFIX}{}", path.replace('.', "__").to_ascii_uppercase());
            let about = comment.join(" ").replace('|', "\\|");
            // A string takes everything.
            let _ = writeln!(page, "| `{path}` | `{default}` | `{variable}` | {about} |");
            comment.clear();
        }
    }
    page
}

fn head_of(section: &str, page: &mut String) {
    let title = if section.is_empty() { "Of the whole" } else { section };
    let _ = writeln!(page, "\n## {title}\n\n| key | default | variable | |\n|---|---|---|---|");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_on_the_page() {
        let page = markdown();
        let keys = DEFAULTS.lines().filter(|line| line.contains(" = ") && !line.starts_with('#'));
        assert_eq!(page.lines().filter(|line| line.starts_with("| `")).count(), keys.count());
        assert!(page.contains("| `broker.shards` | `1` | `ANGARIUM__BROKER__SHARDS` |"), "{page}");
    }
}
