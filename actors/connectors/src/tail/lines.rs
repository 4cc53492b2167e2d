//! Lines out of a piece of a file.

use std::ops::Range;

use bytes::Bytes;

/// A line, and the byte of the file that it begins at.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) at: u64,
    pub(super) body: Bytes,
    /// It is longer than a line may be: this is its beginning, and the rest is left out.
    pub(super) is_long: bool,
}

/// Which part of a piece is taken.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) lines: Vec<Line>,
    /// How many bytes of the piece were taken.
    pub(super) bytes: u64,
    /// What comes next belongs to a line that is left out.
    pub(super) is_within: bool,
}

/// What a piece is, and what is to be taken of it.
pub(super) struct Piece {
    /// Where it begins in the file.
    pub(super) at: u64,
    pub(super) bytes: Bytes,
    /// It begins within a line that is left out.
    pub(super) is_within: bool,
    /// Nothing comes behind it: the last line has no end.
    pub(super) is_last: bool,
}

/// The lines that have their end. A piece can be longer than the longest line.
pub(super) fn lines(piece: &Piece, longest: usize) -> Taken {
    let (bytes, mut taken, mut start) = (&piece.bytes, Taken::default(), 0);
    if piece.is_within {
        let Some(end) = bytes.iter().position(|it| *it == b'\n') else {
            let (bytes, is_within) = (bytes.len() as u64, !piece.is_last);
            return Taken { bytes, is_within, ..taken };
        };
        start = end + 1;
    }
    while let Some(length) = bytes[start..].iter().position(|it| *it == b'\n') {
        taken.lines.push(line(piece, start..start + length, longest));
        start += length + 1;
    }
    let is_long = bytes.len() - start > longest;
    if is_long || (piece.is_last && start < bytes.len()) {
        taken.lines.push(line(piece, start..bytes.len(), longest));
        taken.is_within = is_long && !piece.is_last;
        start = bytes.len();
    }
    Taken { bytes: start as u64, ..taken }
}

fn line(piece: &Piece, range: Range<usize>, longest: usize) -> Line {
    let (at, body) = (piece.at + range.start as u64, piece.bytes.slice(range));
    let length = body.strip_suffix(b"\r").unwrap_or(&body).len();
    Line { at, body: body.slice(..length.min(longest)), is_long: length > longest }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(text: &'static str, is_within: bool, is_last: bool) -> (Vec<&'static str>, u64, bool) {
        let bytes = Bytes::from_static(text.as_bytes());
        let found = lines(&Piece { at: 100, bytes, is_within, is_last }, 5);
        let texts = found.lines.iter().map(|it| {
            let start = (it.at - 100) as usize;
            assert_eq!(it.body, &text[start..start + it.body.len()]);
            if it.is_long { "(long)" } else { &text[start..start + it.body.len()] }
        });
        (texts.collect(), found.bytes, found.is_within)
    }

    #[test]
    fn lines_are_taken_once_they_have_their_end() {
        assert_eq!(taken("", false, false), (vec![], 0, false));
        assert_eq!(taken("ab\r\n\ncd", false, false), (vec!["ab", ""], 5, false));
        assert_eq!(taken("ab\r\n\ncd", false, true), (vec!["ab", "", "cd"], 7, false));
        assert_eq!(taken("12345", false, false), (vec![], 0, false));
    }

    #[test]
    fn a_line_that_is_too_long_is_one_bad_one() {
        assert_eq!(taken("a\n123456", false, false), (vec!["a", "(long)"], 8, true));
        assert_eq!(taken("7890", true, false), (vec![], 4, true));
        assert_eq!(taken("789\nb\nc", true, false), (vec!["b"], 6, false));
        assert_eq!(taken("789", true, true), (vec![], 3, false));
        assert_eq!(taken("123456\nb\n", false, false), (vec!["(long)", "b"], 9, false));
    }
}
