//! The schedule through REST: the worked examples of the rules, and what bad requests get.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::config_server;
use crate::schedule_lab::{Lab, answered, counts, done};

const SIX: [&str; 6] = ["n1", "n2", "n3", "n4", "n5", "n6"];

fn wanted<const N: usize>(counts: [(&str, u64); N]) -> BTreeMap<String, u64> {
    counts.into_iter().map(|(node, count)| (node.to_owned(), count)).collect()
}

/// The counts without regard to which of several equal nodes has which.
fn sorted(counts: &BTreeMap<String, u64>) -> Vec<u64> {
    let mut counts: Vec<u64> = counts.values().copied().collect();
    counts.sort_unstable();
    counts
}

fn twelve() -> Value {
    json!({ "workflows": { "w": { "target": 12, "nodes": { "n1": { "max": 1 }, "n2": { "min": 3 } } } } })
}

fn numbers(detail: &Value) -> Vec<(u64, String)> {
    let instances = detail["instances"].as_array().unwrap().iter();
    let placed =
        |it: &Value| (it["number"].as_u64().unwrap(), it["node"].as_str().unwrap().to_owned());
    instances.map(placed).collect()
}

#[tokio::test]
async fn t1_a_preview_is_what_becomes_of_twelve_on_six_and_changes_nothing() {
    let mut lab = Lab::of(&SIX, &["w"]).await;
    let plan = lab.post("scheduler:preview", twelve()).await;
    let expected = wanted([("n1", 1), ("n2", 3), ("n3", 2), ("n4", 2), ("n5", 2), ("n6", 2)]);
    assert_eq!(counts(&plan["workflows"][0]["nodes"]), expected);
    assert_eq!(plan["starts"].as_array().unwrap().len(), 12);
    assert_eq!(lab.counts("w").await, wanted([]));

    // The plan's revision is that of what it was made for.
    let mut apply = twelve();
    apply["revision"] = plan["revision"].clone();
    let schedule = lab.post("scheduler:apply", apply.clone()).await;
    assert_eq!(counts(&schedule["workflows"][0]["nodes"]), expected);
    assert_eq!(schedule["warnings"], json!([]));
    let (status, problem) =
        answered(lab.request(Method::POST, "scheduler:apply").json(&apply)).await;
    assert_eq!((status, &problem["code"]), (409, &json!("WEIR-07013")), "{problem}");

    // T1e: what ran on the node that is lost starts elsewhere, and nothing else moves.
    let before = numbers(&lab.get("scheduler/workflows/w").await);
    lab.members(&["n1", "n2", "n4", "n5", "n6"]);
    let lost = |it: &Value| it["nodes"].get("n3").is_none();
    let after = lab.wait("scheduler/workflows/w", lost).await;
    let counted = counts(&after["nodes"]);
    assert_eq!((counted["n1"], counted["n2"], counted.values().sum()), (1, 3, 12_u64));
    assert_eq!(sorted(&counted)[1..], [2, 3, 3, 3]);
    let stayed: Vec<_> = before.into_iter().filter(|it| it.1 != "n3").collect();
    assert!(stayed.iter().all(|it| numbers(&after).contains(it)), "{after:#}");

    lab.post("scheduler:apply", json!({ "workflows": { "w": { "target": 0 } } })).await;
    assert_eq!(lab.counts("w").await, wanted([]));
}

#[tokio::test]
async fn t2_weights_decide_where_the_next_one_goes() {
    let lab = Lab::of(&["n1", "n2"], &["a", "b"]).await;
    let draft =
        json!({ "workflows": { "a": { "target": 5, "weight": 50 }, "b": { "target": 1 } } });
    let schedule = lab.post("scheduler:apply", draft).await;
    let loads: Vec<u64> = schedule["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["load"].as_u64().unwrap())
        .collect();
    assert_eq!(loads, [200, 150]);
    let light = lab.get("scheduler").await;
    let light = light["nodes"].as_array().unwrap().iter().find(|it| it["load"] == 150).unwrap();
    let light = light["name"].as_str().unwrap();
    let why = lab.get("scheduler/workflows/a").await;
    let first = why["candidates"].as_array().unwrap().iter().find(|it| it["rank"] == 1).unwrap();
    assert_eq!(first["node"], light);
    let before = lab.counts("a").await[light];
    set(&lab, "a", json!({ "target": 6 })).await;
    assert_eq!(lab.counts("a").await[light], before + 1);
}

async fn set(lab: &Lab, workflow: &str, change: Value) -> Value {
    let path = format!("scheduler/workflows/{workflow}");
    done(lab.request(Method::PATCH, &path).json(&change)).await
}

#[tokio::test]
async fn t3_a_raised_target_adds_and_moves_nothing() {
    let lab = Lab::of(&SIX[..5], &["w"]).await;
    let ten = set(&lab, "w", json!({ "target": 10 })).await;
    assert_eq!(sorted(&counts(&ten["nodes"])), [2; 5]);
    let twelve = set(&lab, "w", json!({ "target": 12 })).await;
    assert_eq!(sorted(&counts(&twelve["nodes"])), [2, 2, 2, 3, 3]);
    assert!(numbers(&ten).iter().all(|it| numbers(&twelve).contains(it)), "{twelve:#}");
    let why = twelve["instances"][0]["why"].as_str().unwrap();
    assert!(why.starts_with("none had less load, 0; "), "{why}");
}

#[tokio::test]
async fn t5_what_is_missing_is_said_with_its_reason_and_starts_where_a_node_joins() {
    let mut lab = Lab::of(&["n1", "n2", "n3"], &["flights"]).await;
    let change = json!({ "target": 6, "default": { "min": 1, "max": 1 } });
    let short = set(&lab, "flights", change).await;
    assert_eq!((sorted(&counts(&short["nodes"])), &short["missing"]), (vec![1; 3], &json!(3)));
    let reason = json!([{
        "code": "max:default", "nodes": 3, "detail": "the rule for default allows no more there"
    }]);
    assert_eq!(short["reasons"], reason);
    assert_eq!(short["candidates"][0]["passedOver"], "max:default");
    // Wherever the workflow is shown.
    let listed = lab.get("workflows").await;
    let listed = listed["items"].as_array().unwrap().iter().find(|it| it["name"] == "flights");
    assert_eq!(listed.unwrap()["schedule"]["missing"], 3);
    assert_eq!(lab.get("workflows/flights").await["schedule"]["reasons"], reason);

    lab.members(&["n1", "n2", "n3", "n4"]);
    lab.deploy("n4", &["flights"]).await;
    let joined = lab.wait("scheduler/workflows/flights", |it| it["missing"] == 2).await;
    assert_eq!(sorted(&counts(&joined["nodes"])), [1; 4]);
    assert!(numbers(&short).iter().all(|it| numbers(&joined).contains(it)));
}

#[tokio::test]
async fn t8_where_nothing_is_deployed_nothing_can_be_wanted() {
    let lab = Lab::of(&["n1"], &[]).await;
    assert_eq!(lab.get("scheduler").await["workflows"], json!([]));
    let request = lab.request(Method::PATCH, "scheduler/workflows/w").json(&json!({ "target": 1 }));
    let (status, problem) = answered(request).await;
    assert_eq!((status, &problem["detail"]), (404, &json!("there is no workflow \"w\"")));
}

#[tokio::test]
async fn a_target_below_the_minimums_warns_and_they_win() {
    let lab = Lab::of(&["n1", "n2"], &["w"]).await;
    let change = json!({ "target": 1, "nodes": { "n1": { "min": 2 } } });
    let changed = set(&lab, "w", change).await;
    assert_eq!(counts(&changed["nodes"]), wanted([("n1", 2)]));
    let warning = changed["warnings"][0].as_str().unwrap();
    assert!(warning.contains("above its target of 1: the minimums of its nodes"), "{warning}");
}

#[tokio::test]
async fn what_can_not_be_is_refused_with_what_to_do() {
    let lab = Lab::of(&["n1", "n2"], &["flights", "weather"]).await;
    let refused = async |method: Method, path: &str, body: Value| {
        answered(lab.request(method, path).json(&body)).await
    };
    let known = set(&lab, "flights", json!({ "target": 2 })).await;
    assert_eq!(known["revision"], 1);
    let stale = lab.request(Method::PATCH, "scheduler/workflows/flights").header("if-match", "0");
    let (status, problem) = answered(stale.json(&json!({ "target": 3 }))).await;
    assert_eq!((status, &problem["code"]), (412, &json!("WEIR-07017")));
    assert!(problem["detail"].as_str().unwrap().contains("somebody changed them"), "{problem}");

    // The settings in their order, without their names.
    let list = json!([null, 3]);
    let (status, problem) = refused(Method::PATCH, "scheduler/workflows/flights", list).await;
    assert_eq!((status, &problem["code"]), (400, &json!("WEIR-07001")), "{problem}");

    let slip = json!({ "workflows": { "weather": { "target": 1 }, "flihgts": { "target": 1 } } });
    let (status, problem) = refused(Method::POST, "scheduler:apply", slip).await;
    assert_eq!((status, &problem["hint"]), (404, &json!("did you mean \"flights\"?")));
    assert_eq!(lab.counts("weather").await, wanted([]), "all or nothing");

    let node = json!({ "nodes": { "n9": { "max": 1 } } });
    let (status, problem) = refused(Method::PATCH, "scheduler/workflows/flights", node).await;
    assert_eq!((status, &problem["detail"]), (404, &json!("there is no node \"n9\"")));
    let (status, _) = refused(Method::POST, "nodes/n9/drain", json!({})).await;
    assert_eq!(status, 404);

    let limit = json!({ "default": { "min": 3, "max": 2 } });
    let (status, problem) = refused(Method::PATCH, "scheduler/workflows/flights", limit).await;
    assert_eq!(status, 400);
    assert!(problem["detail"].as_str().unwrap().contains("lower the one or raise"), "{problem}");

    let many = json!({ "target": 1_000_000 });
    let (status, problem) = refused(Method::PATCH, "scheduler/workflows/flights", many).await;
    assert_eq!(status, 409);
    assert!(problem["detail"].as_str().unwrap().contains("runs 100000 at most"), "{problem}");

    // Who rebalances says which plan was seen.
    let (status, _) = refused(Method::POST, "scheduler/rebalance", json!({})).await;
    assert_eq!(status, 400);
    let other = json!({ "revision": 99 });
    let (status, problem) = refused(Method::POST, "scheduler/rebalance", other).await;
    assert_eq!(status, 409);
    assert!(problem["hint"].as_str().unwrap().contains("plan again"), "{problem}");
    // Draining is not what who changes targets may do.
    let (status, _) = refused(Method::POST, "scheduler:apply", json!({ "drain": ["n1"] })).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn the_same_idempotency_key_is_carried_out_once() {
    let lab = Lab::of(&["n1"], &["w"]).await;
    let named = |target: u32, key: &str| {
        let request = lab.request(Method::PATCH, "scheduler/workflows/w");
        request.header("idempotency-key", key).json(&json!({ "target": target }))
    };
    assert_eq!(done(named(3, "one")).await["target"], 3);
    assert_eq!(done(named(5, "two")).await["target"], 5);
    let again = done(named(3, "one")).await;
    assert_eq!((&again["target"], &again["revision"]), (&json!(5), &json!(2)), "it was done");
    // The key is of this request: another one with it is another command.
    assert_eq!(done(named(4, "one")).await["target"], 4);
    let (status, _) = answered(named(4, " ")).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn a_drained_node_is_emptied_until_it_is_undrained_and_evened_out_on_command() {
    let lab = Lab::of(&["n1", "n2"], &["w"]).await;
    set(&lab, "w", json!({ "target": 4 })).await;
    let plan = lab.post("scheduler:preview", json!({ "drain": ["n1"] })).await;
    assert_eq!((plan["stops"].as_array().unwrap().len(), lab.counts("w").await["n1"]), (2, 2));
    assert_eq!(plan["stops"][0]["why"], "its node is drained, or leaves the cluster");

    let drained = lab.post("nodes/n1/drain", json!({})).await;
    assert_eq!((&drained["drained"], &drained["instances"]), (&json!(true), &json!(0)));
    assert_eq!(lab.counts("w").await, wanted([("n2", 4)]));
    let undrained = lab.post("nodes/n1/undrain", json!({})).await;
    assert_eq!((&undrained["drained"], &undrained["reach"]), (&json!(false), &json!("up")));
    assert_eq!(lab.counts("w").await, wanted([("n2", 4)]), "nothing that works moves");

    let plan = lab.get("scheduler/rebalance").await;
    assert_eq!(plan["moves"].as_array().unwrap().len(), 2);
    let revision = json!({ "revision": plan["revision"] });
    lab.post("scheduler/rebalance", revision).await;
    assert_eq!(lab.counts("w").await, wanted([("n1", 2), ("n2", 2)]));
}

#[tokio::test]
async fn the_list_of_nodes_says_which_one_is_drained() {
    let lab = Lab::of(&["one", "n2"], &["w"]).await;
    let drained = async || {
        let (listed, shown) = (lab.get("nodes").await, lab.get("nodes/one").await);
        assert_eq!(listed["items"][0]["drained"], shown["drained"]);
        shown["drained"].clone()
    };
    assert_eq!(drained().await, json!(false));
    lab.post("nodes/one/drain", json!({})).await;
    assert_eq!(drained().await, json!(true));
    lab.post("nodes/one/undrain", json!({})).await;
    assert_eq!(drained().await, json!(false));
}

#[tokio::test]
async fn the_configuration_server_passes_it_on() {
    let lab = Lab::of(&["n1"], &["w"]).await;
    let server = config_server(&lab.base).await;
    let lab = lab.through(server);
    let one = |target: u32| {
        let request = lab.request(Method::PATCH, "scheduler/workflows/w");
        request.header("idempotency-key", "a").json(&json!({ "target": target }))
    };
    assert_eq!(done(one(1)).await["placed"], 1);
    let stale = lab.request(Method::PATCH, "scheduler/workflows/w").header("if-match", "0");
    assert_eq!(answered(stale.json(&json!({ "target": 3 }))).await.0, 412);
    let two = json!({ "workflows": { "w": { "target": 2 } } });
    assert_eq!(lab.post("scheduler:preview", two.clone()).await["starts"][0]["number"], 2);
    lab.post("scheduler:apply", two).await;
    assert_eq!(done(one(1)).await["placed"], 2, "the key was passed on");
    lab.post("nodes/n1/drain", json!({})).await;
    assert_eq!(lab.get("scheduler").await["nodes"][0]["reach"], "draining");
}

#[tokio::test]
async fn the_plan_of_a_drain_is_what_then_happens() {
    let lab = Lab::of(&["n1", "n2", "n3"], &["v", "w"]).await;
    set(&lab, "w", json!({ "target": 6, "default": { "max": 2 } })).await;
    set(&lab, "v", json!({ "target": 5 })).await;
    let instances = async |workflow: &str| {
        let detail = lab.get(&format!("scheduler/workflows/{workflow}")).await;
        numbers(&detail)
    };
    let before = [("v", instances("v").await), ("w", instances("w").await)];
    let revision = lab.get("scheduler").await["revision"].clone();

    let plan = lab.post("nodes/n2/drain?dryRun=true", Value::Null).await;
    assert_eq!((&plan["dryRun"], &plan["drained"]), (&json!(true), &json!(true)), "{plan:#}");
    assert_eq!((&plan["instances"], &plan["revision"]), (&json!(0), &revision));
    let now = lab.get("scheduler").await;
    assert_eq!((&now["revision"], &now["drained"]), (&revision, &json!([])), "nothing is changed");
    let moves = plan["moves"].as_array().unwrap().clone();
    let all: usize = before.iter().flat_map(|it| &it.1).filter(|it| it.1 == "n2").count();
    assert_eq!(moves.len(), all, "{plan:#}");
    // Two of w have no place: the others have as many as a rule allows. Those of v have.
    let nowhere: Vec<_> = moves.iter().filter(|it| it["to"] == Value::Null).collect();
    assert_eq!(nowhere.len(), 2, "{plan:#}");
    for it in nowhere {
        assert_eq!((&it["workflow"], it.get("becomes")), (&json!("w"), None));
        let why = it["why"].as_str().unwrap();
        assert!(why.contains("on 2 nodes the rule for default allows no more there"), "{why}");
    }

    let done = lab.post("nodes/n2/drain", Value::Null).await;
    assert_eq!((&done["dryRun"], done.get("moves")), (&json!(false), None));
    assert_eq!(done["warnings"], plan["warnings"]);
    for (workflow, before) in before {
        let of = |it: &&Value| it["workflow"] == workflow;
        let stops = |number: u64| moves.iter().filter(of).any(|it| it["number"] == number);
        let mut expected: Vec<_> = before.into_iter().filter(|it| !stops(it.0)).collect();
        let starts = moves.iter().filter(of).filter(|it| it["to"] != Value::Null);
        let started =
            |it: &Value| (it["becomes"].as_u64().unwrap(), it["to"].as_str().unwrap().to_owned());
        expected.extend(starts.map(started));
        expected.sort_unstable();
        let mut after = instances(workflow).await;
        after.sort_unstable();
        assert_eq!(after, expected, "{workflow}");
    }

    let back = lab.post("nodes/n2/undrain?dryRun=true", Value::Null).await;
    assert_eq!(back["moves"][0].get("from"), None, "what has no place gets one: {back:#}");
    assert_eq!((&back["moves"][0]["to"], &back["reach"]), (&json!("n2"), &json!("up")));
    let (status, problem) = answered(lab.request(Method::POST, "nodes/n9/drain?dryRun=true")).await;
    assert_eq!((status, &problem["code"]), (404, &json!("WEIR-07003")), "{problem}");
}
