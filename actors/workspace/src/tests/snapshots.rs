//! A project at one moment, whatever happens to it then.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use super::{WORKFLOW, lab, tree};
use crate::{Based, Error, Snapshot};

fn laid_out(snapshot: &Snapshot) -> Vec<(String, String)> {
    let dir = TempDir::new().unwrap();
    snapshot.lay_out(dir.path()).unwrap();
    let root = format!("{}/", dir.path().display());
    let text = |it: Vec<u8>| String::from_utf8_lossy(&it).into_owned();
    tree(dir.path()).into_iter().map(|it| (it.0.replace(&root, ""), text(it.1))).collect()
}

#[test]
fn a_snapshot_stays_as_the_project_was() {
    let lab = lab();
    let snapshot = lab.workspace.snapshot("shop").unwrap();
    let read = lab.digest("workflows/sales.yaml");
    let other = WORKFLOW.replace("out", "other");
    lab.workspace.write("shop", "workflows/sales.yaml", &other, Based::On(read)).unwrap();
    fs::remove_file(lab.root().join("formats/csv.yaml")).unwrap();
    let files = laid_out(&snapshot);
    let paths: Vec<_> = files.iter().map(|it| it.0.as_str()).collect();
    assert_eq!(
        paths,
        ["formats/csv.yaml", "project.yaml", "sources/orders.yaml", "workflows/sales.yaml"]
    );
    assert_eq!(files[3].1, WORKFLOW);
}

#[test]
fn a_snapshot_has_all_of_a_change_or_nothing_of_it() {
    let lab = lab();
    let (begun, seen) = mpsc::channel();
    let (taken, is_taken) = mpsc::channel();
    let snapshot = thread::scope(|scope| {
        let workspace = &lab.workspace;
        let changing = scope.spawn(move || {
            workspace.alone("shop", |it| {
                fs::write(it.dir.join("formats/csv.yaml"), "half").unwrap();
                begun.send(()).unwrap();
                // Whoever does not wait for its turn has read it by then.
                let early = is_taken.recv_timeout(Duration::from_millis(300));
                fs::write(it.dir.join("formats/csv.yaml"), "whole").map(|()| early)
            })
        });
        seen.recv().unwrap();
        let snapshot = workspace.snapshot("shop").unwrap();
        // It is over when nobody waits for it.
        let _ = taken.send(());
        assert!(changing.join().unwrap().unwrap().unwrap().is_err(), "taken in the middle");
        snapshot
    });
    assert_eq!(laid_out(&snapshot)[0], ("formats/csv.yaml".into(), "whole".into()));
}

#[test]
fn what_a_project_names_goes_along_and_data_stays_where_it_is() {
    let lab = lab();
    let put = |path: &str, content: &[u8]| {
        let full = lab.root().join(path);
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        fs::write(full, content).unwrap();
    };
    let large = vec![b'x'; 2 << 20];
    put(
        "project.yaml",
        b"apiVersion: weir/v1\nkind: Project\nmetadata: { name: shop }\nspec: { exclude: [in] }\n",
    );
    put("cases.yaml", b"given:\n  - { file: in/given it.csv, expect: \"out/expected.csv\" } # and\n  - script: x.js # why\n");
    for path in ["in/given it.csv", "out/expected.csv", "out/unnamed.csv", "in/unnamed.csv"] {
        put(path, &large);
    }
    put("scripts/small.js", b"1");
    put("in/small.csv", b"1");
    put("x.js", &large);
    put(".git/HEAD", b"x");
    symlink("/etc/hostname", lab.root().join("out.yaml")).unwrap();
    symlink("nowhere", lab.root().join("broken.yaml")).unwrap();
    let snapshot = lab.workspace.snapshot("shop").unwrap();
    let dir = TempDir::new().unwrap();
    snapshot.lay_out(dir.path()).unwrap();
    let is_there = |path: &str| dir.path().join(path).symlink_metadata().is_ok();
    for path in [
        "in/given it.csv",
        "out/expected.csv",
        "scripts/small.js",
        "x.js",
        "out.yaml",
        "broken.yaml",
    ] {
        assert!(is_there(path), "{path}");
    }
    for path in ["out/unnamed.csv", "in/unnamed.csv", "in/small.csv", ".git"] {
        assert!(!is_there(path), "{path}");
    }
    // The same is said of links as where they lie.
    let said = |at| weir_project::survey(at).unwrap().files.into_iter().flat_map(|it| it.findings);
    let said = |at| said(at).map(|it| it.to_string()).collect::<Vec<_>>();
    assert_eq!(said(dir.path()), said(&lab.root()));
}

#[test]
fn what_does_not_fit_into_memory_is_refused() {
    let lab = lab();
    let many = vec![b'#'; 9 << 20];
    for number in 0..8 {
        fs::write(lab.root().join(format!("{number}.yaml")), &many).unwrap();
    }
    let refused = lab.workspace.snapshot("shop").unwrap_err();
    assert!(matches!(refused, Error::TooLarge { .. }), "{refused:?}");
}
