//! Assets that one project takes from another one, on a configuration server.

use std::fs;

use axum::http::Method;
use serde_json::json;
use tempfile::TempDir;

use crate::support::{Flow, Project, Ran, Server, Start, binary, flow::CSV};

const FORMAT: &str =
    "apiVersion: weir/v1\nkind: Format\nmetadata: { name: lines }\nspec: { type: json }\n";
const SOURCE: &str = "apiVersion: weir/v1\nkind: Source\nmetadata: { name: orders }\nspec:\n  file: \
                      { directory: \"${env:IN}\", format: lines }\n";

#[test]
fn a_connection_is_taken_with_its_format_and_follows_its_original() {
    let project = Project::of(&Flow::straight(CSV));
    let weir = Start::of(&project).ready();
    let shelf = project.root().join("shelf");
    fs::create_dir_all(&shelf).unwrap();
    let about = "apiVersion: weir/v1\nkind: Project\nmetadata: { name: shelf }\n";
    for (file, text) in [("project.yaml", about), ("lines.yaml", FORMAT), ("orders.yaml", SOURCE)] {
        fs::write(shelf.join(file), text).unwrap();
    }
    let run =
        |arguments: &[&str]| Ran::of(binary().args(["--server", weir.page()]).args(arguments));
    run(&["project", "open", shelf.to_str().unwrap()]).ended(0);
    let taken = run(&["project", "take", "test", "shelf", "source/orders"]).ended(0);
    let told = "taken: lines.yaml\ntaken: orders.yaml\nto be defined in this project: env:IN\n";
    assert_eq!(taken.stdout, told);
    assert_eq!(fs::read_to_string(project.dir().join("orders.yaml")).unwrap(), SOURCE);
    fs::write(shelf.join("lines.yaml"), FORMAT.replace("json", "csv")).unwrap();
    let copies = run(&["project", "copies", "shelf", "format/lines"]).ended(0);
    assert!(
        copies.stdout.contains("test     lines.yaml  another one       1"),
        "{}",
        copies.stdout
    );
    let refused = run(&["project", "take", "test", "shelf", "source/orders"]).ended(5);
    assert!(refused.stderr.contains("a Format lines is there already"), "{}", refused.stderr);
    run(&["project", "take", "test", "shelf", "source/orders", "--replace"]).ended(0);
    let now = fs::read_to_string(project.dir().join("lines.yaml")).unwrap();
    assert_eq!(now, FORMAT.replace("json", "csv"));
}

#[test]
fn nothing_is_taken_of_a_project_that_the_taker_may_not_see() {
    let root = TempDir::new().unwrap();
    let server = Server::design(root.path(), &[]);
    let ada = server.set_up();
    for name in ["shop", "payroll"] {
        let made = server.done("projects", &ada, &json!({ "name": name }));
        fs::write(format!("{}/lines.yaml", made["directory"].as_str().unwrap()), FORMAT).unwrap();
    }
    let role = json!({ "name": "of-shop", "claims": ["project:read", "project:write"],
        "scope": { "projects": ["shop"] } });
    server.done("roles", &ada, &role);
    let first = "a password of his";
    let bob = json!({ "name": "bob", "password": first, "roles": ["of-shop"] });
    server.done("users", &ada, &bob);
    let session = server.done("log-in", "", &json!({ "name": "bob", "password": first }));
    let session = session["token"].as_str().unwrap();
    let change = json!({ "current": first, "new": "another password of his" });
    server.done("me/password", session, &change);

    let take = json!({ "from": "payroll", "asset": "lines.yaml" });
    let taken = |token: &str| server.ask(Method::POST, "projects/shop/takes", token, &take);
    let (status, refused) = taken(session);
    assert_eq!(status, 404, "{refused}");
    let copies = |token: &str| server.get("projects/shop/assets/lines.yaml/copies", token).1;
    assert_eq!(copies(session)["items"], json!([]));
    assert_eq!(copies(&ada)["items"][0]["project"], "payroll");
    assert_eq!(taken(&ada).0, 200);
}
