//! The keeper of the membership: carries the state machine, brings it what the store, the links
//! and gossip say, and does what it wants.
//!
//! It never waits for any of them. All that it knows is in the view that it publishes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, watch};
use weir_domain::{ClusterAddress, Fault, Incarnation, Member, NodeUid};
use weir_persistence_api::{MemberChanges, MemberStore, Members};
use weir_runtime::{Reason, Stopwatch, System};

use super::acquaintance::Acquaintances;
use super::desk::{Desk, Outcome};
use super::explain::Clues;
use super::{Core, Order, Stop, Turn, journalist, leader};
use crate::admission::Admission;
use crate::code;
use crate::event::ClusterEvent;
use crate::liveness::{DETAILS, Heard, Liveness, MISSING};
use crate::mesh::{Mesh, MeshLink, MeshState, News, Note, Refusal};
use crate::reach::{Reach, Sources, is_present, merge, missing};
use crate::settings::Describe;
use crate::view::View;
use crate::watermark::Watermarks;

/// How often a node describes itself to the others.
const DESCRIBE_EVERY: Duration = Duration::from_secs(10);
/// The longest time between two turns: a node that takes longer has been paused.
const TURN_EVERY: Duration = Duration::from_millis(500);

/// The way to the others, for a node that is not alone.
#[derive(Clone)]
pub(crate) struct Outside {
    pub(crate) mesh: Arc<dyn Mesh>,
    pub(crate) liveness: Arc<dyn Liveness>,
}

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
    pub(crate) own_address: ClusterAddress,
    pub(crate) seeds: Vec<ClusterAddress>,
    pub(crate) look_every: Duration,
    pub(crate) describe: Describe,
    pub(crate) outside: Option<Outside>,
    pub(crate) admission: Admission,
    pub(crate) watermarks: Watermarks,
    pub(crate) outlets: Outlets,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Command {
    pub(crate) node: NodeUid,
    pub(crate) order: Order,
}

pub(crate) struct Keeper {
    parts: Parts,
    desk: Desk,
    clock: Stopwatch,
    look_at: Duration,
    describe_at: Duration,
    wake: Option<Duration>,
    acquaintances: Acquaintances,
    gone: BTreeMap<NodeUid, String>,
    answering: BTreeSet<NodeUid>,
    dialled: BTreeSet<ClusterAddress>,
    said_missing: Option<BTreeSet<NodeUid>>,
    store_trouble: Option<String>,
    resolved: Option<String>,
    /// What this node still has to say of itself when it stops.
    last_words: Option<(u64, MemberChanges)>,
}

impl Keeper {
    fn new(parts: Parts, desk: Desk) -> Self {
        Self {
            parts,
            desk,
            clock: Stopwatch::start(),
            look_at: Duration::ZERO,
            describe_at: Duration::ZERO,
            wake: None,
            acquaintances: Acquaintances::default(),
            gone: BTreeMap::new(),
            answering: BTreeSet::new(),
            dialled: BTreeSet::new(),
            said_missing: None,
            store_trouble: None,
            resolved: None,
            last_words: None,
        }
    }

    /// Keeps the membership until it is over.
    pub(crate) async fn run(
        parts: Parts,
        store: Arc<dyn MemberStore>,
        mut commands: mpsc::Receiver<Command>,
        news: Option<mpsc::Receiver<News>>,
    ) {
        let (desk, mut outcomes) = Desk::new(parts.system.clone(), store);
        let mut over = parts.outlets.is_over.subscribe();
        let mut it = Self::new(parts, desk);
        let mut news = Inbox(news);
        let mut heard = it.parts.outside.as_ref().map(|it| it.liveness.heard());
        loop {
            it.turn();
            let pause = it.pause();
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                Some(outcome) = outcomes.recv() => it.settle(outcome),
                Some(Command { node, order }) = commands.recv() => it.parts.core.order(node, order),
                Some(news) = news.next() => it.hear(news),
                () = changed(&mut heard) => {}
                _ = over.wait_for(|it| *it) => return,
            }
        }
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
        let links = self.parts.outside.as_ref().map(|it| it.mesh.links()).unwrap_or_default();
        let reach = self.look_around(now, &links);
        let turn = self.parts.core.turn(now, self.parts.system.now(), &reach);
        self.wake = turn.wake;
        self.publish(&reach, &links, &turn);
        self.tend_links(&links);
        if turn.stop.is_some() {
            self.last_words.clone_from(&turn.save);
        }
        self.write_or_read(now, &turn);
        if let Some(stop) = turn.stop {
            self.stop(stop);
        }
    }

    /// Merges what the links, gossip and evidence say.
    fn look_around(&mut self, now: Duration, links: &[MeshLink]) -> Reach {
        let me = self.parts.system.uid();
        let up = links.iter().filter(|it| it.is_up()).filter_map(|it| it.peer.as_ref());
        let up: BTreeSet<Incarnation> = up.cloned().collect();
        let members = &self.parts.core.members().members;
        // Whoever was at this node's address has left it, and so has ended.
        if links.iter().any(|it| it.state == MeshState::Itself) {
            let is_there = |it: &&Member| it.address == self.parts.own_address && it.node.uid != me;
            let how = || "this node listens at its address now".to_owned();
            self.gone.extend(members.iter().filter(is_there).map(|it| (it.node.uid, how())));
        }
        self.gone.retain(|uid, _| members.iter().any(|it| it.node.uid == *uid));
        self.parts.admission.update(members, up.clone());
        let up = up.into_iter().map(|it| it.uid).collect();
        let links = self.acquaintances.observe(now, me, members, &up);
        let heard = self.heard();
        let sources = Sources {
            live: heard.keys().copied().collect(),
            links,
            gone: self.gone.clone(),
            answering: self.answering.clone(),
            tables: tables(&heard),
        };
        let reach = merge(me, members, &sources);
        self.say(now, missing(&sources));
        reach
    }

    fn heard(&self) -> Arc<Heard> {
        self.parts
            .outside
            .as_ref()
            .map(|it| it.liveness.heard().borrow().clone())
            .unwrap_or_default()
    }

    /// Tells the others what they can't see: whom this node misses, and how it is.
    fn say(&mut self, now: Duration, missing: BTreeSet<NodeUid>) {
        let Some(Outside { liveness, .. }) = &self.parts.outside else { return };
        if self.said_missing.as_ref() != Some(&missing) {
            liveness.publish(MISSING, json(&missing));
            self.said_missing = Some(missing);
        }
        if now >= self.describe_at {
            self.describe_at = now + DESCRIBE_EVERY;
            liveness.publish(DETAILS, json(&(self.parts.describe)()));
        }
    }

    fn publish(&mut self, reach: &Reach, links: &[MeshLink], turn: &Turn) {
        let core = &self.parts.core;
        let Members { version, members } = &**core.members();
        let old = self.parts.outlets.view.borrow().clone();
        let is_same = old.members == *members && old.reach == *reach;
        let view = View {
            me: old.me.clone(),
            version: *version,
            leader: leader(members, reach),
            members: members.clone(),
            survives: turn.survives,
            reach: reach.clone(),
            store_trouble: self.store_trouble.clone(),
            since: if is_same { old.since } else { Stopwatch::start() },
        };
        let is_news = self.resolved != turn.resolved;
        if let (Some(why), true) = (&turn.resolved, is_news) {
            journalist::resolved(&self.parts.outlets.events, why);
        }
        self.resolved = turn.resolved.clone();
        journalist::report(&self.parts.outlets.events, &old, &view);
        let is_same = is_same
            && (old.leader, old.survives, old.version)
                == (view.leader, view.survives, view.version)
            && old.store_trouble == view.store_trouble;
        if !is_same {
            self.parts.outlets.view.send_replace(Arc::new(view));
        }
        let clues = Clues {
            troubles: troubles(links, &self.parts.own_address),
            waits_for: turn.waits_for.as_ref().map(ToString::to_string),
        };
        self.parts.outlets.clues.send_if_modified(|it| {
            let is_new = *it != clues;
            *it = clues;
            is_new
        });
    }

    /// Dials whoever is a member, and lets go of those that are none any more.
    fn tend_links(&mut self, links: &[MeshLink]) {
        let Some(Outside { mesh, .. }) = &self.parts.outside else { return };
        let mesh = mesh.clone();
        let members = self.parts.core.members().members.clone();
        let own = (self.parts.system.uid(), &self.parts.own_address);
        let others = members.iter().filter(|it| is_present(it.status) && it.node.uid != own.0);
        let mut wanted: BTreeSet<ClusterAddress> = others.map(|it| it.address.clone()).collect();
        wanted.extend(self.parts.seeds.iter().filter(|it| *it != own.1).cloned());
        for address in self.dialled.difference(&wanted).cloned().collect::<Vec<_>>() {
            mesh.forget(&address);
            self.dialled.remove(&address);
        }
        for address in wanted {
            self.dial(&address);
        }
        let ended = members.iter().filter(|it| !is_present(it.status));
        for member in ended {
            let is_linked = |it: &&MeshLink| it.is_up() && it.peer.as_ref() == Some(&member.node);
            if links.iter().any(|it| is_linked(&it)) {
                mesh.disconnect(member.node.uid, &member.reason);
            }
        }
    }

    fn dial(&mut self, address: &ClusterAddress) {
        if let Some(Outside { mesh, .. }) = &self.parts.outside
            && self.dialled.insert(address.clone())
        {
            mesh.dial(address);
        }
    }

    fn write_or_read(&mut self, now: Duration, turn: &Turn) {
        if self.desk.is_busy() {
            return;
        }
        if let Some((seen, changes)) = self.last_words.take() {
            return self.desk.save(seen, changes);
        }
        match &turn.save {
            Some((seen, changes)) if !self.desk.is_stale() => {
                self.desk.save(*seen, changes.clone());
            }
            Some(_) | None if self.desk.is_stale() || now >= self.look_at => {
                self.look_at = now + self.parts.look_every;
                self.desk.read();
            }
            Some(_) | None => {}
        }
    }

    fn settle(&mut self, outcome: Outcome) {
        self.desk.done();
        let now = self.clock.elapsed();
        match outcome {
            Outcome::Read(members) => self.take(now, members),
            Outcome::Saved(version) => self.tell_all(&Note::Changed { version }),
            Outcome::Late => {}
            Outcome::Failed(cause) => {
                self.parts.core.store_lost();
                self.desk.failed();
                self.store_trouble.get_or_insert(cause);
            }
        }
    }

    fn take(&mut self, now: Duration, members: Members) {
        match self.parts.watermarks.members(members.version) {
            Err(error) => return self.fail(code::STORE_WENT_BACK, &error),
            Ok(true) => self.note_watermarks(),
            Ok(false) => {}
        }
        self.store_trouble = None;
        self.parts.core.read(now, members);
    }

    fn note_watermarks(&self) {
        let (watermarks, tasks) = (self.parts.watermarks.clone(), self.parts.system.tasks());
        tasks.spawn_blocking("cluster/watermark", move || {
            if let Err(error) = watermarks.write() {
                tracing::warn!(code = %code::WATERMARK, %error, "what was seen of the store is not noted");
            }
        });
    }

    fn tell_all(&self, note: &Note) {
        let Some(Outside { mesh, .. }) = &self.parts.outside else { return };
        for peer in mesh.links().into_iter().filter(|it| it.is_up()).filter_map(|it| it.peer) {
            mesh.tell(peer.uid, note.clone());
        }
    }

    fn hear(&mut self, news: News) {
        match news {
            News::Up { peer } => {
                self.gone.remove(&peer.uid);
                if let Some(Outside { liveness, .. }) = &self.parts.outside {
                    liveness.meet(&peer);
                }
            }
            News::Down { .. } => {}
            News::Gone { node, evidence } => {
                self.gone.insert(node.uid, evidence);
            }
            News::Refused { address, refusal } => self.refused(&address, refusal),
            News::Note { note: Note::Changed { version }, .. } => {
                if version > self.parts.core.members().version {
                    self.desk.hint();
                }
            }
            News::Note { from, note } => {
                if let Some(Outside { liveness, .. }) = &self.parts.outside {
                    liveness.take(from, note);
                }
            }
        }
    }

    fn refused(&mut self, address: &ClusterAddress, refusal: Refusal) {
        let me = self.parts.system.uid();
        let members = &self.parts.core.members().members;
        let there = members.iter().filter(|it| it.address == *address && it.node.uid != me);
        match refusal {
            Refusal::DuplicateName => {
                let namesakes = there.filter(|it| it.node.name == *self.parts.system.node());
                self.answering.extend(namesakes.map(|it| it.node.uid));
            }
            Refusal::Downed(why) => self.parts.core.refused(why),
            Refusal::Other(_) => {}
        }
    }

    fn stop(&self, stop: Stop) {
        let shutdown = self.parts.system.shutdown();
        match stop {
            // Whoever stops already leaves as part of that.
            Stop::Leave { .. } if shutdown.stopping().is_stopping() => {}
            Stop::Leave { why } => drop(shutdown.request(Reason::Requested(why))),
            Stop::Downed { why } => {
                self.downed(format!("the cluster goes on without this node: {why}"))
            }
            Stop::Forgotten => {
                self.downed("this node's row has gone from the list of members".into())
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

    fn downed(&self, message: String) {
        tracing::error!(code = %code::DOWNED, "{message}");
        let hint = "start it again: it comes back as a new member";
        let fault = Fault::stopped(message).with_hint(hint);
        self.parts.system.shutdown().request(Reason::Downed(Fault { code: code::DOWNED, ..fault }));
    }

    /// What can't go on, because going on would do harm.
    fn fail(&self, code: weir_domain::Code, error: &dyn std::error::Error) {
        tracing::error!(%code, "{error}");
        let fault = Fault::config(code.0, error.to_string());
        self.parts.system.shutdown().request(Reason::Failed(fault));
    }
}

/// News, where there can be any.
struct Inbox(Option<mpsc::Receiver<News>>);

impl Inbox {
    async fn next(&mut self) -> Option<News> {
        match &mut self.0 {
            Some(news) => news.recv().await,
            None => None,
        }
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

fn tables(heard: &Heard) -> BTreeMap<NodeUid, BTreeSet<NodeUid>> {
    let read = |said: &BTreeMap<String, String>| serde_json::from_str(said.get(MISSING)?).ok();
    heard.iter().filter_map(|(&uid, said)| Some((uid, read(said)?))).collect()
}

fn troubles(links: &[MeshLink], own: &ClusterAddress) -> Vec<(String, String)> {
    let down = links.iter().filter(|it| !it.is_up() && it.address != *own);
    let trouble = |it: &MeshLink| Some((it.address.to_string(), it.trouble.clone()?));
    down.filter_map(trouble).collect()
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("what is published has only plain values")
}
