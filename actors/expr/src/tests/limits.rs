//! Hostile and odd texts: nothing panics, nothing overflows the stack, results stay plain.

use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Field, Int32Type, Schema};

use super::{NOW, flights, records, values};
use crate::Expression;

fn refused(text: &str) -> String {
    Expression::compile(text, &flights()).unwrap_err().message
}

#[test]
fn what_is_too_large_or_too_deep_is_refused() {
    let long = vec!["1"; 3_000].join(" + ");
    assert_eq!(refused(&long), "the expression has 5999 tokens, more than 4000");
    let chain = vec!["flight = 1"; 300].join(" OR ");
    assert_eq!(refused(&chain), "the expression chains more than 120 operators");
    let nested = format!("{}1{}", "(".repeat(300), ")".repeat(300));
    assert_eq!(refused(&nested), "the expression is nested too deeply");
    let calls = format!("{}1{}", "abs(".repeat(300), ")".repeat(300));
    assert_eq!(refused(&calls), "the expression is nested too deeply");
    let minus = format!("{}1", "- ".repeat(1_900));
    assert!(Expression::compile(&minus, &flights()).is_err());
    let not = format!("{}cancelled", "NOT ".repeat(1_900));
    assert!(Expression::compile(&not, &flights()).is_err());
    assert!(refused(&"x".repeat(70_000)).contains("bytes"));
}

/// The largest `n` for which the text is accepted, evaluated once.
fn largest(text: impl Fn(usize) -> String) -> usize {
    let batch = records(&flights(), r#"{"flight": 7, "distance": 1.5, "codes": [1]}"#);
    let accepted = (1..=122).rev().find_map(|n| {
        let expression = Expression::compile(&text(n), &flights()).ok()?;
        assert_eq!(values(&expression, &batch).len(), 1);
        Some(n)
    });
    accepted.unwrap_or(0)
}

#[test]
fn the_largest_expressions_accepted_fit_the_stack_of_a_worker() {
    // Tests run on threads with 2 MB of stack, as workers do.
    let chain = largest(|n| vec!["flight"; n].join(" + "));
    assert!(chain > 100, "{chain}");
    let mixed = largest(|n| vec!["flight + distance"; n].join(" * "));
    assert!(mixed > 50, "{mixed}");
    let or = largest(|n| vec!["flight = 1"; n].join(" OR "));
    assert!(or > 100, "{or}");
    let calls = largest(|n| format!("{}flight{}", "abs(".repeat(n), ")".repeat(n)));
    assert!(calls > 30, "{calls}");
    let parentheses = largest(|n| format!("{}flight{}", "(1 + ".repeat(n), ")".repeat(n)));
    assert!(parentheses > 30, "{parentheses}");
    let cases = largest(|n| {
        let open = "CASE WHEN distance > flight THEN 1 ELSE ".repeat(n);
        format!("{open}flight{}", " END".repeat(n))
    });
    assert!(cases > 30, "{cases}");
}

#[test]
fn a_long_list_of_values_is_fine() {
    let list: Vec<_> = (0..1_500).map(|it| it.to_string()).collect();
    let text = format!("flight IN ({})", list.join(", "));
    let batch = records(&flights(), "{\"flight\": 1207}\n{\"flight\": 1500}");
    let expression = Expression::compile(&text, &flights()).unwrap();
    assert_eq!(values(&expression, &batch), ["true", "false"]);
}

#[test]
fn mutilated_texts_never_panic() {
    let whole = "CASE WHEN dep_delay > 15 AND origin.city LIKE 'B%' THEN upper(carrier) || \
                 CAST(flight AS STRING) ELSE coalesce(note, legs[1].to, 'x') END";
    let schema = flights();
    for cut in 0..whole.len() {
        let _ = Expression::compile(&whole[..cut], &schema);
        let _ = Expression::compile(&whole[cut..], &schema);
    }
    for odd in [
        "\u{0}",
        "é",
        "'\u{1F600}'",
        "\"",
        "``",
        "a.",
        ".a",
        "[",
        "[]",
        "{}",
        "()",
        "::",
        "$$",
        "@x",
    ] {
        let _ = Expression::compile(odd, &schema);
    }
}

#[test]
fn kernels_that_panic_fail_the_evaluation_only() {
    let batch = records(&flights(), r#"{"flight": 9223372036854775807}"#);
    for text in ["repeat('ab', flight)", "FlightDate + INTERVAL '1 month' * flight"] {
        if let Ok(expression) = Expression::compile(text, &flights()) {
            let _ = expression.evaluate(&batch, NOW);
        }
    }
}

#[test]
fn views_and_dictionaries_come_out_plain() {
    let dictionary: DictionaryArray<Int32Type> = ["x", "y"].into_iter().collect();
    let schema = Arc::new(Schema::new(vec![
        Field::new("v", DataType::Utf8View, true),
        Field::new("d", dictionary_type(), true),
    ]));
    let columns: Vec<ArrayRef> =
        vec![Arc::new(StringViewArray::from(vec!["a", "b"])), Arc::new(dictionary)];
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
    for text in ["v", "d", "v || d", "upper(v)", "substr(v, 1, 1)", "coalesce(d, 'n')"] {
        let expression = Expression::compile(text, &schema).unwrap();
        assert_eq!(expression.data_type(), &DataType::Utf8, "{text}");
        assert_eq!(values(&expression, &batch).len(), 2);
    }
}

fn dictionary_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

#[test]
fn a_compiled_expression_can_be_shared_and_knows_its_fields() {
    fn shared<T: Send + Sync>(_: &T) {}
    let text = "CASE WHEN origin.city = 'x' THEN flight ELSE dep_delay + flight END";
    let expression = Expression::compile(text, &flights()).unwrap();
    shared(&expression);
    assert_eq!(expression.columns(), ["origin", "flight", "dep_delay"]);
    assert_eq!(expression.plain_column(), None);
    let expression = Expression::compile("flight", &flights()).unwrap();
    assert_eq!(expression.plain_column(), Some("flight"));
    assert!(expression.nullable());
}
