//! Graceful shutdown: what was begun is answered, nothing new is taken.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

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
    let server = tokio::spawn(weir_http_server::serve(listener, router, shutdown));
    let request = tokio::spawn(async move { crate::fixture::get(&base).await });
    has_begun.recv().await.unwrap();
    stop.send(()).unwrap();
    answer.send(()).unwrap();
    assert_eq!(request.await.unwrap().2, "answered");
    let ended = tokio::time::timeout(Duration::from_secs(20), server).await;
    ended.expect("the server ends after its last request").unwrap().unwrap();
}
