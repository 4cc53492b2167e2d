//! Which streams a request tells what to do, and what it is refused for.

use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::{config_server, engine, problem_in, read, stream_id};
use crate::schedule_lab::Lab;

async fn tell(base: &str, order: &str, selection: Value) -> (u16, Value) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = http.request(Method::POST, format!("{base}/api/v1/streams:{order}"));
    let (status, content_type, body) = read(request.json(&selection).send().await.unwrap()).await;
    match status {
        200 => (status, serde_json::from_str(&body).unwrap()),
        _ => (status, problem_in(status, &content_type, &body)),
    }
}

#[tokio::test]
async fn every_order_is_taken_also_through_the_configuration_server() {
    let engine = engine().await;
    let server = config_server(&engine).await;
    for order in ["pause", "resume", "shutdown", "abort", "terminate"] {
        for base in [&engine, &server] {
            let (status, told) = tell(base, order, json!({ "ids": [stream_id(1)] })).await;
            assert_eq!((status, &told["told"]), (200, &json!([])), "{order}");
            let why = &told["notTold"][0]["why"];
            assert_eq!(why, "it is not open any more", "it was committed long ago");
        }
    }
    let (status, told) = tell(&engine, "pause", json!({ "workflow": "flights" })).await;
    assert_eq!((status, told), (200, json!({ "told": [], "notTold": [], "dryRun": false })));
}

#[tokio::test]
async fn a_selection_that_can_not_be_meant_is_refused() {
    let engine = engine().await;
    let refused = async |selection| tell(&engine, "abort", selection).await;
    let (status, problem) = refused(json!({})).await;
    assert_eq!(status, 400);
    assert!(problem["detail"].as_str().unwrap().contains("names no stream"), "{problem}");
    let (status, _) = refused(json!({ "ids": [stream_id(1)], "workflow": "flights" })).await;
    assert_eq!(status, 400);
    let (status, problem) = refused(json!({ "state": "committed" })).await;
    assert_eq!(status, 400);
    assert!(problem["detail"].as_str().unwrap().contains("is over"), "{problem}");
    let (status, _) = refused(json!({ "ids": [stream_id(77)] })).await;
    assert_eq!(status, 404);
    let (status, _) = refused(json!({ "workflows": "flights" })).await;
    assert_eq!(status, 400, "a slip is no filter");
}

#[tokio::test]
async fn a_workflow_or_node_that_there_is_not_is_refused_with_the_nearest() {
    let engine = engine().await;
    for (selection, detail) in [
        (json!({ "workflow": "flihgts" }), "there is no workflow \"flihgts\""),
        (json!({ "node": "nowhere" }), "there is no node \"nowhere\""),
        (json!({ "workflow": "flights", "node": "nowhere" }), "there is no node \"nowhere\""),
        (json!({ "workflow": "flihgts", "dryRun": true }), "there is no workflow \"flihgts\""),
    ] {
        for order in ["pause", "resume", "shutdown", "abort", "terminate"] {
            let (status, problem) = tell(&engine, order, selection.clone()).await;
            assert_eq!((status, &problem["code"]), (404, &json!("WEIR-07003")), "{problem}");
            assert_eq!(problem["detail"], detail);
        }
    }
    let (_, problem) = tell(&engine, "pause", json!({ "workflow": "flihgts" })).await;
    assert_eq!(problem["hint"], "did you mean \"flights\"?");
}

#[tokio::test]
async fn a_scheduler_that_says_nothing_is_not_taken_for_no_such_workflow() {
    let nothing = json!({ "told": [], "notTold": [], "dryRun": false });
    let elsewhere = json!({ "workflow": "elsewhere" });
    let (silent, _singletons) = Lab::silent().await;
    assert_eq!(tell(&silent.base, "pause", elsewhere.clone()).await, (200, nothing.clone()));
    let lab = Lab::of(&["n1"], &["elsewhere"]).await;
    assert_eq!(tell(&lab.base, "pause", elsewhere).await, (200, nothing));
    assert_eq!(tell(&lab.base, "pause", json!({ "workflow": "elsewere" })).await.0, 404);
}
