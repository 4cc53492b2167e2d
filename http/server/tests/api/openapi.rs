//! The OpenAPI documents that are checked in are those that the routes make.
//!
//! `WEIR_UPDATE=1 cargo test -p weir-http-server` writes them anew.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use utoipa::openapi::OpenApi;
use weir_http_server::{Guard, Limits, config_server, engine, management};

use crate::fake_cluster::FakeCluster;
use crate::fake_deployments::FakeDeployments;
use crate::fixture::{self, get};

fn check(file: &str, document: &OpenApi) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/openapi").join(file);
    let made = document.to_pretty_json().unwrap() + "\n";
    if std::env::var_os("WEIR_UPDATE").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stored == made,
        "schemas/openapi/{file} is not what the routes make: review the change, then run \
         WEIR_UPDATE=1 cargo test -p weir-http-server"
    );
}

#[test]
fn the_engines_document_is_current() {
    check("engine.json", &engine::document());
}

#[test]
fn the_managements_document_is_current() {
    check("management.json", &management::document());
}

#[test]
fn the_configuration_servers_document_is_current() {
    check("config-server.json", &config_server::document());
}

/// Commands that may be sent again without a key, and questions that are sent as commands.
const WITHOUT_A_KEY: [&str; 19] = [
    // Questions.
    "post /api/v1/keys/{key}/export",
    "post /api/v1/scheduler:preview",
    "post /api/v1/secrets:seal",
    "post /api/v1/workflows/{name}/dead-letters:reveal",
    "post /api/v1/workflows/{name}/sniff",
    // They say how it is to be, or what is to be over: done twice, it is the same.
    "post /api/v1/audit:seal",
    "post /api/v1/cluster/leases/{name}/move",
    "post /api/v1/log-out",
    "post /api/v1/resources:release",
    "post /api/v1/resources:renew",
    "post /api/v1/set-up",
    "post /api/v1/streams:abort",
    "post /api/v1/streams:pause",
    "post /api/v1/streams:resume",
    "post /api/v1/streams:shutdown",
    "post /api/v1/streams:terminate",
    // A session whose secret nobody heard ends by itself.
    "post /api/v1/log-in",
    "post /api/v1/log-in/provider",
    "post /api/v1/log-in/provider/finish",
];

#[test]
fn every_command_of_an_engine_can_be_called_by_a_key() {
    let document = serde_json::to_value(engine::document()).unwrap();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let name = format!("{method} {path}");
            let takes = |it: &Value| it["name"] == "idempotency-key";
            let has_key = operation["parameters"].as_array().is_some_and(|it| it.iter().any(takes));
            let needs_key = method != "get" && !WITHOUT_A_KEY.contains(&name.as_str());
            assert_eq!(has_key, needs_key, "{name}");
        }
    }
}

#[test]
fn what_is_sent_to_a_configuration_server_alone_can_be_called_by_a_key() {
    let of_engines = serde_json::to_value(engine::document()).unwrap();
    let document = serde_json::to_value(config_server::document()).unwrap();
    let mut count = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let is_own = of_engines["paths"][path][method].is_null();
            if !is_own || method == "get" || WITHOUT_A_KEY_HERE.contains(&path.as_str()) {
                continue;
            }
            count += 1;
            let takes = |it: &Value| it["name"] == "idempotency-key";
            let has_key = operation["parameters"].as_array().is_some_and(|it| it.iter().any(takes));
            assert!(has_key, "{method} {path}");
        }
    }
    assert!(count > 30, "{count}");
}

/// It looks at a cluster, and changes nothing.
const WITHOUT_A_KEY_HERE: [&str; 1] = ["/api/v1/clusters/{cluster}/probe"];

fn paths(document: &OpenApi) -> Vec<&str> {
    document.paths.paths.keys().map(String::as_str).collect()
}

#[test]
fn the_documents_hold_every_path() {
    assert_eq!(
        paths(&management::document()),
        [
            "/alive",
            "/cluster/domain-events",
            "/cluster/explain",
            "/cluster/leases",
            "/cluster/leases/{name}/move",
            "/cluster/links",
            "/cluster/members",
            "/cluster/members/{node}",
            "/cluster/members/{node}/down",
            "/cluster/members/{node}/leave",
            "/deployments",
            "/deployments/{project}",
            "/deployments/{project}/preview",
            "/ready",
        ]
    );
    assert_eq!(
        paths(&engine::document()),
        [
            "/api/v1/activations",
            "/api/v1/activations/{node}",
            "/api/v1/alarms",
            "/api/v1/alarms/{id}",
            "/api/v1/alarms:confirm",
            "/api/v1/assignments",
            "/api/v1/assignments/nodes/{node}",
            "/api/v1/assignments/roles",
            "/api/v1/audit",
            "/api/v1/audit/export",
            "/api/v1/audit/head",
            "/api/v1/audit:seal",
            "/api/v1/canary",
            "/api/v1/canary:end",
            "/api/v1/canary:promote",
            "/api/v1/certificates",
            "/api/v1/certificates/{alias}",
            "/api/v1/cluster/domain-events",
            "/api/v1/cluster/explain",
            "/api/v1/cluster/leases",
            "/api/v1/cluster/leases/{name}/move",
            "/api/v1/cluster/links",
            "/api/v1/cluster/members",
            "/api/v1/cluster/members/{node}",
            "/api/v1/deployments",
            "/api/v1/deployments/{tag}",
            "/api/v1/deployments:activate",
            "/api/v1/deployments:diff",
            "/api/v1/deployments:rollback",
            "/api/v1/deployments:withdraw",
            "/api/v1/items",
            "/api/v1/items:clear",
            "/api/v1/items:history",
            "/api/v1/items:reset",
            "/api/v1/keys",
            "/api/v1/keys/{key}",
            "/api/v1/keys/{key}/export",
            "/api/v1/keys:import",
            "/api/v1/keys:rewrap",
            "/api/v1/keys:rotate",
            "/api/v1/known-hosts",
            "/api/v1/known-hosts/{alias}",
            "/api/v1/live",
            "/api/v1/log-in",
            "/api/v1/log-in/provider",
            "/api/v1/log-in/provider/finish",
            "/api/v1/log-out",
            "/api/v1/logs",
            "/api/v1/logs/tail",
            "/api/v1/me",
            "/api/v1/me/password",
            "/api/v1/me/tokens",
            "/api/v1/me/tokens/{id}",
            "/api/v1/nodes",
            "/api/v1/nodes/{name}",
            "/api/v1/nodes/{name}/drain",
            "/api/v1/nodes/{name}/undrain",
            "/api/v1/resources",
            "/api/v1/resources:declare",
            "/api/v1/resources:release",
            "/api/v1/resources:renew",
            "/api/v1/resources:reserve",
            "/api/v1/resources:revoke",
            "/api/v1/roles",
            "/api/v1/roles/{name}",
            "/api/v1/scheduler",
            "/api/v1/scheduler/rebalance",
            "/api/v1/scheduler/workflows/{workflow}",
            "/api/v1/scheduler:apply",
            "/api/v1/scheduler:preview",
            "/api/v1/secrets:seal",
            "/api/v1/sessions",
            "/api/v1/sessions/{id}",
            "/api/v1/set-up",
            "/api/v1/sources",
            "/api/v1/streams",
            "/api/v1/streams/{id}",
            "/api/v1/streams/{id}/log",
            "/api/v1/streams:abort",
            "/api/v1/streams:pause",
            "/api/v1/streams:resume",
            "/api/v1/streams:shutdown",
            "/api/v1/streams:terminate",
            "/api/v1/sweeps/{id}",
            "/api/v1/tokens",
            "/api/v1/tokens/{id}",
            "/api/v1/users",
            "/api/v1/users/{name}",
            "/api/v1/users/{name}/password",
            "/api/v1/users/{name}/sessions",
            "/api/v1/version",
            "/api/v1/workflows",
            "/api/v1/workflows/{name}",
            "/api/v1/workflows/{name}/dead-letters",
            "/api/v1/workflows/{name}/dead-letters:counts",
            "/api/v1/workflows/{name}/dead-letters:discard",
            "/api/v1/workflows/{name}/dead-letters:replay",
            "/api/v1/workflows/{name}/dead-letters:reveal",
            "/api/v1/workflows/{name}/replays",
            "/api/v1/workflows/{name}/replays:cancel",
            "/api/v1/workflows/{name}/reset",
            "/api/v1/workflows/{name}/restore",
            "/api/v1/workflows/{name}/savepoints",
            "/api/v1/workflows/{name}/savepoints/{savepoint}",
            "/api/v1/workflows/{name}/sniff",
            "/livez",
            "/readyz",
        ]
    );
    assert_eq!(
        paths(&config_server::document()),
        [
            "/api/v1/activations",
            "/api/v1/activations/{node}",
            "/api/v1/alarms",
            "/api/v1/alarms/{id}",
            "/api/v1/alarms:confirm",
            "/api/v1/assignments",
            "/api/v1/assignments/nodes/{node}",
            "/api/v1/assignments/roles",
            "/api/v1/audit",
            "/api/v1/audit/export",
            "/api/v1/audit/head",
            "/api/v1/audit:seal",
            "/api/v1/canary",
            "/api/v1/canary:end",
            "/api/v1/canary:promote",
            "/api/v1/certificates",
            "/api/v1/certificates/{alias}",
            "/api/v1/cluster/explain",
            "/api/v1/cluster/leases",
            "/api/v1/cluster/leases/{name}/move",
            "/api/v1/cluster/links",
            "/api/v1/cluster/members",
            "/api/v1/cluster/members/{node}",
            "/api/v1/clusters",
            "/api/v1/clusters/{cluster}",
            "/api/v1/clusters/{cluster}/probe",
            "/api/v1/clusters:issuer",
            "/api/v1/deployments",
            "/api/v1/deployments/{tag}",
            "/api/v1/deployments:activate",
            "/api/v1/deployments:diff",
            "/api/v1/deployments:rollback",
            "/api/v1/deployments:withdraw",
            "/api/v1/items",
            "/api/v1/items:clear",
            "/api/v1/items:history",
            "/api/v1/items:reset",
            "/api/v1/keys",
            "/api/v1/keys/{key}",
            "/api/v1/keys/{key}/export",
            "/api/v1/keys:import",
            "/api/v1/keys:rewrap",
            "/api/v1/keys:rotate",
            "/api/v1/known-hosts",
            "/api/v1/known-hosts/{alias}",
            "/api/v1/live",
            "/api/v1/log-in",
            "/api/v1/log-in/provider",
            "/api/v1/log-in/provider/finish",
            "/api/v1/log-out",
            "/api/v1/logs",
            "/api/v1/logs/tail",
            "/api/v1/me",
            "/api/v1/me/password",
            "/api/v1/me/tokens",
            "/api/v1/me/tokens/{id}",
            "/api/v1/nodes",
            "/api/v1/nodes/{name}",
            "/api/v1/nodes/{name}/drain",
            "/api/v1/nodes/{name}/undrain",
            "/api/v1/operations",
            "/api/v1/operations/{operation}",
            "/api/v1/operations/{operation}/cancel",
            "/api/v1/operations:follow",
            "/api/v1/projects",
            "/api/v1/projects/{name}:validate",
            "/api/v1/projects/{project}",
            "/api/v1/projects/{project}/archive",
            "/api/v1/projects/{project}/assets",
            "/api/v1/projects/{project}/assets/{asset}",
            "/api/v1/projects/{project}/assets/{asset}/copies",
            "/api/v1/projects/{project}/assets/{asset}/effective",
            "/api/v1/projects/{project}/assets/{asset}/insert",
            "/api/v1/projects/{project}/assets/{asset}/rename",
            "/api/v1/projects/{project}/assets/{asset}/snippet",
            "/api/v1/projects/{project}/assets/{asset}/usages",
            "/api/v1/projects/{project}/branches",
            "/api/v1/projects/{project}/branches/{branch}",
            "/api/v1/projects/{project}/branches/{branch}/switch",
            "/api/v1/projects/{project}/builds",
            "/api/v1/projects/{project}/builds/{build}",
            "/api/v1/projects/{project}/builds/{build}/package",
            "/api/v1/projects/{project}/deploys",
            "/api/v1/projects/{project}/findings",
            "/api/v1/projects/{project}/formats/infer",
            "/api/v1/projects/{project}/remotes",
            "/api/v1/projects/{project}/remotes/{remote}",
            "/api/v1/projects/{project}/remotes/{remote}/credentials",
            "/api/v1/projects/{project}/remotes/{remote}/fetch",
            "/api/v1/projects/{project}/remotes/{remote}/pull",
            "/api/v1/projects/{project}/remotes/{remote}/push",
            "/api/v1/projects/{project}/status",
            "/api/v1/projects/{project}/takes",
            "/api/v1/projects/{project}/tests",
            "/api/v1/projects/{project}/versions",
            "/api/v1/projects/{project}/versions/{version}",
            "/api/v1/projects/{project}/versions/{version}/file",
            "/api/v1/projects/{project}/versions:abort-merge",
            "/api/v1/projects/{project}/versions:diff",
            "/api/v1/projects/{project}/versions:discard",
            "/api/v1/projects/{project}/versions:init",
            "/api/v1/projects/{project}/versions:merge",
            "/api/v1/projects/{project}/workflows/{workflow}/peeks",
            "/api/v1/projects/{project}/workflows/{workflow}/test-runs",
            "/api/v1/projects:clone",
            "/api/v1/projects:import",
            "/api/v1/projects:open",
            "/api/v1/resources",
            "/api/v1/resources:declare",
            "/api/v1/resources:release",
            "/api/v1/resources:renew",
            "/api/v1/resources:reserve",
            "/api/v1/resources:revoke",
            "/api/v1/roles",
            "/api/v1/roles/{name}",
            "/api/v1/scheduler",
            "/api/v1/scheduler/rebalance",
            "/api/v1/scheduler/workflows/{workflow}",
            "/api/v1/scheduler:apply",
            "/api/v1/scheduler:preview",
            "/api/v1/secrets:seal",
            "/api/v1/server/logs",
            "/api/v1/server/logs/tail",
            "/api/v1/sessions",
            "/api/v1/sessions/{id}",
            "/api/v1/set-up",
            "/api/v1/sources",
            "/api/v1/streams",
            "/api/v1/streams/{id}",
            "/api/v1/streams/{id}/log",
            "/api/v1/streams:abort",
            "/api/v1/streams:pause",
            "/api/v1/streams:resume",
            "/api/v1/streams:shutdown",
            "/api/v1/streams:terminate",
            "/api/v1/sweeps/{id}",
            "/api/v1/tokens",
            "/api/v1/tokens/{id}",
            "/api/v1/users",
            "/api/v1/users/{name}",
            "/api/v1/users/{name}/password",
            "/api/v1/users/{name}/sessions",
            "/api/v1/version",
            "/api/v1/workflows",
            "/api/v1/workflows/{name}",
            "/api/v1/workflows/{name}/dead-letters",
            "/api/v1/workflows/{name}/dead-letters:counts",
            "/api/v1/workflows/{name}/dead-letters:discard",
            "/api/v1/workflows/{name}/dead-letters:replay",
            "/api/v1/workflows/{name}/dead-letters:reveal",
            "/api/v1/workflows/{name}/replays",
            "/api/v1/workflows/{name}/replays:cancel",
            "/api/v1/workflows/{name}/reset",
            "/api/v1/workflows/{name}/restore",
            "/api/v1/workflows/{name}/savepoints",
            "/api/v1/workflows/{name}/savepoints/{savepoint}",
            "/api/v1/workflows/{name}/sniff",
            "/livez",
            "/readyz",
        ]
    );
}

/// Every `$ref` of a document leads to something that it holds.
#[test]
fn no_reference_leads_nowhere() {
    for document in [engine::document(), management::document(), config_server::document()] {
        let document = serde_json::to_value(document).unwrap();
        let text = document.to_string();
        for part in text.split("\"#/").skip(1) {
            let place = format!("/{}", part.split('"').next().unwrap());
            assert!(document.pointer(&place).is_some(), "{place}");
        }
    }
}

/// A status that isn't documented is a surprise: each refusal is named, and `default` hides none.
#[test]
fn every_operation_says_which_statuses_it_answers_with() {
    for document in [engine::document(), management::document(), config_server::document()] {
        let document = serde_json::to_value(document).unwrap();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let answers = operation["responses"].as_object().unwrap();
                let known: Vec<_> = answers.keys().map(String::as_str).collect();
                assert!(!known.contains(&"default"), "{method} {path}");
                let is_answer = |it: &&str| it.starts_with('2') || *it == "101";
                assert!(known.iter().any(is_answer), "{method} {path}");
                for always in ["400", "429", "500", "503"] {
                    assert!(known.contains(&always), "{method} {path}: {always}");
                }
                let is_open = operation["security"] == serde_json::json!([{}]);
                let guarded = ["401", "403"].iter().all(|it| known.contains(it));
                assert!(guarded || is_open, "{method} {path}");
            }
        }
    }
}

/// What is served beside the API.
const UNDOCUMENTED: [&str; 1] = ["/"];

/// Routes are declared with their document; one that is added without any must be named here.
#[test]
fn every_route_is_in_a_document() {
    let documents = [engine::document(), management::document(), config_server::document()];
    let known: Vec<_> = documents.iter().flat_map(paths).collect();
    let mut seen = 0;
    for (file, text) in sources(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        // Routes of the metrics are no API, and those of tests are served to nobody.
        if file.ends_with("metrics.rs") || file.ends_with("tests.rs") {
            continue;
        }
        for part in text.split(".route(\"").skip(1) {
            let path = part.split('"').next().unwrap();
            let is_known = known.contains(&path) || UNDOCUMENTED.contains(&path);
            assert!(is_known, "{path} of {file} is in no document");
            seen += 1;
        }
    }
    assert!(seen > 0, "no route was found: they are written in another way now");
}

fn sources(dir: std::path::PathBuf) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(sources(path)),
            false => {
                found.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}

#[tokio::test]
async fn the_servers_serve_their_documents() {
    let engine = fixture::engine().await;
    let server = fixture::config_server(&engine).await;
    let management = fixture::served(management::router(
        Arc::new(FakeCluster::new()),
        Arc::new(FakeDeployments::default()),
        Guard::closed(),
        Limits::default(),
    ));
    let management = management.await;
    for (url, document) in [
        (format!("{engine}/api/v1/openapi.json"), engine::document()),
        (format!("{server}/api/v1/openapi.json"), config_server::document()),
        (format!("{management}/openapi.json"), management::document()),
    ] {
        let (status, content_type, body) = get(&url).await;
        assert_eq!((status, content_type.as_str()), (200, "application/json"));
        assert_eq!(body, document.to_json().unwrap());
    }
}
