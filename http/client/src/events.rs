//! A stream of server-sent events, one value after the other.
//!
//! It ends when the server ends it, and fails when the server is silent for longer than its
//! heartbeats are apart. Whoever goes on asks anew.

use std::time::Duration;

use reqwest::Response;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use weir_http_api::ClusterEvent;

use crate::{Client, Error};

/// As good as without an end; the silence between two events has a bound of its own.
pub(crate) const NO_LIMIT: Duration = Duration::from_secs(10 * 365 * 86_400);
/// Longest event that is read.
const EVENT_BYTES_MAX: usize = 16 << 20;

/// Events of a cluster, as they happen.
#[derive(Debug)]
pub struct Events {
    client: Client,
    response: Response,
    /// What arrived and is not a whole line yet.
    pending: Vec<u8>,
    /// Lines of `data` of the event that is being read.
    data: String,
}

impl Events {
    pub(crate) async fn of(client: &Client, path: &[&str]) -> Result<Self, Error> {
        let request = client.authorized(client.http.get(client.url(path))).timeout(NO_LIMIT);
        let response = client.sent(request.header(ACCEPT, "text/event-stream")).await?;
        if !response.status().is_success() {
            return Err(client.refused(response).await);
        }
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
        if !content_type.is_some_and(|it| it.starts_with("text/event-stream")) {
            let cause = "it is no stream of events".to_owned();
            return Err(Error::Decode { url: response.url().to_string(), cause });
        }
        Ok(Self { client: client.clone(), response, pending: Vec::new(), data: String::new() })
    }

    /// The next event; `None` when the server ended the stream.
    pub async fn next(&mut self) -> Result<Option<ClusterEvent>, Error> {
        loop {
            while let Some(line) = take_line(&mut self.pending) {
                if let Some(data) = read_line(&line, &mut self.data) {
                    return serde_json::from_str(&data)
                        .map(Some)
                        .map_err(|it| self.undecodable(&it));
                }
            }
            if self.pending.len() + self.data.len() > EVENT_BYTES_MAX {
                return Err(self.undecodable(&"an event is too long"));
            }
            match self.client.piece(&mut self.response).await? {
                Some(chunk) => self.pending.extend_from_slice(&chunk),
                None => return Ok(None),
            }
        }
    }

    fn undecodable(&self, cause: &impl ToString) -> Error {
        Error::Decode { url: self.response.url().to_string(), cause: cause.to_string() }
    }
}

/// The first whole line, without its end.
fn take_line(pending: &mut Vec<u8>) -> Option<String> {
    let end = pending.iter().position(|it| *it == b'\n')?;
    let line: Vec<u8> = pending.drain(..=end).collect();
    let line = line[..end].strip_suffix(b"\r").unwrap_or(&line[..end]);
    Some(String::from_utf8_lossy(line).into_owned())
}

/// Adds one line; returns the data of an event that it ends. The name of an event stands in its
/// data, too, so that other fields and comments say nothing new.
fn read_line(line: &str, data: &mut String) -> Option<String> {
    if line.is_empty() {
        return Some(std::mem::take(data)).filter(|it| !it.is_empty());
    }
    if let Some(text) = line.strip_prefix("data:") {
        if !data.is_empty() {
            data.push('\n');
        }
        data.push_str(text.strip_prefix(' ').unwrap_or(text));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_wherever_the_network_cuts_them() {
        let text =
            ": alive\n\nevent: a\ndata: {\"x\":\r\ndata: 1}\n\n\ndata:2\nid: 7\n\ndata: cut off";
        for size in 1..text.len() {
            let (mut pending, mut data, mut read) = (Vec::new(), String::new(), Vec::new());
            for chunk in text.as_bytes().chunks(size) {
                pending.extend_from_slice(chunk);
                while let Some(line) = take_line(&mut pending) {
                    read.extend(read_line(&line, &mut data));
                }
            }
            assert_eq!(read, ["{\"x\":\n1}", "2"], "in pieces of {size}");
        }
    }
}
