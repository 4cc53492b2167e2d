//! What every long-running process does: read its settings, take its data directory, start its log
//! and its runtime, listen to signals, and shut down in phases.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::signal::unix::{SignalKind, signal};
use weir_conf::Settings;
use weir_conf::settings::{LogFormat, LogKeep, Migrate};
use weir_domain::{Clock as _, NodeName};
use weir_persistence_api::LogBound;
use weir_persistence_sql::Backend;
use weir_runtime::{
    Backoff, HostSettings, Phase, PhaseTimeouts, Reason, RestartBudget, RestartPolicy, Shutdown,
    System, SystemClock,
};
use weir_stream::{BacklogLimits, Limits};

use super::engine::{EngineOptions, phase_timeouts};
use super::lock::DataDir;
use super::logs::{self, Ring};
use super::{logging, schema};
use crate::cli::{ConfArgs, Findings};

/// What others say about connections is said by the peer links, with names and reasons.
const QUIET: &str = ",ractor_cluster=error,ractor=error,chitchat=error";
/// Threads for blocking file work; each open stream needs one for its source and one for each
/// sink while it runs. They exist only while they are used.
const BLOCKING_THREADS_MAX: usize = 4_096;
/// Of these, threads that are kept for short work: listing, publishing, validating.
const BLOCKING_THREADS_KEPT: usize = 512;

/// A process that is about to do its work.
pub(crate) struct Process {
    pub(crate) settings: Settings,
    pub(crate) data_dir: Arc<DataDir>,
    pub(crate) metrics: PrometheusHandle,
    /// What it logged.
    pub(crate) log: Arc<Ring>,
}

/// Prepares a process, then runs its work to the end. `lock` is the file in the data directory
/// that says that it works there.
pub(crate) fn run<F>(
    args: &ConfArgs,
    data_dir: Option<&Path>,
    lock: &str,
    work: impl FnOnce(Process) -> F,
) -> anyhow::Result<ExitCode>
where
    F: Future<Output = anyhow::Result<ExitCode>>,
{
    let mut settings = Settings::load(args.conf.as_deref(), &args.set).map_err(Findings)?;
    if let Some(data_dir) = data_dir {
        settings.data_dir = data_dir.to_path_buf();
    }
    let log = start_log(&settings)?;
    weir_http_server::open_more_files();
    let data_dir = Arc::new(DataDir::open(&settings.data_dir, lock)?);
    let metrics = start_metrics()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .thread_name("weir")
        .build()
        .context("the runtime can't be started")?;
    let process = Process { settings, data_dir, metrics, log };
    let ended = runtime.block_on(work(process));
    // What still blocks a thread (a mount that hangs) must not keep the process.
    runtime.shutdown_background();
    ended
}

fn start_log(settings: &Settings) -> anyhow::Result<Arc<Ring>> {
    let logging = &settings.logging;
    let style = logging::Style {
        is_json: logging.format == LogFormat::Json,
        has_short_names: logging.short_logger_names,
        has_codes: logging.show_codes,
    };
    let directives =
        logging.levels.iter().map(|(name, level)| format!(",{name}={}", level.as_str()));
    let level =
        directives.fold(format!("{}{QUIET}", logging.level.as_str()), |all, one| all + &one);
    let LogKeep { lines, bytes } = &logging.keep;
    let bounds = logs::Bounds { lines: lines.get() as usize, bytes: bytes.as_usize() };
    let memory = Arc::new(Ring::new(bounds, SystemClock.now()));
    logging::start(&level, style, logging.file.as_deref(), memory.clone())?;
    Ok(memory)
}

fn start_metrics() -> anyhow::Result<PrometheusHandle> {
    let seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &seconds)
        .context("the metrics' buckets")?;
    builder.install_recorder().context("the metrics can't be started")
}

impl Process {
    /// What an engine of this process is started with.
    pub(crate) fn engine_options(&self) -> anyhow::Result<EngineOptions> {
        let settings = &self.settings;
        let journal = &settings.persistence.journal;
        let drain_within = settings.shutdown.drain_timeout.duration();
        let host = HostSettings {
            append_within: journal.timeout.duration(),
            restarts: self.restarts(),
            ..HostSettings::default()
        };
        Ok(EngineOptions {
            node: self.node()?,
            backend: self.backend(),
            migrates: journal.schema.migrate == Migrate::Automatic,
            host,
            limits: self.limits(),
            restarts: self.restarts(),
            drain_within,
            progress_within: settings.supervision.progress_timeout.duration(),
            threads: BLOCKING_THREADS_MAX - BLOCKING_THREADS_KEPT,
            streams_kept: settings.persistence.stream_history.keep,
            streams_kept_for: settings.persistence.stream_history.keep_for,
            log_of_a_stream: LogBound {
                lines: settings.persistence.stream_history.log_lines.get(),
                bytes: settings.persistence.stream_history.log_bytes.0,
            },
        })
    }

    pub(crate) fn node(&self) -> anyhow::Result<NodeName> {
        match &self.settings.node.name {
            Some(name) => Ok(name.clone()),
            None => {
                let name = machine();
                NodeName::new(&name).with_context(|| {
                    format!("the host's name {name:?} can't be a node's name: set weir.node.name")
                })
            }
        }
    }

    /// Whether an earlier process has kept something in its own journal.
    pub(crate) fn was_used_before(&self) -> bool {
        self.sqlite_file().exists()
    }

    fn sqlite_file(&self) -> PathBuf {
        self.data_dir.path.join(&self.settings.persistence.journal.sqlite.file)
    }

    fn backend(&self) -> Backend {
        let journal = &self.settings.persistence.journal;
        schema::server(&self.settings).unwrap_or_else(|| Backend::Sqlite {
            path: self.sqlite_file(),
            settings: weir_persistence_sql::Settings {
                queue: journal.queue.get() as usize,
                deadline: journal.timeout.duration(),
                busy_timeout: journal.timeout.duration() / 2,
                ..Default::default()
            },
        })
    }

    fn limits(&self) -> Limits {
        let stream = &self.settings.stream;
        Limits {
            batch_rows: stream.batch_rows.get() as usize,
            batch_bytes: stream.batch_bytes.as_usize(),
            edge_bytes: stream.edge_bytes.as_usize(),
            record_bytes_max: stream.max_record_bytes.as_usize(),
            raw_bytes_max: stream.dead_letter.max_raw_bytes.as_usize(),
            checkpoint_interval: stream.checkpoint_interval.duration(),
            restarts: self.restarts(),
            progress_within: self.settings.supervision.progress_timeout.duration(),
            backlog: BacklogLimits {
                epochs: stream.max_unpublished_checkpoints.get() as usize,
                bytes: stream.max_unpublished.0,
            },
            ..Limits::default()
        }
    }

    fn restarts(&self) -> RestartPolicy {
        let supervision = &self.settings.supervision;
        let (min, max) = (supervision.min_backoff.duration(), supervision.max_backoff.duration());
        let policy = RestartPolicy::default();
        RestartPolicy {
            backoff: Backoff { min, max, ..policy.backoff },
            budget: RestartBudget { max: supervision.max_restarts, ..policy.budget },
            reset_after: supervision.reset_after.duration(),
            ..policy
        }
    }

    pub(crate) fn phase_timeouts(&self) -> PhaseTimeouts {
        let Settings { shutdown, cluster, .. } = &self.settings;
        phase_timeouts(
            shutdown.phase_timeout.duration(),
            shutdown.drain_timeout.duration(),
            cluster.singleton.hand_over_timeout.duration(),
        )
    }

    pub(crate) fn http_limits(&self) -> weir_http_server::Limits {
        let rest = &self.settings.rest_server;
        weir_http_server::Limits {
            request_timeout: rest.request_timeout.duration(),
            body_bytes_max: rest.max_body.as_usize(),
            requests_per_second: rest.max_requests_per_second,
            streams_per_client: rest.max_streams_per_client,
        }
    }
}

/// The name of this machine.
pub(crate) fn machine() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Turns signals into requests for the end: the first drains, the second stops at once.
pub(crate) fn listen_to_signals(system: &System) -> anyhow::Result<()> {
    let shutdown: Shutdown = system.shutdown().clone();
    // A hang-up is left to the system: it ends a process at its terminal, and one that `nohup`
    // started goes on.
    for (kind, name) in [(SignalKind::terminate(), "SIGTERM"), (SignalKind::interrupt(), "SIGINT")]
    {
        let mut signals = signal(kind).with_context(|| format!("{name} can't be listened to"))?;
        let shutdown = shutdown.clone();
        let listening = shutdown.clone();
        let task = system.tasks().spawn(name, async move {
            while signals.recv().await.is_some() {
                listening.request(Reason::Signal(name));
            }
        });
        // A second signal may come until nothing is left that it could cut short.
        shutdown.add(Phase::StoreClose, name, async move {
            task.abort();
            Ok(())
        })?;
    }
    Ok(())
}

/// Waits for the end and shuts down; the code says whether all went well.
pub(crate) async fn until_shut_down(system: &System) -> ExitCode {
    system.shutdown().run().await.exit_code().into()
}
