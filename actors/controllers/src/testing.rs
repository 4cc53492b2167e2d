//! What the tests of several controllers begin with.

use std::sync::Arc;

use weir_domain::{Clock, NodeName};
use weir_runtime::{IdSource, PhaseTimeouts, System, SystemSettings};

/// The system of a node that is alone.
pub(crate) fn system(clock: Arc<dyn Clock>) -> System {
    System::new(SystemSettings {
        node: NodeName::new("node-1").unwrap(),
        ids: IdSource::seeded(clock.clone(), 1),
        clock,
        shutdown: PhaseTimeouts::default(),
    })
}
