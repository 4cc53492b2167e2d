//! Discovery: a DNS name whose addresses are engines. All of them are dialled; who is a member is
//! for the list to say, so that a wrong address does no harm.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use weir_domain::ClusterAddress;

use crate::code;
use crate::mesh::Mesh;

/// How often the name is resolved.
const EVERY: Duration = Duration::from_secs(10);

/// Why the name can't be resolved. `None`: it can, or nobody tried yet.
pub(crate) type Trouble = watch::Sender<Option<String>>;

/// Runs for ever.
pub(crate) async fn run(name: String, own: ClusterAddress, mesh: Arc<dyn Mesh>, trouble: Trouble) {
    let mut known: BTreeSet<IpAddr> = BTreeSet::new();
    loop {
        match resolve(&name, own.port).await {
            Ok(found) => {
                if trouble.send_replace(None).is_some() {
                    tracing::info!(code = %code::DISCOVERY, name, addresses = found.len(), "weir.cluster.discovery.dns is resolved again");
                }
                dial(&known, &found, &own, &*mesh);
                known = found;
            }
            // Who was found before goes on being dialled.
            Err(cause) => {
                let is_new = trouble.send_if_modified(|it| {
                    let is_new = it.as_ref() != Some(&cause);
                    *it = Some(cause.clone());
                    is_new
                });
                if is_new {
                    tracing::warn!(code = %code::DISCOVERY, name, cause, "weir.cluster.discovery.dns can't be resolved; it is tried again");
                }
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

async fn resolve(name: &str, port: u16) -> Result<BTreeSet<IpAddr>, String> {
    let found = tokio::net::lookup_host((name, port)).await.map_err(|it| it.to_string())?;
    Ok(found.map(|it| it.ip()).collect())
}

fn dial(known: &BTreeSet<IpAddr>, found: &BTreeSet<IpAddr>, own: &ClusterAddress, mesh: &dyn Mesh) {
    let address = |ip: &IpAddr| ClusterAddress { host: ip.to_string(), ..own.clone() };
    found.difference(known).for_each(|ip| mesh.dial(&address(ip)));
    known.difference(found).for_each(|ip| mesh.forget(&address(ip)));
}
