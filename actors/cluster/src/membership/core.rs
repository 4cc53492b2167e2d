//! One node's membership as a state machine: what it does at a moment, given what it last read and
//! whom it reaches. Pure; the actor and the simulation carry it.
//!
//! Time is the length since some fixed moment by a clock that never jumps; the wall clock only
//! stamps rows.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use weir_domain::{Incarnation, Member, NodeStatus, NodeUid, Timestamp};
use weir_persistence_api::{MemberChanges, Members};

use super::{Draft, Join, Own, Rules, join, lead, leader, own};
use crate::reach::{Reach, is_present};
use crate::resolver::{
    Contest, Decision, Picture, Stability, Step, Strategy, Timing, decide, survives,
};

/// A node that did not look for so long can't rely on what it saw.
const GAP: Duration = Duration::from_secs(2);
/// How old a picture of the list may be for a change to be decided by it.
const FRESH: Duration = Duration::from_secs(5);

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
        }
        self.last_turn = Some(now);
        let picture = Picture::new(self.me.node.uid, &self.members.members, reach);
        let survives = survives(&self.strategy, &picture);
        let mut turn = Turn { stop: self.own_fate(), survives, ..Turn::default() };
        let members = self.members.clone();
        let mut draft = Draft::new(&members, wall);
        if turn.stop.is_none() {
            self.resolve(now, &picture, &mut draft, &mut turn);
        }
        if turn.stop.is_none() {
            self.change(reach, &mut draft, &mut turn);
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
            Step::Quiet => Decision::Nothing,
            Step::Wait { until } => {
                turn.wake = Some(until);
                Decision::Nothing
            }
            Step::Decide => decide(&self.strategy, picture),
            Step::DownAll => decide(&Strategy::DownAll, picture),
        };
        if !matches!(self.own(), Own::Up | Own::Leaving) {
            return;
        }
        if !matches!(decision, Decision::Contest(_)) {
            self.contest_since = None;
        }
        match decision {
            Decision::Nothing => {}
            Decision::Down { nodes, why } => self.down(draft, turn, &nodes, &why),
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
        let is_over = nodes.contains(&self.me.node.uid);
        let ends = |it: &&Member| {
            let uid = it.node.uid;
            is_present(it.status) && nodes.contains(&uid) && (!is_over || uid == self.me.node.uid)
        };
        for member in draft.members.iter().filter(ends) {
            draft.set(member, NodeStatus::Down, why);
        }
        turn.resolved = Some(why.to_owned());
        if is_over {
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
        let tries_at = *self.contest_since.get_or_insert(now) + *after;
        let gives_up_at = tries_at + self.patience;
        if self.may_write(now) {
            match now >= tries_at {
                true => self.down(draft, turn, win, &format!("{why}; this side was first")),
                false => turn.wake = Some(tries_at),
            }
        } else if now >= gives_up_at {
            let why = format!("{why}; the store that decides can't be reached from this side");
            self.down(draft, turn, lose, &why);
        } else {
            turn.wake = Some(gives_up_at);
        }
    }

    fn change(&mut self, reach: &Reach, draft: &mut Draft<'_>, turn: &mut Turn) {
        if self.own() == Own::Unknown && self.read_at.is_some() && !self.is_leaving {
            match join(draft, &self.me, reach, &self.rules) {
                Join::Saved => {}
                Join::Wait { other } => turn.waits_for = Some(other),
                Join::Duplicate { other, at } => turn.stop = Some(Stop::Duplicate { other, at }),
            }
            return;
        }
        self.obey(draft);
        if leader(&self.members.members, reach) == Some(self.me.node.uid) {
            lead(draft, reach, &self.rules);
        }
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
