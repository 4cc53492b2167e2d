//! Publishing: all rules for a target that exists, all crashes, all races.

use std::thread;

use weir_domain::FaultKind;

use super::*;

fn check(rule: &str, old: &[(&str, &str)], published: &str, wanted: &[(&str, &str)]) {
    let project = Project::new();
    project.mkdir("out");
    old.iter().for_each(|(name, text)| drop(project.write(&format!("out/{name}"), text)));
    let mut sink = project.sink(json!({"name": "file.txt", "onExisting": rule}));
    let found = publish(&project, &mut *sink, 1, &["AA"]);
    assert_eq!(places(&project, &found), [format!("out/{published}")], "{rule}");
    let tree: Vec<_> = project.tree("out").into_iter().collect();
    let new = line("AA", 1);
    let text = |text: &str| if text == "new" { new.clone() } else { text.to_owned() };
    let wanted: Vec<_> = wanted.iter().map(|it| (it.0.to_owned(), text(it.1))).collect();
    assert_eq!(tree, wanted, "{rule}");
}

#[test]
fn a_free_name_is_taken_by_every_rule() {
    for rule in ["fail", "replace", "renameOld", "counter"] {
        check(rule, &[], "file.txt", &[("file.txt", "new")]);
    }
}

#[test]
fn an_existing_target_is_treated_by_the_rule() {
    let old = [("file.txt", "old"), ("file_1.txt", "older")];
    check("replace", &old, "file.txt", &[("file.txt", "new"), ("file_1.txt", "older")]);
    check(
        "renameOld",
        &old,
        "file.txt",
        &[("file.txt", "new"), ("file_1.txt", "older"), ("file_2.txt", "old")],
    );
    check("renameOld", &old[..1], "file.txt", &[("file.txt", "new"), ("file_1.txt", "old")]);
    check(
        "counter",
        &old,
        "file_2.txt",
        &[("file.txt", "old"), ("file_1.txt", "older"), ("file_2.txt", "new")],
    );
}

#[test]
fn an_existing_target_fails_the_stream_before_its_commit() {
    let project = Project::new();
    project.write("out/x.jsonl", "old");
    let fault = prepare(&mut *project.sink(json!({})), 1, &["AA"]).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Data);
    assert!(fault.message.contains("out/x.jsonl exists"), "{fault}");
    let hint = fault.hint.unwrap();
    for choice in ["replace", "renameOld", "counter"] {
        assert!(hint.contains(choice), "{hint}");
    }
    assert_eq!(
        project.tree("out").into_iter().collect::<Vec<_>>(),
        [("x.jsonl".into(), "old".into())]
    );
}

#[test]
fn a_target_that_appears_after_the_commit_costs_a_warning_and_no_file() {
    let project = Project::new();
    project.mkdir("out");
    let prepared = prepare(&mut *project.sink(json!({})), 1, &["AA"]).unwrap();
    project.write("out/x.jsonl", "from somebody else");
    let published = run_twice(&project, &prepared.actions);
    assert_eq!(places(&project, &published), ["out/x_1.jsonl !"]);
    assert_eq!(project.names("out"), ["x.jsonl", "x_1.jsonl"]);
    assert_eq!(project.tree("out")["x.jsonl"], "from somebody else");
}

#[test]
fn a_directory_in_the_way_is_refused_before_the_commit() {
    let project = Project::new();
    project.mkdir("out/x.jsonl");
    for rule in ["replace", "fail"] {
        let mut sink = project.sink(json!({"onExisting": rule}));
        assert!(prepare(&mut *sink, 1, &["AA"]).is_err(), "{rule}");
        assert_eq!(project.names("out"), ["x.jsonl/"]);
    }
}

#[test]
fn every_crash_of_publishing_is_mended_by_the_next_run() {
    for rule in ["fail", "replace", "renameOld", "counter"] {
        let project = Project::new();
        project.mkdir("out");
        let mut sink = project.sink(json!({"onExisting": rule}));
        let target = project.path("out/x.jsonl");
        let is_whole = |names: &[&str]| {
            assert_eq!(project.names("out"), names, "{rule}");
            assert_eq!(project.tree("out")["x.jsonl"], line("AA", 1), "{rule}");
        };

        // Before the rename: nothing but the staging directory was touched.
        let prepared = prepare(&mut *sink, 1, &["AA"]).unwrap();
        assert!(!target.exists());
        run(&prepared.actions[0]).unwrap();
        is_whole(&["x.jsonl"]);

        // After the rename, before the reservation was released and the directory removed.
        fs::remove_file(&target).unwrap();
        let prepared = prepare(&mut *sink, 2, &["AA"]).unwrap();
        fs::rename(staged(&project), &target).unwrap();
        let published = run(&prepared.actions[0]).unwrap();
        assert_eq!(places(&project, &published), ["out/x.jsonl"], "{rule}");
        is_whole(&["x.jsonl"]);

        // Between link and unlink, where there is no exclusive rename. A replacing one there is.
        if rule == "replace" {
            continue;
        }
        fs::remove_file(&target).unwrap();
        let prepared = prepare(&mut *sink, 3, &["AA"]).unwrap();
        fs::hard_link(staged(&project), &target).unwrap();
        run(&prepared.actions[0]).unwrap();
        is_whole(&["x.jsonl"]);
    }
}

/// The only staged file.
fn staged(project: &Project) -> PathBuf {
    only_entry(project, "part")
}

fn only_entry(project: &Project, extension: &str) -> PathBuf {
    let is_meant = |it: &PathBuf| it.extension().is_some_and(|it| it == extension);
    let entries = fs::read_dir(project.path("out/.weir")).unwrap();
    let mut paths = entries.map(|it| it.unwrap().path()).filter(is_meant);
    paths.next().unwrap()
}

#[test]
fn a_reservation_that_nobody_will_release_can_be_deleted() {
    let project = Project::new();
    project.mkdir("out");
    let mut sink = project.sink(json!({}));
    // Its stream is known to nobody any more, or can't even be read.
    for owner in [&b"0192f0c1-2222-7333-8444-000000000009@write"[..], b"\xff"] {
        prepare(&mut *sink, 1, &["AA"]).unwrap();
        let reservation = only_entry(&project, "reserved");
        fs::write(&reservation, owner).unwrap();
        let fault = prepare(&mut *sink, 2, &["DL"]).unwrap_err();
        let delete = format!("delete {}", reservation.display());
        assert!(fault.hint.as_ref().unwrap().ends_with(&delete), "{fault}");
        fs::remove_file(reservation).unwrap();
        prepare(&mut *sink, 2, &["DL"]).unwrap();
        run_twice(&project, &sink.discard(&stream(1)));
        run_twice(&project, &sink.discard(&stream(2)));
    }
}

#[test]
fn a_crash_between_the_two_renames_of_an_old_file_loses_neither() {
    let project = Project::new();
    let old = project.write("out/x.jsonl", "old");
    let prepared =
        prepare(&mut *project.sink(json!({"onExisting": "renameOld"})), 1, &["AA"]).unwrap();
    fs::rename(old, project.path("out/x_1.jsonl")).unwrap();
    let published = run_twice(&project, &prepared.actions);
    assert_eq!(places(&project, &published), ["out/x.jsonl"]);
    assert_eq!(project.names("out"), ["x.jsonl", "x_1.jsonl"]);
    assert_eq!(project.tree("out")["x_1.jsonl"], "old");
}

#[test]
fn a_published_file_that_was_taken_is_not_made_again() {
    let project = Project::new();
    project.mkdir("out");
    let prepared = prepare(&mut *project.sink(json!({})), 1, &["AA"]).unwrap();
    run(&prepared.actions[0]).unwrap();
    fs::remove_file(project.path("out/x.jsonl")).unwrap();
    let published = run(&prepared.actions[0]).unwrap();
    assert!(published[0].warning.as_ref().unwrap().contains("published before"));
    assert!(project.names("out").is_empty());
}

#[test]
fn a_published_file_that_was_taken_with_its_directory_is_no_fault() {
    let project = Project::new();
    project.mkdir("out/sub");
    let mut sink = project.sink(json!({"name": "sub/x.jsonl"}));
    let prepared = prepare(&mut *sink, 1, &["AA"]).unwrap();
    run(&prepared.actions[0]).unwrap();
    fs::remove_dir_all(project.path("out/sub")).unwrap();
    assert!(run(&prepared.actions[0]).unwrap()[0].warning.is_some());
    assert!(project.names("out").is_empty());
}

#[test]
fn a_missing_output_directory_is_not_taken_for_a_published_file() {
    let project = Project::new();
    project.mkdir("out");
    let prepared = prepare(&mut *project.sink(json!({})), 1, &["AA"]).unwrap();
    fs::rename(project.path("out"), project.path("unmounted")).unwrap();
    let fault = run(&prepared.actions[0]).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Transient);
    assert!(fault.message.contains("does not exist"), "{fault}");
    fs::rename(project.path("unmounted"), project.path("out")).unwrap();
    assert_eq!(run_twice(&project, &prepared.actions).len(), 1);
    assert_eq!(project.names("out"), ["x.jsonl"]);
}

#[test]
fn a_subdirectory_appears_with_the_first_file_in_it() {
    let project = Project::new();
    let mut sink = project.sink(json!({"name": "a/b/x.jsonl", "createDirectory": true}));
    let prepared = prepare(&mut *sink, 1, &["AA"]).unwrap();
    assert!(!project.path("out/a").exists(), "nothing is visible before the commit");
    run_twice(&project, &prepared.actions);
    assert_eq!(project.names("out"), ["a/", "a/b/", "a/b/x.jsonl"]);
}

#[test]
fn what_a_stream_that_ended_left_in_the_way_can_be_cleared_away() {
    let project = Project::new();
    project.mkdir("out");
    let mut sink = project.sink(json!({}));
    let first = prepare(&mut *sink, 1, &["AA"]).unwrap();
    // Another stage of another stream: it must not be touched.
    let mut other = project.sink(json!({"name": "y.jsonl"}));
    let third = prepare(&mut *other, 3, &["UA"]).unwrap();

    let fault = prepare(&mut *sink, 2, &["DL"]).unwrap_err();
    let obstacle = fault.obstacle.expect("it is known who is in the way");
    assert_eq!(obstacle.stream, stream(1).stream);
    let clear = weir_stream::Action::new(obstacle.connector, obstacle.payload);
    assert_eq!(run_twice(&project, &[clear]), []);
    let second = prepare(&mut *sink, 2, &["DL"]).unwrap();
    run_twice(&project, &second.actions);
    run_twice(&project, &third.actions);
    assert_eq!(project.names("out"), ["x.jsonl", "y.jsonl"]);
    drop(first);
}

#[test]
fn of_two_streams_with_one_target_the_second_waits_and_then_fails() {
    let project = Project::new();
    project.mkdir("out");
    let mut sink = project.sink(json!({}));
    let first = prepare(&mut *sink, 1, &["AA"]).unwrap();
    let fault = prepare(&mut *sink, 2, &["DL"]).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Transient);
    assert!(fault.message.contains("another stream is about to publish"), "{fault}");
    let (id, hint) = (stream(1).stream.to_string(), fault.hint.as_ref().unwrap());
    let reservation = only_entry(&project, "reserved").display().to_string();
    assert!(fault.message.contains(&id) && fault.message.contains(&reservation), "{fault}");
    let stale = format!("if weir stream show {id} finds nothing, delete {reservation}");
    assert!(hint.contains(&stale), "{fault}");

    run_twice(&project, &first.actions);
    let fault = prepare(&mut *sink, 2, &["DL"]).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Data);
    assert_eq!(
        project.tree("out").into_iter().collect::<Vec<_>>(),
        [("x.jsonl".into(), line("AA", 1))]
    );
}

#[test]
fn two_sinks_of_one_workflow_with_one_target_are_a_mistake_of_the_workflow() {
    let project = Project::new();
    project.mkdir("out");
    let first = prepare(&mut *project.sink_at("one", json!({})), 1, &["AA"]).unwrap();
    let fault = prepare(&mut *project.sink_at("two", json!({})), 1, &["AA"]).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Config);
    assert!(fault.message.contains("two sinks"), "{fault}");
    run_twice(&project, &first.actions);
}

#[test]
fn a_reservation_of_a_discarded_stream_is_free_again() {
    let project = Project::new();
    project.mkdir("out");
    let mut sink = project.sink(json!({}));
    prepare(&mut *sink, 1, &["AA"]).unwrap();
    assert!(prepare(&mut *sink, 2, &["DL"]).is_err());
    run_twice(&project, &sink.discard(&stream(1)));
    assert!(project.names("out").is_empty());
    assert_eq!(places(&project, &publish(&project, &mut *sink, 2, &["DL"])), ["out/x.jsonl"]);
}

#[test]
fn of_many_streams_at_once_exactly_one_gets_the_target() {
    let project = Project::new();
    project.mkdir("out");
    let attempts: Vec<_> = thread::scope(|scope| {
        let start = |n: u32| {
            let mut sink = project.sink(json!({}));
            scope.spawn(move || {
                let prepared = prepare(&mut *sink, n, &["AA"])?;
                prepared.actions.iter().try_for_each(|it| run(it).map(drop))
            })
        };
        let threads: Vec<_> = (1..=8).map(start).collect();
        threads.into_iter().map(|it| it.join().unwrap()).collect()
    });
    assert_eq!(attempts.iter().filter(|it| it.is_ok()).count(), 1, "{attempts:?}");
    assert_eq!(project.names("out"), ["x.jsonl"]);
}

#[test]
fn of_many_streams_at_once_none_is_lost_by_counting_or_renaming() {
    for rule in ["counter", "renameOld"] {
        let project = Project::new();
        project.mkdir("out");
        thread::scope(|scope| {
            for n in 1..=8_u32 {
                let mut sink = project.sink(json!({"onExisting": rule}));
                scope.spawn(move || {
                    let carrier = format!("C{n}");
                    let prepared = prepare(&mut *sink, n, &[&carrier]).unwrap();
                    prepared.actions.iter().for_each(|it| drop(run(it).unwrap()));
                });
            }
        });
        let tree = project.tree("out");
        let mut found: Vec<_> = tree.values().cloned().collect();
        found.sort();
        let wanted: Vec<_> = (1..=8).map(|n| line(&format!("C{n}"), 1)).collect();
        assert_eq!(found, wanted, "{rule}: {tree:?}");
    }
}

#[test]
fn what_a_segment_published_is_never_taken_for_what_the_next_one_stages() {
    let project = Project::new();
    let mut sink = project.sink(json!({"name": "${stream}.jsonl", "createDirectory": true}));
    let mut writing = |number, carrier| {
        let context = StreamContext { segment: Some(Epoch::new(1, number)), ..stream(1) };
        let mut writer = sink.open(&context, schema()).unwrap();
        writer.write(&batch(&[carrier])).unwrap();
        writer
    };
    let first = writing(0, "AA").prepare().unwrap();
    run_twice(&project, &first.actions);
    // It is not known to be published, and done again while the next one is being written.
    let second = writing(1, "BB");
    first.actions.iter().for_each(|it| drop(run(it).unwrap()));
    run_twice(&project, &second.prepare().unwrap().actions);
    let tree: Vec<_> = project.tree("out").into_iter().collect();
    let name = |number| format!("{}-1.{number}.jsonl", stream(1).stream);
    assert_eq!(tree, [(name(0), line("AA", 1)), (name(1), line("BB", 1))]);
}
