//! TLS of the servers: who is believed, a certificate that is replaced, and files that can't be used.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use axum::http::HeaderMap;
use weir_domain::{Clock as _, Timestamp};
use weir_http_client::{Authority, Client};
use weir_remote::certs::{self, Existing};
use weir_runtime::SystemClock;

use crate::support::{DEADLINE, Ran, Start, Weir, binary, wait_until};

const HOST: &str = "127.0.0.1";
const THREE_YEARS_MS: i64 = 3 * 365 * 24 * 3_600 * 1_000;

/// An authority, and a certificate for one host.
struct Certificates {
    dir: PathBuf,
    host: &'static str,
}

impl Certificates {
    fn of(dir: PathBuf, host: &'static str, age_ms: i64) -> Self {
        let now = Timestamp(SystemClock.now().0 - age_ms);
        certs::dev(&dir, &[host.to_owned()], Existing::Replace, now).unwrap();
        Self { dir, host }
    }

    /// By another authority, in the same files.
    fn replace(&self) {
        fs::remove_file(self.ca()).unwrap();
        fs::remove_file(self.dir.join("ca.key")).unwrap();
        Self::of(self.dir.clone(), self.host, 0);
    }

    fn ca(&self) -> PathBuf {
        self.dir.join("ca.pem")
    }

    fn authority(&self) -> Authority {
        Authority::of_pem(&fs::read(self.ca()).unwrap()).unwrap()
    }

    fn file(&self, end: &str) -> PathBuf {
        self.dir.join(format!("{}.{end}", self.host))
    }

    /// All servers of a process show it.
    fn shown_by(&self, mut start: Start) -> Start {
        for server in ["rest-server", "management", "config-server", "metrics"] {
            for (key, end) in [("certificate", "pem"), ("key", "key")] {
                start = start.set(&set(&format!("{server}.tls.{key}"), &self.file(end)));
            }
        }
        start.set(&set("config-server.ca", &self.ca()))
    }
}

fn set(key: &str, file: &Path) -> String {
    format!("weir.{key}=\"{}\"", file.display())
}

/// What a client of this authority gets; why not, where it gets nothing.
fn asked(runtime: &tokio::runtime::Runtime, client: &Client, path: &str) -> Result<u16, String> {
    let answer = runtime.block_on(client.forward(path, HeaderMap::new(), None));
    answer.map(|it| it.status).map_err(|it| it.error.to_string())
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// `weir` asks the REST API of this one, with or without more arguments.
fn cli(weir: &Weir, more: &[&str]) -> Ran {
    Ran::of(binary().args(["--server", weir.rest()]).args(more).args(["workflow", "list"]))
}

#[test]
fn who_believes_the_authority_is_served_by_all_servers_and_nobody_in_clear_text() {
    let root = tempfile::tempdir().unwrap();
    let tls = Certificates::of(root.path().join("tls"), HOST, 0);
    let weir = tls.shown_by(Start::sample(root.path())).ready();
    let (runtime, ca) = (runtime(), tls.ca());
    let (authority, ca) = (tls.authority(), ca.to_str().unwrap());
    for server in [weir.rest(), weir.page(), weir.management()] {
        assert!(server.starts_with("https://"), "{server}");
        let client = Client::trusting(server, &authority).unwrap();
        let path = if server == weir.management() { "/alive" } else { "/livez" };
        assert_eq!(asked(&runtime, &client, path), Ok(200), "{server}");
        let refused = asked(&runtime, &Client::new(server).unwrap(), path).unwrap_err();
        assert!(refused.contains("is not believed: no authority that is trusted"), "{refused}");
        let clear = server.replace("https://", "http://");
        let client = Client::new(&clear).unwrap();
        let answer = runtime.block_on(client.forward(path, HeaderMap::new(), None)).unwrap();
        assert_eq!(answer.status, 400, "{clear}");
        let told = runtime.block_on(client.version()).unwrap_err().to_string();
        assert!(told.contains("write https:// instead of http://"), "{told}");
    }
    assert!(weir.metrics().starts_with("https://"), "{}", weir.metrics());
    let client = Client::trusting(weir.metrics(), &authority).unwrap();
    assert_eq!(asked(&runtime, &client, "/metrics"), Ok(200));
    // The configuration server asks the engine over TLS, too.
    let page = Client::trusting(weir.page(), &authority).unwrap();
    assert_eq!(asked(&runtime, &page, "/api/v1/workflows"), Ok(200));
    assert!(!weir.process.log().contains("WEIR-07119"), "{}", weir.process.log());

    // Another program, and what it is told for browsers.
    let curl = |more: &[&str]| {
        let url = format!("{}/livez", weir.rest());
        Ran::of(Command::new("curl").args(["-sSi", "--noproxy", "*"]).args(more).arg(url))
    };
    let told = curl(&["--cacert", ca]).done().to_lowercase();
    assert!(told.starts_with("http/2 200"), "{told}");
    assert!(told.contains("strict-transport-security: max-age=15552000"), "{told}");
    assert!(curl(&[]).code != Some(0));

    cli(&weir, &["--ca", ca]).done();
    let refused = cli(&weir, &[]).ended(8);
    assert!(refused.stderr.contains("WEIR-07206"), "{refused:?}");
    assert!(refused.stderr.contains("--ca FILE"), "{refused:?}");
    let refused = cli(&weir, &["--ca", "/nonexistent/ca.pem"]).ended(2);
    assert!(refused.stderr.contains("/nonexistent/ca.pem"), "{refused:?}");
    Ran::of(binary().env("WEIR_CA", ca).args(["--server", weir.rest(), "workflow", "list"])).done();

    // A profile keeps it, for its engine and its management.
    let of_profile = |arguments: &[&str]| {
        let profiles = root.path().join("profiles");
        Ran::of(binary().env("WEIR_CONFIG_DIR", profiles).args(arguments))
    };
    let places = ["--url", weir.rest(), "--management", weir.management()];
    of_profile(&[&["--ca", ca, "profile", "set", "here"], &places[..]].concat()).done();
    of_profile(&["workflow", "list"]).done();
    of_profile(&["cluster", "status"]).done();
}

#[test]
fn a_certificate_is_replaced_while_connections_are_open_and_a_broken_one_is_not_taken() {
    let root = tempfile::tempdir().unwrap();
    let tls = Certificates::of(root.path().join("tls"), HOST, 0);
    let weir = tls.shown_by(Start::sample(root.path())).ready();
    let (runtime, first) = (runtime(), tls.authority());
    let fresh = |authority: &Authority| {
        let client = Client::trusting(weir.rest(), authority).unwrap();
        asked(&runtime, &client, "/livez")
    };
    let open = Client::trusting(weir.rest(), &first).unwrap();
    assert_eq!(asked(&runtime, &open, "/livez"), Ok(200));

    tls.replace();
    assert_eq!(fresh(&tls.authority()), Ok(200));
    assert!(fresh(&first).unwrap_err().contains("no authority that is trusted"));
    // Over the connection that it has.
    assert_eq!(asked(&runtime, &open, "/livez"), Ok(200));
    wait_until("the log to say so", DEADLINE, || weir.process.log().contains("WEIR-07117"));

    fs::write(tls.file("pem"), "half a").unwrap();
    assert_eq!(fresh(&tls.authority()), Ok(200));
    let said =
        || weir.process.log().lines().find(|it| it.contains("WEIR-07118")).map(str::to_owned);
    wait_until("the log to say so", DEADLINE, || said().is_some());
    assert!(
        said().unwrap().contains("127.0.0.1.pem has no certificate"),
        "{said:?}",
        said = said()
    );

    // One that has ended is not taken for one that has not.
    Certificates::of(tls.dir.clone(), HOST, THREE_YEARS_MS);
    assert_eq!(fresh(&tls.authority()), Ok(200));
    wait_until("the log to say so", DEADLINE, || weir.process.log().contains("it has ended"));
    Certificates::of(tls.dir.clone(), HOST, 0);
    assert_eq!(fresh(&tls.authority()), Ok(200));
}

#[test]
fn what_no_client_believes_is_said_where_it_is_shown_and_where_it_is_refused() {
    for (host, age_ms, said, refused) in [
        (HOST, THREE_YEARS_MS, "it has ended", "expired"),
        ("node-1", 0, "it is not for \"127.0.0.1\"", "not valid for"),
    ] {
        let root = tempfile::tempdir().unwrap();
        let tls = Certificates::of(root.path().join("tls"), host, age_ms);
        let start = Start::sample(root.path());
        let start = start.set(&set("rest-server.tls.certificate", &tls.file("pem")));
        // The engine's own process asks it, too, and is as wary.
        let weir = start.set(&set("rest-server.tls.key", &tls.file("key"))).ready();
        let log = weir.process.log();
        let line = log.lines().find(|it| it.contains("WEIR-07119")).unwrap_or_default();
        assert!(line.contains(said) && line.contains("weir.rest-server.tls"), "{log}");
        let told = cli(&weir, &["--ca", tls.ca().to_str().unwrap()]).ended(8);
        assert!(told.stderr.contains(refused), "{told:?}");
        // What runs goes on, and whoever probes it over another port is told.
        if age_ms > 0 {
            let (status, ready) = weir.get(weir.management(), "/ready");
            assert_eq!(status, 200, "{ready}");
            assert!(ready.contains("weir.rest-server.tls.certificate has ended"), "{ready}");
        }
    }
}

#[test]
fn a_certificate_without_its_key_is_refused_at_the_start() {
    let root = tempfile::tempdir().unwrap();
    let tls = Certificates::of(root.path().join("tls"), HOST, 0);
    let (pem, key) = (tls.file("pem"), tls.file("key"));
    let other = Certificates::of(root.path().join("other"), HOST, 0).file("key");
    let missing = root.path().join("missing.key");
    for (settings, said) in [
        (vec![("management.tls.certificate", &pem)], "weir.management.tls.key is not set"),
        (vec![("management.tls.key", &key)], "weir.management.tls.certificate is not set"),
        (vec![("metrics.tls.certificate", &pem)], "weir.metrics.tls.key is not set"),
        (
            vec![("management.tls.certificate", &pem), ("management.tls.key", &other)],
            "weir.management.tls can't be used: the certificate in",
        ),
        (
            vec![("management.tls.certificate", &pem), ("management.tls.key", &missing)],
            "missing.key can't be read",
        ),
        (vec![("config-server.ca", &key)], "weir.config-server.ca: "),
    ] {
        let start = Start::sample(root.path());
        let start = settings.iter().fold(start, |it, (key, file)| it.set(&set(key, file)));
        let refused = start.refused();
        assert_ne!(refused.code, Some(0), "{refused:?}");
        assert!(refused.stderr.contains(said), "{refused:?}");
    }
}
