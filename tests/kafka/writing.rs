//! Kafka as a sink.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use weir_domain::Clock as _;
use weir_runtime::SystemClock;
use weir_test_servers::{Kafka, Received, Sent};

use super::{order, read, start};
use crate::support::flow::{CSV, read as read_files};
use crate::support::{
    DEADLINE, Flow, Project, Seed, Start, number, stays_so, wait_for, wait_until,
};

const KILLS: u32 = 12;
const SEED: u64 = 20_261_121;
const LIFE_MS_MAX: u64 = 4_000;

/// The stage `send`. `more` is appended to the sink.
fn send(broker: &Kafka, from: &str, topic: &str, more: &str) -> String {
    let more = if more.is_empty() { String::new() } else { format!(", {more}") };
    format!(
        "{{ name: send, from: {from}, sink: {{ kafka: {{ connection: {{ brokers: [\"{}\"] }}, \
         topic: {topic}, format: {{ type: json }}{more} }} }} }}",
        broker.plain()
    )
}

/// Orders of at least 500 go from one topic to the other, by their numbers.
fn flow(broker: &Kafka, from: &str, to: &str) -> Flow {
    let filter = "{ name: large, from: read, processor: { filterRoute: \
                  { rules: [{ when: amount >= 500, to: large }], otherwise: drop } } }";
    let more = format!("key: id, commits: {to}-commits");
    Flow::named("orders")
        .with("instances: 2")
        .stage(&read(broker, from, ""))
        .stage(filter)
        .stage(&send(broker, "large.large", to, &more))
}

fn fill(broker: &Kafka, topic: &str, ids: std::ops::Range<u64>) {
    let bodies: Vec<_> = ids.map(order).collect();
    broker.send(topic, bodies.iter().map(|it| Sent::body(it)));
}

fn large(ids: std::ops::Range<u64>) -> Vec<u64> {
    ids.filter(|it| it * 7 % 1_000 >= 500).collect()
}

/// The ids in a topic that whoever reads what is committed sees.
fn ids(broker: &Kafka, topic: &str) -> Vec<u64> {
    let id = |it: Received| {
        let body: serde_json::Value = serde_json::from_str(&it.body.unwrap()).unwrap();
        body["id"].as_u64().unwrap()
    };
    let mut ids: Vec<_> = broker.messages(topic, true).into_iter().map(id).collect();
    ids.sort_unstable();
    ids
}

/// Each id of a key is in the order in which it was sent, and in one partition.
fn assert_keyed(broker: &Kafka, topic: &str) {
    let mut partitions = BTreeMap::new();
    for it in broker.messages(topic, true) {
        let partition = partitions.entry(it.key.clone()).or_insert(it.partition);
        assert_eq!(*partition, it.partition, "{it:?}");
    }
}

#[test]
fn records_of_a_file_become_messages_once() {
    let broker = Kafka::shared();
    for topic in ["large", "small"] {
        broker.topic(topic, 2, &[]);
    }
    let map = "{ name: name, from: read, processor: { mapping: { set: { to: \
               \"CASE WHEN amount >= 10 THEN 'large' WHEN amount < 0 THEN 'no topic!' END\" } } } }";
    let more = "topicField: to, key: id, headers: { amount: amount }, maxMessageBytes: 1000";
    let flow = Flow::named("orders")
        .stage(&read_files(CSV, ""))
        .stage(map)
        .stage(&send(broker, "name", "small", more));
    let project = Project::of(&flow);
    let weir = start(&project).ready();
    project.put("a.csv", "id,amount\n1,5\n2,15\n3,-1\n");
    let stream = weir.closed("a.csv");
    assert_eq!(stream.counts.dead_letters, 1, "{stream:?}");
    let reason = project.dead_letters()[0]["reason"].as_str().unwrap().to_owned();
    assert!(reason.ends_with("\"no topic!\" is no name of a topic"), "{reason}");
    wait_until("both messages", DEADLINE, || {
        ids(broker, "large").len() + ids(broker, "small").len() == 2
    });
    let [large, small] = ["large", "small"].map(|it| broker.messages(it, true).remove(0));
    let header = |it: &str| vec![("amount".to_owned(), it.to_owned())];
    assert_eq!((large.key.as_deref(), large.headers), (Some("2"), header("15.0")));
    assert_eq!((small.key.as_deref(), small.headers), (Some("1"), header("5.0")));
    assert_eq!(small.body.as_deref(), Some("{\"id\":1,\"amount\":5.0}"));
    weir.stop();
}

#[test]
fn what_is_sent_on_is_there_once_whatever_is_killed() {
    const ORDERS: u64 = 20_000;
    let broker = Kafka::shared();
    let seed = Seed(number("WEIR_SEED", SEED));
    let mut random = StdRng::seed_from_u64(seed.0);
    broker.topic("kill-in", 4, &[]);
    broker.topic("kill-out", 3, &[]);
    let project = Project::of(&flow(broker, "kill-in", "kill-out"));
    let kills = number("WEIR_KILLS", KILLS);
    for kill in 0..u64::from(kills) {
        let each = ORDERS / u64::from(kills) + 1;
        fill(broker, "kill-in", (kill * each).min(ORDERS)..((kill + 1) * each).min(ORDERS));
        let mut process = start(&project).spawn();
        // A random moment is what this test is about: there is nothing to wait for.
        thread::sleep(Duration::from_millis(random.random_range(500..LIFE_MS_MAX)));
        process.kill();
        eprintln!("killed {} times: {} are there", kill + 1, ids(broker, "kill-out").len());
    }
    let weir = start(&project).ready();
    let expected = large(0..ORDERS);
    wait_until("all orders", DEADLINE, || ids(broker, "kill-out").len() >= expected.len());
    weir.stop();
    assert_eq!(ids(broker, "kill-out"), expected);
    assert_keyed(broker, "kill-out");
}

/// Long before the next checkpoint; a crash sends it again, and a checkpoint puts an end to that.
#[test]
fn what_is_to_be_there_immediately_waits_for_no_checkpoint() {
    let broker = Kafka::shared();
    broker.topic("now-in", 2, &[]);
    broker.topic("now-out", 2, &[]);
    let sink = send(broker, "read", "now-out", "delivery: immediate");
    let flow = Flow::named("orders").stage(&read(broker, "now-in", "")).stage(&sink);
    let project = Project::of(&flow);
    let start = || Start::of(&project).set("weir.stream.checkpoint-interval=1h").ready();
    fill(broker, "now-in", 0..500);
    let mut weir = start();
    let are_there = |count: usize| {
        wait_until(&format!("{count} to be there"), DEADLINE, || {
            ids(broker, "now-out").len() >= count
        });
    };
    are_there(500);
    weir.process.kill();
    let weir = start();
    are_there(1_000);
    weir.stop();
    fill(broker, "now-in", 500..501);
    let weir = start();
    are_there(1_001);
    weir.stop();
    let expected: Vec<u64> = (0..500).flat_map(|it| [it, it]).chain([500]).collect();
    assert_eq!(ids(broker, "now-out"), expected);
}

#[test]
fn what_was_decided_is_sent_long_after_its_transaction_would_have_timed_out() {
    let mut broker = Kafka::start();
    broker.topic("late-in", 1, &[]);
    broker.topic("late-out", 1, &[]);
    fill(&broker, "late-in", 0..1_000);
    let sink = send(&broker, "read", "late-out", "transactionTimeout: 1s");
    let flow = Flow::named("orders").stage(&read(&broker, "late-in", "")).stage(&sink);
    let project = Project::of(&flow);
    let weir = start(&project).ready();
    wait_until("the first", DEADLINE, || ids(&broker, "late-out").len() == 1_000);
    weir.stop();
    fill(&broker, "late-in", 1_000..3_000);
    // Whatever it is about to send, nobody answers.
    let mut process = start(&project).spawn();
    wait_until("it to read on", DEADLINE, || process.log().contains("reads late-in/0 from"));
    broker.freeze();
    stays_so("somebody waits", Duration::from_secs(3), || true);
    process.kill();
    broker.thaw();
    broker.kill();
    broker.restart();
    stays_so("nobody sends", Duration::from_secs(3), || true);
    let weir = start(&project).ready();
    wait_until("all", DEADLINE, || ids(&broker, "late-out").len() >= 3_000);
    weir.stop();
    assert_eq!(ids(&broker, "late-out"), (0..3_000).collect::<Vec<_>>());
}

/// What was sent for `left-missing` waits for a topic that is not there, in an open transaction.
fn left_open(broker: &Kafka, timeout: &str, is_waited_for: bool) {
    let name = |it: &str| format!("left-{timeout}-{it}");
    let [from, to, missing] = ["in", "out", "missing"].map(name);
    broker.topic(&from, 1, &[]);
    broker.topic(&to, 1, &[]);
    fill(broker, &from, 0..100);
    let map = format!(
        "{{ name: name, from: read, processor: {{ mapping: {{ set: {{ to: \
         \"CASE WHEN id = 99 THEN '{missing}' END\" }} }} }} }}"
    );
    let more = format!("topicField: to, transactionTimeout: {timeout}");
    let flow = Flow::named("orders")
        .stage(&read(broker, &from, ""))
        .stage(&map)
        .stage(&send(broker, "name", &to, &more));
    let project = Project::of(&flow);
    let mut process = start(&project).spawn();
    let sent = || broker.messages(&to, false).len();
    wait_until("messages that nobody may see", DEADLINE, || sent() >= 99);
    process.kill();
    assert_eq!(ids(broker, &to), Vec::<u64>::new());
    fill(broker, &to, 1_000..1_001);
    if is_waited_for {
        wait_until("the broker to end the transaction", DEADLINE, || ids(broker, &to) == [1_000]);
    }
    broker.topic(&missing, 1, &[]);
    let weir = start(&project).ready();
    wait_until("all", DEADLINE, || ids(broker, &to).len() >= 100);
    weir.stop();
    assert_eq!(ids(broker, &to), (0..99).chain([1_000]).collect::<Vec<_>>());
    assert_eq!(ids(broker, &missing), [99]);
}

#[test]
fn a_transaction_that_was_left_open_is_ended_and_sent_again() {
    let broker = Kafka::shared();
    left_open(broker, "2s", true);
    left_open(broker, "60s", false);
}

/// An outbox that is not newer than the newest token waits for whoever else has a transaction open among them.
#[test]
fn a_transaction_that_hangs_among_the_tokens_is_named_and_waited_for() {
    let broker = Kafka::shared();
    ["hung-in", "hung-out", "hung-commits"].iter().for_each(|it| broker.topic(it, 1, &[]));
    fill(broker, "hung-in", 0..100);
    let later = SystemClock.now().plus(Duration::from_mins(10));
    let token = || [Sent { timestamp: Some(later.0), ..Sent::body("another") }];
    let open = broker.send_in_transaction("hung", "hung-commits", token(), false);
    let connection = format!("connection: {{ brokers: [\"{}\"], timeout: 2s }}", broker.plain());
    let flow = Flow::named("orders").stage(&read(broker, "hung-in", "")).stage(&format!(
        "{{ name: send, from: read, sink: {{ kafka: {{ {connection}, topic: hung-out, commits: hung-commits, \
         format: {{ type: json }} }} }} }}"
    ));
    let project = Project::of(&flow);
    let weir = start(&project).ready();
    let fault = wait_for("what is in the way", DEADLINE, || {
        weir.workflow("orders").fault.filter(|it| it.code.0 == 4342)
    });
    let what = "topic hung-commits has a transaction that is still open";
    assert!(fault.message.contains(what), "{fault:?}");
    assert!(fault.hint.unwrap().contains("kafka-transactions.sh find-hanging"));
    assert_eq!(ids(broker, "hung-out"), Vec::<u64>::new());
    drop(open);
    // Whoever begins under the same id ends it.
    broker.send_in_transaction("hung", "hung-commits", token(), true);
    wait_until("all orders", DEADLINE, || ids(broker, "hung-out").len() >= 100);
    weir.stop();
    assert_eq!(ids(broker, "hung-out"), (0..100).collect::<Vec<_>>());
}

#[test]
fn a_broker_that_is_killed_loses_nothing_and_doubles_nothing() {
    const ORDERS: u64 = 12_000;
    let mut broker = Kafka::start();
    broker.topic("down-in", 4, &[]);
    broker.topic("down-out", 2, &[]);
    fill(&broker, "down-in", 0..ORDERS / 2);
    let project = Project::of(&flow(&broker, "down-in", "down-out"));
    let mut process = start(&project).spawn();
    for at in 0..3_u64 {
        wait_until("some orders", DEADLINE, || !ids(&broker, "down-out").is_empty());
        broker.kill();
        stays_so("nobody answers", Duration::from_millis(500 + at * 700), || true);
        broker.restart();
        let from = ORDERS / 2 + at * 2_000;
        fill(&broker, "down-in", from..from + 2_000);
    }
    let expected = large(0..ORDERS);
    wait_until("all orders", DEADLINE, || ids(&broker, "down-out").len() >= expected.len());
    process.terminate();
    process.ended();
    assert_eq!(ids(&broker, "down-out"), expected);
}

#[test]
fn without_transactions_messages_are_there_at_least_once() {
    let broker = Kafka::shared();
    broker.topic("least-in", 1, &[]);
    broker.topic("least-out", 1, &[]);
    fill(broker, "least-in", 0..500);
    let sink = send(broker, "read", "least-out", "delivery: atLeastOnce, compression: zstd");
    let flow = Flow::named("orders").stage(&read(broker, "least-in", "")).stage(&sink);
    let project = Project::of(&flow);
    let weir = start(&project).ready();
    wait_until("all", DEADLINE, || ids(broker, "least-out").len() >= 500);
    weir.stop();
    assert_eq!(ids(broker, "least-out"), (0..500).collect::<Vec<_>>());
}

#[test]
fn a_topic_that_is_not_there_is_named_and_waited_for() {
    let broker = Kafka::shared();
    broker.topic("early-in", 1, &[]);
    fill(broker, "early-in", 0..10);
    let flow = Flow::named("orders").stage(&read(broker, "early-in", "")).stage(&send(
        broker,
        "read",
        "early-out",
        "",
    ));
    let project = Project::of(&flow);
    let mut process = start(&project).spawn();
    wait_until("the refusal", DEADLINE, || process.log().contains("WEIR-04334"));
    let log = process.log();
    assert!(log.contains("a message to topic early-out was not taken"), "{log}");
    broker.topic("early-out", 1, &[]);
    wait_until("all", DEADLINE, || ids(broker, "early-out").len() >= 10);
    process.terminate();
    process.ended();
    assert_eq!(ids(broker, "early-out"), (0..10).collect::<Vec<_>>());
}
