//! What a command prints, with what differs from run to run left out.

/// Ids as `evt_…`, times as `TIME`, durations as `N ms`, and columns two spaces apart, so that nothing depends on how
/// long a value happens to be.
pub(crate) fn shown(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let columns: Vec<String> = line.split("  ").filter(|part| !part.trim().is_empty()).map(column).collect();
        lines.push(columns.join("  "));
    }
    lines.join("\n")
}

fn column(text: &str) -> String {
    let mut words: Vec<String> = text.trim().split(' ').map(word).collect();
    for at in 1..words.len() {
        if words[at].starts_with("ms") {
            "N".clone_into(&mut words[at - 1]);
        }
    }
    words.join(" ")
}

fn word(word: &str) -> String {
    let bare = word.trim_end_matches(['.', ',', ';', '`']);
    let rest = &word[bare.len()..];
    let is_time = bare.len() == 24 && bare.ends_with('Z') && bare.contains('T');
    match bare.split_once('_') {
        Some((prefix, id)) if id.len() == 26 && !prefix.is_empty() => format!("{prefix}_…{rest}"),
        _ if is_time => format!("TIME{rest}"),
        _ => word.to_owned(),
    }
}
