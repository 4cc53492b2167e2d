//! Where a field stands in an asset: `spec.stages[read].source`, elements of lists by their name.

use std::fmt;

/// One step from a value to a part of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    Key(String),
    /// The element of a list whose text under the key (`id` or `name`) this is.
    Item(&'static str, String),
}

/// The whole asset where it has no steps.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldPath(pub Vec<Step>);

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = |it: &str| {
            let plain = |it: char| it.is_alphanumeric() || it == '-' || it == '_';
            !it.is_empty() && it.chars().all(plain)
        };
        for (number, step) in self.0.iter().enumerate() {
            match step {
                Step::Item(_, name) if is_plain(name) => write!(f, "[{name}]")?,
                Step::Item(_, name) => write!(f, "[{name:?}]")?,
                Step::Key(key) => {
                    f.write_str(if number > 0 { "." } else { "" })?;
                    if is_plain(key) { f.write_str(key)? } else { write!(f, "{key:?}")? }
                }
            }
        }
        Ok(())
    }
}
