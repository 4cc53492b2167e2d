//! From the first administrator to users and programs that may do a part of it.

use std::fs;

use serde_json::Value;

use super::{Office, mode, text};
use crate::support::{Ran, Start};

#[test]
fn the_first_administrator_is_made_once_and_lets_others_in() {
    let office = Office::open();
    let said = office.denied("ada", &["key", "list"]);
    assert!(said.contains("weir login"), "{said}");
    let secret = fs::read_to_string(office.set_up_secret()).unwrap();
    assert_eq!(mode(&office.set_up_secret()), 0o600);
    assert_eq!(mode(&office.project.data_dir().join("master.key")), 0o600);
    office.weir.logged("WEIR-06140");
    assert!(!office.weir.process.log().contains(secret.trim()));

    let office = office.with_administrator("correct horse battery 1");
    assert!(!office.set_up_secret().exists());
    assert_eq!(mode(&office.project.root().join("profiles/ada/profiles.json")), 0o600);
    assert!(office.done("ada", &["whoami"]).contains("may:      everything\n"));
    let again = office.file("again", &secret);
    let password = office.file("eve", "correct horse battery 2");
    let (again, password) = (text(&again), text(&password));
    let set_up = ["user", "set-up", "eve", "--secret-file", again, "--password-file", password];
    let twice = office.by("eve", &set_up).ended(5).stderr;
    assert!(twice.contains("hint:  `weir login`"), "{twice}");
    let wrong = office.denied("eve", &["login", "ada", "--password-file", password]);
    assert!(wrong.contains("type the password again"), "{wrong}");
    let nobody = ["user", "create", "bob", "--role", "nope", "--password-file", password];
    let nobody = office.by("ada", &nobody).ended(3).stderr;
    assert!(nobody.contains("there is no role \"nope\""), "{nobody}");
    assert!(nobody.contains("hint:  weir role list"), "{nobody}");

    // Somebody who operates workflows: sees keys, and changes none.
    let create = ["user", "create", "bob", "--role", "user", "--password-file", password];
    office.done("ada", &create);
    office.done("bob", &["login", "bob", "--password-file", password]);
    assert!(office.denied("bob", &["key", "list"]).contains("weir user password"));
    let new = office.file("bob", "correct horse battery 3");
    office.done(
        "bob",
        &["user", "password", "--present-file", password, "--password-file", text(&new)],
    );
    assert!(office.done("bob", &["key", "list"]).contains("* DefaultKey"));
    assert!(office.denied("bob", &["key", "rotate", "Mine"]).contains("key:write is missing"));
    assert!(office.denied("bob", &["user", "list"]).contains("user:read is missing"));

    // A role that is taken away counts at once, and a disabled user is nobody.
    office.done("ada", &["user", "set", "bob", "--role", "monitoring"]);
    assert!(office.done("bob", &["user", "list"]).contains("bob   enabled  monitoring"));
    office.done("ada", &["user", "set", "bob", "--disable"]);
    office.denied("bob", &["user", "list"]);
    let last = office.by("ada", &["user", "delete", "ada"]);
    assert!(last.code == Some(5) && last.stderr.contains("last administrator"), "{}", last.stderr);
    office.weir.stop();
}

#[test]
fn a_token_does_what_it_names_until_it_is_revoked() {
    let office = Office::open().with_administrator("correct horse battery 1");
    let create = ["token", "create", "nightly", "--claim", "key:read", "--expires-in", "1h"];
    let token = office.done("ada", &create).trim().to_owned();
    let by_token = |arguments: &[&str]| {
        Ran::of(office.command("program").env("WEIR_TOKEN", &token).args(arguments))
    };
    assert!(by_token(&["key", "list"]).done().contains("DefaultKey"));
    by_token(&["key", "create", "Other"]).ended(4);
    by_token(&["token", "create", "more", "--claim", "key:read"]).ended(4);
    let tokens: Value =
        serde_json::from_str(&office.done("ada", &["token", "list", "-o", "json"])).unwrap();
    let id = tokens["items"][0]["id"].as_str().unwrap();
    office.done("ada", &["token", "revoke", id]);
    by_token(&["key", "list"]).ended(4);
    office.done("ada", &["logout"]);
    office.denied("ada", &["key", "list"]);
    office.weir.stop();
}

#[test]
fn a_session_or_token_that_was_spoiled_keeps_nobody_from_logging_in_or_out() {
    let office = Office::open().with_administrator("correct horse battery 1");
    let password = office.file("ada", "correct horse battery 1");
    let login = ["login", "ada", "--password-file", text(&password)];
    let profiles = office.project.root().join("profiles/ada/profiles.json");
    let spoil = || {
        let mut kept: Value = serde_json::from_slice(&fs::read(&profiles).unwrap()).unwrap();
        kept["profiles"]["default"]["token"] = "weir_planted and more".into();
        fs::write(&profiles, kept.to_string()).unwrap();
    };
    spoil();
    let refused = office.by("ada", &["key", "list"]).ended(2).stderr;
    assert!(refused.contains("hint:  weir login USER --profile default"), "{refused}");
    assert!(!refused.contains("planted"), "{refused}");
    office.done("ada", &login);
    office.done("ada", &["key", "list"]);
    let spoiled = |arguments: &[&str]| {
        Ran::of(office.command("ada").env("WEIR_TOKEN", "weir_planted\nx").args(arguments))
    };
    spoiled(&["key", "list"]).ended(2);
    spoiled(&login).ended(0);
    let token = || {
        let kept: Value = serde_json::from_slice(&fs::read(&profiles).unwrap()).unwrap();
        kept["profiles"]["default"]["token"].as_str().map(str::to_owned)
    };
    let session = token().unwrap();
    spoiled(&["logout"]).ended(0);
    assert_eq!(token(), None);
    let ended = Ran::of(office.command("eve").env("WEIR_TOKEN", session).args(["key", "list"]));
    ended.ended(4);
    office.done("ada", &login);
    spoil();
    let said = office.by("ada", &["logout"]).ended(0).stderr;
    assert!(said.contains("was spoiled, and is forgotten"), "{said}");
    assert_eq!(token(), None);
    office.weir.stop();
}

#[test]
fn everything_is_there_after_a_restart_and_is_in_the_audit() {
    let office = Office::open().with_administrator("correct horse battery 1");
    office.done("ada", &["key", "rotate", "Second"]);
    let keys = office.done("ada", &["key", "list", "-o", "json"]);
    let wrong = office.file("wrong", "not her password");
    office.denied("ada-2", &["login", "ada", "--password-file", text(&wrong)]);
    let (office, _) = office.reopen();
    let place = office.weir.rest().to_owned();
    office.done("ada", &["profile", "set", "new", "--url", &place]);
    let password = office.file("ada", "correct horse battery 1");
    office.done("ada", &["--profile", "new", "login", "ada", "--password-file", text(&password)]);
    let by_ada =
        |arguments: &[&str]| office.done("ada", &[&["--profile", "new"], arguments].concat());
    assert_eq!(by_ada(&["key", "list", "-o", "json"]), keys);
    assert!(by_ada(&["user", "list"]).contains("ada   enabled  admin"));

    let listed = by_ada(&["audit", "list"]);
    for line in [
        "ada   key rotate   key/Second",
        "-     user log-in  user/ada",
        "-     user set-up  user/ada",
    ] {
        assert!(listed.contains(line), "{line:?} in\n{listed}");
    }
    let refused = by_ada(&["audit", "list", "--refused", "-o", "json"]);
    let refused: Value = serde_json::from_str(&refused).unwrap();
    let why = refused["items"][0]["outcome"]["refused"].as_str().unwrap();
    assert_eq!(why, "the user or the password is wrong");
    let file = office.project.root().join("audit.jsonl");
    by_ada(&["audit", "export", "--file", text(&file)]);
    let exported = fs::read_to_string(&file).unwrap();
    let verified = by_ada(&["audit", "verify"]);
    let last: Value = serde_json::from_str(exported.lines().last().unwrap()).unwrap();
    assert!(verified.contains(last["hash"].as_str().unwrap()), "{verified}");
    office.weir.stop();
}

#[test]
fn a_log_in_does_for_the_management_server_of_the_same_host_and_no_other() {
    let obedient = |it: Start| {
        it.set("weir.management.read-only=false")
            .set("weir.management.token=\"a token of 16 or more\"")
    };
    let office = Office::with(obedient).with_administrator("correct horse battery 1");
    let move_it = |address: &str, who: &str| {
        let anywhere = ["cluster", "move", "user-storage", "--anywhere", "--management", address];
        office.by(who, &anywhere)
    };
    let place = office.weir.management();
    move_it(place, "ada").ended(0);
    let listed = office.done("ada", &["audit", "list"]);
    assert!(listed.contains("ada   lease move"), "{listed}");

    let refused = move_it(place, "nobody").ended(4);
    assert!(
        refused.stderr.contains("`weir login` at an engine of that host"),
        "{}",
        refused.stderr
    );
    // The same server by another name: it is not shown there, unless the profile says so.
    let elsewhere = place.replace("127.0.0.1", "localhost");
    move_it(&elsewhere, "ada").ended(4);
    let rest = office.weir.rest().to_owned();
    office.done("ada", &["profile", "set", "default", "--url", &rest, "--management", &elsewhere]);
    let password = office.file("ada", "correct horse battery 1");
    office.done("ada", &["login", "ada", "--password-file", text(&password)]);
    move_it(&elsewhere, "ada").ended(0);
    office.weir.stop();
}
