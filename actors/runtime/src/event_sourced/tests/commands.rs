//! Commands with ids.

use super::*;

fn command(number: u128) -> CommandId {
    CommandId(uuid::Uuid::from_u128(number))
}

/// `Remark` decides an event each time, so that a repetition would show.
async fn remark(
    parcels: &HostRef<Parcels>,
    number: u128,
    bytes: usize,
) -> Result<u64, AskError<Rejection>> {
    parcels.ask_as(command(number), Command::Remark(bytes), 60 * SECOND).await
}

#[tokio::test(start_paused = true)]
async fn a_command_that_is_repeated_is_answered_as_the_first_time_and_writes_nothing() {
    let office = office().await;
    let parcels = office.opened().await;
    assert_eq!(remark(&parcels, 1, 3).await, Ok(1));
    assert_eq!(remark(&parcels, 2, 3).await, Ok(2));
    assert_eq!(remark(&parcels, 1, 3).await, Ok(1));
    assert_eq!(office.events().await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn whether_a_command_was_carried_out_can_be_asked_before_it_is_asked_again() {
    let office = office().await;
    let parcels = office.opened().await;
    assert_eq!(parcels.recalls(command(1), SECOND).await, Ok(false));
    parcels.ask_as(command(1), Command::Remark(1), SECOND).await.unwrap();
    assert_eq!(parcels.recalls(command(1), SECOND).await, Ok(true));
    assert_eq!(parcels.recalls(command(2), SECOND).await, Ok(false));
}

#[tokio::test(start_paused = true)]
async fn repetitions_that_wait_together_are_written_once() {
    let office = office().await;
    let parcels = office.opened().await;
    let asked = futures::future::join_all((0..9).map(|it| remark(&parcels, it % 3, 1))).await;
    assert_eq!(asked, [1, 2, 3, 1, 2, 3, 1, 2, 3].map(Ok));
    assert_eq!(office.events().await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_command_with_several_events_stands_at_its_last_one() {
    let office = office().await;
    let parcels = office.opened().await;
    for _ in 0..2 {
        let all = Command::AcceptAll(vec![1, 2, 3]);
        assert_eq!(parcels.ask_as(command(1), all, SECOND).await, Ok(3));
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_carried_out_is_known_after_a_recovery_from_events_and_from_a_snapshot() {
    let office = office().await;
    let parcels = office.opened().await;
    for number in 1..=5 {
        remark(&parcels, number, 1).await.unwrap();
    }
    assert!(parcels.stop(Duration::ZERO).await.is_err(), "it was killed: no snapshot");
    let again = office.opened().await;
    assert_eq!(remark(&again, 3, 1).await, Ok(3));
    again.stop(SECOND).await.unwrap();
    assert_eq!(office.store.snapshot_sequences(&id()).await.unwrap(), [5]);
    office.store.delete_to(&id(), &office.fence, 5).await.unwrap();

    let third = office.opened().await;
    assert_eq!(remark(&third, 3, 1).await, Ok(3));
    assert_eq!(remark(&third, 6, 1).await, Ok(6));
}

async fn saved(office: &Office, sequence: u64) {
    let saved = async {
        while !office.store.snapshot_sequences(&id()).await.unwrap().contains(&sequence) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(60 * SECOND, saved).await.expect("it is saved");
}

#[tokio::test(start_paused = true)]
async fn what_was_carried_out_before_all_was_restated_is_known_once_that_is_deleted() {
    let office = office().await;
    let parcels = office.opened().await;
    remark(&parcels, 1, 1).await.unwrap();
    let restated = parcels.ask(Command::Restate, SECOND).await.unwrap();
    saved(&office, restated).await;
    office.store.delete_to(&id(), &office.fence, restated - 1).await.unwrap();
    assert!(parcels.stop(Duration::ZERO).await.is_err(), "it was killed");
    let again = office.opened().await;
    assert_eq!(remark(&again, 1, 1).await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn who_was_killed_before_what_was_restated_was_saved_saves_it_after_the_recovery() {
    let office = office().await;
    let restated = Event::Restated { all: Parcels::default() };
    office.write(0, &[accepted(1..=2), vec![restated], accepted(4..=5)].concat()).await;
    let _parcels = office.opened().await;
    saved(&office, 5).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_restated_while_an_older_snapshot_was_being_saved_is_saved_after_it() {
    let office = office().await;
    let parcels = office.opened().await;
    // The tenth event begins a snapshot, which is under way when the next one comes.
    let ten = Command::AcceptAll((1..=10).collect());
    let asked = tokio::join!(parcels.ask(ten, SECOND), parcels.ask(Command::Restate, SECOND));
    assert_eq!(asked, (Ok(10), Ok(11)));
    saved(&office, 11).await;
}

#[tokio::test(start_paused = true)]
async fn a_caller_whose_answer_was_lost_with_its_writer_asks_the_next_one() {
    let office = office().await;
    let parcels = office.opened().await;
    office.store.faults().unanswered(1);
    office.store.faults().slow(SECOND);
    let gave_up =
        parcels.ask_as(command(1), Command::Remark(1), Duration::from_millis(1_500)).await;
    assert!(matches!(gave_up, Err(AskError::Timeout { .. })));
    assert!(parcels.stop(Duration::ZERO).await.is_err(), "it was killed");
    office.store.faults().heal();

    let fence = lease(&office.store, "node-2#1").await;
    let successor = Office { fence, ..office };
    let again = successor.opened().await;
    assert_eq!(remark(&again, 1, 1).await, Ok(1));
    assert_eq!(successor.events().await.len(), 1);
}
