//! Who deploys one project: its own deployments, and nothing of others.

use std::fs;

use super::{Desk, NODE};
use crate::support::Ran;

impl Desk {
    fn by(&self, who: &str, arguments: &[&str]) -> Ran {
        let mut command = self.command();
        command.env("WEIR_CONFIG_DIR", self.root().join("profiles").join(who));
        command.env_remove("WEIR_TOKEN").env_remove("WEIR_PROFILE");
        Ran::of(command.args(arguments))
    }

    #[track_caller]
    fn done_by(&self, who: &str, arguments: &[&str]) -> String {
        self.by(who, arguments).ended(0).stdout
    }

    /// Not allowed, and told what is missing where.
    #[track_caller]
    fn denied_to(&self, who: &str, arguments: &[&str], claim: &str) {
        let ran = self.by(who, arguments).ended(4);
        let why = format!(
            "the claim {claim} is there for the project billing, and this is about the project parcels"
        );
        assert!(ran.stderr.contains(&why), "{arguments:?}: {}", ran.stderr);
    }

    /// Somebody who deploys that project alone, and is logged in.
    fn deployer(&self, who: &str, project: &str) {
        let role = format!("deploys-{project}");
        let claims = ["--claim", "deployment:write", "--claim", "deployment:activate"];
        let create = ["role", "create", role.as_str(), "--in", project];
        self.done(&[&create[..], &claims].concat());
        let file = |text: &str| {
            let path = self.root().join(format!("{who}.{}", text.len()));
            fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let (first, own) = (file("correct horse battery"), file("correct horse battery 2"));
        self.done(&["user", "create", who, "--role", &role, "--password-file", &first]);
        self.done_by(who, &["login", who, "--password-file", &first]);
        let change = ["user", "password", "--present-file", &first, "--password-file", &own];
        self.done_by(who, &change);
    }
}

#[test]
fn who_deploys_a_project_does_so_and_nobody_of_another_one_interferes() {
    let desk = Desk::open();
    desk.deployer("ann", "parcels");
    desk.deployer("bob", "billing");
    let (write, activate) = ("deployment:write", "deployment:activate");
    let (first, second) = (desk.build("p-1"), desk.build("p-2"));
    desk.denied_to("bob", &["deployment", "upload", &first], write);
    desk.done_by("ann", &["deployment", "upload", &first]);
    desk.done_by("ann", &["deployment", "upload", &second]);

    desk.denied_to("bob", &["deployment", "activate", "p-1"], activate);
    desk.denied_to("bob", &["deployment", "activate", "p-1", "--dry-run"], activate);
    desk.done_by("ann", &["deployment", "activate", "p-1"]);
    desk.denied_to("bob", &["deployment", "activate", "DeploymentRoot"], activate);
    desk.denied_to("bob", &["deployment", "rollback"], activate);
    desk.denied_to("bob", &["deployment", "assign", "p-2", "--node", NODE], activate);
    desk.done_by("ann", &["deployment", "assign", "p-2", "--node", NODE]);
    desk.denied_to("bob", &["deployment", "unassign", "--node", NODE], activate);
    desk.done_by("ann", &["deployment", "unassign", "--node", NODE]);
    let back = ["deployment", "rollback", "--idempotency-key", "back"];
    assert!(desk.done_by("ann", &back).contains("rolled back from p-1 to DeploymentRoot"));
    desk.done_by("ann", &back);
    desk.denied_to("bob", &["deployment", "delete", "p-2"], write);
    desk.done_by("ann", &["deployment", "delete", "p-2"]);
    desk.weir.stop();
}
