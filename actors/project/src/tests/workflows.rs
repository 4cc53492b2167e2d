//! Stages, slots, connections, and what several workflows do together.

use super::*;

/// A workflow with these stages, one in each line.
fn workflow(stages: &[&str]) -> String {
    let stages: String = stages.iter().map(|it| format!("    - {it}\n")).collect();
    format!(
        "apiVersion: weir/v1\nkind: Workflow\nmetadata: {{ name: w }}\nspec:\n  stages:\n{stages}"
    )
}

const READ: &str = "{ name: read, source: { file: { directory: in, format: { type: csv, schema: \
                    [{ name: delay, type: int64 }] } } } }";

#[track_caller]
fn check_stages(stages: &[&str], expected: &[&str]) {
    let expected: Vec<_> = expected.iter().map(|it| format!("w.yaml:{it}")).collect();
    let expected: Vec<_> = expected.iter().map(String::as_str).collect();
    check(&[("w.yaml", &workflow(stages))], &expected);
}

#[test]
fn a_stage_is_exactly_one_thing_of_one_kind() {
    check_stages(
        &[
            READ,
            "{ name: a, from: read, processor: { mapping: {} }, sink: { devNull: {} } }",
            "{ name: b, from: a }",
            "{ name: c, from: b, processor: { mapping: {}, filterRoute: {} } }",
            "{ name: d, from: c, processor: mapping }",
            "{ name: e, from: d, sink: { devNul: {} } }",
            "{ name: f, from: d, sink: { mapping: {} } }",
        ],
        &[
            "7:7 2221 spec.stages[1] | the stage is several things at once: processor and sink | \
             write exactly one of source, processor, sink",
            "8:7 2221 spec.stages[2] | the stage is neither source nor processor nor sink | write \
             exactly one of source, processor, sink",
            "9:38 2222 spec.stages[3].processor | 2 kinds are named here | write exactly one kind \
             with its configuration below it, as file: {…}",
            "10:38 2222 spec.stages[4].processor | no kind is named here | write exactly one kind \
             with its configuration below it, as file: {…}",
            "11:35 2120 spec.stages[5].sink.devNul | there is no kind of sink \"devNul\" | did you \
             mean \"devNull\"?",
            "12:35 2120 spec.stages[6].sink.mapping | there is no kind of sink \"mapping\" | \
             mapping is a kind of processor",
        ],
    );
}

#[test]
fn connections_are_found_where_they_are_written() {
    let route = "{ name: route, from: read, processor: { filterRoute: { rules: [{ when: delay, to: \
                 late }] } } }";
    check_stages(
        &[
            READ,
            route,
            "{ name: a, from: [route.lat, rout.late], sink: { devNull: } }",
            "{ name: b, from: \"a b\", sink: { devNull: } }",
            "{ name: c, from: [1], sink: { devNull: } }",
            "{ name: d, from: a, sink: { devNull: } }",
            "{ name: d, from: read, sink: { devNull: } }",
            "{ name: e, sink: { devNull: } }",
        ],
        &[
            "7:15 2107 route.late | what leaves stage route by port late goes nowhere | connect \
             the port, or send it to a devNull sink",
            "8:25 2104 route.lat -> a | stage route has no port lat | did you mean late?",
            "8:36 2102 rout.late -> a | there is no stage rout | did you mean route?",
            "9:24 2224 spec.stages[3].from | \"a b\" names no stage and no port: ' ' must not \
             stand in a name: use letters, digits, '-', '_' and '.' | write the stage's name, or \
             stage.port",
            "10:25 2224 spec.stages[4].from[0] | a connection is written as text | write the \
             stage's name, or stage.port",
            "11:24 2103 a.out -> d | a is a sink: nothing flows out of it | ",
            "12:15 2101 d | the stage name d is used twice, first at w.yaml:11:15 | give each \
             stage of a workflow a name of its own",
            "13:15 2106 e | nothing flows into stage e | connect it behind another stage, or \
             remove it",
        ],
    );
}

#[test]
fn a_cycle_is_found() {
    check_stages(
        &[
            READ,
            "{ name: a, from: [read, b], processor: { mapping: {} } }",
            "{ name: b, from: a, processor: { mapping: {} } }",
            "{ name: c, from: b, sink: { devNull: } }",
        ],
        &[
            "8:24 2110 a | the stages form a cycle: a -> b -> a | remove one of these connections: a \
           record must not come back to a stage",
        ],
    );
}

#[test]
fn a_stage_that_cannot_be_read_hides_nothing_else() {
    check_stages(
        &[
            READ,
            "{ nam: a, from: read, processor: { mapping: { set: { x: dely } } } }",
            "{ name: b, from: read, procesor: { mapping: {} }, onError: skip }",
            "{ name: c, from: read, processor: { mapping: { set: { x: dely } } } }",
            "text",
        ],
        &[
            "7:9 2001 spec.stages[1].nam | unknown key \"nam\" | did you mean \"name\"?",
            "8:7 2221 spec.stages[2] | the stage is neither source nor processor nor sink | write \
             exactly one of source, processor, sink",
            "8:30 2001 spec.stages[2].procesor | unknown key \"procesor\" | did you mean \
             \"processor\"?",
            "8:66 2002 spec.stages[2].onError | \"skip\" is not allowed here | use one of \
             rollback, deadLetter, ignore",
            "9:64 2902 spec.stages[3].processor.mapping.set.x | there is no field dely | did you \
             mean delay?",
            "10:7 2002 spec.stages[4] | expected a mapping, found the text \"text\" | ",
        ],
    );
}

#[test]
fn the_workflows_own_keys_are_checked() {
    let text = WORKFLOW.replace(
        "  stages:",
        "  instances: 0\n  retry: { maxRetries: many, minBackof: 1s }\n  deadLetters: { dir: x, \
         format: none }\n  stages:",
    );
    check(
        &[("w.yaml", &text)],
        &[
            "w.yaml:5:14 2223 spec.instances | 0 instances are not possible | write a number from \
             1 to 1000",
            "w.yaml:6:24 2002 spec.retry.maxRetries | expected a whole number from 0 to \
             4294967295, found the text \"many\" | ",
            "w.yaml:6:30 2001 spec.retry.minBackof | unknown key \"minBackof\" | did you mean \
             \"minBackoff\"?",
            "w.yaml:7:18 2001 spec.deadLetters.dir | unknown key \"dir\" | remove it, or use one \
             of directory, name, format, compression",
        ],
    );
}

#[test]
fn two_sinks_with_one_target_are_a_warning() {
    let sink = |name: &str, directory: &str, file: &str| {
        format!(
            "{{ name: {name}, from: read, sink: {{ file: {{ directory: {directory}, name: \
             \"{file}\" }} }} }}"
        )
    };
    let (a, b, c) = (
        sink("a", "out", "${item}"),
        sink("b", "./out/", "${item}"),
        sink("c", "out", "${workflow}-${item}"),
    );
    let one = workflow(&[READ, &a, &b, &c]);
    let two = workflow(&[READ, &a, &c]).replace("name: w }", "name: v }");
    let loaded = loaded(&[("project.yaml", PROJECT), ("v.yaml", &two), ("w.yaml", &one)]);
    let found = lines(Path::new("-"), &loaded.findings);
    let fix = "give one of them another directory or name, or ${workflow} in the name";
    let line = |place: &str, stage: &str, index: usize| {
        format!(
            "{place} 2225 spec.stages[{index}].sink.file.name | stage {stage} of workflow w writes \
             the same files as stage a of workflow v | {fix}"
        )
    };
    assert_eq!(found, [line("w.yaml:7:68", "a", 1), line("w.yaml:8:71", "b", 2)]);
    assert!(loaded.project.is_some(), "warnings do not count");
}

#[test]
fn nothing_follows_from_a_stage_of_no_kind_or_from_two_of_one_name() {
    check_stages(
        &[
            "{ name: read, surce: files }",
            "{ name: a, from: read, processor: { mapping: { set: { x: y } } } }",
            "{ name: a, from: b, sink: { devNull: } }",
            "{ name: b, from: read, processor: { mapping: {} } }",
            "{ name: c, from: a, sink: { devNull: } }",
        ],
        &[
            "6:7 2221 spec.stages[0] | the stage is neither source nor processor nor sink | write \
             exactly one of source, processor, sink",
            "6:21 2001 spec.stages[0].surce | unknown key \"surce\" | did you mean \"source\"?",
            "8:15 2101 a | the stage name a is used twice, first at w.yaml:7:15 | give each stage \
             of a workflow a name of its own",
        ],
    );
}
