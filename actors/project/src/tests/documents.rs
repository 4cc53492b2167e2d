//! The guide's examples and the sample project, against the kinds that people use.

use std::path::PathBuf;

use weir_stream::Registry;

use super::*;

pub(super) fn real() -> Registry {
    use weir_connectors::{
        file, generator, http, kafka, nats, objects, sql, stdout, tail, tcp, timer,
    };
    let connectors = [
        file::register,
        generator::register,
        http::register,
        kafka::register,
        nats::register,
        objects::register,
        sql::register,
        stdout::register,
        tail::register,
        tcp::register,
        timer::register,
    ];
    connectors
        .into_iter()
        .fold(Registry::default(), |registry, register| register(registry))
        .operator(weir_operators::mapping::MappingKind)
        .operator(weir_operators::filter_route::FilterRouteKind)
        .operator(weir_operators::throttle::ThrottleKind)
        .operator(weir_operators::deduplicate::DeduplicateKind)
        .operator(weir_operators::aggregate::AggregateKind)
        .operator(weir_operators::boundary::BoundaryKind)
        .operator(weir_script::JavaScriptKind)
        .sink(weir_operators::dev_null::DevNullKind)
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The fenced blocks of a page whose first line is marked so, with the rest of that line.
fn blocks(page: &str, mark: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(repository().join("docs").join(page)).unwrap();
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(rest) = line.strip_prefix("```").and_then(|it| it.strip_prefix(mark)) else {
            continue;
        };
        let inner: Vec<_> = lines.by_ref().take_while(|it| *it != "```").collect();
        blocks.push((rest.trim().to_owned(), inner.join("\n") + "\n"));
    }
    blocks
}

fn guide(marks: &[&str]) -> TempDir {
    let blocks: Vec<_> = marks.iter().flat_map(|it| blocks("projects.md", it)).collect();
    let files: Vec<_> = blocks.iter().map(|it| (it.0.as_str(), it.1.as_str())).collect();
    directory(&files)
}

#[test]
fn the_guides_examples_are_one_sound_project() {
    let dir = guide(&["yaml asset"]);
    let loaded = load(dir.path(), &real());
    assert_eq!(lines(dir.path(), &loaded.findings), [""; 0]);
    let project = loaded.project.unwrap();
    let plan = project.plans.iter().find(|it| it.workflow.as_str() == "delays").unwrap();
    assert_eq!(plan.instances, 2);
    assert_eq!(plan.stages[0].config["directory"], "./in");
}

#[test]
fn the_guides_findings_are_what_validation_says() {
    let dir = guide(&["yaml asset", "yaml refused"]);
    let found = load(dir.path(), &real()).findings;
    let found: String = found.iter().map(|it| format!("{it}\n")).collect();
    let (_, expected) = blocks("projects.md", "findings").remove(0);
    assert_eq!(found, expected, "\n{found}");
}

#[test]
fn the_formats_of_their_page_are_sound() {
    let head = "apiVersion: weir/v1\nkind:";
    let mut files = blocks("formats.md", "yaml asset");
    assert!(!files.is_empty());
    for (path, _) in files.clone() {
        let name = path.trim_start_matches("formats/").trim_end_matches(".yaml");
        let text = format!(
            "{head} Workflow\nmetadata: {{ name: read-{name} }}\nspec:\n  stages:\n    \
             - {{ name: read, source: {{ file: {{ directory: in, format: {name} }} }} }}\n    \
             - {{ name: drop, from: read, sink: {{ devNull: {{}} }} }}\n"
        );
        files.push((format!("workflows/read-{name}.yaml"), text));
    }
    let project = format!("{head} Project\nmetadata: {{ name: formats }}\nspec: {{}}\n");
    files.push(("project.yaml".to_owned(), project));
    let files: Vec<_> = files.iter().map(|it| (it.0.as_str(), it.1.as_str())).collect();
    let dir = directory(&files);
    assert_eq!(lines(dir.path(), &load(dir.path(), &real()).findings), [""; 0]);
}

#[test]
fn the_examples_of_connectors_are_one_sound_project() {
    let mut files = blocks("connectors.md", "yaml asset");
    assert!(!files.is_empty());
    let project = "apiVersion: weir/v1\nkind: Project\nmetadata: { name: all }\nspec: {}\n";
    files.push(("project.yaml".to_owned(), project.to_owned()));
    let uses = files.iter().filter_map(|(path, _)| {
        let (role, name) = path.trim_end_matches(".yaml").split_once('/')?;
        let stages = match role {
            "sources" => format!(
                "    - {{ name: read, source: {name} }}\n    \
                 - {{ name: drop, from: read, sink: {{ devNull: {{}} }} }}\n"
            ),
            "sinks" => format!(
                "    - {{ name: tick, source: {{ timer: {{ every: 1s }} }} }}\n    \
                 - {{ name: write, from: tick, sink: {name} }}\n"
            ),
            _ => return None,
        };
        let text = format!(
            "apiVersion: weir/v1\nkind: Workflow\nmetadata: {{ name: use-{name} }}\nspec:\n  \
             stages:\n{stages}"
        );
        Some((format!("workflows/use-{name}.yaml"), text))
    });
    let uses: Vec<_> = uses.collect();
    files.extend(uses);
    let files: Vec<_> = files.iter().map(|it| (it.0.as_str(), it.1.as_str())).collect();
    let dir = directory(&files);
    assert_eq!(lines(dir.path(), &load(dir.path(), &real()).findings), [""; 0]);
}

#[test]
fn the_sample_project_is_sound_also_where_it_has_run() {
    let loaded = load(&repository().join("samples/flights"), &real());
    assert_eq!(lines(Path::new("-"), &loaded.findings), [""; 0]);
    let project = loaded.project.unwrap();
    let names: Vec<_> = project.plans.iter().map(|it| it.workflow.as_str()).collect();
    assert_eq!(names, ["airports", "flights"]);
}

#[test]
fn the_kinds_that_people_use_have_schemas_without_clashes() {
    let schemas = crate::json_schemas(&real());
    let text = schemas["workflow.schema.json"].to_string();
    for word in
        ["stableTime", "filterRoute", "throttle", "javascript", "devNull", "nullText", "onExisting"]
    {
        assert!(text.contains(word), "{word}");
    }
}
