//! The ways to the controllers, put beside the routes of an engine.

use axum::{Extension, Router};
use weir_controllers::audit::Audit;
use weir_controllers::deployments::{DeploymentStorage, Packages};
use weir_controllers::keys::KeyStorage;
use weir_controllers::resources::ResourceCoordinator;
use weir_controllers::scheduler::Scheduler;
use weir_controllers::users::UserStorage;
use weir_domain::Timestamp;
use weir_runtime::System;

/// Cheap to clone.
#[derive(Clone)]
pub struct Storages {
    pub keys: KeyStorage,
    pub users: UserStorage,
    pub audit: Audit,
    pub deployments: DeploymentStorage,
    pub packages: Packages,
    pub scheduler: Scheduler,
    pub resources: ResourceCoordinator,
    pub system: System,
}

pub(crate) type Stored = Extension<Storages>;

impl Storages {
    /// The engine's routes with what those about these ask.
    pub fn beside(self, router: Router) -> Router {
        router.layer(Extension(self))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.system.now()
    }
}
