//! Searches, and the entries that they find.

use std::collections::HashMap;

use ldap3::{DerefAliases, Ldap as Session, Scope, SearchEntry, SearchOptions};
use weir_conf::settings::LdapScope;

use super::{Failed, silent};
use crate::chain;

const SIZE_LIMIT_EXCEEDED: u32 = 4;
const REFERRAL: u32 = 10;
const NO_SUCH_OBJECT: u32 = 32;
/// More groups of somebody are no groups.
const ENTRIES_MAX: usize = 10_000;

pub(super) struct Found {
    pub(super) entries: Vec<Entry>,
    /// There are more than were asked for.
    pub(super) is_cut: bool,
}

/// What is read of an entry.
pub(super) struct Entry {
    pub(super) dn: String,
    texts: HashMap<String, Vec<String>>,
    bytes: HashMap<String, Vec<Vec<u8>>>,
}

impl Entry {
    fn of(it: SearchEntry) -> Self {
        let lower = |it: String| it.to_ascii_lowercase();
        Self {
            dn: it.dn,
            texts: it.attrs.into_iter().map(|(name, it)| (lower(name), it)).collect(),
            bytes: it.bin_attrs.into_iter().map(|(name, it)| (lower(name), it)).collect(),
        }
    }

    /// The values of an attribute, however its name is written.
    pub(super) fn all(&self, attribute: &str) -> &[String] {
        self.texts.get(&attribute.to_ascii_lowercase()).map_or(&[], Vec::as_slice)
    }

    /// The value that stays with the entry, which may be no text.
    pub(super) fn id(&self, attribute: &str) -> Option<String> {
        let bytes = self.bytes.get(&attribute.to_ascii_lowercase()).and_then(|it| it.first());
        let hex = |it: &Vec<u8>| it.iter().map(|it| format!("{it:02x}")).collect::<String>();
        self.all(attribute).first().cloned().or_else(|| bytes.map(hex))
    }
}

/// `(wanted, max)`: the attributes, and how many entries are enough; 0: all.
pub(super) async fn search(
    session: &mut Session,
    (base, scope): (&str, LdapScope),
    filter: &str,
    (wanted, max): (&[&str], i32),
) -> Result<Found, Failed> {
    let scope = match scope {
        LdapScope::Subtree => Scope::Subtree,
        LdapScope::OneLevel => Scope::OneLevel,
    };
    let options = SearchOptions::new().sizelimit(max).deref(DerefAliases::Never);
    let session = session.with_search_options(options);
    let answer = session.search(base, scope, filter, wanted).await;
    let answer = answer.map_err(|it| match it {
        ldap3::LdapError::FilterParsing => {
            Failed::from(silent(14011, "the filter in weir.users.ldap is none"))
        }
        other => Failed::Away(chain(&other)),
    })?;
    let ldap3::SearchResult(entries, result) = answer;
    let is_cut = result.rc == SIZE_LIMIT_EXCEEDED || entries.len() > ENTRIES_MAX;
    match result.rc {
        // What is elsewhere is not looked for: it counts as not there.
        0 | SIZE_LIMIT_EXCEEDED | REFERRAL => {}
        NO_SUCH_OBJECT => {
            return Err(silent(14011, &format!("there is no entry {base}")).into());
        }
        code => return Err(silent(14011, &format!("LDAP result {code} below {base}")).into()),
    }
    let entries = entries.into_iter().filter(|it| !it.is_ref() && !it.is_intermediate());
    let entries = entries.take(ENTRIES_MAX).map(|it| Entry::of(SearchEntry::construct(it)));
    Ok(Found { entries: entries.collect(), is_cut })
}
