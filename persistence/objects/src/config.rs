//! Where blobs are kept, as people configure it. Keys that are not known are refused.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::local::LocalFileSystem;
use object_store::multipart::MultipartStore;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};
use serde::Deserialize;

/// A value that is never shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum BlobsConfig {
    Local(LocalConfig),
    S3(S3Config),
    Gcs(GcsConfig),
    Azure(AzureConfig),
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LocalConfig {
    /// Made if it is not there.
    pub directory: PathBuf,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct S3Config {
    pub bucket: String,
    /// What stands before all keys.
    pub prefix: Option<String>,
    pub region: Option<String>,
    /// Of a store that is not Amazon's: `https://s3.example.com`.
    pub endpoint: Option<String>,
    /// Without keys, those of the machine are used.
    pub access_key_id: Option<String>,
    pub secret_access_key: Option<Secret>,
    pub session_token: Option<Secret>,
    /// Puts the bucket into the host's name. Amazon wants it so, most others don't.
    #[serde(default)]
    pub virtual_hosted: bool,
    /// Allows an endpoint without TLS.
    #[serde(default)]
    pub allow_http: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GcsConfig {
    pub bucket: String,
    pub prefix: Option<String>,
    /// The key of a service account, as JSON. Without it, that of the machine is used.
    pub service_account_key: Option<Secret>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AzureConfig {
    pub account: String,
    pub container: String,
    pub prefix: Option<String>,
    pub endpoint: Option<String>,
    /// Without a key, the identity of the machine is used.
    pub access_key: Option<Secret>,
    #[serde(default)]
    pub allow_http: bool,
}

/// How long one request may take, and a connection to be made.
const TIMEOUT: Duration = Duration::from_secs(60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Requests that failed in passing are sent again: so often, and for so long.
fn retry() -> RetryConfig {
    let backoff = BackoffConfig {
        init_backoff: Duration::from_millis(100),
        max_backoff: Duration::from_secs(2),
        base: 2.0,
    };
    RetryConfig { backoff, max_retries: 4, retry_timeout: Duration::from_secs(30) }
}

fn client(allow_http: bool) -> ClientOptions {
    ClientOptions::new()
        .with_timeout(TIMEOUT)
        .with_connect_timeout(CONNECT_TIMEOUT)
        .with_allow_http(allow_http)
}

/// A store of the crate below, where it is for people, and what stands before all keys.
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) place: String,
    pub(crate) prefix: Option<String>,
}

/// A store over a network: what it offers beside blobs is for those who know the crate below.
#[derive(Clone)]
pub struct Remote {
    pub store: Arc<dyn ObjectStore>,
    /// Uploads that are completed or given up by whoever has their id, also after a crash.
    pub uploads: Arc<dyn MultipartStore>,
    /// Where it is, for people.
    pub place: String,
    /// What stands before the path of an object in its address, as `s3://bucket`.
    pub address: String,
}

impl Remote {
    fn new(store: impl ObjectStore + MultipartStore, place: String, address: String) -> Self {
        let store = Arc::new(store);
        Self { store: store.clone(), uploads: store, place, address }
    }

    fn opened(self, prefix: Option<&String>) -> Opened {
        Opened { store: self.store, place: self.place, prefix: prefix.cloned() }
    }
}

impl BlobsConfig {
    /// Opens the store; nothing is asked of it yet.
    pub(crate) fn open(&self) -> Result<Opened, object_store::Error> {
        match self {
            Self::Local(it) => it.open(),
            Self::S3(it) => Ok(it.remote()?.opened(it.prefix.as_ref())),
            Self::Gcs(it) => Ok(it.remote()?.opened(it.prefix.as_ref())),
            Self::Azure(it) => Ok(it.remote()?.opened(it.prefix.as_ref())),
        }
    }
}

impl LocalConfig {
    /// O1: the store makes files and directories durable.
    fn open(&self) -> Result<Opened, object_store::Error> {
        let failed = |source| object_store::Error::Generic { store: "directory", source };
        std::fs::create_dir_all(&self.directory).map_err(|it| failed(Box::new(it)))?;
        let store = LocalFileSystem::new_with_prefix(&self.directory)?.with_fsync(true);
        let place = self.directory.display().to_string();
        Ok(Opened { store: Arc::new(store), place, prefix: None })
    }
}

impl S3Config {
    /// The store, whatever the prefix is; nothing is asked of it yet.
    pub fn remote(&self) -> Result<Remote, object_store::Error> {
        let mut builder = match &self.access_key_id {
            Some(id) => AmazonS3Builder::new().with_access_key_id(id),
            None => AmazonS3Builder::from_env(),
        };
        if let Some(secret) = &self.secret_access_key {
            builder = builder.with_secret_access_key(&secret.0);
        }
        if let Some(token) = &self.session_token {
            builder = builder.with_token(&token.0);
        }
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        let store = builder
            .with_bucket_name(&self.bucket)
            .with_region(self.region.as_deref().unwrap_or("us-east-1"))
            .with_virtual_hosted_style_request(self.virtual_hosted)
            .with_retry(retry())
            .with_client_options(client(self.allow_http))
            .build()?;
        let endpoint = self.endpoint.as_deref().unwrap_or("Amazon S3");
        let place = format!("bucket {} at {endpoint}", self.bucket);
        Ok(Remote::new(store, place, format!("s3://{}", self.bucket)))
    }
}

impl GcsConfig {
    /// The store, whatever the prefix is; nothing is asked of it yet.
    pub fn remote(&self) -> Result<Remote, object_store::Error> {
        let mut builder = GoogleCloudStorageBuilder::from_env();
        if let Some(key) = &self.service_account_key {
            builder = GoogleCloudStorageBuilder::new().with_service_account_key(&key.0);
        }
        let store = builder
            .with_bucket_name(&self.bucket)
            .with_retry(retry())
            .with_client_options(client(false))
            .build()?;
        let place = format!("bucket {} at Google Cloud Storage", self.bucket);
        Ok(Remote::new(store, place, format!("gs://{}", self.bucket)))
    }
}

impl AzureConfig {
    /// The store, whatever the prefix is; nothing is asked of it yet.
    pub fn remote(&self) -> Result<Remote, object_store::Error> {
        let mut builder = match &self.access_key {
            Some(key) => MicrosoftAzureBuilder::new().with_access_key(&key.0),
            None => MicrosoftAzureBuilder::from_env(),
        };
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint.clone());
        }
        let store = builder
            .with_account(&self.account)
            .with_container_name(&self.container)
            .with_retry(retry())
            .with_client_options(client(self.allow_http))
            .build()?;
        let place = format!("container {} of the Azure account {}", self.container, self.account);
        Ok(Remote::new(store, place, format!("az://{}/{}", self.account, self.container)))
    }
}
