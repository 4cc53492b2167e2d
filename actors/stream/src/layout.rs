//! From a plan and the schema of an item to stages that are ready to run, joined by edges.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use tokio::sync::mpsc;
use weir_domain::plan::{DEAD_LETTERS, Graph, OnError, Plan, Role, Stage};
use weir_domain::{Fault, PortName, StageId};
use weir_secrets::Opened;

use crate::breaker::Breaker;
use crate::check::{role_word, schema_difference};
use crate::clear::ClearPlan;
use crate::control::Gate;
use crate::edge::{Entry, Sender};
use crate::inlet::{Inlet, Order, Orders};
use crate::island::{Island, Member, Target};
use crate::letters::{Keeping, Origins, Schemas};
use crate::live::{Driver, LiveSourceBody, Reports, Restored};
use crate::stage::{Body, Guard, IslandBody, SinkBody, SourceBody};
use crate::times::Times;
use crate::{
    BuildContext, Counters, LiveReader, RecordReader, Registry, Sink, StreamContext, StreamLog,
    Taps, dead_letter_schema,
};

/// The stages of one attempt, sinks first, and the counters of every stage of the plan.
pub(crate) struct Layout {
    pub(crate) bodies: Vec<(StageId, Body)>,
    pub(crate) counters: BTreeMap<StageId, Arc<Counters>>,
    /// How each of the stages is told what to do, if the pipeline is driven.
    pub(crate) orders: Vec<mpsc::UnboundedSender<Order>>,
}

/// What a pipeline begins with.
pub(crate) enum Feed {
    Item(Box<dyn RecordReader>),
    /// By the sources of the plan.
    Live(BTreeMap<StageId, Box<dyn LiveReader>>),
}

/// Sinks by the stages that they write for.
pub(crate) type NamedSinks = Vec<(StageId, Box<dyn Sink>)>;

/// What the layout is made from.
pub(crate) struct Ground<'a> {
    pub(crate) plan: &'a ClearPlan,
    pub(crate) secrets: &'a Opened,
    pub(crate) registry: &'a Registry,
    pub(crate) cx: &'a BuildContext,
    pub(crate) stream: Arc<StreamContext>,
    /// Where its source waits while it is paused.
    pub(crate) gate: Gate,
    pub(crate) taps: Taps,
    pub(crate) log: StreamLog,
    /// Whom the stages report to, if the pipeline is driven.
    pub(crate) driver: Option<Driver>,
    /// What operators remember.
    pub(crate) state: Restored,
    /// Of a replay of dead letters: where they came from.
    pub(crate) origins: Arc<Origins>,
    /// Where it is counted how the stages spend their time.
    pub(crate) times: &'a Times,
}

impl Ground<'_> {
    fn context(&self, stage: &StageId) -> BuildContext {
        let deployed = self.plan.deployed(stage);
        BuildContext { stage: stage.clone(), deployed, ..self.cx.clone() }
    }

    /// The sinks of the plan, that of the dead letters included, which keeps them beside its files.
    /// `inputs` is what comes into the stages.
    pub(crate) fn sinks(&self, inputs: Schemas) -> Result<NamedSinks, Fault> {
        let stages = self.plan.of_role(Role::Sink);
        let stages = stages.map(|it| (it.id.clone(), it.kind.as_str(), &it.config));
        let letters = self.plan.dead_letters.iter();
        let letters = letters.map(|it| (dead_letters_id(), it.kind.as_str(), &it.config));
        let build = |(id, kind, config): (StageId, &str, _)| -> Result<_, Fault> {
            let known = self.registry.sinks.get(kind);
            let sink = known.ok_or_else(|| unknown_kind(Role::Sink, kind))?;
            Ok((id.clone(), sink.build(config, &self.context(&id))?))
        };
        let mut sinks: NamedSinks = stages.chain(letters).map(build).collect::<Result<_, _>>()?;
        if self.plan.dead_letters.is_some()
            && let Some((id, sink)) = sinks.pop()
        {
            let means = (self.cx.staging.clone(), self.secrets.clone());
            let keeping = Keeping::around(sink, means, inputs);
            sinks.push((id, Box::new(keeping)));
        }
        Ok(sinks)
    }
}

/// The names of all that takes part in a checkpoint.
pub(crate) fn stage_ids(plan: &Plan) -> BTreeSet<StageId> {
    let stages = plan.stages.iter().map(|it| it.id.clone());
    stages.chain(plan.dead_letters.iter().map(|_| dead_letters_id())).collect()
}

pub(crate) fn dead_letters_id() -> StageId {
    StageId::new(DEAD_LETTERS).expect("a valid name")
}

pub(crate) fn unknown_kind(role: Role, kind: &str) -> Fault {
    let message = format!("this engine knows no kind {kind} of {}", role_word(role));
    Fault::config(3110, message).with_hint("deploy with an engine of the same version")
}

/// Lays out one attempt. Everything is built and joined before anything runs.
pub(crate) fn lay_out(ground: &Ground<'_>, feed: Feed) -> Result<Layout, Fault> {
    let mut builder = Builder::new(ground);
    builder.inputs();
    let mut bodies = builder.sources(feed)?;
    for island in builder.graph.islands() {
        let first = ground.plan.stage(&island[0]);
        if first.is_some_and(|it| it.role == Role::Operator) {
            bodies.push((island[0].clone(), builder.island(&island)?));
        }
    }
    for (id, sink) in ground.sinks(builder.inputs_of_all())? {
        let body = builder.sink(&id, sink)?;
        bodies.push((id, body));
    }
    bodies.reverse();
    Ok(Layout { bodies, counters: builder.counters, orders: builder.orders })
}

struct Builder<'a> {
    ground: &'a Ground<'a>,
    graph: Graph<'a>,
    /// Where the edges into a stage end that begins an island or is a sink, until it is built:
    /// all that sends to it is built before it.
    entries: BTreeMap<StageId, Entry>,
    schemas: BTreeMap<(StageId, PortName), SchemaRef>,
    counters: BTreeMap<StageId, Arc<Counters>>,
    orders: Vec<mpsc::UnboundedSender<Order>>,
    /// What counts the bad records of all stages.
    breaker: Option<Breaker>,
}

impl<'a> Builder<'a> {
    fn new(ground: &'a Ground<'a>) -> Self {
        let graph = Graph::new(ground.plan);
        let mut ids: Vec<_> = ground.plan.stages.iter().map(|it| it.id.clone()).collect();
        if ground.plan.dead_letters.is_some() {
            ids.push(dead_letters_id());
        }
        let counters =
            ids.into_iter().map(|id| (id.clone(), counters(ground.times, &id))).collect();
        let (entries, schemas, orders) = Default::default();
        let breaker = ground.plan.error_limit.map(|it| Breaker::new(it, None));
        Self { ground, graph, entries, schemas, counters, orders, breaker }
    }

    /// Makes a place for the edges into each stage that has some.
    fn inputs(&mut self) {
        let plan = self.ground.plan;
        for island in self.graph.islands() {
            let head = &island[0];
            if plan.stage(head).is_some_and(|it| it.role != Role::Source) {
                self.enter(head.clone());
            }
        }
        if plan.dead_letters.is_some() {
            self.enter(dead_letters_id());
        }
    }

    fn enter(&mut self, stage: StageId) {
        self.entries.insert(stage, Entry::new(self.ground.cx.limits.edge_bytes));
    }

    /// What comes into a stage, all of whose edges are made.
    fn inlet(&mut self, stage: &StageId) -> Result<Inlet, Fault> {
        let entry = self.entries.remove(stage).ok_or_else(|| unconnected(stage))?;
        let receiver = entry.receiver();
        Ok(match self.ground.driver {
            None => Inlet::undriven(receiver),
            Some(_) => Inlet::driven(receiver, self.orders()),
        })
    }

    fn orders(&mut self) -> Orders {
        let (say, orders) = mpsc::unbounded_channel();
        self.orders.push(say);
        orders
    }

    fn reports(&self, stage: &StageId) -> Option<Reports> {
        self.ground.driver.as_ref().map(|it| it.reports(stage))
    }

    fn sends_dead_letters(&self, stages: &[StageId]) -> bool {
        let stages = stages.iter().filter_map(|it| self.ground.plan.stage(it));
        stages.into_iter().any(|it| it.on_error == OnError::DeadLetter)
    }

    /// Of stages that are one: the last of them waits.
    fn dead(&mut self, stages: &[StageId]) -> Option<Sender> {
        let sends = self.sends_dead_letters(stages);
        let time = self.ground.times.of(stages.last()?);
        let entry = self.entries.get_mut(DEAD_LETTERS).filter(|_| sends);
        entry.map(|it| it.sender(time))
    }

    fn guard(&self, id: &StageId, on_error: OnError) -> Guard {
        let stage = self.ground.plan.stage(id);
        let own = stage.and_then(|it| it.error_limit).map(|it| Breaker::new(it, Some(id.clone())));
        Guard {
            stage: id.clone(),
            on_error,
            counters: self.counters.get(id).cloned().unwrap_or_default(),
            stream: self.ground.stream.clone(),
            secrets: self.ground.secrets.clone(),
            raw_bytes_max: self.ground.cx.limits.raw_bytes_max,
            taps: self.ground.taps.clone(),
            origins: self.ground.origins.clone(),
            breakers: own.into_iter().chain(self.breaker.clone()).collect(),
            is_source: stage.is_some_and(|it| it.role == Role::Source),
        }
    }

    /// Senders into the stages behind a stage, in order of the edges.
    fn outputs(&mut self, id: &StageId) -> Vec<Sender> {
        let targets: Vec<_> = self.graph.outgoing(id).map(|it| it.to.clone()).collect();
        let time = self.ground.times.of(id);
        let sender = |it: &StageId| self.entries.get_mut(it).map(|it| it.sender(time.clone()));
        targets.iter().filter_map(sender).collect()
    }

    fn sources(&mut self, feed: Feed) -> Result<Vec<(StageId, Body)>, Fault> {
        let plan = self.ground.plan;
        let mut stages = plan.of_role(Role::Source);
        match feed {
            Feed::Item(reader) => {
                let stage = stages.next();
                let stage = stage.ok_or_else(|| Fault::config(3111, "the plan has no source"))?;
                Ok(vec![(stage.id.clone(), self.source(stage, reader))])
            }
            Feed::Live(mut readers) => stages
                .map(|stage| {
                    let reader = readers.remove(&stage.id).ok_or_else(|| unconnected(&stage.id))?;
                    Ok((stage.id.clone(), self.live_source(stage, reader)?))
                })
                .collect(),
        }
    }

    fn source(&mut self, stage: &Stage, reader: Box<dyn RecordReader>) -> Body {
        self.schemas.insert((stage.id.clone(), PortName::out()), reader.schema());
        Body::Source(SourceBody {
            guard: self.guard(&stage.id, stage.on_error),
            reader,
            outputs: self.outputs(&stage.id),
            dead: self.dead(std::slice::from_ref(&stage.id)),
            gate: self.ground.gate.clone(),
        })
    }

    fn live_source(&mut self, stage: &Stage, reader: Box<dyn LiveReader>) -> Result<Body, Fault> {
        self.schemas.insert((stage.id.clone(), PortName::out()), reader.schema());
        let reports = self.reports(&stage.id).ok_or_else(|| unconnected(&stage.id))?;
        Ok(Body::LiveSource(LiveSourceBody {
            guard: self.guard(&stage.id, stage.on_error),
            reader,
            outputs: self.outputs(&stage.id),
            dead: self.dead(std::slice::from_ref(&stage.id)),
            gate: self.ground.gate.clone(),
            orders: self.orders(),
            reports,
        }))
    }

    fn island(&mut self, ids: &[StageId]) -> Result<Body, Fault> {
        let input = self.inlet(&ids[0])?;
        let mut outputs = Vec::new();
        let mut members = Vec::new();
        for id in ids {
            members.push(self.member(id, ids, &mut outputs)?);
        }
        let reports = ids.iter().filter_map(|it| self.reports(it)).collect();
        let dead = self.dead(ids);
        let Ground { plan, registry, stream, log, .. } = self.ground;
        let mut stages = ids.iter().filter_map(|it| plan.stage(it));
        let blocks = stages.any(|it| blocks(it, registry));
        let (island, stream, log) = (Island::new(members), stream.clone(), log.clone());
        Ok(Body::Island(IslandBody { island, stream, log, blocks, input, outputs, dead, reports }))
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
        let mut built = kind.build(&stage.config, &input, &ground.context(id))?;
        for (name, table) in built.operator.tables() {
            ground.state.restore(id, &name, table)?;
        }
        let (mut targets, mut ports) = (Vec::new(), Vec::new());
        for (port, schema) in built.outputs {
            ports.push(port.clone());
            let edges = self.graph.outgoing(&stage.id).filter(|it| it.port == port);
            let mut of_port = Vec::new();
            for edge in edges {
                if let Some(at) = island.iter().position(|it| *it == edge.to) {
                    of_port.push(Target::Operator(at));
                } else if let Some(entry) = self.entries.get_mut(&edge.to) {
                    of_port.push(Target::Edge(outputs.len()));
                    outputs.push(entry.sender(ground.times.of(id)));
                }
            }
            targets.push(of_port);
            self.schemas.insert((id.clone(), port), schema);
        }
        let guard = self.guard(id, stage.on_error);
        Ok(Member { operator: built.operator, guard, targets, ports })
    }

    fn sink(&mut self, id: &StageId, sink: Box<dyn Sink>) -> Result<Body, Fault> {
        let input = self.inlet(id)?;
        let stage = self.ground.plan.stage(id);
        let (schema, on_error, dead) = match stage {
            Some(stage) => {
                let dead = self.dead(std::slice::from_ref(id));
                (self.input_schema(&stage.id)?, stage.on_error, dead)
            }
            // A dead letter that can't be written has nowhere else to go.
            None => (dead_letter_schema(), OnError::Rollback, None),
        };
        let (guard, reports) = (self.guard(id, on_error), self.reports(id));
        let clock = self.ground.cx.clock.clone();
        Ok(Body::Sink(SinkBody { guard, sink, schema, input, dead, clock, reports }))
    }

    /// What comes into each stage, once all that bring something are built.
    fn inputs_of_all(&self) -> Schemas {
        let ids = self.ground.plan.stages.iter().map(|it| &it.id);
        ids.filter_map(|it| Some((it.clone(), self.input_schema(it).ok()?))).collect()
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

fn counters(times: &Times, id: &StageId) -> Arc<Counters> {
    Arc::new(Counters::of(times.of(id)))
}

fn unconnected(id: &StageId) -> Fault {
    Fault::config(3113, format!("nothing flows into stage {id}"))
        .with_hint("run `weir project validate` on the project and deploy it again")
}
