//! The board that a placement is worked out on: nodes with their loads, workflows with what they
//! have where. Indexes stand for names, since thousands of instances are moved on it.
//!
//! Whatever changes goes through `put` and `take`, which keep loads and counts.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use weir_domain::WorkflowName;
use weir_domain::schedule::{
    Assigned, Deployed, InstanceNumber, Reach, ScheduleNode, Settings, Start, Stop, StopCause, Why,
};

use super::Situation;
use super::bounds::{Bounds, By};

pub(super) struct Board<'a> {
    /// By name of the node.
    pub(super) seats: Vec<Seat<'a>>,
    /// By name of the workflow.
    pub(super) rows: Vec<Row<'a>>,
    /// The seats of each class: nodes that differ in nothing but their name.
    pub(super) classes: Vec<Vec<usize>>,
    pub(super) starts: Vec<Start>,
    pub(super) stops: Vec<Stop>,
}

/// A node.
pub(super) struct Seat<'a> {
    pub(super) node: &'a ScheduleNode,
    /// Of the node: every workflow that starts something looks at it on every seat.
    pub(super) reach: Reach,
    pub(super) load: u64,
    class: usize,
}

/// A workflow.
pub(super) struct Row<'a> {
    pub(super) name: &'a WorkflowName,
    pub(super) weight: u64,
    pub(super) target: u32,
    /// Its instances by seat, the youngest last. No list is empty.
    pub(super) held: BTreeMap<usize, Vec<InstanceNumber>>,
    pub(super) total: u32,
    last: u64,
    /// By class.
    fits: Vec<Fit>,
    bounds: Vec<Bounds<'a>>,
    /// Of seats that have a rule of their own.
    own: BTreeMap<usize, Bounds<'a>>,
}

/// Whether nodes could run a workflow at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    Fits,
    /// What the node has deployed is not known.
    Unknown,
    NotDeployed,
    Roles,
}

/// Why a seat takes no more of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Bar<'a> {
    Unreachable,
    Draining,
    NotDeployed,
    Roles,
    Max(By<'a>),
    DefaultMinimum,
}

/// What decides between seats: the least comes first.
pub(super) type Rank = (u64, u32, usize);

impl<'a> Board<'a> {
    /// As it is now. Instances of lost nodes are gone from it at once.
    pub(super) fn new(situation: &Situation<'a>) -> Self {
        let nodes = &situation.landscape.nodes;
        let mut known = BTreeMap::new();
        let mut classes: Vec<Vec<usize>> = Vec::new();
        let mut models = Vec::new();
        let mut seats = Vec::with_capacity(nodes.len());
        for (at, node) in nodes.values().enumerate() {
            let class = *known.entry((&node.deployment, &node.roles)).or_insert_with(|| {
                classes.push(Vec::new());
                models.push((node, situation.landscape.deployed(node)));
                classes.len() - 1
            });
            classes[class].push(at);
            seats.push(Seat { node, reach: node.reach, load: 0, class });
        }
        let index: HashMap<&str, usize> =
            nodes.keys().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
        let mut board =
            Self { seats, rows: Vec::new(), classes, starts: Vec::new(), stops: Vec::new() };
        let ground = Ground { models: &models, seats: &board.seats, index: &index };
        board.rows = rows(situation, &ground);
        for row in 0..board.rows.len() {
            board.set(row, situation.current.workflows.get(board.rows[row].name), &index);
        }
        board
    }

    /// Puts a workflow's instances on their seats.
    fn set(&mut self, row: usize, assigned: Option<&'a Assigned>, index: &HashMap<&str, usize>) {
        let Some(assigned) = assigned else { return };
        self.rows[row].last = assigned.last;
        for (number, placed) in &assigned.instances {
            let seat = index.get(placed.node.name.as_str()).copied();
            match seat.filter(|it| self.seats[*it].node.node.uid == placed.node.uid) {
                Some(seat) => self.put(row, seat, *number),
                None => self.stops.push(Stop {
                    workflow: self.rows[row].name.clone(),
                    number: *number,
                    node: placed.node.clone(),
                    cause: StopCause::Lost,
                }),
            }
        }
    }

    /// Rows in the order in which they are placed: heavier ones first, equal ones by name.
    pub(super) fn heaviest_first(&self) -> Vec<usize> {
        let mut rows: Vec<usize> = (0..self.rows.len()).collect();
        rows.sort_by_key(|it| Reverse(self.rows[*it].weight));
        rows
    }

    pub(super) fn rank(&self, row: usize, seat: usize) -> Rank {
        (self.seats[seat].load, self.rows[row].count(seat), seat)
    }

    pub(super) fn bounds(&self, row: usize, seat: usize) -> Bounds<'a> {
        let row = &self.rows[row];
        row.own.get(&seat).copied().unwrap_or(row.bounds[self.seats[seat].class])
    }

    /// Bounds that are not the same for a whole class.
    pub(super) fn own_bounds(&self, row: usize) -> impl Iterator<Item = (usize, Bounds<'a>)> {
        self.rows[row].own.iter().map(|(seat, it)| (*seat, *it))
    }

    /// Bounds by class, for the seats that have none of their own.
    pub(super) fn class_bounds(&self, row: usize) -> impl Iterator<Item = (usize, Bounds<'a>)> {
        self.rows[row].bounds.iter().copied().enumerate()
    }

    pub(super) fn has_own_bounds(&self, row: usize, seat: usize) -> bool {
        self.rows[row].own.contains_key(&seat)
    }

    pub(super) fn fit(&self, row: usize, seat: usize) -> Fit {
        self.rows[row].fits[self.seats[seat].class]
    }

    /// Whether instances may start there, limits aside.
    pub(super) fn is_open(&self, row: usize, seat: usize) -> bool {
        self.closed(row, seat).is_none()
    }

    /// Why nothing may start there, limits aside.
    fn closed(&self, row: usize, seat: usize) -> Option<Bar<'a>> {
        match (self.seats[seat].reach, self.fit(row, seat)) {
            (Reach::Unreachable, _) => Some(Bar::Unreachable),
            (Reach::Draining, _) => Some(Bar::Draining),
            (Reach::Up, Fit::Unknown | Fit::NotDeployed) => Some(Bar::NotDeployed),
            (Reach::Up, Fit::Roles) => Some(Bar::Roles),
            (Reach::Up, Fit::Fits) => None,
        }
    }

    /// Why the seat does not take one more, where `wanted` are to be placed. What bars it now bars
    /// it for good, as long as only fewer are wanted.
    pub(super) fn bar(&self, row: usize, seat: usize, count: u32, wanted: u32) -> Option<Bar<'a>> {
        let closed = self.closed(row, seat);
        if closed.is_some() {
            return closed;
        }
        let bounds = self.bounds(row, seat);
        if count >= bounds.max {
            return Some(Bar::Max(bounds.max_by));
        }
        (count == 0 && bounds.opening() > wanted).then_some(Bar::DefaultMinimum)
    }

    /// What each seat has of a workflow.
    pub(super) fn counts(&self, row: usize) -> Vec<u32> {
        let mut counts = vec![0; self.seats.len()];
        for (seat, held) in &self.rows[row].held {
            counts[*seat] = count(held);
        }
        counts
    }

    pub(super) fn start(&mut self, row: usize, seat: usize, why: Why) {
        self.rows[row].last += 1;
        let number = InstanceNumber(self.rows[row].last);
        self.put(row, seat, number);
        let (workflow, node) = (self.rows[row].name.clone(), self.seats[seat].node.node.clone());
        self.starts.push(Start { workflow, number, node, why });
    }

    /// Puts an instance on the seat, as the youngest there.
    pub(super) fn put(&mut self, row: usize, seat: usize, number: InstanceNumber) {
        let row = &mut self.rows[row];
        row.held.entry(seat).or_default().push(number);
        row.total += 1;
        self.seats[seat].load += row.weight;
    }

    /// Stops the youngest on the seat.
    pub(super) fn stop(&mut self, row: usize, seat: usize, cause: StopCause) {
        let Some(number) = self.take(row, seat) else { return };
        let (workflow, node) = (self.rows[row].name.clone(), self.seats[seat].node.node.clone());
        self.stops.push(Stop { workflow, number, node, cause });
    }

    /// Stops all on the seat, youngest first.
    pub(super) fn stop_all(&mut self, row: usize, seat: usize, cause: StopCause) {
        for _ in 0..self.rows[row].count(seat) {
            self.stop(row, seat, cause);
        }
    }

    /// Takes the youngest from the seat.
    pub(super) fn take(&mut self, row: usize, seat: usize) -> Option<InstanceNumber> {
        let row = &mut self.rows[row];
        let held = row.held.get_mut(&seat)?;
        let number = held.pop();
        if held.is_empty() {
            row.held.remove(&seat);
        }
        if number.is_some() {
            row.total -= 1;
            self.seats[seat].load -= row.weight;
        }
        number
    }
}

impl Row<'_> {
    pub(super) fn count(&self, seat: usize) -> u32 {
        self.held.get(&seat).map_or(0, |it| count(it))
    }

    pub(super) fn missing(&self) -> u32 {
        self.target.saturating_sub(self.total)
    }

    pub(super) fn surplus(&self) -> u32 {
        self.total.saturating_sub(self.target)
    }
}

/// Of one workflow on one node: a count of instances fits whatever counts targets.
pub(super) fn count(held: &[InstanceNumber]) -> u32 {
    u32::try_from(held.len()).unwrap_or(u32::MAX)
}

/// What rows are made of: a node of each class with what it has deployed, and all nodes by name.
struct Ground<'a, 'b> {
    models: &'b [(&'a ScheduleNode, Option<&'a Deployed>)],
    seats: &'b [Seat<'a>],
    index: &'b HashMap<&'a str, usize>,
}

/// A row for each workflow that is deployed, has settings or runs.
fn rows<'a>(situation: &Situation<'a>, ground: &Ground<'a, '_>) -> Vec<Row<'a>> {
    static UNSET: LazyLock<Settings> = LazyLock::new(Settings::default);
    let runs = situation.current.workflows.iter().filter(|it| !it.1.instances.is_empty());
    let mut all: BTreeMap<&WorkflowName, &Settings> = runs.map(|it| (it.0, &*UNSET)).collect();
    let targets = situation.landscape.targets();
    all.extend(targets.keys().map(|it| (*it, &*UNSET)));
    all.extend(situation.settings);
    let row = |(name, settings): (&'a WorkflowName, &'a Settings)| {
        let target = settings.target.or(targets.get(name).copied()).unwrap_or(0);
        row(name, (settings, target), ground)
    };
    all.into_iter().map(row).collect()
}

fn row<'a>(
    name: &'a WorkflowName,
    (settings, target): (&'a Settings, u32),
    ground: &Ground<'a, '_>,
) -> Row<'a> {
    let own = settings.nodes.iter().filter_map(|(node, limit)| {
        let seat = *ground.index.get(node.as_str())?;
        let roles = &ground.seats[seat].node.roles;
        Some((seat, Bounds::look_up(settings, roles, Some((node, *limit)))))
    });
    Row {
        name,
        weight: settings.weight.get().into(),
        target,
        held: BTreeMap::new(),
        total: 0,
        last: 0,
        fits: ground.models.iter().map(|(node, deployed)| fit(name, node, *deployed)).collect(),
        bounds: ground
            .models
            .iter()
            .map(|it| Bounds::look_up(settings, &it.0.roles, None))
            .collect(),
        own: own.collect(),
    }
}

fn fit(workflow: &WorkflowName, node: &ScheduleNode, deployed: Option<&Deployed>) -> Fit {
    let Some(deployed) = deployed else { return Fit::Unknown };
    match deployed.workflows.get(workflow) {
        None => Fit::NotDeployed,
        Some(it) if !it.roles.is_subset(&node.roles) => Fit::Roles,
        Some(_) => Fit::Fits,
    }
}
