//! Damage to the file itself: found when it is opened, or when the damaged page is read.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;

use weir_persistence_api::Journal;

use super::*;

/// A closed database with a few pages of events.
async fn written(factory: &Sqlite) -> PathBuf {
    let store = factory.create().await;
    let fence = fence(&store).await;
    for after in 0..40 {
        store.append(append("deployments", &fence, after, &[b'x'; 1000])).await.unwrap();
    }
    store.close().await;
    factory.path(0)
}

fn overwrite(path: &Path, at: u64, length: usize) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(&vec![0xA5; length], at).unwrap();
}

fn assert_corrupt<T>(answer: Result<T, Error>, part: &str) {
    match answer {
        Err(Error::Corrupt { what, reason }) => {
            assert!(what.contains(part), "{what:?} names {part:?}");
            assert!(reason.contains("backup"), "{reason:?} says what to do");
        }
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("the damage was not noticed"),
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let factory = Sqlite::new();
    let path = factory.path(0);
    fs::write(&path, "not a database ".repeat(1000)).unwrap();
    assert_corrupt(factory.open(&path, Settings::default()).await, "weir-0.db");
}

#[tokio::test]
async fn a_damaged_page_is_found_at_opening() {
    let factory = Sqlite::new();
    let path = written(&factory).await;
    let length = fs::metadata(&path).unwrap().len();
    overwrite(&path, 4096, usize::try_from(length - 4096).unwrap());
    assert_corrupt(factory.open(&path, Settings::default()).await, "weir-0.db");
}

#[tokio::test]
async fn a_damaged_page_of_an_unchecked_database_is_found_when_it_is_read() {
    let factory = Sqlite::new();
    let path = written(&factory).await;
    let length = fs::metadata(&path).unwrap().len();
    let settings = Settings { check_bytes_max: 0, ..Settings::default() };
    let store = factory.open(&path, settings).await.unwrap();
    // Behind the back of the open store, which has cached nothing of these pages yet.
    overwrite(&path, 16 * 4096, usize::try_from(length - 16 * 4096).unwrap());
    let answer = store.replay(&PersistenceId("deployments".into()), 0, 100).await;
    assert!(matches!(answer, Err(Error::Corrupt { .. })), "{answer:?}");
    store.close().await;
}
