//! The contract of the stream history.

use weir_domain::{
    Code, Counts, Fault, InstanceId, LogLine, Severity, StageId, Stream, StreamState, Timestamp,
    WorkflowName,
};

use super::item::stream_id;
use super::{StoreFactory, take_over};
use crate::{LogBound, Retention, StreamFilter, StreamStore, StreamsOfItem};

fn workflow(name: &str) -> WorkflowName {
    WorkflowName::new(name).expect("a valid name")
}

/// The n-th stream, open.
pub(super) fn open(n: u32, of: &str) -> Stream {
    Stream {
        id: stream_id(n.into()),
        workflow: workflow(of),
        instance: InstanceId(1),
        node: "engine-1".into(),
        item: format!("in/{n}.csv"),
        state: StreamState::Open,
        attempts: 1,
        opened_at: Timestamp(1_000 + i64::from(n)),
        closed_at: None,
        counts: Counts::default(),
        stages: Default::default(),
        published: Vec::new(),
        fault: None,
    }
}

fn closed(n: u32, of: &str, state: StreamState) -> Stream {
    Stream { state, closed_at: Some(Timestamp(2_000)), ..open(n, of) }
}

fn line(text: &str, severity: Option<Severity>) -> LogLine {
    LogLine { at: Timestamp(1_500), severity, code: Code(3007), text: text.into() }
}

async fn numbers<S: StreamStore>(store: &S, filter: StreamFilter) -> Vec<u32> {
    let streams = store.stream_list(filter).await.expect("listed");
    let number = |it: Stream| u32::try_from(it.opened_at.0 - 1_000).expect("a small number");
    streams.into_iter().map(number).collect()
}

fn all() -> StreamFilter {
    StreamFilter { limit: 100, ..StreamFilter::default() }
}

pub async fn a_stream_is_saved_as_it_is_now<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let id = stream_id(1);
    assert_eq!(store.stream_load(id).await, Ok(None));
    assert_eq!(store.stream_log(id).await, Ok(vec![]));
    assert_eq!(store.stream_save(&fence, vec![]).await, Ok(()));
    store.stream_save(&fence, vec![(open(1, "w"), vec![])]).await.expect("saved");
    assert_eq!(store.stream_load(id).await, Ok(Some(open(1, "w"))));

    let counts = Counts { records_in: u64::MAX, dead_letters: 3, ..Counts::default() };
    let now = Stream {
        counts,
        stages: [(StageId::new("read").expect("a valid name"), counts)].into(),
        published: vec!["out/1.parquet".into()],
        fault: Some(Fault::transient(4012, "the disk is full").with_hint("make room")),
        attempts: 4,
        ..closed(1, "w", StreamState::RolledBack)
    };
    store.stream_save(&fence, vec![(now.clone(), vec![])]).await.expect("saved");
    assert_eq!(store.stream_load(id).await, Ok(Some(now.clone())));
    assert_eq!(store.stream_list(all()).await, Ok(vec![now]));
}

pub async fn streams_are_listed_newest_first<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let changes = [3, 1, 5, 2, 4].map(|n| (open(n, "w"), vec![]));
    store.stream_save(&fence, changes.into()).await.expect("saved");
    assert_eq!(numbers(&*store, all()).await, [5, 4, 3, 2, 1]);
    assert_eq!(numbers(&*store, StreamFilter { limit: 2, ..all() }).await, [5, 4]);
    assert_eq!(numbers(&*store, StreamFilter { limit: 0, ..all() }).await, Vec::<u32>::new());
    let before = Some(stream_id(4));
    let page = StreamFilter { before, limit: 2, ..all() };
    assert_eq!(numbers(&*store, page).await, [3, 2]);
}

pub async fn lists_are_filtered<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let changes = vec![
        (open(1, "a"), vec![]),
        (closed(2, "a", StreamState::Committed), vec![]),
        (closed(3, "b", StreamState::Committed), vec![]),
        (closed(4, "b", StreamState::CommittedWithWarnings), vec![]),
        (Stream { state: StreamState::Retrying, ..open(5, "b") }, vec![]),
        (closed(6, "b", StreamState::RolledBack), vec![]),
    ];
    store.stream_save(&fence, changes).await.expect("saved");
    let of_b = StreamFilter { workflow: Some(workflow("b")), ..all() };
    assert_eq!(numbers(&*store, of_b.clone()).await, [6, 5, 4, 3]);
    let committed = StreamFilter { state: Some(StreamState::Committed), ..all() };
    assert_eq!(numbers(&*store, committed).await, [3, 2]);
    let both = StreamFilter { state: Some(StreamState::RolledBack), ..of_b.clone() };
    assert_eq!(numbers(&*store, both).await, [6]);
    let before = StreamFilter { before: Some(stream_id(5)), limit: 1, ..of_b };
    assert_eq!(numbers(&*store, before).await, [4]);
    let unknown = StreamFilter { workflow: Some(workflow("none")), ..all() };
    assert_eq!(numbers(&*store, unknown).await, Vec::<u32>::new());
}

pub async fn streams_of_an_item_are_found_by_it<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let odd = "in/\"\\\0\u{1}\n\u{e9} \u{1f680}.csv";
    let (long, longer) = ("x".repeat(2_000), "x".repeat(1_999));
    let of = |n: u32, workflow: &str, item: &str| {
        (Stream { item: item.into(), ..open(n, workflow) }, vec![])
    };
    let changes = vec![
        of(1, "a", "in/1.csv"),
        of(2, "a", "in/2.csv"),
        of(3, "b", "in/1.csv"),
        of(4, "a", "in/1.csv"),
        of(5, "a", "in/1.CSV"),
        of(6, "a", odd),
        of(7, "a", &long),
        of(8, "a", &longer),
        of(9, "a", "in/1.csv"),
    ];
    store.stream_save(&fence, changes).await.expect("saved");
    let found = async |workflow_name: &str, item: &str, before: Option<u32>, limit: u32| {
        let before = before.map(|it| stream_id(it.into()));
        let of =
            StreamsOfItem { workflow: workflow(workflow_name), item: item.into(), before, limit };
        let streams = store.stream_of_item(of).await.expect("listed");
        streams.into_iter().map(|it| it.opened_at.0 - 1_000).collect::<Vec<_>>()
    };
    assert_eq!(found("a", "in/1.csv", None, 9).await, [9, 4, 1]);
    assert_eq!(found("a", "in/1.csv", None, 2).await, [9, 4]);
    assert_eq!(found("a", "in/1.csv", Some(4), 2).await, [1]);
    assert_eq!(found("a", odd, None, 9).await, [6]);
    assert_eq!(found("a", &long, None, 9).await, [7]);
    assert_eq!(found("a", &longer, None, 9).await, [8]);
    assert!(
        found("a", "in/", None, 9).await.is_empty() && found("c", odd, None, 9).await.is_empty()
    );
    // What is known of it by now, once.
    let now = Stream { item: "in/1.csv".into(), ..closed(4, "a", StreamState::Committed) };
    store.stream_save(&fence, vec![(now, vec![])]).await.expect("saved");
    assert_eq!(found("a", "in/1.csv", None, 9).await, [9, 4, 1]);
}

pub async fn log_lines_stay_in_order<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let first = [line("opened", None), line("a bad row", Some(Severity::Warning))];
    let last = [line("the disk is full", Some(Severity::Error)), line("closed", None)];
    let other = vec![line("another stream's", None)];
    let changes = vec![(open(1, "w"), first.to_vec()), (open(2, "w"), other.clone())];
    store.stream_save(&fence, changes).await.expect("saved");
    store.stream_save(&fence, vec![(open(1, "w"), last.to_vec())]).await.expect("saved");
    assert_eq!(store.stream_log(stream_id(1)).await, Ok([first, last].concat()));
    assert_eq!(store.stream_log(stream_id(2)).await, Ok(other));
}

pub async fn a_log_that_is_too_long_loses_its_oldest_lines<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let numbered = |from: u32, to: u32| (from..to).map(|n| line(&format!("line {n:04}"), None));
    let save = async |lines: Vec<LogLine>| {
        store.stream_save(&fence, vec![(open(1, "w"), lines)]).await.expect("saved");
    };
    let trim = async |lines, bytes| {
        let bound = LogBound { lines, bytes };
        store.stream_log_trim(&fence, stream_id(1), bound).await.expect("trimmed")
    };
    let texts = async || -> Vec<String> {
        let log = store.stream_log(stream_id(1)).await.expect("read");
        log.into_iter().map(|it| it.text).collect()
    };
    let left_out = |count: u32| {
        format!("{count} older lines were left out: a log of a stream is kept up to a length")
    };
    assert_eq!(trim(4, 1_000).await, 0, "there is no such log");
    store
        .stream_save(&fence, vec![(open(2, "w"), vec![line("another's", None)])])
        .await
        .expect("saved");
    // More than one step leaves out.
    save(numbered(0, 2_500).collect()).await;
    assert_eq!(trim(2_500, 100_000).await, 0);
    assert_eq!(trim(4, 1_000).await, 2_497);
    let kept: Vec<_> = numbered(2_497, 2_500).map(|it| it.text).collect();
    assert_eq!(texts().await, [vec![left_out(2_497)], kept].concat());
    assert_eq!(trim(4, 1_000).await, 0, "it is short enough");

    save(numbered(2_500, 2_502).collect()).await;
    assert_eq!(trim(4, 1_000).await, 2);
    assert_eq!(texts().await[..2], [left_out(2_499), "line 2499".to_owned()]);
    assert_eq!(trim(4, 20).await, 2, "the newest two are as long");
    assert_eq!(texts().await, [left_out(2_501), "line 2501".to_owned()]);
    assert_eq!(trim(1, 1).await, 0, "the newest stays");
    assert_eq!(store.stream_log(stream_id(2)).await.map(|it| it.len()), Ok(1));
}

pub async fn a_save_that_is_repeated_adds_no_line_twice<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let warning = line("a bad row", Some(Severity::Warning));
    let first = vec![line("opened", None), warning.clone(), warning, line("a null: \0", None)];
    store.stream_save(&fence, vec![(open(1, "w"), first.clone())]).await.expect("saved");
    let stored = store.stream_log(stream_id(1)).await.expect("read");
    assert_eq!(stored.len(), 4, "the same line twice is two lines");
    store.stream_save(&fence, vec![(open(1, "w"), first.clone())]).await.expect("saved");
    assert_eq!(store.stream_log(stream_id(1)).await, Ok(stored.clone()));

    let later = LogLine { at: Timestamp(1_501), ..line("opened", None) };
    let more = [first, vec![later.clone()]].concat();
    store.stream_save(&fence, vec![(open(1, "w"), more)]).await.expect("saved");
    assert_eq!(store.stream_log(stream_id(1)).await, Ok([stored, vec![later]].concat()));
}

pub async fn pruning_keeps_the_newest_closed_of_each_workflow<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let mut changes = vec![(open(1, "a"), vec![line("opened", None)])];
    for n in 2..=5 {
        changes.push((closed(n, "a", StreamState::Committed), vec![line("closed", None)]));
    }
    changes.push((closed(6, "b", StreamState::RolledBack), vec![]));
    store.stream_save(&fence, changes).await.expect("saved");
    assert_eq!(store.stream_prune(&fence, 9.into()).await, Ok(0));
    assert_eq!(store.stream_prune(&fence, 2.into()).await, Ok(2));
    assert_eq!(numbers(&*store, all()).await, [6, 5, 4, 1]);
    assert_eq!(store.stream_log(stream_id(2)).await, Ok(vec![]), "its log goes with a stream");
    assert_eq!(store.stream_log(stream_id(1)).await.map(|it| it.len()), Ok(1));
    let from = |n| Retention { keep: 9, first: Some(stream_id(n)) };
    assert_eq!(store.stream_prune(&fence, from(4)).await, Ok(0));
    assert_eq!(store.stream_prune(&fence, from(5)).await, Ok(1));
    assert_eq!(numbers(&*store, all()).await, [6, 5, 1], "what is open stays");
    assert_eq!(store.stream_prune(&fence, 0.into()).await, Ok(2));
    assert_eq!(numbers(&*store, all()).await, [1]);
}

pub async fn streams_outlive_the_store<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let changes = vec![(open(1, "w"), vec![line("opened", None)])];
    store.stream_save(&fence, changes).await.expect("saved");
    let Some(store) = factory.reopen(store).await else { return };
    assert_eq!(store.stream_load(stream_id(1)).await, Ok(Some(open(1, "w"))));
    assert_eq!(store.stream_log(stream_id(1)).await, Ok(vec![line("opened", None)]));
}
