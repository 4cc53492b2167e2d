//! What one client may ask for: a noisy one is told to wait, and others are served.

use std::sync::Arc;

use serde_json::Value;
use weir_http_server::{Guard, Limits, engine};

use crate::fake_cluster::FakeCluster;
use crate::fixture::{FakeEngine, served};

const NOISY: &str = "192.0.2.1";
const QUIET: &str = "192.0.2.2";

async fn base(limits: Limits) -> String {
    // This machine passes on what others send.
    let guard = Guard::closed().behind(["127.0.0.1/32".parse().unwrap()]);
    let (runs, cluster) = (Arc::new(FakeEngine::new()), Arc::new(FakeCluster::new()));
    served(engine::router(runs, cluster, guard, limits)).await
}

async fn asked(base: &str, client: &str, path: &str) -> reqwest::Response {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    http.get(format!("{base}{path}")).header("x-forwarded-for", client).send().await.unwrap()
}

#[tokio::test]
async fn who_asks_too_much_is_told_when_to_come_again_and_others_are_served() {
    let base = base(Limits { requests_per_second: 1, ..Limits::default() }).await;
    let mut served = 0;
    let refused = loop {
        let answer = asked(&base, NOISY, "/api/v1/nodes").await;
        if answer.status() != 200 {
            break answer;
        }
        served += 1;
        assert!(served < 1_000, "nobody is refused");
    };
    // What it had in reserve, and what came while it asked.
    assert!(served >= 10, "{served}");
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "1");
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(problem["code"], "WEIR-07030");
    assert!(problem["detail"].as_str().unwrap().contains("the address 192.0.2.1"), "{problem}");
    assert_eq!(asked(&base, QUIET, "/api/v1/nodes").await.status(), 200);
    assert_eq!(asked(&base, NOISY, "/livez").await.status(), 200);
    let here = reqwest::Client::builder().no_proxy().build().unwrap();
    for _ in 0..20 {
        assert_eq!(here.get(format!("{base}/api/v1/nodes")).send().await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn who_follows_too_much_is_refused_until_it_lets_go() {
    let base = base(Limits { streams_per_client: 2, ..Limits::default() }).await;
    let live = "/api/v1/live?topics=nodes";
    let (first, second) = (asked(&base, NOISY, live).await, asked(&base, NOISY, live).await);
    assert_eq!((first.status().as_u16(), second.status().as_u16()), (200, 200));
    assert_eq!(asked(&base, NOISY, live).await.status(), 429);
    assert_eq!(asked(&base, QUIET, live).await.status(), 200);
    drop(first);
    // The server learns of it a moment later.
    let again = async {
        while asked(&base, NOISY, live).await.status() != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), again).await.expect("there is room");
}
