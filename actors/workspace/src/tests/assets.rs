//! Assets are listed, read, written and deleted.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use weir_domain::Digest;
use weir_project::AssetKind;

use super::{FORMAT, SOURCE, lab, refused, tree};
use crate::{Based, Error};

#[test]
fn assets_are_listed_with_what_they_are_and_what_is_wrong() {
    let lab = lab();
    fs::write(lab.root().join("broken.yaml"), "a: [").unwrap();
    fs::write(lab.root().join("bytes.yaml"), b"\xff\xfe").unwrap();
    let assets = lab.workspace.assets("shop").unwrap();
    let shown = assets.iter().map(|it| {
        let frame = it.frame.as_ref().map(|it| (it.kind, it.name.as_str()));
        (it.path.as_str(), frame, it.findings.len(), it.digest.is_some())
    });
    let expected = [
        ("project.yaml", Some((AssetKind::Project, "shop")), 0, true),
        ("broken.yaml", None, 1, true),
        ("bytes.yaml", None, 1, false),
        ("formats/csv.yaml", Some((AssetKind::Format, "csv")), 0, true),
        ("sources/orders.yaml", Some((AssetKind::Source, "orders")), 0, true),
        ("workflows/sales.yaml", Some((AssetKind::Workflow, "sales")), 0, true),
    ];
    assert_eq!(shown.collect::<Vec<_>>(), expected);
    assert_eq!(assets[4].digest, Some(Digest::of(SOURCE.as_bytes())));
    refused(lab.workspace.asset("shop", "bytes.yaml"), "not UTF-8");
    refused(lab.workspace.asset("shop", "source/orders.yaml"), "sources/orders.yaml");
    let write = |based| lab.workspace.write("shop", "bytes.yaml", SOURCE, based);
    refused(write(Based::New), "not UTF-8");
}

#[test]
fn what_is_no_asset_is_refused_and_what_is_wrong_inside_of_one_is_stored() {
    let lab = lab();
    let before = tree(&lab.root());
    let write = |text: &str| lab.workspace.write("shop", "sinks/x.yaml", text, Based::New);
    let text = |version: &str, kind: &str, name: &str| {
        format!(
            "apiVersion: {version}\nkind: {kind}\nmetadata: {{ name: {name} }}\nspec: {{ nonsense: 1 }}\n"
        )
    };
    refused(write("a: ["), "not YAML");
    refused(write(""), "empty");
    refused(write(&text("weir/v9", "Sink", "x")), "write apiVersion: weir/v1");
    refused(write(&text("weir/v1", "Sinc", "x")), "did you mean Sink?");
    refused(write(&text("weir/v1", "Sink", "a/b")), "metadata.name");
    refused(write(&text("weir/v1", "Project", "x")), "no other file");
    refused(write(&text("weir/v1", "Source", "ORDERS")), "already there, in sources/orders.yaml");
    let levels = (0..20).map(|it| format!("l{}: &l{} [*l{it}, *l{it}, *l{it}]\n", it + 1, it + 1));
    let bomb = format!("l0: &l0 [x]\n{}", levels.collect::<String>());
    refused(write(&bomb), "aliases expand to more than");
    let long = format!("{}# {}", text("weir/v1", "Sink", "x"), "x".repeat(4 << 20));
    assert!(matches!(write(&long), Err(Error::TooLarge { .. })));
    assert_eq!(tree(&lab.root()), before);

    let sink = text("weir/v1", "Sink", "x");
    assert_eq!(write(&sink).unwrap().digest, Some(Digest::of(sink.as_bytes())));
    assert_eq!(lab.text("sinks/x.yaml"), sink);
}

#[test]
fn nothing_is_read_or_written_outside_of_the_project() {
    let lab = lab();
    let outside = lab.dir.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("x.yaml"), SOURCE).unwrap();
    symlink(&outside, lab.root().join("linked")).unwrap();
    symlink(outside.join("x.yaml"), lab.root().join("x.yaml")).unwrap();
    symlink(outside.join("new.yaml"), lab.root().join("new.yaml")).unwrap();
    let before = tree(&outside);
    let text = SOURCE.replace("name: orders", "name: other");
    for path in ["../outside/x.yaml", "linked/x.yaml", "linked/deep/y.yaml", "x.yaml", "new.yaml"] {
        let read = lab.workspace.asset("shop", path);
        assert!(read.is_err(), "{path}: {read:?}");
        for based in [Based::New, Based::On(Digest::of(SOURCE.as_bytes()))] {
            let written = lab.workspace.write("shop", path, &text, based);
            assert!(written.is_err(), "{path}: {written:?}");
        }
        let deleted = lab.workspace.delete_asset("shop", path, Digest::of(SOURCE.as_bytes()));
        assert!(deleted.is_err(), "{path}: {deleted:?}");
    }
    assert_eq!(tree(&outside), before);
}

#[test]
fn a_linked_file_of_the_project_is_changed_where_it_is() {
    let lab = lab();
    fs::create_dir(lab.root().join("data")).unwrap();
    fs::write(lab.root().join("data/real.txt"), SOURCE.replace("orders", "linked")).unwrap();
    symlink("data/real.txt", lab.root().join("linked.yaml")).unwrap();
    let text = SOURCE.replace("orders", "linked").replace("directory: in", "directory: other");
    let based = Based::On(lab.digest("linked.yaml"));
    lab.workspace.write("shop", "linked.yaml", &text, based).unwrap();
    assert!(lab.root().join("linked.yaml").is_symlink());
    assert_eq!(lab.text("data/real.txt"), text);
}

#[test]
fn a_link_is_deleted_and_not_what_it_leads_to() {
    let lab = lab();
    symlink("orders.yaml", lab.root().join("sources/again.yaml")).unwrap();
    let delete = |path: &str| lab.workspace.delete_asset("shop", path, lab.digest(path));
    // With the file the link would lead nowhere: it is no second asset of the name.
    refused(delete("sources/orders.yaml"), "used by Workflow sales");
    delete("sources/again.yaml").unwrap();
    assert!(lab.root().join("sources/again.yaml").symlink_metadata().is_err());
    assert_eq!(lab.text("sources/orders.yaml"), SOURCE);
    fs::hard_link(lab.root().join("sources/orders.yaml"), lab.root().join("twin.yaml")).unwrap();
    delete("sources/orders.yaml").unwrap();
    assert_eq!(lab.text("twin.yaml"), SOURCE);
}

#[test]
fn what_is_wrong_with_an_asset_that_can_not_be_made_whole_is_told() {
    let lab = lab();
    let child = SOURCE.replace("name: orders", "name: child, extends: nobody");
    lab.put("sources/child.yaml", &child);
    let effective = |path: &str| lab.workspace.effective("shop", path);
    assert_eq!(effective("sources/orders.yaml").unwrap().extends, [""; 0]);
    refused(
        effective("sources/child.yaml"),
        "sources/child.yaml can't be made whole: sources/child.yaml:4:35: there is no",
    );
    // What is wrong elsewhere is not why; a cycle is, wherever it was found.
    let extending = |name: &str, parent: &str| {
        let text = FORMAT.replace("'csv'", &format!("{name}\n  extends: {parent}"));
        fs::write(lab.root().join(format!("formats/{name}.yaml")), text).unwrap();
    };
    extending("x1", "x2");
    extending("x2", "x1");
    extending("gone", "none");
    refused(effective("formats/x1.yaml"), "assets extend each other: x1 -> x2 -> x1");
    refused(effective("formats/x2.yaml"), "assets extend each other: x1 -> x2 -> x1");
    // What only itself needs it may be deleted.
    extending("self", "self");
    let digest = lab.digest("formats/self.yaml");
    lab.workspace.delete_asset("shop", "formats/self.yaml", digest).unwrap();
    fs::write(lab.root().join("broken.yaml"), "a: [").unwrap();
    refused(effective("broken.yaml"), "broken.yaml can't be made whole: broken.yaml:2:1: not YAML");
}

#[test]
fn a_file_keeps_its_mode_and_a_path_is_taken_whatever_its_case() {
    let lab = lab();
    let file = lab.root().join("formats/csv.yaml");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let text = FORMAT.replace("type: csv", "type: json");
    let based = Based::On(lab.digest("formats/csv.yaml"));
    lab.workspace.write("shop", "formats/csv.yaml", &text, based).unwrap();
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    let other = text.replace("'csv'", "other");
    let write = |path: &str| lab.workspace.write("shop", path, &other, Based::New);
    refused(write("formats/CSV.yaml"), "there is already formats/csv.yaml");
    let project = lab.text("project.yaml").replace("spec: {}", "spec: { exclude: [in] }");
    let based = Based::On(lab.digest("project.yaml"));
    lab.workspace.write("shop", "project.yaml", &project, based).unwrap();
    refused(write("in/other.yaml"), "the project excludes in");
}

#[test]
fn what_others_use_is_not_deleted_and_not_renamed_by_writing() {
    let lab = lab();
    let delete = |path: &str| lab.workspace.delete_asset("shop", path, lab.digest(path));
    refused(delete("sources/orders.yaml"), "used by Workflow sales in workflows/sales.yaml:8:15");
    refused(delete("formats/csv.yaml"), "Source orders in sources/orders.yaml:8:13");
    refused(delete("project.yaml"), "there is no project");
    let text = SOURCE.replace("name: orders", "name: other");
    let based = Based::On(lab.digest("sources/orders.yaml"));
    let written = lab.workspace.write("shop", "sources/orders.yaml", &text, based);
    refused(written, "rename it: its users go along");
    let text = lab.text("project.yaml").replace("shop", "other");
    let based = Based::On(lab.digest("project.yaml"));
    refused(lab.workspace.write("shop", "project.yaml", &text, based), "rename the project");
    delete("workflows/sales.yaml").unwrap();
    delete("sources/orders.yaml").unwrap();
    assert!(!lab.root().join("sources/orders.yaml").exists());
}
