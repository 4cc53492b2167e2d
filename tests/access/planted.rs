//! Secrets that pass through the engine, and those that its workflows use, are found nowhere: not in its
//! database, its log, its metrics, its refusals, nor in packages, dead letters and the audit.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{Office, text};
use crate::support::flow::{read_with, write};
use crate::support::{DEADLINE, Flow, Ran, files, wait_until};

const PASSWORD: &str = "planted-password-9b1f";
const WRONG: &str = "planted-wrong-password-77aa";
const PASSPHRASE: &str = "planted-passphrase-c3d4";
const VALUE: &str = "planted-value-5e6f";
const NUMBER: &str = "9182736455463728";
const MISPLACED: &str = "planted-misplaced-8a9b";

#[test]
fn planted_secrets_are_found_nowhere() {
    let office = Office::open().with_administrator(PASSWORD);
    let first = fs::read_to_string(office.project.root().join("ada")).unwrap();
    assert_eq!(first, PASSWORD);
    let mut said = String::new();
    let mut secrets = vec![PASSWORD.to_owned(), WRONG.into(), PASSPHRASE.into(), VALUE.into()];

    let wrong = office.file("wrong", WRONG);
    said += &office.denied("eve", &["login", "ada", "--password-file", text(&wrong)]);
    let profile = fs::read_to_string(office.project.root().join("profiles/ada/profiles.json"));
    let profile: Value = serde_json::from_str(&profile.unwrap()).unwrap();
    let session = profile["profiles"]["default"]["token"].as_str().unwrap().to_owned();
    secrets.push(session.clone());
    let create = ["token", "create", "t", "--claim", "key:read", "--expires-in", "1h"];
    secrets.push(office.done("ada", &create).trim().to_owned());

    let value = office.file("value", VALUE);
    let sealed = sealed_from(&office, "VALUE", text(&value));
    let sealed = sealed.trim();
    assert!(sealed.starts_with("weir-secret:2:packaged:VALUE:"), "{sealed}");
    let passphrase = office.file("passphrase", PASSPHRASE);
    let under = ["--passphrase-file", text(&passphrase)];
    let exported = office.done("ada", &[&["key", "export", "DefaultKey"], &under[..]].concat());
    let file = office.file("exported", &exported);
    let import = ["key", "import", "Again", "--file", text(&file)];
    let known = office.by("ada", &[&import[..], &under].concat()).ended(5);
    said += &known.stderr;
    let short = office.file("short", "planted-wro");
    let weak = ["key", "export", "DefaultKey", "--passphrase-file", text(&short)];
    said += &office.by("ada", &weak).stderr;
    // A body that is not what is expected is refused without being repeated.
    let odd = office.file("odd", &format!("AGE-SECRET-KEY-{VALUE}"));
    said += &office.by("ada", &["key", "import", "Odd", "--file", text(&odd)]).stderr;
    secrets.push("AGE-SECRET-KEY-".to_owned());

    for body in [
        format!(r#"{{"password":{NUMBER}}}"#),
        format!(r#""{MISPLACED}""#),
        format!(r#"{{"password":["{MISPLACED}"]}}"#),
        format!(r#"{{"{MISPLACED}":"{MISPLACED}"}}"#),
    ] {
        let path = "/api/v1/users/ada/password";
        let (status, answer) = office.weir.put(office.weir.rest(), path, (&session, &body));
        assert!((400..500).contains(&status), "{status} {answer}");
        said += &answer;
    }
    secrets.extend([NUMBER.to_owned(), MISPLACED.into()]);

    said += &office.done("ada", &["audit", "export"]);
    said += &office.done("ada", &["audit", "list", "-o", "json"]);
    said += &office.weir.get(office.weir.metrics(), "/metrics").1;
    said += &office.done("ada", &["key", "list", "-o", "json"]);
    said += &office.done("ada", &["session", "list", "-o", "json"]);
    let data = office.project.data_dir();
    let stored = || contents(&data);
    // While it runs, with what is in its write-ahead log, and when all is in the database.
    let (mut places, log) = (stored(), office.weir.stop());
    places.extend(stored());
    places.push(("its log".into(), log.into_bytes()));
    places.push(("what it said".into(), said.into_bytes()));
    assert!(places.iter().any(|it| has(&it.1, "key rotate") || has(&it.1, "user log-in")));
    for secret in &secrets {
        for (place, bytes) in &places {
            assert!(!has(bytes, secret), "{secret} is in {place}");
        }
    }
}

const PIN: &str = "planted-pin-1b2c";
/// It has what SQL, JSON and logs write in other ways.
const PHRASE: &str = "planted 'phrase' \"zebra-3d4e\"";

/// A project of three workflows that use secrets, each of which fails with what is said of them: a
/// record is refused, a file is rolled back, the workflow can't be activated.
fn packaged(dir: &Path, secrets: &[(&str, &str)], workflows: &[(&str, &str, &str)]) {
    fs::create_dir_all(dir).unwrap();
    let values: String = secrets.iter().map(|it| format!("    {}: {}\n", it.0, it.1)).collect();
    let asset = "apiVersion: weir/v1\nkind: Secret\nmetadata: { name: site }\nspec:\n  values:\n";
    fs::write(dir.join("secrets.yaml"), format!("{asset}{values}")).unwrap();
    let project = "apiVersion: weir/v1\nkind: Project\nmetadata: { name: packaged }\n\
                   spec: { secrets: [site] }\n";
    fs::write(dir.join("project.yaml"), project).unwrap();
    for (name, on_error, expression) in workflows {
        let map = format!(
            "{{ name: map, from: read, onError: {on_error}, processor: {{ mapping: {{ set: \
             {{ made: \"{expression}\" }} }} }} }}"
        );
        let csv = "{ type: csv, schema: [{ name: id, type: int64 }] }";
        let flow = Flow::named(name).stage(&read_with(csv, "", "deadLetter"));
        let flow = flow.stage(&map).stage(&write("map", ""));
        let yaml = flow.yaml().replace("directory: ", &format!("directory: {name}/"));
        for data in ["in", "out"] {
            fs::create_dir_all(dir.join(name).join(data)).unwrap();
        }
        fs::write(dir.join(format!("{name}.yaml")), yaml).unwrap();
    }
}

#[test]
fn secrets_of_running_workflows_are_found_nowhere() {
    let office = Office::open().with_administrator(PASSWORD);
    let seal = |(name, value): (&'static str, &str)| {
        (name, sealed_from(&office, name, text(&office.file(name, value))).trim().to_owned())
    };
    let sealed = [("PIN", PIN), ("PHRASE", PHRASE)].map(seal);
    let sealed = sealed.each_ref().map(|(name, it)| (*name, it.as_str()));
    let dir = office.project.root().join("packaged");
    let data = office.project.data_dir();
    let deploy = |tag: &str, workflows: &[(&str, &str, &str)]| {
        packaged(&dir, &sealed, workflows);
        let file = office.project.root().join(format!("{tag}.weir"));
        let setting = format!("weir.data-dir={}", data.display());
        let build = ["build", text(&dir), "--tag", tag, "--file", text(&file), "-D", &setting];
        let mut said = office.done("ada", &build);
        said += &office.done("ada", &["deployment", "upload", text(&file)]);
        said + &office.done("ada", &["deployment", "activate", tag])
    };
    let cast = |of: &str| format!("CAST(concat('${{sec:{of}}}', CAST(id AS STRING)) AS BIGINT)");
    let (pin, phrase) = (cast("PIN"), cast("PHRASE"));
    let running = [("letters", "deadLetter", &*pin), ("back", "rollback", &phrase)];
    let mut said = deploy("used-1", &running);
    for (name, ..) in running {
        fs::write(dir.join("draft"), "id\n1\n2\n").unwrap();
        fs::rename(dir.join("draft"), dir.join(name).join("in/a.csv")).unwrap();
    }
    let has_files =
        |name: &str| dir.join(name).is_dir() && !files::below(&dir.join(name)).is_empty();
    wait_until("records to be refused", DEADLINE, || has_files("letters/done"));
    wait_until("a file to be rolled back", DEADLINE, || has_files("back/error"));
    wait_until("the letters' reason to name the value, masked", DEADLINE, || {
        contents(&dir.join("dead-letters")).iter().any(|it| has(&it.1, "***1"))
    });

    // At build it is sound: what is wrong is seen once the value is known.
    let fails =
        "CAST(CASE WHEN strpos('${sec:PIN}', 'sec') > 0 THEN '1' ELSE '${sec:PIN}' END AS INT)";
    said += &deploy("used-2", &[("fails", "rollback", fails)]);
    let activations = || office.done("ada", &["deployment", "nodes", "-o", "json"]);
    wait_until("the activation to fail", DEADLINE, || activations().contains("***"));

    said += &activations();
    said += &office.done("ada", &["workflow", "list", "-o", "json"]);
    said += &office.done("ada", &["stream", "list", "-o", "json"]);
    let streams: Value =
        serde_json::from_str(&office.done("ada", &["stream", "list", "-o", "json"])).unwrap();
    for stream in streams["items"].as_array().unwrap() {
        let id = stream["id"].as_str().unwrap();
        said += &office.done("ada", &["stream", "show", id, "--log"]);
        said += &office.done("ada", &["stream", "show", id, "-o", "json"]);
    }
    said += &office.done("ada", &["audit", "export"]);
    said += &office.weir.get(office.weir.metrics(), "/metrics").1;
    let (mut places, log) = (contents(&data), office.weir.stop());
    assert!(log.contains("***"), "what was said of the values was logged, masked");
    places.extend(contents(&data));
    places.extend(contents(&dir));
    for tag in ["used-1.weir", "used-2.weir"] {
        places.push((tag.to_owned(), fs::read(office.project.root().join(tag)).unwrap()));
    }
    places.push(("its log".into(), log.into_bytes()));
    places.push(("what it said".into(), said.into_bytes()));
    for secret in ["planted-pin", "zebra-3d4e", "'phrase"] {
        for (place, bytes) in &places {
            assert!(!has(bytes, secret), "{secret} is in {place}");
        }
    }
}

/// As an operator does, for the project `packaged`: the value comes from standard input.
fn sealed_from(office: &Office, name: &str, value: &str) -> String {
    let command = office.command("ada");
    let words = command.get_args().map(|it| it.to_str().unwrap()).collect::<Vec<_>>().join(" ");
    let program = command.get_program().to_str().unwrap();
    let mut shell = Command::new("sh");
    let encrypt = format!("secret encrypt {name} --project packaged");
    shell.args(["-c", &format!("'{program}' {words} {encrypt} < '{value}'")]);
    shell.env("WEIR_CONFIG_DIR", office.project.root().join("profiles/ada"));
    Ran::of(&mut shell).done()
}

/// What is in a directory, but for the master key. An engine may take files away meanwhile.
fn contents(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let names = files::below(dir).into_iter().filter(|it| !it.ends_with("master.key"));
    names.filter_map(|it| Some((it.clone(), fs::read(dir.join(&it)).ok()?))).collect()
}

pub(super) fn has(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|it| it == text.as_bytes())
}
