//! Where operations are kept, so that a server that begins anew knows what it did.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use weir_domain::{CommandId, Fault};
use weir_http_api::OperationView;

/// Keeps operations. What was saved is there after the next start, whatever ended the server.
#[async_trait]
pub trait OperationStore: Send + Sync + 'static {
    /// In any order. What can't be read is told in the log, and left out.
    async fn all(&self) -> Result<Vec<OperationView>, Fault>;
    /// A new one, or what became of one that is kept.
    async fn save(&self, operation: OperationView) -> Result<(), Fault>;
    /// Forgets one, if it is there.
    async fn forget(&self, id: CommandId) -> Result<(), Fault>;
}

/// Keeps them as long as the process lives.
#[derive(Debug, Default)]
pub struct InMemory(Mutex<BTreeMap<CommandId, OperationView>>);

#[async_trait]
impl OperationStore for InMemory {
    async fn all(&self) -> Result<Vec<OperationView>, Fault> {
        Ok(self.kept().values().cloned().collect())
    }

    async fn save(&self, operation: OperationView) -> Result<(), Fault> {
        self.kept().insert(operation.id, operation);
        Ok(())
    }

    async fn forget(&self, id: CommandId) -> Result<(), Fault> {
        self.kept().remove(&id);
        Ok(())
    }
}

impl InMemory {
    fn kept(&self) -> std::sync::MutexGuard<'_, BTreeMap<CommandId, OperationView>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
