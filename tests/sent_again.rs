//! Commands that are sent again to a configuration server under the same key: done once, whatever is killed and
//! whichever server of one store is asked.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Value, json};
use tempfile::TempDir;
use weir_test_servers::MariaDb;

use crate::fleet::shared;
use crate::support::{DEADLINE, Server, ask_with, free_port, wait_until};

/// Sends a command under a key.
fn keyed(
    server: &Server,
    token: &str,
    (method, path): (Method, &str),
    body: &Value,
) -> (u16, Value) {
    let key = (HeaderName::from_static("idempotency-key"), HeaderValue::from_static("k"));
    let headers = HeaderMap::from_iter([key]);
    ask_with(&server.url, (method, path), token, headers, body).expect("it answers")
}

fn names(server: &Server, token: &str) -> Vec<String> {
    let (status, page) = server.get("projects", token);
    assert_eq!(status, 200, "{page}");
    let items = page["items"].as_array().unwrap().iter();
    items.map(|it| it["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_command_that_is_sent_again_is_done_once_also_by_a_server_that_was_killed() {
    let root = TempDir::new().unwrap();
    let mut server = Server::design(root.path(), &[]);
    let ada = server.set_up();
    let create = (Method::POST, "projects");
    let shop = json!({ "name": "shop" });
    let (status, made) = keyed(&server, &ada, create.clone(), &shop);
    assert_eq!(status, 200, "{made}");
    // Whoever removes it meanwhile is not undone by who asks for it again.
    let (status, gone) = keyed(&server, &ada, (Method::DELETE, "projects/shop"), &Value::Null);
    assert_eq!(status, 200, "{gone}");
    assert_eq!(keyed(&server, &ada, create.clone(), &shop), (200, made.clone()));
    assert!(names(&server, &ada).is_empty());
    server.kill();
    let server = Server::design(root.path(), &[]);
    let again = keyed(&server, &ada, create.clone(), &shop);
    assert_eq!(again, (200, made));
    assert_eq!(keyed(&server, &ada, (Method::DELETE, "projects/shop"), &Value::Null), (200, gone));
    assert!(names(&server, &ada).is_empty());
    let (status, problem) = keyed(&server, &ada, create, &json!({ "name": "other" }));
    assert_eq!((status, &problem["code"]), (422, &json!("WEIR-07031")), "{problem}");
    // What is sent again is no second entry of the audit.
    let (_, audit) = server.get("audit?limit=100", &ada);
    let text = audit.to_string();
    assert_eq!(text.matches("\"project create\"").count(), 2, "one is done, one refused: {text}");
}

#[test]
fn servers_that_share_a_store_answer_for_each_other() {
    let database = MariaDb::shared().database();
    let root = TempDir::new().unwrap();
    let ports = (free_port(), free_port());
    let projects = root.path().join("projects");
    let start = |name: &str| {
        let mut settings = shared(name, &database, ports);
        settings.push(format!("weir.config-server.projects-dir={}", projects.display()));
        Server::design(&root.path().join(name), &settings)
    };
    let mut a = start("a");
    let ada = a.set_up();
    let b = start("b");
    wait_until("the other server to know her", DEADLINE, || b.get("me", &ada).0 == 200);
    let create = (Method::POST, "projects");
    let shop = json!({ "name": "shop" });
    let (status, made) = keyed(&a, &ada, create.clone(), &shop);
    assert_eq!(status, 200, "{made}");
    assert_eq!(keyed(&b, &ada, create.clone(), &shop), (200, made.clone()));
    assert_eq!(keyed(&b, &ada, create.clone(), &json!({ "name": "other" })).0, 422);
    a.kill();
    assert_eq!(keyed(&b, &ada, create, &shop), (200, made));
}
