//! The servers of a process, each on its own address.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use tokio::net::TcpListener;
use weir_conf::settings::Bind;
use weir_domain::Fault;
use weir_http_client::Client;
use weir_http_server as http;
use weir_runtime::{IdSource, Phase, PhaseTimeouts, System, SystemClock, SystemSettings};

use super::engine::Engine;
use super::process::{Process, listen_to_signals, until_shut_down};
use super::projects::ProjectDirs;
use super::registry;

/// An address that is ours, before anything else is begun.
pub(crate) async fn bind(bind: &Bind, key: &str) -> Result<TcpListener, Fault> {
    http::bind(&bind.host, bind.port, key).await
}

/// Where a listener really listens: the port may have been chosen by the system.
pub(crate) fn url(listener: &TcpListener) -> anyhow::Result<String> {
    Ok(format!("http://{}", listener.local_addr()?))
}

/// Serves until the shutdown unbinds services; open requests are then answered.
pub(crate) fn serve(
    system: &System,
    name: &'static str,
    listener: TcpListener,
    router: Router,
) -> anyhow::Result<()> {
    let (unbind, unbound) = tokio::sync::oneshot::channel::<()>();
    let task = system.tasks().spawn(name, async move {
        // The sender is dropped, never used: either way the service unbinds.
        let until = async move { drop(unbound.await) };
        if let Err(error) = http::serve(listener, router, until).await {
            tracing::error!(code = "WEIR-07110", name, %error, "the server failed");
        }
    });
    let shutdown = system.shutdown();
    shutdown.add(Phase::ServiceUnbind, name, async move {
        drop(unbind);
        Ok(())
    })?;
    shutdown.add(Phase::ServiceRequestsDone, name, async move {
        task.join().await.map_err(|it| Fault::transient(7111, it.to_string()))
    })?;
    Ok(())
}

/// Serves the metrics of the process, if they are wanted; returns where.
pub(crate) async fn serve_metrics(
    process: &Process,
    system: &System,
) -> anyhow::Result<Option<String>> {
    let metrics = &process.settings.metrics;
    if !metrics.enabled {
        return Ok(None);
    }
    let listener = bind(&metrics.bind, "weir.metrics.bind").await?;
    let address = url(&listener)?;
    let (handle, stopping) = (process.metrics.clone(), system.shutdown().stopping());
    system.tasks().spawn("metrics server", async move {
        let until = async move { stopping.stopped().await };
        if let Err(error) = http::metrics::serve(listener, handle, until).await {
            tracing::error!(code = "WEIR-07112", %error, "the metrics server failed");
        }
    });
    Ok(Some(address))
}

/// `weir reactive-engine`.
pub(crate) async fn engine_alone(process: Process) -> anyhow::Result<ExitCode> {
    let listener = bind(&process.settings.rest_server.bind, "weir.rest-server.bind").await?;
    let engine = Engine::start(process.engine_options()?, registry()).await?;
    listen_to_signals(&engine.system)?;
    let address = url(&listener)?;
    let router = http::engine::router(Arc::new(engine.clone()), process.http_limits());
    serve(&engine.system, "rest server", listener, router)?;
    serve_metrics(&process, &engine.system).await?;
    tracing::info!(code = "WEIR-00001", %address, "engine ready");
    Ok(until_shut_down(&engine.system).await)
}

/// `weir config-server`.
pub(crate) async fn config_server_alone(process: Process) -> anyhow::Result<ExitCode> {
    let settings = &process.settings;
    let listener = bind(&settings.config_server.bind, "weir.config-server.bind").await?;
    let options = process.engine_options()?;
    let clock = Arc::new(SystemClock);
    let system = System::new(SystemSettings {
        node: options.node,
        ids: IdSource::new(clock.clone()),
        clock,
        shutdown: PhaseTimeouts::default(),
    });
    listen_to_signals(&system)?;
    let address = url(&listener)?;
    let rest = &settings.rest_server.bind;
    let engine = Client::new(&format!("http://{}", http::address(&rest.host, rest.port)))
        .context("weir.rest-server.bind is no address")?;
    let dirs = ProjectDirs::below(process.data_dir.path.join(&settings.config_server.projects_dir));
    let router = http::config_server::router(Arc::new(dirs), engine, process.http_limits());
    serve(&system, "configuration server", listener, router)?;
    serve_metrics(&process, &system).await?;
    tracing::info!(code = "WEIR-00002", %address, "configuration server ready");
    Ok(until_shut_down(&system).await)
}
