//! An asset is renamed with all who name it.

use std::fs;
use std::os::unix::fs::symlink;

use super::{FORMAT, SOURCE, WORKFLOW, lab, refused, tree};
use crate::Based;

#[test]
fn all_who_name_an_asset_say_its_new_name_and_nothing_else_changes() {
    let lab = lab();
    let path = "formats/csv.yaml";
    let users = lab.workspace.usages("shop", path).unwrap().into_iter();
    let users: Vec<_> =
        users.map(|it| format!("{} {}", it.reference.place, it.reference.path)).collect();
    assert_eq!(
        users,
        [
            "sources/orders.yaml:8:13 spec.file.format",
            "workflows/sales.yaml:12:56 spec.stages[1].sink.file.format",
            "workflows/sales.yaml:5:26 spec.deadLetters.format",
        ]
    );
    let renamed = lab.workspace.rename_asset("shop", path, "1.5", lab.digest(path)).unwrap();
    assert_eq!(renamed.asset.path, "formats/1.5.yaml");
    assert_eq!(renamed.users, ["sources/orders.yaml", "workflows/sales.yaml"]);
    assert!(!lab.root().join(path).exists());
    assert_eq!(lab.text("formats/1.5.yaml"), FORMAT.replace("'csv'", "'1.5'"));
    assert_eq!(lab.text("sources/orders.yaml"), SOURCE.replace("format: csv", "format: \"1.5\""));
    let workflow = WORKFLOW.replace("format: csv", "format: \"1.5\"").replace("\"csv\"", "\"1.5\"");
    assert_eq!(lab.text("workflows/sales.yaml"), workflow);
    let again = lab.workspace.usages("shop", "formats/1.5.yaml").unwrap();
    assert_eq!(again.len(), users.len());
}

#[test]
fn a_name_that_is_a_key_or_in_a_list_is_changed_as_well() {
    let lab = lab();
    let project = lab.text("project.yaml").replace(
        "spec: {}",
        "spec:\n  scheduler:\n    sales: { target: 2 } # two\n  environments: [ site ]\n",
    );
    let based = Based::On(lab.digest("project.yaml"));
    lab.workspace.write("shop", "project.yaml", &project, based).unwrap();
    lab.put("tests/t.yaml", "apiVersion: weir/v1\nkind: Test\nmetadata: { name: t }\nspec: { workflow: sales, cases: [] }\n");
    lab.put("site.yaml", "apiVersion: weir/v1\nkind: Environment\nmetadata: { name: site }\nspec: { values: { A: b } }\n");
    let rename = |path: &str, to: &str| {
        lab.workspace.rename_asset("shop", path, to, lab.digest(path)).unwrap().users
    };
    assert_eq!(rename("workflows/sales.yaml", "turnover"), ["project.yaml", "tests/t.yaml"]);
    assert_eq!(rename("site.yaml", "there"), ["project.yaml"]);
    let expected = project.replace("sales:", "turnover:").replace("[ site ]", "[ there ]");
    assert_eq!(lab.text("project.yaml"), expected);
    assert!(lab.text("tests/t.yaml").contains("workflow: turnover"));
}

#[test]
fn a_name_that_cannot_be_changed_everywhere_is_changed_nowhere() {
    let lab = lab();
    let environment = "apiVersion: weir/v1\nkind: Environment\nmetadata: { name: site }\nspec: { values: { WHICH: orders } }\n";
    lab.put("environments/site.yaml", environment);
    let project = lab.text("project.yaml").replace("spec: {}", "spec: { environments: [site] }");
    let based = Based::On(lab.digest("project.yaml"));
    lab.workspace.write("shop", "project.yaml", &project, based).unwrap();
    let by_macro = WORKFLOW
        .replace("name: sales", "name: other")
        .replace("source: orders", "source: ${env:WHICH}");
    lab.put("workflows/other.yaml", &by_macro);
    let before = tree(&lab.root());
    let rename =
        |path: &str, to: &str| lab.workspace.rename_asset("shop", path, to, lab.digest(path));
    refused(rename("sources/orders.yaml", "x"), "named by values of environments");
    let by_alias = WORKFLOW.replace("format: csv }", "format: &f csv }").replace("\"csv\"", "*f");
    let based = Based::On(lab.digest("workflows/sales.yaml"));
    lab.workspace.write("shop", "workflows/sales.yaml", &by_alias, based).unwrap();
    refused(rename("formats/csv.yaml", "x"), "in a way that can't be changed here");
    lab.put("formats/Json.yaml", &FORMAT.replace("'csv'", "Json"));
    refused(rename("formats/csv.yaml", "json"), "more than its case");
    refused(rename("project.yaml", "x"), "rename the project");
    for bad in ["", "a/b", "../x", "🚀", &"x".repeat(200)] {
        refused(rename("formats/csv.yaml", bad), "Invalid");
    }
    fs::write(lab.root().join("workflows/sales.yaml"), WORKFLOW).unwrap();
    fs::remove_file(lab.root().join("formats/Json.yaml")).unwrap();
    assert_eq!(tree(&lab.root()), before);
}

#[test]
fn a_file_that_is_not_called_as_its_asset_stays_where_it_is() {
    let lab = lab();
    lab.put("sinks.yaml", &SOURCE.replace("kind: Source", "kind: Sink"));
    let path = "sinks.yaml";
    let renamed = lab.workspace.rename_asset("shop", path, "x", lab.digest(path)).unwrap();
    assert_eq!((renamed.asset.path.as_str(), renamed.users.len()), ("sinks.yaml", 0));
    assert!(lab.workspace.usages("shop", "sources/orders.yaml").unwrap().len() == 1);
}

#[test]
fn a_file_with_several_names_is_changed_once_and_keeps_them() {
    let lab = lab();
    symlink("csv.yaml", lab.root().join("formats/same.yaml")).unwrap();
    symlink("workflows/sales.yaml", lab.root().join("sales.yaml")).unwrap();
    let rename = |path: &str, to: &str| {
        lab.workspace.rename_asset("shop", path, to, lab.digest(path)).unwrap().asset.path
    };
    assert_eq!(rename("formats/csv.yaml", "x"), "formats/csv.yaml");
    assert_eq!(lab.text("formats/same.yaml"), FORMAT.replace("csv'", "x'"));
    let workflow = WORKFLOW.replace("format: csv", "format: x").replace("\"csv\"", "\"x\"");
    assert_eq!(lab.text("sales.yaml"), workflow);
    assert_eq!(rename("sales.yaml", "turnover"), "sales.yaml");
    assert_eq!(lab.text("workflows/sales.yaml"), workflow.replace("name: sales", "name: turnover"));
    assert!(lab.root().join("sales.yaml").is_symlink());
}
