//! What is kept of projects beside their files (credentials of their remotes, and packages) goes where the
//! projects go, whatever ends the process in between.
//!
//! - M1: what is meant is written down before a project gets another name or goes, and is forgotten when all
//!   that belongs to it has followed. What a former process left is finished before anybody asks.
//! - M2: finishing looks at what became of the project: where it never moved, nothing else does.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use weir_domain::{Fault, ProjectName};
use weir_http_server::ProjectRefusal;
use weir_workspace::{Error, Workspace};

use super::builds::Builds;
use super::durable;
use super::project_versions::CredentialStore;
use super::projects::refusal;

/// In the data directory.
const FILE: &str = "project-moves.json";

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Belongings {
    credentials: Arc<dyn CredentialStore>,
    builds: Builds,
    file: PathBuf,
    moving: Arc<Mutex<()>>,
}

/// A project that gets another name, or goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Move {
    from: ProjectName,
    to: Option<ProjectName>,
}

/// Whether a move may have been begun before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Go {
    First,
    Again,
}

impl Belongings {
    pub(crate) fn of(
        data_dir: &Path,
        credentials: Arc<dyn CredentialStore>,
        builds: Builds,
    ) -> Self {
        Self { credentials, builds, file: data_dir.join(FILE), moving: Arc::default() }
    }

    /// Gives a project another name, or lets it go, by `change`; all that belongs to it follows. Blocking.
    pub(crate) fn moved<T>(
        &self,
        workspace: &Workspace,
        (from, to): (&ProjectName, Option<&str>),
        change: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, ProjectRefusal> {
        let _turn = self.turn();
        // A name that is none is refused by who changes something.
        let to = to.map(ProjectName::new).transpose().ok();
        let Some(moving) = to.map(|to| Move { from: from.clone(), to }) else {
            return change().map_err(refusal);
        };
        let mut left = self.left().map_err(|it| self.unkept(&it))?;
        left.push(moving.clone());
        self.keep(&left).map_err(|it| self.unkept(&it))?;
        let changed = change();
        let is_settled = match &changed {
            Ok(_) => self.follow(&moving, Go::First),
            // It may have got its name, or be gone, all the same.
            Err(_) => workspace.projects().is_ok_and(|it| {
                let names = it.into_iter().map(|it| it.name).collect();
                self.settle(&moving, &names)
            }),
        };
        if is_settled {
            left.pop();
            // It is done once more at the next start, which is harmless.
            let kept = self.keep(&left);
            kept.unwrap_or_else(
                |error| tracing::warn!(code = "WEIR-00145", %error, "{FILE} stays"),
            );
        }
        changed.map_err(refusal)
    }

    /// Finishes what a former process has left. Blocking.
    pub(crate) fn finish(&self, workspace: &Workspace) -> Result<(), ProjectRefusal> {
        let _turn = self.turn();
        let left = self.left().map_err(|it| self.unkept(&it))?;
        if left.is_empty() {
            return Ok(());
        }
        let projects = workspace.projects().map_err(refusal)?;
        let names = projects.into_iter().map(|it| it.name).collect();
        let open: Vec<_> = left.into_iter().filter(|it| !self.settle(it, &names)).collect();
        Ok(self.keep(&open).map_err(|it| self.unkept(&it))?)
    }

    /// Whether nothing is left to be done.
    fn settle(&self, moving: &Move, names: &BTreeSet<ProjectName>) -> bool {
        let is_moved =
            !names.contains(&moving.from) && moving.to.as_ref().is_none_or(|it| names.contains(it));
        let is_as_it_was = names.contains(&moving.from);
        is_as_it_was || (is_moved && self.follow(moving, Go::Again))
    }

    /// The project stands as it is now: what can't be done with the rest of it is told, keeps nobody, and is
    /// tried again at the next start.
    fn follow(&self, Move { from, to }: &Move, go: Go) -> bool {
        let (from, to) = (from.as_str(), to.as_ref().map(ProjectName::as_str));
        if let (Go::Again, false) = (go, self.builds.has(from)) {
            // What the new name has by now came from here.
        } else if let Err(fault) = self.builds.project_moved(from, to) {
            tracing::warn!(code = %fault.code, project = from, "packages stayed behind: {fault}");
            return false;
        }
        if let Err(fault) = self.credentials.project_moved(from, to) {
            tracing::warn!(code = %fault.code, project = from, "credentials of remotes stayed behind: {fault}");
            return false;
        }
        true
    }

    fn left(&self) -> io::Result<Vec<Move>> {
        match fs::read(&self.file) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            text => Ok(serde_json::from_slice(&text?)?),
        }
    }

    fn keep(&self, left: &[Move]) -> io::Result<()> {
        match left {
            [] => fs::remove_file(&self.file),
            left => durable::write(&self.file, &serde_json::to_vec_pretty(left)?),
        }
    }

    fn unkept(&self, error: &io::Error) -> Fault {
        let message = format!(
            "{}, which says what belongs to projects that move, can't be kept: {error}",
            self.file.display()
        );
        let hint =
            "nothing was changed: look at the disk, at who may write there, and at that file";
        Fault::transient(145, message).with_hint(hint)
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.moving.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
