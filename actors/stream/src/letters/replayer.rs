//! An instance's second work: replays of its workflow's dead letters, a few at a time, so that one whose
//! sink is away keeps no other waiting.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt as _};
use weir_domain::plan::Role;
use weir_domain::{Digest, Fault, SourceName, StageId};

use super::UNFIT;
use super::book::{Due, Part, Pending};
use super::part::{Way, nowhere, way};
use super::record::{Left, Origin, Origins};
use super::shelves::Letters;
use super::source::{Reading, ReplaySource, item_of, terms};
use super::version::{may_run, version_of};
use crate::check::check_plan;
use crate::clear::ClearPlan;
use crate::instance::{Instance, Open, context, discard};
use crate::layout::dead_letters_id;
use crate::life::{Life, Stops};
use crate::pulse::Pulse;
use crate::{AnySource, StreamContext};

/// How often an instance looks for a replay while some is to run: its engine may die, its version change.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often it looks while there is none: it is called when one is asked for, unless that got lost.
const LOOK_SELDOM: Duration = Duration::from_secs(60);
/// Replays that an instance has under way at once.
const AT_ONCE_MAX: usize = 4;

/// What an instance waits for.
enum Step {
    Looked(Result<Vec<Due>, Fault>),
    Ran(Pending, Result<(), Fault>),
}

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
            times: self.times.clone(),
        }
    }

    /// Replays dead letters until it is drained.
    pub(crate) async fn work_on_replays(&self) {
        let letters = match Letters::new(self.services.checkpoints.clone(), &self.plan.workflow) {
            Ok(letters) => letters,
            Err(fault) => return self.says(&mut None, Some(fault)),
        };
        let mut steps: FuturesUnordered<BoxFuture<'_, Step>> = FuturesUnordered::new();
        let (mut under_way, mut is_looking, mut said) = (BTreeSet::new(), false, None);
        // Others may have what it tried last: it goes on behind that.
        let mut tried = None;
        // Since it began to look: what it finds may be older than that.
        let mut is_called = false;
        let mut calls = self.services.replays.heard();
        let mut look = pin!(tokio::time::sleep(Duration::ZERO));
        loop {
            let is_drained = self.stops.drain.is_cancelled();
            if is_drained && steps.is_empty() {
                return;
            }
            let may_look = !is_drained && !is_looking && under_way.len() < AT_ONCE_MAX;
            tokio::select! {
                Some(step) = steps.next() => match step {
                    Step::Looked(due) => {
                        is_looking = false;
                        let wait = match &due {
                            _ if is_called => Duration::ZERO,
                            Ok(due) if due.is_empty() => LOOK_SELDOM,
                            Ok(_) | Err(_) => LOOK_EVERY,
                        };
                        look.set(tokio::time::sleep(wait));
                        let mut due = due.unwrap_or_else(|fault| {
                            self.says(&mut said, Some(fault));
                            Vec::new()
                        });
                        let is_behind = |it: &Due| tried.as_ref().is_none_or(|last| it.pending > *last);
                        let first = due.iter().position(is_behind).unwrap_or(0);
                        due.rotate_left(first);
                        for it in due {
                            if under_way.len() < AT_ONCE_MAX && under_way.insert(it.pending.clone()) {
                                tried = Some(it.pending.clone());
                                steps.push(self.try_replay(&letters, it).boxed());
                            }
                        }
                    }
                    Step::Ran(pending, ran) => {
                        under_way.remove(&pending);
                        self.says(&mut said, ran.err());
                        look.set(tokio::time::sleep(LOOK_EVERY));
                    }
                },
                Ok(()) = calls.changed(), if !is_drained => {
                    is_called = true;
                    look.set(tokio::time::sleep(Duration::ZERO));
                }
                () = &mut look, if may_look => {
                    (is_looking, is_called) = (true, false);
                    steps.push(letters.due().map(Step::Looked).boxed());
                }
                () = self.stops.drain.cancelled(), if !is_drained => {}
            }
        }
    }

    /// Why there is no replay: once, as long as that goes on.
    fn says(&self, said: &mut Option<Fault>, fault: Option<Fault>) {
        let fault = fault.map(|it| self.means.secrets.masked_fault(it));
        if let Some(fault) = fault.as_ref().filter(|_| *said != fault) {
            let workflow = &self.plan.workflow;
            tracing::warn!(code = %fault.code, %workflow, "no replay of dead letters: {fault}");
        }
        *said = fault;
    }

    async fn try_replay(&self, letters: &Letters, due: Due) -> Step {
        let pending = due.pending.clone();
        Step::Ran(pending, self.replay(letters, due).await)
    }

    async fn replay(&self, letters: &Letters, due: Due) -> Result<(), Fault> {
        let Due { pending, part, version, .. } = due;
        if !self.may_replay(version).await? {
            return Ok(());
        }
        let (way, misfit) = match way(&self.plan, &part.stage) {
            Ok(way) => (way, None),
            Err(fault) => (nowhere(&self.plan, &part.stage), Some(fault)),
        };
        let plan = ClearPlan::of(&way.plan, &self.means.secrets, &self.services.registry)?;
        let cx = context(&plan, &way.begins, &self.base_dir, &self.services);
        let life = self.life(&plan, &cx);
        let name = SourceName::of(&self.plan.workflow, &dead_letters_id());
        let clears = |context: &StreamContext| discard(&life, context);
        let items = vec![item_of(&pending, &part)];
        let Some((claimed, _live)) = self.claim(&name, terms(), items, clears).await? else {
            return Ok(());
        };
        let _open = Open::new(self, claimed.stream.id);
        let (found, reading) = match letters.of_part(&part).await {
            Ok(found) => {
                let reading = match misfit.or_else(|| gone(&found, &part)) {
                    Some(fault) => Reading::Not(fault),
                    None => self.reading(&plan, &way, &part, &found).unwrap_or_else(Reading::Not),
                };
                (found, reading)
            }
            // It is given back, and begun anew when the store is there again.
            Err(fault) => {
                let stopped = Fault { hint: fault.hint, ..Fault::stopped(fault.message) };
                (Vec::new(), Reading::Not(stopped))
            }
        };
        let lines = found.iter().flat_map(|(left, numbers)| left.take(numbers)).collect::<Vec<_>>();
        let stands_for = (way.begins.clone(), part.stage.clone());
        let origins = Arc::new(Origins::new(stands_for, lines.iter().map(Origin::of).collect()));
        let source = ReplaySource {
            workflow: self.plan.workflow.clone(),
            pending,
            item: claimed.claim.item.clone(),
            letters: Arc::new(lines),
            reading,
            staging: cx.staging.clone(),
        };
        let (_, closed) = Life { origins, ..life }.live(Box::new(source), claimed).await?;
        if let Some(stream) = closed {
            self.closed(&stream);
        }
        Ok(())
    }

    /// Whether this version may run what was asked for that one.
    async fn may_replay(&self, asked_for: Option<Digest>) -> Result<bool, Fault> {
        let this = version_of(&self.plan);
        let Some(asked_for) = asked_for.filter(|it| *it != this) else { return Ok(true) };
        let wanted = self.services.versions.wanted(&self.plan.workflow).await;
        let wanted = wanted.map_err(|it| Fault::transient(3132, it.to_string()))?;
        Ok(may_run(this, asked_for, &wanted))
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
