//! What a directory of files looks like from outside: where it is equal, nothing was changed.

use std::fs::{self, Metadata};
use std::ops::ControlFlow::{self, Continue};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use weir_domain::Digest;

use crate::walk::{Met, walk};

/// Of the names, sizes, times and numbers of all files. Contents are not read: an editor that puts back the time
/// of a file that it changed in place, without changing its size, goes unnoticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp(Digest);

impl Stamp {
    /// Of a project's directory, without hidden and excluded ones.
    pub fn of(root: &Path, exclude: &[String]) -> Self {
        let mut lines = Vec::new();
        let _: ControlFlow<()> = walk(root, exclude, &mut |it| {
            // What can't be read now is another one when it can.
            let Met::File(path, entry, kind) = it else { return Continue(()) };
            // Of a link: that of the file itself.
            let about =
                if kind.is_symlink() { fs::metadata(root.join(path)) } else { entry.metadata() };
            lines.extend(about.ok().map(|it| line(path, &it)));
            Continue(())
        });
        lines.sort_unstable();
        Self(Digest::of(lines.concat().as_bytes()))
    }

    pub(crate) fn of_file(path: &Path) -> Option<Self> {
        let about = fs::metadata(path).ok()?;
        Some(Self(Digest::of(line("", &about).as_bytes())))
    }
}

fn line(path: &str, it: &Metadata) -> String {
    let (changed, noted) = ((it.mtime(), it.mtime_nsec()), (it.ctime(), it.ctime_nsec()));
    format!("{path}\0{} {} {changed:?} {noted:?}\n", it.len(), it.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_done_to_files_is_another_stamp_and_data_is_none_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let stamp = || Stamp::of(dir.path(), &["in".to_owned()]);
        let empty = stamp();
        let file = dir.path().join("a.yaml");
        fs::write(&file, "a").unwrap();
        let one = stamp();
        fs::write(dir.path().join("b.new"), "b").unwrap();
        fs::rename(dir.path().join("b.new"), &file).unwrap();
        let replaced = stamp();
        assert!(empty != one && one != replaced);
        fs::create_dir(dir.path().join("in")).unwrap();
        fs::create_dir(dir.path().join(".git")).unwrap();
        fs::write(dir.path().join("in/data.csv"), "x").unwrap();
        fs::write(dir.path().join(".git/HEAD"), "x").unwrap();
        assert_eq!(stamp(), replaced);
        fs::remove_file(&file).unwrap();
        assert_eq!(stamp(), empty);
    }
}
