//! The whole way of a project, from an empty server to what three engines run: versions, errors, a build, two
//! environments on two clusters with secrets, a change, what differs, a second deployment, and back. One script,
//! carried out by the command line and again over REST alone; and what is left when a deploy ends midway.

mod by_api;
mod by_cli;
mod gate;
mod midway;
mod site;

use serde_json::{Value, json};

use crate::support::{DEADLINE, wait_until};
use by_api::ByApi;
use by_cli::ByCli;
use site::{BROKEN, Site, WORKFLOW, asset_files};

/// What a deploy is asked for.
#[derive(Clone, Copy, Default)]
struct Deploy<'a> {
    cluster: &'a str,
    tag: &'a str,
    /// Whether a new base directory and an environment of this name are chosen.
    place: &'a str,
    version: Option<&'a str>,
    base: Option<&'a str>,
    is_plan: bool,
}

/// Whoever does what the script says, and tells what was answered.
trait Hand {
    /// Makes the first administrator of the server and logs her in.
    fn begin(&mut self, site: &Site);
    fn create(&self, project: &str);
    /// Over what is there, or as a new file.
    fn write(&self, project: &str, path: &str, text: &str);
    fn init(&self, project: &str);
    /// The version's id.
    fn commit(&self, project: &str, message: &str) -> String;
    /// What validating finds.
    fn errors(&self, project: &str) -> Vec<Value>;
    /// Why a build fails.
    fn build_refused(&self, project: &str) -> String;
    /// Builds a version, for no cluster.
    fn build(&self, project: &str, version: &str, site: &Site) -> Value;
    /// What engines are to trust.
    fn issuer(&self) -> Value;
    fn add(&self, cluster: &str, url: &str);
    fn deploy(&self, project: &str, wanted: Deploy<'_>, site: &Site) -> Value;
    /// What differs between two versions of a project.
    fn version_diff(&self, project: &str, from: &str, to: &str) -> Value;
    fn deployment_diff(&self, cluster: &str, from: &str, to: &str) -> Value;
    fn activations(&self, cluster: &str) -> Vec<Value>;
    fn roll_back(&self, cluster: &str);
}

fn run(hand: &mut dyn Hand) {
    let mut site = Site::empty();
    hand.begin(&site);
    hand.create("shop");
    hand.init("shop");
    for (path, text) in asset_files(&site) {
        hand.write("shop", path, &text);
    }

    // An error says where and what to do, and ends a build.
    hand.write("shop", "workflows/sales.yaml", BROKEN);
    let errors = hand.errors("shop");
    let error = errors.iter().find(|it| it["cause"] == "there is no stage raed");
    let error = error.unwrap_or_else(|| panic!("{errors:#?}"));
    assert_eq!(error["file"], "workflows/sales.yaml");
    assert_eq!((&error["line"], &error["fix"]), (&json!(10), &json!("did you mean read?")));
    let why = hand.build_refused("shop");
    assert!(why.contains("did you mean"), "{why}");
    hand.write("shop", "workflows/sales.yaml", WORKFLOW);
    assert_eq!(hand.errors("shop"), Vec::<Value>::new());
    let first = hand.commit("shop", "begin");

    // The same version is the same content, whatever the directory has by now.
    let built = hand.build("shop", &first, &site);
    assert_eq!((&built["commit"], &built["workflows"]), (&json!(first), &json!(["sales"])));
    hand.write(
        "shop",
        "environments/test.yaml",
        &site::environment("test").replace("PLACE: test", "PLACE: home"),
    );
    let again = hand.build("shop", "main", &site);
    assert_eq!((&again["digest"], &again["commit"]), (&built["digest"], &json!(first)));
    hand.write("shop", "environments/test.yaml", &site::environment("test"));

    // Clusters that trust this server's users and packages.
    let issuer = hand.issuer();
    assert_eq!(issuer["signer"], built["signer"]);
    site.start_clusters(&issuer);
    hand.add("trial", &site.trial().url);
    hand.add("east", &site.east()[0].url);
    wait_until("three engines to be a cluster", DEADLINE, || hand.activations("east").len() == 3);

    // The same secret is opened by each cluster's own key; the place is that of the environment.
    let to = |cluster, tag, place| Deploy { cluster, tag, place, ..Deploy::default() };
    hand.deploy("shop", to("trial", "s-1", "test"), &site);
    site.comes_out("test", "a", &json!({ "id": 1, "place": "test", "pin": site::PIN.len() }));
    let plan = Deploy { is_plan: true, version: Some("main"), ..to("east", "s-1", "prod") };
    let planned = hand.deploy("shop", plan, &site);
    assert_eq!(planned["plan"].as_array().unwrap().len(), 3, "{planned:#}");
    assert_eq!(planned["plan"][0]["starts"], json!(["sales"]));
    let deployed = hand.deploy("shop", Deploy { is_plan: false, ..plan }, &site);
    assert_eq!(deployed["nodes"].as_array().unwrap().len(), 3, "{deployed:#}");
    let of_first = json!({ "id": 1, "place": "prod", "pin": site::PIN.len() });
    site.comes_out("prod", "a", &of_first);

    // A change: what differs is told by field, before and after it is deployed.
    hand.write("shop", "workflows/sales.yaml", &site::changed());
    let second = hand.commit("shop", "count by tens");
    let diff = hand.version_diff("shop", &first, &second);
    assert_eq!(diff["files"].as_array().unwrap().len(), 1, "{diff:#}");
    assert!(diff["files"][0]["asset"]["edits"][0].to_string().contains("id * 10"), "{diff:#}");
    let based = Deploy { base: Some("s-1"), ..to("east", "s-2", "prod") };
    let deployed = hand.deploy("shop", Deploy { version: Some(&second), ..based }, &site);
    assert_eq!(deployed["base"], "s-1");
    let [sent, total] = ["sent", "total"].map(|it| deployed[it]["objects"].as_u64().unwrap());
    assert!(0 < sent && sent < total, "{sent} of {total}");
    assert_eq!(deployed["plan"][0]["restarts"], json!(["sales"]));
    let of_second = json!({ "id": 10, "place": "prod", "pin": site::PIN.len() });
    site.comes_out("prod", "b", &of_second);
    let diff = hand.deployment_diff("east", "s-1", "s-2");
    assert!(diff.to_string().contains("id * 10"), "{diff:#}");

    // And back: what was stored runs again, and the other cluster was never touched.
    hand.roll_back("east");
    wait_until("all nodes to run the first again", DEADLINE, || {
        let all = hand.activations("east");
        all.len() == 3 && all.iter().all(|it| it["current"] == "s-1" && it["state"] == "active")
    });
    site.comes_out("prod", "c", &of_first);
    site.comes_out("test", "b", &json!({ "id": 1, "place": "test", "pin": site::PIN.len() }));
    site.check_secret_unseen();
}

#[test]
fn a_project_goes_its_whole_way_by_the_command_line() {
    run(&mut ByCli::default());
}

#[test]
fn a_project_goes_its_whole_way_over_rest_alone() {
    run(&mut ByApi::default());
}
