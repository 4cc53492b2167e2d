use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::Strategy as Generated;

use super::Strategy;
use super::*;
use crate::testing::{member, uid};

const SECOND: Duration = Duration::from_secs(1);

/// A cluster that is cut in two.
#[derive(Debug, Clone)]
struct Cut {
    members: Vec<Member>,
    left: BTreeSet<NodeUid>,
    /// Those whose end the left and the right side can prove.
    gone: [BTreeSet<NodeUid>; 2],
}

/// What became of one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    GoesOn,
    Ends,
    Contest,
}

fn keep_majority() -> Strategy {
    Strategy::KeepMajority { role: None, tie: Tie::Lease }
}

fn keep_oldest() -> Strategy {
    Strategy::KeepOldest { down_if_alone: true, role: None }
}

fn up(count: u8) -> Vec<Member> {
    (1..=count).map(|n| member(n, NodeStatus::Up)).collect()
}

/// What a node sees that reaches only its own side.
fn picture(me: NodeUid, members: &[Member], side: &BTreeSet<NodeUid>) -> Picture {
    let all: BTreeSet<NodeUid> = members.iter().map(|it| it.node.uid).collect();
    let reach = Reach { reachable: side.clone(), unreachable: &all - side, ..Reach::default() };
    Picture::new(me, members, &reach)
}

fn view(cut: &Cut, me: NodeUid) -> Picture {
    let is_left = cut.left.contains(&me);
    let all: BTreeSet<NodeUid> = cut.members.iter().map(|it| it.node.uid).collect();
    let ended = &cut.gone[0] | &cut.gone[1];
    let right = &all - &cut.left;
    let side = if is_left { &cut.left } else { &right };
    let proven = &cut.gone[usize::from(!is_left)];
    let reach = Reach {
        reachable: side - &ended,
        unreachable: &(&all - side) | &ended,
        gone: proven.iter().map(|&it| (it, "refused".to_owned())).collect(),
        ended: proven.clone(),
        ..Reach::default()
    };
    Picture::new(me, &cut.members, &reach)
}

fn fate(strategy: &Strategy, picture: &Picture) -> Fate {
    match decide(strategy, picture) {
        Decision::Nothing => Fate::GoesOn,
        Decision::DownAll { .. } => Fate::Ends,
        Decision::Down { nodes, .. } if nodes.contains(&picture.me) => Fate::Ends,
        Decision::Down { .. } => Fate::GoesOn,
        Decision::Contest(_) => Fate::Contest,
    }
}

/// The fates of both sides; all living nodes of a side that have a say must agree (B3).
fn fates(strategy: &Strategy, cut: &Cut) -> [Option<Fate>; 2] {
    let ended = &cut.gone[0] | &cut.gone[1];
    let of = |is_left: bool| {
        let has_say = |it: &&Member| matches!(it.status, NodeStatus::Up | NodeStatus::Leaving);
        let side = cut.members.iter().filter(has_say).map(|it| it.node.uid);
        let side = side.filter(|it| cut.left.contains(it) == is_left && !ended.contains(it));
        let fates: Vec<Fate> = side.map(|me| fate(strategy, &view(cut, me))).collect();
        assert!(fates.windows(2).all(|it| it[0] == it[1]), "one side, two minds: {fates:?}");
        fates.first().copied()
    };
    [of(true), of(false)]
}

fn cuts(may_end: bool) -> impl Generated<Value = Cut> {
    let node = (0..10u8, any::<bool>(), any::<bool>(), 0..8u8, any::<bool>(), any::<bool>());
    proptest::collection::vec(node, 2..9).prop_map(move |nodes| {
        let mut cut = Cut { members: vec![], left: BTreeSet::new(), gone: Default::default() };
        for (n, (status, is_left, has_role, end, seen_left, seen_right)) in (1..).zip(nodes) {
            let status = match status {
                0 => NodeStatus::Joining,
                1 => NodeStatus::Leaving,
                2 => NodeStatus::Exiting,
                _ => NodeStatus::Up,
            };
            let mut it = member(n, status);
            it.roles.extend(has_role.then(|| "data".to_owned()));
            cut.members.push(it);
            if is_left {
                cut.left.insert(uid(n));
            }
            if may_end && end == 0 {
                let seen = [seen_left, seen_right || !seen_left];
                for (seen, gone) in seen.into_iter().zip(&mut cut.gone) {
                    gone.extend(seen.then_some(uid(n)));
                }
            }
        }
        cut
    })
}

fn strategies() -> impl Generated<Value = Strategy> {
    let role = prop_oneof![Just(None), Just(Some("data".to_owned()))];
    (0..6u8, role, 1..6u32, any::<bool>()).prop_map(|(kind, role, size, is_on)| match kind {
        0 => Strategy::KeepMajority { role, tie: Tie::Lease },
        1 => Strategy::KeepMajority { role, tie: Tie::LowestAddress },
        2 => Strategy::StaticQuorum { size, role },
        3 => Strategy::KeepOldest { down_if_alone: is_on, role },
        4 => Strategy::LeaseMajority { minority_delay: 2 * SECOND, role },
        _ => Strategy::DownAll,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// A contest has one winner, since the store takes one of two writers. So two sides that both
    /// go on without one are the only way to two survivors.
    #[test]
    fn two_sides_never_both_go_on(cut in cuts(true), strategy in strategies()) {
        prop_assert_ne!(fates(&strategy, &cut), [Some(Fate::GoesOn), Some(Fate::GoesOn)]);
    }

    /// Where nobody ended, one side goes on, or the lease decides; with `static-quorum` and
    /// `down-all` it may be none.
    #[test]
    fn one_side_goes_on(cut in cuts(false), strategy in strategies()) {
        let fates = fates(&strategy, &cut);
        let is_cut = fates.iter().all(Option::is_some);
        let may_end = matches!(strategy, Strategy::StaticQuorum { .. } | Strategy::DownAll);
        if is_cut && !may_end {
            prop_assert_ne!(fates, [Some(Fate::Ends), Some(Fate::Ends)]);
        }
    }

    /// The lease decides between both sides or not at all: else one of them would give way to a
    /// winner that never was.
    #[test]
    fn a_tie_is_one_for_both_sides(cut in cuts(false), strategy in strategies()) {
        let [left, right] = fates(&strategy, &cut);
        if left.is_some() && right.is_some() {
            prop_assert_eq!(left == Some(Fate::Contest), right == Some(Fate::Contest));
        }
    }

    /// After the superfluous ones have gone, all who stay reach each other.
    #[test]
    fn who_stays_reaches_all_others(pairs in proptest::collection::btree_set((1..7u8, 1..7u8), 0..12)) {
        let broken = pairs.into_iter().filter(|(a, b)| a != b).map(|(a, b)| (uid(a), uid(b)));
        let reach = Reach {
            reachable: (1..7).map(uid).collect(),
            broken: broken.collect(),
            ..Reach::default()
        };
        let picture = Picture::new(uid(1), &up(6), &reach);
        let gone = match decide(&keep_majority(), &picture) {
            Decision::Nothing => BTreeSet::new(),
            Decision::Down { nodes, .. } | Decision::DownAll { nodes, .. } => nodes,
            contest @ Decision::Contest(_) => panic!("nobody is elsewhere: {contest:?}"),
        };
        prop_assert!(gone.len() < 6);
        prop_assert!(reach.broken.iter().all(|(a, b)| gone.contains(a) || gone.contains(b)));
    }
}

#[test]
fn two_nodes_contest_and_three_do_not() {
    let two = picture(uid(1), &up(2), &[uid(1)].into());
    let win = [uid(2)].into();
    let lose = [uid(1)].into();
    match decide(&keep_majority(), &two) {
        Decision::Contest(Contest { after: Duration::ZERO, win: w, lose: l, why }) => {
            assert_eq!((w, l), (win, lose));
            assert_eq!(why, "by keep-majority: 1 members are on this side, 1 on the other");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(fate(&keep_majority(), &picture(uid(1), &up(3), &[uid(1)].into())), Fate::Ends);
    let majority = picture(uid(2), &up(3), &[2, 3].map(uid).into());
    assert_eq!(fate(&keep_majority(), &majority), Fate::GoesOn);
}

#[test]
fn the_last_of_three_goes_on_when_the_others_are_proven_to_be_gone() {
    let cut = Cut {
        members: up(3),
        left: [uid(3)].into(),
        gone: [[1, 2].map(uid).into(), BTreeSet::new()],
    };
    assert_eq!(fate(&keep_majority(), &view(&cut, uid(3))), Fate::GoesOn);
    assert!(survives(&keep_majority(), &view(&cut, uid(3))));
}

#[test]
fn the_oldest_goes_on_unless_it_is_outvoted_alone() {
    let of = |count, side: &[u8]| {
        let side: BTreeSet<NodeUid> = side.iter().map(|&n| uid(n)).collect();
        let me = *side.first().unwrap();
        fate(&keep_oldest(), &picture(me, &up(count), &side))
    };
    assert_eq!((of(2, &[1]), of(2, &[2])), (Fate::GoesOn, Fate::Ends));
    assert_eq!((of(3, &[1]), of(3, &[2, 3])), (Fate::Ends, Fate::GoesOn));
    assert_eq!((of(5, &[1, 2]), of(5, &[3, 4, 5])), (Fate::GoesOn, Fate::Ends));
}

#[test]
fn a_quorum_that_is_there_twice_is_contested() {
    let quorum = Strategy::StaticQuorum { size: 2, role: None };
    let of = |count, side: &[u8]| {
        let side = side.iter().map(|&n| uid(n)).collect();
        fate(&quorum, &picture(uid(1), &up(count), &side))
    };
    assert_eq!(of(3, &[1, 2]), Fate::GoesOn);
    assert_eq!(of(3, &[1]), Fate::Ends);
    assert_eq!(of(4, &[1, 2]), Fate::Contest);
}

#[test]
fn the_smaller_side_tries_for_the_lease_later() {
    let strategy = Strategy::LeaseMajority { minority_delay: 2 * SECOND, role: None };
    let delay = |side: &[u8]| {
        let side = side.iter().map(|&n| uid(n)).collect();
        match decide(&strategy, &picture(uid(1), &up(3), &side)) {
            Decision::Contest(it) => it.after,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((delay(&[1, 2]), delay(&[1])), (Duration::ZERO, 2 * SECOND));
}

#[test]
fn down_all_ends_everyone() {
    let picture = picture(uid(1), &up(3), &[1, 2].map(uid).into());
    match decide(&Strategy::DownAll, &picture) {
        Decision::DownAll { nodes, .. } => assert_eq!(nodes, [1, 2, 3].map(uid).into()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn of_two_that_lost_each_other_the_younger_goes() {
    let reach = Reach {
        reachable: [1, 2, 3].map(uid).into(),
        broken: [(uid(1), uid(2)), (uid(2), uid(1))].into(),
        ..Reach::default()
    };
    for me in [1, 2, 3] {
        match decide(&keep_majority(), &Picture::new(uid(me), &up(3), &reach)) {
            Decision::Down { nodes, .. } => assert_eq!(nodes, [uid(2)].into()),
            other => panic!("{other:?}"),
        }
    }
}

fn steps(timing: Timing, pictures: &[(u64, &Picture)]) -> Vec<Step> {
    let mut stability = Stability::new(timing);
    let observe = |&(at, picture): &(u64, &Picture)| stability.observe(SECOND * at as u32, picture);
    pictures.iter().map(observe).collect()
}

const TIMING: Timing =
    Timing { stable_after: Duration::from_secs(4), down_all_when_unstable: true };

#[test]
fn a_picture_is_decided_upon_when_it_has_been_stable() {
    let whole = picture(uid(1), &up(3), &[1, 2, 3].map(uid).into());
    let cut = picture(uid(1), &up(3), &[1, 2].map(uid).into());
    let steps = steps(TIMING, &[(0, &whole), (10, &cut), (13, &cut), (14, &cut), (15, &whole)]);
    let wait = Step::Wait { until: 14 * SECOND };
    assert_eq!(steps, [Step::Quiet, wait, wait, Step::Decide, Step::Quiet]);
}

#[test]
fn a_cluster_that_does_not_come_to_rest_is_given_up() {
    let one = picture(uid(1), &up(3), &[1, 2].map(uid).into());
    let two = picture(uid(1), &up(3), &[1, 3].map(uid).into());
    let seen = [(0, &one), (3, &two), (6, &one), (7, &one)];
    assert_eq!(steps(TIMING, &seen)[3], Step::DownAll);
    let timing = Timing { down_all_when_unstable: false, ..TIMING };
    assert_eq!(steps(timing, &seen)[3], Step::Wait { until: 10 * SECOND });
}

#[test]
fn an_old_unrest_is_no_part_of_a_new_one() {
    let whole = picture(uid(1), &up(3), &[1, 2, 3].map(uid).into());
    let cut = picture(uid(1), &up(3), &[1, 2].map(uid).into());
    let seen = [(0, &cut), (1, &whole), (6, &cut), (8, &cut), (10, &cut)];
    let wait = |until: u32| Step::Wait { until: until * SECOND };
    assert_eq!(steps(TIMING, &seen), [wait(4), Step::Quiet, wait(10), wait(10), Step::Decide]);
}

#[test]
fn who_did_not_look_for_a_while_waits_again() {
    let cut = picture(uid(1), &up(3), &[1, 2].map(uid).into());
    let mut stability = Stability::new(TIMING);
    stability.observe(SECOND, &cut);
    stability.doubt(30 * SECOND);
    let waits = Step::Wait { until: 34 * SECOND };
    assert_eq!(stability.observe(30 * SECOND, &cut), waits);
}

/// What a node sees whose own side is not all, and to which the others only seem to be gone.
fn rejected(me: NodeUid, members: &[Member], side: &BTreeSet<NodeUid>) -> Picture {
    picture(me, members, side).with_firewall()
}

impl Picture {
    fn with_firewall(mut self) -> Self {
        let silent = self.nodes.values_mut().filter(|it| it.standing == Standing::Unreachable);
        silent.for_each(|it| it.standing = Standing::SeemsGone);
        self
    }
}

#[test]
fn a_firewall_that_answers_for_the_majority_does_not_make_the_minority_one() {
    let members = up(3);
    match decide(&keep_majority(), &rejected(uid(1), &members, &[uid(1)].into())) {
        Decision::Contest(it) => {
            assert_eq!(it.win, [2, 3].map(uid).into());
            assert!(it.after >= 5 * SECOND && it.lose == [uid(1)].into(), "{it:?}");
        }
        other => panic!("{other:?}"),
    }
    match decide(&keep_majority(), &rejected(uid(2), &members, &[2, 3].map(uid).into())) {
        Decision::Down { nodes, .. } => assert_eq!(nodes, [uid(1)].into()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn by_down_all_a_process_that_seems_gone_takes_nobody_along() {
    match decide(&Strategy::DownAll, &rejected(uid(1), &up(3), &[1, 2].map(uid).into())) {
        Decision::Contest(it) => assert_eq!(it.win, [uid(3)].into()),
        other => panic!("{other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Where each side takes the other for gone, at most one acts without waiting.
    #[test]
    fn of_two_sides_that_refuse_each_other_one_acts_first(cut in cuts(false), strategy in strategies()) {
        let all: BTreeSet<NodeUid> = cut.members.iter().map(|it| it.node.uid).collect();
        let right = &all - &cut.left;
        let at_once = |side: &BTreeSet<NodeUid>| side.iter().any(|&me| {
            fate(&strategy, &rejected(me, &cut.members, side)) == Fate::GoesOn
                && cut.members.iter().any(|it| it.node.uid == me && it.status == NodeStatus::Up)
        });
        let settled = |side: &BTreeSet<NodeUid>| cut.members.iter().any(|it| {
            side.contains(&it.node.uid)
                && matches!(it.status, NodeStatus::Up | NodeStatus::Leaving)
        });
        if settled(&cut.left) && settled(&right) {
            prop_assert!(!(at_once(&cut.left) && at_once(&right)));
        }
    }
}
