//! A configuration server with several engines, of which some are in trouble.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use weir_domain::SourceName;
use weir_http_api::ItemsReset;
use weir_http_client::{Client, Error};
use weir_http_server::{Engines, Limits, config_server};

use crate::fixture::{FakeProjects, engine, get, served};

/// Longer than an engine of a test takes.
const TURN: Duration = Duration::from_secs(1);

/// Takes connections, as the operating system does for a process that stands still, and says nothing.
fn frozen() -> (TcpListener, Client) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = Client::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    (listener, client)
}

fn down() -> Client {
    let (listener, client) = frozen();
    drop(listener);
    client
}

async fn server(first: Client, second: Client) -> String {
    let engines = Engines::new(first, vec![second]).with_turn(TURN);
    let limits = Limits::default();
    let everybody = config_server::ShownTo::Everybody;
    served(config_server::router(Arc::new(FakeProjects), engines, everybody, limits)).await
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
