//! Looking at records that pass: some are seen, and nobody waits for who looks.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{AsArray as _, RecordBatch};
use arrow::datatypes::{Int64Type, SchemaRef};
use weir_domain::plan::OnError;
use weir_domain::{
    Millis, PortName, SniffFilter, SniffSide, SniffWish, StageId, StreamState, WorkflowName,
};

use super::store;
use super::world::{Engine, World, plan, wait_until};
use crate::{Sniffed, Taps};

fn wish(stage: &str, side: SniffSide, records: u32) -> SniffWish {
    SniffWish {
        workflow: WorkflowName::new("w").unwrap(),
        stage: StageId::new(stage).unwrap(),
        side,
        stream: None,
        filter: None,
        ports: BTreeSet::new(),
        condition: None,
        records,
        within: Millis(30_000),
    }
}

/// What is seen of an item while it passes.
async fn seen(numbers: impl Iterator<Item = i64>, wish: SniffWish) -> (World, Engine, Sniffed) {
    looked(numbers, wish, Taps::default()).await
}

async fn looked(
    numbers: impl Iterator<Item = i64>,
    wish: SniffWish,
    taps: Taps,
) -> (World, Engine, Sniffed) {
    let world = World::default();
    world.with(|it| it.hold_reads = true);
    world.item("a", numbers);
    let mut engine = Engine::start(&world, &store()).await;
    engine.services.taps = taps;
    let workflow = engine.run(plan(OnError::Ignore)).await;
    wait_until("a stream is open", || !engine.last().is_empty()).await;
    let release = async {
        // Whoever looks is there when this is polled.
        world.with(|it| it.hold_reads = false);
    };
    let (sniffed, ()) = tokio::join!(engine.services.taps.sniff(wish), release);
    wait_until("it is committed", || engine.last()[0].state.is_closed()).await;
    workflow.stop(Duration::from_secs(10)).await;
    (world, engine, sniffed)
}

fn numbers(sniffed: &Sniffed) -> Vec<i64> {
    sniffed.records.iter().map(|it| it.record["n"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn as_many_records_as_wished_are_captured_where_they_pass() {
    let (_, engine, sniffed) = seen(1..=30, wish("read", SniffSide::Out, 5)).await;
    assert_eq!(numbers(&sniffed), [1, 2, 3, 4, 5]);
    assert_eq!(sniffed.records[4].position, 5);
    assert_eq!(sniffed.records[0].stream, engine.last()[0].id);
    let (_, _, sniffed) = seen(1..=4, wish("odd", SniffSide::In, 2)).await;
    assert_eq!(numbers(&sniffed), [1, 3], "an edge is what comes to its stage");
}

#[tokio::test]
async fn a_filter_leaves_what_fits() {
    let filter = Some(SniffFilter { field: "n".into(), equals: "3".into() });
    let wish = SniffWish { filter, ..wish("check", SniffSide::In, 1) };
    let (_, _, sniffed) = seen(1..=3, wish).await;
    assert_eq!((numbers(&sniffed), sniffed.seen), (vec![3], 3));
}

#[tokio::test]
async fn who_looks_slowly_misses_records_and_holds_nobody_up() {
    let wish = SniffWish { within: Millis(2_000), ..wish("read", SniffSide::Out, 1_000_000) };
    let (world, engine, sniffed) = seen(1..=60_001, wish).await;
    assert_eq!(engine.last()[0].state, StreamState::CommittedWithWarnings);
    assert_eq!(world.published("odd").len(), 30_001, "nothing is lost for others");
    let looked_at = sniffed.records.len() as u64;
    assert!(sniffed.dropped > 0 && looked_at > 0, "{} and {looked_at}", sniffed.dropped);
    assert!(looked_at + sniffed.dropped <= sniffed.seen, "what waited at the end is neither");
}

#[tokio::test]
async fn what_passes_elsewhere_is_not_seen_and_the_time_ends() {
    let other = SniffWish {
        workflow: WorkflowName::new("v").unwrap(),
        within: Millis(50),
        ..wish("read", SniffSide::Out, 1)
    };
    let (_, engine, sniffed) = seen(1..=30, other).await;
    assert_eq!(sniffed, Sniffed::default());
    assert_eq!(engine.last()[0].state, StreamState::Committed);
}

#[tokio::test]
async fn of_a_port_only_its_records_are_seen() {
    let ports = BTreeSet::from([PortName::new("odd").unwrap()]);
    let wish = SniffWish { ports, ..wish("route", SniffSide::Out, 3) };
    let (_, _, sniffed) = seen(1..=30, wish).await;
    assert_eq!(numbers(&sniffed), [1, 3, 5]);
}

/// `= N`, and nothing else.
fn conditions() -> crate::Conditions {
    Arc::new(|text: &str, _: &SchemaRef| -> Result<crate::Matcher, String> {
        let wanted: i64 = text.strip_prefix("= ").and_then(|it| it.parse().ok()).ok_or("no =")?;
        Ok(Box::new(move |it: &RecordBatch| {
            let numbers = it.column(0).as_primitive::<Int64Type>();
            numbers.iter().map(|it| Some(it == Some(wanted))).collect()
        }))
    })
}

#[tokio::test]
async fn a_condition_chooses_and_one_that_is_none_is_said() {
    let of = |text: &str| {
        let condition = Some(text.to_owned());
        SniffWish { condition, within: Millis(2_000), ..wish("read", SniffSide::Out, 1) }
    };
    let (_, _, sniffed) = looked(1..=9, of("= 7"), Taps::with_conditions(conditions())).await;
    assert_eq!((numbers(&sniffed), sniffed.wrong), (vec![7], None));
    let (_, _, sniffed) = looked(1..=9, of("7"), Taps::with_conditions(conditions())).await;
    assert_eq!((sniffed.records.len(), sniffed.wrong.as_deref()), (0, Some("no =")));
}
