//! The configuration server: projects, the page, and what it passes on.

use serde_json::json;
use weir_http_api::LimitsView;
use weir_http_client::{Client, Error};

use crate::fixture::{self, config_server, get, problem, problem_in, stream_id};
use crate::guard;

const NOWHERE: &str = "http://127.0.0.1:1";

#[tokio::test]
async fn projects_are_listed_and_validated() {
    let client = Client::new(&config_server(NOWHERE).await).unwrap();
    assert_eq!(client.projects().await.unwrap().items[0].name.as_str(), "sample");
    let validation = client.project_validate("sample").await.unwrap();
    assert_eq!((validation.valid, validation.errors, validation.warnings), (false, 1, 1));
    let lines: Vec<_> = validation.findings.iter().map(|it| it.line).collect();
    assert_eq!(lines, [4, 9]);
}

#[tokio::test]
async fn how_much_may_be_sent_is_said_before() {
    let engine = fixture::engine().await;
    let base = config_server(&engine).await;
    let version = Client::new(&base).unwrap().version().await.unwrap();
    assert_eq!(version.server, "config-server");
    let said = LimitsView {
        body_bytes: 1_000,
        upload_bytes: 1_000,
        import_bytes: Some(64 << 20),
        sample_bytes: Some(16 << 20),
    };
    assert_eq!(version.limits, Some(said));
    let of_engine = Client::new(&engine).unwrap().version().await.unwrap().limits.unwrap();
    assert_eq!((of_engine.body_bytes, of_engine.upload_bytes), (1 << 20, 4 << 30));
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for (path, max) in [
        ("deployments", "1000B (weir.rest-server.max-body)"),
        ("clusters/default/deployments", "1000B (weir.rest-server.max-body)"),
        ("projects:import", "64MiB"),
        ("projects/sample/workflows/flights/test-runs", "16MiB"),
    ] {
        let request = http.post(format!("{base}/api/v1/{path}")).body(vec![0; (64 << 20) + 1]);
        let (status, problem) = guard::refusal(request).await;
        let detail = format!("the body sent to /api/v1/{path} is longer than {max}");
        assert_eq!((status, &problem["detail"]), (413, &json!(detail)));
    }
}

#[tokio::test]
async fn an_unknown_project_or_verb_is_refused() {
    let base = config_server(NOWHERE).await;
    let client = Client::new(&base).unwrap();
    let Err(Error::Problem(problem)) = client.project_validate("sampel").await else {
        panic!("a problem")
    };
    assert_eq!(problem.detail, "there is no project \"sampel\"");
    assert_eq!(problem.hint.as_deref(), Some("did you mean \"sample\"?"));
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = http.post(format!("{base}/api/v1/projects/sample:destroy")).send().await.unwrap();
    let (status, content_type, body) = fixture::read(post).await;
    let problem = problem_in(status, &content_type, &body);
    assert_eq!(problem["detail"], "nothing is served under /api/v1/projects/sample:destroy");
}

#[tokio::test]
async fn a_long_body_is_refused() {
    let base = config_server(NOWHERE).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = http.post(format!("{base}/api/v1/projects/sample:validate"));
    let response = request.body("x".repeat(1_001)).send().await.unwrap();
    let (status, content_type, body) = fixture::read(response).await;
    assert_eq!(problem_in(status, &content_type, &body)["code"], "WEIR-07005");
}

#[tokio::test]
async fn questions_about_what_runs_go_to_the_engine_and_come_back_as_they_are() {
    let engine = fixture::engine().await;
    let server = config_server(&engine).await;
    let id = stream_id(3);
    for path in [
        "nodes".to_owned(),
        "nodes/one".to_owned(),
        "workflows".to_owned(),
        "workflows/flights".to_owned(),
        "streams?limit=2&state=committed".to_owned(),
        format!("streams/{id}/log"),
        "items?source=flights%2Fin&limit=2".to_owned(),
    ] {
        let direct = get(&format!("{engine}/api/v1/{path}")).await;
        assert_eq!(get(&format!("{server}/api/v1/{path}")).await, direct, "{path}");
        assert_eq!(direct.0, 200, "{path}");
    }
}

#[tokio::test]
async fn a_refusal_of_the_engine_is_passed_on_with_the_same_request_id() {
    let server = config_server(&fixture::engine().await).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request =
        http.get(format!("{server}/api/v1/workflows/flihgts")).header("x-request-id", "r1");
    let (status, content_type, body) = fixture::read(request.send().await.unwrap()).await;
    assert_eq!((status, content_type.as_str()), (404, "application/problem+json"));
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&body["instance"], &body["code"]), (&json!("r1"), &json!("WEIR-07003")));
}

#[tokio::test]
async fn an_engine_that_is_away_is_named() {
    let base = config_server(NOWHERE).await;
    let problem = problem(&format!("{base}/api/v1/workflows")).await;
    assert_eq!((&problem["status"], &problem["code"]), (&json!(502), &json!("WEIR-07010")));
    assert_eq!(
        problem["detail"],
        "the engine at http://127.0.0.1:1 does not answer, nor does any other of its cluster: connection refused"
    );
    assert_eq!(get(&format!("{base}/readyz?verbose")).await.2, "[+] projects: ok\nready\n");
}

#[tokio::test]
async fn all_that_is_documented_as_passed_on_is_passed_on() {
    let base = config_server(NOWHERE).await;
    let people = [
        "set-up",
        "log-in",
        "log-out",
        "me",
        "tokens",
        "users",
        "roles",
        "sessions",
        "audit",
        "clusters",
        "operations",
        "server",
    ];
    let own = ["livez", "readyz", "version", "projects"].into_iter().chain(people);
    let own: Vec<_> = own.collect();
    let mut routes = guard::routes(&weir_http_server::config_server::document());
    routes.retain(|it| {
        let noun = it.path.trim_start_matches("/api/v1").split(['/', ':']).nth(1);
        !noun.is_some_and(|noun| own.contains(&noun))
    });
    assert!(routes.len() > 50, "{} routes are all", routes.len());
    for route in routes {
        let request = guard::request(&route.method, &(base.clone() + &route.path), None);
        let (status, problem) = guard::refusal(request).await;
        let what = format!("{} {}", route.method, route.path);
        assert_eq!((status, &problem["code"]), (502, &json!("WEIR-07010")), "{what}");
    }
}

#[tokio::test]
async fn an_engine_that_leads_elsewhere_is_not_followed() {
    let elsewhere = axum::Router::new()
        .fallback(async || axum::response::Redirect::temporary("http://192.0.2.1/secret"));
    let base = config_server(&fixture::served(elsewhere).await).await;
    assert_eq!(problem(&format!("{base}/api/v1/workflows")).await["code"], "WEIR-07011");
}

#[tokio::test]
async fn what_an_engine_answers_is_neither_a_page_nor_a_script_of_this_server() {
    let page = async || {
        let types =
            [("content-type", "text/html"), ("www-authenticate", "Bearer, Basic realm=\"w\"")];
        (types, "<script src=\"/api/v1/workflows\"></script>")
    };
    let base = config_server(&fixture::served(axum::Router::new().fallback(page)).await).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = http.get(format!("{base}/api/v1/nodes")).send().await.unwrap();
    let headers = answer.headers();
    assert_eq!(headers["content-type"], "application/octet-stream");
    assert_eq!(headers["content-disposition"], "attachment");
    assert_eq!(headers["www-authenticate"], "Bearer");
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("sandbox") && !policy.contains("'self'"), "{policy}");
}

#[tokio::test]
async fn the_page_and_its_files_are_served_under_its_own_policy() {
    let base = config_server(NOWHERE).await;
    let (status, content_type, html) = get(&base).await;
    assert_eq!((status, content_type.as_str()), (200, "text/html; charset=utf-8"));
    for forbidden in ["<style", "style=", "onclick", "<script>"] {
        assert!(!html.contains(forbidden), "the policy forbids {forbidden}");
    }
    // Those of the UI, or of the plain page where it was not built.
    let quoted = html.split('"').filter(|it| it.starts_with("/assets/"));
    let mut types = Vec::new();
    for path in quoted {
        let (status, content_type, _) = get(&format!("{base}{path}")).await;
        assert_eq!(status, 200, "{path}");
        types.push(content_type);
    }
    for expected in ["text/javascript", "text/css"] {
        assert!(types.iter().any(|it| it == expected), "{types:?}");
    }
}
