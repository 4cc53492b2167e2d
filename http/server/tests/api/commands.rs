//! Who may send the commands of the REST API: whoever is on the server's machine, and from elsewhere
//! who shows the token. A request that was passed on stands for one from elsewhere.

use serde_json::{Value, json};

use crate::fixture::{config_server, engine, engine_with_token, problem_in, read};

const TOKEN: &str = "0123456789abcdef";
const ELSEWHERE: &str = "10.0.0.7";

async fn reset(base: &str, from: Option<&str>, token: Option<&str>) -> (u16, Value) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = http.post(format!("{base}/api/v1/items:reset"));
    if let Some(from) = from {
        request = request.header("x-forwarded-for", from);
    }
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let response = request.json(&json!({ "source": "gone/in" })).send().await.unwrap();
    assert_eq!(response.status() == 401, response.headers().contains_key("www-authenticate"));
    let (status, content_type, body) = read(response).await;
    match status {
        200 => (status, serde_json::from_str(&body).unwrap()),
        _ => (status, problem_in(status, &content_type, &body)),
    }
}

#[tokio::test]
async fn the_engines_own_machine_needs_no_token() {
    for base in [engine().await, engine_with_token(TOKEN).await] {
        assert_eq!(reset(&base, None, None).await.1["count"], 1);
    }
    // What it has set for another engine is in nobody's way.
    assert_eq!(reset(&engine().await, None, Some("another")).await.0, 200);
}

#[tokio::test]
async fn without_a_token_of_its_own_an_engine_obeys_nobody_elsewhere() {
    let base = engine().await;
    for token in [None, Some(TOKEN), Some("")] {
        let (status, problem) = reset(&base, Some(ELSEWHERE), token).await;
        assert_eq!((status, &problem["code"]), (403, &json!("WEIR-07015")));
        assert!(problem["hint"].as_str().unwrap().contains("weir.management.token"), "{problem}");
    }
    assert_eq!(reset(&base, None, None).await.1["count"], 1, "nothing was forgotten");
}

#[tokio::test]
async fn from_elsewhere_the_token_is_needed_also_through_the_configuration_server() {
    let engine = engine_with_token(TOKEN).await;
    let server = config_server(&engine).await;
    for base in [&engine, &server] {
        for token in [None, Some("wrong"), Some("")] {
            let (status, problem) = reset(base, Some(ELSEWHERE), token).await;
            assert_eq!((status, &problem["code"]), (401, &json!("WEIR-07014")), "{token:?}");
            let hint = problem["hint"].as_str().unwrap();
            assert!(hint.contains("or send it from the server's own machine"), "{hint}");
        }
    }
    assert_eq!(reset(&server, Some(ELSEWHERE), Some(TOKEN)).await.1["count"], 1);
}

#[tokio::test]
async fn the_configuration_servers_place_is_not_lent_to_its_callers() {
    let server = config_server(&engine().await).await;
    let (status, problem) = reset(&server, Some(ELSEWHERE), Some("made up")).await;
    assert_eq!((status, &problem["code"]), (403, &json!("WEIR-07015")));
    assert_eq!(reset(&server, None, None).await.1["count"], 1, "it was not forgotten");
}
