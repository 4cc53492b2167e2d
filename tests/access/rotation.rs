//! A master key that is rotated: nothing is left in the database that the former one opens.

use std::fs;

use serde_json::Value;

use super::planted::has;
use super::{Office, text};
use crate::support::files;

const PASSWORD: &str = "correct horse battery 1";

/// Files that hold what begins like a private key under that master key.
fn holding(office: &Office, master: &str) -> Vec<String> {
    let (data, sealed) = (office.project.data_dir(), format!("weir-secret:1:{master}:"));
    let mut files = files::below(&data);
    files.retain(|it| has(&fs::read(data.join(it)).unwrap(), &sealed));
    files
}

/// The master keys that the stored pairs are under.
fn masters(office: &Office) -> Vec<String> {
    let listed: Value =
        serde_json::from_str(&office.done("ada", &["key", "list", "-o", "json"])).unwrap();
    let pairs = listed["items"].as_array().unwrap().iter();
    pairs.map(|it| it["master"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_the_former_master_key_opened_is_deleted() {
    let office = Office::open().with_administrator(PASSWORD);
    office.done("ada", &["key", "create", "Gone"]);
    let gone = masters(&office).len();
    office.done("ada", &["key", "delete", "Gone"]);
    let former = masters(&office);
    assert_eq!((gone, former.len()), (2, 1));
    let new = office.project.root().join("new.key");
    office.done("ada", &["key", "master", text(&new)]);
    let former_file = office.project.data_dir().join("master.key");
    let (office, _) = office.reopen_with(|start| {
        start
            .set(&format!("weir.secrets.master-key.file={:?}", text(&new)))
            .set(&format!("weir.secrets.former-master-keys=[{:?}]", text(&former_file)))
    });
    assert!(!holding(&office, &former[0]).is_empty(), "it is stored");
    let password = office.file("ada", PASSWORD);
    let place = office.weir.rest().to_owned();
    office.done("ada", &["profile", "set", "default", "--url", &place]);
    office.done("ada", &["login", "ada", "--password-file", text(&password)]);
    office.done("ada", &["key", "rewrap"]);
    office.weir.logged("WEIR-06147");

    // With the new one alone, and all is in the database.
    let (office, _) = office
        .reopen_with(|start| start.set(&format!("weir.secrets.master-key.file={:?}", text(&new))));
    assert_eq!(holding(&office, &former[0]), Vec::<String>::new());
    let place = office.weir.rest().to_owned();
    office.done("ada", &["profile", "set", "default", "--url", &place]);
    office.done("ada", &["login", "ada", "--password-file", text(&password)]);
    let now = masters(&office);
    assert!(now.len() == 1 && now != former, "{now:?}");
    assert!(!holding(&office, &now[0]).is_empty());
    office.weir.stop();
}
