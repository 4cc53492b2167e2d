//! Faults of reading and writing a whole file, each with its code.

use std::io;

use weir_domain::Fault;

use crate::ConfigError;

const READ_FAILED: u32 = 4100;
const COMPRESSION_DAMAGED: u32 = 4101;
const PARQUET_DAMAGED: u32 = 4102;
const FORMAT_INVALID: u32 = 4103;
const HEADER_UNUSABLE: u32 = 4104;
const COLUMN_MISSING: u32 = 4105;
const LAYOUT_WRONG: u32 = 4106;
const WRITE_FAILED: u32 = 4107;
const SCHEMA_UNWRITABLE: u32 = 4108;
const RECORDS_UNWRITABLE: u32 = 4109;
const RECORDS_UNREADABLE: u32 = 4110;
const ARROW_DAMAGED: u32 = 4111;
const AVRO_DAMAGED: u32 = 4112;
const REGISTRY_AWAY: u32 = 4113;
const REGISTRY_REFUSES: u32 = 4114;
const SAMPLE_UNREAD: u32 = 4115;

/// The operating system refused a read.
pub(crate) fn read_failed(error: &io::Error, at: u64) -> Fault {
    Fault::transient(READ_FAILED, format!("reading failed after byte {at} of the file: {error}"))
}

/// The file ends or breaks within its compression.
pub(crate) fn compression_damaged(name: &str, error: &io::Error, at: u64, given: u64) -> Fault {
    let text = format!(
        "the {name} data is damaged or cut off near byte {at} of the file, \
         after {given} decompressed bytes: {error}"
    );
    Fault::data(COMPRESSION_DAMAGED, text).with_hint("have the file written or transferred again")
}

pub(crate) fn parquet_damaged(cause: &str) -> Fault {
    Fault::data(PARQUET_DAMAGED, format!("the file can't be read as Parquet: {cause}"))
        .with_hint("check that the file is Parquet and was written to its end")
}

pub(crate) fn arrow_damaged(cause: &str) -> Fault {
    Fault::data(ARROW_DAMAGED, format!("the file can't be read as Arrow IPC: {cause}"))
        .with_hint("check that the file is Arrow IPC and was written to its end")
}

pub(crate) fn avro_damaged(cause: &str) -> Fault {
    Fault::data(AVRO_DAMAGED, format!("the file can't be read as Avro: {cause}"))
        .with_hint("check that the file is an Avro container and was written to its end")
}

/// The schema registry can't be reached, or is not well.
pub(crate) fn registry_away(url: &str, cause: &str) -> Fault {
    Fault::transient(REGISTRY_AWAY, format!("the schema registry {url} does not serve: {cause}"))
        .with_hint("check the format's `registry.url` and that the registry runs")
}

pub(crate) fn registry_refuses(url: &str, cause: &str) -> Fault {
    Fault::config(REGISTRY_REFUSES, format!("the schema registry {url} refuses: {cause}"))
        .with_hint("check the format's `registry`: user, token, subject and schema")
}

/// The configuration of a format is wrong in itself.
pub(crate) fn format_invalid(errors: &[ConfigError]) -> Fault {
    let causes: Vec<_> = errors.iter().map(ToString::to_string).collect();
    let fault = Fault::config(FORMAT_INVALID, causes.join("; "));
    match errors.iter().find(|it| !it.fix.is_empty()) {
        Some(first) => fault.with_hint(&first.fix),
        None => fault,
    }
}

pub(crate) fn combination(cause: &str, fix: &str) -> Fault {
    Fault::config(FORMAT_INVALID, cause).with_hint(fix)
}

pub(crate) fn header_unusable(cause: impl Into<String>) -> Fault {
    Fault::data(HEADER_UNUSABLE, cause)
}

/// Nothing of a sample is read, in the format that it was taken for.
pub(crate) fn sample_unread(what: &str, hint: &str) -> Fault {
    Fault::config(SAMPLE_UNREAD, what).with_hint(hint)
}

pub(crate) fn column_missing(cause: impl Into<String>, fix: impl Into<String>) -> Fault {
    Fault::config(COLUMN_MISSING, cause).with_hint(fix)
}

/// The file is not laid out as the format says.
pub(crate) fn layout_wrong(cause: impl Into<String>, fix: &str) -> Fault {
    Fault::data(LAYOUT_WRONG, cause).with_hint(fix)
}

/// Arrow has no decoder for a type.
pub(crate) fn schema_unreadable(cause: &str) -> Fault {
    Fault::config(FORMAT_INVALID, format!("the schema can't be read from this format: {cause}"))
}

/// Records that were good one by one are refused together.
pub(crate) fn records_unreadable(cause: &str) -> Fault {
    Fault::data(RECORDS_UNREADABLE, format!("records can't be decoded: {cause}"))
}

pub(crate) fn write_failed(kind: io::ErrorKind, cause: &str) -> Fault {
    let fault = Fault::transient(WRITE_FAILED, format!("the output can't be written: {cause}"));
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            fault.with_hint("free space on the output's file system, or write elsewhere")
        }
        _ => fault,
    }
}

pub(crate) fn schema_unwritable(cause: impl Into<String>, fix: &str) -> Fault {
    Fault::config(SCHEMA_UNWRITABLE, cause).with_hint(fix)
}

pub(crate) fn records_unwritable(cause: &str) -> Fault {
    Fault::data(RECORDS_UNWRITABLE, format!("records can't be written in this format: {cause}"))
}
