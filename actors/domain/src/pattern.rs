//! Patterns that names of items are matched with: `*` is any text, also none and also with `/`;
//! `?` is one character; everything else is itself.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longest pattern, in bytes: no name is longer.
const BYTES_MAX: usize = 2_000;

/// A pattern as it was written. Checked when it is read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct NamePattern(String);

/// A text that is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPattern {
    #[error("a pattern can't be empty: leave it out to mean every name")]
    Empty,
    #[error("the pattern has {0} bytes: at most {BYTES_MAX} can match a name")]
    TooLong(usize),
}

impl NamePattern {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What every matching name begins with.
    pub fn prefix(&self) -> &str {
        self.0.split(['*', '?']).next().unwrap_or_default()
    }

    /// Takes time in proportion to the length of the name times that of the pattern, at most.
    pub fn matches(&self, name: &str) -> bool {
        let (mut pattern, mut rest) = (self.0.as_str(), name);
        // Where to go on when what follows the last `*` does not match: one character later.
        let mut retry: Option<(&str, &str)> = None;
        loop {
            let next = pattern.chars().next();
            let found = rest.chars().next();
            match (next, found) {
                (Some('*'), _) => {
                    pattern = &pattern[1..];
                    retry = Some((pattern, rest));
                    continue;
                }
                (Some(want), Some(got)) if want == '?' || want == got => {
                    pattern = &pattern[want.len_utf8()..];
                    rest = &rest[got.len_utf8()..];
                    continue;
                }
                (None, None) => return true,
                _ => {}
            }
            let Some((after_star, from)) = retry else { return false };
            let Some(skipped) = from.chars().next() else { return false };
            let from = &from[skipped.len_utf8()..];
            (pattern, rest, retry) = (after_star, from, Some((after_star, from)));
        }
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for NamePattern {
    type Error = InvalidPattern;

    fn try_from(text: String) -> Result<Self, InvalidPattern> {
        match text.len() {
            0 => Err(InvalidPattern::Empty),
            1..=BYTES_MAX => Ok(Self(text)),
            more => Err(InvalidPattern::TooLong(more)),
        }
    }
}

impl FromStr for NamePattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        text.to_owned().try_into()
    }
}

impl From<NamePattern> for String {
    fn from(pattern: NamePattern) -> Self {
        pattern.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the definition, at any cost.
    fn naive(pattern: &[char], name: &[char]) -> bool {
        match (pattern.split_first(), name.split_first()) {
            (None, None) => true,
            (Some(('*', more)), _) => (0..=name.len()).any(|at| naive(more, &name[at..])),
            (Some(('?', more)), Some((_, rest))) => naive(more, rest),
            (Some((want, more)), Some((got, rest))) => want == got && naive(more, rest),
            (None, Some(_)) | (Some(_), None) => false,
        }
    }

    /// All texts over the letters, up to that length.
    fn texts(letters: &[char], length: usize) -> Vec<String> {
        let mut all = vec![String::new()];
        let mut last = all.clone();
        for _ in 0..length {
            last = last
                .iter()
                .flat_map(|it| letters.iter().map(move |c| format!("{it}{c}")))
                .collect();
            all.extend(last.clone());
        }
        all
    }

    #[test]
    fn a_pattern_matches_what_its_definition_says() {
        let chars = |it: &str| it.chars().collect::<Vec<_>>();
        for pattern in texts(&['a', '\u{e9}', '*', '?'], 4).iter().filter(|it| !it.is_empty()) {
            let read: NamePattern = pattern.parse().unwrap();
            for name in texts(&['a', '\u{e9}', '/'], 4) {
                let expected = naive(&chars(pattern), &chars(&name));
                assert_eq!(read.matches(&name), expected, "{pattern:?} {name:?}");
                assert!(!expected || name.starts_with(read.prefix()), "{pattern:?} {name:?}");
            }
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        assert_eq!("".parse::<NamePattern>(), Err(InvalidPattern::Empty));
        let long = "a".repeat(BYTES_MAX + 1);
        assert_eq!(long.parse::<NamePattern>(), Err(InvalidPattern::TooLong(BYTES_MAX + 1)));
    }
}
