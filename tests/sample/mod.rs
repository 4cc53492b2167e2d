//! The sample, as the first start of `weir dev` shows it.

mod expected;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;
use weir_domain::StreamState;

use crate::support::{DEADLINE, Start, Weir, files, wait_until};

const FLIGHTS: [&str; 6] = [
    "flights-2001-01-01.csv",
    "flights-2001-01-16.csv",
    "flights-2001-02-01.csv",
    "flights-2001-02-16.csv",
    "flights-2001-03-01.csv",
    "flights-2001-03-16.csv.gz",
];

fn root() -> TempDir {
    tempfile::Builder::new().prefix("weir-sample-").tempdir().unwrap()
}

/// A process that has done the whole sample.
fn done(root: &Path) -> Weir {
    let weir = Start::sample(root).ready();
    weir.closed("airports.csv");
    for name in FLIGHTS {
        weir.closed(name);
    }
    // A workflow counts a stream a moment after it was closed.
    committed(&weir, "airports", 1);
    committed(&weir, "flights", 6);
    weir
}

#[track_caller]
fn committed(weir: &Weir, workflow: &str, wanted: u64) {
    wait_until(&format!("{wanted} streams of {workflow}"), DEADLINE, || {
        let view = weir.workflow(workflow);
        view.committed + view.committed_with_warnings == wanted
    });
}

fn stem(name: &str) -> &str {
    name.split('.').next().unwrap()
}

#[test]
fn the_sample_turns_every_input_into_the_outputs_that_it_should() {
    let root = root();
    let weir = done(root.path());
    let project = root.path().join("data/flights");
    for name in FLIGHTS {
        let flights = expected::flights(&project.join("done").join(name));
        let file = |dir: &str| project.join(format!("out/{dir}/{}.jsonl", stem(name)));
        assert_eq!(files::json_lines(&file("severe")), expected::severe(&flights), "{name}");
        assert_eq!(files::json_lines(&file("long")), expected::long(&flights), "{name}");
        let archive = project.join(format!("out/flights/{}.parquet", stem(name)));
        assert_eq!(expected::read_archive(&archive), flights, "{name}");
    }
    let airports = expected::airports(&project.join("done/airports/airports.csv"));
    assert_eq!(airports.len(), 57, "states, and the rest");
    let found: BTreeMap<_, _> = files::below(&project.join("out/airports"))
        .into_iter()
        .map(|it| (it.clone(), files::json_lines(&project.join("out/airports").join(it))))
        .collect();
    assert_eq!(found, airports);
    assert_eq!(files::below(&project.join("in")), Vec::<String>::new());
    assert_eq!(files::below(&project.join("error")), Vec::<String>::new());
    assert_eq!(files::hidden_below(&project), [project.join(".gitignore").display().to_string()]);
    weir.stop();
}

#[test]
fn the_sample_puts_its_bad_rows_aside_with_reason_and_position() {
    let root = root();
    let weir = done(root.path());
    let letters = root.path().join("data/flights/dead-letters");
    let names = files::below(&letters);
    assert_eq!(names.len(), 1, "{names:?}");
    let letters: Vec<_> = files::json_lines(&letters.join(&names[0]))
        .into_iter()
        .map(|it| json!([it["stage"], it["item"], it["position"], it["reason"]]))
        .collect();
    let letter = |stage, position: u32, reason| json!([stage, FLIGHTS[3], position, reason]);
    let format = "using format '%Y/%m/%d %H:%M'";
    assert_eq!(
        letters,
        [
            letter("read", 238, "column 'delay': 'NA' is not of type int64"),
            letter("read", 806, "column 'distance': '1,024' is not of type int64"),
            letter("read", 1165, "it has 4 columns where 5 are expected"),
            letter("read", 1522, "column 'delay': '15 min' is not of type int64"),
            letter(
                "derive",
                2145,
                &format!(
                    "departure: no timestamp: 'Feb 26th' {format}: input contains invalid characters"
                )
            ),
            letter(
                "derive",
                2557,
                &format!(
                    "departure: no timestamp: '2001/02/27 25:61' {format}: input is out of range"
                )
            ),
        ]
    );
    let stream = weir.closed(FLIGHTS[3]);
    assert_eq!(stream.state, StreamState::CommittedWithWarnings);
    assert_eq!((stream.counts.records_in, stream.counts.dead_letters), (2766, 6));
    weir.stop();
}

/// The words of each line of a table but for the last: how long ago something was.
fn columns(table: &str) -> Vec<Vec<&str>> {
    let words = |line: &'_ str| line.split_whitespace().count();
    let all = |line| words(line) - 1;
    table.lines().map(|it| it.split_whitespace().take(all(it)).collect()).collect()
}

#[test]
fn the_command_line_shows_what_ran() {
    let root = root();
    let weir = done(root.path());
    assert_eq!(
        columns(&weir.cli(["workflow", "list"]).done())
            .iter()
            .map(|it| it.join(" "))
            .collect::<Vec<_>>(),
        [
            "NAME STATE OPEN COMMITTED WARNINGS ROLLED-BACK IN OUT DEAD",
            "airports ○ waiting 0 1 0 0 3376 3376 0",
            "flights ○ waiting 0 5 1 0 20.0k 21.4k 6",
        ]
    );
    let workflows = weir.cli(["workflow", "list", "-o", "json"]).json();
    let of = |it: &Value| json!([it["name"], it["committed"], it["counts"]["recordsIn"]]);
    let all = workflows["items"].as_array().unwrap();
    assert_eq!(
        all.iter().map(of).collect::<Vec<_>>(),
        [json!(["airports", 1, 3376]), json!(["flights", 5, 20006])]
    );
    let yaml = weir.cli(["workflow", "list", "-o", "yaml"]).done();
    assert!(yaml.starts_with("items:\n- name: airports\n  project: flights\n"), "{yaml}");

    let streams = weir.cli(["stream", "list", "--workflow", "flights"]).done();
    let mut items: Vec<_> =
        streams.lines().skip(1).filter_map(|it| it.split_whitespace().nth(2)).collect();
    items.reverse();
    assert_eq!(items, FLIGHTS, "newest first");
    let listed = weir.cli(["stream", "list", "--limit", "500", "-o", "json"]).json();
    let of = |it: &Value| it["item"].as_str().unwrap().to_owned();
    let listed: BTreeSet<_> = listed["items"].as_array().unwrap().iter().map(of).collect();
    assert_eq!(listed, FLIGHTS.into_iter().chain(["airports.csv"]).map(str::to_owned).collect());
    let yaml =
        weir.cli(["stream", "list", "--state", "committedWithWarnings", "-o", "yaml"]).done();
    assert_eq!(yaml.matches("- id: ").count(), 1, "{yaml}");
    assert!(yaml.contains("\n  item: flights-2001-02-16.csv\n"), "{yaml}");
    let table = weir.cli(["node", "list"]).done();
    assert!(table.starts_with("NAME") && table.contains("  ✓ up            2     0  "), "{table}");
    let nodes = weir.cli(["node", "list", "-o", "json"]).json();
    assert_eq!(nodes["items"][0]["status"], "up");
    assert_eq!(nodes["items"][0]["workflowInstances"], 2);
    let wide = weir.cli(["node", "list", "-o", "wide"]).done();
    assert!(wide.contains("ADDRESS") && wide.contains(" weir://weir@127.0.0.1:"), "{wide}");
    weir.stop();
}

#[test]
fn a_stream_has_a_log_of_its_own() {
    let root = root();
    let weir = done(root.path());
    let id = weir.closed(FLIGHTS[3]).id;
    let project = root.path().join("data/flights").canonicalize().unwrap();
    let at = project.display();
    let mut log = weir.stream_log(id);
    log.sort();
    assert_eq!(log, [
        "WEIR-03010 opened flights-2001-02-16.csv".to_owned(),
        "WEIR-03012 committed flights-2001-02-16.csv with warnings: 2766 records, 6 dead letters, 0 ignored".to_owned(),
        format!("WEIR-03020 published {at}/dead-letters/flights-{id}.jsonl"),
        format!("WEIR-03020 published {at}/out/flights/flights-2001-02-16.parquet"),
        format!("WEIR-03020 published {at}/out/long/flights-2001-02-16.jsonl"),
        format!("WEIR-03020 published {at}/out/severe/flights-2001-02-16.jsonl"),
    ]);
    let shown = weir.cli(["stream", "show", &id.to_string(), "--log"]).done();
    assert!(
        shown.contains("\nrecords:    2766 in, 3054 out, 2466 dropped, 6 dead, 0 ignored\n"),
        "{shown}"
    );
    let shown_as = |format| weir.cli(["stream", "show", &id.to_string(), "--log", "-o", format]);
    let json = shown_as("json").json();
    let of =
        |it: &Value| format!("{} {}", it["code"].as_str().unwrap(), it["text"].as_str().unwrap());
    let mut lines: Vec<_> = json["log"].as_array().unwrap().iter().map(of).collect();
    lines.sort();
    assert_eq!(lines, log);
    assert!(shown_as("yaml").done().contains("\n  text: opened flights-2001-02-16.csv\n"));
    for line in log {
        assert!(shown.contains(&line.replacen(' ', "  ", 1)), "{line}\n{shown}");
    }
    weir.stop();
}

#[test]
fn what_was_deployed_from_a_directory_is_withdrawn_by_rest() {
    let root = root();
    let weir = done(root.path());
    let path = "/api/v1/deployments:withdraw";
    let flights = json!({ "project": "flights" });
    let (status, planned) = weir.post(&format!("{path}?dryRun=true"), &flights);
    let workflows = json!(["airports", "flights"]);
    let expected =
        |is_dry: bool| json!({ "dryRun": is_dry, "project": "flights", "workflows": workflows });
    assert_eq!((status, planned), (200, expected(true)));
    assert_eq!(weir.post(path, &json!({ "project": "gone" })).0, 404);
    assert_eq!(weir.post(path, &flights), (200, expected(false)));
    wait_until("nothing runs", DEADLINE, || {
        let (_, all) = weir.get(weir.rest(), "/api/v1/workflows");
        serde_json::from_str::<Value>(&all).unwrap()["items"] == json!([])
    });
    let (_, metrics) = weir.get(weir.metrics(), "/metrics");
    assert!(!metrics.contains("weir_workflow_state{"), "{metrics}");
    assert_eq!(weir.post(path, &flights).0, 404);
    weir.stop();
}

#[test]
fn probes_page_metrics_and_api_answer() {
    let root = root();
    let weir = done(root.path());
    for server in [weir.rest(), weir.page()] {
        for path in ["/livez", "/readyz"] {
            assert_eq!(weir.get(server, path), (200, "ok\n".into()), "{server}{path}");
        }
    }
    let (status, page) = weir.get(weir.page(), "/");
    // The web UI where it was built, else the plain page.
    let is_ui = page.contains("<title>Weir</title>") && page.contains("/assets/");
    let is_plain = page.contains("<h1>Weir</h1>") && page.contains("Workflows");
    assert!(status == 200 && (is_ui || is_plain), "{page}");
    let (status, metrics) = weir.get(weir.metrics(), "/metrics");
    assert_eq!(status, 200);
    for line in [
        "weir_records_read_total{workflow=\"flights\"} 20006\n",
        "weir_dead_letters_total{workflow=\"flights\"} 6\n",
        "weir_workflow_state{workflow=\"flights\",state=\"waiting\"} 1\n",
        "weir_streams_total{workflow=\"flights\",outcome=\"committed\"} 5\n",
        "weir_streams_total{workflow=\"flights\",outcome=\"committedWithWarnings\"} 1\n",
        "weir_streams_total{workflow=\"airports\",outcome=\"committed\"} 1\n",
    ] {
        assert!(metrics.contains(line), "{line}{metrics}");
    }
    for (server, file) in [(weir.rest(), "engine"), (weir.page(), "config-server")] {
        let served: Value =
            serde_json::from_str(&weir.get(server, "/api/v1/openapi.json").1).unwrap();
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schemas/openapi/{file}.json"));
        let stored: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        assert!(served == stored, "schemas/openapi/{file}.json is not what is served");
    }
    weir.stop();
}

#[test]
fn a_restart_keeps_what_was_known_and_does_nothing_twice() {
    let root = root();
    done(root.path()).stop();
    let before = snapshot(root.path());
    let weir = Start::sample(root.path()).ready();
    assert_eq!(weir.streams().len(), 7, "the streams of the first start are still listed");
    let input = root.path().join("data/flights/in");
    let draft = root.path().join("draft");
    fs::write(&draft, "date,delay,distance,origin,destination\n2001/04/01 10:00,5,100,BOS,LGA\n")
        .unwrap();
    fs::rename(&draft, input.join("flights-2001-04-01.csv")).unwrap();
    weir.closed("flights-2001-04-01.csv");
    assert_eq!(weir.streams().len(), 8);
    // Counts begin with the start.
    committed(&weir, "flights", 1);
    let mut after = snapshot(root.path());
    after.retain(|path, _| !path.contains("flights-2001-04-01"));
    assert_eq!(after, before);
    weir.stop();
}

/// Every file of the project with its size and its inode: the same file, not an equal one.
fn snapshot(root: &Path) -> BTreeMap<String, (u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    let project = root.join("data/flights");
    let of = |name: String| {
        let metadata = fs::metadata(project.join(&name)).unwrap();
        (name, (metadata.size(), metadata.ino()))
    };
    files::below(&project).into_iter().map(of).collect()
}

#[test]
fn a_second_start_on_the_same_data_directory_is_refused() {
    let root = root();
    let weir = Start::sample(root.path()).ready();
    let refused = Start::sample(root.path()).refused();
    let data = root.path().join("data").canonicalize().unwrap();
    assert_eq!(refused.code, Some(1));
    assert_eq!(
        refused.stderr,
        format!(
            "error: weir can't run\n\
             why:   another weir (process {}) works in the data directory {}\n\
             hint:  stop it first, or choose another directory with weir dev --data-dir DIR or weir.data-dir\n\
             code:  WEIR-00010\n",
            weir.process.pid(),
            data.display()
        )
    );
    assert_eq!(refused.stdout, "");
    committed(&weir, "airports", 1);
    weir.stop();
}
