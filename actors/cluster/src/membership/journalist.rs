//! Writes into the log and the stream of events what changes from one view to the next.
//!
//! A member that leaves is two lines for an operator, that it leaves and that it is removed. Of
//! itself it says only the first: its end is reported by its shutdown.

use tokio::sync::broadcast;
use weir_domain::NodeStatus;

use crate::code;
use crate::event::{ClusterEvent, between};
use crate::view::View;

pub(super) fn report(events: &broadcast::Sender<ClusterEvent>, old: &View, new: &View) {
    let is_leaving = new.own().is_none_or(|it| it.status > NodeStatus::Up);
    let was_leaving =
        old.own().is_some_and(|it| [NodeStatus::Leaving, NodeStatus::Exiting].contains(&it.status));
    for event in between(old, new) {
        match &event {
            // Whoever leaves is not led any more.
            ClusterEvent::LeaderChanged { leader: None } if is_leaving => {
                tracing::debug!(code = %code::LEADER, "no leader of the cluster is followed any more");
            }
            ClusterEvent::LeaderChanged { leader: Some(node) }
                if is_leaving && new.own().is_some() =>
            {
                tracing::debug!(code = %code::LEADER, %node, "leader of the cluster that this node leaves");
            }
            ClusterEvent::MemberRemoved { node, reason } if was_leaving && *node == new.me => {
                tracing::debug!(code = %code::MEMBER, %node, reason, "member was removed");
            }
            _ => log(&event),
        }
        // An error only says that nobody listens.
        let _ = events.send(event);
    }
    let status = |view: &View| view.own().map(|it| it.status);
    if status(old) != status(new) && status(new) == Some(NodeStatus::Up) {
        let members = new.members.iter().filter(|it| it.status == NodeStatus::Up).count();
        tracing::info!(code = %code::JOINED, members, "cluster joined, member status is up");
    }
    let up = new.members.iter().filter(|it| it.status == NodeStatus::Up).count();
    #[expect(clippy::cast_precision_loss, reason = "there are fewer members than 2^52")]
    metrics::gauge!("weir_cluster_members_up").set(up as f64);
    #[expect(clippy::cast_precision_loss, reason = "there are fewer members than 2^52")]
    metrics::gauge!("weir_cluster_members_unreachable").set(new.reach.unreachable.len() as f64);
}

pub(super) fn resolved(events: &broadcast::Sender<ClusterEvent>, reason: &str) {
    tracing::warn!(code = %code::RESOLVED, reason, "the split-brain resolver decided");
    let _ = events.send(ClusterEvent::Resolved { reason: reason.to_owned() });
}

fn log(event: &ClusterEvent) {
    match event {
        ClusterEvent::MemberJoined { node } => {
            tracing::info!(code = %code::MEMBER, %node, "member joins");
        }
        ClusterEvent::MemberUp { node } => {
            tracing::info!(code = %code::MEMBER, %node, "member is up");
        }
        ClusterEvent::MemberLeaving { node, reason } => {
            tracing::info!(code = %code::MEMBER, %node, reason, "member leaves");
        }
        ClusterEvent::MemberExited { node } => {
            tracing::debug!(code = %code::MEMBER, %node, "member has handed over");
        }
        ClusterEvent::MemberDowned { node, reason } => {
            tracing::warn!(code = %code::MEMBER, %node, reason, "member is down");
        }
        ClusterEvent::MemberRemoved { node, reason } => {
            tracing::info!(code = %code::MEMBER, %node, reason, "member was removed");
        }
        ClusterEvent::Unreachable { node, reason } => {
            tracing::warn!(code = %code::REACHABILITY, %node, reason, "member can't be reached");
        }
        ClusterEvent::Reachable { node } => {
            tracing::info!(code = %code::REACHABILITY, %node, "member can be reached again");
        }
        ClusterEvent::LeaderChanged { leader: Some(node) } => {
            tracing::info!(code = %code::LEADER, %node, "leader of the cluster");
        }
        ClusterEvent::LeaderChanged { leader: None } => {
            tracing::warn!(code = %code::LEADER, "no leader of the cluster can be reached");
        }
        ClusterEvent::StoreLost { reason } => {
            tracing::error!(code = %code::STORE_LOST, reason, "the list of members can't be used; no status changes until it can");
        }
        ClusterEvent::StoreBack => {
            tracing::info!(code = %code::STORE_BACK, "the list of members can be used again");
        }
        // Logged where they happen.
        ClusterEvent::Resolved { .. } => {}
    }
}
