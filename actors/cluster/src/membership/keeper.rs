//! The keeper of the membership: carries the state machine, brings it what the store, the links
//! and gossip say, and does what it wants.
//!
//! It never waits for any of them. All that it knows is in the view that it publishes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, broadcast, mpsc, watch};
use weir_domain::{Code, Fault, NodeUid};
use weir_persistence_api::{LeaseStore, MemberChanges, MemberStore, Members};
use weir_runtime::{Phase, Reason, Stopwatch, System};

use super::desk::{Desk, Outcome};
use super::explain::Clues;
use super::last_words::{LastWords, Say};
use super::surroundings::{Concern, Ground, Surroundings};
use super::{Core, Order, Stop, Turn, journalist, leader};
use crate::code;
use crate::event::ClusterEvent;
use crate::liveness::Heard;
use crate::mesh::{MeshLink, News, Note};
use crate::reach::Reach;
use crate::view::View;
use crate::watermark::Watermarks;

/// The longest time between two turns: a node that takes longer has been paused.
const TURN_EVERY: Duration = Duration::from_millis(500);

/// How long the list's version may stay the same. It is what everybody knows the store's age by: a
/// replica that lacks more than that, and takes the place of the store, is recognised.
const BEAT_EVERY: Duration = Duration::from_secs(2);

/// What the keeper publishes.
#[derive(Clone)]
pub(crate) struct Outlets {
    pub(crate) view: watch::Sender<Arc<View>>,
    pub(crate) events: broadcast::Sender<ClusterEvent>,
    pub(crate) clues: watch::Sender<Clues>,
    /// Set when membership has come to its end.
    pub(crate) is_over: watch::Sender<bool>,
}

/// What the keeper is made of.
pub(crate) struct Parts {
    pub(crate) system: System,
    pub(crate) core: Core,
    pub(crate) ground: Ground,
    pub(crate) look_every: Duration,
    pub(crate) watermarks: Watermarks,
    pub(crate) outlets: Outlets,
}

/// What comes to the keeper from outside.
pub(crate) struct Inlets {
    pub(crate) store: Arc<dyn MemberStore>,
    pub(crate) leases: Option<Arc<dyn LeaseStore>>,
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) news: Option<mpsc::Receiver<News>>,
    pub(crate) heard: Option<watch::Receiver<Arc<Heard>>>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Command {
    pub(crate) node: NodeUid,
    pub(crate) order: Order,
}

pub(crate) struct Keeper {
    system: System,
    core: Core,
    surroundings: Surroundings,
    watermarks: Watermarks,
    /// There is something new to be noted.
    news: Arc<Notify>,
    outlets: Outlets,
    desk: Desk,
    clock: Stopwatch,
    look_every: Duration,
    look_at: Duration,
    wake: Option<Duration>,
    /// When the list's version was last seen to change.
    version_since: Duration,
    /// Why the list could not be read, or changed, when that was last tried.
    read_trouble: Option<String>,
    save_trouble: Option<String>,
    resolved: Option<String>,
    /// What this node still has to say of itself when it stops.
    last_words: Option<LastWords>,
    /// The cluster goes on without this node.
    is_downed: bool,
}

impl Keeper {
    fn new(parts: Parts, desk: Desk) -> Self {
        let Parts { system, core, ground, look_every, watermarks, outlets } = parts;
        Self {
            system,
            core,
            surroundings: Surroundings::new(ground),
            watermarks,
            news: Arc::default(),
            outlets,
            desk,
            clock: Stopwatch::start(),
            look_every,
            look_at: Duration::ZERO,
            wake: None,
            version_since: Duration::ZERO,
            read_trouble: None,
            save_trouble: None,
            resolved: None,
            last_words: None,
            is_downed: false,
        }
    }

    /// Keeps the membership until it is over.
    pub(crate) async fn run(parts: Parts, inlets: Inlets) {
        let Inlets { store, leases, mut commands, mut news, mut heard } = inlets;
        let (desk, mut outcomes) = Desk::new(parts.system.clone(), store, leases);
        let mut over = parts.outlets.is_over.subscribe();
        let mut it = Self::new(parts, desk);
        let mut noting =
            std::pin::pin!(note(it.system.clone(), it.watermarks.clone(), it.news.clone()));
        while !it.has_said_all() {
            it.turn();
            let pause = it.pause();
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                Some(outcome) = outcomes.recv() => it.settle(outcome),
                Some(Command { node, order }) = commands.recv() => it.core.order(node, order),
                Some(news) = next(&mut news) => it.hear(news),
                () = changed(&mut heard) => {}
                () = &mut noting => {}
                _ = over.wait_for(|it| *it) => return,
            }
        }
    }

    /// Whether this node was downed, and its last words have got to the store or can't: what comes
    /// of a store that is about to be closed concerns nobody any more.
    fn has_said_all(&self) -> bool {
        self.is_downed && self.last_words.is_none() && !self.desk.is_busy()
    }

    /// Until there is something to do in any case.
    fn pause(&self) -> Duration {
        let now = self.clock.elapsed();
        let look_at = if self.desk.is_busy() { Duration::MAX } else { self.look_at };
        let next = self.wake.unwrap_or(Duration::MAX).min(look_at);
        next.saturating_sub(now).clamp(Duration::from_millis(1), TURN_EVERY)
    }

    fn turn(&mut self) {
        let now = self.clock.elapsed();
        let links = self.surroundings.links();
        let reach = self.surroundings.look(now, self.core.members(), &links);
        let turn = self.core.turn(now, self.system.now(), &reach);
        self.wake = turn.wake;
        self.publish(reach, &turn);
        self.publish_clues(&links, &turn);
        self.surroundings.tend_links(now, self.core.members(), &links);
        // Who only leaves goes on taking turns until the list shows it.
        if matches!(&turn.stop, Some(it) if !matches!(it, Stop::Leave { .. })) {
            self.last_words = turn.save.clone().map(LastWords::new);
        }
        self.write_or_read(now, turn.save);
        if let Some(stop) = turn.stop {
            self.stop(stop);
        }
    }

    fn publish(&mut self, reach: Reach, turn: &Turn) {
        let Members { version, members } = &**self.core.members();
        let old = self.outlets.view.borrow().clone();
        let is_same = old.members == *members && old.reach == reach;
        let view = View {
            me: old.me.clone(),
            version: *version,
            leader: leader(members, &reach),
            members: members.clone(),
            survives: turn.survives,
            unreachable_since: old.silent_since(&reach, self.system.now()),
            reach,
            store_trouble: self.read_trouble.clone().or_else(|| self.save_trouble.clone()),
            since: if is_same { old.since } else { Stopwatch::start() },
        };
        if let (Some(why), true) = (&turn.resolved, self.resolved != turn.resolved) {
            journalist::resolved(&self.outlets.events, why);
        }
        self.resolved.clone_from(&turn.resolved);
        journalist::report(&self.outlets.events, &old, &view);
        let facts = |it: &View| (it.leader, it.survives, it.version, it.store_trouble.clone());
        if !is_same || facts(&old) != facts(&view) {
            self.outlets.view.send_replace(Arc::new(view));
        }
    }

    fn publish_clues(&self, links: &[MeshLink], turn: &Turn) {
        let troubles = self.surroundings.troubles(links);
        let waits_for = turn.waits_for.as_ref().map(ToString::to_string);
        let clues = Clues { troubles, waits_for, ..Clues::default() };
        self.outlets.clues.send_if_modified(|it| {
            let is_new = *it != clues;
            *it = clues;
            is_new
        });
    }

    fn write_or_read(&mut self, now: Duration, save: Option<(u64, MemberChanges)>) {
        if self.desk.is_busy() {
            return;
        }
        if save.is_none() && self.core.is_store_there() && !self.leads() {
            // What could not be changed has been, or need not be any more. The leader learns by the
            // next beat whether changes are taken again.
            self.save_trouble = None;
        }
        if let Some(words) = &mut self.last_words {
            return match words.next() {
                Say::Save(seen, changes) => self.desk.save(seen, changes),
                Say::Read => self.desk.read(),
            };
        }
        match save {
            Some((seen, changes)) if !self.desk.is_stale() => self.desk.save(seen, changes),
            None if !self.desk.is_stale() && self.is_beat_due(now) => {
                let seen = self.core.members().version;
                self.desk.save(seen, MemberChanges::default());
            }
            Some(_) | None if self.desk.is_stale() || now >= self.look_at => {
                self.look_at = now + self.look_every;
                match self.core.asks_for_holders() {
                    true => self.desk.read_all(),
                    false => self.desk.read(),
                }
            }
            Some(_) | None => {}
        }
    }

    /// Whether it is time to advance the version though nothing changes: the leader does that. A
    /// store that is this node's alone has no replicas. One that took no change is tried at once
    /// when it can be read again.
    fn is_beat_due(&self, now: Duration) -> bool {
        let is_late = now >= self.version_since + BEAT_EVERY;
        self.leads()
            && !self.core.rules().alone
            && self.core.is_store_there()
            && (is_late || self.save_trouble.is_some())
    }

    fn leads(&self) -> bool {
        self.outlets.view.borrow().leader == Some(self.system.uid())
    }

    fn settle(&mut self, outcome: Outcome) {
        self.desk.done();
        match outcome {
            Outcome::Read(members) => self.take(members),
            Outcome::ReadAll(members, holders) => {
                self.core.read_holders(self.clock.elapsed(), holders);
                self.take(members);
            }
            Outcome::Saved(version) => {
                self.last_words.take_if(|it| !it.are_unsaid());
                self.save_trouble = None;
                self.surroundings.tell_all(&Note::Changed { version });
            }
            Outcome::Late => self.save_trouble = None,
            // The store is about to be closed, or is.
            Outcome::NotRead(_) | Outcome::NotSaved(_) if self.is_downed || self.is_closing() => {
                self.last_words.take_if(|it| !it.are_unsaid());
            }
            Outcome::NotRead(cause) => {
                self.core.store_lost();
                // The newest: the first one is often silence, and what is behind it comes later.
                self.read_trouble = Some(cause);
            }
            // It is tried again after the next look, since what became of it is not known.
            Outcome::NotSaved(cause) => {
                self.core.store_lost();
                self.save_trouble = Some(cause);
                self.look_at = self.clock.elapsed() + self.look_every;
                self.desk.rest();
            }
        }
    }

    /// Whether this node closes its store by itself: it did not get as far as to leave in time.
    fn is_closing(&self) -> bool {
        self.system.shutdown().has_begun(Phase::StoreClose)
    }

    fn take(&mut self, members: Members) {
        self.look_over(members);
        let (list, now) = (self.core.members(), self.system.now());
        self.last_words = self.last_words.take().and_then(|it| it.upon(list, now));
    }

    fn look_over(&mut self, members: Members) {
        match self.watermarks.members(members.version) {
            Err(error) => return self.refuse(code::STORE_WENT_BACK, &error),
            Ok(true) => self.news.notify_one(),
            Ok(false) => {}
        }
        self.read_trouble = None;
        let now = self.clock.elapsed();
        if members.version != self.core.members().version {
            self.version_since = now;
        }
        self.core.read(now, members);
    }

    fn hear(&mut self, news: News) {
        match self.surroundings.hear(self.core.members(), news) {
            Some(Concern::Changed(version)) if version > self.core.members().version => {
                self.desk.hint();
            }
            Some(Concern::Downed(why)) => self.core.refused(why),
            Some(Concern::Changed(_)) | None => {}
        }
    }

    fn stop(&mut self, stop: Stop) {
        let shutdown = self.system.shutdown();
        match stop {
            // Whoever stops already leaves as part of that.
            Stop::Leave { .. } if shutdown.stopping().is_stopping() => {}
            Stop::Leave { why } => drop(shutdown.request(Reason::Requested(why))),
            Stop::Downed { why } => {
                let message = format!("the cluster goes on without this node: {why}");
                self.downed(code::DOWNED, message);
            }
            Stop::Forgotten => {
                let message = "this node's row has gone from the list of members".to_owned();
                self.downed(code::FORGOTTEN, message);
            }
            Stop::Duplicate { other, at } => {
                let message = format!("{other} at {at} has the same name");
                tracing::error!(code = %code::DUPLICATE_NAME, message);
                let hint = "give each node a canonical host of its own, or stop the other one";
                let fault = Fault::config(code::DUPLICATE_NAME.0, message).with_hint(hint);
                shutdown.request(Reason::Failed(fault));
            }
        }
    }

    fn downed(&mut self, code: Code, message: String) {
        tracing::error!(%code, "{message}");
        let hint = "start it again: it comes back as a new member";
        let fault = Fault::stopped(message).with_hint(hint);
        self.system.shutdown().request(Reason::Downed(Fault { code, ..fault }));
        self.is_downed = true;
    }

    /// Going on, or beginning again, would do harm. A second request would end it rudely.
    fn refuse(&self, code: Code, error: &dyn std::error::Error) {
        if !self.system.shutdown().stopping().is_stopping() {
            tracing::error!(%code, "{error}");
            let fault = Fault::config(code.0, error.to_string());
            self.system.shutdown().request(Reason::Refused(fault));
        }
    }
}

/// Writes what was seen of the store, one time after the other: a disk that hangs holds up one
/// thread.
async fn note(system: System, watermarks: Watermarks, news: Arc<Notify>) {
    loop {
        news.notified().await;
        let marks = watermarks.clone();
        let write = move || marks.write();
        let written = system.tasks().spawn_blocking("cluster/watermark", write).join().await;
        if let Ok(Err(error)) = written {
            tracing::warn!(code = %code::WATERMARK, %error, "what was seen of the store is not noted");
        }
    }
}

async fn next(news: &mut Option<mpsc::Receiver<News>>) -> Option<News> {
    match news {
        Some(news) => news.recv().await,
        None => None,
    }
}

async fn changed(heard: &mut Option<watch::Receiver<Arc<Heard>>>) {
    if let Some(it) = heard
        && it.changed().await.is_ok()
    {
        return;
    }
    std::future::pending().await
}
