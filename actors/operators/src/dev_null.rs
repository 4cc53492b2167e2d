//! The sink that counts and drops: for branches that nobody wants, and for measuring.

use arrow::datatypes::SchemaRef;
use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use weir_domain::Fault;
use weir_stream::{
    Action, BadRecord, Batch, BuildContext, Checked, ConfigError, Prepared, SecretUse, Sink,
    SinkKind, SinkWriter, StreamContext, decode_config,
};

/// Nothing can be configured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DevNullConfig {}

/// The kind `devNull`.
pub struct DevNullKind;

impl SinkKind for DevNullKind {
    fn name(&self) -> &'static str {
        "devNull"
    }

    fn config_schema(&self) -> Schema {
        schema_for!(DevNullConfig)
    }

    fn decode(&self, config: &Value) -> Result<(), ConfigError> {
        // A stage without configuration may say nothing at all.
        match config {
            Value::Null => Ok(()),
            it => decode_config::<DevNullConfig>(it).map(|_| ()),
        }
    }

    fn secret_use(&self) -> SecretUse {
        SecretUse::Plain
    }

    fn check(&self, _config: &Value, _input: Option<&SchemaRef>) -> Checked {
        Checked::default()
    }

    fn build(&self, _config: &Value, _cx: &BuildContext) -> Result<Box<dyn Sink>, Fault> {
        Ok(Box::new(Drain))
    }
}

struct Drain;

impl Sink for Drain {
    fn open(
        &mut self,
        _stream: &StreamContext,
        _schema: SchemaRef,
    ) -> Result<Box<dyn SinkWriter>, Fault> {
        Ok(Box::new(Drain))
    }

    fn discard(&self, _stream: &StreamContext) -> Vec<Action> {
        Vec::new()
    }
}

impl SinkWriter for Drain {
    fn write(&mut self, _batch: &Batch) -> Result<Vec<BadRecord>, Fault> {
        Ok(Vec::new())
    }

    fn prepare(self: Box<Self>) -> Result<Prepared, Fault> {
        Ok(Prepared::default())
    }

    fn bytes_written(&self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{context, numbers};

    #[test]
    fn it_takes_everything_and_leaves_nothing() {
        let sink = DevNullKind.build(&Value::Null, &context()).unwrap();
        let mut writer: Box<dyn SinkWriter> = Box::new(Drain);
        assert_eq!(writer.write(&numbers(5)).unwrap(), []);
        assert_eq!(writer.bytes_written(), 0);
        assert_eq!(writer.prepare().unwrap(), Prepared::default());
        drop(sink);
        assert!(DevNullKind.decode(&json!({})).is_ok());
        assert!(DevNullKind.decode(&json!({ "path": "x" })).is_err());
    }
}
