//! What checkpoints cost a live workflow: the same records with one every ten seconds, and with none
//! until the end.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{bail, ensure};
use serde_json::Value;
use weir_runtime::Stopwatch;

use crate::process::{self, Usage};
use crate::product::{Done, Engine};

/// A live workflow of two lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LiveJob {
    Stateless,
    /// With a million keys in its checkpoints.
    Keyed,
}

impl LiveJob {
    pub(crate) const ALL: [Self; 2] = [Self::Stateless, Self::Keyed];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Stateless => "generator, filter, 1 column, JSON lines",
            Self::Keyed => "generator, deduplicate 1 M keys, filter, JSON lines",
        }
    }

    fn stages(self) -> &'static str {
        match self {
            Self::Stateless => {
                "    - { name: pass, from: make, processor: { mapping: { set: { next: number + 1 } } } }\n"
            }
            Self::Keyed => {
                "    - { name: pass, from: make, processor: { deduplicate: { key: [partition, key], within: 1h } } }\n"
            }
        }
    }
}

/// Makes so many records in all, and runs until all of them are through and committed.
pub(crate) fn run(job: LiveJob, records: u64, interval: &str, dir: &Path) -> anyhow::Result<Done> {
    let project = dir.join("project");
    write_project(job, records, &project)?;
    let setting = format!("weir.stream.checkpoint-interval={interval}");
    let watch = Stopwatch::start();
    let engine = Engine::start(dir, &project, &[setting])?;
    engine.wait_until_ready()?;
    loop {
        let view = engine.get("/api/v1/workflows/bench")?;
        if view["rolledBack"].as_u64() != Some(0) {
            bail!("a stream was rolled back: {view}");
        }
        if view["committed"].as_u64() == Some(2) {
            break;
        }
        ensure!(watch.elapsed() < Duration::from_secs(900), "not done in 15 minutes: {view}");
        std::thread::sleep(Duration::from_millis(100));
    }
    let pid = engine.pid();
    let usage = Usage {
        wall: watch.elapsed(),
        cpu: process::cpu(pid),
        peak_bytes: process::peak_bytes(pid),
    };
    engine.stop()?;
    let files = fs::read_dir(project.join("out"))?.filter_map(|it| Some(it.ok()?.path()));
    Ok(Done { usage, outputs: files.filter(|it| it.is_file()).collect() })
}

fn write_project(job: LiveJob, records: u64, dir: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(dir.join("out"))?;
    fs::write(
        dir.join("project.yaml"),
        "apiVersion: weir/v1\nkind: Project\nmetadata: { name: bench }\nspec: {}\n",
    )?;
    let fields = "[{ name: partition, make: partition }, { name: number, make: sequence }, \
                  { name: key, make: integer, min: 0, max: 249999 }, \
                  { name: amount, make: integer, min: 0, max: 999 }]";
    let filter = Value::from("amount >= 900");
    let stages = job.stages();
    let workflow = format!(
        "apiVersion: weir/v1
kind: Workflow
metadata: {{ name: bench }}
spec:
  instances: 2
  stages:
    - name: make
      source:
        generator: {{ records: {records}, partitions: 4, fields: {fields} }}
{stages}    - name: keep
      from: pass
      processor:
        filterRoute:
          rules: [{{ when: {filter}, to: kept }}]
          otherwise: drop
    - name: write
      from: keep.kept
      sink:
        file:
          directory: out
          name: \"${{stream}}.jsonl\"
          format: {{ type: json }}
"
    );
    fs::write(dir.join("bench.yaml"), workflow)?;
    Ok(())
}
