//! Where texts go, and in which format.

use std::env;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::time::SystemTime;

use clap::ValueEnum;
use serde::Serialize;
use weir_domain::Timestamp;

use super::exit::Reason;
use super::failure::Failure;
use super::files;
use super::look::Look;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Columns for people
    Table,
    /// As table, with more columns
    Wide,
    Json,
    Yaml,
}

/// The process's stdout and stderr, and how to write on them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    pub(crate) format: Format,
    /// Whether a person sees stdout.
    pub(crate) terminal: bool,
    color: bool,
    color_of_errors: bool,
}

impl Output {
    pub(crate) fn of_process(format: Format, no_color: bool) -> Self {
        let is_set = |name| env::var_os(name).is_some_and(|it| !it.is_empty());
        let is_dumb = env::var_os("TERM").is_some_and(|it| it == "dumb");
        let may_color = !no_color && !is_set("NO_COLOR") && !is_dumb;
        let terminal = io::stdout().is_terminal();
        Self {
            format,
            terminal,
            color: may_color && terminal,
            color_of_errors: may_color && io::stderr().is_terminal(),
        }
    }

    pub(crate) fn look(&self) -> Look {
        Look { wide: self.format == Format::Wide, color: self.color, now: now() }
    }

    /// Prints a value: its JSON or YAML, or what `table` makes of it.
    pub(crate) fn show<T: Serialize>(
        &self,
        value: &T,
        table: impl FnOnce(&T, &Look) -> String,
    ) -> Result<(), Failure> {
        self.print(&self.text(value, table)?)
    }

    pub(crate) fn text<T: Serialize>(
        &self,
        value: &T,
        table: impl FnOnce(&T, &Look) -> String,
    ) -> Result<String, Failure> {
        match self.format {
            Format::Table | Format::Wide => Ok(table(value, &self.look())),
            Format::Json => json(value),
            Format::Yaml => yaml(value),
        }
    }

    /// Writes on stdout. A reader that has gone (`| head`) is no failure.
    pub(crate) fn print(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(files::unwritten("standard output", &error))
            }
            _ => Ok(()),
        }
    }

    /// Tells a person something that is not the answer.
    pub(crate) fn note(&self, text: &str) {
        // Nothing is left to tell it to when stderr is gone.
        let _ = writeln!(io::stderr(), "{text}");
    }

    pub(crate) fn error(&self, failure: &Failure) {
        let text = match self.format {
            Format::Json => json(&failure.document()).unwrap_or_default(),
            Format::Table | Format::Wide | Format::Yaml => {
                failure.text(&Look { wide: false, color: self.color_of_errors, now: now() })
            }
        };
        self.note(text.trim_end());
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where the commands read the clock")]
fn now() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
}

pub(crate) fn json(value: &impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value);
    text.map(|it| it + "\n").map_err(|it| unwritable("JSON", &it))
}

/// Goes through JSON, so that both formats have the same fields in the same shapes.
pub(crate) fn yaml(value: &impl Serialize) -> Result<String, Failure> {
    let value = serde_json::to_value(value).map_err(|it| unwritable("YAML", &it))?;
    let text = serde_saphyr::to_string(&value);
    let text = text.map_err(|it| unwritable("YAML", &it))?;
    Ok(text.trim_end().to_owned() + "\n")
}

pub(crate) fn unwritable(format: &str, error: &impl ToString) -> Failure {
    let failure = Failure::new(Reason::Machine, format!("can't write {format}"), error.to_string());
    failure.with_hint("it is a defect of weir: report it, and use -o table meanwhile")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_is_read_back_as_the_same_value() {
        let value = serde_json::json!({
            "items": [{ "name": "no", "text": "a: b # c\nd", "count": 3, "none": null }],
            "empty": [], "number": "17", "quote": "it's \"so\"", "tilde": "~", "date": "2024-01-01"
        });
        let text = yaml(&value).expect("a text");
        let document = weir_conf::yaml::parse("out.yaml", &text).expect("a document");
        assert_eq!(document.root.to_json(), value, "{text}");
    }
}
