//! Azurite: the emulator of Azure Blob Storage, from npm.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;

use hyper::{Method, Request};
use object_store::azure::{AzureAccessKey, AzureAuthorizer, AzureCredential};
use object_store::client::HttpRequestBody;
use rustix::process::Signal;

use crate::directory::Directory;
use crate::ports::free_port;
use crate::process::Process;

/// The account that every Azurite has.
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
const LOOPBACK: &str = "127.0.0.1";

pub struct Azurite {
    process: Process,
    directory: Directory,
    port: u16,
}

impl Azurite {
    pub const ACCOUNT: &str = ACCOUNT;
    pub const KEY: &str = KEY;

    /// One that forgets everything when it ends.
    pub fn start() -> Self {
        let program = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../../target/azurite/node_modules/azurite/dist/src/blob/main.js");
        assert!(program.exists(), "{} is missing: run `scripts/tools test`", program.display());
        let (directory, port) = (Directory::new(), free_port(LOOPBACK));
        let mut command = Command::new("node");
        command.arg(program).args(["--inMemoryPersistence", "--skipApiVersionCheck", "--silent"]);
        command.args(["--disableTelemetry", "--blobHost", LOOPBACK]);
        command.args(["--blobPort", &port.to_string()]);
        command.current_dir(directory.path());
        let mut process = Process::start(&directory, command);
        process.wait_ready(directory.path(), || TcpStream::connect((LOOPBACK, port)).is_ok());
        Self { process, directory, port }
    }

    /// Where the account is.
    pub fn endpoint(&self) -> String {
        format!("http://{LOOPBACK}:{}/{ACCOUNT}", self.port)
    }

    /// Makes a container.
    pub fn container(&self, name: &str) {
        let uri = format!("{}/{name}?restype=container", self.endpoint());
        let request = Request::builder().method(Method::PUT).uri(uri);
        let mut request =
            request.body(HttpRequestBody::empty()).expect("T1: the address is well formed");
        let key = AzureAccessKey::try_new(KEY).expect("the key is one");
        let credential = AzureCredential::AccessKey(key);
        let signed = AzureAuthorizer::new(&credential, ACCOUNT).try_authorize(&mut request);
        signed.expect("a request can be signed");
        let path = request.uri().path_and_query().map_or("/", |it| it.as_str());
        let mut text = format!("PUT {path} HTTP/1.1\r\nhost: {LOOPBACK}:{}\r\n", self.port);
        for (name, value) in request.headers() {
            let value = value.to_str().expect("headers of Azure are texts");
            write!(text, "{name}: {value}\r\n").expect("a text takes everything");
        }
        text.push_str("content-length: 0\r\nconnection: close\r\n\r\n");
        let mut answer = String::new();
        let asked = TcpStream::connect((LOOPBACK, self.port)).and_then(|mut stream| {
            stream.write_all(text.as_bytes())?;
            stream.read_to_string(&mut answer)
        });
        asked.expect("the server answers");
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    }
}

impl Drop for Azurite {
    fn drop(&mut self) {
        self.process.end(&self.directory, Signal::KILL);
    }
}
