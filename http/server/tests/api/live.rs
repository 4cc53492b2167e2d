//! What changes, followed over a real connection.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use reqwest::Response;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::timeout;
use weir_http_client::Client;
use weir_http_server::{Guard, Here, Limits, config_server as design};

use crate::fake_access::{FakeAccess, MUST_CHANGE, bearer};
use crate::fixture::{self, get, problem};
use crate::guard::{engine_with, guard};

const DEADLINE: Duration = Duration::from_secs(20);

/// A stream that is read event by event.
struct Followed {
    response: Response,
    pending: String,
}

impl Followed {
    async fn of(base: &str, topics: &str, shown: Option<&str>, has: Option<&str>) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut request = http.get(format!("{base}/api/v1/live?topics={topics}"));
        if let Some(shown) = shown {
            request = request.bearer_auth(shown);
        }
        if let Some(has) = has {
            request = request.header("last-event-id", has);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, pending: String::new() }
    }

    /// The next event with its id, empty where it has none; `None` at the end.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((event, rest)) = self.pending.split_once("\n\n") {
                let field = |name| event.lines().find_map(|it| it.strip_prefix(name));
                let found = field("data: ").map(|it| serde_json::from_str(it).unwrap());
                let found = found.map(|it| (field("id: ").unwrap_or_default().to_owned(), it));
                self.pending = rest.to_owned();
                if found.is_some() {
                    return found;
                }
                continue;
            }
            let piece = timeout(DEADLINE, self.response.chunk()).await.expect("in time");
            let piece = piece.unwrap()?;
            self.pending.push_str(std::str::from_utf8(&piece).unwrap());
        }
    }
}

#[tokio::test]
async fn each_topic_begins_with_what_its_path_shows() {
    let engine = fixture::engine().await;
    let server = fixture::config_server(&engine).await;
    for base in [engine, server] {
        let topics = "workflows,streams,workflow:flights,members";
        let mut live = Followed::of(&base, topics, None, None).await;
        for (topic, path) in [
            ("members", "cluster/members"),
            ("workflows", "workflows?everywhere=true"),
            ("workflow:flights", "workflows/flights?everywhere=true"),
            ("streams", "streams?limit=100"),
        ] {
            let (_, event) = live.next().await.unwrap();
            let (_, _, body) = get(&format!("{base}/api/v1/{path}")).await;
            let shown: Value = serde_json::from_str(&body).unwrap();
            assert_eq!((&event["topic"], &event["type"]), (&json!(topic), &json!("whole")));
            assert_eq!(event["value"], shown, "{topic}");
        }
    }
}

#[tokio::test]
async fn what_can_not_be_followed_is_refused() {
    let base = fixture::engine().await;
    for (topics, said) in [
        ("nodse", "nothing is followed as \"nodse\""),
        (",", "nothing is named that could be followed"),
    ] {
        let problem = problem(&format!("{base}/api/v1/live?topics={topics}")).await;
        assert_eq!(problem["status"], 400);
        assert!(problem.to_string().contains(&said.replace('"', "\\\"")), "{problem}");
    }
}

#[tokio::test]
async fn who_comes_back_is_told_what_it_has() {
    let base = fixture::engine().await;
    let (id, _) = Followed::of(&base, "workflows", None, None).await.next().await.unwrap();
    let mut live = Followed::of(&base, "workflows", None, Some(&id)).await;
    let (again, event) = live.next().await.unwrap();
    assert_eq!((event["type"].as_str(), again), (Some("same"), id));
}

#[tokio::test]
async fn a_topic_is_shown_to_whom_its_path_is_shown() {
    let access = Arc::new(FakeAccess::default());
    let base = engine_with(guard(&access)).await;
    let shown = bearer(MUST_CHANGE);
    let mut live = Followed::of(&base, "nodes,workflows", Some(&shown), None).await;
    let (_, event) = live.next().await.unwrap();
    assert_eq!(
        (event["type"].as_str(), &event["problem"]["status"]),
        (Some("refused"), &json!(403))
    );
    let reader = bearer("monitoring");
    let mut live = Followed::of(&base, "nodes", Some(&reader), None).await;
    assert_eq!(live.next().await.unwrap().1["type"], "whole");
    // Nobody: it is said once, and the stream ends.
    let mut live = Followed::of(&base, "nodes", None, None).await;
    assert_eq!(live.next().await.unwrap().1["problem"]["status"], 401);
    assert_eq!(live.next().await, None);
}

#[tokio::test]
async fn the_stream_ends_with_the_session() {
    let access = Arc::new(FakeAccess::default());
    let base = engine_with(guard(&access)).await;
    let mut live = Followed::of(&base, "nodes", Some(&bearer("monitoring")), None).await;
    assert_eq!(live.next().await.unwrap().1["type"], "whole");
    access.is_over.store(true, Ordering::SeqCst);
    assert_eq!(live.next().await.unwrap().1["problem"]["status"], 401);
    assert_eq!(live.next().await, None);
}

#[tokio::test]
async fn a_stream_that_is_passed_on_ends_with_the_server() {
    let engine = Client::new(&fixture::engine().await).unwrap();
    let router = design::router(
        fixture::design(),
        engine,
        Guard::closed().or_from_here(Here::Everything),
        Limits::default(),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    let until = async move { drop(stopped.await) };
    let serving = tokio::spawn(weir_http_server::serve(listener, router, DEADLINE * 9, until));
    let mut live = Followed::of(&base, "workflows", None, None).await;
    assert!(live.next().await.is_some());
    drop(stop);
    assert_eq!(live.next().await, None);
    timeout(DEADLINE, serving).await.expect("the server ends").unwrap().unwrap();
}
