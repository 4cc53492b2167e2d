//! Noticing changes without looking at every file: the kernel tells in which directories something happened.
//!
//! It is told by an event for each directory, so that hundreds of projects that nobody touches cost a question
//! that takes microseconds. It may be wrong in one way only, that something changed and was not told (on a file
//! system of the network, or by a memory mapping): so callers believe it for a while and look then. Where it can't be
//! had (no inotify, too many directories, links), nothing is ever still, and everything is looked at.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::mem::MaybeUninit;
use std::ops::ControlFlow::{Break, Continue};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};

use crate::walk::{Met, walk};

/// Of one project. Whoever has more looks at them.
const DIRECTORIES_MAX: usize = 1_000;

/// Which projects nobody has touched.
#[derive(Debug)]
pub struct Watch {
    inotify: Option<OwnedFd>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The projects that a watched directory belongs to: one may lie in another.
    projects: HashMap<i32, BTreeSet<PathBuf>>,
    still: HashSet<PathBuf>,
}

impl Default for Watch {
    fn default() -> Self {
        let inotify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).ok();
        Self { inotify, state: Mutex::default() }
    }
}

impl Watch {
    /// Watches a project from now on: call it before its files are looked at.
    pub fn begin(&self, root: &Path, exclude: &[String]) {
        let Some(inotify) = &self.inotify else { return };
        let mut state = self.state();
        state.still.remove(root);
        let mut directories = 0;
        // Before it is read: what comes into it meanwhile is told.
        let mut watch = |directory: &Path| {
            directories += 1;
            let wd = (directories <= DIRECTORIES_MAX)
                .then(|| inotify::add_watch(inotify, directory, told()).ok());
            let roots = wd.flatten().map(|it| state.projects.entry(it).or_default());
            roots.map(|it| it.insert(root.to_owned())).is_some()
        };
        let watched = walk(root, exclude, &mut |it| match it {
            Met::Directory(it) if watch(it) => Continue(()),
            // What a link leads to changes elsewhere.
            Met::File(_, _, kind) if !kind.is_symlink() => Continue(()),
            Met::Directory(_) | Met::File(..) | Met::Unread(..) | Met::TooDeep => Break(()),
        });
        match watched {
            Continue(()) => _ = state.still.insert(root.to_owned()),
            // Those that are watched already are of no use.
            Break(()) => state.forget(inotify, |it| it != root),
        }
    }

    /// Whether nothing happened in a project since it is watched, as far as that is told.
    pub fn is_still(&self, root: &Path) -> bool {
        let mut state = self.state();
        self.hear(&mut state);
        state.still.contains(root)
    }

    /// Ends watching what is none of these any more.
    pub fn retain(&self, is_kept: impl Fn(&Path) -> bool) {
        let Some(inotify) = &self.inotify else { return };
        let mut state = self.state();
        state.forget(inotify, is_kept);
    }

    fn hear(&self, state: &mut State) {
        let Some(inotify) = &self.inotify else { return };
        let mut buffer = [MaybeUninit::uninit(); 4_096];
        let mut events = Reader::new(inotify, &mut buffer);
        // Until there are no more, or they can't be read.
        while let Ok(event) = events.next() {
            if event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
                state.still.clear();
                continue;
            }
            let State { projects, still } = state;
            let roots = projects.get(&event.wd()).into_iter().flatten();
            roots.for_each(|it| _ = still.remove(it));
            if event.events().contains(ReadFlags::IGNORED) {
                projects.remove(&event.wd());
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn forget(&mut self, inotify: &OwnedFd, is_kept: impl Fn(&Path) -> bool) {
        self.still.retain(|it| is_kept(it));
        self.projects.retain(|watch, roots| {
            roots.retain(|it| is_kept(it));
            if roots.is_empty() {
                // One whose directory is gone is gone already.
                let _ = inotify::remove_watch(inotify, *watch);
            }
            !roots.is_empty()
        });
    }
}

fn told() -> WatchFlags {
    WatchFlags::MODIFY
        | WatchFlags::ATTRIB
        | WatchFlags::CREATE
        | WatchFlags::DELETE
        | WatchFlags::MOVED_FROM
        | WatchFlags::MOVED_TO
        | WatchFlags::DELETE_SELF
        | WatchFlags::MOVE_SELF
        | WatchFlags::ONLYDIR
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn whatever_happens_in_a_project_is_told_and_what_happens_to_its_data_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let (root, other) = (dir.path().join("a"), dir.path().join("b"));
        for path in ["a/sub/deep", "a/in", "a/.git", "b"] {
            fs::create_dir_all(dir.path().join(path)).unwrap();
        }
        let file = root.join("sub/deep/x.yaml");
        fs::write(&file, "x").unwrap();
        let watch = Watch::default();
        assert!(!watch.is_still(&root), "nobody watches it yet");
        let begin = || {
            watch.begin(&root, &["in".to_owned()]);
            watch.begin(&other, &[]);
            assert!(watch.is_still(&root) && watch.is_still(&other));
        };
        let changes: [(&str, &dyn Fn()); 7] = [
            ("a file is changed in place", &|| fs::write(&file, "y").unwrap()),
            ("a file is made", &|| fs::write(root.join("new.yaml"), "").unwrap()),
            ("a directory is made", &|| fs::create_dir(root.join("sub/other")).unwrap()),
            ("in that a file is made", &|| fs::write(root.join("sub/other/x"), "").unwrap()),
            ("a file is renamed", &|| fs::rename(&file, root.join("moved")).unwrap()),
            ("a directory is deleted", &|| fs::remove_dir_all(root.join("sub")).unwrap()),
            ("all of it is moved away", &|| fs::rename(&root, dir.path().join("c")).unwrap()),
        ];
        for (what, change) in changes {
            begin();
            if root.join("in").exists() {
                fs::write(root.join("in/data.csv"), what).unwrap();
                fs::write(root.join(".git/index"), what).unwrap();
            }
            assert!(watch.is_still(&root), "before {what}");
            change();
            assert!(!watch.is_still(&root), "{what}");
            assert!(watch.is_still(&other), "{what}");
        }
        watch.retain(|it| it == root);
        assert!(!watch.is_still(&other));
    }

    #[test]
    fn what_happens_in_a_project_that_lies_in_another_is_told_of_both() {
        let dir = tempfile::tempdir().unwrap();
        let (outer, inner) = (dir.path(), dir.path().join("inner"));
        fs::create_dir(&inner).unwrap();
        let watch = Watch::default();
        let are_still = || [outer, &inner].map(|it| watch.is_still(it));
        let begin = || [&inner, outer].map(|it| watch.begin(it, &[]));
        begin();
        assert_eq!(are_still(), [true, true]);
        fs::write(inner.join("x.yaml"), "x").unwrap();
        assert_eq!(are_still(), [false, false]);
        begin();
        assert_eq!(are_still(), [true, true]);
        watch.retain(|it| it == outer);
        assert_eq!(are_still(), [true, false]);
        fs::write(inner.join("x.yaml"), "y").unwrap();
        assert_eq!(are_still(), [false, false]);
    }

    #[test]
    fn what_can_not_be_watched_as_a_whole_is_not_watched() {
        let dir = tempfile::tempdir().unwrap();
        for at in 0..=DIRECTORIES_MAX {
            fs::create_dir(dir.path().join(at.to_string())).unwrap();
        }
        let watch = Watch::default();
        watch.begin(dir.path(), &[]);
        assert!(!watch.is_still(dir.path()));
        assert!(watch.state().projects.is_empty());
    }

    #[test]
    fn a_project_with_a_link_is_never_still() {
        let dir = tempfile::tempdir().unwrap();
        let watch = Watch::default();
        watch.begin(dir.path(), &[]);
        assert!(watch.is_still(dir.path()));
        symlink("/etc/hostname", dir.path().join("x.yaml")).unwrap();
        watch.begin(dir.path(), &[]);
        assert!(!watch.is_still(dir.path()));
    }
}
