//! Which roles groups give. Names of groups in a directory are DNs, which are the same however they are written.

use std::collections::{BTreeMap, BTreeSet};

use weir_conf::settings::GroupRoles;
use weir_domain::RoleName;

pub(crate) struct GroupMap {
    roles: BTreeMap<String, BTreeSet<RoleName>>,
    written: fn(&str) -> String,
}

impl GroupMap {
    /// Of groups that are named by DNs.
    pub(crate) fn by_dn(all: &[GroupRoles]) -> Self {
        Self::new(all, dn)
    }

    /// Of groups that are named as they are.
    pub(crate) fn by_name(all: &[GroupRoles]) -> Self {
        Self::new(all, str::to_owned)
    }

    fn new(all: &[GroupRoles], written: fn(&str) -> String) -> Self {
        let mut roles = BTreeMap::<_, BTreeSet<_>>::new();
        for it in all {
            roles.entry(written(&it.group)).or_default().extend(it.roles.iter().cloned());
        }
        Self { roles, written }
    }

    /// All that the groups give; `Err`: nothing, and why.
    pub(crate) fn given(&self, groups: &[String]) -> Result<BTreeSet<RoleName>, String> {
        let given: BTreeSet<_> =
            groups.iter().filter_map(|it| self.roles.get(&(self.written)(it))).flatten().collect();
        match given.is_empty() {
            false => Ok(given.into_iter().cloned().collect()),
            true => Err(format!("none of {} groups gives a role here", groups.len())),
        }
    }
}

/// A DN as it is compared: in small letters, without spaces around its parts, and escaped in one way alone.
pub(crate) fn dn(text: &str) -> String {
    let mut parts = vec![Vec::new()];
    let mut bytes = text.trim_start().bytes().peekable();
    // How many bytes of the part were escaped: a space of them stays.
    let mut kept = 0;
    while let Some(byte) = bytes.next() {
        let part = parts.last_mut().expect("there is one");
        match byte {
            b'\\' => {
                let Some(first) = bytes.next() else { break };
                let second = bytes.peek().copied().and_then(hex).zip(hex(first));
                match second {
                    Some((low, high)) => {
                        bytes.next();
                        part.push(high << 4 | low);
                    }
                    None => part.push(first),
                }
                kept = part.len();
            }
            b',' | b';' | b'+' | b'=' => {
                ended(part, kept);
                kept = 0;
                let separator = if byte == b';' { b',' } else { byte };
                // Apart from what can stand in a part.
                parts.extend([vec![0, separator], Vec::new()]);
            }
            b' ' if part.is_empty() => {}
            other => part.push(other),
        }
    }
    ended(parts.last_mut().expect("there is one"), kept);
    String::from_utf8_lossy(&parts.concat()).to_lowercase()
}

/// A part without the spaces behind it.
fn ended(part: &mut Vec<u8>, kept: usize) {
    while part.len() > kept && part.last() == Some(&b' ') {
        part.pop();
    }
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|it| u8::try_from(it).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dn_is_the_same_however_it_is_written() {
        let same = [
            "cn=Ops\\, night,ou=Groups,dc=example,dc=org",
            "CN = ops\\2C night , OU=groups; DC=Example,DC=ORG ",
            " cn=ops\\2c night,ou=groups,dc=example,dc=org",
        ];
        assert!(same.iter().all(|it| dn(it) == dn(same[0])), "{:?}", same.map(dn));
        let others = [
            "cn=ops,ou=night,ou=groups,dc=example,dc=org",
            "cn=ops\\,night,ou=groups,dc=example,dc=org",
            "cn=ops,\\ night,ou=groups,dc=example,dc=org",
            "cn=ops\\2c night\\,ou=groups,dc=example,dc=org",
        ];
        assert!(others.iter().all(|it| dn(it) != dn(same[0])), "{:?}", others.map(dn));
        assert_eq!(dn("cn=a\\ "), "cn\0=a ");
        assert_eq!(dn("cn=J\\C3\\A9r\\C3\\B4me"), dn("cn=jérôme"));
        assert_eq!(dn("cn=a\\"), "cn\0=a");
    }

    #[test]
    fn groups_and_roles_are_many_to_many() {
        let one = |group: &str, roles: &[&str]| GroupRoles {
            group: group.into(),
            roles: roles.iter().map(|it| it.parse().unwrap()).collect(),
        };
        let all = [one("cn=a", &["user", "own"]), one("CN=b", &["own"]), one("cn=A", &["admin"])];
        let map = GroupMap::by_dn(&all);
        let given = |groups: &[&str]| {
            let groups: Vec<_> = groups.iter().map(|it| (*it).to_owned()).collect();
            map.given(&groups).map(|it| it.into_iter().map(|it| it.to_string()).collect::<Vec<_>>())
        };
        assert_eq!(given(&["cn=B", "cn=c"]).unwrap(), ["own"]);
        assert_eq!(given(&["cn=a", "cn=b"]).unwrap(), ["admin", "own", "user"]);
        assert!(given(&["cn=c"]).is_err() && given(&[]).is_err());
    }
}
