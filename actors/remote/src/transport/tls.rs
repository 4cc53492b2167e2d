//! Mutual TLS: each end shows a certificate of the cluster's own authority.
//!
//! During the handshake of TLS only the chain and the dates are checked, on both sides alike. For
//! which host a certificate is, is checked after the hello, when the peer has said which host it
//! is: a seed may be dialled by an address that is in no certificate.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use tokio_rustls::rustls::crypto::{self, CryptoProvider, WebPkiSupportedAlgorithms};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use tokio_rustls::rustls::{
    ClientConfig, DigitallySignedStruct, Error as TlsError, RootCertStore, ServerConfig,
    SignatureScheme,
};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use weir_domain::Timestamp;

use crate::TlsSettings;
use crate::code;
use crate::error::CertificateError;
use crate::transport::{Certificate, PeerCertificate};

/// Certificates in use, and the files that they were read from.
pub(crate) struct Credentials {
    settings: TlsSettings,
    current: Mutex<(Stamp, Configs)>,
}

#[derive(Clone)]
pub(crate) struct Configs {
    pub acceptor: TlsAcceptor,
    pub connector: TlsConnector,
}

/// Tells whether the files are still the ones that were read.
type Stamp = Vec<Option<(SystemTime, u64)>>;

impl Credentials {
    pub(crate) fn read(settings: TlsSettings) -> Result<Self, CertificateError> {
        let current = Mutex::new((stamp(&settings), configs(&settings)?));
        Ok(Self { settings, current })
    }

    /// For a new connection. Files that changed are read again; if that fails, what was read
    /// before stays in use.
    pub(crate) fn current(&self) -> Configs {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let now = stamp(&self.settings);
        if now != current.0 {
            current.0 = now;
            let certificate = self.settings.certificate.display();
            match configs(&self.settings) {
                Ok(configs) => {
                    tracing::info!(code = %code::CERTIFICATES_READ, %certificate, "certificates were read again");
                    current.1 = configs;
                }
                Err(error) => {
                    tracing::warn!(code = %code::CERTIFICATES_BAD, %error, "the changed certificates can't be used: those read before stay in use");
                }
            }
        }
        current.1.clone()
    }
}

fn stamp(settings: &TlsSettings) -> Stamp {
    let of = |path: &PathBuf| {
        let metadata = fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    [&settings.certificate, &settings.key, &settings.ca].into_iter().map(of).collect()
}

fn configs(settings: &TlsSettings) -> Result<Configs, CertificateError> {
    let TlsSettings { certificate, key, ca } = settings;
    let chain = certificates(certificate)?;
    let authorities = certificates(ca)?;
    let secret = PrivateKeyDer::from_pem_slice(&content(key)?).map_err(|error| {
        CertificateError::Unreadable { path: key.clone(), reason: error.to_string() }
    })?;
    let mismatch = |reason: String| CertificateError::Mismatch {
        certificate: certificate.clone(),
        key: key.clone(),
        ca: ca.clone(),
        reason,
    };
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(authority).map_err(|it| mismatch(it.to_string()))?;
    }
    let roots = Arc::new(roots);
    // The process may have several providers; none of them is its default.
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let server = server(&provider, &roots, chain.clone(), secret.clone_key());
    let client = client(&provider, &roots, chain, secret);
    Ok(Configs {
        acceptor: TlsAcceptor::from(Arc::new(server.map_err(mismatch)?)),
        connector: TlsConnector::from(Arc::new(client.map_err(mismatch)?)),
    })
}

fn server(
    provider: &Arc<CryptoProvider>,
    roots: &Arc<RootCertStore>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, String> {
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.clone(), provider.clone())
        .build()
        .map_err(|it| it.to_string())?;
    ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .and_then(|it| it.with_client_cert_verifier(verifier).with_single_cert(chain, key))
        .map_err(|it| it.to_string())
}

fn client(
    provider: &Arc<CryptoProvider>,
    roots: &Arc<RootCertStore>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ClientConfig, String> {
    let algorithms = provider.signature_verification_algorithms;
    let verifier = Arc::new(ChainVerifier { roots: roots.clone(), algorithms });
    ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .and_then(|it| {
            it.dangerous()
                .with_custom_certificate_verifier(verifier)
                .with_client_auth_cert(chain, key)
        })
        .map_err(|it| it.to_string())
}

fn content(path: &Path) -> Result<Vec<u8>, CertificateError> {
    fs::read(path).map_err(|error| CertificateError::Unreadable {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let content = content(path)?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&content).collect();
    let read = read.map_err(|error| CertificateError::Unreadable {
        path: path.to_owned(),
        reason: error.to_string(),
    })?;
    if read.is_empty() {
        return Err(CertificateError::Missing { path: path.to_owned(), what: "certificate" });
    }
    Ok(read)
}

/// Checks that a listener's certificate is one of the cluster's and in date.
#[derive(Debug)]
struct ChainVerifier {
    roots: Arc<RootCertStore>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for ChainVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let certificate = ParsedCertificate::try_from(end_entity)?;
        verify_server_cert_signed_by_trust_anchor(
            &certificate,
            &self.roots,
            intermediates,
            now,
            self.algorithms.all,
        )?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        crypto::verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        crypto::verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// What the peer has shown.
pub(crate) fn peer(chain: Option<&[CertificateDer<'_>]>) -> Option<PeerCertificate> {
    let der = chain?.first()?.clone().into_owned();
    let shown = describe(&der);
    let is_for = Arc::new(move |host: &str| is_for(&der, host));
    Some(PeerCertificate { shown, is_for })
}

fn is_for(certificate: &CertificateDer<'_>, host: &str) -> Result<(), String> {
    let name = ServerName::try_from(host).map_err(|_| format!("{host:?} is no host"))?;
    let parsed = ParsedCertificate::try_from(certificate).map_err(|it| it.to_string())?;
    verify_server_name(&parsed, &name).map_err(|_| {
        format!("the certificate is for {}, not for {host}", hosts(certificate).join(", "))
    })
}

/// The first certificate of a PEM file. Blocks.
pub fn read_certificate(path: &Path) -> Result<Certificate, CertificateError> {
    own_certificate(path).map(|it| it.shown)
}

/// The first certificate of a PEM file, as peers see it. Blocks.
pub(crate) fn own_certificate(path: &Path) -> Result<PeerCertificate, CertificateError> {
    let missing = || CertificateError::Missing { path: path.to_owned(), what: "certificate" };
    peer(Some(&certificates(path)?)).ok_or_else(missing)
}

fn describe(der: &CertificateDer<'_>) -> Certificate {
    match x509_parser::parse_x509_certificate(der) {
        Ok((_, read)) => Certificate {
            subject: read.subject().to_string(),
            expires: Timestamp(read.validity().not_after.timestamp().saturating_mul(1_000)),
        },
        Err(error) => {
            Certificate { subject: format!("unreadable: {error}"), expires: Timestamp(0) }
        }
    }
}

fn hosts(der: &CertificateDer<'_>) -> Vec<String> {
    use x509_parser::extensions::GeneralName;
    let Ok((_, read)) = x509_parser::parse_x509_certificate(der) else { return Vec::new() };
    let Ok(Some(names)) = read.subject_alternative_name() else { return Vec::new() };
    let shown = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => ip(bytes),
        _ => None,
    };
    names.value.general_names.iter().filter_map(shown).collect()
}

fn ip(bytes: &[u8]) -> Option<String> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Some(std::net::Ipv4Addr::from(v4).to_string());
    }
    <[u8; 16]>::try_from(bytes).ok().map(|it| std::net::Ipv6Addr::from(it).to_string())
}

/// The name that TLS wants to send; the listener does not look at it.
pub(crate) fn server_name(host: &str, socket: Option<SocketAddr>) -> ServerName<'static> {
    let by_name = ServerName::try_from(host.to_owned());
    by_name.unwrap_or_else(|_| match socket {
        Some(address) => ServerName::IpAddress(address.ip().into()),
        None => ServerName::IpAddress(std::net::IpAddr::from([127, 0, 0, 1]).into()),
    })
}
