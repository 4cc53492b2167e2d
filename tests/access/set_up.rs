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

    /// Set-ups that were refused, as the audit has them, once there are so many.
    fn refused_set_ups(&self, count: usize) -> Vec<Value> {
        wait_for("refused set-ups in the audit", DEADLINE, || {
            let all = self.done("ada", &["audit", "list", "--refused", "-o", "json"]);
            let mut all: Value = serde_json::from_str(&all).unwrap();
            let items = all["items"].as_array_mut().unwrap();
            items.retain(|it| it["action"] == "user set-up");
            (items.len() >= count).then(|| std::mem::take(items))
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
    // Who has the secret that was used is counted with them.
    assert_eq!(office.sets_up("eve", secret.trim()).0, 409);
    let refused = office.refused_set_ups(1);
    let [entry] = &refused[..] else { panic!("{refused:#?}") };
    assert_eq!((&entry["object"], &entry["user"]), (&json!("user/eve"), &Value::Null));
    let why = entry["outcome"]["refused"].as_str().unwrap();
    assert!(why.starts_with("this is not the set-up secret"), "{why}");
    let all = office.done("ada", &["audit", "export"]);
    assert!(!all.contains("planted-guess") && !all.contains(secret.trim()), "{all}");
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
