//! TLS to the server: the right authority opens, another one does not, and nothing falls back.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use super::*;

on_both! {
    a_server_is_known_by_its_certificate
}

/// Makes an authority, and a certificate by it for a host.
fn certificates(directory: &Path, host: &str) -> weir_test_servers::Tls {
    fs::create_dir_all(directory).unwrap();
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_certificate = ca.self_signed(&ca_key).unwrap();
    let issuer = Issuer::new(ca, ca_key);
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec![host.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let write = |name: &str, text: String| -> PathBuf {
        let path = directory.join(name);
        fs::write(&path, text).unwrap();
        path
    };
    weir_test_servers::Tls {
        certificate: write("server.pem", certificate.pem()),
        key: write("server.key", key.serialize_pem()),
        ca: write("ca.pem", ca_certificate.pem()),
    }
}

async fn a_server_is_known_by_its_certificate<D: Tested>() {
    let directory = tempfile::tempdir().unwrap();
    let right = certificates(&directory.path().join("right"), "127.0.0.1");
    let other = certificates(&directory.path().join("other"), "127.0.0.1");
    let options = Options { fast: true, tls: Some(right.clone()), ..Options::default() };
    let server = D::Server::start(options);
    let plain = settings(&server.database());
    let with = |tls| ServerSettings { tls, ..plain.clone() };
    let verify = |ca: PathBuf| with(Tls::Verify { ca: Some(ca) });

    assert_eq!(migrate::migrate::<D>(&verify(right.ca.clone())).await, Ok(all_migrations()));
    assert_eq!(migrate::verify::<D>(&with(Tls::Require)).await, Ok(()));
    let store = ServerStore::<D>::open(verify(right.ca.clone())).await.unwrap();
    let fence = fence(&store).await;
    assert_eq!(store.append(append("one", &fence, 0, b"1")).await, Ok(1));

    let wanted = ["no protected connection", "tls.ca"];
    for wrong in [verify(other.ca), with(Tls::Verify { ca: None })] {
        let error = refusal(migrate::verify::<D>(&wrong).await);
        assert!(!error.is_transient(), "{error}");
        assert_says(&error, &wanted);
    }
    let other_host = ServerSettings { host: "localhost".into(), ..verify(right.ca.clone()) };
    assert_says(&refusal(migrate::verify::<D>(&other_host).await), &wanted);
    let missing = verify(directory.path().join("none.pem"));
    assert_says(&refusal(migrate::verify::<D>(&missing).await), &["none.pem"]);

    // A server without TLS is refused, not used without it.
    let (_, plain) = super::store::<D>(D::Server::shared()).await;
    let protected = ServerSettings { tls: Tls::Require, ..plain };
    assert_says(&refusal(migrate::verify::<D>(&protected).await), &wanted);
}
