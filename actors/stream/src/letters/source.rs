//! A replay as a source of one item: its letters.

use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use weir_domain::{Fault, FaultKind, Fingerprint, Item, Millis, Reprocess, WorkflowName};

use super::book::{Part, Pending, item_name};
use super::effect::end;
use super::record::Line;
use super::reread::{RawLetter, Rows};
use super::shelves::key;
use super::volume::Span;
use crate::instance::Terms;
use crate::{Action, AnySource, Outcome, RecordReader, Source, Staging};

/// How long a replay that somebody offers and may not have is remembered to wait.
const INTERVAL: Millis = Millis(2_000);

/// How the letters are read.
pub(super) enum Reading {
    /// As what comes into a stage.
    Rows(SchemaRef),
    /// By the source that could not read them.
    Again(AnySource),
    /// They can't be.
    Not(Fault),
}

pub(super) struct ReplaySource {
    pub(super) workflow: WorkflowName,
    pub(super) pending: Pending,
    pub(super) item: Item,
    pub(super) letters: Arc<Vec<Line>>,
    pub(super) reading: Reading,
    pub(super) staging: Staging,
}

/// The item that a replay is.
pub(super) fn item_of(pending: &Pending, part: &Part) -> Item {
    let size = part.count() as u64;
    let fingerprint = Fingerprint { size, ..Fingerprint::default() };
    Item { name: item_name(&pending.replay()), fingerprint }
}

/// On which it is claimed.
pub(super) fn terms() -> Terms {
    Terms { reprocess: Reprocess::Never, clearance: false, interval: INTERVAL, lists_more: false }
}

impl ReplaySource {
    fn has_ended(&self) -> Result<bool, Fault> {
        let Self { workflow, pending, staging, .. } = self;
        let look = || -> Result<bool, Fault> {
            let ended = key(format!("letters/{workflow}/ended/{}", pending.replay()))?;
            if staging.get(&ended)?.is_some() {
                return Ok(true);
            }
            let volumes = key(format!("letters/{workflow}/volumes"))?;
            let bound = staging.keys(&volumes)?;
            let mut bound = bound.iter().filter_map(|it| Span::read(it.under(&volumes)?));
            Ok(bound.any(|it| it.through >= pending.page))
        };
        look().map_err(|fault| match fault.kind {
            // It is given back: when the store is there again, it is begun anew.
            FaultKind::Transient => Fault { hint: fault.hint, ..Fault::stopped(fault.message) },
            FaultKind::Data | FaultKind::Config | FaultKind::Stopped => fault,
        })
    }
}

impl Source for ReplaySource {
    fn origin(&self) -> String {
        format!("the dead letters of {}", self.workflow)
    }

    fn list(&mut self) -> Result<Vec<Item>, Fault> {
        Ok(vec![self.item.clone()])
    }

    fn open(&mut self, _: &Item) -> Result<Box<dyn RecordReader>, Fault> {
        if self.has_ended()? {
            // Somebody reset its item: L4.
            return Err(Fault::stopped("this replay has ended; ask for another one"));
        }
        let raw = |it: &Line| RawLetter { header: it.header.clone(), raw: it.bytes() };
        let raw = || self.letters.iter().map(raw).collect();
        match &mut self.reading {
            Reading::Rows(schema) => Ok(Box::new(Rows::new(schema.clone(), self.letters.clone()))),
            Reading::Again(AnySource::Items(source)) => source.reread(raw()),
            Reading::Again(AnySource::Live(source)) => source.reread(raw()),
            Reading::Not(fault) => Err(fault.clone()),
        }
    }

    fn verify(&mut self, _: &Item) -> Result<(), Fault> {
        Ok(())
    }

    fn settle(&self, _: &Item, outcome: Outcome) -> Vec<Action> {
        vec![end(&self.workflow, &self.pending, outcome)]
    }

    fn reprocess(&self) -> Reprocess {
        Reprocess::Never
    }

    fn interval(&self) -> Duration {
        INTERVAL.duration()
    }
}
