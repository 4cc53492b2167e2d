//! Deduplicate: of records with equal keys, the first passes, and none of the others for a while.
//!
//! `within` counts from the record that passed, by the engine's clock; what it remembers is part of
//! checkpoints.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use arrow::array::BooleanArray;
use arrow::datatypes::SchemaRef;
use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use weir_domain::{Clock, Fault, Finding, Millis, Place, PortName, TableName, Timestamp};
use weir_stream::state::{MapTable, StateTable, TableKind, TableSpec};
use weir_stream::{
    Batch, BuildContext, BuiltOperator, Checked, ConfigError, Operator, OperatorKind, Outputs,
    SecretUse, decode_config,
};

use crate::keys::{Keys, version, wrong_fields};
use crate::remembered_types::RememberedTypes;

/// Lets the first record of each key pass, and drops those that follow `within` a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeduplicateConfig {
    /// The fields that make two records equal.
    pub key: Vec<String>,
    /// For how long a key is remembered.
    pub within: Millis,
}

/// The kind `deduplicate`.
pub struct DeduplicateKind;

/// Of the rows of the table.
const VERSION: u32 = 1;

fn seen() -> TableName {
    TableName::new("seen").expect("a valid name")
}

impl OperatorKind for DeduplicateKind {
    fn name(&self) -> &'static str {
        "deduplicate"
    }

    fn config_schema(&self) -> Schema {
        schema_for!(DeduplicateConfig)
    }

    fn decode(&self, config: &Value) -> Result<(), ConfigError> {
        decode_config::<DeduplicateConfig>(config).map(|_| ())
    }

    fn secret_use(&self) -> SecretUse {
        SecretUse::Refused
    }

    fn check(&self, config: &Value, input: Option<&SchemaRef>) -> Checked {
        let mut checked =
            Checked { outputs: vec![(PortName::out(), input.cloned())], ..Checked::default() };
        let Ok(config) = decode_config::<DeduplicateConfig>(config) else { return checked };
        let mut wrong = |path: String, cause: String, fix: String| {
            let finding = Finding::error(2146, Place::default(), path, cause);
            checked.findings.push(finding.with_fix(fix));
        };
        if config.key.is_empty() {
            let cause = "all records would be equal".to_owned();
            wrong("key".into(), cause, "name at least one field".into());
        }
        if config.within == Millis(0) {
            let cause = "nothing would be remembered".to_owned();
            wrong("within".into(), cause, "write for instance 1h".into());
        }
        for (path, cause, fix) in wrong_fields("key", &config.key, input) {
            wrong(path, cause, fix);
        }
        checked
    }

    fn tables(&self, config: &Value) -> BTreeMap<TableName, TableSpec> {
        let config = decode_config::<DeduplicateConfig>(config);
        let version = config.map_or(VERSION, |it| version(VERSION, &it.key));
        let seen = (seen(), TableSpec { kind: TableKind::Map, version });
        BTreeMap::from([seen, RememberedTypes::spec(version)])
    }

    fn build(
        &self,
        config: &Value,
        input: &SchemaRef,
        cx: &BuildContext,
    ) -> Result<BuiltOperator, Fault> {
        let unfit = |why: String| Fault::config(3153, format!("stage {}: {why}", cx.stage));
        let config: DeduplicateConfig =
            decode_config(config).map_err(|it| unfit(it.to_string()))?;
        let keys = Keys::of(&config.key, input).map_err(|it| unfit(it.to_string()))?;
        // Another key's values would be taken for values of this one.
        let version = version(VERSION, &config.key);
        let types = RememberedTypes::of(config.key.iter().map(String::as_str), input, version);
        let operator = Deduplicate {
            keys,
            types,
            within: i64::try_from(config.within.0).unwrap_or(i64::MAX),
            clock: cx.clock.clone(),
            seen: MapTable::new(version),
            oldest: None,
        };
        let outputs = vec![(PortName::out(), Arc::clone(input))];
        Ok(BuiltOperator { operator: Box::new(operator), outputs })
    }
}

struct Deduplicate {
    keys: Keys,
    types: RememberedTypes,
    within: i64,
    clock: Arc<dyn Clock>,
    /// When a key passed, in milliseconds since 1970.
    seen: MapTable<u128, i64>,
    /// The keys in the order in which they passed. `None`: not known yet, after a restart.
    oldest: Option<VecDeque<(i64, u128)>>,
}

impl Deduplicate {
    /// Forgets what passed too long ago. Each key costs this once.
    fn forget(&mut self, now: i64) {
        let oldest = self.oldest.get_or_insert_with(|| {
            let mut all: Vec<_> = self.seen.iter().map(|(key, at)| (*at, *key)).collect();
            all.sort_unstable();
            all.into()
        });
        while let Some((at, key)) = oldest.front().copied() {
            // A clock that was set back makes nothing older.
            if now.saturating_sub(at) < self.within {
                break;
            }
            oldest.pop_front();
            self.seen.remove(&key);
        }
    }

    fn is_new(&mut self, key: u128, now: i64) -> bool {
        if self.seen.get(&key).is_some() {
            return false;
        }
        self.seen.put(key, now);
        self.oldest.get_or_insert_default().push_back((now, key));
        true
    }
}

impl Operator for Deduplicate {
    fn process(&mut self, batch: Batch, out: &mut Outputs) -> Result<(), Fault> {
        self.types.check()?;
        let Timestamp(now) = self.clock.now();
        self.forget(now);
        let hashes = self.keys.hashes(&batch.records)?;
        let keep: BooleanArray = hashes.into_iter().map(|it| Some(self.is_new(it, now))).collect();
        let unfit = |it: arrow::error::ArrowError| {
            Fault::data(3151, format!("a batch does not fit deduplicate's input: {it}"))
        };
        out.drop_rows(batch.rows() - keep.true_count());
        out.emit(0, batch.filter(&keep).map_err(unfit)?);
        Ok(())
    }

    fn tables(&mut self) -> Vec<(TableName, &mut dyn StateTable)> {
        vec![(seen(), &mut self.seen), self.types.table()]
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Schema};
    use serde_json::json;

    use super::*;
    use crate::testing::{
        Hand, Kept, batch, build_operator, check_operator, context, field, json_lines, run,
    };

    fn schema() -> SchemaRef {
        let fields = [field("a", DataType::Utf8), field("n", DataType::Int64)];
        Arc::new(Schema::new(fields.to_vec()))
    }

    const LINES: &str = "{\"a\":\"x\",\"n\":1}\n{\"a\":\"x\",\"n\":2}\n{\"a\":null,\"n\":3}\n{\"a\":\"x\",\"n\":1}\n{\"n\":4}\n";

    fn passed(operator: &mut dyn Operator) -> (Vec<i64>, usize) {
        let out = run(operator, batch(&schema(), LINES));
        let lines = out.emitted().iter().flat_map(|it| json_lines(&it.1));
        let number =
            |it: String| serde_json::from_str::<Value>(&it).unwrap()["n"].as_i64().unwrap();
        (lines.map(number).collect(), out.dropped())
    }

    #[test]
    fn the_first_of_each_key_passes_and_what_is_missing_is_a_key_too() {
        let by = |key: Value| {
            let config = json!({ "key": key, "within": "1h" });
            let mut operator = build_operator(&DeduplicateKind, &config, &schema());
            (passed(&mut *operator), passed(&mut *operator))
        };
        assert_eq!(by(json!(["a"])), ((vec![1, 3], 3), (vec![], 5)));
        assert_eq!(by(json!(["a", "n"])), ((vec![1, 2, 3, 4], 1), (vec![], 5)));
    }

    #[test]
    fn a_key_is_forgotten_in_time_and_kept_by_checkpoints_until_then() {
        let clock = Arc::new(Hand::default());
        clock.set(1_000);
        let cx = BuildContext { clock: clock.clone(), ..context() };
        let config = json!({ "key": ["a"], "within": "10s" });
        let build = || DeduplicateKind.build(&config, &schema(), &cx).unwrap().operator;
        let mut first = build();
        assert_eq!(passed(&mut *first).0, [1, 3]);
        clock.set(10_999);
        assert_eq!(passed(&mut *first).0, [0; 0]);
        let (mut kept, mut second) = (Kept::default(), build());
        kept.take(&mut *first);
        kept.restore(&mut *second);
        assert_eq!(passed(&mut *second).0, [0; 0]);
        clock.set(11_000);
        assert_eq!(passed(&mut *second).0, [1, 3]);
        let specs = DeduplicateKind.tables(&config);
        let tables = second.tables().into_iter().map(|(name, it)| (name, it.spec()));
        assert_eq!(tables.collect::<BTreeMap<_, _>>(), specs);
    }

    #[test]
    fn what_was_remembered_of_keys_of_another_type_is_refused() {
        let build = |data_type| {
            let fields = [field("a", DataType::Utf8), field("n", data_type)];
            let config = json!({ "key": ["a", "n"], "within": "1h" });
            build_operator(&DeduplicateKind, &config, &Arc::new(Schema::new(fields.to_vec())))
        };
        let (mut first, mut kept) = (build(DataType::Int64), Kept::default());
        passed(&mut *first);
        kept.take(&mut *first);
        let mut same = build(DataType::Int64);
        kept.restore(&mut *same);
        assert_eq!(passed(&mut *same).0, [0; 0]);
        let mut other = build(DataType::Int32);
        kept.restore(&mut *other);
        let refused = other.process(batch(&schema(), LINES), &mut Outputs::default()).unwrap_err();
        assert!(refused.message.contains("field n is int32 now, and was int64"), "{refused}");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let config = json!({ "key": ["b", "n", "n"], "within": "0s" });
        let found = check_operator(&DeduplicateKind, &config, Some(&schema()));
        assert_eq!(
            found,
            [
                "within: nothing would be remembered | write for instance 1h",
                "key[0]: there is no field b | name a field of the records",
                "key[2]: the field n is named twice | name it once",
            ]
        );
        let none = check_operator(&DeduplicateKind, &json!({ "key": [], "within": "1s" }), None);
        assert_eq!(none, ["key: all records would be equal | name at least one field"]);
    }
}
