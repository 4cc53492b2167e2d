//! The contract on every back end that can be had here, and what goes wrong with them.

use tempfile::TempDir;
use weir_persistence_api::contract::blob::BlobFactory;
use weir_test_servers::S3;

use super::*;
use crate::config::{LocalConfig, S3Config, Secret};

fn key(text: &str) -> BlobKey {
    BlobKey::new(text).unwrap()
}

fn local(directory: &std::path::Path) -> Blobs {
    Blobs::open(&BlobsConfig::Local(LocalConfig { directory: directory.to_owned() })).unwrap()
}

fn s3_config(server: &S3) -> S3Config {
    server.bucket("checkpoints");
    S3Config {
        bucket: "checkpoints".into(),
        prefix: Some("weir/test".into()),
        region: None,
        endpoint: Some(server.endpoint()),
        access_key_id: Some(S3::ACCESS_KEY.into()),
        secret_access_key: Some(Secret(S3::SECRET_KEY.into())),
        session_token: None,
        virtual_hosted: false,
        allow_http: true,
    }
}

fn s3(server: &S3) -> Blobs {
    Blobs::open(&BlobsConfig::S3(s3_config(server))).unwrap()
}

/// A store together with what it stands on, which ends with it.
struct Kept<T> {
    blobs: Blobs,
    base: Arc<T>,
}

#[async_trait]
impl<T: Send + Sync + 'static> BlobStore for Kept<T> {
    async fn blob_create(&self, key: &BlobKey, content: Bytes) -> Result<bool> {
        self.blobs.blob_create(key, content).await
    }

    async fn blob_put(&self, key: &BlobKey, content: Bytes) -> Result<()> {
        self.blobs.blob_put(key, content).await
    }

    async fn blob_get(&self, key: &BlobKey) -> Result<Option<Bytes>> {
        self.blobs.blob_get(key).await
    }

    async fn blob_list(&self, parent: &BlobKey) -> Result<Vec<BlobEntry>> {
        self.blobs.blob_list(parent).await
    }

    async fn blob_delete(&self, key: &BlobKey) -> Result<()> {
        self.blobs.blob_delete(key).await
    }
}

mod directory {
    use super::*;

    struct Directory;

    #[async_trait]
    impl BlobFactory for Directory {
        type Store = Kept<TempDir>;

        async fn create(&self) -> Arc<Kept<TempDir>> {
            let base = Arc::new(tempfile::tempdir().unwrap());
            Arc::new(Kept { blobs: local(base.path()), base })
        }

        async fn reopen(&self, store: Arc<Kept<TempDir>>) -> Arc<Kept<TempDir>> {
            let base = Arc::clone(&store.base);
            Arc::new(Kept { blobs: local(base.path()), base })
        }
    }

    weir_persistence_api::blob_suite!(Directory);

    #[tokio::test]
    async fn what_a_crash_left_half_written_is_no_blob() {
        let directory = tempfile::tempdir().unwrap();
        let blobs = local(directory.path());
        blobs.blob_put(&key("a/1"), "whole".into()).await.unwrap();
        std::fs::write(directory.path().join("a/2#1"), "ha").unwrap();
        let listed = blobs.blob_list(&key("a")).await.unwrap();
        assert_eq!(listed.iter().map(|it| it.key.as_str()).collect::<Vec<_>>(), ["a/1"]);
        assert_eq!(blobs.blob_get(&key("a/2")).await, Ok(None));
        assert_eq!(blobs.blob_create(&key("a/2"), "whole".into()).await, Ok(true));
    }

    #[tokio::test]
    async fn a_file_in_the_place_of_a_directory_is_an_error_that_names_both() {
        let directory = tempfile::tempdir().unwrap();
        let blobs = local(directory.path());
        std::fs::write(directory.path().join("a"), "in the way").unwrap();
        let error = blobs.blob_put(&key("a/1"), "x".into()).await.unwrap_err().to_string();
        let place = directory.path().display().to_string();
        assert!(error.contains("put a/1") && error.contains(&place), "{error}");
    }

    #[tokio::test]
    async fn a_probe_leaves_nothing_behind() {
        let directory = tempfile::tempdir().unwrap();
        let blobs = local(directory.path());
        blobs.probe("node-1").await.unwrap();
        assert_eq!(blobs.blob_list(&key("_probe")).await, Ok(vec![]));
    }
}

mod s3 {
    use super::*;

    struct Server;

    #[async_trait]
    impl BlobFactory for Server {
        type Store = Kept<S3>;

        async fn create(&self) -> Arc<Kept<S3>> {
            let base = Arc::new(S3::start());
            Arc::new(Kept { blobs: super::s3(&base), base })
        }

        async fn reopen(&self, store: Arc<Kept<S3>>) -> Arc<Kept<S3>> {
            let base = Arc::clone(&store.base);
            Arc::new(Kept { blobs: super::s3(&base), base })
        }
    }

    weir_persistence_api::blob_suite!(Server);

    #[tokio::test]
    async fn requests_that_are_refused_in_passing_are_sent_again() {
        let server = S3::start();
        let blobs = super::s3(&server);
        server.refuse(2);
        assert_eq!(blobs.blob_put(&key("a"), "1".into()).await, Ok(()));
        server.refuse(2);
        assert_eq!(blobs.blob_get(&key("a")).await, Ok(Some("1".into())));
        server.refuse(2);
        assert_eq!(blobs.blob_list(&key("b")).await, Ok(vec![]));
        server.refuse(2);
        assert_eq!(blobs.blob_delete(&key("a")).await, Ok(()));
    }

    #[tokio::test]
    async fn a_server_that_goes_on_refusing_is_unavailable_and_nothing_was_done() {
        let server = S3::start();
        let blobs = super::s3(&server);
        server.refuse(u32::MAX);
        let error = blobs.blob_get(&key("a")).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable(_)), "{error}");
        let text = error.to_string();
        assert!(text.contains("get a in bucket checkpoints at http://127.0.0.1"), "{text}");
        let error = blobs.blob_create(&key("a"), "1".into()).await.unwrap_err();
        assert!(matches!(error, Error::Unknown(_)), "{error}");
        server.refuse(0);
        assert_eq!(blobs.blob_get(&key("a")).await, Ok(None));
    }

    #[tokio::test]
    async fn a_creation_whose_answer_is_lost_has_happened() {
        let server = S3::start();
        let blobs = super::s3(&server);
        server.leave_unanswered(1);
        // Not known, or sent again and found to be there: never `true` for another's.
        let created = blobs.blob_create(&key("a"), "1".into()).await;
        assert!(matches!(created, Err(Error::Unknown(_)) | Ok(false)), "{created:?}");
        assert_eq!(blobs.blob_get(&key("a")).await, Ok(Some("1".into())));
        assert_eq!(blobs.blob_create(&key("a"), "2".into()).await, Ok(false));
    }

    #[tokio::test]
    async fn wrong_credentials_are_refused_with_what_to_do() {
        let server = S3::start();
        let secret = Secret("a-wrong-secret".into());
        let config = S3Config { secret_access_key: Some(secret), ..s3_config(&server) };
        let blobs = Blobs::open(&BlobsConfig::S3(config)).unwrap();
        let error = blobs.blob_get(&key("a")).await.unwrap_err();
        assert!(matches!(error, Error::Rejected(_)), "{error}");
        assert!(error.to_string().contains("credentials"), "{error}");
        assert!(!error.to_string().contains("a-wrong-secret"), "O4: {error}");
    }

    #[tokio::test]
    async fn a_server_that_is_away_is_unavailable() {
        let server = S3::start();
        let blobs = super::s3(&server);
        drop(server);
        let error = blobs.probe("node-1").await.unwrap_err();
        assert!(matches!(error, Unfit::Unreachable(_)), "{error:?}");
    }

    #[tokio::test]
    async fn a_probe_accepts_a_server_that_honours_conditions() {
        let server = S3::start();
        super::s3(&server).probe("node-1").await.unwrap();
    }
}

#[test]
fn all_kinds_of_stores_are_opened_from_their_configuration() {
    let open = |json: &str| {
        let config: BlobsConfig = serde_json::from_str(json).unwrap();
        Blobs::open(&config).unwrap().place().to_owned()
    };
    let s3 = r#"{"type":"s3","bucket":"b","access-key-id":"a","secret-access-key":"s"}"#;
    assert_eq!(open(s3), "bucket b at Amazon S3");
    let azure = r#"{"type":"azure","account":"a","container":"c","access-key":"c2VjcmV0"}"#;
    assert_eq!(open(azure), "container c of the Azure account a");
    let account = serde_json::json!({
        "private_key": "k", "private_key_id": "i", "client_email": "e", "disable_oauth": true,
    });
    let key = account.to_string();
    let gcs = serde_json::json!({"type": "gcs", "bucket": "b", "service-account-key": key});
    assert_eq!(open(&gcs.to_string()), "bucket b at Google Cloud Storage");
}

#[test]
fn keys_that_are_not_known_and_secrets_are_not_passed_on() {
    let unknown = r#"{"type":"s3","bucket":"b","buckett":"c"}"#;
    let refused = serde_json::from_str::<BlobsConfig>(unknown).unwrap_err().to_string();
    assert!(refused.contains("buckett"), "{refused}");
    let secret = r#"{"type":"azure","account":"a","container":"c","access-key":"c2VjcmV0"}"#;
    let config: BlobsConfig = serde_json::from_str(secret).unwrap();
    assert!(!format!("{config:?}").contains("c2VjcmV0"), "O4");
}
