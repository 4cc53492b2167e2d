//! The kind `generator` of sources.

use schemars::Schema;
use serde_json::Value;
use weir_domain::{Fault, PortName};
use weir_stream::{
    AnySource, BuildContext, Checked, ConfigError, LiveReader, LiveSource, SecretUse, Share,
    SourceKind, Splits, decode_config,
};

use super::NAME;
use super::config::{CONFIG, GeneratorConfig};
use super::reader::Reader;
use super::values;

pub(super) struct Generator;

impl SourceKind for Generator {
    fn name(&self) -> &'static str {
        NAME
    }

    fn config_schema(&self) -> Schema {
        schemars::schema_for!(GeneratorConfig)
    }

    fn decode(&self, config: &Value) -> Result<(), ConfigError> {
        decode_config::<GeneratorConfig>(config).map(|_| ())
    }

    /// It makes up values in public.
    fn secret_use(&self) -> SecretUse {
        SecretUse::Refused
    }

    fn check(&self, config: &Value) -> Checked {
        let Ok(config) = decode_config::<GeneratorConfig>(config) else {
            return Checked::default();
        };
        let outputs = vec![(PortName::out(), Some(values::schema(&config.fields)))];
        Checked { outputs, findings: config.findings(), ..Checked::default() }
    }

    fn is_live(&self) -> bool {
        true
    }

    fn build(&self, config: &Value, cx: &BuildContext) -> Result<AnySource, Fault> {
        let config: GeneratorConfig = cx.config(config, CONFIG)?;
        // A batch is bounded in bytes too.
        let fit = cx.limits.batch_bytes / config.row_bytes();
        let batch_rows = cx.limits.batch_rows.min(fit).max(1);
        Ok(AnySource::Live(Box::new(Source { config, batch_rows })))
    }
}

struct Source {
    config: GeneratorConfig,
    batch_rows: usize,
}

impl LiveSource for Source {
    fn origin(&self) -> String {
        format!("a generator of {} partitions", self.config.partitions)
    }

    fn peek(&mut self, _records: usize) -> Result<Box<dyn LiveReader>, Fault> {
        self.open(Share::WHOLE, &Splits::new())
    }

    fn open(&mut self, share: Share, from: &Splits) -> Result<Box<dyn LiveReader>, Fault> {
        let reader = Reader::new(self.config.clone(), share, from, self.batch_rows)?;
        Ok(Box::new(reader))
    }
}
