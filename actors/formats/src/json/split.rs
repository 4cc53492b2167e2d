//! Where one JSON record ends and the next begins: at a newline, or between the elements of an
//! array.
//!
//! Nothing is validated here beyond what it takes to find the boundaries. An element whose
//! brackets don't match ends where its nearest open bracket is closed, so that a slip in one
//! element does not take the rest of the array with it.

use memchr::{memchr, memchr2};

use crate::JsonLayout;
use crate::isolate::Span;

/// What was found next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A record, and where the search goes on.
    Record { span: Span, next: usize },
    /// No whole record is left in the window; the next one begins at `from`.
    More { from: usize },
    /// The input holds no further record.
    End,
}

/// The input is not laid out as it should be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Disorder {
    pub(crate) at: usize,
    pub(crate) cause: String,
}

pub(crate) enum Splitter {
    Lines,
    Array(Place),
}

/// Where in the array the search stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Before,
    /// After the bracket that opens it.
    First,
    /// After a comma.
    Next,
    After,
}

impl Place {
    /// Where the search stands after an element and the delimiter that ends it.
    pub(crate) fn after_element(delimiter: u8) -> Self {
        if delimiter == b']' { Self::After } else { Self::Next }
    }
}

impl Splitter {
    pub(crate) fn new(layout: JsonLayout) -> Self {
        match layout {
            JsonLayout::Lines => Self::Lines,
            JsonLayout::Array => Self::Array(Place::Before),
        }
    }

    /// The record at or after `from`. `complete` says that nothing follows after `bytes`.
    pub(crate) fn next(
        &mut self,
        bytes: &[u8],
        from: usize,
        complete: bool,
    ) -> Result<Step, Disorder> {
        match self {
            Self::Lines => Ok(next_line(bytes, from, complete)),
            Self::Array(place) => next_element(place, bytes, from, complete),
        }
    }
}

#[inline]
fn next_line(bytes: &[u8], mut from: usize, complete: bool) -> Step {
    loop {
        let rest = &bytes[from..];
        let (length, next) = match memchr(b'\n', rest) {
            Some(length) => (length, from + length + 1),
            None if complete => (rest.len(), bytes.len()),
            None => return Step::More { from },
        };
        if rest.first() == Some(&b'{') {
            return Step::Record { span: from..from + length, next };
        }
        let line = rest[..length].trim_ascii_start();
        if !line.is_empty() {
            let end = from + length;
            return Step::Record { span: end - line.len()..end, next };
        }
        if next == bytes.len() && complete {
            return Step::End;
        }
        from = next;
    }
}

fn next_element(
    place: &mut Place,
    bytes: &[u8],
    mut from: usize,
    complete: bool,
) -> Result<Step, Disorder> {
    loop {
        from += bytes[from..].iter().take_while(|it| it.is_ascii_whitespace()).count();
        let Some(first) = bytes.get(from) else {
            return at_the_end(*place, from, complete);
        };
        match (*place, first) {
            (Place::Before, b'[') => {
                *place = Place::First;
                from += 1;
            }
            (Place::Before, other) => {
                let cause = format!("the input begins with {:?}, not with '['", char::from(*other));
                return Err(Disorder { at: from, cause });
            }
            // A comma before the closing bracket is forgiven.
            (Place::First | Place::Next, b']') => {
                *place = Place::After;
                from += 1;
            }
            (Place::First | Place::Next, _) => return element(place, bytes, from, complete),
            (Place::After, other) => {
                let cause = format!("{:?} follows after the end of the array", char::from(*other));
                return Err(Disorder { at: from, cause });
            }
        }
    }
}

fn at_the_end(place: Place, from: usize, complete: bool) -> Result<Step, Disorder> {
    match place {
        _ if !complete => Ok(Step::More { from }),
        Place::Before | Place::After => Ok(Step::End),
        Place::First | Place::Next => {
            let cause = "the input ends before the array is closed".into();
            Err(Disorder { at: from, cause })
        }
    }
}

fn element(place: &mut Place, bytes: &[u8], from: usize, complete: bool) -> Result<Step, Disorder> {
    let Some(length) = Scan::default().advance(&bytes[from..]) else {
        if complete {
            let cause = "the input ends within an element of the array".into();
            return Err(Disorder { at: from, cause });
        }
        return Ok(Step::More { from });
    };
    let end = from + length;
    *place = Place::after_element(bytes[end]);
    let span = from..from + bytes[from..end].trim_ascii_end().len();
    Ok(Step::Record { span, next: end + 1 })
}

/// A walk through one element, which may be interrupted where the window ends.
#[derive(Default)]
pub(crate) struct Scan {
    /// The closing brackets that are awaited.
    open: Vec<u8>,
    in_string: bool,
    is_escaped: bool,
}

impl Scan {
    /// Walks on; gives the index of the comma or bracket that ends the element, if it is here.
    pub(crate) fn advance(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            if self.in_string {
                at = self.leave_string(bytes, at);
                continue;
            }
            match bytes[at] {
                b'"' => self.in_string = true,
                b'{' => self.open.push(b'}'),
                b'[' => self.open.push(b']'),
                b',' if self.open.is_empty() => return Some(at),
                close @ (b'}' | b']') => {
                    // What was left open within it is closed with it. A bracket that closes
                    // nothing of the element closes the array, a brace that does is ignored.
                    match self.open.iter().rposition(|it| *it == close) {
                        Some(depth) => self.open.truncate(depth),
                        None if close == b']' => return Some(at),
                        None => {}
                    }
                }
                _ => {}
            }
            at += 1;
        }
        None
    }

    /// The index after the string's end, or the end of the bytes.
    fn leave_string(&mut self, bytes: &[u8], mut at: usize) -> usize {
        if self.is_escaped {
            self.is_escaped = false;
            return at + 1;
        }
        match memchr2(b'"', b'\\', &bytes[at..]) {
            None => return bytes.len(),
            Some(found) => at += found,
        }
        match bytes[at] {
            b'"' => self.in_string = false,
            _ => self.is_escaped = true,
        }
        at + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(layout: JsonLayout, text: &str) -> Result<Vec<&str>, String> {
        let mut splitter = Splitter::new(layout);
        let (mut at, mut found) = (0, Vec::new());
        loop {
            match splitter.next(text.as_bytes(), at, true) {
                Ok(Step::Record { span, next }) => {
                    found.push(&text[span]);
                    at = next;
                }
                Ok(Step::End) => return Ok(found),
                Ok(Step::More { from }) => panic!("{text} is complete, but not after {from}"),
                Err(it) => return Err(format!("{}: {}", it.at, it.cause)),
            }
        }
    }

    #[test]
    fn lines_are_found_whatever_they_end_with() {
        let text = "{\"a\":1}\r\n\n  \t\n {\"a\":2}\nnonsense\n{\"a\":3}";
        let lines = ["{\"a\":1}\r", "{\"a\":2}", "nonsense", "{\"a\":3}"];
        assert_eq!(split(JsonLayout::Lines, text), Ok(lines.to_vec()));
        assert_eq!(split(JsonLayout::Lines, ""), Ok(vec![]));
        assert_eq!(split(JsonLayout::Lines, " \n\n "), Ok(vec![]));
    }

    #[test]
    fn elements_are_found_whatever_they_hold() {
        for (text, expected) in [
            ("", &[][..]),
            (" [ ] ", &[]),
            ("[1, \"a,]\\\"\" ,{\"b\": [1,2]}]\n", &["1", "\"a,]\\\"\"", "{\"b\": [1,2]}"]),
            ("[{},\n{},]", &["{}", "{}"]),
            ("[{},,{}]", &["{}", "", "{}"]),
            ("[{\"a\":[1}, {\"a\":2}]", &["{\"a\":[1}", "{\"a\":2}"]),
            ("[{} {}, }, {}]", &["{} {}", "}", "{}"]),
        ] {
            assert_eq!(split(JsonLayout::Array, text), Ok(expected.to_vec()), "{text}");
        }
    }

    #[test]
    fn an_array_that_is_none_is_refused_with_its_place() {
        for (text, expected) in [
            ("{}", "0: the input begins with '{', not with '['"),
            ("[{}] x", "5: 'x' follows after the end of the array"),
            ("[{},", "4: the input ends before the array is closed"),
            ("[{}, {\"a", "5: the input ends within an element of the array"),
        ] {
            assert_eq!(split(JsonLayout::Array, text), Err(expected.to_owned()));
        }
    }
}
