//! Whole projects, from files to findings, with a few kinds of stages made for tests.

mod assets;
mod cases;
mod documents;
mod drafts;
mod extending;
mod files;
mod kinds;
mod parts;
mod places;
mod plans;
mod robust;
mod schemas;
mod scripts;
mod secrets;
mod snippets;
mod survey;
mod targets;
mod workflows;

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use weir_domain::Finding;

use crate::{Loaded, load};
use kinds::registry;

const PROJECT: &str = "\
apiVersion: weir/v1
kind: Project
metadata: { name: flights }
spec: {}
";

/// A directory with these files.
fn directory(files: &[(&str, &str)]) -> TempDir {
    let dir = TempDir::new().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn loaded(files: &[(&str, &str)]) -> Loaded {
    let dir = directory(files);
    let loaded = load(dir.path(), &registry());
    let is_sound = !loaded.findings.iter().any(Finding::is_error);
    assert_eq!(loaded.project.is_some(), is_sound, "P2: {:?}", loaded.findings);
    loaded
}

/// `file:line:column code path | cause | fix`, without the directory that the test made.
fn lines(dir: &Path, findings: &[Finding]) -> Vec<String> {
    let line = |it: &Finding| {
        let (place, code) = (&it.place, it.code.0);
        format!("{place} {code} {} | {} | {}", it.path, it.cause, it.fix)
    };
    let dir = dir.display().to_string();
    findings.iter().map(|it| line(it).replace(&dir, "DIR")).collect()
}

/// Checks all findings of a project that has these files besides a sound project file.
#[track_caller]
fn check(files: &[(&str, &str)], expected: &[&str]) {
    let mut all = files.to_vec();
    if !files.iter().any(|it| it.0 == "project.yaml") {
        all.push(("project.yaml", PROJECT));
    }
    let dir = directory(&all);
    let found = load(dir.path(), &registry());
    let found = lines(&dir.path().canonicalize().unwrap(), &found.findings);
    assert_eq!(found, expected, "\n{}", found.join("\n"));
}

/// A sound workflow of three stages.
const WORKFLOW: &str = "\
apiVersion: weir/v1
kind: Workflow
metadata: { name: flights }
spec:
  stages:
    - name: read
      source:
        file: { directory: in, format: { type: csv, schema: [{ name: delay, type: int64 }] } }
    - name: map
      from: read
      processor: { mapping: { set: { minutes: delay } } }
    - name: write
      from: map
      sink: { file: { directory: out, name: \"${item}\" } }
";
