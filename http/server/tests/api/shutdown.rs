//! Graceful shutdown: what was begun is answered, nothing new is taken.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(20);

#[tokio::test]
async fn an_open_request_is_answered_before_the_server_ends() {
    let (began, mut has_begun) = mpsc::channel::<()>(1);
    let (stop, stopped) = oneshot::channel::<()>();
    let (answer, may_answer) = oneshot::channel::<()>();
    let may_answer = Arc::new(std::sync::Mutex::new(Some(may_answer)));
    let router = Router::new().route(
        "/",
        get(async move || {
            began.send(()).await.unwrap();
            let may_answer = may_answer.lock().unwrap().take().unwrap();
            may_answer.await.unwrap();
            "answered"
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let shutdown = async { stopped.await.unwrap() };
    let server = tokio::spawn(weir_http_server::serve(listener, router, LONG, shutdown));
    let request = tokio::spawn(async move { crate::fixture::get(&base).await });
    has_begun.recv().await.unwrap();
    stop.send(()).unwrap();
    answer.send(()).unwrap();
    assert_eq!(request.await.unwrap().2, "answered");
    let ended = tokio::time::timeout(LONG, server).await;
    ended.expect("the server ends after its last request").unwrap().unwrap();
}

#[tokio::test]
async fn a_request_that_is_not_answered_within_the_grace_is_cut_off() {
    let (began, mut has_begun) = mpsc::channel::<()>(1);
    let router = Router::new().route(
        "/",
        get(async move || {
            began.send(()).await.unwrap();
            std::future::pending::<()>().await;
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async { stopped.await.unwrap() };
    let grace = Duration::from_millis(20);
    let server = tokio::spawn(weir_http_server::serve(listener, router, grace, shutdown));
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = tokio::spawn(http.get(base).send());
    has_begun.recv().await.unwrap();
    stop.send(()).unwrap();
    let ended = tokio::time::timeout(LONG, server).await;
    ended.expect("the server does not wait for ever").unwrap().unwrap();
    request.abort();
}
