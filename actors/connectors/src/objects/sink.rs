//! The sink: one writer for each attempt of a stream, and what gives its uploads up.

use std::io::Write;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use object_store::path::Path;
use serde_json::Value;
use weir_domain::{Fault, StageId};
use weir_stream::{
    Action as StoredAction, BadRecord, Batch, BuildContext, Prepared, Sink, SinkWriter, Staging,
    StreamContext,
};

use super::action::{Action, Discard, Publish};
use super::codes;
use super::config::{OnExisting, OutputConfig};
use super::store::{self, Store};
use super::upload::{Ground, Upload};
use crate::whole::{Named, Outputs, Rolling, Rules, Template};

/// Most objects that one stream writes at the same time: each holds a part in memory.
const OPEN_MAX: usize = 64;

pub(super) struct ObjectSink {
    place: Arc<Place>,
    rules: Arc<Rules>,
    staging: Staging,
    deployed: Value,
    part_bytes: usize,
    /// Whether the store was seen to be there.
    is_checked: bool,
}

/// Where objects go.
struct Place {
    store: Store,
    prefix: Option<String>,
    on_existing: OnExisting,
}

impl Place {
    fn path(&self, name: &str) -> Result<Path, Fault> {
        store::path(self.prefix.as_deref(), name)
    }

    /// What would stop the publishing later has to be found while the stream can be rolled back.
    fn check(&self, path: &Path) -> Result<(), Fault> {
        if self.on_existing == OnExisting::Replace || self.store.head(path)?.is_none() {
            return Ok(());
        }
        let at = self.store.address(path.as_ref());
        let message = format!("{at} exists and onExisting is fail");
        Err(Fault::data(codes::OUTPUT_EXISTS, message)
            .with_hint("set onExisting to replace; or put ${stream} into the name, and each stream writes an object of its own"))
    }
}

impl ObjectSink {
    pub(super) fn new(config: OutputConfig, cx: &BuildContext) -> Result<Self, Fault> {
        let template = Template::parse(&config.name).map_err(|bad| {
            let message = format!("stage {}: name: {}", cx.stage, bad.cause);
            Fault::config(codes::CONFIG, message).with_hint(bad.fix)
        })?;
        let rules = Rules {
            stage: cx.stage.clone(),
            template,
            format: config.format.clone(),
            compression: config.compression.into(),
            roll_records: config.roll_records,
            roll_bytes: config.roll_bytes.map(|it| it.0),
            open_max: OPEN_MAX,
        };
        let store = Store::open(&config.connection)?;
        let place = Place { store, prefix: config.prefix, on_existing: config.on_existing };
        Ok(Self {
            place: Arc::new(place),
            rules: Arc::new(rules),
            staging: cx.staging.clone(),
            deployed: cx.deployed.clone(),
            part_bytes: config.part_bytes.as_usize().max(1),
            is_checked: false,
        })
    }
}

impl Sink for ObjectSink {
    fn open(
        &mut self,
        stream: &StreamContext,
        schema: SchemaRef,
    ) -> Result<Box<dyn SinkWriter>, Fault> {
        if !self.is_checked {
            let prefix =
                self.place.prefix.as_deref().map(|it| store::path(None, it)).transpose()?;
            self.place.store.check_access(prefix.as_ref())?;
            self.is_checked = true;
        }
        let split = self.rules.split(&schema)?;
        let ground = Ground {
            store: self.place.store.clone(),
            staging: self.staging.clone(),
            parent: Staging::of_segment(stream, &self.rules.stage)?,
            part_bytes: self.part_bytes,
        };
        let objects = Objects { place: self.place.clone(), ground };
        let rolling = Rolling::new(self.rules.clone(), objects, stream.clone(), (schema, split));
        let (stage, deployed) = (self.rules.stage.clone(), self.deployed.clone());
        Ok(Box::new(ObjectWriter { rolling, stage, deployed }))
    }

    fn target(&self) -> Option<String> {
        Some(self.place.store.address(self.place.prefix.as_deref().unwrap_or_default()))
    }

    /// Whether the store is there and objects may be written to it; nothing of this is seen.
    fn check_access(&self, _: Option<&SchemaRef>) -> Result<(), Fault> {
        self.place.store.check_writing(&self.place.path(".weir-probe")?)
    }

    fn discard(&self, stream: &StreamContext) -> Vec<StoredAction> {
        // A name that makes no key has noted no upload either.
        let parent = Staging::of_stream(stream.stream, &self.rules.stage).ok();
        let action =
            |parent| Action::Discard(Discard { parent }).stored(&self.rules.stage, &self.deployed);
        parent.map(action).into_iter().collect()
    }
}

struct ObjectWriter {
    rolling: Rolling<Objects>,
    stage: StageId,
    deployed: Value,
}

/// The uploads of one attempt.
struct Objects {
    place: Arc<Place>,
    ground: Ground,
}

impl Outputs for Objects {
    /// An upload is one to a key.
    const NAMED: Named = Named::First;
    type Staged = Upload;

    fn begin(&mut self, name: &str) -> Result<(Upload, Box<dyn Write + Send>), Fault> {
        let path = self.place.path(name)?;
        self.place.check(&path)?;
        let upload = Upload::new(self.ground.clone(), path);
        Ok((upload.clone(), Box::new(upload)))
    }
}

impl SinkWriter for ObjectWriter {
    fn write(&mut self, batch: &Batch) -> Result<Vec<BadRecord>, Fault> {
        self.rolling.write(batch)?;
        Ok(Vec::new())
    }

    /// What is not published after all is given up by the stream's discard.
    fn prepare(mut self: Box<Self>) -> Result<Prepared, Fault> {
        self.rolling.seal_all()?;
        let Rolling { sealed, outputs: Objects { place, .. }, .. } = &self.rolling;
        let mut prepared = Prepared::default();
        for object in sealed {
            place.check(&object.staged.path)?;
            let action = Action::Publish(Publish {
                path: object.staged.path.to_string(),
                note: object.staged.note.clone(),
                size: object.bytes,
                hash: object.staged.hash.clone(),
                on_existing: place.on_existing,
            });
            prepared.actions.push(action.stored(&self.stage, &self.deployed));
            prepared.bytes += object.bytes;
        }
        Ok(prepared)
    }

    fn bytes_written(&self) -> u64 {
        self.rolling.bytes_written()
    }
}
