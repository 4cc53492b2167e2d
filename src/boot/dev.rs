//! `weir dev`: an engine and a configuration server in one process, with a project that runs.
//!
//! The same code as in production with other settings: only the deployment is made here, from the
//! project's directory, whenever it has other content than what is deployed.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use weir_controllers::deployments::{Command, Deployment};
use weir_domain::Fault;
use weir_http_client::Client;
use weir_http_server as http;
use weir_project::{Loaded, Project};
use weir_runtime::Reason;

use super::engine::Engine;
use super::process::{Process, listen_to_signals, until_shut_down};
use super::projects::ProjectDirs;
use super::{registry, sample, servers, summary};
use crate::cli::Findings;

const DEPLOY_WITHIN: Duration = Duration::from_secs(15);

/// Runs the project in the directory given, or the sample.
pub(crate) async fn run(process: Process, dir: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let settings = &process.settings;
    let listeners = Listeners {
        rest: servers::bind(&settings.rest_server.bind, "weir.rest-server.bind").await?,
        design: servers::bind(&settings.config_server.bind, "weir.config-server.bind").await?,
        metrics: servers::bind_metrics(&process).await?,
    };
    let dir = match &dir {
        Some(dir) => {
            dir.canonicalize().with_context(|| format!("no project in {}", dir.display()))?
        }
        None => sample::unpack(&process.data_dir.path)?,
    };
    let project = load(&dir)?;
    let engine = Engine::start(process.engine_options()?, registry()).await?;
    if let Err(error) = open(&process, &engine, listeners, &project, dir).await {
        let fault = Fault::transient(4, format!("{error:#}"));
        engine.system.shutdown().request(Reason::Failed(fault));
        until_shut_down(&engine.system).await;
        return Err(error);
    }
    Ok(until_shut_down(&engine.system).await)
}

/// Addresses that are ours, before anything is begun.
struct Listeners {
    rest: TcpListener,
    design: TcpListener,
    metrics: Option<TcpListener>,
}

/// Opens the servers, deploys the project, and begins to run it.
async fn open(
    process: &Process,
    engine: &Engine,
    listeners: Listeners,
    project: &Project,
    dir: PathBuf,
) -> anyhow::Result<()> {
    let system = &engine.system;
    listen_to_signals(system)?;
    let Listeners { rest, design, metrics } = listeners;
    let (rest_url, design_url) = (servers::url(&rest)?, servers::url(&design)?);
    let router = http::engine::router(Arc::new(engine.clone()), process.http_limits());
    servers::serve(process, system, "rest server", rest, router)?;
    let projects = Arc::new(ProjectDirs::given(system.tasks().clone(), dir.clone()));
    let client = Client::new(&rest_url).context("the engine's address")?;
    let router = http::config_server::router(projects, client, process.http_limits());
    servers::serve(process, system, "configuration server", design, router)?;
    let metrics = servers::serve_metrics(process, system, metrics)?;

    withdraw_others(engine, project).await?;
    deploy(engine, project, &dir).await?;
    engine.begin().await;
    summary::announce(&summary::Places {
        project: project.name.to_string(),
        directory: dir,
        page: design_url,
        rest: rest_url,
        metrics: metrics.map(|it| format!("{it}/metrics")),
    });
    system.tasks().spawn("summary", summary::follow(engine.clone()));
    Ok(())
}

fn load(dir: &Path) -> anyhow::Result<Project> {
    let Loaded { project, findings, .. } = weir_project::load(dir, &registry());
    let Some(project) = project else { return Err(Findings(findings).into()) };
    for finding in findings {
        tracing::warn!(code = %finding.code, "{finding}");
    }
    Ok(project)
}

/// This process runs one project: what an earlier start ran from elsewhere ends.
async fn withdraw_others(engine: &Engine, project: &Project) -> anyhow::Result<()> {
    let name = project.name.clone();
    let others = engine.deployments.query(DEPLOY_WITHIN, move |state| {
        let others = state.current().filter(|it| it.project != name);
        others.map(|it| it.project.clone()).collect::<Vec<_>>()
    });
    for project in others.await? {
        let at = engine.system.now();
        engine.deployments.ask(Command::Withdraw { project, at }, DEPLOY_WITHIN).await?;
    }
    Ok(())
}

async fn deploy(engine: &Engine, project: &Project, dir: &Path) -> anyhow::Result<()> {
    let deployment = Deployment {
        project: project.name.clone(),
        digest: project.digest.clone(),
        base_dir: dir.to_path_buf(),
        plans: project.plans.clone(),
        at: engine.system.now(),
    };
    let command = Command::Deploy(Box::new(deployment));
    engine.deployments.ask(command, DEPLOY_WITHIN).await?;
    tracing::info!(code = "WEIR-00003", project = %project.name, digest = %project.digest, "deployed");
    Ok(())
}
