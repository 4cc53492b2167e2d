//! Stream history in memory.

use std::collections::BTreeMap;
use std::ops::Bound;

use async_trait::async_trait;
use weir_domain::{LogLine, Stream, StreamId, WorkflowName};

use super::MemoryStore;
use crate::{
    Fence, LogBound, Result, Retention, StreamFilter, StreamStore, StreamsOfItem, log_rule,
};

pub(super) type Streams = BTreeMap<StreamId, (Stream, Vec<LogLine>)>;

/// The closed streams that are not among the newest `keep` of their workflow.
fn outdated(streams: &Streams, retention: Retention) -> Vec<StreamId> {
    let mut kept: BTreeMap<&WorkflowName, u32> = BTreeMap::new();
    let mut outdated = Vec::new();
    for (stream, _) in streams.values().rev().filter(|(it, _)| it.state.is_closed()) {
        let count = kept.entry(&stream.workflow).or_default();
        *count += 1;
        if *count > retention.keep || retention.first.is_some_and(|it| stream.id < it) {
            outdated.push(stream.id);
        }
    }
    outdated
}

#[async_trait]
impl StreamStore for MemoryStore {
    async fn stream_save(&self, fence: &Fence, changes: Vec<(Stream, Vec<LogLine>)>) -> Result<()> {
        self.write(|state| {
            state.leases.check(fence)?;
            for (stream, lines) in changes {
                let id = stream.id;
                let (known, log) =
                    state.streams.entry(id).or_insert_with(|| (stream.clone(), Vec::new()));
                *known = stream;
                let new: Vec<_> = log_rule::new_lines(log, &lines).into_iter().cloned().collect();
                log.extend(new);
            }
            Ok(())
        })
        .await
    }

    async fn stream_load(&self, id: StreamId) -> Result<Option<Stream>> {
        self.read(|state| Ok(state.streams.get(&id).map(|(it, _)| it.clone()))).await
    }

    async fn stream_list(&self, filter: StreamFilter) -> Result<Vec<Stream>> {
        self.read(|state| {
            let to = filter.before.map_or(Bound::Unbounded, Bound::Excluded);
            let matches = |it: &&Stream| {
                filter.workflow.as_ref().is_none_or(|workflow| *workflow == it.workflow)
                    && filter.state.is_none_or(|state| state == it.state)
            };
            let older = state.streams.range((Bound::Unbounded, to)).rev().map(|(_, (it, _))| it);
            Ok(older.filter(matches).take(filter.limit as usize).cloned().collect())
        })
        .await
    }

    async fn stream_of_item(&self, of: StreamsOfItem) -> Result<Vec<Stream>> {
        self.read(|state| {
            let to = of.before.map_or(Bound::Unbounded, Bound::Excluded);
            let older = state.streams.range((Bound::Unbounded, to)).rev().map(|(_, (it, _))| it);
            let matches = |it: &&Stream| it.workflow == of.workflow && it.item == of.item;
            Ok(older.filter(matches).take(of.limit as usize).cloned().collect())
        })
        .await
    }

    async fn stream_log(&self, id: StreamId) -> Result<Vec<LogLine>> {
        self.read(|state| {
            Ok(state.streams.get(&id).map(|(_, log)| log.clone()).unwrap_or_default())
        })
        .await
    }

    async fn stream_log_trim(&self, fence: &Fence, id: StreamId, bound: LogBound) -> Result<u64> {
        self.write(|state| {
            state.leases.check(fence)?;
            let Some((_, log)) = state.streams.get_mut(&id) else { return Ok(0) };
            let lengths = log.iter().map(|it| it.text.len() as u64).enumerate().rev();
            let Some(cut) = log_rule::cut(lengths, bound) else { return Ok(0) };
            let oldest = log[..=cut].iter().map(|it| (it.code, it.text.as_str()));
            let (code, text, now) = log_rule::left_out(oldest);
            let at = log[cut].at;
            drop(log.splice(..=cut, [LogLine { at, severity: None, code, text }]));
            Ok(now)
        })
        .await
    }

    async fn stream_prune(&self, fence: &Fence, retention: Retention) -> Result<u64> {
        self.write(|state| {
            state.leases.check(fence)?;
            let outdated = outdated(&state.streams, retention);
            for id in &outdated {
                state.streams.remove(id);
            }
            Ok(outdated.len() as u64)
        })
        .await
    }
}
