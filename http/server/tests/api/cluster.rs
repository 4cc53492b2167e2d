//! The management server: what it answers, whom it obeys, and how it refuses.

use std::sync::Arc;

use serde_json::{Value, json};
use weir_domain::{Fault, NodeStatus};
use weir_http_api::{Concealed, ExplainQuery, LinkState, ProblemKind};
use weir_http_client::{Client, Error, Management};
use weir_http_server::{Guard, Here, Limits, management::router};

use crate::fake_cluster::{FakeCluster, life, node_name};
use crate::fake_deployments::FakeDeployments;
use crate::fixture::{self, get, problem, problem_in, served};

const TOKEN: &str = "0123456789abcdef";

fn routed(cluster: FakeCluster, writes: Guard) -> axum::Router {
    let deployments = Arc::new(FakeDeployments::default());
    router(Arc::new(cluster), deployments, writes, Limits::default())
}

async fn management(writes: Guard) -> String {
    served(routed(FakeCluster::new(), writes)).await
}

async fn obedient(token: Option<&str>) -> Management {
    let base = management(Guard::with_token(TOKEN)).await;
    Management::new(&base).unwrap().with_token(token.map(Concealed::new))
}

fn refusal<T: std::fmt::Debug>(answer: Result<T, Error>) -> weir_http_api::Problem {
    match answer {
        Err(Error::Problem(problem)) => *problem,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_client_reads_the_cluster() {
    let client = Management::new(&management(Guard::closed()).await).unwrap();
    let members = client.members().await.unwrap();
    assert_eq!((members.version, members.leader), (7, Some(node_name(1))));
    let since: Vec<_> = members.members.iter().map(|it| it.unreachable_since.is_some()).collect();
    assert_eq!(since, [false, true, false, false]);
    let statuses: Vec<_> = members.members.iter().map(|it| (it.status, it.unreachable)).collect();
    assert_eq!(
        statuses,
        [
            (NodeStatus::Up, false),
            (NodeStatus::Up, true),
            (NodeStatus::Joining, false),
            (NodeStatus::Removed, false)
        ]
    );
    assert_eq!(client.as_client().member("node-2").await.unwrap(), members.members[1]);
    let uid = members.members[1].uid.to_string();
    assert_eq!(client.as_client().member(&uid).await.unwrap(), members.members[1]);
    assert_eq!(client.leases().await.unwrap().items[0].owner, Some(life(1)));
    assert_eq!(client.as_client().links().await.unwrap().items[0].state, LinkState::Dialling);
    let explained =
        client.as_client().explain(&ExplainQuery { node: Some(node_name(3)) }).await.unwrap();
    assert_eq!(explained.reasons[0].message, "node-3 waits for other members");
    let own = client.as_client().explain(&ExplainQuery::default()).await.unwrap();
    assert_eq!((own.node, own.reasons[0].code.0), (node_name(1), 11_000));
}

#[tokio::test]
async fn the_rest_api_has_the_same_resources_and_no_commands() {
    let engine = fixture::engine().await;
    let management = management(Guard::closed()).await;
    for path in ["members", "members/node-2", "leases", "links", "explain?node=node-3"] {
        let of_rest = get(&format!("{engine}/api/v1/cluster/{path}")).await;
        assert_eq!(of_rest.0, 200, "{path}: {}", of_rest.2);
        assert_eq!(of_rest, get(&format!("{management}/cluster/{path}")).await);
    }
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{engine}/api/v1/cluster/members/node-2/leave");
    assert_eq!(http.post(url).send().await.unwrap().status(), 404);
    // The configuration server passes them on, but for the stream without an end.
    let server = fixture::config_server(&engine).await;
    assert_eq!(get(&format!("{server}/api/v1/cluster/leases")).await.0, 200);
    let events = problem(&format!("{server}/api/v1/cluster/domain-events")).await;
    assert_eq!(events["code"], "WEIR-07002");
}

#[tokio::test]
async fn commands_are_refused_unless_they_are_allowed() {
    let base = management(Guard::closed()).await;
    let client = Management::new(&base).unwrap().with_token(Some(Concealed::new(TOKEN)));
    let refused = refusal(client.leave("node-2").await);
    assert!(refused.is(ProblemKind::ReadOnly) && refused.status == 403, "{refused:?}");
    assert_eq!(
        refused.detail,
        "/cluster/members/node-2/leave changes the cluster, and this server only reads"
    );
    assert!(refused.hint.unwrap().contains("weir.management.read-only"));
    assert_eq!(client.as_client().member("node-2").await.unwrap().status, NodeStatus::Up);
}

#[tokio::test]
async fn commands_need_the_token_of_the_server() {
    for (token, reason) in [
        (None, "the command needs a token, and shows none"),
        (Some("0123456789abcdeX"), "the token is not the one of this server"),
        (Some("0123456789abcde"), "the token is not the one of this server"),
        (Some("0123456789abcdef0"), "the token is not the one of this server"),
    ] {
        let client = obedient(token).await;
        let refused = [
            refusal(client.leave("node-2").await),
            refusal(client.down("node-2").await),
            refusal(client.lease_move("access-coordinator", None).await),
        ];
        for refused in refused {
            assert!(refused.is(ProblemKind::Unauthorized) && refused.status == 401, "{refused:?}");
            assert_eq!(refused.detail, reason);
        }
        match (token, client.as_client().member("node-2").await) {
            (None, seen) => assert_eq!(seen.unwrap().status, NodeStatus::Up),
            (Some(_), seen) => assert_eq!(refusal(seen).detail, reason),
        }
    }
    let base = management(Guard::with_token(TOKEN)).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{base}/cluster/members/node-2/down");
    let response = http.post(&url).header("authorization", "Basic eDp5").send().await.unwrap();
    assert_eq!(response.headers()["www-authenticate"], "Bearer");
    let (status, content_type, body) = fixture::read(response).await;
    assert_eq!(problem_in(status, &content_type, &body)["code"], "WEIR-07014");
    let allowed = http.post(&url).header("authorization", format!("bearer {TOKEN}"));
    assert_eq!(allowed.send().await.unwrap().status(), 200, "the scheme has no case");
}

#[tokio::test]
async fn a_member_leaves_and_is_downed_and_a_lease_is_moved() {
    let client = obedient(Some(TOKEN)).await;
    assert_eq!(client.leave("node-1").await.unwrap().status, NodeStatus::Leaving);
    // Asked again, nothing more happens.
    assert_eq!(client.leave("node-1").await.unwrap().status, NodeStatus::Leaving);
    assert_eq!(client.down("node-2").await.unwrap().status, NodeStatus::Down);
    assert_eq!(client.down("node-2").await.unwrap().status, NodeStatus::Down);
    let client = obedient(Some(TOKEN)).await;
    let moved = client.lease_move("access-coordinator", Some(node_name(1))).await.unwrap();
    assert_eq!(moved.pinned, Some(node_name(1)));
    assert_eq!(client.lease_move("access-coordinator", None).await.unwrap().pinned, None);
}

#[tokio::test]
async fn a_command_that_contradicts_what_is_is_refused() {
    let client = obedient(Some(TOKEN)).await;
    let conflict = |problem: weir_http_api::Problem| {
        assert!(problem.is(ProblemKind::Conflict) && problem.status == 409, "{problem:?}");
        problem.detail
    };
    assert_eq!(
        conflict(refusal(client.leave("node-4").await)),
        "node-4 is removed already: it joined"
    );
    assert_eq!(
        conflict(refusal(client.down("node-4").await)),
        "node-4 is removed already: it joined"
    );
    assert_eq!(conflict(refusal(client.down("node-1").await)), "node-1 can be reached");
    let to = |n| client.lease_move("access-coordinator", Some(node_name(n)));
    assert_eq!(conflict(refusal(to(2).await)), "node-2 can't be reached");
    assert_eq!(conflict(refusal(to(3).await)), "node-3 is joining, not up");
}

#[tokio::test]
async fn what_is_not_there_is_answered_with_the_nearest_name() {
    let client = obedient(Some(TOKEN)).await;
    let not_found = |problem: weir_http_api::Problem| {
        assert!(problem.is(ProblemKind::NotFound), "{problem:?}");
        (problem.detail, problem.hint.unwrap_or_default())
    };
    let own = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(
        not_found(refusal(client.as_client().member("nod-1").await)),
        own("there is no member \"nod-1\"", "did you mean \"node-1\"?")
    );
    assert_eq!(
        not_found(refusal(client.lease_move("acess-coordinator", None).await)),
        own("there is no lease \"acess-coordinator\"", "did you mean \"access-coordinator\"?")
    );
    assert!(not_found(refusal(client.leave("gone").await)).0.contains("gone"));
    let stranger = ExplainQuery { node: Some("far-away".parse().unwrap()) };
    let (detail, _) = not_found(refusal(client.as_client().explain(&stranger).await));
    assert_eq!(detail, "there is no node \"far-away\"");
}

#[tokio::test]
async fn wrong_requests_are_problems() {
    let base = management(Guard::with_token(TOKEN)).await;
    let unknown = problem(&format!("{base}/cluster/member")).await;
    assert_eq!((&unknown["code"], &unknown["status"]), (&json!("WEIR-07002"), &json!(404)));
    assert_eq!(unknown["hint"], "/openapi.json lists every path of this server");
    assert_eq!(problem(&format!("{base}/cluster/members/a%20b")).await["code"], "WEIR-07001");
    assert_eq!(problem(&format!("{base}/cluster/explain?name=x")).await["code"], "WEIR-07001");
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = async |path: &str, body: Value| {
        let request = http.post(format!("{base}/cluster/{path}")).bearer_auth(TOKEN).json(&body);
        let (status, content_type, body) = fixture::read(request.send().await.unwrap()).await;
        problem_in(status, &content_type, &body)
    };
    let moved = post("leases/access-coordinator/move", json!({})).await;
    assert_eq!(moved["status"], 400);
    assert!(
        moved["detail"].as_str().unwrap().contains("the required key \"node\" is missing"),
        "{moved}"
    );
    assert_eq!(post("members", json!({})).await["code"], "WEIR-07004");
}

#[tokio::test]
async fn without_the_store_the_engine_says_so() {
    let fault = Fault::transient(5_001, "the database does not answer").with_hint("look at it");
    let cluster = FakeCluster::without_store(fault);
    let base = served(routed(cluster, Guard::closed())).await;
    for path in ["members", "leases", "domain-events"] {
        let problem = problem(&format!("{base}/cluster/{path}")).await;
        assert_eq!((&problem["status"], &problem["code"]), (&json!(503), &json!("WEIR-05001")));
    }
}

#[tokio::test]
async fn probes_get_plain_text() {
    let base = management(Guard::closed()).await;
    assert_eq!(get(&format!("{base}/alive")).await.2, "ok\n");
    let (status, content_type, body) = get(&format!("{base}/ready")).await;
    assert_eq!((status, content_type.as_str()), (503, "text/plain; charset=utf-8"));
    assert_eq!(body, "[-] member: it is joining\n[+] store: ok\nnot ready: 1 check fails\n");
}

#[tokio::test]
async fn the_configuration_server_asks_the_next_engine_when_one_is_down() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let down = Client::new(&format!("http://127.0.0.1:{port}")).unwrap();
    let up = Client::new(&fixture::engine().await).unwrap();
    let engines = weir_http_server::Engines::new(down, vec![up]);
    let router = weir_http_server::config_server::router(
        fixture::design(),
        engines,
        Guard::closed().or_from_here(Here::Everything),
        Limits::default(),
    );
    let base = served(router).await;
    for _ in 0..2 {
        assert_eq!(get(&format!("{base}/api/v1/nodes")).await.0, 200);
    }
}

#[test]
fn a_token_is_shown_nowhere() {
    assert!(!format!("{:?}", Guard::with_token(TOKEN)).contains(TOKEN));
    let client = Management::new("http://h:1").unwrap().with_token(Some(Concealed::new(TOKEN)));
    assert!(!format!("{client:?}").contains(TOKEN));
}
