//! What this process logged, and what all engines of its cluster did, for who reads or follows it.
//!
//! Each engine remembers its own lines (`ring`) and answers for them over the peer links. Who follows asks each
//! engine for what lies behind the last answer, and waits there a while for more: a follower that takes nothing
//! asks nothing, so that nobody keeps anything for it, and learns later how much it missed.

mod peers;
mod remember;
mod ring;
mod tail;

use std::cmp::Reverse;
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::join_all;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use weir_domain::{Fault, Incarnation, NodeName, Timestamp};
use weir_http_api::{
    Cursor, LogEntry, LogFilter, LogOrder, LogPage, LogTail, LogTailQuery, LogUnreached,
};
use weir_http_server::LogsAsked;

use super::membership::Membership;
use super::process::Process;
use peers::Peers;
pub(crate) use remember::Remember;
use ring::Sought;
pub(crate) use ring::{Bounds, Ring};

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Logs {
    ring: Arc<Ring>,
    /// None: this is no engine.
    peers: Option<Peers>,
}

/// One page of the lines of one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Paged {
    filter: LogFilter,
    order: LogOrder,
    after: Option<u64>,
    before: Option<u64>,
    beyond: Option<Place>,
    limit: usize,
}

/// Where a line stands among those of all nodes: when it was logged, by whom, as which.
type Place = (Timestamp, String, u64);

fn place(line: &LogEntry) -> Place {
    let node = line.node.as_ref().map(|it| it.to_string()).unwrap_or_default();
    (line.at, node, line.number)
}

impl Logs {
    /// Of a process that is no engine.
    pub(crate) fn alone(process: &Process) -> Self {
        Self { ring: process.log.clone(), peers: None }
    }

    /// Also answers what other engines ask.
    pub(crate) fn listen(process: &Process, membership: &Membership) -> Self {
        let ring = process.log.clone();
        Self { peers: Some(Peers::listen(ring.clone(), membership)), ring }
    }

    async fn page_of(
        &self,
        node: Option<&Incarnation>,
        page: &Paged,
    ) -> Result<Vec<LogEntry>, String> {
        match (&self.peers, node) {
            (Some(peers), Some(node)) => peers.page(node, page).await,
            _ => Ok(here(&self.ring, None, page)),
        }
    }
}

/// A page of this process's own lines.
fn here(ring: &Ring, node: Option<&NodeName>, page: &Paged) -> Vec<LogEntry> {
    let Paged { filter, order, after, before, beyond, limit } = page;
    let sought = Sought::new(filter);
    let all = ring.all();
    let lines = all.iter().filter(|it| {
        after.is_none_or(|number| it.number > number)
            && before.is_none_or(|number| it.number < number)
            && sought.means(it)
    });
    let named = lines.map(|it| signed(ring, node, LogEntry::clone(it)));
    let mut lines: Vec<_> = named
        .filter(|it| match (beyond, order) {
            (None, _) => true,
            (Some(last), LogOrder::Newest) => place(it) < *last,
            (Some(last), LogOrder::Oldest) => place(it) > *last,
        })
        .collect();
    sort(&mut lines, *order);
    lines.truncate(*limit);
    lines
}

/// The line with who logged it.
fn signed(ring: &Ring, node: Option<&NodeName>, line: LogEntry) -> LogEntry {
    LogEntry { node: node.cloned(), life: ring.life().to_owned(), ..line }
}

fn sort(lines: &mut [LogEntry], order: LogOrder) {
    match order {
        LogOrder::Newest => lines.sort_by_key(|it| Reverse(place(it))),
        LogOrder::Oldest => lines.sort_by_key(place),
    }
}

#[async_trait]
impl weir_http_server::Logs for Logs {
    fn nodes(&self) -> Vec<NodeName> {
        self.peers.as_ref().map_or_else(Vec::new, Peers::names)
    }

    async fn page(&self, asked: LogsAsked) -> Result<LogPage, Fault> {
        let LogsAsked { filter, node, order, after, before, beyond, limit } = asked;
        // One more tells whether another page follows.
        let page = Paged { filter, order, after, before, beyond, limit: limit + 1 };
        let nodes = self.peers.as_ref().map(|it| it.members(node.as_ref()));
        let mut unreached = Vec::new();
        let mut items = match nodes {
            None => self.page_of(None, &page).await.unwrap_or_default(),
            Some(nodes) => {
                let page = &page;
                let asked =
                    nodes.iter().map(|it| async move { (it, self.page_of(Some(it), page).await) });
                let mut all = Vec::new();
                for (node, answer) in join_all(asked).await {
                    match answer {
                        Ok(lines) => all.extend(lines),
                        Err(why) => unreached.push(LogUnreached { node: node.name.clone(), why }),
                    }
                }
                all
            }
        };
        sort(&mut items, order);
        let has_more = items.len() > limit;
        items.truncate(limit);
        let last = items.last().filter(|_| has_more).map(place);
        let next_cursor = last.map(|(at, node, number)| Cursor::after_line(at, node, number));
        Ok(LogPage { items, next_cursor, unreached })
    }

    async fn follow(&self, query: LogTailQuery, to: mpsc::Sender<LogTail>) {
        match &self.peers {
            Some(peers) => tail::of_cluster(peers, query, to).await,
            None => tail::of_process(&self.ring, query, to).await,
        }
    }
}
