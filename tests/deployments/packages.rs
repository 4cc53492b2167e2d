//! Package files: built again they are the same, and what was done to one is named.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use super::sources;
use crate::support::flow::{CSV, read, write};
use crate::support::{Flow, Ran, binary};

/// A project and its packages, without an engine.
struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Self {
        let bench = Self(tempfile::tempdir().unwrap());
        let flow = Flow::named("parcels").stage(&read(CSV, "")).stage(&write("read", ""));
        sources(&bench.0.path().join("parcels"), &flow);
        bench
    }

    #[track_caller]
    fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = binary();
        command.current_dir(self.0.path()).env("SOURCE_DATE_EPOCH", "1691507660");
        Ran::of(command.args(arguments))
    }

    #[track_caller]
    fn build(&self, more: &[&str]) -> Value {
        let ran =
            self.run(&[&["build", "parcels", "-o", "json", "--author", "ada"], more].concat());
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        serde_json::from_str(&ran.stdout).unwrap()
    }

    fn bytes(&self, file: &str) -> Vec<u8> {
        fs::read(self.0.path().join(file)).unwrap()
    }

    /// What is said of a file like this one, but with other bytes.
    #[track_caller]
    fn said_of(&self, bytes: &[u8]) -> String {
        fs::write(self.0.path().join("bad.weir"), bytes).unwrap();
        let ran = self.run(&["deployment", "inspect", "bad.weir"]).ended(6);
        assert!(ran.stderr.contains("\nhint:  "), "{}", ran.stderr);
        ran.stderr
    }
}

#[test]
fn the_same_project_gives_the_same_file_and_any_tag_the_same_digest() {
    let bench = Bench::new();
    let first = bench.build(&["--tag", "p-${build:version}-${build:timestamp}"]);
    assert_eq!(first["file"], "p-1.2.3-20230808151420.weir");
    let again = bench.build(&["--tag", "p-1.2.3-20230808151420", "--file", "again.weir"]);
    assert!(bench.bytes("again.weir") == bench.bytes("p-1.2.3-20230808151420.weir"));
    let other = bench.build(&["--tag", "other", "--description", "x", "--commit", "4f2a"]);
    assert_eq!((&again["digest"], &other["digest"]), (&first["digest"], &first["digest"]));
    let elsewhere = bench.build(&["--tag", "elsewhere", "--base-dir", "/srv/parcels"]);
    assert_ne!(elsewhere["digest"], first["digest"]);

    let key = bench.0.path().join(".weir/package-signing.key");
    assert_eq!(fs::metadata(key).unwrap().permissions().mode() & 0o777, 0o600);
    let inspected = bench.run(&["deployment", "inspect", "other.weir", "-o", "json"]).json();
    for name in ["digest", "signer", "tag"] {
        assert_eq!(inspected[name], other[name], "{name}");
    }
    assert_eq!(inspected["commit"], "4f2a");
    let items: Vec<_> =
        inspected["items"].as_array().unwrap().iter().map(|it| it["item"].clone()).collect();
    assert_eq!(items, ["workflow parcels", "asset Workflow parcels", "the scheduler settings"]);
}

#[test]
fn what_can_not_be_built_is_refused_and_no_file_is_left() {
    let bench = Bench::new();
    bench.build(&["--tag", "a"]);
    bench.run(&["build", "parcels", "--tag", "a"]).ended(5);
    for (arguments, code, said) in [
        (&["--tag", "a/b"][..], 2, "a/b"),
        (&["--tag", "${build:comit}"], 2, "did you mean commit?"),
        (&["--tag", "b", "--workflow", "parcel"], 3, "did you mean parcels?"),
        (&["--tag", "b", "--base-dir", "relative"], 2, "is not absolute"),
        (&["--tag", "b", "-D", "weir.packages.signing-key=/nowhere/key"], 6, "/nowhere/key"),
    ] {
        let ran = bench.run(&[&["build", "parcels"], arguments].concat()).ended(code);
        assert!(ran.stderr.contains(said), "{arguments:?}: {}", ran.stderr);
    }
    assert!(!bench.0.path().join("b.weir").exists());
    let project = bench.0.path().join("parcels/project.yaml");
    let text = fs::read_to_string(&project).unwrap();
    fs::write(&project, text.replace("parcels: { target", "parcel: { target")).unwrap();
    let ran = bench.run(&["build", "parcels", "--tag", "b"]).ended(6);
    assert!(ran.stderr.contains("WEIR-02216") && ran.stderr.contains("did you mean parcels?"));
}

#[test]
fn a_file_that_was_damaged_or_changed_is_refused_and_the_object_named() {
    let bench = Bench::new();
    bench.build(&["--tag", "a"]);
    let good = bench.bytes("a.weir");
    let mut changed = good.clone();
    *changed.last_mut().unwrap() ^= 1;
    let said = bench.said_of(&changed);
    assert!(said.contains("WEIR-02409") && said.contains("was changed after"), "{said}");
    assert!(
        ["workflow parcels", "asset Workflow parcels", "the scheduler settings"]
            .iter()
            .any(|it| said.contains(it))
    );
    let mut manifest = good.clone();
    let at = manifest.windows(5).position(|it| it == b"\"ada\"").unwrap();
    manifest[at + 1] = b'e';
    assert!(bench.said_of(&manifest).contains("WEIR-02409"));
    assert!(bench.said_of(&good[..good.len() - 1]).contains("WEIR-02403"));
    assert!(bench.said_of(&[&good[..], b"x"].concat()).contains("WEIR-02403"));
    assert!(bench.said_of(b"").contains("WEIR-02401"));
    let newer = [b"WEIR-PACKAGE 2\n", &good[15..]].concat();
    let said = bench.said_of(&newer);
    assert!(said.contains("WEIR-02402") && said.contains("upgrade"), "{said}");
}
