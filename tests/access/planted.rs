//! Secrets that pass through the engine are found nowhere: not in its database, its log, its metrics,
//! its refusals, nor in the audit.

use std::fs;
use std::process::Command;

use serde_json::Value;

use super::{Office, text};
use crate::support::{Ran, files};

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
    let sealed = sealed_from(&office, text(&value));
    let sealed = sealed.trim();
    assert!(sealed.starts_with("weir-secret:1:"), "{sealed}");
    let passphrase = office.file("passphrase", PASSPHRASE);
    let under = ["--passphrase-file", text(&passphrase)];
    let exported = office.done("ada", &[&["key", "export", "DefaultKey"], &under[..]].concat());
    let file = office.file("exported", &exported);
    let import = ["key", "import", "Again", "--file", text(&file)];
    let known = office.by("ada", &[&import[..], &under].concat());
    assert_eq!(known.code, Some(5), "{}", known.stderr);
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
    let stored = || {
        let names = files::below(&data).into_iter().filter(|it| it != "master.key");
        names.map(|it| (it.clone(), fs::read(data.join(&it)).unwrap())).collect::<Vec<_>>()
    };
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

/// As an operator does: the value comes from standard input.
fn sealed_from(office: &Office, value: &str) -> String {
    let command = office.command("ada");
    let words = command.get_args().map(|it| it.to_str().unwrap()).collect::<Vec<_>>().join(" ");
    let program = command.get_program().to_str().unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("'{program}' {words} secret encrypt < '{value}'")]);
    shell.env("WEIR_CONFIG_DIR", office.project.root().join("profiles/ada"));
    Ran::of(&mut shell).done()
}

pub(super) fn has(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|it| it == text.as_bytes())
}
