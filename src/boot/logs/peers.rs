//! The lines of other engines, over the peer links.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use weir_cluster::{Cluster, View};
use weir_domain::{Incarnation, NodeName, NodeStatus};
use weir_http_api::{LogEntry, LogFilter};
use weir_remote::{Handler, Incoming, Manifest, Outgoing, Refused, Remote};

use super::ring::{Found, Ring};
use super::{Paged, here, signed};
use crate::boot::membership::Membership;

const PATH: &str = "logs";
const PAGE: Manifest = Manifest::new("logs.Page", 1);
const FOLLOW: Manifest = Manifest::new("logs.Follow", 1);
const TOLD: Manifest = Manifest::new("logs.Told", 1);
/// An engine that works answers in milliseconds.
const WITHIN: Duration = Duration::from_secs(3);
/// How long an engine waits for lines before it says that there are none.
const PATIENCE: Duration = Duration::from_secs(2);
/// Lines that come one after the other are told together. It also bounds what following itself logs.
const LINGER: Duration = Duration::from_millis(100);
/// Lines, and bytes of them, in one answer.
const LINES_MAX: usize = 500;
const BYTES_MAX: usize = 512 << 10;

/// Lines behind a place: `None`, the last ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Followed {
    pub(super) filter: LogFilter,
    pub(super) after: Option<u64>,
    /// How many of the last ones.
    pub(super) last: usize,
}

/// The lines travel as JSON, as others read them.
#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    lines: String,
    at: u64,
    missed: u64,
}

/// Cheap to clone.
#[derive(Clone)]
pub(super) struct Peers {
    ring: Arc<Ring>,
    cluster: Cluster,
    remote: Option<Remote>,
}

impl Peers {
    pub(super) fn listen(ring: Arc<Ring>, membership: &Membership) -> Self {
        let cluster = membership.cluster.clone();
        if let Some(remote) = &membership.remote {
            let me = cluster.view().borrow().me.name.clone();
            remote.serve(PATH, Arc::new(Ear { ring: ring.clone(), me }));
        }
        Self { ring, cluster, remote: membership.remote.clone() }
    }

    pub(super) fn view(&self) -> watch::Receiver<Arc<View>> {
        self.cluster.view()
    }

    /// Who may be asked: this engine, and those that are with it. `only`: the one of that name.
    pub(super) fn members(&self, only: Option<&NodeName>) -> Vec<Incarnation> {
        let view = self.cluster.view().borrow().clone();
        let lives = |status| !matches!(status, NodeStatus::Down | NodeStatus::Removed);
        let others =
            view.members.iter().filter(|it| it.node.uid != view.me.uid && lives(it.status));
        let all = std::iter::once(view.me.clone()).chain(others.map(|it| it.node.clone()));
        all.filter(|it| only.is_none_or(|only| it.name == *only)).collect()
    }

    pub(super) fn names(&self) -> Vec<NodeName> {
        let mut names: Vec<_> = self.members(None).into_iter().map(|it| it.name).collect();
        names.sort();
        names.dedup();
        names
    }

    pub(super) async fn page(
        &self,
        node: &Incarnation,
        page: &Paged,
    ) -> Result<Vec<LogEntry>, String> {
        if self.is_me(node) {
            return Ok(here(&self.ring, Some(&node.name), page));
        }
        let request = Outgoing::of(PAGE, page).map_err(|it| it.to_string())?;
        Ok(self.ask(node, &request, WITHIN).await?.lines)
    }

    /// What lies behind a place, as soon as there is something, or nothing after a while.
    pub(super) async fn follow(
        &self,
        node: &Incarnation,
        asked: &Followed,
    ) -> Result<Found, String> {
        if self.is_me(node) {
            return Ok(behind(&self.ring, &node.name, asked).await);
        }
        let request = Outgoing::of(FOLLOW, asked).map_err(|it| it.to_string())?;
        self.ask(node, &request, PATIENCE + WITHIN).await
    }

    async fn ask(
        &self,
        node: &Incarnation,
        request: &Outgoing,
        within: Duration,
    ) -> Result<Found, String> {
        let remote = self.remote.as_ref().ok_or("this engine has no peers")?;
        let answer = remote.ask(node.uid, PATH, request, within).await;
        let answer: Answer =
            answer.map_err(|it| it.to_string())?.read().map_err(|it| it.to_string())?;
        let lines = serde_json::from_str(&answer.lines).map_err(|it| it.to_string())?;
        Ok(Found { lines, at: answer.at, missed: answer.missed })
    }

    fn is_me(&self, node: &Incarnation) -> bool {
        self.cluster.view().borrow().me.uid == node.uid
    }
}

async fn behind(ring: &Ring, me: &NodeName, asked: &Followed) -> Found {
    let found = awaited(ring, asked).await;
    let lines = found.lines.into_iter().map(|it| signed(ring, Some(me), it)).collect();
    Found { lines, ..found }
}

/// The same of a process that has no name.
pub(super) async fn awaited(ring: &Ring, Followed { filter, after, last }: &Followed) -> Found {
    let Some(after) = *after else { return ring.last(filter, *last) };
    let look = |after| ring.after(after, filter, LINES_MAX, BYTES_MAX);
    let first = look(after);
    let (mut found, mut patience) = (first, pin!(tokio::time::sleep(PATIENCE)));
    while found.lines.is_empty() && found.missed == 0 {
        tokio::select! {
            () = ring.news(found.at) => tokio::time::sleep(LINGER).await,
            () = &mut patience => break,
        }
        found = look(found.at);
    }
    found
}

struct Ear {
    ring: Arc<Ring>,
    me: NodeName,
}

#[async_trait]
impl Handler for Ear {
    async fn handle(&self, _: Incarnation, message: Incoming) -> Result<Option<Outgoing>, Refused> {
        let found = if message.manifest == PAGE {
            let page: Paged = message.read().map_err(|_| Refused::Unhandled)?;
            Found { lines: here(&self.ring, Some(&self.me), &page), at: 0, missed: 0 }
        } else if message.manifest == FOLLOW {
            let asked: Followed = message.read().map_err(|_| Refused::Unhandled)?;
            behind(&self.ring, &self.me, &asked).await
        } else {
            return Err(Refused::Unhandled);
        };
        let lines = serde_json::to_string(&found.lines).map_err(|_| Refused::Unhandled)?;
        let answer = Answer { lines, at: found.at, missed: found.missed };
        Outgoing::of(TOLD, &answer).map(Some).map_err(|_| Refused::Unhandled)
    }
}
