//! Key pairs (public parts), sealed values, certificates and known hosts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_domain::{AssetName, KeyFingerprint, ProjectName, Timestamp, UserName};

use crate::{Concealed, schema};

/// A key pair, as everybody may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Key)]
pub struct KeyView {
    #[schema(value_type = schema::Fingerprint)]
    pub fingerprint: KeyFingerprint,
    pub alias: String,
    pub description: String,
    /// `age1…`: anyone may seal values to it.
    pub public: String,
    /// New values are sealed to it.
    pub current: bool,
    #[schema(value_type = schema::Timestamp)]
    pub created_at: Timestamp,
    #[schema(value_type = schema::Name)]
    pub created_by: UserName,
    /// Grows with every change; `if-match` takes it.
    pub revision: u64,
    /// The master key that its private key is under.
    #[schema(value_type = schema::Fingerprint)]
    pub master: KeyFingerprint,
    /// What was stored under a former master key, or of deleted pairs, is still to be deleted.
    #[serde(default)]
    pub forgetting: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyCreate {
    /// One line of 1 to 100 characters.
    pub alias: String,
    #[serde(default)]
    pub description: String,
}

/// A new pair that is current from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyRotate {
    pub alias: String,
    #[serde(default)]
    pub description: String,
    /// The current key that the caller saw: another one is a conflict.
    #[serde(default)]
    #[schema(value_type = Option<schema::Fingerprint>)]
    pub expected: Option<KeyFingerprint>,
}

/// A private key from elsewhere, as `age-keygen` or an export wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyImport {
    pub alias: String,
    #[serde(default)]
    pub description: String,
    pub key: Concealed,
    /// What it was exported under.
    #[serde(default)]
    pub passphrase: Option<Concealed>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyExport {
    /// 12 characters or more.
    pub passphrase: Concealed,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyExported {
    #[schema(value_type = schema::Fingerprint)]
    pub fingerprint: KeyFingerprint,
    /// An armored age file under the passphrase.
    pub key: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretSeal {
    pub value: Concealed,
    /// The project that may use it.
    #[schema(value_type = schema::Name)]
    pub project: ProjectName,
    /// What it is called there: `${sec:NAME}`.
    #[schema(value_type = schema::Name)]
    pub name: AssetName,
    /// Keys by fingerprint; none: the current one.
    #[serde(default)]
    #[schema(value_type = Vec<schema::Fingerprint>)]
    pub keys: Vec<KeyFingerprint>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretSealed {
    /// `weir-secret:2:…`, safe to store and to show.
    pub sealed: String,
    #[schema(value_type = Vec<schema::Fingerprint>)]
    pub keys: Vec<KeyFingerprint>,
}

/// A certificate that the cluster trusts, or shows itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TrustedCertificate)]
pub struct TrustedCertificateView {
    pub alias: String,
    pub subject: String,
    #[schema(value_type = schema::Fingerprint)]
    pub fingerprint: KeyFingerprint,
    #[schema(value_type = schema::Timestamp)]
    pub not_before: Timestamp,
    #[schema(value_type = schema::Timestamp)]
    pub not_after: Timestamp,
    /// It has a private key: the cluster shows it.
    pub identity: bool,
    /// It ends within 30 days, or has ended.
    pub expires_soon: bool,
    pub pem: String,
    #[schema(value_type = schema::Timestamp)]
    pub added_at: Timestamp,
    #[schema(value_type = schema::Name)]
    pub added_by: UserName,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CertificateAdd {
    pub alias: String,
    /// The certificate, the first of a chain, in PEM.
    pub pem: String,
    /// Its private key in PEM: then it is an identity.
    #[serde(default)]
    pub key: Option<Concealed>,
}

/// A host whose key is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = KnownHost)]
pub struct KnownHostView {
    pub alias: String,
    pub description: String,
    /// `[marker] hosts type key`.
    pub line: String,
    #[schema(value_type = schema::Timestamp)]
    pub added_at: Timestamp,
    #[schema(value_type = schema::Name)]
    pub added_by: UserName,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KnownHostAdd {
    pub alias: String,
    #[serde(default)]
    pub description: String,
    /// One line of `known_hosts`.
    pub line: String,
}
