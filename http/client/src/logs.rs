//! What engines and servers log: a page, or followed over a WebSocket.

use std::fmt::Display;
use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use reqwest::header::{
    CONNECTION, HeaderMap, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use reqwest::{RequestBuilder, Response, StatusCode, Upgraded};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message};
use weir_http_api::{LOG_PROTOCOL, LogPage, LogTail, LogTailQuery, LogsQuery};

use crate::error::{NO_ANSWER, cause};
use crate::events::NO_LIMIT;
use crate::{Client, Error, Forwarded};

/// A server pings more often: who is silent for longer is gone.
const SILENCE_MAX: Duration = Duration::from_secs(35);
/// How long the opening may take.
const OPENED_WITHIN: Duration = Duration::from_secs(10);
/// Longest message that is read: lines are sent in parts that are far shorter.
const MESSAGE_BYTES_MAX: usize = 32 << 20;

/// Whose log is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogsOf {
    Engines,
    /// The configuration server that is asked.
    Server,
}

impl LogsOf {
    fn path(self, more: &[&'static str]) -> Vec<&'static str> {
        let root: &[_] = match self {
            Self::Engines => &["logs"],
            Self::Server => &["server", "logs"],
        };
        [root, more].concat()
    }
}

/// What is logged, as it is logged.
pub struct LogFollower {
    url: String,
    socket: WebSocketStream<Upgraded>,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    Text(String),
    /// It says nothing but that the server is there.
    Life,
}

/// The opening of a WebSocket, passed on.
pub enum Opened {
    Followed(Box<LogFollower>),
    /// It was refused, or something else answered.
    Refused(Forwarded),
}

impl Client {
    pub async fn logs(&self, of: LogsOf, query: &LogsQuery) -> Result<LogPage, Error> {
        self.get_with(&of.path(&[]), query).await
    }

    pub async fn follow_logs(
        &self,
        of: LogsOf,
        query: &LogTailQuery,
    ) -> Result<LogFollower, Error> {
        let request = self.authorized(self.http.get(self.url(&of.path(&["tail"]))).query(query));
        match self.opened(request, OPENED_WITHIN).await? {
            Ok(followed) => Ok(followed),
            Err(answer) if answer.status().is_success() => {
                let url = answer.url().to_string();
                Err(Error::Decode { url, cause: "it is no WebSocket".to_owned() })
            }
            Err(answer) => Err(self.refused(answer).await),
        }
    }

    /// As [`Client::forward`], for a WebSocket.
    pub async fn forward_following(
        &self,
        path_and_query: &str,
        headers: HeaderMap,
        within: Duration,
    ) -> Result<Opened, Error> {
        let request = self.http.get(self.below(path_and_query)?).headers(headers);
        match self.opened(request, within).await? {
            Ok(followed) => Ok(Opened::Followed(Box::new(followed))),
            Err(answer) => {
                let (status, headers) =
                    (answer.status().as_u16(), crate::forward::passed_on(&answer));
                let body = self.body(answer).await?;
                Ok(Opened::Refused(Forwarded { status, headers, body }))
            }
        }
    }

    /// The WebSocket, or the answer that is none.
    async fn opened(
        &self,
        request: RequestBuilder,
        within: Duration,
    ) -> Result<Result<LogFollower, Response>, Error> {
        let key = generate_key();
        let request = request
            .header(CONNECTION, HeaderValue::from_static("Upgrade"))
            .header(UPGRADE, HeaderValue::from_static("websocket"))
            .header(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"))
            .header(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(LOG_PROTOCOL))
            .header(SEC_WEBSOCKET_KEY, &key)
            .timeout(NO_LIMIT);
        let sent = timeout(within, self.sent(request)).await;
        let answer = sent.unwrap_or_else(|_| Err(self.silent(true)))?;
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Ok(Err(answer));
        }
        let url = answer.url().to_string();
        let accepted = answer.headers().get(SEC_WEBSOCKET_ACCEPT).map(HeaderValue::as_bytes);
        if accepted != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
            return Err(Error::Decode { url, cause: "it opened another WebSocket".to_owned() });
        }
        let upgraded = answer.upgrade().await;
        let upgraded = upgraded.map_err(|it| Error::Interrupted {
            url: url.clone(),
            cause: cause(it),
            is_question: true,
        })?;
        let limits = WebSocketConfig::default()
            .max_message_size(Some(MESSAGE_BYTES_MAX))
            .max_frame_size(Some(MESSAGE_BYTES_MAX));
        let socket = WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(limits)).await;
        Ok(Ok(LogFollower { url, socket }))
    }
}

impl LogFollower {
    /// What is told next; `None` when the server ended it in good order.
    pub async fn next(&mut self) -> Result<Option<LogTail>, Error> {
        loop {
            match self.heard().await? {
                Some(Heard::Text(text)) => {
                    let told = serde_json::from_str(&text);
                    return told.map(Some).map_err(|it| self.undecodable(&it));
                }
                Some(Heard::Life) => {}
                None => return Ok(None),
            }
        }
    }

    /// The same, unread, and each sign of life between.
    pub async fn heard(&mut self) -> Result<Option<Heard>, Error> {
        let Ok(message) = timeout(SILENCE_MAX, self.socket.next()).await else {
            return Err(self.interrupted(&NO_ANSWER));
        };
        match message {
            Some(Ok(Message::Text(text))) => Ok(Some(Heard::Text(text.as_str().to_owned()))),
            Some(Ok(Message::Close(_))) | None => Ok(None),
            // Pings are answered below.
            Some(Ok(_)) => Ok(Some(Heard::Life)),
            Some(Err(error @ tungstenite::Error::Capacity(_))) => Err(self.undecodable(&error)),
            Some(Err(error)) => Err(self.interrupted(&error)),
        }
    }

    /// Says that nobody listens any more.
    pub async fn close(mut self) {
        // Whether it is heard makes no difference here.
        let _ = timeout(Duration::from_secs(1), self.socket.send(Message::Close(None))).await;
    }

    fn interrupted(&self, cause: &dyn Display) -> Error {
        Error::Interrupted { url: self.url.clone(), cause: cause.to_string(), is_question: true }
    }

    fn undecodable(&self, cause: &dyn Display) -> Error {
        Error::Decode { url: self.url.clone(), cause: cause.to_string() }
    }
}
