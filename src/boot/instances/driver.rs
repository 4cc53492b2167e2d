//! Carries out what the agent decides: one loop, which nothing that takes time is awaited in.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use weir_controllers::scheduler::{
    Action, Agent, Envelope, Input, Refused, Scheduler, Task, Wanted,
};
use weir_domain::schedule::NodeReport;
use weir_domain::{Fault, InstanceId, Timestamp, WorkflowName};
use weir_runtime::{Stopwatch, System};
use weir_stream::{Happened, RunningWorkflow};

use super::notices::{Notices, Run, Said};
use super::{Wish, lives};
use crate::boot::orders::Inbox;

/// How often the scheduler is told how things stand, when nothing changes.
const REPORT_EVERY: Duration = Duration::from_secs(5);
/// How soon after a change: several at once are told together.
const REPORT_SOON: Duration = Duration::from_millis(100);

pub(super) struct Driver {
    system: System,
    scheduler: Scheduler,
    agent: Agent,
    /// When it began, and how long ago that is: time that does not jump.
    began: (Timestamp, Stopwatch),
    offered: BTreeMap<WorkflowName, RunningWorkflow>,
    runs: BTreeMap<Wanted, Running>,
    /// Of the last run.
    number: u64,
    notices: Notices,
    seen: watch::Sender<Arc<NodeReport>>,
    answers: mpsc::Sender<Answer>,
    answered: mpsc::Receiver<Answer>,
    reporting: Reporting,
    /// The last report.
    sending: Option<AbortHandle>,
    is_ending: bool,
}

/// An instance that was begun, of the workflow that was offered then.
struct Running {
    number: u64,
    workflow: RunningWorkflow,
    is_started: bool,
}

/// What became of a report.
struct Answer {
    report: NodeReport,
    order: Result<Option<Envelope>, String>,
}

enum Reporting {
    /// When the next one is due, in the time since it began.
    Due(Duration),
    /// One is on its way; whether something has changed since.
    Sent { is_stale: bool },
}

impl Driver {
    pub(super) fn new(
        system: System,
        scheduler: Scheduler,
        agent: Agent,
    ) -> (Self, watch::Receiver<Arc<NodeReport>>) {
        let began = (system.now(), Stopwatch::start());
        let (seen, see) = watch::channel(Arc::new(agent.report(began.0)));
        let (answers, answered) = mpsc::channel(1);
        let driver = Self {
            system,
            scheduler,
            agent,
            began,
            offered: BTreeMap::new(),
            runs: BTreeMap::new(),
            number: 0,
            notices: Notices::default(),
            seen,
            answers,
            answered,
            reporting: Reporting::Due(REPORT_EVERY),
            sending: None,
            is_ending: false,
        };
        (driver, see)
    }

    pub(super) async fn run(mut self, inbox: Inbox, asked: mpsc::Receiver<Wish>) {
        self.drive(inbox, asked).await;
        // What it would be answered nobody hears.
        self.sending.iter().for_each(AbortHandle::abort);
    }

    async fn drive(&mut self, mut inbox: Inbox, mut asked: mpsc::Receiver<Wish>) {
        let notices = self.notices.clone();
        while !(self.is_ending && self.is_empty()) {
            let wait = self.wait();
            tokio::select! {
                Some(order) = inbox.recv() => self.follow(order),
                wish = asked.recv() => match wish {
                    Some(wish) => self.grant(wish),
                    // Nobody is left who could offer anything.
                    None => return,
                },
                said = notices.heard() => self.hear(said),
                Some(answer) = self.answered.recv() => self.take(answer),
                () = tokio::time::sleep(wait) => self.tick(),
            }
            self.publish();
        }
    }

    fn now(&self) -> Timestamp {
        self.began.0.plus(self.began.1.elapsed())
    }

    fn is_empty(&self) -> bool {
        !self.seen.borrow().instances.iter().any(lives)
    }

    /// Until something is due.
    fn wait(&self) -> Duration {
        let tick = self.agent.due().map(|it| it.since(self.now()));
        let report = match self.reporting {
            Reporting::Due(at) => at.saturating_sub(self.began.1.elapsed()),
            Reporting::Sent { .. } => REPORT_EVERY,
        };
        tick.map_or(report, |it| it.min(report))
    }

    fn grant(&mut self, wish: Wish) {
        match wish {
            Wish::Offer { workflows, done } => {
                let named = workflows.into_iter().map(|it| (it.name().clone(), it));
                self.offered = named.collect();
                let names = self.offered.keys().cloned().collect();
                let tasks = self.agent.offer(names, self.now());
                self.carry_out(tasks);
                self.publish();
                // Whoever asked may have gone.
                let _ = done.send(());
            }
            Wish::End(how) => {
                self.is_ending = true;
                let tasks = self.agent.end(how, self.now());
                self.carry_out(tasks);
            }
            Wish::Report => self.report_soon(Duration::ZERO),
        }
    }

    fn follow(&mut self, order: Envelope) {
        match self.agent.follow(order, self.now()) {
            Ok(tasks) => self.carry_out(tasks),
            Err(cause @ Refused::Stale(_)) => {
                tracing::warn!(code = "WEIR-00081", %cause, "an order was not followed");
            }
            // They are met whenever something restarts or overtakes.
            Err(cause @ (Refused::OtherNode { .. } | Refused::Older { .. })) => {
                tracing::debug!(%cause, "an order was not followed");
            }
        }
    }

    fn hear(&mut self, said: BTreeMap<Run, Vec<Said>>) {
        for ((instance, number), words) in said {
            for word in words {
                // Of one that was given up nothing counts any more.
                if self.runs.get(&instance).is_some_and(|it| it.number == number) {
                    let input = self.input(&instance, word);
                    let tasks = self.agent.tell(&instance, input, self.now());
                    self.carry_out(tasks);
                }
            }
        }
    }

    fn input(&mut self, instance: &Wanted, word: Said) -> Input {
        let Wanted { workflow, number } = instance;
        match word {
            Said::Verified(Ok(())) => Input::ConfigurationVerified,
            Said::Happened(Happened::Active) => {
                tracing::info!(code = "WEIR-00050", %workflow, instance = %number, "instance started");
                Input::Activated
            }
            Said::Happened(Happened::Worked) => Input::Worked,
            Said::Happened(Happened::Idle) => Input::Idle,
            Said::Happened(Happened::Ended(Ok(()))) => {
                tracing::info!(code = "WEIR-00051", %workflow, instance = %number, "instance ended");
                self.give_up(instance);
                Input::Ended
            }
            Said::Verified(Err(fault)) | Said::Happened(Happened::Ended(Err(fault))) => {
                self.give_up(instance);
                self.failed(instance, fault)
            }
        }
    }

    fn failed(&self, Wanted { workflow, number }: &Wanted, fault: Fault) -> Input {
        tracing::warn!(code = %fault.code, %workflow, instance = %number, "instance failed: {fault}");
        Input::Failed { fault, chance: self.system.ids().chance() }
    }

    fn tick(&mut self) {
        let now = self.now();
        if self.agent.due().is_some_and(|it| it <= now) {
            let ids = self.system.ids().clone();
            let tasks = self.agent.tick(|| ids.chance(), now);
            self.carry_out(tasks);
        }
        if matches!(self.reporting, Reporting::Due(at) if at <= self.began.1.elapsed()) {
            self.report();
        }
    }

    fn carry_out(&mut self, tasks: Vec<Task>) {
        let mut tasks = VecDeque::from(tasks);
        while let Some(Task { instance, action }) = tasks.pop_front() {
            if let Some(input) = self.act(&instance, action) {
                tasks.extend(self.agent.tell(&instance, input, self.now()));
            }
        }
    }

    /// Begins what is to be done. What is done at once has its answer.
    fn act(&mut self, instance: &Wanted, action: Action) -> Option<Input> {
        match action {
            Action::VerifyConfiguration => self.begin(instance),
            // No stage needs anything yet that the activation has not looked for.
            Action::VerifyDependencies => Some(Input::DependenciesVerified),
            Action::Activate => {
                self.start(instance);
                None
            }
            Action::Shutdown => {
                self.with(instance, RunningWorkflow::drain);
                None
            }
            Action::Abort if self.runs.get(instance).is_some_and(|it| it.is_started) => {
                self.with(instance, RunningWorkflow::abort);
                None
            }
            Action::Abort => {
                self.runs.remove(instance);
                Some(Input::Ended)
            }
            Action::Terminate => {
                self.give_up(instance);
                None
            }
        }
    }

    fn begin(&mut self, instance: &Wanted) -> Option<Input> {
        self.give_up(instance);
        let Some(workflow) = self.offered.get(&instance.workflow).cloned() else {
            let message = format!("workflow {} is not active on this node", instance.workflow);
            return Some(self.failed(instance, Fault::transient(82, message)));
        };
        self.number += 1;
        let run = (instance.clone(), self.number);
        let running = Running { number: self.number, workflow, is_started: false };
        let (notices, verified) = (self.notices.clone(), running.workflow.clone());
        self.runs.insert(instance.clone(), running);
        self.system.tasks().spawn_blocking("verify", move || {
            notices.say(&run, Said::Verified(verified.verify()));
        });
        None
    }

    fn start(&mut self, instance: &Wanted) {
        let Some(running) = self.runs.get_mut(instance) else { return };
        running.is_started = true;
        let (notices, run) = (self.notices.clone(), (instance.clone(), running.number));
        let notice = move |it| notices.say(&run, Said::Happened(it));
        running.workflow.start(InstanceId::from(instance.number), Arc::new(notice));
    }

    fn with(&self, instance: &Wanted, work: impl Fn(&RunningWorkflow, InstanceId)) {
        if let Some(running) = self.runs.get(instance) {
            work(&running.workflow, InstanceId::from(instance.number));
        }
    }

    /// Nothing that it says counts any more.
    fn give_up(&mut self, instance: &Wanted) {
        if let Some(running) = self.runs.remove(instance) {
            running.workflow.terminate(InstanceId::from(instance.number));
        }
    }

    /// Shows how things stand, and has the scheduler told of it.
    fn publish(&mut self) {
        let report = self.agent.report(self.system.now());
        let is_news = {
            let seen = self.seen.borrow();
            seen.instances != report.instances || seen.revision != report.revision
        };
        if is_news {
            self.seen.send_replace(Arc::new(report));
            self.report_soon(REPORT_SOON);
        }
    }

    fn report_soon(&mut self, after: Duration) {
        let soon = self.began.1.elapsed() + after;
        self.reporting = match self.reporting {
            Reporting::Due(at) => Reporting::Due(at.min(soon)),
            Reporting::Sent { .. } => Reporting::Sent { is_stale: true },
        };
    }

    fn report(&mut self) {
        self.reporting = Reporting::Sent { is_stale: false };
        let report = self.agent.report(self.system.now());
        let (scheduler, answers) = (self.scheduler.clone(), self.answers.clone());
        let sending = self.system.tasks().spawn("scheduler-agent/report", async move {
            let order = scheduler.report(report.clone()).await.map_err(|it| it.to_string());
            // The driver has ended.
            let _ = answers.send(Answer { report, order }).await;
        });
        self.sending = Some(sending.abort_handle());
    }

    fn take(&mut self, Answer { report, order }: Answer) {
        let is_stale = matches!(self.reporting, Reporting::Sent { is_stale: true });
        let after = if is_stale && order.is_ok() { REPORT_SOON } else { REPORT_EVERY };
        self.reporting = Reporting::Due(self.began.1.elapsed() + after);
        match order {
            Ok(order) => {
                self.agent.reported(&report);
                order.into_iter().for_each(|it| self.follow(it));
            }
            // Who runs what does not depend on it; the next report says the same.
            Err(cause) => tracing::debug!(cause, "the scheduler was not reached"),
        }
    }
}
