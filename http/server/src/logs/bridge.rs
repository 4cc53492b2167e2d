//! Following what engines log through a configuration server: it opens a WebSocket at an engine of the cluster that the
//! path names, in its user's name, and passes on what comes.
//!
//! What ends at the engine ends here. A new one goes to the next engine that answers.

use axum::Extension;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket};
use axum::http::request::Parts;
use axum::response::Response;
use futures::{SinkExt as _, StreamExt as _};
use tokio::time::timeout;
use weir_http_api::LogTailEnd;
use weir_http_client::{self as client, Heard, LogFollower, Opened};

use super::handshake::check_origin;
use super::tail::{Ends, TAKEN_WITHIN, Tails, Upgrade, gone, say_farewell, upgraded};
use crate::error::Error;
use crate::fleet::Fleet;
use crate::forward::{Way, passed_on};
use crate::listen::Closing;
use crate::origin::Client;
use crate::voucher::LIFE_MAX;

pub(crate) async fn follow_engine(
    State(fleet): State<Fleet>,
    Extension(tails): Extension<Tails>,
    Client(address): Client,
    upgrade: Upgrade,
    parts: Parts,
) -> Result<Response, Error> {
    check_origin(&parts.uri, &parts.headers)?;
    let way = Way::of(&fleet, &parts, &[], LIFE_MAX).await?;
    let (engines, path, headers) = (&way.cluster.engines, way.path.as_str(), &way.headers);
    let mut silent = None;
    for (number, engine) in engines.in_turn() {
        match engine.forward_following(path, headers.clone(), engines.turn()).await {
            Err(
                cause @ (client::Error::Unreachable { .. }
                | client::Error::Distrusted { .. }
                | client::Error::Interrupted { .. }),
            ) => silent = silent.or(Some(cause)),
            Err(cause) => return Err(Error::Forward { path: parts.uri.path().into(), cause }),
            Ok(Opened::Refused(answer)) => {
                engines.answered(number);
                return way.answered(passed_on(engine, &parts.uri, Ok(answer)));
            }
            Ok(Opened::Followed(follower)) => {
                engines.answered(number);
                let tail = tails.begin(format!("the address {address}"))?;
                let upgrade = upgraded(upgrade)?;
                let closing = parts.extensions.get::<Closing>().cloned();
                let ends = Ends { watch: None, closing };
                return Ok(upgrade.on_upgrade(move |socket| async move {
                    pass_on(socket, *follower, ends).await;
                    drop(tail);
                }));
            }
        }
    }
    let cause = silent.expect("there is at least one engine, and none answered");
    Err(Error::Forward { path: parts.uri.path().to_owned(), cause })
}

/// Nothing is read that nobody takes: the engine keeps it, and says how much was forgotten.
async fn pass_on(socket: WebSocket, mut follower: LogFollower, ends: Ends) {
    let (mut sink, mut heard) = socket.split();
    let passing = async {
        while let Ok(Some(told)) = follower.heard().await {
            let message = match told {
                Heard::Text(text) => Message::Text(text.into()),
                Heard::Life => Message::Ping(Vec::new().into()),
            };
            if !matches!(timeout(TAKEN_WITHIN, sink.send(message)).await, Ok(Ok(()))) {
                return false;
            }
        }
        true
    };
    let is_worth_a_word = tokio::select! {
        it = passing => it,
        () = gone(&mut heard) => false,
        _ = ends.come() => true,
    };
    if is_worth_a_word {
        say_farewell(&mut sink, LogTailEnd::Closing).await;
    }
    follower.close().await;
}
