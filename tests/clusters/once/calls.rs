//! The commands and the looks that the rows are made of.

use std::time::Duration;

use serde_json::json;
use weir_domain::Clock as _;
use weir_runtime::SystemClock;

use super::row::{seen, told};
use super::*;

pub(super) const PASSWORD: &str = "correct horse battery";
pub(super) const NEW_PASSWORD: &str = "correct battery horse";
const HOST: &str = "sftp.bank.example ssh-ed25519 \
    AAAAC3NzaC1lZDI1NTE5AAAAIB8eHRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgEA";

pub(super) fn get(path: &'static str, pointer: &'static str) -> impl Fn(&Cluster, usize) -> Value {
    move |cluster, at| seen(cluster, at, path).pointer(pointer).cloned().unwrap_or_default()
}

/// Of a list: those whose field is this.
pub(super) fn listed(
    path: &'static str,
    field: &'static str,
    wanted: impl Into<Value>,
) -> impl Fn(&Cluster, usize) -> Value {
    let wanted = wanted.into();
    move |cluster, at| {
        let page = seen(cluster, at, path);
        let items = page["items"].as_array().unwrap().iter();
        let found: Vec<Value> = items.filter(|it| it[field] == wanted).cloned().collect();
        found.into()
    }
}

/// How many of these there are.
pub(super) fn count(look: impl Fn(&Cluster, usize) -> Value) -> impl Fn(&Cluster, usize) -> Value {
    move |cluster, at| look(cluster, at).as_array().unwrap().len().into()
}

/// How many resources of a group are held.
pub(super) fn held(group: &'static str) -> impl Fn(&Cluster, usize) -> Value {
    move |cluster, at| {
        let groups = listed("/api/v1/resources", "group", group)(cluster, at);
        let resources = groups[0]["resources"].as_array().cloned().unwrap_or_default();
        resources.iter().filter(|it| it["owner"].is_string()).count().into()
    }
}

pub(super) fn post(path: &str, body: Value) -> Call {
    Call::new("POST", path).json(body)
}

pub(super) fn put(path: &str, body: Value) -> Call {
    Call::new("PUT", path).json(body)
}

pub(super) fn patch(path: &str, body: Value) -> Call {
    Call::new("PATCH", path).json(body)
}

pub(super) fn delete(path: impl Into<String>) -> Call {
    Call::new("DELETE", path)
}

/// Carries out what a round needs to be there.
#[track_caller]
pub(super) fn given(cluster: &Cluster, calls: &[Call]) {
    for call in calls {
        let answer = told(cluster, [0, 1], call);
        assert_eq!(answer.status, 200, "{} {}: {}", call.method, call.path, answer.body);
    }
}

pub(super) fn log_in_of(name: &str) -> Call {
    post("/api/v1/log-in", json!({ "name": name, "password": PASSWORD }))
}

/// What somebody who logs in shows from then on.
pub(super) fn session(cluster: &Cluster, name: &str) -> String {
    let answer = told(cluster, [0, 1], &log_in_of(name));
    let begun: Value = serde_json::from_str(&answer.body).unwrap();
    format!("Bearer {}", begun["token"].as_str().unwrap())
}

/// A token of who has this session.
pub(super) fn token(description: &str, session: &str) -> Call {
    let expires_at = SystemClock.now().plus(Duration::from_secs(3_600)).to_string();
    let body = json!({
        "description": description,
        "claims": ["key:read"],
        "expiresAt": expires_at,
    });
    post("/api/v1/me/tokens", body).header("authorization", session)
}

pub(super) fn user(name: &str) -> Call {
    post("/api/v1/users", json!({ "name": name, "password": PASSWORD }))
}

pub(super) fn role(name: &str) -> Call {
    post("/api/v1/roles", json!({ "name": name, "claims": ["key:read"] }))
}

pub(super) fn key(alias: &str) -> Call {
    post("/api/v1/keys", json!({ "alias": alias }))
}

pub(super) fn host(alias: &str) -> Call {
    post("/api/v1/known-hosts", json!({ "alias": alias, "line": HOST }))
}

pub(super) fn activate(tag: &str) -> Call {
    post("/api/v1/deployments:activate", json!({ "tag": tag }))
}

pub(super) fn canary() -> Call {
    post(
        "/api/v1/canary",
        json!({ "tag": "d-2", "nodes": 1, "bakeMs": 3_600_000, "errorsPerMillionMax": 1_000_000 }),
    )
}

pub(super) fn reserve(group: &str) -> Call {
    post("/api/v1/resources:reserve", json!({ "group": group, "lease": "10m" }))
}

pub(super) fn schedule(change: Value) -> Call {
    patch("/api/v1/scheduler/workflows/orders", change)
}

pub(super) fn keys(alias: &'static str) -> impl Fn(&Cluster, usize) -> Value {
    count(listed("/api/v1/keys", "alias", alias))
}

pub(super) fn certificates(alias: &'static str) -> impl Fn(&Cluster, usize) -> Value {
    count(listed("/api/v1/certificates", "alias", alias))
}

pub(super) fn hosts(alias: &'static str) -> impl Fn(&Cluster, usize) -> Value {
    count(listed("/api/v1/known-hosts", "alias", alias))
}

pub(super) fn users(name: &'static str) -> impl Fn(&Cluster, usize) -> Value {
    count(listed("/api/v1/users", "name", name))
}

pub(super) fn roles(name: &'static str) -> impl Fn(&Cluster, usize) -> Value {
    count(listed("/api/v1/roles", "name", name))
}

pub(super) fn sessions(user: &'static str) -> impl Fn(&Cluster, usize) -> Value {
    count(listed("/api/v1/sessions", "user", user))
}

pub(super) fn tokens(description: &'static str) -> impl Fn(&Cluster, usize) -> Value {
    count(listed("/api/v1/tokens", "description", description))
}

pub(super) fn stored(tag: &'static str) -> impl Fn(&Cluster, usize) -> Value {
    count(listed("/api/v1/deployments", "tag", tag))
}

/// The projects that were applied from directories.
pub(super) fn applied(cluster: &Cluster, at: usize) -> Value {
    let page = seen(cluster, at, "/api/v1/deployments");
    page["applied"].as_array().unwrap().iter().map(|it| it["project"].clone()).collect()
}

/// The states of an item.
pub(super) fn items(cluster: &Cluster, at: usize, source: &str, name: &str) -> Value {
    let source = source.replace('/', "%2F");
    let page = seen(cluster, at, &format!("/api/v1/items?source={source}&pattern={name}"));
    page["items"].as_array().unwrap().iter().map(|it| it["status"].clone()).collect()
}
