//! Projects and their assets: what a request says it is based on, and how refusals are told.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use weir_domain::Digest;

use crate::fixture::{config_server, read};
use crate::guard::{refusal, request};

const NOWHERE: &str = "http://127.0.0.1:1";
const PATH: &str = "projects/sample/assets/sources%2Forders.yaml";

async fn server() -> impl Fn(Method, &str) -> RequestBuilder {
    let base = config_server(NOWHERE).await;
    move |method, path| request(&method, &format!("{base}/api/v1/{path}"), None)
}

fn etag() -> String {
    format!("\"{}\"", Digest::of(b"a: 1\n"))
}

#[tokio::test]
async fn an_asset_is_shown_with_its_etag_under_its_path_as_one_segment() {
    let ask = server().await;
    let answer = ask(Method::GET, PATH).send().await.unwrap();
    assert_eq!(answer.headers()["etag"], etag().as_str());
    let (status, _, body) = read(answer).await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (status, &body["path"], &body["text"]),
        (200, &json!("sources/orders.yaml"), &json!("a: 1\n"))
    );
    assert_eq!(body["etag"], etag().trim_matches('"'));
}

#[tokio::test]
async fn a_change_that_does_not_say_what_it_is_based_on_is_refused() {
    let ask = server().await;
    let rename = format!("{PATH}/rename");
    for (method, path) in
        [(Method::PUT, PATH), (Method::DELETE, PATH), (Method::POST, rename.as_str())]
    {
        let body =
            if method == Method::PUT { json!({ "text": "x" }) } else { json!({ "name": "x" }) };
        let (status, problem) = refusal(ask(method.clone(), path).json(&body)).await;
        assert_eq!((status, &problem["code"]), (428, &json!("WEIR-07020")), "{method}");
        assert!(problem["hint"].as_str().unwrap().contains("if-match"), "{problem}");
        let asked = ask(method, path).json(&body).header("if-match", "\"7\"");
        let (status, problem) = refusal(asked).await;
        assert_eq!((status, &problem["errors"][0]["pointer"]), (400, &json!("header/if-match")));
    }
}

#[tokio::test]
async fn an_etag_that_a_proxy_made_weak_is_taken_and_what_names_none_is_not() {
    let ask = server().await;
    let put = || ask(Method::PUT, PATH).json(&json!({ "text": "b: 2\n" }));
    let (status, _) = refusal(put().header("if-match", "*")).await;
    assert_eq!(status, 428);
    let several = format!("{}, \"7\"", etag());
    let (status, problem) = refusal(put().header("if-match", several)).await;
    assert_eq!((status, &problem["errors"][0]["pointer"]), (400, &json!("header/if-match")));
    let weak = format!("W/{}", etag());
    assert_eq!(put().header("if-match", weak).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn what_was_changed_meanwhile_is_answered_with_all_texts() {
    let ask = server().await;
    let put = |text: String| ask(Method::PUT, PATH).json(&json!({ "text": text }));
    let written = put("b: 2\n".into()).header("if-match", etag()).send().await.unwrap();
    let expected = format!("\"{}\"", Digest::of(b"b: 2\n"));
    assert_eq!(
        (written.status().as_u16(), &written.headers()["etag"]),
        (200, &expected.parse().unwrap())
    );
    let (status, problem) = refusal(put("b: 2\n".into()).header("if-none-match", "*")).await;
    assert_eq!((status, &problem["code"]), (412, &json!("WEIR-07017")));
    let theirs = json!({ "etag": etag().trim_matches('"'), "text": "a: 1\n" });
    let conflict = json!({ "path": "sources/orders.yaml", "theirs": theirs, "yours": "b: 2\n" });
    assert_eq!(problem["conflict"], conflict);
}

#[tokio::test]
async fn the_text_of_an_asset_may_be_longer_than_other_bodies_and_has_a_bound() {
    let ask = server().await;
    let put = |bytes: usize| {
        let body = json!({ "text": "x".repeat(bytes) });
        ask(Method::PUT, PATH).json(&body).header("if-match", etag())
    };
    assert_eq!(put(4 << 20).send().await.unwrap().status(), 200);
    let (status, problem) = refusal(put(17 << 20)).await;
    assert_eq!((status, &problem["code"]), (413, &json!("WEIR-07005")));
    let said = problem["detail"].as_str().unwrap();
    assert!(said.ends_with(" is longer than 16MiB"), "no key makes it more: {said}");
}

#[tokio::test]
async fn refusals_of_projects_say_what_is_wrong_and_what_to_do() {
    let ask = server().await;
    let (status, problem) = refusal(ask(Method::GET, "projects/sampel")).await;
    assert_eq!((status, &problem["hint"]), (404, &json!("did you mean \"sample\"?")));
    let (status, problem) =
        refusal(ask(Method::POST, "projects").json(&json!({ "name": "a/b" }))).await;
    assert_eq!((status, &problem["errors"][0]["pointer"]), (400, &json!("name")));
    let open = ask(Method::POST, "projects:open").json(&json!({ "directory": "/x" }));
    let (status, problem) = refusal(open).await;
    assert_eq!((status, &problem["code"]), (503, &json!("WEIR-00097")));
    let (status, problem) = refusal(ask(Method::DELETE, PATH).header("if-match", etag())).await;
    assert_eq!((status, &problem["hint"]), (409, &json!("use something else there first")));
    let rename = ask(Method::POST, &format!("{PATH}/rename")).json(&json!({ "name": "x" }));
    let (status, problem) = refusal(rename.header("if-match", etag())).await;
    let detail = "sources/orders.yaml:1:13: error[WEIR-02205] apiVersion: there is no v9\n  fix: write weir/v1";
    assert_eq!((status, &problem["errors"][0]["detail"]), (400, &json!(detail)));
}

#[tokio::test]
async fn an_archive_is_sent_as_what_it_is() {
    let ask = server().await;
    let answer = ask(Method::GET, "projects/sample/archive").send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/zip");
    assert_eq!(answer.headers()["content-disposition"], "attachment; filename=\"sample.zip\"");
    assert_eq!(answer.bytes().await.unwrap(), "PK");
    let import_octets =
        ask(Method::POST, "projects:import").header("content-type", "application/octet-stream");
    assert_ne!(import_octets.body("x").send().await.unwrap().status(), 415);
    let import = |bytes: usize| ask(Method::POST, "projects:import").body("x".repeat(bytes));
    let (status, problem) = refusal(import(9).header("content-type", "text/plain")).await;
    assert_eq!((status, &problem["code"]), (415, &json!("WEIR-07006")));
    let (status, problem) =
        refusal(import(9 << 20).header("content-type", "application/zip")).await;
    assert_eq!((status, &problem["errors"][0]["pointer"]), (400, &json!("archive")));
}

/// Who asks from elsewhere sees neither which projects there are nor what is in them.
#[tokio::test]
async fn assets_are_for_whoever_is_on_the_machine() {
    let ask = server().await;
    let away = |method, path: &str| ask(method, path).header("x-forwarded-for", "10.0.0.7");
    assert_eq!(refusal(away(Method::GET, "projects")).await.0, 401);
    assert_eq!(refusal(away(Method::GET, PATH)).await.0, 401);
    let put = away(Method::PUT, PATH).json(&json!({ "text": "x" })).header("if-match", etag());
    assert_eq!(refusal(put).await.0, 403);
}

#[tokio::test]
async fn texts_are_judged_before_they_are_written() {
    let ask = server().await;
    let drafts = json!({ "drafts": [{ "path": "w.yaml", "text": "x: 1" }] });
    let judge = |project: &str, body: &Value| {
        ask(Method::POST, &format!("projects/{project}/findings")).json(body).send()
    };
    let (status, _, body) = read(judge("sample", &drafts).await.unwrap()).await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &body["findings"][0]["file"]), (200, &json!("w.yaml")));
    let (status, _, _) = read(judge("other", &drafts).await.unwrap()).await;
    assert_eq!(status, 404);
    let (status, _, _) = read(judge("sample", &json!({ "texts": [] })).await.unwrap()).await;
    assert_eq!(status, 400);
}
