//! Key Storage as a singleton: where private keys are opened and wrapped.
//!
//! Invariants:
//! - Y5: neither a private key nor a clear secret leaves this process in clear, not even in a link
//!   that is encrypted: what comes and goes is sealed to a key that its receiver made for that.
//! - Y6: requests come from engines only. Peer links admit nobody else, and no other API offers
//!   `Open`.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use weir_cluster::{Instance, RequestContext, Service, Singleton, Unavailable};
use weir_domain::{Fault, KeyFingerprint, UserName};
use weir_persistence_api::{Fence, PersistenceId, Store};
use weir_runtime::{HostRef, HostSettings, HostSpec, System};
use weir_secrets::{
    Error, Keyring, MasterKey, MasterSource, PrivateKey, PublicKey, Sealed, SealedSecret, Wrapped,
    export, import,
};

use super::forgetting::Forgetting;
use super::{
    Alias, Author, Certificate, Command, Keys, LEASE, Listing, NewPair, PairView, Rejection,
    Request, Response,
};
use crate::answer::answered;
use crate::instance::{self, RECOVER_WITHIN};
use crate::line::Line;
use crate::transit::Transit;

/// The pair that is there from the start.
const FIRST: &str = "DefaultKey";
/// The task that derives a key from a passphrase.
const PASSPHRASE: &str = "keys/passphrase";
/// Keys that are derived at once: each takes 128 MiB.
const DERIVED_AT_ONCE: usize = 1;
/// More who wait are refused.
const DERIVED_WAITING_MAX: usize = 4;
/// How long before its end a certificate is warned of.
pub const EXPIRES_SOON: Duration = Duration::from_secs(30 * 24 * 3_600);

/// The master keys of this host.
#[derive(Debug, Clone)]
pub struct Masters {
    /// What new keys are wrapped under.
    pub current: MasterKey,
    /// Those before it, while a rotation is under way.
    pub former: Vec<MasterKey>,
}

impl Masters {
    /// Reads them; the first that can't be read is told.
    pub fn load(current: &MasterSource, former: &[MasterSource]) -> Result<Self, Fault> {
        let load = |it| MasterKey::load(it).map_err(|error| Fault::from(&error));
        let former: Result<_, _> = former.iter().map(load).collect();
        Ok(Self { current: load(current)?, former: former? })
    }

    fn fingerprints(&self) -> Vec<KeyFingerprint> {
        self.former.iter().chain([&self.current]).map(MasterKey::fingerprint).collect()
    }

    /// Opens a stored key with the master key that it names.
    fn unwrap(&self, wrapped: &Wrapped) -> Result<PrivateKey, Error> {
        let named = self.former.iter().find(|it| it.fingerprint() == wrapped.master());
        named.unwrap_or(&self.current).unwrap(wrapped)
    }
}

/// Makes the storage wherever its lease is held.
pub struct KeySingleton {
    pub system: System,
    pub store: Arc<dyn Store>,
    pub settings: HostSettings,
    pub masters: Masters,
}

#[async_trait]
impl Singleton for KeySingleton {
    type Service = KeyService;

    async fn start(&self, fence: Fence) -> Result<Instance<KeyService>, Fault> {
        let spec = HostSpec {
            id: PersistenceId(LEASE.to_owned()),
            fence,
            store: self.store.clone(),
            effects: Arc::new(Forgetting { store: self.store.clone() }),
            settings: self.settings.clone(),
        };
        let (host, starting) = instance::recovered(&self.system, spec).await?;
        self.make_first(&host).await?;
        let service = KeyService {
            host,
            system: self.system.clone(),
            masters: self.masters.clone(),
            transit: Transit::new(),
            derivations: Arc::new(Line::new(DERIVED_AT_ONCE, DERIVED_WAITING_MAX)),
        };
        Ok(Instance::new(Arc::new(service), starting.keep()))
    }
}

impl KeySingleton {
    /// The first instance of all makes the first pair, so that secrets can be sealed at once.
    async fn make_first(&self, host: &HostRef<Keys>) -> Result<(), Fault> {
        let failed = |it: &dyn std::fmt::Display| {
            Fault::transient(6145, format!("the key storage can't start: {it}"))
        };
        let is_empty = host.query(RECOVER_WITHIN, |it| it.pairs().next().is_none()).await;
        if !is_empty.map_err(|it| failed(&it))? {
            return Ok(());
        }
        let wrapped = self.masters.current.wrap(&PrivateKey::generate());
        let alias = Alias::new(FIRST).expect("the first alias is valid");
        let pair = NewPair { alias, description: "made at the first start".into(), wrapped };
        let author = Author { user: Author::weir(), at: self.system.now() };
        let create = host.ask(Command::Create { pair, author }, RECOVER_WITHIN).await;
        create.map(drop).map_err(|it| failed(&it))
    }
}

/// Answers requests from the event-sourced host, with the master key at hand.
pub struct KeyService {
    pub(super) host: HostRef<Keys>,
    pub(super) system: System,
    pub(super) masters: Masters,
    pub(super) transit: Transit,
    pub(super) derivations: Arc<Line>,
}

type Stop = crate::answer::Stop<Response>;

#[async_trait]
impl Service for KeyService {
    type Request = Request;
    type Response = Response;

    const NAME: &'static str = LEASE;
    const VERSION: u32 = 1;

    async fn serve(
        &self,
        request: Request,
        context: RequestContext,
    ) -> Result<Response, Unavailable> {
        answered(self.answer(request, context).await)
    }
}

impl KeyService {
    async fn answer(&self, request: Request, context: RequestContext) -> Result<Response, Stop> {
        let command = match request {
            Request::List => return self.list(context).await,
            Request::Recall => {
                let recalled = self.host.recalls(context.command, context.within).await?;
                return Ok(Response::Recalled(recalled));
            }
            Request::Transit => return Ok(Response::Transit(self.transit.public())),
            Request::Open { secrets, to } => return self.open(secrets, to, context).await,
            Request::Export { key, passphrase } => {
                return self.export(key, passphrase, context).await;
            }
            Request::Create { alias, description, by } => {
                let pair = self.new_pair(alias, description);
                self.has_the_master(context).await?;
                return self.add(context, Command::Create { pair, author: self.author(by) }).await;
            }
            Request::Rotate { alias, description, expected, by } => {
                let (pair, author) = (self.new_pair(alias, description), self.author(by));
                self.has_the_master(context).await?;
                return self.add(context, Command::Rotate { pair, expected, author }).await;
            }
            Request::Import { alias, description, key, passphrase, by } => {
                let key = self.imported((key, passphrase), context).await?;
                if self.host.recalls(context.command, context.within).await? {
                    return self.imported_before(&key, by, context).await;
                }
                self.has_the_master(context).await?;
                let pair = NewPair { alias, description, wrapped: self.masters.current.wrap(&key) };
                return self.add(context, Command::Import { pair, author: self.author(by) }).await;
            }
            Request::Choose { key, expected, by } => {
                Command::Choose { key, expected, author: self.author(by) }
            }
            Request::Describe { key, alias, description, expected, by } => {
                let author = self.author(by);
                Command::Describe { key, alias, description, expected, author }
            }
            Request::Delete { key, expected, by } => {
                Command::Delete { key, expected, author: self.author(by) }
            }
            Request::Rewrap { by } => self.rewrapped(by, context).await?,
            Request::AddCertificate { alias, pem, key, by } => {
                if self.host.recalls(context.command, context.within).await? {
                    return self.certified_before((alias, pem), key, by, context).await;
                }
                let certificate = self.certificate((alias, pem), key, context).await?;
                Command::AddCertificate { certificate, author: self.author(by) }
            }
            Request::DeleteCertificate { alias, by } => {
                Command::DeleteCertificate { alias, author: self.author(by) }
            }
            Request::AddHost { host, by } => Command::AddHost { host, author: self.author(by) },
            Request::DeleteHost { alias, by } => {
                Command::DeleteHost { alias, author: self.author(by) }
            }
        };
        self.host.ask_as(context.command, command, context.within).await?;
        Ok(Response::Done)
    }

    /// Whether this host can open what is stored: if not, a new key would be under a master key
    /// that the other hosts don't have.
    async fn has_the_master(&self, context: RequestContext) -> Result<(), Stop> {
        let known = self.masters.fingerprints();
        let foreign = move |keys: &Keys| -> Option<Wrapped> {
            let mut wrapped = keys.wrapped().map(|it| it.1);
            wrapped.find(|it| !known.contains(&it.master())).cloned()
        };
        match self.host.query(context.within, foreign).await? {
            None => Ok(()),
            Some(foreign) => Ok(self.masters.unwrap(&foreign).map(drop)?),
        }
    }

    fn author(&self, user: UserName) -> Author {
        Author { user, at: self.system.now() }
    }

    fn new_pair(&self, alias: Alias, description: String) -> NewPair {
        let wrapped = self.masters.current.wrap(&PrivateKey::generate());
        NewPair { alias, description, wrapped }
    }

    /// Stores a pair and answers it. A command that was carried out before stored the pair of its
    /// first attempt: it is found by its author's alias, since this attempt's key is another one.
    async fn add(&self, context: RequestContext, command: Command) -> Result<Response, Stop> {
        let (Command::Create { pair, .. }
        | Command::Import { pair, .. }
        | Command::Rotate { pair, .. }) = &command
        else {
            unreachable!("only these add a pair");
        };
        let (key, alias) = (pair.wrapped.public.fingerprint(), pair.alias.clone());
        let read = move |_: u64, keys: &Keys| {
            let mut pairs: Vec<_> = keys.pairs().collect();
            let found = pairs.iter().position(|it| it.fingerprint == key);
            let found = found.or_else(|| pairs.iter().position(|it| it.alias == alias));
            found.map(|it| pairs.swap_remove(it))
        };
        let found = self.host.ask_and_read_as(context.command, command, context.within, read);
        Ok(added(found.await?))
    }

    async fn list(&self, context: RequestContext) -> Result<Response, Stop> {
        let now = self.system.now();
        let read = move |keys: &Keys| Listing {
            pairs: keys.pairs().collect(),
            certificates: keys.certificates().cloned().collect(),
            hosts: keys.hosts().cloned().collect(),
            expiring: keys.expiring(now, EXPIRES_SOON),
        };
        Ok(Response::Listing(Box::new(self.host.query(context.within, read).await?)))
    }

    async fn open(
        &self,
        secrets: Vec<SealedSecret>,
        to: PublicKey,
        context: RequestContext,
    ) -> Result<Response, Stop> {
        let needed = secrets.iter().flat_map(|it| it.keys().to_vec()).collect();
        let ring = self.ring(needed, context).await?;
        let to = [to];
        let opened: Result<_, _> = secrets.iter().map(|it| ring.reseal(it, &to)).collect();
        Ok(Response::Opened(opened?))
    }

    /// The private keys among these that are stored. They are wiped when the answer is made.
    async fn ring(
        &self,
        needed: Vec<KeyFingerprint>,
        context: RequestContext,
    ) -> Result<Keyring, Stop> {
        let read = move |keys: &Keys| -> Vec<Wrapped> {
            let wrapped = keys.wrapped().filter(|it| needed.contains(it.0));
            wrapped.map(|it| it.1.clone()).collect()
        };
        let wrapped = self.host.query(context.within, read).await?;
        let keys: Result<Vec<_>, _> = wrapped.iter().map(|it| self.masters.unwrap(it)).collect();
        Ok(keys?.into_iter().collect())
    }

    async fn export(
        &self,
        key: KeyFingerprint,
        passphrase: Sealed,
        context: RequestContext,
    ) -> Result<Response, Stop> {
        let passphrase = self.transit.received(&passphrase)?;
        let wrapped =
            move |keys: &Keys| keys.wrapped().find(|it| *it.0 == key).map(|it| it.1.clone());
        let Some(wrapped) = self.host.query(context.within, wrapped).await? else {
            return Ok(Response::Rejected(Rejection::Unknown(key)));
        };
        let key = self.masters.unwrap(&wrapped)?;
        let turn = self.derivations.turn(context.within).await?;
        let work = move || export(&key, &passphrase);
        Ok(Response::Exported(turn.spend(&self.system, PASSPHRASE, work).await??))
    }

    async fn imported(
        &self,
        (key, passphrase): (Sealed, Option<Sealed>),
        context: RequestContext,
    ) -> Result<PrivateKey, Stop> {
        let key = self.transit.received(&key)?;
        let passphrase = passphrase.map(|it| self.transit.received(&it)).transpose()?;
        let turn = self.derivations.turn(context.within).await?;
        let work = move || import(&key, passphrase.as_ref());
        Ok(turn.spend(&self.system, PASSPHRASE, work).await??)
    }

    /// What a command led to that was carried out before: its author's pair with that private key. The id
    /// of a command is not made of what is confidential in it, so it may have brought another one.
    async fn imported_before(
        &self,
        key: &PrivateKey,
        by: UserName,
        context: RequestContext,
    ) -> Result<Response, Stop> {
        let key = key.fingerprint();
        let fits = move |it: &PairView| it.created.user == by && it.fingerprint == key;
        match self.host.query(context.within, move |keys: &Keys| keys.pairs().find(fits)).await? {
            Some(pair) => Ok(Response::Pair(Box::new(pair))),
            None => Ok(Response::Rejected(Rejection::BroughtAnother)),
        }
    }

    async fn certificate(
        &self,
        (alias, pem): (Alias, String),
        key: Option<Sealed>,
        context: RequestContext,
    ) -> Result<Certificate, Stop> {
        let certificate = Certificate::parse(alias, &pem)?;
        let Some(key) = key else { return Ok(certificate) };
        let key = self.transit.received(&key)?;
        let current = |keys: &Keys| keys.pairs().find(|it| it.is_current).map(|it| it.public);
        let Some(to) = self.host.query(context.within, current).await? else {
            let cause = "there is no key pair that the identity's private key could be sealed to: \
                         create one first";
            return Err(Stop::answer(Response::Refused(cause.into())));
        };
        Ok(certificate.with_key(&key, &to)?)
    }

    /// Whether a command that was carried out before brought what this one brings: its id says nothing of
    /// the private key. What was deleted since is done, too.
    async fn certified_before(
        &self,
        (alias, pem): (Alias, String),
        key: Option<Sealed>,
        by: UserName,
        context: RequestContext,
    ) -> Result<Response, Stop> {
        let certificate = Certificate::parse(alias, &pem)?;
        if let Some(key) = &key {
            certificate.check_key(&self.transit.received(key)?)?;
        }
        let of = move |keys: &Keys| {
            let mut added = keys.certificates().filter(|it| it.added.user == by);
            let stored = added.find(|it| {
                it.value.alias == certificate.alias
                    && it.value.fingerprint == certificate.fingerprint
            });
            stored.map(|it| it.value.identity.is_some())
        };
        match self.host.query(context.within, of).await? {
            Some(has_key) if has_key != key.is_some() => {
                Ok(Response::Rejected(Rejection::BroughtAnother))
            }
            Some(_) | None => Ok(Response::Done),
        }
    }

    async fn rewrapped(&self, by: UserName, context: RequestContext) -> Result<Command, Stop> {
        let all = |keys: &Keys| -> Vec<Wrapped> { keys.wrapped().map(|it| it.1.clone()).collect() };
        let all = self.host.query(context.within, all).await?;
        let to = &self.masters.current;
        let rewrap = |it: &Wrapped| Ok(to.wrap(&self.masters.unwrap(it)?));
        let wrapped: Result<_, Error> = all.iter().map(rewrap).collect();
        Ok(Command::Rewrap { wrapped: wrapped?, author: self.author(by) })
    }
}

fn added(pair: Option<PairView>) -> Response {
    match pair {
        Some(pair) => Response::Pair(Box::new(pair)),
        None => Response::Refused("the key was added, and renamed or deleted since".into()),
    }
}
