//! Which node runs what: the default, rules, canaries, and two who change them at once.

use std::thread;

use serde_json::Value;

use super::{Desk, NODE};

fn target(desk: &Desk) -> (String, String) {
    let why = desk.json(&["deployment", "why", NODE]);
    let text = |it: &Value| it.as_str().unwrap().to_owned();
    (text(&why["target"]), text(&why["why"]["text"]))
}

#[test]
fn a_nodes_own_rule_comes_before_the_default_and_a_dry_run_changes_nothing() {
    let desk = Desk::open();
    desk.upload("p-1", None);
    desk.write("glob: '*.csv'");
    desk.upload("p-2", Some("p-1"));
    assert_eq!(target(&desk).0, "DeploymentRoot");

    let revision = desk.revision();
    let dry = desk.json(&["deployment", "activate", "p-1", "--dry-run"]);
    assert_eq!(dry["revision"], revision);
    let node = &dry["nodes"][0];
    assert_eq!((&node["node"], &node["after"]), (&NODE.into(), &"p-1".into()));
    assert_eq!(node["starts"], serde_json::json!(["parcels"]));
    assert_eq!((target(&desk).0.as_str(), desk.revision()), ("DeploymentRoot", revision));

    let done = desk.done(&["deployment", "activate", "p-1"]);
    assert!(done.starts_with("p-1 was made the default\nNODE"), "{done}");
    assert_eq!(target(&desk), ("p-1".into(), "no rule fits: it is the default".into()));
    let again = desk.done(&["deployment", "activate", "p-1"]);
    assert_eq!(again, format!("done\nrevision {}\n", revision + 1));
    let assigned = desk.json(&["deployment", "assign", "p-2", "--node", NODE]);
    assert_eq!(assigned["nodes"][0]["restarts"], serde_json::json!(["parcels"]));
    assert_eq!(target(&desk), ("p-2".into(), "the node has a rule of its own".into()));
    let rules = desk.done(&["deployment", "assignments"]);
    assert!(rules.contains("first  node node-1"), "{rules}");
    desk.done(&["deployment", "unassign", "--node", NODE]);
    assert_eq!(target(&desk).0, "p-1");
    desk.done(&["deployment", "rollback"]);
    assert_eq!(target(&desk).0, "DeploymentRoot");

    let nothing = desk.refused(5, &["deployment", "rollback"]);
    assert!(nothing.contains("no default to go back to"), "{nothing}");
    let unknown = desk.refused(3, &["deployment", "assign", "p-1", "--node", "node-2"]);
    assert!(unknown.contains("did you mean \"node-1\"?"), "{unknown}");
    let none = desk.refused(3, &["deployment", "unassign", "--node", NODE]);
    assert!(
        none.contains("there is no rule of node") && none.contains("weir deployment assignments"),
        "{none}"
    );
    desk.refused(3, &["deployment", "why", "nobody"]);
    desk.refused(3, &["deployment", "unassign", "--role", "edge"]);
    desk.refused(3, &["deployment", "activate", "p-3"]);
    desk.weir.stop();
}

#[test]
fn the_rules_of_a_package_replace_all_others_at_once() {
    let desk = Desk::open();
    desk.upload("p-1", None);
    desk.done(&["deployment", "assign", "p-1", "--role", "old"]);
    let none = desk.refused(5, &["deployment", "activate", "p-1", "--assignments"]);
    assert!(none.contains("says nothing of assignments"), "{none}");
    let project = desk.sources().join("project.yaml");
    let text = std::fs::read_to_string(&project).unwrap();
    let with = |rules: &str| text.replace("version:", &format!("assignments: {rules}, version:"));
    std::fs::write(&project, with("{ roles: [{ role: edge, tag: p-0 }] }")).unwrap();
    desk.upload("p-2", None);
    let revision = desk.revision();
    let unknown = desk.refused(3, &["deployment", "activate", "p-2", "--assignments"]);
    assert!(unknown.contains("no deployment \"p-0\""), "{unknown}");
    assert_eq!(desk.revision(), revision, "nothing of it was done");
    std::fs::write(&project, with("{ roles: [{ role: edge, tag: p-1 }] }")).unwrap();
    desk.upload("p-3", None);
    desk.done(&["deployment", "activate", "p-3", "--assignments"]);
    let rules = desk.json(&["deployment", "assignments"]);
    assert_eq!(rules["default"], "p-3");
    assert_eq!(rules["roles"], serde_json::json!([{ "role": "edge", "tag": "p-1" }]));
    desk.weir.stop();
}

#[test]
fn rules_of_roles_are_kept_in_order() {
    let desk = Desk::open();
    desk.upload("p-1", None);
    let assign = |more: &[&str]| desk.done(&[&["deployment", "assign", "p-1"], more].concat());
    assign(&["--role", "edge"]);
    assign(&["--role", "core"]);
    assign(&["--role", "first", "--before", "edge"]);
    let rules = desk.json(&["deployment", "assignments"]);
    let roles: Vec<_> = rules["roles"].as_array().unwrap().iter().map(|it| &it["role"]).collect();
    assert_eq!(roles, ["first", "edge", "core"]);
    desk.refused(3, &["deployment", "assign", "p-1", "--role", "x", "--before", "y"]);
    desk.weir.stop();
}

#[test]
fn a_canary_runs_on_a_node_and_ends_by_command() {
    let desk = Desk::open();
    desk.upload("p-1", None);
    let start = ["deployment", "canary", "start", "p-1"];
    let few = desk.refused(5, &[&start[..], &["--nodes", "2"]].concat());
    assert!(few.contains("run the default, 2 of them, and of the nodes that are up 1 do"), "{few}");
    // So high that no time promotes it while this test looks.
    let start = [&start[..], &["--bake", "1h", "--max-errors", "5%"]].concat();
    let dry = desk.json(&[&start[..], &["--dry-run"]].concat());
    assert_eq!(dry["nodes"][0]["after"], "p-1");
    desk.done(&start);
    assert_eq!(target(&desk), ("p-1".into(), "it takes part in the canary".into()));
    let status = desk.json(&["deployment", "canary", "status"]);
    assert_eq!(status["canary"]["errorsPerMillionMax"], 50_000);
    assert_eq!(status["activations"][0]["node"], NODE);
    let runs = desk.refused(5, &["deployment", "activate", "p-1"]);
    assert!(runs.contains("the canary p-1 runs"), "{runs}");
    desk.done(&["deployment", "canary", "rollback"]);
    assert_eq!(target(&desk).0, "DeploymentRoot");
    desk.refused(5, &["deployment", "canary", "promote"]);
    desk.done(&start);
    desk.done(&["deployment", "canary", "promote"]);
    assert_eq!(target(&desk), ("p-1".into(), "no rule fits: it is the default".into()));
    assert!(desk.done(&["deployment", "canary", "status"]).starts_with("no canary runs\n"));
    desk.weir.stop();
}

#[test]
fn of_two_who_saw_the_same_one_is_told_what_the_other_did() {
    let desk = Desk::open();
    desk.upload("p-1", None);
    desk.upload("p-2", None);
    let seen = desk.revision().to_string();
    let activate = |tag: &'static str| {
        let mut command = desk.command();
        command.args(["deployment", "activate", tag, "--if-revision", &seen]);
        thread::spawn(move || crate::support::Ran::of(&mut command))
    };
    let both = ["p-1", "p-2"].map(activate).map(|it| it.join().unwrap());
    let mut codes = both.each_ref().map(|it| it.code);
    codes.sort_unstable();
    assert_eq!(codes, [Some(0), Some(5)]);
    let late = both.iter().find(|it| it.code == Some(5)).unwrap();
    assert!(late.stderr.contains("WEIR-07017"), "{}", late.stderr);
    assert!(late.stderr.contains("was made the default by"), "{}", late.stderr);
    desk.weir.stop();
}

#[test]
fn the_same_key_twice_is_carried_out_once() {
    let desk = Desk::open();
    let file = desk.build("p-1");
    let upload = ["deployment", "upload", &file, "--idempotency-key", "k-1"];
    let first = desk.json(&upload);
    let again = desk.json(&upload);
    assert_eq!(again["revision"], first["revision"], "and the tag is not taken");
    desk.done(&["deployment", "activate", "p-1", "--idempotency-key", "k-1"]);
    let back = ["deployment", "rollback", "--idempotency-key", "k-2"];
    let once = desk.json(&back)["revision"].clone();
    assert_eq!(desk.json(&back)["revision"], once, "a second rollback would be refused");
    assert_eq!(target(&desk).0, "DeploymentRoot");
    desk.refused(5, &["deployment", "rollback", "--idempotency-key", "k-3"]);
    desk.weir.stop();
}
