//! Where one CSV record ends and the next begins, by the decoder's own tokenizer.
//!
//! Only for what the decoder can't tell: the header, the sample for inference, and the records
//! of a batch that was refused.

use memchr::memchr;

use super::dialect::Dialect;
use crate::isolate::Span;

/// What was found next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A record with its number of cells, and where the search goes on.
    Record { span: Span, cells: usize, next: usize },
    /// No whole record is left in the window; the next one begins at `from`.
    More { from: usize },
    /// The input ends within quotes that were opened in the record at `from`.
    Unclosed { from: usize },
    /// The input holds no further record.
    End,
}

pub(crate) struct Splitter {
    tokenizer: csv_core::Reader,
    comment: Option<u8>,
}

impl Splitter {
    pub(crate) fn new(dialect: &Dialect) -> Self {
        Self { tokenizer: dialect.tokenizer(), comment: dialect.comment }
    }

    /// The record at or after `from`. `complete` says that nothing follows after `bytes`.
    pub(crate) fn next(&mut self, bytes: &[u8], from: usize, complete: bool) -> Step {
        let start = match self.skip(bytes, from) {
            Ok(start) => start,
            Err(_) if complete => return Step::End,
            Err(from) => return Step::More { from },
        };
        self.tokenizer.reset();
        let (mut output, mut ends) = ([0; 1024], [0; 64]);
        let (mut at, mut cells) = (start, 0);
        while at < bytes.len() {
            let (result, read, _, ended) =
                self.tokenizer.read_record(&bytes[at..], &mut output, &mut ends);
            cells += ended;
            at += read;
            if matches!(result, csv_core::ReadRecordResult::Record) {
                return Step::Record { span: start..trimmed(bytes, start, at), cells, next: at };
            }
        }
        if !complete {
            return Step::More { from: start };
        }
        // A newline ends the last record, unless it stands within quotes.
        let (result, _, _, ended) = self.tokenizer.read_record(b"\n", &mut output, &mut ends);
        match result {
            csv_core::ReadRecordResult::Record => {
                let span = start..trimmed(bytes, start, at);
                Step::Record { span, cells: cells + ended, next: at }
            }
            _ => Step::Unclosed { from: start },
        }
    }

    /// The cells of one record.
    pub(crate) fn cells(&mut self, record: &[u8]) -> Vec<Vec<u8>> {
        self.tokenizer.reset();
        // Cells never take more room than the record, and there are never more of them than bytes.
        let mut output = vec![0; record.len() + 1];
        let mut ends = vec![0; record.len() + 2];
        let (_, _, written, ended) = self.tokenizer.read_record(record, &mut output, &mut ends);
        let (output_rest, ends_rest) = (&mut output[written..], &mut ends[ended..]);
        let (_, _, _, last) = self.tokenizer.read_record(b"\n", output_rest, ends_rest);
        let mut start = 0;
        let cell = |end: &usize| {
            let cell = output[start..*end].to_vec();
            start = *end;
            cell
        };
        ends[..ended + last].iter().map(cell).collect()
    }

    /// The beginning of the next record, behind blank lines and comments; or how far they are
    /// whole, if there is none.
    fn skip(&self, bytes: &[u8], mut from: usize) -> Result<usize, usize> {
        loop {
            from += bytes[from..].iter().take_while(|it| matches!(it, b'\r' | b'\n')).count();
            match bytes.get(from) {
                Some(byte) if self.comment == Some(*byte) => {
                    from += memchr(b'\n', &bytes[from..]).ok_or(from)?;
                }
                Some(_) => return Ok(from),
                None => return Err(from),
            }
        }
    }
}

fn trimmed(bytes: &[u8], start: usize, mut end: usize) -> usize {
    while end > start && matches!(bytes[end - 1], b'\r' | b'\n') {
        end -= 1;
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CsvChar, CsvConfig};

    fn splitter() -> Splitter {
        let comment = Some(CsvChar(b'#'));
        let dialect = Dialect::new(&CsvConfig { comment, ..CsvConfig::default() });
        Splitter::new(&dialect.expect("it is valid"))
    }

    fn split(text: &str) -> Vec<(&str, usize)> {
        let (mut splitter, mut at, mut found) = (splitter(), 0, Vec::new());
        loop {
            match splitter.next(text.as_bytes(), at, true) {
                Step::Record { span, cells, next } => {
                    found.push((&text[span], cells));
                    at = next;
                }
                Step::Unclosed { from } => {
                    found.push((&text[from..], 0));
                    return found;
                }
                Step::More { .. } => panic!("{text} is complete"),
                Step::End => return found,
            }
        }
    }

    #[test]
    fn records_end_at_newlines_outside_quotes() {
        for (text, expected) in [
            ("", &[][..]),
            ("\n\r\n\n", &[]),
            ("a,b\n1,2", &[("a,b", 2), ("1,2", 2)]),
            ("a,b\r\n\r\n1,2\r\n", &[("a,b", 2), ("1,2", 2)]),
            ("\"x\ny\",2\nz", &[("\"x\ny\",2", 2), ("z", 1)]),
            ("\"x\"\"\n\"\"y\"\nz\n", &[("\"x\"\"\n\"\"y\"", 1), ("z", 1)]),
            ("# c, d\na\n#end", &[("a", 1)]),
            ("a,\"b\nc\n", &[("a,\"b\nc\n", 0)]),
            ("a,\"b\"", &[("a,\"b\"", 2)]),
            (",,\n\"\"\n", &[(",,", 3), ("\"\"", 1)]),
        ] {
            assert_eq!(split(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_record_of_many_cells_is_counted_to_its_end() {
        let wide = format!("{}x", "x,".repeat(5000));
        assert_eq!(split(&wide), [(wide.as_str(), 5001)]);
    }

    #[test]
    fn cells_come_without_their_quotes() {
        for (record, expected) in
            [("a,\"b,\"\"c\"\"\",", "a|b,\"c\"|"), ("x", "x"), ("\"\"", ""), ("a,b\"c", "a|b\"c")]
        {
            let cells = splitter().cells(record.as_bytes());
            let text: Vec<_> = cells.iter().map(|it| String::from_utf8_lossy(it)).collect();
            assert_eq!(text.join("|"), expected, "{record}");
        }
    }

    #[test]
    fn an_incomplete_record_waits_for_more() {
        for (text, from) in [("\n\na,b", 2), ("a,\"b\n", 0), ("\n#comment", 1), ("", 0)] {
            assert_eq!(splitter().next(text.as_bytes(), 0, false), Step::More { from }, "{text}");
        }
    }
}
