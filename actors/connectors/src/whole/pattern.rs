//! Which of the files or objects are meant.

use globset::{GlobBuilder, GlobMatcher};
use regex::Regex;

/// Decides by the path below the input directory or prefix.
#[derive(Debug)]
pub(crate) enum Pattern {
    All,
    /// On the file name alone.
    Name(GlobMatcher),
    Path(GlobMatcher),
    Regex(Regex),
}

/// A pattern that can't be read: the configuration's key, and why.
#[derive(Debug, PartialEq)]
pub(crate) struct BadPattern {
    pub(crate) key: &'static str,
    pub(crate) cause: String,
}

impl Pattern {
    /// Of the keys `glob` and `regex`.
    pub(crate) fn new(glob: Option<&str>, regex: Option<&str>) -> Result<Self, BadPattern> {
        match (glob, regex) {
            (Some(_), Some(_)) => {
                let cause = "glob and regex can't both say which files are meant".to_owned();
                Err(BadPattern { key: "regex", cause })
            }
            (Some(glob), None) => glob_pattern(glob),
            (None, Some(regex)) => regex_pattern(regex),
            (None, None) => Ok(Self::All),
        }
    }

    pub(crate) fn matches(&self, path: &str) -> bool {
        match self {
            Self::All => true,
            Self::Name(glob) => glob.is_match(path.rsplit('/').next().unwrap_or(path)),
            Self::Path(glob) => glob.is_match(path),
            Self::Regex(regex) => regex.is_match(path),
        }
    }
}

fn glob_pattern(text: &str) -> Result<Pattern, BadPattern> {
    let bad = |cause: String| BadPattern { key: "glob", cause };
    if text.is_empty() {
        return Err(bad("an empty glob matches no file".to_owned()));
    }
    let glob = GlobBuilder::new(text).literal_separator(true).build();
    let glob = glob.map_err(|error| bad(format!("{text:?} is no glob: {}", error.kind())))?;
    let matcher = glob.compile_matcher();
    Ok(if text.contains('/') { Pattern::Path(matcher) } else { Pattern::Name(matcher) })
}

fn regex_pattern(text: &str) -> Result<Pattern, BadPattern> {
    // Checked alone first: the frame around it must neither mend nor appear in a message.
    let whole = Regex::new(text).and_then(|_| Regex::new(&format!("^(?:{text})$")));
    whole.map(Pattern::Regex).map_err(|error| {
        let why = match error {
            regex::Error::Syntax(text) => last_line(&text),
            other => other.to_string(),
        };
        BadPattern { key: "regex", cause: format!("{text:?} is no regular expression: {why}") }
    })
}

/// The parser draws the expression with a mark below it; the reason stands in the last line.
fn last_line(text: &str) -> String {
    let line = text.lines().last().unwrap_or(text);
    line.trim().trim_start_matches("error: ").to_owned()
}
