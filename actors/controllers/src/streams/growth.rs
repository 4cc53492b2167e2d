//! How much the logs of open streams have grown since somebody last looked how long they are.
//!
//! A log is looked at, and trimmed, after it has grown by an eighth of its bound, down to seven eighths:
//! so it is never longer than the bound, and few writes look. Who takes over begins to count anew, and
//! a log may then be longer by an eighth until it grows so far.
//!
//! It doesn't know how long a log is: the store does.

use std::collections::BTreeMap;

use weir_domain::{LogLine, Stream, StreamId};
use weir_persistence_api::LogBound;

/// Streams whose growth is known. There are fewer that are open; of more the oldest are looked at.
const STREAMS_MAX: usize = 10_000;
const PARTS: u32 = 8;

pub(super) struct Growth {
    /// At which a log is looked at.
    step: LogBound,
    kept: LogBound,
    streams: BTreeMap<StreamId, LogBound>,
}

impl Growth {
    pub(super) fn within(bound: LogBound) -> Self {
        let step = LogBound {
            lines: (bound.lines / PARTS).max(1),
            bytes: (bound.bytes / u64::from(PARTS)).max(1),
        };
        let kept = LogBound {
            lines: bound.lines.saturating_sub(step.lines),
            bytes: bound.bytes.saturating_sub(step.bytes),
        };
        Self { step, kept, streams: BTreeMap::new() }
    }

    /// What a log is trimmed to.
    pub(super) fn bound(&self) -> LogBound {
        self.kept
    }

    /// The streams whose logs are to be looked at, now that this is written.
    pub(super) fn add(&mut self, written: &[Written]) -> Vec<StreamId> {
        let mut grown: Vec<_> = written.iter().filter_map(|it| self.grow(it)).collect();
        while self.streams.len() > STREAMS_MAX {
            grown.extend(self.streams.pop_first().map(|it| it.0));
        }
        grown
    }

    fn grow(&mut self, written: &Written) -> Option<StreamId> {
        let &Written { stream, is_closed, by } = written;
        let known = self.streams.remove(&stream).unwrap_or(LogBound { lines: 0, bytes: 0 });
        let lines = known.lines.saturating_add(by.lines);
        let now = LogBound { lines, bytes: known.bytes.saturating_add(by.bytes) };
        if now.lines >= self.step.lines || now.bytes >= self.step.bytes {
            return Some(stream);
        }
        // One that is closed grows no more.
        if !is_closed && now.lines > 0 {
            self.streams.insert(stream, now);
        }
        None
    }
}

/// By how much a change makes a log longer. Taken before the change is given away to be written, and
/// counted once it is: what was not written is written again.
pub(super) struct Written {
    stream: StreamId,
    is_closed: bool,
    by: LogBound,
}

impl Written {
    pub(super) fn of(changes: &[(Stream, Vec<LogLine>)]) -> Vec<Self> {
        let each = |(stream, lines): &(Stream, Vec<LogLine>)| {
            let bytes: usize = lines.iter().map(|it| it.text.len()).sum();
            let lines = u32::try_from(lines.len()).unwrap_or(u32::MAX);
            let by = LogBound { lines, bytes: bytes as u64 };
            Self { stream: stream.id, is_closed: stream.state.is_closed(), by }
        };
        changes.iter().map(each).collect()
    }
}

#[cfg(test)]
mod tests {
    use weir_domain::StreamState;

    use super::super::gatherer::tests::{line, stream};
    use super::*;

    fn growth() -> Growth {
        Growth::within(LogBound { lines: 24, bytes: 800 })
    }

    fn lines(count: usize, text: &str) -> Vec<LogLine> {
        vec![line(text); count]
    }

    #[test]
    fn a_log_is_looked_at_when_it_grew_by_an_eighth() {
        let mut growth = growth();
        assert_eq!(growth.bound(), LogBound { lines: 21, bytes: 700 });
        let (one, two) = (stream(1, 1), stream(2, 1));
        let changes = |n| [(one.clone(), lines(n, "a")), (two.clone(), lines(1, "b"))];
        assert_eq!(growth.add(&Written::of(&changes(1))), []);
        assert_eq!(growth.add(&Written::of(&changes(2))), [one.id]);
        assert_eq!(growth.add(&Written::of(&changes(2))), [two.id], "the first one begins anew");
        let long = [(one.clone(), lines(1, &"x".repeat(100)))];
        assert_eq!(growth.add(&Written::of(&long)), [one.id]);
    }

    #[test]
    fn of_closed_streams_and_of_too_many_nothing_is_kept() {
        let mut growth = growth();
        let closed = Stream { state: StreamState::Committed, ..stream(1, 1) };
        assert_eq!(growth.add(&Written::of(&[(closed, lines(2, "a"))])), []);
        assert!(growth.streams.is_empty());
        let many: Vec<_> = (0..=STREAMS_MAX).map(|n| (stream(n, 1), lines(1, "a"))).collect();
        assert_eq!(growth.add(&Written::of(&many)), [stream(0, 1).id], "the oldest");
        assert_eq!(growth.streams.len(), STREAMS_MAX);
    }
}
