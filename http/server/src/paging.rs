//! Pages of lists that are too long for one answer.

use weir_http_api::{Cursor, LIMIT_DEFAULT, LIMIT_MAX, Page};

use crate::error::Error;

/// How many elements the page shall have.
pub(crate) fn limit(asked: Option<u32>) -> Result<u32, Error> {
    let limit = asked.unwrap_or(LIMIT_DEFAULT);
    if (1..=LIMIT_MAX).contains(&limit) {
        return Ok(limit);
    }
    let reason = format!("{limit} is not between 1 and {LIMIT_MAX}");
    Err(Error::Invalid { pointer: "query/limit".into(), reason })
}

pub(crate) fn wrong_cursor(reason: &'static str) -> Error {
    Error::Invalid { pointer: "query/cursor".into(), reason: reason.into() }
}

/// A page of what was found. One more than the limit was asked for: if it is there, another page
/// follows.
pub(crate) fn page<T, V: From<T>>(
    mut found: Vec<T>,
    limit: u32,
    after: impl FnOnce(&T) -> Cursor,
) -> Page<V> {
    let limit = limit as usize;
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next_cursor = found.last().filter(|_| has_more).map(after);
    Page { next_cursor, ..Page::whole(found) }
}
