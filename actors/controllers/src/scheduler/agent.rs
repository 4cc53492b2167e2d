//! The scheduler's agent on a node: what is wanted there, and where each instance stands. Pure
//! bookkeeping: whoever drives it carries out the tasks and says what became of them.
//!
//! Invariants:
//! - A1: an order is the whole of what shall run. Instances that it does not name are shut down, and
//!   those that go on are not touched.
//! - A2: what is not offered here, since it is not deployed or is being replaced, does not run; what
//!   was ended for that begins again when it is offered again, and not before it has ended.
//! - A3: an order of a deposed controller, for another life of this node, or older than the one
//!   that is followed, is refused.

use std::collections::{BTreeMap, BTreeSet};

use weir_cluster::ReceiverEpochs;
use weir_domain::schedule::{InstanceState, NodeReport};
use weir_domain::{Incarnation, Timestamp, WorkflowName};
use weir_persistence_api::LeaseName;

use super::lifecycle::{Action, Grace, Input, Life, StopOrder};
use super::{Envelope, LEASE, Order, Wanted};

/// What is to be done with one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    pub instance: Wanted,
    pub action: Action,
}

/// Why an order is not followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Of a controller that was deposed, and what that means.
    #[error("{0}")]
    Stale(String),
    #[error("an order for {ordered} came to {here}: the scheduler has not noticed the restart yet")]
    OtherNode { ordered: Incarnation, here: Incarnation },
    #[error("an order of revision {revision} came after one of {followed}, which is followed")]
    Older { revision: u64, followed: u64 },
}

pub struct Agent {
    node: Incarnation,
    epochs: ReceiverEpochs,
    lease: LeaseName,
    grace: Grace,
    /// Of the order that is followed; 0 before the first.
    revision: u64,
    wanted: BTreeSet<Wanted>,
    /// What this node can run now.
    offered: BTreeSet<WorkflowName>,
    is_ending: bool,
    /// Lives that were ended since they were not wanted or not offered.
    withdrawn: BTreeSet<Wanted>,
    /// Also of those that are not wanted any more, until their end was reported.
    lives: BTreeMap<Wanted, Life>,
}

impl Agent {
    pub fn new(node: Incarnation, epochs: ReceiverEpochs, grace: Grace) -> Self {
        let lease = LeaseName(LEASE.to_owned());
        let (wanted, offered, withdrawn) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let (is_ending, lives) = (false, BTreeMap::new());
        Self {
            node,
            epochs,
            lease,
            grace,
            revision: 0,
            wanted,
            offered,
            is_ending,
            withdrawn,
            lives,
        }
    }

    /// Follows an order. What stops comes before what starts.
    pub fn follow(&mut self, order: Envelope, now: Timestamp) -> Result<Vec<Task>, Refused> {
        let Envelope { epoch, order: Order { node, revision, instances } } = order;
        if node != self.node {
            return Err(Refused::OtherNode { ordered: node, here: self.node.clone() });
        }
        self.epochs.admit(&self.lease, epoch).map_err(|it| Refused::Stale(it.to_string()))?;
        if revision < self.revision {
            return Err(Refused::Older { revision, followed: self.revision });
        }
        self.revision = revision;
        self.wanted = instances.into_iter().collect();
        Ok(self.align(now))
    }

    /// Sets what this node can run from now on.
    pub fn offer(&mut self, workflows: BTreeSet<WorkflowName>, now: Timestamp) -> Vec<Task> {
        if !self.is_ending {
            self.offered = workflows;
        }
        self.align(now)
    }

    /// Ends all instances. None begins any more, whatever is ordered and offered.
    pub fn end(&mut self, how: StopOrder, now: Timestamp) -> Vec<Task> {
        self.is_ending = true;
        self.offered.clear();
        let all: Vec<Wanted> = self.lives.keys().cloned().collect();
        self.withdrawn.extend(all.iter().cloned());
        all.iter().filter_map(|it| self.step(it, Input::Stop(how), now)).collect()
    }

    /// Something happened to an instance.
    pub fn tell(&mut self, instance: &Wanted, input: Input, now: Timestamp) -> Vec<Task> {
        let mut tasks = Vec::from_iter(self.step(instance, input, now));
        if self.lives.get(instance).is_some_and(Life::has_ended) {
            tasks.extend(self.align(now));
        }
        tasks
    }

    /// Time has passed; `chance` gives a number in `0.0..1.0`.
    pub fn tick(&mut self, mut chance: impl FnMut() -> f64, now: Timestamp) -> Vec<Task> {
        let mut tasks = Vec::new();
        for (instance, life) in &mut self.lives {
            if let Some(action) = life.step(Input::Tick { chance: chance() }, now) {
                tasks.push(Task { instance: instance.clone(), action });
            }
        }
        if self.lives.values().any(Life::has_ended) {
            tasks.extend(self.align(now));
        }
        tasks
    }

    /// When a tick is due at the latest.
    pub fn due(&self) -> Option<Timestamp> {
        self.lives.values().filter_map(Life::due).min()
    }

    pub fn report(&self, now: Timestamp) -> NodeReport {
        let lives = self.lives.iter();
        let instances = lives.map(|(it, life)| life.report(it.workflow.clone(), it.number));
        let (node, revision) = (self.node.clone(), self.revision);
        NodeReport { node, revision, instances: instances.collect(), at: now }
    }

    /// A report arrived: what had ended in it and is not wanted any more is forgotten. What a person
    /// ended here is wanted still; it stays, and shows.
    pub fn reported(&mut self, report: &NodeReport) {
        for it in report.instances.iter().filter(|it| it.state == InstanceState::Terminated) {
            let instance = Wanted { workflow: it.workflow.clone(), number: it.number };
            if !self.wanted.contains(&instance) {
                self.lives.remove(&instance);
                self.withdrawn.remove(&instance);
            }
        }
    }

    /// Ends what shall not run, and begins what shall and does not.
    fn align(&mut self, now: Timestamp) -> Vec<Task> {
        let offered = &self.offered;
        let shall: BTreeSet<Wanted> =
            self.wanted.iter().filter(|it| offered.contains(&it.workflow)).cloned().collect();
        let lives = self.lives.keys();
        let stale: Vec<Wanted> = lives
            .filter(|it| !shall.contains(*it) && !self.withdrawn.contains(*it))
            .cloned()
            .collect();
        let stop = || Input::Stop(StopOrder::Shutdown);
        let mut tasks: Vec<Task> =
            stale.iter().filter_map(|it| self.step(it, stop(), now)).collect();
        self.withdrawn.extend(stale);
        for instance in shall {
            let is_over = |it: &Life| it.has_ended() && self.withdrawn.contains(&instance);
            if self.lives.get(&instance).is_none_or(is_over) {
                self.withdrawn.remove(&instance);
                let (life, action) = Life::begin(self.grace, now);
                self.lives.insert(instance.clone(), life);
                tasks.push(Task { instance, action });
            }
        }
        tasks
    }

    fn step(&mut self, instance: &Wanted, input: Input, now: Timestamp) -> Option<Task> {
        let action = self.lives.get_mut(instance)?.step(input, now)?;
        Some(Task { instance: instance.clone(), action })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use weir_domain::schedule::InstanceNumber;
    use weir_domain::{NodeName, NodeUid, WorkflowName};
    use weir_runtime::RestartPolicy;

    use super::*;

    const NOW: Timestamp = Timestamp(0);

    fn node(uid: u128) -> Incarnation {
        let uid = NodeUid(uuid::Uuid::from_u128(uid));
        Incarnation { name: NodeName::new("n1").unwrap(), uid }
    }

    fn agent() -> Agent {
        let second = Duration::from_secs(1);
        let restarts = RestartPolicy::default();
        let grace = Grace { shutdown: second, abort: second, progress: second, restarts };
        let mut agent = Agent::new(node(1), ReceiverEpochs::default(), grace);
        agent.offer(offer(), NOW);
        agent
    }

    fn offer() -> BTreeSet<WorkflowName> {
        BTreeSet::from([WorkflowName::new("w").unwrap()])
    }

    fn wanted(number: u64) -> Wanted {
        Wanted { workflow: WorkflowName::new("w").unwrap(), number: InstanceNumber(number) }
    }

    fn order(epoch: u64, revision: u64, numbers: &[u64]) -> Envelope {
        let instances = numbers.iter().map(|it| wanted(*it)).collect();
        Envelope { epoch, order: Order { node: node(1), revision, instances } }
    }

    fn task(number: u64, action: Action) -> Task {
        Task { instance: wanted(number), action }
    }

    #[test]
    fn an_order_starts_what_is_new_stops_what_is_not_named_and_leaves_the_rest() {
        let mut agent = agent();
        let begun = agent.follow(order(1, 1, &[1, 2]), NOW);
        let begin = |it| task(it, Action::VerifyConfiguration);
        assert_eq!(begun, Ok(vec![begin(1), begin(2)]));
        assert_eq!(agent.follow(order(1, 1, &[1, 2]), NOW), Ok(vec![]), "the same again");
        let next = agent.follow(order(1, 2, &[2, 3]), NOW);
        assert_eq!(next, Ok(vec![task(1, Action::Abort), begin(3)]));
    }

    #[test]
    fn an_order_of_a_deposed_controller_is_refused() {
        let mut agent = agent();
        agent.follow(order(2, 5, &[1]), NOW).unwrap();
        assert!(matches!(agent.follow(order(1, 9, &[]), NOW), Err(Refused::Stale(_))));
        let older = Refused::Older { revision: 4, followed: 5 };
        assert_eq!(agent.follow(order(3, 4, &[]), NOW), Err(older));
        assert_eq!(agent.report(NOW).instances.len(), 1);
    }

    #[test]
    fn what_is_replaced_ends_first_and_begins_again_when_it_is_offered_again() {
        let mut agent = agent();
        agent.follow(order(1, 1, &[1]), NOW).unwrap();
        assert_eq!(agent.offer(BTreeSet::new(), NOW), [task(1, Action::Abort)]);
        assert_eq!(agent.follow(order(1, 2, &[1, 2]), NOW), Ok(vec![]), "nothing is offered");
        // Offered again before it has ended: the old one must not meet the new one.
        assert_eq!(agent.offer(offer(), NOW), [task(2, Action::VerifyConfiguration)]);
        let begun = agent.tell(&wanted(1), Input::Ended, NOW);
        assert_eq!(begun, [task(1, Action::VerifyConfiguration)]);
        assert_eq!(agent.tell(&wanted(1), Input::Ended, NOW), [], "of the new one: not asked for");
    }

    #[test]
    fn an_engine_that_ends_begins_nothing_more() {
        let mut agent = agent();
        agent.follow(order(1, 1, &[1]), NOW).unwrap();
        assert_eq!(agent.end(StopOrder::Shutdown, NOW), [task(1, Action::Abort)]);
        assert_eq!(agent.follow(order(1, 2, &[1, 2]), NOW), Ok(vec![]));
        assert_eq!(agent.offer(offer(), NOW), []);
        assert_eq!(agent.tell(&wanted(1), Input::Ended, NOW), []);
    }

    #[test]
    fn what_a_person_ended_here_stays_ended_and_shows() {
        let mut agent = agent();
        agent.follow(order(1, 1, &[1]), NOW).unwrap();
        let stop = Input::Stop(StopOrder::Terminate);
        assert_eq!(agent.tell(&wanted(1), stop, NOW), [task(1, Action::Terminate)]);
        let report = agent.report(NOW);
        agent.reported(&report);
        assert_eq!(agent.report(NOW).instances.len(), 1);
        assert_eq!(agent.tick(|| 0.0, NOW), []);
    }

    #[test]
    fn an_order_for_another_life_of_this_node_is_refused_and_deposes_nobody() {
        let mut agent = agent();
        let mut foreign = order(7, 1, &[1]);
        foreign.order.node = node(2);
        assert!(matches!(agent.follow(foreign, NOW), Err(Refused::OtherNode { .. })));
        assert!(agent.follow(order(1, 1, &[1]), NOW).is_ok());
    }

    #[test]
    fn what_has_ended_is_reported_once_and_then_forgotten() {
        let mut agent = agent();
        agent.follow(order(1, 1, &[1]), NOW).unwrap();
        agent.follow(order(1, 2, &[]), NOW).unwrap();
        assert_eq!(agent.tell(&wanted(1), Input::Ended, NOW), []);
        let report = agent.report(NOW);
        assert_eq!(report.instances[0].state, InstanceState::Terminated);
        agent.reported(&report);
        assert_eq!(agent.report(NOW).instances, []);
    }
}
