//! Looks at the disk, by means that are none of Weir's own.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use arrow::array::RecordBatch;
use flate2::read::MultiGzDecoder;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

/// All files below a directory, hidden ones too, as sorted paths below it. A directory that is
/// not there has none.
pub(crate) fn below(dir: &Path) -> Vec<String> {
    let mut files = Vec::new();
    walk(dir, "", &mut files);
    files.sort();
    files
}

fn walk(dir: &Path, prefix: &str, files: &mut Vec<String>) {
    // What is looked at may be renamed or removed at the same time.
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(&entry.path(), &format!("{name}/"), files),
            _ => files.push(name),
        }
    }
}

/// All hidden files and directories below a directory.
pub(crate) fn hidden_below(dir: &Path) -> Vec<String> {
    let mut hidden = Vec::new();
    let mut pending = vec![dir.to_owned()];
    while let Some(dir) = pending.pop() {
        let Ok(entries) = fs::read_dir(&dir) else { continue };
        for path in entries.flatten().map(|it| it.path()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with('.') || name.ends_with(".part") {
                hidden.push(path.display().to_string());
            }
            if path.is_dir() {
                pending.push(path);
            }
        }
    }
    hidden.sort();
    hidden
}

/// The content of a file, decompressed by its extension.
pub(crate) fn bytes(path: &Path) -> Vec<u8> {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut bytes = Vec::new();
    let read = match path.extension().and_then(|it| it.to_str()) {
        Some("gz") => MultiGzDecoder::new(file).read_to_end(&mut bytes),
        Some("zst") => zstd::stream::read::Decoder::new(file).unwrap().read_to_end(&mut bytes),
        _ => { file }.read_to_end(&mut bytes),
    };
    read.unwrap_or_else(|error| panic!("{} is not whole: {error}", path.display()));
    bytes
}

/// The records of a file of JSON lines. Every line is whole, the last one too.
pub(crate) fn json_lines(path: &Path) -> Vec<Value> {
    let text = String::from_utf8(bytes(path)).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{} is cut off", path.display());
    let parse = |line: &str| {
        serde_json::from_str(line)
            .unwrap_or_else(|error| panic!("{}: {line:?}: {error}", path.display()))
    };
    text.lines().map(parse).collect()
}

/// All batches of a Parquet file.
pub(crate) fn parquet(path: &Path) -> Vec<RecordBatch> {
    let open = || -> Result<Vec<RecordBatch>, Box<dyn std::error::Error>> {
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?.build()?;
        Ok(reader.collect::<Result<_, _>>()?)
    };
    open().unwrap_or_else(|error| panic!("{} is not whole: {error}", path.display()))
}

pub(crate) fn gzip(text: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}
