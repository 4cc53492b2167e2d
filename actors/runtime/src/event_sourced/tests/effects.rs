use super::*;

#[tokio::test(start_paused = true)]
async fn an_event_leads_to_its_effect_and_the_effect_to_the_command_that_settles_it() {
    let office = office_with(Courier { confirms: true, ..Courier::default() }).await;
    let parcels = office.opened().await;
    accept(&parcels, 1).await.unwrap();
    wait_until("it is delivered", || parcels.status() == HostStatus::Running { sequence: 2 }).await;
    tokio::time::sleep(3_600 * SECOND).await;
    assert_eq!(
        office.events().await,
        [Event::Accepted { parcel: 1 }, Event::Delivered { parcel: 1 }]
    );
    assert_eq!(office.courier.runs(1), 1);
}

#[tokio::test(start_paused = true)]
async fn work_left_over_from_a_crash_is_done_after_recovery() {
    let office = office_with(Courier { confirms: true, ..Courier::default() }).await;
    office.write(0, &accepted([1, 2])).await;
    let parcels = office.opened().await;
    wait_until("both are delivered", || parcels.status() == HostStatus::Running { sequence: 4 })
        .await;
    assert_eq!(office.courier.all_runs(), [(1, 1), (2, 1)].into());
}

#[tokio::test(start_paused = true)]
async fn an_effect_that_fails_or_panics_is_tried_again_with_longer_waits() {
    let courier = Courier { confirms: true, ..Courier::default() };
    courier.failures.lock().unwrap().insert(1, 3);
    let office = office_with(courier).await;
    let parcels = office.opened().await;
    accept(&parcels, 1).await.unwrap();
    let begun = crate::Stopwatch::start();
    wait_until("it is delivered", || parcels.status() == HostStatus::Running { sequence: 2 }).await;
    assert_eq!((office.courier.runs(1), begun.elapsed().as_secs()), (4, 1 + 2 + 4));

    let office = office_with(Courier { panics: true, ..Courier::default() }).await;
    let parcels = office.opened().await;
    accept(&parcels, 1).await.unwrap();
    wait_until("it was tried thrice", || office.courier.runs(1) == 3).await;
    assert_eq!(accept(&parcels, 2).await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn an_effect_that_hangs_ends_at_its_limit_and_is_tried_again() {
    let office = office_with(Courier { takes: 3_600 * SECOND, ..Courier::default() }).await;
    let parcels = office.opened().await;
    accept(&parcels, 1).await.unwrap();
    wait_until("it was begun", || office.courier.runs(1) == 1).await;
    office.courier.now.lock().unwrap().clear();
    wait_until("it was tried again", || office.courier.runs(1) == 2).await;
}

#[tokio::test(start_paused = true)]
async fn an_effect_runs_once_at_a_time_and_rests_while_it_is_still_owed() {
    let office = office_with(Courier { takes: 5 * SECOND, ..Courier::default() }).await;
    let parcels = office.opened().await;
    for parcel in 1..=50 {
        accept(&parcels, parcel).await.unwrap();
    }
    wait_until("all were tried", || office.courier.all_runs().len() == 50).await;
    tokio::time::sleep(5 * SECOND).await;
    assert!(office.courier.all_runs().values().all(|it| *it == 1), "they rest after a success");
    wait_until("they run again on the timer", || {
        office.courier.all_runs().values().all(|it| *it == 2)
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn no_effect_begins_while_the_store_is_away() {
    let office = office_with(Courier { confirms: true, ..Courier::default() }).await;
    let parcels = office.opened().await;
    office.store.faults().unavailable();
    accept(&parcels, 1).await.unwrap_err();
    tokio::time::sleep(3_600 * SECOND).await;
    assert_eq!(office.courier.runs(1), 0);
    office.store.faults().heal();
    parcels.ready(60 * SECOND).await.unwrap();
    accept(&parcels, 1).await.unwrap();
    wait_until("it is delivered", || office.courier.runs(1) == 1).await;
}

#[tokio::test(start_paused = true)]
async fn effects_end_with_their_controller() {
    let office = office_with(Courier { takes: 20 * SECOND, ..Courier::default() }).await;
    let parcels = office.opened().await;
    accept(&parcels, 1).await.unwrap();
    wait_until("it was begun", || office.courier.runs(1) == 1).await;
    parcels.stop(SECOND).await.unwrap();
    assert!(office.system.tasks().join_all(SECOND).await.is_empty());
}
