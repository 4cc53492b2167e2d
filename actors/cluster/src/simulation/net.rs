//! The network: who hears whom, which links are up, and what gossip has brought where.

use std::collections::{BTreeMap, BTreeSet};

use rand::Rng;
use rand::rngs::SmallRng;
use weir_domain::NodeUid;

use super::store::Millis;

/// After so long without a sound from the peer a link is down.
const SILENCE: Millis = 3_500;
/// How old the newest news of a node may be for it to count as alive.
const ALIVE: Millis = 2_500;
/// The chance of a round of gossip over a link in one step.
const GOSSIP: f64 = 0.3;

/// One place for a process, with its links.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Who runs here. `None`: nobody.
    pub(super) uid: Option<NodeUid>,
    pub(super) is_paused: bool,
    /// The newest news of each node, by when that node told it.
    news: BTreeMap<NodeUid, (Millis, BTreeSet<NodeUid>)>,
}

impl Place {
    fn runs(&self) -> bool {
        self.uid.is_some() && !self.is_paused
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Way {
    /// Faults that cut it, in this direction.
    cuts: u32,
    /// When something last came this way.
    heard_at: Millis,
}

#[derive(Debug, Clone, Copy)]
struct Link {
    is_up: bool,
    retry_at: Millis,
}

pub(super) struct Net {
    pub(super) places: Vec<Place>,
    /// By sender and receiver.
    ways: Vec<Vec<Way>>,
    /// By the lower and the higher place.
    links: BTreeMap<(usize, usize), Link>,
    pub(super) loss: f64,
}

/// A link changed.
pub(super) struct Change {
    pub(super) ends: (usize, usize),
    pub(super) is_up: bool,
}

impl Net {
    pub(super) fn new(places: usize) -> Self {
        let place = Place { uid: None, is_paused: false, news: BTreeMap::new() };
        let links = (0..places).flat_map(|a| (a + 1..places).map(move |b| (a, b)));
        let link = Link { is_up: false, retry_at: 0 };
        Self {
            places: vec![place; places],
            ways: vec![vec![Way::default(); places]; places],
            links: links.map(|it| (it, link)).collect(),
            loss: 0.0,
        }
    }

    pub(super) fn start(&mut self, place: usize, uid: NodeUid) {
        self.places[place] = Place { uid: Some(uid), is_paused: false, news: BTreeMap::new() };
        // What was linked to the process before is not linked to this one.
        let own = self.links.iter_mut().filter(|(ends, _)| ends.0 == place || ends.1 == place);
        own.for_each(|(_, link)| link.is_up = false);
    }

    /// The process ends. Those that had a link and hear its system's last word are returned.
    pub(super) fn end(&mut self, place: usize, is_host_alive: bool) -> Vec<usize> {
        self.places[place].uid = None;
        self.places[place].is_paused = false;
        if !is_host_alive {
            return Vec::new();
        }
        let mut witnesses = Vec::new();
        for other in 0..self.places.len() {
            let is_cut = self.ways[place][other].cuts > 0 || self.ways[other][place].cuts > 0;
            if other != place && self.is_up(place, other) && !is_cut {
                self.link_mut(place, other).is_up = false;
                witnesses.push(other);
            }
        }
        witnesses
    }

    /// Ends a link at once. `false`: there was none.
    pub(super) fn reset(&mut self, a: usize, b: usize) -> bool {
        a != b && std::mem::take(&mut self.link_mut(a, b).is_up)
    }

    pub(super) fn cut(&mut self, from: usize, to: usize, by: i32) {
        let way = &mut self.ways[from][to];
        way.cuts = way.cuts.checked_add_signed(by).expect("what was not cut can't heal");
    }

    pub(super) fn is_up(&self, a: usize, b: usize) -> bool {
        a != b && self.links[&(a.min(b), a.max(b))].is_up
    }

    fn link_mut(&mut self, a: usize, b: usize) -> &mut Link {
        self.links.get_mut(&(a.min(b), a.max(b))).expect("every two places have a link")
    }

    fn flows(&self, from: usize, to: usize) -> bool {
        self.places[from].runs() && self.ways[from][to].cuts == 0
    }

    /// Lets links come and go and gossip travel, and says which links changed.
    pub(super) fn step(
        &mut self,
        now: Millis,
        random: &mut SmallRng,
        missing: &dyn Fn(usize) -> BTreeSet<NodeUid>,
    ) -> Vec<Change> {
        for from in 0..self.places.len() {
            for to in 0..self.places.len() {
                if self.flows(from, to) && !random.random_bool(self.loss) {
                    self.ways[from][to].heard_at = now;
                }
            }
            if let (Some(uid), true) = (self.places[from].uid, self.places[from].runs()) {
                self.places[from].news.insert(uid, (now, missing(from)));
            }
        }
        let ends: Vec<_> = self.links.keys().copied().collect();
        ends.into_iter().filter_map(|ends| self.step_link(now, random, ends)).collect()
    }

    fn step_link(
        &mut self,
        now: Millis,
        random: &mut SmallRng,
        (a, b): (usize, usize),
    ) -> Option<Change> {
        let is_silent = |from: usize, to: usize| now - self.ways[from][to].heard_at >= SILENCE;
        let (is_lost, can_be) = (
            is_silent(a, b) || is_silent(b, a),
            self.flows(a, b) && self.flows(b, a) && !random.random_bool(self.loss),
        );
        let link = self.link_mut(a, b);
        let was_up = link.is_up;
        if was_up && is_lost {
            link.is_up = false;
            link.retry_at = now + random.random_range(200..2_000);
        } else if !was_up && can_be && now >= link.retry_at {
            link.is_up = true;
        }
        let is_up = link.is_up;
        if is_up && can_be && random.random_bool(GOSSIP) {
            self.exchange(a, b);
        }
        (is_up != was_up).then_some(Change { ends: (a, b), is_up })
    }

    fn exchange(&mut self, a: usize, b: usize) {
        for (from, to) in [(a, b), (b, a)] {
            let news = self.places[from].news.clone();
            let known = &mut self.places[to].news;
            for (uid, (at, table)) in news {
                if known.get(&uid).is_none_or(|(known_at, _)| *known_at < at) {
                    known.insert(uid, (at, table));
                }
            }
        }
    }

    /// Whose gossip has arrived lately, and what they say about whom they miss.
    pub(super) fn heard(
        &self,
        now: Millis,
        place: usize,
    ) -> impl Iterator<Item = (NodeUid, &BTreeSet<NodeUid>)> {
        let news = self.places[place].news.iter();
        news.filter(move |(_, (at, _))| now - at <= ALIVE).map(|(&uid, (_, table))| (uid, table))
    }

    /// Whether two places can talk, be it by way of others.
    pub(super) fn is_connected(&self, a: usize, b: usize) -> bool {
        let mut seen = BTreeSet::from([a]);
        let mut next = vec![a];
        while let Some(from) = next.pop() {
            for to in 0..self.places.len() {
                if self.is_up(from, to) && seen.insert(to) {
                    next.push(to);
                }
            }
        }
        seen.contains(&b)
    }
}
