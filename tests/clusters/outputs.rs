//! One live workflow of two engines with three outputs: files, a topic and a table. Whatever is killed or
//! stands still, and however often, each has what an undisturbed run would have written, once.
//!
//! The workflow remembers: some orders come twice, of which one passes, and each that passes bears what
//! its customer has ordered so far. A record that was lost, doubled, or read again with a memory of
//! another moment is told from all others.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use rustix::process::Signal;
use weir_runtime::Stopwatch;
use weir_test_servers::Sent;

use super::{DOWNED, DOWNED_EXIT};
use crate::support::cluster::{Broker, Cluster, DEPOSED, Ended, Kind, Node, Oracle, Setup};
use crate::support::flow::{JSON, sink};
use crate::support::{DEADLINE, Flow, Project, Seed, number, wait_until};

const OFTEN: &str = "weir.stream.checkpoint-interval=200ms";
const PARTITIONS: u64 = 4;
const CUSTOMERS: u64 = 16;
const KILLS: u32 = 20;
const SEED: u64 = 20_261_124;
/// How many of a thousand requests an object store fails.
const FAULTS_PER_MILLE: u32 = 20;
/// Orders that come at once, and how often.
const AT_ONCE: u64 = 25;
const EVERY: Duration = Duration::from_millis(200);
/// The exit code of a process whose shutdown was not done in time.
const WITHOUT_ORDER: i32 = 1;
/// After so many blows the workflow must go on before there are more.
const BLOWS_AT_ONCE: u32 = 5;

/// From a topic to all three outputs.
fn flow(cluster: &Cluster) -> Flow {
    let broker = cluster.broker().connection();
    let format = "{ type: json, schema: [{ name: id, type: int64 }, { name: customer, type: int64 }, \
                  { name: amount, type: int64 }] }";
    let source = format!(
        "{{ name: read, source: {{ kafka: {{ connection: {broker}, topics: [orders], \
         format: {format} }} }} }}"
    );
    let unique =
        "{ name: unique, from: read, processor: { deduplicate: { key: [id], within: 24h } } }";
    let totals = "{ name: totals, from: unique, processor: { aggregate: { key: [customer], \
                  values: [{ name: orders, make: count }, \
                  { name: total, make: sum, field: amount }] } } }";
    let topic = format!(
        "{{ name: topic, from: totals, sink: {{ kafka: {{ connection: {broker}, topic: totals, \
         key: customer, format: {{ type: json }} }} }} }}"
    );
    let table = format!(
        "{{ name: table, from: totals, sink: {{ sql: {{ connection: {}, table: totals }} }} }}",
        cluster.database.connection()
    );
    Flow::named("totals")
        .with("instances: 2")
        .stage(&source)
        .stage(unique)
        .stage(totals)
        .stage(&sink("file", "totals", "totals-${stream}.jsonl", JSON, ""))
        .stage(&topic)
        .stage(&table)
}

fn customer(order: u64) -> u64 {
    order % CUSTOMERS
}

fn amount(order: u64) -> u64 {
    order * 7 % 1_000
}

/// A record of an output, as a line.
fn line(id: u64, amount: u64, orders: u64, total: u64) -> String {
    format!("{id}|{}|{amount}|{orders}|{total}", customer(id))
}

/// What an undisturbed run writes for so many orders.
fn undisturbed(orders: u64) -> Vec<String> {
    let mut of = BTreeMap::<u64, (u64, u64)>::new();
    let line = |id| {
        let (count, total) = of.entry(customer(id)).or_default();
        (*count, *total) = (*count + 1, *total + amount(id));
        line(id, amount(id), *count, *total)
    };
    (0..orders).map(line).collect()
}

/// Brings orders until it is told to stop; each in the partition of its customer, every fifth of them
/// once more later. Tells how many there were.
fn bring(broker: &Broker, is_over: &AtomicBool) -> u64 {
    let mut brought = 0_u64;
    while !is_over.load(Ordering::Relaxed) {
        let again = brought.saturating_sub(3 * AT_ONCE)..brought.saturating_sub(2 * AT_ONCE);
        let ids = (brought..brought + AT_ONCE).chain(again.filter(|it| it % 5 == 0));
        let body =
            |id| format!("{{\"id\":{id},\"customer\":{},\"amount\":{}}}", customer(id), amount(id));
        let bodies: Vec<_> = ids.map(|id| (id, body(id))).collect();
        let sent = bodies.iter().map(|(id, body)| {
            let partition = i32::try_from(customer(*id) % PARTITIONS).ok();
            Sent { partition, ..Sent::body(body) }
        });
        broker.send("orders", sent.collect());
        brought += AT_ONCE;
        // The pace of the outside world.
        thread::sleep(EVERY);
    }
    brought
}

/// How many orders came while something happened.
fn brought_while(broker: &Broker, work: impl FnOnce()) -> u64 {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let bringing = scope.spawn(|| bring(broker, &is_over));
        let end = Ended(&is_over);
        work();
        drop(end);
        bringing.join().unwrap()
    })
}

/// What is done to the engines.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Blow {
    Kill(usize),
    Both,
    /// It stands still for so long, and wakes.
    Pause(usize, Duration),
    /// It is told to end, in the middle of its work.
    Stop(usize),
}

impl Blow {
    fn any(random: &mut StdRng) -> Self {
        let at = random.random_range(0..2);
        match random.random_range(0..10) {
            0 => Self::Both,
            1 => Self::Pause(at, Duration::from_millis(random.random_range(200..6_000))),
            2 | 3 => Self::Stop(at),
            _ => Self::Kill(at),
        }
    }

    /// How many processes were killed.
    fn fall(self, cluster: &mut Cluster) -> u32 {
        match self {
            Self::Kill(at) => cluster.nodes[at].kill(),
            Self::Both => cluster.nodes.iter_mut().for_each(Node::kill),
            Self::Pause(at, time) => {
                cluster.nodes[at].pause();
                // How long it stands still is what this is about.
                thread::sleep(time);
                cluster.nodes[at].resume();
            }
            Self::Stop(at) => cluster.nodes[at].terminate(),
        }
        match self {
            Self::Kill(_) => 1,
            Self::Both => 2,
            Self::Pause(..) | Self::Stop(..) => 0,
        }
    }
}

/// Told to end before it listens, a process ends by the signal. One that nobody is left to take over
/// from ends without order when its time is over.
fn is_right(status: ExitStatus) -> bool {
    let is_told = status.signal() == Some(Signal::TERM.as_raw());
    is_told || matches!(status.code(), Some(0 | WITHOUT_ORDER | DOWNED_EXIT))
}

/// Starts again who ended, as a service manager does.
#[track_caller]
fn restart(cluster: &mut Cluster) {
    for node in &mut cluster.nodes {
        if let Some(status) = node.try_ended() {
            assert!(is_right(status), "{} ended ({status}):\n{}", node.name, node.log());
        }
        if !node.is_running() {
            node.start();
        }
    }
}

fn rows(cluster: &Cluster) -> u64 {
    cluster.database.ask("SELECT count(*) FROM totals").trim().parse().unwrap()
}

/// All records of the three outputs, sorted.
fn written(cluster: &Cluster, project: &Project) -> [(&'static str, Vec<String>); 3] {
    let of_json = |it: &serde_json::Value| {
        let of = |key: &str| it[key].as_u64().unwrap();
        assert_eq!(of("customer"), customer(of("id")), "{it}");
        line(of("id"), of("amount"), of("orders"), of("total"))
    };
    let files: Vec<_> = project.published().iter().map(of_json).collect();
    let messages = cluster.broker().messages("totals").into_iter();
    let topic = messages.map(|it| of_json(&serde_json::from_str(&it.body.unwrap()).unwrap()));
    let table = "SELECT concat_ws('|', id, customer, amount, orders, total) FROM totals";
    let table = cluster.database.ask(table).lines().map(str::to_owned).collect();
    let mut all = [("files", files), ("topic", topic.collect()), ("table", table)];
    all.iter_mut().for_each(|it| it.1.sort_unstable());
    all
}

/// The messages of a customer are in one partition, in the order in which the orders came.
#[track_caller]
fn assert_ordered(cluster: &Cluster) {
    let mut last = BTreeMap::new();
    for it in cluster.broker().messages("totals") {
        let record: serde_json::Value = serde_json::from_str(it.body.as_ref().unwrap()).unwrap();
        let orders = record["orders"].as_u64().unwrap();
        let (partition, before) = last.entry(it.key.clone()).or_insert((it.partition, 0));
        assert_eq!((it.partition, orders), (*partition, *before + 1), "{it:?}");
        *before = orders;
    }
}

/// What an output has too few or too many of.
fn differences(found: &[String], wanted: &[String]) -> String {
    let mut counts = BTreeMap::<&str, (u32, u32)>::new();
    found.iter().for_each(|it| counts.entry(it).or_default().0 += 1);
    wanted.iter().for_each(|it| counts.entry(it).or_default().1 += 1);
    let mut text = String::new();
    let of = |what: &str, is_so: &dyn Fn(u32, u32) -> bool, text: &mut String| {
        let these = counts.iter().filter(|it| is_so(it.1.0, it.1.1));
        let these: Vec<_> = these.map(|it| *it.0).collect();
        if !these.is_empty() {
            let first = &these[..these.len().min(5)];
            let _ = writeln!(text, "{} {what}, as {first:?}", these.len());
        }
    };
    of("lost", &|found, wanted| found < wanted && wanted > 0, &mut text);
    of("doubled", &|found, wanted| found > wanted && wanted > 0, &mut text);
    of("that no undisturbed run writes", &|_, wanted| wanted == 0, &mut text);
    text
}

/// Deals out blows until so many processes were killed; tells how many orders there were.
fn disturbed(cluster: &mut Cluster, random: &mut StdRng, kills: u32) {
    let (mut killed, mut blows, mut paused, mut stopped) = (0, 0, 0, 0);
    let watch = Stopwatch::start();
    while killed < kills {
        // A random moment is what this test is about: there is nothing to wait for.
        thread::sleep(Duration::from_millis(random.random_range(0..2_500)));
        restart(cluster);
        let blow = Blow::any(random);
        killed += blow.fall(cluster);
        paused += u32::from(matches!(blow, Blow::Pause(..)));
        stopped += u32::from(matches!(blow, Blow::Stop(..)));
        blows += 1;
        restart(cluster);
        if blows % BLOWS_AT_ONCE == 0 {
            let before = rows(cluster);
            wait_until("more to be written", DEADLINE, || {
                restart(cluster);
                rows(cluster) > before
            });
            let after = watch.elapsed().as_secs();
            eprintln!(
                "{after} s: {killed} killed, {paused} paused, {stopped} stopped, {} rows are there",
                rows(cluster)
            );
        }
    }
}

/// Two engines.
pub(crate) fn setup(kind: Kind) -> Setup {
    Cluster::of(2, kind).set(OFTEN).with_broker()
}

/// So many kills, three outputs.
pub(crate) fn outputs_are_as_undisturbed(setup: Setup, kills: u32) {
    let Some(mut cluster) = setup.up() else { return };
    let seed = Seed(number("WEIR_SEED", SEED));
    eprintln!("WEIR_SEED={}", seed.0);
    if let Some(store) = cluster.store() {
        store.disturb(seed.0, FAULTS_PER_MILLE);
    }
    let mut random = StdRng::seed_from_u64(seed.0);
    let oracle = Oracle::of(&cluster).expecting(&[DOWNED]).expecting(DEPOSED);
    cluster.database.ask(
        "CREATE TABLE totals (id bigint NOT NULL, customer bigint NOT NULL, \
         amount bigint NOT NULL, orders bigint NOT NULL, total bigint NOT NULL)",
    );
    for topic in ["orders", "totals"] {
        cluster.broker().topic(topic, PARTITIONS as i32);
    }
    let project = Project::of(&flow(&cluster));
    cluster.deploy(&project);
    let broker = cluster.broker();
    let orders = brought_while(&broker, || {
        cluster.until("the first rows", || rows(&cluster) > 0);
        disturbed(&mut cluster, &mut random, kills);
    });
    cluster.all_up_again(is_right);
    let wanted = {
        let mut wanted = undisturbed(orders);
        wanted.sort_unstable();
        wanted
    };
    cluster.until("all rows to be written", || rows(&cluster) >= orders);
    cluster.until("all to be in files and topic", || {
        written(&cluster, &project).iter().all(|it| it.1.len() as u64 >= orders)
    });
    cluster.stop();
    for (output, found) in written(&cluster, &project) {
        let differences = differences(&found, &wanted);
        assert!(differences.is_empty(), "the {output}, of {orders} orders:\n{differences}");
    }
    assert_ordered(&cluster);
    project.assert_tidy();
    oracle.check(&mut cluster);
    eprintln!("{orders} orders are in files, topic and table, each once");
}

#[test]
fn files_topic_and_table_are_as_undisturbed_whatever_is_killed() {
    outputs_are_as_undisturbed(setup(Kind::MariaDb), number("WEIR_KILLS", KILLS));
}

#[test]
fn they_are_so_with_checkpoints_in_a_store_that_fails_at_times() {
    let setup = setup(Kind::Postgres).with_store();
    outputs_are_as_undisturbed(setup, number("WEIR_KILLS", KILLS / 2));
}
