use weir_domain::{NodeName, UserName};
use weir_persistence_api::MemoryBlobs;
use weir_runtime::ManualClock;
use weir_secrets::{PasswordHash, Secret};

use super::*;

const NOW: Timestamp = Timestamp(1_800_000_000_000);

fn answers(blobs: &MemoryBlobs, clock: &ManualClock, room: Room) -> Answers {
    Answers { room, ..Answers::new(Arc::new(blobs.clone()), Arc::new(clock.clone())) }
}

fn scope(key: &str) -> Scope {
    Scope { user: "aa".to_owned(), key: key.to_owned() }
}

fn id(number: u64) -> String {
    format!("00000000-0000-7000-8000-{number:012}")
}

fn claim(number: u64, at: Timestamp) -> Claim {
    Claim {
        id: id(number).parse().unwrap(),
        by: UserName::new("ada").unwrap(),
        at,
        server: NodeName::new("design").unwrap(),
        life: id(0).parse().unwrap(),
        sent: serde_json::from_value("".into()).unwrap(),
    }
}

fn answer(text: &str) -> KeptAnswer {
    KeptAnswer { status: 200, headers: vec![], problem: None, body: Some(text.to_owned()) }
}

#[tokio::test]
async fn a_key_is_claimed_once_and_what_was_answered_is_there_for_others() {
    let (blobs, clock) = (MemoryBlobs::default(), ManualClock::at(NOW));
    let (one, other) = (answers(&blobs, &clock, ROOM), answers(&blobs, &clock, ROOM));
    let (first, second) = (claim(1, NOW), claim(2, NOW));
    assert_eq!(one.claim(&scope("k"), &first).await, Ok(Taken::Mine));
    let running = other.claim(&scope("k"), &second).await;
    assert_eq!(
        running,
        Ok(Taken::Already(Box::new(Claimed { claim: first.clone(), answer: None })))
    );
    one.answer(&scope("k"), &first, answer("done")).await.unwrap();
    let known = Claimed { claim: first.clone(), answer: Some(answer("done")) };
    assert_eq!(other.claim(&scope("k"), &second).await, Ok(Taken::Already(Box::new(known))));
    assert_eq!(other.claim(&scope("l"), &second).await, Ok(Taken::Mine));
    assert_eq!(blobs.blob_list(&fixed(ORDER)).await.unwrap().len(), 2);
}

#[tokio::test]
async fn who_does_not_hear_of_its_claim_has_it() {
    let (blobs, clock) = (MemoryBlobs::default(), ManualClock::at(NOW));
    let one = answers(&blobs, &clock, ROOM);
    let first = claim(1, NOW);
    blobs.blob_create(&at(CLAIMS, "k"), written(&first)).await.unwrap();
    assert_eq!(one.claim(&scope("k"), &first).await, Ok(Taken::Mine));
}

#[tokio::test]
async fn a_key_that_was_released_or_is_a_day_old_is_free() {
    let (blobs, clock) = (MemoryBlobs::default(), ManualClock::at(NOW));
    let one = answers(&blobs, &clock, ROOM);
    let first = claim(1, NOW);
    assert_eq!(one.claim(&scope("k"), &first).await, Ok(Taken::Mine));
    // Somebody else's release is none of this claim.
    one.release(&scope("k"), &claim(7, Timestamp(NOW.0 - 1))).await.unwrap();
    assert_ne!(one.claim(&scope("k"), &claim(2, NOW)).await, Ok(Taken::Mine));
    one.release(&scope("k"), &first).await.unwrap();
    assert!(blobs.blob_list(&fixed("idempotency")).await.unwrap().is_empty());
    let second = claim(2, NOW);
    assert_eq!(one.claim(&scope("k"), &second).await, Ok(Taken::Mine));
    one.answer(&scope("k"), &second, answer("old")).await.unwrap();
    let tomorrow = NOW.plus(KEPT_FOR);
    assert_eq!(one.claim(&scope("k"), &claim(3, tomorrow)).await, Ok(Taken::Mine));
    let known = one.claim(&scope("k"), &claim(4, tomorrow)).await.unwrap();
    let third = Claimed { claim: claim(3, tomorrow), answer: None };
    assert_eq!(known, Taken::Already(Box::new(third)), "the answer was to the one before");
}

#[tokio::test]
async fn what_is_kept_is_bounded_and_the_oldest_goes_first() {
    let (blobs, clock) = (MemoryBlobs::default(), ManualClock::at(NOW.plus(CARRIED_OUT_WITHIN)));
    let one = answers(&blobs, &clock, Room { keys_of_user: 10, ..ROOM });
    let count = 3 * TIDIED_EVERY + 1;
    for number in 0..count {
        let at = Timestamp(NOW.0 + number as i64);
        let (scope, claim) = (scope(&format!("k{number}")), claim(number, at));
        assert_eq!(one.claim(&scope, &claim).await, Ok(Taken::Mine));
        one.answer(&scope, &claim, answer("x")).await.unwrap();
        one.tidy().await;
    }
    let kept = blobs.blob_list(&fixed(CLAIMS)).await.unwrap();
    assert_eq!(kept.len(), 10, "{kept:?}");
    assert!(kept.iter().any(|it| it.key.as_str().ends_with(&format!("/k{}", count - 1))));
    for place in [ORDER, ANSWERS] {
        assert_eq!(blobs.blob_list(&fixed(place)).await.unwrap().len(), 10, "{place}");
    }
}

#[test]
fn room_is_made_by_user_by_number_by_bytes_and_by_age() {
    let entry = |number: i64, user: &str| Entry {
        at: Timestamp(NOW.0 + number),
        user: user.to_owned(),
        key: format!("k{number}"),
    };
    let entries = [entry(0, "a"), entry(1, "b"), entry(2, "a"), entry(3, "a")];
    let answered: BTreeMap<_, _> = (0..4).map(|it| (format!("k{it}"), 10)).collect();
    let gone = |room: Room, answers: &BTreeMap<String, u64>, now: Timestamp| {
        let gone = surplus(&entries, answers, room, now);
        gone.into_iter().map(|it| it.at.0 - NOW.0).collect::<Vec<_>>()
    };
    let soon = NOW.plus(Duration::from_secs(1));
    let large = Room { keys: 9, keys_of_user: 9, answer_bytes: 100, answer_bytes_of_user: 100 };
    assert!(gone(large, &answered, soon).is_empty());
    assert_eq!(gone(Room { keys_of_user: 2, ..large }, &answered, soon), [0]);
    assert_eq!(gone(Room { keys: 2, ..large }, &answered, soon), [1, 0]);
    assert_eq!(gone(Room { answer_bytes: 30, ..large }, &answered, soon), [0]);
    assert_eq!(gone(large, &answered, NOW.plus(KEPT_FOR)), [0]);
    // Who keeps much pushes out its own, and nobody else's.
    let mut loud = answered.clone();
    loud.extend([("k2".to_owned(), 90), ("k3".to_owned(), 90)]);
    let of_user = Room { answer_bytes_of_user: 95, ..large };
    assert_eq!(gone(of_user, &loud, soon), [2, 0]);
    // What is carried out stays, for as long as that may take.
    let none = BTreeMap::new();
    assert!(gone(Room { keys: 1, ..large }, &none, soon).is_empty());
    assert_eq!(gone(Room { keys: 3, ..large }, &none, NOW.plus(CARRIED_OUT_WITHIN)), [0]);
}

#[test]
fn what_is_kept_of_a_request_tells_nothing_of_it() {
    let hash = PasswordHash::of(&Secret::from("what was sent".to_owned()));
    let kept = written(&Claim { sent: hash, ..claim(1, NOW) });
    let text = String::from_utf8(kept.to_vec()).unwrap();
    assert!(text.contains("$argon2id$") && !text.contains("what was sent"), "{text}");
}

#[tokio::test]
async fn what_another_version_wrote_holds_its_key_for_a_day() {
    let (blobs, clock) = (MemoryBlobs::default(), ManualClock::at(NOW));
    let one = answers(&blobs, &clock, ROOM);
    let mut newer = serde_json::to_value(claim(1, NOW)).unwrap();
    newer["why"] = "a field of a newer version".into();
    blobs.blob_create(&at(CLAIMS, "k"), written(&newer)).await.unwrap();
    let known = Claimed { claim: claim(1, NOW), answer: None };
    assert_eq!(one.claim(&scope("k"), &claim(2, NOW)).await, Ok(Taken::Already(Box::new(known))));
    blobs.blob_put(&at(ANSWERS, "k"), Bytes::from_static(b"{}")).await.unwrap();
    assert_eq!(one.claim(&scope("k"), &claim(2, NOW)).await, Ok(Taken::Unreadable));
    blobs.blob_create(&ordered(&scope("l"), NOW), Bytes::new()).await.unwrap();
    blobs.blob_create(&at(CLAIMS, "l"), Bytes::from_static(b"{\"v\":2}")).await.unwrap();
    for _ in 0..2 {
        assert_eq!(one.claim(&scope("l"), &claim(3, NOW)).await, Ok(Taken::Unreadable));
    }
    clock.advance(KEPT_FOR);
    one.tidy().await;
    let tomorrow = NOW.plus(KEPT_FOR);
    assert_eq!(one.claim(&scope("l"), &claim(3, tomorrow)).await, Ok(Taken::Mine));
}
