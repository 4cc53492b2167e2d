//! A provider of OpenID Connect, from npm, and a browser that logs in there.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;

use rustix::process::Signal;

use crate::directory::Directory;
use crate::ports::free_port;
use crate::process::Process;

const LOOPBACK: &str = "127.0.0.1";

pub struct OidcProvider {
    process: Option<Process>,
    directory: Directory,
    port: u16,
}

impl OidcProvider {
    pub const CLIENT: &str = "weir";
    /// With what would end a field of a form, if it were not escaped.
    pub const SECRET: &str = "a secret/of&tests=1";

    /// `people` is JSON: the claims of each by subject. `id_token_has_all`: or what belongs to `openid` alone.
    pub fn start(redirect_uri: &str, people: &str, id_token_has_all: bool) -> Self {
        let (directory, port) = (Directory::new(), free_port(LOOPBACK));
        let client = format!(
            "[{{\"client_id\": \"{}\", \"client_secret\": \"{}\", \"redirect_uris\": [\"{redirect_uri}\"]}}]",
            Self::CLIENT,
            Self::SECRET
        );
        let settings = format!(
            "{{\"clients\": {client}, \"people\": {people}, \"idTokenHasAll\": {id_token_has_all}}}"
        );
        fs::write(directory.path().join("people.json"), settings).expect("T1: it is ours");
        let mut server = Self { process: None, directory, port };
        server.run();
        server
    }

    fn run(&mut self) {
        let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let modules = here.join("../../target/oidc/node_modules");
        assert!(modules.exists(), "{} is missing: run `scripts/tools test`", modules.display());
        // Modules are looked for where the script is.
        let script = here.join("../../target/oidc/provider.mjs");
        let mut command = Command::new("node");
        command.arg(script).arg(self.port.to_string());
        command.arg(self.directory.path().join("people.json"));
        command.current_dir(self.directory.path());
        let mut process = Process::start(&self.directory, command);
        let port = self.port;
        process.wait_ready(self.directory.path(), || TcpStream::connect((LOOPBACK, port)).is_ok());
        self.process = Some(process);
    }

    pub fn issuer(&self) -> String {
        format!("http://{LOOPBACK}:{}", self.port)
    }

    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.end(&self.directory, Signal::KILL);
        }
    }

    /// Starts it again on its port; its keys are new, and who logged in is forgotten.
    pub fn restart(&mut self) {
        self.kill();
        self.run();
    }
}

impl Drop for OidcProvider {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Who has cookies and follows redirects. It speaks with this machine alone.
#[derive(Debug, Default, Clone)]
pub struct Browser {
    cookies: BTreeMap<(String, String), String>,
}

#[derive(Debug, Clone)]
pub struct Page {
    /// Where it is, after all redirects.
    pub url: String,
    pub status: u16,
    /// Names in small letters.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Browser {
    /// Goes there and follows, but for what leads below `until`: that is not asked for.
    pub fn go(&mut self, url: &str, until: &str) -> Page {
        let page = self.send("GET", url, None);
        self.follow(page, until)
    }

    /// Sends a form, and follows.
    pub fn submit(&mut self, url: &str, form: &str, until: &str) -> Page {
        let page = self.send("POST", url, Some(("application/x-www-form-urlencoded", form)));
        self.follow(page, until)
    }

    /// Sends JSON, as a script of a page does.
    pub fn post(&mut self, url: &str, body: &str) -> Page {
        self.send("POST", url, Some(("application/json", body)))
    }

    /// A cookie that is there, whatever its path.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.iter().find(|it| it.0.1 == name).map(|it| it.1.as_str())
    }

    fn follow(&mut self, mut page: Page, until: &str) -> Page {
        for _ in 0..20 {
            let location = page.headers.iter().find(|it| it.0 == "location");
            let (true, Some((_, to))) = ((300..400).contains(&page.status), location) else {
                return page;
            };
            let (host, _) = parts(&page.url);
            let url = if to.starts_with('/') { format!("http://{host}{to}") } else { to.clone() };
            if url.starts_with(until) {
                return Page { url, ..page };
            }
            page = self.send("GET", &url, None);
        }
        panic!("redirects without an end: {page:?}");
    }

    fn send(&mut self, method: &str, url: &str, body: Option<(&str, &str)>) -> Page {
        let (host, path) = parts(url);
        let plain = path.split('?').next().unwrap_or_default();
        let fits = |it: &&(String, String)| plain.starts_with(it.0.as_str());
        let cookies = self.cookies.iter().filter(|it| fits(&it.0));
        let cookies: Vec<_> = cookies.map(|((_, name), value)| format!("{name}={value}")).collect();
        let mut text = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
        if !cookies.is_empty() {
            text.push_str(&format!("cookie: {}\r\n", cookies.join("; ")));
        }
        let (kind, body) = body.unwrap_or_default();
        if !kind.is_empty() {
            text.push_str(&format!("content-type: {kind}\r\n"));
        }
        text.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
        let mut answer = Vec::new();
        let asked = TcpStream::connect(&host).and_then(|mut stream| {
            stream.write_all(text.as_bytes())?;
            stream.read_to_end(&mut answer)
        });
        asked.unwrap_or_else(|error| panic!("{url}: {error}"));
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").expect("it is HTTP");
        let status = head.split(' ').nth(1).and_then(|it| it.parse().ok()).expect("it is HTTP");
        let headers = head.lines().skip(1).filter_map(|it| it.split_once(": "));
        let headers: Vec<_> =
            headers.map(|it| (it.0.to_ascii_lowercase(), it.1.to_owned())).collect();
        headers.iter().filter(|it| it.0 == "set-cookie").for_each(|it| self.keep(&it.1));
        Page { url: url.to_owned(), status, headers, body: body.to_owned() }
    }

    fn keep(&mut self, cookie: &str) {
        let mut all = cookie.split("; ");
        let Some((name, value)) = all.next().and_then(|it| it.split_once('=')) else { return };
        let path = all
            .clone()
            .find_map(|it| it.to_ascii_lowercase().starts_with("path=").then(|| &it[5..]));
        let key = (path.unwrap_or("/").to_owned(), name.to_owned());
        let is_over = cookie.contains("Max-Age=0") || cookie.contains("expires=Thu, 01 Jan 1970");
        match is_over {
            true => drop(self.cookies.remove(&key)),
            false => drop(self.cookies.insert(key, value.to_owned())),
        }
    }
}

/// Host with port, and path with query.
fn parts(url: &str) -> (String, String) {
    let rest = url.strip_prefix("http://").unwrap_or_else(|| panic!("{url} is not of here"));
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    (host.to_owned(), format!("/{path}"))
}
