//! Sources, their items, and sweeps over them.

use reqwest::Method;
use weir_domain::SweepId;
use weir_http_api::{
    ItemHappening, ItemHistoryQuery, ItemView, ItemsClear, ItemsQuery, ItemsReset, Page,
    SourceView, SourcesQuery, SweepView,
};

use crate::{Client, Error};

impl Client {
    /// One page of items.
    pub async fn items(&self, query: &ItemsQuery) -> Result<Page<ItemView>, Error> {
        self.get_with(&["items"], query).await
    }

    /// What happened to one item, newest first.
    pub async fn item_history(
        &self,
        query: &ItemHistoryQuery,
    ) -> Result<Page<ItemHappening>, Error> {
        self.get_with(&["items:history"], query).await
    }

    /// One page of sources, by name.
    pub async fn sources(&self, query: &SourcesQuery) -> Result<Page<SourceView>, Error> {
        self.get_with(&["sources"], query).await
    }

    /// Forgets what was processed, so that it is processed again. From another machine than the
    /// server's it needs the engine's token. Asked for again with the same key, it is done once.
    pub async fn items_reset(&self, command: &ItemsReset) -> Result<SweepView, Error> {
        self.decoded(self.command(Method::POST, &["items:reset"]).json(command)).await
    }

    /// Gives or denies clearance, on the same terms.
    pub async fn items_clear(&self, command: &ItemsClear) -> Result<SweepView, Error> {
        self.decoded(self.command(Method::POST, &["items:clear"]).json(command)).await
    }

    /// How far a sweep came.
    pub async fn sweep(&self, id: SweepId) -> Result<SweepView, Error> {
        self.get(&["sweeps", &id.to_string()]).await
    }
}
