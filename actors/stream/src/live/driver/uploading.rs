//! Snapshots of stages on their way into the store.

use std::collections::{BTreeMap, VecDeque};

use weir_checkpoint::{Committable, CrashPoint, Epoch, Input, Prepared, StageManifest, reach};
use weir_domain::{Fault, StageId};

use super::{Done, Drive};
use crate::live::state::{Chains, Uploads};
use crate::live::{Snapshot, Splits, position};

/// A snapshot, all of which is durable.
pub(super) struct Uploaded {
    stage: StageId,
    epoch: Epoch,
    splits: Option<Splits>,
    is_ended: bool,
    committable: Option<Committable>,
    chains: Chains,
}

/// Snapshots on their way into the store.
pub(super) struct Uploading {
    /// What the tables of the stages consist of.
    pub(super) chains: BTreeMap<StageId, Chains>,
    /// Those to come, one after the other: a table's parts have an order.
    pub(super) snapshots: VecDeque<(StageId, Epoch, Snapshot)>,
    pub(super) is_busy: bool,
}

impl Drive<'_> {
    /// Begins to store the next snapshot.
    pub(super) fn upload(&mut self) {
        if self.uploading.is_busy {
            return;
        }
        let Some((stage, epoch, snapshot)) = self.uploading.snapshots.pop_front() else { return };
        self.uploading.is_busy = true;
        let mut chains = self.uploading.chains.remove(&stage).unwrap_or_default();
        let (checkpoints, tasks) = (self.reach.checkpoints, self.reach.services.system.tasks());
        let uploads = Uploads { checkpoints, tasks, voice: self.lines.voice.clone() };
        self.work.push(Box::pin(async move {
            let Snapshot { splits, is_ended, actions, tables } = snapshot;
            for it in tables {
                uploads.table((&stage, epoch), &mut chains, it).await?;
            }
            let committable = match actions.is_empty() {
                true => None,
                false => Some(uploads.committable((&stage, epoch), &actions).await?),
            };
            reach(CrashPoint::AfterUpload);
            let uploaded = Uploaded { stage, epoch, splits, is_ended, committable, chains };
            Ok(Done::Upload(Box::new(uploaded)))
        }));
    }

    pub(super) fn uploaded(&mut self, uploaded: Uploaded) -> Result<(), Fault> {
        let Uploaded { stage, epoch, splits, is_ended, committable, chains } = uploaded;
        if let Some(committable) = committable {
            self.prepared(&stage).prepare(epoch, committable);
        }
        let manifest = StageManifest {
            position: splits.map(|it| position::write(self.share, it)).unwrap_or_default(),
            is_ended,
            tables: chains.iter().map(|(name, it)| (name.clone(), it.manifest())).collect(),
            committables: self.prepared(&stage).report(epoch),
            uploads: Vec::new(),
        };
        self.uploading.chains.insert(stage.clone(), chains);
        self.uploading.is_busy = false;
        self.upload();
        self.on(Input::Reported { stage, epoch, manifest: Box::new(manifest) })
    }

    pub(super) fn prepared(&mut self, stage: &StageId) -> &mut Prepared {
        let generation = self.coordinator.generation();
        let new = || Prepared::new(stage.clone(), generation);
        self.prepared.entry(stage.clone()).or_insert_with(new)
    }
}
