//! Certificates and known hosts: whom the cluster trusts, and who it says it is.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::PublicKeyData;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use weir_domain::{KeyFingerprint, Timestamp};
use weir_secrets::{PublicKey, Sealed, Secret};
use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::Alias;
use crate::Author;

/// How blocks of PEM are called that are certificates.
const CERTIFICATE: &str = "CERTIFICATE";

/// A certificate of somebody who is trusted; with a private key, one of the cluster's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    pub alias: Alias,
    pub subject: String,
    /// SHA-256 of its DER form.
    pub fingerprint: KeyFingerprint,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    /// The whole chain.
    pub pem: String,
    /// With its private key it is an identity. The key is a secret like all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    pub key: Sealed,
}

/// A line of `known_hosts`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KnownHost {
    pub alias: Alias,
    pub description: String,
    pub line: HostLine,
}

/// `[marker] hosts type key`, checked; a comment is left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HostLine(String);

/// What is stored, and who added it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trusted<T> {
    pub value: T,
    pub added: Author,
}

/// Why something can't be trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum NotTrusted {
    #[error("this is no certificate in PEM: {0}")]
    NotPem(String),
    #[error(
        "beside certificates there is a {0}: give certificates only, and a private key apart from them"
    )]
    NoCertificate(String),
    #[error("this is no X.509 certificate: {0}")]
    NotX509(String),
    #[error("the private key is none in PKCS#8 PEM of a kind that is known")]
    NotAKey,
    #[error("the private key does not belong to the certificate of {0}")]
    OtherKey(String),
    #[error("this is no line of known_hosts: {0}")]
    NotAHost(String),
}

impl Certificate {
    /// Reads a certificate, the first one of a chain, from PEM that holds certificates only.
    pub fn parse(alias: Alias, pem: &str) -> Result<Self, NotTrusted> {
        let not_x509 = |it: &dyn std::fmt::Display| NotTrusted::NotX509(it.to_string());
        let blocks = pem::parse_many(pem).map_err(|it| NotTrusted::NotPem(it.to_string()))?;
        for block in &blocks {
            if block.tag() != CERTIFICATE {
                return Err(NotTrusted::NoCertificate(block.tag().to_owned()));
            }
            X509Certificate::from_der(block.contents()).map_err(|it| not_x509(&it))?;
        }
        let Some(first) = blocks.first() else {
            return Err(NotTrusted::NotPem("it has no block".to_owned()));
        };
        let (_, x509) = X509Certificate::from_der(first.contents()).map_err(|it| not_x509(&it))?;
        let at =
            |time: x509_parser::time::ASN1Time| Timestamp(time.timestamp().saturating_mul(1_000));
        Ok(Self {
            alias,
            subject: x509.subject().to_string(),
            fingerprint: KeyFingerprint(Sha256::digest(first.contents()).into()),
            not_before: at(x509.validity().not_before),
            not_after: at(x509.validity().not_after),
            // What stands beside the blocks is nobody's business.
            pem: pem::encode_many(&blocks),
            identity: None,
        })
    }

    /// Makes it an identity: its private key, sealed to a key of the cluster.
    pub fn with_key(mut self, key: &Secret, to: &PublicKey) -> Result<Self, NotTrusted> {
        self.check_key(key)?;
        let key = Sealed::seal(key, std::slice::from_ref(to)).map_err(|_| NotTrusted::NotAKey)?;
        self.identity = Some(Identity { key });
        Ok(self)
    }

    /// Refuses a private key that is not its own.
    pub(super) fn check_key(&self, key: &Secret) -> Result<(), NotTrusted> {
        let text = key.expose_text().ok_or(NotTrusted::NotAKey)?;
        let pair = rcgen::KeyPair::from_pem(text).map_err(|_| NotTrusted::NotAKey)?;
        let (_, block) =
            parse_x509_pem(self.pem.as_bytes()).map_err(|it| NotTrusted::NotPem(it.to_string()))?;
        let x509 = block.parse_x509().map_err(|it| NotTrusted::NotX509(it.to_string()))?;
        match x509.public_key().subject_public_key.data.as_ref() == pair.der_bytes() {
            true => Ok(()),
            false => Err(NotTrusted::OtherKey(self.subject.clone())),
        }
    }

    /// Whether its private key is lost without that key.
    pub(super) fn needs(&self, key: &KeyFingerprint) -> bool {
        self.identity.as_ref().is_some_and(|it| it.key.keys() == [*key])
    }
}

impl HostLine {
    pub fn parse(line: &str) -> Result<Self, NotTrusted> {
        let refused = |why: &str| NotTrusted::NotAHost(why.to_owned());
        let mut lines = line.lines().filter(|it| !it.trim().is_empty());
        let (Some(line), None) = (lines.next(), lines.next()) else {
            return Err(refused("give exactly one line"));
        };
        let mut words: Vec<_> = line.split_whitespace().collect();
        let marker = words.first().copied().filter(|it| it.starts_with('@'));
        if marker.is_some_and(|it| it != "@cert-authority" && it != "@revoked") {
            return Err(refused("its marker is neither @cert-authority nor @revoked"));
        }
        words.truncate(3 + usize::from(marker.is_some()));
        let [.., _, kind, key] = words[usize::from(marker.is_some())..] else {
            return Err(refused("it needs host names, a kind of key and the key"));
        };
        let blob = STANDARD.decode(key).map_err(|_| refused("its key is not base64"))?;
        // The key says its own kind first, with the length before it.
        let said = blob.get(4..4 + kind.len());
        let length = blob.first_chunk().map(|it| u32::from_be_bytes(*it) as usize);
        if said != Some(kind.as_bytes()) || length != Some(kind.len()) {
            return Err(refused("its key is of another kind than it says"));
        }
        Ok(Self(words.join(" ")))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A certificate that is no longer valid, or not for long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expiry {
    pub alias: Alias,
    pub subject: String,
    pub not_after: Timestamp,
    pub is_expired: bool,
}

impl super::Keys {
    /// Certificates that expire within that time or have expired, the most urgent first.
    pub fn expiring(&self, now: Timestamp, within: Duration) -> Vec<Expiry> {
        let certificates = self.certificates.values().map(|it| &it.value);
        let mut expiring: Vec<_> = certificates
            .filter(|it| it.not_after <= now.plus(within))
            .map(|it| Expiry {
                alias: it.alias.clone(),
                subject: it.subject.clone(),
                not_after: it.not_after,
                is_expired: it.not_after < now,
            })
            .collect();
        expiring.sort_by(|a, b| (a.not_after, &a.alias).cmp(&(b.not_after, &b.alias)));
        expiring
    }
}
