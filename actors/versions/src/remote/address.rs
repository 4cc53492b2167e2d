//! Addresses of repositories: `https://host/path`, `http://host/path`, and files where that is allowed.

use std::path::PathBuf;

use crate::{Error, Result};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    Http { is_tls: bool, host: String, port: u16, path: String },
    File(PathBuf),
}

/// Longer is none that is used: all of it is compared, and shown.
const BYTES_MAX: usize = 2_000;

pub(crate) fn read(address: &str) -> Result<Address> {
    let refuse = |reason| Err(Error::Address { address: shown(address), reason });
    if address.len() > BYTES_MAX {
        return refuse("it is longer than an address may be");
    }
    if address.chars().any(|it| it.is_control() || it.is_whitespace()) || !address.is_ascii() {
        return refuse("it has characters that no address has: write them as %20 and the like");
    }
    if let Some(path) =
        address.strip_prefix("file://").or(address.strip_prefix('/').map(|_| address))
    {
        return match path.starts_with('/') {
            true => Ok(Address::File(path.into())),
            false => refuse("a file's address begins with file:/// or /"),
        };
    }
    let (is_tls, rest) = match address.split_once("://") {
        Some(("https", rest)) => (true, rest),
        Some(("http", rest)) => (false, rest),
        Some(("ssh" | "git+ssh", _)) => return refuse("ssh is not spoken here: use https"),
        Some(_) => return refuse("only https, http and files are known"),
        None if address.contains('@') && address.contains(':') => {
            return refuse("ssh is not spoken here: use https");
        }
        None => return refuse("it does not begin with https://"),
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if authority.contains('@') {
        return refuse("credentials are not written into addresses");
    }
    if path.contains(['?', '#']) {
        return refuse("it has a query or a fragment");
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => match port.parse() {
            Ok(port) => (host, port),
            Err(_) => return refuse("the port is no number"),
        },
        _ => (authority, if is_tls { 443 } else { 80 }),
    };
    let is_host =
        |it: char| it.is_ascii_alphanumeric() || matches!(it, '.' | '-' | '_' | ':' | '[' | ']');
    if host.is_empty() || !host.chars().all(is_host) || port == 0 {
        return refuse("the host is none");
    }
    let path = path.trim_end_matches('/');
    Ok(Address::Http { is_tls, host: host.to_owned(), port, path: format!("/{path}") })
}

/// Without credentials that somebody wrote into it. Of an address that is used nothing else is missing: two that are
/// shown alike lead to the same place.
pub fn shown(address: &str) -> String {
    let text: String = address.chars().filter(|it| !it.is_control()).take(BYTES_MAX).collect();
    let Some((scheme, rest)) = text.split_once("://") else { return text };
    let end = rest.find('/').unwrap_or(rest.len());
    match rest[..end].rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://******@{host}{}", &rest[end..]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart_or_refused() {
        let http = |is_tls, host: &str, port, path: &str| Address::Http {
            is_tls,
            host: host.to_owned(),
            port,
            path: path.to_owned(),
        };
        assert_eq!(read("https://a.b/c/d.git").unwrap(), http(true, "a.b", 443, "/c/d.git"));
        assert_eq!(read("http://[::1]:80/").unwrap(), http(false, "[::1]", 80, "/"));
        assert_eq!(read("http://[::1]/x").unwrap(), http(false, "[::1]", 80, "/x"));
        assert_eq!(read("file:///a/b").unwrap(), Address::File("/a/b".into()));
        for bad in [
            "ssh://a/b",
            "git@a:b",
            "git://a/b",
            "https://u:p@a/b",
            "https:///b",
            "a/b",
            "https://a:b/c",
            "https://a/b?c",
            "https://a/b c",
            "ext::sh -c x",
            "--upload-pack=x",
            "file://a/b",
            "https://a\r\n/b",
            "https://ä/b",
            "https://a:0/b",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_long_address_is_shown_whole_or_not_used() {
        let long = |end: &str| format!("https://a.b/{}/{end}", "x".repeat(300));
        assert_ne!(shown(&long("one")), shown(&long("two")));
        assert_eq!(shown(&long("one")), long("one"));
        assert!(read(&long("one")).is_ok());
        assert!(read(&long(&"y".repeat(BYTES_MAX))).is_err());
    }

    #[test]
    fn credentials_in_an_address_are_covered() {
        assert_eq!(shown("https://me:hidden@a/b"), "https://******@a/b");
        assert!(!read("https://me:hidden@a/b").unwrap_err().to_string().contains("hidden"));
        assert_eq!(shown("https://a/b@c"), "https://a/b@c");
    }
}
