//! Sources, operators and sinks of the world.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{Int64Type, Schema, SchemaRef};
use bytes::Bytes;
use serde_json::{Value, json};
use weir_domain::{Fault, Fingerprint, Item, PortName, Reprocess};
use weir_runtime::Stopwatch;

use super::{Numbers, Outside, World, schema};
use crate::connector::*;
use crate::kind::*;
use crate::*;

pub(super) struct Kind(pub(super) World);

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
    /// Without their signs.
    fn reread(&mut self, letters: Vec<RawLetter>) -> Result<Box<dyn RecordReader>, Fault> {
        let number = |it: RawLetter| String::from_utf8_lossy(&it.raw).parse::<i64>().unwrap();
        let numbers = letters.into_iter().map(|it| number(it).abs()).collect();
        Ok(Box::new(TestReader { world: self.0.clone(), numbers, at: 0 }))
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
        self.world.with(|it| it.reads += 1);
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

/// `{"even": true}` routes to `even` and `odd`; else passes on and refuses multiples of 100, but if it
/// is `{"lenient": true}`.
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
        cx: &BuildContext,
    ) -> Result<BuiltOperator, Fault> {
        let outputs = ports(config).into_iter().map(|it| (it, input.clone())).collect();
        let (world, name) = (self.0.clone(), cx.stage.to_string());
        let (routes, lenient) = (config["even"].is_boolean(), config["lenient"].is_boolean());
        let operator = TestOperator { world, name, routes, lenient };
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
    name: String,
    routes: bool,
    lenient: bool,
}

impl Operator for TestOperator {
    fn process(&mut self, batch: Batch, out: &mut Outputs) -> Result<(), Fault> {
        if self.world.meet("panic").is_err() {
            panic!("on order");
        }
        self.world.meet_at("process", &self.name)?;
        let numbers = batch.records.column(0).as_primitive::<Int64Type>().clone();
        let mask = |keep: &dyn Fn(i64) -> bool| -> arrow::array::BooleanArray {
            numbers.iter().map(|it| it.map(keep)).collect()
        };
        if self.routes {
            out.emit(0, batch.filter(&mask(&|n| n % 2 == 0)).unwrap());
            out.emit(1, batch.filter(&mask(&|n| n % 2 != 0)).unwrap());
            return Ok(());
        }
        let is_fine = |n: i64| self.lenient || n % 100 != 0;
        for row in (0..numbers.len()).filter(|it| !is_fine(numbers.value(*it))) {
            out.refuse(&batch, row, "a multiple of 100");
        }
        out.emit(0, batch.filter(&mask(&is_fine)).unwrap());
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
    fn target(&self) -> Option<String> {
        Some("/mnt/out".into())
    }
    fn check_access(&self, _: Option<&SchemaRef>) -> Result<(), Fault> {
        self.world.meet("reach sink")
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
        self.world.meet_at("write", &self.sink)?;
        let watch = Stopwatch::start();
        while self.world.with(|it| {
            it.writes += 1;
            it.hold_writes && it.held_sink.as_ref().is_none_or(|held| *held == self.sink)
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
        self.world.meet_at("prepare", &self.sink)?;
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
            let sink = text("sink").unwrap();
            self.0.meet_at("publish", &sink)?;
            let has_some = |it: &Outside| it.staged.get(&key).is_some_and(|it| !it.is_empty());
            if self.0.with(|it| has_some(it) && it.away.iter().any(|away| *away == sink)) {
                return Err(Fault::transient(7, "the broker is away").with_hint("start it"));
            }
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
