//! Kafka as a source.

use serde_json::json;
use weir_test_servers::{Kafka, Sent};

use super::{ids, order, published, read, read_by, start};
use crate::support::flow::{JSON, sink};
use crate::support::{DEADLINE, Flow, Project, wait_for, wait_until};

fn write() -> String {
    sink("write", "read", "orders-${stream}.jsonl", JSON, "onExisting: counter")
}

fn flow(source: &str) -> Flow {
    Flow::named("orders").stage(source).stage(&write())
}

fn send(broker: &Kafka, topic: &str, range: std::ops::Range<u64>) {
    let bodies: Vec<_> = range.map(order).collect();
    broker.send(topic, bodies.iter().map(|it| Sent::body(it)));
}

#[test]
fn all_that_is_beside_a_body_becomes_fields() {
    let broker = Kafka::shared();
    broker.topic("round-trip", 2, &[]);
    let order = order(1);
    let headers = [("source", "till"), ("lang", "de"), ("lang", "fr")];
    let full = Sent {
        key: Some("k1"),
        headers: &headers,
        partition: Some(1),
        timestamp: Some(1_700_000_000_123),
        ..Sent::body(&order)
    };
    let bare =
        Sent { partition: Some(0), timestamp: Some(1_700_000_000_456), ..Sent::body(&order) };
    let none = Sent { key: Some("gone"), partition: Some(1), ..Sent::default() };
    let bad = Sent { partition: Some(1), ..Sent::body("{\"id\": \"x\"}") };
    broker.send("round-trip", [none, bad, full, bare]);
    let attributes = "attributes: [{ name: key, from: key }, { name: topic, from: address }, \
                      { name: partition, from: partition }, { name: offset, from: offset }, \
                      { name: at, from: timestamp }, { name: lang, from: header, header: lang }]";
    let project = Project::of(&flow(&read(broker, "round-trip", attributes)));
    let weir = start(&project).ready();
    wait_until("both orders", DEADLINE, || published(&project).len() == 2);
    let mut found = published(&project);
    found.sort_by_key(|it| it["partition"].as_i64());
    let common = json!({ "id": 1, "amount": 7, "topic": "round-trip" });
    let with = |more: serde_json::Value| {
        let mut all = common.clone();
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let bare = with(json!({ "partition": 0, "offset": 0, "at": "2023-11-14T22:13:20.456Z" }));
    let full = with(json!({ "key": "k1", "partition": 1, "offset": 2, "lang": "fr",
                            "at": "2023-11-14T22:13:20.123Z" }));
    assert_eq!(found, [bare, full]);
    let letters = wait_for("two dead letters", DEADLINE, || {
        Some(project.dead_letters()).filter(|it| it.len() == 2)
    });
    let of = |at: usize| letters[at]["reason"].as_str().unwrap().to_owned();
    assert!(of(0).starts_with("round-trip/1: the message has no body"), "{}", of(0));
    assert!(of(1).starts_with("round-trip/1: "), "{}", of(1));
    assert_eq!((&letters[0]["position"], &letters[1]["position"]), (&json!(0), &json!(1)));
    weir.stop();
}

#[test]
fn two_lanes_read_a_topic_once_and_find_a_partition_that_is_added() {
    let broker = Kafka::shared();
    broker.topic("grows", 3, &[]);
    send(broker, "grows", 0..500);
    let source = read(broker, "grows", "begin: latest");
    let project = Project::of(&flow(&source).with("instances: 2"));
    let weir = start(&project).ready();
    wait_until("the lanes to begin", DEADLINE, || {
        weir.process.log().matches("reads grows/").count() == 3
    });
    send(broker, "grows", 500..1_000);
    wait_until("what came later", DEADLINE, || ids(&project).len() >= 500);
    broker.grow("grows", 6);
    // To each of the new ones, before anybody noticed them.
    let bodies: Vec<_> = (1_000..1_300).map(order).collect();
    let messages = bodies.iter().enumerate();
    let to = |at: usize| Some(3 + (at % 3) as i32);
    broker.send("grows", messages.map(|(at, it)| Sent { partition: to(at), ..Sent::body(it) }));
    wait_until("all that is new", DEADLINE, || ids(&project).len() >= 800);
    weir.stop();
    send(broker, "grows", 1_300..1_400);
    let weir = start(&project).ready();
    wait_until("what came meanwhile", DEADLINE, || ids(&project).len() >= 900);
    weir.stop();
    assert_eq!(ids(&project), (500..1_400).collect::<Vec<_>>());
}

#[test]
fn only_what_is_committed_is_read_and_the_group_is_told() {
    let broker = Kafka::shared();
    broker.topic("transactions", 1, &[]);
    let bodies: Vec<_> = (0..20).map(order).collect();
    let of = |range: std::ops::Range<usize>| bodies[range].iter().map(|it| Sent::body(it));
    broker.send_in_transaction("test-a", "transactions", of(0..10), true);
    let open = broker.send_in_transaction("test-b", "transactions", of(10..20), false);
    let project = Project::of(&flow(&read(broker, "transactions", "group: watchers")));
    let weir = start(&project).ready();
    wait_until("what is committed", DEADLINE, || ids(&project).len() >= 10);
    wait_until("the group", DEADLINE, || {
        broker.committed("watchers", "transactions", 0) == Some(10)
    });
    drop(open);
    // The next of the same name puts an end to it.
    broker.send_in_transaction("test-b", "transactions", of(15..20), true);
    wait_until("what is committed", DEADLINE, || ids(&project).len() >= 15);
    weir.stop();
    assert_eq!(ids(&project), (0..10).chain(15..20).collect::<Vec<_>>());
}

#[test]
fn what_the_broker_deleted_before_it_was_read_is_a_fault_or_counted() {
    let broker = Kafka::shared();
    broker.topic("lossy", 1, &[]);
    send(broker, "lossy", 0..10);
    let project = Project::of(&flow(&read(broker, "lossy", "")));
    let weir = start(&project).ready();
    wait_until("the first", DEADLINE, || ids(&project).len() >= 10);
    weir.stop();
    send(broker, "lossy", 10..30);
    broker.delete_before("lossy", 0, 25);
    let mut process = start(&project).spawn();
    wait_until("the loss to be told", DEADLINE, || process.log().contains("WEIR-04335"));
    let log = process.log();
    assert!(log.contains("partition lossy/0: offsets 10 to 24 were deleted"), "{log}");
    process.kill();
    assert_eq!(ids(&project), (0..10).collect::<Vec<_>>());
    project.asset("workflow.yaml", &flow(&read(broker, "lossy", "onLost: skip")).yaml());
    let weir = start(&project).ready();
    wait_until("the rest", DEADLINE, || ids(&project).len() >= 15);
    let (_, metrics) = weir.get(weir.metrics(), "/metrics");
    assert!(metrics.contains("weir_kafka_lost_messages_total{stage=\"read\",topic=\"lossy\"} 15"));
    weir.stop();
    assert_eq!(ids(&project), (0..10).chain(25..30).collect::<Vec<_>>());
}

#[test]
fn a_topic_that_was_made_anew_is_a_fault() {
    let broker = Kafka::shared();
    broker.topic("anew", 1, &[]);
    send(broker, "anew", 0..10);
    let project = Project::of(&flow(&read(broker, "anew", "")));
    let weir = start(&project).ready();
    wait_until("the first", DEADLINE, || ids(&project).len() >= 10);
    weir.stop();
    broker.delete_topic("anew");
    wait_until("the topic to be gone", DEADLINE, || broker.try_topic("anew", 1, &[]));
    send(broker, "anew", 0..3);
    let process = start(&project).spawn();
    wait_until("it to be told", DEADLINE, || process.log().contains("WEIR-04336"));
    let log = process.log();
    assert!(log.contains("partition anew/0 ends at offset 3, and 10 was to be read next"), "{log}");
}

#[test]
fn a_wrong_password_is_refused_and_not_shown() {
    let broker = Kafka::shared();
    broker.topic("guarded", 1, &[]);
    send(broker, "guarded", 0..5);
    for mechanism in ["plain", "scramSha512"] {
        let connection = |password: &str| {
            let sasl = format!(
                "{{ mechanism: {mechanism}, user: {}, password: {password} }}",
                Kafka::USER
            );
            format!("connection: {{ brokers: [\"{}\"], sasl: {sasl} }}", broker.sasl())
        };
        let project = Project::of(&flow(&read_by(&connection("not-the-right-one"), "guarded", "")));
        let mut process = start(&project).spawn();
        wait_until("the refusal", DEADLINE, || process.log().contains("WEIR-04332"));
        let log = process.log();
        assert!(log.contains("the brokers can't be used: "), "{log}");
        assert!(!log.contains("not-the-right-one"), "{log}");
        process.kill();
        let right = connection(Kafka::PASSWORD);
        project.asset("workflow.yaml", &flow(&read_by(&right, "guarded", "")).yaml());
        let weir = start(&project).ready();
        wait_until("all", DEADLINE, || ids(&project).len() >= 5);
        weir.stop();
    }
}

#[test]
fn brokers_show_a_certificate_that_is_trusted() {
    let broker = Kafka::shared();
    broker.topic("sealed", 1, &[]);
    send(broker, "sealed", 0..5);
    let connection = |tls: &str| {
        format!("connection: {{ brokers: [\"{}\"], timeout: 5s, tls: {tls} }}", broker.tls())
    };
    let project = Project::of(&flow(&read_by(&connection("{}"), "sealed", "")));
    let mut process = start(&project).spawn();
    wait_until("the refusal", DEADLINE, || process.log().contains("WEIR-04332"));
    process.kill();
    let tls = json!({ "ca": broker.ca() }).to_string();
    project.asset("workflow.yaml", &flow(&read_by(&connection(&tls), "sealed", "")).yaml());
    let weir = start(&project).ready();
    wait_until("all", DEADLINE, || ids(&project).len() >= 5);
    weir.stop();
}
