//! Doubles of sources and sinks, and operators that live in the time of the case.
//!
//! A double has the name of the kind that it stands for, so that a plan runs as it is. It knows what
//! it gives or takes by the name of its stage.

mod operators;
mod sinks;
mod sources;

use std::sync::Arc;

use weir_stream::Registry;

use crate::world::World;

/// The connector whose effects are those of all doubles.
const CONNECTOR: &str = "case";
/// Kinds of stages that a scene adds to a plan.
pub(crate) const TAKES: &str = "case-takes";
pub(crate) const GIVES: &str = "case-gives";
pub(crate) const GIVES_LIVE: &str = "case-gives-live";

/// The kinds of an engine, with doubles in the place of all that is outside.
pub(crate) fn registry(known: &Registry, world: &World) -> Registry {
    let mut doubled = Registry::default().effects(CONNECTOR, sinks::Effects(world.clone()));
    for (name, kind) in &known.sources {
        let double = sources::Double::of(kind.clone(), world.clone());
        doubled.sources.insert(name, Arc::new(double));
    }
    for (name, kind) in &known.operators {
        let timed = operators::Timed { kind: kind.clone(), world: world.clone() };
        doubled.operators.insert(name, Arc::new(timed));
    }
    for (name, kind) in &known.sinks {
        let double = sinks::Double::of(kind.clone(), world.clone());
        doubled.sinks.insert(name, Arc::new(double));
    }
    doubled
        .source(sources::Double::added(GIVES, world.clone()))
        .source(sources::Double::added(GIVES_LIVE, world.clone()))
        .sink(sinks::Double::added(TAKES, world.clone()))
}
