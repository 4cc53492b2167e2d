//! Tokens of strict JSON: where values end, and what they are.
//!
//! All of it answers `None` to what is not plainly right. Somebody else then looks at the record, who is
//! slower, takes more, and says what is wrong.

/// Deeper values are left to others.
const DEPTH_MAX: usize = 32;

/// Where something ends: one behind its last byte.
pub(super) type End = usize;

/// Powers of ten that a float holds exactly.
const TENS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];
/// Whole numbers up to here are floats without any loss.
const EXACT_MAX: u64 = 1 << 53;

#[inline]
pub(super) fn skip_space(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
        at += 1;
    }
    at
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Sets the highest bit of each of eight bytes that is below the bound. The lowest that is set is right, and
/// others are wrong only where one is: borrows go upwards.
#[inline]
pub(super) fn below(eight: u64, bound: u8) -> u64 {
    eight.wrapping_sub(ONES * u64::from(bound)) & !eight & HIGHS
}

/// The same of bytes that have to be escaped besides control characters: quotes and backslashes.
#[inline]
pub(super) fn quotes(eight: u64) -> u64 {
    let is = |sign: u8| below(eight ^ (ONES * u64::from(sign)), 1);
    is(b'"') | is(b'\\')
}

/// The first quote or backslash from here on.
#[inline]
pub(super) fn quote(text: &[u8], mut at: usize) -> Option<usize> {
    while let Some(eight) = text.get(at..).and_then(|it| it.first_chunk::<8>()) {
        let found = quotes(u64::from_le_bytes(*eight));
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    let rest = text.get(at..)?;
    rest.iter().position(|it| matches!(it, b'"' | b'\\')).map(|it| at + it)
}

/// Puts a string, of which `at` is the first byte behind its quote, into `out`, without escapes.
#[inline]
pub(super) fn string(text: &[u8], mut at: usize, out: &mut Vec<u8>) -> Option<End> {
    loop {
        let end = quote(text, at)?;
        out.extend_from_slice(&text[at..end]);
        if text[end] == b'"' {
            return Some(end + 1);
        }
        at = escape(text, end + 1, out)?;
    }
}

#[inline]
fn skip_string(text: &[u8], mut at: usize) -> Option<End> {
    loop {
        let end = quote(text, at)?;
        if text[end] == b'"' {
            return Some(end + 1);
        }
        at = escape(text, end + 1, &mut Vec::new())?;
    }
}

/// What stands behind a backslash. Halves of surrogate pairs are left to others.
#[cold]
fn escape(text: &[u8], at: usize, out: &mut Vec<u8>) -> Option<End> {
    let plain = match text.get(at)? {
        sign @ (b'"' | b'\\' | b'/') => *sign,
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'u' => {
            let digits = text.get(at + 1..at + 5)?;
            let digit = |it: &u8| char::from(*it).to_digit(16);
            let code = digits.iter().try_fold(0, |code, it| Some(code << 4 | digit(it)?))?;
            let sign = char::from_u32(code)?;
            out.extend_from_slice(sign.encode_utf8(&mut [0; 4]).as_bytes());
            return Some(at + 5);
        }
        _ => return None,
    };
    out.push(plain);
    Some(at + 1)
}

/// A whole number of at most 18 digits, and nothing that could be more of it behind.
#[inline]
pub(super) fn whole(text: &[u8], at: usize) -> Option<(i64, End)> {
    let is_negative = text.get(at) == Some(&b'-');
    let start = at + usize::from(is_negative);
    let (value, end) = digits(text, start, 0)?;
    let count = end - start;
    let is_plain = count <= 18 && (count == 1 || text[start] != b'0');
    if !is_plain || matches!(text.get(end), Some(b'.' | b'e' | b'E' | b'+' | b'-')) {
        return None;
    }
    let value = value as i64;
    Some((if is_negative { -value } else { value }, end))
}

/// Goes on with a value by all digits that are there, at least one; of more than 19 it is not right.
#[inline]
fn digits(text: &[u8], start: usize, mut value: u64) -> Option<(u64, End)> {
    let mut at = start;
    while let Some(digit) = text.get(at).map(|it| it.wrapping_sub(b'0')).filter(|it| *it < 10) {
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
    (at > start).then_some((value, at))
}

/// Where a number ends that is written as JSON wants it.
#[inline]
pub(super) fn number(text: &[u8], at: usize) -> Option<End> {
    let start = at + usize::from(text.get(at) == Some(&b'-'));
    let (_, mut end) = digits(text, start, 0)?;
    if text[start] == b'0' && end > start + 1 {
        return None;
    }
    if text.get(end) == Some(&b'.') {
        end = digits(text, end + 1, 0)?.1;
    }
    if matches!(text.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(text.get(end + 1), Some(b'+' | b'-')));
        end = digits(text, end + 1 + sign, 0)?.1;
    }
    (!matches!(text.get(end), Some(b'.' | b'e' | b'E' | b'+' | b'-'))).then_some(end)
}

/// The float that is nearest to a number.
#[inline]
pub(super) fn float(text: &[u8], at: usize) -> Option<(f64, End)> {
    let is_negative = text.get(at) == Some(&b'-');
    let start = at + usize::from(is_negative);
    let (mut value, mut end) = digits(text, start, 0)?;
    let mut count = end - start;
    let mut places = 0;
    if text.get(end) == Some(&b'.') {
        let before = end + 1;
        (value, end) = digits(text, before, value)?;
        places = end - before;
        count += places;
    }
    let is_simple = count <= 19
        && value <= EXACT_MAX
        && places < TENS.len()
        && (text[start] != b'0' || matches!(text.get(start + 1), Some(b'.')) || count == 1)
        && !matches!(text.get(end), Some(b'.' | b'e' | b'E' | b'+' | b'-'));
    if is_simple {
        // Both are exact, and so the one division rounds as it should.
        let value = value as f64 / TENS[places];
        return Some((if is_negative { -value } else { value }, end));
    }
    let end = number(text, at)?;
    let value: f64 = std::str::from_utf8(&text[at..end]).ok()?.parse().ok()?;
    value.is_finite().then_some((value, end))
}

#[inline]
pub(super) fn literal(text: &[u8], at: usize, literal: &[u8]) -> Option<End> {
    text.get(at..)?.starts_with(literal).then_some(at + literal.len())
}

/// Where a value of any kind ends.
#[inline]
pub(super) fn skip(text: &[u8], at: usize) -> Option<End> {
    match text.get(at)? {
        b'"' => skip_string(text, at + 1),
        b'-' | b'0'..=b'9' => number(text, at),
        b't' => literal(text, at, b"true"),
        b'f' => literal(text, at, b"false"),
        b'n' => literal(text, at, b"null"),
        b'{' | b'[' => skip_nested(text, at, DEPTH_MAX),
        _ => None,
    }
}

fn skip_nested(text: &[u8], at: usize, depth: usize) -> Option<End> {
    let is_object = text[at] == b'{';
    let close = if is_object { b'}' } else { b']' };
    let mut at = skip_space(text, at + 1);
    if text.get(at) == Some(&close) {
        return Some(at + 1);
    }
    loop {
        if is_object {
            at = literal(text, at, b"\"")?;
            at = skip_space(text, skip_string(text, at)?);
            at = skip_space(text, literal(text, at, b":")?);
        }
        at = match text.get(at)? {
            b'{' | b'[' if depth == 0 => return None,
            b'{' | b'[' => skip_nested(text, at, depth - 1)?,
            _ => skip(text, at)?,
        };
        at = skip_space(text, at);
        match text.get(at)? {
            b',' => at = skip_space(text, at + 1),
            sign if *sign == close => return Some(at + 1),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_what_the_standard_library_says() {
        for text in [
            "0",
            "-0",
            "7",
            "-12",
            "1.5",
            "-0.25",
            "0.1",
            "123456789.123",
            "9007199254740993",
            "1e3",
            "1E-7",
            "2.5e+10",
            "3.141592653589793238",
            "123456789012345678901234",
            "0.0",
            "1.7976931348623157e308",
            "4.9e-324",
            "9999999999999999",
            "0.30000000000000004",
        ] {
            let (found, end) = float(text.as_bytes(), 0).unwrap_or_else(|| panic!("{text}"));
            let expected: f64 = text.parse().unwrap();
            assert_eq!((found.to_bits(), end), (expected.to_bits(), text.len()), "{text}");
            assert_eq!(number(text.as_bytes(), 0), Some(text.len()), "{text}");
        }
        for text in ["", "-", "01", "1.", ".5", "1e", "1e+", "1.2.3", "1-2", "+1", "1e999", "00.1"]
        {
            assert_eq!(float(text.as_bytes(), 0), None, "{text}");
        }
    }

    #[test]
    fn whole_numbers_are_plain_or_left_to_others() {
        let found = |text: &str| whole(text.as_bytes(), 0);
        assert_eq!(found("123456789012345678,"), Some((123_456_789_012_345_678, 18)));
        assert_eq!(found("-5}"), Some((-5, 2)));
        for text in ["1234567890123456789", "01", "1.0", "1e3", "1-", "-", "\"1\"", ""] {
            assert_eq!(found(text), None, "{text}");
        }
    }

    #[test]
    fn strings_end_at_their_quote() {
        let found = |text: &str| {
            let mut out = Vec::new();
            let end = string(text.as_bytes(), 1, &mut out)?;
            Some((String::from_utf8(out).unwrap(), end))
        };
        for (text, expected) in [
            (r#""""#, ""),
            (r#""a longer text € than a word""#, "a longer text € than a word"),
            (r#""a\"b\\c\/\b\f\n\r\t""#, "a\"b\\c/\u{8}\u{c}\n\r\t"),
            (r#""12345678\u20ac""#, "12345678€"),
        ] {
            assert_eq!(found(text), Some((expected.to_owned(), text.len())), "{text}");
            assert_eq!(skip(text.as_bytes(), 0), Some(text.len()), "{text}");
        }
        for text in [r#""a"#, r#""\x""#, r#""\ud83d\ude00""#, r#""\u12""#, "\"12345678"] {
            assert_eq!(found(text), None, "{text}");
        }
    }

    #[test]
    fn values_of_any_kind_are_skipped() {
        for text in [r#"{"a":[1,{"b":null}], "c" : "}" }"#, "[]", "{}", "[ [ ] , true ]", "false"] {
            assert_eq!(skip(text.as_bytes(), 0), Some(text.len()), "{text}");
        }
        for text in ["[1,]", "{\"a\"}", "{\"a\":}", "[1 2]", "{1:2}", "tru", "[", "{\"a\":1,}"] {
            assert_eq!(skip(text.as_bytes(), 0), None, "{text}");
        }
        let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
        assert_eq!(skip(deep.as_bytes(), 0), None);
    }
}
