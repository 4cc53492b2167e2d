//! Digests say what is equal.

use weir_domain::{Digest, Timestamp};

use super::*;

#[test]
fn a_package_is_read_as_it_was_built() {
    let package = build(parts());
    let file = file(&package);
    assert_eq!(read(&file).unwrap(), package);
    let reader = Reader::open(&file[..], &Trust::Anyone, &Limits::default()).unwrap();
    assert_eq!(reader.signer(), signer().key());
    let flights = package.contents.plan(&WorkflowName::new("flights").unwrap()).unwrap();
    assert_eq!(flights.stages[0].config, plan("flights", 1).stages[0].config);
}

/// Every byte of the format, as version 0.1 writes it: a package must be readable for ever.
#[test]
fn the_bytes_of_a_package_never_change() {
    let file = file(&build(parts()));
    assert_eq!(file, super::file(&build(parts())));
    assert!(file.starts_with(b"WEIR-PACKAGE 1\n"));
    let expected = "8797d8370a0e7ef45ec8a2dae81230f86f4cf851d70e418a40c593483da63369";
    assert_eq!(Digest::of(&file).to_string(), expected);
}

#[test]
fn t11_equal_content_has_an_equal_digest_whatever_is_said_about_it() {
    let first = build(parts());
    let mut other = parts();
    other.workflows.reverse();
    other.assets.reverse();
    other.workflows[0].plan = plan("airports", 300);
    other.workflows[0].assets.reverse();
    let said = Details {
        tag: tag("other"),
        description: String::new(),
        author: "grace".into(),
        commit: None,
        built_at: Timestamp(5),
    };
    let second = Package::build(other, said, &Limits::default()).unwrap();
    assert_eq!(first.digest(), second.digest());
    assert_eq!(first.contents, second.contents);
}

#[test]
fn any_difference_in_content_is_another_digest() {
    let changes: [fn(&mut Parts); 8] = [
        |it| it.base_dir.push('x'),
        |it| it.workflows[0].plan.instances = 2,
        |it| it.assets[0].fields = json!({}),
        |it| it.scripts[0].text.push('\n'),
        |it| it.environments.reverse(),
        |it| it.secrets[0].ciphertext = bytes::Bytes::from_static(b"other"),
        |it| it.scheduler = None,
        |it| it.assignments = None,
    ];
    let mut digests = vec![build(parts()).digest()];
    for change in changes {
        let mut parts = parts();
        change(&mut parts);
        digests.push(build(parts).digest());
    }
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), 9);
}

#[test]
fn a_workflow_keeps_its_digest_until_something_changes_how_it_runs() {
    let before = build(parts()).contents.content.workflow_digests();
    let switch = |change: fn(&mut Parts)| {
        let mut parts = parts();
        change(&mut parts);
        let switch = Switch::between(&before, &build(parts).contents.content.workflow_digests());
        let names = switch.restarts.iter().map(|it| it.as_str());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(switch(|it| it.workflows[0].plan.instances = 2), "flights");
    assert_eq!(switch(|it| it.workflows[0].plan = plan("flights", 400)), "");
    assert_eq!(switch(|it| it.scheduler = None), "");
    // Environment values that a workflow uses stand in its plan.
    assert_eq!(switch(|it| it.environments.clear()), "");
    assert_eq!(switch(|it| it.scripts[0].text.clear()), "airports flights");
    assert_eq!(switch(|it| it.secrets[0].ciphertext.clear()), "airports flights");
    assert_eq!(switch(|it| it.base_dir.clear()), "airports flights");
}

#[test]
fn a_content_is_an_object_whose_digest_is_the_deployments() {
    let content = build(parts()).contents.content;
    let object = content.to_object();
    assert_eq!(Content::from_object(content.digest(), &object).unwrap(), content);
    let mut spaced = object.clone();
    spaced.push(b' ');
    let stated = Content::from_object(content.digest(), &spaced);
    assert!(matches!(stated, Err(Error::Tampered { .. })), "{stated:?}");
    let second_form = Content::from_object(Digest::of(&spaced), &spaced);
    assert!(matches!(second_form, Err(Error::Malformed { .. })), "{second_form:?}");
}
