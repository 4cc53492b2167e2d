//! Aggregates against a plain one that goes record by record.

mod types;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Decimal128Array, Int64Array};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use proptest::prelude::*;
use serde_json::{Value, json};
use weir_stream::{BuildContext, Operator, OperatorKind, Outputs};

use types::column;

use super::AggregateKind;
use super::cell::Running;
use super::memory::Memory;
use crate::testing::{
    Hand, Kept, batch, build_operator, check_operator, context, field, in_batches, json_lines,
    refused, run,
};

fn schema() -> SchemaRef {
    let fields = [
        field("k", DataType::Utf8),
        field("n", DataType::Int64),
        field("x", DataType::Float64),
        field("t", DataType::Utf8),
    ];
    Arc::new(Schema::new(fields.to_vec()))
}

fn all_values() -> Value {
    json!([
        { "name": "records", "make": "count" },
        { "name": "ns", "make": "count", "field": "n" },
        { "name": "sum", "make": "sum", "field": "n" },
        { "name": "avg", "make": "avg", "field": "x" },
        { "name": "min", "make": "min", "field": "x" },
        { "name": "max", "make": "max", "field": "t" },
        { "name": "first", "make": "first", "field": "t" },
        { "name": "last", "make": "last", "field": "n" },
        { "name": "kinds", "make": "countDistinct", "field": "t", "limit": 3 },
    ])
}

fn emitted(out: &Outputs) -> Vec<Value> {
    let lines = out.emitted().iter().flat_map(|it| json_lines(&it.1));
    lines.map(|it| serde_json::from_str(&it).unwrap()).collect()
}

/// A record of the properties: a key, and values that may be missing.
#[derive(Debug, Clone)]
struct Given {
    k: Option<char>,
    n: Option<i64>,
    x: Option<i8>,
    t: Option<char>,
}

impl Given {
    fn line(&self) -> String {
        let x = self.x.map(|it| f64::from(it) / 4.0);
        json!({ "k": self.k, "n": self.n, "x": x, "t": self.t }).to_string() + "\n"
    }
}

fn records() -> impl Strategy<Value = Vec<Given>> {
    let n = prop_oneof![6 => -9_i64..9, 1 => Just(i64::MAX), 1 => Just(i64::MIN / 2)];
    let optional = |it| proptest::option::weighted(0.8, it);
    let letter = |to| proptest::char::range('a', to);
    let record = (
        optional(letter('d')),
        proptest::option::weighted(0.8, n),
        proptest::option::weighted(0.8, any::<i8>()),
        optional(letter('f')),
    );
    let record = record.prop_map(|(k, n, x, t)| Given { k, n, x, t });
    proptest::collection::vec(record, 1..60)
}

/// What a plain aggregate keeps of a key.
#[derive(Debug, Clone, Default)]
struct Plain {
    records: i64,
    ns: i64,
    sum: Option<i64>,
    xs: Vec<f64>,
    max: Option<char>,
    first: Option<char>,
    last: Option<i64>,
    kinds: BTreeSet<char>,
}

impl Plain {
    fn take(&mut self, it: &Given) -> bool {
        let Some(sum) = self.sum.unwrap_or(0).checked_add(it.n.unwrap_or(0)) else { return false };
        let mut kinds = self.kinds.clone();
        kinds.extend(it.t);
        if kinds.len() > 3 {
            return false;
        }
        self.kinds = kinds;
        self.records += 1;
        self.ns += i64::from(it.n.is_some());
        self.sum = it.n.map(|_| sum).or(self.sum);
        self.xs.extend(it.x.map(|it| f64::from(it) / 4.0));
        self.max = self.max.max(it.t);
        self.first = self.first.or(it.t);
        self.last = it.n.or(self.last);
        true
    }

    fn line(&self, it: &Given) -> Value {
        let sum = self.xs.iter().sum::<f64>();
        let avg = (!self.xs.is_empty()).then(|| sum / self.xs.len() as f64);
        let min = self.xs.iter().copied().reduce(f64::min);
        let line = json!({
            "k": it.k, "n": it.n, "x": it.x.map(|it| f64::from(it) / 4.0), "t": it.t,
            "records": self.records, "ns": self.ns, "sum": self.sum, "avg": avg, "min": min,
            "max": self.max, "first": self.first, "last": self.last, "kinds": self.kinds.len(),
        });
        let line = line.as_object().unwrap().clone();
        let line: serde_json::Map<_, _> = line.into_iter().filter(|it| !it.1.is_null()).collect();
        // Read as what leaves is: the last digit of a float may differ from what was written.
        serde_json::from_str(&serde_json::to_string(&line).unwrap()).unwrap()
    }
}

/// What leaves, by the position of the record; those that do not are refused.
fn plainly(records: &[Given]) -> BTreeMap<u64, Value> {
    let mut keys: BTreeMap<Option<char>, Plain> = BTreeMap::new();
    let mut lines = BTreeMap::new();
    for (position, record) in (1..).zip(records) {
        let plain = keys.entry(record.k).or_default();
        if plain.take(record) {
            lines.insert(position, plain.line(record));
        }
    }
    lines
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn however_records_are_cut_and_wherever_it_begins_again_the_values_are_those_of_one_run(
        records in records(),
        cuts in proptest::collection::vec((1_usize..20, any::<bool>()), 1..6),
    ) {
        let expected = plainly(&records);
        let given: Vec<_> = records.iter().map(Given::line).collect();
        let run = |emit: &str| {
            let config = json!({ "key": ["k"], "values": all_values(), "emit": emit });
            let build = || build_operator(&AggregateKind, &config, &schema());
            in_batches(build, &schema(), &given, &cuts)
        };
        let outs = run("each");
        let lines: Vec<_> = outs.iter().flat_map(emitted).collect();
        prop_assert_eq!(&lines, &expected.values().cloned().collect::<Vec<_>>());
        let refused: Vec<_> =
            outs.iter().flat_map(|it| it.refused()).map(|it| it.position).collect();
        let all = 1..=records.len() as u64;
        prop_assert_eq!(refused, all.filter(|it| !expected.contains_key(it)).collect::<Vec<_>>());

        for out in run("changed") {
            let batch = out.emitted().first().map(|it| it.1.clone());
            let positions: Vec<_> = batch
                .iter()
                .flat_map(|it| (0..it.rows()).map(|row| it.positions.at(row)))
                .collect();
            let lines: Vec<_> = positions.iter().map(|it| expected[it].clone()).collect();
            prop_assert_eq!(emitted(&out), lines);
            let rows = positions.len() + out.dropped() + out.refused().len();
            prop_assert!(positions.is_sorted() && rows <= 20);
        }
    }
}

const LINES: &str = r#"{"k":"a","n":5,"x":1.5,"t":"q"}
{"k":"b","n":7}
{"k":"a","n":-2,"x":0.5,"t":"p"}
{"k":"a","t":"r"}
"#;

#[test]
fn each_record_leaves_with_the_values_of_its_key_or_the_last_one_of_each() {
    let of = |emit: &str| {
        let values = json!([
            { "name": "records", "make": "count" },
            { "name": "sum", "make": "sum", "field": "n" },
        ]);
        let config = json!({ "key": ["k"], "values": values, "emit": emit });
        let mut operator = build_operator(&AggregateKind, &config, &schema());
        let out = run(&mut *operator, batch(&schema(), LINES));
        let found = |it: &Value| format!("{} {} {}", it["k"], it["records"], it["sum"]);
        (emitted(&out).iter().map(found).collect::<Vec<_>>(), out.dropped())
    };
    let each = ["\"a\" 1 5", "\"b\" 1 7", "\"a\" 2 3", "\"a\" 3 3"];
    assert_eq!(of("each"), (each.map(str::to_owned).to_vec(), 0));
    assert_eq!(of("changed"), (vec!["\"b\" 1 7".into(), "\"a\" 3 3".into()], 2));
}

#[test]
fn without_a_key_all_records_belong_together() {
    let config = json!({ "values": [{ "name": "all", "make": "count" }] });
    let mut operator = build_operator(&AggregateKind, &config, &schema());
    for expected in [4, 8] {
        let out = run(&mut *operator, batch(&schema(), LINES));
        assert_eq!(emitted(&out)[3]["all"], expected);
    }
}

#[test]
fn a_record_that_makes_a_sum_too_large_is_bad_and_changes_nothing() {
    let values = json!([
        { "name": "records", "make": "count" },
        { "name": "sum", "make": "sum", "field": "n" },
    ]);
    let config = json!({ "key": ["k"], "values": values });
    let mut operator = build_operator(&AggregateKind, &config, &schema());
    let lines = format!(
        "{{\"k\":\"a\",\"n\":{}}}\n{{\"k\":\"a\",\"n\":2}}\n{{\"k\":\"a\",\"n\":1}}\n{{\"k\":\"b\",\"n\":2}}\n",
        i64::MAX - 1
    );
    let out = run(&mut *operator, batch(&schema(), &lines));
    assert_eq!(refused(&out), ["2: sum: the sum is more than an int64 holds"]);
    let sums: Vec<_> = emitted(&out).iter().map(|it| it["sum"].as_i64().unwrap()).collect();
    assert_eq!(sums, [i64::MAX - 1, i64::MAX, 2]);
    assert_eq!(emitted(&out)[1]["records"], 2);
}

#[test]
fn one_different_value_too_many_is_bad_and_those_that_are_known_are_not() {
    let values = json!([{ "name": "kinds", "make": "countDistinct", "field": "t", "limit": 2 }]);
    let config = json!({ "values": values });
    let mut operator = build_operator(&AggregateKind, &config, &schema());
    let out = run(&mut *operator, batch(&schema(), LINES));
    assert_eq!(refused(&out), ["4: kinds: the key has more than 2 different values"]);
    let out = run(&mut *operator, batch(&schema(), "{\"t\":\"p\"}\n{}\n"));
    assert_eq!(emitted(&out).iter().map(|it| it["kinds"].clone()).collect::<Vec<_>>(), [2, 2]);
}

#[test]
fn a_text_that_is_too_long_is_refused_where_it_would_be_remembered() {
    let values = json!([{ "name": "least", "make": "min", "field": "t" }]);
    let mut operator = build_operator(&AggregateKind, &json!({ "values": values }), &schema());
    let long = |letter: &str| json!({ "t": letter.repeat(5_000) }).to_string() + "\n";
    let lines = format!("{{\"t\":\"m\"}}\n{}{}{{\"t\":\"c\"}}\n", long("z"), long("b"));
    let out = run(&mut *operator, batch(&schema(), &lines));
    let reason = "3: least: the value has 5000 bytes, and up to 4096 are remembered";
    assert_eq!(refused(&out), [reason]);
    let least: Vec<_> = emitted(&out).iter().map(|it| it["least"].clone()).collect();
    assert_eq!(least, ["m", "m", "c"]);
}

#[test]
fn a_key_that_no_record_had_for_so_long_begins_anew() {
    let clock = Arc::new(Hand::default());
    let cx = BuildContext { clock: clock.clone(), ..context() };
    let values = json!([
        { "name": "records", "make": "count" },
        { "name": "kinds", "make": "countDistinct", "field": "t" },
        { "name": "first", "make": "first", "field": "t" },
    ]);
    let config = json!({ "key": ["k"], "values": values, "ttl": "10s" });
    let build = || AggregateKind.build(&config, &schema(), &cx).unwrap().operator;
    let one = |operator: &mut dyn Operator, at: i64, k: &str, t: &str| {
        clock.set(at);
        let line = json!({ "k": k, "t": t }).to_string();
        let out = run(operator, batch(&schema(), &line));
        let it = &emitted(&out)[0];
        format!("{} {} {}", it["records"], it["kinds"], it["first"].as_str().unwrap())
    };
    let mut operator = build();
    assert_eq!(one(&mut *operator, 0, "a", "p"), "1 1 p");
    assert_eq!(one(&mut *operator, 9_999, "a", "q"), "2 2 p");
    assert_eq!(one(&mut *operator, 10_000, "b", "p"), "1 1 p");
    // Of a, the second counts.
    assert_eq!(one(&mut *operator, 19_998, "a", "p"), "3 2 p");
    let (mut kept, mut again) = (Kept::default(), build());
    kept.take(&mut *operator);
    kept.restore(&mut *again);
    for operator in [&mut *operator, &mut *again] {
        assert_eq!(one(operator, 19_999, "b", "q"), "2 2 p");
        assert_eq!(one(operator, 29_998, "a", "r"), "1 1 r");
    }
}

#[test]
fn memory_is_freed_of_keys_whose_time_is_over() {
    let mut memory = Memory::new(1, Some(10));
    let fresh = || Running { seen: 0, cells: Vec::new() };
    for (now, key) in [(0, 1), (0, 2), (5, 3), (9, 2)] {
        memory.update(key, now, fresh, |_| {});
    }
    assert_eq!(memory.forget(9), [0; 0]);
    assert_eq!(memory.forget(10), [1]);
    assert_eq!((memory.get(1, 10), memory.keys.len()), (None, 2));
    assert_eq!(memory.forget(15), [3]);
    assert_eq!(memory.forget(-100), [0; 0]);
    assert_eq!(memory.forget(19), [2]);
    assert_eq!(memory.keys.len(), 0);
}

#[test]
fn tables_are_of_the_key_and_of_what_is_made_and_of_nothing_else() {
    let tables = |config: Value| AggregateKind.tables(&config);
    let config = |name: &str, make: &str, field: &str, key: &str| {
        let value = json!({ "name": name, "make": make, "field": field });
        json!({ "key": [key], "values": [value], "ttl": "1h", "emit": "changed" })
    };
    let one = tables(config("a", "countDistinct", "t", "k"));
    assert_eq!(
        one.keys().map(|it| it.as_str()).collect::<Vec<_>>(),
        ["distinct-0", "running", "types"]
    );
    let mut other = config("b", "countDistinct", "t", "k");
    other["ttl"] = json!("2h");
    other["emit"] = json!("each");
    assert_eq!(tables(other), one);
    assert_ne!(tables(config("a", "countDistinct", "n", "k")), one);
    assert_ne!(tables(config("a", "countDistinct", "t", "t")), one);
    let sums = tables(config("a", "sum", "n", "k"));
    assert_ne!(sums, tables(config("a", "avg", "n", "k")));

    let config = config("a", "countDistinct", "t", "k");
    let mut operator = build_operator(&AggregateKind, &config, &schema());
    let built = operator.tables().into_iter().map(|(name, it)| (name, it.spec()));
    assert_eq!(built.collect::<BTreeMap<_, _>>(), one);
}

#[test]
fn a_field_that_has_another_type_than_in_the_checkpoint_is_refused() {
    let (floats, _) = column("v", Arc::new(arrow::array::Float64Array::from(vec![1.0])));
    let (ints, batch) = column("v", Arc::new(Int64Array::from(vec![1])));
    for make in ["sum", "avg", "min", "last"] {
        let config = json!({ "values": [{ "name": "it", "make": make, "field": "v" }] });
        let mut first = build_operator(&AggregateKind, &config, &ints);
        run(&mut *first, batch.clone());
        let mut kept = Kept::default();
        kept.take(&mut *first);
        let refused = |kept: &Kept| {
            let mut second = build_operator(&AggregateKind, &config, &floats);
            kept.restore(&mut *second);
            second.process(batch.clone(), &mut Outputs::default()).unwrap_err().message
        };
        assert_eq!(
            refused(&kept),
            "field v is float64 now, and was int64 when what this stage remembers was made of it"
        );
        // As an earlier version left it.
        assert_eq!(
            refused(&kept.without("types")),
            "the value it can't go on: what the checkpoint holds of it is of another type"
        );
    }
}

#[test]
fn a_decimal_of_another_scale_is_no_going_on() {
    let of = |scale: i8| {
        let array = Decimal128Array::from(vec![100]).with_precision_and_scale(9, scale).unwrap();
        column("v", Arc::new(array))
    };
    let config = json!({ "values": [{ "name": "it", "make": "sum", "field": "v" }] });
    let ((schema, batch), mut kept) = (of(2), Kept::default());
    let mut first = build_operator(&AggregateKind, &config, &schema);
    run(&mut *first, batch);
    kept.take(&mut *first);
    let (schema, batch) = of(3);
    let mut second = build_operator(&AggregateKind, &config, &schema);
    kept.restore(&mut *second);
    let fault = second.process(batch, &mut Outputs::default()).unwrap_err();
    assert!(fault.message.contains("is decimal(9, 3) now, and was decimal(9, 2)"), "{fault}");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let mut fields: Vec<_> = schema().fields().iter().cloned().collect();
    fields.push(Arc::new(field("l", DataType::new_list(DataType::Int64, true))));
    let schema = Arc::new(Schema::new(fields));
    let config = json!({ "key": ["kk", "n", "n"], "ttl": "0s", "values": [
        { "name": "n", "make": "sum", "field": "t" },
        { "name": "a", "make": "max" },
        { "name": "a", "make": "first", "field": "l" },
        { "name": "", "make": "sum", "field": "m" },
        { "name": "b", "make": "count", "limit": 5 },
        { "name": "c", "make": "countDistinct", "field": "t", "limit": 0 },
        { "name": "d", "make": "count", "field": "l" },
    ] });
    let found = check_operator(&AggregateKind, &config, Some(&schema));
    assert_eq!(
        found,
        [
            "key[0]: there is no field kk | did you mean k?",
            "key[2]: the field n is named twice | name it once",
            "ttl: nothing would be remembered | write for instance 1d, or leave it out",
            "values[0].name: there is a field n already | choose another name",
            "values[0].field: t is string, of which there is no sum | take a field of numbers, or CAST it in a mapping before",
            "values[1].field: max needs a field | say field: and the field to make the max of",
            "values[2].name: the value a is there twice | choose another name",
            "values[2].field: l is list<int64>, of which there is no first | take a field inside it, or CAST it in a mapping before",
            "values[3].name: a field needs a name | choose another name",
            "values[3].field: there is no field m | name a field of the records",
            "values[4].limit: count knows no limit | leave it out, or make countDistinct",
            "values[5].limit: 0 different values can't be the limit | write 1 to 10000",
        ]
    );
    let none = check_operator(&AggregateKind, &json!({ "values": [] }), None);
    assert_eq!(
        none,
        ["values: nothing is kept | name at least one: { name: records, make: count }"]
    );
    for wrong in [json!({ "values": [], "within": "1h" }), json!({}), json!({ "values": [{}] })] {
        assert!(AggregateKind.decode(&wrong).is_err(), "{wrong}");
    }
}
