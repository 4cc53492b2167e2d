//! Every kind of stage that this binary knows: one line each.

use weir_conf::settings::Runs;
use weir_connectors::{file, generator, http, kafka, nats, objects, sql, stdout, tail, tcp, timer};
use weir_domain::Millis;
use weir_operators::aggregate::AggregateKind;
use weir_operators::boundary::BoundaryKind;
use weir_operators::deduplicate::DeduplicateKind;
use weir_operators::dev_null::DevNullKind;
use weir_operators::filter_route::FilterRouteKind;
use weir_operators::mapping::MappingKind;
use weir_operators::throttle::ThrottleKind;
use weir_script::{Ceiling, JavaScriptKind, JavaScriptWithin};
use weir_stream::Registry;

pub(crate) fn registry() -> Registry {
    let connectors = [
        file::register,
        generator::register,
        http::register,
        kafka::register,
        nats::register,
        objects::register,
        sql::register,
        stdout::register,
        tail::register,
        tcp::register,
        timer::register,
    ];
    connectors
        .into_iter()
        .fold(Registry::default(), |registry, register| register(registry))
        .operator(MappingKind)
        .operator(FilterRouteKind)
        .operator(ThrottleKind)
        .operator(DeduplicateKind)
        .operator(AggregateKind)
        .operator(BoundaryKind)
        .operator(JavaScriptKind)
        .sink(DevNullKind)
}

/// What the configuration server says of scripts in its configuration.
const RUNS: &str = "weir.config-server.runs";

/// The same for what a server's users let it run: scripts get no more than it says. What they spend on loading is counted
/// as long as the registry lives: each run has one of its own.
pub(crate) fn registry_for_run(runs: &Runs) -> Registry {
    within(runs, Some(runs.script_loading))
}

/// The same for reading projects.
pub(crate) fn registry_for_users(runs: &Runs) -> Registry {
    within(runs, None)
}

fn within(runs: &Runs, loading: Option<Millis>) -> Registry {
    let Runs { script_memory, script_time, .. } = *runs;
    let ceiling = Ceiling { time: script_time, memory: script_memory, loading, key: RUNS };
    registry().operator(JavaScriptWithin::new(ceiling))
}
