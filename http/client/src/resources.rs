//! Resources that are held exclusively.

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
        token: Option<&str>,
    ) -> Result<ResourcesRevoked, Error> {
        let request = self.http.post(self.url(&["resources:revoke"]));
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => self.authorized(request),
        };
        self.decoded(request.json(command)).await
    }
}
