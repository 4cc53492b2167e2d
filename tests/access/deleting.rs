//! Deletions that are sent again after something else got the name.

use serde_json::{Value, json};

use super::CSV;
use crate::support::{Flow, Project, Start};

#[test]
fn a_deletion_that_is_sent_again_is_not_of_what_was_made_since() {
    let project = Project::of(&Flow::straight(CSV));
    let weir = Start::of(&project).ready();
    for (kind, body) in [
        ("users", json!({ "name": "mary", "password": "correct horse battery" })),
        ("roles", json!({ "name": "mary", "claims": ["key:read"] })),
        ("keys", json!({ "alias": "mary" })),
    ] {
        let all = format!("/api/v1/{kind}");
        let it = format!("{all}/mary");
        assert_eq!(weir.post(&all, &body).0, 200, "{kind}");
        let (status, deleted) = weir.delete(&it, "once");
        assert!(status == 200 && deleted.is_object(), "{kind}: {status} {deleted}");
        let (status, made) = weir.post(&all, &body);
        assert_eq!(status, 200, "{kind}: {made}");
        assert_eq!(weir.delete(&it, "once"), (200, Value::Null), "{kind}");
        let (status, there) = weir.get(weir.rest(), &it);
        assert_eq!(status, 200, "{kind}: {there}");
        let audit = weir.cli(["audit", "list", "-o", "json"]).json();
        assert!(audit["items"][0]["before"].is_null(), "{audit:#}");
    }
    weir.stop();
}
