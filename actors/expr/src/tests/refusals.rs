//! What is refused at compile time: kind, message, place and fix.

use super::flights;
use crate::{ExprErrorKind, Expression, Predicate};

/// `expression | kind | line:column | message | fix`; an empty part is not compared.
fn check(cases: &[&str]) {
    let mut wrong = Vec::new();
    for case in cases {
        let parts: Vec<_> = case.trim_end_matches(" |").split(" | ").map(str::trim).collect();
        let text = parts[0].replace("\\n", "\n");
        let Err(error) = Expression::compile(&text, &flights()) else {
            wrong.push(format!("{text} is accepted"));
            continue;
        };
        let kind = match &error.kind {
            ExprErrorKind::Syntax => "syntax",
            ExprErrorKind::UnknownField { .. } => "field",
            ExprErrorKind::UnknownFunction { .. } => "function",
            ExprErrorKind::Type => "type",
            ExprErrorKind::Other => "other",
        };
        let place = error.offset.map(|(line, column)| format!("{line}:{column}"));
        let place = place.unwrap_or_else(|| "-".into());
        let fix = error.fix.unwrap_or_else(|| "-".into());
        let got = [kind, &place, &error.message, &fix];
        let differs = |(expected, got): (&&str, &&str)| !expected.is_empty() && expected != got;
        if parts[1..].iter().zip(&got).any(differs) {
            wrong.push(format!("{text}\n    gives {}", got.join(" | ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn unknown_names_have_a_place_and_a_suggestion() {
    check(&[
        "dep_dealy > 5 | field | 1:1 | there is no field dep_dealy | did you mean dep_delay?",
        "1 +\\n  origin.ctiy | field | 2:10 | there is no field origin.ctiy | did you mean origin.city?",
        "origin.pos.latt | field | 1:12 | there is no field origin.pos.latt | did you mean origin.pos.lat?",
        "origin['zzz'] | field | 1:8 | there is no field origin.zzz | the fields of origin are: code, city, pos",
        "legs[1].form | field | 1:9 | there is no field legs[1].form | the fields of legs[1] are: to, miles",
        "legs.to | type | 1:6 | legs is list<struct<to: string, miles: int64>>, it has no field to | take an element first, for instance legs[1].to",
        "carrier.code | type | 1:9 | carrier is string, it has no field code |",
        "carrier[1] | type | 1:9 | carrier is string, it has no elements to take by [] |",
        "gate | field | 1:1 | there is no field gate | did you mean \"gate no\"?",
        "lenght(carrier) | function | 1:1 | there is no function lenght | did you mean length?",
        "upper(lowre(carrier)) | function | 1:7 | there is no function lowre | did you mean lower?",
        "qqqq(1) | function | 1:1 | there is no function qqqq | the functions are listed in docs/expressions.md",
        "array_transform(codes, x -> y) | field | 1:29 | there is no field y |",
    ]);
}

#[test]
fn types_that_do_not_fit_are_named_in_our_words() {
    check(&[
        "carrier > 5 | type | 1:1 | cannot compare string with int64 | cast the text, for instance TRY_CAST(… AS BIGINT)",
        "cancelled = 1 | type | 1:1 | cannot compare boolean with int64 | cast one of them to the type of the other",
        "cancelled = 'true' | type | 1:1 | cannot compare boolean with string | write true or false without quotes, or compare texts",
        "dep_delay IN (1, 'x') | type | 1:1 | cannot compare int64 with string |",
        "dep_delay BETWEEN 1 AND '9' | type | 1:1 | cannot compare int64 with string | write the number without quotes: 9",
        "date > dep_time | type | 1:1 | cannot compare string with timestamp(us) |",
        "dep_time > '2001-13-01' | type | 1:1 | '2001-13-01' is no timestamp(us) |",
        "dep_delay AND cancelled | type | 1:1 | AND needs boolean, but dep_delay is int64 | compare it with something, for instance … > 0",
        "NOT carrier | type | - | unary operator 'NOT' requires a boolean expression, got string |",
        "flight LIKE '12%' | type | 1:1 | LIKE needs string, but flight is int64 | turn it into a text with CAST(… AS STRING)",
        "carrier * 2 | type | 1:1 | cannot compute string * int64 | cast the text to a number, for instance CAST(… AS BIGINT)",
        "cancelled + 1 | type | 1:1 | cannot compute boolean + int64 | turn the boolean into a number, for instance CAST(… AS INT)",
        "-carrier | type | - | unary operator '-' only supports signed numeric, interval and timestamp types |",
        "CASE WHEN dep_delay THEN 1 END | type | 1:11 | WHEN needs boolean, but dep_delay is int64 |",
        "CASE dep_delay WHEN 'x' THEN 1 END | type | 1:6 | cannot compare int64 with string |",
        "NULL | type | - | the expression is always null and has no type | give it one, for instance CAST(NULL AS STRING)",
        "9223372036854775807 + 1 | type | - | the result does not fit its type: 9223372036854775807 + 1 |",
        "abs(carrier, 2) | type | 1:1 | abs does not take (string, int64) |",
        "date_trunc('day', cancelled) | type | 1:1 | date_trunc does not take (string, boolean) |",
    ]);
}

#[test]
fn syntax_errors_have_a_place() {
    check(&[
        " | syntax | - | the expression is empty |",
        "-- only a comment | syntax | - | the expression is empty |",
        "(dep_delay + 1 | syntax | 1:15 | expected ), found the end |",
        "dep_delay + * 2 | syntax | 1:13 | |",
        "'open | syntax | 1:1 | unterminated string literal |",
        "dep_delay flight | syntax | 1:11 | the expression ends before \"flight\" |",
        "dep_delay AS late | syntax | 1:11 | the expression ends before \"AS\" | leave the name out: it is the key that the expression stands behind",
        "flight; DROP TABLE x | syntax | 1:7 | the expression ends before \";\" | remove the semicolon",
        "cancelled && cancelled | syntax | 1:1 | there is no operator && | write AND",
        "CASE WHEN cancelled THEN 1 | syntax | 1:6 | the expression ends before \"WHEN\" | write CASE WHEN … THEN … ELSE … END, with an END",
        "CAST(flight AS thing) | | | |",
        "INTERVAL 'soon' | | | |",
        "#x | syntax | 1:1 | |",
    ]);
}

#[test]
fn sql_that_is_not_for_one_record_is_refused() {
    check(&[
        "count(*) | other | 1:1 | count looks at many records, an expression sees one | compute it in a stage that aggregates",
        "max(dep_delay) | other | 1:1 | max looks at many records, an expression sees one | for the values of one record use greatest(a, b), or array_max(list)",
        "row_number() OVER () | other | 1:1 | row_number … OVER looks at many records, an expression sees one |",
        "(SELECT 1) | other | 1:2 | an expression sees one record: it can't hold a query |",
        "flight IN (SELECT 1) | other | 1:12 | an expression sees one record: it can't hold a query |",
        "EXISTS (SELECT 1) | other | 1:9 | an expression sees one record: it can't hold a query |",
        "flight > $1 | | | |",
        "upper(*) | other | 1:1 | * stands for all fields, but here one value is needed | name a field",
    ]);
}

#[test]
fn a_condition_must_be_boolean() {
    let refused = |text: &str| Predicate::compile(text, &flights()).unwrap_err();
    let error = refused("dep_delay");
    assert_eq!(error.message, "a condition must be boolean, this is int64");
    let error = refused("cancelled || cancelled");
    assert_eq!(error.message, "|| joins texts, but here are boolean and boolean");
    assert_eq!(error.fix.as_deref(), Some("write OR between conditions"));
}

#[test]
fn without_a_schema_all_but_the_fields_is_checked() {
    let message = |text: &str| Expression::check_syntax(text).err().map(|it| it.message);
    assert_eq!(message("upper(anything.at[1].all) || 'x'"), None);
    assert_eq!(message("uper(x)").as_deref(), Some("there is no function uper"));
    assert_eq!(message("x +").as_deref(), Some("expected an expression, found the end"));
}
