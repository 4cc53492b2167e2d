//! Every kind of stage that this binary knows: one line each.

use weir_connectors::{file, generator, http, kafka, nats, objects, sql, stdout, tail, tcp, timer};
use weir_operators::aggregate::AggregateKind;
use weir_operators::boundary::BoundaryKind;
use weir_operators::deduplicate::DeduplicateKind;
use weir_operators::dev_null::DevNullKind;
use weir_operators::filter_route::FilterRouteKind;
use weir_operators::mapping::MappingKind;
use weir_operators::throttle::ThrottleKind;
use weir_script::JavaScriptKind;
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
