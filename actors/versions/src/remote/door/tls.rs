//! TLS as the house speaks it.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;

use crate::remote::access::Trust;

pub(super) fn config(trust: &Trust) -> Result<Arc<ClientConfig>, String> {
    let said = |it: rustls::Error| it.to_string();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().map_err(said)?;
    let config = match trust {
        Trust::System => builder.with_platform_verifier().map_err(said)?.with_no_client_auth(),
        Trust::Authorities(pem) => {
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                let certificate = certificate.map_err(|it| format!("the authorities: {it}"))?;
                roots.add(certificate).map_err(said)?;
            }
            builder.with_root_certificates(roots).with_no_client_auth()
        }
    };
    Ok(Arc::new(config))
}
