//! Projects leave and come as archives.

use std::fs;
use std::io::{Cursor, Write as _};
use std::os::unix::fs::symlink;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{FORMAT, lab, refused, tree};

const PROJECT: &str = "apiVersion: weir/v1\nkind: Project\nmetadata: { name: guest }\nspec: {}\n";

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, content) in files {
        writer.start_file(*path, SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn a_project_comes_back_as_it_went_and_equal_projects_are_equal_archives() {
    let lab = lab();
    let project = lab.text("project.yaml").replace("spec: {}", "spec: { exclude: [in] } # data");
    fs::write(lab.root().join("project.yaml"), &project).unwrap();
    for (path, content) in [("in/a.csv", "x"), (".git/HEAD", "x"), ("scripts/a.js", "let a")] {
        fs::create_dir_all(lab.root().join(path).parent().unwrap()).unwrap();
        fs::write(lab.root().join(path), content).unwrap();
    }
    fs::write(lab.dir.path().join("secret"), "s3cret").unwrap();
    symlink(lab.dir.path().join("secret"), lab.root().join("link.txt")).unwrap();
    let exported = lab.workspace.export("shop").unwrap();
    assert!(!exported.windows(8).any(|it| it == b"link.txt"));
    refused(lab.workspace.import(&exported, None), "there is a project shop");

    let copy = lab.workspace.import(&exported, Some("copy")).unwrap();
    let read = |path: &str| fs::read_to_string(copy.dir.join(path)).unwrap();
    assert_eq!(read("project.yaml"), project.replace("\"shop\"", "\"copy\""));
    assert_eq!(
        (read("scripts/a.js").as_str(), read("formats/csv.yaml").as_str()),
        ("let a", FORMAT)
    );
    assert_eq!(tree(&copy.dir).len(), 5);
    fs::write(copy.dir.join("project.yaml"), &project).unwrap();
    refused(lab.workspace.export("shop"), "are both called shop");
    fs::remove_dir_all(lab.root()).unwrap();
    assert_eq!(lab.workspace.export("shop").unwrap(), exported, "the copy is called so now");
}

#[test]
fn secrets_are_imported_under_the_name_that_they_are_sealed_for_alone() {
    let lab = lab();
    let secret =
        "apiVersion: weir/v1\nkind: Secret\nmetadata: { name: keys }\nspec: { values: {} }\n";
    let archive =
        archive(&[("project.yaml", PROJECT.as_bytes()), ("a/keys.yaml", secret.as_bytes())]);
    let before = tree(lab.dir.path());
    let import = |name| lab.workspace.import(&archive, name);
    refused(import(Some("copy")), "the secrets in a/keys.yaml are sealed for the name guest");
    assert_eq!(tree(lab.dir.path()), before);
    let other = lab.workspace.importing.lock().unwrap();
    refused(import(None), "another archive is being imported");
    drop(other);
    assert_eq!(import(None).unwrap().name.as_str(), "guest");
}

#[test]
fn an_archive_of_one_directory_is_the_project_in_it() {
    let lab = lab();
    let files: &[(&str, &[u8])] = &[
        ("guest-1.0/project.yaml", PROJECT.as_bytes()),
        ("guest-1.0/a/x.yaml", FORMAT.as_bytes()),
    ];
    let project = lab.workspace.import(&archive(files), None).unwrap();
    assert_eq!(project.name.as_str(), "guest");
    assert_eq!(tree(&project.dir).len(), 2);
}

#[test]
fn an_archive_that_would_do_harm_is_refused_and_leaves_nothing() {
    let lab = lab();
    let before = tree(lab.dir.path());
    let project = ("project.yaml", PROJECT.as_bytes());
    let check = |archive: &[u8], part: &str| {
        refused(lab.workspace.import(archive, None), part);
        assert_eq!(tree(lab.dir.path()), before, "{part}");
    };
    let with = |path: &str, part: &str| check(&archive(&[project, (path, b"x")]), part);
    for path in ["../x.yaml", "/etc/x.yaml", "a/../../x.yaml", "a\\..\\x.yaml", "c:x.yaml", "a//b"]
    {
        with(path, "not one below the project's directory");
    }
    with("Project.yaml", "by its case alone");
    with("project.yaml/x", "a file and a directory");
    with(&format!("{}x", "a/".repeat(64)), "too long");
    check(b"PK nonsense", "no ZIP archive");
    check(&archive(&[("a.yaml", b"x")]), "there is no project.yaml");
    check(&archive(&[("project.yaml", b"a: [")]), "not YAML");
    let unknown = PROJECT.replace("weir/v1", "weir/v2");
    check(&archive(&[("project.yaml", unknown.as_bytes())]), "write apiVersion: weir/v1");

    let mut linked = ZipWriter::new(Cursor::new(Vec::new()));
    linked.start_file("project.yaml", SimpleFileOptions::default()).unwrap();
    linked.write_all(PROJECT.as_bytes()).unwrap();
    linked.add_symlink("x.yaml", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    check(&linked.finish().unwrap().into_inner(), "only plain files");

    let zeros = vec![b' '; 8 << 20];
    check(&archive(&[project, ("bomb.yaml", &zeros)]), "made to fill the disk");
    let many: Vec<_> = (0..10_001).map(|it| format!("f{it}")).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|it| (it.as_str(), &b""[..])).collect();
    check(&archive(&many), "more than 10000 files");
    let noise: Vec<u8> =
        (0..33u32 << 20).map(|it| (it.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    check(&archive(&[project, ("a", &noise), ("b", &noise)]), "64 MiB");

    // One file twice under one name: the second entry is made of the first by changing its name.
    let mut twice = archive(&[project, ("a.yaml", b"1"), ("b.yaml", b"2")]);
    for at in 0..twice.len() - 6 {
        if &twice[at..at + 6] == b"b.yaml" {
            twice[at] = b'a';
        }
    }
    check(&twice, "one path");
}
