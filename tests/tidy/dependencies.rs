//! Dependencies between the rooms point one way, and only some rooms see Arrow and DataFusion.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{METADATA, members};

/// What each package may depend on. A further edge is a decision of its own.
const ALLOWED: &[(&str, &[&str])] = &[
    ("weir-domain", &[]),
    ("weir-conf", &["domain"]),
    ("weir-package", &["domain"]),
    ("weir-persistence-api", &["domain"]),
    ("weir-persistence-sql", &["domain", "persistence-api"]),
    ("weir-persistence-objects", &["persistence-api"]),
    ("weir-checkpoint", &["domain", "persistence-api"]),
    ("weir-runtime", &["domain", "persistence-api"]),
    ("weir-secrets", &["domain"]),
    ("weir-remote", &["domain", "runtime"]),
    ("weir-cluster", &["domain", "persistence-api", "runtime", "remote"]),
    (
        "weir-controllers",
        &["domain", "package", "persistence-api", "runtime", "secrets", "cluster"],
    ),
    ("weir-identity", &["domain", "conf", "secrets", "controllers"]),
    ("weir-test-servers", &[]),
    ("weir-records", &[]),
    ("weir-formats", &["domain", "records"]),
    ("weir-expr", &["domain", "records"]),
    ("weir-stream", &["checkpoint", "domain", "persistence-api", "records", "runtime", "secrets"]),
    ("weir-operators", &["domain", "stream", "expr"]),
    (
        "weir-connectors",
        // Objects: there is one way to open a store of them.
        &["domain", "persistence-api", "persistence-objects", "stream", "formats", "runtime"],
    ),
    ("weir-script", &["domain", "stream", "formats"]),
    ("weir-project", &["domain", "conf", "package", "secrets", "stream"]),
    (
        "weir-testing",
        &["domain", "formats", "persistence-api", "project", "runtime", "secrets", "stream"],
    ),
    // Package: there is one way to tell how the fields of two assets differ.
    ("weir-merge", &["conf"]),
    ("weir-versions", &["domain", "conf", "merge", "package"]),
    ("weir-workspace", &["conf", "domain", "merge", "project"]),
    ("weir-http-ui", &[]),
    ("weir-http-api", &["domain"]),
    ("weir-http-client", &["domain", "http-api"]),
    (
        "weir-http-server",
        &[
            "domain",
            "package",
            "http-api",
            "http-client",
            "http-ui",
            "runtime",
            "secrets",
            "cluster",
            "controllers",
        ],
    ),
];

/// Rooms without data of records.
const WITHOUT_ARROW: [&str; 17] = [
    "weir-domain",
    "weir-conf",
    "weir-package",
    "weir-persistence-api",
    "weir-persistence-sql",
    "weir-persistence-objects",
    "weir-checkpoint",
    "weir-runtime",
    "weir-secrets",
    "weir-remote",
    "weir-cluster",
    "weir-controllers",
    "weir-http-api",
    "weir-http-client",
    "weir-http-server",
    "weir-http-ui",
    "weir-versions",
];

fn name(package: &Value) -> &str {
    package["name"].as_str().unwrap()
}

/// Names of what a package itself asks for outside of its tests.
fn direct(package: &Value) -> BTreeSet<&str> {
    let dependencies = package["dependencies"].as_array().unwrap();
    dependencies.iter().filter(|it| it["kind"] != "dev").map(name).collect()
}

#[test]
fn dependencies_between_the_rooms_point_one_way() {
    let allowed: BTreeMap<_, _> = ALLOWED.iter().copied().collect();
    for package in members().into_iter().filter(|it| name(it) != "weir") {
        let Some(allowed) = allowed.get(name(package)) else {
            panic!("{} has no line in the table of allowed dependencies", name(package));
        };
        let ours = direct(package).into_iter().filter_map(|it| it.strip_prefix("weir-"));
        let refused: Vec<_> = ours.filter(|it| !allowed.contains(it)).collect();
        assert_eq!(refused, Vec::<&str>::new(), "{} must not depend on these", name(package));
    }
    let known: BTreeSet<_> = members().into_iter().map(name).collect();
    let gone: Vec<_> = ALLOWED.iter().map(|it| it.0).filter(|it| !known.contains(it)).collect();
    assert_eq!(gone, Vec::<&str>::new(), "lines of the table without a package");
}

#[test]
fn only_the_expressions_see_datafusion() {
    let sees = |it: &&Value| direct(it).iter().any(|it| it.starts_with("datafusion"));
    let seers: Vec<_> = members().into_iter().filter(sees).map(name).collect();
    assert_eq!(seers, ["weir-expr"]);
}

#[test]
fn only_the_versions_see_git() {
    let sees = |it: &&Value| direct(it).contains("git2");
    let seers: Vec<_> = members().into_iter().filter(sees).map(name).collect();
    assert_eq!(seers, ["weir-versions"]);
}

#[test]
fn rooms_without_records_are_built_without_arrow() {
    let packages = METADATA["packages"].as_array().unwrap();
    let names: BTreeMap<_, _> =
        packages.iter().map(|it| (it["id"].as_str().unwrap(), name(it))).collect();
    let nodes = METADATA["resolve"]["nodes"].as_array().unwrap();
    let edges: BTreeMap<_, _> =
        nodes.iter().map(|it| (it["id"].as_str().unwrap(), needs(it))).collect();
    for room in WITHOUT_ARROW {
        let start = *names.iter().find(|it| *it.1 == room).unwrap().0;
        let mut reached = BTreeSet::from([start]);
        let mut pending = vec![start];
        while let Some(id) = pending.pop() {
            pending.extend(edges[id].iter().filter(|it| reached.insert(it)));
        }
        let seen: Vec<_> =
            reached.iter().map(|it| names[it]).filter(|it| it.starts_with("arrow")).collect();
        assert_eq!(seen, Vec::<&str>::new(), "{room} is built with these");
    }
}

/// What a package is built with, tests left out.
fn needs(node: &Value) -> Vec<&str> {
    let is_needed =
        |it: &&Value| it["dep_kinds"].as_array().unwrap().iter().any(|it| it["kind"] != "dev");
    let needs = node["deps"].as_array().unwrap().iter().filter(is_needed);
    needs.map(|it| it["pkg"].as_str().unwrap()).collect()
}
