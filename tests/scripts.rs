//! Scripts in the product: what they make, what they say, and what they can't do to it.

use weir_domain::StreamState;

use crate::support::flow::{CSV, read, sink, write};
use crate::support::{Flow, Project, Start, weir};

const SCRIPT: &str = "\
let given;

export function onInit(config) {
  given = config;
  state.files = 0;
}

export function onStreamStart(stream) {
  state.files++;
  console.log(`file ${state.files}: ${stream.item}`);
}

export function onMessage(row) {
  if (row.amount === null) throw RangeError(`order ${row.id} has no amount`);
  row.gross = row.amount * given.rate;
  if (row.gross > 10) emit(\"large\", { id: row.id });
  return row;
}

export function onCommit() {
  console.warn(\"is committed\");
}
";

/// From `in` through the script to `out`, and what it calls large to a file of its own.
fn flow() -> Flow {
    let script = "script: { file: scripts/gross.js }, arguments: { rate: 2 }";
    let out = "out: { add: [{ name: gross, type: float64 }] }";
    let large = "large: { schema: [{ name: id, type: int64 }] }";
    Flow::named("orders")
        .stage(&read(CSV, ""))
        .stage(&format!(
            "{{ name: gross, from: read, onError: deadLetter, processor: {{ javascript: \
             {{ {script}, outputs: {{ {out}, {large} }} }} }} }}"
        ))
        .stage(&write("gross", ""))
        .stage(&sink("large", "gross.large", "${item:stem}-large.jsonl", "{ type: json }", ""))
}

#[test]
fn a_script_makes_records_refuses_some_and_says_so_in_the_log_of_its_stream() {
    let project = Project::of(&flow());
    project.asset("scripts/gross.js", SCRIPT);
    let weir = Start::of(&project).ready();
    project.put("a.csv", "id,amount\n1,1.5\n2,\n3,30\n");
    let stream = weir.closed("a.csv");
    assert_eq!(stream.state, StreamState::CommittedWithWarnings);
    let text =
        "{\"id\":1,\"amount\":1.5,\"gross\":3.0}\n{\"id\":3,\"amount\":30.0,\"gross\":60.0}\n";
    assert_eq!(project.text("out/a.jsonl"), text);
    assert_eq!(project.text("out/a-large.jsonl"), "{\"id\":3}\n");
    let reason = "scripts/gross.js:14:54: RangeError: order 2 has no amount".to_owned();
    assert_eq!(project.refusals(), [(0, reason)]);
    let said = |log: Vec<String>| {
        let own =
            log.into_iter().filter_map(|it| it.split_once("gross: ").map(|it| it.1.to_owned()));
        own.collect::<Vec<_>>()
    };
    assert_eq!(said(weir.stream_log(stream.id)), ["file 1: a.csv", "is committed"]);
    project.put("b.csv", "id,amount\n4,1\n");
    let stream = weir.closed("b.csv");
    assert_eq!(stream.state, StreamState::Committed);
    assert_eq!(said(weir.stream_log(stream.id)), ["file 2: b.csv", "is committed"]);
    weir.stop();
    project.assert_tidy();
}

#[test]
fn a_script_that_loops_ends_its_stream_and_nothing_else() {
    let flow = |name: &str, glob: &str, script: &str| {
        Flow::named(name)
            .stage(&read(CSV, &format!("glob: \"{glob}\"")))
            .stage(&format!(
                "{{ name: map, from: read, processor: {{ javascript: {{ script: \"{script}\", \
                 limits: {{ time: 100ms }} }} }} }}"
            ))
            .stage(&write("map", ""))
    };
    let loops = "export function onMessage(row) { while (row.id == 2); return row }";
    let project = Project::empty();
    project.asset("loops.yaml", &flow("loops", "loop*.csv", loops).yaml());
    let sound = "export function onMessage(row) { return row }";
    project.asset("sound.yaml", &flow("sound", "a*.csv", sound).yaml());
    let weir = Start::of(&project).ready();
    project.put("loop.csv", "id,amount\n1,1\n2,2\n3,3\n");
    let stream = weir.closed("loop.csv");
    assert_eq!((stream.state, stream.attempts), (StreamState::RolledBack, 1));
    let fault = stream.fault.unwrap();
    let told = "stage map, onMessage, record 2: the script took more than 100ms";
    assert_eq!((fault.code.0, fault.message.as_str()), (3173, told));
    project.put("a.csv", "id,amount\n2,2\n");
    assert_eq!(weir.closed("a.csv").state, StreamState::Committed);
    project.put("loop2.csv", "id,amount\n1,1\n");
    assert_eq!(weir.closed("loop2.csv").state, StreamState::Committed);
    weir.logged("the script took more than 100ms");
    weir.stop();
}

#[test]
fn a_mistake_in_a_script_is_found_where_it_is() {
    let project = Project::of(&flow());
    project
        .asset("scripts/gross.js", &SCRIPT.replace("row.amount * given", "row.amount * * given"));
    let ran = weir(["project", "validate", project.dir().to_str().unwrap()]).ended(6);
    let found = "scripts/gross.js:15:28: error[WEIR-02151]";
    assert!(ran.stdout.starts_with(found), "{}", ran.stdout);
    assert!(ran.stdout.contains("unexpected token in expression: '*'"), "{}", ran.stdout);
}
