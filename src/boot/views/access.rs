//! Who users are, and where it is written down what they do.

use async_trait::async_trait;
use weir_controllers::users::{Failure, Identity, Rejection};
use weir_domain::{AuditAction, CommandId, Fault, Timestamp};
use weir_http_server::{Access, People, Refusal};
use weir_runtime::Tasks;
use weir_secrets::Bearer;

/// The users and the audit of a server, asked by its guard.
pub(in crate::boot) struct Asked(pub(in crate::boot) People);

#[async_trait]
impl Access for Asked {
    async fn identify(&self, shown: &str) -> Result<Option<Identity>, Refusal> {
        match self.0.users.identify(shown).await {
            Ok(identity) => Ok(Some(identity)),
            Err(Failure::Rejected(Rejection::NotAuthenticated)) => Ok(None),
            Err(Failure::Proxy(error)) => Err(super::refused(&error)),
            Err(other) => Err(super::unavailable(&other).into()),
        }
    }

    async fn has_given(&self, shown: &str) -> Result<bool, Refusal> {
        let Ok(bearer) = shown.parse::<Bearer>() else { return Ok(false) };
        match self.0.users.is_given(bearer.id).await {
            Ok(is_given) => Ok(is_given),
            Err(Failure::Proxy(error)) => Err(super::refused(&error)),
            Err(other) => Err(super::unavailable(&other).into()),
        }
    }

    async fn record(&self, action: AuditAction) -> Result<(), Fault> {
        let recorded = self.0.audit.record(action).await;
        recorded.map(drop).map_err(|it| super::unavailable(&it))
    }

    fn now(&self) -> Timestamp {
        self.0.system.now()
    }

    fn request(&self) -> CommandId {
        self.0.system.ids().command()
    }

    fn tasks(&self) -> &Tasks {
        self.0.system.tasks()
    }
}
