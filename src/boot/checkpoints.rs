//! The store of checkpoints that an engine uses: the database, or another one by configuration.
//!
//! Invariants:
//! - Engines of one cluster have the same store: the database notes which one it is, and an engine with
//!   another one is refused. So is one after its store was changed, until a person says what it replaces.
//! - What can't be used is refused at the start, with what to do. What is only away is waited for by those
//!   who need it.

use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use weir_conf::Settings;
use weir_conf::settings::{CheckpointStore, CheckpointStoreKind};
use weir_domain::Fault;
use weir_persistence_api::{BlobKey, BlobStore, Error};
use weir_persistence_objects::{
    AzureConfig, Blobs, BlobsConfig, GcsConfig, LocalConfig, S3Config, Secret, Unfit,
};
use weir_runtime::System;

use super::refusal;

/// The store can't be used as it is.
const UNFIT: u32 = 92;
/// Checkpoints are somewhere else.
const ELSEWHERE: u32 = 93;

/// How the database is called where it is the store, and what it is known by.
const DATABASE: &str = "the database";
/// Where the database notes another store, and where itself: engines that came before that was noted
/// take every note for one of another store.
const STORE: &str = "_checkpoints/store";
const HERE: &str = "_checkpoints/here";
/// What whoever has blobs in the database has there.
const CONTENTS: [&str; 3] = ["jobs", "letters", "staged"];

pub(super) async fn open(
    settings: &Settings,
    database: Arc<dyn BlobStore>,
    system: &System,
) -> anyhow::Result<Arc<dyn BlobStore>> {
    let store = &settings.stream.checkpoint_store;
    let replaces = store.replaces.as_deref();
    let Some(config) = config(settings)? else {
        agree(&*database, None, replaces).await?;
        return Ok(database);
    };
    let blobs = Blobs::open(&config).map_err(|it| unfit(&it))?;
    let fresh = system.ids().token().to_string();
    match blobs.probe(&fresh).await {
        Ok(()) => {}
        Err(Unfit::Unreachable(error)) if error.is_transient() => {
            tracing::warn!(code = "WEIR-00094", %error, "the store of checkpoints is away");
        }
        Err(error) => return Err(unfit(&error).into()),
    }
    let place = blobs.place().to_owned();
    agree(&*database, Some(Chosen { blobs: &blobs, place: &place, fresh: &fresh }), replaces)
        .await?;
    tracing::info!("checkpoints are kept in {place}");
    Ok(Arc::new(blobs))
}

fn unfit(error: &Unfit) -> Fault {
    let message = format!("checkpoints can't be kept: {}", refusal::chain(error));
    Fault::config(UNFIT, message).with_hint("correct weir.stream.checkpoint-store")
}

/// `None`: the database.
fn config(settings: &Settings) -> anyhow::Result<Option<BlobsConfig>> {
    let CheckpointStore { kind, directory, s3, gcs, azure, .. } = &settings.stream.checkpoint_store;
    let prefix = |of: &str| Some(of.trim_matches('/').to_owned()).filter(|it| !it.is_empty());
    let secret = |of: &Option<weir_conf::Secret>| of.as_ref().map(|it| Secret(it.expose().into()));
    Ok(match kind {
        CheckpointStoreKind::Database => None,
        CheckpointStoreKind::Directory => {
            let directory = directory.as_ref().context("it was checked that it is named")?;
            let directory = settings.in_data_dir(directory);
            Some(BlobsConfig::Local(LocalConfig { directory }))
        }
        CheckpointStoreKind::S3 => Some(BlobsConfig::S3(S3Config {
            bucket: s3.bucket.clone(),
            prefix: prefix(&s3.prefix),
            region: s3.region.clone(),
            endpoint: s3.endpoint.clone(),
            access_key_id: s3.access_key_id.clone(),
            secret_access_key: secret(&s3.secret_access_key),
            session_token: secret(&s3.session_token),
            virtual_hosted: s3.virtual_hosted,
            allow_http: s3.allow_http,
        })),
        CheckpointStoreKind::Gcs => {
            let read = |path: &std::path::PathBuf| {
                std::fs::read_to_string(path).map(Secret).with_context(|| {
                    format!(
                        "weir.stream.checkpoint-store.gcs.service-account-key-file: {}",
                        path.display()
                    )
                })
            };
            Some(BlobsConfig::Gcs(GcsConfig {
                bucket: gcs.bucket.clone(),
                prefix: prefix(&gcs.prefix),
                service_account_key: gcs.service_account_key_file.as_ref().map(read).transpose()?,
            }))
        }
        CheckpointStoreKind::Azure => Some(BlobsConfig::Azure(AzureConfig {
            account: azure.account.clone(),
            container: azure.container.clone(),
            prefix: prefix(&azure.prefix),
            endpoint: azure.endpoint.clone(),
            access_key: secret(&azure.access_key),
            allow_http: azure.allow_http,
        })),
    })
}

/// A store that is not the database.
struct Chosen<'a> {
    blobs: &'a dyn BlobStore,
    place: &'a str,
    /// What it is known by from now on, if it is not known yet.
    fresh: &'a str,
}

/// What the database notes of the store.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Note {
    id: String,
    place: String,
}

/// Makes sure that all engines mean the same store, and mean what they meant before.
async fn agree(
    database: &dyn BlobStore,
    chosen: Option<Chosen<'_>>,
    replaces: Option<&str>,
) -> Result<(), Fault> {
    let failed = |error: Error| refusal::of_store(&error);
    let noted = note(database).await?;
    let is_other = chosen.is_some();
    let own = match chosen {
        None => Note { id: DATABASE.to_owned(), place: DATABASE.to_owned() },
        Some(Chosen { blobs, place, fresh }) => match identity(blobs, fresh).await {
            // It is where it was: whoever needs it waits.
            Err(error)
                if error.is_transient() && noted.as_ref().is_some_and(|it| it.place == place) =>
            {
                return Ok(());
            }
            found => Note { id: found.map_err(failed)?, place: place.to_owned() },
        },
    };
    let (at, other) = if is_other { (key(STORE), key(HERE)) } else { (key(HERE), key(STORE)) };
    match noted {
        Some(noted) if noted.id == own.id => return Ok(()),
        Some(noted) if replaces == Some(&noted.place) => {}
        Some(noted) => return Err(elsewhere(&noted.place)),
        // Before engines noted the database, too.
        None if is_other && replaces == Some(DATABASE) => {}
        None if is_other && has_contents(database).await.map_err(failed)? => {
            return Err(elsewhere(DATABASE));
        }
        // Another engine may note its own at the same time.
        None => {
            database.blob_create(&at, content(&own)).await.map_err(failed)?;
            return match note(database).await? {
                Some(noted) if noted.id != own.id => Err(elsewhere(&noted.place)),
                _ => Ok(()),
            };
        }
    }
    database.blob_put(&at, content(&own)).await.map_err(failed)?;
    database.blob_delete(&other).await.map_err(failed)
}

fn elsewhere(place: &str) -> Fault {
    let message = format!(
        "checkpoints of this cluster are kept in {place}, and this engine is to keep them somewhere else"
    );
    Fault::config(ELSEWHERE, message).with_hint(format!(
        "set weir.stream.checkpoint-store as it was; or stop all workflows, copy the checkpoints or give \
         them up, and set weir.stream.checkpoint-store.replaces = \"{place}\" for one start"
    ))
}

/// What a store is known by, wherever it is found.
async fn identity(blobs: &dyn BlobStore, fresh: &str) -> Result<String, Error> {
    let at = key("_store/id");
    loop {
        if let Some(found) = blobs.blob_get(&at).await? {
            return Ok(String::from_utf8_lossy(&found).into_owned());
        }
        blobs.blob_create(&at, Bytes::from(fresh.to_owned())).await?;
    }
}

async fn note(database: &dyn BlobStore) -> Result<Option<Note>, Fault> {
    let get =
        async |at: &str| database.blob_get(&key(at)).await.map_err(|it| refusal::of_store(&it));
    let Some(found) = (match get(STORE).await? {
        None => get(HERE).await?,
        found => found,
    }) else {
        return Ok(None);
    };
    serde_json::from_slice(&found).map(Some).map_err(|error| {
        let message = format!("the note which store checkpoints are in can't be read: {error}");
        Fault::config(ELSEWHERE, message)
            .with_hint("run the version of weir that wrote it, or a newer one")
    })
}

async fn has_contents(database: &dyn BlobStore) -> Result<bool, Error> {
    for parent in CONTENTS {
        if !database.blob_list(&key(parent)).await?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn content(note: &Note) -> Bytes {
    serde_json::to_vec(note).expect("texts become JSON").into()
}

fn key(text: &str) -> BlobKey {
    BlobKey::new(text).expect("a key of ours")
}

#[cfg(test)]
mod tests {
    use weir_persistence_api::MemoryBlobs;

    use super::*;

    const A: &str = "bucket a";
    const B: &str = "bucket b";

    async fn start(
        database: &MemoryBlobs,
        store: Option<(&MemoryBlobs, &str)>,
        replaces: Option<&str>,
    ) -> Result<(), String> {
        let chosen = store.map(|(blobs, place)| Chosen { blobs, place, fresh: place });
        let agreed = agree(database, chosen, replaces).await;
        agreed.map_err(|it| format!("{it}; {}", it.hint.clone().unwrap_or_default()))
    }

    #[tokio::test]
    async fn engines_with_another_store_are_refused_until_a_person_says_what_it_replaces() {
        let (database, a, b) = Default::default();
        for _ in 0..2 {
            assert_eq!(start(&database, Some((&a, A)), None).await, Ok(()));
        }
        // The same under another name.
        assert_eq!(start(&database, Some((&a, "bucket a at elsewhere")), None).await, Ok(()));
        for other in [None, Some((&b, B))] {
            let said = start(&database, other, None).await.unwrap_err();
            assert!(said.contains("kept in bucket a") && said.contains("replaces"), "{said}");
            assert!(start(&database, other, Some("bucket c")).await.is_err());
        }
        assert_eq!(start(&database, Some((&b, B)), Some(A)).await, Ok(()));
        assert_eq!(start(&database, Some((&b, B)), None).await, Ok(()));
        assert!(start(&database, Some((&a, A)), None).await.is_err());
        assert_eq!(start(&database, None, Some(B)).await, Ok(()));
        assert_eq!(start(&database, None, None).await, Ok(()));
    }

    /// Engines that run on the database would look for what is staged elsewhere, and find nothing.
    #[tokio::test]
    async fn an_engine_on_the_database_leaves_a_note_of_it() {
        let (database, a): (MemoryBlobs, MemoryBlobs) = Default::default();
        for _ in 0..2 {
            assert_eq!(start(&database, None, None).await, Ok(()));
        }
        let said = start(&database, Some((&a, A)), None).await.unwrap_err();
        assert!(said.contains("kept in the database") && said.contains("stop all"), "{said}");
        assert_eq!(start(&database, Some((&a, A)), Some(DATABASE)).await, Ok(()));
        assert!(start(&database, None, None).await.is_err());
    }

    #[tokio::test]
    async fn what_the_database_has_is_not_left_behind() {
        let (database, a): (MemoryBlobs, MemoryBlobs) = Default::default();
        let job = key("jobs/orders/lane-1/log/1");
        database.blob_put(&job, Bytes::from_static(b"x")).await.unwrap();
        let said = start(&database, Some((&a, A)), None).await.unwrap_err();
        assert!(said.contains("kept in the database"), "{said}");
        assert_eq!(start(&database, Some((&a, A)), Some(DATABASE)).await, Ok(()));
        assert_eq!(start(&database, Some((&a, A)), None).await, Ok(()));
    }
}
