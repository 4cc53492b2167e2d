//! What is compiled: a project's directory as it is, as it was at one moment, or as it was in a version.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use weir_versions::Repository;
use weir_workspace::Snapshot;

use super::build::NotBuilt;

pub(crate) struct Sources {
    /// The files to read.
    pub(crate) dir: PathBuf,
    /// Where relative paths begin, wherever the files were read.
    pub(super) base_dir: PathBuf,
    /// Of the version, where it is one.
    pub(super) commit: Option<String>,
    /// Ends with it.
    _laid_out: Option<TempDir>,
}

impl Sources {
    pub(crate) fn present(dir: &Path) -> Self {
        let base_dir = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
        Self { dir: dir.to_owned(), base_dir, commit: None, _laid_out: None }
    }

    /// Where relative paths begin.
    pub(super) fn base_dir(&self) -> &Path {
        &self.base_dir
    }

    /// As the project was when the snapshot was taken, whatever becomes of it now.
    pub(crate) fn of_snapshot(snapshot: &Snapshot) -> std::io::Result<Self> {
        let laid_out = TempDir::new()?;
        snapshot.lay_out(laid_out.path())?;
        let dir = laid_out.path().to_owned();
        Ok(Self { dir, _laid_out: Some(laid_out), ..Self::present(&snapshot.project.dir) })
    }

    /// As the project in the directory was in a version: a commit, a tag or a branch. What is not committed
    /// plays no part, and nothing in the directory changes.
    pub(crate) fn of_version(dir: &Path, version: &str) -> Result<Self, NotBuilt> {
        let repository = Repository::require(dir).map_err(NotBuilt::Version)?;
        let id = repository.named(version).map_err(NotBuilt::Version)?;
        let exported = TempDir::new().map_err(NotBuilt::Files)?;
        repository.export(id, exported.path()).map_err(NotBuilt::Version)?;
        let here = Self::present(dir);
        Ok(Self {
            dir: exported.path().to_owned(),
            commit: Some(id.to_string()),
            _laid_out: Some(exported),
            ..here
        })
    }
}
