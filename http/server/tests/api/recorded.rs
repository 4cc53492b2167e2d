//! What is in the audit of what is done, and what is not.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use weir_domain::{AuditAction, AuditOutcome, UserClaim};
use weir_http_server::{Limits, engine};

use crate::fake_access::{FakeAccess, bearer};
use crate::fake_cluster::FakeCluster;
use crate::fixture::{FakeEngine, served};
use crate::guard::{engine_with, guard, management_with, request};

#[tokio::test]
async fn what_is_done_and_what_is_refused_to_users_is_recorded() {
    let access = Arc::new(FakeAccess::default());
    let base = management_with(guard(&access)).await;
    let url = format!("{base}/cluster/leases/access-coordinator/move");
    for shown in ["admin", "user", "gone"] {
        let request = request(&Method::POST, &url, Some(&bearer(shown)));
        request.json(&json!({ "node": null })).send().await.unwrap();
    }
    let recorded = access.recorded.lock().unwrap().clone();
    let [done, refused] = &recorded[..] else { panic!("{recorded:?}") };
    assert_eq!(done.action, "lease move");
    assert_eq!(done.object, "lease/access-coordinator");
    assert_eq!(done.claim, Some(UserClaim::ClusterManage));
    assert_eq!(done.user.as_ref().unwrap().as_str(), "ada");
    assert_eq!(
        (&done.outcome, done.after.as_ref().unwrap()),
        (&AuditOutcome::Done, &json!({ "node": null }))
    );
    assert!(
        done.before.as_ref().unwrap()["name"] == "access-coordinator"
            && done.from.starts_with("127.")
    );
    assert!(
        matches!(&refused.outcome, AuditOutcome::Refused(why) if why.contains("cluster:manage"))
    );
}

#[tokio::test]
async fn an_id_that_its_sender_chose_does_not_hide_what_is_done_with_it() {
    let access = Arc::new(FakeAccess::default());
    let base = management_with(guard(&access)).await;
    let id = "01970000-0000-7000-8000-000000000001";
    for chosen in [Some(id), None] {
        let url = format!("{base}/deployments/x");
        let request = request(&Method::DELETE, &url, Some(&bearer("admin")));
        let request = chosen.iter().fold(request, |it, id| it.header("x-request-id", *id));
        let answer = request.send().await.unwrap();
        let answered = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
        let recorded = access.recorded.lock().unwrap().pop().unwrap().request.to_string();
        assert_eq!(recorded == answered, chosen.is_none(), "{recorded} {answered}");
    }
}

#[tokio::test]
async fn a_command_whose_sender_hangs_up_is_done_and_recorded() {
    let access = Arc::new(FakeAccess::default());
    let (engine, cluster) = (FakeEngine::new(), Arc::new(FakeCluster::new()));
    let (reached, go) = (engine.reset.reached.clone(), engine.reset.go.clone());
    let engine = Arc::new(engine);
    let router = engine::router(engine.clone(), cluster, guard(&access), Limits::default());
    let base = served(router).await;
    let url = format!("{base}/api/v1/items:reset");
    let request = request(&Method::POST, &url, Some(&bearer("admin")));
    let sent = request.json(&json!({ "source": "gone/in", "names": ["waits"] })).send();
    tokio::select! {
        answer = sent => panic!("{answer:?}"),
        () = reached.notified() => {}
    }
    // Its sender is gone by now, with the connection.
    go.notify_one();
    let recorded = async {
        while access.recorded.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), recorded).await.expect("it is recorded");
    let recorded = access.recorded.lock().unwrap();
    assert_eq!(
        (recorded[0].action.as_str(), &recorded[0].outcome),
        ("item reset", &AuditOutcome::Done)
    );
}

#[tokio::test]
async fn a_handler_that_panics_is_recorded() {
    let access = Arc::new(FakeAccess::default());
    let base = engine_with(guard(&access)).await;
    let url = format!("{base}/api/v1/items:reset");
    let request = request(&Method::POST, &url, Some(&bearer("admin")));
    let answer =
        request.json(&json!({ "source": "gone/in", "names": ["panics"] })).send().await.unwrap();
    assert_eq!(answer.status(), 500);
    let recorded = access.recorded.lock().unwrap();
    assert!(matches!(&recorded[..], [AuditAction { outcome: AuditOutcome::Unknown(_), .. }]));
}

#[tokio::test]
async fn what_nobody_tries_in_vain_does_not_fill_the_audit() {
    let access = Arc::new(FakeAccess::default());
    let base = engine_with(guard(&access)).await;
    for path in ["log-in", "set-up"] {
        let url = format!("{base}/api/v1/{path}");
        let answer = request(&Method::POST, &url, None).json(&json!({ "name": 7 })).send().await;
        assert!(!answer.unwrap().status().is_success(), "{path}");
    }
    assert_eq!(access.recorded.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn what_is_sent_is_cut_before_it_is_recorded() {
    let access = Arc::new(FakeAccess::default());
    let base = engine_with(guard(&access)).await;
    let url = format!("{base}/api/v1/items:reset");
    let names: Vec<String> = (0..1_000).map(|it| format!("{it:020}.csv")).collect();
    let request = request(&Method::POST, &url, Some(&bearer("admin")));
    let body = json!({ "source": "gone/in", "names": names });
    assert_eq!(request.json(&body).send().await.unwrap().status(), 200);
    let recorded = access.recorded.lock().unwrap();
    let length = serde_json::to_string(&recorded[0]).unwrap().len();
    assert!(length < 10_000, "{length}: {:?}", recorded[0].action);
}
