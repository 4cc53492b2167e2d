//! Deployments, from a project's directory to what a node should run: packages, what is stored, rules,
//! and what becomes of bad input. Through the command line and one engine.

mod packages;
mod rules;
mod scoped;
mod secrets;
mod sinks;
mod stored;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::flow::{CSV, read, write};
use crate::support::{Flow, Project, Ran, Start, Weir, binary};

const NODE: &str = "node-1";

/// An engine that runs something else, and a project that packages are built of.
struct Desk {
    /// Before its directory when it is dropped.
    weir: Weir,
    project: Project,
}

fn start(project: &Project) -> Start {
    Start::of(project).set(&format!("weir.node.name={NODE}"))
}

impl Desk {
    fn open() -> Self {
        let project = Project::of(&Flow::straight(CSV));
        let weir = start(&project).ready();
        let desk = Self { project, weir };
        desk.write("");
        // The engine is known from now on, also if it has not asked what to run yet.
        desk.done(&["deployment", "why", NODE]);
        desk
    }

    fn root(&self) -> &Path {
        self.project.root()
    }

    fn sources(&self) -> PathBuf {
        self.root().join("parcels")
    }

    /// The project of the packages; `more` is appended to its source.
    fn write(&self, more: &str) {
        // A node is asked whether it can write there before it runs them.
        let write = write("read", "createDirectory: true");
        let flow = Flow::named("parcels").stage(&read(CSV, more)).stage(&write);
        sources(&self.sources(), &flow);
    }

    fn command(&self) -> Command {
        let mut command = binary();
        command.args(["--server", self.weir.rest()]).current_dir(self.root());
        command.env_remove("SOURCE_DATE_EPOCH");
        command
    }

    #[track_caller]
    fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command().args(arguments))
    }

    #[track_caller]
    fn done(&self, arguments: &[&str]) -> String {
        self.run(arguments).ended(0).stdout
    }

    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.done(&[arguments, &["-o", "json"]].concat())).unwrap()
    }

    /// Refused with this exit code; returns what was said.
    #[track_caller]
    fn refused(&self, code: i32, arguments: &[&str]) -> String {
        let ran = self.run(arguments).ended(code);
        assert!(ran.stderr.contains("\nhint:  "), "what to do: {}", ran.stderr);
        ran.stderr
    }

    /// Builds a package with the engine's own key; returns its file.
    #[track_caller]
    fn build(&self, tag: &str) -> String {
        self.build_with(tag, &format!("weir.data-dir={}", self.project.data_dir().display()))
    }

    #[track_caller]
    fn build_with(&self, tag: &str, setting: &str) -> String {
        let file = format!("{tag}.weir");
        self.done(&["build", "parcels", "--tag", tag, "--file", &file, "-D", setting]);
        file
    }

    #[track_caller]
    fn upload(&self, tag: &str, base: Option<&str>) -> String {
        let file = self.build(tag);
        let base = base.map(|it| ["--base", it]);
        let base = base.iter().flatten().copied();
        let arguments: Vec<_> = ["deployment", "upload", &file].into_iter().chain(base).collect();
        self.done(&arguments)
    }

    fn revision(&self) -> u64 {
        self.json(&["deployment", "list"])["revision"].as_u64().unwrap()
    }
}

fn sources(dir: &Path, flow: &Flow) {
    fs::create_dir_all(dir.join("in")).unwrap();
    let project = "apiVersion: weir/v1\nkind: Project\nmetadata: { name: parcels }\n\
                   spec: { version: 1.2.3, exclude: [in, out, done, error], \
                   scheduler: { parcels: { target: 2, default: { max: 1 } } } }\n";
    fs::write(dir.join("project.yaml"), project).unwrap();
    fs::write(dir.join("workflow.yaml"), flow.yaml()).unwrap();
}
