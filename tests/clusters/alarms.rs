//! Alarms of a cluster: raised once, confirmed at another engine, kept whoever is killed, and cleared.

use serde_json::Value;
use weir_domain::NodeStatus;

use super::access::{done, log_in};
use super::{ALARMS, other};
use crate::support::cluster::{Cluster, Kind, LOSS_WITHIN};
use crate::support::{DEADLINE, wait_for};

/// Alarms as an engine shows them; none while it can't be asked.
fn alarms(cluster: &Cluster, at: usize, state: &str) -> Vec<Value> {
    let call = cluster.nodes[at].weir(&["alarm", "list", "--state", state, "-o", "json"]);
    let page: Value = serde_json::from_str(&call.stdout).unwrap_or_default();
    page["items"].as_array().cloned().unwrap_or_default()
}

fn with_key(all: &[Value], key: &str) -> Vec<Value> {
    all.iter().filter(|it| it["key"] == key).cloned().collect()
}

#[test]
fn a_node_that_is_killed_raises_one_alarm_which_whoever_goes_on_keeps() {
    let setup = Cluster::of(3, Kind::Postgres).set("weir.rest-server.trust-local=none");
    let Some(mut cluster) = setup.up() else { return };
    log_in(&mut cluster);
    let holder = cluster.holder(ALARMS);
    let (lost, asked) = (other(&cluster, holder), other(&cluster, other(&cluster, holder)));
    let key = format!("node-unreachable:{}", cluster.nodes[lost].name);
    cluster.nodes[lost].kill();
    let raised = wait_for("the alarm", LOSS_WITHIN + DEADLINE, || {
        with_key(&alarms(&cluster, asked, "standing"), &key).pop()
    });
    assert_eq!((&raised["count"], &raised["subject"]["kind"]), (&1.into(), &"node".into()));
    let id = raised["id"].as_str().unwrap().to_owned();
    done(&cluster, asked, &["alarm", "confirm", &id, "--note", "the power is gone"]);

    // One of three is left: it goes on, since the killed one is known to be gone.
    cluster.gone(asked, &cluster.nodes[lost].name);
    let epoch = cluster.lease(asked, ALARMS).epoch;
    cluster.nodes[holder].kill();
    cluster.moved(asked, ALARMS, epoch);
    let kept = wait_for("the alarm where it is kept now", DEADLINE, || {
        with_key(&alarms(&cluster, asked, "standing"), &key).pop()
    });
    let seen = |it: &Value| it["confirmation"]["note"].clone();
    assert_eq!((&kept["id"], seen(&kept)), (&raised["id"], "the power is gone".into()));
    assert_eq!((&kept["count"], &kept["raisedAt"]), (&raised["count"], &raised["raisedAt"]));

    cluster.nodes[lost].start();
    cluster.nodes[holder].start();
    cluster.all_up();
    cluster.sees(asked, &cluster.nodes[lost].name, NodeStatus::Up);
    let ended = wait_for("the alarm to have ended", DEADLINE, || {
        with_key(&alarms(&cluster, lost, "ended"), &key).pop()
    });
    assert_eq!((&ended["id"], seen(&ended)), (&raised["id"], "the power is gone".into()));
    assert_eq!((&ended["count"], &ended["state"]), (&1.into(), &"ended".into()));
    let audit = done(&cluster, asked, &["audit", "list", "--object", "alarm/", "-o", "json"]);
    assert!(audit.contains("alarm confirm") && audit.contains(&format!("alarm/{id}")), "{audit}");
    cluster.stop();
}
