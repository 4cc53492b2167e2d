//! The packages that a configuration server keeps of its projects go where the projects go: another project
//! of the same name has none of them.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use weir_domain::Fault;

/// In the data directory; a directory for each project is in it.
pub(super) const DIRECTORY: &str = "builds";

#[derive(Debug, Clone)]
pub(crate) struct Builds(PathBuf);

impl Builds {
    pub(crate) fn in_data_dir(data_dir: &Path) -> Self {
        Self(data_dir.join(DIRECTORY))
    }

    /// The project goes, or gets another name. Blocking.
    pub(crate) fn project_moved(&self, from: &str, to: Option<&str>) -> Result<(), Fault> {
        if to == Some(from) {
            return Ok(());
        }
        let former = self.0.join(from);
        let moved = match to {
            None => gone(&former),
            // The name was free: what lies there is of a project that nobody knows.
            Some(to) => gone(&self.0.join(to)).and_then(|()| {
                let moved = fs::rename(&former, self.0.join(to));
                moved.or_else(unless_missing)
            }),
        };
        let synced = moved.and_then(|()| {
            let opened = fs::File::open(&self.0);
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
}
