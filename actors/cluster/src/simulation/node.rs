//! One node: the pure rules, and what it knows at a moment. Its clocks are its own.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use weir_domain::{Incarnation, Member, NodeStatus, NodeUid, Timestamp};
use weir_persistence_api::{LeaseName, Members};

use super::net::Net;
use super::store::{Lease, Millis};
use crate::membership::{Core, Rules};
use crate::reach::{self, Link, Reach, Sources, is_present};
use crate::resolver::{Strategy, Timing};
use crate::singleton::{Facts, Placing, Row, Rule, Sight, place};
use crate::view::View;

pub(super) struct Node {
    pub(super) me: Incarnation,
    /// As it stands in the leases.
    pub(super) owner: String,
    pub(super) place: usize,
    pub(super) core: Core,
    pub(super) rules: Vec<Rule>,
    names: Vec<LeaseName>,
    rows: Vec<Option<Row>>,
    has_new_rows: bool,
    /// What the facts were made of.
    seen: (u64, Reach, bool),
    facts: Facts,
    preferred: BTreeMap<LeaseName, NodeUid>,
    good_since: Option<Duration>,
    pub(super) gone: BTreeMap<NodeUid, String>,
    ended: BTreeSet<NodeUid>,
    met: BTreeMap<NodeUid, Met>,
    pub(super) missing: BTreeSet<NodeUid>,
    /// How far this node's uptime is ahead of the virtual time.
    ahead: Millis,
    /// How wrong its wall clock is.
    skew: i64,
    pub(super) is_saving: bool,
    pub(super) is_reading: bool,
    pub(super) is_stale: bool,
    pub(super) is_reading_leases: bool,
    pub(super) look_at: Millis,
    pub(super) next_turn: Millis,
    pub(super) is_leaving: bool,
    pub(super) has_stopped: bool,
}

#[derive(Debug)]
struct Met {
    at: Millis,
    was_up: bool,
    lost_at: Option<Millis>,
}

/// What a node is started with.
pub(super) struct Start {
    pub(super) own: Member,
    pub(super) place: usize,
    pub(super) names: Vec<LeaseName>,
    pub(super) strategy: Strategy,
    pub(super) members_min: usize,
    pub(super) ahead: Millis,
    pub(super) skew: i64,
    pub(super) now: Millis,
}

pub(super) const RESOLVER: Timing =
    Timing { stable_after: Duration::from_secs(5), down_all_when_unstable: true };

impl Node {
    pub(super) fn new(start: Start) -> Self {
        let Start { own, place, names, strategy, members_min, ahead, skew, now } = start;
        let me = own.node.clone();
        let rules = Rules { members_min, alone: false, prune_after: Duration::from_secs(86_400) };
        let timing = crate::singleton::Timing::default();
        Self {
            core: Core::new(own, rules, strategy, RESOLVER),
            rules: names.iter().map(|_| Rule::new(me.clone(), timing)).collect(),
            rows: vec![None; names.len()],
            owner: me.to_string(),
            me,
            place,
            names,
            seen: (0, Reach::default(), false),
            facts: Facts::default(),
            preferred: BTreeMap::new(),
            has_new_rows: false,
            good_since: None,
            gone: BTreeMap::new(),
            ended: BTreeSet::new(),
            met: BTreeMap::new(),
            missing: BTreeSet::new(),
            ahead,
            skew,
            is_saving: false,
            is_reading: false,
            is_stale: true,
            is_reading_leases: false,
            look_at: now,
            next_turn: now,
            is_leaving: false,
            has_stopped: false,
        }
    }

    pub(super) fn uptime(&self, now: Millis) -> Duration {
        Duration::from_millis(now + self.ahead)
    }

    pub(super) fn virtual_time(&self, uptime: Duration) -> Millis {
        u64::try_from(uptime.as_millis()).unwrap_or(u64::MAX).saturating_sub(self.ahead)
    }

    pub(super) fn wall(&self, now: Millis) -> Timestamp {
        Timestamp(1_700_000_000_000 + i64::try_from(now).unwrap_or(0) + self.skew)
    }

    pub(super) fn status(&self) -> Option<NodeStatus> {
        let members = &self.core.members().members;
        members.iter().find(|it| it.node.uid == self.me.uid).map(|it| it.status)
    }

    /// Whom it reaches, by its links and by gossip.
    pub(super) fn reach(&mut self, now: Millis, net: &Net) -> Reach {
        let known = self.core.members().clone();
        let members = &known.members;
        self.know_own_place(members);
        let links = self.links(now, net, members);
        let heard = net.heard(now, self.place);
        let tables: BTreeMap<_, _> = heard.map(|(uid, table)| (uid, table.clone())).collect();
        let sources = Sources {
            live: tables.keys().copied().filter(|it| *it != self.me.uid).collect(),
            links,
            gone: self.gone.clone(),
            ended: self.ended.clone(),
            answering: BTreeSet::new(),
            tables,
        };
        self.missing = reach::missing(&sources);
        reach::merge(self.me.uid, members, &sources)
    }

    /// Whoever was at this node's address has left it.
    fn know_own_place(&mut self, members: &[Member]) {
        let before = members.iter().filter(|it| it.node.name == self.me.name);
        let before = before.filter(|it| it.node.uid != self.me.uid);
        for member in before {
            self.gone.insert(member.node.uid, "it is this node's address".to_owned());
            self.ended.insert(member.node.uid);
        }
    }

    fn links(&mut self, now: Millis, net: &Net, members: &[Member]) -> BTreeMap<NodeUid, Link> {
        let others = members.iter().filter(|it| is_present(it.status) && it.node != self.me);
        let length = |from: Millis| Duration::from_millis(now - from);
        let mut links = BTreeMap::new();
        for member in others {
            let uid = member.node.uid;
            let at = net.places.iter().position(|it| it.uid == Some(uid));
            let is_up = at.is_some_and(|at| net.is_up(self.place, at));
            let met = self.met.entry(uid).or_insert(Met { at: now, was_up: false, lost_at: None });
            let link = match (is_up, met.was_up) {
                (true, _) => {
                    (met.was_up, met.lost_at) = (true, None);
                    self.gone.remove(&uid);
                    Link::Up
                }
                (false, true) => Link::Lost(length(*met.lost_at.get_or_insert(now))),
                (false, false) => Link::Never(length(met.at)),
            };
            links.insert(uid, link);
        }
        links
    }

    pub(super) fn read_members(&mut self, now: Millis, members: Members) {
        self.core.read(self.uptime(now), members);
    }

    pub(super) fn read_leases(&mut self, now: Millis, asked_at: Millis, leases: &[Lease]) {
        let read_at = self.uptime(asked_at);
        self.good_since.get_or_insert(read_at);
        let held = leases.iter().filter(|it| it.expires_at > now);
        let holders = held.filter_map(|it| it.owner.parse::<Incarnation>().ok());
        self.core.read_holders(self.uptime(now), holders.map(|it| it.uid).collect());
        for (row, lease) in self.rows.iter_mut().zip(leases) {
            let left = Duration::from_millis(lease.expires_at.saturating_sub(now));
            let read = Row {
                owner: lease.owner.clone(),
                epoch: lease.epoch,
                expires_at: read_at + left,
                read_at,
            };
            // News of an earlier moment may come later.
            if row.as_ref().is_none_or(|it| it.epoch <= read.epoch && it.read_at <= read.read_at) {
                self.has_new_rows = true;
                *row = Some(read);
            }
        }
    }

    pub(super) fn leases_failed(&mut self) {
        self.good_since = None;
    }

    /// Takes note of the members for the leases' sake.
    pub(super) fn note_facts(&mut self, reach: Reach, survives: bool) {
        let version = self.core.members().version;
        let seen = (version, reach, survives);
        if self.seen == seen && !self.has_new_rows {
            return;
        }
        self.seen.clone_from(&seen);
        let (members, reach) = (self.core.members().members.clone(), seen.1);
        let view = View { members, reach, survives, ..View::empty(self.me.clone()) };
        let facts = Facts::of(&view, &[]);
        if self.facts != facts || self.has_new_rows {
            self.has_new_rows = false;
            self.facts = facts;
            self.preferred = self.placed();
        }
    }

    /// Where each lease should be.
    fn placed(&self) -> BTreeMap<LeaseName, NodeUid> {
        let rows = self.names.iter().zip(&self.rows);
        let holder = |(name, row): (_, &Option<Row>)| Some((name, row.as_ref()?.holder()?.uid));
        place(&Placing {
            singletons: self.names.iter().collect(),
            nodes: self.facts.candidates.iter().collect(),
            holders: rows.filter_map(holder).collect(),
            pins: BTreeMap::new(),
            spread: true,
        })
    }

    pub(super) fn look(&mut self, now: Millis, lease: usize) -> Vec<crate::singleton::Action> {
        let uptime = self.uptime(now);
        let sight = Sight {
            facts: &self.facts,
            row: self.rows[lease].as_ref(),
            good_since: self.good_since,
            preferred: self.preferred.get(&self.names[lease]).copied(),
        };
        self.rules[lease].see(uptime, &sight)
    }
}
