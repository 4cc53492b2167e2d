//! The metrics endpoint, in the text format of Prometheus.

mod workflows;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio::time::{MissedTickBehavior, interval};

use crate::error::Error;
use crate::extract::AskedPath;
use crate::health;
use crate::layers::{self, Limits};
use crate::ports::Engine;
use crate::tls::Tls;

/// Histograms gather samples until they are folded; without it memory would grow between scrapes.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// How long a scrape that was begun may take when the end has come.
const GRACE: Duration = Duration::from_secs(1);

/// `GET /metrics` of the recorder that `handle` belongs to, and of the engine's workflows.
pub fn router(handle: PrometheusHandle, engine: Arc<dyn Engine>) -> Router {
    const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
    let all = async move || -> Result<_, Error> {
        let workflows = engine.workflows().await?;
        Ok(([(CONTENT_TYPE, TEXT)], handle.render() + &workflows::text(&workflows)))
    };
    let routes = Router::new()
        .route("/metrics", get(all))
        .route("/livez", get(health::livez))
        .fallback(unknown_path);
    layers::around(routes, "metrics", Limits::default())
}

async fn unknown_path(AskedPath(path): AskedPath) -> Error {
    Error::UnknownMetricsPath { path }
}

/// Serves the metrics until `shutdown` ends, and keeps the recorder tidy meanwhile.
pub async fn serve(
    (listener, tls): (TcpListener, Option<Tls>),
    (handle, engine): (PrometheusHandle, Arc<dyn Engine>),
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let router = router(handle.clone(), engine);
    let serving = crate::serve_over((tls, &[]), listener, router, GRACE, shutdown);
    let upkeep = async {
        let mut ticks = interval(UPKEEP_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            handle.run_upkeep();
        }
    };
    tokio::select! {
        ended = serving => ended,
        () = upkeep => Ok(()),
    }
}
