//! Which version of a workflow runs a replay: the one that it was asked for, or what took its place.
//!
//! Versions have no order of their own: the storage of deployments says which one is to run now. What it
//! says after the replay was written down is no older than that, so a version that is to run now and is
//! not the one that was asked for is a later decision.

use weir_domain::Digest;
use weir_domain::plan::Plan;

/// What tells versions of a workflow apart. How many instances there are does not: a change of that
/// replaces nothing.
pub fn version_of(plan: &Plan) -> Digest {
    let plan = Plan { instances: 0, ..plan.clone() };
    Digest::of(&serde_json::to_vec(&plan).expect("values with text keys become JSON"))
}
