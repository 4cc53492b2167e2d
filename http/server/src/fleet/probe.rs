//! Looking at clusters in the background: whether they answer, and what is wrong where they don't.

use std::time::Duration;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue};
use futures::StreamExt as _;
use serde::Deserialize;
use weir_controllers::users::{Identity, Via};
use weir_domain::{Grants, NodeStatus, Scope, Timestamp, UserClaim};
use weir_http_api::{FleetStandingView, Me, NodeView, Page};
use weir_runtime::{Stopwatch, System};

use super::{Fleet, Known};
use crate::voucher::LIFE;

const EVERY: Duration = Duration::from_secs(5);
/// At a time: a list of many clusters that are silent must not take a minute.
const AT_ONCE: usize = 16;
/// How long one engine may take to answer one question.
const WITHIN: Duration = Duration::from_secs(3);
/// Who looks, as engines see it. It is allowed to see nodes.
const WATCHMAN: &str = "weir";

impl Fleet {
    /// Looks at all clusters again and again, until the system stops.
    pub async fn watch(self, system: System) {
        let stopping = system.shutdown().stopping();
        loop {
            tokio::select! {
                () = self.look_around(&system) => {}
                () = stopping.stopped() => return,
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = stopping.stopped() => return,
            }
        }
    }

    async fn look_around(&self, system: &System) {
        // A list that can't be read now is the one that was read before.
        let _ = self.refresh().await;
        let all = futures::stream::iter(self.all());
        all.for_each_concurrent(AT_ONCE, async |it| self.look(&it, system).await).await;
    }

    /// Looks at one, and keeps what was found.
    pub(crate) async fn look(&self, cluster: &Known, system: &System) {
        let (before, now) = (cluster.standing(), system.now());
        let found = self.found(cluster, now).await;
        let since = before.as_ref().filter(|it| it.reachable == found.reachable);
        let since = since.map_or(now, |it| it.since);
        if before.as_ref().is_some_and(|it| it.reachable != found.reachable) || before.is_none() {
            tell(cluster, &found);
        }
        let standing = FleetStandingView { since, ..found };
        *cluster.standing.lock().unwrap_or_else(std::sync::PoisonError::into_inner) =
            Some(standing);
    }

    async fn found(&self, cluster: &Known, now: Timestamp) -> FleetStandingView {
        let mut found = FleetStandingView {
            reachable: false,
            since: now,
            checked_at: now,
            cause: None,
            engine: None,
            answered_in_ms: None,
            version: None,
            nodes_up: None,
            nodes: None,
            trusts: None,
        };
        let took = Stopwatch::start();
        let version = match self.greet(cluster).await {
            Ok(version) => version,
            Err(error) => {
                found.cause = Some(error.problem().detail);
                return found;
            }
        };
        found.reachable = true;
        found.answered_in_ms = Some(u64::try_from(took.elapsed().as_millis()).unwrap_or(u64::MAX));
        found.engine = Some(cluster.engines.preferred().base().to_owned());
        found.version = Some(version.version.clone());
        if let Err(error) = self.meet(cluster, &version).await {
            // Whoever that is, it is not asked for more.
            found.cause = Some(error.problem().detail);
            return found;
        }
        let shown = self.voucher(cluster, &watchman(now), (now, LIFE)).await.ok().flatten();
        if shown.is_some() {
            let me = asked::<Me>(cluster, "/api/v1/me", shown.as_deref()).await;
            found.trusts = me.map(|it| it.user.is_some());
        }
        let shown = shown.filter(|_| found.trusts == Some(true));
        let nodes = asked::<Page<NodeView>>(cluster, "/api/v1/nodes", shown.as_deref()).await;
        if let Some(nodes) = nodes {
            let is_up = |it: &&NodeView| it.status == NodeStatus::Up && !it.unreachable;
            let count = |it: usize| u32::try_from(it).ok();
            found.nodes_up = count(nodes.items.iter().filter(is_up).count());
            found.nodes = count(nodes.items.len());
        }
        found
    }
}

/// Changes only: a cluster that is away for a week is not told of every five seconds.
fn tell(cluster: &Known, found: &FleetStandingView) {
    let name = &cluster.name;
    match &found.cause {
        None => tracing::info!(code = "WEIR-07180", cluster = %name, "the cluster answers"),
        Some(cause) if found.reachable => {
            tracing::warn!(code = "WEIR-07181", cluster = %name, "the cluster can't be used: {cause}");
        }
        Some(cause) => {
            tracing::warn!(code = "WEIR-07182", cluster = %name, "the cluster does not answer: {cause}");
        }
    }
}

fn watchman(now: Timestamp) -> Identity {
    let mut grants = Grants::default();
    grants.add([UserClaim::ClusterRead], &Scope::Everything);
    Identity {
        user: WATCHMAN.parse().expect("the name is valid"),
        via: Via::Voucher,
        grants,
        expires_at: now.plus(LIFE.duration()),
        must_change: false,
    }
}

/// The answer of the engine that answered last; `None`: there is none that can be used.
async fn asked<T: for<'de> Deserialize<'de>>(
    cluster: &Known,
    path: &str,
    shown: Option<&str>,
) -> Option<T> {
    let engine = cluster.engines.preferred();
    let shown = shown.and_then(|it| HeaderValue::try_from(format!("Bearer {it}")).ok());
    let headers: HeaderMap = shown.into_iter().map(|it| (AUTHORIZATION, it)).collect();
    let answer = engine.forward(path, headers, Some(WITHIN)).await.ok()?;
    serde_json::from_slice(&answer.body).ok()
}
