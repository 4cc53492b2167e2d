//! What is outdated goes in steps: the fence's lock is held for one of them at a time.

use weir_domain::{
    Code, Counts, InstanceId, LogLine, Stream, StreamId, StreamState, Timestamp, WorkflowName,
};
use weir_persistence_api::{StreamFilter, StreamStore};

use super::*;
use crate::server::session::{Purpose, connect};
use crate::server::stream::forget_some;

on_both! {
    a_long_log_is_deleted_in_steps
}

fn closed(n: u128) -> Stream {
    let id: StreamId = format!("{n:032x}").parse().unwrap();
    Stream {
        id,
        workflow: WorkflowName::new("w").unwrap(),
        instance: InstanceId(1),
        node: "engine-1".into(),
        item: format!("in/{n}.csv"),
        state: StreamState::Committed,
        attempts: 1,
        opened_at: Timestamp(1),
        closed_at: Some(Timestamp(2)),
        counts: Counts::default(),
        stages: Default::default(),
        published: Vec::new(),
        fault: None,
    }
}

fn line(n: i64) -> LogLine {
    LogLine { at: Timestamp(n), severity: None, code: Code(3007), text: format!("line {n}") }
}

async fn a_long_log_is_deleted_in_steps<D: Tested>() {
    let (store, settings) = store::<D>(D::Server::shared()).await;
    let fence = fence(&store).await;
    let long = (closed(1), (0..1_100).map(line).collect());
    let changes = vec![long, (closed(2), vec![line(1)]), (closed(3), vec![])];
    store.stream_save(&fence, changes).await.unwrap();

    let mut connection = connect::<D>(&settings, Purpose::Data).await.unwrap();
    let outdated = [1, 2].map(|n| closed(n).id.to_string());
    let step = forget_some::<D>(&mut connection, &outdated).await.ok().expect("deleted");
    assert_eq!((step.streams, step.deleted), (0, 0), "its log was too long for one step");
    assert_eq!(store.stream_log(closed(1).id).await.map(|it| it.len()), Ok(100));

    assert_eq!(store.stream_prune(&fence, 1.into()).await, Ok(2));
    let left = store.stream_list(StreamFilter { limit: 9, ..StreamFilter::default() }).await;
    assert_eq!(left, Ok(vec![closed(3)]));
    assert_eq!(store.stream_log(closed(1).id).await, Ok(vec![]));
}
