//! The keeper of one singleton on one node: looks, asks the rule, and has done what it says.
//!
//! Nothing is waited for here. Every statement and every start or end of the instance is a task
//! of its own, with its own limit, and comes back as a report; so a store that hangs can't keep
//! the keeper from noticing that its time is up.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use weir_domain::{Fault, FaultKind};
use weir_persistence_api::{Acquired, Error, Fence, LeaseName};

use super::code;
use super::rule::{Action, Report, Rule, Sight, State, is_loss};
use super::shared::{Seen, Shared};
use super::stage::Stage;
use super::wire::Hint;

/// The longest time between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

pub(super) struct Keeper {
    pub(super) shared: Arc<Shared>,
    pub(super) name: LeaseName,
    pub(super) stage: Arc<dyn Stage>,
    pub(super) rule: Rule,
    pub(super) seen: watch::Sender<Seen>,
    pub(super) report: mpsc::Sender<Report>,
    pub(super) reports: mpsc::Receiver<Report>,
    pub(super) is_leaving: bool,
}

impl Keeper {
    pub(super) async fn run(mut self) {
        let ended = self.shared.ended.clone();
        let (mut facts, mut table) = (self.shared.facts.clone(), self.shared.table.subscribe());
        while self.rule.state() != State::Stopped {
            self.look();
            let due = self.rule.due().map(|it| it.saturating_sub(self.shared.now()));
            let wait = due.map_or(LOOK_AGAIN, |it| it.min(LOOK_AGAIN));
            tokio::select! {
                biased;
                () = ended.cancelled() => break,
                Some(report) = self.reports.recv() => self.hear(report),
                Ok(()) = facts.changed() => {}
                Ok(()) = table.changed() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
        // What it had, it has given back, or it lost it, or this node was downed.
        self.stage.abandon();
        self.show(State::Stopped);
    }

    fn look(&mut self) {
        let shared = self.shared.clone();
        let actions = {
            let facts = shared.facts.borrow().clone();
            let table = shared.table.borrow();
            let sight = Sight {
                facts: &facts,
                row: table.rows.get(&self.name),
                good_since: table.good_since,
                preferred: shared.preferred(&self.name, &facts, &table),
            };
            self.rule.see(shared.now(), &sight)
        };
        self.perform(actions);
    }

    fn hear(&mut self, report: Report) {
        self.is_leaving |= report == Report::Leave;
        self.note(&report);
        let actions = self.rule.hear(self.shared.now(), report);
        self.perform(actions);
    }

    fn perform(&mut self, actions: Vec<Action>) {
        self.stage.live_until(self.rule.deadline());
        // Shown first: whoever sees what follows from it sees why.
        self.show(self.rule.state());
        for action in actions {
            self.perform_one(action);
        }
    }

    fn perform_one(&self, action: Action) {
        let lease = &self.name;
        match action {
            Action::Acquire => self.acquire(None),
            Action::Force { owner, epoch } => {
                tracing::info!(code = %code::TAKEN, %lease, from = owner, epoch, "taking the lease from a node that is gone");
                self.acquire(Some((owner, epoch)));
            }
            Action::Renew(fence) => self.renew(fence),
            Action::Start(fence) => self.start(fence),
            Action::Suspend => {
                tracing::warn!(code = %code::SUSPENDED, %lease, cause = self.rule.trouble(), "the lease could not be renewed in time; commands wait until it is");
                self.stage.suspend("whether this node still has the lease is not known");
            }
            Action::Resume => {
                tracing::info!(code = %code::RESUMED, %lease, "the lease was renewed; going on");
                self.stage.resume();
            }
            Action::Abandon => self.stage.abandon(),
            Action::Finish { fence, within } => self.finish(fence.epoch, within),
            Action::Release(fence) => self.release(fence),
            Action::AnnounceTaken { epoch } => {
                tracing::info!(code = %code::TAKEN, %lease, epoch, "lease taken");
                metrics::counter!("weir_leases_taken_total", "lease" => lease.0.clone())
                    .increment(1);
                self.shared.announce(&Hint::Taken { lease: lease.clone(), epoch });
            }
            Action::AnnounceReleased { epoch, to } => {
                tracing::info!(code = %code::RELEASED, %lease, epoch, "lease given back");
                let is_leaving = self.is_leaving;
                let hint = Hint::Released { lease: lease.clone(), epoch, to, is_leaving };
                self.shared.announce(&hint);
                let leaving = is_leaving.then(|| self.shared.system.uid());
                self.shared.given_back(lease, epoch, to, leaving);
            }
        }
    }

    fn acquire(&self, seen: Option<(String, u64)>) {
        let (shared, name) = (self.shared.clone(), self.name.clone());
        self.spawn("acquire", async move {
            let (asked_at, ttl) = (shared.now(), shared.settings.lease_ttl);
            let (store, owner) = (&shared.store, shared.system.owner());
            let statement = async {
                match &seen {
                    None => store.lease_acquire(&name, owner, ttl).await,
                    Some((from, epoch)) => {
                        store.lease_force(&name, owner, ttl, (from, *epoch)).await
                    }
                }
            };
            let report = match shared.in_time(statement).await {
                Ok(Acquired::Granted(fence)) => {
                    shared.learn(&name, shared.row(owner.to_owned(), fence.epoch));
                    Report::Granted { fence, asked_at }
                }
                Ok(Acquired::Held { owner, epoch, left }) => {
                    let row = super::table::Row {
                        owner,
                        epoch,
                        expires_at: shared.now() + left,
                        read_at: asked_at,
                    };
                    shared.learn(&name, row);
                    Report::Denied
                }
                Err(error) => Report::NotAcquired { cause: error.to_string() },
            };
            if !matches!(report, Report::Granted { .. }) {
                shared.look.notify_one();
            }
            report
        });
    }

    fn renew(&self, fence: Fence) {
        let shared = self.shared.clone();
        self.spawn("renew", async move {
            let (asked_at, epoch) = (shared.now(), fence.epoch);
            let ttl = shared.settings.lease_ttl;
            match shared.in_time(shared.store.lease_renew(&fence, ttl)).await {
                Ok(true) => Report::Renewed { epoch, asked_at },
                Ok(false) => {
                    shared.look.notify_one();
                    Report::Lost { epoch }
                }
                Err(error) => Report::NotRenewed { epoch, cause: error.to_string() },
            }
        });
    }

    fn release(&self, fence: Fence) {
        let shared = self.shared.clone();
        self.spawn("release", async move {
            let epoch = fence.epoch;
            match shared.in_time(shared.store.lease_release(&fence)).await {
                Ok(()) => Report::Released { epoch },
                Err(error) => Report::NotReleased { epoch, cause: error.to_string() },
            }
        });
    }

    fn start(&self, fence: Fence) {
        let (stage, epoch) = (self.stage.clone(), fence.epoch);
        let report = self.report.clone();
        // Now, so that whatever follows finds it begun and can give it up.
        let opening = stage.open(epoch);
        self.spawn_quietly("run", async move {
            let started = match stage.start(fence, opening.clone()).await {
                Ok(()) => Report::Started { epoch },
                // Whoever gave it up knows.
                Err(_) if opening.is_cancelled() => return,
                Err(fault) => Report::NotStarted { epoch, fault },
            };
            let runs = started == Report::Started { epoch };
            if report.send(started).await.is_err() || !runs {
                return;
            }
            let fault = tokio::select! {
                fault = stage.ended(epoch) => fault,
                // Then nobody is there to be told.
                () = report.closed() => return,
            };
            let _ = report.send(Report::Ended { epoch, fault }).await;
        });
    }

    fn finish(&self, epoch: u64, within: Duration) {
        let stage = self.stage.clone();
        tracing::debug!(code = %code::HANDING_OVER, lease = %self.name, epoch, "handing over");
        self.spawn("finish", async move {
            stage.finish(epoch, within).await;
            Report::Finished { epoch }
        });
    }

    fn spawn(&self, what: &str, act: impl Future<Output = Report> + Send + 'static) {
        let report = self.report.clone();
        self.spawn_quietly(what, async move {
            // An error only says that the keeper has ended.
            let _ = report.send(act.await).await;
        });
    }

    fn spawn_quietly(&self, what: &str, act: impl Future<Output = ()> + Send + 'static) {
        self.shared.system.tasks().spawn(format!("lease/{}/{what}", self.name), act);
    }

    fn note(&self, report: &Report) {
        let lease = &self.name;
        match report {
            Report::Started { epoch } => {
                tracing::info!(code = %code::STARTED, %lease, epoch, "the singleton runs here");
            }
            Report::Lost { epoch } => {
                tracing::warn!(code = %code::LOST, %lease, epoch, "the lease is lost; the singleton is stopped here");
                metrics::counter!("weir_leases_lost_total", "lease" => lease.0.clone())
                    .increment(1);
            }
            Report::NotAcquired { cause }
            | Report::NotRenewed { cause, .. }
            | Report::NotReleased { cause, .. } => {
                tracing::warn!(code = %code::NOT_WRITTEN, %lease, cause, "a statement on the lease failed");
            }
            // It was told when it began, and is tried again and again.
            Report::NotStarted { fault, .. } | Report::Ended { fault, .. }
                if is_loss(fault) && self.rule.waits_for_journal() => {}
            Report::NotStarted { epoch, fault } => tell_not_started(lease, *epoch, fault),
            Report::Ended { epoch, fault } => tell_end(lease, *epoch, fault),
            Report::Granted { .. }
            | Report::Denied
            | Report::Renewed { .. }
            | Report::Finished { .. }
            | Report::Released { .. }
            | Report::Leave => {}
        }
    }

    fn show(&self, state: State) {
        let seen = Seen { state, trouble: self.rule.trouble().map(ToOwned::to_owned) };
        let mut was = state;
        self.seen.send_if_modified(|it| {
            was = it.state;
            let is_changed = *it != seen;
            *it = seen;
            is_changed
        });
        if was != state {
            let lease = self.name.clone();
            let is_active = f64::from(u8::from(matches!(state, State::Active { .. })));
            metrics::gauge!("weir_singleton_active", "lease" => lease.0.clone()).set(is_active);
            // An error only says that nobody listens.
            let _ = self.shared.events.send(super::SingletonEvent::Changed { lease, state });
        }
    }
}

fn tell_not_started(lease: &LeaseName, epoch: u64, fault: &Fault) {
    let (code, hint) = (code::NOT_STARTED, fault.hint.as_deref());
    if is_loss(fault) {
        tracing::error!(code = %code, %lease, epoch, fault = %fault.code, cause = %fault, hint, "the singleton can't go on without its events; it stays here and is tried again until they are back");
    } else {
        tracing::warn!(code = %code, %lease, epoch, fault = %fault.code, cause = %fault, hint, "the singleton did not start and is tried again");
    }
}

fn tell_end(lease: &LeaseName, epoch: u64, fault: &Fault) {
    let (code, hint) = (code::ENDED, fault.hint.as_deref());
    match fault.kind {
        // A writer that was deposed ends: that is how it should be.
        FaultKind::Stopped => {
            tracing::warn!(code = %code, %lease, epoch, fault = %fault.code, cause = %fault, hint, "the singleton ended, since it is not the writer any more");
        }
        FaultKind::Data | FaultKind::Transient | FaultKind::Config => {
            tracing::error!(code = %code, %lease, epoch, fault = %fault.code, cause = %fault, hint, "the singleton ended by itself and is started again");
        }
    }
}

impl Shared {
    async fn in_time<T>(
        &self,
        statement: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let limit = self.settings.statement_within;
        match tokio::time::timeout(limit, statement).await {
            Ok(result) => result,
            Err(_) => Err(Error::Unknown(format!("it did not answer within {limit:?}"))),
        }
    }
}
