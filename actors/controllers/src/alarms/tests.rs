//! Alarms: what is judged, what is waited for, what is decided on chosen and on random histories, and the centre itself.

mod centre;
mod judging;
mod waiting;

use proptest::prelude::*;
use weir_domain::{AlarmKind, AlarmSeverity, AlarmSubject, Code, SubjectKind};
use weir_runtime::EventSourced as _;

use super::*;

const HOUR: i64 = 3_600_000;

fn key(name: &str) -> AlarmKey {
    let subject = AlarmSubject::new(SubjectKind::WORKFLOW, name);
    AlarmKey { kind: AlarmKind::WORKFLOW_FAULT, subject }
}

fn complaint(severity: AlarmSeverity) -> Complaint {
    Complaint { severity, code: Code(4_007), message: "no space left".into(), hint: None }
}

fn report(name: &str, since: i64) -> Report {
    let complaint = complaint(AlarmSeverity::Warning);
    Report { key: key(name), complaint, since: Timestamp(since), again: 0 }
}

fn observe(raised: Vec<Report>, cleared: &[&str], unknown: &[&str], at: i64) -> Command {
    let keys = |names: &[&str]| names.iter().map(|it| key(it)).collect();
    Command::Observe { raised, cleared: keys(cleared), unknown: keys(unknown), at: Timestamp(at) }
}

fn confirmation(at: i64) -> Confirmation {
    Confirmation {
        by: "ada".parse().unwrap(),
        at: Timestamp(at),
        note: Some("on it".into()),
        command: None,
    }
}

fn confirm(ids: &[u64], at: i64) -> Command {
    let ids = ids.iter().copied().map(AlarmId).collect();
    Command::Confirm { which: Which::These(ids), confirmation: confirmation(at) }
}

/// Decides, applies, and tells the events.
fn done(state: &mut Alarms, command: Command) -> Vec<Event> {
    let events = state.decide(command).unwrap();
    events.iter().for_each(|it| state.apply(it));
    events
}

fn after(commands: impl IntoIterator<Item = Command>) -> Alarms {
    let mut state = Alarms::default();
    for command in commands {
        done(&mut state, command);
    }
    state
}

fn of(state: &Alarms, id: u64) -> &Alarm {
    state.find(AlarmId(id)).unwrap()
}

#[test]
fn an_alarm_is_raised_once_since_then_and_cleared() {
    let mut state = Alarms::default();
    let raised = done(&mut state, observe(vec![report("a", 5), report("a", 6)], &[], &[], 10));
    let expected = Event::Raised {
        id: AlarmId(1),
        key: key("a"),
        complaint: complaint(AlarmSeverity::Warning),
        at: Timestamp(5),
    };
    assert_eq!(raised, [expected]);
    assert_eq!(done(&mut state, observe(vec![report("a", 5)], &[], &[], 11)), [], "it stands");
    assert_eq!(done(&mut state, observe(vec![], &["b"], &["b"], 12)), [], "nobody knows that one");
    done(&mut state, observe(vec![], &["a"], &[], 13));
    let ended = of(&state, 1);
    assert_eq!((ended.raised_at, ended.cleared_at), (Timestamp(5), Some(Timestamp(13))));
    assert_eq!(state.standing().count(), 0);
}

#[test]
fn what_comes_back_soon_is_the_same_alarm_and_later_another_one() {
    let raise = |at| observe(vec![report("a", at)], &[], &[], at);
    let clear = |at| observe(vec![], &["a"], &[], at);
    let mut state = after([raise(0), confirm(&[1], 1), clear(10), raise(20)]);
    let again = of(&state, 1);
    assert_eq!((again.count, again.raised_at, again.last_at), (2, Timestamp(0), Timestamp(20)));
    assert!(again.is_standing() && again.confirmation == Some(confirmation(1)), "L3");
    done(&mut state, clear(30));
    done(&mut state, raise(HOUR));
    assert_eq!((of(&state, 1).count, of(&state, 2).count), (2, 1));
    assert_eq!(of(&state, 2).confirmation, None);
}

#[test]
fn what_comes_again_is_counted_and_what_is_said_of_it_is_said_anew() {
    let mut state = after([observe(vec![report("a", 0)], &[], &[], 0)]);
    let worse = Report { complaint: complaint(AlarmSeverity::Error), again: 3, ..report("a", 0) };
    done(&mut state, observe(vec![worse], &[], &[], 9));
    let it = of(&state, 1);
    assert_eq!((it.count, it.last_at), (4, Timestamp(9)));
    assert_eq!(it.complaint.severity, AlarmSeverity::Error);
}

#[test]
fn what_nobody_can_judge_says_since_when_until_it_is_seen_again() {
    let mut state = after([observe(vec![report("a", 0)], &[], &[], 0)]);
    done(&mut state, observe(vec![], &[], &["a"], 7));
    assert_eq!(of(&state, 1).unknown_since, Some(Timestamp(7)), "L2");
    assert_eq!(done(&mut state, observe(vec![], &[], &["a"], 8)), [], "since then");
    done(&mut state, observe(vec![report("a", 0)], &[], &[], 9));
    assert_eq!((of(&state, 1).unknown_since, of(&state, 1).count), (None, 1));
}

#[test]
fn alarms_are_confirmed_once_those_that_ended_too() {
    let both = observe(vec![report("a", 0), report("b", 0)], &[], &[], 0);
    let mut state = after([both, observe(vec![], &["b"], &[], 1)]);
    let unknown = state.decide(confirm(&[1, 7], 2));
    assert_eq!(unknown, Err(Rejection::Unknown(AlarmId(7))), "and none is confirmed");
    done(&mut state, confirm(&[1], 2));
    assert_eq!(done(&mut state, confirm(&[1], 3)), [], "it was before");
    let all = Command::Confirm { which: Which::All, confirmation: confirmation(4) };
    let event = Event::Confirmed { ids: vec![AlarmId(2)], confirmation: confirmation(4) };
    assert_eq!(done(&mut state, all), [event]);
    let seen = |id| of(&state, id).confirmation.as_ref().map(|it| it.at);
    assert_eq!([1, 2].map(seen), [Some(Timestamp(2)), Some(Timestamp(4))]);
    let note = Some("x".repeat(201));
    let long = Confirmation { note, ..confirmation(5) };
    let refused = state.decide(Command::Confirm { which: Which::All, confirmation: long });
    assert!(matches!(refused, Err(Rejection::TooLong(_))));
    let many = (0..=IDS_MAX as u64).map(AlarmId).collect();
    let many = Command::Confirm { which: Which::These(many), confirmation: confirmation(5) };
    assert_eq!(state.decide(many), Err(Rejection::TooMany(IDS_MAX + 1)));
}

#[test]
fn who_confirms_is_told_what_this_command_did_whenever_it_is_asked() {
    let command = |n| CommandId(uuid::Uuid::from_u128(n));
    let by = |n, which: &Which| Command::Confirm {
        which: which.clone(),
        confirmation: Confirmation { command: Some(command(n)), ..confirmation(2) },
    };
    let of = |ids: &[u64]| ids.iter().copied().map(AlarmId).collect::<Vec<_>>();
    let told = |now: &[u64], before: &[u64]| Confirmed { now: of(now), before: of(before) };
    let these = |ids: &[u64]| Which::These(of(ids).into_iter().collect());
    let mut state = after([observe(vec![report("a", 0), report("b", 0)], &[], &[], 0)]);
    done(&mut state, by(1, &these(&[1])));
    assert_eq!(state.confirmed(&these(&[1]), command(1)), told(&[1], &[]));
    done(&mut state, by(2, &these(&[1, 2])));
    assert_eq!(state.confirmed(&these(&[1, 2]), command(2)), told(&[2], &[1]), "the other was");
    done(&mut state, observe(vec![report("c", 3), report("d", 3)], &["b"], &[], 3));
    done(&mut state, by(3, &Which::All));
    done(&mut state, observe(vec![report("e", 4)], &["c"], &[], 4));
    assert_eq!(state.confirmed(&Which::All, command(3)), told(&[4, 3], &[]), "not what came later");
    assert_eq!(state.confirmed(&these(&[1]), command(1)), told(&[1], &[]), "as before");
}

#[test]
fn what_has_ended_is_bounded_in_number_and_in_time_and_what_stands_in_number() {
    let name = |n: usize| format!("w{n}");
    let mut state = Alarms::default();
    let all: Vec<_> = (0..=ENDED_MAX).map(|n| report(&name(n), 0)).collect();
    done(&mut state, observe(all, &[], &[], 0));
    assert_eq!(state.standing().count(), STANDING_MAX, "L4");
    let keys: Vec<_> = (0..ENDED_MAX).map(|n| key(&name(n))).collect();
    let clear = |at| Command::Observe {
        raised: vec![],
        cleared: keys.clone(),
        unknown: vec![],
        at: Timestamp(at),
    };
    done(&mut state, clear(1));
    done(&mut state, observe(vec![report("one", HOUR)], &[], &[], HOUR));
    done(&mut state, observe(vec![], &["one"], &[], HOUR));
    assert_eq!(state.ended().count(), ENDED_MAX, "L4");
    let one = state.ended().last().unwrap();
    assert_eq!(one.key, key("one"), "the oldest go first");
    let month = i64::try_from(ENDED_FOR.as_millis()).unwrap();
    let forgotten = done(&mut state, observe(vec![], &[], &[], month + HOUR));
    assert_eq!(forgotten, [Event::Forgotten { before: Timestamp(HOUR) }]);
    assert_eq!(state.ended().count(), 1);
}

#[test]
fn pages_lead_from_the_worst_that_stand_to_those_that_ended_long_ago() {
    let bad = Report { complaint: complaint(AlarmSeverity::Error), ..report("bad", 1) };
    let all = vec![report("a", 0), bad, report("b", 2), report("c", 3), report("d", 4)];
    let mut state = after([observe(all, &[], &[], 9)]);
    done(&mut state, observe(vec![], &["c"], &[], 10));
    done(&mut state, observe(vec![], &["d"], &[], 11));
    let ids = |page: &AlarmPage| page.alarms.iter().map(|it| it.id.0).collect::<Vec<_>>();
    let mut asked = Asked { wanted: Wanted::All, limit: 2, ..Asked::default() };
    let mut pages = Vec::new();
    loop {
        let page = state.page(&asked);
        pages.push(ids(&page));
        if !page.has_more {
            break;
        }
        asked.after = page.alarms.last().map(AlarmPlace::of);
    }
    assert_eq!(pages, [vec![2, 3], vec![1, 5], vec![4]]);
    let errors = Asked { severities: [AlarmSeverity::Error].into(), limit: 9, ..Asked::default() };
    assert_eq!(ids(&state.page(&errors)), [2]);
    let of_d =
        Asked { wanted: Wanted::Ended, subject: Some("d".into()), limit: 9, ..Asked::default() };
    let page = state.page(&of_d);
    assert_eq!(ids(&page), [5]);
    let expected = AlarmCounts {
        standing: BySeverity { error: 1, warning: 2, info: 0 },
        unconfirmed: BySeverity { error: 1, warning: 2, info: 0 },
        ended_unconfirmed: BySeverity { error: 0, warning: 2, info: 0 },
    };
    assert_eq!(page.counts, expected, "of all of them");
}

#[test]
fn events_that_were_written_still_read() {
    let golden = include_str!("../../../../schemas/events/alarms.event.v1.json");
    let events: Vec<Event> = serde_json::from_str(golden).expect("the golden events read");
    let mut state = Alarms::default();
    events.iter().for_each(|it| state.apply(it));
    let written: serde_json::Value = serde_json::from_str(golden).unwrap();
    assert_eq!(serde_json::to_value(&events).unwrap(), written, "they are written as before");
    assert_eq!(events.len(), 7, "one of each kind, and of each form");
}

fn any_command() -> impl Strategy<Value = Command> {
    let name = || (0_usize..4).prop_map(|it| ["a", "b", "c", "d"][it]);
    let names = || prop::collection::vec(name(), 0..3);
    let bad = prop_oneof![Just(AlarmSeverity::Error), Just(AlarmSeverity::Info)];
    let raised = (name(), 0_u64..3, bad).prop_map(|(name, again, severity)| Report {
        complaint: complaint(severity),
        again,
        ..report(name, 0)
    });
    prop_oneof![
        4 => (prop::collection::vec(raised, 0..3), names(), names())
            .prop_map(|(raised, cleared, unknown)| observe(raised, &cleared, &unknown, 0)),
        1 => prop::collection::btree_set(1_u64..8, 1..3).prop_map(|ids| {
            confirm(&ids.into_iter().collect::<Vec<_>>(), 0)
        }),
        1 => Just(Command::Confirm { which: Which::All, confirmation: confirmation(0) }),
    ]
}

/// What must hold after every command.
fn check(state: &Alarms, before: &Alarms) {
    let keys: BTreeSet<_> = state.standing().map(|it| &it.key).collect();
    assert_eq!(keys.len(), state.standing().count(), "L1");
    let ids: BTreeSet<_> = state.standing().chain(state.ended()).map(|it| it.id).collect();
    assert_eq!(ids.len(), state.standing().count() + state.ended().count(), "each id once");
    assert!(state.standing().all(Alarm::is_standing));
    assert!(!state.ended().any(Alarm::is_standing));
    for former in before.standing().chain(before.ended()) {
        let Some(now) = state.find(former.id) else { continue };
        assert_eq!((&now.key, now.raised_at), (&former.key, former.raised_at));
        assert!(now.count >= former.count);
        if former.confirmation.is_some() {
            assert_eq!(now.confirmation, former.confirmation, "L3");
        }
    }
}

proptest! {
    #[test]
    fn whatever_happens_the_fold_of_the_events_is_the_state_and_so_is_its_snapshot(
        commands in prop::collection::vec((any_command(), 0_i64..2 * HOUR / 10), 1..60)
    ) {
        let (mut state, mut events, mut now) = (Alarms::default(), Vec::new(), 0);
        for (mut command, passed) in commands {
            now += passed;
            if let Command::Observe { at, raised, .. } = &mut command {
                *at = Timestamp(now);
                raised.iter_mut().for_each(|it| it.since = Timestamp(now));
            }
            let before = state.clone();
            let Ok(new) = state.decide(command) else { continue };
            new.iter().for_each(|it| state.apply(it));
            check(&state, &before);
            events.extend(new);
        }
        let mut folded = Alarms::default();
        for event in &events {
            let stored = rmp_serde::to_vec_named(event).unwrap();
            folded.apply(&rmp_serde::from_slice(&stored).unwrap());
        }
        prop_assert_eq!(&folded, &state);
        let snapshot = rmp_serde::to_vec_named(&state).unwrap();
        let read: Alarms = rmp_serde::from_slice(&snapshot).unwrap();
        prop_assert_eq!(read, state);
    }
}
