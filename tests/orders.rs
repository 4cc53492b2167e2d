//! What operators tell streams, nodes and the scheduler, from the command line.

use serde_json::Value;
use weir_domain::StreamState;

use crate::support::flow::{CSV, read, slow, write};
use crate::support::{DEADLINE, Flow, Project, Start, Weir, wait_until};

const INPUT: &str = "id,amount\n1,1.5\n";

/// A stream over `a.csv` is open, and takes so long.
fn open(time: &str) -> (Project, Weir, String) {
    let flow = Flow::named("orders").stage(&read(CSV, "")).stage(&slow("read", time));
    let project = Project::of(&flow.stage(&write("slow", "")));
    let weir = Start::of(&project).ready();
    project.put("a.csv", INPUT);
    let id = weir.open("a.csv").id.to_string();
    (project, weir, id)
}

#[test]
fn a_paused_stream_is_not_committed_before_it_is_resumed() {
    let (project, weir, id) = open("8s");
    let would = weir.cli(["stream", "pause", "--workflow", "orders", "--dry-run"]).done();
    assert!(would.ends_with("1 stream would be told to pause\n"), "{would}");
    let told = weir.cli(["stream", "pause", &id]).done();
    assert_eq!(told, format!("{id}\n1 stream told to pause\n"));
    wait_until("it is paused", DEADLINE, || {
        weir.stream_of("a.csv").is_some_and(|it| it.state == StreamState::Paused)
    });
    let listed = weir.cli(["stream", "list", "--state", "paused"]).done();
    assert!(listed.contains("‖ paused"), "{listed}");
    let resumed = weir.cli(["stream", "resume", "--state", "paused", "-o", "json"]).json();
    assert_eq!(resumed["told"], Value::from(vec![id.clone()]));
    assert_eq!(weir.closed("a.csv").state, StreamState::Committed);
    let log = weir.cli(["stream", "log", &id]).done();
    let at = |text: &str| log.find(text).unwrap_or_else(|| panic!("{text} in\n{log}"));
    assert!(at("WEIR-03014  paused by an operator") < at("WEIR-03015  goes on"), "{log}");
    let late = weir.cli(["stream", "pause", &id]).ended(5);
    assert!(late.stderr.contains("it is not open any more"), "{}", late.stderr);
    weir.stop();
    assert_eq!(project.data(), ["out/a.jsonl", "done/a.csv"]);
}

#[test]
fn an_aborted_stream_publishes_nothing_and_its_item_is_processed_again_when_it_is_reset() {
    let (project, weir, id) = open("10m");
    let node = weir.open("a.csv").node;
    weir.cli(["stream", "abort", "--node", &node, "--workflow", "orders"]).done();
    let closed = weir.closed("a.csv");
    assert_eq!((closed.state, closed.id.to_string()), (StreamState::RolledBack, id));
    assert_eq!(closed.fault.unwrap().message, "an operator aborted the stream");
    wait_until("it is settled", DEADLINE, || project.data() == ["error/a.csv"]);
    let items = weir.cli(["item", "list", "-o", "json"]).json();
    assert_eq!(items["items"][0]["status"], "failed");
    let audit = weir.cli(["audit", "list", "-o", "json"]).json();
    assert_eq!(audit["items"][0]["action"], "stream abort", "{audit:#}");
    weir.stop();
    project.assert_tidy();
}

#[test]
fn a_node_is_drained_and_the_schedule_is_shown() {
    let (_project, weir, _) = open("10ms");
    let shown = weir.cli(["scheduler", "show", "-o", "json"]).json();
    let node = shown["nodes"][0]["name"].as_str().unwrap().to_owned();
    let plan = weir.cli(["node", "drain", &node, "--dry-run"]).done();
    assert!(plan.contains("\nrevision:  "), "{plan}");
    let drained = weir.cli(["node", "drain", &node, "--idempotency-key", "once"]).done();
    assert!(
        drained.contains("state:    ◐ draining\ndrained:  until it is undrained\n"),
        "{drained}"
    );
    let undrained = weir.cli(["node", "undrain", &node]).done();
    assert!(undrained.contains("state:    ✓ up\ndrained:  no\n"), "{undrained}");
    // Sent again, as by who did not hear the answer: it was done, and is not done now.
    let again = weir.cli(["node", "drain", &node, "--idempotency-key", "once"]).done();
    assert!(again.contains("drained:  no\n"), "{again}");
    let even = weir.cli(["scheduler", "rebalance", "--yes"]).done();
    assert!(even.starts_with("the loads are even\n"), "{even}");
    for arguments in [["node", "drain", "nobody"], ["scheduler", "why", "nothing"]] {
        let unknown = weir.cli(arguments).ended(3);
        assert!(unknown.stderr.contains("hint:"), "{}", unknown.stderr);
    }
    weir.stop();
}

#[test]
fn live_records_are_seen_with_their_secrets_masked() {
    let format =
        "{ type: csv, schema: [{ name: id, type: int64 }, { name: password, type: string }] }";
    let flow = Flow::named("orders").stage(&read(format, "")).stage(&slow("read", "20ms"));
    let project = Project::of(&flow.stage(&write("slow", "")));
    let weir = Start::of(&project).ready();
    let rows: String = (0..2_000).map(|id| format!("{id},planted-{id}\n")).collect();
    project.put("a.csv", format!("id,password\n{rows}"));
    weir.open("a.csv");
    let seen = weir.cli([
        "stream", "sniff", "orders", "write", "--in", "-n", "3", "--for", "20s", "-o", "json",
    ]);
    let seen = seen.json();
    assert_eq!(seen["records"].as_array().unwrap().len(), 3, "{seen:#}");
    assert!(seen["records"][0]["record"]["id"].is_i64(), "{seen:#}");
    assert!(!seen.to_string().contains("planted"), "{seen:#}");
    let unknown = weir.cli(["stream", "sniff", "orders", "slwo"]).ended(3);
    assert!(unknown.stderr.contains("weir workflow show orders"), "{}", unknown.stderr);
    weir.cli(["stream", "abort", "--workflow", "orders"]).done();
    weir.closed("a.csv");
    weir.stop();
}

#[test]
fn an_edge_is_tapped_by_its_port_and_by_a_condition() {
    let project = Project::of(&crate::live::flow(10_000_000, 2_000));
    let weir = Start::of(&project).ready();
    let tapped = |edge: &str, filter: &str| {
        let ran = weir.cli(["tap", "made", edge, "--filter", filter, "--limit", "3", "--json"]);
        let ran = ran.ended(0);
        assert!(ran.stderr.contains("that passed; "), "how many: {}", ran.stderr);
        let record = |line: &str| serde_json::from_str::<Value>(line).unwrap()["record"].clone();
        ran.stdout.lines().map(record).collect::<Vec<_>>()
    };
    for edge in ["route.high", "route->high", "route.high → high"] {
        let records = tapped(edge, "amount % 7 = 0");
        assert_eq!(records.len(), 3, "{edge}: {records:?}");
        for it in records {
            let amount = it["amount"].as_u64().unwrap();
            assert!(amount >= 500 && amount % 7 == 0, "{edge}: {it}");
        }
    }
    let wrong = weir.cli(["tap", "made", "make", "--filter", "amuont = 1"]).ended(6);
    assert!(wrong.stderr.contains("amuont"), "{}", wrong.stderr);
    for edge in ["route.large", "route->make", "maek"] {
        weir.cli(["tap", "made", edge, "--for", "1s"]).ended(3);
    }
    weir.stop();
}
