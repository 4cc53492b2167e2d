//! Who asks, and whether they may: the one place that decides it.
//!
//! - G1: every route says what it needs where it is declared (`rule`), and is asked about it here
//!   before its handler runs. Where only the request's content tells the project, who has the claim for
//!   some projects is let in, and what decides of the request is told for which.
//! - G2: who shows something is who that says, wherever the request comes from; what is not known, or not
//!   any more, is refused, except where nothing is needed.
//! - G3: what the storage said of a bearer is believed for three seconds, and no longer: so long may a
//!   session that was ended elsewhere go on, and an answer that has no end of its own.
//! - G4: a command is carried out and recorded to the end, whether or not its sender waits.
//! - G5: who is nobody adds no more to the audit than an entry for a user now and then, and one for set-ups.

mod attempts;
mod caller;
mod known;
mod pass;
mod rule;
mod trail;
mod watch;

use std::fmt;
use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use ipnet::IpNet;
use subtle::ConstantTimeEq;
use weir_controllers::users::Identity;
use weir_domain::{ClusterId, ClusterName, ProjectName, Timestamp, UserClaim, UserName};

use crate::Access;
use crate::error::{Error, is_refusal};
use crate::origin::{Origin, Proxies};
use crate::throttle::Throttle;
use crate::voucher::{Trust, TrustedServer, is_voucher};

use attempts::Attempts;
pub use caller::Here;
pub(crate) use caller::{Caller, Reach};
pub(crate) use known::BELIEVED;
use known::Known;
pub(crate) use rule::{Need, Rule, command, is_for_everybody, open, operations, read, tried};
pub(crate) use trail::{Attempted, Trail};
pub(crate) use watch::{Own, Watch, Who};

/// What bearers of users begin with.
const OF_A_USER: &str = "weir_";
/// The variable of a path that names what a scope is about.
const PROJECT: &str = "project";

/// Who is let in. Cheap to clone; clones share what they learned.
#[derive(Clone)]
pub struct Guard {
    token: Option<Arc<str>>,
    here: Here,
    anonymous_reads: bool,
    takes_commands: bool,
    proxies: Proxies,
    access: Option<Arc<dyn Access>>,
    known: Arc<Known>,
    refusals: Arc<Throttle>,
    attempts: Arc<Attempts>,
    trust: Option<Trust>,
    /// What this cluster is called.
    place: Option<ClusterName>,
}

impl Guard {
    /// Shows what runs to everybody, and takes commands from nobody.
    pub fn closed() -> Self {
        Self {
            token: None,
            here: Here::Nothing,
            anonymous_reads: true,
            takes_commands: true,
            proxies: Proxies::nobody(),
            access: None,
            known: Arc::default(),
            refusals: Arc::default(),
            attempts: Arc::default(),
            trust: None,
            place: None,
        }
    }

    /// Whoever shows this token as `authorization: Bearer …` may do everything.
    pub fn with_token(token: &str) -> Self {
        Self { token: Some(token.into()), ..Self::closed() }
    }

    /// Whoever is on this machine may do that without showing anything.
    #[must_use]
    pub fn or_from_here(self, here: Here) -> Self {
        Self { here, ..self }
    }

    /// Users may do what their roles say, and what is done is recorded.
    #[must_use]
    pub fn knowing(self, access: Arc<dyn Access>) -> Self {
        Self { access: Some(access), ..self }
    }

    /// Who did not log in sees nothing.
    #[must_use]
    pub fn without_anonymous(self) -> Self {
        Self { anonymous_reads: false, ..self }
    }

    /// Takes no commands, whoever sends them.
    #[must_use]
    pub fn reading_only(self) -> Self {
        Self { takes_commands: false, ..self }
    }

    /// Believes these when they say for whom they pass a request on.
    #[must_use]
    pub fn behind(self, proxies: impl IntoIterator<Item = IpNet>) -> Self {
        Self { proxies: Proxies::new(proxies), ..self }
    }

    /// Believes these servers when they vouch for their users at this cluster.
    #[must_use]
    pub fn trusting(
        self,
        cluster: (ClusterId, ClusterName),
        servers: impl IntoIterator<Item = TrustedServer>,
    ) -> Self {
        let servers = servers.into_iter().collect();
        let place = Some(cluster.1.clone());
        Self { trust: Some(Trust { cluster, servers }), place, ..self }
    }

    /// What roles for this cluster allow counts here.
    #[must_use]
    pub fn at(self, cluster: ClusterName) -> Self {
        Self { place: Some(cluster), ..self }
    }

    /// The cluster that vouchers are for here.
    pub(crate) fn cluster(&self) -> Option<&(ClusterId, ClusterName)> {
        self.trust.as_ref().map(|it| &it.cluster)
    }

    pub(crate) fn proxies(&self) -> &Proxies {
        &self.proxies
    }

    async fn caller(&self, origin: &Origin, headers: &HeaderMap) -> Result<Caller, Denied> {
        let is_trusted = self.here != Here::Nothing && origin.is_here();
        let shown = headers.get(AUTHORIZATION).and_then(|it| bearer(it.as_bytes()));
        let unknown = if is_trusted { Caller::Local(self.here) } else { Caller::Anonymous };
        // What is for others, such as a proxy that asked for a password, is not for us.
        let Some(shown) = shown else { return Ok(unknown) };
        // In constant time, so that a token can't be guessed byte by byte.
        if self.token.as_ref().is_some_and(|it| bool::from(shown.ct_eq(it.as_bytes()))) {
            return Ok(Caller::Operator);
        }
        if let (Some(access), true) = (&self.access, is_voucher(shown)) {
            let believed = match &self.trust {
                Some(trust) => trust.believe(shown, access.now()),
                None => Err("this server takes no vouchers".to_owned()),
            };
            return believed.map(|it| Caller::User(Box::new(it))).map_err(Denied::Voucher);
        }
        let of_a_user = std::str::from_utf8(shown).ok().filter(|it| it.starts_with(OF_A_USER));
        if let (Some(access), Some(shown)) = (&self.access, of_a_user) {
            let identity = self.known.identify(access.as_ref(), shown).await;
            let identity = identity.map_err(|it| Denied::Unanswered(Box::new(it.into())))?;
            let here = |it: Identity| match &self.place {
                Some(name) => Identity { grants: it.grants.at(name), ..it },
                None => it,
            };
            let caller = identity.map(|it| Caller::User(Box::new(here(it))));
            return caller.ok_or(Denied::Token(EXPIRED));
        }
        match self.knows_nobody() {
            // Who could judge it is asked elsewhere.
            true => Ok(unknown),
            false => Err(Denied::Token("the token is not the one of this server")),
        }
    }

    /// Whose log-in a request shows that is passed on: `None`, it is not one of this server, and whoever
    /// knows it decides.
    pub(crate) async fn own_user(
        &self,
        headers: &HeaderMap,
    ) -> Result<Option<(Identity, Timestamp)>, Error> {
        let Some(access) = &self.access else { return Ok(None) };
        let shown = headers.get(AUTHORIZATION).and_then(|it| bearer(it.as_bytes()));
        let shown = shown.and_then(|it| std::str::from_utf8(it).ok());
        let Some(shown) = shown.filter(|it| it.starts_with(OF_A_USER)) else { return Ok(None) };
        match self.known.identify(access.as_ref(), shown).await? {
            Some(identity) if identity.must_change => Err(Error::MustChange),
            Some(identity) => Ok(Some((identity, access.now()))),
            // It may be good again, and is nobody else's business.
            None if access.has_given(shown).await? => Err(Error::Unauthorized {
                reason: EXPIRED.to_owned(),
                from_here: false,
                has_users: true,
            }),
            None => Ok(None),
        }
    }

    /// Returns when what is shown is no log-in of this server any more, or that of somebody for whom it does not hold.
    pub(crate) async fn own_user_is_gone(
        &self,
        headers: &HeaderMap,
        holds: impl Fn(&Identity) -> bool,
    ) {
        loop {
            tokio::time::sleep(BELIEVED).await;
            match self.own_user(headers).await {
                Ok(Some((identity, _))) if holds(&identity) => {}
                Ok(_) => return,
                // Where nobody can be asked now, it is what it was.
                Err(error) => {
                    if is_refusal(error) {
                        return;
                    }
                }
            }
        }
    }

    /// The user for whom a configuration server vouches that is trusted here.
    pub(crate) fn vouched_for(&self, headers: &HeaderMap) -> Option<UserName> {
        let shown = bearer(headers.get(AUTHORIZATION)?.as_bytes()).filter(|it| is_voucher(it))?;
        let (access, trust) = (self.access.as_ref()?, self.trust.as_ref()?);
        trust.believe(shown, access.now()).ok().map(|it| it.user)
    }

    async fn admit(&self, rule: Rule, parts: &mut Parts) -> (Caller, Result<(), Denied>) {
        let origin = Origin::of(parts);
        let caller = match self.caller(&origin, &parts.headers).await {
            Ok(caller) => caller,
            // What runs is seen while nobody can be asked whose session that is.
            Err(Denied::Unanswered(_)) if self.is_for_everybody(rule) => Caller::Anonymous,
            // Who logs in again may show an old session, and a probe whatever it likes.
            Err(_) if rule.need == Need::Nothing => Caller::Anonymous,
            Err(denied) => return (Caller::Anonymous, Err(denied)),
        };
        let project = project(parts).await;
        let checked = self.check(rule, &caller, project.as_ref());
        (caller, checked)
    }

    fn check(
        &self,
        rule: Rule,
        caller: &Caller,
        project: Option<&ProjectName>,
    ) -> Result<(), Denied> {
        if rule.is_command() && !self.takes_commands {
            return Err(Denied::ReadOnly);
        }
        match (rule.need, caller) {
            (Need::Nothing, _)
            | (Need::Claim(_) | Need::Within(_) | Need::LogIn, Caller::Operator)
            | (Need::LogIn, Caller::User(_) | Caller::Local(_)) => Ok(()),
            (Need::Claim(claim) | Need::Within(claim), Caller::Local(here)) if here.may(claim) => {
                Ok(())
            }
            (Need::Claim(claim), Caller::User(user)) => {
                allowed(user.grants.allows(claim, project), user, claim)
            }
            (Need::Within(claim), Caller::User(user)) => {
                allowed(user.grants.allows_somewhere(claim).is_some(), user, claim)
            }
            (Need::Claim(_) | Need::Within(_), Caller::Anonymous | Caller::Local(_))
                if self.is_for_everybody(rule) =>
            {
                Ok(())
            }
            (Need::Claim(_) | Need::Within(_), Caller::Anonymous | Caller::Local(_))
            | (Need::LogIn, Caller::Anonymous) => match self.knows_nobody() {
                true if rule.is_command() => Err(Denied::ReadOnly),
                true => Err(Denied::Hidden),
                false if self.access.is_some() => Err(Denied::Token(NOBODY)),
                false => Err(Denied::Token(NO_TOKEN)),
            },
        }
    }

    fn is_for_everybody(&self, rule: Rule) -> bool {
        rule.need == Need::Nothing || rule.is_open_read() && self.anonymous_reads
    }

    /// There is nothing that could be shown to it.
    fn knows_nobody(&self) -> bool {
        self.token.is_none() && self.access.is_none()
    }

    fn tell_refused(&self, origin: &Origin, path: &str, reason: &str) {
        if let Some(more) = self.refusals.pass() {
            tracing::warn!(code = "WEIR-07125", peer = %origin, path, more, "a request was refused: {reason}");
        }
    }

    fn refuse(&self, denied: Denied, rule: Rule, origin: &Origin, path: &str) -> Error {
        let reason = denied.reason();
        let from_here = rule.need.claim().is_some_and(|it| self.here.may(it));
        self.tell_refused(origin, path, &reason);
        match denied {
            Denied::ReadOnly => Error::ReadOnly { path: path.into(), from_here },
            Denied::Hidden => Error::Hidden { path: path.into() },
            Denied::Token(reason) => {
                let (reason, has_users) = (reason.to_owned(), self.access.is_some());
                Error::Unauthorized { reason, from_here, has_users }
            }
            Denied::Voucher(detail) => Error::NotLetIn { detail, hint: TRUST.to_owned() },
            Denied::Claim(claim) => Error::Forbidden { claim },
            Denied::MustChange => Error::MustChange,
            Denied::Unanswered(error) => *error,
        }
    }
}

const TRUST: &str = "`weir fleet issuer` prints what the configuration server signs with: put it into \
                     weir.rest-server.trusted-servers of every engine, or log in at the cluster itself";
const NO_TOKEN: &str = "the command needs a token, and shows none";
const NOBODY: &str = "the request needs a log-in or a token, and shows none";
const EXPIRED: &str = "the session or token is not known, has expired or was revoked";

enum Denied {
    ReadOnly,
    /// Nobody is known here, and what this shows is not for everybody.
    Hidden,
    Token(&'static str),
    /// It is not believed who vouches for the user.
    Voucher(String),
    Claim(UserClaim),
    MustChange,
    /// Who that is can't be asked now.
    Unanswered(Box<Error>),
}

impl Denied {
    fn reason(&self) -> String {
        match self {
            Self::ReadOnly => "the server takes no commands".into(),
            Self::Hidden => "it is shown on the server's own machine alone".into(),
            Self::Token(reason) => (*reason).into(),
            Self::Voucher(reason) => reason.clone(),
            Self::Claim(claim) => format!("the claim {claim} is missing"),
            Self::MustChange => "the password must be changed first".into(),
            Self::Unanswered(_) => "who asks is not known now".into(),
        }
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.token.is_some() { "with a token" } else { "closed" })?;
        f.write_str(if self.here == Here::Nothing { "" } else { ", or from here" })
    }
}

fn allowed(is_allowed: bool, user: &Identity, claim: UserClaim) -> Result<(), Denied> {
    match is_allowed {
        true => Ok(()),
        false if user.must_change => Err(Denied::MustChange),
        false => Err(Denied::Claim(claim)),
    }
}

/// The project that the path is about.
async fn project(parts: &mut Parts) -> Option<ProjectName> {
    let parameters = RawPathParams::from_request_parts(parts, &()).await.ok()?;
    let (_, name) = parameters.iter().find(|it| it.0 == PROJECT)?;
    ProjectName::new(name).ok()
}

/// The token in `Bearer …`; the name of the scheme is written as one likes.
pub(crate) fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}
