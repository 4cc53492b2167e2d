//! What Key Storage is asked, and what it answers.

use serde::{Deserialize, Serialize};
use weir_domain::{Fault, KeyFingerprint, UserName};
use weir_secrets::{PublicKey, Sealed, SealedSecret};

use super::{
    Alias, Certificate, Expiry, Failure, KnownHost, NotTrusted, PairView, Rejection, Trusted,
};
use crate::answer::{Refusal, Stop};
use crate::line::Busy;
use crate::transit::Confidant;

/// What it is asked. Names of fields and variants travel between engines of two versions.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Request {
    List,
    /// Whether what is asked with this request's id was carried out before.
    Recall,
    /// The key that private keys and passphrases are sealed to on their way here.
    Transit,
    Create {
        alias: Alias,
        description: String,
        by: UserName,
    },
    /// A private key and what opens it, each sealed to the transit key.
    Import {
        alias: Alias,
        description: String,
        key: Sealed,
        passphrase: Option<Sealed>,
        by: UserName,
    },
    Export {
        key: KeyFingerprint,
        passphrase: Sealed,
    },
    Rotate {
        alias: Alias,
        description: String,
        expected: Option<KeyFingerprint>,
        by: UserName,
    },
    Choose {
        key: KeyFingerprint,
        expected: Option<KeyFingerprint>,
        by: UserName,
    },
    Describe {
        key: KeyFingerprint,
        alias: Alias,
        description: String,
        expected: Option<u64>,
        by: UserName,
    },
    Delete {
        key: KeyFingerprint,
        expected: Option<u64>,
        by: UserName,
    },
    /// Puts every private key under the master key that is configured now.
    Rewrap {
        by: UserName,
    },
    /// Secrets to be sealed to the key of whoever asks: all of them, or none.
    Open {
        secrets: Vec<SealedSecret>,
        to: PublicKey,
    },
    /// `key`: the private key of an identity, sealed to the transit key.
    AddCertificate {
        alias: Alias,
        pem: String,
        key: Option<Sealed>,
        by: UserName,
    },
    DeleteCertificate {
        alias: Alias,
        by: UserName,
    },
    AddHost {
        host: KnownHost,
        by: UserName,
    },
    DeleteHost {
        alias: Alias,
        by: UserName,
    },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Response {
    Done,
    Listing(Box<Listing>),
    Recalled(bool),
    /// The transit key of this instance: what came was sealed to another one, or only this was asked.
    Transit(PublicKey),
    Pair(Box<PairView>),
    /// A private key under a passphrase.
    Exported(String),
    Opened(Vec<SealedSecret>),
    Rejected(Rejection),
    NotTrusted(NotTrusted),
    /// A key or secret was refused.
    Fault(Fault),
    /// Asking again gives the same answer.
    Refused(String),
}

/// Everything that may be seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Listing {
    pub pairs: Vec<PairView>,
    pub certificates: Vec<Trusted<Certificate>>,
    pub hosts: Vec<Trusted<KnownHost>>,
    pub expiring: Vec<Expiry>,
}

impl From<Refusal<Rejection>> for Response {
    fn from(refusal: Refusal<Rejection>) -> Self {
        match refusal {
            Refusal::Rejected(it) => Self::Rejected(it),
            Refusal::Refused(it) => Self::Refused(it),
        }
    }
}

impl From<Fault> for Response {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<NotTrusted> for Stop<Response> {
    fn from(it: NotTrusted) -> Self {
        Self::answer(Response::NotTrusted(it))
    }
}

impl From<Busy> for Stop<Response> {
    fn from(Busy: Busy) -> Self {
        Self::answer(Response::Rejected(Rejection::Busy))
    }
}

impl Confidant for Response {
    type Failure = Failure;

    fn of_key(key: PublicKey) -> Self {
        Self::Transit(key)
    }

    fn key(self) -> Result<PublicKey, Self> {
        match self {
            Self::Transit(key) => Ok(key),
            other => Err(other),
        }
    }

    fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }
}
