//! HTTP and TCP from outside: who is told that its records are committed can rely on it, and what is sent
//! on arrives, whatever is killed and however the other side fails.
//!
//! `WEIR_SEED` repeats the choices of a run, `WEIR_KILLS` sets how many kills there are.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::Value;

use crate::support::flow::{JSON, read, sink};
use crate::support::{DEADLINE, Flow, Project, Seed, Start, free_port, number, wait_until};

const KILLS: u32 = 10;
const SEED: u64 = 20_261_121;
const LIFE_MS_MAX: u64 = 2_000;
const FIELDS: &str = "{ type: json, schema: [{ name: n, type: int64 }] }";

fn start(project: &Project) -> Start {
    Start::of(project).set("weir.stream.checkpoint-interval=100ms")
}

/// One request, and the status and body of its answer. `None`: nobody answered.
fn send(port: u16, request: &str, headers: &str, body: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
    let length = body.len();
    let text = format!(
        "{request} HTTP/1.1\r\nhost: weir\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}

/// All numbers that were published, and how often each.
fn published(project: &Project) -> BTreeMap<u64, u64> {
    let mut found = BTreeMap::new();
    for record in project.published() {
        *found.entry(record["n"].as_u64().unwrap()).or_default() += 1;
    }
    found
}

fn taken(port: u16, answer: &str) -> Flow {
    let read = format!(
        "{{ name: read, source: {{ http: {{ bind: \"127.0.0.1:{port}\", paths: [/orders], body: lines, \
         answer: {answer}, within: 20s, connection: {{ token: a-token-for-tests }}, maxBody: 1KiB, \
         format: {FIELDS}, attributes: [{{ name: peer, from: header, header: \":peer\" }}, \
         {{ name: path, from: address }}] }} }} }}"
    );
    Flow::named("taken").stage(&read).stage(&sink(
        "write",
        "read",
        "${stream}.jsonl",
        JSON,
        "onExisting: counter",
    ))
}

const TOKEN: &str = "authorization: Bearer a-token-for-tests\r\n";

#[test]
fn what_was_answered_as_committed_is_published_whatever_is_killed() {
    let seed = Seed(number("WEIR_SEED", SEED));
    let mut random = StdRng::seed_from_u64(seed.0);
    let port = free_port();
    let project = Project::of(&taken(port, "committed"));
    let (next, is_over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let committed = Arc::new(Mutex::new(BTreeSet::new()));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (next, is_over) = (next.clone(), is_over.clone());
            let committed = committed.clone();
            thread::spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    let n = next.fetch_add(2, Ordering::Relaxed);
                    let body = format!("{{\"n\": {n}}}\n{{\"n\": {}}}\n", n + 1);
                    match send(port, "POST /orders", TOKEN, &body) {
                        Some((200, answer)) => {
                            assert_eq!(answer, "{\"records\":2}");
                            committed.lock().unwrap().extend([n, n + 1]);
                        }
                        // It is not there, or does not know.
                        Some((503, _)) | None => thread::sleep(Duration::from_millis(5)),
                        other => panic!("{other:?}"),
                    }
                }
            })
        })
        .collect();
    for _ in 0..number("WEIR_KILLS", KILLS) {
        let mut process = start(&project).spawn();
        // A random moment is what this test is about: there is nothing to wait for.
        thread::sleep(Duration::from_millis(random.random_range(300..LIFE_MS_MAX)));
        process.kill();
    }
    let weir = start(&project).ready();
    let before = committed.lock().unwrap().len();
    wait_until("more to be committed", DEADLINE, || committed.lock().unwrap().len() > before + 20);
    is_over.store(true, Ordering::Relaxed);
    clients.into_iter().for_each(|it| it.join().unwrap());
    weir.stop();
    let (committed, published) = (committed.lock().unwrap(), published(&project));
    eprintln!("{} records were committed, {} published", committed.len(), published.len());
    assert!(published.values().all(|it| *it == 1), "what was sent once is there twice");
    let lost: Vec<_> = committed.iter().filter(|it| !published.contains_key(it)).collect();
    assert_eq!(lost, Vec::<&u64>::new());
}

/// Of each request a record is published, one is bad, and one is left out by a rule.
#[test]
fn what_is_bad_or_left_out_of_an_answered_request_is_kept_and_told() {
    const REQUESTS: u64 = 20;
    let port = free_port();
    let read = format!(
        "{{ name: read, onError: deadLetter, source: {{ http: {{ bind: \"127.0.0.1:{port}\", \
         paths: [/orders], body: lines, answer: committed, connection: {{ token: a-token-for-tests }}, \
         format: {FIELDS} }} }} }}"
    );
    let small = "{ name: small, from: read, processor: { filterRoute: \
                 { rules: [{ when: n < 1000, to: small }], otherwise: drop } } }";
    let write = sink("write", "small.small", "${stream}.jsonl", JSON, "onExisting: counter");
    let project = Project::of(&Flow::named("taken").stage(&read).stage(small).stage(&write));
    let mut weir = start(&project).ready();
    wait_until("the server", DEADLINE, || TcpStream::connect(("127.0.0.1", port)).is_ok());
    for n in 0..REQUESTS {
        let body = format!("{{\"n\": {n}}}\n{{\"n\": {}}}\n{{\"n\": \"bad {n}\"}}\n", n + 1_000);
        let answer = send(port, "POST /orders", TOKEN, &body);
        assert_eq!(answer, Some((200, "{\"records\":3}".to_owned())));
    }
    wait_until("what became of each record to be counted", DEADLINE, || {
        let counts = weir.stream_of("lane-1").unwrap().counts;
        (counts.records_in, counts.dropped, counts.dead_letters)
            == (3 * REQUESTS, REQUESTS, REQUESTS)
    });
    weir.process.kill();
    drop(weir);
    start(&project).ready().stop();
    assert_eq!(published(&project), (0..REQUESTS).map(|it| (it, 1)).collect());
    let letters = project.dead_letters();
    let mut bad: Vec<_> = letters.iter().map(|it| it["raw"].as_str().unwrap()).collect();
    let mut wanted: Vec<_> = (0..REQUESTS).map(|n| format!("{{\"n\": \"bad {n}\"}}")).collect();
    bad.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(bad, wanted);
}

#[test]
fn a_request_that_is_none_is_refused_with_its_status() {
    let port = free_port();
    let project = Project::of(&taken(port, "accepted"));
    let weir = start(&project).ready();
    weir.logged("begins without a checkpoint");
    let record = "{\"n\": 1}";
    let status =
        |request: &str, headers: &str, body: &str| send(port, request, headers, body).unwrap().0;
    wait_until("the server", DEADLINE, || TcpStream::connect(("127.0.0.1", port)).is_ok());
    assert_eq!(status("POST /orders", "", record), 401);
    assert_eq!(status("POST /orders", "authorization: Bearer another\r\n", record), 401);
    assert_eq!(status("POST /others", TOKEN, record), 404);
    assert_eq!(status("PUT /orders", TOKEN, record), 405);
    assert_eq!(status("POST /orders", TOKEN, &"x".repeat(1_025)), 413);
    assert_eq!(status("POST /orders?by=test", TOKEN, record), 202);
    wait_until("the record to be published", DEADLINE, || published(&project).len() == 1);
    let records = project.published();
    assert_eq!(
        (&records[0]["peer"], &records[0]["path"]),
        (&"127.0.0.1".into(), &"/orders".into())
    );
    weir.stop();
}

/// A server that takes records, and fails now and then.
struct Taker {
    port: u16,
    seen: Arc<Mutex<Seen>>,
}

/// What it knows of requests.
#[derive(Default)]
struct Seen {
    /// The bodies by their keys: as one that honours keys would keep them.
    taken: BTreeMap<String, String>,
    requests: u64,
    /// Keys that came with another body than before.
    mixed: Vec<String>,
    tokens: BTreeSet<String>,
}

impl Taker {
    /// `answers` says what the request of a number is answered with, and whether it is taken.
    fn start(answers: impl Fn(u64, &str) -> (u16, bool) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let shared = seen.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                // One at a time: connections are closed after each request.
                let _ = answer(stream.unwrap(), &shared, &answers);
            }
        });
        Self { port, seen }
    }

    fn records(&self) -> BTreeMap<u64, u64> {
        let mut found = BTreeMap::new();
        for body in self.seen.lock().unwrap().taken.values() {
            for line in body.lines() {
                let record: Value = serde_json::from_str(line).unwrap();
                *found.entry(record["n"].as_u64().unwrap()).or_default() += 1;
            }
        }
        found
    }
}

fn answer(
    stream: TcpStream,
    seen: &Mutex<Seen>,
    answers: &impl Fn(u64, &str) -> (u16, bool),
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut headers = BTreeMap::new();
    let mut line = String::new();
    reader.read_line(&mut line)?;
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").map_or(0, |it| it.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    // Who is killed in the middle of its headers has sent no request.
    let key = headers.get("idempotency-key").ok_or(ErrorKind::UnexpectedEof)?.clone();
    let body = String::from_utf8(body).unwrap();
    let mut seen = seen.lock().unwrap();
    seen.requests += 1;
    seen.tokens.extend(headers.get("authorization").cloned());
    let (status, is_taken) = answers(seen.requests, &body);
    if is_taken {
        let before = seen.taken.insert(key.clone(), body.clone());
        if before.is_some_and(|it| it != body) {
            seen.mixed.push(key);
        }
    }
    drop(seen);
    let mut stream = stream;
    if status == 0 {
        return Ok(());
    }
    write!(
        stream,
        "HTTP/1.1 {status} x\r\nretry-after: 0\r\nconnection: close\r\ncontent-length: 2\r\n\r\nno"
    )
}

fn sent(port: u16, records: u64, more: &str) -> Flow {
    let fields = "[{ name: n, make: sequence }]";
    Flow::named("sent")
        .stage(&format!(
            "{{ name: make, source: {{ generator: {{ rate: 2000, records: {records}, fields: {fields} }} }} }}"
        ))
        .stage(&format!(
            "{{ name: send, from: make, sink: {{ http: {{ connection: {{ url: \"http://127.0.0.1:{port}/in\", \
             token: a-token-for-tests }}, body: lines, maxRecords: 50, format: {{ type: json }}{more} }} }} }}"
        ))
}

#[test]
fn what_is_sent_arrives_by_its_key_whatever_is_killed_and_fails() {
    const RECORDS: u64 = 6_000;
    let seed = Seed(number("WEIR_SEED", SEED));
    let mut random = StdRng::seed_from_u64(seed.0);
    // Some are not taken, of some that were taken the answer is lost.
    let taker = Taker::start(|number, _| match number % 13 {
        3 => (503, false),
        5 => (429, false),
        7 => (0, true),
        9 => (0, false),
        11 => (500, true),
        _ => (200, true),
    });
    let project = Project::of(&sent(taker.port, RECORDS, ""));
    for _ in 0..number("WEIR_KILLS", KILLS) {
        let mut process = start(&project).spawn();
        // A random moment is what this test is about: there is nothing to wait for.
        thread::sleep(Duration::from_millis(random.random_range(300..LIFE_MS_MAX)));
        process.kill();
    }
    let weir = start(&project).ready();
    wait_until("all records to arrive", DEADLINE, || taker.records().len() as u64 >= RECORDS);
    weir.stop();
    let seen = taker.seen.lock().unwrap();
    eprintln!("{} requests for {} keys", seen.requests, seen.taken.len());
    assert_eq!(seen.mixed, Vec::<String>::new());
    let token = "Bearer a-token-for-tests".to_owned();
    assert_eq!(seen.tokens, BTreeSet::from([token]));
    drop(seen);
    let expected: BTreeMap<u64, u64> = (0..RECORDS).map(|it| (it, 1)).collect();
    assert_eq!(taker.records(), expected);
}

#[test]
fn records_that_are_refused_are_left_out_with_a_warning_where_that_is_wanted() {
    // What was left out is told, also where a later request of the outbox fails in passing.
    let refuse = |number: u64, body: &str| match body.contains("{\"n\":70}") {
        true => (422, false),
        false if (4..12).contains(&number) => (503, false),
        false => (200, true),
    };
    let taker = Taker::start(refuse);
    let project = Project::of(&sent(taker.port, 200, ", onRefused: drop"));
    let weir = start(&project).ready();
    wait_until("the others to arrive", DEADLINE, || taker.records().contains_key(&199));
    weir.logged("were left out: http://127.0.0.1");
    weir.stop();
    let found = taker.records();
    assert!(!found.contains_key(&70) && found.len() >= 150, "{found:?}");
    let project = Project::of(&sent(taker.port, 200, ""));
    let weir = start(&project).ready();
    weir.logged("WEIR-04426");
}

/// What a workflow has decided and can't send, since the other side is away or refuses it, is sent as its
/// stage is configured by then.
fn mended(sends: impl Fn(u16, &str) -> Flow, put: impl Fn(&Project)) -> BTreeMap<u64, u64> {
    let away = Taker::start(|_, _| (503, false));
    let project = Project::of(&sends(away.port, ""));
    put(&project);
    let weir = start(&project).ready();
    weir.logged("WEIR-04420");
    weir.stop();
    let taker = Taker::start(|_, body| match body.contains("{\"n\":70}") {
        true => (422, false),
        false => (200, true),
    });
    let drop = sends(taker.port, ", onRefused: drop");
    project.asset("workflow.yaml", &drop.yaml());
    let weir = start(&project).ready();
    wait_until("the others to arrive", DEADLINE, || taker.records().contains_key(&199));
    weir.logged("were left out: http://127.0.0.1");
    weir.stop();
    taker.records()
}

#[test]
fn what_a_live_workflow_could_not_send_is_sent_as_its_stage_is_configured_then() {
    let found = mended(|port, more| sent(port, 200, more), |_| {});
    assert!(!found.contains_key(&70) && found.len() >= 150, "{found:?}");
    assert!(found.values().all(|it| *it == 1), "{found:?}");
}

#[test]
fn what_was_decided_of_a_file_is_sent_as_its_stage_is_configured_then() {
    let flow = |port: u16, more: &str| {
        Flow::named("sent").stage(&read(FIELDS, "")).stage(&format!(
            "{{ name: send, from: read, sink: {{ http: {{ connection: {{ url: \"http://127.0.0.1:{port}/in\" }}, \
             body: lines, maxRecords: 50, format: {{ type: json }}{more} }} }} }}"
        ))
    };
    let lines: String = (0..200).map(|it| format!("{{\"n\":{it}}}\n")).collect();
    let found = mended(flow, |project| drop(project.put("a.jsonl", &lines)));
    let expected: BTreeMap<u64, u64> = (0..50).chain(100..200).map(|it| (it, 1)).collect();
    assert_eq!(found, expected);
}

#[test]
fn answers_are_read_once_by_their_cursor_whatever_is_killed() {
    let seed = Seed(number("WEIR_SEED", SEED));
    let mut random = StdRng::seed_from_u64(seed.0);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // Up to 40 records behind the cursor, of 10000.
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut line = String::new();
            let _ = BufReader::new(stream.try_clone().unwrap()).read_line(&mut line);
            let since = line.split("since=").nth(1).and_then(|it| it.split(' ').next());
            let since: u64 = since.and_then(|it| it.parse().ok()).unwrap_or_default();
            let next = (since + 40).min(10_000);
            let items: Vec<_> = (since..next).map(|it| format!("{{\"n\":{it}}}")).collect();
            let body = format!("{{\"next\":{next},\"items\":[{}]}}", items.join(","));
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
            );
        }
    });
    let read = format!(
        "{{ name: read, source: {{ httpPoll: {{ connection: {{ url: \"http://127.0.0.1:{port}/all?a=b\" }}, \
         interval: 20ms, body: array, records: /items, cursor: {{ parameter: since, pointer: /next }}, \
         format: {FIELDS} }} }} }}"
    );
    let flow = Flow::named("asked").stage(&read).stage(&sink(
        "write",
        "read",
        "${stream}.jsonl",
        JSON,
        "onExisting: counter",
    ));
    let project = Project::of(&flow);
    for _ in 0..5 {
        let mut process = start(&project).spawn();
        // A random moment is what this test is about: there is nothing to wait for.
        thread::sleep(Duration::from_millis(random.random_range(300..1_200)));
        process.kill();
    }
    let weir = start(&project).ready();
    wait_until("all records", DEADLINE, || published(&project).len() >= 10_000);
    weir.stop();
    let expected: BTreeMap<u64, u64> = (0..10_000).map(|it| (it, 1)).collect();
    assert_eq!(published(&project), expected);
}

#[test]
fn lines_come_over_tcp() {
    let port = free_port();
    let flow = Flow::named("lines")
        .stage(&format!(
            "{{ name: read, onError: deadLetter, source: {{ tcp: {{ listen: \"127.0.0.1:{port}\", format: {FIELDS} }} }} }}"
        ))
        .stage(&sink("write", "read", "${stream}.jsonl", JSON, "onExisting: counter"));
    let project = Project::of(&flow);
    let weir = start(&project).ready();
    weir.logged("begins without a checkpoint");
    let connections: Vec<_> = (0..4_u64)
        .map(|it| {
            thread::spawn(move || {
                let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
                for n in it * 1_000..(it + 1) * 1_000 {
                    writeln!(stream, "{{\"n\": {n}}}").unwrap();
                }
            })
        })
        .collect();
    connections.into_iter().for_each(|it| it.join().unwrap());
    wait_until("all lines", DEADLINE, || published(&project).len() == 4_000);
    weir.stop();
    assert!(published(&project).values().all(|it| *it == 1));
}
