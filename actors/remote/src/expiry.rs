//! Tells in time that this node's own certificate can't be used for long, or not at all: its peers
//! would be the first to notice, and only with the next connection.
//!
//! It refuses nothing. Files may be replaced at any time, and the links that are up stay up.

use std::path::{Path, PathBuf};
use std::time::Duration;

use weir_domain::{CERTIFICATE_EARLY, Timestamp};
use weir_runtime::System;

use crate::code;
use crate::transport::{PeerCertificate, own_certificate};

const DAY: Duration = Duration::from_secs(24 * 3_600);
/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(3_600);

/// What is wrong with a certificate. Each is told once, so that one that expires is told each day.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Worry {
    Expires { days: u64 },
    Expired,
    OtherHost { reason: String },
}

fn worry(certificate: &PeerCertificate, host: &str, now: Timestamp) -> Option<Worry> {
    if let Err(reason) = (certificate.is_for)(host) {
        return Some(Worry::OtherHost { reason });
    }
    let left = certificate.shown.expires.since(now);
    match left {
        Duration::ZERO => Some(Worry::Expired),
        _ if left < CERTIFICATE_EARLY => {
            Some(Worry::Expires { days: left.as_secs() / DAY.as_secs() })
        }
        _ => None,
    }
}

/// Looks at the certificate of this node, which peers know as `host`, until the node stops.
pub(crate) fn watch(system: &System, certificate: PathBuf, host: String) {
    let stopping = system.shutdown().stopping();
    let of = system.clone();
    system.tasks().spawn("certificate", async move {
        let looking = async {
            let mut told = None;
            loop {
                let path = certificate.clone();
                let read = of.tasks().spawn_blocking("certificate", move || own_certificate(&path));
                // What can't be read any more is told with the next connection.
                if let Ok(Ok(read)) = read.join().await {
                    let now = worry(&read, &host, of.now());
                    if now != told {
                        tell(&certificate, read.shown.expires, now.as_ref());
                        told = now;
                    }
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::select! {
            () = looking => {}
            () = stopping.stopped() => {}
        }
    });
}

fn tell(certificate: &Path, expires: Timestamp, worry: Option<&Worry>) {
    let certificate = certificate.display();
    match worry {
        None => {}
        Some(Worry::Expires { days }) => {
            tracing::warn!(code = %code::CERTIFICATE_EXPIRES, %certificate, %expires, days, "the certificate of this node expires soon: replace its files, which are read again");
        }
        Some(Worry::Expired) => {
            tracing::error!(code = %code::CERTIFICATE_EXPIRED, %certificate, %expires, "the certificate of this node has expired, and no peer takes it: replace its files, which are read again");
        }
        Some(Worry::OtherHost { reason }) => {
            tracing::error!(code = %code::CERTIFICATE_OTHER_HOST, %certificate, reason, "the certificate of this node is for another host, and no peer takes it: make one for weir.cluster.canonical.host");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certs::{self, Existing};
    use crate::transport::own_certificate;

    const NOW: Timestamp = Timestamp(1_790_000_000_000);
    const AGE_DAYS: u64 = 2 * 365;

    #[test]
    fn a_certificate_is_told_of_before_it_expires() {
        let directory = tempfile::tempdir().unwrap();
        certs::dev(directory.path(), &["node-1".to_owned()], Existing::Keep, NOW).unwrap();
        let read = own_certificate(&directory.path().join("node-1.pem")).unwrap();
        let after =
            |days: u64| worry(&read, "node-1", NOW.plus(DAY * u32::try_from(days).unwrap()));
        assert_eq!(after(0), None);
        assert_eq!(after(AGE_DAYS - 30), None);
        assert_eq!(after(AGE_DAYS - 29), Some(Worry::Expires { days: 29 }));
        assert_eq!(after(AGE_DAYS), Some(Worry::Expired));
        let reason = "the certificate is for node-1, not for node-2".to_owned();
        assert_eq!(worry(&read, "node-2", NOW), Some(Worry::OtherHost { reason }));
    }
}
