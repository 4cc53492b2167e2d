//! `.weir/` below an output directory: where files are written before they get their names, and
//! where a target is reserved by the stream that will publish it.
//!
//! - A staged file is `<owner>@<n>.part`: whose it is can be told from the name alone.
//! - A reservation is `<hash of the target>.reserved` and has its owner as content. It appears
//!   by an exclusive rename, so it is never seen half made.
//! - The directory is removed by whoever takes the last file out of it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use weir_domain::{Fingerprint, StageId, StreamId};

use super::disk::{self, Renamed};
use crate::whole::HIDDEN;

const STAGED: &str = ".part";
const RESERVED: &str = ".reserved";

/// How often a step is repeated when others take the directory away under it.
const TRIES: u32 = 100;

/// Whose staged files they are: one stage's of one stream, whatever the attempt. `@` can't
/// stand in the name of a stage, so that no owner's name is the beginning of another's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Owner(String);

impl Owner {
    pub(super) fn new(stream: StreamId, stage: &StageId) -> Self {
        Self(format!("{stream}@{stage}"))
    }

    /// As a reservation names it.
    pub(super) fn read(text: &str) -> Option<(StreamId, Self)> {
        let (stream, _) = text.split_once('@')?;
        Some((stream.parse().ok()?, Self(text.to_owned())))
    }

    fn has_staged(&self, name: &str) -> bool {
        let rest = name.strip_prefix(&self.0).and_then(|it| it.strip_prefix('@'));
        rest.is_some_and(|it| it.ends_with(STAGED))
    }

    /// Whether the other owner is another stage of the same stream.
    pub(super) fn is_same_stream(&self, other: &str) -> bool {
        let stream = |text: &str| text.split('@').next().map(str::to_owned);
        !other.is_empty() && stream(&self.0) == stream(other)
    }
}

/// The staging directory of an output directory.
#[derive(Debug, Clone)]
pub(super) struct Staging {
    path: PathBuf,
}

/// Who holds a reservation: empty if that can't be told.
pub(super) type Holder = String;

impl Staging {
    pub(super) fn of(output: &Path) -> Self {
        Self { path: output.join(HIDDEN) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Creates a new, empty file of the owner. `next` is where its numbers go on.
    pub(super) fn create(&self, owner: &Owner, next: &mut u64) -> io::Result<StagedFile> {
        for _ in 0..TRIES {
            match fs::create_dir(&self.path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                other => other?,
            }
            loop {
                let path = self.path.join(format!("{}@{next}{STAGED}", owner.0));
                *next += 1;
                match OpenOptions::new().write(true).create_new(true).open(&path) {
                    Ok(file) => return Ok(StagedFile::new(path, file)),
                    // Left by an attempt that was not discarded yet: it is not this one's.
                    Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                    // Somebody else took the last file out, and the directory with it.
                    Err(error) if error.kind() == ErrorKind::NotFound => break,
                    Err(error) => return Err(error),
                }
            }
        }
        Err(io::Error::other("the directory disappears again and again"))
    }

    /// The file that reserves a target.
    pub(super) fn reservation(&self, target: &str) -> PathBuf {
        let hash = twox_hash::XxHash3_128::oneshot(target.as_bytes());
        self.path.join(format!("{hash:032x}{RESERVED}"))
    }

    /// Reserves a target for its owner, or says who holds it. Reserving again is fine.
    pub(super) fn reserve(
        &self,
        target: &str,
        owner: &Owner,
        next: &mut u64,
    ) -> io::Result<Result<(), Holder>> {
        let path = self.reservation(target);
        let draft = self.create(owner, next)?;
        draft.handle()?.write_all(owner.0.as_bytes())?;
        match disk::rename_new(&draft.path, &path)? {
            Renamed::Moved => {
                draft.keep();
                Ok(Ok(()))
            }
            Renamed::Occupied => match fs::read_to_string(&path) {
                Ok(holder) if holder == owner.0 => Ok(Ok(())),
                Ok(holder) => Ok(Err(holder)),
                Err(_) => Ok(Err(Holder::new())),
            },
        }
    }

    /// Gives a target free that this owner reserved.
    pub(super) fn release(&self, target: &str, owner: &Owner) -> io::Result<()> {
        self.release_path(&self.reservation(target), owner)
    }

    fn release_path(&self, path: &Path, owner: &Owner) -> io::Result<()> {
        match fs::read_to_string(path) {
            // An empty one lost its content with the machine's power; its owner's too is free.
            Ok(holder) if holder == owner.0 || holder.is_empty() => disk::remove(path),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) if error.kind() == ErrorKind::InvalidData => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Removes all that the owner has here, and the directory if it is empty then.
    pub(super) fn discard(&self, owner: &Owner) -> io::Result<()> {
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if is_absent(&error) => return Ok(()),
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            // A name that is not text is none of ours.
            let Ok(name) = entry.file_name().into_string() else { continue };
            if owner.has_staged(&name) {
                disk::remove(&entry.path())?;
            } else if name.ends_with(RESERVED) {
                self.release_path(&entry.path(), owner)?;
            }
        }
        self.remove_if_empty()
    }

    pub(super) fn remove_if_empty(&self) -> io::Result<()> {
        match fs::remove_dir(&self.path) {
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::NotFound | ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists
                ) =>
            {
                Ok(())
            }
            other => other,
        }
    }
}

/// There is no such directory, whatever stands in its place.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// A file that has no published name yet. Dropped without `keep`, it is removed.
#[derive(Debug)]
pub(super) struct StagedFile {
    path: PathBuf,
    /// `None` once it is sealed: a stream may have more files than a process has descriptors.
    file: Option<File>,
    /// What it was when it was sealed.
    sealed: Fingerprint,
    is_kept: bool,
}

impl StagedFile {
    fn new(path: PathBuf, file: File) -> Self {
        Self { path, file: Some(file), sealed: Fingerprint::default(), is_kept: false }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Its name in the staging directory.
    pub(super) fn name(&self) -> String {
        self.path.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// A second handle to write with.
    pub(super) fn handle(&self) -> io::Result<File> {
        match &self.file {
            Some(file) => file.try_clone(),
            None => Err(io::Error::other("the file is sealed")),
        }
    }

    /// Makes what was written durable and lets go of the file.
    pub(super) fn seal(&mut self) -> io::Result<()> {
        if let Some(file) = &self.file {
            file.sync_all()?;
            self.sealed = disk::fingerprint(&file.metadata()?);
        }
        self.file = None;
        Ok(())
    }

    /// What it was when it was sealed.
    pub(super) fn fingerprint(&self) -> &Fingerprint {
        &self.sealed
    }

    /// From here on an action or another name answers for it.
    pub(super) fn keep(mut self) {
        self.is_kept = true;
    }

    /// The name may meanwhile be another attempt's: only this very file may go.
    fn is_mine(&self) -> io::Result<bool> {
        let there = fs::symlink_metadata(&self.path)?;
        match &self.file {
            Some(file) => {
                file.metadata().map(|it| (it.dev(), it.ino()) == (there.dev(), there.ino()))
            }
            None => Ok(disk::is_same(&self.sealed, &disk::fingerprint(&there))),
        }
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        // What can't be removed here is removed by the stream's discard.
        if self.is_mine().unwrap_or(false) {
            let _ = fs::remove_file(&self.path);
        }
        if let Some(directory) = self.path.parent() {
            let _ = fs::remove_dir(directory);
        }
    }
}
