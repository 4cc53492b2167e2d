//! `weir cluster events`: what happens, one line each, until Ctrl-C.

use weir_domain::Incarnation;
use weir_http_api::{ClusterChange, ClusterEvent, ClusterState};
use weir_http_client::{Events, Management};

use super::refused;
use crate::cli::exit::Reason;
use crate::cli::failure::Failure;
use crate::cli::human;
use crate::cli::look::Look;
use crate::cli::output::Output;
use crate::cli::watch;

pub(super) async fn follow(client: &Management, out: &Output) -> Result<(), Failure> {
    let refuse = |error| refused("can't follow the cluster's events", error);
    let mut events = client.events().await.map_err(refuse)?;
    tokio::select! {
        ended = print(&mut events, out) => match ended? {
            Some(error) => Err(refuse(error)),
            None => {
                let why = format!("the engine at {} ended it", client.base());
                let what = "the stream of events is over";
                Err(Failure::new(Reason::EventsOver, what, why).with_hint("weir cluster events"))
            }
        },
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

/// Prints until there is no further event; says why if that is not the server's wish.
async fn print(
    events: &mut Events,
    out: &Output,
) -> Result<Option<weir_http_client::Error>, Failure> {
    loop {
        match events.next().await {
            Ok(Some(event)) => out.print(&watch::line(out, &event, line)?)?,
            Ok(None) => return Ok(None),
            Err(error) => return Ok(Some(error)),
        }
    }
}

fn line(event: &ClusterEvent, _: &Look) -> String {
    let text = human::plain(&text(&event.what));
    let line = format!("{}  {:<14}  {text}", event.at, event.what.name());
    line.trim_end().to_owned() + "\n"
}

fn text(what: &ClusterChange) -> String {
    match what {
        ClusterChange::State { state } => of_state(state),
        ClusterChange::MemberJoined { node }
        | ClusterChange::MemberUp { node }
        | ClusterChange::MemberExited { node }
        | ClusterChange::Reachable { node } => node.name.to_string(),
        ClusterChange::MemberLeaving { node, reason }
        | ClusterChange::MemberDowned { node, reason }
        | ClusterChange::MemberRemoved { node, reason }
        | ClusterChange::Unreachable { node, reason } => format!("{}: {reason}", node.name),
        ClusterChange::LeaderChanged { leader } => or_none(leader.as_ref()),
        ClusterChange::Resolved { reason } | ClusterChange::StoreLost { reason } => reason.clone(),
        ClusterChange::StoreBack => String::new(),
        ClusterChange::SingletonMoved { name, owner, epoch } => {
            format!("{name}: {}, epoch {epoch}", or_none(owner.as_ref()))
        }
    }
}

fn of_state(ClusterState { members, leases }: &ClusterState) -> String {
    let leader = members.leader.as_ref().map_or("none", |it| it.as_str());
    let members = human::plural(members.members.len(), "member");
    format!("{members}, {}, leader {leader}", human::plural(leases.len(), "lease"))
}

fn or_none(node: Option<&Incarnation>) -> String {
    node.map_or("none".into(), |it| it.name.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples::{self, LOOK, life};

    #[test]
    fn an_event_is_a_line() {
        let state = ClusterState { members: samples::members(), leases: samples::leases() };
        let (name, owner) = ("access-coordinator".to_owned(), Some(life(3)));
        let all = [
            ClusterChange::State { state },
            ClusterChange::MemberUp { node: life(3) },
            ClusterChange::Unreachable { node: life(2), reason: "nothing is heard from it".into() },
            ClusterChange::LeaderChanged { leader: None },
            ClusterChange::StoreBack,
            ClusterChange::SingletonMoved { name, owner, epoch: 8 },
        ];
        let lines = all.map(|what| line(&ClusterEvent { at: samples::ago(0), what }, &LOOK));
        assert_eq!(
            lines.concat(),
            "\
2023-11-14T22:13:20.000Z  state           4 members, 2 leases, leader node-1
2023-11-14T22:13:20.000Z  memberUp        node-3
2023-11-14T22:13:20.000Z  unreachable     node-2: nothing is heard from it
2023-11-14T22:13:20.000Z  leaderChanged   none
2023-11-14T22:13:20.000Z  storeBack
2023-11-14T22:13:20.000Z  singletonMoved  access-coordinator: node-3, epoch 8
"
        );
    }
}
