//! What many projects cost: how long a configuration server takes to list, open, validate and judge
//! drafts with 500 projects of 200 assets, and how much memory it holds.
//!
//! The server is the `weir` binary beside this one, asked over HTTP. Before anything is timed, it must show as many
//! projects and assets as there are, and a mistake must be found. `BENCH_PROJECTS` and `BENCH_ASSETS` take fewer.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use weir_http_client::Client;
use weir_runtime::Stopwatch;

/// Runs of each question; the median is shown.
const RUNS: usize = 20;
const READY: Duration = Duration::from_secs(60);
const FIRST: Duration = Duration::from_secs(300);
/// What one workflow brings along: a format, a source, a sink, an environment.
const ASSETS_OF_WORKFLOW: u32 = 5;

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let (projects, assets) = (number("BENCH_PROJECTS", 500)?, number("BENCH_ASSETS", 200)?);
        let directory = tempfile::tempdir()?;
        for n in 0..projects {
            project(&directory.path().join("projects").join(name(n)), n, assets)?;
        }
        let server = Server::start(directory.path()).await?;
        server.check(projects, assets).await?;
        server.report(projects, assets).await
    })
}

fn number(variable: &str, default: u32) -> anyhow::Result<u32> {
    match std::env::var(variable) {
        Ok(text) => text.parse().with_context(|| format!("{variable}={text}")),
        Err(_) => Ok(default),
    }
}

fn name(n: u32) -> String {
    format!("project-{n:04}")
}

/// A valid project: workflows of five stages that share nothing but their shape.
fn project(dir: &Path, n: u32, assets: u32) -> anyhow::Result<()> {
    fs::create_dir_all(dir)?;
    let environments: Vec<_> =
        (0..assets / ASSETS_OF_WORKFLOW).map(|it| format!("e{it}")).collect();
    let text = format!("spec: {{ environments: [{}] }}", environments.join(", "));
    asset(dir, "project.yaml", "Project", &name(n), &text)?;
    for at in 0..assets / ASSETS_OF_WORKFLOW {
        let value = format!("spec: {{ values: {{ LARGE_{at}: 100, OUT_{at}: out-{at} }} }}");
        asset(dir, &format!("environments/e{at}.yaml"), "Environment", &format!("e{at}"), &value)?;
        let format = "spec: { type: csv, schema: [{ name: id, type: int64 }, { name: amount, type: float64 }, \
                      { name: at, type: timestamp(ms) }, { name: note, type: string }] }";
        asset(dir, &format!("formats/f{at}.yaml"), "Format", &format!("f{at}"), format)?;
        let source = format!("spec: {{ file: {{ directory: in-{at}, format: f{at} }} }}");
        asset(dir, &format!("sources/s{at}.yaml"), "Source", &format!("s{at}"), &source)?;
        let sink = format!(
            "spec: {{ file: {{ directory: \"${{env:OUT_{at}}}\", name: \"${{item}}\", format: f{at} }} }}"
        );
        asset(dir, &format!("sinks/k{at}.yaml"), "Sink", &format!("k{at}"), &sink)?;
        let workflow = format!(
            "spec:
  stages:
    - {{ name: read, source: s{at} }}
    - name: check
      from: read
      processor: {{ mapping: {{ set: {{ half: amount / 2, note: upper(note) }} }} }}
    - name: route
      from: check
      processor: {{ filterRoute: {{ rules: [{{ when: \"amount >= ${{env:LARGE_{at}}}\", to: large }}], otherwise: small }} }}
    - {{ name: large, from: route.large, sink: k{at} }}
    - {{ name: small, from: route.small, sink: {{ devNull: {{}} }} }}
"
        );
        asset(dir, &format!("workflows/w{at}.yaml"), "Workflow", &format!("w{at}"), &workflow)?;
    }
    Ok(())
}

fn asset(dir: &Path, path: &str, kind: &str, name: &str, spec: &str) -> anyhow::Result<()> {
    let path = dir.join(path);
    fs::create_dir_all(path.parent().context("a directory")?)?;
    let text = format!("apiVersion: weir/v1\nkind: {kind}\nmetadata: {{ name: {name} }}\n{spec}\n");
    Ok(fs::write(path, text)?)
}

/// A configuration server, which ends with this value.
struct Server {
    child: Child,
    client: Client,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    async fn start(directory: &Path) -> anyhow::Result<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let exe = std::env::current_exe()?;
        let weir =
            exe.parent().and_then(Path::parent).context("the target directory")?.join("weir");
        let child = Command::new(&weir)
            .arg("config-server")
            .arg(format!("-Dweir.data-dir={}", directory.display()))
            .arg(format!("-Dweir.config-server.bind.port={port}"))
            .arg("-Dweir.rest-server.trust-local=all")
            .stdout(Stdio::null())
            .stderr(fs::File::create(directory.join("log"))?)
            .spawn()
            .with_context(|| format!("{} can't be started", weir.display()))?;
        let server = Self { child, client: Client::new(&format!("http://127.0.0.1:{port}"))? };
        let watch = Stopwatch::start();
        while server.client.version().await.is_err() {
            ensure!(watch.elapsed() < READY, "{}", fs::read_to_string(directory.join("log"))?);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(server)
    }

    /// What is timed is what it should be.
    async fn check(&self, projects: u32, assets: u32) -> anyhow::Result<()> {
        let watch = Stopwatch::start();
        let mut all = self.client.projects().await?.items;
        println!("first list of all: {:.3} s", watch.elapsed().as_secs_f64());
        let opening = Stopwatch::start();
        self.client.project(&name(projects - 1)).await?;
        println!("one project meanwhile: {:.3} s", opening.elapsed().as_secs_f64());
        while all.iter().any(|it| it.being_looked_at) {
            ensure!(watch.elapsed() < FIRST, "projects are still being looked at");
            tokio::time::sleep(Duration::from_millis(100)).await;
            all = self.client.projects().await?.items;
        }
        println!("all of them known: {:.1} s", watch.elapsed().as_secs_f64());
        ensure!(all.len() == projects as usize, "{} projects", all.len());
        ensure!(all.iter().all(|it| it.errors == 0), "{:?}", all.iter().find(|it| it.errors > 0));
        let one = self.client.assets(&name(0)).await?.items.len();
        let wanted = (assets / ASSETS_OF_WORKFLOW * ASSETS_OF_WORKFLOW + 1) as usize;
        ensure!(one == wanted, "{one} assets");
        ensure!(self.client.project_validate(&name(0)).await?.valid, "a project is not valid");
        Ok(())
    }

    async fn report(&self, projects: u32, assets: u32) -> anyhow::Result<()> {
        println!("| projects | assets of each | question | median ms | longest ms | aim ms |");
        println!("|---|---|---|---|---|---|");
        let row = |question: &str, times: Vec<Duration>, aim: &str| {
            let mut ms: Vec<_> = times.iter().map(|it| it.as_secs_f64() * 1e3).collect();
            ms.sort_by(f64::total_cmp);
            let (median, longest) = (ms[ms.len() / 2], ms[ms.len() - 1]);
            println!("| {projects} | {assets} | {question} | {median:.1} | {longest:.1} | {aim} |");
        };
        let mut times = [const { Vec::new() }; 4];
        for run in 0..RUNS {
            let project = name(u32::try_from(run)? * 7 % projects);
            let watch = Stopwatch::start();
            self.client.projects().await?;
            times[0].push(watch.elapsed());
            let watch = Stopwatch::start();
            self.client.assets(&project).await?;
            times[1].push(watch.elapsed());
            let watch = Stopwatch::start();
            self.client.asset(&project, "workflows/w0.yaml").await?;
            times[2].push(watch.elapsed());
            let watch = Stopwatch::start();
            self.client.project_validate(&project).await?;
            times[3].push(watch.elapsed());
        }
        let [list, open, show, validate] = times;
        row("list projects", list, "50");
        row("open a project", open, "100");
        row("open an asset", show, "100");
        row("validate", validate, "200");
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = |key: &str| status.lines().find(|it| it.starts_with(key)).unwrap_or_default();
        println!("{}, {}", line("VmHWM"), line("VmRSS"));
        Ok(())
    }
}
