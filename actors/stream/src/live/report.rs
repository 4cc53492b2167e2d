//! What stages of a driven pipeline say to their driver.

use tokio::sync::mpsc;
use weir_checkpoint::Epoch;
use weir_domain::StageId;

use super::Splits;
use super::state::Changed;
use crate::Action;
use crate::edge::Broken;

pub(crate) enum Report {
    /// The stage has taken its snapshot. What it names is durable but for what the driver stores.
    Aligned(Epoch, Snapshot),
    /// It can't take this epoch any more.
    Skipped(Epoch),
    /// A source will read nothing more.
    Ended,
}

/// A stage at the barrier of an epoch.
#[derive(Default)]
pub(crate) struct Snapshot {
    /// Of a source.
    pub(crate) splits: Option<Splits>,
    pub(crate) is_ended: bool,
    /// What publishes all that a sink has written since the barrier before.
    pub(crate) actions: Vec<Action>,
    /// Of an operator: what it remembers.
    pub(crate) tables: Vec<Changed>,
}

/// The voice of one stage.
#[derive(Debug, Clone)]
pub(crate) struct Reports {
    pub(crate) stage: StageId,
    pub(crate) driver: mpsc::UnboundedSender<(StageId, Report)>,
}

impl Reports {
    pub(crate) fn say(&self, report: Report) -> Result<(), Broken> {
        self.driver.send((self.stage.clone(), report)).map_err(|_| Broken)
    }
}
