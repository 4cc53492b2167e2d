//! The kind `stdout` of sinks.

use arrow::datatypes::SchemaRef;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use weir_domain::Fault;
use weir_formats::{FormatConfig, JsonConfig};
use weir_stream::{
    Action, BuildContext, Checked, ConfigError, SecretUse, Sink, SinkKind, SinkWriter,
    StreamContext, decode_config,
};

use super::NAME;
use super::deliver::{Printer, Target};
use crate::messages::{Envelope, MessageWriter, Outlet, Posting};
use crate::outbox::{Outgoing, discarding};

/// Prints records as lines of JSON on the engine's standard output.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StdoutConfig {}

pub(super) struct Stdout;

impl SinkKind for Stdout {
    fn name(&self) -> &'static str {
        NAME
    }

    fn config_schema(&self) -> Schema {
        schemars::schema_for!(StdoutConfig)
    }

    fn decode(&self, config: &Value) -> Result<(), ConfigError> {
        // A stage without configuration may say nothing at all.
        match config {
            Value::Null => Ok(()),
            it => decode_config::<StdoutConfig>(it).map(|_| ()),
        }
    }

    fn secret_use(&self) -> SecretUse {
        SecretUse::Refused
    }

    fn check(&self, _config: &Value, _input: Option<&SchemaRef>) -> Checked {
        Checked::default()
    }

    fn build(&self, _config: &Value, cx: &BuildContext) -> Result<Box<dyn Sink>, Fault> {
        Ok(Box::new(Output { cx: cx.clone() }))
    }
}

struct Output {
    cx: BuildContext,
}

impl Sink for Output {
    fn open(
        &mut self,
        stream: &StreamContext,
        schema: SchemaRef,
    ) -> Result<Box<dyn SinkWriter>, Fault> {
        let format = FormatConfig::Json(JsonConfig::default());
        let (cx, context) = (self.cx.clone(), stream.clone());
        let send =
            move |outbox| Outgoing::<Printer>::sending(&cx, &context, outbox, Target::default());
        let outlet = Outlet::outbox(&self.cx, stream, send)?;
        let posting = Posting { format: &format, envelope: Envelope::default(), outlet };
        Ok(Box::new(MessageWriter::open(posting, &self.cx, &schema)?))
    }

    fn discard(&self, stream: &StreamContext) -> Vec<Action> {
        discarding(NAME, stream, &self.cx.stage)
    }
}
