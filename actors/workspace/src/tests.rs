//! Whole projects on a disk, as their users change them.

mod archives;
mod arrivals;
mod assets;
mod conflicts;
mod projects;
mod renaming;
mod snapshots;
mod snippets;

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use weir_domain::Digest;

use crate::projects::EMPTY_SPEC;
use crate::{Based, Error, NewProject, Workspace};

const SOURCE: &str = "\
# where orders come from
apiVersion: weir/v1
kind: Source
metadata: { name: orders }
spec:
  file:
    directory: in
    format: csv # see formats
";

const FORMAT: &str = "\
apiVersion: weir/v1
kind: Format
metadata:
  name: 'csv'
spec: { type: csv }
";

const WORKFLOW: &str = "\
apiVersion: weir/v1
kind: Workflow
metadata: { name: sales }
spec:
  deadLetters: { format: csv }
  stages:
    - name: orders   # not the source
      source: orders

    - name: write
      from: orders
      sink: { file: { directory: out, name: x, format: \"csv\" } }
";

struct Lab {
    dir: TempDir,
    workspace: Workspace,
}

/// A workspace with one project, `shop`, that has a source, a format and a workflow.
fn lab() -> Lab {
    let lab = empty();
    let new = NewProject { name: "shop".into(), description: Some("It \"sells\": #1".into()) };
    lab.workspace.create(&new).unwrap();
    let project = lab.text("project.yaml");
    assert!(project.ends_with(EMPTY_SPEC), "{project}");
    fs::write(lab.root().join("project.yaml"), project.replace(EMPTY_SPEC, "spec: {}\n")).unwrap();
    lab.put("sources/orders.yaml", SOURCE);
    lab.put("formats/csv.yaml", FORMAT);
    lab.put("workflows/sales.yaml", WORKFLOW);
    lab
}

fn empty() -> Lab {
    let dir = TempDir::new().unwrap();
    let workspace = Workspace::below(dir.path().join("projects"));
    Lab { dir, workspace }
}

impl Lab {
    fn root(&self) -> std::path::PathBuf {
        self.dir.path().join("projects/shop")
    }

    fn put(&self, path: &str, text: &str) {
        self.workspace.write("shop", path, text, Based::New).unwrap();
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path)).unwrap()
    }

    fn digest(&self, path: &str) -> Digest {
        self.workspace.asset("shop", path).unwrap().digest.unwrap()
    }

    fn names(&self) -> Vec<String> {
        let projects = self.workspace.projects().unwrap().into_iter();
        projects.map(|it| it.name.to_string()).collect()
    }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Error>, part: &str) {
    let error = result.expect_err("it is refused");
    let (said, hint) = (error.to_string(), format!("{error:?}"));
    assert!(said.contains(part) || hint.contains(part), "{said}\n{hint}");
}

/// All files below a directory, with what is in them.
fn tree(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let path = entry.path();
        match entry.file_type().unwrap().is_dir() {
            true => files.extend(tree(&path)),
            false => files.push((path.display().to_string(), fs::read(&path).unwrap())),
        }
    }
    files.sort();
    files
}
