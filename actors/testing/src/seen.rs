//! What was seen of a test run: the records that went into each stage, what came out of it for each, and
//! what failed.
//!
//! Invariants:
//! - W1: what is kept is bounded, in records and in bytes for each stage; what is beyond that is counted.
//! - W2: records are joined by their item and position: what leaves a stage stands beside what went in,
//!   unless the stage made it of several (at the end of the input), and then it stands by itself.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use weir_domain::{Fault, PortName, StageId};
use weir_project::Row;
use weir_stream::{BadRecord, Batch};

use crate::rows;

/// A longer text is shown by its beginning.
const TEXT_CHARS_MAX: usize = 2_000;
/// Of a list so many values are shown.
const VALUES_MAX: usize = 200;

/// How much of a test run is kept to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Records of each stage.
    pub records: usize,
    /// All stages together.
    pub bytes: usize,
}

/// A record at a stage: what went in, what came out for it, and why it failed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Passage {
    pub item: String,
    /// In its item, or in the sample of a live workflow; from 1.
    pub position: u64,
    /// None: the record begins here.
    pub before: Option<Row>,
    /// In the order in which they came out, each with its port.
    pub after: Vec<(PortName, Row)>,
    pub failure: Option<Failure>,
    /// It came out when the input had ended: of several records, or of what was held back.
    pub is_of_end: bool,
}

/// Why a record failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// With the script's line and column, where a script says it.
    pub reason: String,
    /// In the sample, where it has lines.
    pub line: Option<u64>,
    /// The record as it was read, or as JSON.
    pub raw: String,
}

/// What was seen at one stage.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StageSeen {
    pub came: u64,
    /// By port.
    pub left: BTreeMap<PortName, u64>,
    pub failed: u64,
    /// Left out because the configuration says so.
    pub dropped: u64,
    pub passages: Vec<Passage>,
    /// There is more than what is shown.
    pub is_cut: bool,
    /// What a sink would write, from its beginning, in its format.
    pub text: Option<String>,
    /// Why the stage itself could not go on.
    pub fault: Option<Fault>,
    /// Bytes that may still be kept.
    bytes_left: usize,
}

/// Keeps what is seen.
#[derive(Debug)]
pub(crate) struct Witness {
    records_max: usize,
    /// Records of live workflows are told apart by their numbers alone.
    is_live: bool,
    stages: Mutex<BTreeMap<StageId, Looked>>,
}

#[derive(Debug, Default)]
struct Looked {
    seen: StageSeen,
    /// Where the newest record of an item and position is.
    at: BTreeMap<(String, u64), usize>,
    /// Of those, how many went in, and how many are of the end.
    begun: usize,
    ended: usize,
}

impl Witness {
    pub(crate) fn new(bounds: Bounds, stages: &[StageId], is_live: bool) -> Self {
        let bytes_left = bounds.bytes / stages.len().max(1);
        let looked = || Looked {
            seen: StageSeen { bytes_left, ..StageSeen::default() },
            ..Looked::default()
        };
        let stages = stages.iter().map(|it| (it.clone(), looked())).collect();
        Self { records_max: bounds.records, is_live, stages: Mutex::new(stages) }
    }

    pub(crate) fn came(&self, stage: &StageId, item: &str, batch: &Batch) {
        self.at(stage, item, |looked, item| {
            looked.seen.came += batch.rows() as u64;
            let room = self.records_max.saturating_sub(looked.begun);
            for (position, row) in records(batch, room) {
                looked.begin(Passage {
                    item: item.to_owned(),
                    position,
                    before: Some(row),
                    ..Passage::default()
                });
            }
            looked.seen.is_cut |= batch.rows() > room;
        });
    }

    /// What a source gives.
    pub(crate) fn given(&self, stage: &StageId, item: &str, batch: &Batch) {
        self.at(stage, item, |looked, item| {
            let port = PortName::out();
            *looked.seen.left.entry(port.clone()).or_default() += batch.rows() as u64;
            let room = self.records_max.saturating_sub(looked.begun);
            for (position, row) in records(batch, room) {
                looked.begin(Passage {
                    item: item.to_owned(),
                    position,
                    after: vec![(port.clone(), row)],
                    ..Passage::default()
                });
            }
            looked.seen.is_cut |= batch.rows() > room;
        });
    }

    /// What an operator made of what went in; `is_of_end`: when nothing more came.
    pub(crate) fn left(
        &self,
        (stage, item): (&StageId, &str),
        (port, batch): (&PortName, &Batch),
        is_of_end: bool,
    ) {
        self.at(stage, item, |looked, item| {
            *looked.seen.left.entry(port.clone()).or_default() += batch.rows() as u64;
            // One record may become many: no more than that is shown of all of them.
            let room = 2 * self.records_max;
            looked.seen.is_cut |= batch.rows() > room;
            for (position, row) in records(batch, room) {
                match is_of_end {
                    true => looked.end(item, position, (port.clone(), row), self.records_max),
                    false => looked.follow(item, position, (port.clone(), row), room),
                }
            }
        });
    }

    pub(crate) fn failed(&self, stage: &StageId, item: &str, bad: &[BadRecord]) {
        self.at(stage, item, |looked, item| {
            looked.seen.failed += bad.len() as u64;
            bad.iter().for_each(|it| looked.fail(item, it, self.records_max));
        });
    }

    pub(crate) fn dropped(&self, stage: &StageId, records: usize) {
        self.at(stage, "", |looked, _| looked.seen.dropped += records as u64);
    }

    pub(crate) fn faulted(&self, stage: &StageId, fault: &Fault) {
        self.at(stage, "", |looked, _| looked.seen.fault = Some(fault.clone()));
    }

    /// What a sink would write.
    pub(crate) fn wrote(&self, stage: &StageId, text: &[u8]) {
        self.at(stage, "", |looked, _| {
            let text = match std::str::from_utf8(text) {
                Ok(text) => text,
                // It was cut within a character.
                Err(it) if it.error_len().is_none() => {
                    std::str::from_utf8(&text[..it.valid_up_to()]).unwrap_or_default()
                }
                Err(_) => return,
            };
            looked.seen.text.get_or_insert_default().push_str(text);
        });
    }

    pub(crate) fn taken(&self) -> BTreeMap<StageId, StageSeen> {
        std::mem::take(&mut *self.lock()).into_iter().map(|it| (it.0, it.1.seen)).collect()
    }

    fn at(&self, stage: &StageId, item: &str, work: impl FnOnce(&mut Looked, &str)) {
        if let Some(looked) = self.lock().get_mut(stage) {
            work(looked, if self.is_live { "" } else { item });
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<StageId, Looked>> {
        self.stages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Looked {
    /// Whether so many bytes may be kept. What was not, is missing.
    fn has_room(&mut self, row: &Row) -> bool {
        let bytes = serde_json::to_vec(row).map_or(0, |it| it.len());
        match self.seen.bytes_left.checked_sub(bytes) {
            Some(left) => {
                self.seen.bytes_left = left;
                true
            }
            None => {
                self.seen.is_cut = true;
                false
            }
        }
    }

    fn begin(&mut self, passage: Passage) {
        let row = passage.before.as_ref().or(passage.after.first().map(|it| &it.1));
        if row.is_some_and(|it| !self.has_room(it)) {
            return;
        }
        self.begun += 1;
        let key = (passage.item.clone(), passage.position);
        self.at.insert(key, self.seen.passages.len());
        self.seen.passages.push(passage);
    }

    fn follow(&mut self, item: &str, position: u64, (port, row): (PortName, Row), max: usize) {
        let at = self.at.get(&(item.to_owned(), position)).copied();
        let Some(at) = at.filter(|it| self.seen.passages[*it].after.len() < max) else {
            self.seen.is_cut = true;
            return;
        };
        if self.has_room(&row) {
            self.seen.passages[at].after.push((port, row));
        }
    }

    fn end(&mut self, item: &str, position: u64, after: (PortName, Row), max: usize) {
        if self.ended >= max {
            self.seen.is_cut = true;
        } else if self.has_room(&after.1) {
            self.ended += 1;
            let (item, after) = (item.to_owned(), vec![after]);
            let passage = Passage { item, position, after, is_of_end: true, ..Passage::default() };
            self.seen.passages.push(passage);
        }
    }

    fn fail(&mut self, item: &str, bad: &BadRecord, max: usize) {
        let raw = shortened(&String::from_utf8_lossy(&bad.raw));
        let failure = Failure { reason: shortened(&bad.reason), line: bad.line, raw };
        let key = (item.to_owned(), bad.position);
        match self.at.get(&key).copied() {
            Some(at) => self.seen.passages[at].failure = Some(failure),
            None if self.begun >= max => self.seen.is_cut = true,
            None => {
                let (item, position) = key;
                let failure = Some(failure);
                self.begin(Passage { item, position, failure, ..Passage::default() });
            }
        }
    }
}

/// The first records of a batch, with their positions, bounded. What can't be shown as JSON is left out.
fn records(batch: &Batch, max: usize) -> Vec<(u64, Row)> {
    let rows = batch.rows().min(max);
    let first = batch.slice(0, rows);
    let shown = rows::records(&first.records).unwrap_or_default();
    let positions = (0..rows).map(|it| first.positions.at(it));
    positions.zip(shown.into_iter().map(bounded)).collect()
}

fn bounded(row: Row) -> Row {
    row.into_iter().map(|(name, value)| (name, bounded_value(value))).collect()
}

fn bounded_value(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(shortened(&text)),
        Value::Array(values) => values.into_iter().take(VALUES_MAX).map(bounded_value).collect(),
        Value::Object(fields) => Value::Object(bounded(fields)),
        plain => plain,
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(TEXT_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
