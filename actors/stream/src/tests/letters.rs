//! Dead letters that go through their workflow again.

use std::time::Duration;

use serde_json::json;
use weir_domain::plan::{OnError, Plan};
use weir_domain::{
    CommandId, Fault, Letter, LetterChoice, LetterGroup, LetterState, Replays, StageId,
    StreamOrder, StreamState, Timestamp,
};

use weir_persistence_api::{BlobKey, BlobStore as _};

use super::live::live;
use super::run_one;
use super::world::{Driven, Engine, World, plan, wait_until};
use crate::{Cancelled, How, LetterTallies, Letters, Sight, version_of};

/// The workflow after a fix: `check` takes what it refused.
fn fixed() -> Plan {
    let mut plan = plan(OnError::DeadLetter);
    plan.stages[1].config = json!({ "lenient": true });
    plan
}

fn letters(engine: &Engine) -> Letters {
    let workflow = plan(OnError::DeadLetter).workflow;
    Letters::new(engine.services.checkpoints.clone(), &workflow).unwrap()
}

async fn all(engine: &Engine) -> Vec<Letter> {
    let (any, sight) = (LetterChoice::default(), Sight::Whole);
    let (mut all, next) = letters(engine).list(&any, None, 1_000, &sight).await.unwrap();
    assert_eq!(next, None);
    let first = all.first().map(|it| &it.id);
    let (two, next) = letters(engine).list(&any, first, 2, &sight).await.unwrap();
    assert_eq!(two, all[all.len().min(1)..all.len().min(3)], "pages join");
    assert_eq!(next.is_some(), all.len() > 3);
    all.reverse();
    all
}

/// Place in its item, state and attempt of each letter.
async fn stands(engine: &Engine) -> Vec<(u64, LetterState, u32)> {
    let all = all(engine).await.into_iter();
    let mut stands: Vec<_> = all.map(|it| (it.position, it.state, it.attempt)).collect();
    stands.sort_unstable();
    stands
}

async fn replay(engine: &Engine, choice: &LetterChoice, command: CommandId) -> Replays {
    let by = ("ada".to_owned(), Timestamp(0));
    let asked = letters(engine).replay(choice, command, by, How::ByVersion(None)).await.unwrap();
    engine.services.replays.call();
    asked
}

async fn all_closed(engine: &Engine, streams: usize) {
    wait_until("all streams are closed", || {
        let last = engine.last();
        last.len() == streams && last.iter().all(|it| it.state.is_closed())
    })
    .await;
}

async fn stopped(workflow: &Driven) {
    workflow.stop(Duration::from_secs(10)).await;
}

fn stage(name: &str) -> LetterChoice {
    LetterChoice { stage: Some(StageId::new(name).unwrap()), ..LetterChoice::default() }
}

use LetterState::*;

#[tokio::test]
async fn letters_go_through_the_fixed_workflow_from_where_they_failed_and_once() {
    let world = World::default();
    world.item("a", [1, 100, 3, 200, -7]);
    let engine = run_one(&world, OnError::DeadLetter).await;
    assert_eq!(stands(&engine).await, [(2, Waiting, 1), (4, Waiting, 1), (5, Waiting, 1)]);
    let (first, second) =
        (engine.services.system.ids().command(), engine.services.system.ids().command());

    let asked = replay(&engine, &stage("check"), first).await;
    assert_eq!((asked.letters, asked.replays.len()), (2, 1));
    assert_eq!(replay(&engine, &stage("check"), first).await.replays, asked.replays);
    let nothing = replay(&engine, &stage("check"), second).await;
    assert_eq!((nothing.letters, nothing.not_waiting, nothing.replays), (0, 2, vec![]));
    let states = [(2, Replaying, 1), (4, Replaying, 1), (5, Waiting, 1)];
    assert_eq!(stands(&engine).await, states);

    let workflow = engine.run(fixed()).await;
    all_closed(&engine, 2).await;
    assert_eq!(world.published("even"), [100, 200]);
    assert_eq!(world.published("odd"), [1, 3]);
    let stream = engine.last().into_iter().find(|it| it.item.starts_with("replay-")).unwrap();
    assert_eq!((stream.state, stream.counts.records_in), (StreamState::Committed, 2));
    assert_eq!(stream.item, asked.replays[0].item);
    let states = [(2, Replayed, 1), (4, Replayed, 1), (5, Waiting, 1)];
    assert_eq!(stands(&engine).await, states);

    // What the source could not read goes through all of it.
    let third = engine.services.system.ids().command();
    replay(&engine, &LetterChoice::default(), third).await;
    assert_eq!(replay(&engine, &LetterChoice::default(), second).await.letters, 0);
    all_closed(&engine, 3).await;
    assert_eq!(world.published("odd"), [1, 3, 7]);
    assert!(all(&engine).await.iter().all(|it| it.state == Replayed));
    stopped(&workflow).await;
    assert!(world.with(|it| it.staged.is_empty()));
}

#[tokio::test]
async fn letters_are_counted_by_stage_and_reason_and_the_book_says_which_wait() {
    let world = World::default();
    world.item("a", [1, 100, 3, 200, -7]);
    let engine = run_one(&world, OnError::DeadLetter).await;
    let workflow = plan(OnError::DeadLetter).workflow;
    let tallies = LetterTallies::default();
    let counts = async || {
        let counts = letters(&engine).counts(&workflow, &tallies).await.unwrap();
        assert_eq!((counts.left_out, counts.has_more), (0, false));
        let of_stage = |it: &LetterGroup| (it.stage.to_string(), it.count, it.waiting);
        (counts.groups.iter().map(of_stage).collect::<Vec<_>>(), counts.total, counts.waiting)
    };
    let (groups, total, waiting) = counts().await;
    assert_eq!(
        (groups[0].clone(), total, waiting),
        (("check".to_owned(), 2, 2), 3, 3),
        "{groups:?}"
    );
    assert_eq!(groups[1].1, 1);
    // What is remembered of them is not how they stand.
    let command = engine.services.system.ids().command();
    let by = ("ada".to_owned(), Timestamp(0));
    letters(&engine).discard(&stage("check"), command, by, false).await.unwrap();
    let (groups, total, waiting) = counts().await;
    assert_eq!((groups[0].clone(), total, waiting), (("check".to_owned(), 2, 0), 3, 1));
    // Nor is anything counted that is gone.
    let kept = BlobKey::new(format!("letters/{workflow}/kept")).unwrap();
    for entry in engine.services.checkpoints.blob_list(&kept).await.unwrap() {
        engine.services.checkpoints.blob_delete(&entry.key).await.unwrap();
    }
    assert_eq!(counts().await, (vec![], 0, 0));
}

#[tokio::test]
async fn what_fails_again_is_a_letter_of_the_same_record_with_one_more_attempt() {
    let world = World::default();
    world.item("a", [1, 100, 3]);
    let engine = run_one(&world, OnError::DeadLetter).await;
    let workflow = engine.run(plan(OnError::DeadLetter)).await;
    for attempt in 2..4 {
        replay(&engine, &stage("check"), engine.services.system.ids().command()).await;
        all_closed(&engine, attempt as usize).await;
        let newest = all(&engine).await.into_iter().find(|it| it.state == Waiting).unwrap();
        assert_eq!((newest.attempt, newest.position, newest.item.as_str()), (attempt, 2, "a"));
        assert_eq!(newest.stage.as_str(), "check");
    }
    stopped(&workflow).await;
    assert_eq!(all(&engine).await.len(), 3);
}

#[tokio::test]
async fn a_replay_that_is_rolled_back_leaves_nothing_and_its_letters_wait_again() {
    let world = World::default();
    world.item("a", [1, 100, 3]);
    let engine = run_one(&world, OnError::DeadLetter).await;
    let command = engine.services.system.ids().command();
    replay(&engine, &stage("check"), command).await;
    world.fault("write", Fault::data(1, "the sink refuses"));
    let workflow = engine.run(fixed()).await;
    all_closed(&engine, 2).await;
    assert_eq!(stands(&engine).await, [(2, Waiting, 1)]);
    assert!(world.published("even").is_empty());
    // The command was carried out: it is not, because it is sent again.
    replay(&engine, &stage("check"), command).await;
    assert_eq!(stands(&engine).await, [(2, Waiting, 1)]);
    replay(&engine, &stage("check"), engine.services.system.ids().command()).await;
    all_closed(&engine, 3).await;
    assert_eq!(world.published("even"), [100]);
    stopped(&workflow).await;
}

#[tokio::test]
async fn a_stage_that_is_gone_rolls_the_replay_back_and_says_so() {
    let world = World::default();
    world.item("a", [100]);
    let engine = run_one(&world, OnError::DeadLetter).await;
    replay(&engine, &stage("check"), engine.services.system.ids().command()).await;
    let mut other = plan(OnError::DeadLetter);
    let renamed = StageId::new("other").unwrap();
    let edges = other.edges.iter_mut().flat_map(|it| [&mut it.from, &mut it.to]);
    let ids = other.stages.iter_mut().map(|it| &mut it.id).chain(edges);
    ids.filter(|it| it.as_str() == "check").for_each(|it| *it = renamed.clone());
    let workflow = engine.run(other).await;
    all_closed(&engine, 2).await;
    let fault = engine.last().into_iter().find_map(|it| it.fault).unwrap();
    assert_eq!(fault.message, "workflow w has no stage check any more");
    stopped(&workflow).await;
    assert_eq!(stands(&engine).await, [(1, Waiting, 1)]);
}

#[tokio::test]
async fn discarded_letters_are_never_replayed() {
    let world = World::default();
    world.item("a", [100, 200]);
    let engine = run_one(&world, OnError::DeadLetter).await;
    let (ids, by) = (vec![all(&engine).await[0].id.clone()], ("ada".to_owned(), Timestamp(0)));
    let one = LetterChoice { ids, ..LetterChoice::default() };
    let command = engine.services.system.ids().command();
    let would = letters(&engine).discard(&one, command, by.clone(), true).await.unwrap();
    assert_eq!((would.letters, stands(&engine).await[0].1), (1, Waiting));
    letters(&engine).discard(&one, command, by, false).await.unwrap();
    assert_eq!(stands(&engine).await, [(1, Discarded, 1), (2, Waiting, 1)]);
    let asked = replay(&engine, &stage("check"), engine.services.system.ids().command()).await;
    assert_eq!((asked.letters, asked.not_waiting), (1, 1));
}

#[tokio::test]
async fn a_store_that_is_away_is_waited_for_and_the_cause_is_shown() {
    let world = World::default();
    world.item("a", [1, 100, 3]);
    let engine = Engine::start(&world, &super::store()).await;
    let store = world.with(|it| it.blobs.faults());
    store.unavailable();
    let workflow = engine.run(plan(OnError::DeadLetter)).await;
    let cause = || engine.last().first().and_then(|it| it.fault.clone()).map(|it| it.message);
    wait_until("the cause is shown", || {
        cause().is_some_and(|it| it.ends_with("the store is not available: it was switched off"))
    })
    .await;
    assert!(!engine.last()[0].state.is_closed());
    assert!(world.published("odd").is_empty());
    store.heal();
    all_closed(&engine, 1).await;
    let stream = engine.last().remove(0);
    let ended = (stream.state, stream.attempts, stream.fault);
    assert_eq!(ended, (StreamState::CommittedWithWarnings, 1, None));
    assert_eq!(world.published("odd"), [1, 3]);
    assert_eq!(stands(&engine).await, [(2, Waiting, 1)]);
    stopped(&workflow).await;
}

#[tokio::test]
async fn a_live_workflow_waits_for_the_store_in_the_same_run() {
    let world = World::default();
    world.item("a", 1..=50);
    let engine = Engine::start(&world, &super::store()).await;
    let workflow = engine.run(live(1)).await;
    wait_until("the first are published", || world.published("odd").len() == 25).await;
    let store = world.with(|it| it.blobs.faults());
    store.unavailable();
    world.item("a", 1..=120);
    wait_until("the cause is shown", || {
        workflow.view().fault.is_some_and(|it| it.message.contains("it was switched off"))
    })
    .await;
    store.heal();
    wait_until("all is published", || world.published("odd").len() == 60).await;
    wait_until("nothing is shown any more", || workflow.view().fault.is_none()).await;
    assert_eq!(engine.last().len(), 1);
    stopped(&workflow).await;
    assert_eq!(stands(&engine).await, [(100, Waiting, 1)]);
}

#[tokio::test]
async fn an_operator_ends_a_stream_that_waits_for_the_store() {
    let world = World::default();
    world.item("a", [1, 100, 3]);
    let engine = Engine::start(&world, &super::store()).await;
    let store = world.with(|it| it.blobs.faults());
    store.unavailable();
    let workflow = engine.run(plan(OnError::DeadLetter)).await;
    wait_until("the cause is shown", || engine.last().iter().any(|it| it.fault.is_some())).await;
    let stream = engine.last()[0].id;
    engine.services.streams.order(StreamOrder::Abort, &[stream]);
    store.heal();
    all_closed(&engine, 1).await;
    assert_eq!(engine.last()[0].fault.clone().unwrap().message, "an operator aborted the stream");
    assert!(all(&engine).await.is_empty());
    stopped(&workflow).await;
}

#[tokio::test]
async fn of_many_who_ask_at_once_each_letter_goes_to_one() {
    let world = World::default();
    world.item("a", (1..=40).map(|it| it * 100));
    let engine = run_one(&world, OnError::DeadLetter).await;
    let asking = (0..8).map(|_| async {
        replay(&engine, &LetterChoice::default(), engine.services.system.ids().command()).await
    });
    let asked = futures::future::join_all(asking).await;
    assert_eq!(asked.iter().map(|it| it.letters).sum::<u64>(), 40);
    let workflow = engine.run(fixed()).await;
    wait_until("all is published", || world.published("even").len() >= 40).await;
    all_closed(&engine, 2).await;
    stopped(&workflow).await;
    assert_eq!(world.published("even"), (1..=40).map(|it| it * 100).collect::<Vec<_>>());
}

#[tokio::test]
async fn letters_of_a_live_workflow_are_kept_by_checkpoints_and_replayed_as_a_stream_of_their_own()
{
    let fixed_live = || {
        let mut plan = fixed();
        plan.stages[0].kind = "live".into();
        plan
    };
    let world = World::default();
    world.item("a", 1..=250);
    let engine = Engine::start(&world, &super::store()).await;
    let workflow = engine.run(live(1)).await;
    wait_until("all is published", || world.published("odd").len() == 125).await;
    let watch = weir_runtime::Stopwatch::start();
    while stands(&engine).await != [(100, Waiting, 1), (200, Waiting, 1)] {
        assert!(watch.elapsed() < Duration::from_secs(30), "the letters are not kept");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stopped(&workflow).await;
    let workflow = engine.run(fixed_live()).await;
    replay(&engine, &stage("check"), engine.services.system.ids().command()).await;
    wait_until("the replay is committed", || {
        let last = engine.last();
        last.iter().any(|it| it.item.starts_with("replay-") && it.state.is_closed())
    })
    .await;
    let hundreds = || world.published("even").into_iter().filter(|it| it % 100 == 0);
    assert_eq!(hundreds().collect::<Vec<_>>(), [100, 200]);
    assert_eq!(stands(&engine).await, [(100, Replayed, 1), (200, Replayed, 1)]);
    stopped(&workflow).await;
}

#[tokio::test]
async fn a_replay_that_nothing_runs_is_cancelled_and_its_letters_can_be_discarded() {
    let world = World::default();
    world.item("a", [1, 100, 3]);
    let engine = run_one(&world, OnError::DeadLetter).await;
    let asked = replay(&engine, &stage("check"), engine.services.system.ids().command()).await;
    let (item, all_of_it) = (asked.replays[0].item.clone(), LetterChoice::default());
    let open = letters(&engine).replays().await.unwrap();
    assert_eq!((open.len(), &open[0].item, open[0].letters), (1, &item, 1));
    let by = || ("ada".to_owned(), Timestamp(0));
    let ids = engine.services.system.ids();
    let left = letters(&engine).discard(&all_of_it, ids.command(), by(), false).await.unwrap();
    assert_eq!((left.letters, left.not_waiting), (0, 1));

    assert!(matches!(cancel(&engine, &item).await, Cancelled::Ended(_)));
    let before = cancel(&engine, &item).await;
    assert_eq!(before, Cancelled::Before { is_committed: false });
    assert_eq!(cancel(&engine, "replay-x").await, Cancelled::Unknown);
    let stream = engine.last().into_iter().find(|it| it.item == item).unwrap();
    assert_eq!(stream.fault.unwrap().message, "ada cancelled the replay");
    assert_eq!(stands(&engine).await, [(2, Waiting, 1)]);
    let gone = letters(&engine).discard(&all_of_it, ids.command(), by(), false).await.unwrap();
    assert_eq!(gone.letters, 1);

    world.item("b", [5]);
    let workflow = engine.run(fixed()).await;
    wait_until("it works", || world.published("odd") == [1, 3, 5]).await;
    stopped(&workflow).await;
    assert!(world.published("even").is_empty());
    assert_eq!(stands(&engine).await, [(2, Discarded, 1)]);
}

#[tokio::test]
async fn a_replay_that_waits_for_its_sink_is_shown_and_keeps_no_other_waiting() {
    let world = World::default();
    world.item("a", [1, 100, -7]);
    let engine = run_one(&world, OnError::DeadLetter).await;
    world.with(|it| it.away = vec!["even"]);
    let ids = engine.services.system.ids();
    let asked = replay(&engine, &stage("check"), ids.command()).await;
    let item = &asked.replays[0].item;
    let workflow = engine.run(fixed()).await;
    let of = |item: &str| engine.last().into_iter().find(|it| it.item == item);
    wait_until("the cause is shown", || {
        of(item).and_then(|it| it.fault).is_some_and(|it| it.message == "the broker is away")
    })
    .await;
    assert!(!of(item).unwrap().state.is_closed());
    let cancelled = cancel(&engine, item).await;
    assert!(matches!(cancelled, Cancelled::Decided(..)), "{cancelled:?}");

    replay(&engine, &stage("read"), ids.command()).await;
    wait_until("the other replay is committed", || world.published("odd") == [1, 7]).await;
    world.with(|it| it.away.clear());
    wait_until("the first is committed", || of(item).is_some_and(|it| it.state.is_closed())).await;
    let stream = of(item).unwrap();
    assert_eq!((stream.state, stream.fault), (StreamState::Committed, None));
    assert_eq!(world.published("even"), [100]);
    stopped(&workflow).await;
}

#[tokio::test]
async fn a_replay_whose_sink_hangs_is_shown_can_be_cancelled_and_ends_in_time() {
    let world = World::default();
    world.item("a", [1, 100, 3]);
    let mut engine = run_one(&world, OnError::DeadLetter).await;
    engine.services.limits.progress_within = Duration::from_secs(3);
    world.with(|it| it.hold_writes = true);
    let asked = replay(&engine, &stage("check"), engine.services.system.ids().command()).await;
    let workflow = engine.run(fixed()).await;
    let last = |item: &str| engine.last().into_iter().rfind(|it| it.item == item);
    let item = asked.replays[0].item.as_str();
    wait_until("the cause is shown", || {
        let fault = last(item).and_then(|it| it.fault);
        fault.is_some_and(|it| it.message.starts_with("stage even is writing since"))
    })
    .await;
    let Cancelled::UnderWay(_, stream) = cancel(&engine, item).await else { panic!("who has it?") };
    engine.services.streams.order(StreamOrder::Terminate, &[stream]);
    wait_until("it is rolled back", || last(item).is_some_and(|it| it.state.is_closed())).await;
    assert_eq!(stands(&engine).await, [(2, Waiting, 1)]);

    let asked = replay(&engine, &stage("check"), engine.services.system.ids().command()).await;
    let item = asked.replays[0].item.as_str();
    wait_until("it ends by itself", || last(item).is_some_and(|it| it.state.is_closed())).await;
    let fault = last(item).and_then(|it| it.fault).unwrap();
    assert!(fault.message.starts_with("stage even was writing for"), "{fault}");
    assert_eq!(stands(&engine).await, [(2, Waiting, 1)]);
    world.with(|it| it.hold_writes = false);
    stopped(&workflow).await;
    assert!(world.published("even").is_empty());
}

#[tokio::test]
async fn a_replay_is_run_by_the_version_it_was_asked_for_or_by_what_took_its_place() {
    let world = World::default();
    world.item("a", [1, 100, 3, 200]);
    let engine = run_one(&world, OnError::DeadLetter).await;
    let ask = async |number: usize, version| {
        let ids = vec![all(&engine).await[number].id.clone()];
        let choice = LetterChoice { ids, ..LetterChoice::default() };
        let command = engine.services.system.ids().command();
        let (by, how) = (("ada".to_owned(), Timestamp(0)), How::ByVersion(version));
        letters(&engine).replay(&choice, command, by, how).await.unwrap();
    };
    let (old, new) = (plan(OnError::DeadLetter), fixed());
    world.with(|it| it.wanted = vec![version_of(&new)]);
    ask(0, Some(version_of(&new))).await;
    let workflow = engine.run(old.clone()).await;
    wait_until("it looks whether it may", || world.with(|it| it.versions_asked) > 0).await;
    assert_eq!(stands(&engine).await, [(2, Replaying, 1), (4, Waiting, 1)]);
    stopped(&workflow).await;
    let more = Plan { instances: 2, ..new.clone() };
    let workflow = engine.run(more).await;
    wait_until("the fixed version replays it", || world.published("even") == [100]).await;
    all_closed(&engine, 2).await;
    stopped(&workflow).await;

    ask(1, Some(version_of(&old))).await;
    let workflow = engine.run(new).await;
    wait_until("what took its place replays it", || world.published("even") == [100, 200]).await;
    stopped(&workflow).await;
}

async fn cancel(engine: &Engine, item: &str) -> Cancelled {
    let workflow = plan(OnError::DeadLetter).workflow;
    letters(engine).cancel(&engine.services, &workflow, (item, "ada")).await.unwrap()
}

#[tokio::test]
async fn a_book_of_many_pages_is_bound_and_says_the_same_whatever_is_cut_off() {
    let world = World::default();
    world.item("a", [1, 100, 3, 200, 300]);
    let engine = run_one(&world, OnError::DeadLetter).await;
    let ids = engine.services.system.ids();
    let by = || ("ada".to_owned(), Timestamp(0));
    let one = async |at: usize| {
        let ids = vec![all(&engine).await[at].id.clone()];
        LetterChoice { ids, ..LetterChoice::default() }
    };
    let (first, thrown) = (ids.command(), one(2).await);
    let asked = replay(&engine, &one(0).await, first).await;
    letters(&engine).discard(&thrown, ids.command(), by(), false).await.unwrap();
    let workflow = engine.run(fixed()).await;
    wait_until("it is replayed", || world.published("even") == [100]).await;
    all_closed(&engine, 2).await;
    stopped(&workflow).await;
    // Commands that found nothing are pages, too.
    let nothing = stage("nothing");
    for _ in 0..130 {
        replay(&engine, &nothing, ids.command()).await;
    }
    let open = replay(&engine, &one(1).await, ids.command()).await;
    let says = [(2, Replayed, 1), (4, Replaying, 1), (5, Discarded, 1)];
    assert_eq!(stands(&engine).await, says);

    let blobs = world.with(|it| it.blobs.clone());
    let count = async |place: &str| {
        let place = BlobKey::new(format!("letters/w/{place}")).unwrap();
        blobs.blob_list(&place).await.unwrap().len()
    };
    for all_know in [false, true] {
        // The first write of each is cut off: of a volume, and of what is removed.
        blobs.faults().lost(1);
        assert!(letters(&engine).bind(all_know).await.is_err());
        assert_eq!(stands(&engine).await, says);
        letters(&engine).bind(all_know).await.unwrap();
        assert_eq!(stands(&engine).await, says);
        assert_eq!(count("volumes").await, 2);
    }
    assert_eq!((count("book").await, count("ended").await), (133 - 128, 0));
    letters(&engine).bind(true).await.unwrap();

    // What was asked is known, and who slept since the first page was written changes nothing.
    let again = replay(&engine, &one(0).await, first).await;
    assert_eq!((again.replays, again.letters), (asked.replays, 1));
    let page = blobs.blob_get(&BlobKey::new("letters/w/book/0000000133").unwrap()).await.unwrap();
    let late = BlobKey::new("letters/w/book/0000000001").unwrap();
    assert!(blobs.blob_create(&late, page.unwrap()).await.unwrap());
    assert_eq!(stands(&engine).await, says);
    let open = open.replays[0].item.clone();
    let replays = letters(&engine).replays().await.unwrap();
    assert_eq!(replays.iter().map(|it| &it.item).collect::<Vec<_>>(), [&open]);
    let workflow = engine.run(fixed()).await;
    wait_until("the open one is replayed", || world.published("even") == [100, 200]).await;
    all_closed(&engine, 3).await;
    stopped(&workflow).await;
    assert_eq!(stands(&engine).await, [(2, Replayed, 1), (4, Replayed, 1), (5, Discarded, 1)]);
}

#[tokio::test]
async fn a_list_reads_no_more_than_it_may_and_says_where_to_go_on() {
    let world = World::default();
    let engine = Engine::start(&world, &super::store()).await;
    let blobs = world.with(|it| it.blobs.clone());
    for it in 0..2_500 {
        let left = format!("0197a8b0-5b5e-7c3e-9d4f-{it:012}");
        let line = json!({ "stage": if it == 3 { "odd" } else { "check" }, "raw": "{}" });
        let content = format!("{}\n{line}\n", json!({ "at": Timestamp(0), "leftOut": 0 }));
        let key = BlobKey::new(format!("letters/w/kept/{left}")).unwrap();
        blobs.blob_put(&key, content.into()).await.unwrap();
    }
    let (mut found, mut before, mut pages) = (Vec::new(), None, 0);
    loop {
        let sight = Sight::Masked(None);
        let list = letters(&engine).list(&stage("odd"), before.as_ref(), 10, &sight).await;
        let (some, next) = list.unwrap();
        (pages, before) = (pages + 1, next);
        found.extend(some);
        if before.is_none() {
            break;
        }
    }
    assert_eq!((found.len(), pages), (1, 3));
    assert_eq!((found[0].raw.as_ref(), found[0].is_masked), (None, true), "nobody vetted it");
    let (some, next) = {
        let any = LetterChoice::default();
        letters(&engine).list(&any, None, 2_500, &Sight::Whole).await.unwrap()
    };
    assert!(some.len() < 2_500 && next.is_some());
}
