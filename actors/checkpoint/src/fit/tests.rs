//! What goes into a plan, and what doesn't.

use bytes::Bytes;
use weir_domain::{Digest, Timestamp};

use super::*;
use crate::epoch::Epoch;
use crate::manifest::{EpochKind, TableManifest, Upload};
use crate::table::TableKind;

fn stage(name: &str) -> StageId {
    StageId::new(name).unwrap()
}

fn table(name: &str) -> TableName {
    TableName::new(name).unwrap()
}

fn spec(version: u32) -> TableSpec {
    TableSpec { kind: TableKind::Map, version }
}

/// A source with a position, and a stage with two tables.
fn manifest() -> Manifest {
    let of = |spec| TableManifest { spec, parts: vec![] };
    let source = StageManifest { position: Bytes::from_static(b"7"), ..StageManifest::default() };
    let tables = [(table("seen"), of(spec(1))), (table("sums"), of(spec(2)))].into();
    let dedupe = StageManifest { tables, ..StageManifest::default() };
    Manifest {
        job: weir_persistence_api::BlobKey::new("job").unwrap(),
        epoch: Epoch::new(1, 1),
        kind: EpochKind::Stop,
        plan: Digest::of(b"plan"),
        parent: None,
        announced_at: Timestamp(0),
        stages: [(stage("source"), source), (stage("dedupe"), dedupe)].into(),
    }
}

fn plan() -> PlanShape {
    let tables = [(table("seen"), spec(1)), (table("sums"), spec(2))].into();
    let dedupe = StageShape { tables, is_source: false };
    let source = StageShape { tables: BTreeMap::new(), is_source: true };
    let stages = [(stage("source"), source), (stage("dedupe"), dedupe)].into();
    PlanShape { digest: Digest::of(b"plan"), stages }
}

#[test]
fn the_same_plan_fits() {
    assert_eq!(fit(&manifest(), &plan(), Leftover::Refuse), Ok(Fit::default()));
}

#[test]
fn what_is_new_begins_with_nothing_and_is_told() {
    let mut plan = plan();
    plan.stages.insert(stage("new"), StageShape::default());
    let dedupe = plan.stages.get_mut(&stage("dedupe")).unwrap();
    dedupe.tables.insert(table("more"), spec(1));
    let fit = fit(&manifest(), &plan, Leftover::Refuse).unwrap();
    assert_eq!(fit.fresh, BTreeSet::from([stage("new")]));
}

#[test]
fn everything_that_does_not_fit_is_told_at_once() {
    let mut plan = plan();
    plan.stages.remove(&stage("source"));
    let dedupe = plan.stages.get_mut(&stage("dedupe")).unwrap();
    dedupe.tables = [(table("seen"), spec(5))].into();
    let misfits = fit(&manifest(), &plan, Leftover::Refuse).unwrap_err();
    let texts: Vec<_> = misfits.iter().map(Misfit::to_string).collect();
    assert_eq!(misfits.len(), 3, "{texts:?}");
    assert!(texts[0].contains("table seen of stage dedupe is map in version 1"), "{texts:?}");
    assert!(texts[0].contains("map in version 5 in the plan"), "{texts:?}");
    assert!(texts[1].contains("has no table sums any more"), "{texts:?}");
    assert!(texts[2].contains("stage source has 0 tables and a position"), "{texts:?}");
}

#[test]
fn what_is_left_over_is_dropped_if_somebody_says_so_and_what_is_unreadable_never() {
    let mut plan = plan();
    plan.stages.remove(&stage("source"));
    plan.stages.get_mut(&stage("dedupe")).unwrap().tables.remove(&table("sums"));
    let fit = fit(&manifest(), &plan, Leftover::Drop).unwrap();
    let expected = [(stage("dedupe"), Some(table("sums"))), (stage("source"), None)];
    assert_eq!(fit.dropped, BTreeSet::from(expected));

    let kind = TableSpec { kind: TableKind::Value, version: 1 };
    plan.stages.get_mut(&stage("dedupe")).unwrap().tables.insert(table("seen"), kind);
    let misfits = super::fit(&manifest(), &plan, Leftover::Drop).unwrap_err();
    assert!(matches!(misfits[..], [Misfit::Table { .. }]), "{misfits:?}");
}

#[test]
fn a_stage_that_owes_output_cannot_be_left_out() {
    let mut manifest = manifest();
    let upload = Upload { id: "u".into(), content: Bytes::new(), blobs: vec![] };
    let sink = StageManifest { uploads: vec![upload], ..StageManifest::default() };
    manifest.stages.insert(stage("sink"), sink);
    let misfits = fit(&manifest, &plan(), Leftover::Drop).unwrap_err();
    assert_eq!(misfits, [Misfit::Unpublished { stage: stage("sink") }]);
}

#[test]
fn a_source_that_is_none_any_more_is_refused() {
    let mut plan = plan();
    plan.stages.get_mut(&stage("source")).unwrap().is_source = false;
    let misfits = fit(&manifest(), &plan, Leftover::Drop).unwrap_err();
    assert_eq!(misfits, [Misfit::NoSource { stage: stage("source") }]);
}
