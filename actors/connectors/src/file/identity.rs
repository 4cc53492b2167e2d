//! Which directory a path led to when it was used, and whether it still leads there.
//!
//! An action that finds nothing where its file was must tell two things apart: the file is done
//! with, or its file system is not mounted and the mount point shows as an empty directory.
//!
//! - A directory is known by its inode: that stays the same over restarts and on other engines.
//! - Where the inode is another one, the directory was made anew, or something below it is not
//!   mounted. Made anew, it stands on the same device, with as many file systems mounted on the
//!   way to it. The device alone does not say so: its number is given out anew at each start of
//!   the machine, and by chance the mount point's may be the one that the lost device had.
//! - What can't be told is a fault that passes, never a success. A number that changed over a
//!   restart may make one of a directory that was made anew: then a person says so, by [`MARK`].
//!
//! It deliberately asks nothing of files: one that is found is acted on, wherever it stands.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use weir_domain::Fault;

use super::action::parent;
use super::disk;

/// By this file in a directory a person says that it stands for the one that was there before.
pub(super) const MARK: &str = ".weir-moved";

/// A directory as it was. The default is one of which nothing is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct DirectoryId {
    /// 0: not known.
    inode: u64,
    device: u64,
    /// How often the device changes on the way from the root to the directory.
    mounts: usize,
}

/// What a directory is to the one that was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// The same, as far as anything is known.
    Same,
    /// Another one, or none, in the same place: what was in the old one is gone.
    MadeAnew,
    /// It stands on something else.
    Elsewhere,
}

impl DirectoryId {
    pub(super) fn of(directory: &Path) -> io::Result<Self> {
        let real = directory.canonicalize()?;
        let inode = fs::metadata(&real)?.ino();
        let devices = real.ancestors().map(|it| fs::metadata(it).map(|it| it.dev()));
        let devices = devices.collect::<io::Result<Vec<_>>>()?;
        let mounts = devices.windows(2).filter(|it| it[0] != it[1]).count();
        Ok(Self { inode, device: devices[0], mounts })
    }

    /// A fault if what is missing in the directory may be there once it is mounted. `doing` is a
    /// clause: `can't publish a.csv`; `used` says how the directory was: `written to`.
    pub(super) fn check(
        self,
        directory: &Path,
        code: u32,
        doing: &str,
        used: &str,
    ) -> Result<Standing, Fault> {
        let at = directory.display();
        let standing = self.compare(directory).map_err(|error| {
            disk::fault(code, &format!("{doing}: can't look at"), directory, &error)
        })?;
        if standing != Standing::Elsewhere {
            return Ok(standing);
        }
        let message = format!(
            "{doing}: {at} is not the directory that was {used}: is its file system mounted?"
        );
        let mark = directory.join(MARK);
        Err(Fault::transient(code, message).with_hint(format!(
            "mount it; only if the directory was moved or made anew on purpose, create the empty file {}: what is missing there is taken for done",
            mark.display()
        )))
    }

    fn compare(self, directory: &Path) -> io::Result<Standing> {
        if self.inode == 0 {
            return Ok(Standing::Same);
        }
        let (at, now) = nearest(directory)?;
        if at == directory && now.inode == self.inode {
            return Ok(Standing::Same);
        }
        let is_in_place = (now.device, now.mounts) == (self.device, self.mounts);
        if is_in_place || disk::metadata(&directory.join(MARK)).is_ok_and(|it| it.is_some()) {
            return Ok(Standing::MadeAnew);
        }
        Ok(Standing::Elsewhere)
    }
}

/// The directory, or the nearest one above it that is there.
fn nearest(directory: &Path) -> io::Result<(&Path, DirectoryId)> {
    let mut at = directory;
    loop {
        match DirectoryId::of(at) {
            Err(error) if is_absent(&error) && at.parent().is_some() => at = parent(at),
            found => return found.map(|it| (at, it)),
        }
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory that was made anew, seen from what was known of the one before it.
    #[track_caller]
    fn check(change: impl FnOnce(&mut DirectoryId), wanted: Standing) {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("out");
        fs::create_dir(&directory).unwrap();
        let mut before = DirectoryId::of(&directory).unwrap();
        fs::rename(&directory, root.path().join("kept")).unwrap();
        change(&mut before);
        let name = |suffix: &str| format!("{suffix}: {before:?}");
        assert_eq!(before.compare(&directory).unwrap(), wanted, "{}", name("absent"));
        fs::create_dir(&directory).unwrap();
        assert_eq!(before.compare(&directory).unwrap(), wanted, "{}", name("anew"));
        fs::write(directory.join(MARK), "").unwrap();
        let marked = if wanted == Standing::Same { wanted } else { Standing::MadeAnew };
        assert_eq!(before.compare(&directory).unwrap(), marked, "{}", name("marked"));
        fs::remove_dir_all(&directory).unwrap();
        fs::rename(root.path().join("kept"), &directory).unwrap();
        assert_eq!(before.compare(&directory).unwrap(), Standing::Same, "{}", name("back"));
    }

    #[test]
    fn another_directory_is_the_old_one_made_anew_only_in_the_same_place() {
        check(|_| (), Standing::MadeAnew);
        check(|it| it.device += 1, Standing::Elsewhere);
        check(|it| it.mounts += 1, Standing::Elsewhere);
    }

    #[test]
    fn of_a_directory_that_is_not_known_nothing_is_said() {
        check(|it| *it = DirectoryId::default(), Standing::Same);
    }
}
