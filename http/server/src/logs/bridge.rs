//! Following what engines log through a configuration server: it opens a WebSocket at an engine of the cluster that the
//! path names, in its user's name, and passes on what comes.
//!
//! - B1: what ends at the engine ends here, with the engine's reason, which is said once. A new one goes to the next engine
//!   that answers.
//! - B2: what the engine was shown for the user holds for minutes. Before that is over, and while the user's log-in here
//!   holds, the engine is shown another one, and asked for what follows: each line comes once (`seen`).
//! - B3: who is logged out here, or may not see logs any more, hears so within seconds.

use std::pin::pin;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket};
use axum::http::request::Parts;
use axum::response::Response;
use futures::stream::SplitSink;
use futures::{SinkExt as _, StreamExt as _};
use tokio::time::{sleep, timeout};
use weir_controllers::users::Identity;
use weir_domain::{ClusterName, Timestamp, UserClaim, UserName};
use weir_http_api::{LogTailEnd, LogTailQuery};
use weir_http_client::{self as client, Heard, LogFollower, Opened};

use super::handshake::check_origin;
use super::seen::{Passed, Seen};
use super::tail::{Ends, TAKEN_WITHIN, Tails, Upgrade, gone, say_close, say_farewell, upgraded};
use crate::error::{Error, is_refusal};
use crate::fleet::Fleet;
use crate::forward::{Way, passed_on};
use crate::guard::Guard;
use crate::listen::Closing;
use crate::origin::Client;
use crate::voucher::LIFE_MAX;

/// When the engine is shown another voucher: a minute before it believes the first one no more.
const RENEWED_AFTER: Duration = Duration::from_secs(240);
/// When that is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

pub(crate) async fn follow_engine(
    State(fleet): State<Fleet>,
    Extension(tails): Extension<Tails>,
    Client(address): Client,
    upgrade: Upgrade,
    parts: Parts,
) -> Result<Response, Error> {
    check_origin(&parts.uri, &parts.headers)?;
    let way = Way::of(&fleet, &parts, &[], LIFE_MAX).await?;
    let own = own_user(&parts).await?;
    let who = match &own {
        Some((user, _)) => format!("the user {user}"),
        None => format!("the address {address}"),
    };
    let vouched = own.filter(|_| way.is_vouched()).map(|it| it.1);
    let bridge = Bridge { fleet, parts, cluster: way.cluster.name.clone(), vouched };
    let tail = tails.begin(who)?;
    let follower = match bridge.opened(&way, &way.path).await? {
        Ok(follower) => follower,
        Err(refused) => return Ok(refused),
    };
    // Who is not let in is told so before how one asks.
    let upgrade = upgraded(upgrade)?;
    let closing = bridge.parts.extensions.get::<Closing>().cloned();
    let ends = Ends { watch: None, closing };
    Ok(upgrade.on_upgrade(move |socket| async move {
        bridge.pass_on(socket, follower, ends).await;
        drop(tail);
    }))
}

/// A user of this server, and when that was asked.
async fn own_user(parts: &Parts) -> Result<Option<(UserName, Timestamp)>, Error> {
    let Some(guard) = parts.extensions.get::<Guard>() else { return Ok(None) };
    Ok(guard.own_user(&parts.headers).await?.map(|(it, now)| (it.user, now)))
}

/// Who asked, and for what.
struct Bridge {
    fleet: Fleet,
    parts: Parts,
    cluster: ClusterName,
    /// Since when the engine knows the user by this server's word alone, if it does.
    vouched: Option<Timestamp>,
}

impl Bridge {
    /// The next engine that answers; or what it refused.
    async fn opened(
        &self,
        way: &Way,
        path: &str,
    ) -> Result<Result<Box<LogFollower>, Response>, Error> {
        let (uri, engines) = (&self.parts.uri, &way.cluster.engines);
        let mut silent = None;
        for (number, engine) in engines.in_turn() {
            match engine.forward_following(path, way.headers.clone(), engines.turn()).await {
                Err(
                    cause @ (client::Error::Unreachable { .. }
                    | client::Error::Distrusted { .. }
                    | client::Error::Interrupted { .. }),
                ) => silent = silent.or(Some(cause)),
                Err(cause) => return Err(Error::Forward { path: uri.path().into(), cause }),
                Ok(Opened::Refused(answer)) => {
                    engines.answered(number);
                    return way.answered(passed_on(engine, uri, Ok(answer))).map(Err);
                }
                Ok(Opened::Followed(follower)) => {
                    engines.answered(number);
                    return Ok(Ok(follower));
                }
            }
        }
        let cause = silent.expect("there is at least one engine, and none answered");
        Err(Error::Forward { path: uri.path().to_owned(), cause })
    }

    /// What follows, shown another voucher. `Err`: that is not to be.
    async fn renewed(&self, since: Timestamp) -> Result<Option<Box<LogFollower>>, LogTailEnd> {
        let way = match Way::of(&self.fleet, &self.parts, &[], LIFE_MAX).await {
            Ok(way) => way,
            Err(error) => return barred_by(error),
        };
        match self.opened(&way, &again(&way.path, since)).await {
            Ok(Ok(follower)) => Ok(Some(follower)),
            Ok(Err(refused)) if refused.status().is_client_error() => Err(LogTailEnd::Barred),
            Ok(Err(_)) => Ok(None),
            Err(error) => barred_by(error),
        }
    }

    /// Returns when the log-in here opens this no more.
    async fn barred(&self) {
        let guard = self.parts.extensions.get::<Guard>().filter(|_| self.vouched.is_some());
        let Some(guard) = guard else { return std::future::pending().await };
        let sees_logs = |it: &Identity| {
            it.grants.at(&self.cluster).allows_somewhere(UserClaim::ClusterLog).is_some()
        };
        guard.own_user_is_gone(&self.parts.headers, sees_logs).await;
    }

    /// Nothing is read that nobody takes: the engine keeps it, and says how much was forgotten.
    async fn pass_on(self, socket: WebSocket, mut follower: Box<LogFollower>, ends: Ends) {
        let (mut sink, mut heard) = socket.split();
        let end = tokio::select! {
            it = self.passing(&mut sink, &mut follower) => it,
            () = gone(&mut heard) => End::Gone,
            () = self.barred() => End::Says(LogTailEnd::Barred),
            it = ends.come() => End::Says(it),
        };
        match end {
            End::Gone => {}
            End::Said(why) => say_close(&mut sink, why).await,
            End::Says(why) => say_farewell(&mut sink, why).await,
        }
        follower.close().await;
    }

    async fn passing(
        &self,
        sink: &mut SplitSink<WebSocket, Message>,
        follower: &mut Box<LogFollower>,
    ) -> End {
        let mut seen = Seen::default();
        let mut renewal = pin!(sleep(RENEWED_AFTER));
        loop {
            let told = tokio::select! {
                told = follower.heard() => told,
                () = &mut renewal, if self.vouched.is_some() => {
                    let since = seen.since(self.vouched.unwrap_or_default());
                    match self.renewed(since).await {
                        Ok(Some(next)) => {
                            renewal.set(sleep(RENEWED_AFTER));
                            seen.again();
                            std::mem::replace(follower, next).close().await;
                        }
                        Ok(None) => renewal.set(sleep(AGAIN_AFTER)),
                        Err(why) => return End::Says(why),
                    }
                    continue;
                }
            };
            let (message, said) = match told {
                Ok(Some(Heard::Text(text))) => match seen.passed(text) {
                    Passed::On(text) => (Message::Text(text.into()), None),
                    Passed::Ended(text, why) => (Message::Text(text.into()), Some(why)),
                    Passed::Nothing => continue,
                },
                Ok(Some(Heard::Life)) => (Message::Ping(Vec::new().into()), None),
                Ok(None) | Err(_) => return End::Says(LogTailEnd::Closing),
            };
            if !matches!(timeout(TAKEN_WITHIN, sink.send(message)).await, Ok(Ok(()))) {
                return End::Gone;
            }
            if let Some(why) = said {
                return End::Said(why);
            }
        }
    }
}

/// How it came to an end.
enum End {
    /// Who follows has enough, or is away.
    Gone,
    /// The engine has said why.
    Said(LogTailEnd),
    Says(LogTailEnd),
}

/// That it is not known now ends nothing.
fn barred_by<T>(error: Error) -> Result<Option<T>, LogTailEnd> {
    if is_refusal(error) { Err(LogTailEnd::Barred) } else { Ok(None) }
}

/// The same question, for what was logged since then.
fn again(path: &str, since: Timestamp) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let is_kept =
        |it: &&str| !it.is_empty() && !it.starts_with("since=") && !it.starts_with("tail=");
    let kept: String = query.split('&').filter(is_kept).map(|it| format!("{it}&")).collect();
    format!("{path}?{kept}since={since}&tail={}", LogTailQuery::TAIL_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_again_asks_for_what_followed() {
        let since = Timestamp(1_800_000_000_000);
        for (path, wanted) in [
            ("/l", "/l?"),
            ("/l?level=warn&tail=5", "/l?level=warn&"),
            ("/l?since=2026-01-01T00:00:00Z&node=n-1", "/l?node=n-1&"),
        ] {
            let wanted = format!("{wanted}since=2027-01-15T08:00:00.000Z&tail=1000");
            assert_eq!(again(path, since), wanted);
        }
    }
}
