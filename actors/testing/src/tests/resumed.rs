//! What operators remember: a workflow that is cut off after any record, goes on from any checkpoint, and
//! has batches of any size, gives exactly what an undisturbed one gives.
//!
//! The undisturbed one has all records in one batch. Checkpoints stand half way to each cut, so that cuts
//! after every record go through a checkpoint at every position. `WEIR_SEED` repeats the choices of a run.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use weir_domain::{StageId, Timestamp};
use weir_stream::Registry;

use super::{loaded, project, registry};
use crate::run::run;
use crate::scene::Scene;
use crate::world::Output;

const RECORDS: u64 = 30;
const SEED: u64 = 20_261_126;
/// Cuts and sizes at random.
const ROUNDS: u32 = 12;
const BEGIN: Timestamp = Timestamp(1_767_225_600_000);
const WITHIN: Duration = Duration::from_secs(60);

/// orders → STAGES → write, live.
const FLOW: &str = "\
apiVersion: weir/v1
kind: Workflow
metadata: { name: live }
spec:
  stages:
    - name: orders
      source:
        generator:
          fields:
            - { name: id, make: sequence }
            - { name: kind, make: integer, min: 0, max: 9 }
            - { name: amount, make: integer, min: 0, max: 99 }
STAGES
    - name: write
      from: last
      sink: { file: { directory: out, name: \"${stream}\", format: { type: json } } }
";

const UNIQUE: &str = "deduplicate: { key: [kind, amount], within: 1h }";
const PACK: &str = "boundary: { key: [kind], records: 3, number: pack, place: position }";
const TOTALS: &str = "aggregate: { key: [kind], values: [
          { name: records, make: count }, { name: total, make: sum, field: amount },
          { name: least, make: min, field: amount }, { name: most, make: max, field: amount },
          { name: mean, make: avg, field: amount }, { name: begin, make: first, field: id },
          { name: end, make: last, field: id },
          { name: kinds, make: countDistinct, field: amount }] }";
const ALL: &str = "aggregate: { values: [{ name: records, make: count },
          { name: total, make: sum, field: amount }], ttl: 1h }";
const HALF: &str = "mapping: { set: { half: amount / 2 } }";

/// These operators, one behind the other.
fn flow(processors: &[&str]) -> String {
    let names = |at: usize| match at + 1 == processors.len() {
        true => "last".to_owned(),
        false => format!("stage-{at}"),
    };
    let before = |at: usize| at.checked_sub(1).map_or("orders".to_owned(), names);
    let stage = |(at, it): (usize, &&str)| {
        let (name, from) = (names(at), before(at));
        format!("    - {{ name: {name}, from: {from}, processor: {{ {it} }} }}")
    };
    let stages: Vec<_> = processors.iter().enumerate().map(stage).collect();
    FLOW.replace("STAGES", &stages.join("\n"))
}

/// Kinds and amounts that come again, now and then together.
fn case() -> String {
    let row = |id: u64| {
        let (kind, amount) = (id * id % 7, id * 5 % 8);
        format!("{{ id: {id}, kind: {kind}, amount: {amount} }}")
    };
    let rows: Vec<_> = (0..RECORDS).map(row).collect();
    format!(
        "    - name: any\n      input: {{ orders: [{{ rows: [{}] }}] }}\n      \
         expect: {{ write: {{ count: 1 }} }}\n",
        rows.join(", ")
    )
}

struct Case {
    scene: Scene,
    registry: Registry,
}

type Published = BTreeMap<StageId, Output>;

impl Case {
    async fn published(&mut self, batch_rows: usize, kills: &[u64]) -> Published {
        self.scene.limits.batch_rows = batch_rows;
        let outcome = run(&self.scene, &self.registry, (BEGIN, WITHIN), kills).await.unwrap();
        assert!(outcome.late.is_none() && outcome.faults.is_empty(), "{kills:?}: {outcome:#?}");
        assert_eq!((outcome.cuts_left, outcome.came), (0, RECORDS), "{kills:?}");
        outcome.published
    }
}

#[track_caller]
fn assert_equal(found: &Published, golden: &Published, what: &str) {
    for (stage, golden) in golden {
        let found = found.get(stage).map(|it| it.records.as_slice()).unwrap_or_default();
        let lost = golden.records.iter().filter(|it| !found.contains(it)).count();
        let strange = found.iter().filter(|it| !golden.records.contains(it)).count();
        let (len, wanted) = (found.len(), golden.records.len());
        assert_eq!(
            found, golden.records,
            "{what}: {stage}: {len} of {wanted} records, {lost} lost, {strange} that are wrong"
        );
    }
    assert_eq!(found, golden, "{what}");
}

/// Cut off after each record alone, after every record, and by chance.
async fn goes_on_from_anywhere(processors: &[&str]) {
    let seed = std::env::var("WEIR_SEED").ok().and_then(|it| it.parse().ok()).unwrap_or(SEED);
    let mut random = StdRng::seed_from_u64(seed);
    let dir = project(&flow(processors), "live", &case());
    let (project, registry) = (loaded(dir.path()), registry());
    let case = &project.tests[0].cases[0];
    let scene = Scene::of(case, (&project, &project.plans[0]), &registry);
    let mut case = Case { scene: scene.unwrap_or_else(|it| panic!("{it:#?}")), registry };
    let golden = case.published(1_000, &[]).await;
    assert!(golden.values().any(|it| !it.records.is_empty()), "{golden:?}");
    for kill in 1..=RECORDS {
        let rows = random.random_range(1..=64);
        let what = format!("WEIR_SEED={seed}, cut after {kill}, batches of {rows}");
        assert_equal(&case.published(rows, &[kill]).await, &golden, &what);
    }
    let every: Vec<_> = (1..=RECORDS).collect();
    let what = "cut after every record";
    assert_equal(&case.published(7, &every).await, &golden, what);
    for round in 0..ROUNDS {
        let rows = random.random_range(1..=64);
        let cut = random.random_range(0.05..0.6);
        let kills: Vec<_> = (1..=RECORDS).filter(|_| random.random_bool(cut)).collect();
        let what = format!("WEIR_SEED={seed}, round {round}: cut at {kills:?}, batches of {rows}");
        assert_equal(&case.published(rows, &kills).await, &golden, &what);
    }
}

#[tokio::test]
async fn what_passes_once_goes_on_from_anywhere() {
    goes_on_from_anywhere(&[UNIQUE]).await;
}

#[tokio::test]
async fn running_values_of_keys_go_on_from_anywhere() {
    goes_on_from_anywhere(&[TOTALS]).await;
}

#[tokio::test]
async fn running_values_of_all_go_on_from_anywhere() {
    goes_on_from_anywhere(&[ALL]).await;
}

#[tokio::test]
async fn groups_go_on_from_anywhere() {
    goes_on_from_anywhere(&[PACK]).await;
}

#[tokio::test]
async fn operators_behind_each_other_go_on_from_anywhere() {
    goes_on_from_anywhere(&[UNIQUE, HALF, PACK, TOTALS]).await;
}
