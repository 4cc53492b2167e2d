//! What a scalar means under YAML 1.2's core schema.

use serde_json::Number;

use crate::document::Value;

/// The value of a scalar without quotes, as if it stood alone in a document: what a text becomes when
/// something was put into it. A number too large to be kept exactly stays text.
pub fn plain(text: &str) -> Value {
    resolve(text).unwrap_or_else(|_| Value::Text(text.to_owned()))
}

/// As [`plain`], but says so if the text is a number that can't be kept exactly.
pub(super) fn resolve(text: &str) -> Result<Value, TooLarge> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::Null),
        "true" | "True" | "TRUE" => return Ok(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Value::Bool(false)),
        _ => {}
    }
    match number(text) {
        Some(number) => number.map(Value::Number),
        None => Ok(Value::Text(text.to_owned())),
    }
}

#[derive(Debug, PartialEq)]
pub(super) struct TooLarge;

/// None if the text is not a number.
pub(super) fn number(text: &str) -> Option<Result<Number, TooLarge>> {
    for (prefix, radix) in [("0o", 8), ("0x", 16)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            let fits = !digits.is_empty() && digits.chars().all(|it| it.is_digit(radix));
            let read = || u64::from_str_radix(digits, radix).map(Number::from);
            return fits.then(|| read().map_err(|_| TooLarge));
        }
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !unsigned.is_empty() && unsigned.bytes().all(|it| it.is_ascii_digit()) {
        return Some(integer(text));
    }
    is_float(unsigned).then(|| {
        let read = text.parse().ok().and_then(Number::from_f64);
        read.ok_or(TooLarge)
    })
}

fn integer(text: &str) -> Result<Number, TooLarge> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let unsigned = text.parse::<u64>().map(Number::from);
    unsigned.or_else(|_| text.parse::<i64>().map(Number::from)).map_err(|_| TooLarge)
}

/// `[0-9]* . [0-9]* (e [+-]? [0-9]+)?` with at least one digit before the exponent.
fn is_float(text: &str) -> bool {
    let digits = |it: &str| it.bytes().all(|it| it.is_ascii_digit());
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent_fits = exponent.is_none_or(|it| {
        let it = it.strip_prefix(['-', '+']).unwrap_or(it);
        !it.is_empty() && digits(it)
    });
    digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty()) && exponent_fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_core_schema_decides_what_a_word_is() {
        let check = |text: &str, json: &str| {
            let expected: serde_json::Value = serde_json::from_str(json).unwrap();
            let node = crate::Node::new(plain(text), weir_domain::Place::default());
            assert_eq!(node.to_json(), expected, "{text:?}");
        };
        for text in [
            "no", "on", "yes", "off", "y", "NO", ".", "-", "+", "1_000", "0b1", "1e", "0x", "0o8",
            "1.2.3", "12:30", "e5", ".e5", "0xg", ".inf", ".nan", "inf", "NaN",
        ] {
            check(text, &format!("{text:?}"));
        }
        for text in ["", "~", "null", "Null", "NULL"] {
            check(text, "null");
        }
        check("true", "true");
        check("FALSE", "false");
        check("010", "10");
        check("0o17", "15");
        check("0xFF", "255");
        check("-7", "-7");
        check("+7", "7");
        check("1.50", "1.5");
        check(".5", "0.5");
        check("5.", "5.0");
        check("1e3", "1000.0");
        check("18446744073709551615", "18446744073709551615");
    }

    #[test]
    fn a_number_is_exact_or_refused() {
        assert_eq!(resolve("18446744073709551616"), Err(TooLarge));
        assert_eq!(resolve("1e999"), Err(TooLarge));
        assert_eq!(plain("1e999"), Value::Text("1e999".to_owned()));
    }
}
