//! How a store is reached, as people write it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_domain::{Fault, Finding};
use weir_persistence_objects::{AzureConfig, GcsConfig, Remote, S3Config, Secret};

use super::codes;
use crate::chain;
use crate::finding;
use crate::private::Private;

/// Where objects are, and who Weir is there.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ObjectsConnection")]
pub enum Connection {
    /// Amazon S3, or a store that speaks like it.
    S3(S3),
    /// Google Cloud Storage.
    Gcs(Gcs),
    /// Azure Blob Storage.
    Azure(Azure),
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "ObjectsS3")]
pub struct S3 {
    pub bucket: String,
    /// Of a store that is not Amazon's: `https://s3.example.com`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// `us-east-1` if absent, which is what most stores other than Amazon's take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Without it, the engine's own identity is used: its environment, or the role of its machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<String>,
    /// A secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_access_key: Option<Private>,
    /// A secret, with keys that were given for a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_token: Option<Private>,
    /// Puts the bucket into the host's name. Amazon wants it so, most others don't.
    #[serde(default)]
    pub virtual_hosted: bool,
    /// Allows an endpoint without TLS.
    #[serde(default)]
    pub allow_http: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "ObjectsGcs")]
pub struct Gcs {
    pub bucket: String,
    /// The key of a service account, as JSON: a secret. Without it, the engine's own identity is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account_key: Option<Private>,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "ObjectsAzure")]
pub struct Azure {
    pub account: String,
    pub container: String,
    /// Of an account that is not at Azure's own address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// A secret. Without it, the engine's own identity is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_key: Option<Private>,
    /// Allows an endpoint without TLS.
    #[serde(default)]
    pub allow_http: bool,
}

fn secret(of: Option<&Private>) -> Option<Secret> {
    of.map(|it| Secret(it.0.clone()))
}

impl Connection {
    /// Nothing is asked of the store yet.
    pub(super) fn open(&self) -> Result<Remote, Fault> {
        let opened = match self {
            Self::S3(it) => S3Config {
                bucket: it.bucket.clone(),
                prefix: None,
                region: it.region.clone(),
                endpoint: it.endpoint.clone(),
                access_key_id: it.access_key_id.clone(),
                secret_access_key: secret(it.secret_access_key.as_ref()),
                session_token: secret(it.session_token.as_ref()),
                virtual_hosted: it.virtual_hosted,
                allow_http: it.allow_http,
            }
            .remote(),
            Self::Gcs(it) => GcsConfig {
                bucket: it.bucket.clone(),
                prefix: None,
                service_account_key: secret(it.service_account_key.as_ref()),
            }
            .remote(),
            Self::Azure(it) => AzureConfig {
                account: it.account.clone(),
                container: it.container.clone(),
                prefix: None,
                endpoint: it.endpoint.clone(),
                access_key: secret(it.access_key.as_ref()),
                allow_http: it.allow_http,
            }
            .remote(),
        };
        opened.map_err(|error| {
            let message =
                format!("the store can't be opened as it is configured: {}", chain(&error));
            Fault::config(codes::CONFIG, message).with_hint("correct `connection`")
        })
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        let (name, keys, endpoint) = match self {
            Self::S3(it) => {
                let keys = (it.access_key_id.is_some(), it.secret_access_key.is_some());
                (("s3.bucket", &it.bucket), keys, Some(("s3", &it.endpoint, it.allow_http)))
            }
            Self::Gcs(it) => (("gcs.bucket", &it.bucket), (true, true), None),
            Self::Azure(it) => {
                let endpoint = Some(("azure", &it.endpoint, it.allow_http));
                (("azure.container", &it.container), (true, true), endpoint)
            }
        };
        let mut findings = Vec::new();
        let mut wrong = |path: String, cause: &str, fix: &str| {
            let path = format!("connection.{path}");
            findings.push(finding(codes::BAD_CONNECTION, path, cause).with_fix(fix));
        };
        if name.1.is_empty() || name.1.contains('/') {
            let fix =
                "write the bucket's or container's name alone; `prefix` says what is below it";
            wrong(name.0.to_owned(), "this is no name of a bucket or container", fix);
        }
        if let Self::Azure(it) = self
            && it.account.is_empty()
        {
            wrong("azure.account".to_owned(), "the account has no name", "write its name");
        }
        match keys {
            (true, false) => wrong(
                "s3.secretAccessKey".to_owned(),
                "a key has two parts, and one is missing",
                "write it as a secret: ${sec:NAME}",
            ),
            (false, true) => wrong(
                "s3.accessKeyId".to_owned(),
                "a key has two parts, and one is missing",
                "write which key it is",
            ),
            _ => {}
        }
        if let Some((kind, Some(endpoint), allow_http)) = endpoint {
            let path = format!("{kind}.endpoint");
            if endpoint.starts_with("http://") && !allow_http {
                let fix = "use https://, or allow it with allowHttp: true";
                wrong(path, "what is sent there could be read on its way", fix);
            } else if !endpoint.starts_with("https://") && !endpoint.starts_with("http://") {
                wrong(path, "this is no address of a store", "write https://HOST[:PORT]");
            }
        }
        findings
    }
}
