//! A remote: the `git http-backend` of the machine behind a server of a few lines that asks for a password,
//! or one that accepts and says nothing.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use tempfile::TempDir;

pub(crate) const USER: &str = "ada";
pub(crate) const PASSWORD: &str = "planted-hunter-seventeen";

/// Ends with the process: its thread waits for connections until then.
pub(crate) struct Remote {
    root: TempDir,
    address: String,
}

impl Remote {
    /// Serves repositories to who knows the password.
    pub(crate) fn serving() -> Self {
        Self::with(|socket, root| serve(socket, &root))
    }

    /// Accepts, and says nothing.
    pub(crate) fn hanging() -> Self {
        Self::with(|mut socket, _| {
            let _ = socket.read_to_end(&mut Vec::new());
        })
    }

    fn with(answer: fn(TcpStream, PathBuf)) -> Self {
        let root = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let dir = root.path().to_owned();
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let dir = dir.clone();
                std::thread::spawn(move || answer(socket, dir));
            }
        });
        Self { root, address }
    }

    /// Makes an empty repository, and tells its address.
    pub(crate) fn repository(&self, name: &str) -> String {
        git(self.root.path(), &["init", "--quiet", "--bare", "-b", "main", name]);
        git(&self.root.path().join(name), &["config", "http.receivepack", "true"]);
        self.url(name)
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("{}/{name}", self.address)
    }

    /// What somebody else has, who works with `git` alone.
    pub(crate) fn clone_of(&self, name: &str) -> TempDir {
        let dir = tempfile::tempdir().unwrap();
        let from = self.root.path().join(name);
        git(dir.path(), &["clone", "--quiet", from.to_str().unwrap(), "."]);
        dir
    }
}

/// The other program, without what its user has configured.
pub(crate) fn git(dir: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command
        .args(["-c", "user.name=Bob", "-c", "user.email=bob@example.org"])
        .args(["-c", "commit.gpgsign=false", "-c", "init.defaultBranch=main"])
        .args(["-c", "safe.directory=*"])
        .args(arguments)
        .current_dir(dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null");
    let output = command.output().unwrap();
    let text = |it: &[u8]| String::from_utf8_lossy(it).trim_end().to_owned();
    assert!(output.status.success(), "git {arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

fn serve(socket: TcpStream, root: &Path) {
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
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{USER}:{PASSWORD}"));
    let answer = match field("authorization") == format!("Basic {pair}") {
        true => {
            let body = body(&mut stream, &field("content-length"), &field("transfer-encoding"));
            backend(root, &lines[0], &field("content-type"), &field("content-encoding"), &body)
        }
        false => b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n".to_vec(),
    };
    let _ = stream.get_mut().write_all(&answer);
    let _ = stream.get_mut().flush();
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
        .env("REMOTE_USER", USER)
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
