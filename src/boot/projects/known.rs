//! What is known of each project, and what is looked at anew when a list of all of them is asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use weir_domain::ProjectName;
use weir_http_api::ProjectSummary;
use weir_project::PROJECT_FILE;
use weir_runtime::Stopwatch;
use weir_stream::Registry;
use weir_workspace::{Error, ProjectDir, Stamp};

use super::ProjectDirs;
use super::awaited::Looker;

/// What a project came to, as long as its files stay as they are.
pub(super) struct Known {
    /// Directories that hold data: what happens there is no change. Its own file names them, which is one
    /// of those that are looked at.
    exclude: Vec<String>,
    stamp: Stamp,
    looked: Stopwatch,
    summary: ProjectSummary,
}

/// What one list has spent on looking at projects.
#[derive(Default)]
struct Spent {
    /// At those of which nothing was told, since it was long ago.
    again: Duration,
    /// At those that are new, or changed.
    anew: Duration,
}

/// How long it is believed that nothing happened where nothing was told of: what happens on a disk of the network
/// is not.
const BELIEVED: Duration = Duration::from_secs(10);
/// How long one list of all projects may look at those of which nothing was told: hundreds of them would take a
/// second. The next lists go on with the others.
const LOOKING: Duration = Duration::from_millis(15);
/// How long one list of all projects may look at those that are new, or changed. The others are shown as what is
/// known of them, and looked at in the background.
pub(super) const LISTING: Duration = Duration::from_millis(200);

impl ProjectDirs {
    /// The same for a list of all projects, without looking at the files of a project that nobody has touched.
    fn noticed(&self, project: &ProjectDir, spent: &mut Spent) -> ProjectSummary {
        if project.amiss.is_some() {
            return self.summary(project);
        }
        if let Some(shown) = self.awaited.shown(project) {
            return shown;
        }
        let known = self.known().get(&project.dir).map(|it| (it.looked, it.summary.clone()));
        let spent = match known {
            Some((looked, summary)) if self.watch.is_still(&project.dir) => {
                if looked.elapsed() < BELIEVED || spent.again >= LOOKING {
                    return summary;
                }
                &mut spent.again
            }
            known if spent.anew >= self.listing => {
                let before = known.map_or_else(|| unknown(project), |it| it.1);
                let shown = ProjectSummary { being_looked_at: true, ..before };
                self.awaited.add(project, shown.clone());
                return shown;
            }
            _ => &mut spent.anew,
        };
        let watch = Stopwatch::start();
        let summary = self.summary(project);
        *spent += watch.elapsed();
        summary
    }

    /// Looks at what is awaited, one project after the other, until the server stops.
    fn look_on(&self, looker: Looker) {
        let (this, stopping) = (self.clone(), self.system.shutdown().stopping());
        self.system.tasks().spawn_blocking("projects/awaited", move || {
            while let Some(project) = looker.next().filter(|_| !stopping.is_stopping()) {
                // It may be gone meanwhile, which is one of the things that are found.
                this.summary(&project);
            }
        });
    }

    pub(super) fn summary(&self, project: &ProjectDir) -> ProjectSummary {
        let summary = self.looked_at(project);
        self.awaited.done(project);
        summary
    }

    fn looked_at(&self, project: &ProjectDir) -> ProjectSummary {
        let dir = &project.dir;
        if let Some(amiss) = &project.amiss {
            return ProjectSummary {
                name: project.name.clone(),
                description: None,
                directory: dir.display().to_string(),
                workflows: Vec::new(),
                errors: 1,
                warnings: 0,
                digest: None,
                amiss: Some(amiss.of(&project.name, dir)),
                being_looked_at: false,
            };
        }
        let then = self.known().get(dir).map(|it| (it.exclude.clone(), it.stamp));
        // Before the files are looked at: what changes meanwhile is read again the next time.
        let looked = Stopwatch::start();
        if let Some((exclude, stamp)) = then {
            self.watch.begin(dir, &exclude);
            let is_same = Stamp::of(dir, &exclude) == stamp;
            if let Some(it) = self.known().get_mut(dir).filter(|_| is_same) {
                it.looked = looked;
                return it.summary.clone();
            }
        }
        let exclude = weir_project::excluded(dir);
        self.watch.begin(dir, &exclude);
        let stamp = Stamp::of(dir, &exclude);
        let summary = summary(dir, project.name.clone(), &self.registry);
        let known = Known { exclude, stamp, looked, summary: summary.clone() };
        self.known().insert(dir.clone(), known);
        summary
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<PathBuf, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn summaries(&self) -> Result<Vec<ProjectSummary>, Error> {
        let projects = self.workspace.projects()?;
        let mut spent = Spent::default();
        let summaries = projects.iter().map(|it| self.noticed(it, &mut spent)).collect();
        let dirs: BTreeSet<_> = projects.iter().map(|it| it.dir.as_path()).collect();
        self.known().retain(|dir, _| dirs.contains(dir.as_path()));
        self.watch.retain(|it| dirs.contains(it));
        self.awaited.retain(|it| dirs.contains(it.as_path()));
        if let Some(looker) = self.awaited.looker() {
            self.look_on(looker);
        }
        Ok(summaries)
    }
}

/// A project that nobody has looked at: what its own file says at a glance.
fn unknown(project: &ProjectDir) -> ProjectSummary {
    let text = weir_project::read_text(&project.dir, PROJECT_FILE).unwrap_or_default();
    let frame = weir_project::survey_text(PROJECT_FILE, &text).frame;
    ProjectSummary {
        name: project.name.clone(),
        description: frame.and_then(|it| it.description),
        directory: project.dir.display().to_string(),
        workflows: Vec::new(),
        errors: 0,
        warnings: 0,
        digest: None,
        amiss: None,
        being_looked_at: true,
    }
}

fn summary(dir: &Path, name: ProjectName, registry: &Registry) -> ProjectSummary {
    let loaded = weir_project::load(dir, registry);
    let count = |wanted: bool| {
        let found = loaded.findings.iter().filter(|it| it.is_error() == wanted).count();
        u32::try_from(found).unwrap_or(u32::MAX)
    };
    let project = loaded.project.as_ref();
    let workflows = project
        .map_or(Vec::new(), |it| it.plans.iter().map(|plan| plan.workflow.clone()).collect());
    ProjectSummary {
        name,
        description: project.and_then(|it| it.description.clone()),
        directory: dir.display().to_string(),
        workflows,
        errors: count(true),
        warnings: count(false),
        digest: project.map(|it| it.digest.clone()),
        amiss: None,
        being_looked_at: false,
    }
}

#[cfg(test)]
mod tests;
