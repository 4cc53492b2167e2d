//! Certificates of servers, each of an authority of its own.

/// In PEM.
pub(crate) struct Certified {
    /// Who trusts the server trusts this one.
    pub(crate) authority: String,
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Certified {
    /// Of a server that is reached by these names and addresses.
    pub(crate) fn of(names: &[&str]) -> Self {
        let key = || rcgen::KeyPair::generate().expect("a key can be made");
        let mut authority = rcgen::CertificateParams::default();
        authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        authority.distinguished_name.push(rcgen::DnType::CommonName, "an authority for tests");
        let authority_key = key();
        let ca = authority.self_signed(&authority_key).expect("an authority can be made");
        let issuer = rcgen::Issuer::new(authority, authority_key);
        let own = key();
        let names: Vec<_> = names.iter().map(|it| (*it).to_owned()).collect();
        let server = rcgen::CertificateParams::new(names).expect("names of a server");
        let server = server.signed_by(&own, &issuer).expect("a certificate can be signed");
        Self { authority: ca.pem(), certificate: server.pem(), key: own.serialize_pem() }
    }
}
