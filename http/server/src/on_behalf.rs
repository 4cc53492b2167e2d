//! In whose name an operation asks a cluster.
//!
//! As where requests are passed on (`forward`): a user of this server is vouched for, and what the user
//! showed stays here; what this server does not know is shown as it is, for the cluster to judge. An
//! operation lives longer than a voucher: each of its requests gets a new one, so that whoever logged out or
//! was disabled meanwhile is vouched for no more.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use weir_domain::ClusterName;
use weir_http_api::{Concealed, ProblemKind};
use weir_http_client::{self as client, Client};

use crate::Guard;
use crate::error::Error;
use crate::fleet::{Fleet, Known};
use crate::forward::PassedOn;
use crate::guard::bearer;
use crate::operations::Ended;
use crate::voucher::LIFE;

/// Who began an operation, as clusters are told. It is kept in memory as long as the operation runs.
#[derive(Clone)]
pub struct OnBehalf {
    fleet: Fleet,
    guard: Option<Guard>,
    /// What was shown here, and nothing else.
    shown: HeaderMap,
    /// It is the log-in of a user of this server.
    is_own: bool,
}

/// A cluster that answered, for one sender.
#[derive(Clone)]
pub struct AtCluster {
    sender: OnBehalf,
    cluster: Arc<Known>,
}

impl OnBehalf {
    /// The cluster of that name, of which an engine answers; without a name, the default one.
    pub async fn at(&self, name: Option<&ClusterName>) -> Result<AtCluster, Ended> {
        let cluster = match name {
            Some(name) => self.fleet.find(name).await?,
            None => self.fleet.default_cluster(),
        };
        self.fleet.reach(&cluster).await?;
        Ok(AtCluster { sender: self.clone(), cluster })
    }

    /// What this server says for its user. `None`: the cluster is shown what was shown here.
    async fn voucher(&self, cluster: &Known) -> Result<Option<Concealed>, Error> {
        let Some(guard) = &self.guard else { return Ok(None) };
        let (identity, now) = match guard.own_user(&self.shown).await? {
            Some(user) => user,
            // However long ago it ended, it is nobody else's business.
            None if self.is_own => {
                let reason = "the session or token has ended".to_owned();
                return Err(Error::Unauthorized { reason, from_here: false, has_users: true });
            }
            None => return Ok(None),
        };
        let voucher = self.fleet.voucher(cluster, &identity, (now, LIFE)).await?;
        Ok(voucher.map(Concealed::new))
    }

    fn shown(&self) -> Option<Concealed> {
        let shown = self.shown.get(AUTHORIZATION).and_then(|it| bearer(it.as_bytes()));
        shown.and_then(|it| std::str::from_utf8(it).ok()).map(Concealed::new)
    }
}

impl AtCluster {
    /// For the next request, and for no later one: another engine may be the one that answers then.
    pub async fn client(&self) -> Result<Client, client::Error> {
        let voucher = self.sender.voucher(&self.cluster).await;
        let voucher = voucher.map_err(|it| client::Error::Problem(Box::new(it.problem())))?;
        let engine = self.cluster.engines.preferred().clone();
        Ok(engine.with_token(voucher.or_else(|| self.sender.shown())))
    }

    /// Finds another engine where the one that was asked does not answer.
    pub async fn look(&self) {
        // Who finds none is told so by the next request.
        let _ = self.sender.fleet.reach(&self.cluster).await;
    }

    /// Why a request had no result. A cluster that does not believe this server says nothing about the user's
    /// log-in here: it is told apart.
    pub fn told(&self, error: client::Error) -> client::Error {
        let is_vouched = self.sender.is_own && self.sender.fleet.vouches_at(&self.cluster);
        match error {
            client::Error::Problem(it) if is_vouched && it.is(ProblemKind::Unauthorized) => {
                client::Error::Problem(Box::new(Error::unbelieved(&self.cluster.name).problem()))
            }
            error => error,
        }
    }
}

/// Who sends a request that begins an operation. Who is elsewhere must show something: the cluster would
/// take the request for one of this server's machine.
pub(crate) struct Sender(pub(crate) OnBehalf);

impl<S: Send + Sync> FromRequestParts<S> for Sender {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        PassedOn::from_request_parts(parts, state).await?;
        let shown = parts.headers.get(AUTHORIZATION).map(|it| (AUTHORIZATION, it.clone()));
        let shown: HeaderMap = shown.into_iter().collect();
        let fleet = parts.extensions.get::<Fleet>().cloned().expect("the router puts it there");
        let guard = parts.extensions.get::<Guard>().cloned();
        let is_own = match &guard {
            Some(guard) => guard.own_user(&shown).await?.is_some(),
            None => false,
        };
        Ok(Self(OnBehalf { fleet, guard, shown, is_own }))
    }
}
