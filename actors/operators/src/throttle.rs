//! Throttle: at most so many records in a period, evenly.
//!
//! It asks the stage to wait after each batch for as long as its records take at the given rate,
//! and keeps no clock: the sum of all waits is exact to the nanosecond, so the rate holds over
//! any time. Within one batch records pass together. Each instance of a workflow has its own.

use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use weir_domain::{Fault, Finding, Millis, Place, PortName};
use weir_stream::{
    Batch, BuildContext, BuiltOperator, Checked, ConfigError, Operator, OperatorKind, Outputs,
    SecretUse, decode_config,
};

/// At most `records` records in each `per`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ThrottleConfig {
    #[schemars(range(min = 1))]
    pub records: u64,
    #[serde(default = "one_second")]
    pub per: Millis,
}

fn one_second() -> Millis {
    Millis::seconds(1)
}

/// The kind `throttle`.
pub struct ThrottleKind;

impl OperatorKind for ThrottleKind {
    fn name(&self) -> &'static str {
        "throttle"
    }

    fn config_schema(&self) -> Schema {
        schema_for!(ThrottleConfig)
    }

    fn decode(&self, config: &Value) -> Result<(), ConfigError> {
        decode_config::<ThrottleConfig>(config).map(|_| ())
    }

    fn secret_use(&self) -> SecretUse {
        SecretUse::Plain
    }

    fn check(&self, config: &Value, input: Option<&SchemaRef>) -> Checked {
        let mut checked =
            Checked { outputs: vec![(PortName::out(), input.cloned())], ..Checked::default() };
        let Ok(config) = decode_config::<ThrottleConfig>(config) else { return checked };
        let mut wrong = |path: &str, cause: &str, fix: &str| {
            let finding = Finding::error(2145, Place::default(), path, cause);
            checked.findings.push(finding.with_fix(fix));
        };
        if config.records == 0 {
            wrong("records", "no record may ever pass", "allow at least 1");
        }
        if config.per == Millis(0) {
            wrong("per", "the period has no length", "write for instance 1s");
        }
        checked
    }

    fn build(
        &self,
        config: &Value,
        input: &SchemaRef,
        cx: &BuildContext,
    ) -> Result<BuiltOperator, Fault> {
        let config: ThrottleConfig = decode_config(config)
            .map_err(|it| Fault::config(3150, format!("stage {}: {it}", cx.stage)))?;
        if config.records == 0 {
            let message = format!("stage {}: records: no record may ever pass", cx.stage);
            return Err(Fault::config(3150, message).with_hint("allow at least 1"));
        }
        let operator = ThrottleOperator { config, owed: 0 };
        let outputs = vec![(PortName::out(), Arc::clone(input))];
        Ok(BuiltOperator { operator: Box::new(operator), outputs })
    }
}

struct ThrottleOperator {
    config: ThrottleConfig,
    /// What was cut off so far when waits were rounded down, in nanoseconds times `records`.
    owed: u128,
}

/// Records that pass together: so many as are due in this time.
const SLICE: Duration = Duration::from_millis(50);

impl ThrottleOperator {
    /// How long the records take, to be waited after them. What is rounded off is owed to the next.
    fn pass(&mut self, rows: usize) -> Duration {
        let records = u128::from(self.config.records);
        let owed = self.owed + self.config.per.duration().as_nanos() * rows as u128;
        self.owed = owed % records;
        Duration::from_nanos(u64::try_from(owed / records).unwrap_or(u64::MAX))
    }

    fn rows_at_once(&self) -> usize {
        let period = self.config.per.duration().as_nanos().max(1);
        let rows = SLICE.as_nanos() * u128::from(self.config.records) / period;
        usize::try_from(rows).unwrap_or(usize::MAX).max(1)
    }
}

impl Operator for ThrottleOperator {
    fn process(&mut self, batch: Batch, out: &mut Outputs) -> Result<(), Fault> {
        let at_once = self.rows_at_once();
        let mut from = 0;
        while from < batch.rows() {
            let rows = at_once.min(batch.rows() - from);
            out.emit(0, batch.slice(from, rows));
            out.wait(self.pass(rows));
            from += rows;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{build_operator, check_operator, context, numbers, run};

    fn waited(config: &Value, batches: &[usize]) -> Duration {
        let mut operator = build_operator(&ThrottleKind, config, &numbers(1).records.schema());
        let run = batches.iter().map(|rows| run(&mut *operator, numbers(*rows)));
        run.map(|out| {
            let rows: usize = out.emitted().iter().map(|it| it.1.rows()).sum();
            assert!(rows > 0, "what comes in goes out");
            out.waiting()
        })
        .sum()
    }

    #[test]
    fn waits_add_up_to_the_rate_exactly_however_records_are_batched() {
        let config = json!({ "records": 3, "per": "1s" });
        assert_eq!(waited(&config, &[3]), Duration::from_secs(1));
        assert_eq!(waited(&config, &[1, 1, 1]), Duration::from_secs(1));
        assert_eq!(waited(&config, &[2, 5, 2_000, 993]), Duration::from_secs(1_000));
        assert_eq!(waited(&json!({ "records": 100 }), &[50]), Duration::from_millis(500));
    }

    #[test]
    fn records_pass_evenly_and_not_in_bursts() {
        let config = json!({ "records": 100, "per": "1s" });
        let mut operator = build_operator(&ThrottleKind, &config, &numbers(1).records.schema());
        let out = run(&mut *operator, numbers(12));
        let rows: Vec<_> = out.emitted().iter().map(|it| it.1.rows()).collect();
        assert_eq!((rows, out.waiting()), (vec![5, 5, 2], Duration::from_millis(120)));
    }

    #[test]
    fn a_rate_of_nothing_is_refused() {
        let findings = check_operator(&ThrottleKind, &json!({ "records": 0, "per": "0s" }), None);
        assert_eq!(
            findings,
            [
                "records: no record may ever pass | allow at least 1",
                "per: the period has no length | write for instance 1s",
            ]
        );
        let built =
            ThrottleKind.build(&json!({ "records": 0 }), &numbers(1).records.schema(), &context());
        assert!(built.is_err());
        assert!(ThrottleKind.decode(&json!({ "records": 5, "every": "1s" })).is_err());
        assert!(ThrottleKind.decode(&json!({ "records": -5 })).is_err());
    }
}
