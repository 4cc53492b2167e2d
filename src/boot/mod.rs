//! The composition root: the only place that names every concrete type.

mod activation;
mod alarms;
mod announcer;
mod answers;
pub(crate) mod backup;
mod bell;
mod belongings;
mod builds;
mod certificates;
pub(crate) mod certs;
mod checkpoints;
mod config_server;
mod deliveries;
mod dev;
mod durable;
mod engine;
mod gathering;
mod instances;
mod lock;
mod logging;
mod logs;
pub(crate) mod master;
mod membership;
mod memory;
mod operations;
mod orders;
pub(crate) mod packages;
mod ports;
mod process;
mod project_versions;
mod projects;
mod refusal;
mod registry;
mod sample;
mod samples;
pub(crate) mod schema;
mod servers;
mod sniffing;
mod steering;
mod summary;
mod versions;
mod views;
mod vouching;
mod watermark;

use std::process::ExitCode;

pub(crate) use registry::registry;
use registry::{registry_for_run, registry_for_users};
pub(crate) use sniffing::masked_record;

use crate::cli::{DevArgs, ServerArgs};

/// Held by the one engine of a data directory.
const ENGINE_LOCK: &str = "weir.lock";

/// Everything in one process, on an embedded database under the data directory.
pub(crate) fn dev(args: DevArgs) -> anyhow::Result<ExitCode> {
    let DevArgs { data_dir, project, conf } = args;
    process::run(&conf, data_dir.as_deref(), ENGINE_LOCK, |process| dev::run(process, project))
}

/// Design time: projects and the operators' page. Moves no payload data.
pub(crate) fn config_server(args: &ServerArgs) -> anyhow::Result<ExitCode> {
    process::run(&args.conf, None, "config-server.lock", config_server::run)
}

/// Run time: one engine.
pub(crate) fn reactive_engine(args: &ServerArgs) -> anyhow::Result<ExitCode> {
    process::run(&args.conf, None, ENGINE_LOCK, servers::engine_alone)
}
