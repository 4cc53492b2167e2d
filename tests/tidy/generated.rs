//! Files that are generated and checked in are what would be generated now.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::support::{files, weir};

use super::root;

/// `WEIR_UPDATE=1 cargo test --test product generated` writes them anew.
#[test]
fn the_schemas_of_project_files_are_current() {
    let made = tempfile::tempdir().unwrap();
    weir(["schema", made.path().to_str().unwrap()]).ended(0);
    let stored = root().join("schemas/json");
    if std::env::var_os("WEIR_UPDATE").is_some() {
        weir(["schema", stored.to_str().unwrap()]).ended(0);
    }
    let names = |dir: &Path| files::below(dir).into_iter().collect::<BTreeSet<_>>();
    assert_eq!(names(&stored), names(made.path()));
    for name in files::below(&stored) {
        let (stored, made) = (fs::read(stored.join(&name)), fs::read(made.path().join(&name)));
        assert!(
            stored.unwrap() == made.unwrap(),
            "schemas/json/{name} is not what `weir schema` makes: review the change, then run \
             weir schema schemas/json"
        );
    }
}

#[test]
fn the_samples_are_valid_with_their_own_schemas() {
    for (sample, workflows) in [("flights", "2 workflows"), ("orders", "1 workflow")] {
        let sample_dir = root().join("samples").join(sample);
        let ran = weir(["project", "validate", sample_dir.to_str().unwrap()]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""), "{}", ran.stderr);
        assert_eq!(ran.stderr, format!("✓ {sample} is valid: {workflows}, 0 warnings\n"));
        for asset in files::below(&sample_dir).iter().filter(|it| it.ends_with(".yaml")) {
            let path = sample_dir.join(asset);
            let text = fs::read_to_string(&path).unwrap();
            let (_, schema) = text.lines().next().unwrap().split_once("$schema=").unwrap();
            assert!(path.parent().unwrap().join(schema).is_file(), "{asset} names {schema}");
        }
    }
}
