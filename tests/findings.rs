//! What people write and get wrong: every refusal says what, where, why, and what to do.

use std::fs;
use std::net::TcpListener;

use weir_domain::StreamState;

use crate::support::flow::{CSV, read, write};
use crate::support::{Flow, Project, Start, weir};

/// A workflow of which each test breaks one thing.
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
          interval: 50ms
          format:
            type: csv
            schema:
              - { name: id, type: int64 }
              - { name: amount, type: float64 }
    - name: derive
      from: read
      processor:
        mapping:
          set: { total: amount * 2 }
    - name: write
      from: derive
      sink:
        file:
          directory: out
          name: \"${item:stem}.jsonl\"
          format: { type: json }
";

/// Breaks the workflow; it is refused with exactly these findings, by both who check it.
fn check(from: &str, to: &str, findings: &str) {
    assert_eq!(WORKFLOW.matches(from).count(), 1, "{from:?}");
    let project = Project::empty();
    project.asset("workflow.yaml", &WORKFLOW.replace(from, to));
    let ran = weir(["project", "validate", project.dir().to_str().unwrap()]);
    assert_eq!(ran.stdout, findings);
    let errors = findings.matches(": error[").count();
    let errors = if errors == 1 { "1 error".to_owned() } else { format!("{errors} errors") };
    assert_eq!(ran.stderr, format!("✗ {errors}, 0 warnings in 1 file\n"));
    assert_eq!(ran.code, Some(6));

    let refused = Start::of(&project).refused();
    let end = format!("error: weir can't run\nwhy:   {errors} must be mended first\n");
    assert_eq!(refused.stderr, format!("{findings}{end}"));
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(6), ""));
}

#[test]
fn a_project_that_was_deployed_and_has_errors_now_runs_on_and_is_mended_in_the_page() {
    let project = Project::empty();
    project.asset("workflow.yaml", WORKFLOW);
    fs::create_dir_all(project.path("in")).unwrap();
    let weir = Start::of(&project).ready();
    project.put("a.csv", "id,amount\n1,2\n");
    assert_eq!(weir.closed("a.csv").state, StreamState::Committed);
    weir.stop();

    project.asset("workflow.yaml", &WORKFLOW.replace("amount * 2", "amuont * 2"));
    let weir = Start::of(&project).ready();
    project.put("b.csv", "id,amount\n1,2\n");
    assert_eq!(weir.closed("b.csv").state, StreamState::Committed);
    let (status, shown) = weir.get(weir.page(), "/api/v1/projects/test");
    assert!(status == 200 && shown.contains("\"errors\":1"), "{status}: {shown}");
    weir.stop();
}

#[test]
fn a_good_project_is_valid() {
    let project = Project::empty();
    project.asset("workflow.yaml", WORKFLOW);
    let ran = weir(["project", "validate", project.dir().to_str().unwrap()]);
    assert_eq!(ran.stdout, "");
    assert_eq!(ran.stderr, "✓ test is valid: 1 workflow, 0 warnings\n");
    assert_eq!(ran.code, Some(0));
}

#[test]
fn an_unknown_field_in_an_expression() {
    check(
        "total: amount * 2",
        "total: amuont * 2",
        "workflow.yaml:20:25: error[WEIR-02131] spec.stages[1].processor.mapping.set.total: \
         there is no field amuont (at column 1 of the expression)\n  fix: did you mean amount?\n",
    );
}

#[test]
fn an_expression_that_is_none() {
    check(
        "total: amount * 2",
        "total: amount * * 2",
        "workflow.yaml:20:25: error[WEIR-02130] spec.stages[1].processor.mapping.set.total: \
         expected an expression, found * (at column 10 of the expression)\n",
    );
}

#[test]
fn a_type_mismatch_in_an_expression() {
    check(
        "total: amount * 2",
        "total: amount > 'much'",
        "workflow.yaml:20:25: error[WEIR-02133] spec.stages[1].processor.mapping.set.total: \
         cannot compare float64 with string (at column 1 of the expression)\n  \
         fix: cast the text, for instance TRY_CAST(… AS BIGINT)\n",
    );
}

#[test]
fn a_cycle() {
    check(
        "from: read\n",
        "from: derive\n",
        "workflow.yaml:6:13: error[WEIR-02107] read.out: what leaves stage read by port out goes nowhere\n\
         \x20 fix: connect the port, or send it to a devNull sink\n\
         workflow.yaml:17:13: error[WEIR-02110] derive: the stages form a cycle: derive -> derive\n\
         \x20 fix: remove one of these connections: a record must not come back to a stage\n",
    );
}

#[test]
fn a_stage_that_is_not_there() {
    check(
        "from: derive",
        "from: dervie",
        "workflow.yaml:16:13: error[WEIR-02107] derive.out: what leaves stage derive by port out goes nowhere\n\
         \x20 fix: connect the port, or send it to a devNull sink\n\
         workflow.yaml:22:13: error[WEIR-02102] dervie.out -> write: there is no stage dervie\n\
         \x20 fix: did you mean derive?\n",
    );
}

#[test]
fn unknown_keys() {
    check(
        "          interval: 50ms\n",
        "          intervall: 50ms\n",
        "workflow.yaml:10:11: error[WEIR-02001] spec.stages[0].source.file.intervall: \
         unknown key \"intervall\"\n  fix: did you mean \"interval\"?\n",
    );
    check(
        "metadata: { name: orders }",
        "metadata: { name: orders, nmae: x }",
        "workflow.yaml:3:27: error[WEIR-02001] metadata.nmae: unknown key \"nmae\"\n  \
         fix: did you mean \"name\"?\n",
    );
}

#[test]
fn yaml_that_is_none() {
    check(
        "metadata: { name: orders }",
        "metadata: { name: orders",
        "workflow.yaml:4:5: error[WEIR-02004]: not YAML: while parsing a flow mapping, did not find expected ',' or '}'\n  \
         fix: check the indentation, quotes and brackets here and in the line above\n",
    );
}

#[test]
fn a_value_that_is_none() {
    check(
        "interval: 50ms",
        "interval: soon",
        "workflow.yaml:10:21: error[WEIR-02002] spec.stages[0].source.file.interval: \
         \"soon\" is no unit of time: use ms, s, m, h or d\n",
    );
    check(
        "type: float64",
        "type: flaot64",
        "workflow.yaml:15:39: error[WEIR-04244] spec.stages[0].source.file.format.schema[1].type: \
         there is no type \"flaot64\" at character 1 of the type \"flaot64\"\n  \
         fix: did you mean \"float64\"?\n",
    );
    check(
        "${item:stem}",
        "${itm}",
        "workflow.yaml:26:17: error[WEIR-04242] spec.stages[2].sink.file.name: \
         there is no macro ${itm}\n  fix: did you mean ${item}?\n",
    );
}

#[test]
fn all_findings_at_once() {
    let project = Project::empty();
    let broken = WORKFLOW
        .replace("interval: 50ms", "intervall: 50ms")
        .replace("amount * 2", "amuont * 2")
        .replace("from: derive", "from: dervie");
    project.asset("workflow.yaml", &broken);
    let ran = weir(["project", "validate", project.dir().to_str().unwrap(), "-o", "json"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(6), ""));
    let answer: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(answer["valid"], false);
    let of = |it: &serde_json::Value| {
        format!("{}:{}:{} {}", it["file"], it["line"], it["column"], it["code"])
    };
    let places: Vec<_> = answer["findings"].as_array().unwrap().iter().map(of).collect();
    assert_eq!(
        places,
        [
            "\"workflow.yaml\":10:11 \"WEIR-02001\"",
            "\"workflow.yaml\":16:13 \"WEIR-02107\"",
            "\"workflow.yaml\":22:13 \"WEIR-02102\"",
        ]
    );
}

#[test]
fn a_directory_without_a_project() {
    let project = Project::empty();
    fs::remove_file(project.path("project.yaml")).unwrap();
    let ran = weir(["project", "validate", project.dir().to_str().unwrap()]).ended(6);
    assert_eq!(
        ran.stdout,
        format!(
            "{}: error[WEIR-02201]: the directory has no project.yaml: it is no project\n  \
             fix: add a project.yaml with an asset of kind Project\n",
            project.dir().display()
        )
    );
}

/// Starts with a configuration file; it is refused with exactly these findings.
fn check_conf(text: &str, findings: &str) {
    let project = Project::of(&Flow::straight(CSV));
    let path = project.root().join("weir.conf");
    fs::write(&path, text).unwrap();
    let refused = Start::of(&project).conf(&path).refused();
    let at = project.root().display().to_string();
    let findings = findings.replace("DIR", &at);
    let errors = findings.matches(": error[").count();
    let errors = if errors == 1 { "1 error".to_owned() } else { format!("{errors} errors") };
    assert_eq!(
        refused.stderr,
        format!("{findings}error: weir can't run\nwhy:   {errors} must be mended first\n")
    );
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(6), ""));
    assert!(!project.data_dir().exists(), "nothing was begun");
}

#[test]
fn a_syntax_error_in_the_configuration() {
    check_conf(
        "weir {\n  rest-server.bind.port = 5842\n  logging.level = info\n",
        "DIR/weir.conf:1:6: error[WEIR-01104]: '{' is never closed\n  fix: close it\n",
    );
}

#[test]
fn an_unknown_key_and_wrong_types_in_the_configuration() {
    check_conf(
        "weir {\n  stream.edge-byts = 1MiB\n  metrics.enabled = perhaps\n  logging.level = loud\n}\n",
        "DIR/weir.conf:2:3: error[WEIR-01101] weir.stream.edge-byts: unknown key \"edge-byts\"\n  \
         fix: did you mean \"edge-bytes\"?\n\
         DIR/weir.conf:3:21: error[WEIR-01102] weir.metrics.enabled: expected true or false, found the text \"perhaps\"\n\
         DIR/weir.conf:4:19: error[WEIR-01102] weir.logging.level: \"loud\" is not allowed here\n  \
         fix: use one of error, warn, info, debug, trace\n",
    );
}

#[test]
fn an_include_that_is_not_there() {
    check_conf(
        "weir.logging.level = info\ninclude required(file(\"gone.conf\"))\n",
        "DIR/weir.conf:2:9: error[WEIR-01105]: can't include \"DIR/gone.conf\": there is no such file\n  \
         fix: correct the path or the file, or remove the include\n",
    );
}

#[test]
fn a_configuration_file_that_is_not_there() {
    let project = Project::of(&Flow::straight(CSV));
    let path = project.root().join("gone.conf");
    let refused = Start::of(&project).conf(&path).refused();
    assert_eq!(
        refused.stderr,
        format!(
            "{}: error[WEIR-01105]: can't read the configuration: there is no such file\n  \
             fix: check the path and its permissions\n\
             error: weir can't run\nwhy:   1 error must be mended first\n",
            path.display()
        )
    );
    assert_eq!(refused.code, Some(6));
}

#[test]
fn a_port_in_use() {
    let project = Project::of(&Flow::straight(CSV));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    for key in
        ["weir.rest-server.bind.port", "weir.config-server.bind.port", "weir.metrics.bind.port"]
    {
        let refused = Start::of(&project).set(&format!("{key}={port}")).refused();
        let end = format!(
            "error: weir can't run\n\
             why:   127.0.0.1:{port} is in use: another process listens there, perhaps another weir\n\
             hint:  stop the other process, or set {key} to a free port\n\
             code:  WEIR-07101\n"
        );
        assert!(refused.stderr.ends_with(&end), "{}", refused.stderr);
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""));
    }
    drop(taken);
    Start::of(&project).ready().stop();
}

#[test]
fn an_expression_that_only_the_data_can_refuse() {
    // Without a schema the fields are known when the file is opened.
    let set = "processor: { mapping: { set: { total: amuont * 2 } } }";
    let flow = Flow::named("orders")
        .stage(&read("{ type: csv }", ""))
        .stage(&format!("{{ name: derive, from: read, {set} }}"))
        .stage(&write("derive", ""));
    let project = Project::of(&flow);
    let weir = Start::of(&project).ready();
    project.put("a.csv", "id,amount\n1,1.5\n");
    let stream = weir.closed("a.csv");
    let fault = stream.fault.unwrap();
    assert!(fault.message.contains("there is no field amuont"), "{}", fault.message);
    assert_eq!(fault.hint.as_deref(), Some("did you mean amount?"));
    assert_eq!(project.data(), ["error/a.csv"]);
    weir.stop();
}
