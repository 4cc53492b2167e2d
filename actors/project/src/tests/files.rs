//! Directories, links, and files that are no assets.

use std::fs;
use std::os::unix::fs::symlink;

use super::*;

const FORMAT: &str = "\
apiVersion: weir/v1
kind: Format
metadata: { name: csv }
spec: { type: csv }
";
const USED_NOWHERE: &str = "3:19 2226 metadata.name | no source or sink uses the format \"csv\": \
                            it was not checked | use it, or remove it";

#[test]
fn a_directory_without_a_project_file_is_refused() {
    let dir = directory(&[("project.yml", PROJECT)]);
    let found = load(dir.path(), &registry()).findings;
    let root = dir.path().canonicalize().unwrap();
    let expected = "DIR 2201  | the directory has no project.yaml: it is no project | \
                    rename project.yml to project.yaml";
    assert_eq!(lines(&root, &found), [expected]);

    let found = load(&dir.path().join("nowhere"), &registry()).findings;
    assert!(found[0].cause.starts_with("the project's directory can't be opened"), "{found:?}");
    let found = load(&dir.path().join("project.yml"), &registry()).findings;
    assert_eq!(found[0].cause, "it is no directory");
}

#[test]
fn assets_lie_anywhere_but_in_hidden_and_excluded_directories() {
    let project = PROJECT.replace("spec: {}", "spec: { exclude: [in/, ./data/raw] }");
    let files = [
        ("project.yaml", project.as_str()),
        ("a/b/w.yml", WORKFLOW),
        (".git/x.yaml", "no asset"),
        (".hidden.yaml", "no asset"),
        ("in/record.yaml", "no asset"),
        ("data/raw/deep/record.yaml", "no asset"),
        ("in.csv", "no asset"),
    ];
    check(&files, &[]);
}

#[test]
fn a_yaml_file_that_is_no_asset_is_found() {
    let fix = "begin it with apiVersion: weir/v1 and a kind, or, if it is data, name its \
               directory in project.yaml: spec.exclude";
    let files =
        [("w.yaml", WORKFLOW), ("a.yaml", "x: 1\n"), ("b.yaml", "[1]\n"), ("c.yaml", "# none\n")];
    check(
        &files,
        &[
            &format!(
                "a.yaml:1:1 2204  | the file has neither apiVersion nor kind: it is no asset | {fix}"
            ),
            &format!("b.yaml:1:1 2204  | the file is no asset: an asset is a mapping | {fix}"),
            &format!("c.yaml:1:1 2204  | the file is empty: it is no asset | {fix}"),
        ],
    );
}

#[test]
fn unreadable_content_is_found_and_the_rest_is_still_judged() {
    let dir = directory(&[("project.yaml", PROJECT), ("w.yaml", WORKFLOW)]);
    fs::write(dir.path().join("a.yaml"), b"kind: Format\nmetadata:\n  name: caf\xe9\n").unwrap();
    fs::write(dir.path().join("b.yaml"), vec![b'#'; (10 << 20) + 1]).unwrap();
    fs::create_dir(dir.path().join("c.yaml")).unwrap();
    fs::write(dir.path().join("d.yaml"), FORMAT.replace("Format", "Formt")).unwrap();
    let found = load(dir.path(), &registry()).findings;
    assert_eq!(
        lines(dir.path(), &found),
        [
            "a.yaml:3:12 2202  | the file is not UTF-8 | save it as UTF-8",
            "b.yaml 2202  | the file has more than 10 MiB: it is no asset | if it is data, name \
             its directory in project.yaml: spec.exclude",
            "d.yaml:2:7 2206 kind | there is no kind of asset \"Formt\" | did you mean Format?",
        ]
    );
}

#[test]
fn a_link_is_followed_inside_the_project_only() {
    let outside = directory(&[("secret.yaml", FORMAT), ("more/x.yaml", "no asset")]);
    let dir = directory(&[
        ("project.yaml", PROJECT),
        ("w.yaml", WORKFLOW),
        (".store/format.yaml", FORMAT),
    ]);
    symlink(".store/format.yaml", dir.path().join("a.yaml")).unwrap();
    let found = load(dir.path(), &registry()).findings;
    assert_eq!(lines(dir.path(), &found), [format!("a.yaml:{USED_NOWHERE}")]);

    symlink(outside.path().join("secret.yaml"), dir.path().join("b.yaml")).unwrap();
    symlink(outside.path().join("more"), dir.path().join("more")).unwrap();
    symlink(outside.path().join("more"), dir.path().join("more.yaml")).unwrap();
    symlink("nothing", dir.path().join("d.yaml")).unwrap();
    let found = load(dir.path(), &registry()).findings;
    let found = lines(&outside.path().canonicalize().unwrap(), &found);
    assert_eq!(
        found,
        [
            "b.yaml 2203  | the link leads out of the project, to DIR/secret.yaml | copy the file \
             into the project",
            "d.yaml 2202  | the file can't be read: No such file or directory (os error 2) | check \
             that it is there and readable",
        ]
    );
}

#[test]
fn a_pipe_in_the_place_of_an_asset_does_not_block() {
    let dir = directory(&[("project.yaml", PROJECT), ("w.yaml", WORKFLOW)]);
    let path = dir.path().join("p.yaml");
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    let found = load(dir.path(), &registry()).findings;
    assert_eq!(
        lines(dir.path(), &found),
        ["p.yaml 2202  | it is no ordinary file | put an asset here or rename it"]
    );
}

#[test]
fn an_excluded_path_stays_below_the_project() {
    let project = PROJECT.replace("spec: {}", "spec:\n  exclude: [../x, /y, \".\"]");
    let found = loaded(&[("project.yaml", &project), ("w.yaml", WORKFLOW)]).findings;
    let places: Vec<_> = found.iter().map(|it| (it.code.0, it.place.column)).collect();
    assert_eq!(places, [(2215, 13), (2215, 19), (2215, 23)], "{found:?}");
}
