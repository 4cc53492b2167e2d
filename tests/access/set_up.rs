//! Before there is an administrator, and who tries to become it.

use std::fs;

use serde_json::{Value, json};

use super::{Office, text};
use crate::support::{DEADLINE, wait_for};

const PASSWORD: &str = "correct horse battery 1";

impl Office {
    /// How people may log in, as whoever is nobody sees it.
    fn ways(&self) -> Value {
        let (status, ways) = self.weir.get(self.weir.rest(), "/api/v1/log-in");
        assert_eq!(status, 200, "{ways}");
        serde_json::from_str(&ways).unwrap()
    }

    fn sets_up(&self, name: &str, secret: &str) -> (u16, Value) {
        let body = json!({ "name": name, "password": PASSWORD, "secret": secret });
        self.weir.post("/api/v1/set-up", &body)
    }

    /// What the audit has, once there is this action of that object.
    fn audited(&self, action: &str, object: &str) -> Vec<Value> {
        wait_for("the audit to have it", DEADLINE, || {
            let all = self.done("ada", &["audit", "list", "-o", "json"]);
            let mut all: Value = serde_json::from_str(&all).unwrap();
            let items = all["items"].as_array_mut().unwrap();
            let is_there = items.iter().any(|it| it["action"] == action && it["object"] == object);
            is_there.then(|| std::mem::take(items))
        })
    }
}

#[test]
fn everybody_learns_whether_there_is_an_administrator_and_nothing_else() {
    let office = Office::open();
    assert_eq!(office.ways(), json!({ "password": true, "administrator": false }));
    let office = office.with_administrator(PASSWORD);
    assert_eq!(office.ways(), json!({ "password": true, "administrator": true }));
    // Through the instance that takes over after a restart.
    let (office, _) = office.reopen();
    assert_eq!(office.ways(), json!({ "password": true, "administrator": true }));
    office.weir.stop();
}

#[test]
fn a_set_up_with_a_wrong_secret_is_in_the_audit_once_for_many() {
    let office = Office::open();
    for name in ["eve", "mallory", "eve"] {
        let (status, refused) = office.sets_up(name, "planted-guess");
        assert_eq!((status, &refused["code"]), (401, &json!("WEIR-07014")), "{refused}");
    }
    let secret = fs::read_to_string(office.set_up_secret()).unwrap();
    let office = office.with_administrator(PASSWORD);
    let mut entries = office.audited("user set-up", "user/eve");
    entries.retain(|it| it["action"] == "user set-up" && it["outcome"]["refused"].is_string());
    let [entry] = &entries[..] else { panic!("{entries:#?}") };
    assert_eq!((&entry["object"], &entry["user"]), (&json!("user/eve"), &Value::Null));
    let why = entry["outcome"]["refused"].as_str().unwrap();
    assert!(why.starts_with("this is not the set-up secret"), "{why}");
    let all = office.done("ada", &["audit", "export"]);
    assert!(!all.contains("planted-guess") && !all.contains(secret.trim()), "{all}");
    office.weir.stop();
}

#[test]
fn where_there_is_an_administrator_a_set_up_is_refused_and_not_recorded() {
    let office = Office::open();
    let secret = fs::read_to_string(office.set_up_secret()).unwrap();
    let office = office.with_administrator(PASSWORD);
    for secret in [secret.trim(), "planted-guess"] {
        assert_eq!(office.sets_up("eve", secret).0, 409);
    }
    office.done("ada", &["role", "create", "reader", "--claim", "key:read"]);
    // The role's entry is behind whatever came of the set-ups.
    let entries = office.audited("role create", "role/reader");
    assert!(entries.iter().all(|it| it["object"] != "user/eve"), "{entries:#?}");
    office.weir.stop();
}

#[test]
fn a_session_knows_which_one_it_is() {
    let office = Office::open().with_administrator(PASSWORD);
    let password = office.file("ada", PASSWORD);
    office.done("ada-2", &["login", "ada", "--password-file", text(&password)]);
    let current = |who: &str| {
        let all = office.done(who, &["session", "list", "-o", "json"]);
        let all: Value = serde_json::from_str(&all).unwrap();
        let all = all["items"].as_array().unwrap().clone();
        assert_eq!(all.len(), 2, "{all:#?}");
        let own: Vec<_> = all.iter().filter(|it| it["current"] == true).collect();
        let [own] = &own[..] else { panic!("{all:#?}") };
        own["id"].clone()
    };
    assert_ne!(current("ada"), current("ada-2"));
    office.weir.stop();
}
