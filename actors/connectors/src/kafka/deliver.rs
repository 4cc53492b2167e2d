//! Sends what is in an outbox.
//!
//! ```text
//! fence ─► was it sent? ── yes ─► done
//!                      └── no ──► one transaction: messages, token ─► commit
//! ```
//!
//! Invariants:
//! - K4: the token of an outbox is in the same transaction as its messages: either all of them are
//!   there for those who read what is committed, or none.
//! - K5: whoever sends has put an end to all who sent for the same job before it looks for the token:
//!   no transaction that it does not see can still be committed.

use std::collections::BTreeMap;

use weir_domain::Fault;
use weir_stream::{CrashPoint, Published, reach};

use super::config::{Guarantee, SinkConfig};
use super::connection::Connection;
use super::producer::Producer;
use super::sink::Target;
use super::{NAME, commits};
use crate::messages::Message;
use crate::outbox::{Deliver, Delivery};

pub(super) struct Sender;

impl Deliver for Sender {
    const NAME: &'static str = NAME;
    type Connection = Connection;
    type Target = Target;
    type Config = SinkConfig;

    /// What tells whether it was sent stays: the promise, where the tokens are, and who sends.
    fn renewed(stored: Target, config: SinkConfig) -> Target {
        Target {
            topic: config.topic.or(stored.topic),
            transaction_timeout: config.transaction_timeout,
            partitioner: config.partitioner,
            compression: config.compression,
            max_message_bytes: config.max_message_bytes,
            ..stored
        }
    }

    fn deliver(
        &self,
        connection: Connection,
        delivery: &Delivery<'_, Target>,
    ) -> Result<Vec<Published>, Fault> {
        let sent = match delivery.target.delivery {
            Guarantee::ExactlyOnce => once(&connection, delivery)?,
            Guarantee::AtLeastOnce | Guarantee::Immediate => at_least_once(&connection, delivery)?,
        };
        let broker = connection.brokers.first().map_or("", String::as_str);
        let of = |topic| Published { address: format!("kafka://{broker}/{topic}"), warning: None };
        Ok(sent.unwrap_or_default().into_keys().map(of).collect())
    }
}

/// How many messages were sent, by topic.
type Sent = BTreeMap<String, u64>;

/// `None`: everything was sent before, by this engine or by another.
fn once(connection: &Connection, delivery: &Delivery<'_, Target>) -> Result<Option<Sent>, Fault> {
    let (target, id) = (&delivery.target, delivery.outbox.id());
    let producer = Producer::transactional(connection, target)?;
    let token = commits::Token { job: delivery.job, outbox: id, since: target.since };
    if commits::has(connection, &target.commits, &token)? {
        return Ok(None);
    }
    producer.begin()?;
    let sent = send(&producer, delivery).and_then(|sent| {
        if sent.is_some() {
            producer.send_token(&target.commits, &token)?;
            producer.settle()?;
        }
        Ok(sent)
    });
    match sent {
        Ok(Some(sent)) => {
            reach(CrashPoint::BeforePublication);
            producer.commit().map(|()| Some(sent))
        }
        Ok(None) => {
            producer.abort();
            Ok(None)
        }
        Err(fault) => {
            producer.abort();
            Err(fault)
        }
    }
}

fn at_least_once(
    connection: &Connection,
    delivery: &Delivery<'_, Target>,
) -> Result<Option<Sent>, Fault> {
    let producer = Producer::plain(connection, &delivery.target)?;
    let sent = send(&producer, delivery)?;
    producer.settle()?;
    Ok(sent)
}

fn send(producer: &Producer, delivery: &Delivery<'_, Target>) -> Result<Option<Sent>, Fault> {
    let mut sent = Sent::new();
    for part in delivery.parts() {
        let Some(entries) = part? else { return Ok(None) };
        for entry in entries {
            let message = Message::from_bytes(&entry)?;
            let topic = message.address.as_ref().or(delivery.target.topic.as_ref());
            // A record without one was refused when it was written.
            let Some(topic) = topic else { continue };
            producer.send(topic, &message)?;
            match sent.get_mut(topic) {
                Some(count) => *count += 1,
                None => drop(sent.insert(topic.clone(), 1)),
            }
        }
    }
    Ok(Some(sent))
}
