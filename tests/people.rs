//! People whom somebody else knows: a real directory and a real provider of log-ins, through the command line and
//! the REST API of one engine.

mod ldap;
mod oidc;

use serde_json::{Value, json};

use crate::access::Office;
use crate::support::Start;

/// Of the local administrator.
const PASSWORD: &str = "correct horse battery 1";

impl Office {
    /// What a log-in is answered: the status, and the token or the problem.
    fn logs_in(&self, name: &str, password: &str) -> (u16, Value) {
        self.weir.post("/api/v1/log-in", &json!({ "name": name, "password": password }))
    }

    /// A session of somebody.
    #[track_caller]
    fn session_of(&self, name: &str, password: &str) -> String {
        let (status, answer) = self.logs_in(name, password);
        assert_eq!(status, 200, "{answer}");
        answer["token"].as_str().unwrap().to_owned()
    }

    /// What `/me` says to who shows a token; `None`: it is not known.
    fn me(&self, token: &str) -> Option<Value> {
        let (status, body) = self.weir.get_as("/api/v1/me", token);
        assert!(matches!(status, 200 | 401), "{status} {body}");
        let me: Value = serde_json::from_str(&body).unwrap();
        Some(me).filter(|it| it["via"] != "nothing")
    }

    /// The one user of that name, as the administrator sees them.
    fn user(&self, name: &str) -> Value {
        self.by("ada", &["user", "show", name, "-o", "json"]).json()
    }
}

fn settings(start: Start, all: &[(&str, String)]) -> Start {
    all.iter().fold(start, |start, (key, value)| start.set(&format!("{key}={value}")))
}
