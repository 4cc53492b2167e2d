//! What a configuration server follows for a page: its own topics, and those of an engine, in one stream.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use weir_domain::{CommandId, UserName};
use weir_http_client::Client;
use weir_http_server::config_server::{self, Design};
use weir_http_server::{BeginOperation, Guard, Here, Limits, Operations, engine};

use crate::fake_access::{FakeAccess, OF_A_PROJECT, bearer};
use crate::fake_cluster::FakeCluster;
use crate::fixture::{self, FakeEngine, design, get, served};
use crate::guard::guard;
use crate::live::Followed;

const NOWHERE: &str = "http://127.0.0.1:1";

/// An operation of somebody else's, which ends with what is sent.
async fn begun(operations: &Operations) -> (CommandId, oneshot::Sender<Value>) {
    let (end, ends) = oneshot::channel();
    let begin = BeginOperation {
        kind: "build",
        project: Some("flights".parse().unwrap()),
        by: UserName::new("bob").unwrap(),
        id: None,
        steps: vec!["compile"],
    };
    let begun = operations.begin(begin, |_| async move { Ok(ends.await.unwrap()) });
    (begun.await.unwrap().id, end)
}

async fn server(operations: &Operations, engine: &str, guard: Guard) -> String {
    let design = Design { operations: operations.clone(), ..design() };
    let engine = Client::new(engine).unwrap();
    served(config_server::router(design, engine, guard, Limits::default())).await
}

/// The first event of each of so many topics, and the last id.
async fn first(live: &mut Followed, count: usize) -> (BTreeMap<String, Value>, String) {
    let (mut told, mut last) = (BTreeMap::new(), String::new());
    while told.len() < count {
        let (id, event) = live.next().await.expect("it goes on");
        if !id.is_empty() {
            last = id;
        }
        told.insert(event["topic"].as_str().unwrap().to_owned(), event);
    }
    (told, last)
}

#[tokio::test]
async fn one_stream_has_what_the_server_knows_and_what_its_engine_knows() {
    let operations = Operations::in_memory(fixture::system());
    let (id, _end) = begun(&operations).await;
    let everybody = Guard::closed().or_from_here(Here::Everything);
    let base = server(&operations, &fixture::engine().await, everybody).await;
    let topics = format!("workflows,clusters,nodes,operation:{id}");
    let mut live = Followed::of(&base, &topics, None, None).await;
    let (told, last) = first(&mut live, 4).await;
    for (topic, path) in [
        ("workflows".to_owned(), "workflows?everywhere=true".to_owned()),
        ("nodes".to_owned(), "nodes".to_owned()),
        ("clusters".to_owned(), "clusters".to_owned()),
        (format!("operation:{id}"), format!("operations/{id}")),
    ] {
        let (_, _, body) = get(&format!("{base}/api/v1/{path}")).await;
        let shown: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((&told[&topic]["type"], &told[&topic]["value"]), (&json!("whole"), &shown));
        assert!(last.contains(&format!("{topic}=")), "{topic} in {last}");
    }
    // Both sides know what who comes back has.
    let mut live = Followed::of(&base, &topics, None, Some(&last)).await;
    let (told, again) = first(&mut live, 4).await;
    assert!(told.values().all(|it| it["type"] == "same"), "{told:#?}");
    let sorted =
        |id: &str| id.split(';').map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(sorted(&again), sorted(&last));
    // The same where the path names the cluster, and where nothing is asked of an engine.
    for (path, topics) in [
        ("/clusters/default", format!("clusters,nodes,operation:{id}")),
        ("/clusters/default", format!("operation:{id}")),
        ("", "clusters".to_owned()),
    ] {
        let mut live = Followed::at(&format!("{base}/api/v1{path}"), &topics, None, None).await;
        let (told, _) = first(&mut live, topics.split(',').count()).await;
        assert!(told.values().all(|it| it["type"] == "whole"), "{path}: {told:#?}");
    }
    let unknown = format!("{base}/api/v1/clusters/nope/live?topics=clusters");
    assert_eq!(fixture::problem(&unknown).await["status"], 404);
}

#[tokio::test]
async fn an_engine_has_no_topics_of_a_configuration_server() {
    let mut live = Followed::of(&fixture::engine().await, "nodes,clusters", None, None).await;
    let (told, _) = first(&mut live, 2).await;
    assert_eq!(
        (&told["nodes"]["type"], &told["clusters"]["type"]),
        (&json!("whole"), &json!("refused"))
    );
}

#[tokio::test]
async fn while_no_engine_answers_the_servers_own_topics_go_on() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let operations = Operations::in_memory(fixture::system());
    let (id, end) = begun(&operations).await;
    let everybody = || Guard::closed().or_from_here(Here::Everything);
    let base = server(&operations, &format!("http://{address}"), everybody()).await;
    let topics = format!("nodes,operation:{id},nodse");
    let mut live = Followed::of(&base, &topics, None, None).await;
    let (told, _) = first(&mut live, 3).await;
    for topic in ["nodes", "nodse"] {
        assert_eq!(told[topic]["problem"]["status"], 502, "{told:#?}");
    }
    end.send(json!({ "digest": "ab" })).unwrap();
    let (_, event) = live.next().await.unwrap();
    assert_eq!(event["value"]["state"], "succeeded", "{event}");
    // It is there again, and nobody had to come back.
    let (engine, cluster) = (Arc::new(FakeEngine::new()), Arc::new(FakeCluster::new()));
    let router = engine::router(engine, cluster, everybody(), Limits::default());
    let listener = TcpListener::bind(address).await.unwrap();
    let never = std::future::pending();
    tokio::spawn(weir_http_server::serve(listener, router, Duration::from_secs(1), never));
    let (told, _) = first(&mut live, 2).await;
    assert_eq!(told["nodes"]["type"], "whole", "{told:#?}");
    assert_eq!(told["nodse"]["problem"]["status"], 400, "{told:#?}");
}

#[tokio::test]
async fn an_operation_is_followed_by_whoever_may_see_it_and_no_longer() {
    let access = Arc::new(FakeAccess::default());
    let operations = Operations::in_memory(fixture::system());
    let (id, end) = begun(&operations).await;
    let base = server(&operations, NOWHERE, guard(&access)).await;
    let topic = format!("operation:{id}");
    // Who may not read its project is told what is said of one that is not there.
    let unknown = CommandId(uuid::Uuid::from_u128(99));
    let asked = format!("{topic},operation:{unknown}");
    let mut live = Followed::of(&base, &asked, Some(&bearer(OF_A_PROJECT)), None).await;
    let (told, _) = first(&mut live, 2).await;
    let said = |id: CommandId| {
        let problem = &told[&format!("operation:{id}")]["problem"];
        (
            problem["status"].clone(),
            problem["detail"].as_str().unwrap().replace(&id.to_string(), ""),
        )
    };
    assert_eq!(said(id), said(unknown));
    assert_eq!(said(id).0, 404);
    // Nobody.
    let mut live = Followed::of(&base, &topic, None, None).await;
    assert_eq!(live.next().await.unwrap().1["problem"]["status"], 401);
    assert_eq!(live.next().await, None);

    let mut live = Followed::of(&base, &topic, Some(&bearer("admin")), None).await;
    assert_eq!(live.next().await.unwrap().1["value"]["state"], "running");
    end.send(Value::Null).unwrap();
    assert_eq!(live.next().await.unwrap().1["value"]["state"], "succeeded");
    access.has_lost.store(true, Ordering::SeqCst);
    assert_eq!(live.next().await.unwrap().1["problem"]["status"], 404);
}
