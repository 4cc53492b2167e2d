//! The contract of the members: one list, changed by whoever saw its newest version.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::task::JoinSet;
use weir_domain::{
    ClusterAddress, ClusterName, Incarnation, Member, NodeName, NodeStatus, NodeUid, Timestamp,
};

use super::StoreFactory;
use crate::{ClusterIdentity, MemberChanges, MemberStore, Members};

fn uid(n: u128) -> NodeUid {
    format!("{n:032x}").parse().expect("32 hexadecimal digits are an id")
}

fn cluster(name: &str) -> ClusterName {
    ClusterName::new(name).expect("a valid name")
}

fn identity(n: u128, name: &str) -> ClusterIdentity {
    let id = format!("{n:032x}").parse().expect("32 hexadecimal digits are an id");
    ClusterIdentity { id, name: cluster(name) }
}

fn member(n: u128) -> Member {
    let host = format!("node-{n}");
    Member {
        node: Incarnation { name: NodeName::new(&*host).expect("a valid name"), uid: uid(n) },
        rest: format!("http://{host}:5842"),
        address: ClusterAddress { cluster: cluster("weir"), host, port: 5843 },
        roles: BTreeSet::from(["engine".to_owned(), "r\u{f6}le '\"".to_owned()]),
        version: "0.1.0".into(),
        status: NodeStatus::Joining,
        up_number: 0,
        joined_at: Timestamp(1),
        changed_at: Timestamp(2),
        reason: "it asked to join".into(),
    }
}

fn saving(members: impl IntoIterator<Item = Member>) -> MemberChanges {
    MemberChanges { save: members.into_iter().collect(), forget: Vec::new() }
}

pub async fn a_store_belongs_to_the_first_that_claims_it<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let first = identity(1, "weir");
    assert_eq!(store.cluster_claim(first.clone()).await, Ok(first.clone()));
    for wanted in [identity(2, "weir"), identity(1, "other"), first.clone()] {
        assert_eq!(store.cluster_claim(wanted).await, Ok(first.clone()));
    }
    let Some(store) = factory.reopen(store).await else { return };
    assert_eq!(store.cluster_claim(identity(3, "late")).await, Ok(first));
}

pub async fn members_are_listed_by_uid<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    assert_eq!(store.member_list().await, Ok(Members::default()));
    let saved = store.member_save(0, saving([member(3), member(1), member(2)])).await;
    assert_eq!(saved, Ok(Some(1)));
    let members = vec![member(1), member(2), member(3)];
    assert_eq!(store.member_list().await, Ok(Members { version: 1, members }));
}

pub async fn a_change_saves_and_forgets_together<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let saved = store.member_save(0, saving([member(1), member(2)])).await;
    assert_eq!(saved, Ok(Some(1)));
    let up = Member { status: NodeStatus::Up, up_number: 1, ..member(2) };
    let changes = MemberChanges { save: vec![up.clone(), member(3)], forget: vec![uid(1), uid(9)] };
    assert_eq!(store.member_save(1, changes).await, Ok(Some(2)));
    let members = vec![up, member(3)];
    assert_eq!(store.member_list().await, Ok(Members { version: 2, members }));
}

pub async fn a_list_that_changed_is_not_overwritten<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    assert_eq!(store.member_save(0, saving([member(1)])).await, Ok(Some(1)));
    let before = store.member_list().await;
    for seen in [0, 2, u64::MAX] {
        let changes = MemberChanges { save: vec![member(2)], forget: vec![uid(1)] };
        assert_eq!(store.member_save(seen, changes).await, Ok(None), "seen {seen}");
    }
    assert_eq!(store.member_list().await, before);
}

pub async fn one_of_many_concurrent_changes_wins<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let mut writers = JoinSet::new();
    for n in 1..=12 {
        let store = Arc::clone(&store);
        writers.spawn(async move { store.member_save(0, saving([member(n)])).await });
    }
    let answers = writers.join_all().await;
    assert_eq!(answers.iter().filter(|it| **it == Ok(Some(1))).count(), 1, "{answers:?}");
    assert_eq!(answers.iter().filter(|it| **it == Ok(None)).count(), 11, "{answers:?}");
    let list = store.member_list().await.expect("listed");
    assert_eq!((list.version, list.members.len()), (1, 1));
}

pub async fn members_outlive_the_store<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    store.member_save(0, saving([member(1), member(2)])).await.expect("saved");
    let before = store.member_list().await;
    let Some(store) = factory.reopen(store).await else { return };
    assert_eq!(store.member_list().await, before);
    assert_eq!(store.member_save(1, MemberChanges::default()).await, Ok(Some(2)));
}
