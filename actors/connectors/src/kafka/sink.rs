//! The sink: messages are made and kept in an outbox, from where they are sent once the commit is decided;
//! or sent as they come.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use serde::{Deserialize, Serialize};
use weir_domain::{Bytes, Fault, Millis, Timestamp};
use weir_stream::{Action, BuildContext, Sink as StreamSink, SinkWriter, StreamContext};

use super::client::{self, Listener};
use super::config::{Compression, Guarantee, Partitioner, SinkConfig};
use super::deliver::Sender;
use super::line::Line;
use super::producer::Producer;
use super::source::Topics;
use super::source_kind::is_topic;
use super::{NAME, lookup};
use crate::messages::{Envelope, Message, MessageWriter, Outlet, Posting};
use crate::outbox::{Outgoing, discarding};

/// About what a message takes beside its body, key and headers.
const OVERHEAD: usize = 100;
/// About how much goes into one transaction: within `transactionTimeout` it has to be sent.
const SEND_BYTES: u64 = 64 << 20;
/// How many transactional ids the streams of a stage share: each of them is kept by the brokers for days.
const SLOTS: u64 = 1_024;

pub(super) struct Sink {
    config: SinkConfig,
    cx: BuildContext,
    /// What sends at once, for all segments of a run.
    producer: Option<Arc<Producer>>,
}

/// How what is in an outbox is sent. It is stored: fields may be added with a default, never renamed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Target {
    /// Of messages that name none.
    pub(super) topic: Option<String>,
    pub(super) delivery: Guarantee,
    pub(super) commits: String,
    /// Whoever sends under it puts an end to all who did so before.
    pub(super) transactional_id: String,
    /// Before anything was put into the outbox.
    pub(super) since: Timestamp,
    pub(super) transaction_timeout: Millis,
    pub(super) partitioner: Partitioner,
    pub(super) compression: Compression,
    pub(super) max_message_bytes: Bytes,
}

impl Sink {
    pub(super) fn new(config: SinkConfig, cx: &BuildContext) -> Self {
        Self { config, cx: cx.clone(), producer: None }
    }

    fn producer(&mut self, target: &Target) -> Result<Arc<Producer>, Fault> {
        if let Some(producer) = &self.producer {
            return Ok(producer.clone());
        }
        let producer = Arc::new(Producer::plain(&self.config.connection, target)?);
        Ok(self.producer.insert(producer).clone())
    }

    fn target(&self, stream: &StreamContext) -> Target {
        let config = self.config.clone();
        Target {
            topic: config.topic,
            delivery: config.delivery,
            commits: config.commits,
            transactional_id: transactional_id(stream, self.cx.stage.as_str()),
            since: self.cx.clock.now(),
            transaction_timeout: config.transaction_timeout,
            partitioner: config.partitioner,
            compression: config.compression,
            max_message_bytes: config.max_message_bytes,
        }
    }
}

impl StreamSink for Sink {
    fn open(
        &mut self,
        stream: &StreamContext,
        schema: SchemaRef,
    ) -> Result<Box<dyn SinkWriter>, Fault> {
        let (target, cx, of) = (self.target(stream), self.cx.clone(), stream.clone());
        let envelope = Envelope {
            key: self.config.key.clone(),
            address: self.config.topic_field.clone(),
            headers: self.config.headers.clone(),
        };
        let unfit = unfit(&target);
        let outlet = match target.delivery {
            Guarantee::ExactlyOnce | Guarantee::AtLeastOnce => {
                let send =
                    move |outbox| Outgoing::<Sender>::sending(&cx, &of, outbox, target.clone());
                Outlet::outbox(&self.cx, stream, send)?.cut_after(SEND_BYTES)?
            }
            Guarantee::Immediate => {
                let producer = self.producer(&target)?;
                Outlet::line(Line { producer, topic: target.topic })
            }
        };
        let posting = Posting { format: &self.config.format, envelope, outlet };
        Ok(Box::new(MessageWriter::open(posting, &self.cx, &schema)?.refusing(unfit)))
    }

    fn target(&self) -> Option<String> {
        let brokers = self.config.connection.brokers.join(", ");
        Some(match &self.config.topic {
            Some(topic) => format!("topic {topic} of the brokers {brokers}"),
            None => format!("the brokers {brokers}"),
        })
    }

    /// Whether the brokers answer, let the user in, and have the topic. Whether it may write there they say
    /// only to who writes.
    fn check_access(&self, _: Option<&SchemaRef>) -> Result<(), Fault> {
        let consumer = client::consumer(&self.config.connection.client(), Listener::default())?;
        let within = self.config.connection.timeout.duration();
        let look = |topic: Option<&str>| client::metadata(&consumer, topic, within);
        match &self.config.topic {
            Some(topic) => lookup::partitions(&Topics::Named(vec![topic.clone()]), look).map(drop),
            None => look(None).map(drop),
        }
    }

    fn discard(&self, stream: &StreamContext) -> Vec<Action> {
        discarding(NAME, stream, &self.cx.stage)
    }
}

/// Why the brokers would never take a message.
fn unfit(target: &Target) -> impl Fn(&Message) -> Option<String> + Send + 'static {
    let (max, topic) = (target.max_message_bytes.0, target.topic.clone());
    move |message| {
        let headers: usize = message.headers.iter().map(|it| it.0.len() + it.1.len()).sum();
        let key = message.key.as_ref().map_or(0, |it| it.len());
        let bytes = message.body.len() + key + headers + OVERHEAD;
        match message.address.as_ref().or(topic.as_ref()) {
            None => Some("the record names no topic".to_owned()),
            Some(topic) if !is_topic(topic) => Some(format!("{topic:?} is no name of a topic")),
            Some(_) if bytes as u64 > max => {
                Some(format!("a message of {bytes} bytes is too long: maxMessageBytes is {max}"))
            }
            Some(_) => None,
        }
    }
}

/// A lane has one for good. Streams over items share some: the brokers remember each for days.
fn transactional_id(stream: &StreamContext, stage: &str) -> String {
    let slot = match stream.segment {
        Some(_) => stream.item.clone(),
        None => format!(
            "slot-{}",
            twox_hash::XxHash3_128::oneshot(stream.item.as_bytes()) % u128::from(SLOTS)
        ),
    };
    format!("weir/{}/{stage}/{slot}", stream.workflow)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use weir_domain::{InstanceId, StreamId, WorkflowName};

    use super::*;

    fn stream(item: &str) -> StreamContext {
        StreamContext {
            workflow: WorkflowName::new("orders").unwrap(),
            instance: InstanceId(1),
            stream: StreamId::first_at(Timestamp(0)),
            item: item.to_owned(),
            segment: None,
            opened_at: Timestamp(0),
        }
    }

    #[test]
    fn streams_over_items_share_transactional_ids() {
        let ids = (0..10_000).map(|it| transactional_id(&stream(&it.to_string()), "send"));
        let ids: BTreeSet<_> = ids.collect();
        assert!(ids.len() <= SLOTS as usize && ids.len() > 1_000, "{}", ids.len());
        assert!(ids.iter().all(|it| it.starts_with("weir/orders/send/slot-")), "{ids:?}");
    }

    #[test]
    fn what_the_brokers_would_never_take_is_refused() {
        let target = Target {
            topic: None,
            delivery: Guarantee::ExactlyOnce,
            commits: "c".to_owned(),
            transactional_id: "weir/a/b/lane-1".to_owned(),
            since: Timestamp(7),
            transaction_timeout: Millis(60_000),
            partitioner: Partitioner::Murmur2,
            compression: Compression::None,
            max_message_bytes: Bytes(1_000),
        };
        let stored = serde_json::to_value(&target).unwrap();
        assert_eq!(serde_json::from_value::<Target>(stored).unwrap(), target);
        let unfit = unfit(&target);
        let reason = |address: Option<&str>, length: usize| {
            let address = address.map(str::to_owned);
            unfit(&Message { body: vec![0; length].into(), address, ..Message::default() })
        };
        assert_eq!(reason(Some("orders"), 900), None);
        assert!(reason(Some("orders"), 901).unwrap().contains("maxMessageBytes is 1000"));
        assert_eq!(reason(None, 1).unwrap(), "the record names no topic");
        assert_eq!(reason(Some("a/b"), 1).unwrap(), "\"a/b\" is no name of a topic");
    }
}
