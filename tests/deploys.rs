//! From a project to what runs, in one command: through a configuration server, and from a directory.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Stdio};

use serde_json::{Value, json};
use weir_http_api::TestsRequest;
use weir_http_client::Client;

use crate::support::flow::CSV;
use crate::support::{DEADLINE, Flow, Project, Ran, Start, Weir, binary, free_port, wait_until};

const WORKFLOW: &str = "\
apiVersion: weir/v1
kind: Workflow
metadata: { name: sales }
spec:
  stages:
    - name: read
      source:
        file: { directory: orders-in, interval: 50ms, stableTime: 0s, format: { type: json }, done: { directory: done } }
    - name: write
      from: read
      sink:
        file: { directory: \"out-${env:PLACE}\", name: \"${item}\", format: { type: json }, createDirectory: true }
";

struct Lab {
    project: Project,
    weir: Weir,
}

impl Lab {
    /// With a project `shop` that has two environments beside its own.
    fn open() -> Self {
        Self::with(|it| it)
    }

    fn with(set: impl FnOnce(Start) -> Start) -> Self {
        let project = Project::of(&Flow::straight(CSV));
        let lab = Self { weir: set(Start::of(&project)).ready(), project };
        let shop = lab.shop();
        fs::create_dir_all(shop.join("orders-in")).unwrap();
        let asset = |name: &str, text: &str| fs::write(shop.join(name), text).unwrap();
        asset(
            "project.yaml",
            "apiVersion: weir/v1\nkind: Project\nmetadata: { name: shop }\nspec: { version: \"7\", \
             environments: [base], exclude: [orders-in, done, out-base, out-test, out-prod] }\n",
        );
        for place in ["base", "test", "prod"] {
            let text = format!(
                "apiVersion: weir/v1\nkind: Environment\nmetadata: {{ name: {place} }}\n\
                 spec: {{ values: {{ PLACE: {place} }} }}\n"
            );
            asset(&format!("{place}.yaml"), &text);
        }
        asset("sales.yaml", WORKFLOW);
        lab.run(&["project", "open", shop.to_str().unwrap()]).done();
        lab
    }

    fn shop(&self) -> PathBuf {
        self.project.root().join("shop")
    }

    /// At the configuration server.
    #[track_caller]
    fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(binary().args(["--server", self.weir.page()]).args(arguments))
    }

    #[track_caller]
    fn deploy(&self, arguments: &[&str]) -> Value {
        let ran = self.run(&[&["deploy", "shop", "-o", "json"], arguments].concat()).ended(0);
        serde_json::from_str(&ran.stdout).unwrap()
    }

    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        self.run(&[arguments, &["-o", "json"]].concat()).json()
    }

    fn tags(&self) -> Vec<String> {
        let list = self.json(&["deployment", "list"]);
        let items = list["items"].as_array().unwrap().iter();
        items.map(|it| it["tag"].as_str().unwrap().to_owned()).collect()
    }

    /// What comes in goes to the place of the environment.
    #[track_caller]
    fn goes_to(&self, place: &str, item: &str) {
        fs::write(self.shop().join("orders-in").join(item), "{\"id\":1}\n").unwrap();
        let out = self.shop().join(format!("out-{place}")).join(item);
        wait_until(&format!("{} to be there", out.display()), DEADLINE, || out.exists());
    }
}

#[test]
fn a_project_is_planned_deployed_changed_and_rolled_back() {
    let lab = Lab::open();
    let prod = ["--environment", "prod"];
    let plan = lab
        .run(&[&["deploy", "shop", "--tag", "s-${build:version}", "--plan"], &prod[..]].concat());
    let plan = plan.ended(0);
    assert!(plan.stdout.contains("plan: nothing is stored"), "{}", plan.stdout);
    assert!(plan.stdout.contains("starts sales"), "{}", plan.stdout);
    assert!(plan.stderr.contains("compare: "), "{}", plan.stderr);
    assert_eq!(lab.tags(), [""; 0]);

    let run = ["--activate", "--wait"];
    let first = lab.deploy(&[&["--tag", "s-1"], &prod[..], &run].concat());
    assert_eq!((&first["activated"], &first["base"]), (&json!(true), &json!("DeploymentRoot")));
    assert_eq!(first["sent"], first["total"]);
    assert_eq!(first["nodes"][0]["state"], "active");
    lab.goes_to("prod", "a.json");

    // The later environment wins, and little else is sent.
    let second = [&["--tag", "s-2", "--base", "s-1"], &prod[..], &["--environment", "test"], &run];
    let second = lab.deploy(&second.concat());
    assert_eq!(second["base"], "s-1");
    let [sent, total] = ["sent", "total"].map(|it| second[it]["objects"].as_u64().unwrap());
    assert!(0 < sent && sent < total, "{sent} of {total}");
    assert_eq!(second["plan"][0]["restarts"], json!(["sales"]));
    lab.goes_to("test", "b.json");

    lab.run(&["deployment", "rollback", "--wait"]).ended(0);
    lab.goes_to("prod", "c.json");
    assert_eq!(lab.tags(), ["s-1", "s-2"]);
    assert_eq!(lab.json(&["deployment", "list"])["default"], "s-1");
}

#[test]
fn builds_are_kept_and_equal_content_has_an_equal_digest() {
    let lab = Lab::open();
    let stored = lab.deploy(&["--tag", "s-1"]);
    assert_eq!(stored["activated"], false);
    let again = lab.deploy(&["--tag", "s-2"]);
    assert_eq!((&stored["digest"], &again["sent"]["objects"]), (&again["digest"], &json!(0)));

    let (status, page) = lab.weir.get(lab.weir.page(), "/api/v1/projects/shop/builds");
    assert_eq!(status, 200, "{page}");
    let page: Value = serde_json::from_str(&page).unwrap();
    let tags: Vec<_> = page["items"].as_array().unwrap().iter().map(|it| &it["tag"]).collect();
    assert_eq!(tags, ["s-2", "s-1"]);
    let id = page["items"][1]["id"].as_str().unwrap();
    // It is stored already: the rest is done.
    let package = lab.run(&["deploy", "shop", "--package", id, "--activate", "--wait"]).ended(0);
    assert!(package.stderr.contains("it is stored already"), "{}", package.stderr);
    lab.goes_to("base", "a.json");
}

/// Secrets are sealed for a project by its name: a build of another one's version would open them.
#[test]
fn a_version_of_a_project_that_was_called_otherwise_is_not_built() {
    let lab = Lab::open();
    lab.run(&["project", "init", "shop"]).ended(0);
    lab.run(&["project", "commit", "shop", "-m", "first"]).ended(0);
    lab.run(&["build", "shop", "--version", "main", "--tag", "s-1"]).ended(0);
    lab.run(&["project", "rename", "shop", "store"]).ended(0);
    let refused = lab.run(&["build", "store", "--version", "main", "--tag", "s-2"]);
    assert_ne!(refused.code, Some(0));
    let why = "in that version the project is called shop, and not store";
    assert!(refused.stderr.contains(why), "{}", refused.stderr);
}

#[test]
fn a_plan_says_what_would_be_refused_and_what_takes_it_away() {
    let token = "a-token-of-these-tests";
    let lab = Lab::with(|it| {
        it.set("weir.management.read-only=false").set(&format!("weir.management.token=\"{token}\""))
    });
    // The project that `weir dev` runs from its directory.
    let dir = lab.project.dir();
    lab.run(&["project", "open", dir.to_str().unwrap()]);
    let hint = "weir deployment withdraw test";
    let plan = lab.run(&["deploy", "test", "--tag", "t-1", "--plan"]).ended(0);
    assert!(
        plan.stdout.contains("activating it would be refused: workflow orders"),
        "{}",
        plan.stdout
    );
    assert!(plan.stdout.contains(hint), "{}", plan.stdout);
    let refused = lab.run(&["deploy", "test", "--tag", "t-1", "--activate"]).ended(5);
    assert!(refused.stderr.contains(hint), "{}", refused.stderr);
    assert_eq!(lab.tags(), [""; 0], "nothing was sent");
    // The cluster itself says the same.
    lab.run(&["deploy", "test", "--tag", "t-1"]).ended(0);
    let refused = lab.run(&["deployment", "activate", "t-1"]).ended(5);
    assert!(refused.stderr.contains(&format!("hint:  {hint}")), "{}", refused.stderr);

    let mut withdraw = binary();
    withdraw.args(["deployment", "withdraw", "test", "--management", lab.weir.management()]);
    Ran::of(withdraw.env("WEIR_MANAGEMENT_TOKEN", token)).ended(0);
    let done = lab.run(&["deploy", "test", "--tag", "t-1", "--activate", "--wait"]).ended(0);
    assert!(!done.stdout.contains("refused"), "{}", done.stdout);
    lab.project.put("a.csv", "id,amount\n1,1\n");
    wait_until("it to run again", DEADLINE, || lab.project.files("out") == ["a.jsonl"]);
}

#[test]
fn what_can_not_be_deployed_is_refused_by_its_kind_and_nothing_is_stored() {
    let lab = Lab::open();
    let refused = |arguments: &[&str], code, why: &str| {
        let ran = lab.run(&[&["deploy"], arguments].concat()).ended(code);
        assert!(ran.stderr.contains(why), "{}", ran.stderr);
    };
    refused(&["shop", "--environment", "pord"], 6, "did you mean");
    refused(&["shop", "--tag", "${build:comit}"], 6, "did you mean commit?");
    refused(&["sohp"], 3, "did you mean \"shop\"?");
    refused(&["shop", "--cluster", "far"], 3, "far");
    let sales = lab.shop().join("sales.yaml");
    fs::write(&sales, WORKFLOW.replace("from: read", "from: raed")).unwrap();
    refused(&["shop"], 6, "did you mean");
    fs::write(&sales, WORKFLOW).unwrap();
    assert_eq!(lab.tags(), [""; 0]);
    lab.deploy(&["--tag", "s-1"]);
    refused(&["shop", "--tag", "s-1", "--environment", "test"], 5, "s-1");

    let failed = lab.json(&["operation", "list", "--state", "failed", "--kind", "deploy"]);
    let failed = failed["items"].as_array().unwrap();
    assert_eq!(failed.len(), 5, "{failed:?}");
    let id = failed[0]["id"].as_str().unwrap();
    lab.run(&["operation", "watch", id]).ended(5);
    assert!(lab.run(&["operation", "show", id]).done().contains("failed   compare"));
}

#[test]
fn what_a_server_did_is_known_after_it_was_killed() {
    let mut lab = Lab::open();
    lab.deploy(&["--tag", "s-1"]);
    lab.weir.process.kill();
    lab.weir = Start::of(&lab.project).ready();
    let known = lab.json(&["operation", "list"]);
    assert_eq!(known["items"][0]["state"], "succeeded");
    assert_eq!(known["items"][0]["result"]["tag"], "s-1");
}

#[test]
fn a_directory_is_deployed_to_an_engine_without_a_configuration_server() {
    let lab = Lab::open();
    let key = format!("weir.data-dir={}", lab.project.data_dir().display());
    let shop = lab.shop();
    let arguments = ["deploy", shop.to_str().unwrap(), "--tag", "d-1", "--environment", "test"];
    let mut command = binary();
    command.args(["--server", lab.weir.rest()]).args(arguments);
    let ran = Ran::of(command.args(["--activate", "--wait", "-D", &key])).ended(0);
    assert!(ran.stdout.ends_with("it is the default\n"), "{}", ran.stdout);
    assert!(ran.stderr.contains("wait: nodes that run it: 1 of 1"), "{}", ran.stderr);
    lab.goes_to("test", "a.json");
}

#[test]
fn the_tests_of_a_project_are_run_by_its_server() {
    let lab = Lab::open();
    let client = Client::new(lab.weir.page()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let begun = runtime.block_on(client.project_test("shop", &TestsRequest::default()));
    let id = begun.unwrap().id.to_string();
    lab.run(&["operation", "watch", &id]).ended(0);
    let ended = lab.json(&["operation", "show", &id]);
    assert_eq!(
        (&ended["result"]["failed"], &ended["result"]["untested"]),
        (&json!(0), &json!(["sales"]))
    );
}

#[test]
fn a_cluster_judges_who_deploys_by_what_is_shown() {
    let lab = Lab::open();
    let file = |name: &str, text: &str| {
        let path = lab.project.root().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (password, own) = (file("first", "correct horse battery"), file("own", "battery staple 2"));
    lab.run(&["role", "create", "reads", "--claim", "deployment:read"]).ended(0);
    lab.run(&["user", "create", "ann", "--role", "reads", "--password-file", &password]).ended(0);
    let profiles = lab.project.root().join("profiles");
    let by_ann = |arguments: &[&str]| {
        let mut command = binary();
        command.args(["--server", lab.weir.page()]).env("WEIR_CONFIG_DIR", &profiles);
        Ran::of(command.args(arguments))
    };
    by_ann(&["login", "ann", "--password-file", &password]).ended(0);
    let change = ["user", "password", "--present-file", &password, "--password-file", &own];
    by_ann(&change).ended(0);
    let refused = by_ann(&["deploy", "shop", "--tag", "s-1"]).ended(4);
    assert!(refused.stderr.contains("deployment:write"), "{}", refused.stderr);
    assert_eq!(lab.tags(), [""; 0]);
}

/// A configuration server in a process of its own, which signs as the engine does.
struct Design {
    child: Child,
    url: String,
}

impl Design {
    fn before(lab: &Lab) -> Self {
        let key = lab.project.data_dir().join("package-signing.key");
        let url = format!("http://127.0.0.1:{}", free_port());
        let root = lab.project.root();
        let mut command = binary();
        command.arg("config-server").stdout(Stdio::null());
        command.stderr(fs::File::create(root.join("design.log")).unwrap());
        for setting in [
            format!("weir.data-dir={}", root.join("design").display()),
            format!("weir.config-server.bind.port={}", &url[url.rfind(':').unwrap() + 1..]),
            format!("weir.config-server.engines=[\"{}\"]", lab.weir.rest()),
            format!("weir.packages.signing-key={}", key.display()),
            "weir.rest-server.trust-local=all".to_owned(),
        ] {
            command.args(["-D", &setting]);
        }
        let this = Self { child: command.spawn().unwrap(), url };
        let log = || fs::read_to_string(root.join("design.log")).unwrap();
        wait_until("the configuration server to answer", DEADLINE, || {
            let ran = this.run(&["project", "list"]);
            ran.code == Some(0) || {
                assert!(!log().contains("ERROR"), "{}", log());
                false
            }
        });
        this.run(&["project", "open", lab.shop().to_str().unwrap()]).ended(0);
        this
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(binary().args(["--server", &self.url]).args(arguments))
    }
}

impl Drop for Design {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn an_engine_that_is_gone_is_named_and_the_package_is_kept() {
    let mut lab = Lab::open();
    // The engine's key is made with its first package.
    lab.deploy(&["--tag", "s-0"]);
    let design = Design::before(&lab);
    design.run(&["deploy", "shop", "--tag", "s-1", "--activate", "--wait"]).ended(0);
    lab.weir.process.kill();
    let gone = design.run(&["deploy", "shop", "--tag", "s-2", "--environment", "test"]).ended(8);
    assert!(gone.stderr.contains(lab.weir.rest()), "{}", gone.stderr);
    let list = design.run(&["operation", "list", "--state", "failed"]).done();
    assert!(list.contains("deploy"), "{list}");
}
