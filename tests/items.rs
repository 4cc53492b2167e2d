//! Items that wait for clearance, and resources of an engine that was killed.

use serde_json::{Value, json};
use weir_domain::StreamState;

use crate::support::flow::{CSV, read, slow, write};
use crate::support::{DEADLINE, Flow, Project, Start, Weir, wait_until};

/// The items of the source, with their states.
fn items(weir: &Weir) -> Vec<(String, String)> {
    let page = weir.cli(["access", "items", "-o", "json"]).json();
    let text = |it: &Value| it.as_str().unwrap().to_owned();
    let items = page["items"].as_array().unwrap().iter();
    items.map(|it| (text(&it["name"]), text(&it["status"]))).collect()
}

fn wait_for_items(weir: &Weir, expected: &[(&str, &str)]) {
    let expected: Vec<_> = expected.iter().map(|it| (it.0.to_owned(), it.1.to_owned())).collect();
    wait_until(&format!("items to be {expected:?}"), DEADLINE, || items(weir) == expected);
}

#[test]
fn a_new_file_waits_until_it_is_given_clearance() {
    let flow =
        Flow::named("orders").stage(&read(CSV, "waitForClearance: true")).stage(&write("read", ""));
    let project = Project::of(&flow);
    let weir = Start::of(&project).ready();
    for name in ["a.csv", "b.csv"] {
        project.put(name, "id,amount\n1,1.5\n");
    }
    wait_for_items(&weir, &[("a.csv", "waiting"), ("b.csv", "waiting")]);
    let source = ["--source", "orders/read"];
    let counted = weir.cli(["access", "clear", source[0], source[1], "--dry-run"]).done();
    assert_eq!(counted, "2 items of orders/read would be given clearance\n");
    let cleared = weir.cli(["access", "clear", source[0], source[1], "a.csv"]).done();
    assert_eq!(cleared, "1 item of orders/read given clearance: processed when found\n");
    assert_eq!(weir.closed("a.csv").state, StreamState::Committed);
    let deny = ["access", "clear", source[0], source[1], "--match", "b*", "--deny"];
    let denied = weir.cli(deny).done();
    assert_eq!(denied, "1 item of orders/read denied clearance: failed until they are reset\n");
    wait_for_items(&weir, &[("a.csv", "done"), ("b.csv", "denied")]);
    let sources = weir.cli(["access", "sources", "-o", "json"]).json();
    let counts = json!({
        "done": { "count": 1, "hasMore": false },
        "denied": { "count": 1, "hasMore": false },
    });
    assert_eq!(sources["items"], json!([{ "source": "orders/read", "counts": counts }]));
    weir.cli(["access", "clear", source[0], source[1], "b.csv"]).ended(3);
    let by_key = |key| {
        let reset = ["access", "reset", source[0], source[1], "--status", "denied"];
        let [noun, verb, option, source, status, denied] = reset;
        weir.cli([noun, verb, option, source, status, denied, "--idempotency-key", key]).done()
    };
    let reset = by_key("b, once more");
    assert_eq!(reset, "1 item of orders/read reset: processed again when found\n");
    wait_for_items(&weir, &[("a.csv", "done"), ("b.csv", "waiting")]);
    assert_eq!(by_key("b, once more"), reset, "the same sweep");
    assert_eq!(by_key("b, yet again"), reset.replacen("1 item", "0 items", 1));
    weir.stop();
    assert_eq!(project.data(), ["in/b.csv", "out/a.jsonl", "done/a.csv"]);
}

#[test]
fn what_waits_for_an_instance_is_pending() {
    let flow = Flow::named("orders").stage(&read(CSV, "")).stage(&slow("read", "1h"));
    let project = Project::of(&flow.stage(&write("slow", "")));
    for name in ["a.csv", "b.csv", "c.csv"] {
        project.put(name, "id,amount\n1,1.5\n2,2.5\n");
    }
    let weir = Start::of(&project).ready();
    let all = [("a.csv", "acquired"), ("b.csv", "pending"), ("c.csv", "pending")];
    wait_for_items(&weir, &all);
    let pending = weir.cli(["access", "items", "--status", "pending", "-o", "json"]).json();
    let names: Vec<_> = pending["items"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert_eq!(names, ["c.csv", "b.csv"]);
    let sources = weir.cli(["access", "sources", "-o", "json"]).json();
    assert_eq!(sources["items"][0]["counts"]["pending"], json!({ "count": 2, "hasMore": false }));
}

#[test]
fn what_happened_to_an_item_is_told_though_it_was_forgotten_and_the_engine_killed() {
    let flow = Flow::named("orders").stage(&read(CSV, "")).stage(&write("read", ""));
    let project = Project::of(&flow);
    let mut weir = Start::of(&project).ready();
    let history = |weir: &Weir| {
        let ask = ["item", "history", "--source", "orders/read", "a.csv", "-o", "json"];
        weir.cli(ask).json()["items"].as_array().unwrap().clone()
    };
    let whats = |all: &[Value]| -> Vec<String> {
        all.iter().map(|it| it["what"].as_str().unwrap().to_owned()).collect()
    };
    let reset = |weir: &Weir, [a, b]: [&str; 2]| {
        weir.cli(["access", "reset", "--source", "orders/read", a, b]).done()
    };
    for name in ["a.csv", "b.csv"] {
        project.put(name, "id,amount\n1,1.5\n");
        assert_eq!(weir.closed(name).state, StreamState::Committed);
    }
    let first = history(&weir);
    assert_eq!(whats(&first), ["run"]);
    assert_eq!(
        (&first[0]["state"], &first[0]["counts"]["recordsIn"]),
        (&json!("committed"), &json!(1))
    );
    assert!(first[0]["endedAt"].is_string(), "{first:?}");

    // What is only counted, or is about another item, did not happen to this one.
    reset(&weir, ["a.csv", "--dry-run"]);
    reset(&weir, ["--match", "b*"]);
    assert_eq!(whats(&history(&weir)), ["run"]);
    reset(&weir, ["--match", "a*"]);
    let forgotten = history(&weir);
    assert_eq!(whats(&forgotten), ["reset", "run"], "{forgotten:?}");
    assert_eq!((&forgotten[0]["by"], &forgotten[0]["isCertain"]), (&json!("local"), &json!(true)));
    assert_eq!(items(&weir), [], "nothing else is remembered of it");

    // It is read again, and forgotten once more by who named no item.
    project.put("a.csv", "id,amount\n1,1.5\nx,y\n");
    wait_until("the item to be read again", DEADLINE, || {
        let all = history(&weir);
        whats(&all) == ["run", "reset", "run"] && all[0]["endedAt"].is_string()
    });
    // None is done: that one was rolled back, since its output is there already.
    reset(&weir, ["--status", "done"]);
    reset(&weir, ["--status", "failed"]);
    weir.process.kill();
    let weir = Start::of(&project).ready();
    let all = history(&weir);
    assert_eq!(whats(&all), ["reset", "run", "reset", "run"], "{all:?}");
    assert_eq!(all[0]["isCertain"], json!(false), "nobody knows its status any more");
    assert_eq!(all[1]["state"], json!("rolledBack"));
    assert_eq!(all[1]["error"]["code"], json!("WEIR-04212"), "{all:?}");
    assert_eq!(all[3], first[0]);
    let shown =
        weir.cli(["item", "history", "--source", "orders/read", "a.csv", "--limit", "2"]).done();
    assert!(shown.contains("? reset, perhaps") && shown.lines().count() == 3, "{shown}");
    let unknown = weir.cli(["item", "history", "--source", "order/read", "a.csv"]).ended(3);
    assert!(unknown.stderr.contains("orders/read"), "{}", unknown.stderr);
    weir.stop();
}

#[test]
fn what_a_killed_engine_held_is_free_after_it() {
    let project = Project::of(&Flow::straight(CSV));
    let mut weir = Start::of(&project).ready();
    let group = json!({ "group": "topic", "resources": ["0", "1"] });
    assert_eq!(weir.post("/api/v1/resources:declare", &group).0, 200);
    for n in ["0", "1"] {
        let (status, got) = weir.post("/api/v1/resources:reserve", &json!({ "group": "topic" }));
        assert_eq!((status, &got["resource"]), (200, &json!(n)), "{got}");
    }
    let (status, refused) = weir.post("/api/v1/resources:reserve", &json!({ "group": "topic" }));
    assert_eq!(status, 409, "{refused}");
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.contains("depleted"), "{detail}");
    assert_eq!(
        weir.cli(["access", "revoke", "topic", "1"]).done(),
        "1 resource of topic revoked\n"
    );
    let counted = weir.cli(["access", "revoke", "topic", "--all", "--dry-run"]).done();
    assert_eq!(counted, "1 resource of topic would be revoked\n");
    weir.process.kill();
    let weir = Start::of(&project).ready();
    let ask = json!({ "group": "topic", "resource": "0", "wait": true });
    let mut reservation = weir.post("/api/v1/resources:reserve", &ask);
    wait_until("the resource to be free", DEADLINE, || {
        let (status, got) = &reservation;
        assert_eq!(*status, 200, "{got}");
        if got["resource"] == "0" {
            return true;
        }
        let mut again = ask.clone();
        again["reservation"] = got["reservation"].clone();
        reservation = weir.post("/api/v1/resources:reserve", &again);
        false
    });
    weir.stop();
}
