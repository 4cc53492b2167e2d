//! Which lines a stream's log has got already: what every stream store asks before it adds some.
//!
//! A save whose answer was lost is done again. Lines have no number of their own: one that is the
//! same in all (time, severity, code, text) is taken for the one that is there.

use weir_domain::{LogLine, Timestamp};

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
    fn a_span_holds_all_lines() {
        assert_eq!(span(&[]), None);
        let lines = [line(5, "a"), line(2, "b"), line(9, "c")];
        assert_eq!(span(&lines), Some((Timestamp(2), Timestamp(9))));
    }
}
