//! Files that hold keys: readable by their owner alone, or refused.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use crate::{Error, Result, Secret};

/// A key with its comments is far below this.
const LENGTH_MAX: u64 = 64 * 1_024;

/// Reads a file that only its owner may read. What is checked is the open file, so that it can't
/// be another one by the time that it is read.
pub fn read_private(path: &Path) -> Result<Secret> {
    let failed = |source| Error::File { path: path.into(), action: "read", source };
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(Error::BadFile { path: path.into(), reason: "is not a file" });
    }
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(Error::Exposed { path: path.into(), mode });
    }
    if metadata.len() > LENGTH_MAX {
        return Err(Error::BadFile { path: path.into(), reason: "is too long to hold a key" });
    }
    let mut value = Zeroizing::new(Vec::with_capacity(64 * 1_024));
    file.take(LENGTH_MAX).read_to_end(&mut value).map_err(failed)?;
    Ok(value.into())
}

/// Writes a new file that only its owner may read. One that is there already is left as it is. Whoever is killed
/// meanwhile leaves no half key in its place, at most a file of another name that nobody reads.
pub fn write_private(path: &Path, value: &Secret) -> Result<()> {
    let directory = path.parent().filter(|it| !it.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    let write = || -> io::Result<()> {
        // Also where nothing can be written: who finds one there goes on with that.
        if fs::symlink_metadata(path).is_ok() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let mut draft = NamedTempFile::new_in(directory)?;
        draft.write_all(value.expose())?;
        draft.as_file().sync_all()?;
        draft.persist_noclobber(path)?;
        File::open(directory)?.sync_all()
    };
    write().map_err(|source| Error::File { path: path.into(), action: "written", source })
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn a_key_file_that_others_may_read_is_refused_with_its_mode() {
        let dir = tempfile::tempdir().unwrap();
        let (path, value) = (dir.path().join("key"), Secret::from("k".to_owned()));
        write_private(&path, &value).unwrap();
        assert_eq!(read_private(&path).unwrap(), value);
        for mode in [0o640, 0o604, 0o660, 0o610] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let refused = read_private(&path).unwrap_err();
            assert!(refused.to_string().ends_with(&format!("its mode is {mode:04o}")), "{refused}");
        }
    }

    #[test]
    fn a_key_file_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let (path, value) = (dir.path().join("key"), Secret::from("first".to_owned()));
        write_private(&path, &value).unwrap();
        let refused = write_private(&path, &Secret::from("second".to_owned()));
        assert!(matches!(refused, Err(Error::File { action: "written", .. })), "{refused:?}");
        assert_eq!(read_private(&path).unwrap(), value);
    }

    #[test]
    fn whoever_sees_a_key_file_sees_all_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let (path, value) = (dir.path().join("key"), Secret::new(vec![b'k'; 60_000]));
        let (read, mut times, mut bad) = (AtomicU32::new(0), 0, None);
        thread::scope(|all| {
            let writer = all.spawn(|| {
                for _ in 0..100 {
                    let before = read.load(Ordering::Relaxed);
                    write_private(&path, &value).unwrap();
                    while read.load(Ordering::Relaxed) == before {
                        thread::yield_now();
                    }
                    fs::remove_file(&path).unwrap();
                }
            });
            while !writer.is_finished() {
                match read_private(&path) {
                    Ok(found) if found.expose().len() == 60_000 => {}
                    Err(Error::File { source, .. }) if source.kind() == ErrorKind::NotFound => {
                        continue;
                    }
                    other => bad = Some(other),
                }
                times = read.fetch_add(1, Ordering::Relaxed) + 1;
            }
        });
        assert!(bad.is_none(), "{bad:?}");
        assert!(times >= 100, "it was read {times} times");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left");
    }

    #[test]
    fn what_holds_no_key_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(read_private(&dir.path().join("none")), Err(Error::File { .. })));
        assert!(matches!(read_private(dir.path()), Err(Error::BadFile { .. })));
        let path = dir.path().join("long");
        write_private(&path, &Secret::new(vec![b'x'; 70_000])).unwrap();
        assert!(matches!(read_private(&path), Err(Error::BadFile { .. })));
    }
}
