//! A deploy that is cancelled, or whose engine is killed, midway: what is said, what is stored, and that it is done
//! when it is asked for again.

use std::fs;
use std::path::Path;

use axum::http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::gate::{Cut, Gate, IsMeant};
use crate::support::flow::CSV;
use crate::support::{DEADLINE, Flow, Server, wait_for, wait_until};

/// A server with a project, and an engine behind a gate.
struct Lab {
    design: Server,
    ada: String,
    engine: Option<Server>,
    gate: Gate,
    root: TempDir,
}

fn is_compare(line: &str) -> bool {
    line.starts_with("POST /api/v1/deployments?") && line.contains("dryRun=true")
}

fn is_send(line: &str) -> bool {
    line.starts_with("POST /api/v1/deployments?") && !line.contains("dryRun=true")
}

fn is_list(line: &str) -> bool {
    line.starts_with("GET /api/v1/deployments ")
}

fn is_look(line: &str) -> bool {
    line.starts_with("GET /api/v1/activations")
}

fn is_activate(line: &str) -> bool {
    line.starts_with("POST /api/v1/deployments:activate")
}

fn engine(root: &Path, issuer: &str) -> Server {
    let accepts = "weir.packages.accept-any-signer=true".to_owned();
    Server::engine_with(&root.join("engine"), issuer, &[accepts])
}

impl Lab {
    fn open() -> Self {
        let root = TempDir::new().unwrap();
        let design = Server::design(&root.path().join("design"), &[]);
        let ada = design.set_up();
        let engine = engine(root.path(), &design.issuer());
        let gate = Gate::to(&engine.url);
        design.add("east", &gate.url, &ada);
        let project = design.done("projects", &ada, &json!({ "name": "shop" }));
        let directory = Path::new(project["directory"].as_str().unwrap());
        let flow = Flow::straight(CSV)
            .yaml()
            .replace("directory: out", "createDirectory: true, directory: out");
        fs::write(directory.join("orders.yaml"), flow).unwrap();
        fs::create_dir_all(root.path().join("site/in")).unwrap();
        Self { design, ada, engine: Some(engine), gate, root }
    }

    fn begin(&self) -> String {
        self.begin_as("s-1")
    }

    fn begin_as(&self, tag: &str) -> String {
        let build = json!({ "tag": tag, "baseDir": self.root.path().join("site") });
        let request = json!({ "cluster": "east", "build": build, "activate": true, "wait": "80s" });
        let path = "projects/shop/deploys";
        let (status, begun) = self.design.ask(Method::POST, path, &self.ada, &request);
        assert_eq!(status, 202, "{begun:#}");
        begun["id"].as_str().unwrap().to_owned()
    }

    fn ended(&self, id: &str) -> Value {
        wait_for("the deploy to end", DEADLINE, || {
            let (_, operation) = self.design.get(&format!("operations/{id}"), &self.ada);
            (operation["state"] != "running").then_some(operation)
        })
    }

    /// What is stored in the cluster, and which is the default.
    fn stored(&self) -> (Vec<Value>, Value) {
        let mut page = Value::Null;
        wait_until("the cluster to answer", DEADLINE, || {
            let (status, found) = self.design.get("clusters/east/deployments", &self.ada);
            page = found;
            status == 200
        });
        let items = page["items"].as_array().unwrap().iter();
        (items.map(|it| it["tag"].clone()).collect(), page["default"].clone())
    }

    fn kill_engine(&mut self) {
        self.engine.as_mut().unwrap().kill();
    }

    fn restart_engine(&mut self) {
        self.engine = None;
        let engine = engine(self.root.path(), &self.design.issuer());
        self.gate.lead_to(&engine.url);
        self.engine = Some(engine);
    }

    /// The same is asked for again, and done.
    #[track_caller]
    fn done_again(&self) {
        let ended = self.ended(&self.begin());
        assert_eq!(ended["state"], "succeeded", "{ended:#}");
        assert_eq!(ended["result"]["nodes"][0]["state"], "active", "{ended:#}");
        assert_eq!(self.stored(), (vec![json!("s-1")], json!("s-1")));
        let site = self.root.path().join("site");
        fs::write(site.join("draft"), "id,amount\n1,1\n").unwrap();
        fs::rename(site.join("draft"), site.join("in/a.csv")).unwrap();
        let out = site.join("out/a.jsonl");
        wait_until("what came in to come out", DEADLINE, || out.exists());
    }
}

fn step<'o>(operation: &'o Value, name: &str) -> &'o Value {
    let steps = operation["steps"].as_array().unwrap();
    &steps.iter().find(|it| it["name"] == name).unwrap()["state"]
}

#[test]
fn a_deploy_that_is_cancelled_before_it_sent_anything_stored_nothing() {
    let lab = Lab::open();
    lab.gate.hold(is_compare);
    let id = lab.begin();
    lab.gate.wait_until_held();
    lab.design.done(&format!("operations/{id}/cancel"), &lab.ada, &Value::Null);
    // A cluster that stands still holds nobody.
    let ended = lab.ended(&id);
    lab.gate.open();
    assert_eq!(ended["state"], "cancelled", "{ended:#}");
    assert_eq!((step(&ended, "build"), step(&ended, "send")), (&json!("done"), &json!("waiting")));
    assert!(ended["problem"]["hint"].is_string(), "{ended:#}");
    assert_eq!(lab.stored(), (vec![], json!("DeploymentRoot")));
    lab.done_again();
}

#[test]
fn a_deploy_that_is_cancelled_while_it_sends_runs_nothing_and_goes_on_from_what_is_stored() {
    let lab = Lab::open();
    lab.gate.hold(is_send);
    let id = lab.begin();
    lab.gate.wait_until_held();
    // What is on its way stays where it is sent from.
    let kept = format!("projects/shop/builds/{id}");
    assert_eq!(lab.design.ask(Method::DELETE, &kept, &lab.ada, &Value::Null).0, 409);
    lab.design.done(&format!("operations/{id}/cancel"), &lab.ada, &Value::Null);
    lab.gate.open();
    let ended = lab.ended(&id);
    assert_eq!(ended["state"], "cancelled", "{ended:#}");
    assert_eq!(step(&ended, "activate"), "waiting");
    // All of it may have been on its way.
    let (tags, default) = lab.stored();
    assert!(tags.iter().all(|it| it == "s-1"), "{tags:?}");
    assert_eq!(default, "DeploymentRoot");
    lab.done_again();
}

#[test]
fn a_deploy_that_another_one_overtakes_is_not_told_as_done() {
    let lab = Lab::open();
    lab.done_again();
    lab.gate.hold(is_look);
    let id = lab.begin_as("s-2");
    lab.gate.wait_until_held();
    lab.gate.let_one_through();
    lab.gate.wait_until_held();
    let former = json!({ "tag": "s-1", "assignments": false });
    lab.design.done("clusters/east/deployments:activate", &lab.ada, &former);
    lab.gate.open();
    let ended = lab.ended(&id);
    assert_eq!((&ended["state"], &ended["problem"]["status"]), (&json!("failed"), &json!(409)));
    let why = ended["problem"]["detail"].as_str().unwrap();
    assert!(why.contains("is to run s-1 now"), "{why}");
}

#[test]
fn a_connection_that_is_broken_off_at_any_step_is_made_again() {
    // The nodes are looked at for the plan, and again until they run it.
    let steps: [(IsMeant, usize); 5] =
        [(is_list, 0), (is_look, 0), (is_send, 0), (is_activate, 0), (is_look, 1)];
    let cuts = [Cut::Request, Cut::Answer];
    let lab = Lab::open();
    let cases = steps.into_iter().flat_map(|it| cuts.map(|cut| (it, cut)));
    for (number, ((step, before), cut)) in cases.enumerate() {
        lab.gate.hold(step);
        let tag = format!("s-{number}");
        let id = lab.begin_as(&tag);
        lab.gate.wait_until_held();
        for _ in 0..before {
            lab.gate.let_one_through();
            lab.gate.wait_until_held();
        }
        lab.gate.cut(cut);
        let ended = lab.ended(&id);
        assert_eq!(ended["state"], "succeeded", "{ended:#}");
        assert_eq!(ended["result"]["nodes"][0]["state"], "active", "{ended:#}");
        assert_eq!(lab.stored().1, tag);
    }
}

#[test]
fn an_engine_that_is_killed_while_it_is_sent_to_has_stored_nothing() {
    let mut lab = Lab::open();
    lab.gate.hold(is_send);
    let id = lab.begin();
    lab.gate.wait_until_held();
    lab.kill_engine();
    lab.gate.open();
    let ended = lab.ended(&id);
    assert_eq!((&ended["state"], step(&ended, "send")), (&json!("failed"), &json!("failed")));
    let why = ended["problem"]["detail"].as_str().unwrap();
    assert!(why.contains("can't store s-1"), "{why}");
    lab.restart_engine();
    assert_eq!(lab.stored(), (vec![], json!("DeploymentRoot")));
    lab.done_again();
}

#[test]
fn an_engine_that_is_killed_before_it_activates_keeps_what_is_stored() {
    let mut lab = Lab::open();
    lab.gate.hold(is_activate);
    let id = lab.begin();
    lab.gate.wait_until_held();
    lab.kill_engine();
    lab.gate.open();
    let ended = lab.ended(&id);
    assert_eq!((&ended["state"], step(&ended, "activate")), (&json!("failed"), &json!("failed")));
    let why = ended["problem"]["detail"].as_str().unwrap();
    assert!(why.contains("can't activate s-1"), "{why}");
    lab.restart_engine();
    assert_eq!(lab.stored(), (vec![json!("s-1")], json!("DeploymentRoot")));
    lab.done_again();
}
