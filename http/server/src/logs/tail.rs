//! Following a log: one JSON object in each message of a WebSocket, until one of both sides has enough.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Extension;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::http::{Extensions, HeaderMap, Uri};
use axum::response::Response;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt as _, StreamExt as _};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};
use weir_http_api::{LOG_PROTOCOL, LogTail, LogTailEnd, LogTailQuery, Problem};

use super::handshake::check_origin;
use super::{Kept, Logs, check_node, check_text, nothing_kept};
use crate::error::Error;
use crate::extract::Fields;
use crate::guard::{Caller, Watch};
use crate::listen::Closing;
use crate::origin::Client;

/// Tells both sides, and what is between them, that the other one lives.
const PING_EVERY: Duration = Duration::from_secs(10);
/// Who takes nothing for so long is cut off.
pub(super) const TAKEN_WITHIN: Duration = Duration::from_secs(60);
/// What waits for a follower, in messages: what more there is, stays where it is.
const WAITING_MAX: usize = 4;
/// Followers of one user, or of one address, and all of them.
const OF_ONE_MAX: usize = 16;
const ALL_MAX: usize = 128;
/// How long the last word may take.
const FAREWELL: Duration = Duration::from_secs(1);
/// Who follows has nothing to say.
const HEARD_BYTES_MAX: usize = 4 << 10;

/// Who follows now.
#[derive(Clone, Default)]
pub(crate) struct Tails(Arc<Mutex<BTreeMap<String, usize>>>);

/// One of them.
pub(super) struct Tail {
    tails: Tails,
    who: String,
}

impl Tails {
    pub(super) fn begin(&self, who: String) -> Result<Tail, Error> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (total, own) =
            (all.values().sum::<usize>(), all.get(&who).copied().unwrap_or_default());
        let detail = match (total, own) {
            (ALL_MAX.., _) => format!("{ALL_MAX} already follow logs at this server"),
            (_, OF_ONE_MAX..) => format!("{who} already follows {OF_ONE_MAX} logs at this server"),
            _ => {
                *all.entry(who.clone()).or_default() += 1;
                return Ok(Tail { tails: self.clone(), who });
            }
        };
        Err(Error::Busy { detail })
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        let mut all = self.tails.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(&self.who) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.who);
            }
        }
    }
}

/// What is asked for beside the filter.
pub(crate) type Upgrade = Result<WebSocketUpgrade, WebSocketUpgradeRejection>;

/// Follows what the engines log, over a WebSocket: of all nodes, or of one. It begins with the last lines. A browser,
/// which can't set `authorization`, names the protocols `weir.logs.v1` and `weir.bearer.` with its session behind it.
/// Who is too slow is told how many lines were forgotten meanwhile.
#[utoipa::path(get, path = "/logs/tail", tag = "logs", operation_id = "followLogs",
    params(LogTailQuery),
    responses(
        (status = 101, description = "A WebSocket: each message is one of these", body = LogTail),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn follow(
    kept: Option<Extension<Kept>>,
    (extensions, uri, headers): (Extensions, Uri, HeaderMap),
    (caller, client): (Caller, Client),
    Fields(query): Fields<LogTailQuery>,
    upgrade: Upgrade,
) -> Result<Response, Error> {
    begun(kept, (extensions, uri, headers), (&caller, client), query, upgrade)
}

/// Follows what this configuration server logs, as `/logs/tail` does for engines.
#[utoipa::path(get, path = "/server/logs/tail", tag = "logs", operation_id = "followServerLogs",
    params(LogTailQuery),
    responses(
        (status = 101, description = "A WebSocket: each message is one of these", body = LogTail),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn follow_own(
    kept: Option<Extension<Kept>>,
    (extensions, uri, headers): (Extensions, Uri, HeaderMap),
    (caller, client): (Caller, Client),
    Fields(query): Fields<LogTailQuery>,
    upgrade: Upgrade,
) -> Result<Response, Error> {
    begun(kept, (extensions, uri, headers), (&caller, client), query, upgrade)
}

fn begun(
    kept: Option<Extension<Kept>>,
    (extensions, uri, headers): (Extensions, Uri, HeaderMap),
    (caller, client): (&Caller, Client),
    query: LogTailQuery,
    upgrade: Upgrade,
) -> Result<Response, Error> {
    let Kept { logs, tails } = kept.ok_or_else(nothing_kept)?.0;
    check_origin(&uri, &headers)?;
    check_text(query.text.as_deref())?;
    check_node(&*logs, query.node.as_ref())?;
    if query.tail.is_some_and(|it| it > LogTailQuery::TAIL_MAX) {
        let reason = format!("it is more than {}", LogTailQuery::TAIL_MAX);
        return Err(Error::Invalid { pointer: "query/tail".into(), reason });
    }
    let upgrade = upgraded(upgrade)?;
    let tail = tails.begin(who(caller, client))?;
    let (watch, closing) =
        (extensions.get::<Watch>().cloned(), extensions.get::<Closing>().cloned());
    Ok(upgrade.on_upgrade(move |socket| async move {
        told(socket, logs, query, Ends { watch, closing }).await;
        drop(tail);
    }))
}

/// What is asked for is a WebSocket, of the one version that there is.
pub(super) fn upgraded(upgrade: Upgrade) -> Result<WebSocketUpgrade, Error> {
    let upgrade = upgrade.map_err(|it| Error::Invalid {
        pointer: "header/upgrade".into(),
        reason: format!("this is followed over a WebSocket: {}", it.body_text()),
    })?;
    Ok(upgrade.protocols([LOG_PROTOCOL]).max_message_size(HEARD_BYTES_MAX))
}

/// A user follows from anywhere, others are told apart by their address.
fn who(caller: &Caller, Client(address): Client) -> String {
    match caller {
        Caller::User(it) => format!("the user {}", it.user),
        Caller::Anonymous | Caller::Local(_) | Caller::Operator => format!("the address {address}"),
    }
}

/// What ends a tail before who follows has enough.
pub(super) struct Ends {
    pub(super) watch: Option<Watch>,
    pub(super) closing: Option<Closing>,
}

impl Ends {
    /// Returns when that has come.
    pub(super) async fn come(self) -> LogTailEnd {
        let barred = async {
            match self.watch {
                Some(watch) => watch.ended().await,
                None => std::future::pending().await,
            }
        };
        let closed = async {
            match self.closing {
                Some(closing) => closing.closed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = barred => LogTailEnd::Barred,
            () = closed => LogTailEnd::Closing,
        }
    }
}

async fn told(socket: WebSocket, logs: Arc<dyn Logs>, query: LogTailQuery, ends: Ends) {
    let (mut sink, mut heard) = socket.split();
    let (to, mut news) = mpsc::channel(WAITING_MAX);
    let sending = async {
        let mut pings = interval(PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let message = tokio::select! {
                Some(it) = news.recv() => written(&it),
                _ = pings.tick() => Message::Ping(Vec::new().into()),
            };
            if !matches!(timeout(TAKEN_WITHIN, sink.send(message)).await, Ok(Ok(()))) {
                return;
            }
        }
    };
    let end = tokio::select! {
        () = sending => None,
        () = gone(&mut heard) => None,
        () = logs.follow(query, to) => None,
        it = ends.come() => Some(it),
    };
    if let Some(why) = end {
        say_farewell(&mut sink, why).await;
    }
}

/// Returns when the other side is gone. What it says is not listened to.
pub(super) async fn gone(heard: &mut SplitStream<WebSocket>) {
    while let Some(Ok(it)) = heard.next().await
        && !matches!(it, Message::Close(_))
    {}
}

pub(super) async fn say_farewell(sink: &mut SplitSink<WebSocket, Message>, why: LogTailEnd) {
    let farewell = async {
        // Whoever is gone already does not hear it.
        let _ = sink.send(written(&LogTail::Ended { why })).await;
        let _ = sink.send(Message::Close(Some(close(why)))).await;
    };
    let _ = timeout(FAREWELL, farewell).await;
}

/// Where the reason was told already.
pub(super) async fn say_close(sink: &mut SplitSink<WebSocket, Message>, why: LogTailEnd) {
    let _ = timeout(FAREWELL, sink.send(Message::Close(Some(close(why))))).await;
}

fn written(told: &LogTail) -> Message {
    let text = serde_json::to_string(told).expect("lines are plain values, which are JSON");
    Message::Text(text.into())
}

fn close(why: LogTailEnd) -> CloseFrame {
    let (code, reason) = match why {
        LogTailEnd::Closing => (close_code::AWAY, "the server ends"),
        LogTailEnd::Barred => (close_code::POLICY, "the session or the right ended"),
    };
    CloseFrame { code, reason: Utf8Bytes::from_static(reason) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn followers_are_bounded_and_who_goes_makes_room() {
        let tails = Tails::default();
        let mut open: Vec<_> =
            (0..OF_ONE_MAX).map(|_| tails.begin("ada".into()).unwrap()).collect();
        assert!(matches!(tails.begin("ada".into()), Err(Error::Busy { .. })));
        open.pop();
        open.push(tails.begin("ada".into()).unwrap());
        let others = (OF_ONE_MAX..ALL_MAX).map(|it| tails.begin(it.to_string()).unwrap());
        let others: Vec<_> = others.collect();
        assert!(matches!(tails.begin("eve".into()), Err(Error::Busy { .. })));
        drop((open, others));
        assert!(tails.0.lock().unwrap().is_empty());
    }
}
