//! The whole product against a bare loop of the same readers, expressions and writers.
//!
//! Both sides process the same file, made from the sample's real rows. The bare loop is one
//! function on one thread. The product is the `weir` binary beside this one: source, stages, sink
//! and commit, watched over its REST API. Outputs are compared before a time is told.
//!
//! Then live workflows with checkpoints and without, and how long records are on their way. `BENCH_ONLY=peers` measures other products at the first
//! job, for which `make bench-peers` installs them.
//!
//! `BENCH_MB` sets the size of the input (1,000), `BENCH_RUNS` the measured runs (3),
//! `BENCH_RECORDS` the records of a live workflow (100,000,000), `BENCH_SECONDS` how long latency is
//! measured (30), `BENCH_ONLY=files,live,latency` runs a part.

mod bare;
mod data;
mod latency;
mod live;
mod oracle;
mod peers;
mod process;
mod product;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};

use crate::live::LiveJob;
use crate::process::Usage;

/// The same allocator on both sides.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One job in both forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Job {
    JsonToJson,
    /// Of sixty fields, five are kept.
    WideJsonToJson,
    CsvToParquet,
}

/// The types of columns that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Number,
    Text,
}

/// What a row of the sample has, after a number of its own.
const FIELDS: [(&str, Kind); 6] = [
    ("number", Kind::Number),
    ("date", Kind::Text),
    ("delay", Kind::Number),
    ("distance", Kind::Number),
    ("origin", Kind::Text),
    ("destination", Kind::Text),
];

impl Job {
    const ALL: [Self; 3] = [Self::JsonToJson, Self::WideJsonToJson, Self::CsvToParquet];

    fn title(self) -> &'static str {
        match self {
            Self::JsonToJson => "JSON lines, filter, 3 columns, JSON lines",
            Self::WideJsonToJson => "JSON lines, 5 of 60 fields, filter, 3 columns, JSON lines",
            Self::CsvToParquet => "CSV, filter, 3 columns, Parquet",
        }
    }

    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::JsonToJson | Self::WideJsonToJson => "jsonl",
            Self::CsvToParquet => "csv",
        }
    }

    /// The fields that are read.
    pub(crate) fn fields(self) -> impl Iterator<Item = (&'static str, Kind)> {
        FIELDS.into_iter().filter(move |it| self != Self::WideJsonToJson || it.0 != "date")
    }
}

/// The filter and the computed columns, for both sides.
pub(crate) const FILTER: &str = "delay >= 0";
pub(crate) const COLUMNS: [(&str, &str); 3] = [
    ("distance_km", "round(distance * 1.609344, 1)"),
    ("route", "origin || '-' || destination"),
    (
        "delay_class",
        "CASE WHEN delay < 15 THEN 'on time' WHEN delay < 60 THEN 'late' ELSE 'very late' END",
    ),
];

fn main() -> anyhow::Result<()> {
    if bare::run_if_asked()? {
        return Ok(());
    }
    let megabytes = setting("BENCH_MB", 1_000)?;
    let runs = setting("BENCH_RUNS", 3)?.max(1);
    let dir = tempfile::Builder::new().prefix("weir-bench").tempdir_in(".")?;
    let wanted = std::env::var("BENCH_ONLY").unwrap_or_default();
    let is_wanted = |part: &str| wanted.is_empty() || wanted.split(',').any(|it| it == part);
    if is_wanted("live") {
        checkpoints(setting("BENCH_RECORDS", 100_000_000)?, runs, dir.path())?;
    }
    if is_wanted("latency") {
        latency::measure(setting("BENCH_SECONDS", 30)?.max(1), dir.path())?;
    }
    // Others are not there unless somebody has asked for them.
    if wanted.split(',').any(|it| it == "peers") {
        peers::measure(megabytes, runs, dir.path())?;
    }
    if !is_wanted("files") {
        return Ok(());
    }
    println!("input: {megabytes} MB a job, {runs} runs each, median; {}", machine());
    println!();
    println!(
        "| job | side | M rows/s | MB/s | cores used | peak MB | per core, to bare | wall, to bare |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for job in Job::ALL {
        measure(job, megabytes, runs, dir.path())?;
    }
    println!();
    memory(dir.path(), megabytes)?;
    idle(dir.path())
}

fn setting(name: &str, default: u64) -> anyhow::Result<u64> {
    match std::env::var(name) {
        Ok(text) => text.parse().with_context(|| format!("{name}={text} is no number")),
        Err(_) => Ok(default),
    }
}

fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|it| it.strip_prefix("model name"));
    let model = model.map_or("unknown CPU", |it| it.trim_start_matches([' ', '\t', ':']));
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    format!("{cores} cores of {model}")
}

fn measure(job: Job, megabytes: u64, runs: u64, dir: &Path) -> anyhow::Result<()> {
    let input = dir.join(format!("input.{}", job.extension()));
    let made = data::make(job, &input, megabytes)?;
    let mut bare_runs = Vec::new();
    let mut bare_pairs = Vec::new();
    let mut one_runs = Vec::new();
    let mut two_runs = Vec::new();
    // Side by side, so that a noisy neighbour hits both.
    for run in 0..runs {
        let output = dir.join("bare.out");
        bare_runs.push(bare::measured(job, &input, &output)?);
        bare_pairs.push(bare_pair(job, &data::split(job, &input, 2, dir)?, dir)?);
        let expected = oracle::digest(job, &[output])?;
        for (instances, results) in [(1, &mut one_runs), (2, &mut two_runs)] {
            let inputs = data::split(job, &input, instances, dir)?;
            let done = product::run(job, &inputs, &dir.join(format!("{job:?}-{instances}-{run}")))?;
            let found = oracle::digest(job, &done.outputs)?;
            ensure!(found == expected, "{job:?} on {instances}: {found:?} is not {expected:?}");
            results.push(done.usage);
        }
    }
    let bare = median(bare_runs);
    row(job, "bare loop, 1 thread", made, bare, bare);
    row(job, "bare loops, 2 processes", made, median(bare_pairs), bare);
    row(job, "weir, 1 file", made, median(one_runs), bare);
    row(job, "weir, 2 instances, 2 files", made, median(two_runs), bare);
    std::fs::remove_file(&input)?;
    Ok(())
}

/// The same live workflow with checkpoints and without any until its end.
fn checkpoints(records: u64, runs: u64, dir: &Path) -> anyhow::Result<()> {
    println!("{records} records, {runs} runs each, median; {}", machine());
    println!();
    println!("| live workflow | checkpoints | M rows/s | cores used | peak MB | per core | wall |");
    println!("|---|---|---|---|---|---|---|");
    for job in LiveJob::ALL {
        let (mut without, mut with) = (Vec::new(), Vec::new());
        for run in 0..runs {
            let at = |name: &str| dir.join(format!("{job:?}-{name}-{run}"));
            let bare = live::run(job, records, "1h", &at("bare"))?;
            let done = live::run(job, records, "10s", &at("done"))?;
            let digest = |it: &[PathBuf]| oracle::digest(Job::JsonToJson, it);
            let (expected, found) = (digest(&bare.outputs)?, digest(&done.outputs)?);
            ensure!(found == expected, "{job:?}: {found:?} is not {expected:?}");
            without.push(bare.usage);
            with.push(done.usage);
            ["bare", "done"].iter().try_for_each(|it| std::fs::remove_dir_all(at(it)))?;
        }
        let bare = median(without);
        live_row(job, "at the end", records, bare, bare);
        live_row(job, "every 10 s", records, median(with), bare);
    }
    println!();
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn live_row(job: LiveJob, checkpoints: &str, records: u64, usage: Usage, bare: Usage) {
    let (wall, cpu) = (usage.wall.as_secs_f64(), usage.cpu.as_secs_f64());
    println!(
        "| {} | {checkpoints} | {:.2} | {:.2} | {} | {:.2} | {:.2} |",
        job.title(),
        records as f64 / wall / 1e6,
        cpu / wall,
        usage.peak_bytes / 1_000_000,
        bare.cpu.as_secs_f64() / cpu,
        bare.wall.as_secs_f64() / wall,
    );
}

/// Two bare loops side by side: what the second core gives at best.
fn bare_pair(job: Job, inputs: &[PathBuf], dir: &Path) -> anyhow::Result<Usage> {
    let run = |at: usize| bare::measured(job, &inputs[at], &dir.join(format!("pair-{at}.out")));
    let (first, second) = std::thread::scope(|scope| {
        let other = scope.spawn(|| run(1));
        (run(0), other.join().unwrap_or_else(|_| bail!("a bare loop panicked")))
    });
    let (first, second) = (first?, second?);
    Ok(Usage {
        wall: first.wall.max(second.wall),
        cpu: first.cpu + second.cpu,
        peak_bytes: first.peak_bytes + second.peak_bytes,
    })
}

fn median(mut runs: Vec<Usage>) -> Usage {
    runs.sort_by_key(|it| it.wall);
    runs[runs.len() / 2]
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn row(job: Job, side: &str, made: data::Made, usage: Usage, bare: Usage) {
    let wall = usage.wall.as_secs_f64();
    let cpu = usage.cpu.as_secs_f64();
    println!(
        "| {} | {side} | {:.2} | {:.0} | {:.2} | {} | {:.2} | {:.2} |",
        job.title(),
        made.rows as f64 / wall / 1e6,
        made.bytes as f64 / wall / 1e6,
        cpu / wall,
        usage.peak_bytes / 1_000_000,
        bare.cpu.as_secs_f64() / cpu,
        bare.wall.as_secs_f64() / wall,
    );
}

/// Peak memory must not follow the size of the file.
fn memory(dir: &Path, megabytes: u64) -> anyhow::Result<()> {
    println!("| peak memory | {} MB file | {megabytes} MB file |", megabytes / 10);
    println!("|---|---|---|");
    for job in Job::ALL {
        let mut peaks = Vec::new();
        for size in [megabytes / 10, megabytes] {
            let input = dir.join(format!("memory.{}", job.extension()));
            data::make(job, &input, size.max(1))?;
            let at = dir.join(format!("m-{job:?}-{size}"));
            let done = product::run(job, std::slice::from_ref(&input), &at)?;
            peaks.push(done.usage.peak_bytes / 1_000_000);
            std::fs::remove_file(&input)?;
        }
        println!("| {} | {} MB | {} MB |", job.title(), peaks[0], peaks[1]);
    }
    println!();
    Ok(())
}

/// An engine with nothing to do, on a data directory that exists.
fn idle(dir: &Path) -> anyhow::Result<()> {
    let (ready, resident_bytes) = product::idle(&dir.join("idle"))?;
    println!("idle engine: {} MB resident", resident_bytes / 1_000_000);
    println!("start to ready with an existing data directory: {} ms", ready.as_millis());
    Ok(())
}
