//! What a change says that it was made of: the header `if-match`, as every route reads it.
//!
//! One etag is taken, with quotes or without. A weak one, `W/"…"`, stands for the strong one: a proxy that
//! compresses answers makes them weak, and what is compared is a digest or a revision all the same. `*` and lists do
//! not say which state was read, and so nothing is changed by them.

use axum::http::HeaderMap;
use axum::http::header::IF_MATCH;

use crate::error::Error;

/// The only etag that is given, without its quotes.
pub(crate) fn given(headers: &HeaderMap) -> Result<Option<String>, Error> {
    let mut lines = headers.get_all(IF_MATCH).iter();
    let Some(line) = lines.next() else { return Ok(None) };
    let text = line.to_str().unwrap_or("?").trim();
    if text == "*" {
        return Err(Error::Unconditional);
    }
    if text.contains(',') || lines.next().is_some() {
        return Err(Error::Invalid {
            pointer: "header/if-match".into(),
            reason: "it has several etags, and does not say which one was read: send that one"
                .into(),
        });
    }
    Ok(Some(text.strip_prefix("W/").unwrap_or(text).trim_matches('"').to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lines: &[&'static str]) -> Result<Option<String>, u16> {
        let mut headers = HeaderMap::new();
        for it in lines {
            headers.append(IF_MATCH, it.parse().unwrap());
        }
        given(&headers).map_err(|it| it.problem().status)
    }

    #[test]
    fn one_etag_is_taken_strong_or_weak() {
        assert_eq!(check(&[]), Ok(None));
        for text in ["\"a1\"", "W/\"a1\"", " a1 "] {
            assert_eq!(check(&[text]), Ok(Some("a1".to_owned())), "{text}");
        }
        assert_eq!(check(&["*"]), Err(428));
        assert_eq!(check(&["\"a1\", \"b2\""]), Err(400));
        assert_eq!(check(&["\"a1\"", "\"b2\""]), Err(400));
    }
}
