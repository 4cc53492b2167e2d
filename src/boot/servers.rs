//! The servers of a process, each on its own address.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use weir_conf::Settings;
use weir_conf::settings::{Bind, Management, Metrics, RestServer, ServerTls, TrustLocal};
use weir_domain::{ClusterId, ClusterName, Fault};
use weir_http_client::Authority;
use weir_http_server as http;
use weir_runtime::{Phase, System, SystemClock};

use super::engine::Engine;
use super::process::{Process, listen_to_signals, until_shut_down};
use super::{registry, views, vouching};

/// An address that is ours, before anything else is begun, and what is shown there.
pub(crate) struct Listener {
    tcp: TcpListener,
    tls: Option<http::Tls>,
}

impl Listener {
    /// `key` is the configuration key of the server, `host` what clients know it as, where that is known.
    pub(crate) async fn bind(
        bind: &Bind,
        tls: &ServerTls,
        (key, host): (&str, Option<&str>),
    ) -> Result<Self, Fault> {
        let at = format!("{key}.tls");
        let files = http::TlsFiles::of(tls.certificate.as_deref(), tls.key.as_deref(), &at)?;
        let read = |it| http::Tls::read(it, &at, host, Arc::new(SystemClock));
        let tls = files.map(read).transpose()?;
        let tcp = http::bind(&bind.host, bind.port, &format!("{key}.bind")).await?;
        Ok(Self { tcp, tls })
    }

    /// Where it really listens: the port may have been chosen by the system.
    pub(crate) fn url(&self) -> anyhow::Result<String> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        Ok(format!("{scheme}://{}", self.tcp.local_addr()?))
    }
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
    Listener { tcp, tls }: Listener,
    router: Router,
) -> anyhow::Result<()> {
    let grace = grace(process.settings.shutdown.phase_timeout.duration());
    let (unbind, unbound) = tokio::sync::oneshot::channel::<()>();
    let proxies: Vec<_> =
        process.settings.rest_server.trusted_proxies.iter().map(|it| it.0).collect();
    let task = system.tasks().spawn(name, async move {
        // The sender is dropped, never used: either way the service unbinds.
        let until = async move { drop(unbound.await) };
        if let Err(error) = http::serve_over((tls, &proxies), tcp, router, grace, until).await {
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
async fn bind_metrics(process: &Process, host: &str) -> Result<Option<Listener>, Fault> {
    let Metrics { enabled, bind, tls } = &process.settings.metrics;
    let host = if bind.is_loopback() { &bind.host } else { host };
    match enabled {
        true => Listener::bind(bind, tls, ("weir.metrics", Some(host))).await.map(Some),
        false => Ok(None),
    }
}

/// Serves the metrics of the process and of what it runs; returns where.
fn serve_metrics(
    process: &Process,
    engine: &Engine,
    listener: Option<Listener>,
) -> anyhow::Result<Option<String>> {
    let Some(listener) = listener else { return Ok(None) };
    let (address, Listener { tcp, tls }) = (listener.url()?, listener);
    let system = &engine.system;
    let of = (process.metrics.clone(), Arc::new(engine.clone()) as Arc<_>);
    let stopping = system.shutdown().stopping();
    system.tasks().spawn("metrics server", async move {
        let until = async move { stopping.stopped().await };
        if let Err(error) = http::metrics::serve((tcp, tls), of, until).await {
            tracing::error!(code = "WEIR-07112", %error, "the metrics server failed");
        }
    });
    Ok(Some(address))
}

/// The addresses of an engine, before anything else is begun.
pub(crate) struct EngineListeners {
    pub(crate) rest: Listener,
    management: Option<Listener>,
    metrics: Option<Listener>,
}

/// Where the servers of an engine listen.
pub(crate) struct EnginePlaces {
    pub(crate) rest: String,
    pub(crate) management: Option<String>,
    pub(crate) metrics: Option<String>,
}

impl EngineListeners {
    pub(crate) async fn bind(process: &Process) -> Result<Self, Fault> {
        let settings = &process.settings;
        let RestServer { bind, tls, .. } = &settings.rest_server;
        let machine = super::process::machine();
        let host = settings.rest_host(&machine);
        let rest = Listener::bind(bind, tls, ("weir.rest-server", Some(host))).await?;
        let metrics = bind_metrics(process, host).await?;
        let Management { enabled, bind, tls, .. } = &settings.management;
        let host = if bind.is_loopback() { &bind.host } else { host };
        let management = match enabled {
            true => Some(Listener::bind(bind, tls, ("weir.management", Some(host))).await?),
            false => None,
        };
        Ok(Self { rest, management, metrics })
    }

    /// Where peers and people reach the REST API.
    pub(crate) fn rest_url(&self, process: &Process) -> anyhow::Result<String> {
        let port = self.rest.tcp.local_addr()?.port();
        Ok(process.settings.rest_url(&super::process::machine(), port))
    }

    /// Serves before the engine is up, so that it can be asked what it waits for.
    /// `here`: what whoever is on this machine may do, where the settings leave it open.
    pub(crate) fn serve(
        self,
        process: &Process,
        engine: &Engine,
        here: http::Here,
    ) -> anyhow::Result<EnginePlaces> {
        let Self { rest, management, metrics } = self;
        let (system, limits) = (&engine.system, process.http_limits());
        let rest_url = rest.url()?;
        let shared = Arc::new(engine.clone());
        let access = Arc::new(views::Asked(engine.storages.people()));
        let identity = engine.membership.cluster.identity().clone();
        let guards = Guards::of(&process.settings, access, here)
            .trusting((identity.id, identity.name), vouching::trusted(&process.settings));
        let router = http::engine::router(shared.clone(), shared.clone(), guards.rest, limits);
        let router = http::with_logs(router, Arc::new(engine.logs.clone()));
        serve(process, system, "rest server", rest, engine.storages.clone().beside(router))?;
        let mut places = EnginePlaces { rest: rest_url, management: None, metrics: None };
        if let Some(listener) = management {
            places.management = Some(listener.url()?);
            let router =
                http::management::router(shared.clone(), shared, guards.management, limits);
            serve(process, system, "management server", listener, router)?;
        }
        places.metrics = serve_metrics(process, engine, metrics)?;
        Ok(places)
    }
}

/// Who is let in by the servers of an engine.
struct Guards {
    rest: http::Guard,
    management: http::Guard,
}

impl Guards {
    /// The configuration was checked: management takes no commands without a token.
    fn of(settings: &Settings, access: Arc<dyn http::Access>, auto: http::Here) -> Self {
        let management = &settings.management;
        let token = management.token.as_ref().filter(|_| !management.read_only);
        let guard =
            token.map_or_else(http::Guard::closed, |it| http::Guard::with_token(it.expose()));
        let guard = of_users(settings, guard.knowing(access));
        let rest = guard.clone().or_from_here(here(settings, auto));
        let management = if management.read_only { guard.reading_only() } else { guard };
        Self { rest, management }
    }

    fn trusting(
        self,
        cluster: (ClusterId, ClusterName),
        servers: Vec<http::TrustedServer>,
    ) -> Self {
        let management = self.management.at(cluster.1.clone());
        Self { rest: self.rest.trusting(cluster, servers), management }
    }
}

/// Who is let in by a server that has users and no token of its own.
pub(crate) fn guard(
    settings: &Settings,
    access: Arc<dyn http::Access>,
    auto: http::Here,
) -> http::Guard {
    of_users(settings, http::Guard::closed().knowing(access)).or_from_here(here(settings, auto))
}

fn of_users(settings: &Settings, guard: http::Guard) -> http::Guard {
    let rest_server = &settings.rest_server;
    let guard = guard.behind(rest_server.trusted_proxies.iter().map(|it| it.0));
    match rest_server.anonymous_reads {
        true => guard,
        false => guard.without_anonymous(),
    }
}

/// What whoever is on this machine may do. `auto`: where the settings leave it open.
fn here(settings: &Settings, auto: http::Here) -> http::Here {
    match settings.rest_server.trust_local {
        TrustLocal::Auto => auto,
        TrustLocal::All => http::Here::Everything,
        TrustLocal::None => http::Here::Nothing,
    }
}

/// Who signed the certificates of the engines that a configuration server asks.
pub(crate) fn authority(settings: &Settings) -> Result<Authority, Fault> {
    let Some(path) = &settings.config_server.ca else { return Ok(Authority::default()) };
    let read = std::fs::read(path).map_err(|it| it.to_string());
    read.and_then(|it| Authority::of_pem(&it)).map_err(|reason| {
        let what = format!("weir.config-server.ca: {} can't be used: {reason}", path.display());
        Fault::config(7_106, what)
            .with_hint("name a PEM file with the certificate of the authority, or set it to null")
    })
}

/// `weir reactive-engine`.
pub(crate) async fn engine_alone(process: Process) -> anyhow::Result<ExitCode> {
    let listeners = EngineListeners::bind(&process).await?;
    let rest = listeners.rest_url(&process)?;
    let engine = Engine::start(&process, registry(), rest).await?;
    listen_to_signals(&engine.system)?;
    let address = listeners.rest.url()?;
    listeners.serve(&process, &engine, http::Here::Operation)?;
    let joining = engine.clone();
    engine.system.tasks().spawn("join", async move {
        if joining.begin().await {
            tracing::info!(code = "WEIR-00001", %address, "engine ready");
        }
    });
    Ok(until_shut_down(&engine.system).await)
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
