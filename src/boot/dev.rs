//! `weir dev`: an engine and a configuration server in one process, with a project that runs.
//!
//! The same code as in production with other settings: only the deployment is made here, from the
//! project's directory, whenever it has other content than what is deployed.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use weir_conf::Settings;
use weir_conf::settings::{CONFIG_SERVER_DIR, ConfigServer};
use weir_controllers::deployments::{Deployment, Failure, Rejection};
use weir_controllers::fleet::{Fleet, FleetSingleton};
use weir_domain::{Fault, Finding};
use weir_http_client::Client;
use weir_http_server as http;
use weir_project::{Loaded, Project};
use weir_runtime::Reason;

use super::engine::Engine;
use super::logs::Logs;
use super::packages::Signing;
use super::process::{Process, listen_to_signals, until_shut_down};
use super::projects::ProjectDirs;
use super::servers::{EngineListeners, EnginePlaces, Listener};
use super::{config_server, registry, sample, servers, summary, views, vouching};
use crate::cli::Findings;

/// Runs the project in the directory given, or the sample.
pub(crate) async fn run(process: Process, dir: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let settings = &process.settings;
    refuse_company(settings)?;
    let listeners = EngineListeners::bind(&process).await?;
    let ConfigServer { bind, tls, .. } = &settings.config_server;
    let design = Listener::bind(bind, tls, config_server::at(bind)).await?;
    let dir = match &dir {
        Some(dir) => {
            dir.canonicalize().with_context(|| format!("no project in {}", dir.display()))?
        }
        None => sample::unpack(&process.data_dir.path)?,
    };
    let project = match load(&dir) {
        // What was deployed before goes on, and the page is there to mend the project in.
        Err(error) if process.was_used_before() => Err(error.downcast::<Findings>()?),
        loaded => Ok(loaded?),
    };
    let rest = listeners.rest_url(&process)?;
    let engine = Engine::start(&process, registry(), rest).await?;
    if let Err(error) = open(&process, &engine, (listeners, design), project, dir).await {
        let fault = Fault::transient(4, format!("{error:#}"));
        engine.system.shutdown().request(Reason::Failed(fault));
        until_shut_down(&engine.system).await;
        return Err(error);
    }
    Ok(until_shut_down(&engine.system).await)
}

/// Opens the servers, deploys the project, and begins to run it.
async fn open(
    process: &Process,
    engine: &Engine,
    (listeners, design): (EngineListeners, Listener),
    project: Result<Project, Findings>,
    dir: PathBuf,
) -> anyhow::Result<()> {
    let system = &engine.system;
    listen_to_signals(system)?;
    let design_url = design.url()?;
    let EnginePlaces { rest: rest_url, management, metrics } =
        listeners.serve(process, engine, http::Here::Everything)?;
    let made = process.data_dir.path.join(&process.settings.config_server.projects_dir);
    let projects = ProjectDirs::given(system.clone(), made, dir.clone());
    let authority = servers::authority(&process.settings)?;
    let client = Client::trusting(&rest_url, &authority).context("the engine's address")?;
    // One process, one place where people are known.
    let people = engine.storages.people();
    let access = Arc::new(views::Asked(people.clone()));
    let guard = servers::guard(&process.settings, access, http::Here::Everything);
    let own_dir = process.data_dir.path.join(CONFIG_SERVER_DIR);
    let signing = Signing::of(&process.settings, &process.data_dir.path);
    let issuer = vouching::issuer(&process.settings, &own_dir, signing)?;
    let list = FleetSingleton {
        system: system.clone(),
        store: engine.store.clone(),
        settings: process.engine_options()?.host,
    };
    let list = Fleet::new(engine.membership.singletons.register(list));
    let fleet = http::Fleet::with_own_engine(client.into(), list, issuer, authority);
    system.tasks().spawn("clusters", fleet.clone().watch(system.clone()));
    let own = config_server::design(process, system, projects, engine.store.clone()).await?;
    let router = http::config_server::router(own, fleet, guard, process.http_limits());
    let router = http::config_server::depending_on(router, Arc::new(engine.clone()));
    let router = http::with_logs(router, Arc::new(Logs::alone(process)));
    servers::serve(process, system, "configuration server", design, people.beside(router))?;

    match &project {
        Ok(project) => {
            withdraw_others(engine, project).await?;
            deploy(engine, project, &dir).await?;
        }
        Err(Findings(findings)) if !goes_on(engine, &dir).await? => {
            return Err(Findings(findings.clone()).into());
        }
        Err(Findings(findings)) => tell(findings, &dir),
    }
    if !engine.begin().await {
        return Ok(());
    }
    summary::announce(&summary::Places {
        project: project.ok().map(|it| it.name.to_string()),
        directory: dir,
        page: design_url,
        rest: rest_url,
        management,
        metrics: metrics.map(|it| format!("{it}/metrics")),
    });
    system.tasks().spawn("summary", summary::follow(engine.clone()));
    Ok(())
}

/// It deploys its own project and withdraws all others: in a cluster that would be everybody's.
fn refuse_company(settings: &Settings) -> Result<(), Fault> {
    if !settings.has_peers() {
        return Ok(());
    }
    let message = "weir dev runs alone, and weir.persistence.journal.plugin names a database that \
                   engines share";
    Err(Fault::config(66, message).with_hint(
        "start `weir reactive-engine` with this configuration, or set the plugin to sqlite",
    ))
}

fn load(dir: &Path) -> anyhow::Result<Project> {
    let Loaded { project, findings, .. } = weir_project::load(dir, &registry());
    let Some(project) = project else { return Err(Findings(findings).into()) };
    if let Some(fault) = project.needs_package() {
        return Err(fault.into());
    }
    for finding in findings {
        tracing::warn!(code = %finding.code, "{finding}");
    }
    Ok(project)
}

/// Whether what runs is of this directory, or of packages: another project's is nothing to go on with.
async fn goes_on(engine: &Engine, dir: &Path) -> anyhow::Result<bool> {
    let current = engine.deployments.current(None).await?;
    let applied: Vec<_> = current.into_iter().flat_map(|it| it.deployments).collect();
    Ok(applied.is_empty() || applied.iter().any(|it| it.base_dir == dir))
}

/// Says why the project is not run as it is now.
fn tell(findings: &[Finding], dir: &Path) {
    for finding in findings {
        tracing::warn!(code = %finding.code, "{finding}");
    }
    let directory = dir.display();
    tracing::warn!(
        code = "WEIR-00095",
        %directory,
        "the project has errors: what was deployed before goes on. Mend them, in the page or with an editor, and start again"
    );
}

/// This process runs one project: what an earlier start ran from elsewhere ends.
async fn withdraw_others(engine: &Engine, project: &Project) -> anyhow::Result<()> {
    let current = engine.deployments.current(None).await?;
    let deployments = current.into_iter().flat_map(|it| it.deployments);
    for other in deployments.filter(|it| it.project != project.name) {
        engine.deployments.withdraw(other.project.clone(), engine.system.now()).await?;
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
    match engine.deployments.deploy_as(engine.system.ids().command(), deployment).await {
        // Somebody activated a package of it: that goes on, and the server that changes it is here.
        Err(Failure::Rejected(it @ Rejection::WorkflowOfPackage { .. })) => {
            tracing::warn!(code = "WEIR-00091", project = %project.name, "not run from its directory: {it}");
            return Ok(());
        }
        deployed => deployed?,
    }
    tracing::info!(code = "WEIR-00003", project = %project.name, digest = %project.digest, "deployed");
    Ok(())
}
