//! Samples: workflows that are run on one, and formats that are found in one, by the command and by a
//! configuration server.

use std::fs;

use base64::Engine as _;
use serde_json::{Value, json};
use weir_http_api::{InferRequest, ProjectDraft, TestRunEnding, TestRunRequest, TestRunSample};
use weir_http_client::{Client, Error};

use crate::support::flow::CSV;
use crate::support::{Flow, Project, Ran, Start, binary, weir};

const WORKFLOW: &str = "\
apiVersion: weir/v1
kind: Workflow
metadata: { name: orders }
spec:
  stages:
    - name: read
      source:
        file:
          directory: in
          format: { type: csv, schema: [{ name: id, type: int64 }, { name: password, type: string }] }
    - name: check
      from: read
      processor:
        javascript:
          script: |
            export function onMessage(row) {
              if (row.id === 2) row.id = row.nothing.id;
              row.id = row.id * FACTOR;
              return row;
            }
    - name: write
      from: check
      sink:
        file: { directory: out, name: \"${item}\", format: { type: json } }
";
const SAMPLE: &str = "id,password\n1,planted\n2,x\nmany,y\n";

fn project(factor: &str) -> Project {
    let project = Project::empty();
    project.asset("orders.yaml", &WORKFLOW.replace("FACTOR", factor));
    fs::write(project.root().join("sample.csv"), SAMPLE).unwrap();
    project
}

/// What `weir test run` says of the sample, as JSON, and its exit code.
fn ran(project: &Project, more: &[&str]) -> (Value, Option<i32>) {
    let (dir, sample) = (project.dir(), project.root().join("sample.csv"));
    let at = ["--project", dir.to_str().unwrap(), "--sample", sample.to_str().unwrap()];
    let mut command = binary();
    command.args(["test", "run", "orders", "-o", "json"]).args(at).args(more);
    let ran = Ran::of(&mut command);
    (
        serde_json::from_str(&ran.stdout)
            .unwrap_or_else(|_| panic!("{}{}", ran.stdout, ran.stderr)),
        ran.code,
    )
}

#[test]
fn a_workflow_is_run_on_a_sample_and_nothing_is_written() {
    let project = project("2");
    let (run, code) = ran(&project, &[]);
    assert_eq!((&run["ending"], code), (&json!("committed"), Some(0)), "{run:#}");
    let names: Vec<_> = run["stages"].as_array().unwrap().iter().map(|it| &it["stage"]).collect();
    assert_eq!(names, ["read", "check", "write"]);
    let [read, check, write] = [0, 1, 2].map(|it| &run["stages"][it]);
    assert_eq!((&read["failed"], &read["records"][0]["position"]), (&json!(1), &json!(1)));
    let first = &check["records"][0];
    assert_eq!(
        (&first["before"]["id"], &first["after"][0]["record"]["id"]),
        (&json!(1), &json!(2))
    );
    let failure = &check["records"][1]["failure"]["reason"];
    assert!(failure.as_str().unwrap().starts_with("line 2, column "), "{failure}");
    assert_eq!(write["text"], json!("{\"id\":2,\"password\":\"planted\"}\n"));
    assert!(!first.to_string().contains("planted"), "{first}");
    assert_eq!(fs::read_dir(project.dir().join("out")).unwrap().count(), 0);
    let sample = project.root().join("sample.csv");
    let dir = project.dir();
    let at = [dir.to_str().unwrap(), sample.to_str().unwrap()];
    let shown = weir(["test", "run", "orders", "--project", at[0], "--sample", at[1]]).ended(0);
    assert!(shown.stdout.contains("✓ orders: all of it would be committed"), "{}", shown.stdout);
}

#[test]
fn what_can_not_be_run_is_told_with_its_place() {
    let (run, code) = ran(&project("2"), &["--sample", "nosuch=/dev/null"]);
    assert_eq!((&run["ending"], code), (&json!("invalid"), Some(6)));
    assert_eq!(run["findings"][0]["code"], json!("WEIR-02284"));
    let (run, code) = ran(&project("\") }"), &[]);
    assert_eq!((&run["ending"], code), (&json!("invalid"), Some(6)));
    assert_eq!(run["findings"][0]["file"], json!("orders.yaml"), "{run:#}");
}

#[test]
fn a_format_is_found_that_reads_its_sample_in_a_valid_project() {
    let project = Project::of(&Flow::straight(CSV));
    let sample = project.root().join("sample.jsonl");
    fs::write(&sample, "{\"id\":1,\"n\":{\"x\":\"a\"}}\n{\"id\":\"two\",\"n\":{}}\n").unwrap();
    let at = sample.to_str().unwrap();
    let found = weir(["schema", "infer", at, "--name", "events"]).ended(0);
    assert!(found.stdout.contains("# id: it has 1 whole number and 1 text"), "{}", found.stdout);
    project.asset("formats/events.yaml", &found.stdout);
    let used = Flow::straight(CSV).yaml().replace(CSV, "events");
    project.asset("workflow.yaml", &used);
    let dir = project.dir();
    weir(["project", "validate", dir.to_str().unwrap()]).ended(0);
    let dir = dir.to_str().unwrap();
    let name = used.split("name: ").nth(1).unwrap().split([' ', '\n', '}']).next().unwrap();
    let ran = weir(["test", "run", name, "--project", dir, "--sample", at, "-o", "json"]).ended(0);
    let run: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        (&run["stages"][0]["failed"], &run["stages"][0]["left"][0]["records"]),
        (&json!(0), &json!(2))
    );
    let bad = project.root().join("bad.jsonl");
    fs::write(&bad, "{\"n\":{\"x\":1}}\n{\"n\":2}\n").unwrap();
    let bad = weir(["schema", "infer", bad.to_str().unwrap()]).ended(6);
    assert!(bad.stderr.contains("1 of 2 records are not read with it"), "{}", bad.stderr);
}

#[test]
fn a_configuration_server_runs_drafts_on_samples_and_finds_formats() {
    let project = project("2");
    let weir = Start::of(&project).ready();
    let client = Client::new(weir.page()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let sample = TestRunSample { text: Some(SAMPLE.into()), ..TestRunSample::default() };
    let draft = |factor: &str| ProjectDraft {
        path: "orders.yaml".into(),
        text: WORKFLOW.replace("FACTOR", factor),
    };
    let request = |factor| TestRunRequest {
        samples: vec![sample.clone()],
        environments: vec![],
        drafts: vec![draft(factor)],
        records: 1,
        within_ms: 10_000,
    };
    let run = runtime.block_on(client.test_run("test", "orders", &request("7"))).unwrap();
    assert_eq!(run.ending, TestRunEnding::Committed, "{run:#?}");
    let check = &run.stages[1];
    assert_eq!((check.records.len(), check.came, check.is_cut), (1, 2, true));
    assert_eq!(check.records[0].after[0].record["id"], json!(7));
    let broken = runtime.block_on(client.test_run("test", "orders", &request("("))).unwrap();
    assert_eq!(broken.ending, TestRunEnding::Invalid);
    assert_eq!(broken.findings[0].file, "orders.yaml");
    let asked =
        |arguments: &[&str]| Ran::of(binary().args(["--server", weir.page()]).args(arguments));
    let tested = asked(&["test", "test"]);
    assert_eq!(
        (tested.code, tested.stderr.contains("without a test: orders")),
        (Some(0), true),
        "{tested:?}"
    );
    let file = project.root().join("sample.csv");
    let file = file.to_str().unwrap();
    let ran = asked(&["test", "run", "orders", "--project", "test", "--sample", file]);
    assert!(ran.stdout.contains("✓ orders: all of it would be committed"), "{ran:?}");
    assert_eq!(asked(&["test", "nosuch"]).code, Some(3));
    let status = |workflow, request| {
        let ran = runtime.block_on(client.test_run("test", workflow, &request));
        let Err(Error::Problem(it)) = ran else { panic!("{ran:?}") };
        it.status
    };
    let of = |samples| TestRunRequest { samples, ..request("7") };
    assert_eq!(status("nosuch", request("7")), 404);
    assert_eq!(status("orders", of(vec![])), 400);
    let both = TestRunSample { records: Some(vec![]), ..sample.clone() };
    assert_eq!(status("orders", of(vec![both])), 400);
    let elsewhere = TestRunSample { source: Some("nosuch".parse().unwrap()), ..sample.clone() };
    assert_eq!(status("orders", of(vec![elsewhere])), 400);
    let long = TestRunSample { text: Some("x".repeat((4 << 20) + 1)), ..TestRunSample::default() };
    assert_eq!(status("orders", of(vec![long])), 413);
    let infer = InferRequest {
        name: "orders".parse().unwrap(),
        text: None,
        base64: Some(base64::engine::general_purpose::STANDARD.encode(SAMPLE)),
        format: None,
        required: false,
        records: 100,
    };
    let found = runtime.block_on(client.format_infer("test", &infer)).unwrap();
    assert_eq!((found.path.as_str(), found.records), ("formats/orders.yaml", 3));
    assert_eq!(
        found.fields[0].notes,
        ["it has 2 whole numbers and 1 text (many): it is read as text"]
    );
    let none = InferRequest { base64: None, ..infer };
    assert!(runtime.block_on(client.format_infer("test", &none)).is_err());
}
