//! Filter and route: ordered rules send records to named ports.
//!
//! A record goes to each port at most once, whichever rules name it. A record whose condition
//! can't be computed is refused, unless an earlier rule had decided it. What reaches no port is
//! left out because a rule, or `otherwise`, says `drop`.

mod config;
mod test;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::array::BooleanArray;
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::SchemaRef;
use schemars::{Schema, schema_for};
use serde_json::Value;
use weir_domain::{Clock, Fault, Finding, Place, PortName};
use weir_stream::{
    Batch, BuildContext, BuiltOperator, Checked, ConfigError, Operator, OperatorKind, Outputs,
    SecretUse, decode_config,
};

use config::DROP;
pub use config::{Condition, FilterRouteConfig, Otherwise, Rule};
use test::{Seen, Test, compile};

use crate::expression::Failed;

/// The kind `filterRoute`.
pub struct FilterRouteKind;

impl OperatorKind for FilterRouteKind {
    fn name(&self) -> &'static str {
        "filterRoute"
    }

    fn config_schema(&self) -> Schema {
        schema_for!(FilterRouteConfig)
    }

    fn decode(&self, config: &Value) -> Result<(), ConfigError> {
        decode_config::<FilterRouteConfig>(config).map(|_| ())
    }

    fn secret_use(&self) -> SecretUse {
        SecretUse::InLiterals
    }

    fn check(&self, config: &Value, input: Option<&SchemaRef>) -> Checked {
        let Ok(config) = decode_config::<FilterRouteConfig>(config) else {
            return Checked::default();
        };
        let mut findings = own_findings(&config);
        for (at, rule) in config.rules.iter().enumerate() {
            compile(&rule.when, input, &format!("rules[{at}].when"), &mut findings);
        }
        let outputs = ports(&config).into_iter().map(|it| (it, input.cloned())).collect();
        Checked { outputs, findings, ..Checked::default() }
    }

    fn build(
        &self,
        config: &Value,
        input: &SchemaRef,
        cx: &BuildContext,
    ) -> Result<BuiltOperator, Fault> {
        let unfit = |it: String| Fault::config(3150, format!("stage {}: {it}", cx.stage));
        let config: FilterRouteConfig =
            decode_config(config).map_err(|it| unfit(it.to_string()))?;
        let ports = ports(&config);
        let number = |port: &PortName| ports.iter().position(|it| it == port);
        let mut rules = Vec::with_capacity(config.rules.len());
        for (at, rule) in config.rules.iter().enumerate() {
            let (path, mut findings) = (format!("rules[{at}].when"), Vec::new());
            let Some(test) = compile(&rule.when, Some(input), &path, &mut findings) else {
                let first = findings.into_iter().next().map(|it| (it.path, it.cause, it.fix));
                let (path, cause, fix) = first.unwrap_or_default();
                return Err(unfit(format!("{path}: {cause}")).with_hint(fix));
            };
            rules.push(Ready {
                label: rule.name.clone().unwrap_or_else(|| format!("rules[{at}]")),
                test,
                ports: rule.to.0.iter().filter_map(number).collect(),
                stop: !rule.go_on,
            });
        }
        let otherwise = match &config.otherwise {
            Otherwise::Port(port) => number(port),
            Otherwise::Drop => None,
        };
        let clock = Arc::clone(&cx.clock);
        let outputs: Vec<_> = ports.iter().map(|it| (it.clone(), Arc::clone(input))).collect();
        let operator = Router { rules, otherwise, ports: ports.len(), clock };
        Ok(BuiltOperator { operator: Box::new(operator), outputs })
    }
}

/// All ports, in the order in which they are named first.
fn ports(config: &FilterRouteConfig) -> Vec<PortName> {
    let named = config.rules.iter().flat_map(|it| &it.to.0);
    let rest = match &config.otherwise {
        Otherwise::Port(port) => Some(port),
        Otherwise::Drop => None,
    };
    let mut ports: Vec<PortName> = Vec::new();
    for port in named.chain(rest) {
        if !ports.contains(port) {
            ports.push(port.clone());
        }
    }
    ports
}

/// What is wrong with the rules whatever the schema is.
fn own_findings(config: &FilterRouteConfig) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut wrong = |path: String, cause: &str, fix: &str| {
        findings.push(Finding::error(2141, Place::default(), path, cause).with_fix(fix));
    };
    if config.rules.is_empty() {
        wrong("rules".into(), "there is no rule", "write at least one, or remove the stage");
    }
    for (at, rule) in config.rules.iter().enumerate() {
        let path = format!("rules[{at}]");
        match (rule.to.is_empty(), rule.drop) {
            (true, false) => {
                wrong(path, "the rule leads nowhere", "say to: with a port, or drop: true");
            }
            (false, true) => {
                wrong(path, "the rule both drops and routes", "leave one of to and drop out");
            }
            (true, true) if rule.go_on => {
                let fix = "leave continue out, or let the rule route";
                wrong(path, "what is dropped can't go on to further rules", fix);
            }
            (false, false) if rule.to.0.iter().any(|it| it.as_str() == DROP) => {
                wrong(format!("{path}.to"), "drop is no port", "write drop: true instead of to");
            }
            _ => {}
        }
    }
    findings
}

/// A rule ready to run.
struct Ready {
    label: String,
    test: Test,
    /// Empty: what matches is dropped.
    ports: Vec<usize>,
    stop: bool,
}

struct Router {
    rules: Vec<Ready>,
    /// The port of records that match no rule; without one they are dropped.
    otherwise: Option<usize>,
    ports: usize,
    clock: Arc<dyn Clock>,
}

impl Operator for Router {
    fn process(&mut self, batch: Batch, out: &mut Outputs) -> Result<(), Fault> {
        let mut failed = Failed::default();
        let masks = self.route(&batch, &mut failed);
        for (row, reason) in failed.iter() {
            out.refuse(&batch, row, reason);
        }
        let kept = masks.iter().fold(BooleanBuffer::new_unset(batch.rows()), |all, it| &all | it);
        out.drop_rows(batch.rows() - failed.iter().count() - kept.count_set_bits());
        for (port, mask) in masks.into_iter().enumerate() {
            match mask.count_set_bits() {
                0 => {}
                n if n == batch.rows() => out.emit(port, batch.clone()),
                _ => {
                    let part = batch.filter(&BooleanArray::new(mask, None));
                    let part =
                        part.map_err(|it| Fault::data(3152, it.to_string().to_lowercase()))?;
                    out.emit(port, part);
                }
            }
        }
        Ok(())
    }
}

impl Router {
    /// For each port, the rows that go there.
    fn route(&self, batch: &Batch, failed: &mut Failed) -> Vec<BooleanBuffer> {
        let rows = batch.rows();
        let mut masks = vec![BooleanBuffer::new_unset(rows); self.ports];
        let mut open = BooleanBuffer::new_set(rows);
        let mut unmatched = open.clone();
        let now = self.clock.now();
        for rule in &self.rules {
            if open.count_set_bits() == 0 {
                break;
            }
            let seen = Seen { records: &batch.records, now, rule: &rule.label };
            let mut matching = rule.test.run(&seen, &open, failed);
            if !failed.is_empty() {
                let good = BooleanBuffer::collect_bool(rows, |row| !failed.has(row));
                matching = &matching & &good;
                open = &open & &good;
                unmatched = &unmatched & &good;
                // A record that fails goes nowhere, also where earlier rules had sent it.
                masks.iter_mut().for_each(|it| *it = &*it & &good);
            }
            for port in &rule.ports {
                masks[*port] = &masks[*port] | &matching;
            }
            unmatched = &unmatched & &!&matching;
            if rule.stop {
                open = &open & &!&matching;
            }
        }
        if let Some(port) = self.otherwise {
            masks[port] = &masks[port] | &unmatched;
        }
        masks
    }
}
