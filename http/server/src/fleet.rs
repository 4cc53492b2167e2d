//! The clusters that a configuration server knows: where each is reached, which one it is, and what its
//! engines are shown in place of a user's log-in.
//!
//! - L1: a request goes to the cluster that it names, and one that names none to the default one.
//! - L2: an engine is shown a voucher for its own cluster, and never a log-in at this server; but in the one
//!   process of `weir dev`, where both know the same users.
//! - L3: nothing is vouched for at a cluster that is not the one that was met at its addresses, nor at one
//!   of two that say that they are the same.

mod probe;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use weir_controllers::fleet::{self, Entry};
use weir_controllers::users::Identity;
use weir_domain::{ClusterId, ClusterName, Millis, Timestamp};
use weir_http_api::{FleetClusterView, FleetEntryView, FleetStandingView, VersionView};
use weir_http_client::{Authority, Client};

use crate::Engines;
use crate::error::Error;
use crate::voucher::Issuer;

/// What a cluster is called that only the configuration names.
const DEFAULT: &str = "default";

/// Cheap to clone.
#[derive(Clone)]
pub struct Fleet(Arc<Inner>);

struct Inner {
    configured: Arc<Known>,
    listed: RwLock<BTreeMap<ClusterName, Arc<Known>>>,
    /// Readings of the list that began, and the last one that was taken: an older one must not take the place
    /// of a newer one.
    readings: AtomicU64,
    taken: AtomicU64,
    /// Where the list is kept. `None`: there is no other cluster than that of the configuration.
    list: Option<fleet::Fleet>,
    /// `None`: what the caller shows is shown to every cluster.
    issuer: Option<Issuer>,
    /// Who signed the certificates of engines.
    authority: Authority,
}

/// A cluster that is known here.
pub(crate) struct Known {
    pub(crate) name: ClusterName,
    pub(crate) engines: Engines,
    /// `None`: it is that of the configuration.
    entry: Option<Entry>,
    /// Its users are those of this server.
    shares_users: bool,
    met: Mutex<Option<ClusterId>>,
    standing: Mutex<Option<FleetStandingView>>,
}

impl Known {
    fn configured(engines: Engines, shares_users: bool) -> Self {
        let name = ClusterName::new(DEFAULT).expect("the name is valid");
        Self {
            name,
            engines,
            entry: None,
            shares_users,
            met: Mutex::default(),
            standing: Mutex::default(),
        }
    }

    /// `None`: an address that this version can't use.
    fn listed(
        entry: Entry,
        standing: Option<FleetStandingView>,
        authority: &Authority,
    ) -> Option<Self> {
        let clients = entry.about.urls.iter().map(|it| Client::trusting(it, authority).ok());
        let mut clients = clients.collect::<Option<Vec<_>>>()?;
        let engines = Engines::new(clients.remove(0), clients);
        Some(Self {
            name: entry.name.clone(),
            engines,
            met: Mutex::new(entry.id),
            shares_users: false,
            entry: Some(entry),
            standing: Mutex::new(standing),
        })
    }

    pub(crate) fn id(&self) -> Option<ClusterId> {
        *self.met.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn standing(&self) -> Option<FleetStandingView> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn view(&self) -> FleetClusterView {
        let entry = self.entry.as_ref();
        FleetClusterView {
            name: self.name.clone(),
            urls: self.engines.urls(),
            note: entry.map_or_else(String::new, |it| it.about.note.clone()),
            is_default: entry.is_none(),
            entry: entry.map(|it| FleetEntryView {
                revision: it.revision,
                changed_at: it.changed.at,
                changed_by: it.changed.user.clone(),
            }),
            id: self.id(),
            standing: self.standing(),
        }
    }
}

impl Fleet {
    /// A server with a list of clusters beside that of its configuration, who vouches for its users.
    pub fn new(
        configured: Engines,
        list: fleet::Fleet,
        issuer: Issuer,
        authority: Authority,
    ) -> Self {
        Self::of(Known::configured(configured, false), Some(list), Some(issuer), authority)
    }

    /// As `new`, where the engine of the configuration knows the same users.
    pub fn with_own_engine(
        own: Engines,
        list: fleet::Fleet,
        issuer: Issuer,
        authority: Authority,
    ) -> Self {
        Self::of(Known::configured(own, true), Some(list), Some(issuer), authority)
    }

    fn of(
        configured: Known,
        list: Option<fleet::Fleet>,
        issuer: Option<Issuer>,
        authority: Authority,
    ) -> Self {
        let (configured, listed) = (Arc::new(configured), RwLock::default());
        let (readings, taken) = (AtomicU64::default(), AtomicU64::default());
        Self(Arc::new(Inner { configured, listed, readings, taken, list, issuer, authority }))
    }

    pub(crate) fn list(&self) -> Option<&fleet::Fleet> {
        self.0.list.as_ref()
    }

    pub(crate) fn issuer(&self) -> Option<&Issuer> {
        self.0.issuer.as_ref()
    }

    pub(crate) fn default_cluster(&self) -> Arc<Known> {
        self.0.configured.clone()
    }

    /// All of them, the default one first.
    pub(crate) fn all(&self) -> Vec<Arc<Known>> {
        let listed = self.0.listed.read().unwrap_or_else(PoisonError::into_inner);
        std::iter::once(self.default_cluster()).chain(listed.values().cloned()).collect()
    }

    pub(crate) async fn find(&self, name: &ClusterName) -> Result<Arc<Known>, Error> {
        if let Some(known) = self.all().into_iter().find(|it| it.name == *name) {
            return Ok(known);
        }
        // It may have been added at another server.
        self.refresh().await?;
        let all = self.all();
        let found = all.iter().find(|it| it.name == *name).cloned();
        found
            .ok_or_else(|| Error::not_found("cluster", name, all.iter().map(|it| it.name.as_str())))
    }

    /// Reads the list anew. What is as it was keeps what was learned of it.
    pub(crate) async fn refresh(&self) -> Result<(), Error> {
        let Some(list) = &self.0.list else { return Ok(()) };
        let reading = self.0.readings.fetch_add(1, Ordering::AcqRel) + 1;
        let entries = list.list().await?;
        let mut listed = self.0.listed.write().unwrap_or_else(PoisonError::into_inner);
        if self.0.taken.fetch_max(reading, Ordering::AcqRel) > reading {
            return Ok(());
        }
        let mut former = std::mem::take(&mut *listed);
        for entry in entries {
            let known = former.remove(&entry.name);
            let name = entry.name.clone();
            if let Some(known) = known.as_ref().filter(|it| it.entry.as_ref() == Some(&entry)) {
                listed.insert(name, known.clone());
                continue;
            }
            let known = known.filter(|it| it.engines.urls() == entry.about.urls);
            let standing = known.and_then(|it| it.standing());
            if let Some(fresh) = Known::listed(entry, standing, &self.0.authority) {
                listed.insert(name, Arc::new(fresh));
            }
        }
        Ok(())
    }

    /// Whether engines of the cluster are shown this server's word instead of what its users show.
    pub(crate) fn vouches_at(&self, cluster: &Known) -> bool {
        self.0.issuer.is_some() && !cluster.shares_users
    }

    /// What an engine of the cluster is shown for this user; `None`: what the user showed.
    pub(crate) async fn voucher(
        &self,
        cluster: &Known,
        identity: &Identity,
        (now, life): (Timestamp, Millis),
    ) -> Result<Option<String>, Error> {
        let Some(issuer) = self.0.issuer.as_ref().filter(|_| !cluster.shares_users) else {
            return Ok(None);
        };
        let id = match (cluster.id(), cluster.standing()) {
            // It answered as that one when it was looked at last.
            (Some(id), Some(found)) if found.cause.is_none() => id,
            _ => self.meet(cluster, &self.greet(cluster).await?).await?,
        };
        let voucher = issuer.vouch(identity, (id, &cluster.name), (now, life));
        voucher.map(Some).ok_or_else(|| Error::Conflict {
            detail: format!("what {} may do is too long to be told a cluster", identity.user),
            hint: Some("give the user fewer roles, or roles for fewer projects".to_owned()),
        })
    }

    /// Finds an engine of the cluster that answers, which is preferred then.
    pub(crate) async fn reach(&self, cluster: &Known) -> Result<(), Error> {
        self.greet(cluster).await.map(drop)
    }

    /// Asks which cluster is there, one engine after the other.
    async fn greet(&self, cluster: &Known) -> Result<VersionView, Error> {
        let mut silent = None;
        for (number, engine) in cluster.engines.in_turn() {
            let asked = tokio::time::timeout(cluster.engines.turn(), engine.version()).await;
            match asked {
                Ok(Ok(version)) => {
                    cluster.engines.answered(number);
                    return Ok(version);
                }
                Ok(Err(cause)) => silent = silent.or(Some(cause)),
                Err(_) => {
                    let url = engine.base().to_owned();
                    let cause = "it is silent".to_owned();
                    silent = silent.or(Some(weir_http_client::Error::Unreachable { url, cause }));
                }
            }
        }
        let cause = silent.expect("there is at least one engine, and none answered");
        Err(Error::Forward { path: String::new(), cause })
    }

    /// Refuses the id of a cluster that is known under another name.
    pub(crate) fn is_nobody_else(&self, name: &ClusterName, id: ClusterId) -> Result<(), Error> {
        let same = self.all().into_iter().find(|it| it.name != *name && it.id() == Some(id));
        same.map_or(Ok(()), |same| {
            Err(Error::NotVouched {
                detail: format!(
                    "the addresses of {name} lead to the cluster {}, or to one that claims to be it",
                    same.name
                ),
            })
        })
    }

    /// Takes note of which cluster answered, and refuses one that is not what it was (L3).
    async fn meet(&self, cluster: &Known, version: &VersionView) -> Result<ClusterId, Error> {
        let Some(id) = version.cluster.as_ref().map(|it| it.id) else {
            return Err(Error::NotVouched {
                detail: format!(
                    "the cluster {} does not say which one it is: its version {} takes no word of a \
                     configuration server",
                    cluster.name, version.version
                ),
            });
        };
        if cluster.id() == Some(id) {
            return Ok(id);
        }
        self.is_nobody_else(&cluster.name, id)?;
        match (&cluster.entry, &self.0.list, cluster.id()) {
            (Some(_), Some(_), Some(known)) => {
                let name = &cluster.name;
                return Err(Error::NotVouched {
                    detail: format!(
                        "the addresses of {name} lead to another cluster than before: {id} answers, and {known} \
                         is meant; if that has changed, remove {name} from the list and add it again"
                    ),
                });
            }
            (Some(entry), Some(list), None) => list.meet(entry.name.clone(), id).await?,
            (_, _, Some(_)) => {
                return Err(Error::NotVouched {
                    detail: format!(
                        "the addresses of {} lead to another cluster than before: if that is meant, \
                         start this server anew",
                        cluster.name
                    ),
                });
            }
            (_, _, None) => {}
        }
        *cluster.met.lock().unwrap_or_else(PoisonError::into_inner) = Some(id);
        Ok(id)
    }
}

impl From<Engines> for Fleet {
    fn from(only: Engines) -> Self {
        Self::of(Known::configured(only, true), None, None, Authority::default())
    }
}

impl From<Client> for Fleet {
    fn from(only: Client) -> Self {
        Engines::from(only).into()
    }
}
