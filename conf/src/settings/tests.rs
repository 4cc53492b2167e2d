mod cluster;

use std::collections::{BTreeSet, HashMap};
use std::fs;

use serde_json::Value as Json;
use tempfile::TempDir;

use super::*;

/// Loads `text` as a file of its own; findings show the file as `FILE`.
fn load_in(env: &[(&str, &str)], text: &str, overrides: &[&str]) -> Result<Settings, Vec<String>> {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("weir.conf");
    fs::write(&file, text).unwrap();
    let overrides: Vec<_> = overrides.iter().map(|it| (*it).to_owned()).collect();
    let env = env.iter().map(|it| (it.0.to_owned(), it.1.to_owned())).collect();
    let shown = |it: &Finding| it.to_string().replace(&file.display().to_string(), "FILE");
    let read = Settings::load_with(Some(&file), &overrides, Some(env));
    read.map_err(|all| all.iter().map(shown).collect())
}

fn load(text: &str) -> Settings {
    load_in(&[], text, &[]).unwrap()
}

fn check(text: &str, expected: &[&str]) {
    assert_eq!(load_in(&[], text, &[]).err().unwrap_or_default(), expected, "in {text}");
}

fn check_override(text: &str, expected: &[&str]) {
    assert_eq!(load_in(&[], "", &[text]).err().unwrap_or_default(), expected, "in {text}");
}

#[test]
fn the_defaults_are_those_of_the_reference() {
    let settings = Settings::load_with(None, &[], Some(HashMap::new())).unwrap();
    assert_eq!(settings.node, Node { name: None, roles: vec![] });
    assert_eq!(settings.rest_server.bind, Bind { host: "127.0.0.1".to_owned(), port: 5842 });
    assert_eq!(settings.stream.edge_bytes, Bytes(4 << 20));
    assert_eq!(settings.supervision.min_backoff, Millis(200));
    assert_eq!(settings.logging.file, None);
    let database = settings.in_data_dir(&settings.persistence.journal.sqlite.file);
    assert_eq!(database, PathBuf::from("./.weir/weir.db"));
    let projects = settings.in_data_dir(&settings.config_server.projects_dir);
    assert_eq!(projects, PathBuf::from("./.weir/projects"));
    assert_eq!(settings.in_data_dir("/abs/weir.db"), PathBuf::from("/abs/weir.db"));
}

#[test]
fn a_master_key_has_one_place_and_engines_that_share_a_database_name_it() {
    let of = |text: &str| format!("weir.secrets.master-key {{ {text} }}");
    let two = of("file = a, variable = B");
    let refused = load_in(&[], &two, &[]).unwrap_err();
    assert!(refused[0].contains("there are two places of one key"), "{refused:?}");
    let refused = load_in(&[], &of("passphrase-file = a"), &[]).unwrap_err();
    assert!(refused[0].contains("there is no secrets.master-key.file"), "{refused:?}");
    let shared = "weir.persistence.journal { plugin = mariadb, mysql.host = db }\n";
    let refused = load_in(&[], shared, &[]).unwrap_err();
    assert!(refused.iter().any(|it| it.contains("weir key master FILE")), "{refused:?}");
    for place in ["file = a", "variable = A", "file = a, passphrase-file = b"] {
        let read = load_in(&[], &format!("{shared}{}", of(place)), &[]);
        let findings = read.err().unwrap_or_default();
        assert!(!findings.iter().any(|it| it.contains("master-key")), "{findings:?}");
    }
}

#[test]
fn every_key_is_in_the_reference_and_every_key_of_the_reference_is_a_setting() {
    let reference = hocon::parse(REFERENCE.0, REFERENCE.1).unwrap().to_json();
    let settings = Settings::load_with(None, &[], Some(HashMap::new())).unwrap();
    let settings = serde_json::to_value(settings).unwrap();
    assert_eq!(keys(&reference["weir"], ""), keys(&settings, ""));
}

fn keys(value: &Json, path: &str) -> BTreeSet<String> {
    match value {
        Json::Object(fields) if !fields.is_empty() => {
            fields.iter().flat_map(|(key, it)| keys(it, &crate::path::join(path, key))).collect()
        }
        _ => BTreeSet::from([path.to_owned()]),
    }
}

#[test]
fn every_key_of_the_reference_is_explained() {
    for (number, line) in REFERENCE.1.lines().enumerate() {
        assert!(line.len() <= 118, "line {} is too long", number + 1);
    }
    for block in REFERENCE.1.split("\n\n").filter(|it| it.contains(" = ")) {
        assert!(block.contains("# "), "nothing explains {block}");
    }
}

#[test]
fn every_file_that_is_shipped_reads() {
    let in_directory = |name: &str| fs::read_dir(name).unwrap().map(|it| it.unwrap().path());
    let files = [".", "cluster-mariadb", "cluster-postgresql"].into_iter().flat_map(in_directory);
    let files: Vec<_> = files.filter(|it| it.extension().is_some_and(|it| it == "conf")).collect();
    assert_eq!(files.len(), 3 + 2 * 4);
    for file in files {
        let read = Settings::load_with(Some(&file), &[], Some(HashMap::new()));
        assert!(read.is_ok(), "{}: {read:?}", file.display());
    }
}

#[test]
fn the_file_overrides_the_defaults_and_the_command_line_overrides_the_file() {
    let text = "weir { node.name = a, data-dir = /var/weir\n rest-server.bind.port = ${?PORT}
        config-server.projects-dir = ${weir.data-dir}/work }";
    let overrides = ["-Dweir.node.name=b", "weir.node.roles=[x, y]", "weir.logging.file=//tmp/#1"];
    let settings = load_in(&[("PORT", "7000")], text, &overrides).unwrap();
    assert_eq!(settings.node.name.unwrap().as_str(), "b");
    assert_eq!(settings.node.roles, ["x", "y"]);
    assert_eq!(settings.rest_server.bind.port, 7000);
    assert_eq!(settings.logging.file, Some(PathBuf::from("//tmp/#1")));
    assert_eq!(settings.config_server.projects_dir, PathBuf::from("/var/weir/work"));
    let unset = load_in(&[], text, &["weir.data-dir=./x"]).unwrap();
    assert_eq!(unset.rest_server.bind.port, 5842);
    // Substitutions see all layers.
    assert_eq!(unset.config_server.projects_dir, PathBuf::from("./x/work"));
    assert_eq!(load_in(&[("N", "")], "weir.node.name = ${?N}", &[]).unwrap().node.name, None);
}

#[test]
fn null_on_the_command_line_is_none_and_in_quotes_a_text() {
    let file = "weir.logging.file = /var/log/weir.log";
    let log = |one: &str| load_in(&[], file, &[one]).unwrap().logging.file;
    assert_eq!(log("weir.logging.file=null"), None);
    assert_eq!(log("weir.logging.file=\"null\""), Some(PathBuf::from("null")));
    assert_eq!(log("weir.logging.file=null.log"), Some(PathBuf::from("null.log")));
}

#[test]
fn helper_keys_may_stand_beside_the_root_if_something_refers_to_them() {
    let settings = load("port = 9000\nweir.rest-server.bind.port = ${port}");
    assert_eq!(settings.rest_server.bind.port, 9000);
    check(
        "port = 9000\nwier.node.name = a\nrest-server {}\nzzz = 1\nweir.node.name = ${port}",
        &[
            "FILE:2:1: error[WEIR-01101] wier: unknown key \"wier\"\n  fix: did you mean \"weir\"?",
            "FILE:3:1: error[WEIR-01101] rest-server: unknown key \"rest-server\"\n  fix: write it below \"weir\": weir.rest-server",
            "FILE:4:1: error[WEIR-01101] zzz: unknown key \"zzz\"\n  fix: remove it: all settings stand below \"weir\"",
        ],
    );
}

#[test]
fn what_is_wrong_is_refused_with_file_line_path_and_suggestion() {
    let text = "\
weir {
  node { nme = a, roles = ingest }
  rest-server {
    bind.prt = 1
    bind.port = 70000
    request-timeout = 30
    max-body = many
  }
  stream.batch-rows = 0
  logging { level = verbos, levels { weir_stream = inof } }
  persistence.journal.plugin = h2
}
";
    check(
        text,
        &[
            "FILE:2:10: error[WEIR-01101] weir.node.nme: unknown key \"nme\"\n  fix: did you mean \"name\"?",
            "FILE:2:27: error[WEIR-01102] weir.node.roles: expected a list, found the text \"ingest\"",
            "FILE:4:5: error[WEIR-01101] weir.rest-server.bind.prt: unknown key \"prt\"\n  fix: did you mean \"port\"?",
            "FILE:5:17: error[WEIR-01102] weir.rest-server.bind.port: expected a whole number from 0 to 65535, found the number 70000",
            "FILE:6:23: error[WEIR-01102] weir.rest-server.request-timeout: \"30\" has no unit: write for instance \"30s\"",
            "FILE:7:16: error[WEIR-01102] weir.rest-server.max-body: \"many\" is no unit of size: use B, KiB, MiB, GiB, kB, MB or GB",
            "FILE:9:23: error[WEIR-01102] weir.stream.batch-rows: expected a whole number from 1 to 4294967295, found the number 0",
            "FILE:10:21: error[WEIR-01102] weir.logging.level: \"verbos\" is not allowed here\n  fix: use one of error, warn, info, debug, trace",
            "FILE:10:52: error[WEIR-01102] weir.logging.levels.weir_stream: \"inof\" is not allowed here\n  fix: did you mean \"info\"?",
            "FILE:11:32: error[WEIR-01102] weir.persistence.journal.plugin: \"h2\" is not allowed here\n  fix: use one of sqlite, mariadb, mysql, postgresql",
        ],
    );
}

#[test]
fn settings_that_contradict_each_other_are_refused_where_a_person_wrote_them() {
    check(
        "weir {\n supervision.max-backoff = 100ms\n stream.batch-bytes = 8MiB\n}",
        &[
            "FILE:2:28: error[WEIR-01110] weir.supervision.max-backoff: 100ms is less than 200ms, the value of supervision.min-backoff\n  fix: raise it, or lower supervision.min-backoff",
            "FILE:3:23: error[WEIR-01110] weir.stream.batch-bytes: 8MiB is more than 4MiB, the value of stream.edge-bytes\n  fix: lower it, or raise stream.edge-bytes",
        ],
    );
    check(
        "weir.config-server.bind.port = 5842\nweir.metrics.bind.host = \"\"\nweir.node.roles = [\"a b\"]\nweir.shutdown.phase-timeout = 0s",
        &[
            "FILE:4:31: error[WEIR-01110] weir.shutdown.phase-timeout: it must be longer than nothing\n  fix: write for instance 1s",
            "FILE:1:32: error[WEIR-01110] weir.config-server.bind.port: port 5842 is the port of rest-server.bind.port, too\n  fix: choose another port",
            "FILE:2:26: error[WEIR-01110] weir.metrics.bind.host: \"\" is not the name or address of a host\n  fix: write for instance 127.0.0.1 or 0.0.0.0",
            "FILE:3:20: error[WEIR-01110] weir.node.roles[0]: \"a b\" is not a role: it is empty or has a space in it\n  fix: write one word per role",
        ],
    );
    check("weir { rest-server.bind.port = 0, config-server.bind.port = 0 }", &[]);
}

#[test]
fn a_store_of_checkpoints_that_can_not_be_one_is_refused() {
    let check = |text: &str, wanted: &[&str]| {
        let refused = load_in(&[], &format!("weir.stream.checkpoint-store {{ {text} }}"), &[]);
        let refused = refused.err().unwrap_or_default();
        assert_eq!(refused.len(), wanted.len(), "{refused:?}");
        for (refused, wanted) in refused.iter().zip(wanted) {
            assert!(refused.contains(wanted), "{refused}");
        }
    };
    check("type = database, s3.endpoint = nonsense", &[]);
    check("type = directory", &["checkpoint-store.type: checkpoints are to be in a directory"]);
    check("type = directory, directory = blobs", &[]);
    let key = "s3.access-key-id = a";
    check(
        &format!("type = s3, {key}, s3.endpoint = \"http://s3\""),
        &[
            "fix: stream.checkpoint-store.s3.bucket: write",
            "s3.secret-access-key: set it",
            "allow-http",
        ],
    );
    check("type = s3, s3.bucket = a", &[]);
    check("type = gcs", &["gcs.bucket: write its name"]);
    check("type = azure, azure.account = a", &["azure.container: write its name"]);
    check(
        "type = s3, s3.bucket = a, s3.secret-acces-key = b",
        &["did you mean \"secret-access-key\"?"],
    );
}

#[test]
fn the_command_line_is_refused_by_the_name_of_its_key() {
    check_override(
        "weir.rest-server.bind.port=many",
        &[
            "-D weir.rest-server.bind.port: error[WEIR-01102] weir.rest-server.bind.port: expected a whole number from 0 to 65535, found the text \"many\"",
        ],
    );
    check_override(
        "weir.rest-sever.bind.port=1",
        &[
            "-D weir.rest-sever.bind.port: error[WEIR-01101] weir.rest-sever: unknown key \"rest-sever\"\n  fix: did you mean \"rest-server\"?",
        ],
    );
    check_override(
        "weir.node.roles=[a",
        &["-D weir.node.roles: error[WEIR-01104]: '[' is never closed\n  fix: close it"],
    );
    for text in ["verbose", "=1", "a b=1", "weir..x=1", "include \"x\"=1", "weir{x=1"] {
        let refused = load_in(&[], "", &[text]).unwrap_err();
        assert!(refused[0].contains("does not set a key"), "{refused:?}");
    }
}

#[test]
fn a_file_that_can_not_be_read_is_refused() {
    let missing = Settings::load(Some(Path::new("nowhere/weir.conf")), &[]).unwrap_err();
    assert_eq!(
        missing[0].to_string(),
        "nowhere/weir.conf: error[WEIR-01105]: can't read the configuration: there is no such file\n  fix: check the path and its permissions"
    );
    let directory = TempDir::new().unwrap();
    let refused = Settings::load(Some(directory.path()), &[]).unwrap_err();
    assert!(refused[0].cause.contains("it is not a file"), "{}", refused[0]);
    let file = directory.path().join("latin.conf");
    fs::write(&file, b"a = 1\nb = \"\xe4\"\n").unwrap();
    let refused = Settings::load(Some(&file), &[]).unwrap_err();
    assert!(refused[0].cause.contains("line 2 is not UTF-8"), "{}", refused[0]);
}

#[test]
fn what_is_in_force_is_shown_as_people_write_it() {
    let shown = load("weir.logging.levels { weir_stream = debug }").effective();
    assert_eq!(shown["stream"]["edge-bytes"], "4MiB");
    assert_eq!(shown["shutdown"]["drain-timeout"], "30s");
    assert_eq!(shown["logging"]["levels"]["weir_stream"], "debug");
}

mod users;
