//! TLS of a server as its clients see it: who is believed, what is spoken, and a certificate that is replaced.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Certificate;
use weir_domain::{Clock as _, Fault};
use weir_http_client::{Authority, Client};
use weir_http_server::{Guard, Limits, Tls, TlsFiles, management};
use weir_remote::certs::{self, Existing};
use weir_runtime::SystemClock;

use crate::fake_cluster::FakeCluster;
use crate::fake_deployments::FakeDeployments;

const HOST: &str = "127.0.0.1";

/// A certificate for this machine by the authority in the directory, which is made where there is none.
fn made(directory: &Path) {
    certs::dev(directory, &[HOST.to_owned()], Existing::Replace, SystemClock.now()).unwrap();
}

fn tls(directory: &Path) -> Tls {
    let file = |end: &str| directory.join(format!("{HOST}.{end}"));
    read(&file("pem"), &file("key")).unwrap()
}

fn read(certificate: &Path, key: &Path) -> Result<Tls, Fault> {
    const AT: &str = "weir.management.tls";
    let files = TlsFiles::of(Some(certificate), Some(key), AT)?.expect("both are named");
    Tls::read(files, AT, Some(HOST), Arc::new(SystemClock))
}

/// Serves until the test ends; returns the address.
async fn served(tls: Tls) -> String {
    let listener = weir_http_server::bind(HOST, 0, "weir.management.bind").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let router = management::router(
        Arc::new(FakeCluster::new()),
        Arc::new(FakeDeployments::default()),
        Guard::closed(),
        Limits::default(),
    );
    let never = std::future::pending();
    let grace = Duration::from_secs(1);
    tokio::spawn(weir_http_server::serve_over((Some(tls), &[]), listener, router, grace, never));
    format!("https://{HOST}:{port}")
}

fn client(directory: &Path) -> reqwest::Client {
    let ca = Certificate::from_pem(&fs::read(directory.join("ca.pem")).unwrap()).unwrap();
    reqwest::Client::builder().no_proxy().tls_certs_only([ca]).build().unwrap()
}

#[tokio::test]
async fn who_believes_the_authority_is_answered_and_others_are_not() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    made(dir.path());
    made(other.path());
    let base = served(tls(dir.path())).await;
    let answer = client(dir.path()).get(format!("{base}/alive")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.headers().contains_key("strict-transport-security"));
    assert!(client(other.path()).get(format!("{base}/alive")).send().await.is_err());
    let authority = Authority::of_pem(&fs::read(dir.path().join("ca.pem")).unwrap()).unwrap();
    let management = weir_http_client::Management::trusting(&base, &authority).unwrap();
    assert!(!management.members().await.unwrap().members.is_empty());
    assert!(Client::new(&base).unwrap().version().await.is_err());
    assert!(Authority::of_pem(b"no certificate").is_err());
}

#[tokio::test]
async fn a_certificate_that_is_replaced_is_shown_to_new_connections_and_no_open_one_ends() {
    let dir = tempfile::tempdir().unwrap();
    made(dir.path());
    let base = served(tls(dir.path())).await;
    let (before, first) = (client(dir.path()), fs::read(dir.path().join("ca.pem")).unwrap());
    let url = format!("{base}/alive");
    assert_eq!(before.get(&url).send().await.unwrap().status().as_u16(), 200);

    // Another authority: who believes the first one alone can have no new connection.
    fs::remove_file(dir.path().join("ca.pem")).unwrap();
    fs::remove_file(dir.path().join("ca.key")).unwrap();
    made(dir.path());
    assert_ne!(fs::read(dir.path().join("ca.pem")).unwrap(), first);
    let after = client(dir.path());
    assert_eq!(after.get(&url).send().await.unwrap().status().as_u16(), 200);
    // The open connection goes on.
    assert_eq!(before.get(&url).send().await.unwrap().status().as_u16(), 200);
    let first = Certificate::from_pem(&first).unwrap();
    let stale = reqwest::Client::builder().no_proxy().tls_certs_only([first]).build().unwrap();
    assert!(stale.get(&url).send().await.is_err());

    // Files that can't be used change nothing.
    fs::write(dir.path().join(format!("{HOST}.pem")), "nothing").unwrap();
    let fresh = client(dir.path());
    assert_eq!(fresh.get(&url).send().await.unwrap().status().as_u16(), 200);
}

#[test]
fn files_that_do_not_belong_together_are_refused_with_the_key_to_change() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    made(dir.path());
    made(other.path());
    let certificate = dir.path().join(format!("{HOST}.pem"));
    let refused = |key: &Path| read(&certificate, key).err().expect("it is refused");
    let fault = refused(&other.path().join(format!("{HOST}.key")));
    assert_eq!(fault.code.to_string(), "WEIR-07105");
    assert!(fault.message.starts_with("weir.management.tls can't be used: "), "{fault:?}");
    let missing = refused(&dir.path().join("missing.key"));
    assert!(missing.message.contains("missing.key can't be read"), "{missing:?}");
}

#[tokio::test]
async fn who_speaks_in_clear_is_told_to_write_https() {
    let dir = tempfile::tempdir().unwrap();
    made(dir.path());
    let base = served(tls(dir.path())).await.replace("https://", "http://");
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for request in [http.get(&base), http.post(&base).body(vec![b'x'; 100_000])] {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 400);
        assert!(answer.text().await.unwrap().contains("https://"));
    }
    let said = Client::new(&base).unwrap().version().await.unwrap_err().to_string();
    assert!(said.contains("write https:// instead of http://"), "{said}");
}
