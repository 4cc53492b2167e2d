//! Secrets of a project on their way to the engine that uses them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use weir_package::{Item, Limits, Package, Trust};
use weir_secrets::{Binding, PrivateKey, SealedSecret, Secret, write_private};

use super::{Desk, NODE, sources};
use crate::support::flow::{CSV, read, write};
use crate::support::{DEADLINE, Flow, Ran, binary, wait_until};

const VALUE: &str = "planted-pin-4711";

fn seal(to: &PrivateKey) -> String {
    seal_for("parcels", to)
}

fn seal_for(project: &str, to: &PrivateKey) -> String {
    let binding = Binding { project: project.parse().unwrap(), name: "PIN".parse().unwrap() };
    let value = Secret::from(VALUE.to_owned());
    SealedSecret::seal(&value, binding, &[to.public()]).unwrap().to_string()
}

/// A project in `parcels` whose mapping uses a secret.
fn project(dir: &Path, sealed: &str) {
    let map = "{ name: map, from: read, processor: { mapping: { set: \
               { pin: \"length('${sec:PIN}')\" } } } }";
    let flow = Flow::named("parcels").stage(&read(CSV, "")).stage(map).stage(&write("map", ""));
    sources(dir, &flow);
    let project = fs::read_to_string(dir.join("project.yaml")).unwrap();
    fs::create_dir_all(dir.join("out")).unwrap();
    fs::write(dir.join("project.yaml"), project.replace("spec: {", "spec: { secrets: [site],"))
        .unwrap();
    let asset = format!(
        "apiVersion: weir/v1\nkind: Secret\nmetadata: {{ name: site }}\nspec:\n  values:\n    \
         PIN: {sealed}\n"
    );
    fs::write(dir.join("secrets.yaml"), asset).unwrap();
}

fn key_file(dir: &Path, name: &str, key: &PrivateKey) -> PathBuf {
    let file = dir.join(name);
    write_private(&file, &key.to_text()).unwrap();
    file
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The secret of a package, and whether the value is to be seen in the file.
fn carried(file: &Path) -> (SealedSecret, bool) {
    let bytes = fs::read(file).unwrap();
    let package = Package::read(&bytes[..], &Trust::Anyone, &Limits::default()).unwrap();
    let content = &package.contents.content;
    let (item, object) = content.items().find(|it| matches!(it.0, Item::Secret(_))).unwrap();
    assert_eq!(item.to_string(), "secret PIN");
    assert_eq!(content.workflows[0].secrets.len(), 1, "the workflow's digest is over it");
    let sealed = std::str::from_utf8(&package.contents.objects[&object]).unwrap().parse().unwrap();
    let shows = bytes.windows(VALUE.len()).any(|it| it == VALUE.as_bytes());
    (sealed, shows)
}

#[test]
fn a_package_is_sealed_anew_to_the_clusters_that_it_is_for_and_to_nobody_else() {
    let root = tempfile::tempdir().unwrap();
    let [z, x, y] = std::array::from_fn(|_| PrivateKey::generate());
    project(&root.path().join("parcels"), &seal(&z));
    let build = |tag: &str, more: &[&str]| {
        let arguments = [&["build", "parcels", "--tag", tag], more].concat();
        Ran::of(binary().current_dir(root.path()).args(&arguments))
    };
    build("same", &[]).ended(0);
    let (sealed, shows) = carried(&root.path().join("same.weir"));
    assert_eq!((sealed.keys(), shows), (&[z.fingerprint()][..], false), "as the project has it");

    let own = key_file(root.path(), "own.key", &z);
    let [to_x, to_y] = [&x, &y].map(|it| it.public().to_string());
    let to = ["--seal-to", &to_x, "--seal-to", &to_y];
    let built =
        build("both", &[&to[..], &["--open-with", text(&own), "-o", "json"]].concat()).ended(0);
    let (sealed, shows) = carried(&root.path().join("both.weir"));
    let mut keys = [x.fingerprint(), y.fingerprint()];
    keys.sort();
    assert_eq!((sealed.keys(), shows), (&keys[..], false));
    for target in [&x, &y] {
        assert_eq!(sealed.open(target).unwrap(), Secret::from(VALUE.to_owned()));
    }
    assert!(sealed.open(&z).is_err());
    let said: serde_json::Value = serde_json::from_str(&built.stdout).unwrap();
    assert_eq!(said["secrets"][0]["name"], "PIN");
    assert_eq!(said["secrets"][0]["keys"][0], keys[0].to_string());

    let refused = |more: &[&str], code: &str| {
        let ran = build("none", &[&to[..], more].concat()).ended(6);
        assert!(ran.stderr.contains(code) && ran.stderr.contains("\nhint:  "), "{}", ran.stderr);
        assert!(!root.path().join("none.weir").exists());
        ran.stderr
    };
    let wrong = key_file(root.path(), "wrong.key", &x);
    let why = refused(&["--open-with", text(&wrong)], "WEIR-12001");
    assert!(why.contains(&z.fingerprint().to_string()), "the key that is missing is named: {why}");
    fs::set_permissions(&own, fs::Permissions::from_mode(0o644)).unwrap();
    refused(&["--open-with", text(&own)], "WEIR-12012");
}

#[test]
fn a_missing_key_keeps_a_node_on_what_it_ran_until_it_is_imported() {
    let desk = Desk::open();
    let key = PrivateKey::generate();
    project(&desk.sources(), &seal(&key));
    let dir = desk.sources();
    let ran = Ran::of(binary().args(["deployment", "apply", text(&dir)]));
    assert!(ran.code != Some(0) && ran.stderr.contains("WEIR-02236"), "{}", ran.stderr);

    desk.upload("p-1", None);
    desk.done(&["deployment", "activate", "p-1"]);
    let why = || desk.done(&["deployment", "why", NODE]);
    wait_until("the missing key to be told", DEADLINE, || why().contains("WEIR-06121"));
    assert!(why().contains(&key.fingerprint().to_string()), "{}", why());
    desk.project.put("a.csv", "id,amount\n1,1\n");
    wait_until("what runs to go on", DEADLINE, || desk.project.files("out") == ["a.jsonl"]);

    let file = key_file(desk.root(), "team.key", &key);
    desk.done(&["key", "import", "Team", "--file", text(&file)]);
    wait_until("the node to activate it by itself", DEADLINE, || why().contains("✓ active"));
    fs::write(dir.join("draft"), "id,amount\n1,1\n").unwrap();
    fs::rename(dir.join("draft"), dir.join("in/b.csv")).unwrap();
    let out = dir.join("out/b.jsonl");
    wait_until("a record to be mapped", DEADLINE, || out.exists());
    let length = VALUE.len();
    let record = fs::read_to_string(out).unwrap();
    assert!(record.contains(&format!("\"pin\":{length}")), "{record}");
    desk.weir.stop();
}

#[test]
fn a_sealed_line_of_another_project_is_opened_for_nobody() {
    let desk = Desk::open();
    let key = PrivateKey::generate();
    let file = key_file(desk.root(), "team.key", &key);
    desk.done(&["key", "import", "Team", "--file", text(&file)]);
    let build = |line: &str, more: &[&str]| {
        project(&desk.sources(), line);
        desk.run(&[&["build", "parcels", "--tag", "none"], more].concat())
    };
    let moved = "secret PIN of project billing is used as secret PIN of project parcels";
    let refused = |line: &str, more: &[&str], code: &str| {
        let ran = build(line, more);
        assert_ne!(ran.code, Some(0));
        assert!(ran.stderr.contains(code) && ran.stderr.contains(moved), "{}", ran.stderr);
        assert!(!desk.root().join("none.weir").exists());
    };
    let line = seal_for("billing", &key);
    refused(&line, &[], "WEIR-02237");
    // What the line says can be written anew; what is sealed in it can not.
    let forged = line.replace("weir-secret:2:billing:", "weir-secret:2:parcels:");
    let to = key.public().to_string();
    refused(&forged, &["--seal-to", &to, "--open-with", text(&file)], "WEIR-12018");
    desk.upload("p-1", None);
    desk.done(&["deployment", "activate", "p-1"]);
    let why = || desk.done(&["deployment", "why", NODE]);
    wait_until("the activation to be refused", DEADLINE, || why().contains("WEIR-12018"));
    assert!(why().contains(moved), "{}", why());
    desk.project.put("a.csv", "id,amount\n1,1\n");
    wait_until("what runs to go on", DEADLINE, || desk.project.files("out") == ["a.jsonl"]);
    desk.weir.stop();
}
