//! What can be said of a source's or a sink's configuration without looking at files or objects.

use arrow::datatypes::SchemaRef;
use weir_domain::{Bytes, Finding, Millis, Place, Reprocess};
use weir_formats::{Compression, FormatConfig};

use super::codes;
use super::config::WriteCompression;
use super::pattern::Pattern;
use super::split::Split;
use super::template::Template;
use crate::finding as error;

/// Of the keys `glob` and `regex`.
pub(crate) fn check_pattern(glob: Option<&str>, regex: Option<&str>, findings: &mut Vec<Finding>) {
    if let Err(bad) = Pattern::new(glob, regex) {
        findings.push(error(codes::BAD_PATTERN, bad.key, bad.cause));
    }
}

/// How often is looked, and what for. `kept` is the fix where finished items stay where they are.
pub(crate) fn check_polling(
    interval: Millis,
    reprocess: Reprocess,
    kept: Option<&str>,
    findings: &mut Vec<Finding>,
) {
    if interval.0 == 0 {
        let cause = "it would be listed without a pause";
        findings.push(error(codes::BAD_VALUE, "interval", cause).with_fix("write for instance 5s"));
    }
    if let (Reprocess::Always, Some(fix)) = (reprocess, kept) {
        let cause = "all that is there is processed again each time it is listed";
        findings.push(
            Finding::warning(codes::ENDLESS, Place::default(), "reprocess", cause).with_fix(fix),
        );
    }
}

/// A registry is for the messages of brokers.
pub(crate) fn check_registry(format: &FormatConfig, findings: &mut Vec<Finding>) {
    if let FormatConfig::Avro(avro) = format
        && avro.registry.is_some()
    {
        let cause = "a file of Avro has its schema in it, and no registry";
        findings.push(
            error(codes::BAD_FORMAT, "format.registry", cause).with_fix("remove the registry"),
        );
    }
}

/// The declared schema, or what is wrong with it.
pub(crate) fn check_schema(
    format: &FormatConfig,
    findings: &mut Vec<Finding>,
) -> Option<SchemaRef> {
    match format.declared_schema() {
        Ok(declared) => declared,
        Err(errors) => {
            findings.extend(errors.into_iter().map(|it| {
                let path = format!("format.{}", it.path);
                error(codes::BAD_SCHEMA, path, it.cause).with_fix(it.fix)
            }));
            None
        }
    }
}

pub(crate) fn check_name(name: &str, input: Option<&SchemaRef>, findings: &mut Vec<Finding>) {
    let template = match Template::parse(name) {
        Ok(template) => template,
        Err(bad) => {
            findings.push(error(codes::BAD_TEMPLATE, "name", bad.cause).with_fix(bad.fix));
            return;
        }
    };
    let Some(schema) = input else { return };
    for field in template.fields() {
        if let Err(bad) = Split::new(&[field], schema) {
            findings.push(error(codes::BAD_FIELD, "name", bad.cause).with_fix(bad.fix));
        }
    }
}

pub(crate) fn check_rolling(
    roll_records: Option<u64>,
    roll_bytes: Option<Bytes>,
    findings: &mut Vec<Finding>,
) {
    let zeros = [
        ("rollRecords", roll_records == Some(0)),
        ("rollBytes", roll_bytes.is_some_and(|it| it.0 == 0)),
    ];
    for (path, _) in zeros.iter().filter(|it| it.1) {
        let cause = "nothing can be full before it has a record";
        let fix = "write a number above 0, or leave it out for any size";
        findings.push(error(codes::BAD_VALUE, *path, cause).with_fix(fix));
    }
}

/// What the format can't do, by itself and with these records.
pub(crate) fn check_format(
    format: &FormatConfig,
    compression: WriteCompression,
    input: Option<&SchemaRef>,
    findings: &mut Vec<Finding>,
) {
    check_schema(format, findings);
    match format {
        FormatConfig::Parquet(_) if compression != WriteCompression::None => {
            let cause = "Parquet is compressed inside, page by page";
            let fix = "leave compression out, and set format.compression";
            findings.push(error(codes::BAD_FORMAT, "compression", cause).with_fix(fix));
        }
        FormatConfig::Csv(_) => {
            let fields = input.iter().flat_map(|it| it.fields().iter());
            for field in fields.filter(|it| it.data_type().is_nested()) {
                let cause = format!("CSV has no nested fields, and {} is one", field.name());
                let fix = "map its parts to fields of their own, or write JSON or Parquet";
                findings.push(error(codes::BAD_FORMAT, "format", cause).with_fix(fix));
            }
        }
        FormatConfig::Json(_) | FormatConfig::Parquet(_) => {}
        FormatConfig::FixedWidth(_)
        | FormatConfig::Raw(_)
        | FormatConfig::Arrow(_)
        | FormatConfig::Avro(_)
        | FormatConfig::Protobuf(_) => findings.extend(input.and_then(|it| refusal(format, it))),
    }
}

/// What the format says of the fields that it is to write. That it is wrong in itself was said.
fn refusal(format: &FormatConfig, input: &SchemaRef) -> Option<Finding> {
    format.declared_schema().ok()?;
    let nowhere = Box::new(std::io::sink());
    let made = weir_formats::create(format, input.clone(), nowhere, Compression::None);
    let fault = made.err()?;
    let fix = fault.hint.unwrap_or_default();
    Some(error(codes::BAD_FORMAT, "format", fault.message).with_fix(fix))
}
