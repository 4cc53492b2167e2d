//! The contract of the journal: contiguous, atomic, durable, and read back as written.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{Damage, StoreFactory, append, event, journal_id, tagged, take_over, texts};
use crate::{Error, Journal, PersistenceId, Tag};

pub async fn an_empty_journal_has_nothing<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let id = journal_id("empty");
    assert_eq!(store.highest(&id).await, Ok(0));
    assert_eq!(store.replay(&id, 0, 100).await, Ok(vec![]));
    assert_eq!(store.tagged(&Tag("none".into()), 0, 100).await, Ok(vec![]));
    let fence = take_over(&*store, "a").await;
    assert_eq!(store.delete_to(&id, &fence, 10).await, Ok(()));
    assert_eq!(store.highest(&id).await, Ok(0));
}

pub async fn events_come_back_as_they_were_written<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let (one, other) = (journal_id("one"), journal_id("other"));
    let events = vec![event("first"), event(""), event("third \u{0} \u{1F40B}")];
    assert_eq!(store.append(append(&one, &fence, 0, events.clone())).await, Ok(3));
    assert_eq!(store.append(append(&other, &fence, 0, vec![event("else")])).await, Ok(1));
    assert_eq!(store.append(append(&one, &fence, 3, vec![event("fourth")])).await, Ok(4));

    let stored = store.replay(&one, 0, 100).await.expect("replayed");
    let sequences: Vec<_> = stored.iter().map(|it| it.sequence).collect();
    assert_eq!(sequences, [1, 2, 3, 4]);
    for (stored, new) in stored.iter().zip(&events) {
        assert_eq!((&stored.manifest, &stored.payload), (&new.manifest, &new.payload));
    }
    assert!(stored.iter().all(|it| it.id == one && it.writer_epoch == fence.epoch));
    assert!(stored.iter().all(|it| it.written_at.0 > 0));
    assert_eq!(texts([&stored[3].payload]), ["fourth"]);
    assert_eq!(store.highest(&other).await, Ok(1));
}

pub async fn an_event_remembers_its_command<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let id = journal_id("commands");
    let command = |n: u128| format!("{n:032x}").parse().expect("32 hexadecimal digits are an id");
    let commands = [Some(command(1)), None, Some(command(u128::MAX))];
    let events = commands.map(|it| crate::NewEvent { command: it, ..tagged("e", &["t"]) });
    store.append(append(&id, &fence, 0, events.to_vec())).await.expect("appended");
    let replayed = store.replay(&id, 0, 10).await.expect("replayed");
    assert_eq!(replayed.iter().map(|it| it.command).collect::<Vec<_>>(), commands);
    let found = store.tagged(&Tag("t".into()), 0, 10).await.expect("read");
    assert_eq!(found.into_iter().map(|it| it.event).collect::<Vec<_>>(), replayed);
}

pub async fn none_and_five_hundred_events_are_one_append<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let id = journal_id("many");
    assert_eq!(store.append(append(&id, &fence, 0, vec![])).await, Ok(0));
    let many: Vec<_> = (1..=500).map(|n| event(&n.to_string())).collect();
    assert_eq!(store.append(append(&id, &fence, 0, many)).await, Ok(500));
    assert_eq!(store.append(append(&id, &fence, 500, vec![])).await, Ok(500));

    let stored = store.replay(&id, 0, 1000).await.expect("replayed");
    assert_eq!(stored.len(), 500);
    for (at, stored) in (1..).zip(&stored) {
        assert_eq!((stored.sequence, texts([&stored.payload])), (at, vec![at.to_string()]));
    }
}

pub async fn an_append_to_an_old_picture_is_a_conflict<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let id = journal_id("conflict");
    store.append(append(&id, &fence, 0, vec![event("1"), event("2")])).await.expect("appended");
    for after in [0, 1, 3, u64::MAX] {
        for events in [vec![], vec![event("x"), event("y")]] {
            let answer = store.append(append(&id, &fence, after, events)).await;
            let conflict = Error::Conflict { id: id.clone(), expected: after, actual: 2 };
            assert_eq!(answer, Err(conflict));
        }
    }
    assert_eq!(store.highest(&id).await, Ok(2));
    assert_eq!(store.replay(&id, 2, 10).await, Ok(vec![]));
}

pub async fn one_of_many_concurrent_appends_wins<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let id = journal_id("race");
    let mut racers = JoinSet::new();
    for n in 0..16 {
        let (store, append) =
            (Arc::clone(&store), append(&id, &fence, 0, vec![event(&n.to_string()), event("+")]));
        racers.spawn(async move { store.append(append).await });
    }
    let answers = racers.join_all().await;
    assert_eq!(answers.iter().filter(|it| **it == Ok(2)).count(), 1, "{answers:?}");
    let conflict = Error::Conflict { id: id.clone(), expected: 0, actual: 2 };
    assert_eq!(answers.iter().filter(|it| **it == Err(conflict.clone())).count(), 15);
    assert_eq!(store.replay(&id, 0, 10).await.map(|it| it.len()), Ok(2));
}

pub async fn replay_goes_on_page_by_page<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let id = journal_id("pages");
    let events = (1..=10).map(|n| event(&n.to_string())).collect();
    store.append(append(&id, &fence, 0, events)).await.expect("appended");
    let mut seen = Vec::new();
    loop {
        let page = store.replay(&id, seen.len() as u64, 4).await.expect("replayed");
        seen.extend(page.iter().map(|it| it.sequence));
        if page.len() < 4 {
            break;
        }
    }
    assert_eq!(seen, (1..=10).collect::<Vec<_>>());
    assert_eq!(store.replay(&id, 0, 0).await, Ok(vec![]));
    assert_eq!(store.replay(&id, u64::MAX, 4).await, Ok(vec![]));
}

pub async fn numbers_are_not_used_again_after_deletion<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let id = journal_id("deleted");
    let events = (1..=5).map(|n| tagged(&n.to_string(), &["kept"])).collect();
    store.append(append(&id, &fence, 0, events)).await.expect("appended");
    let left = async || {
        let stored = store.replay(&id, 0, 10).await.expect("replayed");
        stored.into_iter().map(|it| it.sequence).collect::<Vec<_>>()
    };

    store.delete_to(&id, &fence, 3).await.expect("deleted");
    assert_eq!(left().await, [4, 5]);
    store.delete_to(&id, &fence, 2).await.expect("deleting less again changes nothing");
    assert_eq!(left().await, [4, 5]);
    let tagged = store.tagged(&Tag("kept".into()), 0, 10).await.expect("read");
    assert_eq!(tagged.iter().map(|it| it.event.sequence).collect::<Vec<_>>(), [4, 5]);

    store.delete_to(&id, &fence, u64::MAX).await.expect("deleted");
    assert_eq!(left().await, Vec::<u64>::new());
    assert_eq!(store.highest(&id).await, Ok(5));
    assert_eq!(store.append(append(&id, &fence, 5, vec![event("6")])).await, Ok(6));
    assert_eq!(left().await, [6]);
}

pub async fn tagged_events_come_in_order<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let (one, other) = (journal_id("one"), journal_id("other"));
    let first = vec![tagged("a", &["red", "red"]), event("plain"), tagged("b", &["red", "blue"])];
    store.append(append(&one, &fence, 0, first)).await.expect("appended");
    store.append(append(&other, &fence, 0, vec![tagged("c", &["red"])])).await.expect("appended");

    let red = store.tagged(&Tag("red".into()), 0, 10).await.expect("read");
    assert_eq!(texts(red.iter().map(|it| &it.event.payload)), ["a", "b", "c"]);
    assert!(red.is_sorted_by(|a, b| a.offset < b.offset));
    assert_eq!((&red[2].event.id, red[2].event.sequence), (&other, 1));

    let rest = store.tagged(&Tag("red".into()), red[0].offset, 1).await.expect("read");
    assert_eq!(texts(rest.iter().map(|it| &it.event.payload)), ["b"]);
    let blue = store.tagged(&Tag("blue".into()), 0, 10).await.expect("read");
    assert_eq!(texts(blue.iter().map(|it| &it.event.payload)), ["b"]);
    assert_eq!(store.tagged(&Tag("re".into()), 0, 10).await, Ok(vec![]));
}

/// While writers append, a reader goes on from its last offset: what it saw in the end is what
/// was written, once and in the order of each writer.
pub async fn a_reader_of_tags_misses_nothing<F: StoreFactory>(factory: &F) {
    const WRITERS: u64 = 4;
    const EACH: u64 = 25;
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (store, fence) = (Arc::clone(&store), fence.clone());
        writers.spawn(async move {
            let id = journal_id(&format!("writer-{writer}"));
            for after in 0..EACH {
                let events = vec![tagged(&after.to_string(), &["all"])];
                store.append(append(&id, &fence, after, events)).await.expect("appended");
            }
        });
    }
    let mut seen: Vec<(PersistenceId, u64)> = Vec::new();
    let mut offset = 0;
    loop {
        let is_last = writers.is_empty();
        let page = store.tagged(&Tag("all".into()), offset, 7).await.expect("read");
        let is_empty = page.is_empty();
        for it in page {
            assert!(it.offset > offset, "offsets increase");
            offset = it.offset;
            seen.push((it.event.id, it.event.sequence));
        }
        if is_last && is_empty {
            break;
        }
        while let Some(ended) = writers.try_join_next() {
            ended.expect("the writer ended well");
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(seen.len() as u64, WRITERS * EACH);
    for writer in 0..WRITERS {
        let id = journal_id(&format!("writer-{writer}"));
        let of_writer: Vec<_> = seen.iter().filter(|it| it.0 == id).map(|it| it.1).collect();
        assert_eq!(of_writer, (1..=EACH).collect::<Vec<_>>());
    }
}

pub async fn events_outlive_the_store<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let id = journal_id("durable");
    let events = vec![tagged("1", &["t"]), event("2"), event("3")];
    store.append(append(&id, &fence, 0, events)).await.expect("appended");
    store.delete_to(&id, &fence, 1).await.expect("deleted");
    let before = store.replay(&id, 0, 10).await.expect("replayed");
    let Some(store) = factory.reopen(store).await else { return };
    assert_eq!(store.replay(&id, 0, 10).await, Ok(before));
    assert_eq!(store.highest(&id).await, Ok(3));
    assert_eq!(store.append(append(&id, &fence, 3, vec![event("4")])).await, Ok(4));
}

pub async fn a_damaged_event_is_named<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let id = journal_id("damaged");
    let events = (1..=4).map(|n| tagged(&format!("number {n}"), &["t"])).collect();
    store.append(append(&id, &fence, 0, events)).await.expect("appended");
    if !factory.damage(&store, Damage::Event { id: id.clone(), sequence: 3 }).await {
        return;
    }
    assert_names(store.replay(&id, 0, 10).await, &id, 3);
    assert_names(store.tagged(&Tag("t".into()), 0, 10).await, &id, 3);
    let before = store.replay(&id, 0, 2).await.expect("what is not damaged is read");
    assert_eq!(before.len(), 2);
    assert_eq!(store.replay(&id, 3, 10).await.map(|it| it.len()), Ok(1));
}

pub async fn a_lost_event_is_named<F: StoreFactory>(factory: &F) {
    for lost in [1, 2, 4] {
        let store = factory.create().await;
        let fence = take_over(&*store, "a").await;
        let id = journal_id("lost");
        let events = (1..=4).map(|n| event(&n.to_string())).collect();
        store.append(append(&id, &fence, 0, events)).await.expect("appended");
        if !factory.damage(&store, Damage::EventLost { id: id.clone(), sequence: lost }).await {
            return;
        }
        assert_names(store.replay(&id, 0, 10).await, &id, lost);
        let conflict = Error::Conflict { id: id.clone(), expected: lost - 1, actual: 4 };
        let again = store.append(append(&id, &fence, lost - 1, vec![event("again")])).await;
        assert_eq!(again, Err(conflict), "the number of a lost event is not used again");
    }
}

fn assert_names<T: std::fmt::Debug>(answer: Result<T, Error>, id: &PersistenceId, sequence: u64) {
    match answer {
        Err(Error::Corrupt { what, .. }) => {
            assert!(what.contains(&id.0), "{what:?} names the id");
            assert!(what.contains(&sequence.to_string()), "{what:?} names sequence {sequence}");
        }
        other => panic!("a damaged event was not noticed: {other:?}"),
    }
}
