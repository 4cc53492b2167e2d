//! What engines log, read and followed at one of them.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::{Value, json};

use crate::support::cluster::{Cluster, Kind, Node};
use crate::support::{DEADLINE, wait_until, wait_until_is};

/// `weir logs --follow`, until the test lets go of it.
struct Follower {
    child: Child,
    out: std::path::PathBuf,
    notes: std::path::PathBuf,
}

impl Follower {
    fn start(node: &Node, root: &Path, arguments: &[&str]) -> Self {
        let (out, notes) = (root.join("followed.out"), root.join("followed.err"));
        let child = node
            .command()
            .args(["logs", "--follow", "-o", "json"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(File::create(&out).unwrap())
            .stderr(File::create(&notes).unwrap())
            .spawn()
            .unwrap();
        Self { child, out, notes }
    }

    /// Each line as it was printed: what is not whole yet is left out.
    fn lines(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.out).unwrap();
        let whole = text.rsplit_once('\n').map_or("", |it| it.0);
        whole.lines().map(|it| serde_json::from_str(it).unwrap()).collect()
    }

    fn notes(&self) -> String {
        fs::read_to_string(&self.notes).unwrap()
    }

    /// How often each life of a node said that it is ready.
    fn ready(&self, node: &str) -> usize {
        let is_it = |it: &&Value| it["code"] == "WEIR-00001" && it["node"] == node;
        self.lines().iter().filter(is_it).count()
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- what who followed was told:\n{}---", self.notes());
        }
    }
}

fn logs(node: &Node, query: &str) -> Value {
    let answer = node.rest("GET", &format!("/api/v1/logs?{query}"), "");
    assert_eq!(answer.status, 200, "{}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

fn of<'a>(page: &'a Value, field: &str) -> Vec<&'a str> {
    page["items"].as_array().unwrap().iter().filter_map(|it| it[field].as_str()).collect()
}

#[test]
fn lines_of_all_nodes_are_read_and_followed_at_any_of_them_also_while_some_are_killed() {
    let Some(mut cluster) = Cluster::of(3, Kind::MariaDb).up() else { return };
    // All three said so, and each of them is asked at the first one.
    let all = ["node-1", "node-2", "node-3"].map(str::to_owned);
    wait_until_is("the nodes that say so", DEADLINE, &(all.to_vec(), Value::Null), || {
        let ready = logs(&cluster.nodes[0], "code=WEIR-00001&order=oldest");
        let mut names: Vec<_> = of(&ready, "node").into_iter().map(str::to_owned).collect();
        names.sort_unstable();
        (names, ready["unreached"].clone())
    });
    let third = logs(&cluster.nodes[0], "node=node-3&limit=1");
    assert_eq!(of(&third, "node"), ["node-3"]);

    // Page by page there is each line once, in the order of time.
    let (mut seen, mut query) = (Vec::new(), "limit=7".to_owned());
    let newest = third["items"][0]["at"].as_str().unwrap().to_owned();
    loop {
        let page = logs(&cluster.nodes[1], &format!("{query}&until={newest}"));
        let items = page["items"].as_array().unwrap();
        let key =
            |it: &Value| (it["at"].to_string(), it["node"].to_string(), it["number"].as_u64());
        seen.extend(items.iter().map(key));
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        query = format!("limit=7&cursor={cursor}");
    }
    assert!(seen.len() > 20, "{seen:?}");
    assert!(seen.is_sorted_by(|a, b| a > b), "{seen:?}");
    let whole = logs(&cluster.nodes[1], &format!("limit=500&until={newest}"));
    assert_eq!(seen.len(), whole["items"].as_array().unwrap().len());

    let refused = cluster.nodes[0].rest("GET", "/api/v1/logs?node=node-9", "");
    assert_eq!(refused.status, 404, "{}", refused.body);
    let refused = cluster.nodes[0].rest("GET", "/api/v1/logs?after=3", "");
    assert!(refused.status == 400 && refused.body.contains("node"), "{}", refused.body);

    // Who follows at the first hears of the second that it is gone, and its next life from the start.
    let root = cluster.root().to_owned();
    let follower = Follower::start(&cluster.nodes[0], &root, &["--tail", "1000"]);
    wait_until("the lines of all nodes", DEADLINE, || {
        ["node-1", "node-2", "node-3"].iter().all(|it| follower.ready(it) == 1)
    });
    cluster.nodes[1].kill();
    wait_until("the loss to be told", DEADLINE, || {
        follower.notes().contains("node-2 gives no answer")
    });
    let page = logs(&cluster.nodes[0], "limit=1");
    let missing = page["unreached"].as_array().cloned().unwrap_or_default();
    let is_gone = cluster.nodes[0].members().is_some_and(|it| {
        it.members
            .iter()
            .all(|it| it.name.as_str() != "node-2" || it.status >= weir_domain::NodeStatus::Down)
    });
    assert!(is_gone || missing.iter().any(|it| it["node"] == json!("node-2")), "{page:#}");
    cluster.gone(0, "node-2");
    cluster.nodes[1].start();
    cluster.all_up();
    wait_until("the new life's lines", DEADLINE, || follower.ready("node-2") == 2);

    // Who follows at one that is killed comes back to it, and reads no line twice.
    cluster.nodes[0].kill();
    wait_until("the end to be told", DEADLINE, || follower.notes().contains("trying again"));
    cluster.gone(2, "node-1");
    cluster.nodes[0].start();
    cluster.all_up();
    wait_until("its new life's lines", DEADLINE, || follower.ready("node-1") == 2);
    assert!(follower.notes().contains("followed again"), "{}", follower.notes());
    let lines = follower.lines();
    let mut keys: Vec<_> = lines
        .iter()
        .map(|it| (it["node"].to_string(), it["life"].to_string(), it["number"].as_u64().unwrap()))
        .collect();
    let count = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), count, "a line came twice");
    drop(follower);
    cluster.stop();
}
