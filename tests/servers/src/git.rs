//! A Git remote: the `git http-backend` of the machine behind a server of a few lines that asks for a password, or
//! something that misbehaves.

#![allow(clippy::unwrap_used, reason = "what goes wrong here is a fault of the test set-up")]

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// How a remote answers.
#[derive(Debug, Clone)]
pub enum GitBehaviour {
    /// What it has, to who knows the password.
    Serve,
    /// Takes what is sent, and says nothing of it: it waits, or closes the connection.
    Swallow { waits: bool },
    /// Accepts, and says nothing.
    Hang,
    /// Answers, and stops in the middle of it.
    HangInBody,
    /// This, whatever was asked.
    Say(String),
}

/// Ends with the process: its thread waits for connections until then.
#[derive(Debug)]
pub struct GitServer {
    pub address: String,
    /// Of the authority that it is trusted by, if it speaks TLS.
    pub certificate: Option<String>,
    /// First lines of requests, and whether they had credentials.
    pub asked: Arc<Mutex<Vec<(String, bool)>>>,
}

impl GitServer {
    /// Whom it knows.
    pub const USER: &str = "ada";
    pub const PASSWORD: &str = "planted-hunter-seventeen";

    /// Serves the repositories in a directory.
    pub fn start(root: &Path, behaviour: GitBehaviour) -> Self {
        Self::with(root, behaviour, None)
    }

    /// The same with TLS, by a certificate of its own for `localhost`.
    pub fn start_tls(root: &Path) -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".into()]).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let mut server = Self::with(root, GitBehaviour::Serve, Some(Arc::new(config)));
        server.certificate = Some(cert.pem());
        server
    }

    fn with(root: &Path, behaviour: GitBehaviour, tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let address = match tls {
            Some(_) => format!("https://localhost:{port}"),
            None => format!("http://127.0.0.1:{port}"),
        };
        let (root, seen) = (root.to_owned(), asked.clone());
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let (root, behaviour, seen, tls) =
                    (root.clone(), behaviour.clone(), seen.clone(), tls.clone());
                std::thread::spawn(move || {
                    let socket = socket.unwrap();
                    match tls {
                        Some(tls) => {
                            let connection = rustls::ServerConnection::new(tls).unwrap();
                            serve(
                                rustls::StreamOwned::new(connection, socket),
                                &root,
                                &behaviour,
                                &seen,
                            );
                        }
                        None => serve(socket, &root, &behaviour, &seen),
                    }
                });
            }
        });
        Self { address, certificate: None, asked }
    }

    /// Where it has the repository of that name.
    pub fn url(&self, name: &str) -> String {
        format!("{}/{name}", self.address)
    }
}

/// The `git` of the machine in a directory, without what its user has configured.
pub fn git_command(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command
        .args(["-c", "user.name=Bob", "-c", "user.email=bob@example.org"])
        .args(["-c", "commit.gpgsign=false", "-c", "init.defaultBranch=main"])
        .args(["-c", "safe.directory=*", "-c", "protocol.file.allow=always"])
        .args(arguments)
        .current_dir(dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null");
    command
}

/// What it prints. That it succeeds is asserted.
pub fn git(dir: &Path, arguments: &[&str]) -> String {
    let output = git_command(dir, arguments).output();
    let output = output.expect("git is missing: install it with: apt-get install git");
    let text = |it: &[u8]| String::from_utf8_lossy(it).trim_end().to_owned();
    assert!(output.status.success(), "git {arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// An empty repository to serve.
pub fn git_repository(root: &Path, name: &str) -> PathBuf {
    git(root, &["init", "--quiet", "--bare", "-b", "main", name]);
    let dir = root.join(name);
    git(&dir, &["config", "http.receivepack", "true"]);
    dir
}

fn serve<S: Read + Write>(
    socket: S,
    root: &Path,
    behaviour: &GitBehaviour,
    asked: &Mutex<Vec<(String, bool)>>,
) {
    let mut stream = BufReader::new(socket);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        if line.trim().is_empty() {
            break;
        }
        lines.push(line.trim().to_owned());
    }
    let field = |name: &str| {
        let found = lines.iter().find_map(|it| {
            let (key, value) = it.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        });
        found.unwrap_or_default()
    };
    let pair = base64::engine::general_purpose::STANDARD.encode(format!(
        "{}:{}",
        GitServer::USER,
        GitServer::PASSWORD
    ));
    let is_known = field("authorization") == format!("Basic {pair}");
    asked.lock().unwrap().push((lines[0].clone(), !field("authorization").is_empty()));
    let answer = match behaviour {
        GitBehaviour::Hang => return hang(&mut stream),
        GitBehaviour::HangInBody => {
            let _ = stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\nContent-Length: 9999\r\n\r\n001e#");
            let _ = stream.get_mut().flush();
            return hang(&mut stream);
        }
        GitBehaviour::Say(text) => text.clone().into_bytes(),
        GitBehaviour::Serve | GitBehaviour::Swallow { .. } if !is_known => {
            b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n".to_vec()
        }
        GitBehaviour::Serve | GitBehaviour::Swallow { .. } => {
            let body = body(&mut stream, &field("content-length"), &field("transfer-encoding"));
            let kind = field("content-type");
            let answer = backend(root, &lines[0], &kind, &field("content-encoding"), &body);
            match behaviour {
                GitBehaviour::Swallow { waits } if lines[0].starts_with("POST ") => {
                    asked.lock().unwrap().push(("done".to_owned(), false));
                    if *waits {
                        hang(&mut stream);
                    }
                    return;
                }
                _ => answer,
            }
        }
    };
    let _ = stream.get_mut().write_all(&answer);
    let _ = stream.get_mut().flush();
}

/// Until the other side gives up.
fn hang<S: Read>(stream: &mut BufReader<S>) {
    let _ = stream.read_to_end(&mut Vec::new());
}

fn body(stream: &mut impl std::io::BufRead, length: &str, encoding: &str) -> Vec<u8> {
    let mut body = Vec::new();
    if let Ok(length) = length.parse() {
        stream.take(length).read_to_end(&mut body).unwrap();
    } else if encoding == "chunked" {
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).unwrap();
            let size = u64::from_str_radix(line.trim(), 16).unwrap();
            stream.take(size).read_to_end(&mut body).unwrap();
            stream.take(2).read_to_end(&mut Vec::new()).unwrap();
            if size == 0 {
                break;
            }
        }
    }
    body
}

fn backend(root: &Path, first: &str, kind: &str, encoding: &str, body: &[u8]) -> Vec<u8> {
    let words: Vec<_> = first.split(' ').collect();
    let (path, query) = words[1].split_once('?').unwrap_or((words[1], ""));
    let mut child = Command::new("git")
        .arg("http-backend")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", words[0])
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("CONTENT_TYPE", kind)
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", encoding)
        .env("REMOTE_USER", GitServer::USER)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let body = body.to_vec();
    let writer = std::thread::spawn(move || {
        let _ = input.write_all(&body);
    });
    let output = child.wait_with_output().unwrap().stdout;
    writer.join().unwrap();
    let at = output.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&output[..at]).into_owned();
    let status =
        head.lines().find_map(|it| it.strip_prefix("Status: ")).unwrap_or("200 OK").to_owned();
    let rest = &output[at + 4..];
    let mut answer =
        format!("HTTP/1.1 {status}\r\n{head}\r\nContent-Length: {}\r\n\r\n", rest.len())
            .into_bytes();
    answer.extend_from_slice(rest);
    answer
}
