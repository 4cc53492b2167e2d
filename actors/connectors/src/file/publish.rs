//! Publishing: a staged file gets its name, by one rename, once, however often it is tried.
//!
//! It runs after the stream's outcome was decided: there is no way back, so that every fault is
//! transient, and a target that has appeared since the check is never a reason to lose a file.

use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use weir_domain::Fault;
use weir_stream::{CrashPoint, Published, reach};

use super::action::{Publish, parent};
use super::codes;
use super::config::TargetRule;
use super::disk::{self, Renamed};
use super::identity::Standing;
use super::staging::Staging;
use crate::whole::numbered_path;

pub(super) fn run(action: &Publish) -> Result<Published, Fault> {
    let staging = Staging::of(&action.directory);
    let target = action.target();
    let standing = check_mounted(action, &staging)?;
    let place = put(action, &staging, &target)
        .map_err(|error| disk::fault(codes::PUBLISH, "can't publish", &target, &error))?;
    let released = staging.release(&action.name, &action.owner);
    released
        .and_then(|()| staging.remove_if_empty())
        .map_err(|error| disk::fault(codes::PUBLISH, "can't clear away", staging.path(), &error))?;
    Ok(published(action, &target, place, standing))
}

/// Gives the file its name, or finds the one that an earlier run gave it, and makes it durable.
fn put(action: &Publish, staging: &Staging, target: &Path) -> io::Result<Place> {
    let staged = staging.path().join(&action.staged);
    let directory = parent(target);
    let place = if disk::metadata(&staged)?.is_some() {
        if action.create_directory {
            disk::create_directories(directory)?;
        }
        reach(CrashPoint::BeforePublication);
        let place = place(action, &staged, target)?;
        reach(CrashPoint::AfterPublication);
        place
    } else {
        found(action, target)?
    };
    // Also on a second run: the first may have died between the rename and this.
    if !matches!(place, Place::Taken) {
        disk::sync_directory(directory)?;
    }
    Ok(place)
}

fn published(action: &Publish, target: &Path, place: Place, standing: Standing) -> Published {
    let (path, warning) = match place {
        Place::Wanted => (target.to_owned(), None),
        Place::Numbered(path) => (path, warning(action, target)),
        Place::Taken => (target.to_owned(), Some(gone(action, target, standing))),
    };
    Published { address: disk::text(&path), warning }
}

/// Where a file was put.
enum Place {
    Wanted,
    Numbered(PathBuf),
    /// It was put somewhere by an earlier run, and is not there now.
    Taken,
}

/// A number in the name is a surprise unless it was asked for.
fn warning(action: &Publish, target: &Path) -> Option<String> {
    (action.on_existing != TargetRule::Counter).then(|| {
        let target = target.display();
        format!("{target} was taken when the file was to be published: it got another name")
    })
}

/// Why nothing is where a file was staged and where it was to be published.
fn gone(action: &Publish, target: &Path, standing: Standing) -> String {
    let (target, directory) = (target.display(), action.directory.display());
    match standing {
        Standing::Same => format!("{target} was published before and is gone: it was taken since"),
        Standing::MadeAnew | Standing::Elsewhere => format!(
            "{target} is gone: {directory} was moved or made anew since the file was written to it"
        ),
    }
}

/// A missing output directory is not taken for a published file: it may not be mounted. Neither
/// is an empty one in its place.
fn check_mounted(action: &Publish, staging: &Staging) -> Result<Standing, Fault> {
    if action.directory.is_dir() {
        let staged = staging.path().join(&action.staged);
        return match disk::metadata(&staged) {
            Ok(Some(_)) => Ok(Standing::Same),
            Ok(None) => {
                let doing = format!("can't publish {}", action.name);
                let directory = &action.directory;
                action.directory_id.check(directory, codes::PUBLISH, &doing, "written to")
            }
            Err(error) => Err(disk::fault(codes::PUBLISH, "can't publish", &staged, &error)),
        };
    }
    let directory = action.directory.display();
    let message =
        format!("can't publish {}: the output directory {directory} does not exist", action.name);
    Err(Fault::transient(codes::PUBLISH, message)
        .with_hint("mount or restore it: a committed file waits in it to be published"))
}

fn place(action: &Publish, staged: &Path, target: &Path) -> io::Result<Place> {
    match action.on_existing {
        TargetRule::Fail | TargetRule::Counter => place_numbered(staged, target),
        TargetRule::Replace => match std::fs::rename(staged, target) {
            // A directory can't be replaced by a file; the file must not be lost for that.
            Err(error) if error.kind() == ErrorKind::IsADirectory => place_numbered(staged, target),
            other => other.map(|()| Place::Wanted),
        },
        TargetRule::RenameOld => place_instead(staged, target),
    }
}

/// The target's name, or the first free one with a number.
fn place_numbered(staged: &Path, target: &Path) -> io::Result<Place> {
    if disk::rename_new(staged, target)? == Renamed::Moved {
        return Ok(Place::Wanted);
    }
    rename_numbered(staged, target).map(Place::Numbered)
}

/// The old file makes room. A crash in between leaves the name free for the next run; whoever
/// takes it in that moment is made room by as well.
fn place_instead(staged: &Path, target: &Path) -> io::Result<Place> {
    loop {
        if disk::rename_new(staged, target)? == Renamed::Moved {
            return Ok(Place::Wanted);
        }
        match rename_numbered(target, target) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            other => drop(other?),
        }
    }
}

/// Moves a file to the first free name with a number.
pub(super) fn rename_numbered(from: &Path, wanted: &Path) -> io::Result<PathBuf> {
    for number in 1..=u32::MAX {
        let path = numbered_path(wanted, number);
        if disk::rename_new(from, &path)? == Renamed::Moved {
            return Ok(path);
        }
    }
    Err(io::Error::other("every name with a number is taken"))
}

/// Which name an earlier run gave the file: a second run must not report another one.
fn found(action: &Publish, target: &Path) -> io::Result<Place> {
    let is_it = |path: &Path| -> io::Result<Option<bool>> {
        Ok(disk::metadata(path)?.map(|it| it.ino() == action.inode))
    };
    if is_it(target)? == Some(true) {
        return Ok(Place::Wanted);
    }
    for number in 1..=u32::MAX {
        let path = numbered_path(target, number);
        match is_it(&path)? {
            Some(true) => return Ok(Place::Numbered(path)),
            Some(false) => {}
            None => break,
        }
    }
    Ok(Place::Taken)
}
