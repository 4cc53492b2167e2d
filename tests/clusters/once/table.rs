//! All commands of the controllers, in rounds: those of one round don't disturb each other.

use std::path::{Path, PathBuf};

use serde_json::json;
use weir_secrets::PrivateKey;

use super::calls::*;
use super::row::{Row, seen};
use super::*;
use crate::support::Flow;
use crate::support::flow::{CSV, read, write};

/// Of the workflow whose items wait for clearance.
const GATED: &str = "gated/read";
const ROWS: &str = "id,amount\n1,1.5\n";

/// What the commands are about.
pub(super) struct Table<'a> {
    files: &'a Files,
    /// Packages by their tags.
    packages: Vec<(String, Vec<u8>)>,
    /// The certificate of the cluster's authority.
    authority: String,
    /// One's own certificate, and its key.
    own: [String; 2],
}

impl<'a> Table<'a> {
    /// Stores and runs a deployment, and reads what the commands send.
    pub(super) fn prepare(cluster: &Cluster, files: &'a Files) -> Self {
        let gated = Flow::named("gated").stage(
            &read(CSV, "waitForClearance: true").replace("directory: in,", "directory: gate,"),
        );
        files.project.asset("gated.yaml", &gated.stage(&write("read", "")).yaml());
        std::fs::create_dir_all(files.project.path("gate")).unwrap();
        let text =
            |name: &str| std::fs::read_to_string(cluster.root().join("tls").join(name)).unwrap();
        let packages = [("d-1", 50), ("d-2", 60), ("d-3", 70), ("d-4", 80)].map(|(tag, ms)| {
            let interval = format!("interval: {ms}ms");
            let yaml = Files::flow(2).yaml().replace("interval: 50ms", &interval);
            files.project.asset("workflow.yaml", &yaml);
            (tag.to_owned(), package(cluster, files, tag))
        });
        let this = Self {
            files,
            packages: packages.into(),
            authority: text("ca.pem"),
            own: ["node-1.pem", "node-1.key"].map(text),
        };
        given(cluster, &[this.upload("d-1"), this.upload("d-2"), activate("d-1")]);
        wait_until("it to be placed", DEADLINE, || {
            seen(cluster, 0, "/api/v1/scheduler/workflows/orders")["placed"] == 2
        });
        this
    }

    fn upload(&self, tag: &str) -> Call {
        let package = self.packages.iter().find(|it| it.0 == tag).expect("it was built");
        let call = Call::new("POST", "/api/v1/deployments");
        call.body("application/vnd.weir.package", package.1.clone())
    }

    fn certificate(&self, alias: &str) -> Call {
        post("/api/v1/certificates", json!({ "alias": alias, "pem": self.authority }))
    }

    /// Commands that make something.
    pub(super) fn making(&self, cluster: &Cluster) -> Vec<Row<'a>> {
        let private = PrivateKey::generate().to_text();
        let import = json!({ "alias": "imported", "key": private.expose_text() });
        let declare = |resources: Value| {
            post(
                "/api/v1/resources:declare",
                json!({ "group": "declared", "resources": resources }),
            )
        };
        let reserved = json!({ "group": "reserved", "resources": ["0", "1", "2"] });
        given(
            cluster,
            &[
                post("/api/v1/resources:declare", reserved),
                schedule(json!({ "target": 2 })),
                user("paul"),
            ],
        );
        let alarm = drained_for_a_moment(cluster, "node-3");
        let confirm = post("/api/v1/alarms:confirm", json!({ "ids": [alarm] }));
        vec![
            Row::new("alarm confirm", confirm, move |cluster, at| {
                seen(cluster, at, &format!("/api/v1/alarms/{alarm}"))["confirmation"].clone()
            })
            .through_the_host(),
            Row::new("key create", key("created"), keys("created"))
                .undone_by([delete("/api/v1/keys/created")])
                .undone_and_sent_again_is(409)
                .through_the_host(),
            Row::new("key import", post("/api/v1/keys:import", import), keys("imported"))
                .undone_by([delete("/api/v1/keys/imported")])
                .undone_and_sent_again_is(409),
            Row::new(
                "key rotate",
                post("/api/v1/keys:rotate", json!({ "alias": "turned" })),
                keys("turned"),
            )
            .undone_by([
                post("/api/v1/keys:rotate", json!({ "alias": "next" })),
                delete("/api/v1/keys/turned"),
            ])
            .undone_and_sent_again_is(409),
            Row::new("certificate add", self.certificate("added"), certificates("added"))
                .undone_by([delete("/api/v1/certificates/added")]),
            Row::new("host add", host("added"), hosts("added"))
                .undone_by([delete("/api/v1/known-hosts/added")]),
            Row::new("user create", user("mary"), users("mary"))
                .undone_by([delete("/api/v1/users/mary")])
                .undone_and_sent_again_is(409),
            Row::new("role create", role("made"), roles("made"))
                .undone_by([delete("/api/v1/roles/made")])
                .undone_and_sent_again_is(409)
                .through_the_host(),
            Row::new("token create", token("nightly", &session(cluster, "ada")), tokens("nightly"))
                .sent_again_is(409),
            Row::new("resource declare", declare(json!(["0", "1"])), |cluster, at| {
                count(listed("/api/v1/resources", "group", "declared"))(cluster, at)
            })
            .undone_by([declare(json!([]))]),
            Row::new("resource reserve", reserve("reserved"), held("reserved")),
            Row::new(
                "scheduler set",
                schedule(json!({ "target": 3 })),
                get("/api/v1/scheduler/workflows/orders", "/settings/target"),
            )
            .undone_by([schedule(json!({ "target": 2 }))]),
            Row::new(
                "scheduler apply",
                post(
                    "/api/v1/scheduler:apply",
                    json!({ "workflows": { "orders": { "weight": 50 } } }),
                ),
                get("/api/v1/scheduler/workflows/orders", "/settings/weight"),
            )
            .undone_by([schedule(json!({ "weight": 100 }))])
            .through_the_host(),
            Row::new(
                "node drain",
                post("/api/v1/nodes/node-2/drain", json!(null)),
                get("/api/v1/scheduler", "/drained"),
            )
            .undone_by([post("/api/v1/nodes/node-2/undrain", json!(null))]),
            Row::new("deployment upload", self.upload("d-3"), stored("d-3"))
                .undone_by([delete("/api/v1/deployments/d-3")]),
            Row::new(
                "deployment assign",
                put("/api/v1/assignments/nodes/node-3", json!({ "tag": "d-1" })),
                get("/api/v1/assignments", "/nodes"),
            )
            .undone_by([delete("/api/v1/assignments/nodes/node-3")]),
            Row::new(
                "role rules",
                put(
                    "/api/v1/assignments/roles",
                    json!({ "roles": [{ "role": "spare", "tag": "d-1" }] }),
                ),
                get("/api/v1/assignments", "/roles"),
            )
            .undone_by([put("/api/v1/assignments/roles", json!({ "roles": [] }))]),
            Row::new(
                "deployment activate",
                activate("d-2"),
                get("/api/v1/assignments", "/default"),
            )
            .undone_by([activate("d-1")]),
        ]
    }

    /// Commands that change something that is there.
    pub(super) fn changing(&self, cluster: &Cluster) -> Vec<Row<'a>> {
        let files = self.files;
        let again = move |cluster: &Cluster| {
            // What it led to before would be in the way.
            let _ = std::fs::remove_file(files.project.path("out/once.jsonl"));
            files.project.put("once.csv", ROWS);
            wait_until("the item to be done", DEADLINE, || {
                items(cluster, 0, "orders/read", "once.csv") == json!(["done"])
            });
        };
        let identity = json!({ "alias": "own", "pem": self.own[0], "key": self.own[1] });
        let revoked = json!({ "group": "revoked", "resources": ["0"] });
        given(
            cluster,
            &[
                key("plain"),
                role("changed"),
                user("bob"),
                user("carl"),
                user("erin"),
                log_in_of("bob"),
                log_in_of("carl"),
                post("/api/v1/resources:declare", revoked.clone()),
                reserve("revoked"),
            ],
        );
        let bobs = &listed("/api/v1/sessions", "user", "bob")(cluster, 0)[0]["id"];
        let bobs = format!("/api/v1/sessions/{}", bobs.as_str().unwrap());
        again(cluster);
        std::fs::write(files.project.path("gate").join("waits.csv"), ROWS).unwrap();
        wait_until("the item to wait", DEADLINE, || {
            items(cluster, 0, GATED, "waits.csv") == json!(["waiting"])
        });
        let reset = json!({ "source": "orders/read", "names": ["once.csv"] });
        let clear = json!({ "source": GATED, "names": ["waits.csv"], "deny": true });
        let enabled = |is: bool| patch("/api/v1/users/paul", json!({ "enabled": is }));
        let claims = |it: &str| put("/api/v1/roles/changed", json!({ "claims": [it] }));
        vec![
            Row::new("identity add", post("/api/v1/certificates", identity), certificates("own"))
                .undone_by([delete("/api/v1/certificates/own")])
                .through_the_host(),
            Row::new(
                "key set",
                put("/api/v1/keys/plain", json!({ "alias": "fancy" })),
                keys("fancy"),
            )
            .undone_by([put("/api/v1/keys/fancy", json!({ "alias": "plain" }))])
            .undone_and_sent_again_is(409)
            .through_the_host(),
            Row::new("role set", claims("key:write"), |cluster, at| {
                listed("/api/v1/roles", "name", "changed")(cluster, at)[0]["claims"].clone()
            })
            .undone_by([claims("key:read")]),
            Row::new("user disable", enabled(false), get("/api/v1/users/paul", "/enabled"))
                .undone_by([enabled(true)]),
            Row::new(
                "user password",
                put("/api/v1/users/paul/password", json!({ "password": NEW_PASSWORD })),
                get("/api/v1/users/paul", "/passwordAt"),
            )
            .through_the_host(),
            Row::new(
                "own password",
                post("/api/v1/me/password", json!({ "current": PASSWORD, "new": NEW_PASSWORD }))
                    .header("authorization", &session(cluster, "erin")),
                get("/api/v1/users/erin", "/passwordAt"),
            ),
            Row::new("session end", delete(bobs), sessions("bob")).undone_by([log_in_of("bob")]),
            Row::new("sessions end", delete("/api/v1/users/carl/sessions"), sessions("carl"))
                .undone_by([log_in_of("carl")]),
            Row::new("resource revoke", post("/api/v1/resources:revoke", revoked), held("revoked"))
                .undone_by([reserve("revoked")]),
            Row::new("item reset", post("/api/v1/items:reset", reset), |cluster, at| {
                items(cluster, at, "orders/read", "once.csv")
            })
            .undone_as(move |cluster, _| again(cluster)),
            Row::new("item clear", post("/api/v1/items:clear", clear), |cluster, at| {
                items(cluster, at, GATED, "waits.csv")
            })
            .through_the_host(),
            Row::new(
                "deployment rollback",
                Call::new("POST", "/api/v1/deployments:rollback"),
                get("/api/v1/assignments", "/default"),
            )
            .undone_by([activate("d-1")]),
        ]
    }

    /// Commands that end something.
    pub(super) fn ending(&self, cluster: &Cluster) -> Vec<Row<'a>> {
        given(
            cluster,
            &[
                key("deleted"),
                self.certificate("deleted"),
                host("deleted"),
                user("dora"),
                role("deleted"),
                self.upload("d-4"),
                put("/api/v1/assignments/nodes/node-1", json!({ "tag": "d-1" })),
                post("/api/v1/nodes/node-2/drain", json!(null)),
            ],
        );
        let aside = aside(cluster);
        apply(cluster, 0, &aside);
        let by_ada = session(cluster, "ada");
        given(cluster, &[token("weekly", &by_ada)]);
        let known = |description: &'static str| {
            let token = &listed("/api/v1/tokens", "description", description)(cluster, 0)[0];
            token["id"].as_str().unwrap().to_owned()
        };
        let token = format!("/api/v1/tokens/{}", known("nightly"));
        let own = format!("/api/v1/me/tokens/{}", known("weekly"));
        vec![
            Row::new("key delete", delete("/api/v1/keys/deleted"), keys("deleted"))
                .undone_by([key("deleted")]),
            Row::new(
                "certificate delete",
                delete("/api/v1/certificates/deleted"),
                certificates("deleted"),
            )
            .undone_by([self.certificate("deleted")])
            .through_the_host(),
            Row::new("host delete", delete("/api/v1/known-hosts/deleted"), hosts("deleted"))
                .undone_by([host("deleted")]),
            Row::new("user delete", delete("/api/v1/users/dora"), users("dora"))
                .undone_by([user("dora")])
                .through_the_host(),
            Row::new("role delete", delete("/api/v1/roles/deleted"), roles("deleted"))
                .undone_by([role("deleted")]),
            Row::new("token revoke", delete(token), tokens("nightly")),
            Row::new(
                "own token revoke",
                delete(own).header("authorization", &by_ada),
                tokens("weekly"),
            )
            .through_the_host(),
            Row::new(
                "node undrain",
                post("/api/v1/nodes/node-2/undrain", json!(null)),
                get("/api/v1/scheduler", "/drained"),
            )
            .undone_by([post("/api/v1/nodes/node-2/drain", json!(null))]),
            Row::new("deployment delete", delete("/api/v1/deployments/d-4"), stored("d-4"))
                .undone_by([self.upload("d-4")])
                .through_the_host(),
            Row::new(
                "deployment unassign",
                delete("/api/v1/assignments/nodes/node-1"),
                get("/api/v1/assignments", "/nodes"),
            )
            .undone_by([put("/api/v1/assignments/nodes/node-1", json!({ "tag": "d-1" }))]),
            Row::new("canary start", canary(), get("/api/v1/canary", "/canary/tag"))
                .undone_by([Call::new("POST", "/api/v1/canary:end")]),
            Row::new(
                "deployment withdraw",
                post("/api/v1/deployments:withdraw", json!({ "project": "aside" })),
                applied,
            )
            .undone_as(move |cluster, [at, _]| apply(cluster, at, &aside)),
        ]
    }

    /// Ends a canary.
    pub(super) fn stopping(&self, cluster: &Cluster) -> Vec<Row<'a>> {
        given(
            cluster,
            &[
                post("/api/v1/nodes/node-2/undrain", json!(null)),
                delete("/api/v1/assignments/nodes/node-1"),
                canary(),
            ],
        );
        vec![
            Row::new(
                "canary end",
                Call::new("POST", "/api/v1/canary:end"),
                get("/api/v1/canary", "/canary/tag"),
            )
            .undone_by([canary()]),
        ]
    }

    /// Makes the canary that runs the default.
    pub(super) fn promoting(&self) -> Vec<Row<'a>> {
        let promote = Call::new("POST", "/api/v1/canary:promote");
        let default = get("/api/v1/assignments", "/default");
        vec![Row::new("canary promote", promote, default).undone_by([activate("d-1")])]
    }

    /// Evens out loads that are uneven.
    pub(super) fn evening(&self, cluster: &Cluster) -> Vec<Row<'a>> {
        let nodes = get("/api/v1/scheduler/workflows/orders", "/nodes");
        let limit = |it: Value| schedule(json!({ "nodes": { "node-1": it, "node-2": it } }));
        let aside = post("/api/v1/deployments:withdraw", json!({ "project": "aside" }));
        given(cluster, &[aside, limit(json!({ "max": 0 }))]);
        wait_until("node-3 to have them all", DEADLINE, || {
            nodes(cluster, 0) == json!({ "node-3": 2 })
        });
        given(cluster, &[limit(json!({}))]);
        let revision = seen(cluster, 0, "/api/v1/scheduler/rebalance")["revision"].clone();
        let rebalance = post("/api/v1/scheduler/rebalance", json!({ "revision": revision }));
        vec![Row::new("scheduler rebalance", rebalance, nodes)]
    }
}

/// The alarm that it was so, which is kept when it has ended.
fn drained_for_a_moment(cluster: &Cluster, node: &str) -> String {
    given(cluster, &[post(&format!("/api/v1/nodes/{node}/drain"), json!(null))]);
    let alarms = listed("/api/v1/alarms", "key", format!("node-drained:{node}"));
    let id = wait_for("an alarm about it", DEADLINE, || {
        Some(alarms(cluster, 0)[0]["id"].as_str()?.to_owned())
    });
    given(cluster, &[post(&format!("/api/v1/nodes/{node}/undrain"), json!(null))]);
    id
}

/// A project that comes from its directory.
fn aside(cluster: &Cluster) -> PathBuf {
    let dir = cluster.root().join("aside");
    std::fs::create_dir_all(dir.join("in")).unwrap();
    let project = "apiVersion: weir/v1\nkind: Project\nmetadata: { name: aside }\n\
                   spec: { exclude: [in, out] }\n";
    std::fs::write(dir.join("project.yaml"), project).unwrap();
    let flow = Flow::named("aside").stage(&read(CSV, "")).stage(&write("read", ""));
    std::fs::write(dir.join("workflow.yaml"), flow.yaml()).unwrap();
    dir
}

fn apply(cluster: &Cluster, at: usize, dir: &Path) {
    done(cluster, at, &["deployment", "apply", dir.to_str().unwrap()]);
}

/// The project as it is now, as a file.
fn package(cluster: &Cluster, files: &Files, tag: &str) -> Vec<u8> {
    let file = cluster.root().join(format!("{tag}.weir"));
    let (project, path) = (files.project.dir(), file.to_str().unwrap().to_owned());
    let build = ["build", project.to_str().unwrap(), "--tag", tag, "--file", &path];
    cluster.nodes[0].weir_with_conf(&build).ended(0);
    std::fs::read(file).unwrap()
}
