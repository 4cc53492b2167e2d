//! State: what operators remember, on its way into checkpoints and back.

use std::collections::BTreeMap;

use bytes::Bytes;
pub(super) use weir_checkpoint::table::entries;
use weir_checkpoint::table::{CompactionPolicy, Frozen, PartError, Table, compact};
use weir_checkpoint::{Checkpoints, Committable, Epoch, Manifest, PartKind};
use weir_domain::{Fault, StageId, TableName};
use weir_persistence_api::BlobKey;
use weir_runtime::Tasks;

pub use weir_checkpoint::table::{
    AppendTable, Chain, MapTable, MultiMapTable, PaneTable, TableKind, TableSpec, ValueTable, Weigh,
};

use super::effects::{Voice, fault, until_done};
use crate::connector::Action;

/// Larger ones are staged as blobs, so that a manifest holds those of many stages.
const COMMITTABLE_BYTES_MAX: usize = 16 << 10;

/// A table of an operator, as the pipeline handles it.
pub trait StateTable: Send {
    fn spec(&self) -> TableSpec;
    /// Takes what changed since the last time; nothing, if nothing did.
    fn freeze(&mut self, epoch: Epoch) -> Option<Frozen>;
    fn load(&mut self, part: &[u8]) -> Result<(), PartError>;
}

impl<T: Table + Send> StateTable for T {
    fn spec(&self) -> TableSpec {
        Table::spec(self)
    }
    fn freeze(&mut self, epoch: Epoch) -> Option<Frozen> {
        Table::freeze(self, epoch)
    }
    fn load(&mut self, part: &[u8]) -> Result<(), PartError> {
        Table::load(self, part)
    }
}

/// A table at a barrier: what of it changed.
pub(crate) struct Changed {
    pub(crate) table: TableName,
    pub(crate) spec: TableSpec,
    pub(crate) frozen: Option<Frozen>,
}

/// The tables of one stage, each with its parts.
pub(super) type Chains = BTreeMap<TableName, Chain>;

/// The tables that a checkpoint holds, by their stages.
pub(super) fn chains(manifest: Option<&Manifest>) -> BTreeMap<StageId, Chains> {
    let stages = manifest.into_iter().flat_map(|it| &it.stages);
    let tables = |it: &weir_checkpoint::StageManifest| {
        it.tables.iter().map(|(name, it)| (name.clone(), Chain::restored(it))).collect()
    };
    stages.map(|(stage, it)| (stage.clone(), tables(it))).collect()
}

/// The content of all tables of a checkpoint.
#[derive(Default)]
pub(crate) struct Restored(BTreeMap<(StageId, TableName), Vec<Bytes>>);

impl Restored {
    pub(super) async fn of(
        manifest: Option<&Manifest>,
        checkpoints: &Checkpoints,
    ) -> Result<Self, Fault> {
        let mut restored = BTreeMap::new();
        for (stage, chains) in chains(manifest) {
            for (table, chain) in chains {
                let mut parts = Vec::with_capacity(chain.parts().len());
                for part in chain.parts() {
                    parts.push(checkpoints.part(part).await.map_err(|it| fault(&it))?);
                }
                restored.insert((stage.clone(), table), parts);
            }
        }
        Ok(Self(restored))
    }

    /// Gives a stage's table what it had.
    pub(crate) fn restore(
        &self,
        stage: &StageId,
        name: &TableName,
        table: &mut dyn StateTable,
    ) -> Result<(), Fault> {
        let parts = self.0.get(&(stage.clone(), name.clone())).into_iter().flatten();
        for part in parts {
            table.load(part).map_err(|error| {
                let message = format!("stage {stage}, table {name} can't be restored: {error}");
                Fault::config(3190, message)
            })?;
        }
        Ok(())
    }
}

/// The way of a stage's snapshot into the store.
pub(super) struct Uploads<'a> {
    pub(super) checkpoints: &'a Checkpoints,
    pub(super) tasks: &'a Tasks,
    pub(super) voice: Voice,
}

impl Uploads<'_> {
    /// Stores what changed in a table as one part more of its chain, compacted where that is worth it.
    pub(super) async fn table(
        &self,
        (stage, epoch): (&StageId, Epoch),
        chains: &mut Chains,
        Changed { table, spec, frozen }: Changed,
    ) -> Result<(), Fault> {
        let chain = chains.entry(table.clone()).or_insert_with(|| Chain::new(spec));
        let Some(frozen) = frozen else { return Ok(()) };
        let keyed = |kind, contents: Vec<Bytes>| {
            let key =
                |number| self.checkpoints.layout().state(epoch, stage, &table, (kind, number));
            let keyed = contents.into_iter().enumerate().map(|(number, it)| (key(number), it));
            keyed.collect::<Vec<_>>()
        };
        let deltas = self.blocking(move || frozen.encode()).await?;
        for (key, content) in keyed(PartKind::Delta, deltas) {
            self.put(&key, &content).await?;
            chain.push(key, &content);
        }
        if !chain.is_worth_compacting(&CompactionPolicy::default()) {
            return Ok(());
        }
        let of = chain.parts().to_vec();
        let mut parts = Vec::with_capacity(of.len());
        for part in &of {
            parts.push(self.checkpoints.part(part).await.map_err(|it| fault(&it))?);
        }
        let bases = self.blocking(move || compact(&parts)).await?.map_err(|error| {
            Fault::config(3190, format!("stage {stage}, table {table} can't be read: {error}"))
        })?;
        let bases = keyed(PartKind::Base, bases);
        for (key, content) in &bases {
            self.put(key, content).await?;
        }
        chain.compacted(&of, bases);
        Ok(())
    }

    /// What is to be published: in the manifest itself, unless it is large.
    pub(super) async fn committable(
        &self,
        (stage, epoch): (&StageId, Epoch),
        actions: &[Action],
    ) -> Result<Committable, Fault> {
        let content: Bytes =
            serde_json::to_vec(actions).expect("values with text keys become JSON").into();
        if content.len() <= COMMITTABLE_BYTES_MAX {
            return Ok(Committable { content, blobs: Vec::new() });
        }
        let key = self.checkpoints.layout().staged(epoch, stage, 0);
        self.put(&key, &content).await?;
        Ok(Committable { content: Bytes::new(), blobs: vec![key] })
    }

    async fn put(&self, key: &BlobKey, content: &Bytes) -> Result<(), Fault> {
        let put = || self.checkpoints.put(key, content.clone());
        until_done(&self.voice, put).await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Fault> {
        let done = self.tasks.spawn_blocking("checkpoint", work).join().await;
        done.map_err(|it| Fault::transient(3191, it.to_string()))
    }
}
