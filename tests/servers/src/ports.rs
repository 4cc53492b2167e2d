//! Ports for servers that can't choose one themselves.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::net::TcpListener;
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below those that a system gives away by itself (Linux: from 32768 on): nobody who lets the system choose takes one
/// before the server has it, and no connection begins there, which could be one to itself. Tests in a browser have
/// those from 20,000 on.
const PORTS: Range<u16> = 10_000..20_000;

/// A port that is free now, and that this process was not given before.
pub fn free_port(bind: &str) -> u16 {
    static NEXT: OnceLock<AtomicU16> = OnceLock::new();
    // Processes that run side by side begin at places of their own.
    let next = NEXT.get_or_init(|| AtomicU16::new(chance()));
    let of = |place: u16| PORTS.start + place % (PORTS.end - PORTS.start);
    let mut ports = PORTS.map(|_| of(next.fetch_add(1, Ordering::Relaxed)));
    ports.find(|port| is_free(bind, *port)).expect("a port is free")
}

fn chance() -> u16 {
    let [first, second, ..] = RandomState::new().build_hasher().finish().to_ne_bytes();
    u16::from_ne_bytes([first, second])
}

/// Where a server in a network of its own will listen, this process can't.
fn is_free(bind: &str, port: u16) -> bool {
    TcpListener::bind((bind, port)).or_else(|_| TcpListener::bind(("127.0.0.1", port))).is_ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_port_is_given_twice_and_none_that_is_taken() {
        let ports: BTreeSet<_> = (0..100).map(|_| free_port("127.0.0.1")).collect();
        assert_eq!(ports.len(), 100);
        let taken = TcpListener::bind(("127.0.0.1", free_port("127.0.0.1"))).unwrap();
        assert!(!is_free("127.0.0.1", taken.local_addr().unwrap().port()));
    }
}
