//! How the CSV of a sample is written, by its first lines: what ends cells, quotes them, escapes quotes and
//! begins comments, and whether the first line names the columns.

use crate::{CsvChar, CsvConfig};

/// Lines that are looked at.
const LINES_MAX: usize = 100;
const COMMENT: u8 = b'#';

/// Of equally frequent delimiters, the first. Without a name in the first line, that is no header.
pub(super) fn guessed(text: &[u8]) -> CsvConfig {
    let lines: Vec<_> = text
        .split(|it| matches!(it, b'\n' | b'\r'))
        .filter(|it| !it.trim_ascii().is_empty())
        .take(LINES_MAX)
        .collect();
    let comment = has_comments(&lines).then_some(CsvChar(COMMENT));
    let is_record = |it: &&&[u8]| comment.is_none() || it.first() != Some(&COMMENT);
    let lines: Vec<_> = lines.iter().filter(is_record).copied().collect();
    let first = lines.first().copied().unwrap_or_default();
    let delimiter = delimiter(first);
    let quote = quote(&lines, delimiter);
    let mut cells = first.split(|it| *it == delimiter);
    let is_number = |it: &[u8]| {
        let bare = |it: &str| it.trim().trim_matches(char::from(quote)).parse::<f64>().is_ok();
        std::str::from_utf8(it).is_ok_and(bare)
    };
    CsvConfig {
        header: !cells.any(is_number),
        delimiter: CsvChar(delimiter),
        quote: CsvChar(quote),
        escape: is_escaped(&lines, delimiter, quote).then_some(CsvChar(b'\\')),
        comment,
        ..CsvConfig::default()
    }
}

fn delimiter(line: &[u8]) -> u8 {
    let delimiters = [b',', b';', b'\t', b'|'];
    let best = delimiters.into_iter().rev().max_by_key(|it| count(line, *it));
    best.unwrap_or(b',')
}

fn count(line: &[u8], sign: u8) -> usize {
    line.iter().filter(|it| **it == sign).count()
}

/// Lines that begin as comments do. The first alone may be a header, as `#id,name`: if it has as many
/// columns as what follows.
fn has_comments(lines: &[&[u8]]) -> bool {
    let is_comment = |it: &&&[u8]| it.first() == Some(&COMMENT);
    let records: Vec<_> = lines.iter().filter(|it| !is_comment(it)).collect();
    let (Some(first), Some(record)) = (lines.first(), records.first()) else { return false };
    match lines.len() - records.len() {
        0 => false,
        1 if is_comment(&first) => {
            let delimiter = delimiter(record);
            count(first, delimiter) != count(record, delimiter)
        }
        _ => is_comment(&first),
    }
}

/// Single quotes, if there are no others and they stand around cells.
fn quote(lines: &[&[u8]], delimiter: u8) -> u8 {
    if lines.iter().any(|it| it.contains(&b'"')) {
        return b'"';
    }
    let (mut opened, mut closed) = (0, 0);
    for cell in lines.iter().flat_map(|it| it.split(|it| *it == delimiter)) {
        opened += usize::from(cell.len() > 1 && cell.starts_with(b"'"));
        closed += usize::from(cell.len() > 1 && cell.ends_with(b"'"));
    }
    if opened > 0 && opened == closed { b'\'' } else { b'"' }
}

/// Whether a quote behind a backslash does not end its cell.
fn is_escaped(lines: &[&[u8]], delimiter: u8, quote: u8) -> bool {
    let within =
        |it: &[u8]| it[0] == b'\\' && it[1] == quote && it[2] != delimiter && it[2] != quote;
    lines.iter().any(|it| it.windows(3).any(within))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Header, delimiter, quote, escape and comment, those of the default as `-`.
    fn check(text: &str, expected: &str) {
        let found = guessed(text.as_bytes());
        let sign = |it: Option<CsvChar>| it.map_or('-', |it| char::from(it.0));
        let quote = Some(found.quote).filter(|it| it.0 != b'"');
        let header = if found.header { 'h' } else { '-' };
        let all = [
            header,
            sign(Some(found.delimiter)),
            sign(quote),
            sign(found.escape),
            sign(found.comment),
        ];
        assert_eq!(all.iter().collect::<String>(), expected, "{text}");
    }

    #[test]
    fn the_dialect_is_that_of_the_first_lines() {
        check("id,name\n1,x\n", "h,---");
        check("1;x\n", "-;---");
        check("id,name\n1,'a,b'\n2,'c'\n", "h,'--");
        check("id,name\n1,rock 'n' roll\n2,it's\n", "h,---");
        check("id,name\n1,\"a \\\" b\"\n", "h,-\\-");
        check("id,path\n1,\"C:\\\"\n2,\"x\"\n", "h,---");
        check("# made today\n# by hand\nid;name\n1;x\n", "h;--#");
        check("# made today, by hand\nid;name\n1;x\n", "h;--#");
        check("#id,name\n1,x\n", "h,---");
        check("id,tag\n1,a\n#2,b\n", "h,---");
    }
}
