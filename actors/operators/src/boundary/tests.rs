//! Boundaries against plain ones that go record by record.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, SchemaRef};
use proptest::prelude::*;
use serde_json::{Value, json};
use weir_stream::{BuildContext, Operator, OperatorKind, Outputs};

use super::BoundaryKind;
use crate::testing::{
    Hand, Kept, batch, build_operator, check_operator, context, field, in_batches, json_lines,
    refused, run,
};

fn schema() -> SchemaRef {
    let fields =
        [field("k", DataType::Utf8), field("n", DataType::Int64), field("t", DataType::Utf8)];
    Arc::new(Schema::new(fields.to_vec()))
}

/// Groups and places, by the configuration's own names for them.
fn cut(config: &Value, lines: &[Value]) -> Vec<(i64, i64)> {
    let lines: String = lines.iter().map(|it| format!("{it}\n")).collect();
    let mut operator = build_operator(&BoundaryKind, config, &schema());
    groups(&run(&mut *operator, batch(&schema(), &lines)))
}

fn groups(out: &Outputs) -> Vec<(i64, i64)> {
    let lines = out.emitted().iter().flat_map(|it| json_lines(&it.1));
    let lines = lines.map(|it| serde_json::from_str::<Value>(&it).unwrap());
    lines.map(|it| (it["group"].as_i64().unwrap(), it["place"].as_i64().unwrap())).collect()
}

#[test]
fn a_group_ends_after_so_many_records() {
    let records = vec![json!({}); 5];
    let expected = [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1)];
    assert_eq!(cut(&json!({ "records": 2 }), &records), expected);
}

#[test]
fn a_group_ends_with_the_record_that_makes_it_so_large() {
    let records = [3, 3, 9, 1, 1].map(|it| json!({ "t": "x".repeat(it) }));
    let expected = [(1, 1), (1, 2), (2, 1), (3, 1), (3, 2)];
    assert_eq!(cut(&json!({ "bytes": 5 }), &records), expected);
}

#[test]
fn a_record_that_says_so_begins_a_group() {
    let records = ["line", "head", "line", "line", "head", "head"].map(|it| json!({ "t": it }));
    let expected = [(1, 1), (2, 1), (2, 2), (2, 3), (3, 1), (4, 1)];
    assert_eq!(cut(&json!({ "when": "t = 'head'" }), &records), expected);
    assert_eq!(cut(&json!({ "when": "t = 'head'" }), &records[1..3]), [(1, 1), (1, 2)]);
}

#[test]
fn a_record_with_another_value_begins_a_group_and_what_is_missing_is_a_value_too() {
    let records = [json!({ "n": 1 }), json!({ "n": 1 }), json!({}), json!({}), json!({ "n": 1 })];
    let expected = [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1)];
    assert_eq!(cut(&json!({ "onChange": ["n"] }), &records), expected);
}

#[test]
fn the_rule_that_comes_first_ends_the_group_and_all_begin_again_with_it() {
    let records = [1, 1, 1, 2, 2, 2, 2].map(|it| json!({ "n": it }));
    let expected = [(1, 1), (1, 2), (2, 1), (3, 1), (3, 2), (4, 1), (4, 2)];
    assert_eq!(cut(&json!({ "records": 2, "onChange": ["n"] }), &records), expected);
}

#[test]
fn with_a_key_each_is_cut_on_its_own() {
    let records = ["a", "b", "a", "a", "b"].map(|it| json!({ "k": it }));
    let expected = [(1, 1), (1, 1), (1, 2), (2, 1), (1, 2)];
    assert_eq!(cut(&json!({ "records": 2, "key": ["k"] }), &records), expected);
}

#[test]
fn a_group_ends_a_time_after_its_first_record() {
    let clock = Arc::new(Hand::default());
    let cx = BuildContext { clock: clock.clone(), ..context() };
    let config = json!({ "within": "10s" });
    let build = || BoundaryKind.build(&config, &schema(), &cx).unwrap().operator;
    let at = |operator: &mut dyn Operator, now: i64| {
        clock.set(now);
        groups(&run(operator, batch(&schema(), "{}\n{}")))
    };
    let mut operator = build();
    assert_eq!(at(&mut *operator, 5_000), [(1, 1), (1, 2)]);
    assert_eq!(at(&mut *operator, 14_999), [(1, 3), (1, 4)]);
    let (mut kept, mut again) = (Kept::default(), build());
    kept.take(&mut *operator);
    kept.restore(&mut *again);
    // A clock that was set back makes nothing older.
    assert_eq!(at(&mut *again, 1_000), [(1, 5), (1, 6)]);
    assert_eq!(at(&mut *again, 15_000), [(2, 1), (2, 2)]);
}

#[test]
fn a_record_of_which_nobody_can_tell_is_refused_and_counts_nowhere() {
    let config = json!({ "when": "CAST(t AS INT) > 5", "records": 3 });
    let mut operator = build_operator(&BoundaryKind, &config, &schema());
    let lines = ["1", "x", "2", "7", "8"].map(|it| format!("{{\"t\":\"{it}\"}}\n")).concat();
    let out = run(&mut *operator, batch(&schema(), &lines));
    assert_eq!(groups(&out), [(1, 1), (1, 2), (2, 1), (3, 1)]);
    assert_eq!(refused(&out), ["2: when: cannot cast string 'x' to value of int32 type"]);
    assert_eq!(out.emitted()[0].1.positions.at(1), 3);
}

/// A record: a key, a number, a text.
type Given = (char, Option<u8>, String);

/// What a plain boundary remembers of a key.
#[derive(Default)]
struct Plain {
    group: i64,
    place: i64,
    bytes: usize,
    last: Option<u8>,
}

/// By all rules at once but for the time: 4 records, 20 bytes, a text with an x, another number.
fn plainly(records: &[Given]) -> Vec<(i64, i64)> {
    let mut keys: BTreeMap<char, Plain> = BTreeMap::new();
    let put = |(k, n, t): &Given| {
        let it = keys.entry(*k).or_default();
        let is_full = it.place == 4 || it.bytes >= 20;
        if it.group == 0 || is_full || t.contains('x') || it.last != *n {
            *it = Plain { group: it.group + 1, ..Plain::default() };
        }
        it.place += 1;
        it.bytes += 1 + n.map_or(0, |_| 8) + t.len();
        it.last = *n;
        (it.group, it.place)
    };
    records.iter().map(put).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn however_records_are_cut_and_wherever_it_begins_again_the_groups_are_those_of_one_run(
        records in proptest::collection::vec(
            (proptest::char::range('a', 'c'), proptest::option::of(0_u8..2), "[a-x]{0,3}"),
            1..60,
        ),
        cuts in proptest::collection::vec((1_usize..20, any::<bool>()), 1..6),
    ) {
        let config = json!({
            "key": ["k"], "records": 4, "bytes": 20, "when": "t LIKE '%x%'", "onChange": ["n"],
        });
        let lines: Vec<_> = records
            .iter()
            .map(|(k, n, t)| json!({ "k": k, "n": n, "t": t }).to_string() + "\n")
            .collect();
        let build = || build_operator(&BoundaryKind, &config, &schema());
        let outs = in_batches(build, &schema(), &lines, &cuts);
        prop_assert_eq!(outs.iter().flat_map(groups).collect::<Vec<_>>(), plainly(&records));
    }
}

#[test]
fn tables_are_of_the_fields_that_are_compared_and_of_nothing_else() {
    let tables = |config: Value| BoundaryKind.tables(&config);
    let one = tables(json!({ "key": ["k"], "onChange": ["n"], "records": 5 }));
    let more = json!({ "key": ["k"], "onChange": ["n"], "bytes": 5, "number": "g", "place": "p" });
    assert_eq!(tables(more), one);
    assert_ne!(tables(json!({ "key": ["t"], "onChange": ["n"] })), one);
    assert_ne!(tables(json!({ "key": ["k"], "onChange": ["t"] })), one);
    let config = json!({ "key": ["k"], "onChange": ["n"] });
    let mut operator = build_operator(&BoundaryKind, &config, &schema());
    let built = operator.tables().into_iter().map(|(name, it)| (name, it.spec()));
    assert_eq!(built.collect::<BTreeMap<_, _>>(), one);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let mut fields: Vec<_> = schema().fields().iter().cloned().collect();
    let item = Arc::new(field("item", DataType::Int64));
    fields.push(Arc::new(field("group", DataType::ListView(item))));
    let schema = Arc::new(Schema::new(fields));
    let config = json!({
        "key": ["kk"], "onChange": ["n", "n"], "records": 0, "bytes": 5, "within": "0s",
        "when": "n", "place": "group",
    });
    assert_eq!(
        check_operator(&BoundaryKind, &config, Some(&schema)),
        [
            "key[0]: there is no field kk | did you mean k?",
            "onChange[1]: the field n is named twice | name it once",
            "records: every record would be a group | write at least 1",
            "within: every record would be a group | write for instance 1h",
            "number: there is a field group already | choose another name",
            "place: there is a field group already | choose another name",
            "place: the number of the group is put into group as well | choose another name",
            "bytes: nobody knows how large a list<int64> is | cut by records, or drop the field in a mapping before",
            "when: a condition must be boolean, this is int64 | compare it with something, for instance … = 'x' or … > 0",
        ]
    );
    let none = check_operator(&BoundaryKind, &json!({ "key": ["k"] }), None);
    let fix = "write at least one of records, bytes, within, when and onChange";
    assert_eq!(none, [format!(": nothing ends a group | {fix}")]);
    for wrong in [json!({ "record": 5 }), json!({ "records": -5 }), json!({ "when": ["a"] })] {
        assert!(BoundaryKind.decode(&wrong).is_err(), "{wrong}");
    }
}
