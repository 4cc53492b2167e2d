//! Alarms of one engine, seen from outside: raised by dead letters, confirmed, kept over a restart, cleared by who
//! decides of the letters; and what the REST API says of them.

use serde_json::{Value, json};

use crate::support::flow::{CSV, read, write};
use crate::support::{DEADLINE, Flow, Project, Start, Weir, wait_for};

const KEY: &str = "dead-letters:orders";

/// Those of these letters: on a loaded machine there may be others, as that it has little memory.
fn alarms(weir: &Weir, state: &str) -> Vec<Value> {
    let page = weir.cli(["alarm", "list", "--state", state, "-o", "json"]).json();
    page["items"].as_array().unwrap().iter().filter(|it| it["key"] == KEY).cloned().collect()
}

#[track_caller]
fn found(weir: &Weir, state: &str, is_right: impl Fn(&Value) -> bool) -> Value {
    wait_for(&format!("{KEY}, {state}"), DEADLINE, || {
        alarms(weir, state).into_iter().find(&is_right)
    })
}

#[test]
fn letters_raise_an_alarm_that_is_confirmed_kept_and_cleared() {
    let flow = Flow::named("orders").stage(&read(CSV, "")).stage(&write("read", ""));
    let project = Project::of(&flow);
    let weir = Start::of(&project).ready();
    project.put("a.csv", "id,amount\n1,1.5\ntwo,2.5\n");
    weir.closed("a.csv");
    let raised = found(&weir, "standing", |_| true);
    assert_eq!((&raised["severity"], &raised["count"]), (&json!("warning"), &json!(1)));
    project.put("b.csv", "id,amount\nthree,1.5\nfour,2.5\n");
    weir.closed("b.csv");

    let id = raised["id"].as_str().unwrap();
    let shown = weir.cli(["alarm", "show", id]).done();
    assert!(shown.contains("what to do:  weir dead-letter"), "{shown}");
    let confirm = ["alarm", "confirm", id, "--note", "seen"];
    assert_eq!(weir.cli(confirm).done(), "1 alarm confirmed\n");
    assert_eq!(weir.cli(confirm).done(), "1 alarm confirmed before\n");
    let unknown = weir.cli(["alarm", "confirm", "4711"]).ended(3);
    assert!(unknown.stderr.contains("weir alarm list --state all"), "{}", unknown.stderr);
    weir.stop();

    let weir = Start::of(&project).ready();
    let says_all = |it: &Value| it["message"].as_str().unwrap().ends_with(": 3");
    let kept = found(&weir, "standing", says_all);
    assert_eq!((&kept["id"], &kept["confirmation"]["note"]), (&raised["id"], &json!("seen")));
    let (status, page) = weir.get(weir.rest(), "/api/v1/alarms?severity=warning&subject=orders");
    let page: Value = serde_json::from_str(&page).unwrap();
    assert_eq!((status, &page["items"][0]["id"]), (200, &raised["id"]));
    let warnings = |of: &str| page["counts"][of]["warning"].as_u64().unwrap();
    assert_eq!(warnings("standing"), warnings("unconfirmed") + 1, "{page}");
    let (status, _) = weir.get(weir.rest(), "/api/v1/alarms?severity=bad");
    assert_eq!(status, 400);
    weir.cli(["dead-letter", "discard", "orders", "--all"]).done();
    let ended = found(&weir, "ended", |_| true);
    assert_eq!((&ended["id"], &ended["confirmation"]["note"]), (&raised["id"], &json!("seen")));
    assert_eq!(alarms(&weir, "standing"), Vec::<Value>::new());
    weir.stop();
}
