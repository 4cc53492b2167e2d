//! A small disk for a server's data: a file system in memory over its data directory, seen by the
//! server alone. It takes root, and ends with the server.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// Mounts a file system of that size over a directory, with what is in it, and becomes what follows.
const ON_SMALL_DISK: &str = r#"
set -e
mkdir -p "$1.small"
mount -t tmpfs -o "size=$0" weir-test "$1.small"
cp -a "$1/." "$1.small"
mount --bind "$1.small" "$1"
shift
exec "$@"
"#;

/// What is written at a time, and the least that a file takes.
const BLOCKS: [usize; 2] = [1 << 16, 1 << 12];

/// What a server is started with to have these data on a disk of so many MiB.
pub(crate) fn wrapper(data: &Path, mib: u32) -> Vec<String> {
    let data = data.display().to_string();
    ["unshare", "-m", "sh", "-c", ON_SMALL_DISK, &format!("{mib}m"), &data]
        .map(str::to_owned)
        .to_vec()
}

/// What takes the space, as the server sees its disk.
fn filler(server: u32, data: &Path) -> PathBuf {
    PathBuf::from(format!("/proc/{server}/root{}", data.join("filler").display()))
}

/// Leaves not a block of the disk free.
pub(crate) fn fill(server: u32, data: &Path) {
    let mut file = File::create(filler(server, data)).expect("T1: the disk is ours");
    for block in BLOCKS {
        let zeros = vec![0; block];
        loop {
            match file.write(&zeros) {
                Ok(_) => {}
                Err(full) if full.kind() == ErrorKind::StorageFull => break,
                Err(error) => panic!("the disk can't be filled: {error}"),
            }
        }
    }
}

pub(crate) fn free(server: u32, data: &Path) {
    fs::remove_file(filler(server, data)).expect("the disk was filled");
}
