//! Versions of projects: what a commit is based on, how refusals are told, and what takes long.

use std::sync::Arc;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::fake_versions::HEAD;
use crate::fixture::{config_server, read};
use crate::guard::{refusal, request};

const NOWHERE: &str = "http://127.0.0.1:1";

async fn server() -> impl Fn(Method, &str) -> RequestBuilder {
    let base: Arc<str> = config_server(NOWHERE).await.into();
    move |method, path| request(&method, &format!("{base}/api/v1/{path}"), None)
}

async fn answered(request: RequestBuilder) -> (u16, Value) {
    let (status, _, body) = read(request.send().await.unwrap()).await;
    (status, serde_json::from_str(&body).unwrap())
}

#[tokio::test]
async fn a_commit_says_which_version_was_seen_and_is_its_senders() {
    let ask = server().await;
    let status = ask(Method::GET, "projects/sample/status").send().await.unwrap();
    let etag = status.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!(etag, format!("\"{HEAD}\""));
    let commit = |query: &str| {
        let path = format!("projects/sample/versions{query}");
        ask(Method::POST, &path).json(&json!({ "message": "more" }))
    };
    let (status, problem) = refusal(commit("")).await;
    assert_eq!((status, &problem["code"]), (428, &json!("WEIR-07020")));
    let (status, problem) = refusal(commit("").header("if-none-match", "*")).await;
    assert_eq!((status, &problem["code"]), (412, &json!("WEIR-13015")));
    assert_eq!(problem["hint"], "do something else");
    let (status, committed) = answered(commit("").header("if-match", &etag)).await;
    assert_eq!((status, &committed["version"]["author"]["name"]), (200, &json!("local")));
    let (_, foreseen) = answered(commit("?dryRun=true").header("if-match", &etag)).await;
    assert_eq!(
        (&foreseen["version"], &foreseen["files"][0]["path"]),
        (&Value::Null, &json!("a.yaml"))
    );
    let unknown = ask(Method::POST, "projects/sample/versions").header("if-match", &etag);
    let (status, _) = refusal(unknown.json(&json!({ "message": "x", "author": "eve" }))).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn a_history_goes_on_where_its_cursor_says() {
    let ask = server().await;
    let mut path = "projects/sample/versions?limit=1".to_owned();
    let mut pages = 0;
    loop {
        let (status, page) = answered(ask(Method::GET, &path)).await;
        assert_eq!((status, page["items"].as_array().unwrap().len()), (200, 1));
        pages += 1;
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        path = format!("projects/sample/versions?limit=1&cursor={cursor}");
    }
    assert_eq!(pages, 3);
    let (status, problem) = refusal(ask(Method::GET, "projects/sample/versions?cursor=AQ")).await;
    assert_eq!(status, 400, "{problem}");
}

#[tokio::test]
async fn a_branch_goes_by_force_only_as_it_was_seen() {
    let ask = server().await;
    let delete =
        |query: &str| ask(Method::DELETE, &format!("projects/sample/branches/a%2Fb{query}"));
    assert_eq!(refusal(delete("")).await.1["code"], "WEIR-13024");
    assert_eq!(refusal(delete("?force=true")).await.0, 428);
    assert_eq!(refusal(delete("?force=true").header("if-match", "2")).await.0, 412);
    let (status, gone) = answered(delete("?force=true").header("if-match", HEAD)).await;
    assert_eq!((status, &gone["name"]), (200, &json!("a/b")));
}

#[tokio::test]
async fn what_goes_over_a_network_is_an_operation_that_can_be_cancelled() {
    let ask = server().await;
    let begun = ask(Method::POST, "projects/sample/remotes/origin/fetch").send().await.unwrap();
    assert_eq!(begun.status(), 202);
    let place = begun.headers()["location"].to_str().unwrap().replace("/api/v1/", "");
    let (_, operation) = answered(ask(Method::POST, &format!("{place}/cancel"))).await;
    assert_eq!((&operation["kind"], &operation["project"]), (&json!("fetch"), &json!("sample")));
    let again =
        || ask(Method::POST, "projects/sample/remotes/origin/fetch").header("idempotency-key", "k");
    let ids = [answered(again()).await, answered(again()).await].map(|it| it.1["id"].clone());
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[0], operation["id"]);
    let ended = async |place: &str| loop {
        let (_, operation) = answered(ask(Method::GET, place)).await;
        if operation["state"] != "running" {
            break operation;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(ended(&place).await["state"], "cancelled");
    let pull = ask(Method::POST, "projects/sample/remotes/origin/pull").json(&json!({}));
    let place = pull.send().await.unwrap().headers()["location"].to_str().unwrap().to_owned();
    let failed = ended(&place.replace("/api/v1/", "")).await;
    assert_eq!(
        (&failed["state"], &failed["problem"]["code"]),
        (&json!("failed"), &json!("WEIR-13035"))
    );
}

#[tokio::test]
async fn credentials_are_repeated_in_no_answer() {
    let ask = server().await;
    let add = |body: Value| ask(Method::POST, "projects/sample/remotes").json(&body);
    let good = json!({ "name": "origin", "address": "https://h/p",
                       "credentials": { "user": "ada", "secret": "hunter2" } });
    let (status, added) = answered(add(good)).await;
    assert_eq!(
        (status, &added["hasCredentials"], &added["user"]),
        (200, &json!(true), &json!("ada"))
    );
    assert!(!added.to_string().contains("hunter2"));
    for bad in [
        json!({ "name": "origin", "address": "https://h/p", "credentials": "hunter2" }),
        json!({ "name": "origin", "address": "https://h/p", "hunter2": 1 }),
        json!({ "name": "origin", "address": "https://h/p", "credentials": { "secret": ["hunter2"] } }),
    ] {
        let (status, problem) = refusal(add(bad)).await;
        assert!(status == 400 && !problem.to_string().contains("hunter2"), "{problem}");
    }
}
