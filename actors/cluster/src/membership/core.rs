//! One node's membership as a state machine: what it does at a moment, given what it last read and
//! whom it reaches. Pure; the actor and the simulation carry it.
//!
//! Time is the length since some fixed moment by a clock that never jumps; the wall clock only
//! stamps rows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use weir_domain::{Incarnation, Member, NodeStatus, NodeUid, Timestamp};
use weir_persistence_api::{MemberChanges, Members};

use super::{Draft, Join, Own, Rules, Situation, join, lead, line, own, succeed};
use crate::reach::{Reach, is_present};
use crate::resolver::{
    Contest, Decision, Picture, Stability, Step, Strategy, Timing, decide, survives,
};

/// A node that did not look for so long can't rely on what it saw.
const GAP: Duration = Duration::from_secs(2);
/// How old a picture of the list may be for a change to be decided by it.
const FRESH: Duration = Duration::from_secs(5);
/// How long somebody has to seem gone, in silence, before that is acted upon: a proxy in front of a
/// node may be restarted.
const GONE_FOR: Duration = Duration::from_secs(2);
/// The same for one whose gossip others still relay: it may only be out of this node's reach.
const RELAYED_FOR: Duration = Duration::from_secs(10);
/// How long each in the line of those that may lead waits for the one before him. One that can't
/// use the store would hold up all; that two lead at once does no harm, since only one writes.
const NEXT_LEADS_AFTER: Duration = Duration::from_secs(3);
/// How long nobody who is up must have been there before those that join may do without them.
/// Much longer than a lease lives, so that a lease that is renewed is seen to be.
const FORSAKEN_AFTER: Duration = Duration::from_secs(15);

/// What an administrator or the node itself asks for, until the list shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Order {
    Leave,
    /// The node has nothing left to hand over.
    Exit,
    Down,
    /// The last one turns off the light: nobody is there to remove the node.
    Remove,
}

impl Order {
    /// Where it leads to.
    pub fn status(self) -> NodeStatus {
        match self {
            Self::Leave => NodeStatus::Leaving,
            Self::Exit => NodeStatus::Exiting,
            Self::Down => NodeStatus::Down,
            Self::Remove => NodeStatus::Removed,
        }
    }
}

/// Why a node stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The cluster goes on without it.
    Downed { why: String },
    /// It was asked to leave.
    Leave { why: String },
    /// Its name belongs to another one.
    Duplicate { other: Incarnation, at: String },
    /// Its row has vanished from the list.
    Forgotten,
}

/// What is to be done now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Turn {
    /// Changes to make to the list at the version `seen`.
    pub save: Option<(u64, MemberChanges)>,
    pub stop: Option<Stop>,
    /// Look again then, at the latest.
    pub wake: Option<Duration>,
    /// What the resolver decided in this turn, for the log.
    pub resolved: Option<String>,
    /// Whether this side would go on if the resolver decided now.
    pub survives: bool,
    /// Whose end has to be known before this node can join.
    pub waits_for: Option<Incarnation>,
}

pub struct Core {
    me: Member,
    rules: Rules,
    strategy: Strategy,
    patience: Duration,
    stability: Stability,
    members: Arc<Members>,
    /// When the list was last read. `None`: never.
    read_at: Option<Duration>,
    /// Whether the store answered when it was last asked.
    is_store_there: bool,
    was_listed: bool,
    contest_since: Option<Duration>,
    /// Since when the store is there in that contest.
    store_since: Option<Duration>,
    /// Since when somebody is silent, or seems gone.
    silent_since: BTreeMap<NodeUid, Duration>,
    gone_since: BTreeMap<NodeUid, Duration>,
    /// Those who have seemed gone for long enough.
    long_gone: BTreeSet<NodeUid>,
    /// What a leader would have to change, and since when it is due.
    due: Option<(BTreeSet<NodeUid>, Duration)>,
    /// Since when nobody who is up is there, as far as that is known.
    forsaken_since: Option<Duration>,
    /// Who holds leases, and when that was read.
    holders: Option<(BTreeSet<NodeUid>, Duration)>,
    orders: BTreeSet<(NodeUid, Order)>,
    refused: Option<String>,
    last_turn: Option<Duration>,
    has_stopped: bool,
    is_leaving: bool,
    /// It has nothing left to hand over: its end in the list is what it asked for.
    is_exiting: bool,
}

impl Core {
    /// `me` is the row that this node shall have.
    pub fn new(me: Member, rules: Rules, strategy: Strategy, timing: Timing) -> Self {
        Self {
            me,
            rules,
            strategy,
            patience: timing.stable_after,
            stability: Stability::new(timing),
            members: Arc::default(),
            read_at: None,
            is_store_there: false,
            was_listed: false,
            contest_since: None,
            store_since: None,
            silent_since: BTreeMap::new(),
            gone_since: BTreeMap::new(),
            long_gone: BTreeSet::new(),
            due: None,
            forsaken_since: None,
            holders: None,
            orders: BTreeSet::new(),
            refused: None,
            last_turn: None,
            has_stopped: false,
            is_leaving: false,
            is_exiting: false,
        }
    }

    pub fn members(&self) -> &Arc<Members> {
        &self.members
    }

    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    pub fn own(&self) -> Own {
        own(&self.members.members, self.me.node.uid)
    }

    /// The list as the store has it. An older one than was seen is not taken.
    pub fn read(&mut self, now: Duration, members: Members) {
        self.is_store_there = true;
        self.read_at = Some(now);
        if members.version >= self.members.version {
            self.members = Arc::new(members);
        }
    }

    pub fn store_lost(&mut self) {
        self.is_store_there = false;
    }

    /// Who holds leases that have not expired.
    pub fn read_holders(&mut self, now: Duration, holders: BTreeSet<NodeUid>) {
        self.holders = Some((holders, now));
    }

    /// Whether the leases matter to what this node has to decide.
    pub fn asks_for_holders(&self) -> bool {
        self.forsaken_since.is_some()
    }

    /// Somebody who knows the list says that this node's end is in it.
    pub fn refused(&mut self, why: String) {
        self.refused = Some(why);
    }

    pub fn is_store_there(&self) -> bool {
        self.is_store_there
    }

    pub fn order(&mut self, node: NodeUid, order: Order) {
        if node == self.me.node.uid {
            self.is_leaving = true;
            self.is_exiting |= matches!(order, Order::Exit | Order::Remove);
        }
        self.orders.insert((node, order));
    }

    /// What to do now. A save that is not made is asked for again at the next turn.
    pub fn turn(&mut self, now: Duration, wall: Timestamp, reach: &Reach) -> Turn {
        if self.has_stopped {
            return Turn::default();
        }
        if self.last_turn.is_some_and(|last| now.saturating_sub(last) > GAP) {
            self.stability.doubt(now);
            self.silent_since.clear();
            self.gone_since.clear();
            self.forsaken_since = None;
        }
        self.last_turn = Some(now);
        self.note_silence(now, reach);
        let picture = Picture::new(self.me.node.uid, &self.members.members, reach);
        let survives = survives(&self.strategy, &picture);
        let mut turn = Turn { stop: self.own_fate(), survives, ..Turn::default() };
        let members = self.members.clone();
        let mut draft = Draft::new(&members, wall);
        if turn.stop.is_none() {
            self.resolve(now, &picture, &mut draft, &mut turn);
        }
        if turn.stop.is_none() {
            self.change(now, reach, &mut draft, &mut turn);
        }
        self.has_stopped = matches!(&turn.stop, Some(it) if !matches!(it, Stop::Leave { .. }));
        if self.may_write(now) {
            turn.save = draft.changes().map(|changes| (members.version, changes));
        }
        turn
    }

    fn may_write(&self, now: Duration) -> bool {
        let is_fresh = self.read_at.is_some_and(|at| now.saturating_sub(at) <= FRESH);
        self.is_store_there && is_fresh
    }

    /// What the list says about this node.
    fn own_fate(&mut self) -> Option<Stop> {
        if let (Some(why), false) = (&self.refused, self.is_exiting) {
            return Some(Stop::Downed { why: why.clone() });
        }
        match self.own() {
            Own::Unknown if self.was_listed => Some(Stop::Forgotten),
            Own::Unknown => None,
            Own::Joining | Own::Up => {
                self.was_listed = true;
                None
            }
            Own::Leaving if self.is_leaving => None,
            Own::Leaving => {
                self.is_leaving = true;
                let row = self.members.members.iter().find(|it| it.node.uid == self.me.node.uid);
                Some(Stop::Leave { why: row.map(|it| it.reason.clone()).unwrap_or_default() })
            }
            Own::Ended { .. } if self.is_exiting => None,
            Own::Ended { reason } => Some(Stop::Downed { why: reason }),
        }
    }

    /// The split-brain resolver's turn. A node that is not up yet has no say.
    fn resolve(
        &mut self,
        now: Duration,
        picture: &Picture,
        draft: &mut Draft<'_>,
        turn: &mut Turn,
    ) {
        let decision = match self.stability.observe(now, picture) {
            Step::Quiet if self.seems_over(picture) => decide(&self.strategy, picture),
            Step::Quiet => Decision::Nothing,
            Step::Wait { until } => {
                turn.wake = Some(until);
                Decision::Nothing
            }
            // Who has just begun to seem gone may be back in a moment.
            Step::Decide if !picture.seeming_gone().all(|it| self.long_gone.contains(&it)) => {
                Decision::Nothing
            }
            Step::Decide => decide(&self.strategy, picture),
            Step::DownAll => decide(&Strategy::DownAll, picture),
        };
        if !matches!(self.own(), Own::Up | Own::Leaving) {
            return;
        }
        if !matches!(decision, Decision::Contest(_)) {
            (self.contest_since, self.store_since) = (None, None);
        }
        match decision {
            Decision::Nothing => {}
            Decision::Down { nodes, why } => self.down(draft, turn, &nodes, &why),
            Decision::DownAll { nodes, why } => self.end(draft, turn, &nodes, &why),
            Decision::Contest(contest) => self.contest(now, &contest, draft, turn),
        }
    }

    fn down(
        &mut self,
        draft: &mut Draft<'_>,
        turn: &mut Turn,
        nodes: &BTreeSet<NodeUid>,
        why: &str,
    ) {
        // Who goes down itself says so where it can, and decides nothing about others.
        let me = self.me.node.uid;
        match nodes.contains(&me) {
            true => self.end(draft, turn, &[me].into(), why),
            false => self.end(draft, turn, nodes, why),
        }
    }

    /// Enters their end, and stops if this node is among them.
    fn end(&self, draft: &mut Draft<'_>, turn: &mut Turn, nodes: &BTreeSet<NodeUid>, why: &str) {
        let ends = |it: &&Member| is_present(it.status) && nodes.contains(&it.node.uid);
        for member in draft.members.iter().filter(ends) {
            draft.set(member, NodeStatus::Down, why);
        }
        turn.resolved = Some(why.to_owned());
        if nodes.contains(&self.me.node.uid) {
            turn.stop = Some(Stop::Downed { why: why.to_owned() });
        }
    }

    /// Tries to be the first, for as long as the store gives an answer.
    fn contest(
        &mut self,
        now: Duration,
        contest: &Contest,
        draft: &mut Draft<'_>,
        turn: &mut Turn,
    ) {
        let Contest { after, win, lose, why } = contest;
        let gives_up_at = *self.contest_since.get_or_insert(now) + *after + self.patience;
        if !self.may_write(now) {
            // When the store is back those that go first have not had it either.
            self.store_since = None;
        }
        let tries_at = *self.store_since.get_or_insert(now) + *after;
        if self.may_write(now) {
            match now >= tries_at {
                true => self.down(
                    draft,
                    turn,
                    win,
                    &format!("{why}; this side told the database first"),
                ),
                false => turn.wake = Some(tries_at),
            }
        } else if now >= gives_up_at {
            let why = format!("{why}; the store that decides can't be reached from this side");
            self.down(draft, turn, lose, &why);
        } else {
            turn.wake = Some(gives_up_at);
        }
    }

    fn change(&mut self, now: Duration, reach: &Reach, draft: &mut Draft<'_>, turn: &mut Turn) {
        let is_forsaken = self.is_forsaken(now, reach);
        if self.own() == Own::Unknown && self.read_at.is_some() && !self.is_leaving {
            match join(draft, &self.me, reach, &self.rules, is_forsaken) {
                Join::Saved => {}
                Join::Wait { other } => turn.waits_for = Some(other),
                Join::Duplicate { other, at } => turn.stop = Some(Stop::Duplicate { other, at }),
            }
            return;
        }
        self.obey(draft);
        self.lead_in_turn(now, reach, is_forsaken, draft);
    }

    /// Does what is to be led, if this node is the leader, or those before it do not.
    fn lead_in_turn(
        &mut self,
        now: Duration,
        reach: &Reach,
        is_forsaken: bool,
        draft: &mut Draft<'_>,
    ) {
        let situation = Situation { reach, silent: self.silent_for_long(now) };
        let members = self.members.clone();
        let mut line = line(&members.members, reach);
        let mut change: fn(&mut Draft<'_>, &Situation<'_>, &Rules) = lead;
        if line.is_empty() && is_forsaken {
            line = super::heirs(&members.members, reach);
            change = succeed;
        }
        let Some(rank) = line.iter().position(|it| *it == self.me.node.uid) else {
            self.due = None;
            return;
        };
        let mut trial = Draft::new(&members, draft.now());
        change(&mut trial, &situation, &self.rules);
        if rank == 0 || self.is_overdue(now, rank, trial) {
            change(draft, &situation, &self.rules);
        }
    }

    /// Whether the same has been due for as long as all who come first have to do it.
    fn is_overdue(&mut self, now: Duration, rank: usize, trial: Draft<'_>) -> bool {
        let Some(changes) = trial.changes() else {
            self.due = None;
            return false;
        };
        let changed: BTreeSet<NodeUid> =
            changes.save.iter().map(|it| it.node.uid).chain(changes.forget).collect();
        let since = match &self.due {
            Some((due, since)) if *due == changed => *since,
            _ => now,
        };
        self.due = Some((changed, since));
        let rank = u32::try_from(rank).unwrap_or(u32::MAX);
        now.saturating_sub(since) >= NEXT_LEADS_AFTER.saturating_mul(rank)
    }

    fn note_silence(&mut self, now: Duration, reach: &Reach) {
        self.silent_since.retain(|uid, _| reach.unreachable.contains(uid));
        for &uid in &reach.unreachable {
            self.silent_since.entry(uid).or_insert(now);
        }
        self.gone_since.retain(|uid, _| reach.is_gone(*uid));
        for &uid in reach.gone.keys() {
            self.gone_since.entry(uid).or_insert(now);
        }
        let is_long = |(uid, since): &(&NodeUid, &Duration)| {
            let length = if reach.relayed.contains(*uid) { RELAYED_FOR } else { GONE_FOR };
            now.saturating_sub(**since) >= length
        };
        let long_gone = self.gone_since.iter().filter(is_long).map(|(&uid, _)| uid);
        self.long_gone = long_gone.collect();
    }

    fn silent_for_long(&self, now: Duration) -> BTreeSet<NodeUid> {
        let silent = self.silent_since.iter();
        let long = silent.filter(|(_, since)| now.saturating_sub(**since) >= self.patience);
        long.map(|(&uid, _)| uid).collect()
    }

    /// Whether all who seem gone have for long enough to be decided about.
    fn seems_over(&self, picture: &Picture) -> bool {
        let mut doubtful = picture.seeming_gone().peekable();
        doubtful.peek().is_some() && doubtful.all(|it| self.long_gone.contains(&it))
    }

    /// Whether the members that are up have all been silent for long, though the store was there,
    /// and none of them holds a lease: the cluster has ended without a word. Its leases tell
    /// this from a network that keeps this node from a cluster that is at work.
    fn is_forsaken(&mut self, now: Duration, reach: &Reach) -> bool {
        let settled = self.members.members.iter().filter(|it| {
            let is_settled = is_present(it.status) && it.status != NodeStatus::Joining;
            is_settled && !reach.has_ended(it.node.uid)
        });
        let settled: BTreeSet<NodeUid> = settled.map(|it| it.node.uid).collect();
        let is_out = matches!(self.own(), Own::Joining | Own::Unknown) && self.may_write(now);
        if !is_out || !settled.is_subset(&reach.unreachable) {
            self.forsaken_since = None;
            return false;
        }
        let since = *self.forsaken_since.get_or_insert(now);
        if let Some((holders, _)) = &self.holders
            && !holders.is_disjoint(&settled)
        {
            self.forsaken_since = Some(now);
            return false;
        }
        let is_long = now.saturating_sub(since) >= FORSAKEN_AFTER;
        let is_read = |(_, at): &(_, Duration)| *at >= since && now.saturating_sub(*at) <= FRESH;
        is_long && self.holders.as_ref().is_some_and(is_read)
    }

    /// Orders stay until the list shows that they are done.
    fn obey(&mut self, draft: &mut Draft<'_>) {
        let members = draft.members;
        let find = |uid: NodeUid| members.iter().find(|it| it.node.uid == uid);
        self.orders.retain(|&(uid, order)| find(uid).is_some_and(|it| it.status < order.status()));
        let me = self.me.node.uid;
        for &(uid, order) in &self.orders {
            if let Some(member) = find(uid) {
                let by = if uid == me { "it asked to leave" } else { "an administrator asked" };
                draft.set(member, order.status(), by);
            }
        }
    }
}
