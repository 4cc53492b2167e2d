//! What comes beside the body of a message, as fields of the record.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryBuilder, Int64Array, StringBuilder, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_domain::Finding;

use super::BAD_FIELD;
use super::incoming::Incoming;
use crate::finding;

/// A field of the record that is made from what comes beside the body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AttributeConfig {
    /// The name of the field.
    pub name: String,
    pub from: Attribute,
    /// Which header: with `from: header`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
}

/// What comes beside the body. What a message has not is null.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Attribute {
    /// Its key, as text.
    Key,
    /// Its key, as bytes.
    KeyBytes,
    /// The topic, subject, path or peer that it came by.
    Address,
    Partition,
    Offset,
    /// When it was sent, or where that is unknown came in.
    Timestamp,
    /// The value of a header, as text.
    Header,
}

impl AttributeConfig {
    fn field(&self) -> Field {
        let data_type = match self.from {
            Attribute::Key | Attribute::Address | Attribute::Header => DataType::Utf8,
            Attribute::KeyBytes => DataType::Binary,
            Attribute::Partition | Attribute::Offset => DataType::Int64,
            Attribute::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        };
        Field::new(&self.name, data_type, true)
    }

    /// The values of a column, one of each message.
    pub(super) fn column(&self, messages: &[&Incoming]) -> ArrayRef {
        let text = |of: &dyn Fn(&Incoming) -> Option<String>| -> ArrayRef {
            let mut column = StringBuilder::new();
            messages.iter().for_each(|it| column.append_option(of(it)));
            Arc::new(column.finish())
        };
        let lossy = |it: &[u8]| String::from_utf8_lossy(it).into_owned();
        match self.from {
            Attribute::Key => text(&|it| it.key.as_deref().map(lossy)),
            Attribute::Address => text(&|it| it.address.as_deref().map(str::to_owned)),
            Attribute::Header => text(&|it| {
                let wanted = self.header.as_deref()?;
                let found = it.headers.iter().rev().find(|it| it.0 == wanted)?;
                Some(lossy(&found.1))
            }),
            Attribute::KeyBytes => {
                let mut column = BinaryBuilder::new();
                messages.iter().for_each(|it| column.append_option(it.key.as_deref()));
                Arc::new(column.finish())
            }
            Attribute::Partition => {
                Arc::new(messages.iter().map(|it| it.partition).collect::<Int64Array>())
            }
            Attribute::Offset => {
                Arc::new(messages.iter().map(|it| it.offset).collect::<Int64Array>())
            }
            Attribute::Timestamp => {
                let micros = |it: &&Incoming| it.at.map(|it| it.0.saturating_mul(1_000));
                let column: TimestampMicrosecondArray = messages.iter().map(micros).collect();
                Arc::new(column.with_timezone("UTC"))
            }
        }
    }
}

/// Whether a field is made from this header: none else has to be kept.
pub(crate) fn takes_header(attributes: &[AttributeConfig], name: &str) -> bool {
    attributes.iter().any(|it| it.header.as_deref() == Some(name))
}

/// The fields of the body, and behind them those of the attributes.
pub(crate) fn schema_with(body: &SchemaRef, attributes: &[AttributeConfig]) -> SchemaRef {
    if attributes.is_empty() {
        return body.clone();
    }
    let fields = body.fields().iter().map(|it| it.as_ref().clone());
    Arc::new(Schema::new(
        fields.chain(attributes.iter().map(AttributeConfig::field)).collect::<Vec<_>>(),
    ))
}

/// What is wrong with attributes beside a body of this schema. `has` tells which ones this connector's messages
/// can have.
pub(crate) fn findings(
    attributes: &[AttributeConfig],
    body: Option<&SchemaRef>,
    has: &[Attribute],
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut wrong = |path: String, cause: String, fix: &str| {
        findings.push(finding(BAD_FIELD, path, cause).with_fix(fix));
    };
    for (at, it) in attributes.iter().enumerate() {
        let path = |key: &str| format!("attributes[{at}].{key}");
        let twin = attributes[..at].iter().any(|other| other.name == it.name)
            || body.is_some_and(|body| body.field_with_name(&it.name).is_ok());
        if twin || it.name.is_empty() {
            let cause = format!("each field needs a name of its own, and \"{}\" is none", it.name);
            wrong(path("name"), cause, "choose another name");
        }
        if !has.contains(&it.from) {
            wrong(path("from"), "these messages have nothing of that".into(), "leave it out");
        }
        if (it.from == Attribute::Header) != it.header.is_some() {
            let cause = "`header` names the header that `from: header` takes".to_owned();
            wrong(path("header"), cause, "write both or none of them");
        }
    }
    findings
}
