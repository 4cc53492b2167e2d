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
    projects: BTreeMap<PathBuf, Waiting>,
    has_looker: bool,
}

struct Waiting {
    project: ProjectDir,
    shown: ProjectSummary,
    /// Somebody looks at it, or did and came to no end.
    is_begun: bool,
}

/// Somebody looks at them, one at a time; whatever ends that, another one may begin, with those that follow.
pub(super) struct Looker(Awaited);

impl Drop for Looker {
    fn drop(&mut self) {
        let mut standing = self.0.standing();
        standing.has_looker = false;
        for it in standing.projects.values_mut().filter(|it| it.is_begun) {
            it.shown.being_looked_at = false;
            it.shown.amiss = Some(
                "the server failed while it looked at the project: its log says why. What is changed in it, or \
                 the next start, has it looked at again"
                    .to_owned(),
            );
        }
    }
}

impl Looker {
    /// The next one that nobody has begun, which stays awaited until it is [`Awaited::done`].
    pub(super) fn next(&self) -> Option<ProjectDir> {
        let mut standing = self.0.standing();
        let next = standing.projects.values_mut().find(|it| !it.is_begun)?;
        next.is_begun = true;
        Some(next.project.clone())
    }
}

impl Awaited {
    /// What is shown of a project as long as it is awaited.
    pub(super) fn shown(&self, project: &ProjectDir) -> Option<ProjectSummary> {
        let standing = self.standing();
        let waiting = standing.projects.get(&project.dir).filter(|it| it.project == *project)?;
        Some(waiting.shown.clone())
    }

    pub(super) fn add(&self, project: &ProjectDir, shown: ProjectSummary) {
        let waiting = Waiting { project: project.clone(), shown, is_begun: false };
        self.standing().projects.insert(project.dir.clone(), waiting);
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
        let is_wanted = standing.projects.values().any(|it| !it.is_begun) && !standing.has_looker;
        standing.has_looker |= is_wanted;
        is_wanted.then(|| Looker(self.clone()))
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
