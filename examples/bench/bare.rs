//! The bare loop: the same readers, expressions and writers in one function on one thread.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write as _};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use anyhow::Context as _;
use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use weir_domain::Clock as _;
use weir_expr::{Expression, Predicate};
use weir_runtime::{Stopwatch, SystemClock};

use crate::process::{self, Usage};
use crate::{COLUMNS, FILTER, Job, Kind};

const BATCH_ROWS: usize = 8_192;

/// The columns that are read.
fn schema(job: Job) -> SchemaRef {
    let field = |(name, kind)| {
        let kind = match kind {
            Kind::Number => DataType::Int64,
            Kind::Text => DataType::Utf8,
        };
        Field::new(name, kind, true)
    };
    Arc::new(Schema::new(job.fields().map(field).collect::<Vec<_>>()))
}

/// Runs the loop in a process of its own, so that its memory is its own.
pub(crate) fn measured(job: Job, input: &Path, output: &Path) -> anyhow::Result<Usage> {
    let mut child = Command::new(std::env::current_exe()?)
        .env("BENCH_BARE", format!("{job:?}"))
        .arg(input)
        .arg(output)
        .stdout(std::process::Stdio::piped())
        .spawn()?;
    let text = std::io::read_to_string(child.stdout.take().context("piped")?)?;
    anyhow::ensure!(child.wait()?.success(), "the bare loop failed");
    let numbers: Vec<u64> = text.split_whitespace().filter_map(|it| it.parse().ok()).collect();
    let [wall_us, cpu_ms, peak_bytes] = numbers[..] else { anyhow::bail!("unread: {text}") };
    Ok(Usage {
        wall: std::time::Duration::from_micros(wall_us),
        cpu: std::time::Duration::from_millis(cpu_ms),
        peak_bytes,
    })
}

/// The child's side of `measured`. Returns whether this process is one.
pub(crate) fn run_if_asked() -> anyhow::Result<bool> {
    let Ok(job) = std::env::var("BENCH_BARE") else { return Ok(false) };
    let mut paths = std::env::args().skip(1);
    let (input, output) = (paths.next().context("input")?, paths.next().context("output")?);
    let job = Job::ALL.into_iter().find(|it| format!("{it:?}") == job).context("a job")?;
    let watch = Stopwatch::start();
    bare_loop(job, Path::new(&input), Path::new(&output))?;
    let (wall, pid) = (watch.elapsed(), std::process::id());
    let cpu = process::cpu(pid);
    println!("{} {} {}", wall.as_micros(), cpu.as_millis(), process::peak_bytes(pid));
    Ok(true)
}

fn bare_loop(job: Job, input: &Path, output: &Path) -> anyhow::Result<()> {
    let file = BufReader::with_capacity(1 << 20, File::open(input)?);
    let out = File::create(output)?;
    let schema = schema(job);
    let filter = Predicate::compile(FILTER, &schema)?;
    let columns: Vec<_> = COLUMNS
        .iter()
        .map(|(name, text)| Ok((*name, Expression::compile(text, &schema)?)))
        .collect::<anyhow::Result<_>>()?;
    let mut fields: Vec<_> = schema.fields().iter().cloned().collect();
    fields.extend(columns.iter().map(|(name, expression)| {
        Arc::new(Field::new(*name, expression.data_type().clone(), expression.nullable()))
    }));
    let wide = Arc::new(Schema::new(fields));
    let now = SystemClock.now();
    let compute = |batch: RecordBatch| -> anyhow::Result<RecordBatch> {
        let kept = filter_record_batch(&batch, &filter.matches(&batch, now)?)?;
        let mut all: Vec<ArrayRef> = kept.columns().to_vec();
        for (_, expression) in &columns {
            all.push(expression.evaluate(&kept, now)?);
        }
        Ok(RecordBatch::try_new(wide.clone(), all)?)
    };
    match job {
        Job::JsonToJson | Job::WideJsonToJson => {
            let reader = arrow::json::ReaderBuilder::new(schema.clone())
                .with_batch_size(BATCH_ROWS)
                .build(file)?;
            let out = BufWriter::with_capacity(256 << 10, out);
            let mut writer = arrow::json::LineDelimitedWriter::new(out);
            for batch in reader {
                writer.write(&compute(batch?)?)?;
            }
            writer.finish()?;
            writer.into_inner().flush()?;
        }
        Job::CsvToParquet => {
            let reader = arrow::csv::ReaderBuilder::new(schema.clone())
                .with_header(true)
                .with_batch_size(BATCH_ROWS)
                .build_buffered(file)?;
            let compression = Compression::ZSTD(ZstdLevel::try_new(1)?);
            let properties = WriterProperties::builder().set_compression(compression).build();
            let mut writer = ArrowWriter::try_new(out, wide.clone(), Some(properties))?;
            for batch in reader {
                writer.write(&compute(batch?)?)?;
            }
            writer.close()?;
        }
    }
    // What the product promises, the loop does too.
    File::open(output)?.sync_all()?;
    Ok(())
}
