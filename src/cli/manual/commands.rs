//! The page about commands.

use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory as _};

use super::super::{Cli, Exit};

const HEAD: &str = "\
# The command line

Data goes to standard output, hints and progress to standard error, so that a pipe gets data only. With `--json` the
data is one JSON value; `tail` and `receiver` print one a line. Nothing but the help is coloured, and that not where
`NO_COLOR` is set. Secrets are read from files, the environment or standard input, never from the arguments.

This page is written by `angarium reference cli`.
";

/// The page.
pub(super) fn markdown() -> String {
    let mut page = HEAD.to_owned();
    page.push_str("\n## Exit codes\n\n| code | meaning |\n|---|---|\n");
    for exit in Exit::ALL {
        // A string takes everything.
        let _ = writeln!(page, "| {} | {} |", exit.code(), exit.meaning());
    }
    page.push_str("| 130 | Interrupted by `^C`. |\n");
    let mut program = Cli::command();
    program.build();
    page.push_str("\n## Options of every command\n");
    write_arguments(&program, Arg::is_global_set, &mut page);
    for command in program.get_subcommands().filter(|command| command.get_name() != "help") {
        write_command(command, 2, &mut page);
    }
    page
}

fn write_command(command: &Command, depth: usize, page: &mut String) {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    let _ = write!(page, "\n{} {name}\n\n", "#".repeat(depth));
    if let Some(about) = command.get_about() {
        let _ = writeln!(page, "{about}.");
    }
    let aliases: Vec<_> = command.get_visible_aliases().map(|alias| format!("`{alias}`")).collect();
    if !aliases.is_empty() {
        let _ = writeln!(page, "\nAlso called {}.", aliases.join(", "));
    }
    let children: Vec<_> = command.get_subcommands().filter(|child| child.get_name() != "help").collect();
    if children.is_empty() {
        let usage = command.clone().render_usage().to_string();
        let _ = writeln!(page, "\n```text\n{}\n```", usage.trim_start_matches("Usage: ").trim());
        write_arguments(command, |argument| !argument.is_global_set(), page);
    }
    for child in children {
        write_command(child, depth + 1, page);
    }
}

fn write_arguments(command: &Command, wanted: impl Fn(&Arg) -> bool, page: &mut String) {
    let is_help = |argument: &Arg| matches!(argument.get_id().as_str(), "help" | "version");
    let arguments: Vec<_> = command.get_arguments().filter(|argument| wanted(argument) && !is_help(argument)).collect();
    if arguments.is_empty() {
        return;
    }
    page.push_str("\n| argument | |\n|---|---|\n");
    for argument in arguments {
        let _ = writeln!(page, "| `{}` | {} |", spelling(argument), about(argument).replace('|', "\\|"));
    }
}

/// `-d, --data <JSON>`, or `<ID>...`.
fn spelling(argument: &Arg) -> String {
    let names = argument.get_value_names().unwrap_or_default();
    let takes = argument.get_action().takes_values();
    let value = names.iter().filter(|_| takes).map(|name| format!("<{name}>")).collect::<Vec<_>>().join(" ");
    let many = if argument.is_positional() && argument.get_num_args().is_some_and(|n| n.max_values() > 1) {
        "..."
    } else {
        ""
    };
    let short = argument.get_short().map(|short| format!("-{short}"));
    let long = argument.get_long().map(|long| format!("--{long}"));
    let others = argument.get_visible_aliases().unwrap_or_default().into_iter().map(|alias| format!("--{alias}"));
    let spellings: Vec<_> = short.into_iter().chain(long).chain(others).collect();
    format!("{} {value}{many}", spellings.join(", ")).trim().to_owned()
}

fn about(argument: &Arg) -> String {
    let mut about = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let listed = |values: Vec<String>| values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ");
    if argument.get_action().takes_values() {
        let possible: Vec<_> = argument.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
        if !possible.is_empty() {
            let _ = write!(about, " [one of {}]", listed(possible));
        }
        let defaults: Vec<_> =
            argument.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
        if !defaults.is_empty() {
            let _ = write!(about, " [default: {}]", listed(defaults));
        }
        if let Some(variable) = argument.get_env() {
            let _ = write!(about, " [variable: `{}`]", variable.to_string_lossy());
        }
    }
    about
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_on_the_page() {
        let page = markdown();
        for heading in ["## angarium send", "### angarium deliveries list", "### angarium endpoints rotate-secret"] {
            assert!(page.contains(&format!("\n{heading}\n")), "{heading}");
        }
        assert!(page.contains("`-d, --data <JSON>`"), "{page}");
    }
}
