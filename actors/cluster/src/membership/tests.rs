use std::collections::BTreeSet;
use std::time::Duration;

use weir_domain::{Incarnation, Member, NodeName, NodeStatus, NodeUid, Timestamp};
use weir_persistence_api::{MemberChanges, Members};

use super::*;
use crate::reach::Reach;
use crate::resolver::{Strategy, Tie, Timing};
use crate::testing::{member, uid};

use NodeStatus::{Down, Exiting, Joining, Leaving, Removed, Up};

const NOW: Timestamp = Timestamp(1_000);
const SECOND: Duration = Duration::from_secs(1);
const RULES: Rules =
    Rules { members_min: 1, alone: false, prune_after: Duration::from_secs(24 * 3_600) };

fn members(statuses: &[NodeStatus]) -> Members {
    let members = (1..).zip(statuses).map(|(n, &status)| member(n, status)).collect();
    Members { version: 7, members }
}

/// All that are named can be reached, all others are silent.
fn reach(count: u8, reachable: &[u8]) -> Reach {
    let reachable: BTreeSet<NodeUid> = reachable.iter().map(|&n| uid(n)).collect();
    let all: BTreeSet<NodeUid> = (1..=count).map(uid).collect();
    let answering = reachable.clone();
    Reach { unreachable: &all - &reachable, answering, reachable, ..Reach::default() }
}

fn gone(mut reach: Reach, n: u8) -> Reach {
    reach.reachable.remove(&uid(n));
    reach.answering.remove(&uid(n));
    reach.unreachable.insert(uid(n));
    reach.gone.insert(uid(n), "refused".into());
    reach
}

fn ended(reach: Reach, n: u8) -> Reach {
    let mut reach = gone(reach, n);
    reach.ended.insert(uid(n));
    reach
}

fn situation<'a>(reach: &'a Reach, silent: &[u8]) -> Situation<'a> {
    Situation { reach, silent: silent.iter().map(|&n| uid(n)).collect() }
}

/// The statuses that a leader makes of those that it finds.
fn led(statuses: &[NodeStatus], reach: &Reach, rules: &Rules) -> Vec<NodeStatus> {
    let members = members(statuses);
    let mut draft = Draft::new(&members, NOW);
    lead(&mut draft, &situation(reach, &[]), rules);
    let changes = draft.changes().unwrap_or_default();
    let after = |it: &Member| {
        let changed = changes.save.iter().find(|changed| changed.node.uid == it.node.uid);
        changed.map_or(it.status, |changed| changed.status)
    };
    members.members.iter().map(after).collect()
}

#[test]
fn the_leader_is_the_lowest_address_that_is_up_and_can_be_reached() {
    let members = members(&[Joining, Up, Up, Leaving]).members;
    assert_eq!(leader(&members, &reach(4, &[1, 2, 3, 4])), Some(uid(2)));
    assert_eq!(leader(&members, &reach(4, &[1, 3, 4])), Some(uid(3)));
    assert_eq!(leader(&members, &reach(4, &[1, 4])), None);
}

#[test]
fn before_anyone_is_up_the_lowest_that_joins_leads() {
    let two = members(&[Joining, Joining]).members;
    assert_eq!(leader(&two, &reach(2, &[1, 2])), Some(uid(1)));
    assert_eq!(leader(&two, &reach(2, &[2])), Some(uid(2)));
    let members = members(&[Up, Joining]).members;
    assert_eq!(leader(&members, &ended(reach(2, &[2]), 1)), Some(uid(2)));
    assert_eq!(leader(&members, &gone(reach(2, &[2]), 1)), None);
}

#[test]
fn nodes_go_up_together_when_enough_are_there() {
    let rules = Rules { members_min: 2, ..RULES };
    assert_eq!(led(&[Joining, Joining], &reach(2, &[1]), &rules), [Joining, Joining]);
    assert_eq!(led(&[Joining, Joining], &reach(2, &[1, 2]), &rules), [Up, Up]);
    assert_eq!(led(&[Up, Joining], &reach(2, &[1, 2]), &rules), [Up, Up]);
}

#[test]
fn ages_follow_the_order_of_joining_and_are_never_given_twice() {
    let mut members = members(&[Joining, Joining, Removed]);
    members.members[0].joined_at = Timestamp(99);
    let mut draft = Draft::new(&members, NOW);
    lead(&mut draft, &situation(&reach(3, &[1, 2]), &[]), &RULES);
    let saved = draft.changes().unwrap().save;
    let ages: Vec<_> = saved.iter().map(|it| (it.node.uid, it.up_number)).collect();
    assert_eq!(ages, [(uid(1), 5), (uid(2), 4)]);
}

#[test]
fn nobody_goes_up_while_a_settled_member_is_in_doubt() {
    assert_eq!(led(&[Up, Up, Joining], &reach(3, &[1, 3]), &RULES), [Up, Up, Joining]);
    let seems_gone = gone(reach(3, &[1, 3]), 2);
    assert_eq!(led(&[Up, Up, Joining], &seems_gone, &RULES), [Up, Up, Joining]);
    let has_ended = ended(reach(3, &[1, 3]), 2);
    assert_eq!(led(&[Up, Up, Joining], &has_ended, &RULES), [Up, Down, Up]);
    assert_eq!(led(&[Up, Joining, Joining], &reach(3, &[1, 3]), &RULES), [Up, Joining, Up]);
}

#[test]
fn the_leader_sees_members_off() {
    let all = reach(4, &[1, 2, 3, 4]);
    assert_eq!(led(&[Up, Leaving, Exiting, Down], &all, &RULES), [Up, Leaving, Removed, Removed]);
    let both = ended(ended(all, 2), 3);
    assert_eq!(led(&[Up, Leaving, Joining], &both, &RULES), [Up, Removed, Down]);
}

#[test]
fn those_removed_long_ago_are_forgotten() {
    let members = members(&[Up, Removed]);
    let at = |now| {
        let mut draft = Draft::new(&members, now);
        lead(&mut draft, &situation(&reach(1, &[1]), &[]), &RULES);
        draft.changes()
    };
    assert_eq!(at(NOW), None);
    let late = NOW.plus(RULES.prune_after);
    assert_eq!(at(late), Some(MemberChanges { save: vec![], forget: vec![uid(2)] }));
}

#[test]
fn those_that_never_got_in_are_forgotten_soon() {
    let mut members = members(&[Up, Removed]);
    members.members[1].up_number = 0;
    let after = |hours: u64| {
        let mut draft = Draft::new(&members, NOW.plus(Duration::from_secs(hours * 3_600)));
        lead(&mut draft, &situation(&reach(1, &[1]), &[]), &RULES);
        draft.changes()
    };
    assert_eq!(after(2), None, "clocks differ by as much");
    assert_eq!(after(3), Some(MemberChanges { save: vec![], forget: vec![uid(2)] }));
}

type Joined = (Join, Vec<(NodeUid, NodeStatus)>);

fn joined(found: &[Member], own: &Member, reach: &Reach) -> Joined {
    joined_if(found, own, reach, false)
}

fn joined_if(found: &[Member], own: &Member, reach: &Reach, is_forsaken: bool) -> Joined {
    let members = Members { version: 1, members: found.to_vec() };
    let mut draft = Draft::new(&members, NOW);
    let verdict = join(&mut draft, own, reach, &RULES, is_forsaken);
    let saved = draft.changes().unwrap_or_default().save;
    (verdict, saved.into_iter().map(|it| (it.node.uid, it.status)).collect())
}

/// A later incarnation of the n-th node.
fn again(n: u8, uid_n: u8) -> Member {
    let mut again = member(n, Joining);
    again.node.uid = uid(uid_n);
    again
}

#[test]
fn a_restarted_node_is_a_new_member_and_ends_the_old_one() {
    let found = [member(1, Up), member(2, Up)];
    let own = again(1, 9);
    let expected = vec![(uid(1), Removed), (uid(9), Joining)];
    let has_ended = ended(reach(2, &[2]), 1);
    assert_eq!(joined(&found, &own, &has_ended), (Join::Saved, expected.clone()));
    let missed = Reach { missed: [uid(1)].into(), ..reach(2, &[2]) };
    assert_eq!(joined(&found, &own, &missed), (Join::Saved, expected.clone()));
    assert_eq!(joined_if(&found, &own, &reach(2, &[]), true), (Join::Saved, expected));
}

#[test]
fn a_namesake_that_only_this_node_misses_is_left_alone() {
    let found = [member(1, Up), member(2, Up)];
    let waits = (Join::Wait { other: found[0].node.clone() }, vec![]);
    assert_eq!(joined(&found, &again(1, 9), &reach(2, &[2])), waits);
    assert_eq!(joined(&found, &again(1, 9), &reach(2, &[])), waits);
    assert_eq!(joined(&found, &again(1, 9), &gone(reach(2, &[]), 1)), waits);
}

#[test]
fn a_second_node_with_the_name_is_refused_and_until_it_is_known_it_waits() {
    let found = [member(1, Up)];
    let other = found[0].node.clone();
    let at = found[0].address.to_string();
    let refused = Join::Duplicate { other: other.clone(), at };
    assert_eq!(joined(&found, &again(1, 9), &reach(1, &[1])), (refused, vec![]));
    let waits = Join::Wait { other };
    assert_eq!(joined(&found, &again(1, 9), &Reach::default()), (waits.clone(), vec![]));
    // What others still tell of a node is no proof that it lives.
    let mut told = reach(1, &[1]);
    told.answering.clear();
    assert_eq!(joined(&found, &again(1, 9), &told), (waits, vec![]));
}

#[test]
fn who_is_alone_ends_whomever_it_finds() {
    let members = members(&[Up, Joining]);
    let mut draft = Draft::new(&members, NOW);
    let rules = Rules { alone: true, ..RULES };
    let verdict = join(&mut draft, &member(3, Joining), &Reach::default(), &rules, false);
    assert_eq!(verdict, Join::Saved);
    let statuses: Vec<_> = draft.changes().unwrap().save.iter().map(|it| it.status).collect();
    assert_eq!(statuses, [Removed, Removed, Joining]);
}

#[test]
fn a_status_never_goes_back() {
    let members = members(&[Exiting]);
    let mut draft = Draft::new(&members, NOW);
    draft.set(&members.members[0], Leaving, "late");
    assert_eq!(draft.changes(), None);
}

/// One node with the store that it sees.
struct Node {
    core: Core,
    store: Members,
    now: Duration,
}

impl Node {
    fn new(n: u8, store: Members) -> Self {
        let strategy = Strategy::KeepMajority { role: None, tie: Tie::Lease };
        let timing = Timing { stable_after: 5 * SECOND, down_all_when_unstable: true };
        let core = Core::new(member(n, Joining), RULES, strategy, timing);
        Self { core, store, now: Duration::ZERO }
    }

    /// Reads the list, takes a turn, and makes its changes.
    fn turn(&mut self, reach: &Reach) -> Turn {
        self.core.read(self.now, self.store.clone());
        self.blind_turn(reach)
    }

    fn blind_turn(&mut self, reach: &Reach) -> Turn {
        let turn = self.core.turn(self.now, NOW, reach);
        if let Some((seen, changes)) = &turn.save {
            assert_eq!(*seen, self.store.version);
            apply(&mut self.store, changes);
        }
        self.now += SECOND;
        turn
    }

    fn status(&self, n: u8) -> Option<NodeStatus> {
        self.store.members.iter().find(|it| it.node.uid == uid(n)).map(|it| it.status)
    }
}

pub(crate) fn apply(members: &mut Members, changes: &MemberChanges) {
    members.version += 1;
    let changed = |it: &Member| changes.save.iter().any(|new| new.node.uid == it.node.uid);
    members.members.retain(|it| !changed(it) && !changes.forget.contains(&it.node.uid));
    members.members.extend(changes.save.iter().cloned());
    members.members.sort_by_key(|it| it.node.uid);
}

#[test]
fn the_first_node_joins_and_goes_up_by_itself() {
    let mut node = Node::new(1, Members::default());
    let reach = reach(1, &[1]);
    node.turn(&reach);
    assert_eq!(node.status(1), Some(Joining));
    node.turn(&reach);
    assert_eq!((node.status(1), node.core.members().version), (Some(Up), 1));
    assert_eq!(node.turn(&reach), Turn { survives: true, ..Turn::default() });
    assert_eq!(node.core.own(), Own::Up);
}

#[test]
fn the_majority_downs_the_others_once_and_only_when_it_is_sure() {
    let mut node = Node::new(1, members(&[Up, Up, Up]));
    let whole = reach(3, &[1, 2, 3]);
    assert_eq!(node.turn(&whole), Turn { survives: true, ..Turn::default() });
    let cut = reach(3, &[1, 2]);
    for _ in 0..5 {
        assert_eq!(node.turn(&cut).resolved, None);
    }
    assert!(node.turn(&cut).resolved.unwrap().starts_with("by keep-majority"));
    assert_eq!(node.status(3), Some(Down));
    node.turn(&cut);
    assert_eq!(node.status(3), Some(Removed));
}

#[test]
fn the_minority_stops_and_says_so() {
    let mut node = Node::new(3, members(&[Up, Up, Up]));
    let cut = reach(3, &[3]);
    let stop = (0..7).find_map(|_| node.turn(&cut).stop);
    assert!(matches!(stop, Some(Stop::Downed { .. })), "{stop:?}");
    assert_eq!([1, 2, 3].map(|n| node.status(n)), [Some(Up), Some(Up), Some(Down)]);
    assert_eq!(node.turn(&cut), Turn::default());
}

#[test]
fn of_two_the_one_that_reaches_the_store_goes_on() {
    let mut first = Node::new(1, members(&[Up, Up]));
    let cut = reach(2, &[1]);
    (0..6).for_each(|_| drop(first.turn(&cut)));
    assert_eq!([1, 2].map(|n| first.status(n)), [Some(Up), Some(Down)]);

    let mut second = Node::new(2, members(&[Up, Up]));
    second.turn(&reach(2, &[1, 2]));
    second.store = first.store.clone();
    let stop = second.turn(&reach(2, &[2])).stop;
    assert!(matches!(stop, Some(Stop::Downed { .. })), "{stop:?}");
}

#[test]
fn who_loses_both_the_other_and_the_store_gives_way() {
    let mut node = Node::new(2, members(&[Up, Up]));
    let cut = reach(2, &[2]);
    node.turn(&cut);
    node.core.store_lost();
    let turns: Vec<_> = (0..12).map(|_| node.blind_turn(&cut).stop).collect();
    let at = turns.iter().position(Option::is_some);
    // Five seconds until it is sure, and five more for the store.
    assert_eq!(at, Some(9), "{turns:?}");
}

#[test]
fn a_lost_store_alone_stops_nobody_and_changes_nothing() {
    let mut node = Node::new(1, members(&[Up, Up, Up]));
    node.turn(&reach(3, &[1, 2, 3]));
    node.core.store_lost();
    for _ in 0..100 {
        let turn = node.blind_turn(&reach(3, &[1, 2]));
        assert_eq!((turn.stop, turn.save), (None, None));
    }
    node.turn(&reach(3, &[1, 2]));
    assert_eq!(node.status(3), Some(Down));
}

#[test]
fn a_node_that_was_paused_does_not_decide_by_what_it_saw_before() {
    let mut node = Node::new(1, members(&[Up, Up, Up]));
    let cut = reach(3, &[1]);
    node.turn(&cut);
    node.now += 60 * SECOND;
    assert_eq!(node.turn(&cut).stop, None);
}

#[test]
fn a_node_whose_row_vanished_or_ended_stops() {
    let mut node = Node::new(1, members(&[Up, Up]));
    let reach = reach(2, &[1, 2]);
    node.turn(&reach);
    let mut vanished = Node { core: node.core, store: members(&[]), now: node.now };
    vanished.store.version = 8;
    assert_eq!(vanished.turn(&reach).stop, Some(Stop::Forgotten));

    let mut ended = Node::new(1, members(&[Removed, Up]));
    assert!(matches!(ended.turn(&reach).stop, Some(Stop::Downed { .. })));
}

#[test]
fn a_node_that_is_told_to_leave_says_so_once_and_goes_in_steps() {
    let mut node = Node::new(2, members(&[Up, Up]));
    let reach = reach(2, &[1, 2]);
    node.turn(&reach);
    node.core.order(uid(2), Order::Leave);
    node.turn(&reach);
    assert_eq!(node.status(2), Some(Leaving));
    assert_eq!(node.turn(&reach).stop, None);
    node.core.order(uid(2), Order::Exit);
    node.turn(&reach);
    assert_eq!(node.status(2), Some(Exiting));
    node.core.order(uid(2), Order::Remove);
    node.turn(&reach);
    assert_eq!(node.status(2), Some(Removed));
    assert_eq!(node.turn(&reach).stop, None);

    let mut other = Node::new(2, members(&[Up, Leaving]));
    let stop = other.turn(&reach).stop;
    assert!(matches!(stop, Some(Stop::Leave { .. })), "{stop:?}");
    assert_eq!(other.turn(&reach).stop, None);
}

#[test]
fn a_name_may_belong_to_one_node_only() {
    let mut node = Node::new(1, members(&[Up, Up]));
    node.core = Core::new(
        Member {
            node: Incarnation { name: NodeName::new("node-002").unwrap(), uid: uid(8) },
            ..member(8, Joining)
        },
        RULES,
        Strategy::DownAll,
        Timing { stable_after: SECOND, down_all_when_unstable: false },
    );
    let stop = node.turn(&reach(2, &[1, 2])).stop;
    assert!(matches!(stop, Some(Stop::Duplicate { .. })), "{stop:?}");
}

#[test]
fn by_down_all_the_first_to_decide_takes_everybody_down() {
    let mut node = Node::new(1, members(&[Up, Up, Up, Joining]));
    let timing = Timing { stable_after: SECOND, down_all_when_unstable: false };
    node.core = Core::new(member(1, Joining), RULES, Strategy::DownAll, timing);
    node.turn(&reach(4, &[1, 2, 3, 4]));
    let cut = reach(4, &[1, 2, 4]);
    let mut stops = (0..4).filter_map(|_| node.turn(&cut).stop);
    assert!(matches!(stops.next(), Some(Stop::Downed { .. })));
    assert_eq!([1, 2, 3, 4].map(|it| node.status(it)), [Some(Down); 4]);
}

/// Or the others would see one after the other go, until nobody is missing who has not ended.
#[test]
fn a_cluster_that_does_not_come_to_rest_is_ended_for_all_by_any_strategy() {
    let mut node = Node::new(1, members(&[Up, Up, Up]));
    let views = [reach(3, &[1, 2]), reach(3, &[1, 3])];
    let stop = views.iter().cycle().take(12).find_map(|view| node.turn(view).stop);
    assert!(matches!(stop, Some(Stop::Downed { .. })), "{stop:?}");
    assert_eq!([1, 2, 3].map(|it| node.status(it)), [Some(Down); 3]);
}

#[test]
fn the_next_in_line_leads_when_the_leader_does_not() {
    let mut second = Node::new(2, members(&[Up, Up, Joining]));
    let all = reach(3, &[1, 2, 3]);
    let turns: Vec<_> = (0..4).map(|_| second.turn(&all).save.is_some()).collect();
    assert_eq!(turns, [false, false, false, true]);
    assert_eq!(second.status(3), Some(Up));
    let mut third = Node::new(3, members(&[Up, Up, Up, Joining]));
    let all = reach(4, &[1, 2, 3, 4]);
    assert!((0..6).all(|_| third.turn(&all).save.is_none()));
    assert!(third.turn(&all).save.is_some());
}

#[test]
fn one_that_never_went_up_and_is_silent_is_taken_out() {
    let mut node = Node::new(1, members(&[Up, Joining]));
    let cut = reach(2, &[1]);
    assert!((0..5).all(|_| node.turn(&cut).save.is_none()));
    node.turn(&cut);
    assert_eq!(node.status(2), Some(Down));
}

#[test]
fn the_majority_takes_out_one_that_seems_gone_and_not_at_once() {
    let mut node = Node::new(1, members(&[Up, Up, Up]));
    node.turn(&reach(3, &[1, 2, 3]));
    let cut = gone(reach(3, &[1, 2]), 3);
    assert!((0..2).all(|_| node.turn(&cut).save.is_none()));
    node.turn(&cut);
    assert_eq!(node.status(3), Some(Down));
    assert_eq!(node.turn(&cut).stop, None);
}

#[test]
fn one_whose_gossip_still_arrives_is_given_time_to_come_back() {
    let mut node = Node::new(1, members(&[Up, Up, Up]));
    node.turn(&reach(3, &[1, 2, 3]));
    let mut cut = gone(reach(3, &[1, 2]), 3);
    cut.relayed.insert(uid(3));
    assert!((0..8).all(|_| node.turn(&cut).save.is_none()));
    assert!((0..20).all(|_| node.turn(&reach(3, &[1, 2, 3])).save.is_none()));
}

#[test]
fn whoever_takes_the_majority_for_gone_lets_it_go_first() {
    let mut one = Node::new(1, members(&[Up, Up, Up]));
    one.turn(&reach(3, &[1, 2, 3]));
    let cut = gone(gone(reach(3, &[1]), 2), 3);
    for _ in 0..8 {
        let turn = one.turn(&cut);
        assert_eq!((turn.save, turn.stop), (None, None));
    }
    // Nobody objected: they have ended.
    one.turn(&cut);
    assert_eq!([2, 3].map(|n| one.status(n)), [Some(Down); 2]);
}

#[test]
fn whoever_takes_the_others_for_gone_lets_them_go_first_after_an_outage_too() {
    let mut one = Node::new(1, members(&[Up, Up, Up]));
    one.turn(&reach(3, &[1, 2, 3]));
    let cut = gone(gone(reach(3, &[1]), 2), 3);
    one.core.store_lost();
    assert!((0..8).all(|_| one.blind_turn(&cut).stop.is_none()));
    assert!((0..5).all(|_| one.turn(&cut).save.is_none()));
    one.turn(&cut);
    assert_eq!([2, 3].map(|n| one.status(n)), [Some(Down); 2]);
}

#[test]
fn whoever_takes_the_others_for_gone_and_has_no_store_gives_way() {
    let mut one = Node::new(1, members(&[Up, Up, Up]));
    one.turn(&reach(3, &[1, 2, 3]));
    let cut = gone(gone(reach(3, &[1]), 2), 3);
    one.core.store_lost();
    let stop = (0..20).find_map(|_| one.blind_turn(&cut).stop);
    assert!(matches!(stop, Some(Stop::Downed { .. })), "{stop:?}");
}

/// Reads the leases, too.
fn forsaken_turn(node: &mut Node, reach: &Reach, holders: &[u8]) {
    let holders = holders.iter().map(|&n| uid(n)).collect();
    node.core.read_holders(node.now, holders);
    node.turn(reach);
}

#[test]
fn those_that_join_do_without_members_that_ended_without_a_word() {
    let mut node = Node::new(1, members(&[Joining, Joining, Up]));
    let cut = reach(3, &[1, 2]);
    for _ in 0..5 {
        forsaken_turn(&mut node, &cut, &[3]);
    }
    for _ in 0..15 {
        assert_eq!(node.status(3), Some(Up));
        forsaken_turn(&mut node, &cut, &[]);
    }
    forsaken_turn(&mut node, &cut, &[]);
    forsaken_turn(&mut node, &cut, &[]);
    forsaken_turn(&mut node, &cut, &[]);
    assert_eq!([1, 2].map(|n| node.status(n)), [Some(Up); 2]);
    assert!(matches!(node.status(3), Some(Down | Removed)));
}

#[test]
fn while_a_lease_is_renewed_or_nothing_is_known_of_leases_nobody_is_succeeded() {
    let cut = reach(3, &[1, 2]);
    let mut node = Node::new(1, members(&[Joining, Joining, Up]));
    (0..60).for_each(|_| forsaken_turn(&mut node, &cut, &[3]));
    assert_eq!(node.status(3), Some(Up));
    let mut node = Node::new(1, members(&[Joining, Joining, Up]));
    (0..60).for_each(|_| drop(node.turn(&cut)));
    assert_eq!(node.status(3), Some(Up));
}
