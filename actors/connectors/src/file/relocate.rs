//! Moving a finished input file away, once, however often it is tried, also to another device.
//!
//! A file that arrived at the same path in the meantime is another input: it stays. So does the
//! file itself if it was changed since it was read, and that is said.

use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use weir_domain::{Fault, Fingerprint};

use super::action::{Move, parent};
use super::codes;
use super::config::Existing;
use super::disk::{self, Renamed};
use super::publish::rename_numbered;
use crate::whole::numbered_path;

/// Returns a warning if something is left for a person to know.
pub(super) fn run(action: &Move) -> Result<Option<String>, Fault> {
    let target = action.to_directory.join(&action.name);
    let from = action.from.display();
    let failed = |(path, error): (PathBuf, io::Error)| {
        disk::fault(codes::INPUT_MOVE, &format!("can't move {from} to"), &path, &error)
    };
    let seen = look(action).map_err(failed)?;
    if seen != Seen::AsRead {
        let doing = format!("can't move {from}");
        let directory = action.input_directory();
        action.directory_id.check(directory, codes::INPUT_MOVE, &doing, "read from")?;
    }
    let moved = match seen {
        Seen::AsRead => move_away(action, &target),
        Seen::Changed => settle(action, &target).map(|()| Some(changed(action))),
        Seen::Gone => settle(action, &target).map(|()| None),
    };
    moved.map_err(failed)
}

/// What is at the path of a file that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// The very file, as it was.
    AsRead,
    /// The file, changed in place. One that has its inode by chance is rare, and is no less read.
    Changed,
    /// Nothing, or another file.
    Gone,
}

fn changed(action: &Move) -> String {
    let from = action.from.display();
    format!("{from} was changed after it was read: it stays there, to be processed again")
}

/// An error with the path that it is about.
type At<T> = Result<T, (PathBuf, io::Error)>;

fn at<T>(path: &Path, result: io::Result<T>) -> At<T> {
    result.map_err(|error| (path.to_owned(), error))
}

/// Moved by a run that died before it made the move durable, or never to be moved.
fn settle(action: &Move, target: &Path) -> At<()> {
    let directory = parent(target);
    if directory.is_dir() {
        // Of an input that is gone no later run finishes the copy that was begun.
        let draft = directory.join(draft_name(action));
        at(&draft, disk::remove(&draft))?;
        at(directory, disk::sync_directory(directory))?;
    }
    sync_input(action)
}

fn move_away(action: &Move, target: &Path) -> At<Option<String>> {
    let directory = parent(target);
    at(directory, disk::create_directories(directory))?;
    let warning = match rename(action, target) {
        Err(error) if error.kind() == ErrorKind::CrossesDevices => {
            at(target, copy(action, target))?
        }
        renamed => {
            let reached = at(target, renamed)?;
            put_back_if_other(action, &reached)?
        }
    };
    at(directory, disk::sync_directory(directory))?;
    sync_input(action)?;
    Ok(warning)
}

/// The input's directory may be gone with its last file.
fn sync_input(action: &Move) -> At<()> {
    let directory = parent(&action.from);
    match disk::sync_directory(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => at(directory, other),
    }
}

fn look(action: &Move) -> At<Seen> {
    let metadata = match disk::metadata(&action.from) {
        Err(error) if error.kind() == ErrorKind::NotADirectory => None,
        other => at(&action.from, other)?,
    };
    Ok(metadata.map_or(Seen::Gone, |it| compare(action, &disk::fingerprint(&it))))
}

fn compare(action: &Move, now: &Fingerprint) -> Seen {
    match now {
        now if is_read(action, now) => Seen::AsRead,
        now if now.inode == action.fingerprint.inode => Seen::Changed,
        _ => Seen::Gone,
    }
}

fn is_read(action: &Move, now: &Fingerprint) -> bool {
    disk::is_same(&action.fingerprint, now)
}

fn rename(action: &Move, target: &Path) -> io::Result<PathBuf> {
    let is_directory = disk::metadata(target)?.is_some_and(|it| it.is_dir());
    if action.on_existing == Existing::Replace && !is_directory {
        return fs::rename(&action.from, target).map(|()| target.to_owned());
    }
    match disk::rename_new(&action.from, target)? {
        Renamed::Moved => Ok(target.to_owned()),
        Renamed::Occupied => rename_numbered(&action.from, target),
    }
}

/// Between the look and the rename the file may have been changed, or a new one have taken its
/// path: that one is not finished at all.
fn put_back_if_other(action: &Move, reached: &Path) -> At<Option<String>> {
    let Some(metadata) = at(reached, disk::metadata(reached))? else { return Ok(None) };
    let seen = compare(action, &disk::fingerprint(&metadata));
    if seen == Seen::AsRead {
        return Ok(None);
    }
    if at(&action.from, disk::rename_new(reached, &action.from))? == Renamed::Occupied {
        let (from, reached) = (action.from.display(), reached.display());
        return Ok(Some(format!(
            "{reached} was not read as it is: it changed or arrived as {from} when that was moved; put it back by hand"
        )));
    }
    Ok((seen == Seen::Changed).then(|| changed(action)))
}

/// To another device: a hidden copy, made durable, gets the name; then the original goes. A run
/// that finds the copy of an earlier one under a name that it could have got makes no second.
fn copy(action: &Move, target: &Path) -> io::Result<Option<String>> {
    if find_copy(action, target)?.is_none() {
        let draft = parent(target).join(draft_name(action));
        if let Err(error) = copy_to(action, &draft).and_then(|()| name_copy(action, &draft, target))
        {
            // Whether this succeeds or not, the error to report is the first one.
            let _ = disk::remove(&draft);
            return Err(error);
        }
    }
    disk::sync_directory(parent(target))?;
    let metadata = disk::metadata(&action.from)?;
    match metadata.map_or(Seen::Gone, |it| compare(action, &disk::fingerprint(&it))) {
        Seen::AsRead => disk::remove(&action.from).map(|()| None),
        Seen::Changed => Ok(Some(changed(action))),
        Seen::Gone => Ok(None),
    }
}

/// Always the same for one move, so that a second run takes up what the first left.
pub(super) fn draft_name(action: &Move) -> String {
    let seed = format!("{}\n{}", disk::text(&action.from), action.fingerprint.inode);
    let hash = twox_hash::XxHash3_128::oneshot(seed.as_bytes());
    format!(".weir-{hash:032x}.part")
}

fn copy_to(action: &Move, draft: &Path) -> io::Result<()> {
    let mut from = File::open(&action.from)?;
    let metadata = from.metadata()?;
    if !is_read(action, &disk::fingerprint(&metadata)) {
        return Err(io::Error::other("another file took its place"));
    }
    let mut to = OpenOptions::new().write(true).create(true).truncate(true).open(draft)?;
    io::copy(&mut from, &mut to)?;
    to.set_permissions(metadata.permissions())?;
    to.set_times(FileTimes::new().set_modified(modified(action)))?;
    to.sync_all()
}

fn modified(action: &Move) -> SystemTime {
    let ns = action.fingerprint.modified_ns;
    let length = Duration::from_nanos(ns.unsigned_abs());
    let epoch = SystemTime::UNIX_EPOCH;
    let time = if ns < 0 { epoch.checked_sub(length) } else { epoch.checked_add(length) };
    time.unwrap_or(epoch)
}

fn name_copy(action: &Move, draft: &Path, target: &Path) -> io::Result<()> {
    let is_directory = disk::metadata(target)?.is_some_and(|it| it.is_dir());
    if action.on_existing == Existing::Replace && !is_directory {
        return fs::rename(draft, target);
    }
    if disk::rename_new(draft, target)? == Renamed::Occupied {
        rename_numbered(draft, target)?;
    }
    Ok(())
}

/// The copy that an earlier run made: same size, time of change and content.
fn find_copy(action: &Move, target: &Path) -> io::Result<Option<PathBuf>> {
    let numbered = (1..=u32::MAX).map(|it| numbered_path(target, it));
    for path in std::iter::once(target.to_owned()).chain(numbered) {
        let Some(metadata) = disk::metadata(&path)? else { break };
        let print = disk::fingerprint(&metadata);
        let wanted = &action.fingerprint;
        let may_be = metadata.is_file()
            && (print.size, print.modified_ns) == (wanted.size, wanted.modified_ns);
        if may_be && has_equal_content(&action.from, &path)? {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

fn has_equal_content(a: &Path, b: &Path) -> io::Result<bool> {
    const BLOCK: usize = 256 << 10;
    let (mut a, mut b) = (BufReader::new(File::open(a)?), BufReader::new(File::open(b)?));
    let (mut left, mut right) = (Vec::with_capacity(BLOCK), Vec::with_capacity(BLOCK));
    loop {
        left.clear();
        right.clear();
        a.by_ref().take(BLOCK as u64).read_to_end(&mut left)?;
        b.by_ref().take(BLOCK as u64).read_to_end(&mut right)?;
        if left != right {
            return Ok(false);
        }
        if left.is_empty() {
            return Ok(true);
        }
    }
}
