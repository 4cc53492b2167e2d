//! The product's side: a project, a data directory, and the `weir` binary on them.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use weir_runtime::Stopwatch;

use crate::process::{self, Usage};
use crate::{COLUMNS, FILTER, Job, Kind};

pub(crate) struct Done {
    pub(crate) usage: Usage,
    pub(crate) outputs: Vec<PathBuf>,
}

/// Runs the job over the files, one instance a file. The time runs from the moment at which the
/// files are there until the last of them is committed.
pub(crate) fn run(job: Job, inputs: &[PathBuf], dir: &Path) -> anyhow::Result<Done> {
    let project = dir.join("project");
    write_project(job, &project, inputs.len())?;
    let engine = Engine::start(dir, &project, &[])?;
    engine.wait_until_ready()?;
    let cpu_before = process::cpu(engine.child.id());
    let watch = Stopwatch::start();
    for (at, input) in inputs.iter().enumerate() {
        let name = format!("{at}.{}", job.extension());
        fs::hard_link(input, project.join("in").join(name))?;
    }
    let committed = |view: &Value| view["committed"].as_u64().unwrap_or(0);
    let wanted = inputs.len() as u64;
    loop {
        let view = engine.get("/api/v1/workflows/bench")?;
        if view["rolledBack"].as_u64() != Some(0) {
            bail!("a stream was rolled back: {view}");
        }
        if committed(&view) == wanted {
            break;
        }
        ensure!(watch.elapsed() < Duration::from_secs(600), "not done within 10 minutes: {view}");
        // Each look costs the engine some time, which is counted.
        std::thread::sleep(Duration::from_millis(50));
    }
    let usage = Usage {
        wall: watch.elapsed(),
        cpu: process::cpu(engine.child.id()).saturating_sub(cpu_before),
        peak_bytes: process::peak_bytes(engine.child.id()),
    };
    engine.stop()?;
    let mut outputs: Vec<_> =
        fs::read_dir(project.join("out"))?.filter_map(|it| Some(it.ok()?.path())).collect();
    outputs.sort();
    Ok(Done { usage, outputs })
}

/// Time from start to ready on a data directory that exists, and memory when nothing happens.
pub(crate) fn idle(dir: &Path) -> anyhow::Result<(Duration, u64)> {
    let project = dir.join("project");
    write_project(Job::JsonToJson, &project, 1)?;
    Engine::start(dir, &project, &[])?.ready_and_stop()?;
    let watch = Stopwatch::start();
    let engine = Engine::start(dir, &project, &[])?;
    engine.wait_until_ready()?;
    let ready = watch.elapsed();
    // A few polls of the source, so that it is idle and not fresh.
    std::thread::sleep(Duration::from_secs(3));
    let resident = process::resident_bytes(engine.child.id());
    engine.stop()?;
    Ok((ready, resident))
}

fn write_project(job: Job, dir: &Path, instances: usize) -> anyhow::Result<()> {
    for name in ["in", "out", "done"] {
        fs::create_dir_all(dir.join(name))?;
    }
    fs::write(
        dir.join("project.yaml"),
        "apiVersion: weir/v1\nkind: Project\nmetadata: { name: bench }\nspec: {}\n",
    )?;
    let field = |(name, kind): (&str, Kind)| {
        let kind = match kind {
            Kind::Number => "int64",
            Kind::Text => "string",
        };
        format!("{{ name: {name}, type: {kind} }}")
    };
    let fields = format!("schema: [{}]", job.fields().map(field).collect::<Vec<_>>().join(", "));
    let (read, write, extension) = match job {
        Job::JsonToJson | Job::WideJsonToJson => {
            (format!("{{ type: json, {fields} }}"), "{ type: json }", "jsonl")
        }
        Job::CsvToParquet => (
            format!("{{ type: csv, {fields} }}"),
            "{ type: parquet, compression: zstd }",
            "parquet",
        ),
    };
    let columns: String = COLUMNS
        .iter()
        .map(|(name, text)| format!("            {name}: {}\n", Value::from(*text)))
        .collect();
    let workflow = format!(
        "apiVersion: weir/v1
kind: Workflow
metadata: {{ name: bench }}
spec:
  instances: {instances}
  stages:
    - name: read
      source:
        file:
          directory: in
          interval: 50ms
          stableTime: 0s
          format: {read}
          done: {{ directory: done }}
    - name: keep
      from: read
      processor:
        filterRoute:
          rules: [{{ when: {filter}, to: kept }}]
          otherwise: drop
    - name: derive
      from: keep.kept
      processor:
        mapping:
          set:
{columns}    - name: write
      from: derive
      sink:
        file:
          directory: out
          name: \"${{item:stem}}.{extension}\"
          format: {write}
",
        filter = Value::from(FILTER),
    );
    fs::write(dir.join("bench.yaml"), workflow)?;
    Ok(())
}

/// A `weir dev` of our own on ports of its own.
pub(crate) struct Engine {
    child: Child,
    port: u16,
    log: PathBuf,
}

impl Engine {
    pub(crate) fn start(dir: &Path, project: &Path, settings: &[String]) -> anyhow::Result<Self> {
        let exe = std::env::current_exe()?;
        let weir = exe.parent().and_then(Path::parent).context("a target directory")?.join("weir");
        let [config, rest, metrics, management] = free_ports()?;
        let log = dir.join("weir.log");
        let child = Command::new(&weir)
            .args(["dev", "--data-dir"])
            .arg(dir.join("data"))
            .arg("--project")
            .arg(project)
            .arg(format!("-Dweir.config-server.bind.port={config}"))
            .arg(format!("-Dweir.rest-server.bind.port={rest}"))
            .arg(format!("-Dweir.metrics.bind.port={metrics}"))
            .arg(format!("-Dweir.management.bind.port={management}"))
            .args(settings.iter().map(|it| format!("-D{it}")))
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log)?)
            .spawn()
            .with_context(|| format!("{} can't be started", weir.display()))?;
        Ok(Self { child, port: rest, log })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn wait_until_ready(&self) -> anyhow::Result<()> {
        let watch = Stopwatch::start();
        loop {
            let ready = self.request("/readyz").is_ok_and(|it| it.starts_with("HTTP/1.1 200"));
            let deployed = ready && self.get("/api/v1/workflows/bench").is_ok();
            if deployed {
                return Ok(());
            }
            if watch.elapsed() > Duration::from_secs(60) {
                bail!("not ready: {}", fs::read_to_string(&self.log)?);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    pub(crate) fn get(&self, path: &str) -> anyhow::Result<Value> {
        let answer = self.request(path)?;
        ensure!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        let body = answer.split_once("\r\n\r\n").context("a body")?.1;
        Ok(serde_json::from_str(body)?)
    }

    fn request(&self, path: &str) -> anyhow::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.replacen("HTTP/1.0", "HTTP/1.1", 1))
    }

    fn ready_and_stop(self) -> anyhow::Result<()> {
        self.wait_until_ready()?;
        self.stop()
    }

    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Engine {
    /// Nothing is left of a measurement that failed.
    fn drop(&mut self) {
        // It has ended, where it was stopped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_ports() -> anyhow::Result<[u16; 4]> {
    let listeners = [0; 4]
        .map(|_| TcpListener::bind(("127.0.0.1", 0)))
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?;
    let ports: Vec<_> =
        listeners.iter().map(|it| it.local_addr().map(|it| it.port())).collect::<Result<_, _>>()?;
    Ok([ports[0], ports[1], ports[2], ports[3]])
}
