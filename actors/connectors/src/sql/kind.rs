//! The kinds `sql` of sinks: what can be said of a configuration without the database.

use arrow::datatypes::SchemaRef;
use schemars::Schema;
use serde_json::Value;
use weir_domain::{Fault, Finding, did_you_mean};
use weir_stream::{BuildContext, Checked, ConfigError, SecretUse, Sink, SinkKind, decode_config};

use super::config::{OutputConfig, misplaced_secrets};
use super::session::Sessions;
use super::sink::SqlSink;
use super::{NAME, codes};
use crate::finding;

pub(super) struct Output {
    pub(super) sessions: Sessions,
}

impl SinkKind for Output {
    fn name(&self) -> &'static str {
        NAME
    }

    fn config_schema(&self) -> Schema {
        schemars::schema_for!(OutputConfig)
    }

    fn decode(&self, config: &Value) -> Result<(), ConfigError> {
        decode_config::<OutputConfig>(config).map(|_| ())
    }

    /// What is stored of it are tables and columns; `connection` is stored as it was deployed.
    fn secret_use(&self) -> SecretUse {
        SecretUse::Plain
    }

    fn check(&self, given: &Value, input: Option<&SchemaRef>) -> Checked {
        let Ok(config) = decode_config::<OutputConfig>(given) else { return Checked::default() };
        let mut findings = config.findings();
        findings.extend(misplaced_secrets(given));
        if let Some(input) = input {
            let named = config.columns.keys().map(|it| ("columns", it));
            let named = named.chain(config.key.iter().map(|it| ("key", it)));
            findings.extend(named.filter_map(|(path, field)| unknown(path, field, input)));
        }
        Checked { findings, ..Checked::default() }
    }

    fn build(&self, config: &Value, cx: &BuildContext) -> Result<Box<dyn Sink>, Fault> {
        let config: OutputConfig = cx.config(config, codes::CONFIG)?;
        Ok(Box::new(SqlSink::new(&config, cx, self.sessions.clone())?))
    }
}

/// That there is no such field, if there is none.
pub(super) fn unknown(path: &str, field: &str, input: &SchemaRef) -> Option<Finding> {
    if input.field_with_name(field).is_ok() {
        return None;
    }
    let near = did_you_mean(field, input.fields().iter().map(|it| it.name().as_str()));
    let fix = match near {
        Some(near) => format!("did you mean {near}?"),
        None => "name a field of the records".to_owned(),
    };
    Some(finding(codes::BAD_FIELD, path, format!("there is no field {field}")).with_fix(fix))
}
