//! Operations of a configuration server.

use reqwest::Method;
use weir_domain::CommandId;
use weir_http_api::{OperationView, OperationsQuery, Page};

use crate::{Client, Error};

impl Client {
    /// One page of operations, newest first.
    pub async fn operations(&self, query: &OperationsQuery) -> Result<Page<OperationView>, Error> {
        self.get_with(&["operations"], query).await
    }

    pub async fn operation(&self, id: CommandId) -> Result<OperationView, Error> {
        self.get(&["operations", &id.to_string()]).await
    }

    /// Asks an operation to end.
    pub async fn operation_cancel(&self, id: CommandId) -> Result<OperationView, Error> {
        let path = ["operations", &id.to_string(), "cancel"];
        self.decoded(self.command(Method::POST, &path)).await
    }
}
