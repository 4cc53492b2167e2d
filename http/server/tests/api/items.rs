//! The history of items: listing it page by page, and forgetting it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::json;
use weir_domain::{ItemStatus, SourceName, StreamId, SweepId};
use weir_http_api::{
    Cursor, ItemHappening, ItemHistoryQuery, ItemsClear, ItemsQuery, ItemsReset, Page,
    SourcesQuery, SweepAction,
};
use weir_http_client::Client;

use crate::fixture::{self, config_server, problem, problem_in};

fn source(name: &str) -> SourceName {
    SourceName::stored(name)
}

fn whole(of: &str) -> ItemsReset {
    ItemsReset {
        source: source(of),
        names: None,
        status: None,
        pattern: None,
        since: None,
        until: None,
        dry_run: false,
    }
}

async fn names(client: &Client, query: &ItemsQuery) -> Vec<String> {
    let page = client.items(query).await.unwrap();
    page.items.into_iter().map(|it| format!("{} {}", it.source, it.name)).collect()
}

#[tokio::test]
async fn items_are_listed_page_by_page_and_filtered() {
    let client = Client::new(&fixture::engine().await).unwrap();
    let mut query = ItemsQuery { limit: Some(4), ..ItemsQuery::default() };
    let first = client.items(&query).await.unwrap();
    assert_eq!(first.items.len(), 4);
    query.cursor = first.next_cursor;
    let second = client.items(&query).await.unwrap();
    assert_eq!((second.items.len(), second.next_cursor), (2, None));
    let failed = ItemsQuery {
        source: Some(source("flights/in")),
        status: Some(ItemStatus::Failed),
        ..ItemsQuery::default()
    };
    assert_eq!(names(&client, &failed).await, ["flights/in 2.csv", "flights/in 4.csv"]);
    let named = ItemsQuery { pattern: Some("?.csv".parse().unwrap()), ..failed };
    assert_eq!(names(&client, &named).await, ["flights/in 2.csv", "flights/in 4.csv"]);
}

#[tokio::test]
async fn sources_are_listed_with_their_counts() {
    let engine = fixture::engine().await;
    let client = Client::new(&config_server(&engine).await).unwrap();
    let mut query = SourcesQuery { limit: Some(1), ..SourcesQuery::default() };
    let first = client.sources(&query).await.unwrap();
    assert_eq!(first.items[0].source, source("flights/in"));
    assert_eq!(first.items[0].counts["done"].count, 3);
    query.cursor = first.next_cursor;
    let second = client.sources(&query).await.unwrap();
    assert_eq!((second.items[0].source.as_str(), second.next_cursor), ("gone/in", None));
}

#[tokio::test]
async fn a_sweep_is_the_same_for_the_key_that_it_was_asked_for_with() {
    let engine = fixture::engine().await;
    let client = Client::new(&config_server(&engine).await).unwrap();
    let key: SweepId = "0197a8b0-5b5e-7c3e-9d4f-0123456789ab".parse().unwrap();
    let clear = ItemsClear {
        source: source("flights/in"),
        names: Some(vec!["1.csv".into()]),
        pattern: None,
        since: None,
        until: None,
        deny: true,
        dry_run: false,
    };
    let named = client.clone().with_idempotency_key(Some(key.to_string()));
    let view = named.items_clear(&clear).await.unwrap();
    assert_eq!((view.action, view.by.as_str()), (SweepAction::Deny, "local"));
    let again = named.items_clear(&clear).await.unwrap();
    assert_eq!(again.id, view.id, "it is the same sweep");
    let other = ItemsClear { deny: false, ..clear.clone() };
    assert_ne!(named.items_clear(&other).await.unwrap().id, view.id);
    let unknown = client.sweep(key).await.unwrap_err();
    assert_eq!(unknown.code().0, 7_003);
    let names = Some(vec!["x".to_owned(); 1_001]);
    let direct = Client::new(&engine).unwrap();
    let too_many = ItemsReset { names, ..whole("flights/in") };
    let refused = direct.items_reset(&too_many).await;
    assert_eq!(refused.unwrap_err().code().0, 7_001);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = http.post(format!("{engine}/api/v1/items:reset")).json(&whole("flights/in"));
    let answer = request.header("idempotency-key", "k".repeat(256)).send().await.unwrap();
    let (status, content_type, text) = fixture::read(answer).await;
    let problem = problem_in(status, &content_type, &text);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.starts_with("header/idempotency-key is not valid"), "{detail}");
}

#[tokio::test]
async fn a_reset_forgets_what_it_names_and_a_dry_run_forgets_nothing() {
    let engine = fixture::engine().await;
    // Through the configuration server, which passes questions and commands on.
    let client = Client::new(&config_server(&engine).await).unwrap();
    let all = ItemsQuery::default();
    let mut command = ItemsReset {
        source: source("flights/in"),
        names: Some(vec!["1.csv".into(), "2.csv".into(), "nope.csv".into()]),
        dry_run: true,
        ..whole("flights/in")
    };
    let counted = client.items_reset(&command).await.unwrap();
    assert_eq!((counted.count, counted.dry_run), (2, true));
    assert_eq!(names(&client, &all).await.len(), 6);
    command.dry_run = false;
    let done = client.items_reset(&command).await.unwrap();
    assert_eq!((done.count, done.dry_run), (2, false));
    let rest = ["flights/in 3.csv", "flights/in 4.csv", "flights/in 5.csv", "gone/in 6.csv"];
    assert_eq!(names(&client, &all).await, rest);
    assert_eq!(client.items_reset(&whole("gone/in")).await.unwrap().count, 1);
    assert_eq!(names(&client, &all).await, rest[..3]);
}

#[tokio::test]
async fn a_source_that_nobody_knows_is_refused_with_the_nearest_one() {
    let base = fixture::engine().await;
    for (asked, hint) in [
        ("flights/im", json!("did you mean \"flights/in\"?")),
        ("weather", json!("did you mean \"weather/in\"?")),
        ("xyz", json!(null)),
    ] {
        let problem = problem(&format!("{base}/api/v1/items?source={asked}")).await;
        assert_eq!((&problem["code"], &problem["hint"]), (&json!("WEIR-07003"), &hint));
        assert_eq!(problem["detail"], format!("there is no source {asked:?}"));
    }
    let client = Client::new(&base).unwrap();
    let unknown = ItemsReset { dry_run: true, ..whole("xyz") };
    assert_eq!(client.items_reset(&unknown).await.unwrap_err().code().0, 7_003);
    let idle = ItemsQuery { source: Some(source("weather/in")), ..ItemsQuery::default() };
    assert_eq!(names(&client, &idle).await, [""; 0], "it has read nothing yet");
}

#[tokio::test]
async fn a_cursor_of_another_list_is_refused() {
    let base = fixture::engine().await;
    let of_streams = Cursor::after_stream(StreamId(uuid::Uuid::nil()));
    let of_items = Cursor::after_item(source("flights/in"), fixture::NOW, "1.csv".into());
    for path in [format!("items?cursor={of_streams}"), format!("streams?cursor={of_items}")] {
        let problem = problem(&format!("{base}/api/v1/{path}")).await;
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.starts_with("query/cursor is not valid: this is no cursor"), "{detail}");
    }
}

#[tokio::test]
async fn a_body_that_is_no_reset_is_refused_where_it_is_wrong() {
    let engine = fixture::engine().await;
    let server = config_server(&engine).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for (content_type, body, code, detail) in [
        (
            "application/json",
            "{",
            "WEIR-07001",
            "body is not valid: it is no JSON at line 1, column 1: it ends before",
        ),
        (
            "application/json",
            "{}",
            "WEIR-07001",
            "body is not valid: the required key \"source\" is missing",
        ),
        (
            "application/json",
            r#"{"source": "flights/in", "name": []}"#,
            "WEIR-07001",
            "/name is not valid: unknown key \"name\": did you mean \"names\"?",
        ),
        (
            "application/json",
            r#"{"source": "flights/in", "names": ["a", 1]}"#,
            "WEIR-07001",
            "/names/1 is not valid: expected a text, found the number 1: put it in quotes: \"1\"",
        ),
        ("text/plain", "{}", "WEIR-07006", "/api/v1/items:reset does not take this content type"),
    ] {
        for base in [&engine, &server] {
            let request = http.post(format!("{base}/api/v1/items:reset")).body(body);
            let answer = request.header("content-type", content_type).send().await.unwrap();
            let (status, content_type, text) = fixture::read(answer).await;
            let problem = problem_in(status, &content_type, &text);
            assert_eq!(problem["code"], code, "{body}");
            let found = problem["detail"].as_str().unwrap();
            assert!(found.starts_with(detail), "{found}");
        }
    }
}

/// Who is answered before all was sent reads no answer, if the connection ends then.
#[tokio::test]
async fn who_sends_a_body_that_is_much_too_long_reads_why_it_is_refused() {
    let engine = fixture::engine().await;
    let address = engine.strip_prefix("http://").unwrap().to_owned();
    // As many clients do: all is sent before anything is read.
    let answer = tokio::task::spawn_blocking(move || {
        let mut connection = TcpStream::connect(&address)?;
        let body = vec![b'x'; 32 << 20];
        let head = format!(
            "POST /api/v1/items:reset HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        connection.write_all(head.as_bytes())?;
        connection.write_all(&body)?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer).map(|_| answer)
    });
    let answer = answer.await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    let said =
        "the body sent to /api/v1/items:reset is longer than 1MiB (weir.rest-server.max-body)";
    assert!(answer.contains("WEIR-07005") && answer.contains(said), "{answer}");
}

#[tokio::test]
async fn who_does_not_say_how_long_a_body_is_reads_how_long_it_may_be() {
    let engine = fixture::engine().await;
    let address = engine.strip_prefix("http://").unwrap().to_owned();
    let answer = tokio::task::spawn_blocking(move || {
        let mut connection = TcpStream::connect(&address)?;
        let piece = vec![b' '; (1 << 20) + 1];
        let head = format!(
            "POST /api/v1/items:reset HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
             content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n",
            piece.len()
        );
        connection.write_all(head.as_bytes())?;
        connection.write_all(&piece)?;
        connection.write_all(b"\r\n0\r\n\r\n")?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer).map(|_| answer)
    });
    let answer = answer.await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("is longer than 1MiB (weir.rest-server.max-body)"), "{answer}");
}

#[tokio::test]
async fn what_happened_to_an_item_is_told_page_by_page() {
    let engine = fixture::engine().await;
    let client = Client::new(&config_server(&engine).await).unwrap();
    let of = |name: &str| ItemHistoryQuery {
        source: source("flights/in"),
        name: name.into(),
        limit: Some(1),
        cursor: None,
    };
    let page = client.item_history(&of("in/6.csv")).await.unwrap();
    let [ItemHappening::Run(run)] = &page.items[..] else { panic!("{page:?}") };
    let stream = fixture::stream(6);
    assert_eq!((run.stream, run.at, run.state), (stream.id, stream.opened_at, stream.state));
    assert_eq!(run.error.as_ref().unwrap().message, stream.fault.unwrap().message);
    assert_eq!(page.next_cursor, None);
    let raw =
        problem_free(&format!("{engine}/api/v1/items:history?source=flights/in&name=in/6.csv"))
            .await;
    assert_eq!(
        (&raw["items"][0]["what"], &raw["items"][0]["node"]),
        (&json!("run"), &json!("one"))
    );
    // It has none, of a source that is known.
    assert_eq!(
        client.item_history(&of("in/7.csv")).await.unwrap(),
        Page::whole(Vec::<ItemHappening>::new())
    );
    let nowhere = ItemHistoryQuery { source: source("flights/im"), ..of("in/7.csv") };
    assert_eq!(client.item_history(&nowhere).await.unwrap_err().code().0, 7_003);
    let cursor = Some(Cursor::after_stream(StreamId(uuid::Uuid::from_u128(1))));
    let foreign = ItemHistoryQuery { cursor, ..of("in/6.csv") };
    assert_eq!(client.item_history(&foreign).await.unwrap_err().code().0, 7_001);
    let missing = problem(&format!("{engine}/api/v1/items:history?source=flights/in")).await;
    assert_eq!(missing["code"], "WEIR-07001");
}

async fn problem_free(url: &str) -> serde_json::Value {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let (status, _, body) = fixture::read(http.get(url).send().await.unwrap()).await;
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}
