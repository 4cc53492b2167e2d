//! Versions of projects on a configuration server, from the command line and over REST, beside `git`, which
//! knows nothing of it, and with remotes that ask for a password, or say nothing.

mod remote;

use std::fs;
use std::path::PathBuf;

use axum::http::Method;
use serde_json::{Value, json};
use weir_test_servers::{GitBehaviour, GitServer, git};

use remote::Remote;

use crate::support::flow::CSV;
use crate::support::{DEADLINE, Flow, Project, Ran, Start, Weir, binary, files, wait_for};

const SOURCE: &str = "\
apiVersion: weir/v1
kind: Source
metadata: { name: orders }
spec:
  file:
    directory: in # where they come
    format: lines
    pattern: a
";

struct Lab {
    project: Project,
    weir: Weir,
}

impl Lab {
    fn start() -> Self {
        Self::with(|it| it)
    }

    fn with(set: impl FnOnce(Start) -> Start) -> Self {
        let project = Project::of(&Flow::straight(CSV));
        let weir = set(Start::of(&project)).ready();
        Self { project, weir }
    }

    /// With a project `shop` of one asset and one version.
    fn with_shop(set: impl FnOnce(Start) -> Start) -> Self {
        let lab = Self::with(set);
        lab.run(&["create", "shop"]).done();
        lab.run(&["init", "shop"]).done();
        lab.write("sources/orders.yaml", SOURCE);
        lab.run(&["commit", "shop", "-m", "begin"]).done();
        lab
    }

    /// `weir project …` at the configuration server.
    #[track_caller]
    fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(binary().args(["--server", self.weir.page(), "project"]).args(arguments))
    }

    /// The same, as JSON.
    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        self.run(&[&["-o", "json"], arguments].concat()).json()
    }

    #[track_caller]
    fn refused(&self, arguments: &[&str], exit: i32, code: &str) -> String {
        let refused = self.run(arguments).ended(exit).stderr;
        assert!(refused.contains(code) && refused.contains("hint:"), "{arguments:?}: {refused}");
        refused
    }

    fn root(&self) -> PathBuf {
        self.project.data_dir().join("projects/shop")
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path)).unwrap()
    }

    /// As an editor does.
    fn write(&self, path: &str, text: &str) {
        let full = self.root().join(path);
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        fs::write(full, text).unwrap();
    }

    fn replace(&self, from: &str, to: &str) {
        let text = self.read("sources/orders.yaml");
        assert!(text.contains(from), "{from:?} in {text}");
        self.write("sources/orders.yaml", &text.replacen(from, to, 1));
    }

    fn head(&self) -> String {
        git(&self.root(), &["rev-parse", "HEAD"])
    }

    fn secret_file(&self, text: &str) -> String {
        let file = self.project.draft();
        fs::write(&file, format!("{text}\n")).unwrap();
        file.to_str().unwrap().to_owned()
    }

    #[track_caller]
    fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.weir.post_design(&format!("projects/shop/{path}"), body)
    }

    fn operations(&self) -> Vec<Value> {
        let (_, text) = self.weir.get(self.weir.page(), "/api/v1/operations");
        serde_json::from_str::<Value>(&text).unwrap()["items"].as_array().unwrap().clone()
    }
}

#[test]
fn a_project_gets_versions_and_each_is_found_compared_and_gone_back_to() {
    let lab = Lab::start();
    lab.run(&["create", "shop"]).done();
    let told = lab.run(&["status", "shop"]).done();
    assert_eq!(told, "shop has no versions; weir project init shop gives it some\n");
    lab.refused(&["commit", "shop", "-m", "x"], 5, "weir project init shop");
    lab.refused(&["history", "shop"], 5, "WEIR-13042");
    lab.refused(&["branch", "list", "shop"], 5, "WEIR-13042");

    let told = lab.run(&["init", "shop"]).done();
    assert_eq!(told, "shop is on branch main, at no version yet\n+ project.yaml\n");
    lab.refused(&["init", "shop"], 5, "WEIR-13002");
    let told = lab.run(&["commit", "shop", "-m", "begin", "--dry-run"]).done();
    assert_eq!(told, "it would take 1 file:\n+ project.yaml\n");
    lab.run(&["commit", "shop", "-m", "begin", "--email", "me@example.org"]).done();
    let author = git(&lab.root(), &["log", "-1", "--format=%an <%ae>"]);
    assert_eq!(author, "local <me@example.org>");

    lab.write("sources/orders.yaml", SOURCE);
    lab.write("notes.txt", "to do\n");
    lab.run(&["commit", "shop", "-m", "orders", "sources/orders.yaml"]).done();
    assert!(lab.run(&["status", "shop"]).done().ends_with("+ notes.txt\n"));
    lab.run(&["discard", "shop", "notes.txt"]).done();
    assert!(!lab.root().join("notes.txt").exists());
    lab.refused(&["commit", "shop", "-m", "again"], 5, "WEIR-13012");
    lab.refused(&["discard", "shop", "nope.txt"], 5, "WEIR-13012");

    lab.replace("pattern: a", "pattern: b");
    let told = lab.run(&["diff", "shop", "--fields"]).done();
    assert_eq!(
        told,
        "~ sources/orders.yaml  (Source orders)\n  spec.file.pattern: \"a\" is \"b\"\n"
    );
    let told = lab.run(&["diff", "shop"]).done();
    assert!(told.contains("\n-    pattern: a\n+    pattern: b\n"), "{told}");
    lab.run(&["commit", "shop", "-m", "b"]).done();

    let history = lab.json(&["history", "shop"])["items"].clone();
    let messages: Vec<_> = history.as_array().unwrap().iter().map(|it| &it["message"]).collect();
    assert_eq!(messages, ["b", "orders", "begin"]);
    let one = lab.json(&["history", "shop", "--asset", "sources/orders.yaml", "--limit", "1"]);
    assert_eq!(one["items"].as_array().unwrap().len(), 1);
    assert!(one["nextCursor"].is_string(), "{one}");
    let first = history[1]["id"].as_str().unwrap();
    let version = lab.json(&["version", "shop", &first[..8]]);
    assert_eq!(version["version"]["id"], first);
    assert_eq!(version["files"][1]["path"], "sources/orders.yaml");
    let text = lab.run(&["version", "shop", first, "--file", "sources/orders.yaml"]).done();
    assert_eq!(text, SOURCE);
    let between = lab.json(&["diff", "shop", "--from", first, "--to", "main"]);
    assert_eq!(between["files"][0]["asset"]["edits"][0]["after"], "b");
    lab.refused(&["version", "shop", "0000000"], 3, "WEIR-13003");
    lab.refused(&["version", "shop", first, "--file", "../../x"], 6, "WEIR-13004");
    lab.weir.stop();
}

#[test]
fn a_commit_from_outside_is_not_passed_over() {
    let lab = Lab::with_shop(|it| it);
    let seen = lab.head();
    lab.write("notes.txt", "theirs\n");
    git(&lab.root(), &["add", "notes.txt"]);
    git(&lab.root(), &["commit", "--quiet", "-m", "from outside"]);
    lab.replace("pattern: a", "pattern: b");
    let told = lab.refused(&["commit", "shop", "-m", "mine", "--if-head", &seen], 5, "WEIR-13015");
    assert!(!told.contains("--if-etag"), "{told}");
    assert_eq!(lab.post("versions", &json!({ "message": "mine" })).0, 428);
    lab.run(&["commit", "shop", "-m", "mine", "--if-head", &lab.head()]).done();
    assert_eq!(git(&lab.root(), &["log", "--format=%s"]), "mine\nfrom outside\nbegin");
    lab.weir.stop();
}

#[test]
fn two_editors_merge_and_decide_what_both_changed_by_field() {
    let lab = Lab::with_shop(|it| it);
    let both = |branch: &str| {
        lab.run(&["branch", "create", "shop", branch]).done();
        lab.run(&["branch", "switch", "shop", branch]).done();
        lab.replace("pattern: a", &format!("pattern: {branch}"));
        lab.replace("format: lines", "format: rows");
        lab.run(&["commit", "shop", "-m", branch]).done();
        lab.run(&["branch", "switch", "shop", "main"]).done();
    };
    both("theirs");
    lab.replace("pattern: a", "pattern: ours");
    lab.run(&["commit", "shop", "-m", "ours"]).done();
    let before = lab.head();

    let dry = lab.run(&["merge", "shop", "theirs", "--dry-run"]).ended(5);
    assert!(dry.stdout.starts_with("sources/orders.yaml:spec.file.pattern\n"), "{}", dry.stdout);
    let conflicts = lab.run(&["merge", "shop", "theirs"]).ended(5);
    assert!(conflicts.stdout.contains("  theirs  \"theirs\"\n"), "{}", conflicts.stdout);
    assert_eq!((lab.head(), lab.run(&["status", "shop"]).done().lines().count()), (before, 2));
    // The command that is told decides for ours, as it is copied.
    let next = conflicts.stderr.lines().find_map(|it| it.trim().strip_prefix("weir project "));
    let next = next.unwrap().replace('\'', "").replace("--ours", "--theirs");
    lab.run(&next.split(' ').collect::<Vec<_>>()).done();
    let text = lab.read("sources/orders.yaml");
    assert!(text.contains("pattern: theirs") && text.contains("format: rows"), "{text}");
    assert!(text.contains("# where they come"), "{text}");

    // The same through the API, with a value of one's own.
    lab.replace("pattern: theirs", "pattern: a");
    lab.replace("format: rows", "format: lines");
    lab.run(&["commit", "shop", "-m", "back"]).done();
    both("again");
    lab.replace("pattern: a", "pattern: ours");
    lab.run(&["commit", "shop", "-m", "ours again"]).done();
    let (status, merge) = lab.post("versions:merge", &json!({ "branch": "again" }));
    assert_eq!((status, &merge["outcome"]), (200, &json!("conflicts")));
    let conflict = &merge["conflicts"][0];
    assert_eq!((&conflict["base"], &conflict["ours"]), (&json!("a"), &json!("ours")));
    let decided = |ours: &Value| {
        let decision = json!({ "path": conflict["path"], "field": conflict["field"],
                               "take": "value", "value": "both" });
        let decisions = json!({ "ours": ours, "theirs": merge["theirs"], "conflicts": [decision] });
        lab.post("versions:merge", &json!({ "branch": "again", "decisions": decisions }))
    };
    let (status, problem) = decided(&merge["theirs"]);
    assert_eq!((status, &problem["code"]), (412, &json!("WEIR-13015")));
    let (status, merged) = decided(&merge["ours"]);
    assert_eq!((status, &merged["outcome"]), (200, &json!("merged")), "{merged}");
    assert_eq!(merged["version"], lab.head());
    let text = lab.read("sources/orders.yaml");
    assert!(text.contains("pattern: both") && text.contains("format: rows"), "{text}");
    lab.weir.stop();
}

#[test]
fn branches_are_made_renamed_and_deleted_and_what_is_not_committed_stays() {
    let lab = Lab::with_shop(|it| it);
    lab.run(&["branch", "create", "shop", "a/b"]).done();
    lab.refused(&["branch", "create", "shop", "a/b"], 5, "WEIR-13022");
    for bad in ["", "a..b", "HEAD", "a b", "-x", "x.lock", "refs/../x"] {
        lab.run(&["branch", "create", "shop", "--", bad]).ended(6);
    }
    lab.run(&["branch", "rename", "shop", "a/b", "other"]).done();
    lab.run(&["branch", "switch", "shop", "other"]).done();
    lab.replace("pattern: a", "pattern: b");
    lab.run(&["commit", "shop", "-m", "b"]).done();
    lab.replace("pattern: b", "pattern: c");
    let told = lab.refused(&["branch", "switch", "shop", "main"], 5, "WEIR-13025");
    assert!(told.contains("sources/orders.yaml"), "{told}");
    assert!(lab.read("sources/orders.yaml").contains("pattern: c"));
    lab.run(&["discard", "shop", "sources/orders.yaml"]).done();
    lab.refused(&["branch", "delete", "shop", "other"], 5, "WEIR-13023");
    lab.run(&["branch", "switch", "shop", "main"]).done();
    lab.refused(&["branch", "delete", "shop", "other"], 5, "WEIR-13024");
    lab.run(&["branch", "delete", "shop", "other", "--force"]).done();
    lab.refused(&["branch", "switch", "shop", "other"], 3, "WEIR-13021");
    let names = lab.json(&["branch", "list", "shop"]);
    assert_eq!(names["items"].as_array().unwrap().len(), 1, "{names}");
    lab.weir.stop();
}

#[test]
fn no_version_gives_a_project_another_name() {
    let lab = Lab::with_shop(|it| it);
    git(&lab.root(), &["checkout", "--quiet", "-b", "other"]);
    let text = lab.read("project.yaml");
    lab.write("project.yaml", &text.replace("shop", "store"));
    git(&lab.root(), &["commit", "--quiet", "-a", "-m", "store"]);
    git(&lab.root(), &["checkout", "--quiet", "main"]);
    for step in [&["branch", "switch", "shop", "other"][..], &["merge", "shop", "other"]] {
        let told = lab.refused(step, 5, "WEIR-13044");
        assert!(told.contains("project.yaml would call the project store"), "{told}");
        assert_eq!(lab.read("project.yaml"), text);
    }
    lab.write("project.yaml", &text.replace("shop", "bazaar"));
    lab.refused(&["discard", "bazaar", "project.yaml"], 5, "would call the project shop");
    lab.weir.stop();
}

/// Neither in a file of the data directory, nor in the log.
fn check_unseen(lab: &Lab) {
    let dir = lab.project.data_dir();
    let names = files::below(&dir);
    assert!(names.iter().any(|it| it == "remote-credentials.json"), "{names:?}");
    for name in names {
        let held = fs::read(dir.join(&name)).unwrap_or_default();
        assert!(
            !held.windows(GitServer::PASSWORD.len()).any(|it| it == GitServer::PASSWORD.as_bytes()),
            "{name}"
        );
    }
    assert!(!lab.weir.process.log().contains(GitServer::PASSWORD));
}

#[test]
fn versions_go_to_a_remote_and_come_back_and_its_password_is_seen_nowhere() {
    let remote = Remote::new(GitBehaviour::Serve);
    let address = remote.repository("shop");
    let lab = Lab::with_shop(|it| it);
    let (right, wrong) = (lab.secret_file(GitServer::PASSWORD), lab.secret_file("not-this-one"));
    lab.run(&["remote", "add", "shop", "origin", &address]).done();
    lab.refused(&["push", "shop"], 5, "WEIR-13037");
    let credentials = |file: &str| {
        lab.run(&[
            "remote",
            "credentials",
            "shop",
            "origin",
            "--user",
            GitServer::USER,
            "--secret-file",
            file,
        ])
    };
    credentials(&wrong).ended(0);
    lab.refused(&["push", "shop"], 5, "WEIR-13037");
    let given = credentials(&right).ended(0);
    assert!(given.stdout.contains("credentials:  of ada\n"), "{}", given.stdout);
    assert_eq!(given.stderr, format!("origin leads to {address}\n"));
    let told = lab.run(&["push", "shop"]).ended(0).stdout;
    assert!(told.starts_with("origin has main at "), "{told}");
    check_unseen(&lab);

    // Somebody else changes it with `git`, and so do we.
    let theirs = remote.clone_of("shop");
    fs::write(theirs.path().join("notes.txt"), "theirs\n").unwrap();
    git(theirs.path(), &["add", "."]);
    git(theirs.path(), &["commit", "--quiet", "-m", "theirs"]);
    git(theirs.path(), &["push", "--quiet"]);
    lab.replace("pattern: a", "pattern: b");
    lab.run(&["commit", "shop", "-m", "ours"]).done();
    lab.refused(&["push", "shop"], 5, "WEIR-13040");
    let pulled = lab.run(&["pull", "shop"]).ended(0);
    assert!(pulled.stdout.starts_with("origin/main is merged: "), "{}", pulled.stdout);
    assert!(pulled.stderr.contains("main moved from "), "{}", pulled.stderr);
    assert_eq!(lab.read("notes.txt"), "theirs\n");
    lab.run(&["push", "shop"]).ended(0);

    // Another program leads the remote elsewhere: nothing is shown there.
    let elsewhere = Remote::new(GitBehaviour::Serve);
    let other = elsewhere.repository("shop");
    git(&lab.root(), &["remote", "set-url", "origin", &other]);
    lab.refused(&["remote", "fetch", "shop"], 5, "WEIR-13043");
    // Nor is anything kept for it that somebody gives who saw the former address.
    let given = json!({ "address": address, "secret": GitServer::PASSWORD });
    let put = lab.weir.ask_design(Method::PUT, "projects/shop/remotes/origin/credentials", &given);
    assert_eq!((put.0, &put.1["code"]), (412, &json!("WEIR-13043")), "{}", put.1);
    git(&lab.root(), &["remote", "set-url", "origin", &address]);

    // The project goes by another name, and its credentials with it; then it goes, and they as well.
    let builds = |project: &str| lab.project.data_dir().join("builds").join(project);
    fs::create_dir_all(builds("shop")).unwrap();
    lab.run(&["rename", "shop", "store"]).done();
    assert!(builds("store").exists() && !builds("shop").exists(), "so do its packages");
    lab.run(&["remote", "fetch", "store"]).ended(0);
    lab.run(&["remote", "credentials", "store", "origin", "--forget"]).done();
    lab.refused(&["remote", "fetch", "store"], 5, "WEIR-13037");
    lab.run(&["remote", "remove", "store", "origin"]).done();
    lab.refused(&["remote", "fetch", "store"], 3, "WEIR-13031");
    lab.run(&["remove", "store"]).done();
    assert!(!builds("store").exists());
    lab.weir.stop();
}

#[test]
fn a_project_is_cloned_whole_or_not_at_all() {
    let remote = Remote::new(GitBehaviour::Serve);
    let (shop, empty) = (remote.repository("shop"), remote.repository("empty"));
    let lab = Lab::with_shop(|it| it);
    let secret = lab.secret_file(GitServer::PASSWORD);
    let with = ["--user", GitServer::USER, "--secret-file", &secret];
    lab.run(&[&["remote", "add", "shop", "origin", &shop], &with[..]].concat()).done();
    lab.run(&["push", "shop"]).ended(0);

    lab.refused(&[&["clone", &shop], &with[..]].concat(), 5, "WEIR-07013");
    lab.run(&["remove", "shop", "--delete-files-of", "shop"]).done();
    lab.refused(&["clone", &shop], 5, "WEIR-13037");
    lab.refused(&[&["clone", &empty], &with[..]].concat(), 5, "project.yaml");
    lab.refused(&[&["clone", &remote.url("nope")], &with[..]].concat(), 3, "WEIR-13038");
    lab.refused(&["clone", "ssh://git@host/shop"], 6, "WEIR-13033");
    lab.refused(&["clone", "/etc"], 6, "WEIR-13033");
    lab.run(&[&["clone", &shop], &with[..]].concat()).ended(0);
    assert_eq!(lab.read("sources/orders.yaml"), SOURCE);
    // Its credentials are kept for the remote that it came from.
    lab.run(&["remote", "fetch", "shop"]).ended(0);
    check_unseen(&lab);
    let left = files::hidden_below(&lab.project.data_dir().join("projects"));
    assert!(!left.iter().any(|it| it.contains("weir-arrival")), "{left:?}");
    lab.weir.stop();
}

#[test]
fn a_remote_that_hangs_comes_to_an_end_or_is_cancelled() {
    let remote = Remote::new(GitBehaviour::Hang);
    let lab = Lab::with_shop(|it| it.set("weir.config-server.remotes.silence=300ms"));
    lab.run(&["remote", "add", "shop", "origin", &remote.url("shop")]).done();
    lab.refused(&["pull", "shop"], 7, "WEIR-13035");
    lab.refused(&["clone", &remote.url("shop")], 7, "WEIR-13035");
    let before = lab.head();
    lab.weir.stop();

    let weir = Start::of(&lab.project).ready();
    let lab = Lab { weir, ..lab };
    let (status, begun) = lab.post("remotes/origin/fetch", &json!({}));
    assert_eq!(
        (status, &begun["kind"], &begun["state"]),
        (202, &json!("fetch"), &json!("running"))
    );
    let id = begun["id"].as_str().unwrap();
    let (status, _) = lab.weir.post_design(&format!("operations/{id}/cancel"), &json!({}));
    assert_eq!(status, 200);
    let ended = wait_for("the operation to end", DEADLINE, || {
        lab.operations().into_iter().find(|it| it["id"] == id && it["state"] != "running")
    });
    assert_eq!(ended["state"], "cancelled", "{ended}");
    assert_eq!(lab.head(), before);
    lab.weir.stop();
}
