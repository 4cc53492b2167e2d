//! What people call a key, a certificate or a host.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use weir_domain::KeyFingerprint;

const LENGTH_MAX: usize = 100;

/// A line of text without spaces around it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Alias(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "an alias is one line of 1 to {LENGTH_MAX} characters and no fingerprint of a key, unlike {0:?}"
)]
pub struct InvalidAlias(String);

impl Alias {
    pub fn new(text: &str) -> Result<Self, InvalidAlias> {
        let trimmed = text.trim();
        let is_short = (1..=LENGTH_MAX).contains(&trimmed.chars().count());
        // Keys are asked for by alias or by fingerprint: one must not be taken for the other.
        let is_fingerprint = trimmed.parse::<KeyFingerprint>().is_ok();
        match is_short && !is_fingerprint && !trimmed.chars().any(char::is_control) {
            true => Ok(Self(trimmed.to_owned())),
            false => Err(InvalidAlias(trimmed.chars().take(LENGTH_MAX).collect())),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Itself, or with the first number in parentheses that makes it free.
    pub(super) fn first_free(&self, is_taken: impl Fn(&Alias) -> bool) -> Self {
        let numbered = (2_u32..).map(|n| Self(format!("{} ({n})", self.0)));
        let mut candidates = std::iter::once(self.clone()).chain(numbered);
        candidates.find(|it| !is_taken(it)).expect("there are more numbers than aliases")
    }
}

impl fmt::Display for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Alias {
    type Err = InvalidAlias;

    fn from_str(text: &str) -> Result<Self, InvalidAlias> {
        Self::new(text)
    }
}

impl<'de> Deserialize<'de> for Alias {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // As it was stored: with its number it may be longer than one that is given.
        String::deserialize(deserializer).map(Self)
    }
}
