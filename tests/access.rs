//! Log-in, rights, keys and the audit, through the command line and the REST API of one engine.
//!
//! Planted passwords, passphrases and values must be found nowhere afterwards.

mod attempts;
mod deleting;
mod planted;
mod repeated;
mod rights;
mod rotation;
mod set_up;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Flow, Project, Ran, Start, Weir, binary};

const CSV: &str = "{ type: csv }";

/// An engine that trusts nobody, and somebody who talks to it.
pub(crate) struct Office {
    /// Before its directory when it is dropped.
    pub(crate) weir: Weir,
    project: Project,
}

impl Office {
    fn open() -> Self {
        Self::with(|start| start)
    }

    pub(crate) fn with(settings: impl FnOnce(Start) -> Start) -> Self {
        let project = Project::of(&Flow::straight(CSV));
        let weir = settings(start(&project)).ready();
        Self { project, weir }
    }

    /// Ends the engine and starts it again; returns its log.
    fn reopen(self) -> (Self, String) {
        self.reopen_with(|start| start)
    }

    fn reopen_with(self, settings: impl FnOnce(Start) -> Start) -> (Self, String) {
        let Self { project, weir } = self;
        let log = weir.stop();
        let weir = settings(start(&project)).ready();
        (Self { project, weir }, log)
    }

    /// A file of whoever talks to the engine.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.project.root().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn set_up_secret(&self) -> PathBuf {
        self.project.data_dir().join("set-up-secret")
    }

    /// `weir` by somebody who has a profile of their own.
    fn command(&self, who: &str) -> Command {
        let mut command = binary();
        command.args(["--server", self.weir.rest()]);
        command.env("WEIR_CONFIG_DIR", self.project.root().join("profiles").join(who));
        for name in ["WEIR_TOKEN", "WEIR_MANAGEMENT_TOKEN", "WEIR_MANAGEMENT", "WEIR_PROFILE"] {
            command.env_remove(name);
        }
        command
    }

    #[track_caller]
    pub(crate) fn by(&self, who: &str, arguments: &[&str]) -> Ran {
        Ran::of(self.command(who).args(arguments))
    }

    #[track_caller]
    pub(crate) fn done(&self, who: &str, arguments: &[&str]) -> String {
        self.by(who, arguments).ended(0).stdout
    }

    /// Not allowed; returns what was said.
    #[track_caller]
    fn denied(&self, who: &str, arguments: &[&str]) -> String {
        self.by(who, arguments).ended(4).stderr
    }

    /// Makes the first administrator, `ada`, and logs her in.
    pub(crate) fn with_administrator(self, password: &str) -> Self {
        let (secret, password) = (self.set_up_secret(), self.file("ada", password));
        let (secret, password) = (text(&secret), text(&password));
        let set_up = ["user", "set-up", "ada", "--secret-file", secret];
        self.done("ada", &[&set_up[..], &["--password-file", password]].concat());
        self.done("ada", &["login", "ada", "--password-file", password]);
        self
    }
}

fn start(project: &Project) -> Start {
    Start::of(project)
        .set("weir.rest-server.trust-local=none")
        .set("weir.rest-server.anonymous-reads=false")
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
