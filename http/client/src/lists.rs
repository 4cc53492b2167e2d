//! Parts of lists: pages, in an order, of what is wanted.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use weir_http_api::{
    AssetSummary, BranchView, FleetClusterView, KeyView, KnownHostView, ListQuery, Page,
    ProjectSummary, RemoteView, RoleView, SessionView, TokenView, TrustedCertificateView, UserView,
};

use crate::{Client, Error};

/// A list of a server, by what its elements are.
pub struct List<T> {
    path: Vec<String>,
    of: PhantomData<fn() -> T>,
}

impl<T> List<T> {
    fn at(path: &[&str]) -> Self {
        Self { path: path.iter().map(|it| (*it).to_owned()).collect(), of: PhantomData }
    }
}

impl List<UserView> {
    pub fn users() -> Self {
        Self::at(&["users"])
    }
}

impl List<RoleView> {
    pub fn roles() -> Self {
        Self::at(&["roles"])
    }
}

impl List<TokenView> {
    pub fn tokens() -> Self {
        Self::at(&["tokens"])
    }

    pub fn my_tokens() -> Self {
        Self::at(&["me", "tokens"])
    }
}

impl List<SessionView> {
    pub fn sessions() -> Self {
        Self::at(&["sessions"])
    }
}

impl List<FleetClusterView> {
    pub fn clusters() -> Self {
        Self::at(&["clusters"])
    }
}

impl List<KeyView> {
    pub fn keys() -> Self {
        Self::at(&["keys"])
    }
}

impl List<TrustedCertificateView> {
    pub fn certificates() -> Self {
        Self::at(&["certificates"])
    }
}

impl List<KnownHostView> {
    pub fn known_hosts() -> Self {
        Self::at(&["known-hosts"])
    }
}

impl List<ProjectSummary> {
    pub fn projects() -> Self {
        Self::at(&["projects"])
    }
}

impl List<AssetSummary> {
    pub fn assets(project: &str) -> Self {
        Self::at(&["projects", project, "assets"])
    }
}

impl List<BranchView> {
    pub fn branches(project: &str) -> Self {
        Self::at(&["projects", project, "branches"])
    }
}

impl List<RemoteView> {
    pub fn remotes(project: &str) -> Self {
        Self::at(&["projects", project, "remotes"])
    }
}

impl Client {
    /// One page of a list.
    pub async fn page<T: DeserializeOwned>(
        &self,
        list: &List<T>,
        query: &ListQuery,
    ) -> Result<Page<T>, Error> {
        let path: Vec<_> = list.path.iter().map(String::as_str).collect();
        self.get_with(&path, query).await
    }
}
