//! What operators tell one engine is done by another one: orders to streams, sweeps over items,
//! changes of two administrators at once, and what the scheduler would do.

mod examples;

use std::thread;

use serde_json::{Value, json};

use super::access::{done, log_in};
use super::{ACCESS, SCHEDULER, other};
use crate::support::cluster::{Call, Cluster, Kind, Oracle};
use crate::support::flow::{CSV, read, slow, write};
use crate::support::{DEADLINE, Flow, Project, wait_for, wait_until};

const STREAMS: &str = "stream-monitor";
/// More than one step of a sweep looks at, and less than two.
const ITEMS: usize = 1_500;

/// What a node logs as errors when an operator ends a stream.
const ENDED_BY_HAND: &[&str] = &["WEIR-03160"];

fn shown(cluster: &Cluster, at: usize, arguments: &[&str]) -> Value {
    let text = done(cluster, at, &[arguments, &["-o", "json"]].concat());
    serde_json::from_str(&text).unwrap()
}

/// What a node shows of a stream.
fn stream(cluster: &Cluster, at: usize, id: &str) -> Value {
    let answer = cluster.nodes[at].called(&Call::new("GET", format!("/api/v1/streams/{id}")));
    answer.map_or(Value::Null, |it| serde_json::from_str(&it.body).unwrap())
}

#[track_caller]
fn stands(cluster: &Cluster, at: usize, id: &str, state: &str) {
    wait_until(&format!("{id} to be {state}"), DEADLINE, || {
        stream(cluster, at, id)["state"] == state
    });
}

/// Streams that are open at a node, each with its id.
#[track_caller]
fn open_at(cluster: &Cluster, asked: usize, at: usize) -> String {
    let name = cluster.nodes[at].name.as_str();
    wait_for(&format!("an open stream at {name}"), DEADLINE, || {
        let page = shown(cluster, asked, &["stream", "list", "--state", "open"]);
        let found = page["items"].as_array()?.iter().find(|it| it["node"] == name)?;
        Some(found["id"].as_str()?.to_owned())
    })
}

#[test]
fn what_one_engine_is_told_another_one_does() {
    let Some(mut cluster) = Cluster::of(3, Kind::Postgres).up() else { return };
    let oracle = Oracle::of(&cluster).expecting(ENDED_BY_HAND);
    log_in(&mut cluster);
    examples::check(&cluster);
    administrators_meet(&mut cluster);
    let flow = Flow::named("orders").with("instances: 3").stage(&read(CSV, ""));
    let project = Project::of(&flow.stage(&slow("read", "50ms")).stage(&write("slow", "")));
    cluster.deploy(&project);
    orders_arrive(&mut cluster, &project);
    sweep_goes_on(&mut cluster, &project);
    cluster.stop();
    oracle.check(&mut cluster);
}

/// Two administrators change one thing at once, at engines that don't host its controller: one of
/// them is told that the other did.
fn administrators_meet(cluster: &mut Cluster) {
    let rows = [
        ("PATCH", "/api/v1/scheduler/workflows/a", json!({ "target": 0, "weight": 70 }), SCHEDULER),
        ("PUT", "/api/v1/roles/met", json!({ "claims": ["key:write"] }), "user-storage"),
        ("PUT", "/api/v1/keys/met", json!({ "alias": "met", "description": "" }), "key-storage"),
        ("PUT", "/api/v1/assignments/roles", json!({ "roles": [] }), "deployment-storage"),
    ];
    let make = json!({ "name": "met", "claims": ["key:read"] });
    done(cluster, 0, &["key", "create", "met"]);
    let made = cluster.nodes[1].called(&Call::new("POST", "/api/v1/roles").json(make)).unwrap();
    assert_eq!(made.status, 200, "{}", made.body);
    for (method, path, change, lease) in rows {
        let host = cluster.holder(lease);
        let both = [other(cluster, host), other(cluster, other(cluster, host))];
        let get = path.replace("/assignments/roles", "/assignments");
        let known = cluster.nodes[both[0]].called(&Call::new("GET", get)).unwrap();
        let known: Value = serde_json::from_str(&known.body).unwrap();
        let revision = known["revision"].as_u64().unwrap();
        let call = |n: usize| {
            let mut change = change.clone();
            // What each of them wants differs.
            match change.as_object_mut().unwrap() {
                it if it.contains_key("weight") => it["weight"] = json!(70 + n),
                it if it.contains_key("claims") => {
                    it["claims"] = Value::from(vec![["key:write", "key:export"][n]])
                }
                it if it.contains_key("alias") => it["description"] = json!(format!("by {n}")),
                it => it["roles"] = json!([{ "role": format!("by-{n}"), "tag": "DeploymentRoot" }]),
            }
            let call = Call::new(method, path).json(change);
            call.header("if-match", &revision.to_string())
        };
        let answers = thread::scope(|scope| {
            let sent = both.iter().enumerate().map(|(n, at)| {
                let (node, call) = (&cluster.nodes[*at], call(n));
                scope.spawn(move || node.called(&call).unwrap())
            });
            let sent: Vec<_> = sent.collect();
            sent.into_iter().map(|it| it.join().unwrap()).collect::<Vec<_>>()
        });
        let mut statuses: Vec<_> = answers.iter().map(|it| it.status).collect();
        statuses.sort_unstable();
        let bodies: Vec<_> = answers.iter().map(|it| it.body.as_str()).collect();
        assert_eq!(statuses, [200, 412], "{path}: {bodies:?}");
        let told = answers.iter().find(|it| it.status == 412).unwrap();
        let says = |it: u64| told.body.contains(&it.to_string());
        assert!(says(revision) && says(revision + 1), "{path}: {}", told.body);
    }
}

/// A pass over many items goes on, and ends once, when its coordinator dies in the middle.
fn sweep_goes_on(cluster: &mut Cluster, project: &Project) {
    project.put("first.csv", "id,amount\n1,1.5\n");
    let count = |cluster: &Cluster, condition: &str| {
        let sql = format!("SELECT CONCAT(COUNT(*)) FROM item WHERE {condition}");
        cluster.database.rows(&sql)[0].parse::<usize>().unwrap()
    };
    wait_until("an item to be done", DEADLINE, || count(cluster, "status = 'done'") == 1);
    cluster.database.execute(&format!(
        "INSERT INTO item SELECT source, CONVERT_TO('many-' || LPAD(n::text, 6, '0'), 'UTF8'), \
         gen_random_uuid()::text, stream, owner, status, size, modified_ns, device, inode, \
         claimed_at, settled_at, settlement, instance, cleared_at \
         FROM item, generate_series(1, {ITEMS}) AS n WHERE name = 'first.csv'"
    ));
    // Somebody holds the last one, so that the sweep is in the middle for as long as it takes.
    let mut somebody = cluster.database.session();
    somebody.rows("BEGIN").unwrap();
    let last = format!("SELECT claim FROM item WHERE name = 'many-{ITEMS:06}' FOR UPDATE");
    somebody.rows(&last).unwrap();
    let host = cluster.holder(ACCESS);
    let asked = other(cluster, host);
    let reset = Call::new("POST", "/api/v1/items:reset")
        .json(json!({ "source": "orders/read", "pattern": "many-*" }))
        // All of them are looked at first.
        .within(DEADLINE)
        .header("idempotency-key", "the sweep over many");
    let begun = cluster.nodes[asked].called(&reset).unwrap();
    let begun: Value = serde_json::from_str(&begun.body).unwrap();
    let id = begun["id"].as_str().unwrap().to_owned();
    let sweep = |cluster: &Cluster, at: usize| {
        let answer = cluster.nodes[at].called(&Call::new("GET", format!("/api/v1/sweeps/{id}")));
        answer.map_or(Value::Null, |it| serde_json::from_str(&it.body).unwrap())
    };
    wait_until("the sweep to be in the middle", DEADLINE, || {
        let count = sweep(cluster, asked)["count"].as_u64();
        count.is_some_and(|it| it > 0)
    });
    let epoch = cluster.lease(asked, ACCESS).epoch;
    cluster.nodes[host].kill();
    cluster.moved(asked, ACCESS, epoch);
    let now = sweep(cluster, asked);
    assert!(now["count"].as_u64() < Some(ITEMS as u64) && now["endedAt"].is_null(), "{now}");
    somebody.rows("COMMIT").unwrap();
    wait_until("the sweep to end", DEADLINE, || sweep(cluster, asked)["endedAt"].is_string());
    let again = cluster.nodes[other(cluster, host)].called(&reset).unwrap();
    let again: Value = serde_json::from_str(&again.body).unwrap();
    assert_eq!((&again["id"], &again["count"]), (&json!(id), &json!(ITEMS)), "{again}");
    assert_eq!(count(cluster, "status = 'done'"), 1, "what does not match stays");
    let ends = |line: &&str| line.contains("WEIR-06170") && line.contains(&id);
    let logs: String = cluster.nodes.iter().map(|it| it.logs()).collect();
    assert_eq!(logs.lines().filter(ends).count(), 1, "it ended once");
    cluster.nodes[host].start();
    cluster.all_up();
}

/// Orders to streams, at an engine that does not run them, before and just after the monitor moved.
fn orders_arrive(cluster: &mut Cluster, project: &Project) {
    let rows: String = (0..50_000).map(|it| format!("{it},{it}.5\n")).collect();
    // One for each node, and none left.
    for name in ["a", "b", "c"] {
        project.put(&format!("{name}.csv"), format!("id,amount\n{rows}"));
    }
    let order = |cluster: &Cluster, at: usize, order: &str, id: &str| {
        let told = done(cluster, at, &["stream", order, id]);
        assert_eq!(told, format!("{id}\n1 stream told to {order}\n"));
    };
    let host = cluster.holder(STREAMS);
    let (x, y) = (other(cluster, host), other(cluster, other(cluster, host)));
    let [at_x, at_y] = [x, y].map(|it| open_at(cluster, host, it));
    let held = |cluster: &Cluster| {
        order(cluster, y, "pause", &at_x);
        stands(cluster, y, &at_x, "paused");
        let log = done(cluster, y, &["stream", "log", &at_x]);
        assert!(log.contains("WEIR-03014"), "{log}");
        order(cluster, y, "resume", &at_x);
        stands(cluster, y, &at_x, "open");
        let sniff = ["stream", "sniff", "orders", "write", "--in", "-n", "2", "--for", "20s"];
        let seen = shown(cluster, y, &[&sniff[..], &["--stream", &at_x]].concat());
        assert_eq!(seen["records"].as_array().unwrap().len(), 2, "{seen:#}");
        assert_eq!(seen["records"][0]["node"], cluster.nodes[x].name.as_str(), "{seen:#}");
    };
    held(cluster);
    let epoch = cluster.lease(x, STREAMS).epoch;
    cluster.nodes[host].kill();
    cluster.moved(y, STREAMS, epoch);
    held(cluster);
    order(cluster, y, "shutdown", &at_x);
    order(cluster, x, "abort", &at_y);
    stands(cluster, x, &at_y, "rolledBack");
    assert_eq!(stream(cluster, y, &at_x)["state"], "open", "it finishes its attempt");
    order(cluster, y, "terminate", &at_x);
    stands(cluster, y, &at_x, "rolledBack");
    // The one that was lost with the host is begun again, and ended where it is now.
    let found = wait_for("the stream of the host to be begun again", DEADLINE, || {
        let page = shown(cluster, x, &["stream", "list", "--state", "open"]);
        let names = [x, y].map(|it| cluster.nodes[it].name.clone());
        let items = page["items"].as_array()?.iter();
        let mut here = items.filter(|it| names.iter().any(|name| it["node"] == name.as_str()));
        let it = here.next()?;
        let at = if it["node"] == names[0].as_str() { y } else { x };
        Some((at, it["id"].as_str()?.to_owned()))
    });
    order(cluster, found.0, "abort", &found.1);
    stands(cluster, x, &found.1, "rolledBack");
    cluster.nodes[host].start();
    cluster.all_up();
}
