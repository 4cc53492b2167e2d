//! Searches, and the entries that they find.

use std::collections::HashMap;

use ldap3::{DerefAliases, Ldap as Session, Scope, SearchEntry, SearchOptions};
use weir_conf::settings::LdapScope;

use super::{Failed, result_code, silent};
use crate::chain;

/// More groups of somebody are no groups.
pub(super) const ENTRIES_MAX: i32 = 10_000;

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
    /// One that is not there.
    pub(super) fn nobody(base: &str) -> Self {
        let dn = format!("cn=nobody of that name,{base}");
        let dn = dn.trim_end_matches(',').to_owned();
        Self { dn, texts: HashMap::new(), bytes: HashMap::new() }
    }

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

/// `(wanted, max)`: the attributes, and how many entries are enough.
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
    let mut limit = max;
    let (entries, code) = loop {
        let options = SearchOptions::new().sizelimit(limit).deref(DerefAliases::Never);
        let session = session.with_search_options(options);
        let answer = session.search(base, scope, filter, wanted).await;
        let ldap3::SearchResult(entries, result) = answer.map_err(|it| match it {
            ldap3::LdapError::FilterParsing => {
                Failed::from(silent(14011, "the filter in weir.users.ldap is none"))
            }
            other => Failed::Away(chain(&other)),
        })?;
        // Some servers refuse a limit beyond their own, which holds where none is asked for.
        match result.rc == result_code::ADMIN_LIMIT_EXCEEDED && limit > 0 {
            true => limit = 0,
            false => break (entries, result.rc),
        }
    };
    match code {
        // What is elsewhere is not looked for: it counts as not there.
        result_code::SUCCESS | result_code::SIZE_LIMIT_EXCEEDED | result_code::REFERRAL => {}
        result_code::NO_SUCH_OBJECT => {
            return Err(silent(14011, &format!("there is no entry {base}")).into());
        }
        code if result_code::is_away(code) => return Err(result_code::away(code)),
        code => return Err(silent(14011, &format!("LDAP result {code} below {base}")).into()),
    }
    let max = usize::try_from(max).unwrap_or_default();
    let mut entries: Vec<_> =
        entries.into_iter().filter(|it| !it.is_ref() && !it.is_intermediate()).collect();
    let is_cut = code == result_code::SIZE_LIMIT_EXCEEDED || entries.len() > max;
    entries.truncate(max);
    let entries = entries.into_iter().map(|it| Entry::of(SearchEntry::construct(it)));
    Ok(Found { entries: entries.collect(), is_cut })
}
