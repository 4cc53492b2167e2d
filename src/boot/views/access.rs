//! Who users are, and where it is written down what they do.

use async_trait::async_trait;
use weir_controllers::users::{Failure, Identity, Rejection};
use weir_domain::{AuditAction, CommandId, Fault, Timestamp};
use weir_http_server::{Access, Refusal};
use weir_runtime::Tasks;

use crate::boot::engine::Engine;

#[async_trait]
impl Access for Engine {
    async fn identify(&self, shown: &str) -> Result<Option<Identity>, Refusal> {
        match self.storages.users.identify(shown).await {
            Ok(identity) => Ok(Some(identity)),
            Err(Failure::Rejected(Rejection::NotAuthenticated)) => Ok(None),
            Err(Failure::Proxy(error)) => Err(super::refused(&error)),
            Err(other) => Err(super::unavailable(&other).into()),
        }
    }

    async fn record(&self, action: AuditAction) -> Result<(), Fault> {
        let recorded = self.storages.audit.record(action).await;
        recorded.map(drop).map_err(|it| super::unavailable(&it))
    }

    fn now(&self) -> Timestamp {
        self.system.now()
    }

    fn request(&self) -> CommandId {
        self.system.ids().command()
    }

    fn tasks(&self) -> &Tasks {
        self.system.tasks()
    }
}
