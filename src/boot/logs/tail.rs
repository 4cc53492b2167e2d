//! Following lines as they are logged, on all engines or on one.
//!
//! - T1: each engine's lines come in their order, and each once.
//! - T2: an engine that begins later is followed from its first line, and one that gives no answer is named and
//!   asked again.
//! - T3: nobody is asked for more than the follower has taken.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::{BoxFuture, FutureExt as _, join_all};
use futures::stream::FuturesUnordered;
use tokio::sync::mpsc;
use weir_domain::{Incarnation, NodeName, NodeUid};
use weir_http_api::{LogFilter, LogOrder, LogTail, LogTailQuery};

use super::peers::{Followed, Peers, awaited};
use super::ring::{Found, Ring};
use super::{signed, sort};

/// Who gave no answer is asked again so much later.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

fn last(query: &LogTailQuery) -> usize {
    query.tail.unwrap_or(LogTailQuery::TAIL_DEFAULT) as usize
}

/// Follows this process alone.
pub(super) async fn of_process(ring: &Ring, query: LogTailQuery, to: mpsc::Sender<LogTail>) {
    let mut asked = Followed { filter: query.filter(), after: None, last: last(&query) };
    while !to.is_closed() {
        let Found { lines, at, missed } = awaited(ring, &asked).await;
        if missed > 0 && to.send(LogTail::Missed { node: None, count: missed }).await.is_err() {
            return;
        }
        let lines: Vec<_> = lines.into_iter().map(|it| signed(ring, None, it)).collect();
        if !lines.is_empty() && to.send(LogTail::Lines { lines }).await.is_err() {
            return;
        }
        asked.after = Some(at);
    }
}

/// Follows all engines, or one.
pub(super) async fn of_cluster(peers: &Peers, query: LogTailQuery, to: mpsc::Sender<LogTail>) {
    let following = Following {
        peers,
        filter: query.filter(),
        only: query.node.clone(),
        asked: FuturesUnordered::new(),
        followed: BTreeMap::new(),
        silent: BTreeSet::new(),
        last: last(&query),
        to,
    };
    following.run().await;
}

/// What a node said of what lies behind a place.
type Told = (Incarnation, Option<u64>, Result<Found, String>);

struct Following<'a> {
    peers: &'a Peers,
    filter: LogFilter,
    only: Option<NodeName>,
    asked: FuturesUnordered<BoxFuture<'a, Told>>,
    followed: BTreeMap<NodeUid, Incarnation>,
    /// Those that gave no answer.
    silent: BTreeSet<NodeUid>,
    last: usize,
    to: mpsc::Sender<LogTail>,
}

/// The follower has gone.
struct Gone;

impl Following<'_> {
    async fn run(mut self) {
        let mut view = self.peers.view();
        view.mark_unchanged();
        if self.begin().await.is_err() {
            return;
        }
        loop {
            let turn = tokio::select! {
                Some((node, after, found)) = self.asked.next() => self.told(node, after, found).await,
                Ok(()) = view.changed() => self.look_around().await,
                () = self.to.closed() => return,
            };
            if turn.is_err() {
                return;
            }
        }
    }

    /// The last lines of all engines, together.
    async fn begin(&mut self) -> Result<(), Gone> {
        let (peers, filter, last) = (self.peers, self.filter.clone(), self.last);
        let filter = &filter;
        let asked = peers.members(self.only.as_ref()).into_iter().map(|node| async move {
            let asked = Followed { filter: filter.clone(), after: None, last };
            let found = peers.follow(&node, &asked).await;
            (node, found)
        });
        let (mut lines, mut silent) = (Vec::new(), Vec::new());
        for (node, found) in join_all(asked).await {
            self.followed.insert(node.uid, node.clone());
            match found {
                Ok(found) => {
                    lines.extend(found.lines);
                    self.ask(node, Some(found.at), Duration::ZERO);
                }
                Err(why) => silent.push((node, why)),
            }
        }
        sort(&mut lines, LogOrder::Oldest);
        let lines = lines.split_off(lines.len().saturating_sub(last));
        if !lines.is_empty() {
            self.tell(LogTail::Lines { lines }).await?;
        }
        for (node, why) in silent {
            self.told(node, None, Err(why)).await?;
        }
        Ok(())
    }

    /// Asks for what lies behind a place; `None`: for the last lines, since it gave no answer yet.
    fn ask(&mut self, node: Incarnation, after: Option<u64>, wait: Duration) {
        let (peers, filter, last) = (self.peers, self.filter.clone(), self.last);
        let asked = async move {
            tokio::time::sleep(wait).await;
            let asked = Followed { filter, after, last };
            let found = peers.follow(&node, &asked).await;
            (node, after, found)
        };
        self.asked.push(asked.boxed());
    }

    async fn told(
        &mut self,
        node: Incarnation,
        after: Option<u64>,
        found: Result<Found, String>,
    ) -> Result<(), Gone> {
        if !self.followed.contains_key(&node.uid) {
            return Ok(());
        }
        match found {
            Ok(Found { lines, at, missed }) => {
                if self.silent.remove(&node.uid) {
                    self.tell(LogTail::Followed { node: Some(node.name.clone()) }).await?;
                }
                if missed > 0 {
                    let node = Some(node.name.clone());
                    self.tell(LogTail::Missed { node, count: missed }).await?;
                }
                if !lines.is_empty() {
                    self.tell(LogTail::Lines { lines }).await?;
                }
                self.ask(node, Some(at), Duration::ZERO);
            }
            Err(why) => {
                if self.silent.insert(node.uid) {
                    self.tell(LogTail::Lost { node: node.name.clone(), why }).await?;
                }
                self.ask(node, after, AGAIN_AFTER);
            }
        }
        Ok(())
    }

    /// Follows who came, and lets go who went.
    async fn look_around(&mut self) -> Result<(), Gone> {
        let members = self.peers.members(self.only.as_ref());
        let is_there = |uid: &NodeUid| members.iter().any(|it| it.uid == *uid);
        let gone: Vec<_> =
            self.followed.iter().filter(|it| !is_there(it.0)).map(|it| it.1.clone()).collect();
        for node in gone {
            self.followed.remove(&node.uid);
            if !self.silent.remove(&node.uid) {
                let why = "it is no member of the cluster any more".to_owned();
                self.tell(LogTail::Lost { node: node.name, why }).await?;
            }
        }
        for node in members {
            if self.followed.insert(node.uid, node.clone()).is_none() {
                self.tell(LogTail::Followed { node: Some(node.name.clone()) }).await?;
                self.ask(node, Some(0), Duration::ZERO);
            }
        }
        Ok(())
    }

    async fn tell(&mut self, told: LogTail) -> Result<(), Gone> {
        self.to.send(told).await.map_err(|_| Gone)
    }
}

#[cfg(test)]
mod tests {
    use weir_domain::Timestamp;
    use weir_http_api::LogEntry;

    use super::*;
    use crate::boot::logs::ring::Bounds;
    use crate::boot::logs::ring::testing::line;

    fn numbers(told: &LogTail) -> Vec<u64> {
        match told {
            LogTail::Lines { lines } => lines.iter().map(|it: &LogEntry| it.number).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_follower_that_takes_nothing_learns_how_much_was_forgotten() {
        let ring = Ring::new(Bounds { lines: 10, bytes: 1 << 20 }, Timestamp(0));
        (0..3).for_each(|_| ring.push(line("before")));
        let query = LogTailQuery { tail: Some(2), ..LogTailQuery::default() };
        let (to, mut told) = mpsc::channel(1);
        let following = of_process(&ring, query, to);
        let reading = async {
            // Nothing more than fits the channel is taken from memory meanwhile.
            let first = told.recv().await.unwrap();
            assert_eq!(numbers(&first), [2, 3]);
            (0..5).for_each(|_| ring.push(line("fits")));
            let second = told.recv().await.unwrap();
            assert_eq!(numbers(&second), [4, 5, 6, 7, 8]);
            ring.push(line("waits in the channel"));
            tokio::time::sleep(Duration::from_millis(500)).await;
            ring.push(line("waits before it"));
            tokio::time::sleep(Duration::from_millis(500)).await;
            (0..100).for_each(|_| ring.push(line("flood")));
            assert_eq!(numbers(&told.recv().await.unwrap()), [9]);
            assert_eq!(numbers(&told.recv().await.unwrap()), [10]);
            assert_eq!(told.recv().await, Some(LogTail::Missed { node: None, count: 90 }));
            assert_eq!(numbers(&told.recv().await.unwrap()), (101..=110).collect::<Vec<_>>());
            told.close();
        };
        tokio::join!(following, reading);
    }
}
