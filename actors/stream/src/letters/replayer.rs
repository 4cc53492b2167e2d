//! An instance's second work: replays of its workflow's dead letters, one after the other.

use std::sync::Arc;
use std::time::Duration;

use weir_domain::plan::Role;
use weir_domain::{Fault, SourceName, StageId};

use super::UNFIT;
use super::book::{Part, Pending};
use super::part::{Way, keeps_letters, nowhere, way};
use super::record::{Left, Origin, Origins};
use super::shelves::Letters;
use super::source::{Reading, ReplaySource};
use crate::check::check_plan;
use crate::clear::ClearPlan;
use crate::instance::{Instance, Open, Terms, context, discard};
use crate::layout::dead_letters_id;
use crate::life::{Lent, Life, Stops};
use crate::pulse::Pulse;
use crate::{AnySource, StreamContext};

/// How often an instance looks whether there is a replay for it.
const LOOK_EVERY: Duration = Duration::from_secs(2);

impl Instance {
    /// Itself, for replays: it says nothing of them to whoever drives it.
    pub(crate) fn replayer(&self, stops: Stops) -> Self {
        Self {
            services: self.services.clone(),
            plan: self.plan.clone(),
            means: self.means.clone(),
            id: self.id,
            base_dir: self.base_dir.clone(),
            stops,
            tally: self.tally.clone(),
            notice: Arc::new(|_| {}),
            pulse: Pulse::default(),
        }
    }

    /// Replays dead letters until it is drained.
    pub(crate) async fn work_on_replays(&self) {
        if !keeps_letters(&self.plan) {
            return;
        }
        let mut said = None;
        while !self.stops.drain.is_cancelled() {
            let fault = self.replay_all().await.err();
            let fault = fault.map(|it| self.means.secrets.masked_fault(it));
            if let Some(fault) = fault.as_ref().filter(|_| said != fault) {
                let workflow = &self.plan.workflow;
                tracing::warn!(code = %fault.code, %workflow, "no replay of dead letters: {fault}");
            }
            said = fault;
            self.pause(LOOK_EVERY).await;
        }
    }

    async fn replay_all(&self) -> Result<(), Fault> {
        let blobs = self.services.checkpoints.clone();
        let letters = Letters::new(blobs, &self.plan.workflow)?;
        let mut replayed = Ok(());
        for (pending, part) in letters.pending().await? {
            if self.stops.drain.is_cancelled() {
                break;
            }
            // One that can't be replayed now keeps no other waiting.
            if let Err(fault) = self.replay(&letters, pending, &part).await {
                replayed = Err(fault);
            }
        }
        replayed
    }

    async fn replay(&self, letters: &Letters, pending: Pending, part: &Part) -> Result<(), Fault> {
        let found = letters.of_part(part).await?;
        let (way, misfit) = match way(&self.plan, &part.stage) {
            Ok(way) => (way, None),
            Err(fault) => (nowhere(&self.plan, &part.stage), Some(fault)),
        };
        let plan = ClearPlan::of(&way.plan, &self.means.secrets, &self.services.registry)?;
        let reading = match misfit.or_else(|| gone(&found, part)) {
            Some(fault) => Reading::Not(fault),
            None => self.reading(&plan, &way, part, &found).unwrap_or_else(Reading::Not),
        };
        let lines = found.iter().flat_map(|(left, numbers)| left.take(numbers)).collect::<Vec<_>>();
        let stands_for = (way.begins.clone(), part.stage.clone());
        let origins = Arc::new(Origins::new(stands_for, lines.iter().map(Origin::of).collect()));
        let cx = context(&plan, &way.begins, &self.base_dir, &self.services);
        let life = Life {
            services: &self.services,
            plan: &plan,
            means: &self.means,
            cx: &cx,
            stops: &self.stops,
            pulse: &self.pulse,
            origins,
        };
        let (workflow, letters_of_it) = (self.plan.workflow.clone(), Arc::new(lines));
        let source = ReplaySource {
            workflow,
            pending,
            letters: letters_of_it,
            reading,
            staging: cx.staging.clone(),
            interval: LOOK_EVERY,
        };
        let name = SourceName::of(&self.plan.workflow, &dead_letters_id());
        let (items, source) = (vec![source.item()], Box::new(source));
        let clears = |context: &StreamContext| discard(&life, context);
        let source: Lent = source;
        let terms = Terms::of(&source);
        let Some((claimed, _live)) = self.claim(&name, terms, items, clears).await? else {
            return Ok(());
        };
        let _open = Open::new(self, claimed.stream.id);
        let (_, closed) = life.live(source, claimed).await?;
        if let Some(stream) = closed {
            self.closed(&stream);
        }
        Ok(())
    }

    fn reading(
        &self,
        clear: &ClearPlan,
        way: &Way,
        part: &Part,
        found: &[(Left, Vec<u32>)],
    ) -> Result<Reading, Fault> {
        let registry = &self.services.registry;
        let stage = clear.stage(&part.stage).filter(|it| it.role == Role::Source);
        if let Some(stage) = stage {
            let kind = registry.sources.get(stage.kind.as_str());
            let kind = kind.ok_or_else(|| crate::layout::unknown_kind(stage.role, &stage.kind))?;
            let cx = context(clear, &way.begins, &self.base_dir, &self.services);
            let source: AnySource = kind.build(&stage.config, &cx)?;
            return Ok(Reading::Again(source));
        }
        let whole = ClearPlan::of(&self.plan, &self.means.secrets, registry)?;
        let schemas = check_plan(&whole, registry).schemas;
        let mut edges = self.plan.edges.iter().filter(|it| it.to == part.stage);
        let now = edges.find_map(|it| schemas.get(&(it.from.clone(), it.port.clone())).cloned());
        let then = || found.iter().find_map(|(left, _)| left.schema(&part.stage));
        now.or_else(then).map(Reading::Rows).ok_or_else(|| {
            let message = format!("it is not known what comes into stage {}", part.stage);
            Fault::config(UNFIT, message)
                .with_hint("declare the fields of the source's format, and deploy the workflow")
        })
    }
}

/// A fault if some of the letters are not kept any more.
fn gone(found: &[(Left, Vec<u32>)], part: &Part) -> Option<Fault> {
    let there: usize = found.iter().map(|(left, numbers)| left.take(numbers).len()).sum();
    let (all, stage): (usize, &StageId) = (part.count(), &part.stage);
    (there < all).then(|| {
        let message = format!("{} of {all} letters of {stage} are not kept any more", all - there);
        Fault::config(UNFIT, message).with_hint("replay those that are: weir dead-letter list")
    })
}
