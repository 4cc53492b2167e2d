//! The wall clock of one node, which a test sets. libfaketime stands between the process and its
//! kernel; time that is measured, and the times of files, stay what they are.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// Where Debian has the library, below the directory of the machine's architecture.
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";
const SHARED: &str = "/dev/shm";

pub(crate) struct Clock {
    library: PathBuf,
    /// Holds how far the clock is off, and is read with each look at the clock.
    offset: PathBuf,
}

impl Clock {
    /// A clock that is off by so many seconds. The directory is its node's own.
    pub(super) fn new(directory: &Path, seconds: i64) -> Self {
        let clock = Self { library: library(), offset: directory.join("clock") };
        clock.set(seconds);
        clock
    }

    /// From now on the clock is off by so many seconds: forward, or back.
    pub(crate) fn set(&self, seconds: i64) {
        // Whoever reads it finds the one or the other, and never half of it.
        let new = self.offset.with_extension("new");
        fs::write(&new, format!("{seconds:+}\n")).unwrap();
        fs::rename(new, &self.offset).unwrap();
    }

    /// What a program is started with, before its name, to see this clock.
    pub(super) fn wrapper(&self) -> Vec<OsString> {
        let set = |name: &str, value: &Path| {
            let mut setting = OsString::from(format!("{name}="));
            setting.push(value);
            setting
        };
        vec![
            "env".into(),
            set("LD_PRELOAD", &self.library),
            set("FAKETIME_TIMESTAMP_FILE", &self.offset),
            "FAKETIME_NO_CACHE=1".into(),
            "FAKETIME_DONT_FAKE_MONOTONIC=1".into(),
            "NO_FAKE_STAT=1".into(),
        ]
    }

    /// Removes what the library leaves of a process that was killed.
    pub(super) fn forget(&self, pid: u32) {
        for name in [format!("faketime_shm_{pid}"), format!("sem.faketime_sem_{pid}")] {
            // It is there only if the process had no time to remove it.
            let _ = fs::remove_file(Path::new(SHARED).join(name));
        }
    }
}

fn library() -> PathBuf {
    let architectures = fs::read_dir("/usr/lib").unwrap().flatten();
    let found = architectures.map(|it| it.path().join(LIBRARY)).find(|it| it.exists());
    found.expect("libfaketime is missing: install it with: apt-get install libfaketime")
}
