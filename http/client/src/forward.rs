//! Passing a question or a command on to another server, answer unread.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use reqwest::{Method, Response, Url};

use crate::error::NO_ANSWER;
use crate::events::NO_LIMIT;
use crate::{Client, Error};

/// The other server's answer as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forwarded {
    pub status: u16,
    /// Those that say something about the answer, not about the connection.
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// There is no answer.
#[derive(Debug)]
pub struct Unanswered {
    /// Whether the request may have reached the server.
    pub has_arrived: bool,
    pub error: Error,
}

const PASSED_ON: [HeaderName; 3] = [CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE];

impl Client {
    /// Reads `path_and_query` (which begins with a slash) of this server, with these headers. Any
    /// status is an answer; only the lack of one is an error. Where `within` is given, the answer
    /// must have begun by then. A path that would lead elsewhere once its dots are resolved is
    /// refused.
    pub async fn forward(
        &self,
        path_and_query: &str,
        headers: HeaderMap,
        within: Option<Duration>,
    ) -> Result<Forwarded, Unanswered> {
        self.forward_command(Method::GET, path_and_query, headers, Bytes::new(), within).await
    }

    /// As [`Client::forward`], a command with its method and body.
    pub async fn forward_command(
        &self,
        method: Method,
        path_and_query: &str,
        headers: HeaderMap,
        body: Bytes,
        within: Option<Duration>,
    ) -> Result<Forwarded, Unanswered> {
        let url = self.below(path_and_query).map_err(not_sent)?;
        let is_question = method.is_safe();
        let request = self.http.request(method, url).headers(headers).body(body);
        let answer = match within {
            Some(within) => {
                let sent = tokio::time::timeout(within, self.sent(request)).await;
                sent.unwrap_or_else(|_| Err(self.silent(is_question)))
            }
            None => self.sent(request).await,
        };
        let answer = answer.map_err(|error| Unanswered {
            has_arrived: matches!(error, Error::Interrupted { .. }),
            error,
        })?;
        let (status, headers) = (answer.status().as_u16(), passed_on(&answer));
        Ok(Forwarded { status, headers, body: self.body(answer).await.map_err(lost)? })
    }

    /// As [`Client::forward`], for an answer that goes on: its head, which must have come by then, and
    /// its body as it comes.
    pub async fn follow(
        &self,
        path_and_query: &str,
        headers: HeaderMap,
        within: Duration,
    ) -> Result<(Forwarded, reqwest::Body), Error> {
        let request = self.http.get(self.below(path_and_query)?).headers(headers);
        let sent = tokio::time::timeout(within, self.sent(request.timeout(NO_LIMIT))).await;
        let answer = sent.unwrap_or_else(|_| Err(self.silent(true)))?;
        let (status, headers) = (answer.status().as_u16(), passed_on(&answer));
        Ok((Forwarded { status, headers, body: Vec::new() }, answer.into()))
    }

    pub(crate) fn silent(&self, is_question: bool) -> Error {
        let url = self.base().to_owned();
        Error::Interrupted { url, cause: NO_ANSWER.to_owned(), is_question }
    }

    pub(crate) fn below(&self, path_and_query: &str) -> Result<Url, Error> {
        let given = format!("{}{path_and_query}", self.base());
        match Url::parse(&given) {
            Ok(url) if url.as_str() == given => Ok(url),
            _ => Err(Error::Address { given, reason: "its path is not in normal form".into() }),
        }
    }
}

pub(crate) fn passed_on(answer: &Response) -> HeaderMap {
    let known = PASSED_ON.iter().filter_map(|it| Some((it.clone(), answer.headers().get(it)?)));
    known.map(|(name, value)| (name, value.clone())).collect()
}

fn lost(error: Error) -> Unanswered {
    Unanswered { has_arrived: true, error }
}

fn not_sent(error: Error) -> Unanswered {
    Unanswered { has_arrived: false, error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forwarded_path_stays_below_the_server() {
        let client = Client::new("http://h:1").expect("an address");
        assert!(client.below("/api/v1/streams?limit=5&state=open").is_ok());
        assert!(client.below("/api/v1/workflows/a%20b").is_ok());
        for bad in ["/api/v1/nodes/../x", "/api/v1/nodes/%2e%2e/x", "/api/v1/nodes/./x", "\\x"] {
            assert!(client.below(bad).is_err(), "{bad}");
        }
    }
}
