//! The cluster as a handle: what the rest of a node sees of it, and asks of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::TryFutureExt as _;
use tokio::sync::{broadcast, mpsc, watch};
use weir_domain::{Fault, Incarnation, Member, NodeName, NodeStatus, NodeUid, Timestamp};
use weir_persistence_api::{ClusterIdentity, MemberStore};
use weir_runtime::{Phase, System};

use crate::admission::Admission;
use crate::code;
use crate::details::Details;
use crate::discovery;
use crate::error::{Error, OrderError};
use crate::event::ClusterEvent;
use crate::liveness::{Chitchat, DETAILS};
use crate::membership::explain::{Clues, Reason, explain};
use crate::membership::keeper::{Command, Inlets, Keeper, Outlets, Parts};
use crate::membership::surroundings::{Ground, Outside};
use crate::membership::{Core, Order, Rules};
use crate::mesh::{Mesh, MeshLink};
use crate::reach::is_present;
use crate::settings::ClusterSettings;
use crate::view::View;
use crate::watermark::Watermarks;

/// How long the store may take to say whose it is.
const CLAIM_WITHIN: Duration = Duration::from_secs(10);
/// How long an order may take to show in the list.
const ORDER_WITHIN: Duration = Duration::from_secs(5);
/// How long an order waits for a store that did not answer last.
const STORE_BACK_WITHIN: Duration = Duration::from_secs(3);
/// How long a node that leaves waits for another to see it off.
const SEEN_OFF_WITHIN: Duration = Duration::from_secs(2);
/// How long those who were removed are remembered.
const PRUNE_AFTER: Duration = Duration::from_secs(24 * 3_600);
/// Events that a subscriber may be behind.
const EVENTS: usize = 1_024;
/// Orders that may wait for the keeper.
const COMMANDS: usize = 64;

/// This node's membership. Cheap to clone.
#[derive(Clone)]
pub struct Cluster(Arc<Inner>);

struct Inner {
    system: System,
    settings: ClusterSettings,
    identity: ClusterIdentity,
    rules: Rules,
    outlets: Outlets,
    commands: mpsc::Sender<Command>,
    outside: Option<Outside>,
    /// Why the name of the discovery has no addresses.
    undiscovered: discovery::Trouble,
    watermarks: Watermarks,
}

impl Cluster {
    /// Joins the cluster, in the background. Without a mesh it is a cluster of one.
    ///
    /// The admission is the one that the links ask.
    pub fn start(
        system: &System,
        settings: ClusterSettings,
        claim: Claim,
        store: Arc<dyn MemberStore>,
        mesh: Option<Arc<dyn Mesh>>,
        admission: Admission,
    ) -> Result<Self, Error> {
        let outside = mesh.map(|mesh| {
            let (name, gossip) = (settings.name.clone(), settings.gossip);
            let liveness = Arc::new(Chitchat::start(system, name, gossip, mesh.clone()));
            Outside { mesh, liveness }
        });
        let Claim { identity, watermarks } = claim;
        admission.begin(system.incarnation(), identity.id);
        let rules = Rules {
            members_min: settings.members_min,
            alone: outside.is_none(),
            prune_after: PRUNE_AFTER,
        };
        let view = View::empty(system.incarnation());
        let outlets = Outlets {
            view: watch::Sender::new(Arc::new(view)),
            events: broadcast::Sender::new(EVENTS),
            clues: watch::Sender::default(),
            is_over: watch::Sender::new(false),
        };
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let ground = Ground {
            me: system.incarnation(),
            own_address: settings.address.clone(),
            seeds: settings.seeds.clone(),
            outside: outside.clone(),
            admission,
            describe: settings.describe.clone(),
        };
        let (strategy, timing) = (settings.strategy.clone(), settings.timing);
        let parts = Parts {
            system: system.clone(),
            core: Core::new(own_row(system, &settings), rules, strategy, timing),
            ground,
            look_every: settings.look_every,
            watermarks: watermarks.clone(),
            outlets: outlets.clone(),
        };
        let inlets = Inlets {
            store,
            leases: settings.leases.clone(),
            commands: inbox,
            news: outside.as_ref().map(|it| it.mesh.listen()),
            heard: outside.as_ref().map(|it| it.liveness.heard()),
        };
        let inner = Inner {
            system: system.clone(),
            settings,
            identity,
            rules,
            outlets,
            commands,
            outside,
            undiscovered: discovery::Trouble::default(),
            watermarks,
        };
        let cluster = Self(Arc::new(inner));
        cluster.add_steps()?;
        cluster.keep(parts, inlets);
        Ok(cluster)
    }

    /// Starts the keeper. Without it the node would be blind: if it fails, so does the node.
    fn keep(&self, parts: Parts, inlets: Inlets) {
        let Inner { system, settings, outside, outlets, .. } = &*self.0;
        let seeds: Vec<String> = settings.seeds.iter().map(ToString::to_string).collect();
        tracing::info!(code = %code::CONNECTING, ?seeds, "trying to connect to the cluster");
        let keeper = Keeper::run(parts, inlets);
        let keeper = system.tasks().spawn("cluster/members", keeper);
        let shutdown = system.shutdown().clone();
        system.tasks().spawn("cluster/members-watch", async move {
            if let Err(error) = keeper.join().await {
                let fault = Fault::transient(code::MEMBER.0, format!("membership ended: {error}"));
                shutdown.request(weir_runtime::Reason::Failed(fault));
            }
        });
        if let (Some(name), Some(it)) = (&settings.discovery_dns, outside) {
            let (own, trouble) = (settings.address.clone(), self.0.undiscovered.clone());
            let discovery = discovery::run(name.clone(), own, it.mesh.clone(), trouble);
            let mut over = outlets.is_over.subscribe();
            system.tasks().spawn("cluster/discovery", async move {
                tokio::select! {
                    () = discovery => {}
                    _ = over.wait_for(|it| *it) => {}
                }
            });
        }
    }

    /// The time by this node's clock.
    pub fn now(&self) -> Timestamp {
        self.0.system.now()
    }

    pub fn identity(&self) -> &ClusterIdentity {
        &self.0.identity
    }

    pub fn settings(&self) -> &ClusterSettings {
        &self.0.settings
    }

    /// What was seen of the store; leases are compared with it, too.
    pub fn watermarks(&self) -> &Watermarks {
        &self.0.watermarks
    }

    /// The members as this node sees them.
    pub fn view(&self) -> watch::Receiver<Arc<View>> {
        self.0.outlets.view.subscribe()
    }

    /// Everything that happens from now on.
    pub fn events(&self) -> broadcast::Receiver<ClusterEvent> {
        self.0.outlets.events.subscribe()
    }

    /// The links to the other nodes as they are now.
    pub fn links(&self) -> Vec<MeshLink> {
        self.0.outside.as_ref().map(|it| it.mesh.links()).unwrap_or_default()
    }

    /// What the nodes say of themselves, by node. Those that are silent are not there.
    pub fn details(&self) -> BTreeMap<NodeUid, Details> {
        let mut details: BTreeMap<NodeUid, Details> = BTreeMap::new();
        if let Some(Outside { liveness, .. }) = &self.0.outside {
            for (&uid, said) in liveness.heard().borrow().iter() {
                let read = said.get(DETAILS).and_then(|it| serde_json::from_str(it).ok());
                details.extend(read.map(|it: Details| (uid, it)));
            }
        }
        details.insert(self.0.system.uid(), (self.0.settings.describe)());
        details
    }

    /// Why a node is as it is; without a name, this one.
    pub fn explain(&self, node: Option<&NodeName>) -> Vec<Reason> {
        let view = self.view().borrow().clone();
        let mut clues = self.0.outlets.clues.borrow().clone();
        let name = self.0.settings.discovery_dns.clone();
        clues.undiscovered = name.zip(self.0.undiscovered.borrow().clone());
        let own = self.0.system.node();
        let (subject, clues) = match node {
            Some(name) if name != own => (view.named(name), Clues::default()),
            Some(_) | None => (view.own(), clues),
        };
        explain(&view, subject, &self.0.rules, &clues)
    }

    /// Resolves when this node is up.
    pub async fn up(&self) {
        // The sender lives as long as this handle.
        let _ = self.view().wait_for(|it| it.is_up()).await;
    }

    /// Resolves when the incarnation is no member any more, or its process is proven to be gone.
    pub async fn watch_node(&self, node: NodeUid) {
        let _ = self.view().wait_for(|it| it.has_ended(node)).await;
    }

    /// Asks a member to leave: it ends gracefully. Returns it as it is in the list then.
    pub async fn leave(&self, node: &Incarnation) -> Result<Member, OrderError> {
        let member = self.present(node)?;
        if member.node.uid == self.0.system.uid() {
            return self.leave_myself(&member).await;
        }
        self.order(&member, Order::Leave).await
    }

    /// This node leaves by its own shutdown, which tells the others.
    async fn leave_myself(&self, own: &Member) -> Result<Member, OrderError> {
        let shutdown = self.0.system.shutdown();
        // A second request would cut the first one short.
        if !shutdown.stopping().is_stopping() {
            shutdown.request(weir_runtime::Reason::Requested(
                "it was told to leave the cluster".to_owned(),
            ));
        }
        self.shows(own, NodeStatus::Leaving).await
    }

    /// Takes a member that can't be reached out of the cluster: its process may still run, and
    /// stops as soon as it learns of it. One that works is not taken out.
    pub async fn down(&self, node: &Incarnation) -> Result<Member, OrderError> {
        let member = self.present(node)?;
        if self.view().borrow().reach.is_reachable(node.uid) {
            return Err(OrderError::StillReachable { node: node.name.clone() });
        }
        self.order(&member, Order::Down).await
    }

    /// The member of this life: a later one of the same name was not meant.
    fn present(&self, node: &Incarnation) -> Result<Member, OrderError> {
        let view = self.view().borrow().clone();
        let name = || node.name.clone();
        let member = view.member(node.uid).ok_or_else(|| OrderError::Unknown(name()))?;
        match is_present(member.status) {
            true => Ok(member.clone()),
            false => Err(OrderError::Over { node: name(), status: member.status }),
        }
    }

    /// Has something done to a member and waits until the list shows it.
    pub(crate) async fn order(&self, member: &Member, order: Order) -> Result<Member, OrderError> {
        self.store_is_there().await?;
        self.command(member.node.uid, order).await?;
        self.shows(member, order.status()).await
    }

    /// Waits a moment for a store that did not answer last: it is asked again and again.
    async fn store_is_there(&self) -> Result<(), OrderError> {
        let mut view = self.view();
        let there = view.wait_for(|it| it.store_trouble.is_none()).map_ok(drop);
        match tokio::time::timeout(STORE_BACK_WITHIN, there).await {
            Ok(there) => there.map_err(|_| OrderError::ShuttingDown),
            Err(_) => {
                let trouble = self.view().borrow().store_trouble.clone();
                Err(OrderError::StoreLost(trouble.unwrap_or_default()))
            }
        }
    }

    /// Waits until the list shows a member with a status or a later one.
    async fn shows(&self, member: &Member, status: NodeStatus) -> Result<Member, OrderError> {
        let uid = member.node.uid;
        let is_done = |it: &Member| it.status >= status;
        let mut view = self.view();
        let done = view.wait_for(|it| it.member(uid).is_none_or(is_done));
        match tokio::time::timeout(ORDER_WITHIN, done).await {
            Ok(Ok(view)) => Ok(view.member(uid).cloned().unwrap_or_else(|| member.clone())),
            Ok(Err(_)) => Err(OrderError::ShuttingDown),
            Err(_) => Err(OrderError::Timeout(ORDER_WITHIN)),
        }
    }

    async fn command(&self, node: NodeUid, order: Order) -> Result<(), OrderError> {
        let command = Command { node, order };
        self.0.commands.send(command).await.map_err(|_| OrderError::ShuttingDown)
    }

    /// Leaving is told when the shutdown begins, so that nothing new comes here, and done when
    /// all has been handed over.
    fn add_steps(&self) -> Result<(), Error> {
        let shutdown = self.0.system.shutdown();
        let late = |_| Error::ShuttingDown;
        let it = self.clone();
        let begin = async move { it.begin_to_leave().await };
        shutdown.add(Phase::ServiceUnbind, "cluster-leaving", begin).map_err(late)?;
        let it = self.clone();
        let leave = async move { it.finish_leaving().await };
        shutdown.add(Phase::ClusterLeave, "cluster-leave", leave).map_err(late)?;
        let it = self.clone();
        let close = async move {
            it.close().await;
            Ok(())
        };
        shutdown.add(Phase::StoreClose, "cluster-close", close).map_err(late)
    }

    async fn begin_to_leave(&self) -> Result<(), Fault> {
        let Some(own) = self.view().borrow().own().cloned() else { return Ok(()) };
        if self.0.system.shutdown().requested().await.is_downed() {
            return Ok(());
        }
        tracing::debug!(code = %code::LEAVING, "leaving the cluster");
        self.order(&own, Order::Leave).await.map(drop).map_err(|it| not_left(&it))
    }

    async fn finish_leaving(&self) -> Result<(), Fault> {
        let Some(own) = self.view().borrow().own().cloned() else { return Ok(()) };
        let uid = own.node.uid;
        self.order(&own, Order::Exit).await.map_err(|it| not_left(&it))?;
        let mut view = self.view();
        let removed = view.wait_for(|it| {
            let is_over = |it: &Member| it.status == NodeStatus::Removed;
            it.member(uid).is_none_or(is_over) || it.leader.is_none()
        });
        let _ = tokio::time::timeout(SEEN_OFF_WITHIN, removed).await;
        self.order(&own, Order::Remove).await.map(drop).map_err(|it| not_left(&it))
    }

    /// Ends membership: peers are told, so that they need no evidence.
    async fn close(&self) {
        if let Some(Outside { mesh, liveness }) = &self.0.outside {
            liveness.stop().await;
            mesh.close().await;
        }
        self.0.outlets.is_over.send_replace(true);
    }
}

fn not_left(error: &OrderError) -> Fault {
    Fault::transient(code::LEAVING.0, format!("this node did not leave in order: {error}"))
        .with_hint("the others take it out as soon as they see that its process is gone")
}

fn own_row(system: &System, settings: &ClusterSettings) -> Member {
    Member {
        node: system.incarnation(),
        address: settings.address.clone(),
        rest: settings.rest.clone(),
        roles: settings.roles.clone(),
        version: settings.version.clone(),
        status: NodeStatus::Joining,
        up_number: 0,
        joined_at: system.now(),
        changed_at: system.now(),
        reason: String::new(),
    }
}

/// The store is this cluster's. Taken before the links are started, which tell the peers its id.
#[derive(Debug, Clone)]
pub struct Claim {
    pub identity: ClusterIdentity,
    pub watermarks: Watermarks,
}

impl Claim {
    /// Gives a store that is nobody's to this cluster, and refuses one of another cluster, or one
    /// that is not what this node has seen before.
    pub async fn take(
        system: &System,
        settings: &ClusterSettings,
        store: &dyn MemberStore,
    ) -> Result<Self, Error> {
        let dir = settings.data_dir.clone();
        let open = move || Watermarks::open(dir.as_deref());
        let opened = system.tasks().spawn_blocking("cluster/watermark", open).join().await;
        let watermarks = opened.map_err(|_| Error::ShuttingDown)??;
        let id = watermarks.seen().cluster.unwrap_or_else(|| system.ids().cluster());
        let wanted = ClusterIdentity { id, name: settings.name.clone() };
        let claimed = tokio::time::timeout(CLAIM_WITHIN, store.cluster_claim(wanted)).await;
        let found = claimed.map_err(|_| Error::StoreSilent(CLAIM_WITHIN))?.map_err(Error::Store)?;
        if found.name != settings.name {
            let wanted = settings.name.clone();
            return Err(Error::OtherCluster { found: found.name, wanted });
        }
        watermarks.cluster(found.id)?;
        Ok(Self { identity: found, watermarks })
    }
}
