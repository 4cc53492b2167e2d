//! What a sink has prepared and not yet published, as the sink's side of the protocol keeps it.
//!
//! An epoch that is abandoned takes nothing with it: what was prepared for it is published with the
//! next epoch that is claimed. So each report names all that is prepared and not known to be
//! claimed, each under the epoch it was prepared for, and the coordinator leaves out what an
//! earlier claim has taken in the meantime.
//!
//! Permits of a generation that was deposed are refused as soon as a later one has been heard of.

use std::collections::BTreeMap;

use weir_domain::StageId;

use crate::epoch::{Epoch, Generation};
use crate::manifest::Committable;
use crate::permit::CommitPermit;

/// A permit that must not be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "epoch {epoch} may not be published by order of generation {given}: generation {current} has \
     taken over"
)]
pub struct Deposed {
    pub epoch: Epoch,
    pub given: Generation,
    pub current: Generation,
}

#[derive(Debug, Clone)]
pub struct Prepared {
    stage: StageId,
    generation: Generation,
    by_epoch: BTreeMap<Epoch, Committable>,
}

impl Prepared {
    pub fn new(stage: StageId, generation: Generation) -> Self {
        Self { stage, generation, by_epoch: BTreeMap::new() }
    }

    /// All output before the epoch's barrier is durable where nobody sees it yet.
    pub fn prepare(&mut self, epoch: Epoch, committable: Committable) {
        self.by_epoch.insert(epoch, committable);
    }

    /// What the report for this epoch names.
    pub fn report(&self, epoch: Epoch) -> BTreeMap<Epoch, Committable> {
        self.by_epoch.range(..=epoch).map(|(epoch, it)| (*epoch, it.clone())).collect()
    }

    /// Takes what the permit says is to be published now, in order.
    pub fn accept(&mut self, permit: &CommitPermit) -> Result<Vec<(Epoch, Committable)>, Deposed> {
        let (given, current) = (permit.generation(), self.generation);
        if given < current {
            return Err(Deposed { epoch: permit.epoch(), given, current });
        }
        self.generation = given;
        self.by_epoch = self.by_epoch.split_off(&permit.epoch());
        self.by_epoch.remove(&permit.epoch());
        let committables = permit.committables(&self.stage).into_iter().flatten();
        Ok(committables.map(|(epoch, it)| (*epoch, it.clone())).collect())
    }
}
