//! Records that were expected and records that came out: what differs.
//!
//! Pure. A field that is missing is null, and numbers are equal if they are the same number. Records
//! that differ are put together with those that are most like them, so that what is shown is the
//! field that differs and not two whole records.

use serde_json::Value;
use weir_project::{Fields, Order, Row};

use crate::report::FieldDifference;

/// More leftovers than this are paired in their order: nobody reads them all.
const PAIRED_MAX: usize = 100;

/// Records are named by their numbers in what was expected and what came, from 0.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Change {
    Missing(usize),
    Further(usize),
    Differs { expected: usize, got: usize, fields: Vec<FieldDifference> },
}

/// What differs, in the order of what was expected.
pub(crate) fn compare(expected: &[Row], got: &[Row], order: Order, fields: Fields) -> Vec<Change> {
    let (expected_left, got_left) = match order {
        Order::Exact => middle(expected, got, fields),
        Order::Any => unmatched(expected, got, fields),
    };
    let pairs = match order {
        Order::Exact => expected_left.iter().copied().zip(got_left.iter().copied()).collect(),
        Order::Any => alike((expected, &expected_left), (got, &got_left)),
    };
    let of = |(e, g): (usize, usize)| Change::Differs {
        expected: e,
        got: g,
        fields: differences(&expected[e], &got[g], fields),
    };
    let is_left = |it: &usize, side: fn(&(usize, usize)) -> usize| {
        !pairs.iter().any(|pair| side(pair) == *it)
    };
    let missing = expected_left.iter().copied().filter(|it| is_left(it, |pair| pair.0));
    let further = got_left.iter().copied().filter(|it| is_left(it, |pair| pair.1));
    let mut changes: Vec<_> = pairs.iter().copied().map(of).collect();
    changes.extend(missing.map(Change::Missing));
    changes.sort_by_key(|it| match it {
        Change::Missing(at) | Change::Differs { expected: at, .. } | Change::Further(at) => *at,
    });
    changes.extend(further.map(Change::Further));
    changes
}

/// What is left without the beginning and the end that are equal.
fn middle(expected: &[Row], got: &[Row], fields: Fields) -> (Vec<usize>, Vec<usize>) {
    let is_equal = |(e, g): (&Row, &Row)| is_equal(e, g, fields);
    let begin = expected.iter().zip(got).take_while(|it| is_equal(*it)).count();
    let rest = expected[begin..].iter().rev().zip(got[begin..].iter().rev());
    let end = rest.take_while(|it| is_equal(*it)).count();
    ((begin..expected.len() - end).collect(), (begin..got.len() - end).collect())
}

/// What is left when each record was given a partner that is equal. A record that is written in part
/// may fit several, so partners are given away again where that helps another (augmenting paths).
fn unmatched(expected: &[Row], got: &[Row], fields: Fields) -> (Vec<usize>, Vec<usize>) {
    let mut partner_of_got: Vec<Option<usize>> = vec![None; got.len()];
    let fits = |e: usize, g: usize| is_equal(&expected[e], &got[g], fields);
    let mut left = Vec::new();
    for start in 0..expected.len() {
        if !place(start, &fits, &mut partner_of_got) {
            left.push(start);
        }
    }
    let further = partner_of_got.iter().enumerate().filter(|it| it.1.is_none());
    (left, further.map(|it| it.0).collect())
}

/// Breadth first, so that its depth is not that of the stack.
fn place(
    start: usize,
    fits: &dyn Fn(usize, usize) -> bool,
    partner_of_got: &mut [Option<usize>],
) -> bool {
    let mut came_from: Vec<Option<usize>> = vec![None; partner_of_got.len()];
    let mut open = std::collections::VecDeque::from([start]);
    while let Some(e) = open.pop_front() {
        for g in 0..partner_of_got.len() {
            if came_from[g].is_some() || !fits(e, g) {
                continue;
            }
            came_from[g] = Some(e);
            let Some(next) = partner_of_got[g] else {
                return take(start, g, &came_from, partner_of_got);
            };
            open.push_back(next);
        }
    }
    false
}

/// Gives `g` to whoever found it, what that one had to whoever found that, and so on.
fn take(
    start: usize,
    mut g: usize,
    came_from: &[Option<usize>],
    partner_of_got: &mut [Option<usize>],
) -> bool {
    while let Some(e) = came_from[g] {
        let before = partner_of_got.iter().position(|it| *it == Some(e));
        partner_of_got[g] = Some(e);
        match before {
            Some(it) if e != start => g = it,
            _ => return true,
        }
    }
    true
}

/// Pairs of leftovers that have most in common, the likeliest first.
fn alike(
    (expected, expected_left): (&[Row], &[usize]),
    (got, got_left): (&[Row], &[usize]),
) -> Vec<(usize, usize)> {
    if expected_left.len().max(got_left.len()) > PAIRED_MAX {
        return expected_left.iter().copied().zip(got_left.iter().copied()).collect();
    }
    let mut all: Vec<_> = Vec::new();
    for e in expected_left {
        for g in got_left {
            all.push((common(&expected[*e], &got[*g]), *e, *g));
        }
    }
    all.sort_by_key(|it| (std::cmp::Reverse(it.0), it.1, it.2));
    // Two that are left alone belong together, whatever they look like.
    let are_alone = all.len() == 1;
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    for (common, e, g) in all {
        let is_free = pairs.iter().all(|it| it.0 != e && it.1 != g);
        if is_free && (common > 0 || are_alone) {
            pairs.push((e, g));
        }
    }
    pairs
}

fn common(expected: &Row, got: &Row) -> usize {
    expected.iter().filter(|(name, it)| same(it, got.get(*name).unwrap_or(&Value::Null))).count()
}

fn is_equal(expected: &Row, got: &Row, fields: Fields) -> bool {
    let null = &Value::Null;
    let as_written = expected.iter().all(|(name, it)| {
        let got = got.get(name).unwrap_or(null);
        if fields == Fields::Written { within(it, got) } else { same(it, got) }
    });
    let known = |(name, it): (&String, &Value)| it.is_null() || expected.contains_key(name);
    as_written && (fields == Fields::Written || got.iter().all(known))
}

/// Whether two values are the same.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            a == b || a.as_f64() == b.as_f64() && !is_whole(a, b)
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|it| same(it.0, it.1))
        }
        (Value::Object(a), Value::Object(b)) => is_equal(a, b, Fields::All),
        _ => a == b,
    }
}

/// As `same`, where mappings may have further fields.
fn within(expected: &Value, got: &Value) -> bool {
    match (expected, got) {
        (Value::Object(a), Value::Object(b)) => is_equal(a, b, Fields::Written),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|it| within(it.0, it.1))
        }
        _ => same(expected, got),
    }
}

/// Two whole numbers are not compared as floating-point ones, which can't tell large ones apart.
fn is_whole(a: &serde_json::Number, b: &serde_json::Number) -> bool {
    !a.is_f64() && !b.is_f64()
}

/// The fields that differ, down to the innermost.
fn differences(expected: &Row, got: &Row, fields: Fields) -> Vec<FieldDifference> {
    let mut found = Vec::new();
    in_rows((expected, got), "", fields, &mut found);
    found
}

fn in_rows(
    (expected, got): (&Row, &Row),
    path: &str,
    fields: Fields,
    found: &mut Vec<FieldDifference>,
) {
    let below =
        |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    for (name, it) in expected {
        let other = got.get(name).unwrap_or(&Value::Null);
        in_values((it, other), &below(name), fields, found);
    }
    if fields == Fields::Written {
        return;
    }
    for (name, it) in got.iter().filter(|it| !expected.contains_key(it.0)) {
        in_values((&Value::Null, it), &below(name), fields, found);
    }
}

fn in_values(
    (expected, got): (&Value, &Value),
    path: &str,
    fields: Fields,
    found: &mut Vec<FieldDifference>,
) {
    match (expected, got) {
        (Value::Object(a), Value::Object(b)) => in_rows((a, b), path, fields, found),
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (at, pair) in a.iter().zip(b).enumerate() {
                in_values(pair, &format!("{path}[{at}]"), fields, found);
            }
        }
        _ if same(expected, got) => {}
        _ => found.push(FieldDifference {
            path: path.to_owned(),
            expected: expected.clone(),
            got: got.clone(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rows(json: Value) -> Vec<Row> {
        serde_json::from_value(json).unwrap()
    }

    #[track_caller]
    fn check(expected: Value, got: Value, order: Order, fields: Fields, changes: &[Change]) {
        assert_eq!(compare(&rows(expected), &rows(got), order, fields), changes);
    }

    fn differs(expected: usize, got: usize, fields: &[(&str, Value, Value)]) -> Change {
        let of = |it: &(&str, Value, Value)| FieldDifference {
            path: it.0.to_owned(),
            expected: it.1.clone(),
            got: it.2.clone(),
        };
        Change::Differs { expected, got, fields: fields.iter().map(of).collect() }
    }

    #[test]
    fn a_missing_field_is_null_and_a_number_is_itself_however_it_is_written() {
        let expected = json!([{ "a": 1, "b": null }, { "a": 2.0 }]);
        check(
            expected,
            json!([{ "a": 1.0 }, { "a": 2, "c": null }]),
            Order::Exact,
            Fields::All,
            &[],
        );
        let large = json!([{ "a": 9_007_199_254_740_993_i64 }]);
        let near = json!([{ "a": 9_007_199_254_740_992_i64 }]);
        assert_eq!(compare(&rows(large), &rows(near), Order::Any, Fields::All).len(), 1);
    }

    #[test]
    fn in_order_a_record_too_many_moves_nothing_else() {
        let expected = json!([{ "n": 1 }, { "n": 2 }, { "n": 3 }]);
        let got = json!([{ "n": 1 }, { "n": 9 }, { "n": 2 }, { "n": 3 }]);
        check(expected.clone(), got.clone(), Order::Exact, Fields::All, &[Change::Further(1)]);
        check(got, expected, Order::Exact, Fields::All, &[Change::Missing(1)]);
    }

    #[test]
    fn the_innermost_field_that_differs_is_named() {
        let expected = json!([{ "to": { "code": "BOS", "state": "MA" }, "legs": [1, 2] }]);
        let got = json!([{ "to": { "code": "JFK", "state": "MA" }, "legs": [1, 3], "x": 1 }]);
        let fields = [
            ("to.code", json!("BOS"), json!("JFK")),
            ("legs[1]", json!(2), json!(3)),
            ("x", Value::Null, json!(1)),
        ];
        let (all, written) = (differs(0, 0, &fields), differs(0, 0, &fields[..2]));
        check(expected.clone(), got.clone(), Order::Exact, Fields::All, &[all]);
        check(expected, got, Order::Any, Fields::Written, &[written]);
    }

    #[test]
    fn in_any_order_each_record_counts_once_and_those_alike_are_put_together() {
        let expected = json!([{ "n": 1, "k": "a" }, { "n": 2, "k": "b" }, { "n": 2, "k": "b" }]);
        let got = json!([{ "n": 2, "k": "b" }, { "n": 1, "k": "c" }]);
        let changes = [differs(0, 1, &[("k", json!("a"), json!("c"))]), Change::Missing(2)];
        check(expected, got, Order::Any, Fields::All, &changes);
    }

    #[test]
    fn a_record_that_fits_several_leaves_the_one_that_another_needs() {
        let expected = json!([{ "a": 1 }, { "a": 1, "b": 2 }, { "b": 2 }]);
        let got = json!([{ "a": 1, "b": 2 }, { "a": 7, "b": 2 }, { "a": 1, "b": 3 }]);
        check(expected, got, Order::Any, Fields::Written, &[]);
    }
}
