//! Reads a stream of JetStream, from a sequence on.
//!
//! The consumer is an ephemeral one without acknowledgements: it begins behind the position, and when it breaks
//! another takes its place behind what was read.

use std::sync::atomic::Ordering;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use async_nats::Client;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull};
use async_nats::jetstream::context::{GetStreamByNameErrorKind, GetStreamErrorKind};
use async_nats::jetstream::stream::{RetentionPolicy, Stream};
use async_nats::jetstream::{self, ErrorCode};
use futures::{FutureExt as _, StreamExt as _};
use serde::{Deserialize, Serialize};
use weir_domain::{Fault, Timestamp};
use weir_stream::{BuildContext, LiveRead, LiveReader, Splits, not_peeked};

use super::client::{self, wait};
use super::codes;
use super::config::{Connection, Deliver, SourceConfig};
use crate::chain;
use crate::messages::{Incoming, Intake};

/// The server says that it is there so often when it has nothing.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// The server forgets a consumer that nobody asks for this long.
const INACTIVE: Duration = Duration::from_secs(60);
/// The same of one that nobody comes back to.
const PEEK_INACTIVE: Duration = Duration::from_secs(5);
/// Bytes that may be under way, unless a single message may be longer.
const UNDER_WAY_BYTES: usize = 4 << 20;

/// Behind what was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    /// Of the last message that was read, or may be left out.
    sequence: u64,
    /// When the stream was made, in nanoseconds since 1970.
    created: i64,
}

/// Whether a stream takes what is published to the subject.
pub(super) async fn taker(client: &Client, subject: &str) -> Result<(), Fault> {
    let found = jetstream::new(client.clone()).stream_by_subject(subject).await;
    found.map(drop).map_err(|error| match error.kind() {
        GetStreamByNameErrorKind::NotFound => {
            let message = format!("no stream of JetStream takes the subject {subject}");
            Fault::config(codes::NO_STREAM, message)
                .with_hint("make one that takes it, or write `jetStream: false`")
        }
        _ => {
            let message = format!("JetStream gives no answer: {}", chain(&error));
            Fault::transient(codes::AWAY, message).with_hint("does the server have JetStream?")
        }
    })
}

/// What is read.
pub(super) struct Spec {
    connection: Connection,
    stream: String,
    subject: Option<String>,
    deliver: Deliver,
    job: String,
    batch_rows: usize,
    batch_bytes: usize,
    /// Somebody only looks at so many of the newest messages.
    peeks: Option<u64>,
}

impl Spec {
    pub(super) fn of(config: &SourceConfig, stream: &str, cx: &BuildContext) -> Self {
        Self {
            connection: config.connection.clone(),
            stream: stream.to_owned(),
            subject: config.subject.clone(),
            deliver: config.deliver,
            job: cx.stage.to_string(),
            batch_rows: cx.limits.batch_rows,
            batch_bytes: cx.limits.batch_bytes,
            peeks: None,
        }
    }

    pub(super) fn peeking(self, messages: usize) -> Self {
        Self { peeks: Some(messages as u64), ..self }
    }

    fn away(&self, cause: &str) -> Fault {
        let message = format!("stream {} of NATS: {cause}", self.stream);
        Fault::transient(codes::AWAY, message)
            .with_hint("does the server run, and the stream's leader?")
    }
}

pub(super) struct Reader {
    spec: Spec,
    intake: Intake,
    position: Position,
    client: Client,
    /// `None`: it broke.
    messages: Option<pull::Stream>,
    /// How many messages the consumer has given.
    given: u64,
    /// How often the client had connected when the consumer was made.
    connects: u64,
}

/// The stream as it is now.
pub(super) async fn look(client: &Client, name: &str) -> Result<Stream, Fault> {
    let context = jetstream::new(client.clone());
    context.get_stream(name).await.map_err(|error| {
        let cause = format!("stream {name} of NATS: {}", chain(&error));
        match error.kind() {
            GetStreamErrorKind::JetStream(it) if it.error_code() == ErrorCode::STREAM_NOT_FOUND => {
                Fault::config(codes::NO_STREAM, cause)
                    .with_hint("make it with `nats stream add`, or mend `stream`")
            }
            GetStreamErrorKind::EmptyName | GetStreamErrorKind::InvalidStreamName => {
                Fault::config(codes::NO_STREAM, cause)
            }
            GetStreamErrorKind::Request | GetStreamErrorKind::JetStream(_) => {
                Fault::transient(codes::AWAY, cause)
            }
        }
    })
}

impl Reader {
    pub(super) fn open(spec: Spec, intake: Intake, from: &Splits) -> Result<Self, Fault> {
        let there = from.get(&spec.stream).map(|it| {
            Position::deserialize(it).map_err(|error| {
                let message = format!("stream {} can't be read on from {it}: {error}", spec.stream);
                Fault::config(codes::POSITION, message)
            })
        });
        let there = there.transpose()?;
        let (client, position, messages) = wait(async {
            let client = client::connect(&spec.connection, &spec.job).await?;
            let stream = look(&client, &spec.stream).await?;
            if spec.peeks.is_some() {
                check_is_shared(&spec, &stream)?;
            }
            let position = there.unwrap_or_else(|| begin(&spec, &stream));
            let messages = consume(&spec, &client, &stream, &position).await?;
            Ok::<_, Fault>((client, position, messages))
        })?;
        let connects = connects(&client);
        Ok(Self { spec, intake, position, client, messages: Some(messages), given: 0, connects })
    }

    /// What is there, waiting no longer than this for the first.
    async fn next(&mut self, within: Duration) -> Result<Vec<Incoming>, Fault> {
        // What the server has sent into a connection that broke is given, and has never come.
        if connects(&self.client) != self.connects {
            self.messages = None;
        }
        if self.messages.is_none() {
            if !client::is_connected(&self.client) {
                self.client = client::connect(&self.spec.connection, &self.spec.job).await?;
            }
            (self.given, self.connects) = (0, connects(&self.client));
            let stream = look(&self.client, &self.spec.stream).await?;
            let again = consume(&self.spec, &self.client, &stream, &self.position).await?;
            self.messages = Some(again);
        }
        let Some(messages) = self.messages.as_mut() else { return Ok(Vec::new()) };
        let (mut found, mut bytes) = (Vec::new(), 0);
        let mut first = tokio::time::timeout(within, messages.next()).await.ok();
        while let Some(next) = first.take() {
            let taken = next.and_then(|it| taken(it, &self.spec));
            let Some((_, message)) = taken.filter(|it| it.0 == self.given + 1) else {
                // Those before it are good.
                self.messages = None;
                break;
            };
            self.given += 1;
            // What a new consumer has read again is known already.
            if message.offset.is_some_and(|it| it as u64 > self.position.sequence) {
                self.position.sequence = message.offset.unwrap_or_default() as u64;
                bytes += message.bytes();
                found.push(message);
            }
            if found.len() < self.spec.batch_rows && bytes < self.spec.batch_bytes {
                first = messages.next().now_or_never();
            }
        }
        Ok(found)
    }
}

/// Where one begins that has no position.
fn begin(spec: &Spec, stream: &Stream) -> Position {
    let info = stream.cached_info();
    let created = created(stream);
    let before_first = info.state.first_sequence.saturating_sub(1);
    let sequence = match (spec.peeks, spec.deliver) {
        // The newest ones may all be of other subjects.
        (Some(_), _) if spec.subject.is_some() => before_first,
        (Some(messages), _) => info.state.last_sequence.saturating_sub(messages).max(before_first),
        (None, Deliver::All) => before_first,
        (None, Deliver::New) => info.state.last_sequence,
        (None, Deliver::FromSequence(first)) => first.saturating_sub(1),
    };
    Position { sequence, created }
}

/// That whoever reads it takes nothing from others.
fn check_is_shared(spec: &Spec, stream: &Stream) -> Result<(), Fault> {
    match stream.cached_info().config.retention {
        RetentionPolicy::WorkQueue => {
            let origin = format!("stream {} of NATS", spec.stream);
            Err(not_peeked(&origin, "it is a work queue, and hands out each message once"))
        }
        RetentionPolicy::Limits | RetentionPolicy::Interest => Ok(()),
    }
}

fn created(stream: &Stream) -> i64 {
    i64::try_from(stream.cached_info().created.unix_timestamp_nanos()).unwrap_or(i64::MAX)
}

/// That the stream is the one that the position is of.
fn check(spec: &Spec, stream: &Stream, position: &Position) -> Result<(), Fault> {
    let (state, name) = (&stream.cached_info().state, &spec.stream);
    let is_other = created(stream) != position.created;
    let is_behind = state.last_sequence < position.sequence
        && !matches!(spec.deliver, Deliver::FromSequence(_));
    if is_other || is_behind {
        let message = format!(
            "stream {name} of NATS is not the one that was read up to {}: it was made anew, and has {} to {}",
            position.sequence, state.first_sequence, state.last_sequence
        );
        return Err(Fault::config(codes::OTHER_STREAM, message)
            .with_hint("give the workflow another name: then it begins with the new stream"));
    }
    if state.first_sequence > position.sequence + 1 {
        let (from, to) = (position.sequence + 1, state.first_sequence - 1);
        tracing::warn!(
            code = "WEIR-04406",
            stream = name,
            "messages {from} to {to} were deleted before they were read"
        );
    }
    Ok(())
}

/// A consumer of what is behind the position.
async fn consume(
    spec: &Spec,
    client: &Client,
    stream: &Stream,
    position: &Position,
) -> Result<pull::Stream, Fault> {
    check(spec, stream, position)?;
    let config = pull::Config {
        deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: position.sequence + 1 },
        ack_policy: AckPolicy::None,
        filter_subject: spec.subject.clone().unwrap_or_default(),
        inactive_threshold: if spec.peeks.is_some() { PEEK_INACTIVE } else { INACTIVE },
        memory_storage: true,
        num_replicas: 1,
        description: Some(format!("weir {}", spec.job)),
        ..pull::Config::default()
    };
    let consumer = stream.create_consumer(config).await;
    let consumer: PullConsumer = consumer.map_err(|it| spec.away(&chain(&it)))?;
    let bytes = UNDER_WAY_BYTES.max(2 * client.max_payload());
    let messages = consumer
        .stream()
        .max_messages_per_batch(spec.batch_rows)
        .max_bytes_per_batch(bytes)
        .heartbeat(HEARTBEAT)
        .messages();
    messages.await.map_err(|it| spec.away(&chain(&it)))
}

type Taken = Result<jetstream::Message, async_nats::error::Error<pull::MessagesErrorKind>>;

/// How often it has connected.
fn connects(client: &Client) -> u64 {
    client.statistics().connects.load(Ordering::Relaxed)
}

/// The message, and its number among all that the consumer has given, from 1. `None`: the consumer
/// broke.
fn taken(next: Taken, spec: &Spec) -> Option<(u64, Incoming)> {
    let info = |it: &jetstream::Message| {
        it.info().ok().map(|it| (it.consumer_sequence, it.stream_sequence, it.published))
    };
    let message = next.map(|it| (info(&it), it));
    match message {
        Ok((Some((number, sequence, published)), message)) => {
            let at = i64::try_from(published.unix_timestamp_nanos() / 1_000_000).ok();
            let message = message.message;
            let offset = i64::try_from(sequence).ok();
            Some((number, Incoming { offset, at: at.map(Timestamp), ..incoming(message) }))
        }
        Ok((None, _)) => None,
        Err(error) => {
            tracing::debug!(stream = spec.stream, error = chain(&error), "a consumer broke");
            None
        }
    }
}

/// A message of NATS as all messages are.
pub(super) fn incoming(message: async_nats::Message) -> Incoming {
    let headers = message.headers.iter().flat_map(|it| it.iter());
    let headers = headers.flat_map(|(name, values)| {
        let value =
            |it: &async_nats::HeaderValue| bytes::Bytes::copy_from_slice(it.as_str().as_bytes());
        values.iter().map(move |it| (name.to_string(), value(it)))
    });
    Incoming {
        headers: headers.collect(),
        address: Some(message.subject.as_str().into()),
        body: message.payload,
        ..Incoming::default()
    }
}

impl LiveReader for Reader {
    fn schema(&self) -> SchemaRef {
        self.intake.schema()
    }

    fn read(&mut self, within: Duration) -> Result<LiveRead, Fault> {
        let found = wait(self.next(within))?;
        if found.is_empty() {
            return Ok(LiveRead::Nothing);
        }
        let numbers: Vec<_> = found.iter().filter_map(|it| it.offset).map(|it| it as u64).collect();
        self.intake.read_numbered(&found, &numbers).map(LiveRead::Records)
    }

    fn splits(&self) -> Splits {
        let position = serde_json::to_value(&self.position).expect("numbers become JSON");
        Splits::from([(self.spec.stream.clone(), position)])
    }
}
