use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use weir_conf::Secret;

use super::*;

/// What the remote is asked, and what comes back, for a request line that is sent to the door.
fn knock(line: impl FnOnce(&str) -> String) -> (Option<String>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let target =
        Target { is_tls: false, host: "127.0.0.1".into(), port, path: "/base/x.git".into() };
    let credentials = Credentials::Token(Secret::new("secret"));
    let access = Access { credentials, ..Access::anonymous() };
    let door = Door::open(target, "remote", &access).unwrap();
    let (place, name) = door.address()["http://".len()..].split_once('/').unwrap();
    let mut client = TcpStream::connect(place).unwrap();
    let line = line(name);
    write!(client, "{line}\r\nHost: door\r\nAuthorization: theirs\r\nX: y\r\n\r\n").unwrap();
    let serve = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().ok()?;
        let mut head = [0; 1024];
        let read = socket.read(&mut head).unwrap_or_default();
        let _ = socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
        Some(String::from_utf8_lossy(&head[..read]).into_owned())
    });
    let mut answer = String::new();
    let _ = client.read_to_string(&mut answer);
    if answer.is_empty() {
        // Nobody came: let the one who waits go.
        let _ = TcpStream::connect(("127.0.0.1", port));
    }
    let asked = serve.join().unwrap().filter(|it| !it.is_empty());
    assert!(door.close().is_none());
    (asked, answer)
}

#[test]
fn who_does_not_know_the_name_of_the_door_gets_nothing() {
    for line in ["GET / HTTP/1.1", "GET /x/info/refs HTTP/1.1", "CONNECT a:1 HTTP/1.1", "x"] {
        assert_eq!(knock(|_| line.to_owned()), (None, String::new()), "{line}");
    }
    let cut = |name: &str| format!("GET /{}/info/refs HTTP/1.1", &name[..name.len() - 1]);
    assert_eq!(knock(cut), (None, String::new()));
    let other = |name: &str| format!("GET /{}/info/refs HTTP/1.1", "A".repeat(name.len()));
    assert_eq!(knock(other), (None, String::new()));
}

#[test]
fn a_request_is_sent_as_ours() {
    let (asked, answer) = knock(|name| format!("GET /{name}/info/refs?service=x HTTP/1.1"));
    let asked = asked.unwrap();
    assert!(asked.starts_with("GET /base/x.git/info/refs?service=x HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("\r\nhost: 127.0.0.1:"), "{asked}");
    assert!(asked.contains("\r\nauthorization: Basic ") && !asked.contains("theirs"), "{asked}");
    assert!(asked.contains("\r\nconnection: close\r\n") && asked.contains("x: y"), "{asked}");
    assert!(answer.ends_with("\r\n\r\nhi"), "{answer}");
}
