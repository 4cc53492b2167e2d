use super::*;
use crate::RuntimeEvent;

#[tokio::test(start_paused = true)]
async fn a_reply_comes_after_the_write_and_may_read_the_state_it_led_to() {
    let office = office().await;
    let parcels = office.opened().await;
    assert_eq!(accept(&parcels, 1).await, Ok(1));
    assert_eq!(office.events().await, accepted([1]));
    let read = |sequence, state: &Parcels| (sequence, state.accepted);
    let command = Command::AcceptAll(vec![2, 3, 4]);
    assert_eq!(parcels.ask_and_read(command, SECOND, read).await, Ok((4, 4)));
}

#[tokio::test(start_paused = true)]
async fn a_rejection_is_an_answer_and_a_repetition_writes_nothing() {
    let office = office().await;
    let parcels = office.opened().await;
    let rejected = parcels.ask(Command::ConfirmDelivered(9), SECOND).await;
    assert_eq!(rejected, Err(AskError::Rejected(Rejection::Unknown(9))));
    assert_eq!(accept(&parcels, 1).await, Ok(1));
    assert_eq!(accept(&parcels, 1).await, Ok(1));
    assert_eq!(office.events().await, accepted([1]));
}

#[tokio::test(start_paused = true)]
async fn five_hundred_events_of_one_command_are_written_together() {
    let office = office().await;
    let parcels = office.opened().await;
    let command = Command::AcceptAll((1..=500).collect());
    assert_eq!(parcels.ask(command, SECOND).await, Ok(500));
    assert_eq!(state(&parcels).await.accepted, 500);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_too_large_is_refused_and_the_controller_goes_on() {
    let office = office().await;
    let parcels = office.opened().await;
    let refused = parcels.ask(Command::Remark(2 << 20), SECOND).await.unwrap_err();
    assert!(matches!(&refused, AskError::Refused { cause, .. } if cause.contains("1048576")));
    assert_eq!(accept(&parcels, 1).await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_answer_is_lost_is_found_and_acknowledged_once() {
    let office = office().await;
    let parcels = office.opened().await;
    office.store.faults().unanswered(1);
    assert_eq!(accept(&parcels, 1).await, Ok(1));
    assert_eq!(accept(&parcels, 2).await, Ok(2));
    assert_eq!(office.events().await, accepted([1, 2]));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_lost_is_not_found_and_written_again() {
    let office = office().await;
    let parcels = office.opened().await;
    office.store.faults().lost(1);
    assert_eq!(accept(&parcels, 1).await, Ok(1));
    assert_eq!(office.events().await, accepted([1]));
}

#[tokio::test(start_paused = true)]
async fn while_an_outcome_is_unknown_other_commands_are_refused_and_its_asker_waits() {
    let office = office().await;
    let parcels = office.opened().await;
    office.store.faults().lost(2);
    let later = async {
        suspended(&parcels).await;
        let refused = accept(&parcels, 2).await;
        assert!(matches!(refused, Err(AskError::Unavailable { .. })));
        assert_eq!(state(&parcels).await.accepted, 0, "only what is durable is shown");
    };
    let (first, ()) = tokio::join!(accept(&parcels, 1), later);
    assert_eq!(first, Ok(1));
    assert_eq!(office.events().await, accepted([1]));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_arrives_late_counts_once() {
    let office = office().await;
    let parcels = office.opened().await;
    office.store.faults().lost(2);
    let late = async {
        suspended(&parcels).await;
        office.write(0, &accepted([1])).await;
    };
    let (first, ()) = tokio::join!(accept(&parcels, 1), late);
    assert_eq!(first, Ok(1));
    assert_eq!(accept(&parcels, 2).await, Ok(2));
    assert_eq!(office.events().await, accepted([1, 2]));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_takes_too_long_is_looked_for_too() {
    let mut office = office().await;
    office.settings.append_within = SECOND;
    let parcels = office.opened().await;
    office.store.faults().slow(5 * SECOND);
    let heal = async {
        suspended(&parcels).await;
        office.store.faults().heal();
    };
    let (first, ()) = tokio::join!(accept(&parcels, 1), heal);
    assert_eq!(first, Ok(1));
    assert_eq!(office.events().await, accepted([1]));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_suspends_the_controller_and_it_goes_on_without_recovery() {
    let office = office().await;
    let mut events = office.system.events().subscribe();
    let parcels = office.opened().await;
    accept(&parcels, 1).await.unwrap();
    office.store.faults().unavailable();
    let refused = accept(&parcels, 2).await.unwrap_err();
    assert!(matches!(refused, AskError::Unavailable { retry_after, .. } if retry_after.0 == 1_000));
    assert_eq!(state(&parcels).await.owed, [1].into(), "reads go on");

    // A damaged event would stop a recovery.
    office.store.faults().heal();
    office.store.faults().damage_event(&id(), 1);
    parcels.ready(60 * SECOND).await.unwrap();
    assert_eq!(accept(&parcels, 2).await, Ok(2));
    let resumed = RuntimeEvent::StoreResumed { actor: parcels.actor().clone() };
    assert!(matches!(events.recv().await.unwrap(), RuntimeEvent::StoreSuspended { .. }));
    assert_eq!(events.recv().await.unwrap(), resumed);
}

#[tokio::test(start_paused = true)]
async fn a_deposed_writer_stops_and_says_so() {
    let office = office().await;
    let parcels = office.opened().await;
    lease(&office.store, "node-2#1").await;
    let stopped = accept(&parcels, 1).await.unwrap_err();
    assert!(
        matches!(&stopped, AskError::Stopped { cause, .. } if cause.contains("no longer held"))
    );
    assert_eq!(failed(&parcels).await.code, code::FENCED);
    assert!(office.events().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_conflict_leads_to_a_new_recovery() {
    let office = office().await;
    let parcels = office.opened().await;
    accept(&parcels, 1).await.unwrap();
    office.write(1, &accepted([7])).await;
    let stopped = accept(&parcels, 2).await.unwrap_err();
    assert!(matches!(stopped, AskError::Stopped { .. }));
    let again = parcels.wait_for(|it| (*it == HostStatus::Running { sequence: 2 }).then_some(()));
    tokio::time::timeout(60 * SECOND, again).await.unwrap();
    assert_eq!(state(&parcels).await.owed, [1, 7].into());
    assert_eq!(accept(&parcels, 2).await, Ok(3));
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_write_and_reply_loses_nothing_and_a_repetition_writes_nothing() {
    let office = office().await;
    let parcels = office.opened().await;
    // The write happens, the answer to it never comes, and the process ends.
    office.store.faults().unanswered(1);
    office.store.faults().slow(SECOND);
    let gave_up = parcels.ask(Command::Accept(1), Duration::from_millis(1_500)).await;
    assert!(matches!(gave_up, Err(AskError::Timeout { .. })));
    assert!(parcels.stop(Duration::ZERO).await.is_err(), "it was killed");

    office.store.faults().heal();
    let again = office.opened().await;
    assert_eq!(accept(&again, 1).await, Ok(1));
    assert_eq!(office.events().await, accepted([1]));
}

#[tokio::test(start_paused = true)]
async fn an_event_that_can_not_be_applied_stops_the_controller_for_good() {
    let office = office().await;
    let parcels = office.opened().await;
    let stopped = parcels.ask(Command::Mistake, SECOND).await.unwrap_err();
    assert!(matches!(stopped, AskError::Stopped { .. }));
    assert_eq!(failed(&parcels).await.code, code::EVENT_CONTRADICTS);
}

#[tokio::test(start_paused = true)]
async fn a_decision_that_panics_leaves_no_trace_and_the_controller_recovers() {
    let office = office().await;
    let parcels = office.opened().await;
    accept(&parcels, 1).await.unwrap();
    let stopped = parcels.ask(Command::Bug, SECOND).await.unwrap_err();
    assert!(matches!(stopped, AskError::Stopped { .. }));
    wait_until("it restarts", || matches!(parcels.status(), HostStatus::Restarting { .. })).await;
    let refused = accept(&parcels, 2).await.unwrap_err();
    assert!(matches!(refused, AskError::Unavailable { .. }), "{refused}");
    parcels.ready(SECOND).await.unwrap();
    assert_eq!(accept(&parcels, 2).await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn a_read_that_panics_harms_only_its_asker() {
    let office = office().await;
    let parcels = office.opened().await;
    let read = parcels.query(SECOND, |_| -> u32 { panic!("a bug in the caller") }).await;
    assert!(matches!(read, Err(AskError::Refused { .. })));
    assert_eq!(accept(&parcels, 1).await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn a_full_gate_refuses_at_once() {
    let mut office = office().await;
    office.settings.waiting_max = 2;
    let parcels = office.opened().await;
    office.store.faults().slow(SECOND);
    let asked = futures::future::join_all((1..=4).map(|it| accept(&parcels, it))).await;
    let actor = parcels.actor().clone();
    assert_eq!(
        asked[2..],
        [2, 2].map(|waiting| Err(AskError::Busy { actor: actor.clone(), waiting }))
    );
    assert_eq!(asked[..2], [Ok(1), Ok(2)]);
}

#[tokio::test(start_paused = true)]
async fn a_command_whose_asker_gave_up_before_its_turn_is_not_carried_out() {
    let mut office = office().await;
    office.settings.group_max = 1;
    let parcels = office.opened().await;
    office.store.faults().slow(5 * SECOND);
    let (first, second) =
        tokio::join!(accept(&parcels, 1), parcels.ask(Command::Accept(2), SECOND));
    assert_eq!(first, Ok(1));
    assert!(matches!(second, Err(AskError::Timeout { .. })));
    assert_eq!(accept(&parcels, 3).await, Ok(2));
    assert_eq!(office.events().await, accepted([1, 3]));
}

#[tokio::test(start_paused = true)]
async fn a_stop_carries_out_what_waits() {
    let office = office().await;
    let parcels = office.opened().await;
    let stop = async {
        tokio::task::yield_now().await;
        parcels.stop(60 * SECOND).await
    };
    let asked = futures::future::join_all((1..=100).map(|it| accept(&parcels, it)));
    let (asked, stopped) = tokio::join!(asked, stop);
    assert_eq!((asked, stopped), ((1..=100).map(Ok).collect(), Ok(())));
    assert_eq!(parcels.status(), HostStatus::Stopped);
    let after = accept(&parcels, 101).await;
    assert!(matches!(after, Err(AskError::Stopped { .. })));
}

#[tokio::test(start_paused = true)]
async fn what_waits_when_the_controller_fails_is_told_and_counted() {
    let mut office = office().await;
    office.settings.group_max = 1;
    let parcels = office.opened().await;
    lease(&office.store, "node-2#1").await;
    office.store.faults().slow(SECOND);
    let asked = futures::future::join_all((1..=10).map(|it| accept(&parcels, it))).await;
    assert!(asked.iter().all(|it| matches!(it, Err(AskError::Stopped { .. }))));
    assert_eq!(office.system.dead_letters().of(parcels.actor()), 9);
}
