//! The sample projects run as they are shipped, but for where their servers are; and each connector has one.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread;

use serde_json::Value;
use weir_test_servers::{Kafka, Nats, S3};

use crate::support::{DEADLINE, Project, Start, files, free_port, wait_until};

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")
}

fn start(project: &Project) -> Start {
    Start::of(project).set("weir.stream.checkpoint-interval=100ms")
}

/// How often each value of a field is in the published files that begin so.
fn found(project: &Project, prefix: &str, field: &str) -> BTreeMap<String, u32> {
    let mut found = BTreeMap::new();
    for name in project.files("out").iter().filter(|it| it.starts_with(prefix)) {
        for record in project.json_lines(&format!("out/{name}")) {
            *found.entry(record[field].to_string()).or_default() += 1;
        }
    }
    found
}

fn assert_each_once(found: &BTreeMap<String, u32>, count: u64) {
    let expected: BTreeMap<_, _> = (0..count).map(|it| (it.to_string(), 1)).collect();
    assert_eq!(*found, expected);
}

#[test]
fn the_sample_of_http_takes_what_it_sends_once() {
    let answers = TcpListener::bind("127.0.0.1:0").unwrap();
    let asked = answers.local_addr().unwrap();
    thread::spawn(move || {
        for stream in answers.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            lines.map_while(Result::ok).take_while(|it| !it.is_empty()).for_each(drop);
            let _ = stream.write_all(
                b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nready",
            );
        }
    });
    let places = [("8088", free_port().to_string()), ("127.0.0.1:5842", asked.to_string())];
    let project = Project::sample_with("http", &places);
    let weir = start(&project).ready();
    wait_until("all orders to be taken", DEADLINE, || {
        found(&project, "orders-", "id").len() >= 1_000
    });
    wait_until("an answer", DEADLINE, || !found(&project, "answers-", "answer").is_empty());
    weir.stop();
    assert_each_once(&found(&project, "orders-", "id"), 1_000);
    assert_eq!(
        found(&project, "answers-", "answer").into_keys().collect::<Vec<_>>(),
        ["\"ready\""]
    );
}

#[test]
fn the_sample_of_what_is_local_hears_lines_and_the_time() {
    let port = free_port().to_string();
    let project = Project::sample_with("local", &[("8089", port.clone())]);
    fs::create_dir(project.path("log")).unwrap();
    let weir = start(&project).ready();
    fs::write(project.path("log/app.log"), "INFO fine\nWARN nearly full\n").unwrap();
    wait_until("the line to be printed", DEADLINE, || {
        // Whoever listens only after a while hears a later one.
        let sent = TcpStream::connect(format!("127.0.0.1:{port}"));
        sent.is_ok_and(|mut it| it.write_all(b"hello\n").is_ok())
            && fs::read_to_string(project.root().join("weir.out")).unwrap().contains("hello")
    });
    wait_until("the warning", DEADLINE, || !found(&project, "warnings-", "line").is_empty());
    wait_until("the time", DEADLINE, || {
        project.files("out").iter().any(|it| it.starts_with("ticks-"))
    });
    weir.stop();
    assert_eq!(
        found(&project, "warnings-", "line"),
        BTreeMap::from([("\"WARN nearly full\"".to_owned(), 1)])
    );
}

#[test]
fn the_sample_of_kafka_sends_on_what_is_large() {
    let broker = Kafka::shared();
    let names = [
        ("127.0.0.1:9092", broker.plain()),
        ("topic: orders", "topic: sample-orders".to_owned()),
        ("topics: [orders]", "topics: [sample-orders]".to_owned()),
        ("topic: large-orders", "topic: sample-large".to_owned()),
    ];
    let project = Project::sample_with("kafka", &names);
    broker.topic("sample-orders", 2, &[]);
    broker.topic("sample-large", 2, &[]);
    let read = |topic: &str| -> Vec<Value> {
        let messages = broker.messages(topic, true).into_iter();
        messages.map(|it| serde_json::from_str(&it.body.unwrap()).unwrap()).collect()
    };
    let weir = start(&project).ready();
    wait_until("all orders to be there", DEADLINE, || read("sample-orders").len() >= 2_000);
    let numbers = |of: Vec<Value>| {
        let mut numbers: Vec<_> = of.iter().map(|it| it["id"].as_u64().unwrap()).collect();
        numbers.sort_unstable();
        numbers
    };
    let is_large = |it: &Value| it["amount"].as_u64().unwrap() >= 1_000;
    let expected = numbers(read("sample-orders").into_iter().filter(is_large).collect());
    wait_until("the large ones", DEADLINE, || read("sample-large").len() >= expected.len());
    weir.stop();
    assert_eq!(numbers(read("sample-large")), expected);
}

#[test]
fn the_sample_of_nats_keeps_the_orders_of_one_shop() {
    let server = Nats::start();
    server.make_stream("ORDERS", &["orders.>"]);
    let connection = format!(
        "servers: [\"{}\"], user: {}, password: {}",
        server.url(),
        Nats::USER,
        Nats::PASSWORD
    );
    let project = Project::sample_with("nats", &[("servers: [\"${env:SERVER}\"]", connection)]);
    let weir = start(&project).ready();
    wait_until("all orders to be there", DEADLINE, || server.count("ORDERS") >= 2_000);
    let north = server.messages("ORDERS").iter().filter(|it| it.subject == "orders.north").count();
    wait_until("those of the north", DEADLINE, || found(&project, "north-", "id").len() >= north);
    weir.stop();
    let found = found(&project, "north-", "id");
    assert_eq!((found.len(), found.values().max()), (north, Some(&1)));
}

#[test]
fn the_sample_of_objects_keeps_the_large_orders() {
    let server = S3::start();
    server.bucket("shop");
    let places = [
        ("http://127.0.0.1:9000", server.endpoint()),
        ("USER: minioadmin", format!("USER: {}", S3::ACCESS_KEY)),
        ("PASSWORD: minioadmin", format!("PASSWORD: {}", S3::SECRET_KEY)),
    ];
    let project = Project::sample_with("objects", &places);
    let below = |prefix: &str| -> Vec<String> {
        server.keys("shop").into_iter().filter(|it| it.starts_with(prefix)).collect()
    };
    let weir = start(&project).ready();
    wait_until("all orders to be made", DEADLINE, || {
        weir.cli(["item", "list"]).stdout.contains("lane-1") && {
            let made = weir.streams().into_iter().filter(|it| it.item == "lane-1");
            made.into_iter().any(|it| it.state.is_closed())
        }
    });
    wait_until("all objects to be done", DEADLINE, || {
        below("in/").is_empty() && weir.streams().iter().all(|it| it.state.is_closed())
    });
    weir.stop();
    let large = below("large/").into_iter().flat_map(|it| server.object("shop", &it).unwrap());
    let large: Vec<u8> = large.collect();
    let mut ids: Vec<u64> = Vec::new();
    for line in large.split(|it| *it == b'\n').filter(|it| !it.is_empty()) {
        let order: Value = serde_json::from_slice(line).unwrap();
        assert!(order["amount"].as_u64().unwrap() >= 1_000, "{order}");
        ids.push(order["id"].as_u64().unwrap());
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    // Half of 2,000 amounts up to 2,000, which are the same each time.
    assert!(ids.len() == count && (800..1_200).contains(&count), "{count} orders");
    assert!(!below("done/").is_empty() && server.parts() == 0);
}

#[test]
fn each_connector_is_used_by_a_sample() {
    let guide = fs::read_to_string(samples().with_file_name("docs/connectors.md")).unwrap();
    let (_, matrix) = guide.split_once("| connector |").unwrap();
    let rows = matrix.lines().skip(2).take_while(|it| it.starts_with('|'));
    let kinds = rows.filter_map(|it| it.split('`').nth(1));
    let assets = files::below(&samples()).into_iter().filter(|it| it.ends_with(".yaml"));
    let texts: String = assets.map(|it| fs::read_to_string(samples().join(it)).unwrap()).collect();
    for kind in kinds {
        assert!(texts.contains(&format!("{kind}:")), "no sample uses the connector {kind}");
    }
}
