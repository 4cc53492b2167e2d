//! Discovery: a DNS name whose addresses are engines. All of them are dialled; who is a member is
//! for the list to say, so that a wrong address does no harm.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use weir_domain::ClusterAddress;

use crate::code;
use crate::mesh::Mesh;

/// How often the name is resolved.
const EVERY: Duration = Duration::from_secs(10);

/// Runs for ever.
pub(crate) async fn run(name: String, own: ClusterAddress, mesh: Arc<dyn Mesh>) {
    let mut known: BTreeSet<IpAddr> = BTreeSet::new();
    let mut trouble = None;
    loop {
        match tokio::net::lookup_host((name.as_str(), own.port)).await {
            Ok(found) => {
                trouble = None;
                let found = found.map(|it| it.ip()).collect();
                dial(&known, &found, &own, &*mesh);
                known = found;
            }
            Err(error) => {
                let cause = error.to_string();
                if trouble.as_ref() != Some(&cause) {
                    tracing::warn!(code = %code::DISCOVERY, name, cause, "weir.cluster.discovery.dns can't be resolved; it is tried again");
                    trouble = Some(cause);
                }
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

fn dial(known: &BTreeSet<IpAddr>, found: &BTreeSet<IpAddr>, own: &ClusterAddress, mesh: &dyn Mesh) {
    let address = |ip: &IpAddr| ClusterAddress { host: ip.to_string(), ..own.clone() };
    found.difference(known).for_each(|ip| mesh.dial(&address(ip)));
    known.difference(found).for_each(|ip| mesh.forget(&address(ip)));
}
