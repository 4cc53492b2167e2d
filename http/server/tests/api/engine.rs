//! The engine's REST API: what it answers and how it refuses.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use weir_domain::StreamState;
use weir_http_api::{LogLineView, NodeView, StreamDetail, StreamsQuery, WorkflowDetail};
use weir_http_client::{Client, Error};
use weir_http_server::{Guard, Limits, engine::router};

use crate::fake_cluster::FakeCluster;
use crate::fixture::{self, FakeEngine, get, problem, problem_in, stream, stream_id, workflow};

fn cluster() -> Arc<FakeCluster> {
    Arc::new(FakeCluster::new())
}

async fn client() -> Client {
    Client::new(&fixture::engine().await).unwrap()
}

#[tokio::test]
async fn the_client_reads_what_the_engine_knows() {
    let client = client().await;
    assert_eq!(client.nodes().await.unwrap().items, [NodeView::from(fixture::node())]);
    assert_eq!(client.node("one").await.unwrap(), fixture::node().into());
    let names: Vec<_> = client.workflows().await.unwrap().items;
    assert_eq!(names, [workflow("flights").into(), workflow("weather").into()]);
    let detail = client.workflow("flights").await.unwrap();
    assert_eq!(detail, WorkflowDetail::from(workflow("flights")));
    assert_eq!(detail.stages[0].counts, fixture::counts().into());
    let id = stream_id(3);
    assert_eq!(client.stream(id).await.unwrap(), StreamDetail::from(stream(3)));
    let log = client.stream_log(id).await.unwrap();
    let text = |it: &LogLineView| format!("{} {}", it.code, it.text);
    assert_eq!(log.lines.iter().map(text).collect::<Vec<_>>(), ["WEIR-03002 2 dead letters"]);
    assert_eq!(client.version().await.unwrap().server, "reactive-engine");
}

#[tokio::test]
async fn pages_follow_one_another_and_hold_every_stream_once() {
    let client = client().await;
    let mut query = StreamsQuery { limit: Some(4), ..StreamsQuery::default() };
    let (mut seen, mut sizes) = (Vec::new(), Vec::new());
    loop {
        let page = client.streams(&query).await.unwrap();
        sizes.push(page.items.len());
        seen.extend(page.items.into_iter().map(|it| it.id));
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            break;
        }
    }
    assert_eq!(sizes, [4, 4, 2]);
    assert_eq!(seen, (0..10).rev().map(stream_id).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_page_that_just_fits_is_the_last() {
    let query = StreamsQuery { limit: Some(10), ..StreamsQuery::default() };
    let page = client().await.streams(&query).await.unwrap();
    assert_eq!((page.items.len(), page.next_cursor), (10, None));
}

#[tokio::test]
async fn streams_are_filtered_by_workflow_and_state() {
    let query = StreamsQuery {
        workflow: Some(fixture::name("flights")),
        state: Some(StreamState::RolledBack),
        ..StreamsQuery::default()
    };
    let page = client().await.streams(&query).await.unwrap();
    let items: Vec<_> = page.items.iter().map(|it| it.item.as_str()).collect();
    assert_eq!(items, ["in/6.csv", "in/0.csv"]);
}

#[tokio::test]
async fn configurations_of_stages_stay_on_the_engine() {
    let (_, _, body) = get(&format!("{}/api/v1/workflows/flights", fixture::engine().await)).await;
    assert!(!body.contains("hidden"), "{body}");
}

#[tokio::test]
async fn what_does_not_exist_is_answered_with_the_nearest_name() {
    let base = fixture::engine().await;
    assert_eq!(
        problem(&format!("{base}/api/v1/workflows/flihgts")).await,
        json!({
            "type": "urn:weir:problem:not-found",
            "title": "there is no such thing",
            "status": 404,
            "detail": "there is no workflow \"flihgts\"",
            "code": "WEIR-07003",
            "hint": "did you mean \"flights\"?"
        })
    );
    let missing = stream_id(99);
    let detail = format!("there is no stream \"{missing}\"");
    assert_eq!(problem(&format!("{base}/api/v1/streams/{missing}")).await["detail"], detail);
    assert_eq!(problem(&format!("{base}/api/v1/streams/{missing}/log")).await["detail"], detail);
    assert_eq!(problem(&format!("{base}/api/v1/nodes/two")).await["code"], "WEIR-07003");
}

#[tokio::test]
async fn a_wrong_part_of_a_request_is_named() {
    let base = fixture::engine().await;
    let refused = async |path: &str| {
        let problem = problem(&format!("{base}/api/v1/{path}")).await;
        assert_eq!((&problem["status"], &problem["code"]), (&json!(400), &json!("WEIR-07001")));
        problem["detail"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        refused("streams?colour=red").await,
        "query/colour is not valid: what can be asked for here is cursor, limit, state, workflow"
    );
    assert_eq!(
        refused("streams?workfow=w").await,
        "query/workfow is not valid: nothing here is called so: did you mean workflow?"
    );
    assert_eq!(
        refused("nodes?dryRun=yes").await,
        "query/dryRun is not valid: nothing can be asked for here"
    );
    assert_eq!(
        refused("streams?state=done").await,
        "query/state is not valid: \"done\" is not allowed here: use one of open, paused, retrying, \
         committed, committedWithWarnings, rolledBack"
    );
    assert_eq!(
        refused("streams?limit=1000").await,
        "query/limit is not valid: 1000 is not between 1 and 500"
    );
    assert_eq!(
        refused("streams?limit=many").await,
        "query/limit is not valid: this is no whole number: write digits alone"
    );
    assert!(refused("streams?cursor=xyz").await.contains("this is no cursor of this list"));
    assert_eq!(
        refused("workflows/a%20b").await,
        "path is not valid: \"a b\": ' ' must not stand in a name: use letters, digits, '-', '_' and '.'"
    );
    assert!(refused("workflows/%FF").await.starts_with("path is not valid"));
    assert!(refused("streams/17").await.starts_with("path is not valid: \"17\""));
}

#[tokio::test]
async fn what_axum_refuses_is_a_problem_too() {
    let base = fixture::engine().await;
    let unknown = problem(&format!("{base}/api/v1/workflow")).await;
    assert_eq!(unknown["code"], "WEIR-07002");
    assert_eq!(unknown["detail"], "nothing is served under /api/v1/workflow");
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let response = http.delete(format!("{base}/api/v1/nodes")).send().await.unwrap();
    assert_eq!(response.headers()["allow"], "GET,HEAD");
    let (status, content_type, body) = fixture::read(response).await;
    let problem = problem_in(status, &content_type, &body);
    assert_eq!(problem["code"], "WEIR-07004");
    assert_eq!(problem["detail"], "/api/v1/nodes does not take DELETE");
}

#[tokio::test]
async fn faults_and_panics_are_problems_and_the_server_goes_on() {
    let base = fixture::engine().await;
    let workflow = async |name: &str| problem(&format!("{base}/api/v1/workflows/{name}")).await;
    let fails = workflow("fails").await;
    assert_eq!((&fails["status"], &fails["code"]), (&json!(503), &json!("WEIR-05001")));
    assert_eq!(
        (&fails["detail"], &fails["hint"]),
        (&json!("the journal is cut off"), &json!("wait"))
    );
    assert_eq!(workflow("broken").await["status"], 500);
    let panics = workflow("panics").await;
    assert_eq!((&panics["status"], &panics["code"]), (&json!(500), &json!("WEIR-07009")));
    assert!(!panics.to_string().contains("a defect\""), "the cause stays in the log: {panics}");
    assert_eq!(get(&format!("{base}/livez")).await.2, "ok\n");
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_refused() {
    let limits = Limits { request_timeout: Duration::from_millis(20), ..Limits::default() };
    let base =
        fixture::served(router(Arc::new(FakeEngine::new()), cluster(), Guard::closed(), limits))
            .await;
    let hangs = problem(&format!("{base}/api/v1/workflows/hangs")).await;
    assert_eq!((&hangs["status"], &hangs["code"]), (&json!(503), &json!("WEIR-07007")));
}

#[tokio::test]
async fn readiness_says_what_is_wrong() {
    let base = fixture::engine().await;
    assert_eq!(get(&format!("{base}/readyz")).await, (200, text_plain(), "ok\n".into()));
    let verbose = "[+] journal: ok\n[+] workflows: ok\nready\n";
    assert_eq!(get(&format!("{base}/readyz?verbose")).await.2, verbose);
    let cut_off = FakeEngine { journal: Err("the disk is full".into()), ..FakeEngine::new() };
    let base =
        fixture::served(router(Arc::new(cut_off), cluster(), Guard::closed(), Limits::default()))
            .await;
    let text = "[-] journal: the disk is full\n[+] workflows: ok\nnot ready: 1 check fails\n";
    assert_eq!(get(&format!("{base}/readyz")).await, (503, text_plain(), text.into()));
}

fn text_plain() -> String {
    "text/plain; charset=utf-8".into()
}

#[tokio::test]
async fn a_request_keeps_its_id_unless_it_is_unfit() {
    let base = fixture::engine().await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let sent = async |id: &str| {
        let request = http.get(format!("{base}/api/v1/nope")).header("x-request-id", id);
        let response = request.send().await.unwrap();
        let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        let body: serde_json::Value =
            serde_json::from_str(&response.text().await.unwrap()).unwrap();
        assert_eq!(body["instance"], id);
        id
    };
    assert_eq!(sent("my-request.17").await, "my-request.17");
    assert_eq!(sent("a b\tc").await.len(), 36);
    assert_eq!(sent(&"x".repeat(65)).await.len(), 36);
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let base = fixture::engine().await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for path in ["/livez", "/api/v1/nodes", "/nope"] {
        let response = http.get(format!("{base}{path}")).send().await.unwrap();
        let headers = response.headers();
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["x-frame-options"], "DENY", "{path}");
        assert_eq!(headers["cache-control"], "no-store", "{path}");
        assert!(
            headers["content-security-policy"].to_str().unwrap().contains("default-src 'none'")
        );
    }
}

#[tokio::test]
async fn the_client_tells_its_errors_apart() {
    let client = client().await;
    let Err(Error::Problem(problem)) = client.workflow("nope").await else { panic!("a problem") };
    assert_eq!(problem.code.to_string(), "WEIR-07003");
    // A port that was just given back: nobody listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let unreachable = Client::new(&url).unwrap().nodes().await.unwrap_err();
    assert_eq!(unreachable.to_string(), format!("no server answers at {url}: connection refused"));
    let stranger = axum::Router::new().fallback(async || "hello");
    let base = fixture::served(stranger).await;
    let decode = Client::new(&base).unwrap().nodes().await.unwrap_err();
    assert!(matches!(&decode, Error::Decode { url, .. } if url.starts_with(&base)), "{decode}");
}
