//! Reads the messages of a lane's partitions.

use std::collections::BTreeMap;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde_json::{Value, json};
use weir_domain::{Fault, Timestamp};
use weir_runtime::Stopwatch;
use weir_stream::{
    BadRecord, Batch, Limits, LiveRead, LiveReader, Positions, Read, Share, Splits, beginning,
};

use super::client::{self, Listener, Listening};
use super::codes;
use super::config::{Begin, Isolation, OnLost, SourceConfig, Tombstones};
use super::lookup::{self, Ends, Partition};
use super::source::Topics;
use crate::messages::{Incoming, Intake};

/// Stands in the position of a lane that has begun: partitions that it finds later are new ones.
const BEGUN: &str = "begun";
/// Longest wait for an answer while others wait for the reader.
const LOOK: Duration = Duration::from_secs(1);

pub(super) struct Reader {
    consumer: Listening,
    config: SourceConfig,
    topics: Topics,
    stage: String,
    limits: Limits,
    intake: Intake,
    share: Share,
    /// The offset of the next message of each partition that is read.
    places: BTreeMap<Partition, i64>,
    /// The same of partitions that are not there now.
    missing: BTreeMap<String, i64>,
    has_begun: bool,
    looked: Stopwatch,
    /// Since no broker answers.
    silent: Option<Stopwatch>,
}

impl Reader {
    /// One that reads nothing yet.
    pub(super) fn new(
        config: SourceConfig,
        topics: Topics,
        stage: &str,
        limits: &Limits,
        share: Share,
    ) -> Result<Self, Fault> {
        let intake = Intake::new(&config.format, &config.attributes, limits)?;
        let listener = Listener { stage: Some(stage.to_owned()), ..Listener::default() };
        let consumer = client::consumer(&settings(&config), listener)?;
        Ok(Self {
            consumer,
            config,
            topics,
            stage: stage.to_owned(),
            limits: *limits,
            intake,
            share,
            places: BTreeMap::new(),
            missing: BTreeMap::new(),
            has_begun: false,
            looked: Stopwatch::start(),
            silent: None,
        })
    }

    /// Where the last messages of each partition are, so many of each.
    pub(super) fn near_ends(&self, messages: usize) -> Result<Splits, Fault> {
        let within = self.config.connection.timeout.duration();
        let look = |topic: Option<&str>| client::metadata(&self.consumer, topic, within);
        let place = |partition: Partition| {
            let ends = lookup::ends(&self.consumer, &partition, within)?;
            let back = i64::try_from(messages).unwrap_or(i64::MAX);
            let place = ends.high.saturating_sub(back).max(ends.low);
            Ok((partition.split(), json!(place)))
        };
        lookup::partitions(&self.topics, look)?.into_iter().map(place).collect()
    }

    /// Goes on behind these positions.
    pub(super) fn begin(mut self, from: &Splits) -> Result<Self, Fault> {
        for (split, position) in from.iter().filter(|it| it.0 != BEGUN) {
            self.missing.insert(split.clone(), offset(split, position)?);
        }
        self.has_begun = from.contains_key(BEGUN);
        let within = self.config.connection.timeout.duration();
        let look = |topic: Option<&str>| client::metadata(&self.consumer, topic, within);
        let there = lookup::partitions(&self.topics, look)?;
        self.add(there, within)?;
        self.has_begun = true;
        Ok(self)
    }

    /// Reads those of these partitions that are this lane's and were not read yet.
    fn add(&mut self, there: Vec<Partition>, within: Duration) -> Result<(), Fault> {
        let (share, places) = (self.share, &self.places);
        let is_new = |it: &Partition| !places.contains_key(it) && share.has(&it.split());
        let new: Vec<_> = there.into_iter().filter(is_new).collect();
        for partition in new {
            let split = partition.split();
            let ends = lookup::ends(&self.consumer, &partition, within)?;
            let place = match self.missing.get(&split) {
                Some(place) => self.checked(&partition, *place, ends)?,
                None => self.beginning(&partition, ends, within)?,
            };
            self.assign(&partition, place)?;
            self.missing.remove(&split);
            tracing::info!(stage = self.stage, "reads {split} from offset {place} on");
            self.places.insert(partition, place);
        }
        Ok(())
    }

    fn beginning(&self, partition: &Partition, ends: Ends, within: Duration) -> Result<i64, Fault> {
        match self.config.begin {
            // Whatever came before it was found is not older than the workflow.
            Begin::Latest if self.has_begun => Ok(ends.low),
            Begin::Earliest => Ok(ends.low),
            Begin::Latest => Ok(ends.high),
            Begin::Timestamp(time) => {
                let found = lookup::at_time(&self.consumer, partition, time, within)?;
                Ok(found.unwrap_or(ends.high))
            }
        }
    }

    /// Where to go on, if what is there follows what was read.
    fn checked(&self, partition: &Partition, place: i64, ends: Ends) -> Result<i64, Fault> {
        let split = partition.split();
        if place > ends.high {
            let high = ends.high;
            let message = format!(
                "partition {split} ends at offset {high}, and {place} was to be read next: the topic was \
                 made anew, or cut off"
            );
            return Err(Fault::config(codes::AHEAD, message)
                .with_hint("read it by a new workflow or stage, which begins without a position"));
        }
        let lost = ends.low.saturating_sub(place);
        if lost <= 0 {
            return Ok(place);
        }
        let message = format!(
            "partition {split}: offsets {place} to {} were deleted by the brokers before they were read, \
             at most {lost} messages",
            ends.low - 1
        );
        match self.config.on_lost {
            OnLost::Fail => Err(Fault::config(codes::LOST, message).with_hint(
                "set onLost: skip to go on with what is there, and let the topic keep messages for longer",
            )),
            OnLost::Skip => {
                tracing::warn!(stage = self.stage, "{message}");
                let labels = [("stage", self.stage.clone()), ("topic", partition.topic.clone())];
                metrics::counter!("weir_kafka_lost_messages_total", &labels)
                    .increment(lost.unsigned_abs());
                Ok(ends.low)
            }
        }
    }

    fn assign(&self, partition: &Partition, place: i64) -> Result<(), Fault> {
        let assigned = of(partition, place).and_then(|it| self.consumer.incremental_assign(&it));
        assigned
            .map_err(|error| self.fault(&format!("{} can't be read", partition.split()), &error))
    }

    fn unassign(&self, partition: &Partition) -> Result<(), Fault> {
        let left = of(partition, 0).and_then(|it| self.consumer.incremental_unassign(&it));
        left.map_err(|error| self.fault(&format!("{} can't be left", partition.split()), &error))
    }

    fn fault(&self, what: &str, error: &KafkaError) -> Fault {
        self.consumer.context().trouble.fault(what, error)
    }

    /// Notices partitions that appeared, and whether the brokers are there at all.
    fn look(&mut self) -> Result<(), Fault> {
        let every = self.config.discover_every.duration();
        let due = if self.silent.is_some() { every.min(LOOK) } else { every };
        if self.looked.elapsed() < due {
            return Ok(());
        }
        let consumer = &self.consumer;
        let there = lookup::partitions(&self.topics, |topic| {
            let within = LOOK;
            let found = consumer.fetch_metadata(topic, within);
            found.map_err(|it| consumer.context().trouble.fault("new partitions", &it))
        });
        self.looked = Stopwatch::start();
        match there.and_then(|there| self.add(there, LOOK)) {
            Ok(()) => {
                self.silent = None;
                self.consumer.context().trouble.forget();
                Ok(())
            }
            Err(fault) if fault.code.0 == codes::UNREACHABLE => {
                let silent = self.silent.get_or_insert_with(Stopwatch::start);
                match silent.elapsed() > self.config.connection.timeout.duration() {
                    true => Err(fault),
                    false => Ok(()),
                }
            }
            Err(fault) => Err(fault),
        }
    }

    /// Something is wrong that librdkafka does not mend by itself, or not yet.
    fn hear(&mut self, error: &KafkaError) -> Result<(), Fault> {
        use RDKafkaErrorCode as Code;
        if let Some(refusal) = self.consumer.context().trouble.refusal() {
            return Err(refusal);
        }
        match error.rdkafka_error_code() {
            Some(Code::AutoOffsetReset | Code::OffsetOutOfRange) => self.check_places(),
            Some(Code::GroupAuthorizationFailed) if self.config.group.is_none() => Ok(()),
            Some(code) if client::is_silence(code) => {
                self.silent.get_or_insert_with(Stopwatch::start);
                Ok(())
            }
            _ => Err(self.fault("messages can't be read", error)),
        }
    }

    /// Some partition does not have what is to be read next.
    fn check_places(&mut self) -> Result<(), Fault> {
        let all: Vec<_> = self.places.iter().map(|(it, place)| (it.clone(), *place)).collect();
        for (partition, place) in all {
            let ends = lookup::ends(&self.consumer, &partition, LOOK)?;
            let next = self.checked(&partition, place, ends)?;
            if next != place {
                self.unassign(&partition)?;
                self.assign(&partition, next)?;
                self.places.insert(partition, next);
            }
        }
        Ok(())
    }

    /// Takes what has come, as much as a batch may have.
    fn take(&mut self, within: Duration) -> Result<Taken, Fault> {
        let (watch, mut taken) = (Stopwatch::start(), Taken::default());
        while taken.count() < self.limits.batch_rows && taken.bytes < self.limits.batch_bytes {
            let wait = match taken.count() {
                0 => within.saturating_sub(watch.elapsed()),
                _ => Duration::ZERO,
            };
            let error = match self.consumer.poll(wait) {
                None => break,
                Some(Ok(message)) => {
                    let partition = Partition {
                        topic: message.topic().to_owned(),
                        number: message.partition(),
                    };
                    // Of a partition that was left meanwhile.
                    let Some(place) = self.places.get_mut(&partition) else { continue };
                    *place = message.offset() + 1;
                    taken.add(&message, partition, self.config.tombstones);
                    continue;
                }
                Some(Err(error)) => error,
            };
            self.hear(&error)?;
        }
        Ok(taken)
    }

    fn records(&mut self, taken: Taken) -> Result<Read, Fault> {
        let Taken { messages, at, tombstones, bytes, .. } = taken;
        let read = self.intake.read(&messages, 0)?;
        let offset = |index: u64| messages.get(index as usize).and_then(|it| it.offset);
        let offset = |index: u64| offset(index).unwrap_or(0).unsigned_abs();
        let rows = 0..read.batch.rows();
        let offsets = rows.map(|row| offset(read.batch.positions.at(row))).collect::<Vec<_>>();
        let mut bad = tombstones;
        bad.extend(read.bad.into_iter().map(|it| {
            let split = at.get(it.position as usize).map(Partition::split).unwrap_or_default();
            let reason = format!("{split}: {}", it.reason);
            BadRecord { position: offset(it.position), reason, ..it }
        }));
        let batch = Batch::new(read.batch.records, Positions::List(offsets.into()));
        Ok(Read { batch, bad, bytes: bytes as u64 })
    }
}

impl LiveReader for Reader {
    fn schema(&self) -> SchemaRef {
        self.intake.schema()
    }

    fn read(&mut self, within: Duration) -> Result<LiveRead, Fault> {
        self.look()?;
        let taken = self.take(within)?;
        if taken.skipped > 0 {
            metrics::counter!("weir_kafka_tombstones_total", "stage" => self.stage.clone())
                .increment(taken.skipped as u64);
        }
        if taken.messages.is_empty() && taken.tombstones.is_empty() {
            return Ok(LiveRead::Nothing);
        }
        self.silent = None;
        self.records(taken).map(LiveRead::Records)
    }

    fn splits(&self) -> Splits {
        let places = self.places.iter().map(|(it, place)| (it.split(), json!(place)));
        let missing = self.missing.iter().map(|(split, place)| (split.clone(), json!(place)));
        places.chain(missing).chain([(BEGUN.to_owned(), json!(true))]).collect()
    }

    fn acknowledge(&mut self, splits: &Splits) -> Result<(), Fault> {
        if self.config.group.is_none() {
            return Ok(());
        }
        let mut offsets = TopicPartitionList::new();
        for partition in self.places.keys() {
            let Some(place) = splits.get(&partition.split()).and_then(Value::as_i64) else {
                continue;
            };
            let place = Offset::Offset(place);
            let added = offsets.add_partition_offset(&partition.topic, partition.number, place);
            added.map_err(|error| self.fault("the consumer group", &error))?;
        }
        // The answer comes later, and is only for people to watch.
        match self.consumer.commit(&offsets, CommitMode::Async) {
            Ok(()) => {}
            Err(error) => tracing::warn!("the consumer group can't be told how far it is: {error}"),
        }
        Ok(())
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // Whoever reads on says how much there is to be read.
        for it in self.places.keys() {
            client::lag_of(&self.stage, &it.topic, it.number).set(0.0);
        }
    }
}

/// What came at a look.
#[derive(Default)]
struct Taken {
    messages: Vec<Incoming>,
    /// Which partition each of them is of.
    at: Vec<Partition>,
    tombstones: Vec<BadRecord>,
    skipped: usize,
    bytes: usize,
}

impl Taken {
    fn count(&self) -> usize {
        self.messages.len() + self.tombstones.len() + self.skipped
    }

    fn add(&mut self, message: &BorrowedMessage<'_>, partition: Partition, rule: Tombstones) {
        let Some(body) = message.payload() else {
            match rule {
                Tombstones::Skip => self.skipped += 1,
                Tombstones::Bad => self.tombstones.push(tombstone(message, &partition)),
            }
            return;
        };
        let headers = message.headers().into_iter().flat_map(|it| it.iter());
        let header = |it: rdkafka::message::Header<'_, &[u8]>| {
            Some((it.key.to_owned(), Bytes::copy_from_slice(it.value?)))
        };
        let incoming = Incoming {
            body: Bytes::copy_from_slice(body),
            key: message.key().map(Bytes::copy_from_slice),
            headers: headers.filter_map(header).collect(),
            address: Some(partition.topic.as_str().into()),
            partition: Some(i64::from(partition.number)),
            offset: Some(message.offset()),
            at: message.timestamp().to_millis().map(Timestamp),
        };
        self.bytes += incoming.bytes();
        self.messages.push(incoming);
        self.at.push(partition);
    }
}

/// Its key is all that it has.
fn tombstone(message: &BorrowedMessage<'_>, partition: &Partition) -> BadRecord {
    const KEY_MAX: usize = 1 << 10;
    let (raw, raw_cut) = beginning(message.key().unwrap_or_default(), KEY_MAX);
    BadRecord {
        position: message.offset().unsigned_abs(),
        line: None,
        offset: None,
        raw,
        raw_cut,
        reason: format!("{}: the message has no body: a tombstone of this key", partition.split()),
    }
}

fn settings(config: &SourceConfig) -> rdkafka::config::ClientConfig {
    let isolation = match config.isolation {
        Isolation::ReadCommitted => "read_committed",
        Isolation::ReadUncommitted => "read_uncommitted",
    };
    let mut settings = config.connection.client();
    settings
        // Without one there is no assigning; nobody is told of it as long as nothing is committed.
        .set("group.id", config.group.as_deref().unwrap_or("weir"))
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "error")
        .set("isolation.level", isolation)
        .set("statistics.interval.ms", "5000")
        // What is fetched ahead is bounded, and fetched again as soon as there is room.
        .set("queued.max.messages.kbytes", "16384")
        .set("fetch.max.bytes", "8388608")
        .set("fetch.queue.backoff.ms", "10");
    settings
}

fn of(partition: &Partition, place: i64) -> Result<TopicPartitionList, KafkaError> {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&partition.topic, partition.number, Offset::Offset(place))?;
    Ok(list)
}

fn offset(split: &str, position: &Value) -> Result<i64, Fault> {
    position.as_i64().filter(|it| *it >= 0).ok_or_else(|| {
        let message = format!("partition {split} can't go on from {position}: it is no offset");
        Fault::config(codes::POSITION, message)
    })
}
