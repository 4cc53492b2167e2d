//! What is wrong with the configuration of messages, before any of them is there.

use arrow::datatypes::SchemaRef;
use weir_domain::Finding;
use weir_formats::FormatConfig;

use super::attribute::{self, Attribute, AttributeConfig, schema_with};
use super::{BAD_FIELD, BAD_FORMAT};
use crate::finding;

/// The schema of the records that a source of messages makes, where it is known by now, or what is
/// wrong.
pub(crate) fn source_schema(
    format: &FormatConfig,
    attributes: &[AttributeConfig],
    has: &[Attribute],
) -> (Option<SchemaRef>, Vec<Finding>) {
    let (body, mut findings) = body_schema(format);
    if matches!(format, FormatConfig::Json(_)) && body.is_none() && findings.is_empty() {
        let cause = "nothing says which fields the messages have";
        let fix = "write their fields: schema: [{ name: id, type: int64 }]";
        findings.push(finding(BAD_FORMAT, "format.schema", cause).with_fix(fix));
    }
    findings.extend(attribute::findings(attributes, body.as_ref(), has));
    let schema = body.filter(|_| findings.is_empty()).map(|it| schema_with(&it, attributes));
    (schema, findings)
}

/// What is wrong with a sink of messages: its format, and the fields that stand beside the body, with the paths
/// that name them.
pub(crate) fn sink_findings<'a>(
    format: &FormatConfig,
    fields: impl Iterator<Item = (String, &'a String)>,
    input: Option<&SchemaRef>,
) -> Vec<Finding> {
    let (_, mut findings) = body_schema(format);
    let Some(input) = input else { return findings };
    for (path, name) in fields {
        match input.field_with_name(name) {
            Err(_) => {
                let cause = format!("there is no field {name}");
                let fix = "name a field that the records have";
                findings.push(finding(BAD_FIELD, path, cause).with_fix(fix));
            }
            Ok(field) if field.data_type().is_nested() => {
                let cause = format!("the field {name} has no text: it is {}", field.data_type());
                let fix = "map what is needed of it to a field of its own";
                findings.push(finding(BAD_FIELD, path, cause).with_fix(fix));
            }
            Ok(_) => {}
        }
    }
    findings
}

fn body_schema(format: &FormatConfig) -> (Option<SchemaRef>, Vec<Finding>) {
    match format {
        FormatConfig::Csv(_) | FormatConfig::Parquet(_) | FormatConfig::Arrow(_) => {
            let cause = "this format has no single records";
            let fix = "use one whose records stand on their own, as JSON, raw or Avro";
            (None, vec![finding(BAD_FORMAT, "format.type", cause).with_fix(fix)])
        }
        FormatConfig::Json(_)
        | FormatConfig::FixedWidth(_)
        | FormatConfig::Raw(_)
        | FormatConfig::Avro(_)
        | FormatConfig::Protobuf(_) => match format.declared_schema() {
            Ok(declared) => (declared, Vec::new()),
            Err(errors) => {
                let error = |it: weir_formats::ConfigError| {
                    let path = format!("format.{}", it.path);
                    finding(BAD_FORMAT, path, it.cause).with_fix(it.fix)
                };
                (None, errors.into_iter().map(error).collect())
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::{DataType, Field, Schema};
    use serde_json::json;

    use super::*;

    fn format(config: serde_json::Value) -> FormatConfig {
        serde_json::from_value(config).unwrap()
    }

    #[test]
    fn messages_need_fields_that_are_known() {
        let paths = |config| {
            let (schema, findings) = source_schema(&format(config), &[], &[]);
            assert_eq!(schema.is_some(), findings.is_empty());
            findings.into_iter().map(|it| it.path).collect::<Vec<_>>()
        };
        let fields = json!([{ "name": "id", "type": "int64" }]);
        assert_eq!(paths(json!({ "type": "json", "schema": fields })), Vec::<String>::new());
        assert_eq!(paths(json!({ "type": "raw" })), Vec::<String>::new());
        assert_eq!(paths(json!({ "type": "json" })), ["format.schema"]);
        assert_eq!(paths(json!({ "type": "csv" })), ["format.type"]);
        let unknown = json!([{ "name": "id", "type": "number" }]);
        assert_eq!(paths(json!({ "type": "json", "schema": unknown })), ["format.schema[0].type"]);
    }

    #[test]
    fn what_stands_beside_a_body_is_a_field_with_a_text() {
        let list = DataType::new_list(DataType::Utf8, true);
        let fields = vec![Field::new("a", DataType::Utf8, true), Field::new("b", list, true)];
        let input = Arc::new(Schema::new(fields));
        let named = ["a", "b", "c"].map(|it| (format!("headers.{it}"), it.to_owned()));
        let named = named.iter().map(|it| (it.0.clone(), &it.1));
        let found = sink_findings(&format(json!({ "type": "json" })), named, Some(&input));
        assert_eq!(found.iter().map(|it| &it.path).collect::<Vec<_>>(), ["headers.b", "headers.c"]);
    }
}
