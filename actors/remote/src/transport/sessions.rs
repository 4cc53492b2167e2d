//! Frames over ractor_cluster: one node session per link, one remotable gateway actor per node.
//!
//! Sessions are made on connections that are encrypted and agreed upon already, and with the
//! link's secret id as their cookie. ractor_cluster's own server is left out: it listens on a port
//! of its own, knows one cookie per process, and elects between connections by names that nobody
//! has proven. Here is the part of it that a session needs: an answer to its questions.
//!
//! A frame begins with the id of its link, since a gateway is not told who sends to it. The gateway
//! is the only actor that peers can address.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use ractor::message::{BoxedDowncastErr, SerializedMessage};
use ractor::{Actor, ActorCell, ActorId, ActorProcessingErr, ActorRef, SupervisionEvent};
use ractor_cluster::node::NodeConnectionMode;
use ractor_cluster::node::SessionCheckReply;
use ractor_cluster::{NetworkStream, NodeServerMessage, NodeSession, NodeSessionMessage};
use tokio::sync::oneshot;
use weir_domain::Incarnation;

use crate::hello::LinkId;
use crate::transport::valve::{Valve, ValvedReader, ValvedWriter};
use crate::transport::{Broken, Carrier, Ends, Gone, Receiver, Wire};
use crate::wire::frame_link;

/// The process groups by which a session finds the gateway of its peer.
const SCOPE: &str = "weir-remote";

/// ractor_cluster's numbers of sessions are global to the process, as its registries are.
static SESSIONS: AtomicU64 = AtomicU64::new(1);

pub(crate) struct Sessions {
    local: Incarnation,
    frame_max: u64,
    table: Arc<Mutex<Table>>,
    gateway: ActorRef<Frame>,
    registrar: ActorRef<NodeServerMessage>,
}

#[derive(Default)]
struct Table {
    receivers: HashMap<LinkId, Arc<dyn Receiver>>,
    sessions: HashMap<ActorId, Session>,
    /// Events of sessions that are so fast that nobody has entered them yet.
    early: HashMap<ActorId, Early>,
}

struct Session {
    link: LinkId,
    valve: Arc<Valve>,
    ready: Option<oneshot::Sender<()>>,
}

#[derive(Default)]
struct Early {
    is_ready: bool,
    has_ended: bool,
}

impl Sessions {
    /// `frame_max` is what a peer may send at once.
    pub(crate) async fn start(local: Incarnation, frame_max: u64) -> Result<Self, String> {
        let table = Arc::<Mutex<Table>>::default();
        let registrar = Registrar { table: table.clone() };
        let (registrar, _) =
            Actor::spawn(None, registrar, ()).await.map_err(|it| it.to_string())?;
        let gateway = Gateway { table: table.clone() };
        let (gateway, _) = Actor::spawn_linked(None, gateway, (), registrar.get_cell())
            .await
            .map_err(|it| it.to_string())?;
        let group = local.to_string();
        ractor::pg::join_scoped(SCOPE.to_owned(), group, vec![gateway.get_cell()]);
        Ok(Self { local, frame_max, table, gateway, registrar })
    }

    /// Ends with a carrier as soon as the peer's gateway can be sent to.
    pub(crate) async fn carry(
        &self,
        wire: Wire,
        ends: Ends,
        receiver: Arc<dyn Receiver>,
    ) -> Result<Box<dyn Carrier>, String> {
        let number = SESSIONS.fetch_add(1, Ordering::Relaxed);
        let valve = Arc::<Valve>::default();
        let stream = stream(wire, &valve, &receiver);
        let session = self.session(number, &ends);
        lock(&self.table).receivers.insert(ends.link, receiver);
        let mut undo = Undo {
            table: &self.table,
            link: ends.link,
            session: None,
            valve: valve.clone(),
            is_off: false,
        };
        let (session, _) = Actor::spawn_linked(None, session, stream, self.registrar.get_cell())
            .await
            .map_err(|it| it.to_string())?;
        undo.session = Some(session.clone());
        let ready = self.enter(session.get_id(), ends.link, &valve);
        if ready.await.is_err() {
            let why = valve.ended().map_or("the session ended".to_owned(), |it| it.to_string());
            return Err(why);
        }
        let group = ends.peer.to_string();
        let members = ractor::pg::get_scoped_members(&SCOPE.to_owned(), &group);
        let is_there = |it: &ActorCell| matches!(it.get_id(), ActorId::Remote { node_id, .. } if node_id == number);
        let Some(gateway) = members.into_iter().find(is_there) else {
            return Err(format!("{} has no gateway", ends.peer));
        };
        undo.is_off = true;
        Ok(Box::new(SessionCarrier { gateway, session, valve }))
    }

    pub(crate) fn stop(&self) {
        self.gateway.stop(None);
        self.registrar.stop(None);
    }

    fn session(&self, number: u64, ends: &Ends) -> NodeSession {
        let mut announced = blank(NodeSession::new);
        announced.name = self.local.to_string();
        announced.connection_string = self.local.to_string();
        announced.flags.get_or_insert_default().version = 1;
        NodeSession::new(
            number,
            !ends.is_dialler,
            ends.link.hex(),
            self.registrar.clone(),
            announced,
            NodeConnectionMode::Isolated,
        )
        .with_max_inbound_frame_size(self.frame_max)
    }

    fn enter(&self, actor: ActorId, link: LinkId, valve: &Arc<Valve>) -> oneshot::Receiver<()> {
        let (ready, when_ready) = oneshot::channel();
        let mut table = lock(&self.table);
        let early = table.early.remove(&actor).unwrap_or_default();
        if early.has_ended {
            return when_ready;
        }
        let mut session = Session { link, valve: valve.clone(), ready: Some(ready) };
        if early.is_ready {
            session.ready.take().map(|it| it.send(()));
        }
        table.sessions.insert(actor, session);
        when_ready
    }
}

fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An empty name for a session. Its type is not exported, but its fields are.
fn blank<A, B, C, D, Name: Default, E>(_: fn(A, B, C, D, Name, E) -> NodeSession) -> Name {
    Name::default()
}

fn stream(wire: Wire, valve: &Arc<Valve>, receiver: &Arc<dyn Receiver>) -> NetworkStream {
    let (valve, receiver) = (valve.clone(), receiver.clone());
    let reader =
        ValvedReader { inner: wire.reader, valve: valve.clone(), receiver: receiver.clone() };
    let writer = ValvedWriter { inner: wire.writer, valve, receiver };
    NetworkStream::External {
        peer_label: None,
        local_label: None,
        reader: Box::new(reader),
        writer: Box::new(writer),
    }
}

/// Takes back what a link has entered, if its carrying fails or is given up.
struct Undo<'a> {
    table: &'a Mutex<Table>,
    link: LinkId,
    session: Option<ActorRef<NodeSessionMessage>>,
    valve: Arc<Valve>,
    is_off: bool,
}

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        if self.is_off {
            return;
        }
        lock(self.table).receivers.remove(&self.link);
        self.valve.shut();
        if let Some(session) = &self.session {
            session.stop(None);
        }
    }
}

struct SessionCarrier {
    gateway: ActorCell,
    session: ActorRef<NodeSessionMessage>,
    valve: Arc<Valve>,
}

impl Carrier for SessionCarrier {
    fn send(&self, frame: Vec<u8>) -> Result<(), Gone> {
        let message =
            SerializedMessage::Cast { variant: String::new(), args: frame, metadata: None };
        self.gateway.send_serialized(message).map_err(|_| Gone)
    }

    fn close(&self) {
        self.valve.shut();
        self.session.stop(None);
    }
}

/// What one gateway sends to another.
struct Frame(Vec<u8>);

impl ractor::Message for Frame {
    fn serializable() -> bool {
        true
    }

    fn serialize(self) -> Result<SerializedMessage, BoxedDowncastErr> {
        Ok(SerializedMessage::Cast { variant: String::new(), args: self.0, metadata: None })
    }

    fn deserialize(message: SerializedMessage) -> Result<Self, BoxedDowncastErr> {
        match message {
            SerializedMessage::Cast { args, .. } => Ok(Self(args)),
            SerializedMessage::Call { .. } | SerializedMessage::CallReply(..) => {
                Err(BoxedDowncastErr)
            }
        }
    }
}

/// Hands frames to their links. It waits for nothing and nobody.
struct Gateway {
    table: Arc<Mutex<Table>>,
}

impl Actor for Gateway {
    type Msg = Frame;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Frame>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(
        &self,
        _: ActorRef<Frame>,
        Frame(bytes): Frame,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        let Some(id) = frame_link(&bytes) else { return Ok(()) };
        // Frames of a link that has just ended may still come.
        let receiver = lock(&self.table).receivers.get(&id).cloned();
        if let Some(receiver) = receiver {
            receiver.frame(Bytes::from(bytes));
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<Frame>,
        _: SupervisionEvent,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}

/// Answers the questions of the sessions and sees them end.
struct Registrar {
    table: Arc<Mutex<Table>>,
}

impl Registrar {
    fn ready(&self, actor: ActorId) {
        let mut table = lock(&self.table);
        match table.sessions.get_mut(&actor) {
            Some(session) => {
                session.ready.take().map(|it| it.send(()));
            }
            None => table.early.entry(actor).or_default().is_ready = true,
        }
    }

    fn ended(&self, actor: ActorId) {
        let (session, receiver) = {
            let mut table = lock(&self.table);
            let Some(session) = table.sessions.remove(&actor) else {
                table.early.entry(actor).or_default().has_ended = true;
                return;
            };
            let receiver = table.receivers.remove(&session.link);
            (session, receiver)
        };
        session.valve.shut();
        if let Some(receiver) = receiver {
            let why = session.valve.ended();
            receiver.broken(why.unwrap_or_else(|| Broken::Lost("the session ended".to_owned())));
        }
    }
}

impl Actor for Registrar {
    type Msg = NodeServerMessage;
    type State = ();
    type Arguments = ();

    async fn pre_start(
        &self,
        _: ActorRef<NodeServerMessage>,
        (): (),
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(
        &self,
        _: ActorRef<NodeServerMessage>,
        message: NodeServerMessage,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        match message {
            NodeServerMessage::ConnectionReady(actor) => self.ready(actor),
            // Two connections between the same nodes never get here: the handshake sorts them out.
            NodeServerMessage::CheckSession { reply, .. } => {
                let _ = reply.send(SessionCheckReply::NoOtherConnection);
            }
            NodeServerMessage::GetSessions(reply) => {
                let _ = reply.send(HashMap::new());
            }
            NodeServerMessage::ConnectionAuthenticated(_)
            | NodeServerMessage::UpdateSession { .. }
            | NodeServerMessage::ConnectionOpened { .. }
            | NodeServerMessage::ConnectionOpenedExternal { .. }
            | NodeServerMessage::SubscribeToEvents { .. }
            | NodeServerMessage::UnsubscribeToEvents(_)
            | NodeServerMessage::PortChanged { .. } => {}
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<NodeServerMessage>,
        event: SupervisionEvent,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorTerminated(actor, ..)
            | SupervisionEvent::ActorFailed(actor, _) => self.ended(actor.get_id()),
            SupervisionEvent::ActorStarted(_)
            | SupervisionEvent::ProcessGroupChanged(_)
            | SupervisionEvent::PidLifecycleEvent(_) => {}
        }
        Ok(())
    }
}
