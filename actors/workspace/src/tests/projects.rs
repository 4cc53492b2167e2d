//! Projects are made, found, opened, forgotten and deleted.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;

use super::{FORMAT, empty, lab, refused, tree};
use crate::{Error, Home, NewProject, Workspace};

fn new(name: &str) -> NewProject {
    NewProject { name: name.into(), description: None }
}

#[test]
fn a_new_project_is_there_at_once_and_its_text_is_sound() {
    let lab = lab();
    let [project] = &lab.workspace.projects().unwrap()[..] else { panic!("there is one") };
    assert_eq!((project.name.as_str(), project.home), ("shop", Home::Own));
    let asset = lab.workspace.asset("shop", "project.yaml").unwrap();
    assert_eq!(asset.findings, []);
    let description = asset.frame.unwrap().description;
    assert_eq!(description.as_deref(), Some("It \"sells\": #1"));
    for name in ["12", "true", "1.5", "null"] {
        lab.workspace.create(&new(name)).unwrap();
    }
    assert_eq!(lab.names(), ["1.5", "12", "null", "shop", "true"]);
}

#[test]
fn a_name_is_a_directory_below_the_server_and_nothing_else() {
    let lab = lab();
    let before = tree(lab.dir.path());
    let long = "x".repeat(200);
    for bad in ["", "..", "../x", "/x", "a/b", "a b", "🚀", ".x", "größe", "a\0", long.as_str()]
    {
        let made = lab.workspace.create(&new(bad));
        assert!(matches!(made, Err(Error::Invalid { what: "name", .. })), "{bad}: {made:?}");
    }
    refused(lab.workspace.create(&new("shop")), "there is a project shop");
    refused(lab.workspace.create(&new("SHOP")), "more than its case");
    fs::create_dir(lab.dir.path().join("projects/data")).unwrap();
    refused(lab.workspace.create(&new("Data")), "there is already");
    assert_eq!(tree(lab.dir.path()), before);
}

#[test]
fn a_directory_elsewhere_is_opened_by_its_path_and_remembered() {
    let lab = empty();
    let dir = lab.dir.path().join("elsewhere");
    fs::create_dir(&dir).unwrap();
    refused(lab.workspace.open(&dir), "project.yaml");
    refused(lab.workspace.open("elsewhere".as_ref()), "from the root");
    fs::write(dir.join("project.yaml"), AWAY).unwrap();
    let link = lab.dir.path().join("link");
    symlink(&dir, &link).unwrap();
    let opened = lab.workspace.open(&link).unwrap();
    assert_eq!((opened.home, &opened.dir), (Home::Opened, &dir.canonicalize().unwrap()));
    assert_eq!(lab.workspace.open(&dir).unwrap(), opened);

    let later = Workspace::below(lab.dir.path().join("projects"));
    assert_eq!(later.projects().unwrap(), std::slice::from_ref(&opened));
    refused(later.create(&new("AWAY")), "there is a project away");
    refused(later.delete("away", "away"), "does not belong to this server");
    let before = tree(&dir);
    assert_eq!(later.remove("away").unwrap(), opened);
    assert_eq!((later.projects().unwrap(), tree(&dir)), (vec![], before));
}

const AWAY: &str = "apiVersion: weir/v1\nkind: Project\nmetadata: { name: away }\nspec: {}\n";

#[test]
fn what_a_link_leads_to_elsewhere_is_not_deleted_and_not_moved() {
    let lab = lab();
    let (dir, home) = (lab.dir.path().join("elsewhere/away"), lab.dir.path().join("projects"));
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("project.yaml"), AWAY).unwrap();
    symlink(&dir, home.join("away")).unwrap();
    symlink("shop", home.join("alias")).unwrap();
    let home_of = |name: &str| lab.workspace.project(name).unwrap().home;
    assert_eq!((home_of("away"), home_of("shop")), (Home::Opened, Home::Own));
    refused(lab.workspace.delete("away", "away"), "does not belong to this server");
    lab.workspace.rename_project("away", "far").unwrap();
    let renamed = fs::read_to_string(dir.join("project.yaml")).unwrap();
    assert_eq!(renamed, AWAY.replace("away", "far"));
    assert!(home.join("away").is_symlink() && !home.join("far").exists());

    lab.workspace.remove("far").unwrap();
    assert_eq!((lab.names(), tree(&dir).len()), (vec!["shop".to_owned()], 1));
    lab.workspace.open(&dir).unwrap();
    assert_eq!(lab.names(), ["far", "shop"]);
    lab.workspace.remove("far").unwrap();
    lab.workspace.delete("shop", "shop").unwrap();
    assert!(lab.names().is_empty() && !home.join("shop").exists());
}

#[test]
fn a_directory_that_is_not_called_in_utf_8_is_shown_and_can_not_be_removed_from_the_list() {
    let lab = lab();
    let dir = lab.dir.path().join("projects").join(OsStr::from_bytes(b"w\xff"));
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("project.yaml"), AWAY).unwrap();
    assert_eq!(lab.names(), ["away", "shop"]);
    refused(lab.workspace.remove("away"), "is not UTF-8");
    assert_eq!(lab.names(), ["away", "shop"]);
}

#[test]
fn a_project_that_gets_the_name_of_one_that_was_removed_is_shown() {
    let lab = lab();
    lab.workspace.create(&new("store")).unwrap();
    lab.workspace.remove("store").unwrap();
    fs::remove_dir_all(lab.dir.path().join("projects/store")).unwrap();
    lab.workspace.rename_project("shop", "store").unwrap();
    assert_eq!(lab.names(), ["store"]);
}

#[test]
fn a_project_that_is_removed_stays_on_the_disk_and_can_be_opened_again() {
    let lab = lab();
    let before = tree(&lab.root());
    lab.workspace.remove("shop").unwrap();
    assert_eq!((lab.names(), tree(&lab.root())), (vec![], before));
    refused(lab.workspace.project("shop"), "there is no project");
    refused(lab.workspace.create(&new("shop")), "open that directory");
    lab.workspace.open(&lab.root()).unwrap();
    assert_eq!(lab.names(), ["shop"]);
}

#[test]
fn a_project_is_deleted_by_whoever_types_its_name() {
    let lab = lab();
    refused(lab.workspace.delete("shop", ""), "give its name once more");
    refused(lab.workspace.delete("shop", "Shop"), "give its name once more");
    assert_eq!(lab.names(), ["shop"]);
    lab.workspace.delete("shop", "shop").unwrap();
    assert!(lab.names().is_empty() && !lab.root().exists());
    lab.workspace.create(&new("shop")).unwrap();
    assert_eq!(tree(&lab.root()).len(), 1);
}

#[test]
fn a_project_is_renamed_with_its_directory_and_keeps_its_text() {
    let lab = lab();
    let text = lab.text("project.yaml");
    lab.workspace.rename_project("shop", "Store").unwrap();
    assert_eq!(lab.names(), ["Store"]);
    let dir = lab.dir.path().join("projects/Store");
    let renamed = fs::read_to_string(dir.join("project.yaml")).unwrap();
    assert_eq!(renamed, text.replace("\"shop\"", "\"Store\""));
    lab.workspace.rename_project("Store", "store").unwrap();
    assert_eq!(lab.names(), ["store"]);
    lab.workspace.create(&new("shop")).unwrap();
    refused(lab.workspace.rename_project("store", "Shop"), "there is a project shop");

    let secret =
        "apiVersion: weir/v1\nkind: Secret\nmetadata: { name: keys }\nspec: { values: {} }\n";
    lab.workspace.write("store", "keys.yaml", secret, crate::Based::New).unwrap();
    refused(lab.workspace.rename_project("store", "x"), "sealed for the name store");
}

#[test]
fn a_register_that_cannot_be_read_is_left_as_it_is() {
    let lab = lab();
    let file = lab.dir.path().join("projects/.weir-projects.json");
    fs::write(&file, "{").unwrap();
    refused(lab.workspace.projects(), "the register of projects");
    refused(lab.workspace.create(&new("x")), "the register of projects");
    fs::write(&file, "{\"version\": 2}").unwrap();
    refused(lab.workspace.projects(), "has version 2");
    assert_eq!(fs::read_to_string(&file).unwrap(), "{\"version\": 2}");
}

#[test]
fn what_a_crash_left_is_in_nobodys_way() {
    let lab = empty();
    let home = lab.dir.path().join("projects");
    for left in [".shop.weir-new", ".shop.weir-deleted"] {
        fs::create_dir_all(home.join(left)).unwrap();
        fs::write(home.join(left).join("project.yaml"), "half").unwrap();
    }
    assert!(lab.names().is_empty());
    lab.workspace.create(&new("shop")).unwrap();
    lab.workspace.delete("shop", "shop").unwrap();
    assert!(tree(&home).is_empty(), "{:?}", tree(&home));
}

#[test]
fn what_is_changed_by_another_library_is_on_the_disk_or_told_not_to_be() {
    let lab = lab();
    let elsewhere = lab.dir.path().join("elsewhere");
    // Only who asks the disk for it notices that the directory is gone.
    let change = |it: &crate::ProjectDir| fs::rename(&it.dir, &elsewhere);
    let told = lab.workspace.alone("shop", change).unwrap_err().to_string();
    assert!(told.starts_with("the files of the project shop were changed, but "), "{told}");
    fs::rename(&elsewhere, lab.dir.path().join("projects/shop")).unwrap();
    // What was not changed need not be.
    let refused = |it: &crate::ProjectDir| {
        fs::rename(&it.dir, &elsewhere).map_err(|_| "moved").and(Err::<(), _>("no"))
    };
    assert_eq!(lab.workspace.alone("shop", refused).unwrap(), Err("no"));
}

#[test]
fn of_two_directories_with_one_name_neither_is_touched() {
    let lab = lab();
    let rival = lab.dir.path().join("projects/brk");
    fs::create_dir(&rival).unwrap();
    fs::write(rival.join("project.yaml"), AWAY.replace("away", "shop")).unwrap();
    let before = tree(lab.dir.path());
    let [project] = &lab.workspace.projects().unwrap()[..] else { panic!("there is one name") };
    assert!(project.amiss.is_some(), "{project:?}");
    refused(lab.workspace.project("shop"), "are both called shop");
    refused(lab.workspace.delete("shop", "shop"), "are both called shop");
    refused(lab.workspace.remove("shop"), "are both called shop");
    refused(lab.workspace.rename_project("shop", "other"), "are both called shop");
    assert_eq!(tree(lab.dir.path()), before);
    fs::write(rival.join("project.yaml"), AWAY).unwrap();
    assert_eq!(lab.workspace.project("shop").unwrap().dir, lab.root().canonicalize().unwrap());
}

#[test]
fn the_name_of_a_directory_that_is_not_there_stays_its_own() {
    let lab = empty();
    let (dir, elsewhere) = (lab.dir.path().join("else"), lab.dir.path().join("moved"));
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("project.yaml"), AWAY).unwrap();
    lab.workspace.open(&dir).unwrap();
    fs::rename(&dir, &elsewhere).unwrap();
    assert_eq!(lab.names(), ["away"]);
    refused(lab.workspace.project("away"), "is not there");
    refused(lab.workspace.create(&new("away")), "there is a project away");
    fs::rename(&elsewhere, &dir).unwrap();
    assert_eq!(lab.workspace.project("away").unwrap().amiss, None);
    // Who does not want it any more forgets it.
    fs::remove_dir_all(&dir).unwrap();
    lab.workspace.remove("away").unwrap();
    assert_eq!(lab.names(), [""; 0]);
}

#[test]
fn no_project_lies_within_another_one() {
    let lab = empty();
    let inner = lab.dir.path().join("outer/inner");
    fs::create_dir_all(&inner).unwrap();
    let project = |name: &str| AWAY.replace("away", name);
    fs::write(inner.join("project.yaml"), project("inner")).unwrap();
    fs::write(lab.dir.path().join("outer/project.yaml"), project("outer")).unwrap();
    lab.workspace.open(&inner).unwrap();
    refused(lab.workspace.open(&lab.dir.path().join("outer")), "one within the other");
    lab.workspace.remove("inner").unwrap();
    lab.workspace.open(&lab.dir.path().join("outer")).unwrap();
    refused(lab.workspace.open(&inner), "one within the other");
    // What is hidden belongs to none.
    let hidden = lab.dir.path().join("outer/.data/inner");
    fs::create_dir_all(&hidden).unwrap();
    fs::write(hidden.join("project.yaml"), project("hidden")).unwrap();
    lab.workspace.open(&hidden).unwrap();
}

#[test]
fn what_lies_too_deep_is_told_and_not_left_out_in_silence() {
    let lab = lab();
    let deep = lab.root().join("d/".repeat(65));
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("x.yaml"), FORMAT).unwrap();
    refused(lab.workspace.export("shop"), "in more than 64 others");
    let findings = weir_project::survey(&lab.root()).unwrap().findings;
    assert!(findings.iter().any(|it| it.cause.contains("in more than 64")), "{findings:?}");
}
