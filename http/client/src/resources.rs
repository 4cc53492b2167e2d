//! Resources that are held exclusively.

use reqwest::Method;
use weir_http_api::{Page, ResourceGroupView, ResourcesRevoke, ResourcesRevoked};

use crate::{Client, Error};

impl Client {
    pub async fn resources(&self) -> Result<Page<ResourceGroupView>, Error> {
        self.get(&["resources"]).await
    }

    /// Takes resources from their holders.
    pub async fn resources_revoke(
        &self,
        command: &ResourcesRevoke,
    ) -> Result<ResourcesRevoked, Error> {
        self.decoded(self.command(Method::POST, &["resources:revoke"]).json(command)).await
    }
}
