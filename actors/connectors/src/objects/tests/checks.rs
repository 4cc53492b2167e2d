//! What is refused before anything runs.

use weir_domain::Finding;

use super::*;

fn connection() -> Value {
    json!({ "s3": { "bucket": "b", "accessKeyId": "id", "secretAccessKey": "${sec:KEY}" } })
}

fn findings(role: &str, keys: &Value) -> Vec<Finding> {
    let mut config = json!({ "connection": connection(), "format": { "type": "json" } });
    if role == "sink" {
        config["name"] = json!("x.jsonl");
    }
    config.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
    let registry = register(Registry::default());
    match role {
        "sink" => registry.sinks[NAME].check(&config, None).findings,
        _ => registry.sources[NAME].check(&config).findings,
    }
}

#[track_caller]
fn check(role: &str, keys: &Value, path: &str, fix: &str) {
    let found = findings(role, keys);
    let [one] = &found[..] else { panic!("{keys}: {found:?}") };
    assert!(one.path == path && one.fix.contains(fix), "{keys}: {one:?}");
}

#[test]
fn what_can_not_be_is_refused_with_what_to_write() {
    for role in ["source", "sink"] {
        assert_eq!(findings(role, &json!({})), [], "{role}");
        let with = |key: &str, value: &str| {
            let mut connection = connection();
            connection["s3"][key] = json!(value);
            json!({ "connection": connection })
        };
        check(role, &with("bucket", "a/b"), "connection.s3.bucket", "alone");
        check(role, &with("endpoint", "http://s3"), "connection.s3.endpoint", "allowHttp");
        check(role, &with("endpoint", "s3:9000"), "connection.s3.endpoint", "https://HOST");
        let half = json!({ "connection": { "s3": { "bucket": "b", "accessKeyId": "id" } } });
        check(role, &half, "connection.s3.secretAccessKey", "${sec:NAME}");
        check(role, &json!({ "prefix": "a//b" }), "prefix", "in/flights");
    }
    check("source", &json!({ "interval": "0s" }), "interval", "5s");
    check("source", &json!({ "glob": "[" }), "glob", "");
    check(
        "source",
        &json!({ "prefix": "in", "done": { "move": "in/" } }),
        "done.move",
        "another prefix",
    );
    check("source", &json!({ "reprocess": "always" }), "reprocess", "set done");
    check("sink", &json!({ "name": "../x" }), "name", "path");
    check("sink", &json!({ "rollRecords": 0 }), "rollRecords", "above 0");
    check("sink", &json!({ "partBytes": "1MiB" }), "partBytes", "5MiB to 512MiB");
}

#[test]
fn the_stores_of_others_can_be_named() {
    let gcs = json!({ "connection": { "gcs": { "bucket": "b" } } });
    let azure = json!({ "connection": { "azure": { "account": "a", "container": "c" } } });
    for keys in [gcs, azure] {
        assert_eq!(findings("source", &keys), []);
    }
}
