//! The permit to commit: no sink publishes without one, and nobody makes one but the protocol,
//! after the claim of the epoch was confirmed and no later generation was found.

use std::collections::BTreeMap;

use weir_domain::{Digest, StageId};

use crate::epoch::{Epoch, Generation};
use crate::manifest::{Committable, Manifest};
use crate::record::Claim;

/// That an epoch may be published, by whom it was decided, and what.
#[derive(Debug, Clone, PartialEq)]
pub struct CommitPermit {
    generation: Generation,
    epoch: Epoch,
    manifest: Digest,
    stages: BTreeMap<StageId, BTreeMap<Epoch, Committable>>,
}

impl CommitPermit {
    /// Of a claim that is confirmed. `generation` is who asks for the commit, which after a restart
    /// is a later one than claimed.
    pub(crate) fn of(generation: Generation, claim: &Claim, manifest: &Manifest) -> Self {
        let stages = manifest.stages.iter().filter(|it| !it.1.committables.is_empty());
        let stages = stages.map(|(id, it)| (id.clone(), it.committables.clone())).collect();
        Self { generation, epoch: claim.epoch, manifest: claim.manifest, stages }
    }

    pub fn generation(&self) -> Generation {
        self.generation
    }

    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    pub(crate) fn manifest(&self) -> Digest {
        self.manifest
    }

    /// What the stage is to publish, in this order. The epoch beside each committable is its token:
    /// a sink that finds that it has published `(job, stage, epoch)` skips it.
    pub fn committables(&self, stage: &StageId) -> Option<&BTreeMap<Epoch, Committable>> {
        self.stages.get(stage)
    }

    /// The stages that have something to publish, and must say when they have.
    pub fn stages(&self) -> impl Iterator<Item = &StageId> {
        self.stages.keys()
    }
}
