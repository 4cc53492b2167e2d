//! A command line that can't be meant, refused as everything else is: what, why, what to do, a code,
//! and as JSON where that is asked for. The parser's own text has it all, in another shape.

use std::error::Error as _;

use clap::CommandFactory as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use weir_domain::{Misread, did_you_mean};

use super::Cli;
use super::exit::Reason;
use super::failure::Failure;
use super::output::Format;

const WHAT: &str = "the command line is wrong";

/// `None`: it is no error, but a help or a version that was asked for; or the help is the better
/// answer, which a program that reads JSON is not given.
pub(crate) fn refused(error: &clap::Error, words: &[String]) -> Option<Failure> {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => None,
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand
            if format(words) == Format::Json =>
        {
            let failure = Failure::new(Reason::Usage, WHAT, "it names no command");
            Some(failure.with_hint(format!("{} --help", command(words))))
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => None,
        _ => Some(Failure::new(Reason::Usage, WHAT, why(error)).with_hint(hint(error, words))),
    }
}

/// What the parser says first, in one line: `unexpected argument '--stat' found`, and what would do.
fn why(error: &clap::Error) -> String {
    let text = error.to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let first = text.split("\n\n").next().unwrap_or(text);
    let first = first.lines().map(str::trim).filter(|it| !it.is_empty());
    let first = first.collect::<Vec<_>>().join(" ");
    // A number's own parser speaks of digits in strings.
    match error.source().map(ToString::to_string) {
        Some(cause) => first.replace(&cause, &Misread::of(&cause).words().0),
        None => first,
    }
}

/// The right word where one is near, else how the command is written.
fn hint(error: &clap::Error, words: &[String]) -> String {
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
        (None, true) => format!("{} --help", command(words)),
    }
}

/// The command that the words begin with: `weir stream show`.
fn command(words: &[String]) -> String {
    let all = Cli::command();
    let (mut known, mut path) = (&all, "weir".to_owned());
    for word in words.iter().skip(1) {
        if let Some(found) = known.find_subcommand(word) {
            path = format!("{path} {}", found.get_name());
            known = found;
        }
    }
    path
}

fn texts(value: &ContextValue) -> Vec<String> {
    match value {
        ContextValue::String(it) => vec![it.clone()],
        ContextValue::Strings(them) => them.clone(),
        _ => Vec::new(),
    }
}

/// Whether a command line that can't be read as a whole asks for no colours.
pub(crate) fn no_color(words: &[String]) -> bool {
    words.iter().take_while(|it| *it != "--").any(|it| it == "--no-color")
}

/// The format that a command line asks for that can't be read as a whole.
pub(crate) fn format(words: &[String]) -> Format {
    let mut words = words.iter();
    let mut format = Format::Table;
    while let Some(word) = words.next() {
        let value = match word.as_str() {
            "--" => break,
            "-o" | "--output" => words.next().cloned(),
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
    use crate::cli::exit::Exit;
    use crate::cli::samples::LOOK;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    fn of(line: &str) -> Option<Failure> {
        let words = words(line);
        refused(&Cli::try_parse_from(&words).expect_err("a wrong command line"), &words)
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
        assert_eq!(
            text("weir --no-color streams list --limit 0x"),
            "\
error: the command line is wrong
why:   invalid value '0x' for '--limit <N>': this is no whole number
hint:  weir stream list --help
code:  WEIR-07310
"
        );
        assert!(text("weir stream show 17").contains("an id looks like 0197a8b0-"));
        assert_eq!(of("weir stream show 17").map(|it| it.exit), Some(Exit::Usage));
    }

    #[test]
    fn a_help_that_was_asked_for_is_no_refusal() {
        for line in ["weir", "weir --help", "weir stream", "weir stream list --help", "weir -V"] {
            assert!(of(line).is_none(), "{line}");
        }
    }

    #[test]
    fn a_program_that_names_no_command_gets_its_problem_document() {
        for (line, hint) in [
            ("weir -o json", "weir --help"),
            ("weir stream -o json", "weir stream --help"),
            ("weir --output=json --no-color", "weir --help"),
        ] {
            let failure = of(line).expect("a refusal");
            let told = failure.text(&LOOK);
            assert!(
                failure.exit == Exit::Usage && told.contains(&format!("hint:  {hint}\n")),
                "{told}"
            );
        }
        assert!(of("weir --help -o json").is_none(), "a help that was asked for");
    }

    #[test]
    fn colours_are_left_out_also_where_the_rest_is_wrong() {
        assert!(no_color(&words("weir --no-color x")) && no_color(&words("weir x --no-color")));
        assert!(!no_color(&words("weir x")) && !no_color(&words("weir x -- --no-color")));
    }

    #[test]
    fn the_format_is_found_also_where_the_rest_is_wrong() {
        let format = |line: &str| format(&words(line));
        for line in ["x -o json", "-ojson x", "x --output=json", "x --output json y"] {
            assert_eq!(format(line), Format::Json, "{line}");
        }
        for line in ["x", "x -o", "x -o nothing", "x -- -o json", "x --out json"] {
            assert_eq!(format(line), Format::Table, "{line}");
        }
    }
}
