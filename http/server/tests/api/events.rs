//! The cluster's events, followed over a real connection.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::timeout;
use weir_http_api::{ClusterChange, ClusterEvent};
use weir_http_client::{Events, Management};
use weir_http_server::{Guard, Limits, management::router};

use crate::fake_cluster::{FakeCluster, life};
use crate::fake_deployments::FakeDeployments;
use crate::fixture::served;

const DEADLINE: Duration = Duration::from_secs(60);

async fn next(events: &mut Events) -> Option<ClusterEvent> {
    timeout(DEADLINE, events.next()).await.expect("an event in time").unwrap()
}

fn routed(cluster: Arc<FakeCluster>) -> axum::Router {
    let deployments = Arc::new(FakeDeployments::default());
    router(cluster, deployments, Guard::closed(), Limits::default())
}

async fn following(cluster: &Arc<FakeCluster>) -> Events {
    let base = served(routed(cluster.clone())).await;
    Management::new(&base).unwrap().events().await.unwrap()
}

fn leader(n: u128) -> ClusterChange {
    ClusterChange::LeaderChanged { leader: Some(life(n)) }
}

#[tokio::test]
async fn the_first_event_is_the_whole_state_and_what_follows_comes_in_order() {
    let cluster = Arc::new(FakeCluster::new());
    let mut events = following(&cluster).await;
    let Some(ClusterEvent { what: ClusterChange::State { state }, .. }) = next(&mut events).await
    else {
        panic!("no state")
    };
    assert_eq!((state.members.members.len(), state.leases.len()), (4, 1));
    cluster.tell(leader(2));
    cluster.tell(leader(3));
    assert_eq!(next(&mut events).await.unwrap().what, leader(2));
    assert_eq!(next(&mut events).await.unwrap().what, leader(3));
}

#[tokio::test]
async fn who_missed_events_gets_the_state_again() {
    let cluster = Arc::new(FakeCluster::new());
    let mut events = following(&cluster).await;
    assert_eq!(next(&mut events).await.unwrap().what.name(), "state");
    // More than are kept, before the server looks again: all of them in one go.
    for n in 0..50 {
        cluster.tell(leader(n));
    }
    let mut names = Vec::new();
    loop {
        let event = next(&mut events).await.unwrap();
        names.push(event.what.name());
        if event.what == leader(49) {
            break;
        }
    }
    assert_eq!(names.iter().filter(|it| **it == "state").count(), 1, "{names:?}");
    assert!(names.len() <= 6, "{names:?}");
}

#[tokio::test]
async fn the_stream_ends_with_the_server_and_does_not_hold_it_up() {
    let cluster = Arc::new(FakeCluster::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    let router = routed(cluster);
    let until = async move { drop(stopped.await) };
    let serving = tokio::spawn(weir_http_server::serve(listener, router, DEADLINE * 9, until));
    let mut events = Management::new(&base).unwrap().events().await.unwrap();
    assert_eq!(next(&mut events).await.unwrap().what.name(), "state");
    drop(stop);
    assert_eq!(next(&mut events).await, None);
    timeout(DEADLINE, serving).await.expect("the server ends").unwrap().unwrap();
}
