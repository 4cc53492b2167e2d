//! Which version of a workflow runs a replay: the one that it was asked for, or what took its place.
//!
//! Versions have no order of their own: the storage of deployments says which ones are to run now. What it
//! says after the replay was written down is no older than that, so where the version that was asked for is
//! to run nowhere any more, and this one is, that is a later decision. While both are to run, as with a
//! canary, this one took nobody's place.

use weir_domain::Digest;
use weir_domain::plan::Plan;

/// What tells versions of a workflow apart. How many instances there are does not: a change of that
/// replaces nothing.
pub fn version_of(plan: &Plan) -> Digest {
    let plan = Plan { instances: 0, ..plan.clone() };
    Digest::of(&serde_json::to_vec(&plan).expect("values with text keys become JSON"))
}

/// Whether this version may run what was asked for another one, where these are to run now.
pub(super) fn may_run(this: Digest, asked_for: Digest, wanted: &[Digest]) -> bool {
    !wanted.contains(&asked_for) && wanted.contains(&this)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_runs_anothers_replay_when_that_one_runs_nowhere_any_more() {
        let [this, asked_for, third] =
            ["this", "asked for", "third"].map(|it| Digest::of(it.as_bytes()));
        let may = |wanted: &[Digest]| may_run(this, asked_for, wanted);
        assert!(may(&[this]) && may(&[third, this]));
        // A canary beside it, of either side.
        assert!(!may(&[asked_for, this]) && !may(&[this, asked_for]));
        // On its way out, or nothing is deployed.
        assert!(!may(&[third]) && !may(&[]));
    }
}
