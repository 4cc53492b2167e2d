//! A broker of Kafka on a host of a cluster's network, and what tests ask of it: from that host.

use std::sync::Arc;

use weir_test_servers::{Kafka, Received, Sent};

use super::super::Net;
use super::BROKER;

pub(crate) struct Broker {
    kafka: Kafka,
    net: Arc<Net>,
}

impl Broker {
    pub(super) fn start(net: &Arc<Net>) -> Self {
        let address = net.address(BROKER).to_string();
        let kafka = net.within(BROKER, || Kafka::start_at(&address));
        Self { kafka, net: net.clone() }
    }

    /// How a connector of a workflow reaches it.
    pub(crate) fn connection(&self) -> String {
        format!("{{ brokers: [\"{}\"] }}", self.kafka.plain())
    }

    pub(crate) fn topic(&self, name: &str, partitions: i32) {
        self.net.within(BROKER, || self.kafka.topic(name, partitions, &[]));
    }

    /// Sends these messages, in order, and waits until all are there.
    pub(crate) fn send(&self, topic: &str, messages: Vec<Sent<'_>>) {
        self.net.within(BROKER, || self.kafka.send(topic, messages));
    }

    /// What is in a topic now for those who read what is committed.
    pub(crate) fn messages(&self, topic: &str) -> Vec<Received> {
        self.net.within(BROKER, || self.kafka.messages(topic, true))
    }
}
