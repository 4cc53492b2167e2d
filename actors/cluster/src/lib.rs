//! The cluster: members, leases, singletons.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod admission;
mod cluster;
pub mod code;
mod details;
mod discovery;
mod error;
mod event;
pub mod liveness;
pub mod membership;
mod mesh;
pub mod reach;
pub mod resolver;
mod service;
mod settings;
pub mod singleton;
mod view;
pub mod watermark;

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use admission::{Admission, NotAdmitted};
pub use cluster::{Claim, Cluster};
pub use details::Details;
pub use error::{Error, OrderError};
pub use event::ClusterEvent;
pub use mesh::{LinkMesh, Mesh, MeshLink, MeshState, News, Note, Refusal};
pub use service::{Control, Instance, Nothing, RequestContext, Service, Singleton, Unavailable};
pub use settings::{ClusterSettings, Describe};
pub use singleton::{
    Facts, LeaseStatus, Owner, Owners, Proxy, ProxyError, ReceiverEpochs, SingletonEvent,
    SingletonSettings, Singletons,
};
pub use view::View;
