//! What was sent: a compacted topic with a token for each job, its outbox that was sent last.
//!
//! A token has the time of its outbox, so that it is found by that: what is older is not read. Whoever looks
//! for one waits until no transaction is open that may hold it.

use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tokio::runtime::Handle;
use weir_domain::{Fault, Timestamp};
use weir_runtime::Stopwatch;

use super::client::{self, Listener, Listening};
use super::codes;
use super::connection::Connection;
use super::lookup::{self, Partition};

/// All tokens are in one partition: there are few, and few are read.
pub(super) const PARTITION: i32 = 0;

const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Says that an outbox was sent.
pub(super) struct Token<'a> {
    pub(super) job: &'a str,
    pub(super) outbox: &'a str,
    pub(super) since: Timestamp,
}

/// Whether the outbox was sent. Nobody else may be sending it any more.
pub(super) fn has(connection: &Connection, topic: &str, token: &Token<'_>) -> Result<bool, Fault> {
    let within = connection.timeout.duration();
    let all = consumer(connection, "read_uncommitted")?;
    ensure(connection, &all, topic)?;
    let partition = Partition { topic: topic.to_owned(), number: PARTITION };
    let Some(from) = lookup::at_time(&all, &partition, token.since, within)? else {
        return Ok(false);
    };
    let end = lookup::ends(&all, &partition, within)?.high;
    drop(all);
    let committed = consumer(connection, "read_committed")?;
    let watch = Stopwatch::start();
    while lookup::ends(&committed, &partition, within)?.high < end {
        if watch.elapsed() > within {
            let message = format!(
                "topic {topic} has a transaction that is still open: whether outbox {} was sent can't be told yet",
                token.outbox
            );
            return Err(Fault::transient(codes::PENDING, message).with_hint(
                "the brokers end it once its time is up, and it is tried again; one that is open for longer hangs: \
                 docs/connectors.md says how to find it, by kafka-transactions.sh find-hanging, and what to do then",
            ));
        }
        committed.poll(LOOK_EVERY);
    }
    find(&committed, &partition, from, token, within)
}

fn consumer(connection: &Connection, isolation: &str) -> Result<Listening, Fault> {
    let mut settings = connection.client();
    settings
        .set("group.id", "weir")
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .set("enable.partition.eof", "true")
        .set("isolation.level", isolation);
    client::consumer(&settings, Listener::default())
}

/// Reads from there to the end.
fn find(
    consumer: &Listening,
    partition: &Partition,
    from: i64,
    token: &Token<'_>,
    within: Duration,
) -> Result<bool, Fault> {
    let what = format!("topic {} can't be read", partition.topic);
    let fault = |error: &KafkaError| consumer.context().trouble.fault(&what, error);
    let mut wanted = TopicPartitionList::new();
    wanted
        .add_partition_offset(&partition.topic, partition.number, Offset::Offset(from))
        .and_then(|()| consumer.assign(&wanted))
        .map_err(|error| fault(&error))?;
    let watch = Stopwatch::start();
    let timeout = KafkaError::MessageConsumption(RDKafkaErrorCode::OperationTimedOut);
    while watch.elapsed() < within {
        match consumer.poll(LOOK_EVERY) {
            None => {}
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok(false),
            Some(Err(error)) => match error.rdkafka_error_code() {
                Some(code) if client::is_silence(code) => {}
                Some(RDKafkaErrorCode::GroupAuthorizationFailed) => {}
                _ => return Err(fault(&error)),
            },
            Some(Ok(message)) => {
                let is_it = message.key() == Some(token.job.as_bytes())
                    && message.payload() == Some(token.outbox.as_bytes());
                if is_it {
                    return Ok(true);
                }
            }
        }
    }
    Err(fault(&timeout))
}

/// Makes the topic where it is not there.
fn ensure(connection: &Connection, consumer: &Listening, topic: &str) -> Result<(), Fault> {
    let within = connection.timeout.duration();
    if is_there(consumer, topic, within)? {
        return Ok(());
    }
    create(connection, topic)?;
    let watch = Stopwatch::start();
    while !is_there(consumer, topic, within)? {
        if watch.elapsed() > within {
            let message = format!("topic {topic} was made and is not there yet");
            return Err(Fault::transient(codes::COMMITS, message));
        }
        consumer.poll(LOOK_EVERY);
    }
    Ok(())
}

fn is_there(consumer: &Listening, topic: &str, within: Duration) -> Result<bool, Fault> {
    let metadata = client::metadata(consumer, Some(topic), within)?;
    let found = metadata.topics().iter().find(|it| it.name() == topic);
    match found.and_then(|it| it.error()).map(RDKafkaErrorCode::from) {
        None => Ok(found.is_some_and(|it| !it.partitions().is_empty())),
        Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => {
            Ok(false)
        }
        Some(RDKafkaErrorCode::LeaderNotAvailable) => Ok(false),
        Some(code) => Err(client::of_code(&format!("topic {topic} can't be used"), code)),
    }
}

fn create(connection: &Connection, topic: &str) -> Result<(), Fault> {
    let within = connection.timeout.duration();
    let admin: AdminClient<Listener> = connection
        .client()
        .create_with_context(Listener::default())
        .map_err(|error| client::unmade("an admin client", &error))?;
    // Tokens of jobs that are long gone go in the end; one is missed only if what it stands for was sent, and nobody was
    // there for a month to note that.
    let new = NewTopic::new(topic, 1, TopicReplication::Fixed(-1))
        .set("cleanup.policy", "compact,delete")
        .set("retention.ms", "2592000000")
        .set("segment.bytes", "16777216")
        .set("message.timestamp.type", "CreateTime");
    let options = AdminOptions::new().operation_timeout(Some(within)).request_timeout(Some(within));
    let made = Handle::current().block_on(admin.create_topics([&new], &options));
    let made = made.map_err(|error| admin.inner().context().trouble.fault("a topic", &error))?;
    match made.into_iter().next() {
        None | Some(Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(()),
        Some(Err((_, code))) => {
            let message = format!("topic {topic} is not there and can't be made: {code}");
            Err(Fault::config(codes::COMMITS, message).with_hint(
                "make it, with one partition and cleanup.policy=compact,delete, or let the user make it: it needs \
                 the rights to create, read and write this topic",
            ))
        }
    }
}
