//! What the brokers are asked of partitions: which there are, and where they begin and end.

use std::time::Duration;

use rdkafka::consumer::Consumer;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::metadata::Metadata;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use weir_domain::{Fault, Timestamp};

use super::client::{self, Listening};
use super::source::Topics;

/// A split, and its position as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Partition {
    pub(super) topic: String,
    pub(super) number: i32,
}

impl Partition {
    pub(super) fn split(&self) -> String {
        format!("{}/{}", self.topic, self.number)
    }
}

/// Where the oldest message is, and behind the newest one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ends {
    pub(super) low: i64,
    pub(super) high: i64,
}

/// The partitions that are there now. A topic that is named has to be there.
pub(super) fn partitions(
    topics: &Topics,
    look: impl Fn(Option<&str>) -> Result<Metadata, Fault>,
) -> Result<Vec<Partition>, Fault> {
    match topics {
        Topics::Named(names) => {
            let mut all = Vec::new();
            for name in names {
                all.extend(partitions_of(&look(Some(name))?, |it| it == name)?);
            }
            Ok(all)
        }
        // Topics that belong to the brokers and to tools begin so.
        Topics::Matching(pattern) => {
            partitions_of(&look(None)?, |it| !it.starts_with("__") && pattern.is_match(it))
        }
    }
}

fn partitions_of(
    metadata: &Metadata,
    is_wanted: impl Fn(&str) -> bool,
) -> Result<Vec<Partition>, Fault> {
    let mut found = Vec::new();
    for topic in metadata.topics().iter().filter(|it| is_wanted(it.name())) {
        if let Some(error) = topic.error() {
            let what = format!("topic {} can't be read", topic.name());
            return Err(client::of_code(&what, RDKafkaErrorCode::from(error)));
        }
        let numbers = topic.partitions().iter().map(|it| it.id());
        found.extend(numbers.map(|number| Partition { topic: topic.name().to_owned(), number }));
    }
    Ok(found)
}

pub(super) fn ends(
    consumer: &Listening,
    partition: &Partition,
    within: Duration,
) -> Result<Ends, Fault> {
    let ends = consumer.fetch_watermarks(&partition.topic, partition.number, within);
    let (low, high) = ends.map_err(|error| {
        let what = format!("the ends of partition {} can't be looked up", partition.split());
        consumer.context().trouble.fault(&what, &error)
    })?;
    Ok(Ends { low, high })
}

/// Where the first message is that is not older; `None`: all are.
pub(super) fn at_time(
    consumer: &Listening,
    partition: &Partition,
    time: Timestamp,
    within: Duration,
) -> Result<Option<i64>, Fault> {
    let what = format!("partition {} can't be looked into", partition.split());
    let fault = |error| consumer.context().trouble.fault(&what, &error);
    let mut wanted = TopicPartitionList::new();
    let offset = Offset::Offset(time.0.max(0));
    wanted.add_partition_offset(&partition.topic, partition.number, offset).map_err(fault)?;
    let found = consumer.offsets_for_times(wanted, within).map_err(fault)?;
    let Some(found) = found.find_partition(&partition.topic, partition.number) else {
        return Ok(None);
    };
    found.error().map_err(fault)?;
    match found.offset() {
        Offset::Offset(offset) => Ok(Some(offset)),
        _ => Ok(None),
    }
}
