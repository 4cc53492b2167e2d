//! Whether the state of an epoch fits a plan: the one it was taken of, or a newer version.
//!
//! What fits is restored stage by stage, by name. What doesn't is refused with everything that is
//! wrong at once, before anything starts; nobody's state is silently left behind.

use std::collections::{BTreeMap, BTreeSet};

use weir_domain::{Digest, StageId, TableName};

use crate::manifest::{Manifest, StageManifest};
use crate::table::TableSpec;

/// What of a plan its state has to fit.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanShape {
    pub digest: Digest,
    pub stages: BTreeMap<StageId, StageShape>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct StageShape {
    pub tables: BTreeMap<TableName, TableSpec>,
    pub is_source: bool,
}

/// What becomes of state that the plan has no place for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leftover {
    Refuse,
    /// It is given up, as whoever restores has said.
    Drop,
}

/// How an epoch's state goes into a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fit {
    /// Stages that begin with nothing, since the epoch knows nothing of them.
    pub fresh: BTreeSet<StageId>,
    /// Stages and tables whose state is given up.
    pub dropped: BTreeSet<(StageId, Option<TableName>)>,
}

/// One thing that doesn't fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    #[error(
        "stage {stage} has {} in the checkpoint and is not in the plan: give it back its name, or \
         restore without what is left over",
        what(.tables, *.has_position)
    )]
    StageGone { stage: StageId, tables: usize, has_position: bool },
    #[error(
        "stage {stage} has no table {table} any more, and the checkpoint has: give it back its \
         name, or restore without what is left over"
    )]
    TableGone { stage: StageId, table: TableName },
    #[error(
        "table {table} of stage {stage} is {stored} in the checkpoint and {wanted} in the plan: \
         keep what it was under this name, and put the new one under another"
    )]
    Table { stage: StageId, table: TableName, stored: TableSpec, wanted: TableSpec },
    #[error(
        "stage {stage} was a source and is none any more: its position can't be used; give the new \
         stage another name"
    )]
    NoSource { stage: StageId },
    #[error(
        "stage {stage} has output in the checkpoint that is not published, and is not in the plan: \
         restore it once with the plan that it was taken of"
    )]
    Unpublished { stage: StageId },
}

fn what(tables: &usize, has_position: bool) -> String {
    let tables = match tables {
        1 => "1 table".to_owned(),
        tables => format!("{tables} tables"),
    };
    if has_position { format!("{tables} and a position") } else { tables }
}

/// All that doesn't fit, or how it goes.
pub fn fit(manifest: &Manifest, plan: &PlanShape, leftover: Leftover) -> Result<Fit, Vec<Misfit>> {
    let mut fit = Fit::default();
    let mut misfits = Vec::new();
    for (id, stored) in &manifest.stages {
        match plan.stages.get(id) {
            None => stage_gone(id, stored, leftover, &mut fit, &mut misfits),
            Some(wanted) => stage(id, stored, wanted, leftover, &mut fit, &mut misfits),
        }
    }
    let fresh = plan.stages.keys().filter(|it| !manifest.stages.contains_key(*it));
    fit.fresh = fresh.cloned().collect();
    if misfits.is_empty() { Ok(fit) } else { Err(misfits) }
}

fn stage_gone(
    id: &StageId,
    stored: &StageManifest,
    leftover: Leftover,
    fit: &mut Fit,
    misfits: &mut Vec<Misfit>,
) {
    if !stored.uploads.is_empty() {
        misfits.push(Misfit::Unpublished { stage: id.clone() });
    }
    let (tables, has_position) = (stored.tables.len(), !stored.position.is_empty());
    if tables == 0 && !has_position {
        return;
    }
    match leftover {
        Leftover::Drop => {
            fit.dropped.insert((id.clone(), None));
        }
        Leftover::Refuse => {
            misfits.push(Misfit::StageGone { stage: id.clone(), tables, has_position });
        }
    }
}

fn stage(
    id: &StageId,
    stored: &StageManifest,
    wanted: &StageShape,
    leftover: Leftover,
    fit: &mut Fit,
    misfits: &mut Vec<Misfit>,
) {
    if !stored.position.is_empty() && !wanted.is_source {
        misfits.push(Misfit::NoSource { stage: id.clone() });
    }
    for (table, it) in &stored.tables {
        let (stage, table) = (id.clone(), table.clone());
        match (wanted.tables.get(&table), leftover) {
            (Some(wanted), _) if *wanted == it.spec => {}
            (Some(&wanted), _) => {
                misfits.push(Misfit::Table { stage, table, stored: it.spec, wanted });
            }
            (None, Leftover::Drop) => {
                fit.dropped.insert((stage, Some(table)));
            }
            (None, Leftover::Refuse) => misfits.push(Misfit::TableGone { stage, table }),
        }
    }
}

#[cfg(test)]
mod tests;
