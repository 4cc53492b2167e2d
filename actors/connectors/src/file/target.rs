//! The last look at a target while the stream can still be rolled back: what would stop the
//! publishing later has to be found here.

use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::Access;
use weir_domain::{Fault, Obstacle, StreamId};
use weir_stream::Action as StoredAction;

use super::action::{Action, Discard, parent};
use super::codes;
use super::config::TargetRule;
use super::disk;
use super::identity::DirectoryId;
use super::staging::{Owner, Staging};

/// Where an output directory stands and what may be done there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) directory: &'a Path,
    pub(super) create_directory: bool,
    pub(super) on_existing: TargetRule,
}

impl Place<'_> {
    /// The output directory must be there before anything is written, or be allowed to appear.
    pub(super) fn check_directory(&self) -> Result<(), Fault> {
        if self.create_directory || self.directory.is_dir() {
            return Ok(());
        }
        Err(self.missing(self.directory))
    }

    /// Whether files can be made in the output directory, or it can be made. Nothing is written.
    pub(super) fn check_access(&self) -> Result<(), Fault> {
        let mut at = self.directory;
        if self.create_directory {
            while at.symlink_metadata().is_err_and(|it| it.kind() == ErrorKind::NotFound) {
                at = parent(at);
            }
        }
        if !at.is_dir() {
            return Err(self.missing(at));
        }
        let unfit =
            |error: io::Error| disk::fault(codes::OUTPUT_DIRECTORY, "can't write in", at, &error);
        rustix::fs::access(at, Access::WRITE_OK | Access::EXEC_OK)
            .map_err(|it| unfit(it.into()))?;
        match rustix::fs::statvfs(at) {
            Ok(it) if it.f_bavail == 0 && it.f_blocks > 0 => {
                Err(unfit(ErrorKind::StorageFull.into()))
            }
            // A file system that doesn't say how much room there is may have some.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Makes the output directory ready to stage files in.
    pub(super) fn ready_directory(&self) -> Result<(), Fault> {
        if self.directory.is_dir() {
            return Ok(());
        }
        if !self.create_directory {
            return Err(self.missing(self.directory));
        }
        disk::create_directories(self.directory).map_err(|error| {
            let doing = "can't create the output directory";
            disk::fault(codes::OUTPUT_DIRECTORY, doing, self.directory, &error)
        })
    }

    /// Makes one target ready to be published: its directory is there or can be made, on the
    /// same device, and nothing stands in its way. With the rule *fail* the target is reserved.
    pub(super) fn ready_target(
        &self,
        name: &str,
        owner: &Owner,
        next: &mut u64,
    ) -> Result<(), Fault> {
        let target = self.directory.join(name);
        self.check_parent(parent(&target))?;
        if self.on_existing == TargetRule::Fail {
            self.reserve(name, owner, next)?;
        }
        let there = disk::metadata(&target)
            .map_err(|error| disk::fault(codes::OUTPUT_WRITE, "can't look at", &target, &error))?;
        match (self.on_existing, there) {
            (TargetRule::Fail, Some(_)) => Err(exists(&target)),
            (TargetRule::Replace, Some(old)) if old.is_dir() => {
                let message = format!("{} is a directory and can't be replaced", target.display());
                Err(Fault::config(codes::OUTPUT_EXISTS, message)
                    .with_hint("give the file another name, or remove the directory"))
            }
            _ => Ok(()),
        }
    }

    /// Directories below the output directory are made when the file is published: before that
    /// nothing may be visible. What would hinder it is looked for now.
    fn check_parent(&self, directory: &Path) -> Result<(), Fault> {
        let mut at = directory;
        if self.create_directory {
            while at.symlink_metadata().is_err_and(|it| it.kind() == ErrorKind::NotFound) {
                at = parent(at);
            }
        }
        if !at.is_dir() {
            return Err(self.missing(at));
        }
        if at != directory {
            rustix::fs::access(at, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| {
                let doing = "can't create a directory in";
                disk::fault(codes::OUTPUT_DIRECTORY, doing, at, &error.into())
            })?;
        }
        self.check_device(at)
    }

    fn missing(&self, directory: &Path) -> Fault {
        let (what, hint) = match std::fs::metadata(directory) {
            Ok(_) => ("is no directory", "move away the file that stands in its place"),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                ("does not exist", "create it, or set createDirectory: true")
            }
            Err(error) => {
                let doing = "can't use the output directory";
                return disk::fault(codes::OUTPUT_DIRECTORY, doing, directory, &error);
            }
        };
        let message = format!("the output directory {} {what}", directory.display());
        Fault::transient(codes::OUTPUT_DIRECTORY, message).with_hint(hint)
    }

    /// A rename can't cross devices, and anything else would not be whole at once.
    fn check_device(&self, directory: &Path) -> Result<(), Fault> {
        let device = |path: &Path| -> Result<u64, Fault> {
            let found = std::fs::metadata(path).map(|it| it.dev());
            found.map_err(|error| {
                disk::fault(codes::OUTPUT_DIRECTORY, "can't look at", path, &error)
            })
        };
        if device(directory)? == device(self.directory)? {
            return Ok(());
        }
        let message = format!(
            "{} is on another file system than {}, so that no file can appear there whole",
            directory.display(),
            self.directory.display()
        );
        Err(Fault::config(codes::OUTPUT_DIRECTORY, message)
            .with_hint("make it the directory of a sink of its own"))
    }

    /// What another stream has in the staging directory.
    fn obstacle(&self, stream: StreamId, owner: Owner) -> Obstacle {
        let directory = self.directory.to_owned();
        let discard = Discard { directory, owner, directory_id: DirectoryId::default() };
        let StoredAction { connector, payload, .. } = Action::Discard(discard).stored();
        Obstacle { stream, connector, payload }
    }

    fn reserve(&self, name: &str, owner: &Owner, next: &mut u64) -> Result<(), Fault> {
        let target = self.directory.join(name);
        let failed =
            |error: &io::Error| disk::fault(codes::OUTPUT_WRITE, "can't reserve", &target, error);
        let staging = Staging::of(self.directory);
        let Err(holder) = staging.reserve(name, owner, next).map_err(|it| failed(&it))? else {
            return Ok(());
        };
        let at = target.display();
        if owner.is_same_stream(&holder) {
            let message = format!("two sinks of one workflow write {at}");
            return Err(Fault::config(codes::OUTPUT_RESERVED, message)
                .with_hint("give one of them another name or directory"));
        }
        let reservation = staging.reservation(name);
        let reservation = reservation.display();
        // A stream that is not known, as after the loss of a data directory, never releases it.
        let (stream, stale) = match holder.split('@').next().filter(|it| !it.is_empty()) {
            Some(id) => (format!("stream {id}"), format!("weir stream show {id} finds nothing")),
            None => ("an unknown stream".to_owned(), "no stream is running".to_owned()),
        };
        let message = format!(
            "another stream is about to publish {at}: {stream} reserved it by {reservation}"
        );
        let fault = Fault::transient(codes::OUTPUT_RESERVED, message).with_hint(format!(
            "give each workflow a name or directory of its own; if {stale}, delete {reservation}"
        ));
        Err(match Owner::read(&holder) {
            Some((stream, owner)) => fault.with_obstacle(self.obstacle(stream, owner)),
            None => fault,
        })
    }
}

fn exists(target: &Path) -> Fault {
    let message = format!("{} exists and onExisting is fail", target.display());
    Fault::data(codes::OUTPUT_EXISTS, message).with_hint(
        "set onExisting to replace, renameOld or counter; or put ${stream} into the name, and each stream writes a file of its own",
    )
}
