//! Commands that are sent again from the command line, with the key that they were sent with before.

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;

use super::{Office, text};
use crate::support::Ran;

const PASSWORD: &str = "correct horse battery 1";

impl Office {
    /// By the administrator, under a key.
    #[track_caller]
    fn once(&self, key: &str, arguments: &[&str]) -> Ran {
        self.by("ada", &[arguments, &["--idempotency-key", key]].concat())
    }

    /// Done; returns what was said.
    #[track_caller]
    fn done_once(&self, key: &str, arguments: &[&str]) -> String {
        self.once(key, arguments).ended(0).stdout
    }

    /// A conflict; returns what was said.
    #[track_caller]
    fn conflict(&self, key: &str, arguments: &[&str]) -> String {
        self.once(key, arguments).ended(5).stderr
    }

    #[track_caller]
    fn seen(&self, arguments: &[&str]) -> Value {
        let shown = self.done("ada", &[arguments, &["-o", "json"]].concat());
        serde_json::from_str(&shown).unwrap()
    }

    #[track_caller]
    fn count(&self, noun: &str) -> usize {
        self.seen(&[noun, "list"])["items"].as_array().unwrap().len()
    }
}

#[test]
fn a_user_is_made_changed_and_deleted_once() {
    let office = Office::open().with_administrator(PASSWORD);
    let file = office.file("bob", "correct horse battery 2");
    let create = ["user", "create", "bob", "--role", "user", "--password-file", text(&file)];
    let made = office.done_once("make", &create);
    let bob = office.seen(&["user", "show", "bob"]);
    assert_eq!(office.done_once("make", &create), made);
    assert_eq!(office.seen(&["user", "show", "bob"]), bob, "nothing was changed");
    assert!(office.conflict("other", &create).contains("bob"), "it is another command");

    // What somebody did in between stays, though the revision is another one when it is sent again.
    let disable = ["user", "set", "bob", "--disable"];
    office.done_once("disable", &disable);
    office.done("ada", &["user", "set", "bob", "--enable", "--email", "bob@example.org"]);
    office.done_once("disable", &disable);
    let enabled = office.seen(&["user", "show", "bob"]);
    assert_eq!(enabled["enabled"], true);

    // A part of the profile stays as it was read, at one revision.
    let revision = enabled["revision"].to_string();
    let name = ["user", "set", "bob", "--first-name", "Bob"];
    let refused = office.once("name", &name);
    assert!(refused.code == Some(2) && refused.stderr.contains("--revision"), "{}", refused.stderr);
    let name = [&name[..], &["--revision", &revision]].concat();
    office.done_once("name", &name);
    let named = office.seen(&["user", "show", "bob"]);
    office.done_once("name", &name);
    assert_eq!(office.seen(&["user", "show", "bob"]), named);
    assert_eq!(named["profile"]["email"], "bob@example.org");

    let delete = ["user", "delete", "bob"];
    assert_eq!(office.done_once("delete", &delete), "bob deleted\n");
    let before = "bob was deleted when this command was sent before\n";
    assert_eq!(office.done_once("delete", &delete), before);
    assert!(office.conflict("make", &create).contains("deleted since"));
    assert_eq!(office.count("user"), 1);
    office.done_once("make again", &create);
    assert_eq!(office.done_once("delete", &delete), before);
    assert_eq!(office.count("user"), 2, "who has the name now is another user");
    office.weir.stop();
}

#[test]
fn a_token_and_a_key_are_made_once() {
    let office = Office::open().with_administrator(PASSWORD);
    let create = ["token", "create", "nightly", "--claim", "key:read"];
    let secret = office.done_once("token", &create);
    let said = office.conflict("token", &create);
    let tokens = office.seen(&["token", "list"]);
    let id = tokens["items"][0]["id"].as_str().unwrap();
    assert!(said.contains(id) && said.contains("told once"), "{said}");
    assert!(!said.contains(secret.trim()));
    assert_eq!(office.count("token"), 1);
    let revoke = ["token", "revoke", id];
    office.done_once("revoke", &revoke);
    office.done_once("revoke", &revoke);
    assert_eq!(office.count("token"), 0);

    let create = ["key", "create", "Mine"];
    let made = office.done_once("key", &create);
    assert_eq!(office.done_once("key", &create), made);
    office.conflict("other", &create);
    assert_eq!(office.count("key"), 2);
    // The key that is current is another one when it is sent again.
    let rotate = ["key", "rotate", "Next"];
    let next = office.done_once("rotate", &rotate);
    assert!(next.contains("current"), "{next}");
    assert_eq!(office.done_once("rotate", &rotate), next);
    assert_eq!(office.count("key"), 3);
    let delete = ["key", "delete", "Mine"];
    assert_eq!(office.done_once("delete", &delete), "Mine deleted\n");
    assert!(office.done_once("delete", &delete).contains("sent before"));
    office.weir.stop();
}

#[test]
fn a_key_is_renamed_once_whoever_has_its_name_by_then() {
    let office = Office::open().with_administrator(PASSWORD);
    let create = ["token", "create", "renames", "--claim", "key:write"];
    let shown = format!("Bearer {}", office.done("ada", &create).trim());
    let headers = [
        (AUTHORIZATION, HeaderValue::try_from(shown).unwrap()),
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (HeaderName::from_static("idempotency-key"), HeaderValue::from_static("rename")),
    ];
    let rename = || {
        let body = r#"{ "alias": "Ours", "description": "" }"#.to_owned();
        let headers = HeaderMap::from_iter(headers.clone());
        office.weir.sent(Method::PUT, "/api/v1/keys/Mine", headers, body)
    };
    office.done("ada", &["key", "create", "Mine"]);
    let (status, renamed) = rename();
    assert_eq!((status, renamed["alias"].as_str()), (200, Some("Ours")), "{renamed}");
    office.done("ada", &["key", "create", "Mine"]);
    assert_eq!(rename(), (200, renamed));
    office.done("ada", &["key", "show", "Mine"]);
    office.done("ada", &["key", "delete", "Ours"]);
    let (status, refused) = rename();
    let detail = "the key was changed, renamed or deleted since";
    assert!(status == 409 && refused["detail"] == detail, "{refused}");
    office.done("ada", &["key", "show", "Mine"]);
    office.weir.stop();
}

#[test]
fn a_renaming_that_is_sent_many_times_at_once_or_by_fingerprint_is_answered_each_time() {
    let office = Office::open().with_administrator(PASSWORD);
    let create = ["token", "create", "renames", "--claim", "key:write"];
    let shown = format!("Bearer {}", office.done("ada", &create).trim());
    let rename = |key: &str, alias: &str| {
        let headers = HeaderMap::from_iter([
            (AUTHORIZATION, HeaderValue::try_from(&shown).unwrap()),
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (
                HeaderName::from_static("idempotency-key"),
                HeaderValue::try_from(format!("to {alias}")).unwrap(),
            ),
        ]);
        let body = format!(r#"{{ "alias": "{alias}", "description": "" }}"#);
        office.weir.sent(Method::PUT, &format!("/api/v1/keys/{key}"), headers, body)
    };
    for n in 0..4 {
        let (old, new) = (format!("Old{n}"), format!("New{n}"));
        office.done("ada", &["key", "create", &old]);
        std::thread::scope(|scope| {
            let all = [(); 8].map(|()| scope.spawn(|| rename(&old, &new)));
            for one in all {
                let (status, it) = one.join().expect("an answer");
                assert_eq!((status, it["alias"].as_str()), (200, Some(&*new)), "{it}");
            }
        });
    }
    let key = rename("New0", "Ours").1["fingerprint"].as_str().unwrap().to_owned();
    assert_eq!(rename(&key, "Theirs").0, 200);
    assert_eq!(rename(&key, "Others").0, 200);
    let (status, now) = rename(&key, "Theirs");
    assert_eq!((status, now["alias"].as_str()), (200, Some("Others")), "it is that key: {now}");
    office.weir.stop();
}

#[test]
fn a_role_and_a_host_are_changed_once() {
    let office = Office::open().with_administrator(PASSWORD);
    let described = ["--description", "Reads"];
    let create = [&["role", "create", "reader", "--claim", "key:read"][..], &described].concat();
    let made = office.done_once("role", &create);
    assert_eq!(office.done_once("role", &create), made);
    let set = ["role", "set", "reader", "--claim", "user:read"];
    let refused = office.once("set", &set);
    assert!(refused.code == Some(2) && refused.stderr.contains("its description"));
    let set = [&set[..], &described].concat();
    office.done_once("set", &set);
    office.done("ada", &["role", "set", "reader", "--claim", "audit:read"]);
    office.done_once("set", &set);
    let reader = office.seen(&["role", "show", "reader"]);
    assert_eq!(reader["claims"], serde_json::json!(["audit:read"]));
    let delete = ["role", "delete", "reader"];
    office.done_once("delete", &delete);
    assert!(office.done_once("delete", &delete).contains("sent before"));

    let line = "bank.example ssh-ed25519 \
                AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
    let add = ["host", "add", "bank", line];
    office.done_once("host", &add);
    office.done_once("host", &add);
    assert_eq!(office.count("host"), 1);
    let delete = ["host", "delete", "bank"];
    office.done_once("gone", &delete);
    office.done("ada", &add);
    office.done_once("gone", &delete);
    assert_eq!(office.count("host"), 1, "it was added since");
    office.weir.stop();
}

#[test]
fn who_logs_in_after_all_sessions_ended_stays_logged_in() {
    let office = Office::open().with_administrator(PASSWORD);
    let ended = ["session", "end-all", "ada"];
    let log_in = ["login", "ada", "--password-file"];
    let file = office.file("ada", PASSWORD);
    let log_in = [&log_in[..], &[text(&file)]].concat();
    office.done_once("end", &ended);
    office.denied("ada", &["key", "list"]);
    office.done("ada", &log_in);
    office.done_once("end", &ended);
    office.done("ada", &["key", "list"]);
    office.weir.stop();
}
