//! The kind `timer` of sources.

use std::sync::Arc;

use schemars::Schema;
use serde_json::Value;
use weir_domain::{Clock, Fault, PortName};
use weir_stream::{
    AnySource, BuildContext, Checked, ConfigError, LiveReader, LiveSource, SecretUse, Share,
    SourceKind, Splits, decode_config,
};

use super::config::TimerConfig;
use super::reader::{Reader, SPLIT, schema};
use super::times::Times;
use super::{NAME, codes};
use crate::idle::Idle;

pub(super) struct Timer;

impl SourceKind for Timer {
    fn name(&self) -> &'static str {
        NAME
    }

    fn config_schema(&self) -> Schema {
        schemars::schema_for!(TimerConfig)
    }

    fn decode(&self, config: &Value) -> Result<(), ConfigError> {
        decode_config::<TimerConfig>(config).map(|_| ())
    }

    /// Its times stand in findings.
    fn secret_use(&self) -> SecretUse {
        SecretUse::Refused
    }

    fn check(&self, config: &Value) -> Checked {
        let Ok(config) = decode_config::<TimerConfig>(config) else { return Checked::default() };
        let outputs = vec![(PortName::out(), Some(schema()))];
        let findings = Times::new(&config).err().into_iter().collect();
        Checked { outputs, findings, ..Checked::default() }
    }

    fn is_live(&self) -> bool {
        true
    }

    fn build(&self, config: &Value, cx: &BuildContext) -> Result<AnySource, Fault> {
        let wrong =
            |cause: String| Fault::config(codes::CONFIG, format!("stage {}: {cause}", cx.stage));
        let config = decode_config::<TimerConfig>(config).map_err(|it| wrong(it.to_string()))?;
        Times::new(&config).map_err(|it| wrong(format!("{}: {}", it.path, it.cause)))?;
        let (clock, batch_rows) = (cx.clock.clone(), cx.limits.batch_rows);
        Ok(AnySource::Live(Box::new(Source { config, clock, batch_rows })))
    }
}

struct Source {
    config: TimerConfig,
    clock: Arc<dyn Clock>,
    batch_rows: usize,
}

impl LiveSource for Source {
    fn origin(&self) -> String {
        match (&self.config.every, &self.config.cron) {
            (Some(every), _) => format!("a timer, every {every}"),
            (None, cron) => format!("a timer, at {}", cron.as_deref().unwrap_or_default()),
        }
    }

    fn peek(&mut self, _records: usize) -> Result<Box<dyn LiveReader>, Fault> {
        self.open(Share::WHOLE, &Splits::new())
    }

    fn open(&mut self, share: Share, from: &Splits) -> Result<Box<dyn LiveReader>, Fault> {
        if !share.has(SPLIT) {
            return Ok(Box::new(Idle(schema())));
        }
        let wrong = |it: weir_domain::Finding| Fault::config(codes::CONFIG, it.cause);
        let times = Times::new(&self.config).map_err(wrong)?;
        let clock = self.clock.clone();
        Ok(Box::new(Reader::new(times, self.config.missed, clock, from, self.batch_rows)?))
    }
}
