use clap::Parser;
use serde_json::json;
use weir_http_api::{RebalancePlan, SchedulePlan, ScheduleView};

use super::*;
use crate::cli::samples::{LOOK, WIDE};

fn of<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> T {
    serde_json::from_value(value).expect("a view")
}

fn flights() -> serde_json::Value {
    json!({
        "workflow": "flights", "revision": 4,
        "settings": {
            "target": 6, "weight": 100, "default": { "min": 1, "max": 1 },
            "nodes": { "n1": { "max": "unlimited" } }, "roles": { "big": { "min": 2 } }
        },
        "target": 6, "placed": 3, "missing": 3,
        "reasons": [
            { "code": "max:default", "nodes": 2, "detail": "the rule for default allows no more there" },
            { "code": "draining", "nodes": 1, "detail": "it is drained, or leaves the cluster" }
        ],
        "nodes": { "n1": 2, "n2": 1 }, "states": { "processing": 2, "restartBackoff": 1 }
    })
}

fn detail() -> ScheduledWorkflowDetail {
    let mut detail = flights();
    detail["warnings"] = json!(["workflow flights misses 3 instances of its target"]);
    detail["instances"] = json!([
        { "number": 1, "node": "n1", "why": "it had the least load, 0; next was n2 with 0",
          "state": "processing", "since": "2023-11-14T22:12:20.000Z", "restarts": 0 },
        { "number": 2, "node": "n2", "why": "the rule for role big wants at least 2 there",
          "state": "restartBackoff", "since": "2023-11-14T22:13:15.000Z", "restarts": 3,
          "restartAt": "2023-11-14T22:13:32.000Z",
          "fault": { "kind": "transient", "code": "WEIR-04007", "message": "no space left on device" } },
        { "number": 7, "node": "n1", "why": "it was the only node allowed, with load 100", "restarts": 0 }
    ]);
    detail["candidates"] = json!([
        { "node": "n1", "count": 2, "load": 200, "rank": 1, "why": "it would take the next one" },
        { "node": "n2", "count": 1, "load": 100, "passedOver": "max:default",
          "why": "the rule for default allows no more there" }
    ]);
    of(detail)
}

fn schedule() -> ScheduleView {
    let weather = json!({
        "workflow": "weather", "revision": 0, "settings": { "weight": 50 },
        "target": 2, "placed": 2, "missing": 0, "nodes": { "n2": 2 }, "states": {}
    });
    of(json!({
        "revision": 17, "workflows": [flights(), weather],
        "nodes": [
            { "name": "n1", "uid": "0197a8b0-0000-7000-8000-000000000001", "reach": "up",
              "drained": false, "roles": ["big"], "instances": 2, "load": 200, "deployed": 2 },
            { "name": "n2", "uid": "0197a8b0-0000-7000-8000-000000000002", "reach": "draining",
              "drained": true, "roles": [], "instances": 3, "load": 200 }
        ],
        "drained": ["n2", "n9"],
        "warnings": ["workflow flights misses 3 instances of its target"]
    }))
}

#[test]
fn the_whole_schedule() {
    assert_eq!(
        tables::schedule(&schedule(), &LOOK),
        "\
WORKFLOW  TARGET  PLACED  MISSING  WEIGHT  PER-NODE  WHY
flights        6       3        3     100  1..1      max:default ×2, draining ×1
weather        2       2        0      50  -

NODE  STATE       INSTANCES  LOAD  DEPLOYED  ROLES
n1    ✓ up                2   200         2  big
n2    ◐ draining          3   200         -  -

drained, and no members now: n9

! workflow flights misses 3 instances of its target
"
    );
    let wide = tables::schedule(&schedule(), &WIDE);
    let states =
        "6    n1=..unlimited role:big=2..  processing=2 restart-backoff=1  n1=2 n2=1         4";
    assert!(wide.contains(states), "{wide}");
}

#[test]
fn one_workflow_of_the_schedule() {
    assert_eq!(
        tables::workflow(&detail(), &LOOK),
        "\
workflow:  flights
target:    6
placed:    3 instances, 3 missing
weight:    100
per node:  1..1
on node:   n1: ..unlimited
on role:   big: 2..
revision:  4
why:       2 nodes: the rule for default allows no more there
why:       1 node: it is drained, or leaves the cluster

INSTANCE  NODE  STATE              SINCE  RESTARTS
1         n1    ● processing       1m            0
2         n2    ◐ restart-backoff  5s            3
7         n1    ? not said yet     -             0

! workflow flights misses 3 instances of its target
"
    );
    let wide = tables::workflow(&detail(), &WIDE);
    assert!(wide.contains("3  in 12s      no space left on device"), "{wide}");
}

#[test]
fn why_each_instance_is_where_it_is() {
    assert_eq!(
        tables::why(&detail(), &LOOK),
        "\
INSTANCE  NODE  WHY
1         n1    it had the least load, 0; next was n2 with 0
2         n2    the rule for role big wants at least 2 there
7         n1    it was the only node allowed, with load 100

NODE  HAS  LOAD  NEXT         WHY
n1      2   200  1.           it would take the next one
n2      1   100  max:default  the rule for default allows no more there

! workflow flights misses 3 instances of its target
"
    );
}

#[test]
fn a_plan() {
    let plan: SchedulePlan = of(json!({
        "revision": 17,
        "starts": [{ "workflow": "w", "number": 5, "node": "n2",
                     "why": "it had the least load, 0; next was n3 with 100" }],
        "stops": [{ "workflow": "w", "number": 1, "node": "n1",
                    "why": "its node is drained, or leaves the cluster" }],
        "workflows": [{ "workflow": "w", "target": 2, "placed": 2, "missing": 0, "nodes": { "n2": 1, "n3": 1 } }],
        "loads": {}, "warnings": []
    }));
    assert_eq!(
        tables::plan(&plan, &LOOK),
        "\
- w/1 on n1: its node is drained, or leaves the cluster
+ w/5 on n2: it had the least load, 0; next was n3 with 100

WORKFLOW  TARGET  PLACED  MISSING  WHY
w              2       2        0

revision:  17
"
    );
    let same = SchedulePlan { starts: vec![], stops: vec![], ..plan };
    assert!(tables::plan(&same, &LOOK).starts_with("nothing starts and nothing stops\n\n"));
}

#[test]
fn a_rebalance() {
    let plan: RebalancePlan = of(json!({
        "revision": 9,
        "moves": [{ "workflow": "w", "number": 3, "from": "n2", "fromLoad": 400, "to": "n1", "toLoad": 0 }]
    }));
    assert_eq!(
        tables::rebalance(&plan, &LOOK),
        "\
INSTANCE  FROM  LOAD  TO  LOAD
w/3       n2     400  n1     0

revision:  9
"
    );
    let even = RebalancePlan { moves: vec![], ..plan };
    assert_eq!(tables::rebalance(&even, &LOOK), "the loads are even\n\nrevision:  9\n");
}

#[derive(Debug, Parser)]
struct Line {
    #[command(subcommand)]
    verb: Verb,
}

fn set(words: &str) -> Set {
    let words = ["scheduler", "set", "w"].into_iter().chain(words.split(' '));
    match Line::try_parse_from(words).expect("a right command line").verb {
        Verb::Set(set) => *set,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_not_given_of_a_rule_stays_as_it_is() {
    let known = detail().workflow.settings;
    let change = |words: &str| set(words).change(&known, "can't").expect("a change");
    let of_default = change("--max unlimited").default.expect("a rule");
    assert_eq!((of_default.min(), of_default.max()), (Some(1), Some(Max::Unlimited)));
    let none = change("--min none --max none").default.expect("a rule");
    assert!(none.is_silent(), "it takes the rule away");
    let role = change("--role big --max 4").roles;
    assert_eq!((role["big"].min(), role["big"].max()), (Some(2), Some(Max::AtMost(4))));
    let node = change("--node n9 --min 0").nodes;
    assert_eq!(node[&"n9".parse::<NodeName>().expect("a name")].min(), Some(0));
    assert_eq!(change("--target unset").target, Some(TargetChange::Unset));
    assert_eq!(change("--target unset").default, None);
}

#[test]
fn what_can_not_be_is_refused_before_anything_is_sent() {
    let known = detail().workflow.settings;
    let refused = set("--min 3").change(&known, "can't").expect_err("min above max");
    assert!(refused.text(&LOOK).contains("lower the one or raise the other"));
    for words in ["--node n1", "--revision 3"] {
        let failure = set(words).refuse_nothing("can't").expect_err(words);
        assert!(failure.text(&LOOK).contains("hint:  name --"), "{words}");
    }
    let parsed = |words: &str| {
        let words = ["scheduler"].into_iter().chain(words.split(' '));
        Line::try_parse_from(words).map(drop).map_err(|it| it.to_string())
    };
    assert!(parsed("set w --weight 0").expect_err("no weight").contains("at least 1"));
    assert!(parsed("set w --max many").expect_err("no bound").contains("unlimited or none"));
    assert!(parsed("set w --target many").expect_err("no target").contains("\"unset\""));
    assert!(parsed("set w --node a --role b --min 1").is_err());
    assert!(parsed("rebalance --yes --revision 3").is_err());
    assert!(parsed("apply f --dry-run --revision 3").is_err());
}
