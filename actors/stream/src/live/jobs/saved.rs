//! What a savepoint holds.

use std::collections::BTreeMap;

use weir_checkpoint::group::Wish;
use weir_checkpoint::{Epoch, Manifest, StageManifest, TableManifest};
use weir_domain::{Digest, Fault, SavepointName, StageId, TableName, Timestamp};

use crate::live::state::TableSpec;
use crate::live::{Splits, position};

/// A savepoint of a workflow.
#[derive(Debug, Clone, PartialEq)]
pub struct Saved {
    pub name: SavepointName,
    /// Who wanted it, and which runs were told; `None`: that can't be read.
    pub wish: Option<Wish>,
    /// What can't be read.
    pub fault: Option<Fault>,
    /// By lane; those that have not taken it have none.
    pub lanes: BTreeMap<String, Option<SavedLane>>,
}

impl Saved {
    pub(super) fn unreadable(name: SavepointName, wish: Option<Wish>, fault: Fault) -> Self {
        Self { name, wish, fault: Some(fault), lanes: BTreeMap::new() }
    }

    /// All lanes have taken it.
    pub fn is_whole(&self) -> bool {
        self.fault.is_none() && !self.lanes.is_empty() && self.lanes.values().all(Option::is_some)
    }
}

/// A checkpoint of one lane.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedLane {
    pub epoch: Epoch,
    pub taken_at: Timestamp,
    /// Of the names of the stages that it was taken of.
    pub plan: Digest,
    pub stages: BTreeMap<StageId, SavedStage>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct SavedStage {
    /// Of a source: where it reads on.
    pub splits: Option<Splits>,
    pub is_ended: bool,
    pub tables: BTreeMap<TableName, SavedTable>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct SavedTable {
    pub spec: TableSpec,
    /// As they are stored.
    pub bytes: u64,
    /// `None`: nobody has counted them, or there are too many.
    pub entries: Option<u64>,
}

impl SavedLane {
    pub fn bytes(&self) -> u64 {
        self.stages.values().flat_map(|it| it.tables.values()).map(|it| it.bytes).sum()
    }

    pub(super) fn of(manifest: &Manifest) -> Self {
        let Manifest { epoch, announced_at: taken_at, plan, .. } = *manifest;
        let stages = manifest.stages.iter().map(|(id, it)| (id.clone(), SavedStage::of(it)));
        Self { epoch, taken_at, plan, stages: stages.collect() }
    }
}

impl SavedStage {
    fn of(stage: &StageManifest) -> Self {
        let table = |it: &TableManifest| {
            let bytes = it.parts.iter().map(|it| it.bytes).sum();
            SavedTable { spec: it.spec, bytes, entries: None }
        };
        let tables = stage.tables.iter().map(|(name, it)| (name.clone(), table(it)));
        let splits = position::look(&stage.position);
        Self { splits, is_ended: stage.is_ended, tables: tables.collect() }
    }
}
