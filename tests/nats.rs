//! NATS from outside: what a stream has is published once to another, whatever is killed.
//!
//! `WEIR_SEED` repeats the choices of a run, `WEIR_KILLS` sets how many kills there are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::Value;
use weir_test_servers::Nats;

use crate::support::{
    DEADLINE, Flow, Project, Ran, Seed, Start, binary, files, number, wait_until,
};

const KILLS: u32 = 15;
const SEED: u64 = 20_261_121;
const LIFE_MS_MAX: u64 = 1_800;
/// Messages for each life of the engine.
const EACH: u64 = 2_000;

const FIELDS: &str =
    "{ type: json, schema: [{ name: n, type: int64 }, { name: to, type: string }] }";

fn connection(server: &Nats) -> String {
    format!(
        "connection: {{ servers: [\"{}\"], user: {}, password: {} }}",
        server.url(),
        Nats::USER,
        Nats::PASSWORD
    )
}

/// From the stream `IN` to the stream `OUT`, but for every tenth.
fn flow(server: &Nats) -> Flow {
    let connection = connection(server);
    let attributes = "[{ name: subject, from: address }, { name: seq, from: offset }, \
                      { name: kind, from: header, header: kind }, { name: at, from: timestamp }]";
    Flow::named("passed")
        .stage(&format!(
            "{{ name: read, source: {{ nats: {{ {connection}, stream: IN, subject: \"in.>\", \
             format: {FIELDS}, attributes: {attributes} }} }} }}"
        ))
        .stage(
            "{ name: keep, from: read, processor: { filterRoute: \
             { rules: [{ when: n % 10 <> 0, to: kept }], otherwise: rest } } }",
        )
        .stage("{ name: drop, from: keep.rest, sink: { devNull: {} } }")
        .stage(&format!(
            "{{ name: write, from: keep.kept, sink: {{ nats: {{ {connection}, subject: out.other, \
             subjectField: to, headers: {{ from: subject, kind: kind }}, format: {{ type: json }} }} }} }}"
        ))
}

fn body(n: u64) -> String {
    match n % 3 {
        0 => format!("{{\"n\": {n}}}"),
        some => format!("{{\"n\": {n}, \"to\": \"out.{some}\"}}"),
    }
}

fn start(project: &Project) -> Start {
    Start::of(project).set("weir.stream.checkpoint-interval=100ms")
}

fn made() -> Nats {
    let server = Nats::start();
    server.make_stream("IN", &["in.*"]);
    server.make_stream("OUT", &["out.*"]);
    server
}

/// All that was to pass is there once, where it was to be.
#[track_caller]
fn assert_complete(server: &Nats, until: u64) {
    let mut found = BTreeSet::new();
    for message in server.messages("OUT") {
        let record: Value = serde_json::from_slice(&message.body).unwrap();
        let n = record["n"].as_u64().unwrap();
        assert!(found.insert(n), "{n} is there twice");
        let to = match n % 3 {
            0 => "out.other".to_owned(),
            some => format!("out.{some}"),
        };
        assert_eq!(message.subject, to);
        assert_eq!((&record["subject"], &record["kind"]), (&"in.x".into(), &"test".into()));
        assert_eq!(record["seq"], n + 1, "{record}");
        let header = |name: &str| message.headers.iter().find(|it| it.0 == name).unwrap().1.clone();
        assert_eq!((header("from"), header("kind")), ("in.x".to_owned(), "test".to_owned()));
    }
    let expected: BTreeSet<u64> = (0..until).filter(|it| it % 10 != 0).collect();
    assert_eq!(found.len(), expected.len());
    assert_eq!(found, expected);
}

fn kept(until: u64) -> u64 {
    until - until.div_ceil(10)
}

#[test]
fn messages_pass_once_from_stream_to_stream_whatever_is_killed() {
    let seed = Seed(number("WEIR_SEED", SEED));
    let mut random = StdRng::seed_from_u64(seed.0);
    let server = made();
    let project = Project::of(&flow(&server));
    let mut until = 0;
    for kill in 1..=number("WEIR_KILLS", KILLS) {
        server.publish("in.x", (until..until + EACH).map(body));
        until += EACH;
        let mut process = start(&project).spawn();
        // A random moment is what this test is about: there is nothing to wait for.
        thread::sleep(Duration::from_millis(random.random_range(0..LIFE_MS_MAX)));
        process.kill();
        if kill % 5 == 0 {
            eprintln!("killed {kill} times: {} messages passed", server.count("OUT"));
        }
    }
    let weir = start(&project).ready();
    wait_until("all messages to pass", DEADLINE, || server.count("OUT") >= kept(until));
    weir.stop();
    assert_complete(&server, until);
}

#[test]
fn messages_pass_once_when_the_server_is_killed() {
    let mut server = made();
    let project = Project::of(&flow(&server));
    let weir = start(&project).ready();
    let mut until = 0;
    for _ in 0..4 {
        server.publish("in.x", (until..until + EACH).map(body));
        until += EACH;
        let some = kept(until) - EACH / 2;
        wait_until("some messages to pass", DEADLINE, || server.count("OUT") >= some);
        server.kill();
        server.restart();
    }
    wait_until("all messages to pass", DEADLINE, || server.count("OUT") >= kept(until));
    drop(weir);
    assert_complete(&server, until);
}

#[test]
fn a_stream_that_was_made_anew_is_not_taken_for_the_old_one() {
    let server = made();
    let project = Project::of(&flow(&server));
    server.publish("in.x", (0..20).map(body));
    let weir = start(&project).ready();
    wait_until("all messages to pass", DEADLINE, || server.count("OUT") >= kept(20));
    weir.stop();
    server.delete_stream("IN");
    server.make_stream("IN", &["in.*"]);
    server.publish("in.x", (0..40).map(body));
    let weir = start(&project).ready();
    weir.logged("WEIR-04405");
    weir.logged("it was made anew, and has 1 to 40");
    assert_eq!(server.count("OUT"), kept(20));
}

#[test]
fn what_is_told_while_it_listens_is_told_on() {
    let server = Nats::start();
    let connection = connection(&server);
    let flow = Flow::named("told")
        .stage(&format!(
            "{{ name: read, source: {{ nats: {{ {connection}, subject: \"in.*\", queueGroup: all, \
             format: {FIELDS} }} }} }}"
        ))
        .stage(&format!(
            "{{ name: write, from: read, onError: deadLetter, sink: {{ nats: {{ {connection}, jetStream: false, \
             subjectField: to, format: {{ type: json }} }} }} }}"
        ));
    let project = Project::of(&flow);
    let mut heard = server.listen("out.*");
    let weir = start(&project).ready();
    weir.logged("begins without a checkpoint");
    let bad = "{\"n\": 0, \"to\": \"out.*\"}".to_owned();
    server.tell("in.x", [bad].into_iter().chain((1..=2).map(body)));
    let told = [heard.hear().unwrap(), heard.hear().unwrap()];
    assert_eq!(told.map(|it| it.subject), ["out.1", "out.2"]);
    weir.stop();
}

/// Each is there so often.
#[track_caller]
fn assert_times(server: &Nats, until: u64, times: u64) {
    let mut found = BTreeMap::new();
    for message in server.messages("OUT") {
        let record: Value = serde_json::from_slice(&message.body).unwrap();
        *found.entry(record["n"].as_u64().unwrap()).or_insert(0) += 1;
    }
    assert_eq!(found, (0..until).map(|it| (it, times)).collect());
}

/// Long before the next checkpoint; a crash publishes it again, and a checkpoint puts an end to that.
#[test]
fn what_is_to_be_there_immediately_waits_for_no_checkpoint() {
    for jet_stream in [true, false] {
        let server = made();
        let connection = connection(&server);
        let flow = Flow::named("passed")
            .stage(&format!(
                "{{ name: read, source: {{ nats: {{ {connection}, stream: IN, format: {FIELDS} }} }} }}"
            ))
            .stage(&format!(
                "{{ name: write, from: read, sink: {{ nats: {{ {connection}, subject: out.x, delivery: immediate, \
                 jetStream: {jet_stream}, format: {{ type: json }} }} }} }}"
            ));
        let project = Project::of(&flow);
        let start = || Start::of(&project).set("weir.stream.checkpoint-interval=1h").ready();
        server.publish("in.x", (0..500).map(body));
        let mut weir = start();
        wait_until("all to be there", DEADLINE, || server.count("OUT") == 500);
        weir.process.kill();
        let weir = start();
        wait_until("all to be there again", DEADLINE, || server.count("OUT") == 1_000);
        weir.stop();
        assert_times(&server, 500, 2);
        server.publish("in.x", [body(500)]);
        let weir = start();
        wait_until("the next to be there", DEADLINE, || server.count("OUT") > 1_000);
        weir.stop();
        assert_eq!(server.count("OUT"), 1_001);
    }
}

#[test]
fn a_wrong_password_is_refused_and_shown_without_it() {
    let server = made();
    let yaml = flow(&server).yaml().replace(Nats::PASSWORD, "a-wrong-one");
    let project = Project::empty();
    project.asset("workflow.yaml", &yaml);
    let weir = start(&project).ready();
    weir.logged("WEIR-04401");
    weir.logged("turns us away");
    assert!(!weir.process.log().contains("a-wrong-one"));
}

#[test]
fn a_password_can_be_a_secret_that_nothing_shows() {
    let server = made();
    let ticks = Flow::named("ticks")
        .stage("{ name: read, source: { timer: { every: 1h } } }")
        .stage("{ name: drop, from: read, sink: { devNull: {} } }");
    let project = Project::of(&ticks);
    let weir = start(&project).ready();
    let (root, value) = (project.root(), project.draft());
    fs::write(&value, Nats::PASSWORD).unwrap();
    let run = |arguments: &str| {
        let program = binary().get_program().display().to_string();
        let line = format!("'{program}' --server '{}' {arguments}", weir.rest());
        Ran::of(Command::new("sh").args(["-c", &line]).current_dir(root)).ended(0).stdout
    };
    let encrypt = format!("secret encrypt NATS --project secret < '{}'", value.display());
    let sealed = run(&encrypt);
    fs::remove_file(value).unwrap();
    let asset = |name: &str, kind: &str, spec: &str| {
        let text =
            format!("apiVersion: weir/v1\nkind: {kind}\nmetadata: {{ name: {name} }}\n{spec}");
        fs::write(root.join("secret").join(format!("{name}.yaml")), text).unwrap();
    };
    fs::create_dir(root.join("secret")).unwrap();
    asset("project", "Project", "spec: { secrets: [keys] }\n");
    let text = fs::read_to_string(root.join("secret/project.yaml")).unwrap();
    let text = text.replace("name: project", "name: secret");
    fs::write(root.join("secret/project.yaml"), text).unwrap();
    asset("keys", "Secret", &format!("spec:\n  values:\n    NATS: {sealed}\n"));
    let yaml = flow(&server).yaml().replace(Nats::PASSWORD, "\"${sec:NATS}\"");
    fs::write(root.join("secret/workflow.yaml"), yaml).unwrap();
    let data = project.data_dir().display().to_string();
    run(&format!("build secret --tag v1 --file v1.weir -D 'weir.data-dir={data}'"));
    run("deployment upload v1.weir");
    run("deployment activate v1");
    server.publish("in.x", (0..100).map(body));
    wait_until("all messages to pass", DEADLINE, || server.count("OUT") >= kept(100));
    let log = weir.stop();
    assert_complete(&server, 100);
    assert!(!log.contains(Nats::PASSWORD), "{log}");
    for name in files::below(root) {
        let bytes = files::bytes(&root.join(&name));
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(Nats::PASSWORD), "the password is in {name}");
    }
}
