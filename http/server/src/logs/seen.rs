//! What a follower of a log was told already: who asks another time for what follows is told some of it again.

use std::collections::{BTreeMap, BTreeSet};

use weir_domain::{NodeName, Timestamp};
use weir_http_api::{LogEntry, LogTail, LogTailEnd};

/// Engines log at the same time, and their lines come in turn: what is older than the last line by no more may be missing.
const OVERLAP_MS: i64 = 10_000;
/// Lives of engines that are remembered: more is a cluster of which some lines come twice.
const LIVES_MAX: usize = 4_096;

/// The newest of what was passed on.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The last line of each life of each process.
    lines: BTreeMap<(Option<NodeName>, String), u64>,
    followed: BTreeSet<Option<NodeName>>,
    at: Option<Timestamp>,
    /// What comes may have been passed on.
    is_again: bool,
}

/// What becomes of a message.
#[derive(Debug, PartialEq)]
pub(super) enum Passed {
    On(String),
    /// It is the last one.
    Ended(String, LogTailEnd),
    /// All of it was told before.
    Nothing,
}

impl Seen {
    /// Since when lines may be missing: now, where there was none.
    pub(super) fn since(&self, now: Timestamp) -> Timestamp {
        Timestamp(self.at.unwrap_or(now).0 - OVERLAP_MS)
    }

    pub(super) fn again(&mut self) {
        self.is_again = true;
    }

    pub(super) fn passed(&mut self, text: String) -> Passed {
        // What a newer engine says is passed on as it is.
        let Ok(told) = serde_json::from_str::<LogTail>(&text) else { return Passed::On(text) };
        match told {
            LogTail::Ended { why } => Passed::Ended(text, why),
            LogTail::Followed { node } => match self.followed.insert(node) || !self.is_again {
                true => Passed::On(text),
                false => Passed::Nothing,
            },
            LogTail::Lines { lines } => self.of_lines(text, lines),
            LogTail::Missed { .. } | LogTail::Lost { .. } => Passed::On(text),
        }
    }

    fn of_lines(&mut self, text: String, mut lines: Vec<LogEntry>) -> Passed {
        let count = lines.len();
        lines.retain(|it| {
            let last = self.lines.entry((it.node.clone(), it.life.clone()));
            let last = last.or_insert(0);
            let is_new = it.number > *last || !self.is_again;
            *last = it.number.max(*last);
            is_new
        });
        self.at = self.at.max(lines.iter().map(|it| it.at).max());
        while self.lines.len() > LIVES_MAX {
            self.lines.pop_first();
        }
        match lines.len() {
            0 => Passed::Nothing,
            all if all == count => Passed::On(text),
            _ => {
                let rest = serde_json::to_string(&LogTail::Lines { lines });
                Passed::On(rest.expect("lines are plain values, which are JSON"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn line(node: &str, number: u64) -> Value {
        json!({ "number": number, "at": format!("2026-11-01T00:00:{number:02}.000Z"), "level": "info",
            "target": "t", "message": "m", "node": node, "life": "1" })
    }

    fn lines(lines: &[Value]) -> String {
        json!({ "type": "lines", "lines": lines }).to_string()
    }

    #[test]
    fn each_line_is_passed_on_once_whoever_tells_it() {
        let mut seen = Seen::default();
        let now = Timestamp(5);
        assert_eq!(seen.since(now), Timestamp(5 - OVERLAP_MS));
        let first = lines(&[line("a", 20), line("b", 30)]);
        assert_eq!(seen.passed(first.clone()), Passed::On(first.clone()));
        assert_eq!(seen.since(now).to_string(), "2026-11-01T00:00:20.000Z");
        seen.again();
        assert_eq!(seen.passed(first), Passed::Nothing);
        let Passed::On(rest) = seen.passed(lines(&[line("a", 20), line("a", 21), line("c", 1)]))
        else {
            panic!("some of it is new")
        };
        let Ok(LogTail::Lines { lines: rest }) = serde_json::from_str(&rest) else {
            panic!("{rest}")
        };
        assert_eq!(rest.iter().map(|it| it.number).collect::<Vec<_>>(), [21, 1]);
    }

    #[test]
    fn the_last_word_is_the_engines_and_what_is_not_known_goes_on() {
        let mut seen = Seen::default();
        let ended = json!({ "type": "ended", "why": "barred" }).to_string();
        assert_eq!(seen.passed(ended.clone()), Passed::Ended(ended, LogTailEnd::Barred));
        let newer = json!({ "type": "newer" }).to_string();
        assert_eq!(seen.passed(newer.clone()), Passed::On(newer));
        let followed = json!({ "type": "followed", "node": "a" }).to_string();
        assert_eq!(seen.passed(followed.clone()), Passed::On(followed.clone()));
        seen.again();
        assert_eq!(seen.passed(followed), Passed::Nothing);
    }
}
