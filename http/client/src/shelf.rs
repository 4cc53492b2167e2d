//! Assets that one project takes from another one.

use reqwest::Method;
use weir_http_api::{AssetCopy, AssetTake, AssetTaken, Page};

use crate::{Client, Error};

impl Client {
    pub async fn asset_take(&self, project: &str, take: &AssetTake) -> Result<AssetTaken, Error> {
        self.decoded(self.command(Method::POST, &["projects", project, "takes"]).json(take)).await
    }

    /// Where other projects have an asset of its kind and name.
    pub async fn asset_copies(&self, project: &str, path: &str) -> Result<Page<AssetCopy>, Error> {
        self.get(&["projects", project, "assets", path, "copies"]).await
    }
}
