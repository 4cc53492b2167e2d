//! A configuration server with several engines, of which some are in trouble.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, Method};
use weir_domain::SourceName;
use weir_http_api::ItemsReset;
use weir_http_client::{Client, Error};
use weir_http_server::{Engines, Guard, Here, Limits, config_server};

use crate::fixture::{design, engine, get, served};

/// Longer than an engine of a test takes.
const TURN: Duration = Duration::from_secs(1);

/// Takes connections, as the operating system does for a process that stands still, and says nothing.
fn frozen() -> (TcpListener, Client) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = Client::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    (listener, client)
}

/// Breaks off what it answers, and counts what it was asked.
fn broken(answer: &'static str) -> (Arc<AtomicUsize>, Client) {
    let (listener, client) = frozen();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            let _ = connection.read(&mut [0; 8_192]);
            let _ = connection.write_all(answer.as_bytes());
        }
    });
    (asked, client)
}

fn down() -> Client {
    let (listener, client) = frozen();
    drop(listener);
    client
}

async fn server(first: Client, second: Client) -> String {
    let engines = Engines::new(first, vec![second]).with_turn(TURN);
    let limits = Limits::default();
    let everybody = Guard::closed().or_from_here(Here::Everything);
    served(config_server::router(design(), engines, everybody, limits)).await
}

fn reset() -> ItemsReset {
    ItemsReset {
        source: SourceName::stored("gone/in"),
        names: None,
        status: None,
        pattern: None,
        since: None,
        until: None,
        dry_run: true,
    }
}

#[tokio::test]
async fn a_frozen_engine_is_passed_over() {
    let (_listener, frozen) = frozen();
    let base = server(frozen, Client::new(&engine().await).unwrap()).await;
    for _ in 0..2 {
        assert_eq!(get(&format!("{base}/api/v1/nodes")).await.0, 200);
    }
}

#[tokio::test]
async fn an_engine_that_breaks_off_is_passed_over_and_not_asked_first_again() {
    let begun = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{";
    for answer in ["", begun] {
        let (asked, broken) = broken(answer);
        let base = server(broken, Client::new(&engine().await).unwrap()).await;
        for _ in 0..3 {
            assert_eq!(get(&format!("{base}/api/v1/nodes")).await.0, 200, "{answer:?}");
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1, "{answer:?}");
    }
}

#[tokio::test]
async fn who_was_reached_and_says_nothing_gave_no_answer() {
    let ((_listener, frozen), down) = (frozen(), down());
    let ask = async |client: &Client, method| {
        let (headers, body) = (HeaderMap::new(), Bytes::new());
        let asked = client.forward_command(method, "/api/v1/nodes", headers, body, Some(TURN));
        asked.await.unwrap_err()
    };
    for (method, asks) in [(Method::GET, true), (Method::HEAD, true), (Method::POST, false)] {
        let silent = ask(&frozen, method.clone()).await;
        let said = silent.error.to_string();
        assert!(said.starts_with("no answer came from http://127.0.0.1:"), "{said}");
        let Error::Interrupted { is_question, .. } = silent.error else { panic!("{said}") };
        assert_eq!((is_question, silent.has_arrived), (asks, true), "{method}");
        let unreached = ask(&down, method).await;
        assert!(matches!(unreached.error, Error::Unreachable { .. }) && !unreached.has_arrived);
    }
}

#[tokio::test]
async fn a_command_that_reached_nobody_goes_to_the_next_engine() {
    let base = server(down(), Client::new(&engine().await).unwrap()).await;
    let client = Client::new(&base).unwrap();
    assert_eq!(client.items_reset(&reset()).await.unwrap().count, 1);
    let nowhere = Client::new(&server(down(), down()).await).unwrap();
    assert_eq!(nowhere.items_reset(&reset()).await.unwrap_err().code().0, 7_010);
}

#[tokio::test]
async fn a_command_that_may_have_been_carried_out_is_sent_once() {
    let (_listener, frozen) = frozen();
    let base = server(frozen, Client::new(&engine().await).unwrap()).await;
    let client = Client::new(&base).unwrap();
    let Err(Error::Problem(lost)) = client.items_reset(&reset()).await else { panic!("a problem") };
    assert_eq!(lost.code.0, 7_010);
    assert!(lost.detail.ends_with("it may have carried out the command"), "{}", lost.detail);
    assert_eq!(client.items_reset(&reset()).await.unwrap().count, 1, "the next one is asked");
}
