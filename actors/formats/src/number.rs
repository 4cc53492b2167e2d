//! What a text that looks like a number would become as one.
//!
//! Texts are taken for numbers only if the text comes back from the number: identifiers with leading
//! zeros and numbers with more digits than a type holds would change, and those that differ become one.

/// From here on, not every whole number is a float64.
const EXACT_BITS: u32 = f64::MANTISSA_DIGITS;

/// How a text fits the types of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// An int64, and exact as float64.
    Whole,
    /// An int64 that float64 would round.
    Large,
    /// Beyond int64.
    Beyond,
    /// A float64, in any usual spelling.
    Fraction,
    /// Its digits do not all come back from a float64.
    Rounded,
    /// float64 has no such number: it is infinite, or becomes zero.
    OutOfRange,
    /// `007`, `-0`: no number is written so.
    Padded,
}

impl Spelling {
    /// Of a text that is a number in digits, a point and an exponent, and nothing else.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let bare = text.strip_prefix('-').unwrap_or(text);
        let (mantissa, exponent) = match bare.find(['e', 'E']) {
            Some(at) => (&bare[..at], Some(&bare[at + 1..])),
            None => (bare, None),
        };
        let (whole, decimals) = match mantissa.split_once('.') {
            Some((whole, decimals)) => (whole, Some(decimals)),
            None => (mantissa, None),
        };
        let are_digits = |it: &str| it.bytes().all(|it| it.is_ascii_digit());
        let exponent_digits = exponent.map(|it| it.strip_prefix(['-', '+']).unwrap_or(it));
        let is_number = are_digits(whole)
            && decimals.is_none_or(are_digits)
            && exponent_digits.is_none_or(|it| !it.is_empty() && are_digits(it))
            && (!whole.is_empty() || decimals.is_some_and(|it| !it.is_empty()));
        if !is_number {
            return None;
        }
        let is_whole = decimals.is_none() && exponent.is_none();
        if whole.len() > 1 && whole.starts_with('0') || is_whole && text == "-0" {
            return Some(Self::Padded);
        }
        Some(match is_whole {
            true => of_whole(text),
            false => of_fraction(text, whole, decimals.unwrap_or_default()),
        })
    }

    /// Whether its place can't be read as numbers, whatever else stands there.
    pub(crate) fn is_text(self) -> bool {
        matches!(self, Self::Beyond | Self::OutOfRange | Self::Padded)
    }
}

/// Whether a whole number is the same as float64.
pub(crate) fn is_exact(whole: u64) -> bool {
    whole == 0 || u64::BITS - whole.leading_zeros() - whole.trailing_zeros() <= EXACT_BITS
}

fn of_whole(text: &str) -> Spelling {
    match text.parse::<i64>() {
        Ok(it) if is_exact(it.unsigned_abs()) => Spelling::Whole,
        Ok(_) => Spelling::Large,
        Err(_) => Spelling::Beyond,
    }
}

fn of_fraction(text: &str, whole: &str, decimals: &str) -> Spelling {
    let Ok(value) = text.parse::<f64>() else { return Spelling::OutOfRange };
    let digits = format!("{whole}{decimals}");
    let significant = digits.trim_start_matches('0');
    if value.is_infinite() || value == 0.0 && !significant.is_empty() {
        return Spelling::OutOfRange;
    }
    let significant = significant.trim_end_matches('0');
    let Some(decimals) = significant.len().checked_sub(1) else { return Spelling::Fraction };
    // As many digits of the number as the text has: they are the text's, or it was rounded.
    let back = format!("{:.decimals$e}", value.abs());
    let back = back.split('e').next().unwrap_or_default().replace('.', "");
    if back == significant { Spelling::Fraction } else { Spelling::Rounded }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_a_number_if_it_comes_back_from_it() {
        for (text, expected) in [
            ("0", Some(Spelling::Whole)),
            ("-7", Some(Spelling::Whole)),
            ("9007199254740992", Some(Spelling::Whole)),
            ("9007199254740993", Some(Spelling::Large)),
            ("9223372036854775807", Some(Spelling::Large)),
            ("9223372036854775808", Some(Spelling::Beyond)),
            ("12345678901234567890123", Some(Spelling::Beyond)),
            ("0049123", Some(Spelling::Padded)),
            ("-0", Some(Spelling::Padded)),
            ("00.5", Some(Spelling::Padded)),
            ("0.50", Some(Spelling::Fraction)),
            (".5", Some(Spelling::Fraction)),
            ("5.", Some(Spelling::Fraction)),
            ("0.0", Some(Spelling::Fraction)),
            ("1e5", Some(Spelling::Fraction)),
            ("-1.50E-03", Some(Spelling::Fraction)),
            ("0.1", Some(Spelling::Fraction)),
            ("0.30000000000000004", Some(Spelling::Fraction)),
            ("0.3333333333333333333", Some(Spelling::Rounded)),
            ("12345678901234567890.5", Some(Spelling::Rounded)),
            ("1e400", Some(Spelling::OutOfRange)),
            ("1e-400", Some(Spelling::OutOfRange)),
            ("0e400", Some(Spelling::Fraction)),
            ("", None),
            ("-", None),
            (".", None),
            ("1e", None),
            ("+1", None),
            ("inf", None),
            ("1 ", None),
            ("0x1", None),
        ] {
            assert_eq!(Spelling::of(text), expected, "{text}");
        }
    }
}
