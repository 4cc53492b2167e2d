//! Sources that give what the case says.

use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use schemars::Schema;
use serde_json::{Value, json};
use weir_domain::{Fault, Fingerprint, Item, Reprocess, StageId};
use weir_formats::ReadOptions;
use weir_stream::{
    Action, AnySource, BuildContext, Checked, ConfigError, Limits, LiveRead, LiveReader,
    LiveSource, Outcome, Read, RecordReader, SecretUse, Share, Source, SourceKind, Splits,
};

use super::{CONNECTOR, GIVES_LIVE};
use crate::input;
use crate::world::{LiveInput, Stand, Turn, World};

/// A look that found nothing is repeated after this.
const AGAIN: Duration = Duration::from_millis(2);
/// The one split of a live double.
const SPLIT: &str = "case";

pub(super) struct Double {
    name: &'static str,
    kind: Option<Arc<dyn SourceKind>>,
    world: World,
}

impl Double {
    pub(super) fn of(kind: Arc<dyn SourceKind>, world: World) -> Self {
        Self { name: kind.name(), kind: Some(kind), world }
    }

    /// One that stands for no kind.
    pub(super) fn added(name: &'static str, world: World) -> Self {
        Self { name, kind: None, world }
    }
}

impl SourceKind for Double {
    fn name(&self) -> &'static str {
        self.name
    }

    fn config_schema(&self) -> Schema {
        self.kind.as_ref().map(|it| it.config_schema()).unwrap_or_default()
    }

    fn decode(&self, config: &Value) -> Result<(), ConfigError> {
        self.kind.as_ref().map_or(Ok(()), |it| it.decode(config))
    }

    fn secret_use(&self) -> SecretUse {
        self.kind.as_ref().map_or(SecretUse::Refused, |it| it.secret_use())
    }

    fn check(&self, config: &Value) -> Checked {
        self.kind.as_ref().map(|it| it.check(config)).unwrap_or_default()
    }

    fn is_live(&self) -> bool {
        self.kind.as_ref().map_or(self.name == GIVES_LIVE, |it| it.is_live())
    }

    fn build(&self, _: &Value, cx: &BuildContext) -> Result<AnySource, Fault> {
        let (world, stage) = (self.world.clone(), cx.stage.clone());
        Ok(match self.is_live() {
            true => AnySource::Live(Box::new(Live { world, stage, limits: cx.limits })),
            false => AnySource::Items(Box::new(Items { world, stage, limits: cx.limits })),
        })
    }
}

fn options(limits: &Limits) -> ReadOptions {
    ReadOptions {
        batch_rows: limits.batch_rows,
        batch_bytes: limits.batch_bytes,
        max_record_bytes: limits.record_bytes_max,
        raw_limit: limits.raw_bytes_max,
        ..ReadOptions::default()
    }
}

struct Items {
    world: World,
    stage: StageId,
    limits: Limits,
}

impl Source for Items {
    fn origin(&self) -> String {
        "the case".to_owned()
    }

    /// One after the other: which comes next is not left to chance.
    fn list(&mut self) -> Result<Vec<Item>, Fault> {
        let next = self.world.with(|it| {
            let is_open = |item: &&crate::world::Item| !it.settled.contains_key(&item.name);
            it.items.iter().find(is_open).map(|it| (it.name.clone(), it.at))
        });
        let Some((name, at)) = next else { return Ok(Vec::new()) };
        self.world.advance_to(at);
        Ok(vec![Item { name, fingerprint: Fingerprint::default() }])
    }

    fn open(&mut self, item: &Item) -> Result<Box<dyn RecordReader>, Fault> {
        let feed = self.world.with(|it| {
            let found = it.items.iter().find(|it| it.name == item.name);
            found.map(|it| it.feed.clone())
        });
        let feed = feed.ok_or_else(|| Fault::stopped("the case has no such item"))?;
        let reader = input::open(&feed, &options(&self.limits))?;
        let before = self.world.with(|it| it.before_item());
        let (world, stage, item) = (self.world.clone(), self.stage.clone(), item.name.clone());
        Ok(Box::new(ItemReader { world, stage, item, reader, before, at: 0 }))
    }

    fn verify(&mut self, _: &Item) -> Result<(), Fault> {
        Ok(())
    }

    fn settle(&self, item: &Item, _: Outcome) -> Vec<Action> {
        let payload = json!({ "settle": item.name });
        vec![Action::new(CONNECTOR, payload)]
    }

    fn reprocess(&self) -> Reprocess {
        Reprocess::WhenChanged
    }

    fn interval(&self) -> Duration {
        AGAIN
    }
}

struct ItemReader {
    world: World,
    stage: StageId,
    item: String,
    reader: Box<dyn RecordReader>,
    /// Records of the items before this one.
    before: u64,
    at: u64,
}

impl RecordReader for ItemReader {
    fn schema(&self) -> SchemaRef {
        self.reader.schema()
    }

    fn read(&mut self) -> Result<Option<Read>, Fault> {
        let cut = self.world.next_cut().map(|it| it.saturating_sub(self.before));
        if cut.is_some_and(|it| self.at >= it) || self.world.is_cut() {
            return Err(self.world.cut());
        }
        let Some(mut read) = self.reader.read()? else { return Ok(None) };
        if let Some(cut) = cut.filter(|it| input::last(&read) > *it) {
            // What is behind the cut never came.
            read = input::between(&read, 0, cut);
        }
        self.at = self.at.max(input::last(&read));
        let came = self.before + self.at;
        self.world.with(|it| it.came = it.came.max(came));
        see(&self.world, (&self.stage, &self.item), &read);
        Ok(Some(read))
    }
}

/// Shows what a source gives to who looks on.
fn see(world: &World, (stage, item): (&StageId, &str), read: &Read) {
    if let Some(witness) = world.witness() {
        witness.given(stage, item, &read.batch);
        witness.failed(stage, item, &read.bad);
    }
}

struct Live {
    world: World,
    stage: StageId,
    limits: Limits,
}

impl LiveSource for Live {
    fn origin(&self) -> String {
        "the case".to_owned()
    }

    fn open(&mut self, _: Share, from: &Splits) -> Result<Box<dyn LiveReader>, Fault> {
        let at = from.get(SPLIT).and_then(Value::as_u64).unwrap_or(0);
        let (world, stage) = (self.world.clone(), self.stage.clone());
        let input = world.with(|it| it.live.get(&stage).cloned());
        let input = input.ok_or_else(|| Fault::stopped("the case has nothing for this source"))?;
        let rows = self.limits.batch_rows as u64;
        let reader = LiveItems { world, stage, input, rows, at };
        reader.stand(at);
        Ok(Box::new(reader))
    }
}

struct LiveItems {
    world: World,
    stage: StageId,
    input: LiveInput,
    rows: u64,
    at: u64,
}

impl LiveItems {
    /// Says where it is. `kept`: from where a restart begins.
    fn stand(&self, kept: u64) {
        let (at, next) = (self.at, self.next().and_then(|it| input::first(&it)));
        self.world.with(|it| {
            it.came = it.came.max(at);
            it.stands.insert(self.stage.clone(), Stand { next, at, kept });
        });
    }

    /// What comes next, of one piece.
    fn next(&self) -> Option<Read> {
        let read = self.input.reads.iter().find(|it| input::last(it) > self.at)?;
        Some(input::between(read, self.at + 1, u64::MAX))
    }

    fn kept(&self) -> u64 {
        self.world.with(|it| it.stands.get(&self.stage).map_or(0, |it| it.kept))
    }
}

impl LiveReader for LiveItems {
    fn schema(&self) -> SchemaRef {
        self.input.schema.clone()
    }

    fn read(&mut self, within: Duration) -> Result<LiveRead, Fault> {
        let limit = match self.world.with(|it| it.turn(&self.stage)) {
            _ if self.world.is_cut() => return Err(self.world.cut()),
            Turn::Cut => return Err(self.world.cut()),
            Turn::End => return Ok(LiveRead::End),
            Turn::Wait => {
                std::thread::sleep(within.min(AGAIN));
                return Ok(LiveRead::Nothing);
            }
            Turn::Give(limit) => limit,
        };
        let Some(read) = self.next() else { return Ok(LiveRead::End) };
        let begin = input::first(&read).unwrap_or(self.at + 1);
        let read = input::between(&read, begin, limit.min(begin.saturating_add(self.rows - 1)));
        self.at = input::last(&read);
        self.stand(self.kept());
        see(&self.world, (&self.stage, ""), &read);
        Ok(LiveRead::Records(read))
    }

    fn splits(&self) -> Splits {
        Splits::from([(SPLIT.to_owned(), json!(self.at))])
    }

    fn acknowledge(&mut self, splits: &Splits) -> Result<(), Fault> {
        self.stand(splits.get(SPLIT).and_then(Value::as_u64).unwrap_or(0));
        Ok(())
    }
}
