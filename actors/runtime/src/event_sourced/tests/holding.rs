//! A host that is held from outside, and journals that lost events.

use super::*;

#[tokio::test(start_paused = true)]
async fn while_it_is_held_commands_are_refused_reads_go_on_and_it_resumes_without_recovery() {
    let office = office().await;
    let parcels = office.opened().await;
    accept(&parcels, 1).await.unwrap();
    // A damaged event would stop a recovery.
    office.store.faults().damage_event(&id(), 1);
    parcels.suspend("the lease may have passed on");
    let refused = accept(&parcels, 2).await.unwrap_err();
    assert!(
        matches!(&refused, AskError::Unavailable { cause, .. } if cause.contains("the lease may"))
    );
    suspended(&parcels).await;
    assert_eq!(state(&parcels).await.owed, [1].into());

    parcels.resume();
    assert_eq!(accept(&parcels, 2).await, Ok(2));
    parcels.ready(SECOND).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn while_it_is_held_effects_wait_and_those_that_run_are_cancelled() {
    let courier = Courier { confirms: true, takes: 10 * SECOND, ..Courier::default() };
    let office = office_with(courier).await;
    let parcels = office.opened().await;
    accept(&parcels, 1).await.unwrap();
    wait_until("it is on its way", || office.courier.runs(1) == 1).await;
    parcels.suspend("held");
    office.courier.now.lock().unwrap().clear();
    tokio::time::sleep(100 * SECOND).await;
    assert_eq!(office.courier.runs(1), 1);
    assert_eq!(office.events().await.len(), 1, "the delivery was not confirmed");

    parcels.resume();
    wait_until("it is delivered", || parcels.status() == HostStatus::Running { sequence: 2 }).await;
    assert_eq!(office.courier.runs(1), 2);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_is_held_while_it_recovers_is_held_afterwards() {
    let office = office().await;
    office.write(0, &accepted(1..=30)).await;
    office.store.faults().slow(SECOND);
    let parcels = office.open().await;
    parcels.suspend("held");
    suspended(&parcels).await;
    assert!(matches!(accept(&parcels, 31).await, Err(AskError::Unavailable { .. })));
    parcels.resume();
    assert_eq!(accept(&parcels, 31).await, Ok(31));
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_lost_acknowledged_events_stops_the_controller_for_a_person() {
    let office = office().await;
    let parcels = office.opened().await;
    for parcel in 1..=3 {
        accept(&parcels, parcel).await.unwrap();
    }
    office.store.lose_events(&id(), 1);

    let stopped = accept(&parcels, 4).await.unwrap_err();
    assert!(
        matches!(&stopped, AskError::Stopped { cause, .. } if cause.contains("ends at event 1"))
    );
    let fault = failed(&parcels).await;
    assert_eq!(fault.code, code::JOURNAL_GAP);
    assert!(fault.hint.is_some_and(|it| it.contains("bring back the database")));
    parcels.restart().await;
    assert_eq!(failed(&parcels).await.code, code::JOURNAL_GAP, "it remembers what it knew");
    parcels.stop(SECOND).await.unwrap();
    let anew = office.open().await;
    assert_eq!(failed(&anew).await.code, code::JOURNAL_GAP, "and so does whoever comes after it");
}

#[tokio::test(start_paused = true)]
async fn no_snapshot_is_saved_beside_a_journal_that_lost_its_events() {
    let office = office().await;
    let parcels = office.opened().await;
    for parcel in 1..=3 {
        accept(&parcels, parcel).await.unwrap();
    }
    office.store.lose_events(&id(), 1);
    parcels.stop(SECOND).await.unwrap();
    assert_eq!(office.store.snapshot_sequences(&id()).await.unwrap(), Vec::<u64>::new());
    assert_eq!(failed(&parcels).await.code, code::JOURNAL_GAP, "it is found out at the end too");
}

/// The tenth event is followed by a snapshot, which is under way when the events are lost.
async fn with_a_snapshot_that_lost_its_events() -> (Office, HostRef<Parcels>) {
    let office = office().await;
    let parcels = office.opened().await;
    for parcel in 1..=9 {
        accept(&parcels, parcel).await.unwrap();
    }
    office.store.faults().slow(SECOND);
    accept(&parcels, 10).await.unwrap();
    office.store.lose_events(&id(), 4);
    (office, parcels)
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_that_its_journal_does_not_reach_stops_the_controller_for_a_person() {
    let (office, parcels) = with_a_snapshot_that_lost_its_events().await;
    let fault = failed(&parcels).await;
    assert_eq!(fault.code, code::JOURNAL_GAP);
    assert!(fault.message.contains("ends at event 4, but event 10 was acknowledged"), "{fault}");
    assert_eq!(office.store.snapshot_sequences(&id()).await.unwrap(), Vec::<u64>::new());
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_the_snapshot_that_is_under_way_and_hears_what_became_of_it() {
    let (_office, parcels) = with_a_snapshot_that_lost_its_events().await;
    parcels.stop(60 * SECOND).await.unwrap();
    assert_eq!(failed(&parcels).await.code, code::JOURNAL_GAP);
}

#[tokio::test(start_paused = true)]
async fn no_more_than_four_journals_of_a_system_are_read_at_once() {
    let office = office().await;
    office.store.faults().slow(SECOND);
    let open = |number: u32| {
        let spec = HostSpec {
            id: PersistenceId(format!("parcels-{number}")),
            fence: office.fence.clone(),
            store: Arc::new(office.store.clone()),
            effects: office.courier.clone(),
            settings: office.settings.clone(),
        };
        HostRef::<Parcels>::start(&office.system, spec)
    };
    let begun = crate::Stopwatch::start();
    let hosts = futures::future::join_all((0..8).map(open)).await;
    for host in hosts {
        host.unwrap().ready(60 * SECOND).await.unwrap();
    }
    // Each takes three reads of a second.
    assert_eq!(begun.elapsed(), 6 * SECOND);
}
