//! Which lines a stream's log has got already, and which are too many: what every stream store asks
//! before it adds some, or leaves some out.
//!
//! A save whose answer was lost is done again. Lines have no number of their own: one that is the
//! same in all (time, severity, code, text) is taken for the one that is there.

use weir_domain::{Code, LogLine, Timestamp};

use crate::LogBound;

/// Of the line that stands for those that were left out.
const LEFT_OUT: Code = Code(5_006);
/// Lines that one step leaves out: it ends well before its deadline.
pub const LEFT_OUT_AT_ONCE: u32 = 1_000;

/// The lines that a log has not got yet. A line that stands several times among those to be added
/// is added as often as the log lacks it.
pub fn new_lines<'l>(known: &[LogLine], lines: &'l [LogLine]) -> Vec<&'l LogLine> {
    let mut known: Vec<&LogLine> = known.iter().collect();
    let is_new = |line: &&LogLine| match known.iter().position(|it| it == line) {
        Some(at) => {
            known.swap_remove(at);
            false
        }
        None => true,
    };
    lines.iter().filter(is_new).collect()
}

/// The times of the first and the last of the lines; `None` without lines. What is known of a
/// log is asked for between them.
pub fn span(lines: &[LogLine]) -> Option<(Timestamp, Timestamp)> {
    let times = lines.iter().map(|it| it.at);
    Some((times.clone().min()?, times.max()?))
}

/// Where a log is cut that is too long, given the bytes of its lines, newest first: that line and
/// those before it are left out. `None`: nothing is.
pub fn cut<P>(newest_first: impl IntoIterator<Item = (P, u64)>, bound: LogBound) -> Option<P> {
    let (mut lines, mut bytes, mut last) = (0_u64, 0_u64, None);
    for (place, length) in newest_first {
        (lines, bytes) = (lines + 1, bytes.saturating_add(length));
        let is_too_long = lines > u64::from(bound.lines) || bytes > bound.bytes;
        // One line tells of the others, so that two go at least; the newest stays.
        match last {
            Some(before) if is_too_long => return Some(if lines > 2 { before } else { place }),
            _ => last = Some(place),
        }
    }
    None
}

/// What stands for the lines that are left out, oldest first: for those that an earlier one of its
/// kind stands for, too. With how many are left out now.
pub fn left_out<'l>(lines: impl IntoIterator<Item = (Code, &'l str)>) -> (Code, String, u64) {
    let (mut now, mut before) = (0, 0);
    for (code, text) in lines {
        let counted = text.split_once(' ').and_then(|(count, _)| count.parse::<u64>().ok());
        match counted.filter(|_| code == LEFT_OUT) {
            Some(count) => before += count,
            None => now += 1,
        }
    }
    let all = before + now;
    let text = format!("{all} older lines were left out: a log of a stream is kept up to a length");
    (LEFT_OUT, text, now)
}

#[cfg(test)]
mod tests {
    use weir_domain::Code;

    use super::*;

    fn line(at: i64, text: &str) -> LogLine {
        LogLine { at: Timestamp(at), severity: None, code: Code(3007), text: text.into() }
    }

    #[test]
    fn only_what_is_missing_is_new() {
        let (a, b, later) = (line(1, "a"), line(1, "b"), line(2, "a"));
        let twice = [a.clone(), a.clone(), b.clone()];
        assert_eq!(new_lines(&[], &twice), [&a, &a, &b]);
        assert_eq!(new_lines(&twice, &twice), Vec::<&LogLine>::new());
        assert_eq!(new_lines(std::slice::from_ref(&a), &twice), [&a, &b]);
        assert_eq!(new_lines(&[a], std::slice::from_ref(&later)), [&later]);
    }

    #[test]
    fn a_log_is_cut_where_it_is_too_long() {
        let cut = |lines, bytes, lengths: &[u64]| {
            super::cut((0..).zip(lengths.iter().copied()), LogBound { lines, bytes })
        };
        assert_eq!(cut(3, 100, &[]), None);
        assert_eq!(cut(3, 100, &[10, 10, 10]), None);
        // Two stay: the line that stands for the others is the third.
        assert_eq!(cut(3, 100, &[10, 10, 10, 10]), Some(2));
        assert_eq!(cut(3, 25, &[10, 10, 10]), Some(1));
        // The newest stays, however long it is.
        assert_eq!(cut(3, 25, &[50]), None);
        assert_eq!(cut(3, 25, &[50, 10]), Some(1));
    }

    #[test]
    fn what_was_left_out_is_counted_over_all_times() {
        let line = Code(3_007);
        let (code, text, now) = left_out([(line, "12 a"), (line, "b")]);
        assert_eq!(now, 2);
        assert!(text.starts_with("2 older lines were left out"), "{text}");
        let (_, text, now) = left_out([(code, text.as_str()), (line, "c")]);
        assert_eq!(now, 1);
        assert!(text.starts_with("3 older lines were left out"), "{text}");
    }

    #[test]
    fn a_span_holds_all_lines() {
        assert_eq!(span(&[]), None);
        let lines = [line(5, "a"), line(2, "b"), line(9, "c")];
        assert_eq!(span(&lines), Some((Timestamp(2), Timestamp(9))));
    }
}
