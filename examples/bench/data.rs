//! Inputs of any size from the sample's real rows.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};

use crate::Job;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Made {
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
}

/// The sound rows of the sample: date, delay, distance, origin, destination.
fn sample() -> anyhow::Result<Vec<[String; 5]>> {
    let dir = Path::new("samples/flights/in");
    let mut files: Vec<_> = std::fs::read_dir(dir)
        .with_context(|| format!("{} can't be read: run in the repository", dir.display()))?
        .filter_map(|it| Some(it.ok()?.path()))
        .filter(|it| it.extension().is_some_and(|it| it == "csv"))
        .collect();
    files.sort();
    let mut rows = Vec::new();
    for file in files {
        let text = String::from_utf8_lossy(&std::fs::read(&file)?).into_owned();
        for line in text.lines().skip(1) {
            let fields: Vec<_> = line.split(',').map(str::to_owned).collect();
            let Ok(row) = <[String; 5]>::try_from(fields) else { continue };
            if row[1].parse::<i64>().is_ok() && row[2].parse::<i64>().is_ok() {
                rows.push(row);
            }
        }
    }
    ensure!(rows.len() > 1_000, "only {} rows in {}", rows.len(), dir.display());
    Ok(rows)
}

/// Writes the sample's rows again and again, each with a number of its own.
pub(crate) fn make(job: Job, path: &Path, megabytes: u64) -> anyhow::Result<Made> {
    let sample = sample()?;
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut made = Made { rows: 0, bytes: 0 };
    let mut line = String::new();
    if job == Job::CsvToParquet {
        line.push_str(CSV_HEADER);
        out.write_all(line.as_bytes())?;
    }
    for row in sample.iter().cycle() {
        if made.bytes >= megabytes * 1_000_000 {
            break;
        }
        line.clear();
        write_row(job, &mut line, made.rows, row);
        out.write_all(line.as_bytes())?;
        made.rows += 1;
        made.bytes += line.len() as u64;
    }
    out.into_inner().map_err(|it| it.into_error())?.sync_all()?;
    Ok(made)
}

const CSV_HEADER: &str = "number,date,delay,distance,origin,destination\n";

const WIDE_FIELDS: usize = 60;
/// Which of them are read: each twelfth.
const WIDE_EVERY: usize = WIDE_FIELDS / 5;

fn write_row(job: Job, line: &mut String, id: u64, row: &[String; 5]) {
    use std::fmt::Write as _;
    let [date, delay, distance, origin, destination] = row;
    let written = match job {
        Job::JsonToJson => writeln!(
            line,
            r#"{{"number":{id},"date":"{date}","delay":{delay},"distance":{distance},"origin":"{origin}","destination":"{destination}"}}"#
        ),
        Job::WideJsonToJson => {
            // Those that are read stand among fields of the kinds that such records have.
            let read = [
                format!(r#""number":{id}"#),
                format!(r#""delay":{delay}"#),
                format!(r#""distance":{distance}"#),
                format!(r#""origin":"{origin}""#),
                format!(r#""destination":"{destination}""#),
            ];
            line.push('{');
            let written = (0..WIDE_FIELDS).try_for_each(|at| {
                let comma = if at == 0 { "" } else { "," };
                match (at % WIDE_EVERY, at % 4) {
                    (0, _) => write!(line, "{comma}{}", read[at / WIDE_EVERY]),
                    (_, 0) => write!(line, r#"{comma}"count_{at}":{}"#, id * 7 + at as u64),
                    (_, 1) => write!(line, r#"{comma}"name_{at}":"{date} {origin}""#),
                    (_, 2) => write!(line, r#"{comma}"share_{at}":{distance}.{at}"#),
                    _ => write!(line, r#"{comma}"flag_{at}":{}"#, id.is_multiple_of(2)),
                }
            });
            line.push_str("}\n");
            written
        }
        Job::CsvToParquet => {
            writeln!(line, "{id},{date},{delay},{distance},{origin},{destination}")
        }
    };
    debug_assert!(written.is_ok(), "a string takes everything");
}

/// The same rows in as many files as there are instances.
pub(crate) fn split(
    job: Job,
    input: &Path,
    parts: usize,
    dir: &Path,
) -> anyhow::Result<Vec<PathBuf>> {
    if parts == 1 {
        return Ok(vec![input.to_path_buf()]);
    }
    let bytes = std::fs::read(input)?;
    let header = if job == Job::CsvToParquet { CSV_HEADER.len() } else { 0 };
    let mut paths = Vec::new();
    let mut from = header;
    for part in 0..parts {
        let path = dir.join(format!("part-{part}.{}", job.extension()));
        let goal = header + (bytes.len() - header) * (part + 1) / parts;
        let to = bytes[goal.min(bytes.len())..].iter().position(|it| *it == b'\n');
        let to = to.map_or(bytes.len(), |it| goal + it + 1).min(bytes.len());
        let mut out = File::create(&path)?;
        out.write_all(&bytes[..header])?;
        out.write_all(&bytes[from..to])?;
        from = to;
        paths.push(path);
    }
    Ok(paths)
}
