//! The kind `file` of sinks: what can be said of a configuration without looking at the disk.

use arrow::datatypes::SchemaRef;
use schemars::Schema;
use serde_json::Value;
use weir_domain::Fault;
use weir_stream::{BuildContext, Checked, ConfigError, SecretUse, Sink, SinkKind, decode_config};

use super::config::OutputConfig;
use super::sink::FileSink;
use super::source_kind::check_directory;
use super::{NAME, codes};
use crate::whole::checks::{check_format, check_name, check_rolling};

pub(super) struct Output;

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

    /// What it says of files is in their names, in journals and in logs.
    fn secret_use(&self) -> SecretUse {
        SecretUse::Refused
    }

    fn check(&self, config: &Value, input: Option<&SchemaRef>) -> Checked {
        let Ok(config) = decode_config::<OutputConfig>(config) else { return Checked::default() };
        let mut findings = Vec::new();
        check_directory("directory", &config.directory, &mut findings);
        check_name(&config.name, input, &mut findings);
        check_rolling(config.roll_records, config.roll_bytes, &mut findings);
        check_format(&config.format, config.compression, input, &mut findings);
        Checked { findings, ..Checked::default() }
    }

    fn build(&self, config: &Value, cx: &BuildContext) -> Result<Box<dyn Sink>, Fault> {
        let config: OutputConfig = cx.config(config, codes::CONFIG)?;
        Ok(Box::new(FileSink::new(config, cx)?))
    }
}
