//! What people write about things: it is stored for ever, and has a bound.

use serde::{Deserialize, Serialize};

pub(crate) const LENGTH_MAX: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("the {what} has {length} characters, and may have {LENGTH_MAX}: say it in fewer")]
pub struct TooLong {
    pub what: String,
    pub length: usize,
}

pub(crate) fn is_short(what: &str, text: &str) -> Result<(), TooLong> {
    match text.chars().count() {
        ..=LENGTH_MAX => Ok(()),
        length => Err(TooLong { what: what.to_owned(), length }),
    }
}

/// Cuts what others wrote to the same length.
pub(crate) fn shorten(text: &mut String) {
    if let Some((end, _)) = text.char_indices().nth(LENGTH_MAX) {
        text.truncate(end);
    }
}
