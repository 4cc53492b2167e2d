//! The ways to keys, users, the audit and resources, put beside the routes of an engine.

use axum::{Extension, Router};
use weir_controllers::audit::Audit;
use weir_controllers::keys::KeyStorage;
use weir_controllers::resources::ResourceCoordinator;
use weir_controllers::users::UserStorage;
use weir_domain::Timestamp;
use weir_runtime::System;

/// Cheap to clone.
#[derive(Clone)]
pub struct Storages {
    pub keys: KeyStorage,
    pub users: UserStorage,
    pub audit: Audit,
    pub resources: ResourceCoordinator,
    pub system: System,
}

pub(crate) type Stored = Extension<Storages>;

impl Storages {
    /// The engine's routes with what those about keys, users and the audit ask.
    pub fn beside(self, router: Router) -> Router {
        router.layer(Extension(self))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.system.now()
    }
}
