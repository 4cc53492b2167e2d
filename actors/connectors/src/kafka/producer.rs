//! A producer: for one outbox, or for all that a run sends at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, Message as _, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext, PurgeConfig};
use weir_domain::Fault;
use weir_runtime::Stopwatch;

use super::client::{self, Trouble};
use super::codes;
use super::commits::Token;
use super::config::{Compression, Guarantee, Partitioner};
use super::connection::Connection;
use super::sink::Target;
use crate::messages::Message;

/// How long one look for answers takes.
const POLL: Duration = Duration::from_millis(5);
/// How long a call may take before it is seen what is in its way.
const SLICE: Duration = Duration::from_secs(1);
/// Messages between looks for answers.
const STRETCH: usize = 1_000;

pub(super) struct Producer {
    inner: BaseProducer<Carrier>,
    patience: Duration,
    /// How long all may take that is sent at once.
    transaction: Duration,
    sent: AtomicUsize,
}

/// What a producer tells.
#[derive(Debug, Default)]
struct Carrier {
    trouble: Trouble,
    /// The first message that was not taken: its topic, and why.
    failed: Mutex<Option<(String, RDKafkaErrorCode)>>,
}

impl ClientContext for Carrier {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        client::log(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.trouble.hear(&error, reason);
    }
}

impl ProducerContext for Carrier {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, message)) = result
            && let Some(code) = error.rdkafka_error_code()
        {
            let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
            failed.get_or_insert_with(|| (message.topic().to_owned(), code));
        }
    }
}

impl Producer {
    /// One without transactions: what is sent again is there twice.
    pub(super) fn plain(connection: &Connection, target: &Target) -> Result<Self, Fault> {
        let timeout = target.transaction_timeout.0.to_string();
        let mut settings = settings(connection, target);
        settings.set("message.timeout.ms", timeout);
        Self::of(&settings, connection, target)
    }

    /// One that has put an end to whoever sent under the same id.
    pub(super) fn transactional(connection: &Connection, target: &Target) -> Result<Self, Fault> {
        let mut settings = settings(connection, target);
        settings
            .set("transactional.id", &target.transactional_id)
            .set("transaction.timeout.ms", target.transaction_timeout.0.to_string());
        let producer = Self::of(&settings, connection, target)?;
        producer.repeat("a transaction can't be begun", |within| {
            producer.inner.init_transactions(within)
        })?;
        Ok(producer)
    }

    fn of(
        settings: &ClientConfig,
        connection: &Connection,
        target: &Target,
    ) -> Result<Self, Fault> {
        let inner = settings
            .create_with_context(Carrier::default())
            .map_err(|error| client::unmade("a producer", &error))?;
        let patience = connection.timeout.duration();
        let transaction = target.transaction_timeout.duration();
        Ok(Self { inner, patience, transaction, sent: AtomicUsize::new(0) })
    }

    pub(super) fn begin(&self) -> Result<(), Fault> {
        self.inner.begin_transaction().map_err(|error| self.fault("a transaction", &error))
    }

    pub(super) fn send(&self, topic: &str, message: &Message) -> Result<(), Fault> {
        let headers = message.headers.iter().fold(OwnedHeaders::new(), |headers, (key, value)| {
            headers.insert(Header { key, value: Some(value.as_ref()) })
        });
        let mut record = BaseRecord::<[u8], [u8]>::to(topic).payload(&message.body);
        record.key = message.key.as_deref();
        record.headers = (!message.headers.is_empty()).then_some(headers);
        self.enqueue(record)
    }

    /// Its time is that of the outbox: it is found by that.
    pub(super) fn send_token(&self, topic: &str, token: &Token<'_>) -> Result<(), Fault> {
        let record = BaseRecord::<[u8], [u8]>::to(topic)
            .partition(super::commits::PARTITION)
            .key(token.job.as_bytes())
            .payload(token.outbox.as_bytes())
            .timestamp(token.since.0);
        self.enqueue(record)
    }

    fn enqueue(&self, mut record: BaseRecord<'_, [u8], [u8]>) -> Result<(), Fault> {
        let watch = Stopwatch::start();
        while let Err((error, back)) = self.inner.send(record) {
            self.check()?;
            let is_full = error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull);
            if !is_full || watch.elapsed() > self.transaction {
                let what = format!("topic {} takes no message", back.topic);
                return Err(self.fault(&what, &error));
            }
            self.inner.poll(POLL);
            record = back;
        }
        match self.sent.fetch_add(1, Ordering::Relaxed) % STRETCH {
            0 => self.look(),
            _ => Ok(()),
        }
    }

    /// What the brokers have answered so far.
    fn look(&self) -> Result<(), Fault> {
        self.inner.poll(Duration::ZERO);
        self.check()
    }

    /// Waits until the brokers have taken all.
    pub(super) fn settle(&self) -> Result<(), Fault> {
        let watch = Stopwatch::start();
        while self.inner.in_flight_count() > 0 {
            self.inner.poll(POLL);
            self.check()?;
            if watch.elapsed() > self.transaction {
                let timeout = KafkaError::Flush(RDKafkaErrorCode::OperationTimedOut);
                return Err(self.fault("not all messages were taken in time", &timeout));
            }
        }
        self.check()
    }

    /// Whether all is well so far.
    fn check(&self) -> Result<(), Fault> {
        let context = self.inner.context();
        if let Some(refusal) = context.trouble.refusal() {
            return Err(refusal);
        }
        let failed = context.failed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some((topic, code)) = failed else { return Ok(()) };
        let what = format!("a message to topic {topic} was not taken");
        let fault = client::of_code(&what, code);
        Err(match fault.code.0 {
            codes::BROKER => Fault::transient(codes::NOT_TAKEN, fault.message)
                .with_hint("is it longer than the topic's max.message.bytes? it is tried again"),
            _ => fault,
        })
    }

    pub(super) fn commit(&self) -> Result<(), Fault> {
        let committed = self.repeat("a transaction can't be committed", |within| {
            self.inner.commit_transaction(within)
        });
        if committed.is_err() {
            self.abort();
        }
        committed
    }

    /// Does what it can: whoever sends next puts an end to the transaction anyway, and so do the brokers.
    pub(super) fn abort(&self) {
        self.inner.purge(PurgeConfig::default().queue().inflight());
        let watch = Stopwatch::start();
        while self.inner.in_flight_count() > 0 && watch.elapsed() < SLICE {
            self.inner.poll(POLL);
        }
        if let Err(error) = self.inner.abort_transaction(SLICE) {
            tracing::debug!("a transaction is left to the brokers: {error}");
        }
    }

    /// Calls until it is done, or can't be.
    fn repeat(
        &self,
        what: &str,
        call: impl Fn(Duration) -> Result<(), KafkaError>,
    ) -> Result<(), Fault> {
        let watch = Stopwatch::start();
        loop {
            let Err(error) = call(SLICE) else { return Ok(()) };
            self.inner.poll(Duration::ZERO);
            if let Some(refusal) = self.inner.context().trouble.refusal() {
                return Err(refusal);
            }
            let is_retriable = matches!(&error, KafkaError::Transaction(it) if it.is_retriable());
            if !is_retriable || watch.elapsed() > self.patience {
                return Err(self.fault(what, &error));
            }
        }
    }

    fn fault(&self, what: &str, error: &KafkaError) -> Fault {
        let fault = self.inner.context().trouble.fault(what, error);
        if fault.code.0 != codes::BROKER {
            return fault;
        }
        // What librdkafka says of transactions names the cause, and its code only what follows from it.
        let (told, hint) = match error {
            KafkaError::Transaction(it) => (
                format!("{what}: {it}"),
                "it is sent again as a whole; where it never fits into the time, raise transactionTimeout",
            ),
            _ => (
                fault.message,
                "it is sent again; transactionTimeout is how long the brokers may take",
            ),
        };
        Fault::transient(codes::TRANSACTION, told).with_hint(hint)
    }
}

fn settings(connection: &Connection, target: &Target) -> ClientConfig {
    let partitioner = match target.partitioner {
        Partitioner::Murmur2 => "murmur2_random",
        Partitioner::Crc32 => "consistent_random",
        Partitioner::Random => "random",
    };
    let compression = match target.compression {
        Compression::None => "none",
        Compression::Gzip => "gzip",
        Compression::Snappy => "snappy",
        Compression::Lz4 => "lz4",
        Compression::Zstd => "zstd",
    };
    let mut settings = connection.client();
    let timeout = connection.timeout.min(target.transaction_timeout);
    settings
        // No answer is worth to be waited for longer than the transaction.
        .set("socket.timeout.ms", timeout.0.to_string())
        .set("enable.idempotence", "true")
        .set("partitioner", partitioner)
        .set("compression.type", compression)
        // A record that is longer was refused before.
        .set("message.max.bytes", (target.max_message_bytes.0 + 1_024).to_string())
        .set("queue.buffering.max.kbytes", "32768")
        .set("linger.ms", if target.delivery == Guarantee::Immediate { "1" } else { "5" })
        // How long a topic that nobody knows is waited for.
        .set("topic.metadata.propagation.max.ms", "5000");
    settings
}
