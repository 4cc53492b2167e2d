//! The file source: offers the settled files of a directory and reads the one that was claimed.
//!
//! A file stays in the input directory while it is read; only `settle` moves it.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use rustix::fs::OFlags;
use weir_domain::{Clock, Fault, FaultKind, Item, Reprocess};
use weir_formats::{ReadOptions, Reader};
use weir_stream::{
    Action as StoredAction, Batch, BuildContext, Limits, Outcome, RawLetter, Read, RecordReader,
    Source,
};

use super::action::{Action, Move};
use super::config::{InputConfig, MoveConfig};
use super::identity::DirectoryId;
use super::listing::Listing;
use super::settling::Settling;
use super::{codes, disk, reread};
use crate::whole::{Pattern, sort};

/// Shortest wait before a file that is not settled is looked at again.
const LOOK_AGAIN_MIN: Duration = Duration::from_millis(50);

pub(super) struct FileSource {
    config: InputConfig,
    directory: PathBuf,
    /// The directory as it was when it was listed.
    directory_id: DirectoryId,
    done: Option<Destination>,
    error: Option<Destination>,
    pattern: Pattern,
    listing: Listing,
    settling: Settling,
    clock: Arc<dyn Clock>,
    limits: Limits,
}

/// Where finished files go.
struct Destination {
    config: MoveConfig,
    directory: PathBuf,
}

impl FileSource {
    pub(super) fn new(config: InputConfig, cx: &BuildContext) -> Result<Self, Fault> {
        let pattern =
            Pattern::new(config.glob.as_deref(), config.regex.as_deref()).map_err(|bad| {
                Fault::config(
                    codes::CONFIG,
                    format!("stage {}: {}: {}", cx.stage, bad.key, bad.cause),
                )
            })?;
        let directory = disk::absolute(&cx.path(&config.directory))?;
        let destination = |config: &Option<MoveConfig>| {
            let of = |config: &MoveConfig| -> Result<Destination, Fault> {
                let directory = disk::absolute(&cx.path(&config.directory))?;
                Ok(Destination { config: config.clone(), directory })
            };
            config.as_ref().map(of).transpose()
        };
        let (done, error) = (destination(&config.done)?, destination(&config.error)?);
        let excluded = [&done, &error].into_iter().flatten().map(|it| it.directory.clone());
        Ok(Self {
            listing: Listing::new(directory.clone(), config.recursive, excluded.collect()),
            settling: Settling::new(config.stable_time.duration()),
            clock: cx.clock.clone(),
            limits: cx.limits,
            config,
            directory,
            directory_id: DirectoryId::default(),
            done,
            error,
            pattern,
        })
    }

    fn path(&self, item: &Item) -> PathBuf {
        self.directory.join(&item.name)
    }
}

impl Source for FileSource {
    fn origin(&self) -> String {
        self.directory.display().to_string()
    }

    fn check_access(&self) -> Result<(), Fault> {
        self.listing.check_access()
    }

    fn path_here(&self) -> Option<PathBuf> {
        Some(self.directory.clone())
    }

    fn list(&mut self) -> Result<Vec<Item>, Fault> {
        // The time first: a file that changes while we look must not seem older than it is.
        let now = self.clock.now();
        let mut items = self.listing.files(&self.pattern)?;
        self.directory_id = DirectoryId::of(&self.directory).unwrap_or_default();
        self.settling.begin_look();
        items.retain(|it| self.settling.is_settled(&it.name, &it.fingerprint, now));
        self.settling.end_look(now);
        sort(&mut items, self.config.sort);
        Ok(items)
    }

    fn open(&mut self, item: &Item) -> Result<Box<dyn RecordReader>, Fault> {
        let path = self.path(item);
        let file = open_regular(&path).map_err(|error| open_fault(&path, &error))?;
        let metadata = file.metadata().map_err(|error| open_fault(&path, &error))?;
        if !metadata.is_file() || !disk::is_same(&item.fingerprint, &disk::fingerprint(&metadata)) {
            let message = format!("{} was changed since it was listed", path.display());
            return Err(given_back(codes::INPUT_FILE, message)
                .with_hint("write files under a hidden name and rename them when they are whole"));
        }
        let options = options(&self.limits);
        let reader =
            weir_formats::open(&self.config.format, file, self.config.compression, &options);
        let reader = reader.map_err(|fault| located(fault, &path))?;
        Ok(Box::new(FileReader { reader, path, bytes_seen: 0 }))
    }

    fn verify(&mut self, item: &Item) -> Result<(), Fault> {
        let path = self.path(item);
        let metadata = disk::metadata(&path).map_err(|error| open_fault(&path, &error))?;
        let Some(metadata) = metadata else {
            let message = format!("{} was deleted while it was read", path.display());
            return Err(given_back(codes::INPUT_CHANGED, message).with_hint(
                "leave files alone that a workflow reads; bring it back to read it again",
            ));
        };
        let now = disk::fingerprint(&metadata);
        if disk::is_same(&item.fingerprint, &now) {
            return Ok(());
        }
        let how = if now.inode == item.fingerprint.inode { "changed" } else { "replaced" };
        let message = format!("{} was {how} while it was read", path.display());
        Err(given_back(codes::INPUT_CHANGED, message)
            .with_hint("raise stableTime, or write files under a hidden name and rename them"))
    }

    fn settle(&self, item: &Item, outcome: Outcome) -> Vec<StoredAction> {
        let destination = match outcome {
            Outcome::Committed => &self.done,
            Outcome::Failed => &self.error,
        };
        let Some(destination) = destination else { return Vec::new() };
        let action = Action::Move(Move {
            from: self.path(item),
            fingerprint: item.fingerprint.clone(),
            to_directory: destination.directory.clone(),
            name: item.name.clone(),
            on_existing: destination.config.on_existing,
            directory_id: self.directory_id,
        });
        vec![action.stored()]
    }

    fn reread(&mut self, letters: Vec<RawLetter>) -> Result<Box<dyn RecordReader>, Fault> {
        reread::reader(&self.config.format, options(&self.limits), letters)
    }

    fn interval(&self) -> Duration {
        let interval = self.config.interval.duration();
        let soonest = self.settling.soonest().map(|it| it.max(LOOK_AGAIN_MIN));
        soonest.map_or(interval, |it| it.min(interval))
    }

    fn reprocess(&self) -> Reprocess {
        self.config.reprocess
    }

    fn waits_for_clearance(&self) -> bool {
        self.config.wait_for_clearance
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

/// Opens a path without following a link and without waiting for the other end of a pipe: what
/// was listed as a file may be something else by now.
fn open_regular(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(path)
}

fn open_fault(path: &Path, error: &io::Error) -> Fault {
    if error.kind() == ErrorKind::NotFound {
        let message = format!("{} was moved or deleted since it was listed", path.display());
        return given_back(codes::INPUT_FILE, message)
            .with_hint("leave files alone that a workflow reads");
    }
    disk::fault(codes::INPUT_FILE, "can't open", path, error)
}

/// The file that was claimed is not there any more, and no further attempt can find it. What is
/// there instead is listed as what it is now, and claimed anew.
fn given_back(code: u32, message: String) -> Fault {
    Fault::new(FaultKind::Stopped, code, message)
}

/// Formats don't know where their bytes come from.
fn located(mut fault: Fault, path: &Path) -> Fault {
    fault.message = format!("{}: {}", path.display(), fault.message);
    fault
}

struct FileReader {
    reader: Box<dyn Reader>,
    path: PathBuf,
    bytes_seen: u64,
}

impl RecordReader for FileReader {
    fn schema(&self) -> SchemaRef {
        self.reader.schema()
    }

    fn header(&self) -> Option<String> {
        self.reader.header().map(str::to_owned)
    }

    fn read(&mut self) -> Result<Option<Read>, Fault> {
        let chunk = self.reader.read().map_err(|fault| located(fault, &self.path))?;
        let Some(chunk) = chunk else { return Ok(None) };
        let bytes_now = self.reader.bytes_read();
        let bytes = bytes_now.saturating_sub(self.bytes_seen);
        self.bytes_seen = bytes_now;
        Ok(Some(Read { batch: Batch::new(chunk.records, chunk.positions), bad: chunk.bad, bytes }))
    }
}
