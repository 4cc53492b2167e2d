//! The singleton on a store in memory: a command to an order, a take-over, and a start that fails.

use std::pin::pin;
use std::sync::Arc;

use weir_domain::schedule::{Deployed, DeployedWorkflow, Reach};
use weir_domain::{ClusterAddress, CommandId, Fault, Member, NodeName, NodeStatus, Timestamp};
use weir_persistence_api::{Acquired, LeaseName, LeaseStore, MemoryStore};
use weir_runtime::{IdSource, PhaseTimeouts, System, SystemClock, SystemSettings};

use super::super::Effect;
use super::super::tests::{node, register, target, workflow};
use super::*;
use crate::instance::RECOVER_WITHIN;

/// Keeps the orders that nodes are sent.
#[derive(Default)]
struct Sent(Mutex<Vec<Envelope>>);

#[async_trait]
impl EffectHandler<Schedule> for Sent {
    async fn run(
        &self,
        Effect::Order(order): &Effect,
        fence: &Fence,
    ) -> Result<Option<Command>, Fault> {
        let envelope = Envelope { epoch: fence.epoch, order: order.clone() };
        self.0.lock().unwrap().push(envelope);
        Ok(None)
    }
}

struct Lab {
    singleton: SchedulerSingleton,
    store: MemoryStore,
    sent: Arc<Sent>,
    view: tokio::sync::watch::Sender<Arc<View>>,
    commands: u128,
}

fn lab() -> Lab {
    let clock: Arc<dyn weir_domain::Clock> = Arc::new(SystemClock);
    let (ids, name) = (IdSource::seeded(clock.clone(), 1), NodeName::new("a").unwrap());
    let store = MemoryStore::new(clock.clone());
    let settings = SystemSettings { node: name, clock, ids, shutdown: PhaseTimeouts::default() };
    let (sender, view) = tokio::sync::watch::channel(Arc::new(View::empty(node("a", 1))));
    let sent = Arc::new(Sent::default());
    let singleton = SchedulerSingleton {
        system: System::new(settings),
        store: Arc::new(store.clone()),
        effects: sent.clone(),
        settings: HostSettings::default(),
        view,
    };
    Lab { singleton, store, sent, view: sender, commands: 0 }
}

fn member(name: &str) -> Member {
    Member {
        node: node(name, 1),
        address: format!("weir://weir@{name}:5843").parse::<ClusterAddress>().unwrap(),
        rest: String::new(),
        roles: BTreeSet::new(),
        version: String::new(),
        status: NodeStatus::Up,
        up_number: 1,
        joined_at: Timestamp(0),
        changed_at: Timestamp(0),
        reason: String::new(),
    }
}

impl Lab {
    async fn fence(&self) -> Fence {
        let lease = LeaseName(LEASE.to_owned());
        let owner = self.singleton.system.owner();
        let granted = self.store.lease_acquire(&lease, owner, RECOVER_WITHIN).await;
        let Ok(Acquired::Granted(fence)) = granted else { panic!("{granted:?}") };
        fence
    }

    fn members(&self, version: u64, names: &[&str]) {
        let members = names.iter().map(|it| member(it)).collect();
        let view = View { members, version, ..View::empty(node("a", 1)) };
        self.view.send(Arc::new(view)).unwrap();
    }

    async fn ask(&mut self, service: &SchedulerService, request: Request) -> Response {
        self.commands += 1;
        let command = CommandId(uuid::Uuid::from_u128(self.commands));
        let context = RequestContext { command, within: ASK_WITHIN, epoch: 9 };
        service.serve(request, context).await.unwrap()
    }

    /// Asks until the command is carried out: the members are observed beside it.
    async fn does(&mut self, service: &SchedulerService, command: Command) {
        let mut last = None;
        for _ in 0..100 {
            let request = Request::Command(Box::new(command.clone()));
            match self.ask(service, request).await {
                Response::Done => return,
                other => last = Some(other),
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{command:?} was not carried out: {last:?}");
    }
}

fn report(name: &str, revision: u64) -> Request {
    let (node, instances) = (node(name, 1), vec![]);
    Request::Report(Box::new(NodeReport { node, revision, instances, at: Timestamp(1) }))
}

#[tokio::test(start_paused = true)]
async fn a_target_becomes_an_order_that_is_sent_with_the_epoch_and_given_to_who_reports() {
    let mut lab = lab();
    let fence = lab.fence().await;
    let service = lab.singleton.start(fence.clone()).await.unwrap().service;
    lab.members(1, &["a", "b"]);
    lab.does(&service, register("a", "d", &["w"])).await;
    lab.does(&service, register("b", "d", &["w"])).await;
    lab.does(&service, target("w", 2)).await;
    let Response::Order(Some(order)) = lab.ask(&service, report("a", 0)).await else {
        panic!("no order")
    };
    assert_eq!((order.epoch, order.order.instances.len()), (9, 1));
    let current = lab.ask(&service, report("a", order.order.revision)).await;
    assert!(matches!(current, Response::Order(None)), "it follows it: {current:?}");
    let is_sent = || {
        let sent = lab.sent.0.lock().unwrap();
        sent.iter().any(|it| it.epoch == fence.epoch && it.order == order.order)
    };
    for _ in 0..100 {
        if is_sent() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the order was not sent: {:?}", lab.sent.0.lock().unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_successor_goes_on_from_the_same_assignments_before_it_knows_any_member() {
    let mut lab = lab();
    let first = lab.singleton.start(lab.fence().await).await.unwrap();
    lab.members(1, &["a"]);
    lab.does(&first.service, register("a", "d", &["w"])).await;
    lab.does(&first.service, target("w", 3)).await;
    first.control.stop(ASK_WITHIN).await;
    lab.view.send(Arc::new(View::empty(node("a", 1)))).unwrap();
    let next = lab.singleton.start(lab.fence().await).await.unwrap();
    tokio::time::sleep(RECOVER_WITHIN).await;
    let show = lab.ask(&next.service, Request::ShowWorkflow(workflow("w"))).await;
    let Response::Workflow(Some(view)) = show else { panic!("{show:?}") };
    let numbers: Vec<_> = view.assigned.instances.keys().map(|it| it.0).collect();
    assert_eq!(numbers, [1, 2, 3]);
    let Response::Overview(overview) = lab.ask(&next.service, Request::Show).await else {
        panic!("no overview")
    };
    assert_eq!(overview.landscape.nodes["a"].reach, Reach::Up);
    assert_eq!(overview.placement.starts, []);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_an_answer_and_a_report_of_a_stranger_leaves_nothing() {
    let mut lab = lab();
    let service = lab.singleton.start(lab.fence().await).await.unwrap().service;
    let refused = lab.ask(&service, Request::Command(Box::new(target("w", 1)))).await;
    let unknown = Rejection::UnknownWorkflow(workflow("w"));
    assert!(matches!(&refused, Response::Rejected(it) if *it == unknown), "{refused:?}");
    let preview = lab.ask(&service, Request::Preview(Box::new(target("w", 1)))).await;
    assert!(matches!(&preview, Response::Rejected(it) if *it == unknown), "{preview:?}");
    assert!(matches!(lab.ask(&service, report("x", 0)).await, Response::Order(None)));
    assert!(service.reports.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn registrations_that_come_at_about_the_same_time_are_placed_together() {
    let mut lab = lab();
    let service = lab.singleton.start(lab.fence().await).await.unwrap().service;
    lab.members(1, &["a", "b", "c"]);
    let has = |name: &str, deployment: &str, of: &str, instances| {
        let workflow = (workflow(of), DeployedWorkflow { instances, ..Default::default() });
        let deployed = Deployed { workflows: [workflow].into() };
        let (node, deployment) = (node(name, 1), deployment.to_owned());
        // A later word than the one before.
        let at = Timestamp(10 + i64::from(instances));
        let registration = Registration { node, deployment, deployed, at };
        Request::Command(Box::new(Command::Register(registration)))
    };
    let says = |name: &str, deployment: &str, instances| has(name, deployment, "w", instances);
    let context = |command: u128| {
        let command = CommandId(uuid::Uuid::from_u128(command));
        RequestContext { command, within: ASK_WITHIN, epoch: 9 }
    };
    // All are members once one of them is known.
    lab.does(&service, register("a", "none", &[])).await;
    let each = [("a", 101), ("b", 102), ("c", 103)];
    let together = each.map(|(name, it)| service.serve(says(name, "d", 6), context(it)));
    for response in futures::future::join_all(together).await {
        assert!(matches!(response, Ok(Response::Done)));
    }
    let show = lab.ask(&service, Request::Show).await;
    let Response::Overview(overview) = show else { panic!("{show:?}") };
    let counts: Vec<_> = overview.placement.workflows["w"].nodes.values().copied().collect();
    assert_eq!(counts, [2, 2, 2]);

    // One whose others do not come waits for a moment, and no longer.
    let begun = weir_runtime::Stopwatch::start();
    let alone = service.serve(says("a", "e", 9), context(104)).await;
    assert!(matches!(alone, Ok(Response::Done)));
    assert!(begun.elapsed() < ASK_WITHIN);

    // What it overtook is answered, and changes nothing.
    let late = service.serve(says("a", "d", 6), context(105)).await;
    assert!(matches!(late, Ok(Response::Done)));
    let show = lab.ask(&service, Request::Show).await;
    let Response::Overview(overview) = show else { panic!("{show:?}") };
    assert_eq!(overview.landscape.nodes["a"].deployment.as_deref(), Some("e"));

    // A node that is new and about to say something is waited for.
    lab.members(2, &["a", "b", "c", "d"]);
    for _ in 0..100 {
        let Response::Overview(overview) = lab.ask(&service, Request::Show).await else { continue };
        if overview.landscape.nodes.len() == 4 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let begun = weir_runtime::Stopwatch::start();
    let early = ["a", "b", "c"].into_iter().zip(110..);
    let early = early.map(|(name, it)| service.serve(says(name, "f", 12), context(it)));
    let late = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        service.serve(says("d", "f", 12), context(113)).await
    };
    let (early, late) = futures::join!(futures::future::join_all(early), late);
    assert!(early.iter().chain([&late]).all(|it| matches!(it, Ok(Response::Done))));
    assert!(begun.elapsed() < Duration::from_secs(5));
    let show = lab.ask(&service, Request::Show).await;
    let Response::Overview(overview) = show else { panic!("{show:?}") };
    let counts: Vec<_> = overview.placement.workflows["w"].nodes.values().copied().collect();
    assert_eq!(counts, [3, 3, 3, 3]);

    // Two of one node that are looked up at once may go on in any order: the later one counts.
    let mut overtaken = pin!(service.serve(says("d", "g", 13), context(120)));
    let mut later = pin!(service.serve(has("d", "h", "v", 16), context(121)));
    assert!(futures::poll!(&mut overtaken).is_pending());
    assert!(futures::poll!(&mut later).is_pending());
    // Asked after both, so that both have their answers by then.
    lab.ask(&service, Request::Show).await;
    let others = ["a", "b", "c"].into_iter().zip(122..);
    let others = others.map(|(name, it)| service.serve(has(name, "h", "v", 16), context(it)));
    let (later, overtaken, others) =
        futures::join!(later, overtaken, futures::future::join_all(others));
    assert!(others.iter().chain([&later, &overtaken]).all(|it| matches!(it, Ok(Response::Done))));
    let show = lab.ask(&service, Request::Show).await;
    let Response::Overview(overview) = show else { panic!("{show:?}") };
    let counts: Vec<_> = overview.placement.workflows["v"].nodes.values().copied().collect();
    assert_eq!(counts, [4, 4, 4, 4]);

    // Who goes back to what is known while the other word waits has that, and the word before does not come true.
    let (ahead, back) = (has("d", "i", "v", 17), has("d", "h", "v", 18));
    let ahead = service.serve(ahead, context(130));
    let back = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        service.serve(back, context(131)).await
    };
    let (ahead, back) = futures::join!(ahead, back);
    assert!([ahead, back].iter().all(|it| matches!(it, Ok(Response::Done))));
    let show = lab.ask(&service, Request::Show).await;
    let Response::Overview(overview) = show else { panic!("{show:?}") };
    assert_eq!(overview.landscape.nodes["d"].deployment.as_deref(), Some("h"));
}

#[test]
fn a_node_may_run_what_target_and_limits_let_it_have() {
    let view = |text: &str| WorkflowView {
        settings: serde_json::from_str(text).unwrap(),
        revision: 0,
        outcome: None,
        warnings: Vec::new(),
        assigned: Assigned::default(),
        nodes: Vec::new(),
        reports: Vec::new(),
    };
    let (node, roles) = (NodeName::new("n1").unwrap(), BTreeSet::from(["big".to_owned()]));
    let may = |text: &str| view(text).may_run_on(&node, &roles);
    for text in [
        "{}",
        r#"{"target": 3, "default": {"max": 1}}"#,
        r#"{"nodes": {"n2": {"max": 0}}}"#,
        r#"{"default": {"max": 0}, "nodes": {"n1": {"max": "unlimited"}}}"#,
    ] {
        assert!(may(text), "{text}");
    }
    for text in [
        r#"{"target": 0}"#,
        r#"{"default": {"max": 0}}"#,
        r#"{"nodes": {"n1": {"max": 0}}}"#,
        r#"{"roles": {"big": {"max": 0}}, "default": {"max": 3}}"#,
    ] {
        assert!(!may(text), "{text}");
    }
}
