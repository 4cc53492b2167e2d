//! What a canary has processed on this node, since it runs here.

use weir_controllers::deployments::storage::CanaryCounts;
use weir_controllers::deployments::{DeploymentStorage, Target};
use weir_domain::{DeploymentTag, Fault, Timestamp, Workflow};

use super::{Activation, unanswered};

/// What had been processed when the canary began to run here: workflows that it has in common with
/// what ran before go on, and count on.
#[derive(Debug, Default)]
pub(super) struct Baseline {
    of: Option<(DeploymentTag, Timestamp)>,
    totals: Totals,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Totals {
    records: u64,
    errors: u64,
}

impl Totals {
    /// Of a stream that was rolled back it is known that one record at least was wrong.
    fn of(workflows: &[Workflow]) -> Self {
        let records = workflows.iter().map(|it| it.counts.records_in + it.rolled_back).sum();
        let errors = |it: &Workflow| it.counts.dead_letters + it.counts.ignored + it.rolled_back;
        Self { records, errors: workflows.iter().map(errors).sum() }
    }
}

impl Baseline {
    fn since(&mut self, of: (DeploymentTag, Timestamp), totals: Totals) -> Totals {
        if self.of.as_ref() != Some(&of) {
            (self.of, self.totals) = (Some(of), totals);
        }
        Totals {
            records: totals.records.saturating_sub(self.totals.records),
            errors: totals.errors.saturating_sub(self.totals.errors),
        }
    }
}

impl Activation {
    /// Tells what the canary has processed here, if one runs here.
    pub(super) async fn count(
        &self,
        storage: &DeploymentStorage,
        target: &Target,
    ) -> Result<(), Fault> {
        let Some(started_at) = target.canary_since else { return Ok(()) };
        if self.goal().package.digest() != target.wanted.digest {
            return Ok(());
        }
        let names: Vec<_> = self.goal().package.workflows().map(|it| it.name().clone()).collect();
        let workflows: Vec<_> = names.iter().filter_map(|it| self.workflow(it)).collect();
        let tag = target.wanted.tag.clone();
        let totals = Totals::of(&workflows);
        let Totals { records, errors } =
            self.goal().canary.since((tag.clone(), started_at), totals);
        let counts = CanaryCounts { tag, started_at, records, errors };
        let system = &self.0.parts.services.system;
        let told = storage.canary_counts(system.incarnation(), counts, system.now()).await;
        told.map_err(|it| unanswered(&it))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ran_before_the_canary_does_not_count() {
        let mut baseline = Baseline::default();
        let of = |tag: &str| (DeploymentTag::new(tag).unwrap(), Timestamp(1));
        let totals = |records, errors| Totals { records, errors };
        assert_eq!(baseline.since(of("a"), totals(100, 9)), totals(0, 0));
        assert_eq!(baseline.since(of("a"), totals(150, 10)), totals(50, 1));
        assert_eq!(baseline.since(of("b"), totals(200, 10)), totals(0, 0));
    }
}
