//! Projects that are looked at one after the other, in the background, while the list of all of them is shown:
//! hundreds of projects that nobody has looked at yet would take a minute.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use weir_http_api::ProjectSummary;
use weir_workspace::ProjectDir;

/// Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Awaited(Arc<Mutex<Standing>>);

#[derive(Default)]
struct Standing {
    projects: BTreeMap<PathBuf, (ProjectDir, ProjectSummary)>,
    has_looker: bool,
}

/// Somebody looks at them, one at a time; whatever ends that, another one may begin.
pub(super) struct Looker(Awaited);

impl Drop for Looker {
    fn drop(&mut self) {
        self.0.standing().has_looker = false;
    }
}

impl Looker {
    /// The next one, which stays awaited until it is [`Awaited::done`].
    pub(super) fn next(&self) -> Option<ProjectDir> {
        self.0.standing().projects.values().next().map(|it| it.0.clone())
    }
}

impl Awaited {
    /// What is shown of a project as long as it is awaited.
    pub(super) fn shown(&self, project: &ProjectDir) -> Option<ProjectSummary> {
        let standing = self.standing();
        let (_, summary) = standing.projects.get(&project.dir).filter(|it| it.0 == *project)?;
        Some(summary.clone())
    }

    pub(super) fn add(&self, project: &ProjectDir, shown: ProjectSummary) {
        self.standing().projects.insert(project.dir.clone(), (project.clone(), shown));
    }

    pub(super) fn done(&self, project: &ProjectDir) {
        self.standing().projects.remove(&project.dir);
    }

    /// Forgets those that are gone.
    pub(super) fn retain(&self, is_there: impl Fn(&PathBuf) -> bool) {
        self.standing().projects.retain(|dir, _| is_there(dir));
    }

    /// If there is something to look at, and nobody does.
    pub(super) fn looker(&self) -> Option<Looker> {
        let mut standing = self.standing();
        let is_wanted = !standing.projects.is_empty() && !standing.has_looker;
        standing.has_looker |= is_wanted;
        is_wanted.then(|| Looker(self.clone()))
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
