//! Looking at records as they pass a stage.
//!
//! - N1: where nobody looks, a stage pays one look at a number for each batch.
//! - N2: who looks never makes a stage wait. A batch is shared, not copied, and only as many wait for
//!   who looks as [`WAITING_MAX`]; what comes beyond that is dropped for it, and counted.
//! - N3: who looks takes no more of a processor than a bounded number of rows in each turn.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::datatypes::SchemaRef;
use arrow::json::LineDelimitedWriter;
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use weir_domain::{PortName, SniffFilter, SniffSide, SniffWish, SniffedRecord, StageId, StreamId};

use crate::{Batch, StreamContext};

/// Batches that wait for who looks.
const WAITING_MAX: usize = 4;
/// Rows of one batch that are looked at.
const ROWS_MAX: usize = 256;
/// How long who looks rests after each batch.
const REST: Duration = Duration::from_millis(10);

/// The places of this engine where records can be looked at. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Taps(Arc<Inner>);

/// Which rows of a batch a condition holds for.
pub type Matcher = Box<dyn Fn(&RecordBatch) -> BooleanArray + Send + Sync>;
/// Makes a matcher of a condition for batches of one schema, or says why it can't be.
pub type Conditions = Arc<dyn Fn(&str, &SchemaRef) -> Result<Matcher, String> + Send + Sync>;

#[derive(Default)]
struct Inner {
    /// How many look, so that stages need no lock where nobody does.
    looking: AtomicUsize,
    listeners: RwLock<Vec<Arc<Listener>>>,
    conditions: Option<Conditions>,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Taps")
    }
}

#[derive(Debug)]
struct Listener {
    wish: SniffWish,
    queue: mpsc::Sender<(StreamId, Batch)>,
    seen: AtomicU64,
    dropped: AtomicU64,
}

/// What was seen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sniffed {
    pub records: Vec<SniffedRecord>,
    /// Records that passed.
    pub seen: u64,
    /// Those of them that were not looked at.
    pub dropped: u64,
    /// Why the condition can't be applied: then nothing was looked at.
    pub wrong: Option<String>,
}

/// Looks as long as it lives.
struct Look {
    taps: Taps,
    listener: Arc<Listener>,
}

impl Taps {
    /// Where records can be chosen by a condition.
    pub fn with_conditions(conditions: Conditions) -> Self {
        Self(Arc::new(Inner { conditions: Some(conditions), ..Inner::default() }))
    }

    /// Captures records until there are as many as wished, or the time is over.
    pub async fn sniff(&self, wish: SniffWish) -> Sniffed {
        let (queue, mut passing) = mpsc::channel(WAITING_MAX);
        let (records_max, filter) = (wish.records as usize, wish.filter.clone());
        let mut choosing = wish.condition.clone().map(|it| Choosing::new(it, &self.0.conditions));
        let until = tokio::time::sleep(wish.within.duration());
        let look = self.attach(Listener { wish, queue, seen: 0.into(), dropped: 0.into() });
        let (mut records, mut wrong) = (VecDeque::new(), None);
        tokio::pin!(until);
        while records.len() < records_max {
            let (stream, batch) = tokio::select! {
                passed = passing.recv() => match passed {
                    Some(it) => it,
                    None => break,
                },
                () = &mut until => break,
            };
            let rows = batch.rows().min(ROWS_MAX);
            look.dropped(batch.rows() - rows);
            let mut batch = batch.slice(0, rows);
            if let Some(choosing) = &mut choosing {
                batch = match choosing.chosen(&batch) {
                    Ok(chosen) => chosen,
                    Err(why) => {
                        wrong = Some(why);
                        break;
                    }
                };
            }
            records.extend(fitting(stream, &batch, filter.as_ref()));
            tokio::time::sleep(REST).await;
        }
        records.truncate(records_max);
        let (seen, dropped) = (&look.listener.seen, &look.listener.dropped);
        Sniffed {
            records: records.into(),
            seen: seen.load(Ordering::Relaxed),
            dropped: dropped.load(Ordering::Relaxed),
            wrong,
        }
    }

    fn attach(&self, listener: Listener) -> Look {
        let listener = Arc::new(listener);
        let mut listeners = self.0.listeners.write().unwrap_or_else(PoisonError::into_inner);
        listeners.push(listener.clone());
        self.0.looking.store(listeners.len(), Ordering::Relaxed);
        Look { taps: self.clone(), listener }
    }

    /// A batch passes a stage, or leaves it by a port.
    pub(crate) fn pass(
        &self,
        side: SniffSide,
        stage: (&StageId, Option<&PortName>),
        stream: &StreamContext,
        batch: &Batch,
    ) {
        if self.0.looking.load(Ordering::Relaxed) == 0 {
            return;
        }
        let listeners = self.0.listeners.read().unwrap_or_else(PoisonError::into_inner);
        let fits =
            |it: &&Arc<Listener>| it.wish.is_for(side, stage, &stream.workflow, stream.stream);
        for it in listeners.iter().filter(fits) {
            it.seen.fetch_add(batch.rows() as u64, Ordering::Relaxed);
            if it.queue.try_send((stream.stream, batch.clone())).is_err() {
                it.dropped.fetch_add(batch.rows() as u64, Ordering::Relaxed);
            }
        }
    }
}

/// A condition, compiled for the batches that come.
struct Choosing {
    text: String,
    conditions: Option<Conditions>,
    compiled: Option<(SchemaRef, Matcher)>,
}

impl Choosing {
    fn new(text: String, conditions: &Option<Conditions>) -> Self {
        Self { text, conditions: conditions.clone(), compiled: None }
    }

    fn chosen(&mut self, batch: &Batch) -> Result<Batch, String> {
        let schema = batch.records.schema();
        let (_, matcher) = match self.compiled.take().filter(|it| it.0 == schema) {
            Some(known) => self.compiled.insert(known),
            None => {
                let conditions = self.conditions.as_ref();
                let compile = conditions.ok_or("no conditions can be applied here")?;
                self.compiled.insert((schema.clone(), compile(&self.text, &schema)?))
            }
        };
        batch.filter(&matcher(&batch.records)).map_err(|it| it.to_string())
    }
}

impl Look {
    fn dropped(&self, rows: usize) {
        self.listener.dropped.fetch_add(rows as u64, Ordering::Relaxed);
    }
}

impl Drop for Look {
    fn drop(&mut self) {
        let inner = &self.taps.0;
        let mut listeners = inner.listeners.write().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|it| !Arc::ptr_eq(it, &self.listener));
        inner.looking.store(listeners.len(), Ordering::Relaxed);
    }
}

fn fitting(stream: StreamId, batch: &Batch, filter: Option<&SniffFilter>) -> Vec<SniffedRecord> {
    let rows = rows(&batch.records).into_iter().enumerate();
    let records = rows.map(|(row, record)| {
        let position = batch.positions.at(row);
        SniffedRecord { stream, position, record }
    });
    records.filter(|it| filter.is_none_or(|filter| filter.fits(&it.record))).collect()
}

/// The rows as JSON; nothing where Arrow has no JSON for them.
pub fn rows(records: &RecordBatch) -> Vec<Map<String, Value>> {
    let mut writer = LineDelimitedWriter::new(Vec::new());
    let written = writer.write(records).and_then(|()| writer.finish());
    if written.is_err() {
        return Vec::new();
    }
    let lines = writer.into_inner();
    let lines = lines.split(|it| *it == b'\n').filter(|it| !it.is_empty());
    lines.filter_map(|it| serde_json::from_slice(it).ok()).collect()
}
