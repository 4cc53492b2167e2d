//! TCP as the links need it: no delay, and an end that is noticed in seconds.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpSocket, TcpStream, lookup_host};
use weir_domain::ClusterAddress;

use crate::error::ConnectError;

/// Data that nobody acknowledges for so long ends the connection. The kernel's own patience is a
/// quarter of an hour.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(8);
const IDLE: Duration = Duration::from_secs(5);
const PROBE_EVERY: Duration = Duration::from_secs(2);
const PROBES: u32 = 3;
const BACKLOG: u32 = 1_024;

pub(crate) fn listen(bind: SocketAddr) -> io::Result<TcpListener> {
    let socket = if bind.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // An engine that was restarted finds connections of its predecessor in TIME_WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(bind)?;
    socket.listen(BACKLOG)
}

pub(crate) fn tune(stream: &TcpStream) -> io::Result<()> {
    let socket = SockRef::from(stream);
    let keepalive =
        TcpKeepalive::new().with_time(IDLE).with_interval(PROBE_EVERY).with_retries(PROBES);
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(&keepalive)?;
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED_MAX))
}

/// Tries all addresses that the host's name has, in order.
pub(crate) async fn connect(to: &ClusterAddress) -> Result<TcpStream, ConnectError> {
    let unreachable = |reason: String| ConnectError::Unreachable { address: to.clone(), reason };
    let addresses = lookup_host((to.host.as_str(), to.port))
        .await
        .map_err(|error| unreachable(format!("the name can't be resolved: {error}")))?;
    let mut failures = Vec::new();
    for address in addresses {
        match TcpStream::connect(address).await.and_then(|it| tune(&it).map(|()| it)) {
            Ok(stream) => return Ok(stream),
            Err(error) => failures.push((address, error)),
        }
    }
    let refused = |it: &(SocketAddr, io::Error)| it.1.kind() == io::ErrorKind::ConnectionRefused;
    if failures.is_empty() {
        return Err(unreachable("the name has no address".to_owned()));
    }
    if failures.iter().all(refused) {
        return Err(ConnectError::Refused(to.clone()));
    }
    let reasons: Vec<_> = failures.iter().map(|(at, error)| format!("{at}: {error}")).collect();
    Err(unreachable(reasons.join(", ")))
}
