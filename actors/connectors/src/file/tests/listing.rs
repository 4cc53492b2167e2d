//! Which files are offered, in which order, and when.

use super::*;

fn list(source: &mut dyn Source) -> Vec<String> {
    source.list().unwrap().into_iter().map(|it| it.name).collect()
}

fn check(files: &[&str], keys: &Value, wanted: &[&str]) {
    let project = Project::new();
    files.iter().for_each(|it| drop(project.write(&format!("in/{it}"), "{}")));
    assert_eq!(list(&mut *project.source(keys.clone())), wanted, "{keys}");
}

#[test]
fn patterns_choose_files_by_name_or_path() {
    let files = ["a.csv", "b.json", "sub/c.csv", "sub/deep/d.csv", ".hidden.csv", ".h/e.csv"];
    let cases = [
        (json!({}), vec!["a.csv", "b.json"]),
        (json!({"recursive": true}), vec!["a.csv", "b.json", "sub/c.csv", "sub/deep/d.csv"]),
        (json!({"glob": "*.csv"}), vec!["a.csv"]),
        (json!({"glob": "*.csv", "recursive": true}), vec!["a.csv", "sub/c.csv", "sub/deep/d.csv"]),
        (json!({"glob": "sub/*.csv", "recursive": true}), vec!["sub/c.csv"]),
        (
            json!({"glob": "**/[cd].{csv,json}", "recursive": true}),
            vec!["sub/c.csv", "sub/deep/d.csv"],
        ),
        (json!({"glob": "?.json"}), vec!["b.json"]),
        (json!({"regex": "[ab]\\.(csv|json)"}), vec!["a.csv", "b.json"]),
        (json!({"regex": "csv"}), vec![]),
        (json!({"regex": "sub/.*", "recursive": true}), vec!["sub/c.csv", "sub/deep/d.csv"]),
    ];
    for (keys, wanted) in cases {
        check(&files, &keys, &wanted);
    }
}

#[test]
fn files_come_in_the_order_wanted() {
    let project = Project::new();
    for (name, age) in [("b", 300), ("a", 200), ("d", 400), ("c", 200)] {
        project.write_aged(&format!("in/{name}"), "{}", age);
    }
    let cases = [
        ("name", ["a", "b", "c", "d"]),
        ("nameDescending", ["d", "c", "b", "a"]),
        ("oldest", ["d", "b", "a", "c"]),
        ("newest", ["a", "c", "b", "d"]),
    ];
    for (sort, wanted) in cases {
        assert_eq!(list(&mut *project.source(json!({"sort": sort}))), wanted, "{sort}");
    }
}

#[test]
fn directories_of_finished_files_are_left_out_of_a_recursive_input() {
    let project = Project::new();
    for file in ["a.csv", "done/b.csv", "sub/error/c.csv", "sub/d.csv", ".weir/e.csv"] {
        project.write(&format!("in/{file}"), "{}");
    }
    let keys = json!({
        "recursive": true,
        "done": {"directory": "in/./done"},
        "error": {"directory": "in/sub/../sub/error"},
    });
    assert_eq!(list(&mut *project.source(keys)), ["a.csv", "sub/d.csv"]);
}

#[test]
fn a_half_written_file_is_left_alone_until_it_is_stable() {
    let project = Project::new();
    let file = project.write_aged("in/a", "{", 0);
    let mut source = project.source(json!({"stableTime": "2s", "interval": "5s"}));
    assert!(list(&mut *source).is_empty());
    assert_eq!(source.interval(), Duration::from_secs(2), "it looks again when it may be stable");

    project.pass(1);
    fs::write(&file, "{}").unwrap();
    set_age(&file, -1);
    assert!(list(&mut *source).is_empty());

    project.pass(1);
    assert!(list(&mut *source).is_empty(), "it was seen to change a second ago");
    assert_eq!(source.interval(), Duration::from_secs(1));
    project.pass(1);
    assert_eq!(list(&mut *source), ["a"]);
    assert_eq!(source.interval(), Duration::from_secs(5));
}

#[test]
fn a_file_from_the_future_is_stable_once_it_was_watched() {
    let project = Project::new();
    project.write_aged("in/a", "{}", -86_400);
    let mut source = project.source(json!({"stableTime": "2s"}));
    assert!(list(&mut *source).is_empty());
    project.pass(2);
    assert_eq!(list(&mut *source), ["a"]);
}

#[test]
fn a_stable_time_of_zero_takes_files_at_once() {
    let project = Project::new();
    project.write_aged("in/a", "{}", 0);
    assert_eq!(list(&mut *project.source(json!({"stableTime": "0s"}))), ["a"]);
}

#[test]
fn links_pipes_directories_and_names_that_are_no_text_are_no_items() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    let project = Project::new();
    let file = project.write("in/a.csv", "{}");
    let outside = project.write("elsewhere/secret.csv", "{}");
    symlink(&outside, project.path("in/link.csv")).unwrap();
    symlink(&file, project.path("in/twin.csv")).unwrap();
    symlink(project.path("elsewhere"), project.path("in/linked-directory")).unwrap();
    symlink("nowhere", project.path("in/dangling.csv")).unwrap();
    project.mkdir("in/directory.csv");
    fs::write(project.path("in").join(OsStr::from_bytes(b"caf\xe9.csv")), "{}").unwrap();
    let mut source = project.source(json!({"recursive": true}));
    for _ in 0..2 {
        assert_eq!(list(&mut *source), ["a.csv"]);
    }
}

#[test]
fn an_input_directory_that_is_a_link_is_followed() {
    let project = Project::new();
    project.write("real/a.csv", "{}");
    std::os::unix::fs::symlink(project.path("real"), project.path("in")).unwrap();
    assert_eq!(list(&mut *project.source(json!({}))), ["a.csv"]);
}

#[test]
fn a_missing_input_directory_is_a_fault_that_passes() {
    let project = Project::new();
    let mut source = project.source(json!({}));
    let fault = source.list().unwrap_err();
    assert_eq!(fault.kind, weir_domain::FaultKind::Transient);
    assert!(fault.message.ends_with("in does not exist"), "{}", fault.message);
    assert!(fault.hint.unwrap().contains("create it"));

    project.write("in/a.csv", "{}");
    assert_eq!(list(&mut *source), ["a.csv"]);
}

#[test]
fn a_file_where_the_input_directory_should_be_is_a_fault() {
    let project = Project::new();
    project.write("in", "I am a file");
    let fault = project.source(json!({})).list().unwrap_err();
    assert!(fault.message.contains("no directory"), "{}", fault.message);
}

#[test]
fn the_history_is_told_how_to_judge_known_files() {
    use weir_domain::Reprocess;
    let project = Project::new();
    assert_eq!(project.source(json!({})).reprocess(), Reprocess::WhenChanged);
    assert_eq!(project.source(json!({"reprocess": "never"})).reprocess(), Reprocess::Never);
}
