//! Resources: their decisions on chosen and on random histories, and the coordinator with holders.

mod coordinator;

use proptest::prelude::*;
use weir_domain::{GroupName, Millis, ReservationId, ResourceName, Timestamp};
use weir_runtime::EventSourced as _;

use super::*;

fn group() -> GroupName {
    "kafka-orders".parse().unwrap()
}

fn resource(n: usize) -> ResourceName {
    n.to_string().parse().unwrap()
}

fn id(n: u32) -> ReservationId {
    format!("{n:032x}").parse().unwrap()
}

/// The n-th reservation, of the n-th engine, that waits for a minute.
fn ask(n: u32) -> Reserve {
    Reserve {
        group: group(),
        reservation: id(n),
        owner: format!("node-{n}#x"),
        wanted: None,
        lease: Some(Millis(10)),
        wait_until: Some(Timestamp(60_000)),
    }
}

/// Decides, applies, and tells the events.
fn done(state: &mut Resources, command: Command) -> Result<Vec<Event>, Rejection> {
    let events = state.decide(command)?;
    events.iter().for_each(|it| state.apply(it));
    Ok(events)
}

fn reserve(state: &mut Resources, ask: Reserve, at: i64) -> Result<Reservation, Rejection> {
    let (group, reservation) = (ask.group.clone(), ask.reservation);
    done(state, Command::Reserve { ask, at: Timestamp(at) })?;
    Ok(state.reservation(&group, reservation))
}

/// A group of so many resources.
fn declared(resources: usize) -> Resources {
    let mut state = Resources::default();
    let resources = (0..resources).map(resource).collect();
    done(&mut state, Command::Declare { group: group(), resources }).unwrap();
    state
}

#[test]
fn each_gets_another_one_until_the_group_is_depleted() {
    let mut state = declared(2);
    assert_eq!(reserve(&mut state, ask(1), 1), Ok(Reservation::Held(resource(0))));
    assert_eq!(reserve(&mut state, ask(2), 1), Ok(Reservation::Held(resource(1))));
    assert_eq!(reserve(&mut state, ask(1), 2), Ok(Reservation::Held(resource(0))), "asked again");
    let hasty = Reserve { wait_until: None, ..ask(3) };
    let refused = reserve(&mut state, hasty.clone(), 1);
    assert_eq!(refused, Err(Rejection::Depleted { group: group(), resources: 2 }));
    let wanted = Reserve { wanted: Some(resource(1)), ..hasty.clone() };
    let refused = reserve(&mut state, wanted, 1).unwrap_err().to_string();
    assert!(refused.contains("is held by node-2#x"), "{refused}");
    let unknown = Reserve { wanted: Some(resource(9)), ..hasty };
    assert!(matches!(reserve(&mut state, unknown, 1), Err(Rejection::UnknownResource { .. })));
    let elsewhere = Reserve { group: "other".parse().unwrap(), ..ask(4) };
    assert!(matches!(reserve(&mut state, elsewhere, 1), Err(Rejection::UnknownGroup(_))));
}

#[test]
fn who_waits_is_served_in_order_however_a_resource_becomes_free() {
    let mut state = declared(1);
    reserve(&mut state, ask(1), 1).unwrap();
    assert_eq!(reserve(&mut state, ask(2), 2), Ok(Reservation::Waiting(0)));
    assert_eq!(reserve(&mut state, ask(3), 3), Ok(Reservation::Waiting(1)));
    assert_eq!(reserve(&mut state, ask(2), 4), Ok(Reservation::Waiting(0)), "it keeps its place");
    let now = |state: &Resources, n| state.reservation(&group(), id(n));
    let at = Timestamp(5);
    done(&mut state, Command::Release { reservation: id(1), at }).unwrap();
    assert_eq!(
        (now(&state, 1), now(&state, 2)),
        (Reservation::Ended, Reservation::Held(resource(0)))
    );
    reserve(&mut state, ask(4), 5).unwrap();
    let revoke = Command::Revoke { group: group(), resources: Some(vec![resource(0)]), at };
    done(&mut state, revoke).unwrap();
    assert_eq!(
        (now(&state, 2), now(&state, 3)),
        (Reservation::Ended, Reservation::Held(resource(0)))
    );
    done(&mut state, Command::Expire { at: Timestamp(14) }).unwrap();
    assert_eq!(now(&state, 3), Reservation::Held(resource(0)), "not yet");
    let renew = |at| Command::Renew { reservations: vec![id(3), id(2)], at: Timestamp(at) };
    done(&mut state, renew(14)).unwrap();
    assert_eq!(now(&state, 2), Reservation::Ended, "Q3");
    done(&mut state, Command::Expire { at: Timestamp(16) }).unwrap();
    assert_eq!(now(&state, 3), Reservation::Held(resource(0)), "it was renewed");
    done(&mut state, Command::Bury { owners: vec!["node-3#x".into()], at }).unwrap();
    assert_eq!(
        (now(&state, 3), now(&state, 4)),
        (Reservation::Ended, Reservation::Held(resource(0)))
    );
    done(&mut state, Command::Expire { at: Timestamp(100) }).unwrap();
    assert_eq!(state.owners().len(), 0, "nobody renewed it");
}

#[test]
fn two_of_ten_partitions_are_revoked() {
    let mut state = declared(10);
    for n in [5, 6] {
        let wanted = Some(resource(n as usize));
        reserve(&mut state, Reserve { wanted, lease: None, ..ask(n) }, 1).unwrap();
    }
    let held = |state: &Resources| {
        let rows = state.rows().pop().unwrap().resources.into_iter();
        rows.filter(|it| it.holding.is_some()).map(|it| it.name).collect::<Vec<_>>()
    };
    assert_eq!(held(&state), [resource(5), resource(6)]);
    let revoke = |resources| Command::Revoke { group: group(), resources, at: Timestamp(2) };
    let unknown = done(&mut state, revoke(Some(vec![resource(77)])));
    assert!(matches!(unknown, Err(Rejection::UnknownResource { .. })));
    done(&mut state, revoke(Some(vec![resource(5)]))).unwrap();
    assert_eq!(held(&state), [resource(6)]);
    done(&mut state, revoke(None)).unwrap();
    assert_eq!(held(&state), []);
}

#[test]
fn a_resource_that_is_not_declared_any_more_goes_when_it_is_free() {
    let mut state = declared(2);
    reserve(&mut state, ask(1), 1).unwrap();
    let declare = |resources: &[usize]| Command::Declare {
        group: group(),
        resources: resources.iter().copied().map(resource).collect(),
    };
    done(&mut state, declare(&[1, 1, 2])).unwrap();
    assert_eq!(done(&mut state, declare(&[1, 2])), Ok(vec![]), "it is known");
    assert_eq!(state.reservation(&group(), id(1)), Reservation::Held(resource(0)));
    done(&mut state, Command::Release { reservation: id(1), at: Timestamp(2) }).unwrap();
    let names: Vec<_> = state.rows()[0].resources.iter().map(|it| it.name.clone()).collect();
    assert_eq!(names, [resource(1), resource(2)]);
    done(&mut state, declare(&[])).unwrap();
    assert_eq!(state.rows(), []);
    let many = (0..=RESOURCES_MAX).map(resource).collect();
    let too_many = done(&mut state, Command::Declare { group: group(), resources: many });
    assert!(matches!(too_many, Err(Rejection::TooMany { .. })));
}

#[test]
fn a_coordinator_that_moved_gives_every_holder_its_whole_lease() {
    let mut state = declared(1);
    reserve(&mut state, ask(1), 1).unwrap();
    reserve(&mut state, Reserve { wait_until: Some(Timestamp(20)), ..ask(2) }, 1).unwrap();
    done(&mut state, Command::Resume { at: Timestamp(1_000) }).unwrap();
    done(&mut state, Command::Expire { at: Timestamp(1_009) }).unwrap();
    assert_eq!(state.reservation(&group(), id(1)), Reservation::Held(resource(0)));
    assert_eq!(state.reservation(&group(), id(2)), Reservation::Waiting(0));
}

#[test]
fn events_of_the_first_version_read() {
    let golden = include_str!("../../../../schemas/events/resources.event.v1.json");
    let golden: Vec<Event> = serde_json::from_str(golden).expect("the golden events read");
    let mut state = Resources::default();
    golden.iter().for_each(|it| state.apply(it));
    assert_eq!(reserve(&mut state, ask(2), 1), Ok(Reservation::Held(resource(0))), "it is free");
    assert_eq!(golden.len(), 7, "one of each kind");
}

fn any_command() -> impl Strategy<Value = Command> {
    let n = 1_u32..6;
    let wanted = prop_oneof![Just(None), (0_usize..4).prop_map(|it| Some(resource(it)))];
    let time = 0_i64..100;
    prop_oneof![
        3 => (n.clone(), wanted, any::<bool>(), any::<bool>(), time.clone()).prop_map(
            |(n, wanted, leased, waits, at)| {
                let lease = leased.then_some(Millis(10));
                let wait_until = waits.then_some(Timestamp(at + 20));
                Command::Reserve { ask: Reserve { wanted, lease, wait_until, ..ask(n) }, at: Timestamp(at) }
            }
        ),
        1 => (n.clone(), time.clone()).prop_map(|(n, at)| Command::Renew {
            reservations: vec![id(n)],
            at: Timestamp(at),
        }),
        1 => (n.clone(), time.clone()).prop_map(|(n, at)| Command::Release {
            reservation: id(n),
            at: Timestamp(at),
        }),
        1 => (0_usize..3, time.clone()).prop_map(|(n, at)| Command::Revoke {
            group: group(),
            resources: Some(vec![resource(n)]),
            at: Timestamp(at),
        }),
        1 => time.clone().prop_map(|at| Command::Expire { at: Timestamp(at) }),
        1 => (n, time.clone()).prop_map(|(n, at)| Command::Bury {
            owners: vec![format!("node-{n}#x")],
            at: Timestamp(at),
        }),
        1 => prop::collection::vec(0_usize..4, 0..4).prop_map(|all| Command::Declare {
            group: group(),
            resources: all.into_iter().map(resource).collect(),
        }),
        1 => time.prop_map(|at| Command::Resume { at: Timestamp(at) }),
    ]
}

/// What must hold after every command.
fn check(state: &Resources) {
    for (name, group) in &state.groups {
        let mut holders: Vec<_> = group.holdings().map(|it| it.1.reservation).collect();
        let mut all = holders.clone();
        all.extend(group.waiting.iter().map(|it| it.reservation));
        all.sort();
        all.dedup();
        assert_eq!(all.len(), holders.len() + group.waiting.len(), "{name}: once each");
        holders.sort();
        holders.dedup();
        assert_eq!(holders.len(), group.holdings().count(), "Q1: {name}");
        assert_eq!(group.next_served(), None, "Q2: {name}");
    }
}

proptest! {
    #[test]
    fn nobody_holds_what_another_holds_or_waits_for_what_is_free(
        commands in prop::collection::vec(any_command(), 1..60)
    ) {
        let mut state = declared(3);
        let mut events = vec![Event::Declared { group: group(), resources: (0..3).map(resource).collect() }];
        for command in commands {
            let served: Vec<_> = state.groups.values().flat_map(|it| it.waiting.clone()).collect();
            let Ok(new) = done(&mut state, command) else { continue };
            check(&state);
            // Of those who waited for any, nobody is served before one who came first.
            let got = |it: &Waiter| new.iter().position(|event| matches!(event,
                Event::Reserved { holding, .. } if holding.reservation == it.reservation));
            let left = |it: &Waiter| new.iter().any(|event| matches!(event,
                Event::Left { reservation, .. } if *reservation == it.reservation));
            let any: Vec<_> = served.iter().filter(|it| it.wanted.is_none() && !left(it)).collect();
            let order: Vec<_> = any.iter().map(|it| got(it).unwrap_or(usize::MAX)).collect();
            prop_assert!(order.is_sorted(), "{order:?} {new:?}");
            events.extend(new);
        }
        let mut folded = Resources::default();
        events.iter().for_each(|it| folded.apply(it));
        prop_assert_eq!(folded.groups, state.groups);
    }
}
