//! A small world for streams: items in memory, sinks that stage and publish in memory, and faults
//! on order.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow::array::{AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Value, json};
use weir_domain::plan::{DeadLetters, Edge, OnError, Plan, Retry, Role, Stage};
use weir_domain::schedule::{InstanceNumber, InstanceReport, InstanceState};
use weir_domain::{
    ClaimId, Fault, Fingerprint, InstanceId, Item, ItemStatus, LogLine, Millis, NodeName, Place,
    PortName, ProjectName, Reprocess, StageId, Stream, StreamId, Timestamp, Workflow, WorkflowName,
};
use weir_persistence_api::{
    Acquired, Adoption, Claim, ClaimRequest, Error, Fence, ItemFilter, ItemStore as _, LeaseName,
    LeaseStore as _, MemoryBlobs, MemoryStore, Settlement, Unfinished, item_page,
};
use weir_runtime::{IdSource, PhaseTimeouts, Stopwatch, System, SystemClock, SystemSettings};
use weir_secrets::Opened;

use crate::connector::*;
use crate::kind::*;
use crate::*;

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
    pub(super) faults: BTreeMap<&'static str, VecDeque<Fault>>,
    /// Called when a sink writes, to stop the world there.
    pub(super) writes: usize,
    pub(super) hold_writes: bool,
    pub(super) hold_reads: bool,
    /// The source does not say whether it is there.
    pub(super) hold_reach: bool,
    /// How many items each claim offered.
    pub(super) offers: Vec<usize>,
    /// Owners that are known to live; all others are gone.
    pub(super) alive: Vec<String>,
    /// Where live workflows keep their checkpoints.
    pub(super) blobs: MemoryBlobs,
    /// Live sources will have nothing more than what is there.
    pub(super) is_ending: bool,
}

#[derive(Clone, Default)]
pub(super) struct World(pub(super) Arc<Mutex<Outside>>);

impl World {
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Outside) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    pub(super) fn item(&self, name: &str, numbers: impl IntoIterator<Item = i64>) {
        self.with(|it| it.items.insert(name.into(), numbers.into_iter().collect()));
    }

    pub(super) fn fault(&self, place: &'static str, fault: Fault) {
        self.with(|it| it.faults.entry(place).or_default().push_back(fault));
    }

    pub(super) fn meet(&self, place: &'static str) -> Result<(), Fault> {
        let fault = self.with(|it| it.faults.get_mut(place).and_then(VecDeque::pop_front));
        fault.map_or(Ok(()), Err)
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

struct Kind(World);

fn no_schema() -> schemars::Schema {
    schemars::json_schema!(true)
}

impl SourceKind for Kind {
    fn name(&self) -> &'static str {
        "test"
    }
    fn config_schema(&self) -> schemars::Schema {
        no_schema()
    }
    fn decode(&self, _: &Value) -> Result<(), ConfigError> {
        Ok(())
    }
    fn secret_use(&self) -> SecretUse {
        SecretUse::Plain
    }
    fn check(&self, _: &Value) -> Checked {
        Checked { outputs: vec![(PortName::out(), Some(schema()))], ..Checked::default() }
    }
    fn build(&self, _: &Value, _: &BuildContext) -> Result<AnySource, Fault> {
        Ok(AnySource::Items(Box::new(TestSource(self.0.clone()))))
    }
}

struct TestSource(World);

impl Source for TestSource {
    fn origin(&self) -> String {
        "/mnt/in".into()
    }
    fn check_access(&self) -> Result<(), Fault> {
        let watch = Stopwatch::start();
        while self.0.with(|it| it.hold_reach) {
            std::thread::yield_now();
            assert!(watch.elapsed() < Duration::from_secs(60), "nobody let the source answer");
        }
        self.0.meet("reach")
    }
    fn list(&mut self) -> Result<Vec<Item>, Fault> {
        self.0.meet("list")?;
        let item = |(name, numbers): (&String, &Numbers)| Item {
            name: name.clone(),
            fingerprint: Fingerprint { size: numbers.len() as u64, ..Fingerprint::default() },
        };
        Ok(self.0.with(|it| it.items.iter().map(item).collect()))
    }
    fn open(&mut self, item: &Item) -> Result<Box<dyn RecordReader>, Fault> {
        self.0.meet("open")?;
        assert!(self.0.meet("panic in open").is_ok(), "on order");
        let numbers = self.0.with(|it| it.items.get(&item.name).cloned());
        let numbers = numbers.ok_or_else(|| Fault::data(1, "the item is gone"))?;
        Ok(Box::new(TestReader { world: self.0.clone(), numbers, at: 0 }))
    }
    fn verify(&mut self, _: &Item) -> Result<(), Fault> {
        self.0.meet("verify")
    }
    fn settle(&self, item: &Item, outcome: Outcome) -> Vec<Action> {
        let payload = json!({ "settle": item.name, "outcome": format!("{outcome:?}") });
        vec![Action::new("test", payload)]
    }
    fn reprocess(&self) -> Reprocess {
        Reprocess::WhenChanged
    }
    fn interval(&self) -> Duration {
        Duration::from_millis(20)
    }
}

struct TestReader {
    world: World,
    numbers: Numbers,
    at: usize,
}

impl RecordReader for TestReader {
    fn schema(&self) -> SchemaRef {
        if self.numbers.is_empty() { Arc::new(Schema::empty()) } else { schema() }
    }
    fn read(&mut self) -> Result<Option<Read>, Fault> {
        self.world.meet("read")?;
        let watch = Stopwatch::start();
        while self.world.with(|it| it.hold_reads) {
            std::thread::yield_now();
            assert!(watch.elapsed() < Duration::from_secs(60), "nobody let the reader go on");
        }
        if self.at >= self.numbers.len() {
            return Ok(None);
        }
        let piece = &self.numbers[self.at..self.numbers.len().min(self.at + 3)];
        let position = |at: usize| (self.at + at + 1) as u64;
        let rows = piece.iter().enumerate();
        let good: Vec<_> = rows.clone().filter(|it| *it.1 >= 0).collect();
        let bad = rows.filter(|it| *it.1 < 0).map(|(at, n)| BadRecord {
            position: position(at),
            line: None,
            offset: None,
            raw: Bytes::from(n.to_string()),
            raw_cut: false,
            reason: "it is negative".into(),
        });
        let column: Int64Array = good.iter().map(|it| *it.1).collect::<Vec<_>>().into();
        let positions: Vec<_> = good.iter().map(|it| position(it.0)).collect();
        let records = RecordBatch::try_new(schema(), vec![Arc::new(column)]).unwrap();
        let batch = Batch::new(records, Positions::List(positions.into()));
        let read = Read { batch, bad: bad.collect(), bytes: piece.len() as u64 };
        self.at += piece.len();
        Ok(Some(read))
    }
}

/// `{"even": true}` routes to `even` and `odd`; else passes on and refuses multiples of 100.
impl OperatorKind for Kind {
    fn name(&self) -> &'static str {
        "test"
    }
    fn config_schema(&self) -> schemars::Schema {
        no_schema()
    }
    fn decode(&self, _: &Value) -> Result<(), ConfigError> {
        Ok(())
    }
    fn secret_use(&self) -> SecretUse {
        SecretUse::Plain
    }
    fn check(&self, config: &Value, _: Option<&SchemaRef>) -> Checked {
        let outputs = ports(config).into_iter().map(|it| (it, Some(schema()))).collect();
        Checked { outputs, ..Checked::default() }
    }
    fn build(
        &self,
        config: &Value,
        input: &SchemaRef,
        _: &BuildContext,
    ) -> Result<BuiltOperator, Fault> {
        let outputs = ports(config).into_iter().map(|it| (it, input.clone())).collect();
        let operator = TestOperator { world: self.0.clone(), routes: config["even"].is_boolean() };
        Ok(BuiltOperator { operator: Box::new(operator), outputs })
    }
}

fn ports(config: &Value) -> Vec<PortName> {
    match config["even"].is_boolean() {
        true => ["even", "odd"].map(|it| PortName::new(it).unwrap()).into(),
        false => vec![PortName::out()],
    }
}

struct TestOperator {
    world: World,
    routes: bool,
}

impl Operator for TestOperator {
    fn process(&mut self, batch: Batch, out: &mut Outputs) -> Result<(), Fault> {
        if self.world.meet("panic").is_err() {
            panic!("on order");
        }
        let numbers = batch.records.column(0).as_primitive::<Int64Type>().clone();
        let mask = |keep: &dyn Fn(i64) -> bool| -> arrow::array::BooleanArray {
            numbers.iter().map(|it| it.map(keep)).collect()
        };
        if self.routes {
            out.emit(0, batch.filter(&mask(&|n| n % 2 == 0)).unwrap());
            out.emit(1, batch.filter(&mask(&|n| n % 2 != 0)).unwrap());
            return Ok(());
        }
        for row in (0..numbers.len()).filter(|it| numbers.value(*it) % 100 == 0) {
            out.refuse(&batch, row, "a multiple of 100");
        }
        out.emit(0, batch.filter(&mask(&|n| n % 100 != 0)).unwrap());
        Ok(())
    }
}

impl SinkKind for Kind {
    fn name(&self) -> &'static str {
        "test"
    }
    fn config_schema(&self) -> schemars::Schema {
        no_schema()
    }
    fn decode(&self, _: &Value) -> Result<(), ConfigError> {
        Ok(())
    }
    fn secret_use(&self) -> SecretUse {
        SecretUse::Plain
    }
    fn check(&self, _: &Value, _: Option<&SchemaRef>) -> Checked {
        Checked::default()
    }
    fn build(&self, _: &Value, cx: &BuildContext) -> Result<Box<dyn Sink>, Fault> {
        Ok(Box::new(TestSink { world: self.0.clone(), name: cx.stage.to_string() }))
    }
}

struct TestSink {
    world: World,
    name: String,
}

impl Sink for TestSink {
    fn open(&mut self, stream: &StreamContext, _: SchemaRef) -> Result<Box<dyn SinkWriter>, Fault> {
        let segment = stream.segment.map(|it| it.to_string()).unwrap_or_default();
        let key = format!("{}/{}/{segment}", self.name, stream.stream);
        self.world.with(|it| it.staged.insert(key.clone(), Numbers::new()));
        Ok(Box::new(TestWriter {
            world: self.world.clone(),
            sink: self.name.clone(),
            key,
            is_kept: false,
        }))
    }
    fn discard(&self, stream: &StreamContext) -> Vec<Action> {
        let payload = json!({ "discard": format!("{}/{}/", self.name, stream.stream) });
        vec![Action::new("test", payload)]
    }
}

struct TestWriter {
    world: World,
    sink: String,
    key: String,
    is_kept: bool,
}

impl SinkWriter for TestWriter {
    fn write(&mut self, batch: &Batch) -> Result<Vec<BadRecord>, Fault> {
        self.world.meet("write")?;
        let watch = Stopwatch::start();
        while self.world.with(|it| {
            it.writes += 1;
            it.hold_writes
        }) {
            std::thread::yield_now();
            assert!(watch.elapsed() < Duration::from_secs(60), "nobody let the writer go on");
        }
        let column = match batch.records.column(0).as_primitive_opt::<Int64Type>() {
            Some(numbers) => numbers.values().to_vec(),
            None => (0..batch.rows()).map(|row| batch.positions.at(row) as i64).collect(),
        };
        let is_there = self.world.with(|it| {
            it.staged.get_mut(&self.key).map(|numbers| numbers.extend(column)).is_some()
        });
        match is_there {
            true => Ok(Vec::new()),
            false => Err(Fault::data(2, "what was staged is gone")),
        }
    }
    fn prepare(mut self: Box<Self>) -> Result<Prepared, Fault> {
        self.world.meet("prepare")?;
        self.is_kept = true;
        let payload = json!({ "publish": self.key, "sink": self.sink });
        Ok(Prepared { actions: vec![Action::new("test", payload)], bytes: 1 })
    }
    fn bytes_written(&self) -> u64 {
        0
    }
}

impl Drop for TestWriter {
    fn drop(&mut self) {
        if !self.is_kept {
            self.world.with(|it| it.staged.remove(&self.key));
        }
    }
}

impl Effects for Kind {
    fn run(&self, due: Due<'_>) -> Result<Vec<Published>, Fault> {
        let text = |key: &str| due.payload[key].as_str().map(str::to_owned);
        if let Some(key) = text("publish") {
            self.0.meet("publish")?;
            let sink = text("sink").unwrap();
            let Some(numbers) = self.0.with(|it| it.staged.remove(&key)) else { return Ok(vec![]) };
            if numbers.is_empty() {
                return Ok(vec![]);
            }
            self.0.with(|it| it.published.entry(sink).or_default().extend(numbers));
            return Ok(vec![Published { address: key, warning: None }]);
        }
        if let Some(key) = text("discard") {
            self.0.with(|it| it.staged.retain(|staged, _| !staged.starts_with(&key)));
        }
        if let Some(item) = text("settle") {
            self.0.meet("settle")?;
            let outcome = text("outcome").unwrap();
            self.0.with(|it| {
                if it.items.remove(&item).is_some() {
                    it.settled.push((item, outcome));
                }
            });
        }
        Ok(vec![])
    }
}

/// An engine's services over a store in memory. A new one over the same store is a restart.
pub(super) struct Engine {
    pub(super) services: Services,
    pub(super) store: MemoryStore,
    pub(super) streams: Arc<Mutex<BTreeMap<String, Vec<Stream>>>>,
    /// What all streams said.
    pub(super) lines: Arc<Mutex<Vec<String>>>,
}

impl Engine {
    pub(super) async fn start(world: &World, store: &MemoryStore) -> Self {
        let clock = Arc::new(SystemClock);
        let system = System::new(SystemSettings {
            node: NodeName::new("one").unwrap(),
            ids: IdSource::new(clock.clone()),
            clock,
            shutdown: PhaseTimeouts::default(),
        });
        let (name, ttl) = (LeaseName("access".into()), Duration::from_secs(60));
        let fence = match store.lease_acquire(&name, system.owner(), ttl).await.unwrap() {
            Acquired::Granted(fence) => fence,
            Acquired::Held { owner, epoch, .. } => {
                let seen = (owner.as_str(), epoch);
                match store.lease_force(&name, system.owner(), ttl, seen).await.unwrap() {
                    Acquired::Granted(fence) => fence,
                    held @ Acquired::Held { .. } => panic!("{held:?}"),
                }
            }
        };
        let (streams, lines) = (Arc::default(), Arc::default());
        let access = TestAccess { store: store.clone(), fence, world: world.clone() };
        let monitor = TestMonitor { streams: Arc::clone(&streams), lines: Arc::clone(&lines) };
        let services = Services {
            system,
            registry: Arc::new(world.registry()),
            access: Arc::new(access),
            monitor: Arc::new(monitor),
            peers: Arc::new(TestPeers(world.clone())),
            checkpoints: Arc::new(world.with(|it| it.blobs.clone())),
            limits: Limits { checkpoint_interval: Duration::from_millis(40), ..Limits::default() },
            live: LiveClaims::default(),
            running: Running::default(),
            streams: LiveStreams::default(),
            taps: Taps::default(),
            threads: Arc::new(tokio::sync::Semaphore::new(64)),
        };
        Self { services, store: store.clone(), streams, lines }
    }

    /// Runs as many instances as the plan says.
    pub(super) async fn run(&self, plan: Plan) -> Driven {
        self.run_with(plan, Opened::default())
    }

    pub(super) fn run_with(&self, plan: Plan, secrets: Opened) -> Driven {
        let instances = u64::from(plan.instances);
        self.run_as(plan, secrets, instances)
    }

    /// Runs so many instances, whatever the plan says.
    pub(super) fn run_some(&self, plan: Plan, instances: u64) -> Driven {
        self.run_as(plan, Opened::default(), instances)
    }

    fn run_as(&self, plan: Plan, secrets: Opened, instances: u64) -> Driven {
        let numbers = 1..=instances;
        let spec = spec(plan, secrets);
        let running = RunningWorkflow::new(self.services.clone(), spec);
        let driven = Driven { running, said: Arc::default(), is_stopping: AtomicBool::new(false) };
        numbers.for_each(|it| driven.start(it));
        driven
    }

    /// The last state of every stream, in order of opening.
    pub(super) fn last(&self) -> Vec<Stream> {
        let streams = self.streams.lock().unwrap();
        streams.values().filter_map(|it| it.last().cloned()).collect()
    }

    pub(super) async fn statuses(&self) -> Vec<(String, ItemStatus)> {
        let all = ItemFilter::default();
        let rows = item_page::page(&self.store, &all, None, 1_000).await.unwrap().rows;
        rows.into_iter().map(|it| (it.item, it.status)).collect()
    }
}

pub(super) fn spec(plan: Plan, secrets: Opened) -> WorkflowSpec {
    let project = ProjectName::new("p").unwrap();
    WorkflowSpec { project, plan: Arc::new(plan), base_dir: "/".into(), secrets }
}

struct TestAccess {
    store: MemoryStore,
    fence: Fence,
    world: World,
}

fn refused(error: Error) -> AccessError {
    match error {
        Error::ClaimLost => AccessError::ClaimLost,
        other => AccessError::Unavailable(other.to_string()),
    }
}

#[async_trait]
impl Access for TestAccess {
    async fn claim(&self, request: ClaimRequest) -> Result<Option<Claim>, AccessError> {
        self.world.with(|it| it.offers.push(request.candidates.len()));
        self.store.item_claim(&self.fence, request).await.map_err(refused)
    }
    async fn commit(&self, claim: ClaimId, settlement: Bytes) -> Result<(), AccessError> {
        self.store.item_commit(&self.fence, claim, settlement).await.map_err(refused)
    }
    async fn fail(&self, claim: ClaimId, settlement: Bytes) -> Result<(), AccessError> {
        self.store.item_fail(&self.fence, claim, settlement).await.map_err(refused)
    }
    async fn settle(&self, claim: ClaimId, settlement: Settlement) -> Result<(), AccessError> {
        let now = Timestamp(0);
        self.store.item_settle(&self.fence, claim, settlement, now).await.map_err(refused)
    }
    async fn adopt(&self, adoption: Adoption) -> Result<Option<Unfinished>, AccessError> {
        self.store.item_adopt(&self.fence, adoption).await.map_err(refused)
    }
    async fn unfinished(&self) -> Result<Vec<Unfinished>, AccessError> {
        self.store.item_unfinished().await.map_err(refused)
    }
}

struct TestPeers(World);

impl Peers for TestPeers {
    fn is_gone(&self, owner: &str) -> bool {
        self.0.with(|it| !it.alive.iter().any(|it| it == owner))
    }
}

struct TestMonitor {
    streams: Arc<Mutex<BTreeMap<String, Vec<Stream>>>>,
    lines: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl Monitor for TestMonitor {
    fn report(&self, stream: Stream, lines: Vec<LogLine>) {
        self.lines.lock().unwrap().extend(lines.into_iter().map(|it| it.text));
        self.streams.lock().unwrap().entry(stream.id.to_string()).or_default().push(stream);
    }
    async fn close(&self, stream: Stream, lines: Vec<LogLine>) -> Result<(), AccessError> {
        self.report(stream, lines);
        Ok(())
    }
    async fn has_ended(&self, stream: StreamId) -> Result<bool, AccessError> {
        let states = self.streams.lock().unwrap();
        let last = states.get(&stream.to_string()).and_then(|it| it.last());
        Ok(last.is_some_and(|it| it.state.is_closed()))
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
    }
}

/// Waits until it holds, or fails with the message.
pub(super) async fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let watch = Stopwatch::start();
    while !holds() {
        assert!(watch.elapsed() < Duration::from_secs(30), "not within 30 s: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A workflow, and what its instances said.
pub(super) struct Driven {
    pub(super) running: RunningWorkflow,
    said: Arc<Mutex<BTreeMap<u64, Vec<Happened>>>>,
    is_stopping: AtomicBool,
}

/// How a workflow stopped.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum StopOutcome {
    Drained,
    Aborted,
}

impl Driven {
    pub(super) fn start(&self, number: u64) {
        let said = self.said.clone();
        said.lock().unwrap().insert(number, Vec::new());
        let notice = move |it: Happened| {
            if let Some(all) = said.lock().unwrap().get_mut(&number) {
                all.push(it);
            }
        };
        self.running.start(InstanceId(number), Arc::new(notice));
    }

    pub(super) fn said(&self, number: u64) -> Vec<Happened> {
        self.said.lock().unwrap()[&number].clone()
    }

    pub(super) fn view(&self) -> Workflow {
        let numbers: Vec<u64> = self.said.lock().unwrap().keys().copied().collect();
        self.running.view(numbers.into_iter().map(|it| self.report(it)).collect())
    }

    fn report(&self, number: u64) -> InstanceReport {
        let state = match self.said(number).last() {
            Some(Happened::Ended(Ok(()))) => InstanceState::Terminated,
            Some(Happened::Ended(Err(_))) => InstanceState::RestartBackoff,
            _ if self.is_stopping.load(Ordering::SeqCst) => InstanceState::StopProcessing,
            _ => InstanceState::On,
        };
        InstanceReport {
            workflow: self.running.name().clone(),
            number: InstanceNumber(number),
            state,
            since: Timestamp(0),
            restarts: 0,
            restart_at: None,
            fault: None,
        }
    }

    /// Drains all instances; those that work on after `grace` are aborted.
    pub(super) async fn stop(&self, grace: Duration) -> StopOutcome {
        self.is_stopping.store(true, Ordering::SeqCst);
        let numbers: Vec<u64> = self.said.lock().unwrap().keys().copied().collect();
        let each = || numbers.iter().map(|it| InstanceId(*it));
        each().for_each(|it| self.running.drain(it));
        let has_ended = || self.view().instances == 0;
        let watch = Stopwatch::start();
        while !has_ended() && watch.elapsed() < grace {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if has_ended() {
            return StopOutcome::Drained;
        }
        each().for_each(|it| self.running.abort(it));
        wait_until("all have ended", has_ended).await;
        StopOutcome::Aborted
    }
}
