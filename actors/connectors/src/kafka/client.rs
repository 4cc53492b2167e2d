//! What the clients of librdkafka have in common: what they say, and what it means.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;
use rdkafka::statistics::Statistics;
use rdkafka::topic_partition_list::TopicPartitionList;
use weir_domain::Fault;
use weir_runtime::Stopwatch;

use super::codes;

/// How long a client is given before it is asked what is in its way.
const SLICE: Duration = Duration::from_millis(500);

/// What a client said last of what is in its way.
#[derive(Debug, Default)]
pub(super) struct Trouble(Mutex<Option<(RDKafkaErrorCode, String)>>);

impl Trouble {
    fn last(&self) -> MutexGuard<'_, Option<(RDKafkaErrorCode, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// That nobody answers follows from what was said before, and is said of every broker.
    pub(super) fn hear(&self, error: &KafkaError, reason: &str) {
        let Some(code) = error.rdkafka_error_code() else { return };
        let mut last = self.last();
        if last.is_none() || code != RDKafkaErrorCode::AllBrokersDown {
            *last = Some((code, reason.to_owned()));
        }
    }

    /// Whatever it was is over.
    pub(super) fn forget(&self) {
        *self.last() = None;
    }

    /// What waiting does not mend.
    pub(super) fn refusal(&self) -> Option<Fault> {
        let last = self.last();
        let (code, reason) = last.as_ref()?;
        is_refusal(*code).then(|| refused(reason))
    }

    /// Why something could not be done.
    pub(super) fn fault(&self, what: &str, error: &KafkaError) -> Fault {
        if let Some(refusal) = self.refusal() {
            return refusal;
        }
        let Some(code) = error.rdkafka_error_code() else {
            return Fault::config(codes::CONFIG, format!("{what}: {}", said(error)));
        };
        match self.last().as_ref().filter(|_| is_silence(code)) {
            Some((_, reason)) => unreachable(what, reason),
            None => of_code(what, code),
        }
    }
}

/// What a broker's answer means.
pub(super) fn of_code(what: &str, code: RDKafkaErrorCode) -> Fault {
    use RDKafkaErrorCode as Code;
    let message = format!("{what}: {code}");
    match code {
        _ if is_refusal(code) => refused(&message),
        _ if is_silence(code) => unreachable(what, &code.to_string()),
        Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::TransactionalIdAuthorizationFailed => Fault::config(codes::FORBIDDEN, message)
            .with_hint("let the user do this at the brokers: docs/connectors.md names the rights"),
        Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::UnknownPartition => {
            Fault::config(codes::TOPIC, message)
                .with_hint("create the topic, or name one that is there")
        }
        _ => Fault::transient(codes::BROKER, message),
    }
}

fn is_refusal(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    let refusals = [
        Code::Authentication,
        Code::SaslAuthenticationFailed,
        Code::UnsupportedSASLMechanism,
        Code::IllegalSASLState,
        Code::SSL,
    ];
    refusals.contains(&code)
}

pub(super) fn is_silence(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    let silences = [
        Code::AllBrokersDown,
        Code::BrokerTransportFailure,
        Code::OperationTimedOut,
        Code::TimedOutQueue,
        Code::Resolve,
        Code::BrokerNotAvailable,
        Code::RequestTimedOut,
    ];
    silences.contains(&code)
}

fn refused(reason: &str) -> Fault {
    Fault::config(codes::REFUSED, format!("the brokers can't be used: {reason}"))
        .with_hint("look at tls and sasl of the connection, and at the brokers' logs")
}

fn unreachable(what: &str, reason: &str) -> Fault {
    Fault::transient(codes::UNREACHABLE, format!("{what}: no broker answers: {reason}"))
        .with_hint("do the brokers run, and can this machine reach them? it is tried again")
}

/// What is wrong, without the values of the configuration: one of them is a password.
fn said(error: &KafkaError) -> String {
    match error {
        KafkaError::ClientConfig(_, description, key, _) => format!("{key}: {description}"),
        other => other.to_string(),
    }
}

pub(super) fn log(level: RDKafkaLogLevel, facility: &str, text: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
            tracing::warn!("librdkafka: {facility}: {text}");
        }
        // Whatever hinders the work is told by a fault.
        _ => tracing::debug!("librdkafka: {facility}: {text}"),
    }
}

/// What a consumer tells.
#[derive(Debug, Default)]
pub(super) struct Listener {
    pub(super) trouble: Trouble,
    /// The stage that its lag is of, where that is anybody's business.
    pub(super) stage: Option<String>,
}

impl ClientContext for Listener {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        log(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.trouble.hear(&error, reason);
    }

    fn stats(&self, statistics: Statistics) {
        let Some(stage) = &self.stage else { return };
        for topic in statistics.topics.into_values() {
            for (number, partition) in topic.partitions.iter().filter(|it| it.1.app_offset >= 0) {
                let lag = partition.ls_offset.saturating_sub(partition.app_offset).max(0);
                lag_of(stage, &topic.topic, *number).set(lag as f64);
            }
        }
    }
}

/// How many messages of a partition this engine has yet to read.
pub(super) fn lag_of(stage: &str, topic: &str, partition: i32) -> metrics::Gauge {
    let labels = [
        ("stage", stage.to_owned()),
        ("topic", topic.to_owned()),
        ("partition", partition.to_string()),
    ];
    metrics::gauge!("weir_kafka_lag_messages", &labels)
}

impl ConsumerContext for Listener {
    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        // They are for people to watch: nothing begins from there.
        if let Err(error) = result {
            tracing::warn!("the consumer group can't be told how far it is: {error}");
        }
    }
}

pub(super) type Listening = BaseConsumer<Listener>;

/// A consumer that has nothing assigned yet.
pub(super) fn consumer(client: &ClientConfig, listener: Listener) -> Result<Listening, Fault> {
    client.create_with_context(listener).map_err(|error| unmade("a consumer", &error))
}

pub(super) fn unmade(client: &str, error: &KafkaError) -> Fault {
    let message = format!("{client} can't be made: {}", said(error));
    Fault::config(codes::CONFIG, message).with_hint("look at the connection")
}

/// What the brokers say of a topic, or of all. For a consumer that has nothing assigned: what it is
/// given meanwhile is lost.
pub(super) fn metadata(
    consumer: &Listening,
    topic: Option<&str>,
    within: Duration,
) -> Result<Metadata, Fault> {
    let (watch, trouble) = (Stopwatch::start(), &consumer.context().trouble);
    loop {
        let error = match consumer.fetch_metadata(topic, SLICE.min(within)) {
            Ok(metadata) => return Ok(metadata),
            Err(error) => error,
        };
        // What is in the way is told by polling alone.
        while consumer.poll(Duration::from_millis(1)).is_some() {}
        if let Some(refusal) = trouble.refusal() {
            return Err(refusal);
        }
        if watch.elapsed() >= within {
            return Err(trouble.fault("the topics can't be looked up", &error));
        }
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::types::RDKafkaConfRes;
    use weir_domain::FaultKind;

    use super::*;

    #[test]
    fn what_waiting_mends_is_transient_and_no_value_is_shown() {
        use RDKafkaErrorCode as Code;
        let trouble = Trouble::default();
        let fault = |code| trouble.fault("it", &KafkaError::Global(code));
        let kinds = [
            (Code::OperationTimedOut, codes::UNREACHABLE, FaultKind::Transient),
            (Code::UnknownTopicOrPartition, codes::TOPIC, FaultKind::Config),
            (Code::TopicAuthorizationFailed, codes::FORBIDDEN, FaultKind::Config),
            (Code::SaslAuthenticationFailed, codes::REFUSED, FaultKind::Config),
            (Code::NotEnoughReplicas, codes::BROKER, FaultKind::Transient),
        ];
        for (code, expected, kind) in kinds {
            let fault = fault(code);
            assert_eq!((fault.code.0, fault.kind), (expected, kind), "{code}");
        }
        trouble.hear(&KafkaError::Global(Code::Resolve), "no such host");
        trouble.hear(&KafkaError::Global(Code::AllBrokersDown), "1/1 brokers are down");
        let away = fault(Code::OperationTimedOut).message;
        assert_eq!(away, "it: no broker answers: no such host");
        trouble.hear(&KafkaError::Global(Code::Authentication), "invalid user");
        assert_eq!(fault(Code::OperationTimedOut).code.0, codes::REFUSED);
        let (key, value) = ("sasl.password".to_owned(), "not-shown".to_owned());
        let invalid = RDKafkaConfRes::RD_KAFKA_CONF_INVALID;
        let unset = KafkaError::ClientConfig(invalid, "is refused".to_owned(), key, value);
        assert_eq!(
            unmade("a client", &unset).message,
            "a client can't be made: sasl.password: is refused"
        );
    }
}
