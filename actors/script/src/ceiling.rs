//! What a process lets scripts take, whatever their stages say: for those that run what others wrote.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use arrow::datatypes::SchemaRef;
use schemars::Schema;
use serde_json::Value;
use weir_domain::{Bytes, Fault, Millis};
use weir_stream::{BuildContext, BuiltOperator, Checked, ConfigError, OperatorKind, SecretUse};

use crate::config::LimitsConfig;
use crate::kind::{JavaScriptKind, build, check};

/// What a script may take at most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ceiling {
    /// For one call of a hook.
    pub time: Millis,
    pub memory: Bytes,
    /// What all that are checked may take together, to be loaded: none, and each has its own time alone.
    pub loading: Option<Millis>,
    /// The keys that say so, for messages: `weir.config-server.runs`.
    pub key: &'static str,
}

impl Ceiling {
    /// What a script gets that asks for these.
    pub(crate) fn over(&self, limits: LimitsConfig) -> LimitsConfig {
        LimitsConfig { time: limits.time.min(self.time), memory: limits.memory.min(self.memory) }
    }
}

/// The kind `javascript` where scripts get no more than this. What it spends on loading is counted as long as it
/// lives: each run has one of its own.
pub struct JavaScriptWithin {
    ceiling: Ceiling,
    spent: Mutex<Duration>,
}

impl JavaScriptWithin {
    pub fn new(ceiling: Ceiling) -> Self {
        Self { ceiling, spent: Mutex::default() }
    }

    /// `None`: there is no bound.
    fn left(&self) -> Option<Duration> {
        let spent = *self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        self.ceiling.loading.map(|it| it.duration().saturating_sub(spent))
    }
}

impl OperatorKind for JavaScriptWithin {
    fn name(&self) -> &'static str {
        JavaScriptKind.name()
    }

    fn config_schema(&self) -> Schema {
        JavaScriptKind.config_schema()
    }

    fn decode(&self, config: &Value) -> Result<(), ConfigError> {
        JavaScriptKind.decode(config)
    }

    fn check(&self, config: &Value, input: Option<&SchemaRef>) -> Checked {
        #[expect(clippy::disallowed_methods, reason = "a turned clock must not give a script time")]
        let begun = Instant::now();
        let checked = check(config, input, Some((&self.ceiling, self.left())));
        *self.spent.lock().unwrap_or_else(PoisonError::into_inner) += begun.elapsed();
        checked
    }

    fn secret_use(&self) -> SecretUse {
        JavaScriptKind.secret_use()
    }

    fn blocks(&self) -> bool {
        JavaScriptKind.blocks()
    }

    fn build(
        &self,
        config: &Value,
        input: &SchemaRef,
        cx: &BuildContext,
    ) -> Result<BuiltOperator, Fault> {
        build(config, input, cx, Some(&self.ceiling))
    }
}
