//! The script by the command line, by somebody who logged in once, in a directory of profiles.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::site::Site;
use super::{Deploy, Hand};
use crate::support::{PASSWORD, Ran, binary};

#[derive(Default)]
pub(super) struct ByCli {
    server: String,
    root: PathBuf,
}

impl ByCli {
    fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = binary();
        command.args(["--server", &self.server]).env("WEIR_CONFIG_DIR", self.root.join("profiles"));
        Ran::of(command.args(arguments))
    }

    /// What comes to stdout of a command that ended with this code.
    #[track_caller]
    fn json(&self, arguments: &[&str], code: i32) -> Value {
        let ran = self.run(&[arguments, &["-o", "json"]].concat()).ended(code);
        serde_json::from_str(&ran.stdout).unwrap_or_else(|it| panic!("{it}: {}", ran.stdout))
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.root.join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Hand for ByCli {
    fn begin(&mut self, site: &Site) {
        self.server = site.design.url.clone();
        self.root = site.root().to_owned();
        let secret = site.design.root.join("data/config-server/set-up-secret");
        let password = self.file("password", PASSWORD);
        let secret = ["user", "set-up", "ada", "--secret-file", secret.to_str().unwrap()];
        self.run(&[&secret[..], &["--password-file", &password]].concat()).ended(0);
        self.run(&["login", "ada", "--password-file", &password]).ended(0);
    }

    fn create(&self, project: &str) {
        self.run(&["project", "create", project]).ended(0);
    }

    fn write(&self, project: &str, path: &str, text: &str) {
        let file = self.file("draft.yaml", text);
        self.run(&["project", "put", project, path, &file]).ended(0);
    }

    fn init(&self, project: &str) {
        self.run(&["project", "init", project]).ended(0);
    }

    fn commit(&self, project: &str, message: &str) -> String {
        self.run(&["project", "commit", project, "-m", message]).ended(0);
        let history = self.json(&["project", "history", project], 0);
        history["items"][0]["id"].as_str().unwrap().to_owned()
    }

    fn errors(&self, project: &str) -> Vec<Value> {
        let ran = self.run(&["project", "validate", project, "-o", "json"]);
        let found: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(ran.code, Some(if found["valid"] == true { 0 } else { 6 }), "{found:#}");
        found["findings"].as_array().unwrap().clone()
    }

    fn build_refused(&self, project: &str) -> String {
        self.run(&["build", project]).ended(6).stderr
    }

    fn build(&self, project: &str, version: &str, site: &Site) -> Value {
        let base_dir = site.base_dir("test");
        let base_dir = ["--base-dir", base_dir.to_str().unwrap()];
        let tag = ["--tag", "${build:project}-${build:commit}"];
        let wanted = [&["build", project, "--version", version], &base_dir[..], &tag].concat();
        self.json(&wanted, 0)
    }

    fn issuer(&self) -> Value {
        let issuer = self.json(&["fleet", "issuer"], 0);
        let lines = self.run(&["fleet", "issuer"]).done();
        for key in ["setting", "signer"] {
            assert!(lines.contains(issuer[key].as_str().unwrap()), "{lines}");
        }
        issuer
    }

    fn add(&self, cluster: &str, url: &str) {
        self.run(&["fleet", "add", cluster, url]).ended(0);
    }

    fn deploy(&self, project: &str, wanted: Deploy<'_>, site: &Site) -> Value {
        let Deploy { cluster, tag, place, version, base, is_plan } = wanted;
        let base_dir = site.base_dir(place);
        let mut arguments = vec!["deploy", project, "--cluster", cluster, "--tag", tag];
        arguments.extend(["--environment", place, "--base-dir", base_dir.to_str().unwrap()]);
        arguments.extend(["--seal-to", "current"]);
        arguments.extend(version.iter().flat_map(|it| ["--version", it]));
        arguments.extend(base.iter().flat_map(|it| ["--base", it]));
        match is_plan {
            true => arguments.push("--plan"),
            false => arguments.extend(["--activate", "--wait"]),
        }
        self.json(&arguments, 0)
    }

    fn version_diff(&self, project: &str, from: &str, to: &str) -> Value {
        self.json(&["project", "diff", project, "--from", from, "--to", to], 0)
    }

    fn deployment_diff(&self, cluster: &str, from: &str, to: &str) -> Value {
        self.json(&["deployment", "diff", from, to, "--cluster", cluster], 10)
    }

    fn activations(&self, cluster: &str) -> Vec<Value> {
        let ran = self.run(&["deployment", "nodes", "--cluster", cluster, "-o", "json"]);
        let page: Value = serde_json::from_str(&ran.stdout).unwrap_or_default();
        page["items"].as_array().cloned().unwrap_or_default()
    }

    fn roll_back(&self, cluster: &str) {
        self.run(&["deployment", "rollback", "--wait", "--cluster", cluster]).ended(0);
    }
}
