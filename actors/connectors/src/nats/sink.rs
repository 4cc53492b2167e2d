//! Writes messages into an outbox, from which they are published; or publishes them as they come.

use arrow::datatypes::SchemaRef;
use async_nats::Client;
use weir_domain::Fault;
use weir_stream::{Action, BuildContext, Sink, SinkWriter, StreamContext};

use super::client::{self, wait};
use super::config::{Delivery, SinkConfig};
use super::deliver::{Publisher, Target};
use super::line::Line;
use super::{NAME, jetstream};
use crate::messages::{Envelope, Message, MessageWriter, Outlet, Posting};
use crate::outbox::{Outgoing, discarding};

pub(super) struct NatsSink {
    config: SinkConfig,
    cx: BuildContext,
    /// What publishes at once, for all segments of a run.
    client: Option<Client>,
}

impl NatsSink {
    pub(super) fn new(config: SinkConfig, cx: &BuildContext) -> Self {
        Self { config, cx: cx.clone(), client: None }
    }

    fn client(&mut self) -> Result<Client, Fault> {
        if let Some(client) = &self.client {
            return Ok(client.clone());
        }
        let client = wait(client::connect(&self.config.connection, self.cx.stage.as_str()))?;
        Ok(self.client.insert(client).clone())
    }
}

impl Sink for NatsSink {
    fn open(
        &mut self,
        stream: &StreamContext,
        schema: SchemaRef,
    ) -> Result<Box<dyn SinkWriter>, Fault> {
        let SinkConfig { subject, subject_field, headers, .. } = &self.config;
        let envelope =
            Envelope { key: None, address: subject_field.clone(), headers: headers.clone() };
        let target = Target { subject: subject.clone(), jet_stream: self.config.jet_stream };
        let has_subject = target.subject.is_some();
        let longest = usize::try_from(self.config.max_payload.0).unwrap_or(usize::MAX);
        let outlet = match self.config.delivery {
            Delivery::Committed => {
                let (cx, context) = (self.cx.clone(), stream.clone());
                let send = move |outbox| {
                    Outgoing::<Publisher>::sending(&cx, &context, outbox, target.clone())
                };
                Outlet::outbox(&self.cx, stream, send)?
            }
            Delivery::Immediate => Outlet::line(Line::of(self.client()?, &target)),
        };
        let posting = Posting { format: &self.config.format, envelope, outlet };
        let writer = MessageWriter::open(posting, &self.cx, &schema)?;
        Ok(Box::new(writer.refusing(move |it| unfit(it, has_subject, longest))))
    }

    fn target(&self) -> Option<String> {
        let (subject, at) = (&self.config.subject, self.config.connection.servers.join(", "));
        Some(match subject {
            Some(subject) => format!("subject {subject} of NATS at {at}"),
            None => format!("NATS at {at}"),
        })
    }

    /// Whether a server answers and lets us in, and a stream of JetStream takes the subject. Nothing is
    /// published.
    fn check_access(&self, _: Option<&SchemaRef>) -> Result<(), Fault> {
        let SinkConfig { connection, subject, jet_stream, .. } = &self.config;
        wait(async {
            let client = client::connect(connection, "connection test").await?;
            match subject.as_ref().filter(|_| *jet_stream) {
                Some(subject) => jetstream::taker(&client, subject).await,
                None => Ok(()),
            }
        })
    }

    fn discard(&self, stream: &StreamContext) -> Vec<Action> {
        discarding(NAME, stream, &self.cx.stage)
    }
}

/// Why a message can't be published, if so. Whoever publishes can't leave it out any more.
fn unfit(message: &Message, has_subject: bool, longest: usize) -> Option<String> {
    match &message.address {
        Some(subject) if !is_subject(subject) => {
            return Some(format!("nothing can be published to the subject {subject:?}"));
        }
        None if !has_subject => return Some("it has no subject".to_owned()),
        Some(_) | None => {}
    }
    let headers = message.headers.iter();
    if let Some((name, _)) =
        headers.clone().find(|it| it.1.iter().any(|it| matches!(it, b'\r' | b'\n')))
    {
        return Some(format!("the header {name} would have several lines"));
    }
    if let Some((name, _)) = headers.clone().find(|it| str::from_utf8(&it.1).is_err()) {
        return Some(format!("the header {name} would be no text"));
    }
    // Around each header are four bytes, around all of them, with the identity, less than 256.
    let beside: usize = headers.map(|it| it.0.len() + it.1.len() + 4).sum();
    let length = message.body.len() + beside + 256;
    (length > longest).then(|| format!("a message of {length} bytes is longer than maxPayload"))
}

pub(super) fn is_subject(subject: &str) -> bool {
    let is_token = |it: &str| {
        !it.is_empty()
            && !it.contains(|it: char| {
                it.is_whitespace() || it.is_control() || matches!(it, '*' | '>')
            })
    };
    subject.split('.').all(is_token)
}

pub(super) fn is_header_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|it| it.is_ascii_graphic() && it != b':')
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn what_the_server_would_never_take_is_bad_before_it_is_committed() {
        let of = |subject: Option<&str>, header: &'static str| Message {
            body: Bytes::from_static(b"0123456789"),
            key: None,
            headers: vec![("h".to_owned(), Bytes::from_static(header.as_bytes()))],
            address: subject.map(str::to_owned),
        };
        assert_eq!(unfit(&of(Some("a.b"), "x"), false, 1_000), None);
        assert_eq!(unfit(&of(None, "x"), true, 1_000), None);
        assert!(unfit(&of(None, "x"), false, 1_000).is_some());
        assert!(unfit(&of(Some("a.b"), "x"), false, 200).is_some());
        assert!(unfit(&of(Some("a.b"), "x\ny"), false, 1_000).is_some());
        for subject in ["", ".", "a.", "a b", "a.*", ">", "a\tb", "a\u{0}"] {
            assert!(unfit(&of(Some(subject), "x"), true, 1_000).is_some(), "{subject:?}");
        }
    }
}
