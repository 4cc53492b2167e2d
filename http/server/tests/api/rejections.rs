//! What is refused before a handler is asked: each is a problem with the headers that every answer has.

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::fixture;

/// Status, headers in lower case, and body of the answer to these bytes.
async fn sent(base: &str, request: &[u8]) -> (u16, String, String) {
    let mut stream = TcpStream::connect(base.strip_prefix("http://").unwrap()).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_ascii_lowercase(), body.to_owned())
}

async fn refused(base: &str, line: &str, headers: &str, body: &str) -> (u16, Value) {
    let length = body.len();
    let request = format!(
        "{line} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    );
    let (status, head, body) = sent(base, request.as_bytes()).await;
    assert!(head.contains("content-type: application/problem+json"), "{line}: {head}");
    for header in [
        "content-security-policy: default-src 'none'",
        "x-content-type-options: nosniff",
        "x-frame-options: deny",
        "referrer-policy: no-referrer",
        "cache-control: no-store",
        "x-request-id: ",
    ] {
        assert!(head.contains(header), "{line}: {header}: {head}");
    }
    let problem: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(problem["status"], status, "{line}");
    (status, problem)
}

#[tokio::test]
async fn what_no_handler_sees_is_refused_as_a_problem_too() {
    let engine = fixture::engine().await;
    let server = fixture::config_server(&engine).await;
    let json = "content-type: application/json\r\n";
    for (line, headers, body, status) in [
        // No UTF-8, in the path and in the query.
        ("GET /api/v1/workflows/%ff", "", "", 400),
        ("GET /api/v1/streams?limit=%ff", "", "", 400),
        ("GET /api/v1/streams?%ff=1", "", "", 400),
        ("GET /api/v1/streams?limit=1&limit=2", "", "", 400),
        ("GET /api/v1/workflows/%00", "", "", 400),
        ("GET /api/v1/workflows/..%2f..%2fetc%2fpasswd", "", "", 400),
        ("GET /api/v1/nowhere", "", "", 404),
        ("GET //api/v1/streams", "", "", 404),
        ("POST /api/v1/streams", json, "{}", 405),
        ("BREW /api/v1/streams", "", "", 405),
        ("POST /api/v1/items:reset", json, "{", 400),
        // The fields of an object, in their order.
        ("POST /api/v1/items:reset", json, "[\"a\",null,null,null,null,null,false]", 400),
        ("POST /api/v1/items:reset", json, "[]", 400),
        ("POST /api/v1/items:reset", json, "{\"source\": \"a\", \"x\": 1}", 400),
        ("POST /api/v1/items:reset", "content-type: text/plain\r\n", "{}", 415),
        ("POST /api/v1/items:reset", "", "{}", 415),
    ] {
        for base in [&engine, &server] {
            let (found, problem) = refused(base, line, headers, body).await;
            assert_eq!(found, status, "{line} {body}: {problem}");
        }
    }
}

#[tokio::test]
async fn a_path_that_is_refused_says_which_methods_it_takes() {
    let server = fixture::config_server(&fixture::engine().await).await;
    for (line, allowed) in [
        ("POST /api/v1/projects/sample", "allow: get,head,patch,delete"),
        ("OPTIONS /api/v1/projects/sample", "allow: get,head,patch,delete"),
        ("GET /api/v1/projects/sample:validate", "allow: post"),
        ("DELETE /api/v1/projects/sample%3Avalidate", "allow: post"),
        ("PUT /api/v1/streams", "allow: get,head"),
    ] {
        let request = format!("{line} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n");
        let (status, head, _) = sent(&server, request.as_bytes()).await;
        assert_eq!(status, 405, "{line}");
        assert!(head.lines().any(|it| it == allowed), "{line}: {head}");
    }
}

#[tokio::test]
async fn http_1_0_without_a_host_is_answered() {
    let engine = fixture::engine().await;
    let (status, _, body) = sent(&engine, b"GET /livez HTTP/1.0\r\n\r\n").await;
    assert_eq!((status, body.as_str()), (200, "ok\n"));
}
