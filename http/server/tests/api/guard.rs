//! Who may do what: every route of every server, with every built-in role and with none.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::Operation;
use weir_controllers::users::Role;
use weir_domain::{AuditAction, AuditOutcome, UserClaim};
use weir_http_server::{Guard, Here, Limits, config_server as design, engine, management};

use crate::fake_access::{FakeAccess, MUST_CHANGE, OF_A_PROJECT, bearer};
use crate::fake_cluster::FakeCluster;
use crate::fake_deployments::FakeDeployments;
use crate::fixture::{self, FakeEngine, config_server, problem_in, read, served};

const TOKEN: &str = "0123456789abcdef";

pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// As the document has it: all of them, each with its claims.
    security: Vec<Value>,
}

impl Route {
    /// `None`: everybody may; `Some(None)`: whoever is known.
    fn claim(&self) -> Option<Option<UserClaim>> {
        let claims = self.security.last().unwrap().get("token")?;
        Some(claims.as_array().unwrap().first().map(|it| it.as_str().unwrap().parse().unwrap()))
    }
}

pub(crate) fn routes(document: &OpenApi) -> Vec<Route> {
    let mut routes = Vec::new();
    for (path, item) in &document.paths.paths {
        let of = |method, operation: &Option<Operation>| {
            let operation = operation.as_ref()?;
            let said = operation.security.as_ref();
            let said = said.unwrap_or_else(|| panic!("{method} {path} does not say what it needs"));
            let security = said.iter().map(|it| serde_json::to_value(it).unwrap()).collect();
            Some(Route { method, path: filled(path), security })
        };
        routes.extend([
            of(Method::GET, &item.get),
            of(Method::PUT, &item.put),
            of(Method::POST, &item.post),
            of(Method::DELETE, &item.delete),
            of(Method::PATCH, &item.patch),
        ]);
    }
    routes.into_iter().flatten().collect()
}

fn filled(path: &str) -> String {
    let id = "01970000-0000-7000-8000-000000000001";
    let parts = path.split('/').map(|it| match it {
        "{id}" => id,
        it if it.starts_with('{') => "x",
        it => it,
    });
    parts.collect::<Vec<_>>().join("/")
}

pub(crate) fn guard(access: &Arc<FakeAccess>) -> Guard {
    Guard::with_token(TOKEN).knowing(access.clone()).without_anonymous()
}

pub(crate) async fn engine_with(guard: Guard) -> String {
    let (engine, cluster) = (Arc::new(FakeEngine::new()), Arc::new(FakeCluster::new()));
    served(engine::router(engine, cluster, guard, Limits::default())).await
}

pub(crate) async fn management_with(guard: Guard) -> String {
    let (cluster, deployments) = (FakeCluster::new(), FakeDeployments::default());
    let (cluster, deployments) = (Arc::new(cluster), Arc::new(deployments));
    served(management::router(cluster, deployments, guard, Limits::default())).await
}

pub(crate) fn request(method: &Method, url: &str, shown: Option<&str>) -> RequestBuilder {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = http.request(method.clone(), url);
    match shown {
        Some(shown) => request.bearer_auth(shown),
        None => request,
    }
}

pub(crate) async fn refusal(request: RequestBuilder) -> (u16, Value) {
    let (status, content_type, body) = read(request.send().await.unwrap()).await;
    (status, problem_in(status, &content_type, &body))
}

#[tokio::test]
async fn every_route_asks_for_its_claim_and_lets_in_who_has_it() {
    let access = Arc::new(FakeAccess::default());
    let servers = [
        (engine_with(guard(&access)).await, engine::document()),
        (management_with(guard(&access)).await, management::document()),
    ];
    let mut asked = 0;
    for (base, document) in servers {
        for route in routes(&document) {
            let Some(claim) = route.claim() else { continue };
            asked += 1;
            let (what, url) =
                (format!("{} {}", route.method, route.path), base.clone() + &route.path);
            let (status, problem) = refusal(request(&route.method, &url, None)).await;
            assert_eq!((status, &problem["code"]), (401, &json!("WEIR-07014")), "{what}");
            assert!(problem["hint"].as_str().unwrap().contains("weir login"), "{problem}");
            for role in Role::built_in() {
                let shown = bearer(role.name.as_str());
                let request = request(&route.method, &url, Some(&shown));
                match claim.filter(|it| !role.claims.contains(it)) {
                    Some(missing) => {
                        let (status, problem) = refusal(request).await;
                        let detail = problem["detail"].as_str().unwrap();
                        assert_eq!(status, 403, "{what} by {}", role.name);
                        assert!(detail.starts_with(&format!("the claim {missing} is")), "{detail}");
                    }
                    // What the handler makes of it is not the guard's.
                    None => {
                        let status = request.send().await.unwrap().status();
                        let denied = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN];
                        assert!(!denied.contains(&status), "{what} by {}: {status}", role.name);
                    }
                }
            }
        }
    }
    assert!(asked > 50, "{asked} routes are all");
}

#[test]
fn what_everybody_may_is_said_and_is_little() {
    let open = |document: &OpenApi| -> Vec<String> {
        let open = routes(document).into_iter().filter(|it| it.claim().is_none());
        open.map(|it| format!("{} {}", it.method, it.path)).collect()
    };
    assert_eq!(
        open(&engine::document()),
        [
            "GET /api/v1/live",
            "GET /api/v1/log-in",
            "POST /api/v1/log-in",
            "POST /api/v1/log-in/provider",
            "POST /api/v1/log-in/provider/finish",
            "GET /api/v1/me",
            "POST /api/v1/set-up",
            "GET /api/v1/version",
            "GET /livez",
            "GET /readyz"
        ]
    );
    assert_eq!(open(&management::document()), ["GET /alive", "GET /ready"]);
    assert_eq!(
        open(&design::document()),
        [
            "GET /api/v1/live",
            "GET /api/v1/log-in",
            "POST /api/v1/log-in",
            "POST /api/v1/log-in/provider",
            "POST /api/v1/log-in/provider/finish",
            "GET /api/v1/me",
            "POST /api/v1/set-up",
            "GET /api/v1/version",
            "GET /livez",
            "GET /readyz"
        ]
    );
}

#[tokio::test]
async fn what_runs_is_shown_to_everybody_only_where_that_is_wanted() {
    let access = Arc::new(FakeAccess::default());
    let (closed, open) = (guard(&access), Guard::closed().knowing(access.clone()));
    for (guard, streams) in [(closed, 401), (open, 200)] {
        let base = engine_with(guard).await;
        let status = |path: &str| request(&Method::GET, &format!("{base}{path}"), None).send();
        assert_eq!(status("/api/v1/streams").await.unwrap().status(), streams);
        assert_eq!(status("/api/v1/livez").await.unwrap().status(), 404);
        for path in ["keys", "users", "audit", "sessions", "me/tokens"] {
            assert_eq!(status(&format!("/api/v1/{path}")).await.unwrap().status(), 401, "{path}");
        }
    }
}

#[tokio::test]
async fn who_shows_something_is_who_that_says_also_on_the_own_machine() {
    let access = Arc::new(FakeAccess::default());
    let base = engine_with(guard(&access).or_from_here(Here::Everything)).await;
    let status = async |shown: Option<&str>| {
        let url = format!("{base}/api/v1/items:reset");
        let request = request(&Method::POST, &url, shown);
        request.json(&json!({ "source": "gone/in", "dryRun": true })).send().await.unwrap().status()
    };
    assert_eq!(status(None).await, 200);
    assert_eq!(status(Some(TOKEN)).await, 200);
    assert_eq!(status(Some(&bearer("admin"))).await, 200);
    assert_eq!(status(Some(&bearer("user"))).await, 403);
    assert_eq!(status(Some(&bearer("gone"))).await, 401);
    assert_eq!(status(Some(&bearer("unanswered"))).await, 503);
    let recorded = access.recorded.lock().unwrap();
    let is_refused = |it: &AuditAction| matches!(it.outcome, AuditOutcome::Refused(_));
    assert!(recorded.len() == 1 && recorded.iter().all(is_refused), "dry runs are not recorded");
}

#[tokio::test]
async fn what_is_shown_and_not_known_is_refused_on_the_own_machine_and_where_everybody_reads() {
    let access = Arc::new(FakeAccess::default());
    let guard = || Guard::with_token(TOKEN).knowing(access.clone()).or_from_here(Here::Everything);
    let engine = engine_with(guard()).await + "/api/v1";
    let management = management_with(guard()).await;
    let wrong = TOKEN.replace('0', "1");
    for shown in [&*wrong, "weir_made-up", &*bearer("gone")] {
        for url in [
            format!("{engine}/streams"),
            format!("{engine}/users"),
            format!("{management}/cluster/members"),
        ] {
            let (status, problem) = refusal(request(&Method::GET, &url, Some(shown))).await;
            assert_eq!((status, &problem["code"]), (401, &json!("WEIR-07014")), "{shown} at {url}");
        }
        let open = request(&Method::GET, &format!("{engine}/version"), Some(shown)).send().await;
        assert_eq!(open.unwrap().status(), 200, "{shown}");
    }
}

#[tokio::test]
async fn the_own_machine_may_operate_and_not_make_itself_an_administrator() {
    let access = Arc::new(FakeAccess::default());
    let base = engine_with(guard(&access).or_from_here(Here::Operation)).await;
    let status = async |method: Method, path: &str| {
        let request = request(&method, &format!("{base}/api/v1/{path}"), None);
        request.json(&json!({ "source": "gone/in" })).send().await.unwrap().status().as_u16()
    };
    assert_eq!(status(Method::GET, "streams").await, 200);
    assert_eq!(status(Method::POST, "items:reset").await, 200);
    for path in ["users", "keys", "roles", "keys/x/export", "keys:rotate", "audit:seal"] {
        assert_eq!(status(Method::POST, path).await, 401, "{path}");
    }
    for path in ["users", "sessions", "audit", "keys"] {
        assert_eq!(status(Method::GET, path).await, 401, "{path}");
    }
}

#[tokio::test]
async fn a_bearer_that_is_shown_again_and_again_is_asked_about_once() {
    let access = Arc::new(FakeAccess::default());
    let base = engine_with(guard(&access)).await;
    for shown in ["admin", "nobody"] {
        for _ in 0..5 {
            let url = format!("{base}/api/v1/nodes");
            request(&Method::GET, &url, Some(&bearer(shown))).send().await.unwrap();
        }
    }
    assert_eq!(access.asked.load(std::sync::atomic::Ordering::Relaxed), 2);
}

#[tokio::test]
async fn bearers_that_are_made_up_take_no_room_from_those_of_users() {
    let access = Arc::new(FakeAccess::default());
    let base = engine_with(guard(&access)).await;
    let url = format!("{base}/api/v1/nodes");
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let show = async |shown: String| {
        http.get(&url).bearer_auth(shown).send().await.unwrap().status().as_u16()
    };
    for n in 0..50 {
        assert_eq!(show(format!("weir_made-up-{n}")).await, 401);
    }
    let asked = || access.asked.load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(asked(), 0, "nobody was given such a thing");
}

#[tokio::test]
async fn who_must_change_the_password_is_told_so() {
    let access = Arc::new(FakeAccess::default());
    let base = engine_with(guard(&access)).await;
    let url = format!("{base}/api/v1/nodes");
    let (status, problem) = refusal(request(&Method::GET, &url, Some(&bearer(MUST_CHANGE)))).await;
    assert_eq!((status, &problem["hint"]), (403, &json!("weir user password")));
}

#[tokio::test]
async fn a_scope_of_projects_holds_for_these_alone() {
    let access = Arc::new(FakeAccess::default());
    let base = management_with(guard(&access)).await;
    let status = async |project: &str| {
        let url = format!("{base}/deployments/{project}");
        let withdrawn = request(&Method::DELETE, &url, Some(&bearer(OF_A_PROJECT))).send().await;
        withdrawn.unwrap().status().as_u16()
    };
    assert_eq!((status("p").await, status("q").await), (404, 403));
}

#[tokio::test]
async fn where_the_content_tells_the_project_a_scope_is_left_to_what_decides() {
    let access = Arc::new(FakeAccess::default());
    let base = engine_with(guard(&access)).await;
    let mut let_in = 0;
    for route in routes(&engine::document()) {
        let url = base.clone() + &route.path;
        // Refused by what hands the caller's reach on, and by nothing else.
        let request = request(&route.method, &url, Some(&bearer(OF_A_PROJECT)));
        let answer = request.header("if-match", "x").send().await.unwrap();
        let is_denied = answer.status() == StatusCode::FORBIDDEN;
        let deploys = [UserClaim::DeploymentWrite, UserClaim::DeploymentActivate];
        match route.claim() {
            Some(Some(claim)) if deploys.contains(&claim) => {
                let_in += 1;
                let told = answer.text().await.unwrap();
                let takes = told.contains("if-match");
                assert!(takes, "{} {} takes no `Asked`: {told}", route.method, route.path);
            }
            Some(Some(_)) => assert!(is_denied, "{} {}", route.method, route.path),
            Some(None) | None => {}
        }
    }
    assert_eq!(let_in, 11);
}

#[tokio::test]
async fn the_configuration_server_passes_on_who_asks_and_decides_nothing() {
    let access = Arc::new(FakeAccess::default());
    let base =
        config_server(&engine_with(guard(&access).or_from_here(Here::Everything)).await).await;
    for (method, path) in
        [(Method::DELETE, "keys/x"), (Method::POST, "keys:rotate"), (Method::GET, "nodes")]
    {
        let send = async |shown: Option<&str>| {
            let url = format!("{base}/api/v1/{path}");
            let request = request(&method, &url, shown).header("x-forwarded-for", "10.0.0.7");
            request.send().await.unwrap().status().as_u16()
        };
        assert_eq!(send(None).await, 401, "{method} {path}");
        assert_eq!(send(Some(&bearer("gone"))).await, 401, "{method} {path}");
        let expected = if path == "nodes" { 200 } else { 403 };
        assert_eq!(send(Some(&bearer("user"))).await, expected, "{method} {path}");
    }
}

#[tokio::test]
async fn a_server_that_only_reads_takes_commands_from_nobody() {
    let access = Arc::new(FakeAccess::default());
    let base = management_with(guard(&access).reading_only()).await;
    let url = format!("{base}/deployments/x");
    let admin = bearer("admin");
    for shown in [None, Some(admin.as_str()), Some(TOKEN)] {
        let (status, problem) = refusal(request(&Method::DELETE, &url, shown)).await;
        assert_eq!((status, &problem["code"]), (403, &json!("WEIR-07015")), "{shown:?}");
    }
}

#[tokio::test]
async fn an_answer_that_goes_on_ends_with_the_session() {
    let access = Arc::new(FakeAccess::default());
    let base = engine_with(guard(&access)).await;
    let url = format!("{base}/api/v1/cluster/domain-events");
    let mut events = request(&Method::GET, &url, Some(&bearer("admin"))).send().await.unwrap();
    assert!(events.chunk().await.unwrap().is_some());
    access.is_over.store(true, std::sync::atomic::Ordering::Relaxed);
    let ended = async { while events.chunk().await.unwrap().is_some() {} };
    tokio::time::timeout(Duration::from_secs(60), ended).await.expect("it ends");
}

#[tokio::test]
async fn a_configuration_server_hides_its_projects_where_that_is_wanted() {
    let engine = weir_http_client::Client::new("http://127.0.0.1:9").unwrap();
    let here = Guard::closed().or_from_here(Here::Everything).without_anonymous();
    let router = design::router(fixture::design(), engine, here, Limits::default());
    let base = served(router).await;
    let url = format!("{base}/api/v1/projects");
    let asked = |from: Option<&str>| {
        let asked = request(&Method::GET, &url, None);
        from.iter().fold(asked, |it, from| it.header("x-forwarded-for", *from))
    };
    assert_eq!(asked(None).send().await.unwrap().status(), 200);
    let (status, problem) = refusal(asked(Some("10.0.0.7"))).await;
    assert_eq!(status, 401);
    assert!(problem["hint"].as_str().unwrap().contains("anonymous-reads"), "{problem}");
}

#[tokio::test]
async fn what_everybody_may_send_is_short() {
    let base = engine_with(guard(&Arc::new(FakeAccess::default()))).await;
    let body = json!({ "name": "ada", "password": "x".repeat(70_000) });
    let url = format!("{base}/api/v1/log-in");
    let (status, problem) = refusal(request(&Method::POST, &url, None).json(&body)).await;
    assert_eq!(status, 413);
    assert_eq!(problem["detail"], "the body sent to /api/v1/log-in is longer than 64KiB");
}
