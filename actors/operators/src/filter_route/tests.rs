//! Rules as data: which records come out of which port.

use serde_json::{Value, json};
use weir_stream::{OperatorKind, Outputs};

use super::FilterRouteKind;
use crate::testing::{build_operator, check_operator, json_lines, numbers, refused, run};

/// `port=n,n,n` for each port in order, of records 0 to 9.
fn routed(config: &Value) -> (String, Outputs) {
    let schema = numbers(1).records.schema();
    let mut operator = build_operator(&FilterRouteKind, config, &schema);
    let ports = FilterRouteKind.check(config, Some(&schema)).outputs;
    let out = run(&mut *operator, numbers(10));
    let number = |it: &String| it.trim_matches(|c: char| !c.is_ascii_digit()).to_owned();
    let parts: Vec<_> = out
        .emitted()
        .iter()
        .map(|(port, batch)| {
            let rows: Vec<_> = json_lines(batch).iter().map(number).collect();
            format!("{}={}", ports[*port].0, rows.join(","))
        })
        .collect();
    (parts.join(" "), out)
}

fn check(config: &Value, expected: &str) {
    let (found, out) = routed(config);
    assert_eq!(found, expected, "{config}");
    assert!(refused(&out).is_empty());
}

#[test]
fn the_first_rule_that_matches_decides() {
    check(
        &json!({ "rules": [
            { "when": "n < 3", "to": "low" },
            { "when": "n < 5", "to": "middle" },
        ] }),
        "low=0,1,2 middle=3,4 otherwise=5,6,7,8,9",
    );
}

#[test]
fn rules_that_continue_let_others_match_and_a_port_gets_a_record_once() {
    check(
        &json!({ "rules": [
            { "when": "n < 3", "to": ["all", "low"], "continue": true },
            { "when": "n < 5", "to": "all" },
            { "when": "n = 4", "to": "never" },
        ], "otherwise": "drop" }),
        "all=0,1,2,3,4 low=0,1,2",
    );
}

#[test]
fn what_continued_and_matched_is_not_otherwise() {
    check(
        &json!({ "rules": [{ "when": "n > 7", "to": "high", "continue": true }] }),
        "high=8,9 otherwise=0,1,2,3,4,5,6,7",
    );
}

#[test]
fn dropped_records_reach_no_port() {
    check(
        &json!({ "rules": [
            { "when": "n % 2 = 0", "drop": true },
            { "when": true, "to": "odd" },
        ], "otherwise": "drop" }),
        "odd=1,3,5,7,9",
    );
}

#[test]
fn conditions_combine_and_nest() {
    let rule = |when: Value| json!({ "rules": [{ "when": when, "to": "x" }], "otherwise": "drop" });
    check(&rule(json!({ "all": ["n > 2", "n < 5"] })), "x=3,4");
    check(&rule(json!({ "any": ["n < 2", "n > 8"] })), "x=0,1,9");
    check(&rule(json!({ "none": ["n < 2", "n > 3"] })), "x=2,3");
    check(
        &rule(json!({ "all": [{ "none": ["n = 1"] }, { "any": ["n < 3", "n = 7"] }] })),
        "x=0,2,7",
    );
}

#[test]
fn null_matches_nothing_and_so_none_of_it() {
    let rule = |when: Value| json!({ "rules": [{ "when": when, "to": "x" }], "otherwise": "drop" });
    check(&rule(json!("nullif(n, 3) >= 0")), "x=0,1,2,4,5,6,7,8,9");
    check(&rule(json!({ "none": ["nullif(n, 3) >= 0"] })), "x=3");
}

#[test]
fn a_record_that_can_not_be_decided_is_refused_and_goes_nowhere() {
    let (found, out) = routed(&json!({ "rules": [
        { "when": "n < 5", "to": "low", "continue": true },
        { "name": "ratio", "when": "10 / (n - 3) > 4", "to": "steep" },
    ] }));
    assert_eq!(found, "low=0,1,2,4 steep=4,5 otherwise=6,7,8,9");
    assert_eq!(refused(&out), ["4: ratio: division by zero"]);
}

#[test]
fn what_an_earlier_rule_or_condition_decided_can_not_fail() {
    let division = "10 / (n - 3) > 4";
    check(
        &json!({ "rules": [
            { "when": "n = 3", "to": "three" },
            { "when": division, "to": "steep" },
        ], "otherwise": "drop" }),
        "three=3 steep=4,5",
    );
    let rule = |when: Value| json!({ "rules": [{ "when": when, "to": "x" }], "otherwise": "drop" });
    check(&rule(json!({ "all": ["n <> 3", division] })), "x=4,5");
    check(&rule(json!({ "any": ["n = 3", division] })), "x=3,4,5");
}

#[test]
fn whole_batches_pass_without_a_copy() {
    let (_, out) = routed(&json!({ "rules": [{ "when": "n >= 0", "to": "x" }] }));
    let before = numbers(10);
    assert_eq!(out.emitted()[0].1.positions, before.positions);
}

#[test]
fn what_is_wrong_is_found_with_its_key_and_a_way_out() {
    let schema = numbers(1).records.schema();
    let config = json!({ "rules": [
        { "when": "m > 3", "to": "a" },
        { "when": { "any": ["n > 3", "n + 1", "n = 'x'"] }, "to": "a" },
        { "when": { "all": [] }, "to": "drop" },
        { "when": "n > 3" },
        { "when": "n > 3", "to": "a", "drop": true },
        { "when": "n > 3", "drop": true, "continue": true },
    ] });
    assert_eq!(
        check_operator(&FilterRouteKind, &config, Some(&schema)),
        [
            "rules[2].to: drop is no port | write drop: true instead of to",
            "rules[3]: the rule leads nowhere | say to: with a port, or drop: true",
            "rules[4]: the rule both drops and routes | leave one of to and drop out",
            "rules[5]: what is dropped can't go on to further rules | leave continue out, or let the rule route",
            "rules[0].when: there is no field m (at column 1 of the expression) | the fields are: n",
            "rules[1].when.any[1]: a condition must be boolean, this is int64 | compare it with something, for instance … = 'x' or … > 0",
            "rules[1].when.any[2]: cannot compare int64 with string (at column 1 of the expression) | cast the text, for instance TRY_CAST(… AS BIGINT)",
            "rules[2].when.all: there is no condition in the list | write at least one",
        ]
    );
    let findings = check_operator(&FilterRouteKind, &json!({ "rules": [] }), None);
    assert_eq!(findings, ["rules: there is no rule | write at least one, or remove the stage"]);
}

#[test]
fn a_configuration_that_does_not_fit_says_where_and_why() {
    let error = |config: Value| FilterRouteKind.decode(&config).unwrap_err().to_string();
    let when = |it: Value| json!({ "rules": [{ "when": it, "to": "a" }] });
    assert_eq!(
        error(when(json!({ "al": ["n > 1"] }))),
        "rules[0].when: there is no condition al: did you mean all?"
    );
    let both = error(when(json!({ "all": ["n > 1"], "any": ["n > 2"] })));
    assert!(both.ends_with("all and any stand side by side: put one into the other"), "{both}");
    let list = error(when(json!(["n > 1"])));
    assert!(list.contains("expected an expression, or one of all, any, none"), "{list}");
    let port = error(json!({ "rules": [{ "when": "n > 1", "to": "a b" }] }));
    assert!(port.starts_with("rules[0].to") && port.contains("' '"), "{port}");
    assert!(error(json!({ "rules": [], "other": "x" })).contains("unknown field `other`"));
}

#[test]
fn rules_read_back_as_they_were_written() {
    let written = json!({ "rules": [
        { "name": "late", "when": { "all": ["n > 1", { "none": ["n = 2"] }] }, "to": ["a"], "continue": true },
        { "when": "n = 0", "drop": true },
    ], "otherwise": "drop" });
    let config: super::FilterRouteConfig = serde_json::from_value(written.clone()).unwrap();
    assert_eq!(serde_json::to_value(config).unwrap(), written);
}

#[test]
fn the_schema_for_editors_knows_nested_conditions() {
    let schema = serde_json::to_value(FilterRouteKind.config_schema()).unwrap();
    let condition = &schema["$defs"]["Condition"]["anyOf"][1];
    assert_eq!(condition["properties"]["none"]["items"]["$ref"], "#/$defs/Condition");
    assert_eq!(schema["$defs"]["Rule"]["additionalProperties"], false);
}
