use super::*;
use crate::hello::PROTOCOL;

#[test]
fn of_two_that_dial_each_other_at_once_the_lower_uids_link_is_made() {
    let (mut low, mut high) = (Roster::new(node(1)), Roster::new(node(2)));
    assert!(low.greet(&address(2)) && high.greet(&address(1)));
    assert_eq!(low.welcome(&hello(2)).unwrap_err().code, code::DUPLICATE_LINK);
    assert_eq!(high.welcome(&hello(1)), Ok(()));
    assert_eq!(low.enter(live(2, 10, true)), Ok(Entered::default()));
    assert_eq!(high.enter(live(1, 20, false)), Ok(Entered::default()));
    low.greeted(&address(2));
    high.welcomed(&address(1));
    assert_eq!((low.at(&address(2)).map(|it| it.link), low.greeting.len()), (Some(10), 0));
}

#[test]
fn a_peer_is_not_greeted_while_it_is_welcomed_or_linked() {
    let mut roster = Roster::new(node(1));
    assert_eq!(roster.welcome(&hello(2)), Ok(()));
    assert!(!roster.greet(&address(2)));
    roster.welcomed(&address(2));
    assert!(roster.greet(&address(2)));
    roster.greeted(&address(2));
    roster.enter(live(2, 10, false)).unwrap();
    assert!(!roster.greet(&address(2)));
}

#[test]
fn two_links_that_were_both_made_end_as_the_same_one_on_both_sides() {
    for order in [[true, false], [false, true]] {
        let mut kept = Vec::new();
        for me in [1, 2] {
            let mut roster = Roster::new(node(me));
            let other = 3 - me;
            for by_low in order {
                let is_dialler = by_low == (me == 1);
                let _ = roster.enter(live(other, u64::from(by_low), is_dialler));
            }
            kept.push(roster.live[&node(other).uid].link);
        }
        assert_eq!(kept, [1, 1], "{order:?}");
    }
}

#[test]
fn a_peer_that_dials_again_has_lost_its_link_and_gets_a_new_one() {
    let mut roster = Roster::new(node(2));
    roster.enter(live(1, 10, false)).unwrap();
    assert_eq!(roster.welcome(&hello(1)), Ok(()));
    let entered = roster.enter(live(1, 11, false)).unwrap();
    assert_eq!(entered, Entered { superseded: vec![10], gone: vec![] });
    assert_eq!(roster.leave(&node(1), 10, &Cause::Closed), None);
    assert_eq!(roster.at(&address(1)).unwrap().link, 11);
}

#[test]
fn who_was_lost_and_is_refused_by_its_host_is_gone_and_that_is_told_once() {
    let mut roster = Roster::new(node(1));
    roster.enter(live(2, 10, true)).unwrap();
    let left = roster.leave(&node(2), 10, &Cause::Closed);
    assert_eq!(left, Some(Left { address: address(2), gone: None }));
    assert_eq!(roster.refused(&address(2)), Some(node(2)));
    assert_eq!(roster.refused(&address(2)), None);
}

#[test]
fn silence_and_other_failures_prove_nothing() {
    let causes = [
        Cause::Silent(std::time::Duration::from_secs(4)),
        Cause::Lost("timed out".to_owned()),
        Cause::Disconnected("downed".to_owned()),
    ];
    for cause in causes {
        let mut roster = Roster::new(node(1));
        roster.enter(live(2, 10, true)).unwrap();
        assert_eq!(roster.leave(&node(2), 10, &cause).unwrap().gone, None);
        assert_eq!(roster.refused(&address(2)), None, "{cause}");
    }
}

#[test]
fn another_incarnation_at_the_address_proves_the_end_of_the_one_before() {
    let newer = |uid, link| Live { address: address(2), ..live(uid, link, false) };
    let mut roster = Roster::new(node(1));
    roster.enter(live(2, 10, true)).unwrap();
    let entered = roster.enter(newer(3, 11)).unwrap();
    assert_eq!(entered, Entered { superseded: vec![10], gone: vec![node(2)] });

    roster.leave(&node(3), 11, &Cause::Closed).unwrap();
    let entered = roster.enter(newer(4, 12)).unwrap();
    assert_eq!(entered, Entered { superseded: vec![], gone: vec![node(3)] });

    roster.leave(&node(4), 12, &Cause::Closed).unwrap();
    assert_eq!(roster.enter(newer(4, 13)), Ok(Entered::default()));
}

#[test]
fn a_goodbye_is_proof_and_an_older_incarnation_is_refused() {
    let mut roster = Roster::new(node(1));
    roster.enter(live(3, 10, true)).unwrap();
    let mut older = hello(2);
    older.node.name = node(3).name;
    assert_eq!(roster.welcome(&older).unwrap_err().code, code::OLD_INCARNATION);
    let left = roster.leave(&node(3), 10, &Cause::Goodbye("stop".to_owned())).unwrap();
    assert_eq!(left.gone, Some(Evidence::Left));
}

#[test]
fn an_address_that_leads_to_a_linked_node_counts_as_linked() {
    let mut roster = Roster::new(node(1));
    let seed: ClusterAddress = "weir://weir@10.0.0.2".parse().unwrap();
    roster.enter(live(2, 10, true)).unwrap();
    assert!(roster.at(&seed).is_none());
    roster.alias(seed.clone(), node(2).uid);
    assert_eq!(roster.at(&seed).unwrap().link, 10);
    roster.leave(&node(2), 10, &Cause::Closed).unwrap();
    assert!(roster.at(&seed).is_none());
}

#[test]
fn who_announces_the_address_of_a_linked_node_of_another_name_is_refused() {
    let mut roster = Roster::new(node(1));
    roster.enter(live(2, 10, true)).unwrap();
    let other = Hello { address: address(2), ..hello(3) };
    assert_eq!(roster.welcome(&other).unwrap_err().code, code::ADDRESS_TAKEN);
    roster.leave(&node(2), 10, &Cause::Closed).unwrap();
    assert_eq!(roster.welcome(&other), Ok(()));
}

fn node(uid: u8) -> Incarnation {
    format!("node-{uid}#01930000-0000-7000-8000-0000000000{uid:02}").parse().unwrap()
}

fn address(uid: u8) -> ClusterAddress {
    format!("weir://weir@node-{uid}").parse().unwrap()
}

fn live(uid: u8, link: u64, is_dialler: bool) -> Live {
    Live { link, node: node(uid), address: address(uid), is_dialler }
}

fn hello(uid: u8) -> Hello {
    Hello {
        protocol: PROTOCOL,
        cluster: "weir".parse().unwrap(),
        cluster_id: None,
        node: node(uid),
        address: address(uid),
        version: "0.1.0".to_owned(),
        features: 0,
        nonce: [uid; 16],
    }
}
