//! The cluster as operators see and change it.

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream::{BoxStream, unfold};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use weir_cluster::singleton::State;
use weir_cluster::{ClusterEvent, LeaseStatus, OrderError, SingletonEvent, View};
use weir_domain::{Fault, Incarnation, Member, NodeName, Timestamp};
use weir_http_api::{
    CertificateView, ClusterChange, ExplanationView, LeaseState, LeaseView, LinkState, LinkView,
    MemberView, MembersView, ReasonView,
};
use weir_http_server::{Checks, Cluster, ClusterNews, Refusal};
use weir_persistence_api::LeaseName;
use weir_remote::LinkRow;
use weir_runtime::System;

use crate::boot::engine::Engine;

#[async_trait]
impl Cluster for Engine {
    fn now(&self) -> Timestamp {
        self.system.now()
    }

    async fn members(&self) -> Result<MembersView, Fault> {
        let cluster = &self.membership.cluster;
        let view = cluster.view().borrow().clone();
        let mut members: Vec<_> = view.members.iter().map(|it| member(it, &view)).collect();
        members.sort_by(|a, b| (&a.name, a.uid).cmp(&(&b.name, b.uid)));
        let leader = view.leader.and_then(|it| view.member(it)).map(|it| it.node.name.clone());
        Ok(MembersView {
            cluster: cluster.identity().name.clone(),
            node: view.me.clone(),
            leader,
            version: view.version,
            store_trouble: view.store_trouble.clone(),
            members,
        })
    }

    async fn leases(&self) -> Result<Vec<LeaseView>, Fault> {
        Ok(self.membership.singletons.status().into_iter().map(lease).collect())
    }

    async fn links(&self) -> Result<Vec<LinkView>, Fault> {
        let Some(remote) = &self.membership.remote else { return Ok(Vec::new()) };
        let links = remote.links().borrow().clone();
        Ok(links
            .iter()
            .filter(|(_, row)| row.state != weir_remote::LinkState::Itself)
            .map(|(address, row)| link(row, address))
            .collect())
    }

    async fn explain(&self, node: Option<&NodeName>) -> Result<Option<ExplanationView>, Fault> {
        let cluster = &self.membership.cluster;
        let view = cluster.view().borrow().clone();
        let found = node.map_or(view.own(), |it| view.named(it));
        let name = node.unwrap_or(&view.me.name);
        if found.is_none() && *name != view.me.name {
            return Ok(None);
        }
        let reasons = cluster.explain(node).into_iter().map(|it| ReasonView {
            code: it.code,
            message: it.cause,
            hint: Some(it.fix).filter(|it| !it.is_empty()),
        });
        Ok(Some(ExplanationView {
            node: name.clone(),
            status: found.map(|it| it.status),
            reasons: reasons.collect(),
        }))
    }

    fn events(&self) -> BoxStream<'static, ClusterNews> {
        let Engine { membership, system, .. } = self;
        let of_members = membership.cluster.events();
        let of_leases = membership.singletons.events();
        let members = news(system.clone(), of_members, |it| Some(change(it)));
        let leases = news(system.clone(), of_leases, moved);
        futures::stream::select(members, leases).boxed()
    }

    async fn member_leave(&self, node: &Incarnation) -> Result<(), Refusal> {
        self.membership.cluster.leave(node).await.map(drop).map_err(|it| refusal(&it))
    }

    async fn member_down(&self, node: &Incarnation) -> Result<(), Refusal> {
        self.membership.cluster.down(node).await.map(drop).map_err(|it| refusal(&it))
    }

    async fn lease_move(&self, lease: &str, node: Option<&NodeName>) -> Result<(), Refusal> {
        let pinned = self.membership.singletons.pin(&LeaseName(lease.to_owned()), node).await;
        pinned.map_err(|it| Refusal::Fault(super::unavailable(&it)))
    }

    async fn readiness(&self) -> Checks {
        self.checks().await
    }

    fn warnings(&self) -> Vec<String> {
        self.certificates.warnings(self.system.now())
    }
}

fn member(it: &Member, view: &View) -> MemberView {
    let uid = it.node.uid;
    let name =
        |uid| view.member(uid).map_or_else(|| format!("{uid}"), |it| it.node.name.to_string());
    let from = view.reach.broken.iter().filter(|(_, subject)| *subject == uid);
    MemberView {
        name: it.node.name.clone(),
        uid,
        address: it.address.clone(),
        rest: it.rest.clone(),
        status: it.status,
        unreachable: view.reach.unreachable.contains(&uid),
        unreachable_since: view.unreachable_since.get(&uid).copied(),
        unreachable_from: from.map(|(observer, _)| name(*observer)).collect(),
        roles: it.roles.iter().cloned().collect(),
        version: it.version.clone(),
        up_number: it.up_number,
        joined_at: it.joined_at,
        changed_at: it.changed_at,
        reason: it.reason.clone(),
    }
}

fn lease(it: LeaseStatus) -> LeaseView {
    let state = match (&it.owner, it.left.is_zero()) {
        (None, _) => LeaseState::Free,
        (Some(_), true) => LeaseState::Expired,
        (Some(_), false) => LeaseState::Held,
    };
    LeaseView {
        name: it.name.to_string(),
        state,
        owner: it.owner,
        epoch: it.epoch,
        left_ms: u64::try_from(it.left.as_millis()).unwrap_or(u64::MAX),
        pinned: it.pinned,
        here: here(it.here).to_owned(),
        trouble: it.trouble,
    }
}

/// What the asked node does about a lease.
fn here(state: Option<State>) -> &'static str {
    match state {
        None => "none",
        Some(State::Standby) => "standby",
        Some(State::Acquiring) => "acquiring",
        Some(State::Recovering { .. }) => "recovering",
        Some(State::Active { .. }) => "active",
        Some(State::Suspended { .. }) => "suspended",
        Some(State::HandingOver { .. }) => "handingOver",
        Some(State::Stopped) => "stopped",
    }
}

fn link(row: &LinkRow, address: &weir_domain::ClusterAddress) -> LinkView {
    LinkView {
        address: address.clone(),
        peer: row.peer.clone(),
        state: match row.state {
            weir_remote::LinkState::Up => LinkState::Up,
            weir_remote::LinkState::Dialling | weir_remote::LinkState::Itself => {
                LinkState::Dialling
            }
            weir_remote::LinkState::Refused => LinkState::Refused,
        },
        since: row.since,
        round_trip_us: row.rtt.map(|it| u64::try_from(it.as_micros()).unwrap_or(u64::MAX)),
        queued_bytes: row.queued_bytes as u64,
        certificate: row
            .certificate
            .as_ref()
            .map(|it| CertificateView { subject: it.subject.clone(), expires_at: it.expires }),
        trouble: row.trouble.clone(),
    }
}

/// What happens, as followers get it.
fn news<E: Clone + Send + 'static>(
    system: System,
    events: Receiver<E>,
    told: fn(E) -> Option<ClusterChange>,
) -> BoxStream<'static, ClusterNews> {
    unfold((events, system, told), |(mut events, system, told)| async move {
        loop {
            let news = match events.recv().await {
                Ok(event) => match told(event) {
                    Some(what) => {
                        let at = system.now();
                        ClusterNews::Event(Box::new(weir_http_api::ClusterEvent { at, what }))
                    }
                    None => continue,
                },
                Err(RecvError::Lagged(_)) => ClusterNews::Missed,
                Err(RecvError::Closed) => return None,
            };
            return Some((news, (events, system, told)));
        }
    })
    .boxed()
}

fn change(event: ClusterEvent) -> ClusterChange {
    match event {
        ClusterEvent::MemberJoined { node } => ClusterChange::MemberJoined { node },
        ClusterEvent::MemberUp { node } => ClusterChange::MemberUp { node },
        ClusterEvent::MemberLeaving { node, reason } => {
            ClusterChange::MemberLeaving { node, reason }
        }
        ClusterEvent::MemberExited { node } => ClusterChange::MemberExited { node },
        ClusterEvent::MemberDowned { node, reason } => ClusterChange::MemberDowned { node, reason },
        ClusterEvent::MemberRemoved { node, reason } => {
            ClusterChange::MemberRemoved { node, reason }
        }
        ClusterEvent::Unreachable { node, reason } => ClusterChange::Unreachable { node, reason },
        ClusterEvent::Reachable { node } => ClusterChange::Reachable { node },
        ClusterEvent::LeaderChanged { leader } => ClusterChange::LeaderChanged { leader },
        ClusterEvent::Resolved { reason } => ClusterChange::Resolved { reason },
        ClusterEvent::StoreLost { reason } => ClusterChange::StoreLost { reason },
        ClusterEvent::StoreBack => ClusterChange::StoreBack,
    }
}

fn moved(event: SingletonEvent) -> Option<ClusterChange> {
    match event {
        SingletonEvent::Moved { lease, to, epoch, .. } => {
            Some(ClusterChange::SingletonMoved { name: lease.0, owner: to, epoch })
        }
        // What happens on this node alone is shown with its lease.
        SingletonEvent::Changed { .. } => None,
    }
}

fn refusal(error: &OrderError) -> Refusal {
    let detail = error.to_string();
    match error {
        OrderError::Unknown(_) | OrderError::Over { .. } | OrderError::StillReachable { .. } => {
            Refusal::Conflict { detail, hint: None }
        }
        OrderError::StoreLost(_) | OrderError::Timeout(_) | OrderError::ShuttingDown => {
            Fault::transient(67, detail).into()
        }
    }
}
