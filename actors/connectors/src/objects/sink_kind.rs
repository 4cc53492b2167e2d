//! The kind `objects` of sinks: what can be said of a configuration without asking a store.

use arrow::datatypes::SchemaRef;
use schemars::Schema;
use serde_json::Value;
use weir_domain::Fault;
use weir_stream::{BuildContext, Checked, ConfigError, SecretUse, Sink, SinkKind, decode_config};

use super::config::OutputConfig;
use super::sink::ObjectSink;
use super::source_kind::{SECRETS, check_prefix};
use super::{NAME, codes};
use crate::finding;
use crate::private::misplaced_secrets;
use crate::whole::checks::{check_format, check_name, check_rolling};

/// S3 takes no smaller parts but the last one; larger ones would take too long to send.
const PART_BYTES: std::ops::RangeInclusive<u64> = 5 << 20..=512 << 20;

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

    /// In the connection; elsewhere `check` refuses them.
    fn secret_use(&self) -> SecretUse {
        SecretUse::Plain
    }

    fn check(&self, value: &Value, input: Option<&SchemaRef>) -> Checked {
        let Ok(config) = decode_config::<OutputConfig>(value) else { return Checked::default() };
        let mut findings = config.connection.findings();
        findings.extend(misplaced_secrets(value, &SECRETS, codes::BAD_SECRET));
        check_prefix("prefix", config.prefix.as_deref(), &mut findings);
        check_name(&config.name, input, &mut findings);
        check_rolling(config.roll_records, config.roll_bytes, &mut findings);
        check_format(&config.format, config.compression, input, &mut findings);
        if !PART_BYTES.contains(&config.part_bytes.0) {
            let cause = "stores take no parts of that size";
            let fix = "write a size from 5MiB to 512MiB";
            findings.push(finding(codes::BAD_PLACE, "partBytes", cause).with_fix(fix));
        }
        Checked { findings, ..Checked::default() }
    }

    fn build(&self, config: &Value, cx: &BuildContext) -> Result<Box<dyn Sink>, Fault> {
        let config: OutputConfig = cx.config(config, codes::CONFIG)?;
        Ok(Box::new(ObjectSink::new(config, cx)?))
    }
}
