//! The same job by others: stream processors and batch engines that people use instead.
//!
//! Each is a script of `examples/peers`, run by the Python of `BENCH_PYTHON` (`make bench-peers` installs what
//! it needs). What a short input takes is taken off, so that starting is not counted. What they wrote is
//! compared record by record before a time is told.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use weir_runtime::Stopwatch;

use crate::data::{self, Made};
use crate::oracle::{self, Digest};
use crate::process;
use crate::{Job, bare, median, product};

/// Scripts, and what they are called.
const PEERS: [(&str, &str); 5] = [
    ("duckdb_job.py", "DuckDB, 2 threads (batch)"),
    ("polars_job.py", "Polars, streaming engine (batch)"),
    ("bytewax_job.py", "Bytewax, 2 processes"),
    ("pathway_job.py", "Pathway, 2 threads"),
    ("flink_job.py", "Flink, parallelism 2"),
];
/// What is long enough to start with everything.
const SHORT_MB: u64 = 1;

#[derive(Debug, Clone, Copy)]
struct Run {
    wall: Duration,
    cpu: Duration,
    digest: Digest,
}

pub(crate) fn measure(megabytes: u64, runs: u64, dir: &Path) -> anyhow::Result<()> {
    measure_job(Job::JsonToJson, &PEERS, (megabytes, runs), dir)?;
    // Of wide records batch engines are the fast ones.
    measure_job(Job::WideJsonToJson, &PEERS[..2], (megabytes, runs), dir)
}

fn measure_job(
    job: Job,
    peers: &[(&str, &str)],
    (megabytes, runs): (u64, u64),
    dir: &Path,
) -> anyhow::Result<()> {
    let python = std::env::var("BENCH_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let (input, short) = (dir.join("peers.jsonl"), dir.join("short.jsonl"));
    let made = data::make(job, &input, megabytes)?;
    let made_short = data::make(job, &short, SHORT_MB)?;
    println!("{}, {megabytes} MB, {runs} runs each, median; {}", job.title(), crate::machine());
    println!();
    println!("| side | M rows/s | cores used | to weir |");
    println!("|---|---|---|---|");
    let halves = data::split(job, &input, 2, dir)?;
    let mut weir = Vec::new();
    for run in 0..runs {
        let done = product::run(job, &halves, &dir.join(format!("peers-{job:?}-{run}")))?;
        weir.push((done.usage, oracle::canonical(&done.outputs)?));
    }
    let expected = {
        let output = dir.join("peers.bare");
        bare::measured(job, &input, &output)?;
        oracle::canonical(&[output])?
    };
    ensure!(weir.iter().all(|it| it.1 == expected), "weir wrote other records");
    let weir = median(weir.into_iter().map(|it| it.0).collect());
    let rate = rows_a_second(made.rows, weir.wall);
    row("weir, 2 instances, 2 files, exactly once", rate, weir.cpu, weir.wall, rate);
    for (script, name) in peers {
        let once = |input: &Path, made: Made| peer(&python, script, job, input, dir, made);
        let mut found = Vec::new();
        for _ in 0..runs {
            let (start, whole) = (once(&short, made_short)?, once(&input, made)?);
            ensure!(whole.digest == expected, "{name}: {:?} is not {expected:?}", whole.digest);
            let wall = whole.wall.saturating_sub(start.wall);
            found.push((wall, whole.cpu.saturating_sub(start.cpu)));
        }
        found.sort();
        let (wall, cpu) = found[found.len() / 2];
        row(name, rows_a_second(made.rows - made_short.rows, wall), cpu, wall, rate);
    }
    println!();
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn rows_a_second(rows: u64, wall: Duration) -> f64 {
    rows as f64 / wall.as_secs_f64()
}

fn row(name: &str, rate: f64, cpu: Duration, wall: Duration, weir: f64) {
    let cores = cpu.as_secs_f64() / wall.as_secs_f64();
    println!("| {name} | {:.2} | {cores:.2} | {:.2} |", rate / 1e6, rate / weir);
}

fn peer(
    python: &str,
    script: &str,
    job: Job,
    input: &Path,
    dir: &Path,
    made: Made,
) -> anyhow::Result<Run> {
    let out = dir.join("peer-out");
    if out.is_dir() {
        std::fs::remove_dir_all(&out)?;
    }
    std::fs::create_dir(&out)?;
    let log = std::fs::File::create(dir.join("peer.log"))?;
    let before = process::children_cpu();
    let watch = Stopwatch::start();
    let status = Command::new(python)
        .arg(Path::new("examples/peers").join(script))
        .arg(input)
        .arg(out.join("out.jsonl"))
        .arg(job.fields().map(|it| it.0).collect::<Vec<_>>().join(","))
        .env("PATHWAY_THREADS", "2")
        .env("POLARS_MAX_THREADS", "2")
        .stdout(Stdio::null())
        .stderr(log)
        .status()
        .with_context(|| format!("{python} can't be started: run make bench-peers"))?;
    let (wall, cpu) = (watch.elapsed(), process::children_cpu().saturating_sub(before));
    let said = || std::fs::read_to_string(dir.join("peer.log")).unwrap_or_default();
    ensure!(status.success(), "{script} failed on {} rows: {}", made.rows, said());
    Ok(Run { wall, cpu, digest: oracle::canonical(&files(&out)?)? })
}

/// All files below a directory: some write one file, some a directory of them.
fn files(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        match path.is_dir() {
            true => found.extend(files(&path)?),
            false => found.push(path),
        }
    }
    Ok(found)
}
