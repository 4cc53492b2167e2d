//! Sources, their items, and sweeps over them.

use serde::Serialize;
use weir_domain::SweepId;
use weir_http_api::{
    ItemView, ItemsClear, ItemsQuery, ItemsReset, Page, SourceView, SourcesQuery, SweepView,
};

use crate::{Client, Error};

impl Client {
    /// One page of items.
    pub async fn items(&self, query: &ItemsQuery) -> Result<Page<ItemView>, Error> {
        self.get_with(&["items"], query).await
    }

    /// One page of sources, by name.
    pub async fn sources(&self, query: &SourcesQuery) -> Result<Page<SourceView>, Error> {
        self.get_with(&["sources"], query).await
    }

    /// Forgets what was processed, so that it is processed again. From another machine than the
    /// server's it needs the engine's token. Asked for again with the same key, it is done once.
    pub async fn items_reset(
        &self,
        command: &ItemsReset,
        key: Option<SweepId>,
        token: Option<&str>,
    ) -> Result<SweepView, Error> {
        self.swept("items:reset", command, key, token).await
    }

    /// Gives or denies clearance, on the same terms.
    pub async fn items_clear(
        &self,
        command: &ItemsClear,
        key: Option<SweepId>,
        token: Option<&str>,
    ) -> Result<SweepView, Error> {
        self.swept("items:clear", command, key, token).await
    }

    /// How far a sweep came.
    pub async fn sweep(&self, id: SweepId) -> Result<SweepView, Error> {
        self.get(&["sweeps", &id.to_string()]).await
    }

    async fn swept(
        &self,
        action: &str,
        command: &impl Serialize,
        key: Option<SweepId>,
        token: Option<&str>,
    ) -> Result<SweepView, Error> {
        let request = self.http.post(self.url(&[action])).json(command);
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => self.authorized(request),
        };
        let request = match key {
            Some(key) => request.header("idempotency-key", key.to_string()),
            None => request,
        };
        self.decoded(request).await
    }
}
