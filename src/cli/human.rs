//! Numbers and times as people read them at a glance; exact values are in JSON.

use std::time::Duration;

use weir_domain::Timestamp;

/// How long ago, in its largest unit: `5s`, `3m`, `2h`, `4d`.
pub(crate) fn age(now: Timestamp, then: Timestamp) -> String {
    let seconds = now.since(then).as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// As [`age`]; a dash where there is no such moment.
pub(crate) fn age_of(now: Timestamp, then: Option<Timestamp>) -> String {
    then.map_or("-".to_owned(), |then| age(now, then))
}

/// How long until a moment, or how long ago it was: `in 89d`, `3d ago`.
pub(crate) fn relative(now: Timestamp, then: Timestamp) -> String {
    if then.0 >= now.0 {
        format!("in {}", age(then, now))
    } else {
        format!("{} ago", age(now, then))
    }
}

/// `9999`, `12.3k`, `4.5M`.
pub(crate) fn count(n: u64) -> String {
    if n < 10_000 {
        return n.to_string();
    }
    scaled(n, 1_000, &["k", "M", "G", "T", "P", "E"])
}

/// `512 B`, `4.0 KiB`, `1.5 GiB`.
pub(crate) fn bytes(n: u64) -> String {
    if n < 1_024 {
        return format!("{n} B");
    }
    scaled(n, 1_024, &[" KiB", " MiB", " GiB", " TiB", " PiB", " EiB"])
}

/// One decimal, rounded down: a million that is not there yet must not be shown.
fn scaled(n: u64, base: u64, units: &[&str]) -> String {
    let (mut whole, mut rest, mut at) = (n / base, n % base, 0);
    while whole >= base && at + 1 < units.len() {
        rest = whole % base;
        whole /= base;
        at += 1;
    }
    format!("{whole}.{}{}", rest * 10 / base, units[at])
}

/// `80ms`, `4.2s`, `3m05s`, `2h10m`.
pub(crate) fn duration(length: Duration) -> String {
    let seconds = length.as_secs();
    match seconds {
        0 => format!("{}ms", length.as_millis()),
        1..60 => format!("{seconds}.{}s", length.subsec_millis() / 100),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
    }
}

/// `1 error`, `2 errors`.
pub(crate) fn plural(n: usize, word: &str) -> String {
    if n == 1 { format!("1 {word}") } else { format!("{n} {word}s") }
}

/// A text from outside on one line, without anything that a terminal would obey.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|it| if it.is_control() { '·' } else { it }).collect()
}

/// A text from outside as one word of a command that is copied to a shell, which takes nothing of it for its own.
pub(crate) fn word(text: &str) -> String {
    let text = plain(text);
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "-_./:,=+@%".contains(it);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_in_their_largest_unit() {
        let age_of_ms = |ms: i64| age(Timestamp(1_000_000_000), Timestamp(1_000_000_000 - ms));
        let ages = [0, 59_999, 60_000, 3_599_999, 7_200_000, 86_400_000 * 3].map(age_of_ms);
        assert_eq!(ages, ["0s", "59s", "1m", "59m", "2h", "3d"]);
        assert_eq!(age(Timestamp(0), Timestamp(5_000)), "0s", "a clock that is behind");
    }

    #[test]
    fn a_moment_is_to_come_or_was() {
        let day = 86_400_000;
        assert_eq!(relative(Timestamp(day), Timestamp(4 * day)), "in 3d");
        assert_eq!(relative(Timestamp(4 * day), Timestamp(day)), "3d ago");
    }

    #[test]
    fn counts_and_bytes_keep_three_figures_or_so() {
        assert_eq!(
            [0, 9_999, 10_000, 12_345, 999_999, 4_560_000].map(count),
            ["0", "9999", "10.0k", "12.3k", "999.9k", "4.5M"]
        );
        assert_eq!(count(u64::MAX), "18.4E");
        assert_eq!(
            [0, 1_023, 1_024, 1_536, 5 << 30].map(bytes),
            ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "5.0 GiB"]
        );
        assert_eq!(bytes(u64::MAX), "15.9 EiB");
    }

    #[test]
    fn durations_keep_two_units() {
        let of = |ms| duration(Duration::from_millis(ms));
        assert_eq!([80, 4_250, 185_000, 7_800_000].map(of), ["80ms", "4.2s", "3m05s", "2h10m"]);
    }

    #[test]
    fn a_text_from_outside_commands_no_terminal() {
        assert_eq!(plain("a\x1b[31mb\nc"), "a·[31mb·c");
    }
}
