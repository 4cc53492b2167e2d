//! Removes namespaces: the own ones at the end, and those of test runs that were killed.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process};

use super::{PREFIX, ip, try_fed};

/// What a namespace shows in `/etc` in place of the machine's files.
pub(super) fn etc(namespace: &str) -> PathBuf {
    Path::new("/etc/netns").join(namespace)
}

/// Removes all namespaces of processes that are gone.
pub(super) fn remove() {
    for line in ip("netns list").lines() {
        let namespace = line.split_whitespace().next().unwrap_or_default();
        if owner(namespace).is_some_and(|it| !Path::new("/proc").join(it.to_string()).exists()) {
            remove_one(namespace);
        }
    }
}

/// The process whose namespace it is, if it is one of ours.
fn owner(namespace: &str) -> Option<u32> {
    let mut words = namespace.split('-');
    if words.next() != Some(PREFIX) {
        return None;
    }
    let owner = words.next()?.parse().ok()?;
    words.next()?.parse::<u32>().ok()?;
    Some(owner)
}

/// Ends what still runs there, and removes it.
pub(super) fn remove_one(namespace: &str) {
    // It may be gone, or not have been made: this is also the end of a test that failed.
    let Ok(pids) = try_fed(&["netns", "pids", namespace], "") else { return };
    let pids = String::from_utf8_lossy(&pids.stdout).into_owned();
    for pid in pids.split_whitespace().filter_map(|it| Pid::from_raw(it.parse().ok()?)) {
        let _ = kill_process(pid, Signal::KILL);
    }
    let _ = try_fed(&["netns", "del", namespace], "");
    let _ = fs::remove_dir_all(etc(namespace));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_names_are_ours() {
        assert_eq!(owner("weir-12-0-node-1"), Some(12));
        for name in ["weir-prod", "weir-12-x", "net-12-0-a", "weir", ""] {
            assert_eq!(owner(name), None, "{name}");
        }
    }
}
