//! Kafka as a source and as a sink, with a real broker: what a topic holds is published once, whatever is killed.
//!
//! `WEIR_SEED` repeats the choices of a run, `WEIR_KILLS` sets how many kills there are.

mod reading;
mod secrets;
mod writing;

use weir_test_servers::Kafka;

use crate::support::{Project, Start};

/// Messages of tests, as they are declared.
const ORDERS: &str =
    "{ type: json, schema: [{ name: id, type: int64 }, { name: amount, type: int64 }] }";

/// The stage `read`. `more` is appended to the source.
fn read(broker: &Kafka, topics: &str, more: &str) -> String {
    let connection = format!("connection: {{ brokers: [\"{}\"] }}", broker.plain());
    read_by(&connection, topics, more)
}

fn read_by(connection: &str, topics: &str, more: &str) -> String {
    let more = if more.is_empty() { String::new() } else { format!(", {more}") };
    format!(
        "{{ name: read, onError: deadLetter, source: {{ kafka: {{ {connection}, topics: [{topics}], \
         format: {ORDERS}, discoverEvery: 200ms{more} }} }} }}"
    )
}

fn start(project: &Project) -> Start {
    Start::of(project).set("weir.stream.checkpoint-interval=100ms")
}

fn order(id: u64) -> String {
    format!("{{\"id\":{id},\"amount\":{}}}", id * 7 % 1_000)
}

/// Everything that is published, in no order.
fn published(project: &Project) -> Vec<serde_json::Value> {
    let names = project.files("out");
    let whole = names.iter().filter(|it| !it.contains(".weir") && !it.starts_with('.'));
    whole.flat_map(|it| project.json_lines(&format!("out/{it}"))).collect()
}

/// How often each id is published.
fn ids(project: &Project) -> Vec<u64> {
    let mut ids: Vec<_> = published(project).iter().map(|it| it["id"].as_u64().unwrap()).collect();
    ids.sort_unstable();
    ids
}
