//! Whether two runs wrote the same records, in whatever order and in however many files.

use std::collections::BTreeMap;
use std::fs::File;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use serde_json::Value;

use crate::Job;

/// Rows, and the exclusive or of their hashes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Digest {
    pub(crate) rows: u64,
    pub(crate) hash: u64,
}

impl Digest {
    fn add(&mut self, row: &[u8]) {
        let mut hasher = DefaultHasher::new();
        row.hash(&mut hasher);
        self.rows += 1;
        self.hash ^= hasher.finish();
    }
}

pub(crate) fn digest(job: Job, outputs: &[PathBuf]) -> anyhow::Result<Digest> {
    let mut digest = Digest::default();
    for path in outputs {
        add(job, path, &mut digest).with_context(|| path.display().to_string())?;
    }
    Ok(digest)
}

/// The same for lines of JSON whoever wrote them: the order of fields, nulls, how numbers are written and what
/// Pathway adds of its own are no difference.
pub(crate) fn canonical(outputs: &[PathBuf]) -> anyhow::Result<Digest> {
    let mut digest = Digest::default();
    for path in outputs {
        let reader = BufReader::with_capacity(1 << 20, File::open(path)?);
        for line in reader.split(b'\n') {
            let mut fields: BTreeMap<String, Value> = serde_json::from_slice(&line?)
                .with_context(|| format!("a line of {}", path.display()))?;
            fields.retain(|name, value| !value.is_null() && name != "time" && name != "diff");
            let text = |value: &Value| match value.as_f64() {
                Some(number) => number.to_string(),
                None => value.to_string(),
            };
            let fields: Vec<_> = fields.iter().map(|it| (it.0, text(it.1))).collect();
            digest.add(format!("{fields:?}").as_bytes());
        }
    }
    Ok(digest)
}

fn add(job: Job, path: &Path, digest: &mut Digest) -> anyhow::Result<()> {
    match job {
        Job::JsonToJson | Job::WideJsonToJson => {
            let reader = BufReader::with_capacity(1 << 20, File::open(path)?);
            for line in reader.split(b'\n') {
                digest.add(&line?);
            }
        }
        Job::CsvToParquet => {
            let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?.build()?;
            for batch in reader {
                let mut text = Vec::new();
                let mut writer = arrow::json::LineDelimitedWriter::new(&mut text);
                writer.write(&batch?)?;
                writer.finish()?;
                for line in text.split(|it| *it == b'\n').filter(|it| !it.is_empty()) {
                    digest.add(line);
                }
            }
        }
    }
    Ok(())
}
