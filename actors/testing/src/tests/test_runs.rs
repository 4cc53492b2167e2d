//! Workflows on samples: what is shown of each stage.

use std::time::Duration;

use serde_json::{Value, json};
use weir_domain::{StageId, Timestamp};
use weir_project::{Given, Row};

use super::{FILES, LIVE, loaded, project, registry};
use crate::{Bounds, Ending, Sample, StageSeen, TestRun, Wish, test_run};

const BOUNDS: Bounds = Bounds { records: 10, bytes: 1 << 20 };

fn wish(workflow: &str, given: Given, bounds: Bounds) -> Wish {
    Wish {
        workflow: workflow.parse().unwrap(),
        samples: vec![Sample { source: None, item: "sample".into(), given }],
        clock: Timestamp(1_767_225_600_000),
        within: Duration::from_secs(20),
        bounds,
    }
}

async fn ran(text: &str, name: &str, given: Given, bounds: Bounds) -> TestRun {
    let dir = project(text, name, "    - { name: none, fails: x }\n");
    test_run(&loaded(dir.path()), &registry(), wish(name, given, bounds)).await.unwrap()
}

fn seen<'a>(run: &'a TestRun, stage: &str) -> &'a StageSeen {
    &run.stages.iter().find(|it| it.stage.id.as_str() == stage).unwrap().seen
}

/// The passages of a stage: position, what went in, what came out, why it failed.
fn passages(run: &TestRun, stage: &str) -> Vec<(u64, Value, Value, bool)> {
    let one = |it: &crate::Passage| {
        let after: Vec<_> = it.after.iter().map(|(port, row)| json!([port, row])).collect();
        let before = it.before.clone().map_or(Value::Null, Value::Object);
        (it.position, before, Value::Array(after), it.failure.is_some())
    };
    seen(run, stage).passages.iter().map(one).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_stage_shows_its_records_before_and_after() {
    let text = Given::Text("id,amount\n1,50\n2,many\n3,300\n4,0\n".into());
    let run = ran(FILES, "files", text, BOUNDS).await;
    assert_eq!(run.ending, Ending::Committed);
    let order: Vec<_> = run.stages.iter().map(|it| it.stage.id.as_str()).collect();
    assert_eq!(order, ["read", "check", "route", "slow", "large", "small"]);
    let bad = &seen(&run, "read").passages;
    let bad = bad.iter().find_map(|it| Some((it.position, it.failure.clone()?))).unwrap();
    assert_eq!((bad.0, bad.1.line, bad.1.raw.as_str()), (2, Some(3), "2,many"));
    let (one, three) = (json!({ "id": 1, "amount": 50 }), json!({ "id": 3, "amount": 300 }));
    let half = |id: u64, amount: u64, quota: u64| json!({ "id": id, "amount": amount, "half": amount / 2, "quota": quota });
    let four = json!({ "id": 4, "amount": 0 });
    assert_eq!(
        passages(&run, "check"),
        [
            (1, one, json!([["out", half(1, 50, 2)]]), false),
            (3, three, json!([["out", half(3, 300, 0)]]), false),
            (4, four, json!([]), true),
        ]
    );
    let routed = passages(&run, "route");
    assert_eq!(routed[0].2, json!([["small", half(1, 50, 2)]]));
    assert_eq!(routed[1].2, json!([["large", half(3, 300, 0)]]));
    assert_eq!((seen(&run, "large").came, seen(&run, "small").came), (1, 1));
    assert_eq!(seen(&run, "large").text.as_deref(), Some("id,amount,half,quota\n3,300,150,0\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shown_is_bounded_and_the_rest_counted() {
    let lines: String = (0..5_000).map(|it| format!("{it},1\n")).collect();
    let text = || Given::Bytes(format!("id,amount\n{lines}").into_bytes());
    let few = ran(FILES, "files", text(), BOUNDS).await;
    for stage in ["read", "check", "small"] {
        let seen = seen(&few, stage);
        assert_eq!((seen.passages.len(), seen.is_cut), (10, true), "{stage}");
    }
    assert_eq!((seen(&few, "small").came, seen(&few, "large").came), (5_000, 0));
    let text_bytes = seen(&few, "small").text.as_ref().unwrap().len();
    assert_eq!(text_bytes, 8 << 10);
    let small = Bounds { bytes: 600, ..BOUNDS };
    let few = ran(FILES, "files", text(), small).await;
    let shown = |it: &StageSeen| {
        let rows = it
            .passages
            .iter()
            .flat_map(|it| it.before.iter().chain(it.after.iter().map(|it| &it.1)));
        rows.map(|it: &Row| serde_json::to_vec(it).unwrap().len()).sum::<usize>()
    };
    assert!(few.stages.iter().all(|it| shown(&it.seen) <= 100), "{few:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_says_where_it_failed_and_a_live_workflow_ends_with_its_sample() {
    let code =
        "export function onMessage(it) {\\n  if (it.id === 2) it.none.x = 1;\\n  return it;\\n}";
    let script = format!("{{ javascript: {{ script: \"{code}\" }} }}");
    let rows: Vec<Row> =
        (1..=3).map(|it| json!({ "id": it }).as_object().cloned().unwrap()).collect();
    let run = ran(&LIVE.replace("PROCESSOR", &script), "live", Given::Rows(rows), BOUNDS).await;
    assert_eq!(run.ending, Ending::Committed, "{run:#?}");
    let work = &seen(&run, "work").passages;
    assert_eq!(work.len(), 3);
    let failure = work[1].failure.as_ref().unwrap();
    assert!(failure.reason.starts_with("line 2, column 20 of the script"), "{failure:?}");
    assert_eq!(seen(&run, "write").came, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolled_back_sample_says_why_and_shows_how_far_it_came() {
    let strict = FILES.replace("      from: read\n", "      from: read\n      onError: rollback\n");
    let text = Given::Text("id,amount\n1,50\n4,0\n".into());
    let run = ran(&strict, "files", text, BOUNDS).await;
    let Ending::Failed(faults) = &run.ending else { panic!("{run:#?}") };
    assert!(faults[0].message.contains("check"), "{faults:?}");
    assert_eq!(seen(&run, "check").failed, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_that_fits_nothing_is_refused() {
    let dir = project(FILES, "files", "    - { name: none, fails: x }\n");
    let project = loaded(dir.path());
    let refused = async |workflow: &str, source: Option<&str>, given: Given| {
        let mut wish = wish(workflow, given, BOUNDS);
        wish.samples[0].source = source.map(|it| StageId::new(it).unwrap());
        test_run(&project, &registry(), wish).await.unwrap_err().remove(0)
    };
    let text = || Given::Text("id,amount\n".into());
    let none = refused("filse", None, text()).await;
    assert_eq!((none.code.0, none.fix.as_str()), (2283, "did you mean files?"));
    let none = refused("files", Some("raed"), text()).await;
    assert_eq!((none.code.0, none.fix.as_str()), (2284, "did you mean read?"));
    let row = json!({ "amuont": 1 }).as_object().cloned().unwrap();
    let row = refused("files", None, Given::Rows(vec![row])).await;
    assert_eq!((row.code.0, row.fix.as_str()), (2270, "did you mean amount?"));
}
