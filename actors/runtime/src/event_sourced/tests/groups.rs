//! Commands that wait together.

use super::*;

async fn all(
    parcels: &HostRef<Parcels>,
    commands: Vec<Command>,
) -> Vec<Result<u64, AskError<Rejection>>> {
    futures::future::join_all(commands.into_iter().map(|it| parcels.ask(it, 60 * SECOND))).await
}

#[tokio::test(start_paused = true)]
async fn sixty_four_askers_share_one_append() {
    let office = office().await;
    let parcels = office.opened().await;
    office.store.faults().slow(SECOND);
    let begun = crate::Stopwatch::start();
    let asked = all(&parcels, (1..=64).map(Command::Accept).collect()).await;
    assert_eq!(asked, (1..=64).map(Ok).collect::<Vec<_>>());
    assert_eq!(begun.elapsed(), SECOND, "one write takes a second");
    assert_eq!(office.events().await, accepted(1..=64));
}

#[tokio::test(start_paused = true)]
async fn each_command_of_a_group_is_decided_on_the_state_that_those_before_it_lead_to() {
    let office = office().await;
    let parcels = office.opened().await;
    let commands = vec![
        Command::ConfirmDelivered(1),
        Command::Accept(1),
        Command::Accept(1),
        Command::ConfirmDelivered(1),
        Command::ConfirmDelivered(1),
    ];
    let unknown = || Err(AskError::Rejected(Rejection::Unknown(1)));
    assert_eq!(all(&parcels, commands).await, [unknown(), Ok(1), Ok(1), Ok(2), unknown()]);
    assert_eq!(state(&parcels).await, Parcels { accepted: 1, owed: [].into() });
}

#[tokio::test(start_paused = true)]
async fn each_asker_of_a_group_reads_the_state_that_its_own_command_led_to() {
    let office = office().await;
    let parcels = office.opened().await;
    let read = |parcel| {
        let command = Command::Accept(parcel);
        parcels.ask_and_read(command, SECOND, |sequence, state| (sequence, state.accepted))
    };
    let queried = parcels.query(SECOND, |it| it.accepted);
    let (one, two, queried, three) = tokio::join!(read(1), read(2), queried, read(3));
    assert_eq!((one, two, queried, three), (Ok((1, 1)), Ok((2, 2)), Ok(2), Ok((3, 3))));
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_not_written_leaves_no_trace() {
    let office = office().await;
    let parcels = office.opened().await;
    accept(&parcels, 1).await.unwrap();
    office.store.faults().unavailable();
    let commands = vec![Command::Accept(2), Command::ConfirmDelivered(2), Command::Accept(3)];
    let refused = all(&parcels, commands).await;
    assert!(refused.iter().all(|it| matches!(it, Err(AskError::Unavailable { .. }))));
    assert_eq!(state(&parcels).await.owed, [1].into());

    office.store.faults().heal();
    parcels.ready(60 * SECOND).await.unwrap();
    let commands = vec![Command::Accept(4), Command::Accept(5)];
    assert_eq!(all(&parcels, commands).await, [Ok(2), Ok(3)]);
    assert_eq!(state(&parcels).await, Parcels { accepted: 3, owed: [1, 4, 5].into() });
    assert_eq!(office.events().await, accepted([1, 4, 5]));
}

#[tokio::test(start_paused = true)]
async fn a_group_whose_outcome_is_unknown_waits_and_is_there_once() {
    let office = office().await;
    let parcels = office.opened().await;
    office.store.faults().unanswered(1);
    let commands = (1..=10).map(Command::Accept).collect();
    assert_eq!(all(&parcels, commands).await, (1..=10).map(Ok).collect::<Vec<_>>());
    office.store.faults().lost(2);
    let commands = (11..=20).map(Command::Accept).collect();
    assert_eq!(all(&parcels, commands).await, (11..=20).map(Ok).collect::<Vec<_>>());
    assert_eq!(office.events().await, accepted(1..=20));
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_too_large_is_refused_alone() {
    let office = office().await;
    let parcels = office.opened().await;
    let commands = vec![Command::Accept(1), Command::Remark(2 << 20), Command::Accept(2)];
    let asked = all(&parcels, commands).await;
    assert_eq!((&asked[0], &asked[2]), (&Ok(1), &Ok(2)));
    assert!(matches!(&asked[1], Err(AskError::Refused { .. })));
}
