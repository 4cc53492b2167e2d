//! Which projects there are: all directories below the server's own, and others that were opened.
//!
//! What can't be seen on the disk is in one file, which is replaced as a whole.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use weir_domain::ProjectName;
use weir_project::PROJECT_FILE;

use crate::disk;
use crate::error::{Error, Result};

/// Hidden, so that it is taken for no project.
const FILE: &str = ".weir-projects.json";
const VERSION: u32 = 1;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Register {
    version: u32,
    /// Directories that are somewhere else.
    #[serde(default)]
    pub(crate) opened: BTreeSet<PathBuf>,
    /// What they were called when they were opened or renamed here: it stays theirs while they are not there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) names: BTreeMap<PathBuf, ProjectName>,
    /// Directories below the server's own that are not shown.
    #[serde(default)]
    pub(crate) removed: BTreeSet<PathBuf>,
}

impl Default for Register {
    fn default() -> Self {
        let (opened, names, removed) = Default::default();
        Self { version: VERSION, opened, names, removed }
    }
}

impl Register {
    /// A register that is not there has nothing in it; one that can't be read is left as it is.
    pub(crate) fn load(home: &Path) -> Result<Self> {
        let path = home.join(FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(Error::io(&path, "read")(error)),
        };
        let refuse = |reason: String| {
            let detail = format!("the register of projects, {}, {reason}", path.display());
            let hint = "mend it, or move it away: the projects stay where they are, and those of other \
                        directories are to be opened again";
            Error::conflict(detail, hint)
        };
        let register: Self =
            serde_json::from_str(&text).map_err(|it| refuse(format!("can't be read: {it}")))?;
        match register.version {
            VERSION => Ok(register),
            other => Err(refuse(format!("has version {other}, and this program knows {VERSION}"))),
        }
    }

    /// Opened directories that are not there now, or hold no project, and what is theirs all the same.
    pub(crate) fn absent(&self) -> Vec<(PathBuf, ProjectName)> {
        let absent = self.opened.iter().filter(|it| !it.join(PROJECT_FILE).is_file());
        let of_dir = |it: &PathBuf| ProjectName::new(it.file_name()?.to_string_lossy()).ok();
        let named =
            absent.map(|it| (it.clone(), self.names.get(it).cloned().or_else(|| of_dir(it))));
        named.filter_map(|(dir, name)| Some((dir, name?))).collect()
    }

    pub(crate) fn save(&self, home: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self).map_err(|_| {
            let detail = "the name of the project's directory is not UTF-8, and can't be written in the register";
            Error::conflict(detail, "rename the directory first")
        })?;
        fs::create_dir_all(home).map_err(Error::io(home, "made"))?;
        disk::write(&home.join(FILE), text.as_bytes())
    }
}
