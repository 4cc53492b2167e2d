//! TLS of the servers: a certificate and its key, read again when their files change.
//!
//! - An open connection keeps what it began with; the next one gets what the files hold then.
//! - Files that can't be used change nothing: what was read before stays in use, and the log says why. So does a
//!   certificate that has ended, where the one before has not: it is taken for the wrong file.
//! - A certificate that no client believes is served all the same at the start, and said: what runs must not stand
//!   still because of who looks at it.
//! - Nothing older than TLS 1.2 is spoken. HTTP/2 and HTTP/1.1 are offered, in this order.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::client::verify_server_name;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{self, ServerConfig};
use weir_domain::{Clock, Fault, Timestamp};
use weir_runtime::Stopwatch;
use x509_parser::prelude::{FromDer as _, X509Certificate};

pub(crate) const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";
/// Files that were refused are tried again after that.
const TRIED_EVERY: Duration = Duration::from_secs(5);

/// What a server shows to its clients. Cheap to clone.
#[derive(Clone)]
pub struct Tls(Arc<Shown>);

struct Shown {
    files: Files,
    clock: Arc<dyn Clock>,
    current: Mutex<Current>,
}

struct Current {
    /// Of the files that are shown.
    taken: Stamp,
    /// Of files that could not be used, and since when that is known.
    refused: Option<(Stamp, Stopwatch)>,
    shown: Read,
}

/// Where a certificate and its key are.
#[derive(Debug, Clone)]
pub struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

/// What is in the files.
struct Read {
    acceptor: TlsAcceptor,
    leaf: CertificateDer<'static>,
}

/// Tells whether the files are still the ones that were read.
type Stamp = [Option<(SystemTime, u64)>; 2];

impl Files {
    /// `None`: there is neither. `at` is the configuration key above `certificate` and `key`: a refusal names it.
    pub fn of(
        certificate: Option<&Path>,
        key: Option<&Path>,
        at: &str,
    ) -> Result<Option<Self>, Fault> {
        let alone = |there: &str, path: &Path, missing: &str| {
            let path = path.display();
            let what = format!("{at}.{there} is {path}, and {at}.{missing} is not set");
            Fault::config(7_105, what).with_hint(format!(
                "set {at}.{missing} to the PEM file that belongs to it, or neither, for a server without TLS"
            ))
        };
        match (certificate, key) {
            (Some(certificate), Some(key)) => {
                Ok(Some(Self { certificate: certificate.to_owned(), key: key.to_owned() }))
            }
            (None, None) => Ok(None),
            (Some(certificate), None) => Err(alone("certificate", certificate, "key")),
            (None, Some(key)) => Err(alone("key", key, "certificate")),
        }
    }

    fn stamp(&self) -> Stamp {
        [&self.certificate, &self.key].map(|path| {
            let metadata = fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        })
    }

    fn read(&self) -> Result<Read, String> {
        let Self { certificate, key } = self;
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&content(certificate)?)
            .collect::<Result<_, _>>()
            .map_err(|error| format!("{}: {error}", certificate.display()))?;
        let leaf = chain.first().cloned();
        let leaf =
            leaf.ok_or_else(|| format!("{} has no certificate in PEM", certificate.display()))?;
        let secret = PrivateKeyDer::from_pem_slice(&content(key)?);
        let secret = secret.map_err(|_| {
            format!("{} has no private key in PEM that is read here", key.display())
        })?;
        // The process may have several providers; none of them is its default.
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .and_then(|it| it.with_no_client_auth().with_single_cert(chain, secret))
            .map_err(|error| {
                let (certificate, key) = (certificate.display(), key.display());
                format!("the certificate in {certificate} and the key in {key}: {error}")
            })?;
        config.alpn_protocols = vec![HTTP2.to_vec(), HTTP1.to_vec()];
        Ok(Read { acceptor: TlsAcceptor::from(Arc::new(config)), leaf })
    }
}

impl Tls {
    /// Reads both files. `at` is the configuration key above them, `host` what clients know this server as,
    /// where that is known. Blocks.
    pub fn read(
        files: Files,
        at: &str,
        host: Option<&str>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Fault> {
        let stamp = files.stamp();
        let read = files.read().map_err(|reason| {
            Fault::config(7_105, format!("{at} can't be used: {reason}")).with_hint(format!(
                "set {at}.certificate and {at}.key to PEM files that belong together, and that this user may read"
            ))
        })?;
        let certificate = files.certificate.display();
        let of_name = host.and_then(|it| unlike(&read.leaf, it));
        for reason in out_of_time(&read.leaf, clock.now()).into_iter().chain(of_name) {
            tracing::warn!(code = "WEIR-07119", %certificate, key = at, reason, "clients will not believe the server's certificate");
        }
        let current = Mutex::new(Current { taken: stamp, refused: None, shown: read });
        Ok(Self(Arc::new(Shown { files, clock, current })))
    }

    /// For a new connection.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let Shown { files, clock, current } = &*self.0;
        let mut current = current.lock().unwrap_or_else(PoisonError::into_inner);
        let Current { taken, refused, shown } = &mut *current;
        let now = files.stamp();
        let again = refused.as_ref().filter(|it| it.0 == now);
        // What was refused may become right without another change: by the hour, or by who may read it.
        if *taken != now && again.is_none_or(|it| it.1.elapsed() >= TRIED_EVERY) {
            let is_known = again.is_some();
            let certificate = files.certificate.display();
            match replaced(shown, files, clock.now()) {
                Ok(read) => {
                    tracing::info!(code = "WEIR-07117", %certificate, "the server's certificate was read again");
                    (*taken, *refused, *shown) = (now, None, read);
                }
                Err(_) if is_known => *refused = Some((now, Stopwatch::start())),
                Err(error) => {
                    *refused = Some((now, Stopwatch::start()));
                    tracing::warn!(code = "WEIR-07118", %certificate, error, "the server's changed certificate can't be used: the one read before stays in use");
                }
            }
        }
        shown.acceptor.clone()
    }
}

fn replaced(shown: &Read, files: &Files, now: Timestamp) -> Result<Read, String> {
    let read = files.read()?;
    match out_of_time(&read.leaf, now) {
        Some(reason) if out_of_time(&shown.leaf, now).is_none() => Err(reason),
        _ => Ok(read),
    }
}

/// Why nobody believes the certificate now, by its dates.
fn out_of_time(leaf: &CertificateDer<'_>, now: Timestamp) -> Option<String> {
    let (_, leaf) = X509Certificate::from_der(leaf).ok()?;
    let (validity, now) = (leaf.validity(), now.0.div_euclid(1_000));
    if now > validity.not_after.timestamp() {
        return Some(format!("it has ended: {}", validity.not_after));
    }
    (now < validity.not_before.timestamp())
        .then(|| format!("it is not valid yet, but from {}", validity.not_before))
}

/// Why nobody believes the certificate who knows the server by this name.
fn unlike(leaf: &CertificateDer<'_>, host: &str) -> Option<String> {
    let name = ServerName::try_from(host.trim_matches(['[', ']'])).ok()?;
    let leaf = ParsedCertificate::try_from(leaf).ok()?;
    let refused = verify_server_name(&leaf, &name).err()?;
    Some(format!("it is not for {host:?}, which this server is known as: {refused}"))
}

fn content(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{} can't be read: {error}", path.display()))
}
