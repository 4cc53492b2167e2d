//! Which hosts are gone to. Whoever may write a project chooses the address, and it is this machine that goes there:
//! what answers it and nobody else, as the services that tell a machine in a cloud its secrets, is left alone.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Services of clouds that are not on link-local addresses.
const METADATA: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

/// Names of hosts; none: any host whose addresses are neither link-local nor those of such services.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hosts(Vec<String>);

impl Hosts {
    /// Each is the name or the address of a host, or `*.example.org` for all below one.
    pub fn only(names: &[String]) -> Self {
        Self(names.iter().map(|it| plain(it)).collect())
    }

    /// Whether a host of this name is gone to at all.
    pub(super) fn have(&self, host: &str) -> bool {
        let host = plain(host);
        let is_it = |it: &String| match it.strip_prefix('*') {
            Some(end) => end.starts_with('.') && host.len() > end.len() && host.ends_with(end),
            None => *it == host,
        };
        self.0.is_empty() || self.0.iter().any(is_it)
    }

    /// Whether this is one of the addresses of a host that is gone to. Names lead where their owners want.
    pub(super) fn lead_to(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let is_link_local = match address {
            IpAddr::V4(it) => it.is_link_local(),
            IpAddr::V6(it) => it.is_unicast_link_local(),
        };
        let is_own = is_link_local || METADATA.contains(&address);
        // Only who is named as this address is meant.
        !is_own || self.0.iter().any(|it| it.parse() == Ok(address))
    }
}

fn plain(host: &str) -> String {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_host_is_gone_to_but_for_those_that_answer_this_machine_alone() {
        let any = Hosts::default();
        assert!(any.have("git.example.org"));
        for (address, is_led_to) in [
            ("10.0.0.1", true),
            ("127.0.0.1", true),
            ("2001:db8::1", true),
            ("169.254.169.254", false),
            ("::ffff:169.254.169.254", false),
            ("fe80::1", false),
            ("febf::1", false),
            ("100.100.100.200", false),
            ("fd00:ec2::254", false),
        ] {
            assert_eq!(any.lead_to(address.parse().unwrap()), is_led_to, "{address}");
        }
    }

    #[test]
    fn hosts_that_are_named_are_the_only_ones() {
        let named = ["Git.example.org", "*.weir.test", "169.254.0.7", "[fe80::7]"];
        let named = Hosts::only(&named.map(str::to_owned));
        for (host, is_one) in [
            ("git.EXAMPLE.org", true),
            ("git.example.org.", true),
            ("a.weir.test", true),
            ("weir.test", false),
            ("aweir.test", false),
            ("example.org", false),
            ("169.254.0.7", true),
            ("[fe80::7]", true),
        ] {
            assert_eq!(named.have(host), is_one, "{host}");
        }
        assert!(named.lead_to("169.254.0.7".parse().unwrap()));
        assert!(named.lead_to("fe80::7".parse().unwrap()));
        assert!(!named.lead_to("169.254.169.254".parse().unwrap()));
    }
}
