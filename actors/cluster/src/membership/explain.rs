//! Why a node is not up: everything that stands in its way, and what to do about it. Pure.

use serde::{Deserialize, Serialize};
use weir_domain::{Code, Member, NodeStatus};

use super::{Rules, in_doubt, rule};
use crate::code;
use crate::view::View;

/// One thing that is as it is, why, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    pub code: Code,
    pub cause: String,
    /// Empty where there is nothing to do.
    pub fix: String,
}

impl Reason {
    fn new(code: Code, cause: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { code, cause: cause.into(), fix: fix.into() }
    }
}

/// What is known beside the view.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clues {
    /// Addresses that this node dials in vain, and the last trouble with each.
    pub troubles: Vec<(String, String)>,
    /// The incarnation of the same name whose end this node waits to know.
    pub waits_for: Option<String>,
    /// The name of the discovery, where it can't be resolved, and why.
    pub undiscovered: Option<(String, String)>,
}

/// Explains where a member stands. `None` stands for a node that is not in the list.
pub fn explain(view: &View, subject: Option<&Member>, rules: &Rules, clues: &Clues) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if let Some(trouble) = &view.store_trouble {
        let cause = format!("the list of members can't be read: {trouble}");
        let fix = "no status changes until the database answers; what runs goes on";
        reasons.push(Reason::new(code::STORE_LOST, cause, fix));
    }
    match subject {
        None => not_listed(view, clues, &mut reasons),
        Some(it) => of_member(view, it, rules, clues, &mut reasons),
    }
    reasons
}

fn not_listed(view: &View, clues: &Clues, reasons: &mut Vec<Reason>) {
    if let Some(other) = &clues.waits_for {
        let cause =
            format!("{other} has the same name, and whether it still runs is not known yet");
        let fix = "it takes a few seconds; to be quicker, stop the other one";
        reasons.push(Reason::new(code::NAME_IN_DOUBT, cause, fix));
        return;
    }
    let present = view.members.iter().filter(|it| crate::reach::is_present(it.status));
    let names: Vec<&str> = present.map(|it| it.node.name.as_str()).collect();
    let cause = match names.is_empty() {
        true => "it is not in the list of members, which is empty".to_owned(),
        false => format!("it is not in the list of members, which has {}", names.join(", ")),
    };
    let fix = "start it, and check that it has the same database and cluster name";
    reasons.push(Reason::new(code::NOT_LISTED, cause, fix));
}

fn of_member(
    view: &View,
    member: &Member,
    rules: &Rules,
    clues: &Clues,
    reasons: &mut Vec<Reason>,
) {
    match member.status {
        NodeStatus::Joining => joining(view, member, rules, clues, reasons),
        NodeStatus::Up => {
            let cause = format!("it has been up since {}", member.changed_at);
            reasons.push(Reason::new(code::AS_IT_SHOULD, cause, ""));
        }
        NodeStatus::Leaving | NodeStatus::Exiting => {
            let cause = format!("it leaves: {}", member.reason);
            let fix = "wait until it has handed over; start it again to bring it back";
            reasons.push(Reason::new(code::LEAVING, cause, fix));
        }
        NodeStatus::Down | NodeStatus::Removed => {
            let at = member.changed_at;
            let cause = format!("it is {} since {at}: {}", member.status, member.reason);
            let fix = "start it again: it comes back as a new member";
            reasons.push(Reason::new(code::DOWNED, cause, fix));
        }
    }
    silent(view, member, reasons);
}

fn silent(view: &View, member: &Member, reasons: &mut Vec<Reason>) {
    let uid = member.node.uid;
    if !view.reach.unreachable.contains(&uid) {
        return;
    }
    let (cause, fix) = match view.reach.gone.get(&uid) {
        Some(how) => (format!("its process is gone: {how}"), "start it again"),
        None => (
            format!("{} can't reach it", view.me.name),
            "check the network between them and whether the process hangs",
        ),
    };
    reasons.push(Reason::new(code::REACHABILITY, cause, fix));
}

fn joining(view: &View, member: &Member, rules: &Rules, clues: &Clues, reasons: &mut Vec<Reason>) {
    let members = &view.members;
    let (there, wanted) = (rule::counted(members, &view.reach), rules.members_min);
    if there < wanted {
        let cause = format!(
            "{there} of the {wanted} nodes that weir.cluster.min-nr-of-members asks for are there"
        );
        reasons.push(Reason::new(
            code::TOO_FEW,
            cause,
            "start more nodes, or lower the setting on all",
        ));
    }
    let doubtful = in_doubt(members, &view.reach);
    if !doubtful.is_empty() {
        let names: Vec<&str> = doubtful.iter().map(|it| it.node.name.as_str()).collect();
        let names = names.join(", ");
        let cause = format!("nobody goes up while it is not known what became of {names}");
        let fix = format!(
            "wait for the split-brain resolver, start {names} again, or say that it is gone for good: weir cluster down {names}"
        );
        reasons.push(Reason::new(code::BLOCKED, cause, fix));
    }
    if view.leader.is_none() {
        let cause = "no member that is up can be reached, and only such a one lets others in";
        let fix = "check the network to the members that are up";
        reasons.push(Reason::new(code::NO_LEADER, cause, fix));
    }
    if member.node == view.me {
        for (address, trouble) in &clues.troubles {
            let cause = format!("{address} does not answer: {trouble}");
            let fix = "check that it runs, its address, the firewall and the certificates";
            reasons.push(Reason::new(code::NOT_LINKED, cause, fix));
        }
        if let Some((name, trouble)) = &clues.undiscovered {
            let cause = format!("weir.cluster.discovery.dns: {name} can't be resolved: {trouble}");
            let fix = "check the name, and this machine's DNS server; it is tried again every 10 s";
            reasons.push(Reason::new(code::DISCOVERY, cause, fix));
        }
    }
    if reasons.is_empty() {
        let cause = "nothing stands in its way: the leader lets it in next";
        reasons.push(Reason::new(code::AS_IT_SHOULD, cause, ""));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use weir_domain::NodeUid;

    use super::*;
    use crate::reach::Reach;
    use crate::testing::{member, uid};

    const RULES: Rules = Rules { members_min: 2, alone: false, prune_after: Duration::ZERO };

    fn view(statuses: &[NodeStatus], reachable: &[u8]) -> View {
        let members: Vec<Member> = (1..).zip(statuses).map(|(n, &it)| member(n, it)).collect();
        let reachable: BTreeSet<NodeUid> = reachable.iter().map(|&n| uid(n)).collect();
        let all: BTreeSet<NodeUid> = members.iter().map(|it| it.node.uid).collect();
        let reach = Reach { unreachable: &all - &reachable, reachable, ..Reach::default() };
        let leader = super::super::leader(&members, &reach);
        View { reach, leader, ..View { members, ..View::empty(member(1, NodeStatus::Up).node) } }
    }

    fn codes(view: &View, subject: u8, clues: &Clues) -> Vec<Code> {
        let reasons = explain(view, view.member(uid(subject)), &RULES, clues);
        reasons.iter().map(|it| it.code).collect()
    }

    #[test]
    fn it_says_what_is_missing_and_what_to_do() {
        let alone = view(&[NodeStatus::Joining], &[1]);
        let reasons = explain(&alone, alone.own(), &RULES, &Clues::default());
        let cause = "1 of the 2 nodes that weir.cluster.min-nr-of-members asks for are there";
        let fix = "start more nodes, or lower the setting on all";
        assert_eq!(reasons, [Reason::new(code::TOO_FEW, cause, fix)]);
    }

    #[test]
    fn each_obstacle_is_named() {
        use NodeStatus::{Joining, Removed, Up};
        let clues = Clues {
            troubles: vec![("a:1".into(), "refused".into())],
            undiscovered: Some(("engines".into(), "no such name".into())),
            ..Clues::default()
        };
        let cut_off = view(&[Joining, Up], &[1]);
        let expected =
            [code::TOO_FEW, code::BLOCKED, code::NO_LEADER, code::NOT_LINKED, code::DISCOVERY];
        assert_eq!(codes(&cut_off, 1, &clues), expected);
        assert_eq!(codes(&cut_off, 2, &clues), [code::AS_IT_SHOULD, code::REACHABILITY]);
        assert_eq!(codes(&view(&[Up, Removed], &[1]), 2, &clues)[0], code::DOWNED);
        assert_eq!(codes(&view(&[Up], &[1]), 7, &clues), [code::NOT_LISTED]);
        let waiting = Clues { waits_for: Some("node-1#0".into()), ..clues };
        assert_eq!(codes(&view(&[Up], &[1]), 7, &waiting), [code::NAME_IN_DOUBT]);
        let mut blind = view(&[Joining, Joining], &[1, 2]);
        assert_eq!(codes(&blind, 1, &Clues::default()), [code::AS_IT_SHOULD]);
        blind.store_trouble = Some("refused".into());
        assert_eq!(codes(&blind, 1, &Clues::default()), [code::STORE_LOST]);
    }
}
