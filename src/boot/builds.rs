//! The packages that a configuration server keeps of its projects go where the projects go: another project
//! of the same name has none of them.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use weir_domain::Fault;

/// In the data directory; a directory for each project is in it.
pub(super) const DIRECTORY: &str = "builds";

/// Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Builds {
    directory: PathBuf,
    /// How often a project of each name came or went. Held as long as a package is written, or moves.
    moves: Arc<Mutex<BTreeMap<String, u64>>>,
}

/// The project of a name, as long as it keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark(u64);

impl Builds {
    pub(crate) fn in_data_dir(data_dir: &Path) -> Self {
        Self { directory: data_dir.join(DIRECTORY), moves: Arc::default() }
    }

    /// Taken before a project is read.
    pub(crate) fn mark(&self, project: &str) -> Mark {
        Mark(self.moves().get(project).copied().unwrap_or(0))
    }

    /// Writes what was made of a project, if it is still there under its name: `None` if it is not. Blocking.
    pub(crate) fn kept<T>(
        &self,
        (project, mark): (&str, Mark),
        write: impl FnOnce(&Path) -> T,
    ) -> Option<T> {
        let moves = self.moves();
        let now = Mark(moves.get(project).copied().unwrap_or(0));
        (now == mark).then(|| write(&self.of_project(project)))
    }

    pub(crate) fn of_project(&self, project: &str) -> PathBuf {
        self.directory.join(project)
    }

    /// Whether anything is kept of a project.
    pub(crate) fn has(&self, project: &str) -> bool {
        self.of_project(project).symlink_metadata().is_ok()
    }

    fn moves(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.moves.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The project goes, or gets another name. Blocking.
    pub(crate) fn project_moved(&self, from: &str, to: Option<&str>) -> Result<(), Fault> {
        if to == Some(from) {
            return Ok(());
        }
        let mut moves = self.moves();
        for name in [Some(from), to].into_iter().flatten() {
            *moves.entry(name.to_owned()).or_default() += 1;
        }
        let former = self.of_project(from);
        let moved = match to {
            None => gone(&former),
            // The name was free: what lies there is of a project that nobody knows.
            Some(to) => gone(&self.of_project(to)).and_then(|()| {
                let moved = fs::rename(&former, self.of_project(to));
                moved.or_else(unless_missing)
            }),
        };
        let synced = moved.and_then(|()| {
            let opened = fs::File::open(&self.directory);
            opened.and_then(|it| it.sync_all()).or_else(unless_missing)
        });
        synced.map_err(|it| {
            let message = format!("{} can't follow its project: {it}", former.display());
            let hint = "move that directory away: who makes a project of that name would find it";
            Fault::transient(137, message).with_hint(hint)
        })
    }
}

fn gone(dir: &Path) -> io::Result<()> {
    fs::remove_dir_all(dir).or_else(unless_missing)
}

fn unless_missing(error: io::Error) -> io::Result<()> {
    if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_follow_a_project_to_its_next_name_and_go_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let builds = Builds::in_data_dir(dir.path());
        builds.project_moved("shop", Some("store")).unwrap();
        builds.project_moved("shop", None).unwrap();
        let file = |project: &str| dir.path().join("builds").join(project).join("1.json");
        for (project, text) in [("shop", "of shop"), ("store", "of a former store")] {
            fs::create_dir_all(file(project).parent().unwrap()).unwrap();
            fs::write(file(project), text).unwrap();
        }
        builds.project_moved("shop", Some("shop")).unwrap();
        builds.project_moved("shop", Some("store")).unwrap();
        assert!(!file("shop").exists());
        assert_eq!(fs::read_to_string(file("store")).unwrap(), "of shop");
        builds.project_moved("store", None).unwrap();
        assert!(!file("store").parent().unwrap().exists());
    }

    #[test]
    fn what_is_made_of_a_project_that_moved_meanwhile_is_written_nowhere() {
        let dir = tempfile::tempdir().unwrap();
        let builds = Builds::in_data_dir(dir.path());
        let write = |mark| builds.kept(("shop", mark), |at| fs::create_dir_all(at).unwrap());
        let mark = builds.mark("shop");
        assert!(write(mark).is_some());
        builds.project_moved("shop", Some("store")).unwrap();
        assert!(write(mark).is_none() && !builds.has("shop") && builds.has("store"));
        let of_another = builds.mark("shop");
        builds.project_moved("shop", None).unwrap();
        assert!(write(of_another).is_none() && !builds.has("shop"));
    }
}
