//! What a package is built of: a project's directory as it is, or as it was in a version.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use weir_versions::Repository;

use super::build::NotBuilt;

pub(super) struct Sources {
    /// The files to read.
    pub(super) dir: PathBuf,
    /// Where relative paths begin, wherever the files were read.
    pub(super) base_dir: PathBuf,
    /// Of the version, where it is one.
    pub(super) commit: Option<String>,
    /// Ends with it.
    _exported: Option<TempDir>,
}

impl Sources {
    pub(super) fn present(dir: &Path) -> Self {
        let base_dir = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
        Self { dir: dir.to_owned(), base_dir, commit: None, _exported: None }
    }

    /// As the project in the directory was in a version: a commit, a tag or a branch. What is not committed
    /// plays no part, and nothing in the directory changes.
    pub(super) fn of_version(dir: &Path, version: &str) -> Result<Self, NotBuilt> {
        let repository = Repository::require(dir).map_err(NotBuilt::Version)?;
        let id = repository.named(version).map_err(NotBuilt::Version)?;
        let exported = TempDir::new().map_err(NotBuilt::Files)?;
        repository.export(id, exported.path()).map_err(NotBuilt::Version)?;
        let here = Self::present(dir);
        Ok(Self {
            dir: exported.path().to_owned(),
            commit: Some(id.to_string()),
            _exported: Some(exported),
            ..here
        })
    }
}
