//! What changes, followed over a real connection.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use reqwest::Response;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use weir_http_client::Client;
use weir_http_server::{Cluster as _, Guard, Here, Limits, config_server as design, engine};

use crate::fake_access::{FakeAccess, MUST_CHANGE, bearer};
use crate::fake_cluster::{FakeCluster, node_name};
use crate::fixture::{self, FakeEngine, get, problem};
use crate::guard::{engine_with, guard};

const DEADLINE: Duration = Duration::from_secs(60);

/// A stream that is read event by event.
pub(crate) struct Followed {
    response: Response,
    pending: String,
}

impl Followed {
    pub(crate) async fn of(
        base: &str,
        topics: &str,
        shown: Option<&str>,
        has: Option<&str>,
    ) -> Self {
        Self::at(&format!("{base}/api/v1"), topics, shown, has).await
    }

    /// Below a path, as that of a cluster.
    pub(crate) async fn at(
        path: &str,
        topics: &str,
        shown: Option<&str>,
        has: Option<&str>,
    ) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut request = http.get(format!("{path}/live?topics={topics}"));
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
    pub(crate) async fn next(&mut self) -> Option<(String, Value)> {
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
async fn what_is_known_is_followed_beside_what_is_not() {
    let base = fixture::engine().await;
    let mut live = Followed::of(&base, "nodes,nodse,stream:x", None, None).await;
    let mut told = BTreeMap::new();
    while told.len() < 3 {
        let (_, event) = live.next().await.unwrap();
        told.insert(event["topic"].as_str().unwrap().to_owned(), event);
    }
    assert_eq!(told["nodes"]["type"], "whole");
    for stranger in ["nodse", "stream:x"] {
        let event = &told[stranger];
        assert_eq!((&event["type"], &event["problem"]["status"]), (&json!("refused"), &json!(400)));
        assert!(event["problem"].to_string().contains(stranger), "{event}");
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

const FOLLOWERS: usize = 1_000;
const CHANGES: u128 = 5;

/// Follows over a connection of its own, and says when it has seen the beginning (0) and each change.
async fn follows(address: String, saw: mpsc::UnboundedSender<(u128, Instant)>) {
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let question = format!("GET /api/v1/live?topics=leases HTTP/1.1\r\nhost: {address}\r\n\r\n");
    stream.write_all(question.as_bytes()).await.unwrap();
    let mut read = String::new();
    for number in 0..=CHANGES {
        let wanted = match number {
            0 => "event: whole".to_owned(),
            number => format!("\"pinned\":\"node-{number}\""),
        };
        loop {
            if let Some(at) = read.find(&wanted) {
                read.drain(..at + wanted.len());
                break;
            }
            let mut piece = [0; 4_096];
            let length = timeout(DEADLINE * 6, stream.read(&mut piece)).await.expect("in time");
            let length = length.unwrap();
            assert!(length > 0, "the stream ended before change {number}: {read}");
            read.push_str(std::str::from_utf8(&piece[..length]).unwrap());
        }
        // It holds what it has begun to read, and no more.
        assert!(read.len() < 64 << 10, "{} bytes are left", read.len());
        saw.send((number, Instant::now())).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_followers_get_each_change() {
    let files = weir_http_server::open_more_files();
    assert!(files >= 6_600, "this test needs more open files than {files}: ulimit -n 8192");
    let cluster = Arc::new(FakeCluster::new());
    let everybody = Guard::closed().or_from_here(Here::Everything);
    let router =
        engine::router(Arc::new(FakeEngine::new()), cluster.clone(), everybody, Limits::default());
    let base = fixture::served(router).await;
    let (saw, mut seen) = mpsc::unbounded_channel();
    let mut followers = JoinSet::new();
    for _ in 0..FOLLOWERS {
        let address = base.trim_start_matches("http://").to_owned();
        followers.spawn(follows(address, saw.clone()));
    }
    drop(saw);
    for number in 0..=CHANGES {
        let mut at = Vec::new();
        while at.len() < FOLLOWERS {
            let (which, when) = seen.recv().await.expect("nobody ended");
            assert_eq!(which, number, "nobody is ahead of what was changed");
            at.push(when);
        }
        at.sort();
        let after = |part: usize| (at[FOLLOWERS * part / 100 - 1] - at[0]).as_millis();
        println!("{number}: 50% after {} ms, 99% after {} ms", after(50), after(99));
        let next = node_name(number + 1);
        if number < CHANGES {
            cluster.lease_move("access-coordinator", Some(&next)).await.unwrap();
        }
    }
    while let Some(ended) = followers.join_next().await {
        ended.unwrap();
    }
}
