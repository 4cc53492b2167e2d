//! Whole cases, from files to verdicts, with the kinds that people use.

mod resumed;
mod test_runs;

use std::fs;
use std::path::Path;

use serde_json::json;
use tempfile::TempDir;
use weir_domain::Finding;
use weir_project::{Project, load};
use weir_stream::Registry;

use crate::{Difference, Report, Verdict, run};

fn registry() -> Registry {
    weir_connectors::generator::register(weir_connectors::file::register(Registry::default()))
        .operator(weir_operators::mapping::MappingKind)
        .operator(weir_operators::filter_route::FilterRouteKind)
        .operator(weir_operators::throttle::ThrottleKind)
        .operator(weir_operators::deduplicate::DeduplicateKind)
        .operator(weir_operators::aggregate::AggregateKind)
        .operator(weir_operators::boundary::BoundaryKind)
        .operator(weir_script::JavaScriptKind)
        .sink(weir_operators::dev_null::DevNullKind)
}

const PROJECT: &str = "\
apiVersion: weir/v1
kind: Project
metadata: { name: orders }
spec: { environments: [site] }
";
const SITE: &str = "\
apiVersion: weir/v1
kind: Environment
metadata: { name: site }
spec: { values: { LARGE: 100, DOUBLE: \"${env:LARGE} * 2\" } }
";
/// read → check (bad amounts) → route → large, small.
const FILES: &str = "\
apiVersion: weir/v1
kind: Workflow
metadata: { name: files }
spec:
  stages:
    - name: read
      source:
        file:
          directory: in
          format: { type: csv, schema: [{ name: id, type: int64 }, { name: amount, type: int64 }] }
    - name: check
      from: read
      processor:
        mapping: { set: { half: amount / 2, quota: 100 / amount } }
    - name: route
      from: check
      processor:
        filterRoute: { rules: [{ when: \"amount >= ${env:LARGE}\", to: large }], otherwise: small }
    - name: slow
      from: route.large
      processor: { throttle: { records: 1, per: 1h } }
    - name: large
      from: slow
      sink: { file: { directory: out, name: \"large-${item}\", format: { type: csv } } }
    - name: small
      from: route.small
      sink: { file: { directory: out, name: \"small-${item}\", format: { type: json } } }
";
/// orders → PROCESSOR → write, live.
const LIVE: &str = "\
apiVersion: weir/v1
kind: Workflow
metadata: { name: live }
spec:
  stages:
    - name: orders
      source: { generator: { fields: [{ name: id, make: sequence }] } }
    - name: work
      from: orders
      processor: PROCESSOR
    - name: write
      from: work
      sink: { file: { directory: out, name: \"${stream}\", format: { type: json } } }
";

/// A project with one test, whose cases these are.
fn project(workflow: &str, name: &str, cases: &str) -> TempDir {
    let dir = TempDir::new().unwrap();
    let test = format!(
        "apiVersion: weir/v1\nkind: Test\nmetadata: {{ name: t }}\nspec:\n  workflow: {name}\n  \
         cases:\n{cases}"
    );
    let files = [
        ("project.yaml", PROJECT),
        ("site.yaml", SITE),
        ("workflow.yaml", workflow),
        ("test.yaml", &test),
    ];
    for (path, text) in files {
        fs::write(dir.path().join(path), text).unwrap();
    }
    dir
}

fn loaded(dir: &Path) -> Project {
    let loaded = load(dir, &registry());
    loaded.project.unwrap_or_else(|| panic!("{:#?}", loaded.findings))
}

async fn report(workflow: &str, name: &str, cases: &str) -> Report {
    let dir = project(workflow, name, cases);
    run(&loaded(dir.path()), &registry(), "", &mut |_| {}).await
}

/// The differences of the only case, as lines.
async fn failed(workflow: &str, name: &str, cases: &str) -> Vec<String> {
    let report = report(workflow, name, cases).await;
    let [case] = report.cases.as_slice() else { panic!("{report:#?}") };
    let Verdict::Failed(differences) = &case.verdict else { panic!("{report:#?}") };
    differences.iter().map(line).collect()
}

fn line(it: &Difference) -> String {
    let field = |it: &crate::FieldDifference| format!(" {}: {} {}", it.path, it.expected, it.got);
    let fields: String = it.fields.iter().map(field).collect();
    format!("{}|{}|{}{fields}", it.place.line, it.outlet, it.what)
}

async fn passes(workflow: &str, name: &str, cases: &str) {
    let report = report(workflow, name, cases).await;
    let verdicts: Vec<_> = report.cases.iter().map(|it| &it.verdict).collect();
    assert!(verdicts.iter().all(|it| **it == Verdict::Passed), "{verdicts:#?}");
    assert!(!verdicts.is_empty());
}

#[tokio::test]
async fn a_workflow_of_files_gives_what_it_would_give() {
    passes(
        FILES,
        "files",
        "    - name: both ways
      input:
        read:
          - text: |
              id,amount
              1,50
              2,300
              3,0
              x,1
          - { item: b.csv, rows: [{ id: 4, amount: 100 }] }
      expect:
        large:
          text: |
            id,amount,half,quota
            2,300,150,0
            id,amount,half,quota
            4,100,50,1
        small: { records: [{ id: 1, amount: 50, half: 25, quota: 2 }], order: exact }
        route.large: { count: 2 }
        read.out: { records: [{ id: 1 }, { id: 2 }, { id: 3 }, { id: 4 }], fields: written }
        dead-letters:
          records:
            - { stage: read, position: 4, item: input-1 }
            - { stage: check, position: 3, raw: '{\"id\":3,\"amount\":0}' }
      killAt: [1, 4, 5]
      batchRows: 2
",
    )
    .await;
}

#[tokio::test]
async fn what_differs_is_told_where_it_was_expected() {
    let cases = "    - name: wrong
      input: { read: [{ rows: [{ id: 1, amount: 4 }, { id: 2, amount: 0 }, { id: 3, amount: 5 }] }] }
      expect:
        small:
          records:
            - { id: 1, amount: 4, half: 3, quota: 25 }
            - { id: 7 }
        large: { count: 1 }
";
    let expected = [
        "14|large|the number of records differs",
        "12|small|record 1 differs half: 3 2",
        "13|small|record 2 differs id: 7 3 amount: null 5 half: null 2 quota: null 20",
        "7|dead-letters|a dead letter that is not expected: stage check, record 2:",
    ];
    let found = failed(FILES, "files", cases).await;
    for it in expected {
        assert!(found.iter().any(|line| line.starts_with(it)), "{it}: {found:#?}");
    }
    assert_eq!(found.len(), 4, "{found:#?}");
}

#[tokio::test]
async fn values_of_a_case_take_the_place_of_the_environments() {
    passes(
        FILES,
        "files",
        "    - name: three is large
      environment: { LARGE: 3 }
      input: { read: [{ rows: [{ id: 1, amount: 4 }, { id: 2, amount: 2 }] }] }
      expect: { large: { count: 1 }, small: { count: 1 } }
",
    )
    .await;
    let unknown = report(
        FILES,
        "files",
        "    - name: a slip
      environment: { LARGE: 3, LARG: 3 }
      input: { read: [{ rows: [] }] }
      expect: { large: { count: 1 } }
",
    )
    .await;
    let Verdict::Invalid(findings) = &unknown.cases[0].verdict else { panic!("{unknown:#?}") };
    assert_eq!((findings[0].code.0, findings[0].place.line), (2249, 7));
    assert_eq!(findings[0].fix, "did you mean LARGE?");
}

#[tokio::test]
async fn one_stage_is_run_alone() {
    passes(
        FILES,
        "files",
        "    - name: a processor
      stage: route
      input: { route: [{ rows: [{ id: 1, amount: 500, half: 1, quota: 1 }, { id: 2, amount: 1 }] }] }
      expect:
        route.large: { records: [{ id: 1 }], fields: written }
        route.small: { records: [{ id: 2 }], fields: written }
    - name: a source
      stage: read
      input: { read: [{ text: \"id,amount\\n1,2\\nx,y\\n\" }] }
      expect:
        read.out: { records: [{ id: 1, amount: 2 }] }
        dead-letters: { records: [{ position: 2 }] }
    - name: a sink
      stage: large
      input: { large: [{ rows: [{ id: 1, amount: 2, half: 1, quota: 50 }] }] }
      expect: { large: { text: \"id,amount,half,quota\\n1,2,1,50\\n\" } }
",
    )
    .await;
}

fn live(processor: &str) -> String {
    LIVE.replace("PROCESSOR", processor)
}

const COUNTED: &str = "    - name: it counts
      input: { orders: [{ rows: [{ id: 1 }, { id: 2 }, { id: 3 }] }, { rows: [{ id: 4 }, { id: 5 }] }] }
      expect: { write: { records: [{ id: 1 }, { id: 2 }, { id: 3 }, { id: 4 }, { id: 5 }], fields: written } }
      killAt: [3, 5]
";

#[tokio::test]
async fn a_live_workflow_goes_on_from_its_checkpoint() {
    passes(&live("{ mapping: { set: { twice: id * 2 } } }"), "live", COUNTED).await;
}

#[tokio::test]
async fn a_cut_finds_a_counter_that_no_checkpoint_knows() {
    let script = "{ javascript: { outputs: { out: { add: [{ name: n, type: int64 }] } }, \
                  script: 'let n = 0; export function onMessage(row) { row.n = ++n; return row; }' } }";
    let found = failed(&live(script), "live", COUNTED).await;
    let first = "9|write|cut off after record 3, 5 and begun again: record 2 differs n: 2 1";
    assert!(found.iter().any(|it| it.starts_with(first)), "{found:#?}");
}

#[tokio::test]
async fn time_passes_as_the_case_says_and_what_is_remembered_survives_a_cut() {
    passes(
        &live("{ deduplicate: { key: [id], within: 1h } }"),
        "live",
        "    - name: an hour later it is new again
      clock: 2026-03-01T10:00:00Z
      input:
        orders:
          - { rows: [{ id: 1 }, { id: 2 }, { id: 1 }] }
          - { at: 2026-03-01T10:59:59Z, rows: [{ id: 1 }] }
          - { at: 2026-03-05T11:00:00Z, rows: [{ id: 1 }, { id: 1 }] }
      expect: { write: { records: [{ id: 1 }, { id: 2 }, { id: 1 }] } }
      killAt: [1, 2, 3, 4, 5, 6]
",
    )
    .await;
}

#[tokio::test]
async fn what_fails_says_why_unless_that_is_expected() {
    let rolled = FILES.replace("from: read\n", "from: read\n      onError: rollback\n");
    let case = |fails: &str| {
        format!(
            "    - name: it fails
      input: {{ read: [{{ rows: [{{ id: 1, amount: 0 }}] }}] }}
      expect: {{ small: {{ count: 0 }} }}
{fails}"
        )
    };
    let found = failed(&rolled, "files", &case("")).await;
    assert!(found[0].starts_with("7||it failed: stage check, record 1: "), "{found:#?}");
    passes(&rolled, "files", &case("      fails: stage check, record 1\n")).await;
    let found = failed(&rolled, "files", &case("      fails: full moon\n")).await;
    assert!(found[0].contains("otherwise than with \"full moon\""), "{found:#?}");
    let found = failed(FILES, "files", &case("      fails: full moon\n")).await;
    assert!(found[0].contains("it did not fail"), "{found:#?}");
}

#[tokio::test]
async fn what_can_not_be_run_says_where_and_what_to_do() {
    let invalid = |cases: &'static str| async move {
        let report = report(FILES, "files", cases).await;
        let Verdict::Invalid(found) = report.cases[0].verdict.clone() else {
            panic!("{report:#?}")
        };
        let line = |it: Finding| format!("{} {} | {}", it.place, it.cause, it.fix);
        found.into_iter().map(line).collect::<Vec<_>>()
    };
    assert_eq!(
        invalid("    - { name: a, input: { read: [{ rows: [{ amuont: 1 }] }] }, expect: { small: { count: 1 } } }\n").await,
        ["test.yaml:7:34 row 1: there is no field amuont | did you mean amount?"]
    );
    assert_eq!(
        invalid("    - { name: a, expect: { small: { count: 1 } } }\n").await,
        ["test.yaml:7:7 nothing comes in | add for instance input: { read: [{ rows: […] }] }"]
    );
    let beyond = invalid("    - { name: a, input: { read: [{ rows: [{ id: 1, amount: 1 }] }] }, expect: { small: { count: 1 } }, killAt: [2] }\n").await;
    assert!(beyond[0].contains("only 1 records come in"), "{beyond:?}");
}

#[tokio::test]
async fn a_workflow_without_a_case_is_named() {
    let dir = project(FILES, "files", "    - { name: a, expect: { small: { count: 0 } } }\n");
    let other = live("{ mapping: { set: { n: id } } }");
    fs::write(dir.path().join("live.yaml"), other).unwrap();
    let report = run(&loaded(dir.path()), &registry(), "nothing", &mut |_| {}).await;
    assert_eq!(report.cases, []);
    assert_eq!(report.untested.len(), 1);
    assert_eq!(json!(report.untested), json!(["live"]));
}
