//! The file sink: one writer for each attempt of a stream, and what clears away after it.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use weir_domain::{Fault, StageId};
use weir_stream::{Action as StoredAction, BuildContext, Sink, SinkWriter, StreamContext};

use super::action::{Action, Discard};
use super::config::OutputConfig;
use super::identity::DirectoryId;
use super::staging::Owner;
use super::target::Place;
use super::writer::{FileWriter, OPEN_MAX};
use super::{codes, disk};
use crate::whole::{Rules, Template};

pub(super) struct FileSink {
    setup: Arc<Setup>,
}

/// What all attempts of all streams at one sink have in common.
pub(super) struct Setup {
    pub(super) config: OutputConfig,
    pub(super) directory: PathBuf,
    pub(super) rules: Arc<Rules>,
}

impl Setup {
    pub(super) fn new(
        config: OutputConfig,
        template: Template,
        directory: PathBuf,
        stage: StageId,
    ) -> Self {
        let rules = Rules {
            stage,
            template,
            format: config.format.clone(),
            compression: config.compression.into(),
            roll_records: config.roll_records,
            roll_bytes: config.roll_bytes.map(|it| it.0),
            open_max: OPEN_MAX,
        };
        Self { config, directory, rules: Arc::new(rules) }
    }

    pub(super) fn place(&self) -> Place<'_> {
        Place {
            directory: &self.directory,
            create_directory: self.config.create_directory,
            on_existing: self.config.on_existing,
        }
    }

    pub(super) fn owner(&self, stream: &StreamContext) -> Owner {
        Owner::new(stream.stream, &self.rules.stage)
    }
}

impl FileSink {
    pub(super) fn new(config: OutputConfig, cx: &BuildContext) -> Result<Self, Fault> {
        let template = Template::parse(&config.name).map_err(|bad| {
            let message = format!("stage {}: name: {}", cx.stage, bad.cause);
            Fault::config(codes::CONFIG, message).with_hint(bad.fix)
        })?;
        let directory = disk::absolute(&cx.path(&config.directory))?;
        Ok(Self { setup: Arc::new(Setup::new(config, template, directory, cx.stage.clone())) })
    }
}

impl Sink for FileSink {
    fn open(
        &mut self,
        stream: &StreamContext,
        schema: SchemaRef,
    ) -> Result<Box<dyn SinkWriter>, Fault> {
        self.setup.place().check_directory()?;
        let split = self.setup.rules.split(&schema)?;
        Ok(Box::new(FileWriter::new(&self.setup, stream.clone(), schema, split)))
    }

    fn target(&self) -> Option<String> {
        Some(self.setup.directory.display().to_string())
    }

    fn check_access(&self, _: Option<&SchemaRef>) -> Result<(), Fault> {
        self.setup.place().check_access()
    }

    fn discard(&self, stream: &StreamContext) -> Vec<StoredAction> {
        let directory = self.setup.directory.clone();
        // One that is not there yet has nothing in it that could be missed.
        let directory_id = DirectoryId::of(&directory).unwrap_or_default();
        let owner = self.setup.owner(stream);
        vec![Action::Discard(Discard { directory, owner, directory_id }).stored()]
    }
}
