//! What engines and configuration servers log, read and followed from elsewhere: who may, and how much.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use weir_http_api::{Concealed, LogEntry, LogTail, LogTailEnd, LogTailQuery};
use weir_http_client::{Client, LogFollower, LogsOf};

use crate::support::flow::{CSV, read, write};
use crate::support::{DEADLINE, Flow, PASSWORD, Project, Server, Start, wait_until};

#[test]
fn what_a_script_says_and_what_a_workflow_does_is_found_by_its_place() {
    let script = "export function onMessage(row) { console.warn('has ' + row.id); return row }";
    let flow = Flow::named("orders")
        .stage(&read(CSV, ""))
        .stage("{ name: speak, from: read, processor: { javascript: { script: { file: s.js } } } }")
        .stage(&write("speak", ""));
    let project = Project::of(&flow);
    project.asset("s.js", script);
    let weir = Start::of(&project).set("weir.logging.keep.lines=5000").ready();
    project.put("a.csv", "id,amount\n1,1.5\n2,3\n");
    weir.closed("a.csv");
    let found = |query: &str| {
        let (status, body) = weir.get(weir.rest(), &format!("/api/v1/logs?{query}"));
        assert_eq!(status, 200, "{body}");
        let page: Value = serde_json::from_str(&body).unwrap();
        page["items"].as_array().unwrap().clone()
    };
    let said = found("workflow=orders&stage=speak&code=WEIR-03170&level=warn&order=oldest");
    let texts: Vec<_> = said.iter().map(|it| it["message"].as_str().unwrap()).collect();
    assert_eq!(texts, ["speak: has 1", "speak: has 2"]);
    let stream = said[0]["stream"].as_str().unwrap();
    assert!(found(&format!("stream={stream}")).len() > texts.len());
    assert_eq!(found("text=HAS%202").len(), 1);
    assert!(found("workflow=orders&level=error").is_empty());
    assert!(found("workflow=other").is_empty());

    // The command shows the same, as lines and as JSON.
    let told = weir.cli(["logs", "--workflow", "orders", "--grep", "has 1"]).done();
    assert!(told.contains("WARN ") && told.contains("[WEIR-03170] speak: has 1 "), "{told}");
    let told = weir.cli(["logs", "--grep", "has 2", "-o", "json"]).done();
    let line: LogEntry = serde_json::from_str(told.trim()).unwrap();
    assert_eq!(line.stage.as_deref(), Some("speak"));
    weir.stop();
}

/// Somebody who follows, on a runtime of his own.
struct Tail {
    runtime: tokio::runtime::Runtime,
    follower: LogFollower,
}

impl Tail {
    fn try_open(
        url: &str,
        cluster: Option<&str>,
        token: &str,
        (of, query): (LogsOf, LogTailQuery),
    ) -> Result<Self, weir_http_client::Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let shown = (!token.is_empty()).then(|| Concealed::new(token));
        let client = Client::new(url).unwrap().with_token(shown);
        let client = client.in_cluster(cluster.map(str::to_owned));
        let follower = runtime.block_on(client.follow_logs(of, &query))?;
        Ok(Self { runtime, follower })
    }

    fn next(&mut self) -> Option<LogTail> {
        let next = async { tokio::time::timeout(DEADLINE, self.follower.next()).await };
        self.runtime.block_on(next).expect("something is told in time").expect("it is understood")
    }

    /// Waits for a line that says this.
    fn until_line(&mut self, text: &str) -> LogEntry {
        loop {
            let Some(LogTail::Lines { lines }) = self.next() else { continue };
            if let Some(line) = lines.into_iter().find(|it| it.message.contains(text)) {
                return line;
            }
        }
    }
}

/// What is answered to who opens a WebSocket, with more headers: the status.
fn opened(url: &str, path: &str, headers: &str) -> u16 {
    let host = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    )
    .unwrap();
    let mut head = [0; 12];
    stream.read_exact(&mut head).unwrap();
    std::str::from_utf8(&head[9..]).unwrap().parse().unwrap()
}

#[test]
fn logs_are_followed_through_the_fleet_by_who_may_and_for_as_long_as_that_holds() {
    let root = TempDir::new().unwrap();
    let server = Server::design(&root.path().join("design"), &[]);
    let ada = server.set_up();
    let east = Server::engine(&root.path().join("east"), &server.issuer());
    server.add("east", &east.url, &ada);

    // Of the engine, by the server's word for her; and of the server itself.
    let page = server.get("clusters/east/logs?code=WEIR-00001", &ada).1;
    assert_eq!(page["items"][0]["message"], "engine ready", "{page:#}");
    let page = server.get("server/logs?code=WEIR-00002", &ada).1;
    assert_eq!(page["items"][0]["message"], "configuration server ready", "{page:#}");
    assert_eq!(page["items"][0]["node"], Value::Null);

    let query = || LogTailQuery { tail: Some(1_000), ..LogTailQuery::default() };
    let of_east = || (LogsOf::Engines, query());
    let mut tail = Tail::try_open(&server.url, Some("east"), &ada, of_east()).unwrap();
    tail.until_line("engine ready");
    // The first refusal is logged now.
    assert_eq!(east.get("logs", "").0, 401);
    tail.until_line("a request was refused");
    assert_eq!(server.get("server/logs", "").0, 401);
    let mut own = Tail::try_open(&server.url, None, &ada, (LogsOf::Server, query())).unwrap();
    own.until_line("configuration server ready");

    // Somebody without the claim sees neither, and who loses it sees no more.
    let role =
        |claims: &[&str]| json!({ "name": "watch", "claims": claims, "scope": "everything" });
    server.done("roles", &ada, &role(&["cluster:read", "cluster:log"]));
    let bob = json!({ "name": "bob", "password": "a password of his", "roles": ["watch"] });
    server.done("users", &ada, &bob);
    let first = json!({ "name": "bob", "password": "a password of his" });
    let session = server.done("log-in", "", &first)["token"].as_str().unwrap().to_owned();
    let change = json!({ "current": "a password of his", "new": PASSWORD });
    assert_eq!(server.ask(Method::POST, "me/password", &session, &change).0, 200);
    let mut his = Tail::try_open(&server.url, None, &session, (LogsOf::Server, query())).unwrap();
    his.until_line("configuration server ready");
    let none = json!({ "roles": [] });
    assert_eq!(server.ask(Method::PATCH, "users/bob", &ada, &none).0, 200);
    let ended = std::iter::from_fn(|| his.next()).last();
    assert_eq!(ended, Some(LogTail::Ended { why: LogTailEnd::Barred }));
    wait_until("it to be refused", DEADLINE, || server.get("server/logs", &session).0 == 403);
    assert_eq!(server.get("clusters/east/logs", &session).0, 403);
    let path = "/api/v1/clusters/east/logs/tail";
    assert_eq!(opened(&server.url, path, &format!("authorization: Bearer {session}\r\n")), 403);

    // A browser names its session among the protocols, and only a page of this server may.
    let shown = format!("sec-websocket-protocol: weir.logs.v1, weir.bearer.{ada}\r\n");
    for path in [path, "/api/v1/server/logs/tail"] {
        let own = format!("{shown}origin: {}\r\n", server.url);
        assert_eq!(opened(&server.url, path, &own), 101, "{path}");
        let other = format!("{shown}origin: http://evil.example\r\n");
        assert_eq!(opened(&server.url, path, &other), 403, "{path}");
        assert_eq!(opened(&server.url, path, ""), 401, "{path}");
    }

    // So many and no more; and who goes makes room.
    let direct = || Tail::try_open(&server.url, Some("east"), &ada, of_east());
    let mut open = Vec::new();
    let refused = loop {
        assert!(open.len() < 20, "nobody was refused");
        match direct() {
            Ok(tail) => open.push(tail),
            Err(weir_http_client::Error::Problem(it)) => break it,
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(refused.status, 429, "{refused:?}");
    drop(open);
    wait_until("room for another one", DEADLINE, || direct().is_ok());

    let log = fs::read_to_string(server.root.join("log")).unwrap();
    assert!(!log.contains(&ada), "a session was logged");
}
