//! Two people change one asset, or an editor does meanwhile.

use std::fs;

use weir_domain::Digest;

use super::{SOURCE, lab};
use crate::{Based, Conflict, Error};

const PATH: &str = "sources/orders.yaml";

#[track_caller]
fn stale<T: std::fmt::Debug>(result: Result<T, Error>) -> Conflict {
    match result {
        Err(Error::Stale(conflict)) => *conflict,
        other => panic!("it is stale: {other:?}"),
    }
}

#[test]
fn what_an_editor_changed_is_not_written_over_and_both_changes_are_offered() {
    let lab = lab();
    let base = Based::On(lab.digest(PATH));
    let theirs = SOURCE.replace("directory: in", "directory: other");
    fs::write(lab.root().join(PATH), &theirs).unwrap();
    let yours = SOURCE.replace("where orders", "where all orders").replace("csv #", "json #");
    let conflict = stale(lab.workspace.write("shop", PATH, &yours, base));
    let digest = Digest::of(theirs.as_bytes());
    let both = yours.replace("directory: in", "directory: other");
    let expected = Conflict {
        path: PATH.into(),
        base: Some(SOURCE.into()),
        theirs: Some((digest, theirs.clone())),
        yours: Some(yours),
        merged: Some(conflict.merged.clone().unwrap_or_default()),
        fields: vec![],
    };
    assert_eq!(conflict, expected);
    let tree = |text: &str| weir_conf::yaml::parse("", text).unwrap().to_json();
    let merged = conflict.merged.unwrap();
    assert_eq!(tree(&merged), tree(&both));
    assert_eq!(lab.text(PATH), theirs);
    lab.workspace.write("shop", PATH, &merged, Based::On(digest)).unwrap();
    assert_eq!(lab.text(PATH), merged);
}

#[test]
fn a_field_that_both_changed_is_named() {
    let lab = lab();
    let base = Based::On(lab.digest(PATH));
    let [theirs, yours] =
        ["there", "here"].map(|it| SOURCE.replace("directory: in", &format!("directory: {it}")));
    lab.workspace.write("shop", PATH, &theirs, base).unwrap();
    let conflict = stale(lab.workspace.write("shop", PATH, &yours, base));
    assert_eq!(conflict.merged, None);
    let [field] = &conflict.fields[..] else { panic!("there is one: {conflict:?}") };
    assert_eq!(field.path, "spec.file.directory");
    let values = [&field.base, &field.theirs, &field.yours].map(|it| it.clone().unwrap());
    assert_eq!(values, ["in", "there", "here"].map(serde_json::Value::from));
    assert_eq!(lab.text(PATH), theirs);
}

#[test]
fn what_is_there_already_and_what_is_gone_are_conflicts_too() {
    let lab = lab();
    let digest = lab.digest(PATH);
    let other = SOURCE.replace("directory: in", "directory: x");
    let conflict = stale(lab.workspace.write("shop", PATH, &other, Based::New));
    assert_eq!((conflict.base, conflict.theirs), (None, Some((digest, SOURCE.to_owned()))));
    // Whoever sends the same again is not told of a conflict with themselves.
    lab.workspace.write("shop", PATH, SOURCE, Based::New).unwrap();

    fs::write(lab.root().join(PATH), &other).unwrap();
    let conflict = stale(lab.workspace.delete_asset("shop", PATH, digest));
    assert_eq!((conflict.yours, conflict.theirs.map(|it| it.1)), (None, Some(other)));
    let conflict = stale(lab.workspace.rename_asset("shop", PATH, "x", digest));
    assert!(conflict.theirs.is_some());

    fs::remove_file(lab.root().join(PATH)).unwrap();
    let conflict =
        stale(lab.workspace.write("shop", PATH, &SOURCE.replace("in", "x"), Based::On(digest)));
    assert_eq!((conflict.base.as_deref(), conflict.theirs), (Some(SOURCE), None));
    assert!(!lab.root().join(PATH).exists());
}

#[test]
fn a_text_that_nobody_read_here_has_no_base() {
    let lab = lab();
    let unknown = Based::On(Digest::of(b"long ago"));
    let conflict = stale(lab.workspace.write("shop", PATH, "x: 1", unknown));
    assert_eq!((conflict.base, conflict.merged), (None, None));
}
