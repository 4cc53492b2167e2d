//! What waits to be written: of each stream its newest state and its new log lines, and those who
//! wait until they are durable.
//!
//! Invariants:
//! - B1: a stream whose last state somebody waits for is never dropped, so that an acknowledged
//!   state was written (M1).
//! - B2: no more others wait than [`STREAMS_MAX`], each with [`LINES_MAX`] lines that were there
//!   before. What is dropped is the oldest, and counted (M2).
//!
//! It doesn't know when anything is written, nor by whom.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use weir_domain::{LogLine, Stream, StreamId};
use weir_runtime::Reply;

use super::Answer;

/// Streams that may wait to be written. As many wait only while the store is away.
const STREAMS_MAX: usize = 10_000;
/// Log lines of one stream that are kept when more come.
const LINES_MAX: usize = 1_000;

#[derive(Default)]
pub(super) struct Batch {
    streams: BTreeMap<StreamId, Pending>,
    flushers: Vec<Reply<()>>,
}

struct Pending {
    newest: Stream,
    lines: Vec<LogLine>,
    closers: Vec<Closer>,
}

/// Somebody who waits for the last state of a stream to be durable. The lines stay apart from the
/// stream's: whoever is refused brings them again.
struct Closer {
    lines: Vec<LogLine>,
    reply: Reply<Answer<()>>,
}

impl Pending {
    fn new(newest: Stream) -> Self {
        Self { newest, lines: Vec::new(), closers: Vec::new() }
    }

    fn change(&self) -> (Stream, Vec<LogLine>) {
        let last = self.closers.iter().flat_map(|it| &it.lines);
        (self.newest.clone(), self.lines.iter().chain(last).cloned().collect())
    }

    fn add(&mut self, mut lines: Vec<LogLine>) {
        let surplus = (self.lines.len() + lines.len()).saturating_sub(LINES_MAX);
        let dropped = self.lines.drain(..surplus.min(self.lines.len())).count();
        metrics::counter!("weir_stream_lines_dropped_total").increment(dropped as u64);
        self.lines.append(&mut lines);
    }
}

impl Batch {
    /// Takes note of progress.
    pub(super) fn report(&mut self, stream: Stream, lines: Vec<LogLine>) {
        self.newest(stream).add(lines);
        self.drop_surplus();
    }

    /// Takes a stream's last state; the reply comes when it is durable, or can't be made so now.
    pub(super) fn close(&mut self, stream: Stream, lines: Vec<LogLine>, reply: Reply<Answer<()>>) {
        self.newest(stream).closers.push(Closer { lines, reply });
        self.drop_surplus();
    }

    pub(super) fn flush(&mut self, reply: Reply<()>) {
        self.flushers.push(reply);
    }

    /// Whether there is anything to write.
    pub(super) fn has_changes(&self) -> bool {
        !self.streams.is_empty()
    }

    pub(super) fn is_waited_for(&self) -> bool {
        !self.flushers.is_empty() || self.streams.values().any(|it| !it.closers.is_empty())
    }

    pub(super) fn changes(&self) -> Vec<(Stream, Vec<LogLine>)> {
        self.streams.values().map(Pending::change).collect()
    }

    /// It is written, or nothing of it is: says so to all who wait.
    pub(super) fn answer(&mut self, result: &Answer<()>) {
        for closer in self.streams.values_mut().flat_map(|it| it.closers.drain(..)) {
            closer.reply.send(result.clone());
        }
        self.flushers.drain(..).for_each(|it| it.send(()));
    }

    /// Puts back what could not be written, under what came since. Nobody waits for it any more.
    pub(super) fn put_back(&mut self, older: Self) {
        for (id, Pending { newest, lines, .. }) in older.streams {
            let pending = self.streams.entry(id).or_insert_with(|| Pending::new(newest));
            let newer = std::mem::replace(&mut pending.lines, lines);
            pending.add(newer);
        }
        self.drop_surplus();
    }

    /// The entry of the stream, which is now as given.
    fn newest(&mut self, stream: Stream) -> &mut Pending {
        match self.streams.entry(stream.id) {
            Entry::Occupied(known) => {
                let pending = known.into_mut();
                pending.newest = stream;
                pending
            }
            Entry::Vacant(free) => free.insert(Pending::new(stream)),
        }
    }

    fn drop_surplus(&mut self) {
        while self.streams.len() > STREAMS_MAX {
            let mut unawaited = self.streams.iter().filter(|(_, it)| it.closers.is_empty());
            let Some(oldest) = unawaited.next().map(|(id, _)| *id) else { return };
            self.streams.remove(&oldest);
            metrics::counter!("weir_stream_reports_dropped_total").increment(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{line, stream};
    use super::*;

    #[test]
    fn of_each_stream_its_newest_state_is_kept_and_all_its_lines() {
        let mut batch = Batch::default();
        batch.report(stream(1, 1), vec![line("a")]);
        batch.report(stream(1, 2), vec![line("b")]);
        assert_eq!(batch.changes(), [(stream(1, 2), vec![line("a"), line("b")])]);
    }

    #[test]
    fn what_is_put_back_goes_under_what_came_since() {
        let (mut older, mut newer) = (Batch::default(), Batch::default());
        older.report(stream(1, 1), vec![line("a")]);
        older.report(stream(2, 1), vec![]);
        newer.report(stream(1, 2), vec![line("b")]);
        newer.put_back(older);
        let expected = [(stream(1, 2), vec![line("a"), line("b")]), (stream(2, 1), vec![])];
        assert_eq!(newer.changes(), expected);
    }

    #[test]
    fn too_many_streams_and_lines_lose_the_oldest() {
        let mut batch = Batch::default();
        for n in 0..=STREAMS_MAX {
            batch.report(stream(n, 1), vec![]);
        }
        let changes = batch.changes();
        assert_eq!(changes.len(), STREAMS_MAX);
        assert_eq!(changes[0].0, stream(1, 1), "stream 0 was dropped");

        let mut batch = Batch::default();
        for n in 0..=LINES_MAX {
            batch.report(stream(1, 1), vec![line(&n.to_string())]);
        }
        let lines = batch.changes().remove(0).1;
        assert_eq!((lines.len(), &lines[0]), (LINES_MAX, &line("1")));
    }
}
