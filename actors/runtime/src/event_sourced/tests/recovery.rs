use super::*;

#[tokio::test(start_paused = true)]
async fn recovery_gives_the_state_that_was_left() {
    let office = office().await;
    let parcels = office.opened().await;
    for parcel in 1..=25 {
        accept(&parcels, parcel).await.unwrap();
    }
    parcels.ask(Command::ConfirmDelivered(3), SECOND).await.unwrap();
    let before = state(&parcels).await;
    parcels.stop(SECOND).await.unwrap();

    let again = office.opened().await;
    assert_eq!(state(&again).await, before);
    assert_eq!(accept(&again, 26).await, Ok(27));
}

#[tokio::test(start_paused = true)]
async fn a_long_journal_without_snapshots_is_replayed_in_pages() {
    let office = office().await;
    office.write(0, &accepted(1..=100)).await;
    let parcels = office.opened().await;
    assert_eq!(state(&parcels).await.accepted, 100);
    assert_eq!(parcels.status(), HostStatus::Running { sequence: 100 });
}

#[tokio::test(start_paused = true)]
async fn commands_that_arrive_during_recovery_wait_for_it() {
    let office = office().await;
    office.write(0, &accepted(1..=30)).await;
    office.store.faults().slow(SECOND);
    let parcels = office.open().await;
    wait_until("it began", || matches!(parcels.status(), HostStatus::Recovering { of: 30, .. }))
        .await;
    assert_eq!(accept(&parcels, 31).await, Ok(31));
}

#[tokio::test(start_paused = true)]
async fn snapshots_are_taken_every_n_events_and_the_newest_are_kept() {
    let office = office().await;
    let parcels = office.opened().await;
    for parcel in 1..=35 {
        accept(&parcels, parcel).await.unwrap();
        // The snapshot is saved beside the reply.
        wait_until("nothing is saved", || {
            !office.system.tasks().running().iter().any(|it| it.ends_with("/snapshot"))
        })
        .await;
    }
    assert_eq!(office.store.snapshot_sequences(&id()).await.unwrap(), [30, 20]);
    parcels.stop(SECOND).await.unwrap();
    assert_eq!(office.store.snapshot_sequences(&id()).await.unwrap()[0], 35, "the last one");
}

#[tokio::test(start_paused = true)]
async fn damaged_snapshots_are_passed_over_for_an_older_one_and_at_last_for_none() {
    let office = office().await;
    let parcels = office.opened().await;
    for parcel in 1..=25 {
        accept(&parcels, parcel).await.unwrap();
    }
    let before = state(&parcels).await;
    parcels.stop(SECOND).await.unwrap();
    for sequence in office.store.snapshot_sequences(&id()).await.unwrap() {
        office.store.faults().damage_snapshot(&id(), sequence);
        let again = office.opened().await;
        assert_eq!(state(&again).await, before);
        again.stop(SECOND).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_damaged_event_stops_the_controller_and_names_itself_until_a_person_has_acted() {
    let office = office().await;
    office.write(0, &accepted(1..=20)).await;
    office.store.faults().damage_event(&id(), 13);
    let parcels = office.open().await;
    let fault = failed(&parcels).await;
    assert_eq!(fault.code, code::JOURNAL_DAMAGED);
    assert!(fault.message.contains("event 13 of parcels"), "{fault}");
    assert!(fault.hint.is_some());
    let refused = accept(&parcels, 21).await.unwrap_err();
    assert!(matches!(&refused, AskError::Stopped { cause, .. } if cause.contains("event 13")));

    tokio::time::sleep(3_600 * SECOND).await;
    assert!(matches!(parcels.status(), HostStatus::Failed { .. }), "it does not try by itself");
    office.store.faults().heal();
    parcels.restart().await;
    parcels.ready(SECOND).await.unwrap();
    assert_eq!(accept(&parcels, 21).await, Ok(21));
}

#[tokio::test(start_paused = true)]
async fn an_event_that_contradicts_the_state_stops_the_controller_and_names_itself() {
    let office = office().await;
    office.write(0, &[Event::Accepted { parcel: 1 }, Event::Delivered { parcel: 2 }]).await;
    let fault = failed(&office.open().await).await;
    assert_eq!(fault.code, code::EVENT_CONTRADICTS);
    let message =
        "event 2 of parcels contradicts the events before it: P1: parcel 2 was never accepted";
    assert_eq!(fault.message, message);
}

#[tokio::test(start_paused = true)]
async fn a_missing_event_is_noticed() {
    let office = office().await;
    office.write(0, &accepted(1..=20)).await;
    office.store.delete_to(&id(), &office.fence, 5).await.unwrap();
    let fault = failed(&office.open().await).await;
    assert_eq!(fault.code, code::JOURNAL_GAP);
    assert_eq!(fault.message, "the journal of parcels goes on with event 6 where 1 belongs");
}

#[tokio::test(start_paused = true)]
async fn a_journal_may_begin_with_an_event_that_restates_all() {
    let all = Parcels { accepted: 7, owed: [4].into() };
    let restated = Event::Restated { all: all.clone() };
    let history = [accepted(1..=5), vec![restated], accepted(8..=8)].concat();
    // Those before it are deleted piece by piece: whoever is interrupted leaves some of them.
    for deleted in [0, 3, 5] {
        let office = office().await;
        office.write(0, &history).await;
        office.store.delete_to(&id(), &office.fence, deleted).await.unwrap();
        let owed = [4, 8].into();
        assert_eq!(state(&office.opened().await).await, Parcels { accepted: 8, owed });
    }
    let office = office().await;
    office.write(0, &history).await;
    office.store.delete_to(&id(), &office.fence, 6).await.unwrap();
    let fault = failed(&office.open().await).await;
    assert_eq!(fault.message, "the journal of parcels goes on with event 7 where 1 belongs");
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_is_shorter_than_its_snapshot_has_lost_events() {
    let office = office().await;
    office.write(0, &accepted(1..=10)).await;
    let snapshot = codec::state_to_snapshot(&Parcels::default(), &Default::default(), 10).unwrap();
    office.store.snapshot_save(&id(), &office.fence, snapshot).await.unwrap();
    office.store.lose_events(&id(), 9);
    let fault = failed(&office.open().await).await;
    assert_eq!(fault.code, code::JOURNAL_GAP);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_at_the_start_is_waited_for_and_commands_are_refused_meanwhile() {
    let office = office().await;
    office.write(0, &accepted(1..=3)).await;
    office.store.faults().unavailable();
    let parcels = office.open().await;
    suspended(&parcels).await;
    let refused = accept(&parcels, 4).await.unwrap_err();
    assert!(matches!(refused, AskError::Unavailable { retry_after, .. } if retry_after.0 <= 1_000));
    let unread = parcels.query(SECOND, |it| it.accepted).await;
    assert!(matches!(unread, Err(AskError::Unavailable { .. })));

    office.store.faults().heal();
    parcels.ready(60 * SECOND).await.unwrap();
    assert_eq!(accept(&parcels, 4).await, Ok(4));
}
