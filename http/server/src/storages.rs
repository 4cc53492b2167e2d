//! The ways to the controllers, put beside the routes of an engine.

use axum::{Extension, Router};
use weir_controllers::alarms::AlarmCentre;
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
    pub alarms: AlarmCentre,
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

/// Users, and where it is written down what they do: an engine has them and a configuration server.
/// Cheap to clone.
#[derive(Clone)]
pub struct People {
    pub users: UserStorage,
    pub audit: Audit,
    pub system: System,
}

pub(crate) type Known = Extension<People>;

impl People {
    /// A server's routes with what those about users and the audit ask.
    pub fn beside(self, router: Router) -> Router {
        router.layer(Extension(self))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.system.now()
    }
}

impl Storages {
    /// The engine's routes with what those about these ask.
    pub fn beside(self, router: Router) -> Router {
        self.people().beside(router).layer(Extension(self))
    }

    /// What a server needs of them that has users and nothing else of an engine.
    pub fn people(&self) -> People {
        let Self { users, audit, system, .. } = self.clone();
        People { users, audit, system }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.system.now()
    }
}
