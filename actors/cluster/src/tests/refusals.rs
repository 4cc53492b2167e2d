//! What does not belong together is kept apart, with the reason.

use weir_domain::ClusterName;
use weir_persistence_api::MemberChanges;

use super::*;
use crate::code;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_second_node_with_a_taken_name_stops_and_the_first_goes_on() {
    let world = World::new();
    let nodes = world.start_up(2).await;
    let system_name = nodes[1].system.node().clone();
    let second = world.start_with(2, |it| it.address = address(9)).await.unwrap();
    assert_eq!(*second.system.node(), system_name);
    world.within(10 * SECOND, "it stops", || second.is_stopping()).await;
    match second.reason().await {
        Reason::Failed(fault) => {
            assert_eq!(fault.code, code::DUPLICATE_NAME);
            assert!(fault.message.contains("has the same name"), "{fault}");
        }
        other => panic!("{other:?}"),
    }
    world.pass(10 * SECOND).await;
    assert!(nodes.iter().all(|it| it.sees_up(2) && !it.is_stopping()));
}

#[tokio::test(start_paused = true)]
async fn a_store_of_another_cluster_is_refused() {
    let world = World::new();
    world.start_up(1).await;
    let other = |it: &mut ClusterSettings| it.name = ClusterName::new("other").unwrap();
    match world.start_with(2, other).await {
        Err(error @ Error::OtherCluster { .. }) => {
            let text = error.to_string();
            assert!(text.starts_with("the database belongs to cluster weir"), "{text}");
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was let in"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_went_back_stops_the_node_until_a_person_accepts_it() {
    let world = World::new();
    let dir = tempfile::tempdir().unwrap();
    let noted = |it: &mut ClusterSettings| it.data_dir = Some(dir.path().to_owned());
    let first = world.start_with(1, noted).await.unwrap();
    world.until("it is up", || first.sees_up(1)).await;
    let noted_version = || {
        let marks = crate::watermark::Watermarks::open(Some(dir.path())).unwrap();
        marks.seen().members_version
    };
    world.until("it is noted", || noted_version() == first.view().version).await;
    world.network.kill(first.uid());

    // The same cluster's store, from an earlier time.
    let restored = World::new();
    let identity = first.cluster.identity().clone();
    restored.store.cluster_claim(identity).await.unwrap();
    restored.store.member_save(0, MemberChanges::default()).await.unwrap();
    let again = restored.start_with(1, noted).await.unwrap();
    restored.within(5 * SECOND, "it stops", || again.is_stopping()).await;
    match again.reason().await {
        Reason::Refused(fault) => assert_eq!(fault.code, code::STORE_WENT_BACK),
        other => panic!("{other:?}"),
    }

    assert!(crate::watermark::Watermarks::accept(dir.path()).unwrap());
    let accepted = restored.start_with(1, noted).await.unwrap();
    restored.until("it is up", || accepted.sees_up(1)).await;
}
