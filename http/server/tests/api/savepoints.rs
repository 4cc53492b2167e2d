//! Savepoints over the API, and beginning anew.

use weir_http_api::{
    ProblemKind, RenewalFrom, SavepointState, SavepointTake, WorkflowReset, WorkflowRestore,
};
use weir_http_client::{Client, Error};

use crate::fixture::{config_server, engine};

fn take(name: &str) -> SavepointTake {
    SavepointTake { name: name.parse().unwrap() }
}

fn restore(name: &str) -> WorkflowRestore {
    WorkflowRestore { savepoint: Some(name.parse().unwrap()), ..WorkflowRestore::default() }
}

fn refused<T: std::fmt::Debug>(answer: Result<T, Error>, kind: ProblemKind) -> String {
    match answer.unwrap_err() {
        Error::Problem(problem) if problem.is(kind) => problem.detail,
        other => panic!("not {kind:?}: {other:?}"),
    }
}

#[tokio::test]
async fn a_savepoint_is_taken_once_seen_and_deleted() {
    // Through the configuration server, which passes questions and commands on.
    let client = Client::new(&config_server(&engine().await).await).unwrap();
    assert_eq!(client.savepoints("flights").await.unwrap().items, []);
    let named = client.clone().with_idempotency_key(Some("before the upgrade".into()));
    let taken = named.savepoint_take("flights", &take("before")).await.unwrap();
    assert_eq!((taken.state, taken.by.as_deref()), (SavepointState::Whole, Some("local")));
    let again = named.savepoint_take("flights", &take("before")).await.unwrap();
    assert_eq!(again, taken, "it is the same one");
    refused(client.savepoint_take("flights", &take("before")).await, ProblemKind::Conflict);
    let all = client.savepoints("flights").await.unwrap().items;
    assert_eq!(all, std::slice::from_ref(&taken));
    assert_eq!(client.savepoint("flights", "before").await.unwrap(), taken);
    let gone = named.savepoint_delete("flights", "before").await.unwrap();
    assert_eq!(gone, Some(taken));
    assert_eq!(named.savepoint_delete("flights", "before").await.unwrap(), None);
    let detail = refused(client.savepoint_delete("flights", "before").await, ProblemKind::NotFound);
    assert_eq!(detail, "there is no savepoint \"before\"");
}

#[tokio::test]
async fn what_there_is_not_is_refused_with_the_nearest() {
    let client = Client::new(&engine().await).unwrap();
    let detail = refused(client.savepoints("flihgts").await, ProblemKind::NotFound);
    assert_eq!(detail, "there is no workflow \"flihgts\"");
    refused(client.savepoint_take("flihgts", &take("x")).await, ProblemKind::NotFound);
    refused(
        client.workflow_reset("flihgts", &WorkflowReset::default()).await,
        ProblemKind::NotFound,
    );
    client.savepoint_take("flights", &take("before")).await.unwrap();
    let Err(Error::Problem(problem)) = client.workflow_restore("flights", &restore("befor")).await
    else {
        panic!("it is restored")
    };
    assert_eq!(problem.detail, "there is no savepoint \"befor\"");
    assert_eq!(problem.hint.as_deref(), Some("did you mean \"before\"?"));
}

#[tokio::test]
async fn a_workflow_begins_anew_by_one_order_for_a_key() {
    let client = Client::new(&engine().await).unwrap();
    client.savepoint_take("flights", &take("before")).await.unwrap();
    let dry = WorkflowRestore { dry_run: true, ..restore("before") };
    let plan = client.workflow_restore("flights", &dry).await.unwrap();
    assert_eq!((plan.order, plan.from, plan.dry_run), (1, RenewalFrom::Savepoint, true));
    let named = client.clone().with_idempotency_key(Some("back".into()));
    for _ in 0..2 {
        let ordered = named.workflow_restore("flights", &restore("before")).await.unwrap();
        assert_eq!((ordered.order, ordered.dry_run), (1, false));
    }
    let reset = client.workflow_reset("flights", &WorkflowReset::default()).await.unwrap();
    assert_eq!((reset.order, reset.from), (2, RenewalFrom::Nothing));
    let newest = WorkflowRestore { newest: true, ..WorkflowRestore::default() };
    let newest = client.workflow_restore("flights", &newest).await.unwrap();
    assert_eq!((newest.order, newest.from), (3, RenewalFrom::Newest));
    let running = client.workflow_reset("weather", &WorkflowReset::default()).await;
    let detail = refused(running, ProblemKind::Conflict);
    assert!(detail.contains("lane-1 is worked on"), "{detail}");
}

#[tokio::test]
async fn where_to_begin_is_said_once() {
    let client = Client::new(&engine().await).unwrap();
    for request in
        [WorkflowRestore::default(), WorkflowRestore { newest: true, ..restore("before") }]
    {
        let answer = client.workflow_restore("flights", &request).await;
        let detail = refused(answer, ProblemKind::InvalidRequest);
        assert!(detail.contains("name a savepoint"), "{detail}");
    }
}
