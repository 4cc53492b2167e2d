//! A process that ends in the middle of a move: it is cut off where a panic says.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tempfile::TempDir;
use weir_workspace::NewProject;

use super::*;
use crate::boot::project_versions::CredentialFile;

struct Lab {
    dir: TempDir,
    workspace: Workspace,
    builds: Builds,
}

fn lab() -> Lab {
    let dir = TempDir::new().unwrap();
    let workspace = Workspace::below(dir.path().join("projects"));
    let builds = Builds::in_data_dir(dir.path());
    let lab = Lab { dir, workspace, builds };
    for name in ["shop", "other"] {
        lab.workspace.create(&NewProject { name: name.into(), description: None }).unwrap();
        lab.package(name);
    }
    lab
}

impl Lab {
    /// As it is in a process that has just begun.
    fn belongings(&self) -> Belongings {
        let no_key = || Err(Fault::config(131, "nothing is sealed here"));
        let credentials = Arc::new(CredentialFile::new(self.dir.path(), no_key));
        Belongings::of(self.dir.path(), credentials, self.builds.clone())
    }

    fn package(&self, project: &str) {
        let at = self.builds.of_project(project);
        fs::create_dir_all(&at).unwrap();
        fs::write(at.join("1.json"), project).unwrap();
    }

    /// Whose packages a project has.
    fn packages(&self, project: &str) -> Option<String> {
        fs::read_to_string(self.builds.of_project(project).join("1.json")).ok()
    }

    /// Moves the project, and dies as soon as `change` is done.
    fn cut_off(&self, to: Option<&str>, change: impl FnOnce() -> Result<(), Error>) {
        let belongings = self.belongings();
        let cut = catch_unwind(AssertUnwindSafe(|| {
            let dying = || -> Result<(), Error> {
                change()?;
                panic!("cut off");
            };
            belongings.moved(&self.workspace, (&name("shop"), to), dying)
        }));
        assert!(cut.is_err());
    }
}

fn name(it: &str) -> ProjectName {
    ProjectName::new(it).unwrap()
}

#[test]
fn packages_follow_after_a_crash_whatever_was_done_by_then() {
    let lab = lab();
    lab.cut_off(Some("store"), || lab.workspace.rename_project("shop", "store").map(drop));
    assert_eq!(lab.packages("shop").as_deref(), Some("shop"), "they had no time to follow");
    lab.belongings().finish(&lab.workspace).unwrap();
    assert_eq!((lab.packages("shop"), lab.packages("store")), (None, Some("shop".into())));
    assert!(!lab.dir.path().join(FILE).exists());
    // The other project's are where they were.
    assert_eq!(lab.packages("other").as_deref(), Some("other"));
}

#[test]
fn what_has_followed_stays_when_it_is_finished_again() {
    let lab = lab();
    lab.cut_off(Some("store"), || lab.workspace.rename_project("shop", "store").map(drop));
    lab.builds.project_moved("shop", Some("store")).unwrap();
    lab.belongings().finish(&lab.workspace).unwrap();
    assert_eq!(lab.packages("store").as_deref(), Some("shop"));
}

#[test]
fn packages_stay_where_the_project_never_moved() {
    let lab = lab();
    lab.cut_off(Some("store"), || Ok(()));
    lab.cut_off(None, || Ok(()));
    lab.belongings().finish(&lab.workspace).unwrap();
    assert_eq!((lab.packages("shop"), lab.packages("store")), (Some("shop".into()), None));
}

#[test]
fn packages_of_a_project_that_was_deleted_go_after_a_crash() {
    let lab = lab();
    lab.cut_off(None, || lab.workspace.delete("shop", "shop").map(drop));
    assert!(lab.packages("shop").is_some());
    lab.belongings().finish(&lab.workspace).unwrap();
    assert_eq!(lab.packages("shop"), None);
}

#[test]
fn a_refused_move_leaves_nothing_behind() {
    let lab = lab();
    for to in ["other", "a/b"] {
        let rename = || lab.workspace.rename_project("shop", to);
        let refused = lab.belongings().moved(&lab.workspace, (&name("shop"), Some(to)), rename);
        assert!(refused.is_err());
        assert!(!lab.dir.path().join(FILE).exists(), "{to}");
    }
    let kept = ["shop", "other"].map(|it| lab.packages(it).unwrap());
    assert_eq!(kept, ["shop", "other"]);
}
