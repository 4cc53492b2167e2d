//! The servers of a process, each on its own address.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use tokio::net::TcpListener;
use weir_conf::settings::Bind;
use weir_domain::Fault;
use weir_http_client::Client;
use weir_http_server as http;
use weir_runtime::{IdSource, Phase, System, SystemClock, SystemSettings};

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

/// How long open requests may finish: a little less than the phase of the shutdown that waits for
/// them, so that what is cut off does not count as a failed shutdown.
fn grace(phase_timeout: Duration) -> Duration {
    phase_timeout.saturating_sub(Duration::from_secs(1)).max(Duration::from_millis(100))
}

/// Serves until the shutdown unbinds services; open requests are then answered.
pub(crate) fn serve(
    process: &Process,
    system: &System,
    name: &'static str,
    listener: TcpListener,
    router: Router,
) -> anyhow::Result<()> {
    let grace = grace(process.settings.shutdown.phase_timeout.duration());
    let (unbind, unbound) = tokio::sync::oneshot::channel::<()>();
    let task = system.tasks().spawn(name, async move {
        // The sender is dropped, never used: either way the service unbinds.
        let until = async move { drop(unbound.await) };
        if let Err(error) = http::serve(listener, router, grace, until).await {
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

/// The address of the metrics, if they are wanted.
pub(crate) async fn bind_metrics(process: &Process) -> Result<Option<TcpListener>, Fault> {
    let metrics = &process.settings.metrics;
    match metrics.enabled {
        true => bind(&metrics.bind, "weir.metrics.bind").await.map(Some),
        false => Ok(None),
    }
}

/// Serves the metrics of the process; returns where.
pub(crate) fn serve_metrics(
    process: &Process,
    system: &System,
    listener: Option<TcpListener>,
) -> anyhow::Result<Option<String>> {
    let Some(listener) = listener else { return Ok(None) };
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
    let metrics = bind_metrics(&process).await?;
    let engine = Engine::start(process.engine_options()?, registry()).await?;
    listen_to_signals(&engine.system)?;
    engine.begin().await;
    let address = url(&listener)?;
    let router = http::engine::router(Arc::new(engine.clone()), process.http_limits());
    serve(&process, &engine.system, "rest server", listener, router)?;
    serve_metrics(&process, &engine.system, metrics)?;
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
        shutdown: process.phase_timeouts(),
    });
    listen_to_signals(&system)?;
    let address = url(&listener)?;
    let rest = &settings.rest_server.bind;
    let engine = Client::new(&format!("http://{}", http::address(&rest.host, rest.port)))
        .context("weir.rest-server.bind is no address")?;
    let dirs = ProjectDirs::below(
        system.tasks().clone(),
        process.data_dir.path.join(&settings.config_server.projects_dir),
    );
    let router = http::config_server::router(Arc::new(dirs), engine, process.http_limits());
    serve(&process, &system, "configuration server", listener, router)?;
    tracing::info!(code = "WEIR-00002", %address, "configuration server ready");
    Ok(until_shut_down(&system).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_requests_end_before_the_phase_that_waits_for_them() {
        let of = |ms| grace(Duration::from_millis(ms)).as_millis();
        assert_eq!([5_000, 1_500, 1_050, 200, 0].map(of), [4_000, 500, 100, 100, 100]);
    }
}
