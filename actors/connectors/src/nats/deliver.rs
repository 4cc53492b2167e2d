//! Publishes what an outbox holds.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;

use async_nats::jetstream::context::{PublishAckFuture, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::{self, Context};
use async_nats::{Client, HeaderMap, Subject};
use futures::StreamExt as _;
use serde::{Deserialize, Serialize};
use weir_domain::Fault;
use weir_stream::Published;

use super::client::{self, ANSWER_WITHIN, wait};
use super::codes;
use super::config::{Connection, SinkConfig};
use crate::chain;
use crate::messages::Message;
use crate::outbox::{Deliver, Delivery};

/// Messages that wait for their confirmation at a time.
const UNCONFIRMED_MAX: usize = 256;

pub(super) struct Publisher;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Target {
    /// Of messages that have none of their own.
    pub(super) subject: Option<String>,
    pub(super) jet_stream: bool,
}

impl Deliver for Publisher {
    const NAME: &'static str = super::NAME;
    type Connection = Connection;
    type Target = Target;
    type Config = SinkConfig;

    fn renewed(stored: Target, config: SinkConfig) -> Target {
        Target { subject: config.subject.or(stored.subject), ..stored }
    }

    fn deliver(
        &self,
        connection: Connection,
        delivery: &Delivery<'_, Target>,
    ) -> Result<Vec<Published>, Fault> {
        let client = wait(client::connect(&connection, delivery.job))?;
        let (mut number, id) = (0_u64, delivery.outbox.id());
        for part in delivery.parts() {
            let Some(entries) = part? else { return Ok(Vec::new()) };
            let messages = entries.iter().map(|it| Message::from_bytes(it));
            let messages: Vec<_> = messages.collect::<Result<_, _>>()?;
            let first = number;
            number += messages.len() as u64;
            let numbered = (first..).zip(messages).map(|(at, it)| (format!("{id}#{at}"), it));
            wait(publish(&client, &delivery.target, numbered))?;
        }
        Ok(Vec::new())
    }
}

async fn publish(
    client: &Client,
    target: &Target,
    messages: impl Iterator<Item = (String, Message)>,
) -> Result<(), Fault> {
    let mut wire = Wire::of(client.clone(), target);
    for (id, message) in messages {
        wire.publish(Some(&id), message).await?;
    }
    wire.settle().await
}

/// A connection on which messages are published one after the other.
pub(super) struct Wire {
    client: Client,
    /// Of messages that have none of their own.
    subject: Option<String>,
    /// `None`: core NATS, which confirms nothing.
    context: Option<Context>,
    unconfirmed: VecDeque<(String, PublishAckFuture)>,
    /// How often the client had connected by the first message that is not confirmed.
    connects: u64,
}

impl Wire {
    pub(super) fn of(client: Client, target: &Target) -> Self {
        let context = target.jet_stream.then(|| {
            let mut context = jetstream::new(client.clone());
            context.set_timeout(ANSWER_WITHIN);
            context
        });
        let (subject, connects) = (target.subject.clone(), connects(&client));
        Self { client, subject, context, unconfirmed: VecDeque::new(), connects }
    }

    pub(super) async fn publish(
        &mut self,
        id: Option<&str>,
        message: Message,
    ) -> Result<(), Fault> {
        let subject = self.subject_of(&message)?;
        let Some(context) = &self.context else {
            let headers = headers(&message);
            let sent = self.client.publish_with_headers(subject, headers, message.body);
            // While there is no connection, what is published waits.
            return answered(sent)
                .await?
                .map_err(|it| Fault::transient(codes::PUBLISH, chain(&it)));
        };
        if self.unconfirmed.len() >= UNCONFIRMED_MAX {
            confirmed(self.unconfirmed.pop_front()).await?;
        }
        let text = subject.to_string();
        let sent = send(context, subject, id, message).await;
        self.unconfirmed.push_back((text.clone(), sent.map_err(|it| fault(&text, &it))?));
        Ok(())
    }

    /// Waits until the server has all.
    pub(super) async fn settle(&mut self) -> Result<(), Fault> {
        if self.context.is_none() {
            answered(echo(&self.client)).await??;
            if connects(&self.client) != self.connects {
                let message = "the connection to NATS was lost, and maybe messages with it";
                return Err(Fault::transient(codes::AWAY, message).with_hint(
                    "they are published again: look why the server or the network was away",
                ));
            }
        }
        while !self.unconfirmed.is_empty() {
            confirmed(self.unconfirmed.pop_front()).await?;
        }
        Ok(())
    }

    fn subject_of(&self, message: &Message) -> Result<Subject, Fault> {
        let subject = message.address.as_ref().or(self.subject.as_ref());
        let subject = subject.and_then(|it| Subject::validated(it).ok());
        subject.ok_or_else(|| Fault::config(codes::PUBLISH, "a message has no subject"))
    }
}

fn connects(client: &Client) -> u64 {
    client.statistics().connects.load(Ordering::Relaxed)
}

/// Hears a message of its own: the server has read all that was published before it.
async fn echo(client: &Client) -> Result<(), Fault> {
    let away = |error: &dyn std::error::Error| Fault::transient(codes::AWAY, chain(error));
    let inbox = client.new_inbox();
    let mut heard = client.subscribe(inbox.clone()).await.map_err(|it| away(&it))?;
    client.publish(inbox, bytes::Bytes::new()).await.map_err(|it| away(&it))?;
    match heard.next().await {
        Some(_) => Ok(()),
        None => Err(Fault::transient(codes::AWAY, "the connection to NATS was closed")),
    }
}

async fn answered<T>(call: impl Future<Output = T>) -> Result<T, Fault> {
    tokio::time::timeout(ANSWER_WITHIN, call).await.map_err(|_| {
        Fault::transient(codes::AWAY, "NATS does not answer")
            .with_hint("does a server run there, and may we subscribe to `_INBOX.>`?")
    })
}

async fn send(
    context: &Context,
    subject: Subject,
    id: Option<&str>,
    message: Message,
) -> Result<PublishAckFuture, jetstream::context::PublishError> {
    let publish = PublishMessage::build().headers(headers(&message)).payload(message.body);
    let publish = match id {
        Some(id) => publish.message_id(id),
        None => publish,
    };
    context.send_publish(subject, publish).await
}

async fn confirmed(sent: Option<(String, PublishAckFuture)>) -> Result<(), Fault> {
    let Some((subject, sent)) = sent else { return Ok(()) };
    // That it was there already is as good.
    sent.await.map(|_| ()).map_err(|it| fault(&subject, &it))
}

fn headers(message: &Message) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in &message.headers {
        // Names and values that can't be were refused when they were written.
        let name = name.parse::<async_nats::HeaderName>();
        let value = String::from_utf8_lossy(value).parse::<async_nats::HeaderValue>();
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    headers
}

fn fault(subject: &str, error: &jetstream::context::PublishError) -> Fault {
    let message = format!("a message to {subject} was not taken: {}", chain(error));
    let fault = Fault::transient(codes::PUBLISH, message);
    match error.kind() {
        PublishErrorKind::StreamNotFound => {
            fault.with_hint("make a stream that takes this subject: `nats stream add`")
        }
        PublishErrorKind::MaxPayloadExceeded => {
            fault.with_hint("raise `max_payload` of the servers to `maxPayload` of the sink")
        }
        PublishErrorKind::WrongLastMessageId
        | PublishErrorKind::WrongLastSequence
        | PublishErrorKind::TimedOut
        | PublishErrorKind::BrokenPipe
        | PublishErrorKind::MaxAckPending
        | PublishErrorKind::Other => fault.with_hint("it is tried again; does the server run?"),
    }
}
