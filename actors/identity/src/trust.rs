//! Whose certificates are believed.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;
use weir_domain::Fault;

use crate::chain;

/// The authorities of a file in PEM.
fn authorities(key: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let refused = |cause: String| {
        Fault::config(14002, format!("weir.{key} is {}, which {cause}", path.display()))
            .with_hint("name a file of certificates in PEM")
    };
    let found = CertificateDer::pem_file_iter(path).map_err(|it| it.to_string());
    let found = found.and_then(|it| it.collect::<Result<Vec<_>, _>>().map_err(|it| it.to_string()));
    let found = found.map_err(|it| refused(format!("can't be read: {it}")))?;
    if found.is_empty() { Err(refused("holds no certificate".to_owned())) } else { Ok(found) }
}

/// TLS as the house speaks it.
pub(crate) fn tls(key: &str, ca: Option<&Path>) -> Result<Arc<ClientConfig>, Fault> {
    let refused = |it: rustls::Error| Fault::config(14002, format!("weir.{key}: {}", chain(&it)));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().map_err(refused)?;
    let config = match ca {
        None => builder.with_platform_verifier().map_err(refused)?.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in authorities(key, path)? {
                roots.add(certificate).map_err(refused)?;
            }
            builder.with_root_certificates(roots).with_no_client_auth()
        }
    };
    Ok(Arc::new(config))
}

/// The same for requests.
pub(crate) fn certificates(key: &str, path: &Path) -> Result<Vec<reqwest::Certificate>, Fault> {
    let all = authorities(key, path)?;
    let read = all.iter().map(|it| reqwest::Certificate::from_der(it));
    read.collect::<Result<_, _>>()
        .map_err(|it| Fault::config(14002, format!("weir.{key}: {}", chain(&it))))
}
