//! What tests do with a broker themselves: topics, messages in and out.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::executor::block_on;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::{ClientContext, DefaultClientContext};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::Kafka;

const PATIENCE: Duration = Duration::from_secs(60);

/// A message that goes in.
#[derive(Debug, Clone, Default)]
pub struct Sent<'a> {
    pub body: Option<&'a str>,
    pub key: Option<&'a str>,
    pub headers: &'a [(&'a str, &'a str)],
    pub partition: Option<i32>,
    pub timestamp: Option<i64>,
}

impl<'a> Sent<'a> {
    pub fn body(body: &'a str) -> Self {
        Self { body: Some(body), ..Self::default() }
    }
}

/// A message as it stands in a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub partition: i32,
    pub offset: i64,
    pub key: Option<String>,
    pub body: Option<String>,
    pub headers: Vec<(String, String)>,
}

impl Kafka {
    fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", self.plain());
        client
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.client().create().expect("an admin client can be made")
    }

    /// Makes a topic of so many partitions; `settings` as the broker calls them.
    pub fn topic(&self, name: &str, partitions: i32, settings: &[(&str, &str)]) {
        assert!(self.try_topic(name, partitions, settings), "the topic {name} is there already");
    }

    /// The same; false: there is one of this name, perhaps for a moment longer.
    pub fn try_topic(&self, name: &str, partitions: i32, settings: &[(&str, &str)]) -> bool {
        let new = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
        let new = settings.iter().fold(new, |new, (key, value)| new.set(key, value));
        let made = block_on(self.admin().create_topics([&new], &options()));
        made.expect("the broker answers").remove(0).is_ok()
    }

    pub fn delete_topic(&self, name: &str) {
        let gone = block_on(self.admin().delete_topics(&[name], &options()));
        gone.expect("the broker answers").remove(0).expect("the topic is there");
    }

    /// Gives a topic more partitions: so many in all.
    pub fn grow(&self, topic: &str, partitions: usize) {
        let more = NewPartitions::new(topic, partitions);
        let made = block_on(self.admin().create_partitions([&more], &options()));
        made.expect("the broker answers").remove(0).expect("the topic is smaller");
    }

    /// Deletes what is before an offset, as retention does.
    pub fn delete_before(&self, topic: &str, partition: i32, offset: i64) {
        let mut before = TopicPartitionList::new();
        let added = before.add_partition_offset(topic, partition, Offset::Offset(offset));
        added.expect("an offset");
        block_on(self.admin().delete_records(&before, &options())).expect("the broker answers");
    }

    /// Sends these messages, in order, and waits until all are there.
    pub fn send<'a>(&self, topic: &str, messages: impl IntoIterator<Item = Sent<'a>>) {
        let producer: BaseProducer<Outcome> = self
            .client()
            .set("enable.idempotence", "true")
            .create_with_context(Outcome::default())
            .expect("a producer can be made");
        messages.into_iter().for_each(|it| send(&producer, topic, &it));
        producer.flush(PATIENCE).expect("the broker takes all");
        let failed = producer.context().0.lock().unwrap_or_else(PoisonError::into_inner).take();
        assert_eq!(failed, None, "a message was not taken");
    }

    /// Sends these messages in a transaction, which is committed or left open.
    pub fn send_in_transaction<'a>(
        &self,
        id: &str,
        topic: &str,
        messages: impl IntoIterator<Item = Sent<'a>>,
        is_committed: bool,
    ) -> Transaction {
        let producer: BaseProducer<Outcome> = self
            .client()
            .set("transactional.id", id)
            // One that is left open is ended by tests, not by its time.
            .set("transaction.timeout.ms", "600000")
            .create_with_context(Outcome::default())
            .expect("a producer can be made");
        producer.init_transactions(PATIENCE).expect("the broker answers");
        producer.begin_transaction().expect("a transaction can begin");
        messages.into_iter().for_each(|it| send(&producer, topic, &it));
        producer.flush(PATIENCE).expect("the broker takes all");
        if is_committed {
            producer.commit_transaction(PATIENCE).expect("a transaction can be committed");
        }
        Transaction(producer)
    }

    /// What is in a topic now, by partition and offset.
    pub fn messages(&self, topic: &str, is_committed_only: bool) -> Vec<Received> {
        let isolation = if is_committed_only { "read_committed" } else { "read_uncommitted" };
        let consumer: BaseConsumer = self
            .client()
            .set("group.id", "tests")
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .set("isolation.level", isolation)
            .create()
            .expect("a consumer can be made");
        let known = consumer.fetch_metadata(Some(topic), PATIENCE).expect("the broker answers");
        let partitions: Vec<_> = known.topics()[0].partitions().iter().map(|it| it.id()).collect();
        let mut all = TopicPartitionList::new();
        for partition in &partitions {
            all.add_partition_offset(topic, *partition, Offset::Beginning).expect("an offset");
        }
        consumer.assign(&all).expect("partitions can be assigned");
        let (mut found, mut ended) = (Vec::new(), 0);
        while ended < partitions.len() {
            match consumer.poll(PATIENCE) {
                Some(Ok(message)) => found.push(received(&message)),
                Some(Err(KafkaError::PartitionEOF(_))) => ended += 1,
                Some(Err(error)) => panic!("{topic} can't be read: {error}"),
                None => panic!("{topic} can't be read to its end"),
            }
        }
        found.sort_by_key(|it| (it.partition, it.offset));
        found
    }

    /// What a consumer group is told of a partition.
    pub fn committed(&self, group: &str, topic: &str, partition: i32) -> Option<i64> {
        let consumer: BaseConsumer =
            self.client().set("group.id", group).create().expect("a consumer can be made");
        let mut wanted = TopicPartitionList::new();
        wanted.add_partition(topic, partition);
        let found = consumer.committed_offsets(wanted, PATIENCE).expect("the broker answers");
        match found.elements().first().map(|it| it.offset()) {
            Some(Offset::Offset(offset)) => Some(offset),
            _ => None,
        }
    }
}

/// A transaction's producer: open as long as it is kept, if it was not committed.
pub struct Transaction(#[expect(dead_code, reason = "it is kept")] BaseProducer<Outcome>);

/// The first message that was not taken, and why.
#[derive(Default)]
struct Outcome(Mutex<Option<String>>);

impl ClientContext for Outcome {}

impl ProducerContext for Outcome {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert_with(|| error.to_string());
        }
    }
}

pub(super) fn is_there(address: &str) -> bool {
    let consumer: Result<BaseConsumer, _> =
        ClientConfig::new().set("bootstrap.servers", address).create();
    let within = Duration::from_millis(500);
    consumer.is_ok_and(|it| it.fetch_metadata(None, within).is_ok())
}

fn options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(PATIENCE)).request_timeout(Some(PATIENCE))
}

fn send(producer: &BaseProducer<Outcome>, topic: &str, message: &Sent<'_>) {
    let headers = message.headers.iter().fold(OwnedHeaders::new(), |headers, (key, value)| {
        headers.insert(Header { key, value: Some(*value) })
    });
    let mut record = BaseRecord::<str, str>::to(topic).headers(headers);
    record.payload = message.body;
    record.key = message.key;
    record.partition = message.partition;
    record.timestamp = message.timestamp;
    while let Err((error, back)) = producer.send(record) {
        let is_full =
            error.rdkafka_error_code() == Some(rdkafka::types::RDKafkaErrorCode::QueueFull);
        assert!(is_full, "a message is not taken: {error}");
        producer.poll(Duration::from_millis(10));
        record = back;
    }
}

fn received(message: &impl Message) -> Received {
    let text = |it: &[u8]| String::from_utf8_lossy(it).into_owned();
    let headers = message.headers().into_iter().flat_map(|it| {
        (0..it.count()).map(move |at| {
            let header = it.get(at);
            (header.key.to_owned(), text(header.value.unwrap_or_default()))
        })
    });
    Received {
        partition: message.partition(),
        offset: message.offset(),
        key: message.key().map(text),
        body: message.payload().map(text),
        headers: headers.collect(),
    }
}
