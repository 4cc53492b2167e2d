//! Sinks that keep what they get: staged first, and published when it is decided, as all sinks do.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::datatypes::SchemaRef;
use schemars::Schema;
use serde_json::{Value, json};
use weir_domain::{Fault, StageId};
use weir_formats::{Compression, FormatConfig, Writer};
use weir_stream::{
    Action, BadRecord, Batch, BuildContext, Checked, ConfigError, Due, Prepared, Published,
    SecretUse, Sink, SinkKind, SinkWriter, StreamContext,
};

use super::CONNECTOR;
use crate::seen::Witness;
use crate::world::{Output, World};
use crate::{input, rows};

/// Of what a sink would write in a test run, so much is shown.
const SHOWN_BYTES_MAX: usize = 8 << 10;

pub(super) struct Double {
    name: &'static str,
    kind: Option<Arc<dyn SinkKind>>,
    world: World,
}

impl Double {
    pub(super) fn of(kind: Arc<dyn SinkKind>, world: World) -> Self {
        Self { name: kind.name(), kind: Some(kind), world }
    }

    /// One that stands for no kind.
    pub(super) fn added(name: &'static str, world: World) -> Self {
        Self { name, kind: None, world }
    }
}

impl SinkKind for Double {
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

    fn check(&self, config: &Value, input: Option<&SchemaRef>) -> Checked {
        self.kind.as_ref().map(|it| it.check(config, input)).unwrap_or_default()
    }

    fn build(&self, config: &Value, cx: &BuildContext) -> Result<Box<dyn Sink>, Fault> {
        let format = input::setting(config, "format");
        Ok(Box::new(Kept { world: self.world.clone(), stage: cx.stage.clone(), format }))
    }
}

struct Kept {
    world: World,
    stage: StageId,
    format: Option<FormatConfig>,
}

impl Kept {
    /// Where the stream stages what it writes here.
    fn key(&self, stream: &StreamContext) -> String {
        format!("{}/{}/", self.stage, stream.stream)
    }
}

impl Sink for Kept {
    fn open(
        &mut self,
        stream: &StreamContext,
        schema: SchemaRef,
    ) -> Result<Box<dyn SinkWriter>, Fault> {
        let segment = stream.segment.map(|it| it.to_string()).unwrap_or_default();
        Ok(Box::new(KeptWriter {
            world: self.world.clone(),
            stage: self.stage.clone(),
            item: stream.item.clone(),
            witness: self.world.witness(),
            key: format!("{}{segment}", self.key(stream)),
            schema,
            format: self.format.clone(),
            writer: None,
            text: Text::of(self.world.witness().is_some()),
            records: Vec::new(),
        }))
    }

    fn discard(&self, stream: &StreamContext) -> Vec<Action> {
        let payload = json!({ "discard": self.key(stream) });
        vec![Action::new(CONNECTOR, payload)]
    }
}

/// What a format has written, up to a bound where only its beginning is shown.
#[derive(Clone)]
struct Text {
    bytes: Arc<Mutex<Vec<u8>>>,
    max: usize,
}

impl Text {
    fn of(is_shown: bool) -> Self {
        Self { bytes: Arc::default(), max: if is_shown { SHOWN_BYTES_MAX } else { usize::MAX } }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut text = self.lock();
        let room = self.max.saturating_sub(text.len());
        text.extend_from_slice(&bytes[..bytes.len().min(room)]);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct KeptWriter {
    world: World,
    stage: StageId,
    item: String,
    witness: Option<Arc<Witness>>,
    key: String,
    schema: SchemaRef,
    format: Option<FormatConfig>,
    /// Begins with the first record: a sink that gets none writes nothing.
    writer: Option<Box<dyn Writer>>,
    text: Text,
    records: Vec<weir_project::Row>,
}

impl SinkWriter for KeptWriter {
    fn write(&mut self, batch: &Batch) -> Result<Vec<BadRecord>, Fault> {
        if let (Some(format), None) = (&self.format, &self.writer) {
            let out = Box::new(self.text.clone());
            let schema = self.schema.clone();
            let writer = weir_formats::create(format, schema, out, Compression::None)?;
            self.writer = Some(writer);
        }
        if let Some(writer) = &mut self.writer {
            writer.write(&batch.records)?;
        }
        if let Some(witness) = &self.witness {
            // Nobody compares it: its beginning is enough.
            witness.came(&self.stage, &self.item, batch);
            return Ok(Vec::new());
        }
        let records = rows::records(&batch.records);
        let records = records.map_err(|cause| {
            Fault::config(2272, format!("stage {}: records can't be shown: {cause}", self.stage))
        })?;
        self.records.extend(records);
        Ok(Vec::new())
    }

    fn prepare(self: Box<Self>) -> Result<Prepared, Fault> {
        let Self { world, stage, key, writer, text, records, witness, .. } = *self;
        if let Some(writer) = writer {
            writer.finish()?;
        }
        let text = std::mem::take(&mut *text.lock());
        if let Some(witness) = witness {
            witness.wrote(&stage, &text);
            return Ok(Prepared { actions: Vec::new(), bytes: 0 });
        }
        let payload = json!({ "publish": key, "stage": stage });
        world.with(|it| it.staged.insert(key, Output { records, text }));
        let action = Action::new(CONNECTOR, payload);
        Ok(Prepared { actions: vec![action], bytes: 0 })
    }

    fn bytes_written(&self) -> u64 {
        0
    }
}

/// The effects of all doubles. What is done twice is as if it was done once.
pub(super) struct Effects(pub(super) World);

impl weir_stream::Effects for Effects {
    fn run(&self, due: Due<'_>) -> Result<Vec<Published>, Fault> {
        let text = |key: &str| due.payload.get(key).and_then(Value::as_str);
        let stage = text("stage").and_then(|it| StageId::new(it).ok());
        self.0.with(|it| {
            if let (Some(key), Some(stage)) = (text("publish"), stage)
                && let Some(output) = it.staged.remove(key)
            {
                let published = it.published.entry(stage).or_default();
                published.records.extend(output.records);
                published.text.extend(output.text);
            }
            if let Some(key) = text("discard") {
                it.staged.retain(|staged, _| !staged.starts_with(key));
            }
            if let Some(item) = text("settle") {
                let records = it.came.saturating_sub(it.before_item());
                it.settled.entry(item.to_owned()).or_insert(records);
            }
        });
        Ok(Vec::new())
    }
}
