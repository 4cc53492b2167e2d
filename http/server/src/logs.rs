//! What engines and this server log: to read, and to follow over a WebSocket.
//!
//! - Who may see it has the claim `cluster:log`: a log names files, people and addresses of all projects.
//! - A tail ends with the server, with the session that was shown, and with the right; one that takes nothing is cut
//!   off, and keeps nothing here.
//! - A page of another site can't open one: what sends an `origin` sends that of this server.

pub(crate) mod bridge;
mod handshake;
mod seen;
mod tail;

use std::sync::Arc;

use async_trait::async_trait;
use axum::{Extension, Json, Router};
use tokio::sync::mpsc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_domain::{Fault, NodeName, Timestamp, UserClaim};
use weir_http_api::{LogFilter, LogOrder, LogPage, LogTail, LogTailQuery, LogsQuery, Problem};

use crate::error::Error;
use crate::extract::Fields;
use crate::guard::read;
use crate::paging;

pub(crate) use handshake::shown_in_protocol;
pub(crate) use tail::Tails;

/// The lines of a process, or of all engines of its cluster.
#[async_trait]
pub trait Logs: Send + Sync + 'static {
    /// The nodes whose lines there are, by name; none: the process is no engine.
    fn nodes(&self) -> Vec<NodeName>;
    async fn page(&self, asked: LogsAsked) -> Result<LogPage, Fault>;
    /// Says what is logged, until nobody listens.
    async fn follow(&self, query: LogTailQuery, to: mpsc::Sender<LogTail>);
}

/// Which lines to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogsAsked {
    pub filter: LogFilter,
    pub node: Option<NodeName>,
    pub order: LogOrder,
    /// Numbers of lines of the node.
    pub after: Option<u64>,
    pub before: Option<u64>,
    /// The last line of the page before: when, by whom, and its number.
    pub beyond: Option<(Timestamp, String, u64)>,
    pub limit: usize,
}

#[derive(Clone)]
struct Kept {
    logs: Arc<dyn Logs>,
    tails: tail::Tails,
}

/// A server's routes with what those about logs ask.
pub fn with_logs(router: Router, logs: Arc<dyn Logs>) -> Router {
    router.layer(Extension(Kept { logs, tails: tail::Tails::default() }))
}

/// Of an engine.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S> {
    OpenApiRouter::default().routes(read(UserClaim::ClusterLog, routes!(list)))
}

/// The same, for as long as who asks likes.
pub(crate) fn followed<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S> {
    OpenApiRouter::default().routes(read(UserClaim::ClusterLog, routes!(tail::follow)))
}

/// Of a configuration server itself, whose other paths lead to its clusters.
pub(crate) fn of_this_server<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S> {
    OpenApiRouter::default()
        .routes(read(UserClaim::ClusterLog, routes!(list_own)))
        .routes(read(UserClaim::ClusterLog, routes!(tail::follow_own)))
}

/// What the engines logged, as far as they remember: of all nodes, or of one. Nodes that gave no answer are named.
#[utoipa::path(get, path = "/logs", tag = "logs", operation_id = "listLogs",
    params(LogsQuery),
    responses(
        (status = 200, description = "One page of lines", body = LogPage),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn list(
    kept: Option<Extension<Kept>>,
    Fields(query): Fields<LogsQuery>,
) -> Result<Json<LogPage>, Error> {
    page(kept, query).await
}

/// What this configuration server logged, as far as it remembers.
#[utoipa::path(get, path = "/server/logs", tag = "logs", operation_id = "listServerLogs",
    params(LogsQuery),
    responses(
        (status = 200, description = "One page of lines", body = LogPage),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
async fn list_own(
    kept: Option<Extension<Kept>>,
    Fields(query): Fields<LogsQuery>,
) -> Result<Json<LogPage>, Error> {
    page(kept, query).await
}

async fn page(kept: Option<Extension<Kept>>, query: LogsQuery) -> Result<Json<LogPage>, Error> {
    let logs = kept.ok_or_else(nothing_kept)?.0.logs;
    let limit = paging::limit(query.limit)? as usize;
    check_text(query.text.as_deref())?;
    check_node(&*logs, query.node.as_ref())?;
    let is_counted = query.after.or(query.before).is_some();
    if is_counted && query.node.is_none() && !logs.nodes().is_empty() {
        let pointer = if query.after.is_some() { "query/after" } else { "query/before" };
        let reason = "each node counts its lines for itself: name one with node".to_owned();
        return Err(Error::Invalid { pointer: pointer.into(), reason });
    }
    let filter = query.filter();
    let LogsQuery { node, after, before, order, cursor, .. } = query;
    let beyond = cursor.map(|it| it.line()).transpose().map_err(paging::wrong_cursor)?;
    let order = order.unwrap_or_default();
    let asked = LogsAsked { filter, node, order, after, before, beyond, limit };
    Ok(Json(logs.page(asked).await?))
}

fn nothing_kept() -> Error {
    Error::not_found("log", &"log", [])
}

fn check_text(text: Option<&str>) -> Result<(), Error> {
    match text {
        Some(text) if text.len() > LogsQuery::TEXT_MAX => {
            let reason = format!("it is longer than {} bytes", LogsQuery::TEXT_MAX);
            Err(Error::Invalid { pointer: "query/text".into(), reason })
        }
        _ => Ok(()),
    }
}

/// A node that is gone has nothing to say.
fn check_node(logs: &dyn Logs, node: Option<&NodeName>) -> Result<(), Error> {
    let Some(node) = node else { return Ok(()) };
    let known = logs.nodes();
    match known.contains(node) {
        true => Ok(()),
        false => Err(Error::not_found("node", node, known.iter().map(|it| it.as_str()))),
    }
}
