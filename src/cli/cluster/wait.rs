//! Waiting until a command to the cluster is done.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use weir_domain::{Millis, NodeName, NodeStatus, NodeUid};
use weir_http_api::{LeaseState, LeaseView, MemberRef, MemberView, ProblemKind};
use weir_http_client::{Error, Management};

use super::refused;
use crate::cli::exit::Reason;
use crate::cli::failure::Failure;

const EVERY: Duration = Duration::from_millis(250);

/// How a member went.
pub(super) enum Gone {
    Removed(MemberView),
    /// It was the one that was asked, and answers no more: its end is as far as it can be seen.
    Ended(MemberView),
}

/// Waits until a member is removed. `asked` is the node that answers.
pub(super) async fn until_removed(
    client: &Management,
    (asked, member): (Option<NodeUid>, MemberView),
    limit: Millis,
) -> Result<Gone, Failure> {
    let (name, wanted) = (member.name.clone(), MemberRef::Uid(member.uid));
    let waiting = async {
        let mut is_asked = asked == Some(member.uid);
        let mut last = member;
        loop {
            match client.members().await {
                Ok(members) => {
                    is_asked = members.node.uid == last.uid;
                    match members.find(&wanted) {
                        Some(found) => last = found.clone(),
                        None => last.status = NodeStatus::Removed,
                    }
                }
                Err(Error::Unreachable { .. } | Error::Interrupted { .. }) if is_asked => {
                    return Ok(Gone::Ended(last));
                }
                Err(error) => unless_it_passes(error)?,
            }
            if last.status == NodeStatus::Removed {
                return Ok(Gone::Removed(last));
            }
            sleep(EVERY).await;
        }
    };
    let failure = || timed_out(format!("{name} is not removed"), limit, "weir cluster members");
    timeout(limit.duration(), waiting).await.unwrap_or_else(|_| Err(failure()))
}

/// Waits until a lease is held where it should be.
pub(super) async fn until_moved(
    client: &Management,
    lease: LeaseView,
    node: &NodeName,
    limit: Millis,
) -> Result<LeaseView, Failure> {
    let name = lease.name.clone();
    let waiting = async {
        let mut last = lease;
        while !is_there(&last, node) {
            sleep(EVERY).await;
            match client.leases().await {
                Ok(leases) => {
                    let found = leases.items.into_iter().find(|it| it.name == last.name);
                    last = found.unwrap_or(last);
                }
                Err(error) => unless_it_passes(error)?,
            }
        }
        Ok(last)
    };
    let failure = || timed_out(format!("lease {name} has not moved"), limit, "weir cluster leases");
    timeout(limit.duration(), waiting).await.unwrap_or_else(|_| Err(failure()))
}

fn is_there(lease: &LeaseView, node: &NodeName) -> bool {
    let owner = lease.owner.as_ref().filter(|_| lease.state == LeaseState::Held);
    owner.is_some_and(|owner| owner.name == *node)
}

/// While a cluster changes, its database or an answer may be late: that is what is waited for.
fn unless_it_passes(error: Error) -> Result<(), Failure> {
    match error {
        Error::Problem(it) if it.is(ProblemKind::Unavailable) || it.is(ProblemKind::TimedOut) => {
            Ok(())
        }
        error => Err(refused("can't see whether it is done", error)),
    }
}

fn timed_out(what: String, limit: Millis, hint: &str) -> Failure {
    let why = format!("it was told to, and {limit} were not enough");
    Failure::new(Reason::ClusterLate, what, why).with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples;

    #[test]
    fn a_lease_is_there_when_the_right_node_holds_it() {
        let [held, free] = samples::leases().try_into().expect("two leases");
        let node = |n| samples::life(n).name;
        assert!(is_there(&held, &node(1)));
        assert!(!is_there(&held, &node(2)) && !is_there(&free, &node(1)));
        let expired = LeaseView { state: LeaseState::Expired, ..held };
        assert!(!is_there(&expired, &node(1)));
    }
}
