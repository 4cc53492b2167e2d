//! The newest lines of this process's log, in memory: what was printed, and nothing else.
//!
//! - K1: lines and their bytes are bounded; the oldest are forgotten first, and a long line is cut.
//! - K2: numbers ascend by one, so that who reads knows how many were forgotten meanwhile.
//! - K3: who logs never waits for who reads: a reader takes references, and looks at them later.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use weir_domain::Timestamp;
use weir_http_api::{LogEntry, LogFilter};

/// What of one line is kept: its text, and its fields with their names.
pub(crate) const LINE_BYTES_MAX: usize = 8 << 10;
/// What a line takes beside its texts.
const OVERHEAD: usize = 256;

/// How much is remembered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) lines: usize,
    pub(crate) bytes: usize,
}

pub(crate) struct Ring {
    bounds: Bounds,
    kept: Mutex<Kept>,
    newest: watch::Sender<u64>,
    life: String,
}

#[derive(Default)]
struct Kept {
    lines: VecDeque<Arc<LogEntry>>,
    bytes: usize,
    /// Of the last line.
    number: u64,
}

/// What was found behind a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// Oldest first.
    pub(crate) lines: Vec<LogEntry>,
    /// All up to this number was looked at.
    pub(crate) at: u64,
    /// Lines that were forgotten before they could be looked at.
    pub(crate) missed: u64,
}

impl Ring {
    /// `begun` tells this life of the process from others.
    pub(crate) fn new(bounds: Bounds, begun: Timestamp) -> Self {
        let (newest, life) = (watch::Sender::new(0), begun.0.to_string());
        Self { bounds, kept: Mutex::default(), newest, life }
    }

    pub(crate) fn life(&self) -> &str {
        &self.life
    }

    /// Gives the line its number.
    pub(crate) fn push(&self, mut line: LogEntry) {
        let mut kept = self.kept();
        kept.number += 1;
        line.number = kept.number;
        kept.bytes += size(&line);
        kept.lines.push_back(Arc::new(line));
        while (kept.lines.len() > self.bounds.lines || kept.bytes > self.bounds.bytes)
            && let Some(oldest) = kept.lines.pop_front()
        {
            kept.bytes -= size(&oldest);
        }
        let number = kept.number;
        drop(kept);
        // Two at once may come in either order: who waits looks itself.
        self.newest.send_if_modified(|it| {
            let is_newer = *it < number;
            *it = number.max(*it);
            is_newer
        });
    }

    /// All that is remembered, oldest first.
    pub(crate) fn all(&self) -> Vec<Arc<LogEntry>> {
        self.kept().lines.iter().cloned().collect()
    }

    /// The last so many that are meant.
    pub(crate) fn last(&self, filter: &LogFilter, count: usize) -> Found {
        let (all, at) = {
            let kept = self.kept();
            (kept.lines.iter().cloned().collect::<Vec<_>>(), kept.number)
        };
        let sought = Sought::new(filter);
        let meant = all.iter().rev().filter(|it| sought.means(it)).take(count);
        let mut lines: Vec<_> = meant.map(|it| LogEntry::clone(it)).collect();
        lines.reverse();
        Found { lines, at, missed: 0 }
    }

    /// Those behind a number that are meant, up to so many lines and bytes.
    pub(crate) fn after(
        &self,
        after: u64,
        filter: &LogFilter,
        count: usize,
        bytes: usize,
    ) -> Found {
        let (behind, newest, missed) = {
            let kept = self.kept();
            let first = kept.lines.front().map_or(kept.number + 1, |it| it.number);
            let skipped = usize::try_from((after + 1).saturating_sub(first)).unwrap_or(usize::MAX);
            let behind: Vec<_> = kept.lines.iter().skip(skipped).cloned().collect();
            (behind, kept.number, first.saturating_sub(after + 1))
        };
        let sought = Sought::new(filter);
        let (mut lines, mut taken, mut at) = (Vec::new(), 0, newest.max(after));
        for line in behind {
            if !sought.means(&line) {
                continue;
            }
            if lines.len() == count || taken >= bytes {
                at = line.number - 1;
                break;
            }
            taken += size(&line);
            lines.push(LogEntry::clone(&line));
        }
        Found { lines, at, missed }
    }

    /// Returns when there is a line behind that number.
    pub(crate) async fn news(&self, after: u64) {
        let mut newest = self.newest.subscribe();
        // The sender is in `self`.
        let _ = newest.wait_for(|it| *it > after).await;
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn size(line: &LogEntry) -> usize {
    let fields: usize = line.fields.iter().map(|it| it.name.len() + it.value.len() + 48).sum();
    let LogEntry { project, workflow, stage, stream, trace, .. } = line;
    let named = [project, workflow, stage, stream, trace].into_iter().flatten();
    let named: usize = named.map(String::len).sum();
    OVERHEAD + line.target.len() + line.message.len() + fields + named
}

/// A filter, ready to be asked often.
pub(crate) struct Sought<'a> {
    filter: &'a LogFilter,
    stream: Option<String>,
    text: Option<String>,
}

impl<'a> Sought<'a> {
    pub(crate) fn new(filter: &'a LogFilter) -> Self {
        let stream = filter.stream.map(|it| it.to_string());
        let text = filter.text.as_ref().map(|it| it.to_lowercase());
        Self { filter, stream, text }
    }

    pub(crate) fn means(&self, line: &LogEntry) -> bool {
        let LogFilter { level, workflow, stage, code, since, until, .. } = self.filter;
        let is = |wanted: Option<&str>, has: &Option<String>| {
            wanted.is_none_or(|it| has.as_deref() == Some(it))
        };
        level.is_none_or(|it| line.level <= it)
            && since.is_none_or(|it| line.at >= it)
            && until.is_none_or(|it| line.at < it)
            && code.is_none_or(|it| line.code == Some(it))
            && is(workflow.as_ref().map(|it| it.as_str()), &line.workflow)
            && is(stage.as_ref().map(|it| it.as_str()), &line.stage)
            && is(self.stream.as_deref(), &line.stream)
            && self.text.as_ref().is_none_or(|it| says(line, it))
    }
}

/// Whether the line has that text, which is in lower case.
fn says(line: &LogEntry, text: &str) -> bool {
    let has = |it: &str| it.to_lowercase().contains(text);
    let LogEntry { project, workflow, stage, stream, trace, .. } = line;
    let named = [project, workflow, stage, stream, trace];
    has(&line.message)
        || has(&line.target)
        || line.code.is_some_and(|it| has(&it.to_string()))
        || line.fields.iter().any(|it| has(&it.value) || has(&it.name))
        || named.into_iter().flatten().any(|it| has(it))
}

#[cfg(test)]
pub(super) mod testing {
    use weir_domain::Timestamp;
    use weir_http_api::{LogEntry, LogLevel};

    pub(crate) fn line(message: &str) -> LogEntry {
        LogEntry {
            number: 0,
            at: Timestamp(0),
            level: LogLevel::Info,
            code: None,
            target: String::new(),
            message: message.to_owned(),
            fields: Vec::new(),
            node: None,
            life: String::new(),
            project: None,
            workflow: None,
            stage: None,
            stream: None,
            trace: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use weir_domain::Code;
    use weir_http_api::{LogField, LogLevel};

    use super::testing::line;
    use super::*;

    fn ring(lines: usize, bytes: usize) -> Ring {
        Ring::new(Bounds { lines, bytes }, Timestamp(1))
    }

    fn told(found: &Found) -> (Vec<&str>, u64, u64) {
        (found.lines.iter().map(|it| it.message.as_str()).collect(), found.at, found.missed)
    }

    #[test]
    fn the_oldest_lines_are_forgotten_and_who_comes_late_knows_how_many() {
        let (ring, all) = (ring(3, 1 << 20), LogFilter::default());
        assert_eq!(told(&ring.after(0, &all, 9, 99)), (vec![], 0, 0));
        for it in ["a", "b", "c", "d", "e"] {
            ring.push(line(it));
        }
        assert_eq!(told(&ring.after(0, &all, 9, 9_999)), (vec!["c", "d", "e"], 5, 2));
        assert_eq!(told(&ring.after(3, &all, 9, 9_999)), (vec!["d", "e"], 5, 0));
        assert_eq!(told(&ring.after(2, &all, 2, 9_999)), (vec!["c", "d"], 4, 0));
        assert_eq!(told(&ring.after(2, &all, 9, 1)), (vec!["c"], 3, 0));
        assert_eq!(told(&ring.after(5, &all, 9, 9_999)), (vec![], 5, 0));
        assert_eq!(told(&ring.last(&all, 2)), (vec!["d", "e"], 5, 0));
    }

    #[test]
    fn bytes_are_bounded_as_lines_are() {
        let ring = ring(1_000, 10 * (OVERHEAD + 100));
        (0..50).for_each(|_| ring.push(line(&"x".repeat(100))));
        assert_eq!(ring.all().len(), 10);
        ring.push(line(&"x".repeat(9 * (OVERHEAD + 100))));
        assert_eq!(ring.all().len(), 1);
    }

    #[test]
    fn a_filter_asks_for_all_that_it_names() {
        let ring = ring(9, 1 << 20);
        let fields = vec![LogField { name: "file".into(), value: "In/A.csv".into() }];
        let bad = LogEntry {
            level: LogLevel::Error,
            workflow: Some("flights".into()),
            code: Some(Code(3_011)),
            fields,
            ..line("Broken")
        };
        ring.push(bad);
        ring.push(LogEntry { at: Timestamp(7), ..line("fine") });
        let found = |filter: LogFilter| ring.last(&filter, 9).lines.len();
        let filter = LogFilter::default;
        assert_eq!(found(filter()), 2);
        assert_eq!(found(LogFilter { level: Some(LogLevel::Warn), ..filter() }), 1);
        assert_eq!(found(LogFilter { level: Some(LogLevel::Info), ..filter() }), 2);
        assert_eq!(found(LogFilter { text: Some("a.CSV".into()), ..filter() }), 1);
        assert_eq!(found(LogFilter { text: Some("weir-03011".into()), ..filter() }), 1);
        assert_eq!(found(LogFilter { text: Some("nothing".into()), ..filter() }), 0);
        assert_eq!(found(LogFilter { workflow: Some("flights".parse().unwrap()), ..filter() }), 1);
        assert_eq!(found(LogFilter { code: Some(Code(1)), ..filter() }), 0);
        assert_eq!(found(LogFilter { since: Some(Timestamp(7)), ..filter() }), 1);
        assert_eq!(found(LogFilter { until: Some(Timestamp(7)), ..filter() }), 1);
        // What is not meant is looked at all the same.
        let none = LogFilter { text: Some("nothing".into()), ..filter() };
        assert_eq!(told(&ring.after(0, &none, 9, 9)), (vec![], 2, 0));
    }

    #[tokio::test]
    async fn who_waits_is_woken_by_the_next_line() {
        let ring = Arc::new(ring(9, 1 << 20));
        ring.push(line("a"));
        ring.news(0).await;
        let waiting = ring.news(1);
        tokio::pin!(waiting);
        assert!(futures::poll!(&mut waiting).is_pending());
        ring.push(line("b"));
        waiting.await;
    }
}
