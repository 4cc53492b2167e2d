//! A small world for streams: items in memory, sinks that stage and publish in memory, and faults
//! on order.

mod driven;
mod engine;
mod kinds;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use serde_json::json;
use weir_domain::plan::{DeadLetters, Edge, OnError, Plan, Retry, Role, Stage};
use weir_domain::{Digest, Fault, Millis, Place, PortName, StageId, WorkflowName};
use weir_persistence_api::MemoryBlobs;
use weir_runtime::Stopwatch;

use crate::Registry;
use kinds::Kind;

pub(super) use driven::{Driven, StopOutcome};
pub(super) use engine::{Engine, spec};

pub(super) fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, true)]))
}

/// What an item holds: numbers; a negative one is a bad record.
pub(super) type Numbers = Vec<i64>;

/// Everything outside the pipeline, shared by all kinds of a test.
#[derive(Default)]
pub(super) struct Outside {
    pub(super) items: BTreeMap<String, Numbers>,
    pub(super) staged: BTreeMap<String, Numbers>,
    /// By sink: what became visible, in order.
    pub(super) published: BTreeMap<String, Numbers>,
    pub(super) settled: Vec<(String, String)>,
    /// Faults for the next calls, by the name of the place.
    pub(super) faults: BTreeMap<String, VecDeque<Fault>>,
    /// Called when a sink writes, to stop the world there.
    pub(super) writes: usize,
    /// The one stage whose writes are held; of all, if none is named.
    pub(super) held_sink: Option<String>,
    pub(super) hold_writes: bool,
    pub(super) hold_reads: bool,
    /// How many reads were begun.
    pub(super) reads: usize,
    /// The source does not say whether it is there.
    pub(super) hold_reach: bool,
    /// How many items each claim offered.
    pub(super) offers: Vec<usize>,
    /// Owners that are known to live; all others are gone.
    pub(super) alive: Vec<String>,
    /// Where live workflows keep their checkpoints.
    pub(super) blobs: MemoryBlobs,
    /// Live sources that will have nothing more than what is there; `*`: all.
    pub(super) ending: Vec<&'static str>,
    /// Live sources that have nothing for now.
    pub(super) silent: Vec<&'static str>,
    /// The version that is to run.
    pub(super) wanted: Vec<Digest>,
    /// How often somebody wanted to know that.
    pub(super) versions_asked: usize,
    /// Sinks that can publish nothing.
    pub(super) away: Vec<&'static str>,
}

impl Outside {
    pub(super) fn is_ending(&self, source: &str) -> bool {
        self.ending.iter().any(|it| *it == "*" || *it == source)
    }
}

/// The code of what panics.
const PANIC: u32 = 9_999;

#[derive(Clone, Default)]
pub(super) struct World(pub(super) Arc<Mutex<Outside>>);

impl World {
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Outside) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    pub(super) fn item(&self, name: &str, numbers: impl IntoIterator<Item = i64>) {
        self.with(|it| it.items.insert(name.into(), numbers.into_iter().collect()));
    }

    /// At a place, as `write`, or at that of one stage, as `write even`.
    pub(super) fn fault(&self, place: impl Into<String>, fault: Fault) {
        self.with(|it| it.faults.entry(place.into()).or_default().push_back(fault));
    }

    /// One that is not returned, but panics.
    pub(super) fn panic(&self, place: impl Into<String>) {
        self.fault(place, Fault::data(PANIC, "on order"));
    }

    pub(super) fn meet(&self, place: &str) -> Result<(), Fault> {
        let fault = self.with(|it| it.faults.get_mut(place).and_then(VecDeque::pop_front));
        assert!(fault.as_ref().is_none_or(|it| it.code.0 != PANIC), "on order");
        fault.map_or(Ok(()), Err)
    }

    /// At a place of any stage, and of this one.
    pub(super) fn meet_at(&self, place: &str, stage: &str) -> Result<(), Fault> {
        self.meet(place)?;
        self.meet(&format!("{place} {stage}"))
    }

    /// How often the place of a stage is still to be met.
    pub(super) fn is_met(&self, place: &str) -> bool {
        self.with(|it| it.faults.get(place).is_none_or(VecDeque::is_empty))
    }

    pub(super) fn published(&self, sink: &str) -> Numbers {
        self.with(|it| it.published.get(sink).cloned().unwrap_or_default())
    }

    pub(super) fn registry(&self) -> Registry {
        Registry::default()
            .source(Kind(self.clone()))
            .operator(Kind(self.clone()))
            .sink(Kind(self.clone()))
            .source(super::live::Kind(self.clone()))
            .operator(super::live::Unique)
            .effects("test", Kind(self.clone()))
    }
}

/// read → check → route → even, odd; dead letters to a sink of their own.
pub(super) fn plan(on_error: OnError) -> Plan {
    let id = |it: &str| StageId::new(it).unwrap();
    let stage = |name: &str, role, config| Stage {
        id: id(name),
        role,
        kind: "test".into(),
        config,
        on_error,
        error_limit: None,
        place: Place::default(),
    };
    let edge = |from: &str, port: &str, to: &str| Edge {
        from: id(from),
        port: PortName::new(port).unwrap(),
        to: id(to),
        place: Place::default(),
    };
    Plan {
        workflow: WorkflowName::new("w").unwrap(),
        instances: 1,
        stages: vec![
            stage("read", Role::Source, json!({})),
            stage("check", Role::Operator, json!({})),
            stage("route", Role::Operator, json!({ "even": true })),
            stage("even", Role::Sink, json!({})),
            stage("odd", Role::Sink, json!({})),
        ],
        edges: vec![
            edge("read", "out", "check"),
            edge("check", "out", "route"),
            edge("route", "even", "even"),
            edge("route", "odd", "odd"),
        ],
        retry: Retry { max_retries: 3, min_backoff: Millis(10), max_backoff: Millis(40) },
        dead_letters: Some(DeadLetters { kind: "test".into(), config: json!({}) }),
        error_limit: None,
    }
}

/// Waits until it holds, or fails with the message.
pub(super) async fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let watch = Stopwatch::start();
    while !holds() {
        assert!(watch.elapsed() < Duration::from_secs(90), "not within 90 s: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
