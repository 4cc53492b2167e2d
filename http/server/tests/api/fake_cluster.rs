//! A cluster of three with fixed contents, which does what it is told and tells what happens.

use std::sync::Mutex;

use futures::stream::{BoxStream, StreamExt as _, unfold};
use tokio::sync::broadcast::{Sender, channel, error::RecvError};
use weir_domain::{
    ClusterName, Code, Fault, Incarnation, NodeName, NodeStatus, NodeUid, Timestamp,
};
use weir_http_api::{
    CertificateView, ClusterChange, ClusterEvent, ExplanationView, LeaseState, LeaseView,
    LinkState, LinkView, MemberView, MembersView, ReasonView,
};
use weir_http_server::{Checks, Cluster, ClusterNews, Refusal};

use crate::fixture::NOW;

pub(crate) struct FakeCluster {
    members: Mutex<MembersView>,
    leases: Mutex<Vec<LeaseView>>,
    events: Sender<ClusterEvent>,
    /// Whether the store answers.
    store: Result<(), Fault>,
}

pub(crate) fn node_name(n: u128) -> NodeName {
    NodeName::new(format!("node-{n}")).unwrap()
}

pub(crate) fn life(n: u128) -> Incarnation {
    Incarnation { name: node_name(n), uid: NodeUid(uuid::Uuid::from_u128(n)) }
}

fn member(n: u128, status: NodeStatus, unreachable: bool) -> MemberView {
    let Incarnation { name, uid } = life(n);
    MemberView {
        address: format!("weir://weir@{name}:5843").parse().unwrap(),
        rest: format!("http://{name}:5842"),
        name,
        uid,
        status,
        unreachable,
        unreachable_since: unreachable.then_some(NOW),
        unreachable_from: if unreachable { vec!["node-1".into()] } else { vec![] },
        roles: vec!["ingest".into()],
        version: "0.1.0".into(),
        up_number: if status == NodeStatus::Joining { 0 } else { 1 },
        joined_at: NOW,
        changed_at: NOW,
        reason: "it joined".into(),
    }
}

impl FakeCluster {
    /// node-1 was asked and is up, node-2 is up and can't be reached, node-3 is joining, node-4 was
    /// removed.
    pub(crate) fn new() -> Self {
        let members = vec![
            member(1, NodeStatus::Up, false),
            member(2, NodeStatus::Up, true),
            member(3, NodeStatus::Joining, false),
            member(4, NodeStatus::Removed, false),
        ];
        let lease = LeaseView {
            name: "access-coordinator".into(),
            state: LeaseState::Held,
            owner: Some(life(1)),
            epoch: 3,
            left_ms: 5_200,
            pinned: None,
            here: "active".into(),
            trouble: None,
        };
        Self {
            members: Mutex::new(MembersView {
                cluster: ClusterName::new("weir").unwrap(),
                node: life(1),
                leader: Some(node_name(1)),
                version: 7,
                store_trouble: None,
                members,
            }),
            leases: Mutex::new(vec![lease]),
            events: channel(4).0,
            store: Ok(()),
        }
    }

    pub(crate) fn without_store(fault: Fault) -> Self {
        Self { store: Err(fault), ..Self::new() }
    }

    pub(crate) fn tell(&self, what: ClusterChange) {
        // Nobody may follow.
        let _ = self.events.send(ClusterEvent { at: NOW, what });
    }

    fn set(&self, node: &Incarnation, status: NodeStatus) {
        let mut members = self.members.lock().unwrap();
        let member = members.members.iter_mut().find(|it| it.uid == node.uid).unwrap();
        member.status = status;
        member.reason = "management".into();
    }
}

#[async_trait::async_trait]
impl Cluster for FakeCluster {
    fn now(&self) -> Timestamp {
        NOW
    }

    async fn members(&self) -> Result<MembersView, Fault> {
        self.store.clone()?;
        Ok(self.members.lock().unwrap().clone())
    }

    async fn leases(&self) -> Result<Vec<LeaseView>, Fault> {
        self.store.clone()?;
        Ok(self.leases.lock().unwrap().clone())
    }

    async fn links(&self) -> Result<Vec<LinkView>, Fault> {
        let certificate = CertificateView { subject: "CN=node-2".into(), expires_at: NOW };
        Ok(vec![LinkView {
            address: "weir://weir@node-2:5843".parse().unwrap(),
            peer: Some(life(2)),
            state: LinkState::Dialling,
            since: NOW,
            round_trip_us: Some(230),
            queued_bytes: 0,
            certificate: Some(certificate),
            trouble: Some("connection refused".into()),
        }])
    }

    async fn explain(&self, node: Option<&NodeName>) -> Result<Option<ExplanationView>, Fault> {
        let node = node.cloned().unwrap_or(node_name(1));
        let known = self.members.lock().unwrap().members.iter().any(|it| it.name == node);
        let message = format!("{node} waits for other members");
        Ok(known.then(|| ExplanationView {
            node,
            status: Some(NodeStatus::Joining),
            reasons: vec![ReasonView {
                code: Code(11_000),
                message,
                hint: Some("start another engine".into()),
            }],
        }))
    }

    fn events(&self) -> BoxStream<'static, ClusterNews> {
        let news =
            unfold(self.events.subscribe(), async |mut receiver| match receiver.recv().await {
                Ok(event) => Some((ClusterNews::Event(Box::new(event)), receiver)),
                Err(RecvError::Lagged(_)) => Some((ClusterNews::Missed, receiver)),
                Err(RecvError::Closed) => None,
            });
        news.boxed()
    }

    async fn member_leave(&self, node: &Incarnation) -> Result<(), Refusal> {
        self.set(node, NodeStatus::Leaving);
        Ok(())
    }

    async fn member_down(&self, node: &Incarnation) -> Result<(), Refusal> {
        if *node == life(1) {
            let hint = Some("ask it to leave".to_owned());
            return Err(Refusal::Conflict { detail: "node-1 can be reached".into(), hint });
        }
        self.set(node, NodeStatus::Down);
        Ok(())
    }

    /// Written down, and not read yet: as in an engine, the list shows it later.
    async fn lease_move(&self, lease: &str, node: Option<&NodeName>) -> Result<(), Refusal> {
        let mut leases = self.leases.lock().unwrap();
        let known = leases.iter_mut().find(|it| it.name == lease);
        known.expect("it is known").pinned = node.cloned();
        Ok(())
    }

    async fn readiness(&self) -> Checks {
        vec![("member", Err("it is joining".into())), ("store", Ok(()))]
    }
}
