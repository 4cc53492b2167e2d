//! Delivering: a package file becomes a stored deployment of a cluster, and what its nodes run.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::{sleep, timeout};
use weir_controllers::deployments::storage::ROOT;
use weir_domain::{DeploymentTag, Digest, Millis, NodeName};
use weir_http_api::{
    Activate, ActivationState, ActivationView, DeployObstacle, DeployedView, ObjectCountView,
    Problem, ProblemKind, ProblemPart, UploadQuery,
};
use weir_http_client::{ChangeOptions, Client, Error, Upload};
use weir_runtime::Stopwatch;

use super::file::{self, Proven};
use super::foresee::Coming;

/// What a delivery does, in this order, after its package was built.
pub(crate) const STEPS: [&str; 5] = ["compare", "plan", "send", "activate", "wait"];

const EVERY: Duration = Duration::from_millis(250);
/// A cluster that answered before is asked again until so long after it did not: an engine that restarts, or another
/// one, is there by then.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where a package is to go.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    /// What it is based on.
    pub(crate) base: Option<DeploymentTag>,
    pub(crate) activate: bool,
    /// How long to wait until the nodes run it; `None`: not at all.
    pub(crate) wait: Option<Millis>,
    pub(crate) dry_run: bool,
    /// What its commands are called: sent again, they are carried out once.
    pub(crate) key: String,
}

/// Who is told how far it is, and asked whether to go on.
#[async_trait]
pub(crate) trait Telling: Send + Sync + 'static {
    fn step(&self, name: &str);
    fn percent(&self, percent: u8);
    fn message(&self, message: String);
    fn is_cancelled(&self) -> bool;
    /// Ends when it is not to go on; where nobody can ask for that, never.
    async fn cancelled(&self);
}

/// The cluster that it goes to.
#[async_trait]
pub(crate) trait Destination: Send + Sync {
    /// For one request: what it shows may not hold for longer.
    async fn client(&self) -> Result<Client, Error>;
    /// Looks which of its engines answers: the one that was asked does not.
    async fn look(&self);
}

/// An engine, and a token that holds as long as it takes.
#[async_trait]
impl Destination for Client {
    async fn client(&self) -> Result<Client, Error> {
        Ok(self.clone())
    }

    async fn look(&self) {}
}

const UNSEEN: &str = "can't see what nodes run";

/// What was done, as it is shown.
pub(crate) type Deployed = DeployedView;

/// Why it was not delivered.
#[derive(Debug)]
pub(crate) enum NotDeployed {
    Cancelled,
    /// The cluster refused a step, or can't be reached.
    Refused {
        what: String,
        error: Error,
    },
    /// A node could not begin to run it. It is the default all the same.
    NodeFailed(Box<ActivationView>),
    /// Not all nodes run it yet.
    Late(Millis),
    /// Somebody made another one the default meanwhile: what a node is to run now.
    Superseded(Box<ActivationView>),
}

/// Delivers the package in a file that was proven to be one.
pub(crate) async fn deploy(
    to: &dyn Destination,
    (file, proven): (&Path, &Proven),
    order: &Order,
    told: Arc<dyn Telling>,
) -> Result<Deployed, NotDeployed> {
    let delivery = Delivery { to, file, proven, order, told };
    let compared = delivery.compared().await?;
    let mut deployed = delivery.planned(&compared).await?;
    if order.dry_run {
        return Ok(deployed);
    }
    if !compared.is_stored {
        deployed.sent = delivery.sent(&compared.missing).await?;
    }
    if order.activate {
        deployed.nodes = delivery.activated().await?;
        deployed.activated = true;
    }
    Ok(deployed)
}

/// What the cluster has of the package.
struct Compared {
    base: DeploymentTag,
    digest: Digest,
    missing: BTreeSet<Digest>,
    /// All of it, under its tag.
    is_stored: bool,
}

struct Delivery<'d> {
    to: &'d dyn Destination,
    file: &'d Path,
    proven: &'d Proven,
    order: &'d Order,
    told: Arc<dyn Telling>,
}

impl Delivery<'_> {
    fn tag(&self) -> &DeploymentTag {
        &self.proven.manifest.details.tag
    }

    fn begin(&self, step: &str) -> Result<(), NotDeployed> {
        if self.told.is_cancelled() {
            return Err(NotDeployed::Cancelled);
        }
        self.told.step(step);
        Ok(())
    }

    /// A cluster that stands still in the middle of an answer must not hold who does not want it any more.
    /// What is broken off was a question, or stores nothing of half a package.
    async fn unless_cancelled<T>(&self, asked: impl Future<Output = T>) -> Result<T, NotDeployed> {
        tokio::select! {
            answer = asked => Ok(answer),
            () = self.told.cancelled() => Err(NotDeployed::Cancelled),
        }
    }

    /// Asks a cluster that answered before until it answers again, for a while.
    async fn patiently<T, F>(
        &self,
        what: impl Fn() -> String,
        ask: impl Fn() -> F,
    ) -> Result<T, NotDeployed>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let (mut patience, mut unknown) = (Patience::default(), None);
        loop {
            let error = match ask().await {
                Err(error) if may_pass(&error) => error,
                Err(error) => return Err(refused(what(), error)),
                Ok(answer) => {
                    if patience.is_tried() {
                        self.told.message("the cluster answers again".to_owned());
                    }
                    return Ok(answer);
                }
            };
            let message = format!("{error}; it is asked again");
            // What may have been done is not told as if nothing had been.
            let reason = unknown.take().unwrap_or(error);
            if !patience.lasts() {
                return Err(refused(what(), reason));
            }
            self.told.message(message);
            let is_unknown = may_be_done(&reason);
            if self.unless_cancelled(sleep(EVERY)).await.is_err() {
                return Err(match is_unknown {
                    true => refused(what(), reason),
                    false => NotDeployed::Cancelled,
                });
            }
            unknown = is_unknown.then_some(reason);
            self.to.look().await;
        }
    }

    /// A command of this delivery, by a name of its own.
    async fn named(&self, step: &str) -> Result<Client, Error> {
        let key = format!("{}/{step}", self.order.key);
        Ok(self.to.client().await?.with_idempotency_key(Some(key)))
    }

    fn query(&self, dry_run: bool) -> UploadQuery {
        UploadQuery { base: self.order.base.clone(), dry_run, ..UploadQuery::default() }
    }

    /// Asks which objects the cluster lacks; it judges the package, its signer and its tag.
    async fn compared(&self) -> Result<Compared, NotDeployed> {
        self.begin("compare")?;
        let head = file::head(self.file, self.proven);
        let looked = async {
            let client = self.to.client().await?;
            client.deployment_upload(&self.query(true), head, &options()).await
        };
        let compared = match self.unless_cancelled(looked).await? {
            Ok(it) => Compared {
                base: it.base,
                digest: it.digest,
                missing: it.missing.into_iter().collect(),
                is_stored: false,
            },
            Err(error) => {
                let found = self.unless_cancelled(self.stored_before(&error)).await?;
                let unfit = |it| refused(format!("can't store {}", self.tag()), it);
                found.map_err(unfit)?.ok_or_else(|| unfit(error))?
            }
        };
        self.told.message(match compared.is_stored {
            true => "it is stored already".to_owned(),
            false => {
                let (missing, all) = (compared.missing.len(), self.proven.manifest.objects.len());
                format!("{missing} of {all} objects are missing")
            }
        });
        Ok(compared)
    }

    /// What an earlier delivery stored under the tag before it ended, if that is the same content on the same
    /// base: then there is nothing to send, and the rest is still to be done.
    async fn stored_before(&self, refusal: &Error) -> Result<Option<Compared>, Error> {
        let Error::Problem(problem) = refusal else { return Ok(None) };
        if !problem.is(ProblemKind::Conflict) {
            return Ok(None);
        }
        let stored = self.to.client().await?.deployments().await?;
        let found = stored.items.into_iter().find(|it| it.tag == *self.tag());
        let Some(found) = found else { return Ok(None) };
        let base = self.order.base.as_ref().map_or(ROOT, DeploymentTag::as_str);
        let is_same =
            found.digest == self.proven.manifest.content.digest() && found.parent.as_str() == base;
        let missing = BTreeSet::new();
        Ok(is_same.then_some(Compared {
            base: found.parent,
            digest: found.digest,
            missing,
            is_stored: true,
        }))
    }

    async fn planned(&self, compared: &Compared) -> Result<Deployed, NotDeployed> {
        self.begin("plan")?;
        let looked = || async {
            let client = self.to.client().await?;
            Ok((client.deployments().await?, client.activations().await?.items))
        };
        let looked = self.patiently(|| UNSEEN.to_owned(), looked);
        let (stored, nodes) = self.unless_cancelled(looked).await??;
        let content = &self.proven.manifest.content;
        let workflows = content.workflow_digests();
        let coming = Coming { tag: self.tag(), project: &content.project, workflows };
        let (plan, obstacles) = (coming.foresee(&stored, &nodes), coming.obstacles(&stored));
        let count = |is: &dyn Fn(&weir_http_api::DeployNodePlan) -> usize| {
            plan.iter().map(is).sum::<usize>()
        };
        self.told.message(format!(
            "{} to start, {} to stop, {} to restart, {} to stay; nodes: {}",
            count(&|it| it.starts.len()),
            count(&|it| it.stops.len()),
            count(&|it| it.restarts.len()),
            count(&|it| it.stays.len()),
            plan.len()
        ));
        if self.order.activate && !self.order.dry_run {
            self.check_free(&obstacles)?;
        }
        Ok(Deployed {
            dry_run: self.order.dry_run,
            tag: self.tag().clone(),
            base: compared.base.clone(),
            digest: compared.digest,
            sent: self.lacking(&compared.missing),
            total: self.counted(|_| true),
            plan,
            obstacles,
            activated: false,
            nodes: vec![],
        })
    }

    /// What would be refused in the end is not even sent.
    fn check_free(&self, obstacles: &[DeployObstacle]) -> Result<(), NotDeployed> {
        let Some(first) = obstacles.first() else { return Ok(()) };
        let problem = Problem::new(ProblemKind::Conflict, first.detail.clone());
        let parts = obstacles.iter().map(|it| ProblemPart {
            pointer: "/activate".to_owned(),
            detail: format!("{}: {}", it.detail, it.hint),
        });
        let errors = if obstacles.len() > 1 { parts.collect() } else { Vec::new() };
        let problem = Problem { errors, ..problem }.with_hint(first.hint.clone());
        let error = Error::Problem(Box::new(problem));
        Err(refused(format!("can't activate {}", self.tag()), error))
    }

    fn lacking(&self, missing: &BTreeSet<Digest>) -> ObjectCountView {
        self.counted(|it| missing.contains(it))
    }

    fn counted(&self, is_meant: impl Fn(&Digest) -> bool) -> ObjectCountView {
        let objects = self.proven.manifest.objects.iter();
        let sizes = objects.filter(|it| is_meant(&it.digest)).map(|it| it.size);
        sizes.fold(ObjectCountView::default(), |sum, size| ObjectCountView {
            objects: sum.objects + 1,
            bytes: sum.bytes + size,
        })
    }

    async fn sent(&self, missing: &BTreeSet<Digest>) -> Result<ObjectCountView, NotDeployed> {
        self.begin("send")?;
        let sent = || async {
            let client = self.named("send").await?;
            let upload = counted(file::partial(self.file, self.proven, missing), self.told.clone());
            match client.deployment_upload(&self.query(false), upload, &options()).await {
                Ok(_) => {}
                // One that was broken off may have arrived meanwhile.
                Err(error) => _ = self.stored_before(&error).await?.ok_or(error)?,
            }
            Ok(self.lacking(missing))
        };
        let sent = self.patiently(|| format!("can't store {}", self.tag()), sent);
        match self.unless_cancelled(sent).await? {
            // It ended the body that was being sent.
            Err(_) if self.told.is_cancelled() => Err(NotDeployed::Cancelled),
            sent => sent,
        }
    }

    /// Makes it the default, and waits for the nodes that this concerns, if that is wanted.
    async fn activated(&self) -> Result<Vec<ActivationView>, NotDeployed> {
        self.begin("activate")?;
        let request = Activate { tag: self.tag().clone(), assignments: false };
        let activated = || async {
            let client = self.named("activate").await?;
            client.deployment_activate(&request, &options()).await
        };
        let what = || format!("can't activate {}", self.tag());
        let changed = self.patiently(what, activated).await?;
        let nodes: BTreeSet<_> = changed.nodes.into_iter().map(|it| it.node).collect();
        let Some(limit) = self.order.wait else { return Ok(vec![]) };
        self.told.step("wait");
        let waited = timeout(limit.duration(), self.waited(nodes)).await;
        waited.unwrap_or(Err(NotDeployed::Late(limit)))
    }

    async fn waited(
        &self,
        mut nodes: BTreeSet<NodeName>,
    ) -> Result<Vec<ActivationView>, NotDeployed> {
        let mut patience = Patience::default();
        loop {
            let asked = async { self.to.client().await?.activations().await };
            match self.unless_cancelled(asked).await? {
                Ok(all) => {
                    patience = Patience::default();
                    // Those that are to run it already were not changed, and may have failed.
                    let to_run = all.items.iter().filter(|it| it.target == *self.tag());
                    nodes.extend(to_run.map(|it| it.node.clone()));
                    let concerned = all.items.into_iter().filter(|it| nodes.contains(&it.node));
                    let all: Vec<_> = concerned.collect();
                    if let Some(it) = all.iter().find(|it| it.target != *self.tag()) {
                        return Err(NotDeployed::Superseded(Box::new(it.clone())));
                    }
                    if let Some(it) = all.iter().find(|it| it.state == ActivationState::Failed) {
                        return Err(NotDeployed::NodeFailed(Box::new(it.clone())));
                    }
                    let is_there = |it: &&ActivationView| it.state == ActivationState::Active;
                    let there = all.iter().filter(is_there).count();
                    self.told.message(format!("nodes that run it: {there} of {}", all.len()));
                    self.told.percent(percent(there as u64, all.len() as u64));
                    if there == all.len() {
                        return Ok(all);
                    }
                }
                // A controller may move meanwhile.
                Err(Error::Problem(it))
                    if it.is(ProblemKind::Unavailable) || it.is(ProblemKind::TimedOut) =>
                {
                    patience = Patience::default();
                }
                Err(error) if may_pass(&error) && patience.lasts() => self.to.look().await,
                Err(error) => return Err(refused(UNSEEN.to_owned(), error)),
            }
            self.unless_cancelled(sleep(EVERY)).await?;
        }
    }
}

/// How long nobody has answered.
#[derive(Default)]
struct Patience(Option<Stopwatch>);

impl Patience {
    /// Whether to ask again.
    fn lasts(&mut self) -> bool {
        self.0.get_or_insert_with(Stopwatch::start).elapsed() < PATIENCE
    }

    fn is_tried(&self) -> bool {
        self.0.is_some()
    }
}

/// Whether the same may be answered in a moment.
fn may_pass(error: &Error) -> bool {
    match error {
        Error::Unreachable { .. } | Error::Interrupted { .. } => true,
        Error::Problem(it) => {
            let kinds =
                [ProblemKind::Unavailable, ProblemKind::TimedOut, ProblemKind::EngineUnreachable];
            kinds.into_iter().any(|kind| it.is(kind))
        }
        _ => false,
    }
}

/// Whether what was asked for may have been done all the same.
fn may_be_done(error: &Error) -> bool {
    match error {
        Error::Interrupted { is_question, .. } => !is_question,
        Error::Problem(it) => it.is(ProblemKind::TimedOut) || it.is(ProblemKind::EngineUnreachable),
        _ => false,
    }
}

fn options() -> ChangeOptions {
    ChangeOptions::default()
}

fn refused(what: String, error: Error) -> NotDeployed {
    NotDeployed::Refused { what, error }
}

/// Tells how much of it was sent, and breaks it off where that is asked for: the cluster stores nothing
/// of half a package.
fn counted(upload: Upload, told: Arc<dyn Telling>) -> Upload {
    let Upload { pieces, length, content_type } = upload;
    let mut sent = 0;
    let pieces = pieces.map(move |piece: std::io::Result<Bytes>| {
        if told.is_cancelled() {
            return Err(std::io::Error::other("cancelled"));
        }
        if let Ok(bytes) = &piece {
            sent += bytes.len() as u64;
            told.percent(percent(sent, length));
        }
        piece
    });
    Upload { pieces: Box::new(pieces), length, content_type }
}

fn percent(done: u64, all: u64) -> u8 {
    match all {
        0 => 100,
        all => u8::try_from((done.min(all) * 100) / all).unwrap_or(100),
    }
}
