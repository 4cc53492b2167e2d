//! What a client sees when the engine that hosts a controller is lost: the longest time without an
//! acknowledged command, under 200 commands a second.
//!
//! A command deploys another content of one project, through the management of an engine that
//! stays: it is acknowledged when its event is durable in the controller's journal. Commands are
//! sent at their times, whether or not earlier ones are answered. At the end of each round the
//! journal has one event for each command that was acknowledged.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use rustix::process::Signal;
use serde_json::json;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use weir_domain::{Millis, ProjectName};
use weir_http_api::DeploymentRequest;
use weir_http_client::Management;
use weir_runtime::{Stopwatch, System, Task};

use crate::database::Bare;
use crate::engines::Engines;
use crate::report::{Report, Samples, Target};
use crate::system;

const LEASE: &str = "deployment-storage";
const PERIOD: Duration = Duration::from_millis(5);
/// Commands that are sent before the loss, and after the controller is back.
const LEAD: Duration = Duration::from_millis(1_000);
const WITHIN: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    Killed,
    Paused,
    Left,
}

impl Loss {
    fn title(self) -> &'static str {
        match self {
            Self::Killed => "kill -9",
            Self::Paused => "SIGSTOP",
            Self::Left => "graceful leave",
        }
    }
}

pub(crate) async fn measure(rounds: u64, report: &mut Report) -> anyhow::Result<()> {
    let mut engines = Engines::start().await?;
    let mut bare = engines.server.bare().await?;
    let system = system("bench");
    // A pause takes long to be over; the kill is what the tail is asked of.
    let plan = [(Loss::Killed, rounds), (Loss::Left, rounds), (Loss::Paused, rounds.div_ceil(5))];
    for (loss, rounds) in plan {
        let (mut gaps, mut failures) = (Samples::default(), 0);
        for _ in 0..rounds {
            let (gap, failed) = lose(&system, &mut engines, &mut bare, loss).await?;
            println!("{}: {:.0} ms, {failed} errors", loss.title(), gap.as_secs_f64() * 1e3);
            gaps.add(gap.as_secs_f64() * 1e3);
            failures += failed;
        }
        let (median, p99, errors) = match loss {
            Loss::Killed => (Target::AtMost(1_500.0), Target::AtMost(4_000.0), Target::None),
            // More commands come in that time than may wait: those are refused.
            Loss::Paused => (Target::None, Target::AtMost(8_000.0), Target::None),
            Loss::Left => (Target::AtMost(200.0), Target::None, Target::AtMost(0.0)),
        };
        let what = |figure| format!("{}: {figure} ({rounds} rounds)", loss.title());
        report.value(&what("gap, median"), gaps.median(), "ms", median);
        report.value(&what("gap, p99"), gaps.quantile(0.99), "ms", p99);
        #[expect(clippy::cast_precision_loss, reason = "figures for people")]
        report.value(&what("errors of clients"), failures as f64, "", errors);
    }
    Ok(())
}

/// One round; returns the gap and how many commands failed.
async fn lose(
    system: &System,
    engines: &mut Engines,
    bare: &mut Bare,
    loss: Loss,
) -> anyhow::Result<(Duration, usize)> {
    engines.settled().await?;
    let holder = engines.holder(LEASE).await?;
    let witness = (holder + 1) % engines.nodes.len();
    let epoch = engines.lease(witness, LEASE).await?.epoch;
    let before = commanded(bare).await?;
    let client = Client::start(system, engines, witness)?;
    tokio::time::sleep(LEAD).await;
    let lost_at = client.now();
    let signal = match loss {
        Loss::Killed => Signal::KILL,
        Loss::Paused => Signal::STOP,
        Loss::Left => Signal::TERM,
    };
    engines.nodes[holder].signal(signal)?;
    let watch = Stopwatch::start();
    while engines.lease(witness, LEASE).await.is_ok_and(|it| it.epoch == epoch) {
        ensure!(watch.elapsed() < WITHIN, "nobody took over");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(LEAD).await;
    let done = client.end().await?;
    let events = commanded(bare).await? - before;
    let acknowledged = done.acknowledged.len() as i64;
    // What failed may have been done all the same.
    let most = acknowledged + done.failures.len() as i64;
    ensure!((acknowledged..=most).contains(&events), "{events} events of {acknowledged} commands");
    if let Some(first) = done.failures.first() {
        println!("a command failed: {first}");
    }
    if loss == Loss::Paused {
        tokio::time::sleep(Duration::from_secs(8)).await;
        engines.nodes[holder].signal(Signal::CONT)?;
    }
    engines.nodes[holder].until_ended().await?;
    Ok((done.gap_around(lost_at).context("no command was acknowledged")?, done.failures.len()))
}

/// How many events of the controller somebody commanded: what it saw of the members has no command.
async fn commanded(bare: &mut Bare) -> anyhow::Result<i64> {
    bare.number(&format!(
        "SELECT COUNT(*) FROM event_journal WHERE persistence_id = '{LEASE}' AND command IS NOT NULL"
    ))
    .await
}

/// Sends commands at their times until it is ended.
struct Client {
    watch: Stopwatch,
    stop: oneshot::Sender<()>,
    sending: Task<Done>,
}

#[derive(Default)]
struct Done {
    /// When each was answered.
    acknowledged: Vec<Duration>,
    failures: Vec<String>,
}

impl Client {
    fn start(system: &System, engines: &Engines, at: usize) -> anyhow::Result<Self> {
        let (watch, (stop, stopped)) = (Stopwatch::start(), oneshot::channel());
        let management = engines.nodes[at].management.clone();
        let request = request(&engines.directory().display().to_string())?;
        let sending = send(management, request, watch, stopped);
        Ok(Self { watch, stop, sending: system.tasks().spawn("client", sending) })
    }

    fn now(&self) -> Duration {
        self.watch.elapsed()
    }

    /// Sends no more, and waits for what is open.
    async fn end(self) -> anyhow::Result<Done> {
        // An error says that it has ended already, which is seen at once.
        let _ = self.stop.send(());
        let done = tokio::time::timeout(WITHIN, self.sending.join()).await;
        Ok(done.context("a command has no answer")??)
    }
}

async fn send(
    management: Management,
    request: DeploymentRequest,
    watch: Stopwatch,
    mut stopped: oneshot::Receiver<()>,
) -> Done {
    let project = ProjectName::new("commands").expect("a name of a project");
    let (mut ticks, mut open) = (tokio::time::interval(PERIOD), JoinSet::new());
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = &mut stopped => break,
        }
        let request = numbered(&request, CONTENTS.fetch_add(1, Ordering::Relaxed));
        let (management, project) = (management.clone(), project.clone());
        open.spawn(async move {
            let answer = management.deploy(&project, &request).await;
            answer.map(|_| watch.elapsed()).map_err(|it| format!("{:?}: {it}", watch.elapsed()))
        });
    }
    let mut done = Done::default();
    while let Some(answer) = open.join_next().await {
        match answer.expect("no command panics") {
            Ok(at) => done.acknowledged.push(at),
            Err(failure) => done.failures.push(failure),
        }
    }
    done
}

/// Makes every content another one.
static CONTENTS: AtomicU64 = AtomicU64::new(0);

impl Done {
    /// The longest time without an answer that began or ended after the loss.
    fn gap_around(&self, lost_at: Duration) -> Option<Duration> {
        let mut times = self.acknowledged.clone();
        times.sort();
        let after = times.windows(2).filter(|it| it[1] > lost_at);
        after.map(|it| it[1] - it[0]).max()
    }
}

/// The same with another content.
fn numbered(request: &DeploymentRequest, number: u64) -> DeploymentRequest {
    let mut request = request.clone();
    request.plans[0].retry.min_backoff = Millis(1_000 + number);
    request.digest = weir_project::digest(&request.plans);
    request
}

/// A project that has nothing to do: no file comes.
fn request(base_dir: &str) -> anyhow::Result<DeploymentRequest> {
    let file = |directory: &str, more: (&str, &str)| json!({ "directory": directory, "format": { "type": "json" }, more.0: more.1 });
    Ok(serde_json::from_value(json!({
        "digest": "",
        "baseDir": base_dir,
        "plans": [{
            "workflow": "commands",
            "instances": 1,
            "stages": [
                { "id": "read", "role": "source", "kind": "file", "onError": "ignore",
                  "config": file("in", ("interval", "10s")) },
                { "id": "write", "role": "sink", "kind": "file", "onError": "ignore",
                  "config": file("out", ("name", "${item:stem}")) },
            ],
            "edges": [{ "from": "read", "port": "out", "to": "write" }],
        }],
    }))?)
}
