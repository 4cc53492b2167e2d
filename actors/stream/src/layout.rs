//! From a plan and the schema of an item to stages that are ready to run, joined by edges.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use weir_domain::plan::{DEAD_LETTERS, Graph, OnError, Plan, Role, Stage};
use weir_domain::{Fault, PortName, StageId};
use weir_secrets::Opened;

use crate::check::{role_word, schema_difference};
use crate::control::Gate;
use crate::edge::{Receiver, Sender, edge};
use crate::island::{Island, Member, Target};
use crate::stage::{Body, Guard, IslandBody, SinkBody, SourceBody};
use crate::{
    BuildContext, Counters, RecordReader, Registry, Sink, StreamContext, StreamLog, Taps,
    dead_letter_schema,
};

/// The stages of one attempt, sinks first, and the counters of every stage of the plan.
pub(crate) struct Layout {
    pub(crate) bodies: Vec<(StageId, Body)>,
    pub(crate) counters: BTreeMap<StageId, Arc<Counters>>,
}

/// Sinks by the stages that they write for.
pub(crate) type NamedSinks = Vec<(StageId, Box<dyn Sink>)>;

/// What the layout is made from.
pub(crate) struct Ground<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) secrets: &'a Opened,
    pub(crate) registry: &'a Registry,
    pub(crate) cx: &'a BuildContext,
    pub(crate) stream: Arc<StreamContext>,
    /// Where its source waits while it is paused.
    pub(crate) gate: Gate,
    pub(crate) taps: Taps,
    pub(crate) log: StreamLog,
}

impl Ground<'_> {
    fn context(&self, stage: &StageId) -> BuildContext {
        BuildContext { stage: stage.clone(), ..self.cx.clone() }
    }

    /// The sinks of the plan, that of the dead letters included.
    pub(crate) fn sinks(&self) -> Result<NamedSinks, Fault> {
        let stages = self.plan.of_role(Role::Sink);
        let stages = stages.map(|it| (it.id.clone(), it.kind.as_str(), &it.config));
        let letters = self.plan.dead_letters.iter();
        let letters = letters.map(|it| (dead_letters_id(), it.kind.as_str(), &it.config));
        let build = |(id, kind, config): (StageId, &str, _)| {
            let known = self.registry.sinks.get(kind);
            let sink = known.ok_or_else(|| unknown_kind(Role::Sink, kind))?;
            Ok((id.clone(), sink.build(config, &self.context(&id))?))
        };
        stages.chain(letters).map(build).collect()
    }
}

pub(crate) fn dead_letters_id() -> StageId {
    StageId::new(DEAD_LETTERS).expect("a valid name")
}

pub(crate) fn unknown_kind(role: Role, kind: &str) -> Fault {
    let message = format!("this engine knows no kind {kind} of {}", role_word(role));
    Fault::config(3110, message).with_hint("deploy with an engine of the same version")
}

/// Lays out one attempt. Everything is built and joined before anything runs.
pub(crate) fn lay_out(ground: &Ground<'_>, reader: Box<dyn RecordReader>) -> Result<Layout, Fault> {
    let mut builder = Builder::new(ground);
    builder.inputs();
    let source = ground.plan.of_role(Role::Source).next();
    let source = source.ok_or_else(|| Fault::config(3111, "the plan has no source"))?;
    builder.schemas.insert((source.id.clone(), PortName::out()), reader.schema());
    let mut bodies = vec![(source.id.clone(), builder.source(source, reader))];
    for island in builder.graph.islands() {
        let first = ground.plan.stage(&island[0]);
        if first.is_some_and(|it| it.role == Role::Operator) {
            bodies.push((island[0].clone(), builder.island(&island)?));
        }
    }
    for (id, sink) in ground.sinks()? {
        let body = builder.sink(&id, sink)?;
        bodies.push((id, body));
    }
    bodies.reverse();
    Ok(Layout { bodies, counters: builder.counters })
}

struct Builder<'a> {
    ground: &'a Ground<'a>,
    graph: Graph<'a>,
    /// The edge into every stage that begins an island or is a sink.
    senders: BTreeMap<StageId, Sender>,
    receivers: BTreeMap<StageId, Receiver>,
    schemas: BTreeMap<(StageId, PortName), SchemaRef>,
    counters: BTreeMap<StageId, Arc<Counters>>,
}

impl<'a> Builder<'a> {
    fn new(ground: &'a Ground<'a>) -> Self {
        let graph = Graph::new(ground.plan);
        let mut ids: Vec<_> = ground.plan.stages.iter().map(|it| it.id.clone()).collect();
        if ground.plan.dead_letters.is_some() {
            ids.push(dead_letters_id());
        }
        let counters = ids.into_iter().map(|id| (id, Arc::new(Counters::default()))).collect();
        let (senders, receivers, schemas) = Default::default();
        Self { ground, graph, senders, receivers, schemas, counters }
    }

    /// Makes the edges, each with as many senders as stages will end it.
    fn inputs(&mut self) {
        let plan = self.ground.plan;
        let islands = self.graph.islands();
        for island in &islands {
            let head = &island[0];
            if plan.stage(head).is_some_and(|it| it.role != Role::Source) {
                let edges = self.graph.incoming(head).count();
                self.connect(head.clone(), edges);
            }
        }
        if plan.dead_letters.is_some() {
            let writers = islands.iter().filter(|it| self.sends_dead_letters(it)).count();
            self.connect(dead_letters_id(), writers);
        }
    }

    fn connect(&mut self, to: StageId, senders: usize) {
        let (sender, receiver) = edge(self.ground.cx.limits.edge_bytes, senders);
        self.senders.insert(to.clone(), sender);
        self.receivers.insert(to, receiver);
    }

    fn sends_dead_letters(&self, stages: &[StageId]) -> bool {
        let stages = stages.iter().filter_map(|it| self.ground.plan.stage(it));
        stages.into_iter().any(|it| it.on_error == OnError::DeadLetter)
    }

    fn dead(&self, stages: &[StageId]) -> Option<Sender> {
        let sends = self.sends_dead_letters(stages);
        sends.then(|| self.senders.get(DEAD_LETTERS).cloned()).flatten()
    }

    fn guard(&self, id: &StageId, on_error: OnError) -> Guard {
        Guard {
            stage: id.clone(),
            on_error,
            counters: self.counters.get(id).cloned().unwrap_or_default(),
            stream: self.ground.stream.clone(),
            secrets: self.ground.secrets.clone(),
            raw_bytes_max: self.ground.cx.limits.raw_bytes_max,
            taps: self.ground.taps.clone(),
        }
    }

    /// Senders into the stages behind a port, in order of the edges.
    fn outputs(&self, id: &'a StageId) -> Vec<Sender> {
        let targets = self.graph.outgoing(id).filter_map(|it| self.senders.get(&it.to));
        targets.cloned().collect()
    }

    fn source(&self, stage: &'a Stage, reader: Box<dyn RecordReader>) -> Body {
        Body::Source(SourceBody {
            guard: self.guard(&stage.id, stage.on_error),
            reader,
            outputs: self.outputs(&stage.id),
            dead: self.dead(std::slice::from_ref(&stage.id)),
            gate: self.ground.gate.clone(),
        })
    }

    fn island(&mut self, ids: &[StageId]) -> Result<Body, Fault> {
        let input = self.receivers.remove(&ids[0]).ok_or_else(|| unconnected(&ids[0]))?;
        let mut outputs = Vec::new();
        let mut members = Vec::new();
        for id in ids {
            members.push(self.member(id, ids, &mut outputs)?);
        }
        let dead = self.dead(ids);
        let Ground { plan, registry, stream, log, .. } = self.ground;
        let mut stages = ids.iter().filter_map(|it| plan.stage(it));
        let blocks = stages.any(|it| blocks(it, registry));
        let (island, stream, log) = (Island::new(members), stream.clone(), log.clone());
        Ok(Body::Island(IslandBody { island, stream, log, blocks, input, outputs, dead }))
    }

    fn member(
        &mut self,
        id: &StageId,
        island: &[StageId],
        outputs: &mut Vec<Sender>,
    ) -> Result<Member, Fault> {
        let ground = self.ground;
        let stage = ground.plan.stage(id).ok_or_else(|| unconnected(id))?;
        let kind = ground.registry.operators.get(stage.kind.as_str());
        let kind = kind.ok_or_else(|| unknown_kind(Role::Operator, &stage.kind))?;
        let input = self.input_schema(&stage.id)?;
        let built = kind.build(&stage.config, &input, &ground.context(id))?;
        let mut targets = Vec::new();
        for (port, schema) in built.outputs {
            let edges = self.graph.outgoing(&stage.id).filter(|it| it.port == port);
            let mut of_port = Vec::new();
            for edge in edges {
                if let Some(at) = island.iter().position(|it| *it == edge.to) {
                    of_port.push(Target::Operator(at));
                } else if let Some(sender) = self.senders.get(&edge.to) {
                    of_port.push(Target::Edge(outputs.len()));
                    outputs.push(sender.clone());
                }
            }
            targets.push(of_port);
            self.schemas.insert((id.clone(), port), schema);
        }
        Ok(Member { operator: built.operator, guard: self.guard(id, stage.on_error), targets })
    }

    fn sink(&mut self, id: &StageId, sink: Box<dyn Sink>) -> Result<Body, Fault> {
        let input = self.receivers.remove(id).ok_or_else(|| unconnected(id))?;
        let stage = self.ground.plan.stage(id);
        let (schema, on_error, dead) = match stage {
            Some(stage) => {
                let dead = self.dead(std::slice::from_ref(id));
                (self.input_schema(&stage.id)?, stage.on_error, dead)
            }
            // A dead letter that can't be written has nowhere else to go.
            None => (dead_letter_schema(), OnError::Rollback, None),
        };
        Ok(Body::Sink(SinkBody { guard: self.guard(id, on_error), sink, schema, input, dead }))
    }

    fn input_schema(&self, id: &'a StageId) -> Result<SchemaRef, Fault> {
        let mut found: Option<SchemaRef> = None;
        for edge in self.graph.incoming(id) {
            let schema = self.schemas.get(&(edge.from.clone(), edge.port.clone()));
            let schema = schema.ok_or_else(|| unconnected(id))?;
            match &found {
                None => found = Some(schema.clone()),
                Some(first) => {
                    if let Some(difference) = schema_difference(first, schema) {
                        let message = format!("what meets in stage {id} differs: {difference}");
                        return Err(Fault::config(3112, message));
                    }
                }
            }
        }
        found.ok_or_else(|| unconnected(id))
    }
}

/// Whether a stage is an operator that needs a thread which may block.
pub(crate) fn blocks(stage: &Stage, registry: &Registry) -> bool {
    let kind = registry.operators.get(stage.kind.as_str());
    stage.role == Role::Operator && kind.is_some_and(|it| it.blocks())
}

fn unconnected(id: &StageId) -> Fault {
    Fault::config(3113, format!("nothing flows into stage {id}"))
        .with_hint("run `weir project validate` on the project and deploy it again")
}
