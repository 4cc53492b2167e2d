//! The way to Key Storage, wherever it lives. Clear values stay on this side of it.

use std::sync::Arc;
use std::time::Duration;

use weir_cluster::{Proxy, ProxyError};
use weir_domain::{CommandId, Fault, KeyFingerprint};
use weir_secrets::{Binding, Error, PrivateKey, PublicKey, Sealed, SealedSecret, Secret};

use super::{
    Alias, KeyService, KnownHost, Listing, NotTrusted, PairView, Rejection, Request, Response,
};
use crate::Sender;
use crate::transit::{self, done};

const ASK_WITHIN: Duration = Duration::from_secs(15);

/// Why there is no good answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Rejected(#[from] Rejection),
    #[error(transparent)]
    NotTrusted(#[from] NotTrusted),
    /// A key or a secret was refused; the code and the hint say what to do.
    #[error("{0}")]
    Fault(Fault),
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Proxy(#[from] ProxyError),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Fault(Fault::from(&error))
    }
}

type Answer<T> = Result<T, Failure>;

/// Cheap to clone.
#[derive(Clone)]
pub struct KeyStorage(Arc<Proxy<KeyService>>);

impl From<Response> for Failure {
    fn from(response: Response) -> Self {
        match response {
            Response::Rejected(it) => it.into(),
            Response::NotTrusted(it) => it.into(),
            Response::Fault(it) => Self::Fault(it),
            Response::Refused(it) => Self::Refused(it),
            // An engine of another version may answer what this one does not expect.
            other => Self::Refused(format!("an answer to another question: {other:?}")),
        }
    }
}

impl KeyStorage {
    pub fn new(proxy: Proxy<KeyService>) -> Self {
        Self(Arc::new(proxy))
    }

    pub async fn list(&self) -> Answer<Listing> {
        match self.ask(Request::List).await? {
            Response::Listing(it) => Ok(*it),
            other => Err(other.into()),
        }
    }

    pub async fn create(
        &self,
        alias: Alias,
        description: String,
        sender: Sender,
    ) -> Answer<PairView> {
        let Sender { user: by, command } = sender;
        self.pair(command, Request::Create { alias, description, by }).await
    }

    /// A new key that is current from now on; `expected` is the one that the caller saw.
    pub async fn rotate(
        &self,
        (alias, description): (Alias, String),
        expected: Option<KeyFingerprint>,
        sender: Sender,
    ) -> Answer<PairView> {
        let Sender { user: by, command } = sender;
        self.pair(command, Request::Rotate { alias, description, expected, by }).await
    }

    /// Takes a private key over, as `age-keygen` or `export` wrote it.
    pub async fn import(
        &self,
        (alias, description): (Alias, String),
        (key, passphrase): (&Secret, Option<&Secret>),
        sender: Sender,
    ) -> Answer<PairView> {
        let Sender { user: by, command } = sender;
        let answer = self.sealed(command, |to| {
            let key = Sealed::seal(key, to)?;
            let passphrase = passphrase.map(|it| Sealed::seal(it, to)).transpose()?;
            let (alias, description, by) = (alias.clone(), description.clone(), by.clone());
            Ok(Request::Import { alias, description, key, passphrase, by })
        });
        match answer.await? {
            Response::Pair(it) => Ok(*it),
            other => Err(other.into()),
        }
    }

    /// A private key under a passphrase.
    pub async fn export(&self, key: KeyFingerprint, passphrase: &Secret) -> Answer<String> {
        let answer = self.sealed(self.0.command(), |to| {
            Ok(Request::Export { key, passphrase: Sealed::seal(passphrase, to)? })
        });
        match answer.await? {
            Response::Exported(it) => Ok(it),
            other => Err(other.into()),
        }
    }

    /// Adds a trusted certificate; with its private key, an identity.
    pub async fn add_certificate(
        &self,
        (alias, pem): (Alias, String),
        key: Option<&Secret>,
        sender: Sender,
    ) -> Answer<()> {
        let Sender { user: by, command } = sender;
        let answer = self.sealed(command, |to| {
            let key = key.map(|it| Sealed::seal(it, to)).transpose()?;
            Ok(Request::AddCertificate {
                alias: alias.clone(),
                pem: pem.clone(),
                key,
                by: by.clone(),
            })
        });
        done(answer.await?)
    }

    pub async fn delete_certificate(&self, alias: Alias, sender: Sender) -> Answer<()> {
        let Sender { user: by, command } = sender;
        done(self.ask_as(command, Request::DeleteCertificate { alias, by }).await?)
    }

    pub async fn add_host(&self, host: KnownHost, sender: Sender) -> Answer<()> {
        let Sender { user: by, command } = sender;
        done(self.ask_as(command, Request::AddHost { host, by }).await?)
    }

    pub async fn delete_host(&self, alias: Alias, sender: Sender) -> Answer<()> {
        let Sender { user: by, command } = sender;
        done(self.ask_as(command, Request::DeleteHost { alias, by }).await?)
    }

    pub async fn choose(
        &self,
        key: KeyFingerprint,
        expected: Option<KeyFingerprint>,
        sender: Sender,
    ) -> Answer<()> {
        let Sender { user: by, command } = sender;
        done(self.ask_as(command, Request::Choose { key, expected, by }).await?)
    }

    pub async fn describe(
        &self,
        key: KeyFingerprint,
        (alias, description): (Alias, String),
        expected: Option<u64>,
        sender: Sender,
    ) -> Answer<()> {
        let Sender { user: by, command } = sender;
        done(
            self.ask_as(command, Request::Describe { key, alias, description, expected, by })
                .await?,
        )
    }

    pub async fn delete(
        &self,
        key: KeyFingerprint,
        expected: Option<u64>,
        sender: Sender,
    ) -> Answer<()> {
        let Sender { user: by, command } = sender;
        done(self.ask_as(command, Request::Delete { key, expected, by }).await?)
    }

    /// Puts every private key under the master key of the host's configuration.
    pub async fn rewrap(&self, sender: Sender) -> Answer<()> {
        let Sender { user: by, command } = sender;
        done(self.ask_as(command, Request::Rewrap { by }).await?)
    }

    /// Seals a value to keys of this cluster; to the current one, if none is named.
    pub async fn seal(
        &self,
        value: &Secret,
        binding: Binding,
        to: &[KeyFingerprint],
    ) -> Answer<SealedSecret> {
        let pairs = self.list().await?.pairs;
        let unknown = to.iter().find(|key| !pairs.iter().any(|it| it.fingerprint == **key));
        if let Some(unknown) = unknown {
            return Err(Rejection::Unknown(*unknown).into());
        }
        let is_wanted = |it: &PairView| match to.is_empty() {
            true => it.is_current,
            false => to.contains(&it.fingerprint),
        };
        let keys: Vec<_> = pairs.into_iter().filter(is_wanted).map(|it| it.public).collect();
        Ok(SealedSecret::seal(value, binding, &keys)?)
    }

    /// Opens secrets for this engine, all or none. They travel sealed to a key that is made for
    /// this one question and forgotten after it.
    pub async fn open(&self, secrets: Vec<SealedSecret>) -> Answer<Vec<Secret>> {
        if secrets.is_empty() {
            return Ok(vec![]);
        }
        let mine = PrivateKey::generate();
        match self.ask(Request::Open { secrets, to: mine.public() }).await? {
            Response::Opened(sealed) => {
                let opened: Result<_, _> = sealed.iter().map(|it| it.open(&mine)).collect();
                Ok(opened?)
            }
            other => Err(other.into()),
        }
    }

    /// Whether the sender's command was carried out before.
    pub async fn recalls(&self, command: CommandId) -> Answer<bool> {
        match self.ask_as(command, Request::Recall).await? {
            Response::Recalled(it) => Ok(it),
            other => Err(other.into()),
        }
    }

    async fn pair(&self, command: CommandId, request: Request) -> Answer<PairView> {
        match self.ask_as(command, request).await? {
            Response::Pair(it) => Ok(*it),
            other => Err(other.into()),
        }
    }

    async fn sealed(
        &self,
        command: CommandId,
        request: impl Fn(&[PublicKey]) -> Result<Request, Error>,
    ) -> Answer<Response> {
        transit::sealed(&self.0, (command, ASK_WITHIN), Request::Transit, request).await
    }

    async fn ask(&self, request: Request) -> Answer<Response> {
        self.ask_as(self.0.command(), request).await
    }

    async fn ask_as(&self, command: CommandId, request: Request) -> Answer<Response> {
        Ok(self.0.ask_as(command, request, ASK_WITHIN).await?)
    }
}
