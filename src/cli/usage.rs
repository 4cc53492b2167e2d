//! A command line that can't be meant, refused as everything else is: what, why, what to do, a code,
//! and as JSON where that is asked for. The parser's own text has it all, in another shape.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use weir_domain::did_you_mean;

use super::exit::Reason;
use super::failure::Failure;
use super::output::Format;

const WHAT: &str = "the command line is wrong";

/// `None`: it is no error, but a help or a version that was asked for.
pub(crate) fn refused(error: &clap::Error) -> Option<Failure> {
    match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => None,
        _ => Some(Failure::new(Reason::Usage, WHAT, why(error)).with_hint(hint(error))),
    }
}

/// What the parser says first, in one line: `unexpected argument '--stat' found`, and what would do.
fn why(error: &clap::Error) -> String {
    let text = error.to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let first = text.split("\n\n").next().unwrap_or(text);
    first.lines().map(str::trim).filter(|it| !it.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The right word where one is near, else how the command is written.
fn hint(error: &clap::Error) -> String {
    use ContextKind::{
        InvalidArg, InvalidSubcommand, InvalidValue, SuggestedArg, SuggestedSubcommand,
        SuggestedValue,
    };
    let kinds = [
        (InvalidSubcommand, SuggestedSubcommand),
        (InvalidArg, SuggestedArg),
        (InvalidValue, SuggestedValue),
    ];
    let near = kinds.into_iter().find_map(|(given, near)| {
        let (given, near) = (texts(error.get(given)?), texts(error.get(near)?));
        let nearest = did_you_mean(given.first()?, near.iter().map(String::as_str));
        nearest.map(str::to_owned).or_else(|| near.first().cloned())
    });
    let usage = error.get(ContextKind::Usage).map(ToString::to_string).unwrap_or_default();
    let usage = usage.strip_prefix("Usage:").unwrap_or(&usage);
    let usage = usage.split_whitespace().collect::<Vec<_>>().join(" ");
    match (near, usage.is_empty()) {
        (Some(near), _) => format!("did you mean '{near}'?"),
        (None, false) => usage,
        (None, true) => "weir --help".to_owned(),
    }
}

fn texts(value: &ContextValue) -> Vec<String> {
    match value {
        ContextValue::String(it) => vec![it.clone()],
        ContextValue::Strings(them) => them.clone(),
        _ => Vec::new(),
    }
}

/// The format that a command line asks for that can't be read as a whole.
pub(crate) fn format(words: impl IntoIterator<Item = String>) -> Format {
    let mut words = words.into_iter();
    let mut format = Format::Table;
    while let Some(word) = words.next() {
        let value = match word.as_str() {
            "--" => break,
            "-o" | "--output" => words.next(),
            word => {
                let value = word.strip_prefix("--output=").or_else(|| word.strip_prefix("-o"));
                value.map(|it| it.trim_start_matches('=').to_owned())
            }
        };
        let known = value.and_then(|it| <Format as clap::ValueEnum>::from_str(&it, false).ok());
        format = known.unwrap_or(format);
    }
    format
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::Cli;
    use crate::cli::exit::Exit;
    use crate::cli::samples::LOOK;

    fn of(line: &str) -> Option<Failure> {
        refused(&Cli::try_parse_from(line.split(' ')).expect_err("a wrong command line"))
    }

    #[test]
    fn a_slip_says_why_and_what_to_write() {
        let text = |line| of(line).expect("a refusal").text(&LOOK);
        assert_eq!(
            text("weir worfklow list"),
            "\
error: the command line is wrong
why:   unrecognized subcommand 'worfklow'
hint:  did you mean 'workflow'?
code:  WEIR-07310
"
        );
        assert_eq!(
            text("weir cluster move access-coordinator"),
            "\
error: the command line is wrong
why:   the following required arguments were not provided: <NODE>
hint:  weir cluster move <LEASE> <NODE>
code:  WEIR-07310
"
        );
        let states = text("weir stream list --state done");
        assert!(states.contains("why:   invalid value 'done' for '--state <STATE>' ["), "{states}");
        assert_eq!(of("weir stream show 17").map(|it| it.exit), Some(Exit::Usage));
    }

    #[test]
    fn a_help_that_was_asked_for_is_no_refusal() {
        for line in ["weir", "weir --help", "weir stream", "weir stream list --help", "weir -V"] {
            assert!(of(line).is_none(), "{line}");
        }
    }

    #[test]
    fn the_format_is_found_also_where_the_rest_is_wrong() {
        let format = |line: &str| format(line.split(' ').map(str::to_owned));
        for line in ["x -o json", "-ojson x", "x --output=json", "x --output json y"] {
            assert_eq!(format(line), Format::Json, "{line}");
        }
        for line in ["x", "x -o", "x -o nothing", "x -- -o json", "x --out json"] {
            assert_eq!(format(line), Format::Table, "{line}");
        }
    }
}
