//! One attempt of one stream: where its files are staged, and what publishes them all. Dropped at
//! any point, it takes what it staged with it.

use std::io::Write;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use weir_domain::Fault;
use weir_stream::{BadRecord, Batch, Prepared, SinkWriter, StreamContext};

use super::action::{Action, Publish};
use super::identity::DirectoryId;
use super::output::Open;
use super::sink::Setup;
use super::staging::{Owner, StagedFile, Staging};
use super::{codes, disk};
use crate::whole::{Named, Outputs, Rolling, Split};

/// Most files that one stream writes at the same time: each costs a descriptor and buffers.
pub(super) const OPEN_MAX: usize = 256;

pub(super) struct FileWriter {
    pub(super) rolling: Rolling<Files>,
}

/// The staged files of one attempt.
pub(super) struct Files {
    setup: Arc<Setup>,
    staging: Staging,
    owner: Owner,
    /// Where the numbers of staged files go on.
    next: u64,
}

impl Outputs for Files {
    const NAMED: Named = Named::Last;
    type Staged = Open;

    fn begin(&mut self, _: &str) -> Result<(Open, Box<dyn Write + Send>), Fault> {
        self.setup.place().ready_directory()?;
        let staged = self.staging.create(&self.owner, &mut self.next).map_err(|error| {
            disk::fault(codes::OUTPUT_WRITE, "can't create a file in", self.staging.path(), &error)
        })?;
        Open::new(staged)
    }
}

impl FileWriter {
    pub(super) fn new(
        setup: &Arc<Setup>,
        stream: StreamContext,
        schema: SchemaRef,
        split: Split,
    ) -> Self {
        let files = Files {
            staging: Staging::of(&setup.directory),
            owner: setup.owner(&stream),
            next: first_number(&stream),
            setup: setup.clone(),
        };
        Self { rolling: Rolling::new(setup.rules.clone(), files, stream, (schema, split)) }
    }

    /// Everything that could go wrong at publishing and can be known now goes wrong here.
    fn ready_targets(&mut self) -> Result<(), Fault> {
        let Rolling { sealed, outputs: Files { setup, staging, owner, next }, .. } =
            &mut self.rolling;
        for file in sealed {
            setup.place().ready_target(&file.name, owner, next)?;
        }
        // The staged files' names are what the publishing starts from after a loss of power.
        for directory in [staging.path(), &setup.directory] {
            disk::sync_directory(directory).map_err(|error| {
                disk::fault(codes::OUTPUT_WRITE, "can't make durable", directory, &error)
            })?;
        }
        Ok(())
    }

    fn release_targets(&self) {
        let Files { staging, owner, .. } = &self.rolling.outputs;
        for file in &self.rolling.sealed {
            // What can't be released here is released by the stream's discard.
            let _ = staging.release(&file.name, owner);
        }
    }
}

impl Files {
    fn publish(&self, name: &str, staged: &StagedFile, directory_id: DirectoryId) -> Action {
        Action::Publish(Publish {
            directory: self.setup.directory.clone(),
            staged: staged.name(),
            name: name.to_owned(),
            on_existing: self.setup.config.on_existing,
            create_directory: self.setup.config.create_directory,
            owner: self.owner.clone(),
            inode: staged.fingerprint().inode,
            directory_id,
        })
    }
}

/// Where the numbers of a writer's staged files begin. Several writers of one live stream may have
/// files here at once, published and not: none may have a name that another had.
fn first_number(stream: &StreamContext) -> u64 {
    stream.segment.map_or(0, |it| u64::from(it.number) << 32)
}

impl SinkWriter for FileWriter {
    fn write(&mut self, batch: &Batch) -> Result<Vec<BadRecord>, Fault> {
        self.rolling.write(batch)?;
        Ok(Vec::new())
    }

    fn prepare(mut self: Box<Self>) -> Result<Prepared, Fault> {
        self.rolling.seal_all()?;
        if self.rolling.sealed.is_empty() {
            return Ok(Prepared::default());
        }
        self.ready_targets()?;
        let files = &self.rolling.outputs;
        let directory = &files.setup.directory;
        let directory_id = DirectoryId::of(directory).map_err(|error| {
            disk::fault(codes::OUTPUT_DIRECTORY, "can't look at", directory, &error)
        })?;
        let mut prepared = Prepared::default();
        for file in &self.rolling.sealed {
            prepared.actions.push(files.publish(&file.name, &file.staged, directory_id).stored());
            prepared.bytes += file.bytes;
        }
        for file in self.rolling.sealed.drain(..) {
            file.staged.keep();
        }
        Ok(prepared)
    }

    fn bytes_written(&self) -> u64 {
        self.rolling.bytes_written()
    }
}

impl Drop for FileWriter {
    fn drop(&mut self) {
        // After `prepare` nothing is left here; before it, nothing of this attempt may stay.
        self.release_targets();
    }
}
