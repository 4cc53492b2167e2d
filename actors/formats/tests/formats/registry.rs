//! A schema registry on loopback that serves as much of the documented protocol as is used.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::{Value, json};

#[derive(Default)]
struct State {
    /// The schema of each number, from 1, and its subject.
    schemas: Vec<(String, String)>,
    asked: usize,
    fails: bool,
    is_over: bool,
}

pub(crate) struct Registry {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    thread: Option<JoinHandle<()>>,
}

impl Registry {
    /// Serves those who have the right `authorization`.
    pub(crate) fn start(authorization: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.lock().unwrap().is_over {
                    return;
                }
                // Who asks may hang up at any time.
                _ = serve(&stream.unwrap(), authorization, &shared);
            }
        });
        Self { address, state, thread: Some(thread) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/registry/", self.address)
    }

    pub(crate) fn asked(&self) -> usize {
        self.state.lock().unwrap().asked
    }

    /// From now on it is not well.
    pub(crate) fn fail(&self) {
        self.state.lock().unwrap().fails = true;
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.state.lock().unwrap().is_over = true;
        drop(TcpStream::connect(self.address));
        self.thread.take().unwrap().join().unwrap();
    }
}

/// Answers one request.
fn serve(
    mut stream: &TcpStream,
    authorization: Option<&str>,
    state: &Mutex<State>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").map_or(0, |it| it.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let known =
        authorization.is_none_or(|it| headers.get("authorization").is_some_and(|g| g == it));
    let (status, answer) = match known {
        false => ("401 Unauthorized", json!({"error_code": 401, "message": "who are you?"})),
        true => answer(first.trim_end(), &body, &mut state.lock().unwrap()),
    };
    let answer = answer.to_string();
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: application/vnd.schemaregistry.v1+json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{answer}",
        answer.len()
    )
}

fn answer(request: &str, body: &[u8], state: &mut State) -> (&'static str, Value) {
    state.asked += 1;
    if state.fails {
        return ("503 Service Unavailable", json!({"error_code": 50301, "message": "no leader"}));
    }
    let missing = ("404 Not Found", json!({"error_code": 40403, "message": "not found"}));
    let path = request.strip_suffix(" HTTP/1.1").unwrap();
    if let Some(number) = path.strip_prefix("GET /registry/schemas/ids/") {
        let number: usize = number.parse().unwrap();
        let found = state.schemas.get(number.wrapping_sub(1));
        return found.map_or(missing, |it| ("200 OK", json!({"schema": it.1})));
    }
    let (method, path) = path.split_once(" /registry/subjects/").unwrap();
    let (subject, rest) = path.split_once('/').unwrap();
    // A slash within a name is not one of the path.
    assert_eq!(subject, "people%2Fvalue");
    match (method, rest) {
        ("GET", "versions/latest") => {
            let latest = state.schemas.iter().enumerate().rfind(|it| it.1.0 == subject);
            latest.map_or(missing, |(at, it)| {
                ("200 OK", json!({"subject": it.0, "id": at + 1, "version": 1, "schema": it.1}))
            })
        }
        ("POST", "versions") => {
            let body: Value = serde_json::from_slice(body).unwrap();
            let entry = (subject.to_owned(), body["schema"].as_str().unwrap().to_owned());
            let known = state.schemas.iter().position(|it| *it == entry);
            let at = known.unwrap_or_else(|| {
                state.schemas.push(entry);
                state.schemas.len() - 1
            });
            ("200 OK", json!({"id": at + 1}))
        }
        other => panic!("{other:?} is not served"),
    }
}
