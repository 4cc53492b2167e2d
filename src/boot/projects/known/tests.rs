//! Many projects, of which most are not known yet.

use std::fs;
use std::sync::Arc;

use tempfile::TempDir;
use weir_domain::NodeName;
use weir_http_server::Projects;
use weir_runtime::{IdSource, PhaseTimeouts, System, SystemClock, SystemSettings};

use super::*;

const WITHIN: Duration = Duration::from_secs(60);

fn lab(projects: usize) -> (TempDir, ProjectDirs) {
    let dir = TempDir::new().unwrap();
    for n in 0..projects {
        let root = dir.path().join(format!("p{n}"));
        fs::create_dir(&root).unwrap();
        let text = format!(
            "apiVersion: weir/v1\nkind: Project\nmetadata: {{ name: p{n}, description: it is {n} }}\nspec: {{}}\n"
        );
        fs::write(root.join("project.yaml"), text).unwrap();
        fs::write(root.join("wrong.yaml"), "apiVersion: weir/v1\nkind: Nothing\n").unwrap();
    }
    let clock = Arc::new(SystemClock);
    let system = System::new(SystemSettings {
        node: NodeName::new("office").unwrap(),
        ids: IdSource::new(clock.clone()),
        clock,
        shutdown: PhaseTimeouts::default(),
    });
    let projects = ProjectDirs::below(system, dir.path().to_owned());
    // As if there were so many that the first of them took all the time.
    (dir, ProjectDirs { listing: Duration::ZERO, ..projects })
}

async fn known(projects: &ProjectDirs) -> Vec<ProjectSummary> {
    let all = async {
        loop {
            let all = projects.projects().await.unwrap();
            if all.iter().all(|it| !it.being_looked_at) {
                return all;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(WITHIN, all).await.expect("all of them are known in time")
}

#[tokio::test]
async fn a_list_says_at_once_what_is_known_and_the_rest_follows() {
    let (dir, projects) = lab(5);
    let first = projects.projects().await.unwrap();
    assert_eq!(first.len(), 5);
    for (n, it) in first.iter().enumerate() {
        assert!(it.being_looked_at && it.errors == 0, "{it:?}");
        assert_eq!(it.description, Some(format!("it is {n}")));
    }
    assert!(known(&projects).await.iter().all(|it| it.errors > 0));
    // One that changes is looked at again, and shown as it was until then.
    fs::remove_file(dir.path().join("p3/wrong.yaml")).unwrap();
    let changed = projects.projects().await.unwrap();
    let looked_at: Vec<_> = changed.iter().map(|it| it.being_looked_at).collect();
    assert_eq!(looked_at, [false, false, false, true, false]);
    assert!(changed[3].errors > 0);
    let errors: Vec<_> = known(&projects).await.iter().map(|it| it.errors > 0).collect();
    assert_eq!(errors, [true, true, true, false, true]);
}

#[tokio::test]
async fn one_project_does_not_wait_for_all_others() {
    let (_dir, projects) = lab(3);
    // Somebody looks at the others, and does not come to an end.
    projects.awaited.add(&projects.workspace.project("p0").unwrap(), unknown_of(&projects, "p0"));
    let _looker = projects.awaited.looker().unwrap();
    let one = projects.project(ProjectName::new("p2").unwrap()).await.unwrap();
    assert!(!one.being_looked_at && one.errors > 0);
    let list = projects.projects().await.unwrap();
    let looked_at: Vec<_> = list.iter().map(|it| it.being_looked_at).collect();
    assert_eq!(looked_at, [true, true, false]);
}

#[tokio::test]
async fn a_project_that_breaks_who_looks_at_it_keeps_no_other_one_waiting() {
    let (_dir, projects) = lab(2);
    let dir = |name: &str| projects.workspace.project(name).unwrap();
    for name in ["p0", "p1"] {
        let shown = ProjectSummary { being_looked_at: true, ..unknown_of(&projects, name) };
        projects.awaited.add(&dir(name), shown);
    }
    let looker = projects.awaited.looker().unwrap();
    assert_eq!(looker.next(), Some(dir("p0")));
    drop(looker);
    let broken = projects.awaited.shown(&dir("p0")).unwrap();
    assert!(!broken.being_looked_at && broken.amiss.unwrap().contains("its log says why"));
    let next = projects.awaited.looker().unwrap();
    assert_eq!(next.next(), Some(dir("p1")));
    assert_eq!(next.next(), None);
    projects.awaited.done(&dir("p1"));
    drop(next);
    assert!(projects.awaited.looker().is_none(), "nothing is left that nobody has begun");
}

fn unknown_of(projects: &ProjectDirs, name: &str) -> ProjectSummary {
    unknown(&projects.workspace.project(name).unwrap())
}
