//! Directories that stages share: the same files, loops, races.

use super::*;

/// A workflow that reads with these keys, and a sink for each further list of keys.
fn workflow(name: &str, source: &str, sinks: &[&str]) -> String {
    let mut text = format!(
        "apiVersion: weir/v1\nkind: Workflow\nmetadata: {{ name: {name} }}\nspec:\n  stages:\n    \
         - {{ name: read, source: {{ file: {{ {source}, format: {{ type: csv }} }} }} }}\n"
    );
    for (at, keys) in sinks.iter().enumerate() {
        let stage = format!("{{ name: s{at}, from: read, sink: {{ file: {{ {keys} }} }} }}");
        text.push_str(&format!("    - {stage}\n"));
    }
    text
}

/// The findings of these workflows as `file:line code word`. `DIR` in them is the project's
/// directory.
#[track_caller]
fn check(workflows: &[(&str, &[&str])], expected: &[&str]) {
    let dir = directory(&[("project.yaml", PROJECT)]);
    let root = dir.path().canonicalize().unwrap();
    for (at, (source, sinks)) in workflows.iter().enumerate() {
        let name = format!("w{at}");
        let text = workflow(&name, source, sinks).replace("DIR", root.to_str().unwrap());
        fs::write(root.join(format!("{name}.yaml")), text).unwrap();
    }
    let found = load(&root, &registry()).findings;
    let short = |it: &Finding| {
        let kind = if it.is_error() { "error" } else { "warning" };
        format!("{}:{} {} {kind} {}", it.place.file, it.place.line, it.code.0, it.path)
    };
    let found: Vec<_> = found.iter().map(short).collect();
    assert_eq!(found, expected, "{workflows:?}");
}

const OUT: &[&str] = &["directory: out, name: a"];

#[test]
fn a_sink_in_the_directory_of_its_source_is_a_loop() {
    let found = ["w0.yaml:7 2228 warning spec.stages[1].sink.file.directory"];
    for (source, sink) in [
        ("directory: in", "directory: in, name: a"),
        ("directory: in", "directory: ./x/../in/, name: a"),
        ("directory: in", "directory: DIR/in, name: a"),
        ("directory: DIR/in", "directory: in, name: a"),
        ("directory: in", "directory: ., name: 'in/${item}'"),
        ("directory: in, recursive: true", "directory: in/out, name: a"),
        ("directory: in, recursive: true", "directory: in, name: 'out/a-${item}'"),
    ] {
        check(&[(source, &[sink])], &found);
    }
    for (source, sink) in [
        ("directory: in", "directory: in/out, name: a"),
        ("directory: in", "directory: in, name: 'out/${item}'"),
        ("directory: in, recursive: true", "directory: in2, name: a"),
        ("directory: in/sub, recursive: true", "directory: in, name: a"),
    ] {
        check(&[(source, &[sink])], &[]);
    }
    // One workflow feeds the next.
    check(&[("directory: in", &["directory: mid, name: a"]), ("directory: mid", OUT)], &[]);
}

#[test]
fn dead_letters_in_the_directory_of_the_source_are_a_loop() {
    let text = workflow("w", "directory: dead-letters", OUT);
    let found = |text: &str| {
        let loaded = loaded(&[("project.yaml", PROJECT), ("w.yaml", text)]);
        lines(Path::new("-"), &loaded.findings)
    };
    let says = "deadLetters of workflow w writes to where stage read of workflow w reads: its \
                files are read and written without end, unless the source's pattern leaves them \
                out | write to a directory that is not read";
    assert_eq!(found(&text), [format!("w.yaml:5:3 2228 spec.deadLetters.directory | {says}")]);
    let text = text.replace("  stages:", "  deadLetters: { directory: dead }\n  stages:");
    assert_eq!(found(&text), Vec::<String>::new());
}

#[test]
fn two_workflows_race_for_files_that_one_moves_away() {
    let found = ["w1.yaml:6 2229 warning spec.stages[0].source.file.directory"];
    let other: &[&str] = &["directory: out, name: b"];
    let done = "done: { directory: done }";
    for (a, b) in [
        (format!("directory: in, {done}"), "directory: DIR/in".to_owned()),
        ("directory: in".to_owned(), format!("directory: in, {done}")),
        (format!("directory: data, recursive: true, {done}"), "directory: data/in".to_owned()),
        (format!("directory: in, glob: '*.csv', {done}"), "directory: in".to_owned()),
        (format!("directory: in, glob: a, {done}"), "directory: in, glob: a".to_owned()),
    ] {
        check(&[(&a, OUT), (&b, other)], &found);
    }
    for (a, b) in [
        ("directory: in".to_owned(), "directory: in".to_owned()),
        (format!("directory: data, {done}"), "directory: data/in".to_owned()),
        (
            format!("directory: in, glob: '*.csv', {done}"),
            "directory: in, glob: '*.txt'".to_owned(),
        ),
    ] {
        check(&[(&a, OUT), (&b, other)], &[]);
    }
}

#[test]
fn sinks_of_one_workflow_that_replace_each_other_are_an_error() {
    let sinks = |keys: [&str; 2]| keys.map(|it| format!("directory: {it}"));
    let check = |keys: [&str; 2], expected: &[&str]| {
        let sinks = sinks(keys);
        check(&[("directory: in", &sinks.each_ref().map(String::as_str))], expected);
    };
    let error = ["w0.yaml:8 2225 error spec.stages[2].sink.file.name"];
    let warning = ["w0.yaml:8 2225 warning spec.stages[2].sink.file.name"];
    let (plain, replace) = ("out, name: a", "out, name: a, onExisting: replace");
    check([replace, "DIR/out, name: a, onExisting: replace"], &error);
    check([plain, replace], &error);
    check([replace, plain], &error);
    check([plain, plain], &warning);
    check([replace, "out, name: b, onExisting: replace"], &[]);
}

#[test]
fn sinks_of_two_workflows_that_replace_each_other_are_a_warning() {
    let sink: &[&str] = &["directory: out, name: a, onExisting: replace"];
    let found = ["w1.yaml:7 2225 warning spec.stages[1].sink.file.name"];
    check(&[("directory: in", sink), ("directory: in2", sink)], &found);
}
