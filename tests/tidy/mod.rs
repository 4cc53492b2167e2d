//! What keeps the house in order: dependencies, licences, generated files, codes, documents, units.

mod codes;
mod dependencies;
mod documents;
mod generated;
mod licences;
mod units;
mod verbs;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What cargo knows of all packages for the machine that runs this. Nothing is fetched.
static METADATA: LazyLock<Value> = LazyLock::new(|| {
    let version = Command::new("rustc").arg("-vV").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let host = version.lines().find_map(|it| it.strip_prefix("host: ")).unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--locked", "--format-version", "1"])
        .args(["--filter-platform", host])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
});

/// Our own packages.
fn members() -> Vec<&'static Value> {
    let ids = METADATA["workspace_members"].as_array().unwrap();
    let packages = METADATA["packages"].as_array().unwrap();
    packages.iter().filter(|it| ids.contains(&it["id"])).collect()
}

/// The directory of a member, relative to the root.
fn directory(member: &Value) -> PathBuf {
    let manifest = Path::new(member["manifest_path"].as_str().unwrap());
    manifest.parent().unwrap().strip_prefix(root()).unwrap().to_owned()
}

/// All Rust sources of a directory, tests and build output left out.
fn sources(dir: &Path) -> Vec<PathBuf> {
    let names = crate::support::files::below(&dir.join("src"));
    let for_tests = ["tests/", "tests.rs", "contract/", "memory/", "samples.rs"];
    let is_source =
        |it: &String| it.ends_with(".rs") && !for_tests.iter().any(|part| it.contains(part));
    names.into_iter().filter(is_source).map(|it| dir.join("src").join(it)).collect()
}
