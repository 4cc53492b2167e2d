//! Certificates for a cluster of one's own: an authority and a certificate per host, in one go.
//!
//! Good enough for a cluster whose administrator is its authority. An existing authority is used
//! again, so that hosts can be added later; no file is overwritten unless that is asked for.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use weir_domain::Timestamp;

const CA_CERTIFICATE: &str = "ca.pem";
const CA_KEY: &str = "ca.key";
const CA_NAME: &str = "Weir cluster CA";
const CA_AGE: Duration = Duration::from_secs(10 * 365 * 24 * 3_600);
const AGE: Duration = Duration::from_secs(2 * 365 * 24 * 3_600);
/// Certificates begin to be valid in the past: clocks differ, and more than by an hour where one of
/// them has the wrong time zone.
const SKEW: Duration = Duration::from_secs(24 * 3_600);

/// What to do about files that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    Keep,
    /// Certificates and keys of hosts are replaced, the authority is not.
    Replace,
}

/// The files that were made, and those that were there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Made {
    pub written: Vec<PathBuf>,
    pub kept: Vec<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{path} can't be {what}")]
    File { path: PathBuf, what: &'static str, source: io::Error },
    #[error(
        "{directory} has only one of ca.pem and ca.key: put the other back, or move both away to \
         begin anew"
    )]
    HalfAnAuthority { directory: PathBuf },
    #[error("no certificate can be made for {host:?}: it is no name or address of a host")]
    Host { host: String },
    #[error("no certificate can be made for {name}")]
    Certificate { name: String, source: rcgen::Error },
}

/// Makes `ca.pem`, `ca.key` and for each host `<host>.pem` and `<host>.key` in a directory.
pub fn dev(
    directory: &Path,
    hosts: &[String],
    existing: Existing,
    now: Timestamp,
) -> Result<Made, Error> {
    fs::create_dir_all(directory).map_err(file(directory, "made"))?;
    let mut made = Made::default();
    let issuer = authority(directory, now, &mut made)?;
    for host in hosts {
        certificate(directory, host, existing, now, &issuer, &mut made)?;
    }
    Ok(made)
}

fn authority(
    directory: &Path,
    now: Timestamp,
    made: &mut Made,
) -> Result<Issuer<'static, KeyPair>, Error> {
    let (certificate, key) = (directory.join(CA_CERTIFICATE), directory.join(CA_KEY));
    let failed = |source| Error::Certificate { name: CA_NAME.to_owned(), source };
    match (certificate.exists(), key.exists()) {
        (true, true) => {
            let text = fs::read_to_string(&key).map_err(file(&key, "read"))?;
            let pair = KeyPair::from_pem(&text).map_err(failed)?;
            let text = fs::read_to_string(&certificate).map_err(file(&certificate, "read"))?;
            made.kept.extend([certificate, key]);
            Issuer::from_ca_cert_pem(&text, pair).map_err(failed)
        }
        (false, false) => {
            let mut params = params(CA_NAME, Vec::new(), now, CA_AGE).map_err(failed)?;
            params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
            let pair = KeyPair::generate().map_err(failed)?;
            let signed = params.self_signed(&pair).map_err(failed)?;
            write(&key, &pair.serialize_pem(), 0o600, Existing::Keep)?;
            write(&certificate, &signed.pem(), 0o644, Existing::Keep)?;
            made.written.extend([certificate, key]);
            Ok(Issuer::new(params, pair))
        }
        (true, false) | (false, true) => {
            Err(Error::HalfAnAuthority { directory: directory.to_owned() })
        }
    }
}

fn certificate(
    directory: &Path,
    host: &str,
    existing: Existing,
    now: Timestamp,
    issuer: &Issuer<'_, KeyPair>,
    made: &mut Made,
) -> Result<(), Error> {
    if host.is_empty() || host.chars().any(|it| !it.is_ascii_alphanumeric() && !"-_.:".contains(it))
    {
        return Err(Error::Host { host: host.to_owned() });
    }
    let name = host.replace(':', "_");
    let (certificate, key) =
        (directory.join(format!("{name}.pem")), directory.join(format!("{name}.key")));
    if existing == Existing::Keep && (certificate.exists() || key.exists()) {
        made.kept.extend([certificate, key]);
        return Ok(());
    }
    let failed = |source| Error::Certificate { name: host.to_owned(), source };
    let mut params = params(host, vec![host.to_owned()], now, AGE).map_err(failed)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    // Each engine is the one that dials and the one that is dialled.
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let pair = KeyPair::generate().map_err(failed)?;
    let signed = params.signed_by(&pair, issuer).map_err(failed)?;
    write(&key, &pair.serialize_pem(), 0o600, existing)?;
    write(&certificate, &signed.pem(), 0o644, existing)?;
    made.written.extend([certificate, key]);
    Ok(())
}

fn params(
    name: &str,
    hosts: Vec<String>,
    now: Timestamp,
    age: Duration,
) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(hosts)?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.use_authority_key_identifier_extension = true;
    let day = |at: Timestamp| {
        let seconds = Duration::from_secs(u64::try_from(at.0 / 1_000).unwrap_or(0));
        rcgen::date_time_ymd(1970, 1, 1) + seconds
    };
    params.not_before = day(Timestamp(now.0 - i64::try_from(SKEW.as_millis()).unwrap_or(0)));
    params.not_after = day(now.plus(age));
    Ok(params)
}

fn write(path: &Path, text: &str, mode: u32, existing: Existing) -> Result<(), Error> {
    if existing == Existing::Replace && path.exists() {
        fs::remove_file(path).map_err(file(path, "replaced"))?;
    }
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .and_then(|mut it| it.write_all(text.as_bytes()))
        .map_err(file(path, "written"))
}

fn file(path: &Path, what: &'static str) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File { path, what, source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    #[test]
    fn hosts_get_certificates_of_one_authority_and_keys_that_nobody_else_reads() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        let made = dev(path, &["node-1".to_owned()], Existing::Keep, NOW).unwrap();
        let names = ["ca.pem", "ca.key", "node-1.pem", "node-1.key"];
        assert_eq!(made.written, names.map(|it| path.join(it)));
        for key in ["ca.key", "node-1.key"] {
            let mode = fs::metadata(path.join(key)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{key}");
        }
    }

    #[test]
    fn a_host_whose_clock_is_behind_by_hours_takes_them() {
        let directory = tempfile::tempdir().unwrap();
        dev(directory.path(), &["node-1".to_owned()], Existing::Keep, NOW).unwrap();
        for name in ["ca.pem", "node-1.pem"] {
            let pem = fs::read(directory.path().join(name)).unwrap();
            let (_, pem) = x509_parser::pem::parse_x509_pem(&pem).unwrap();
            let begins = pem.parse_x509().unwrap().validity().not_before.timestamp() * 1_000;
            let behind = 14 * 3_600_000;
            assert!(begins < NOW.0 - behind, "{name} begins {} ms early", NOW.0 - begins);
        }
    }

    #[test]
    fn what_is_there_is_kept_unless_it_is_to_be_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        let read = |name: &str| fs::read_to_string(path.join(name)).unwrap();
        let hosts = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        dev(path, &hosts(&["a"]), Existing::Keep, NOW).unwrap();
        let (ca, a) = (read("ca.pem"), read("a.pem"));

        let made = dev(path, &hosts(&["a", "10.0.0.1"]), Existing::Keep, NOW).unwrap();
        assert_eq!(made.written, [path.join("10.0.0.1.pem"), path.join("10.0.0.1.key")]);
        assert_eq!((read("ca.pem"), read("a.pem")), (ca.clone(), a.clone()));

        dev(path, &hosts(&["a"]), Existing::Replace, NOW).unwrap();
        assert_eq!(read("ca.pem"), ca);
        assert_ne!(read("a.pem"), a);
    }

    #[test]
    fn half_an_authority_and_hosts_that_are_none_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        for host in ["", "../x", "a b"] {
            let error = dev(path, &[host.to_owned()], Existing::Keep, NOW).unwrap_err();
            assert!(matches!(error, Error::Host { .. }), "{error}");
        }
        fs::remove_file(path.join("ca.key")).unwrap();
        let error = dev(path, &[], Existing::Keep, NOW).unwrap_err();
        assert!(error.to_string().contains("only one of ca.pem and ca.key"), "{error}");
    }
}
