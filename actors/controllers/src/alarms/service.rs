//! The alarm centre as a singleton: it looks, and says what it found to the pure part. Names of fields and variants
//! of requests travel between engines of two versions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use weir_cluster::{Instance, RequestContext, Service, Singleton, Unavailable};
use weir_domain::{
    Alarm, AlarmId, AlarmKey, AlarmKind, Confirmation, Fault, Timestamp, UserName, WorkflowName,
};
use weir_persistence_api::{Fence, PersistenceId, Store};
use weir_runtime::{HostRef, HostSettings, HostSpec, NoEffects, Stopwatch, System, TaskFailed};

use super::list::{AlarmPage, Asked, BySeverity};
use super::patience::{Kept, Now, Patience};
use super::sight::{Lookout, Unjudged};
use super::{Alarms, Command, LEASE, Rejection, Report, Which, judge};
use crate::answer::{Refusal, answered};
use crate::instance;

/// How often it looks, and after a look so many times as long as that took, up to a bound: a look may have waited long
/// for a single engine that hangs.
const LOOK_EVERY: Duration = Duration::from_secs(2);
const REST: u32 = 9;
const REST_MAX: Duration = Duration::from_secs(4);
/// Who has not looked for so long is late, and that is said.
const LATE: Duration = Duration::from_secs(15);
/// How long writing down what was found may take.
const TELL_WITHIN: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Request {
    List(Asked),
    Show(AlarmId),
    Confirm { which: Which, by: UserName, note: Option<String> },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Response {
    Page {
        page: AlarmPage,
        /// When it was looked last; `None`: not yet.
        looked_at: Option<Timestamp>,
        unjudged: Vec<Unjudged>,
    },
    Alarm(Option<Box<Alarm>>),
    Confirmed(Confirmed),
    Rejected(Rejection),
    Refused(String),
}

/// What a confirmation did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmed {
    /// Those that it confirmed.
    pub now: Vec<AlarmId>,
    /// Those that somebody had confirmed before.
    pub before: Vec<AlarmId>,
}

/// Makes the alarm centre wherever its lease is held.
pub struct AlarmSingleton {
    pub system: System,
    pub store: Arc<dyn Store>,
    pub settings: HostSettings,
    pub lookout: Arc<dyn Lookout>,
}

#[async_trait]
impl Singleton for AlarmSingleton {
    type Service = AlarmService;

    async fn start(&self, fence: Fence) -> Result<Instance<AlarmService>, Fault> {
        let spec = HostSpec {
            id: PersistenceId(LEASE.to_owned()),
            fence,
            store: self.store.clone(),
            effects: Arc::new(NoEffects),
            settings: self.settings.clone(),
        };
        let (host, starting) = instance::recovered(&self.system, spec).await?;
        let (alive, ended) = watch::channel(());
        let looked = watch::Sender::new(Looked::never());
        let service = AlarmService {
            host: host.clone(),
            system: self.system.clone(),
            looked: looked.subscribe(),
            _alive: alive,
        };
        let watchman = Watchman {
            system: self.system.clone(),
            host,
            lookout: self.lookout.clone(),
            looked,
            patience: Patience::default(),
            up: Stopwatch::start(),
        };
        self.system.tasks().spawn("alarms", watchman.relieved(ended));
        Ok(Instance::new(Arc::new(service), starting.keep()))
    }
}

/// Answers requests from the event-sourced host.
pub struct AlarmService {
    host: HostRef<Alarms>,
    system: System,
    looked: watch::Receiver<Looked>,
    /// While it lives, it is looked.
    _alive: watch::Sender<()>,
}

/// What came of the last look.
#[derive(Debug, Clone)]
struct Looked {
    at: Option<Timestamp>,
    /// Runs since then, or since it was begun.
    since: Stopwatch,
    unjudged: Vec<Unjudged>,
}

impl Looked {
    fn never() -> Self {
        Self { at: None, since: Stopwatch::start(), unjudged: Vec::new() }
    }

    fn unjudged(self) -> Vec<Unjudged> {
        let age = self.since.elapsed();
        let late = (age >= LATE).then(|| Unjudged {
            what: "all".to_owned(),
            why: format!("nobody has looked for {} s", age.as_secs()),
        });
        late.into_iter().chain(self.unjudged).collect()
    }
}

type Stop = crate::answer::Stop<Response>;

#[async_trait]
impl Service for AlarmService {
    type Request = Request;
    type Response = Response;

    const NAME: &'static str = LEASE;
    const VERSION: u32 = 1;

    async fn serve(
        &self,
        request: Request,
        context: RequestContext,
    ) -> Result<Response, Unavailable> {
        answered(self.answer(request, context).await)
    }
}

impl AlarmService {
    async fn answer(&self, request: Request, context: RequestContext) -> Result<Response, Stop> {
        let (host, within) = (&self.host, context.within);
        match request {
            Request::List(asked) => {
                let page = host.query(within, move |it| it.page(&asked)).await?;
                let looked = self.looked.borrow().clone();
                let (looked_at, unjudged) = (looked.at, looked.unjudged());
                Ok(Response::Page { page, looked_at, unjudged })
            }
            Request::Show(id) => {
                let found = host.query(within, move |it| it.find(id).cloned()).await?;
                Ok(Response::Alarm(found.map(Box::new)))
            }
            Request::Confirm { which, by, note } => {
                let (asked, command) = (which.clone(), context.command);
                let note = note.filter(|it| !it.is_empty());
                let at = self.system.now();
                let confirmation = Confirmation { by, at, note, command: Some(command) };
                let confirm = Command::Confirm { which, confirmation };
                let read = move |_, it: &Alarms| it.confirmed(&asked, command);
                let confirmed = host.ask_and_read_as(command, confirm, within, read).await?;
                Ok(Response::Confirmed(confirmed))
            }
        }
    }
}

impl From<Refusal<Rejection>> for Response {
    fn from(refusal: Refusal<Rejection>) -> Self {
        match refusal {
            Refusal::Rejected(it) => Self::Rejected(it),
            Refusal::Refused(it) => Self::Refused(it),
        }
    }
}

/// Looks, beside the requests.
#[derive(Clone)]
struct Watchman {
    system: System,
    host: HostRef<Alarms>,
    lookout: Arc<dyn Lookout>,
    looked: watch::Sender<Looked>,
    patience: Patience,
    up: Stopwatch,
}

impl Watchman {
    /// Another one, who has seen nothing yet, takes the place of one that panicked. That was logged as of any task.
    async fn relieved(self, ended: watch::Receiver<()>) {
        loop {
            let work = self.clone().work(ended.clone());
            let Err(TaskFailed::Panicked { .. }) =
                self.system.tasks().spawn("alarms/look", work).join().await
            else {
                return;
            };
        }
    }

    async fn work(mut self, mut ended: watch::Receiver<()>) {
        let stopping = self.system.shutdown().stopping();
        let mut rest = LOOK_EVERY;
        loop {
            let look = async {
                tokio::time::sleep(rest).await;
                let took = Stopwatch::start();
                self.look().await;
                (took.elapsed() * REST).clamp(LOOK_EVERY, REST_MAX)
            };
            tokio::select! {
                it = look => rest = it,
                // Nothing is sent: it is let go.
                _ = ended.changed() => break,
                // What ends in good order is no trouble.
                () = stopping.stopped() => break,
            }
        }
        measure(&BySeverity::default());
    }

    async fn look(&mut self) {
        let at = self.system.now();
        // A host that is held or recovers answers in a later round.
        let kept = self.host.query(LOOK_EVERY, move |it| Kept::of(it, at)).await;
        let Ok(kept) = kept else { return };
        let seen = self.lookout.look(&with_letters(&kept.standing)).await;
        let now = Now { up: self.up.elapsed(), at: self.system.now() };
        let judged = judge(&seen, now.at);
        let command = self.patience.look(&judged, &kept, now);
        if let Some(command) = command
            && !self.tell(command, now).await
        {
            return;
        }
        if let Ok(counts) = self.host.query(LOOK_EVERY, Alarms::counts).await {
            measure(&counts.standing);
        }
        let (since, unjudged) = (Stopwatch::start(), judged.unjudged());
        self.looked.send_replace(Looked { at: Some(now.at), since, unjudged });
    }

    /// What can't be written now is found again in the next round.
    async fn tell(&mut self, command: Command, now: Now) -> bool {
        let Command::Observe { raised, .. } = &command else { return true };
        let keys: Vec<_> = raised.iter().map(|Report { key, .. }| key.clone()).collect();
        match self.host.ask(command, TELL_WITHIN).await {
            Ok(_) => {
                self.patience.told(&keys, now);
                true
            }
            Err(error) => {
                tracing::debug!(%error, "alarms are not written yet");
                false
            }
        }
    }
}

/// Workflows that may have letters, though nobody runs them any more.
fn with_letters(standing: &BTreeMap<AlarmKey, Alarm>) -> BTreeSet<WorkflowName> {
    let of_letters = standing.keys().filter(|it| it.kind == AlarmKind::DEAD_LETTERS);
    of_letters.filter_map(|it| it.subject.name.parse().ok()).collect()
}

#[expect(clippy::cast_precision_loss, reason = "there are not so many")]
fn measure(standing: &BySeverity) {
    let BySeverity { error, warning, info } = *standing;
    for (severity, count) in [("error", error), ("warning", warning), ("info", info)] {
        metrics::gauge!("weir_alarms_standing", "severity" => severity).set(count as f64);
    }
}
