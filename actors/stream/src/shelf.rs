//! What operators keep from one stream to the next: the engine of a script, with all that it holds.
//!
//! An operator takes its thing when a stream begins and puts it back when it is dropped. In between,
//! once nothing of the attempt runs any more, the thing hears what became of the stream. A thing that
//! is not put back, as its stage failed, is gone, and hears nothing; nor does one that nobody took, as
//! the attempt ended before its operators began.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use weir_domain::StageId;

use crate::{Outcome, StreamLog};

/// A thing that outlives streams.
pub trait Kept: Any + Send {
    /// What became of the attempt that it took part in last: decided durably for a commit, which
    /// may be followed by a crash before this is called, and undone for a failure. Blocks.
    fn settled(&mut self, outcome: Outcome, log: &StreamLog);
}

/// The things of one instance, by their stages. Clones are the same shelf.
#[derive(Clone, Default)]
pub struct Shelf(Arc<Mutex<Things>>);

#[derive(Default)]
struct Things {
    /// Put back since the last attempt was settled.
    used: BTreeMap<StageId, Box<dyn Kept>>,
    rest: BTreeMap<StageId, Box<dyn Kept>>,
}

impl Shelf {
    /// What a stage kept, if it is of this type.
    pub fn take<T: Kept>(&self, stage: &StageId) -> Option<Box<T>> {
        let mut things = self.lock();
        let kept = things.used.remove(stage).or_else(|| things.rest.remove(stage))?;
        let kept: Box<dyn Any> = kept;
        kept.downcast().ok()
    }

    pub fn put(&self, stage: StageId, kept: Box<dyn Kept>) {
        self.lock().used.insert(stage, kept);
    }

    /// Whether somebody is to hear of the attempt.
    pub(crate) fn is_used(&self) -> bool {
        !self.lock().used.is_empty()
    }

    pub(crate) fn settle(&self, outcome: Outcome, log: &StreamLog) {
        // Not under the lock: it takes as long as a script does.
        let mut used = std::mem::take(&mut self.lock().used);
        used.values_mut().for_each(|it| it.settled(outcome, log));
        self.lock().rest.append(&mut used);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Things> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
