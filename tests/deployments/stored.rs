//! What is stored: the tree, what two deployments differ in, and whose packages are accepted.

use std::fs;

use super::{Desk, start};
use crate::support::{DEADLINE, wait_until};

#[test]
fn packages_are_stored_once_shown_as_a_tree_and_compared() {
    let desk = Desk::open();
    let first = desk.upload("p-1", None);
    assert!(first.contains("p-1 on DeploymentRoot, digest ") && first.contains("; 0 B saved\n"));
    let again = desk.upload("p-1-again", Some("p-1"));
    assert!(again.contains("new 0 objects, 0 B; "), "{again}");
    desk.write("glob: '*.csv'");
    let file = desk.build("p-2");
    let before = desk.revision();
    // No address is as long as a description may be.
    let about = format!("with a glob {}", "and a reason ".repeat(3_000));
    let upload = ["deployment", "upload", &file, "--base", "p-1", "--description", &about];
    let dry = desk.json(&[&upload[..], &["--dry-run"]].concat());
    assert_eq!((&dry["dryRun"], &dry["revision"]), (&true.into(), &before.into()));
    let missing = dry["missing"].as_array().unwrap().len();
    assert_eq!(missing, 2, "the plan and the asset, and not the settings");
    let done = desk.json(&upload);
    assert_eq!(done["stored"]["objects"], missing + 1, "and the content");

    let tree = desk.done(&["deployment", "list"]);
    let tag = |line: &str| line.chars().take(15).collect::<String>().trim_end().to_owned();
    let tags: Vec<_> = tree.lines().skip(1).take(4).map(tag).collect();
    assert_eq!(tags, ["DeploymentRoot", "└─ p-1", "   ├─ p-1-again", "   └─ p-2"], "{tree}");
    assert!(tree.contains("p-1-again  duplicate"), "{tree}");
    let shown = desk.json(&["deployment", "show", "p-2"]);
    assert_eq!((&shown["parent"], &shown["description"]), (&"p-1".into(), &about.as_str().into()));
    assert_eq!(desk.json(&["deployment", "show", "p-1"])["same"][0], "p-1-again");

    let diff = desk.run(&["deployment", "diff", "p-1", "p-2"]).ended(10);
    assert!(diff.stdout.contains("~ asset Workflow parcels\n    + "), "{}", diff.stdout);
    assert!(diff.stdout.contains(".glob: \"*.csv\"\n"), "{}", diff.stdout);
    assert_eq!(desk.run(&["deployment", "diff", "p-1", "p-1-again"]).code, Some(0));
    // Of the same content, built elsewhere.
    let args = ["build", "parcels", "--tag", "p-1-moved", "--file", "p-1-moved.weir", "-D"];
    let key = format!("weir.data-dir={}", desk.project.data_dir().display());
    let elsewhere = ["--base-dir", "/elsewhere"];
    desk.write("");
    desk.done(&[&args[..], &[&key], &elsewhere].concat());
    desk.done(&["deployment", "upload", "p-1-moved.weir", "--base", "p-1"]);
    let moved = desk.run(&["deployment", "diff", "p-1", "p-1-moved"]).ended(0).stdout;
    let same =
        moved.starts_with("p-1 and p-1-moved have the same content\nrelative paths begin in ");
    assert!(same && moved.ends_with(" and in /elsewhere\n"), "{moved}");
    let from_nothing = desk.run(&["deployment", "diff", "DeploymentRoot", "p-1"]);
    assert!(from_nothing.stdout.starts_with("+ workflow parcels\n"), "{}", from_nothing.stdout);

    let said = desk.refused(3, &["deployment", "show", "p-3"]);
    assert!(said.contains("there is no deployment \"p-3\""), "{said}");
    let listed = desk.done(&["audit", "list"]);
    assert!(listed.contains("deployment upload  deployment/p-2"), "{listed}");
    // It is all there after a restart.
    let project = desk.project;
    desk.weir.stop();
    let desk = Desk { weir: start(&project).ready(), project };
    assert_eq!(desk.done(&["deployment", "list"]).lines().next(), tree.lines().next());
    assert_eq!(desk.run(&["deployment", "diff", "p-1", "p-2"]).stdout, diff.stdout);
    desk.weir.stop();
}

#[test]
fn a_tag_that_is_taken_and_a_base_that_is_not_there_are_refused() {
    let desk = Desk::open();
    desk.upload("p-1", None);
    desk.write("glob: '*.csv'");
    let file = desk.build("p-2");
    let revision = desk.revision();
    let upload = ["deployment", "upload", &file];
    let taken = desk.refused(5, &[&upload[..], &["--tag", "p-1"]].concat());
    assert!(taken.contains("the tag p-1 is taken") && taken.contains("--tag OTHER"), "{taken}");
    let reserved = desk.refused(5, &[&upload[..], &["--tag", "DeploymentRoot"]].concat());
    assert!(reserved.contains("always there"), "{reserved}");
    let unknown = desk.refused(3, &[&upload[..], &["--base", "p-11"]].concat());
    assert!(unknown.contains("p-11") && unknown.contains("did you mean \"p-1\"?"), "{unknown}");
    assert_eq!(desk.revision(), revision);
    let stale = desk.refused(5, &[&upload[..], &["--if-revision", "0"]].concat());
    assert!(stale.contains("WEIR-07017") && stale.contains("p-1 was stored by"), "{stale}");
    desk.done(&upload);
    desk.weir.stop();
}

#[test]
fn only_packages_of_trusted_signers_are_stored() {
    let desk = Desk::open();
    let elsewhere = format!("weir.data-dir={}", desk.root().join("elsewhere").display());
    let file = desk.build_with("p-1", &elsewhere);
    let upload = ["deployment", "upload", &file];
    let said = desk.refused(6, &upload);
    assert!(said.contains("WEIR-02410") && said.contains("not trusted here"), "{said}");
    let unsigned = ["build", "parcels", "--tag", "p-2", "--unsigned"];
    assert!(desk.done(&unsigned).contains("nobody: the key was thrown away"));
    let refused = desk.refused(6, &["deployment", "upload", "p-2.weir"]);
    assert!(refused.contains("WEIR-02410"), "{refused}");
    // The server looks itself, whoever sends what.
    let inspected = desk.json(&["deployment", "inspect", &file]);
    let signer = inspected["signer"].as_str().unwrap();

    let project = desk.project;
    desk.weir.stop();
    let trusting = start(&project).set(&format!("weir.packages.trusted-signers=[\"{signer}\"]"));
    let desk = Desk { weir: trusting.ready(), project };
    desk.done(&["deployment", "upload", "p-1.weir"]);
    assert!(desk.run(&["deployment", "upload", "p-2.weir"]).stderr.contains("WEIR-02410"));
    let project = desk.project;
    desk.weir.stop();
    let open = start(&project).set("weir.packages.accept-any-signer=true");
    let desk = Desk { weir: open.ready(), project };
    desk.done(&["deployment", "upload", "p-2.weir"]);
    desk.weir.stop();
}

#[test]
fn a_deployment_that_is_used_is_not_deleted() {
    let desk = Desk::open();
    for tag in ["p-1", "p-2"] {
        desk.upload(tag, None);
    }
    desk.done(&["deployment", "activate", "p-1"]);
    desk.done(&["deployment", "assign", "p-2", "--role", "nobody-has-it"]);
    let delete = |tag: &str| desk.run(&["deployment", "delete", tag]);
    for (tag, why) in [
        ("DeploymentRoot", "all deployments descend from it"),
        ("p-1", "it is the default"),
        ("p-2", "the rule of role nobody-has-it"),
    ] {
        let refused = delete(tag).ended(5);
        assert!(refused.stderr.contains(why), "{}", refused.stderr);
    }
    assert_eq!(delete("p-3").code, Some(3));
    desk.done(&["deployment", "unassign", "--role", "nobody-has-it"]);
    let dry = desk.done(&["deployment", "delete", "p-2", "--dry-run"]);
    assert!(dry.starts_with("dry run: ") && dry.contains("p-2 was deleted"), "{dry}");
    assert!(desk.done(&["deployment", "delete", "p-2"]).contains("p-2 was deleted"));
    desk.done(&["deployment", "activate", "DeploymentRoot"]);
    // A node that still runs it has to switch first.
    wait_until("the node to switch", DEADLINE, || delete("p-1").code == Some(0));
    assert!(fs::exists(desk.root().join("p-1.weir")).unwrap());
    let objects = desk.json(&["deployment", "list"])["objects"].clone();
    assert_eq!((&objects["count"], &objects["bytes"]), (&0.into(), &0.into()));
    desk.weir.stop();
}
