//! A directory: who somebody is, whether the password is theirs, and which groups they are in.
//!
//! - L1: a name is a value in a filter and nothing else: whatever stands in it is escaped.
//! - L2: nobody is let in who is not exactly one entry, and no password that is empty is ever tried.
//! - L3: nothing is said on a connection that another machine could read; where TLS was asked for and is not
//!   there, the connection ends.
//! - L4: referrals lead elsewhere, and are not followed.
//! - L5: for a name that nobody has the same is done as for one that somebody has: how long it takes must not tell.
//! - L6: only what is said of a password counts against it: a server that can't answer now has not answered.

mod connection;
mod result_code;
mod search;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt as _;
use ldap3::{Ldap as Session, ldap_escape};
use rustls::ClientConfig;
use weir_conf::settings;
use weir_controllers::users::{Directory, Doubt, Gate, Origin, Person, Profile};
use weir_domain::{Fault, UserName};
use weir_secrets::Secret;

use crate::groups::{GroupMap, dn};
use crate::trust;
use connection::Connection;
use search::{Entry, Found};

/// Of entries with one name: more are not told apart.
const NAMESAKES_MAX: i32 = 16;

pub struct Ldap {
    settings: settings::Ldap,
    tls: Arc<ClientConfig>,
    password: Option<Secret>,
    roles: GroupMap,
    /// The server to ask first: the one that answered last.
    last: AtomicUsize,
}

/// Who is asked for.
#[derive(Clone, Copy)]
enum Wanted<'a> {
    /// Whoever logs in with that.
    LogIn { name: &'a str, password: &'a Secret, gate: &'a dyn Gate },
    /// Somebody who was let in before.
    Known { name: &'a UserName, subject: &'a str },
}

/// Why a server gave no person.
enum Failed {
    /// Another one may.
    Away(String),
    Settled(Doubt),
}

impl From<Doubt> for Failed {
    fn from(doubt: Doubt) -> Self {
        Self::Settled(doubt)
    }
}

impl Ldap {
    pub fn new(settings: &settings::Ldap) -> Result<Self, Fault> {
        let path = "users.ldap.bind-password";
        let (file, variable) = (&settings.bind_password_file, &settings.bind_password_variable);
        Ok(Self {
            tls: trust::tls("users.ldap.ca", settings.ca.as_deref())?,
            password: crate::secret(path, file.as_ref(), variable.as_ref())?,
            roles: GroupMap::by_dn(&settings.roles),
            settings: settings.clone(),
            last: AtomicUsize::new(0),
        })
    }

    /// Asks one server after the other until one answers.
    async fn asked(&self, wanted: Wanted<'_>, within: Duration) -> Result<Person, Doubt> {
        let count = self.settings.urls.len();
        let first = self.last.load(Ordering::Relaxed);
        let mut away = Vec::new();
        let each = async {
            for number in (0..count).map(|it| (first + it) % count) {
                let url = &self.settings.urls[number];
                let timeout = self.settings.timeout.duration();
                // Whoever asks next begins behind one that is silent: there may be no time for all.
                self.last.store((number + 1) % count, Ordering::Relaxed);
                let asked = AssertUnwindSafe(self.at(url, wanted)).catch_unwind();
                let failed = match tokio::time::timeout(timeout, asked).await {
                    Ok(Ok(Ok(person))) => {
                        self.last.store(number, Ordering::Relaxed);
                        return Ok(person);
                    }
                    Ok(Ok(Err(Failed::Settled(doubt)))) => {
                        if !matches!(doubt, Doubt::Silent(_)) {
                            self.last.store(number, Ordering::Relaxed);
                        }
                        return Err(doubt);
                    }
                    Ok(Ok(Err(Failed::Away(cause)))) => cause,
                    Ok(Err(_)) => "it answers what is no LDAP".to_owned(),
                    Err(_) => format!("no answer within {}", self.settings.timeout),
                };
                away.push(format!("{url}: {failed}"));
            }
            Err(silent(14010, &away.join("; ")))
        };
        match tokio::time::timeout(within, each).await {
            Ok(answer) => answer,
            Err(_) => Err(silent(14010, "no answer of the servers together in time")),
        }
    }

    async fn at(&self, url: &str, wanted: Wanted<'_>) -> Result<Person, Failed> {
        let tls = (self.tls.clone(), self.settings.start_tls);
        let connection = Connection::open(url, tls).await.map_err(Failed::Away)?;
        connection.work(async |session| self.person(session, url, wanted).await).await
    }

    async fn person(
        &self,
        session: &mut Session,
        url: &str,
        wanted: Wanted<'_>,
    ) -> Result<Person, Failed> {
        if let (false, Some(password)) = (self.settings.bind_dn.is_empty(), &self.password) {
            let code = bound(session, &self.settings.bind_dn, password).await?;
            if code != result_code::SUCCESS {
                let who = &self.settings.bind_dn;
                let cause = format!("{url} does not let {who} in (LDAP result {code})");
                return Err(silent(14011, &cause).into());
            }
        }
        match wanted {
            Wanted::LogIn { name, password, gate } => {
                self.log_in(session, name, (password, gate)).await
            }
            Wanted::Known { name, subject } => self.still(session, name, subject).await,
        }
    }

    async fn log_in(
        &self,
        session: &mut Session,
        name: &str,
        (password, gate): (&Secret, &dyn Gate),
    ) -> Result<Person, Failed> {
        let filter = filled(&self.settings.filter, "{name}", name);
        let found = one(self.people(session, &filter, 2).await?);
        let nobody = Entry::nobody(&self.settings.base);
        let entry = found.as_ref().unwrap_or(&nobody);
        let groups = self.groups(session, entry).await?;
        // Who lacks what stays is told so behind their password.
        let subject = self.subject(entry).unwrap_or_else(|_| by_dn(entry));
        gate.may_try(found.is_ok().then_some(subject.as_str())).await?;
        let code = bound(session, &entry.dn, password).await?;
        let entry = found?;
        match code {
            result_code::SUCCESS => Ok(self.known(&entry, &groups)?),
            code if result_code::is_refusal(code) => Err(Doubt::Wrong(refusal(code)).into()),
            code => {
                let cause = format!("passwords can't be checked there (LDAP result {code})");
                Err(silent(14011, &cause).into())
            }
        }
    }

    /// Whoever is still there as the one of that name whom the subject names. What they logged in with is not
    /// known any more: they are searched by the attribute that they are called by here.
    async fn still(
        &self,
        session: &mut Session,
        name: &UserName,
        subject: &str,
    ) -> Result<Person, Failed> {
        let filter = again(&self.settings.filter, &self.settings.name_attribute, name.as_str());
        let found = self.people(session, &filter, NAMESAKES_MAX).await?;
        let (mut theirs, mut unclear) = (Vec::new(), found.is_cut.then(|| many(name)));
        for entry in found.entries {
            match self.subject(&entry) {
                Ok(it) if it == subject => theirs.push(entry),
                Ok(_) => {}
                Err(doubt) => unclear = Some(doubt),
            }
        }
        let entry = match (theirs.pop(), theirs.is_empty()) {
            (Some(entry), true) => entry,
            (Some(_), false) => return Err(many(name).into()),
            (None, _) => {
                let gone = || Doubt::Wrong("the directory has them under that name no more".into());
                return Err(unclear.unwrap_or_else(gone).into());
            }
        };
        let groups = self.groups(session, &entry).await?;
        let person = self.known(&entry, &groups)?;
        match person.name.as_str().eq_ignore_ascii_case(name.as_str()) {
            true => Ok(person),
            false => {
                let why = format!("the directory calls them {} now", person.name);
                Err(Doubt::Wrong(why).into())
            }
        }
    }

    async fn people(&self, session: &mut Session, filter: &str, max: i32) -> Result<Found, Failed> {
        let place = (self.settings.base.as_str(), self.settings.scope);
        let groups = self.settings.groups.attribute.as_deref();
        let id = self.settings.id_attribute.as_deref();
        let wanted = [self.settings.name_attribute.as_str(), "givenName", "sn", "mail"];
        let wanted: Vec<_> = wanted.into_iter().chain(groups).chain(id).collect();
        search::search(session, place, filter, (&wanted, max)).await
    }

    async fn groups(&self, session: &mut Session, entry: &Entry) -> Result<Vec<String>, Failed> {
        let groups = &self.settings.groups;
        let listed = groups.attribute.as_deref().map(|it| entry.all(it)).unwrap_or_default();
        let mut all = listed.to_vec();
        if let Some(base) = &groups.base {
            let filter = filled(&groups.filter, "{dn}", &entry.dn);
            let place = (base.as_str(), settings::LdapScope::Subtree);
            // No attribute: the names alone.
            let found =
                search::search(session, place, &filter, (&["1.1"], search::ENTRIES_MAX)).await?;
            all.extend(found.entries.into_iter().map(|it| it.dn));
        }
        Ok(all)
    }

    fn known(&self, entry: &Entry, groups: &[String]) -> Result<Person, Doubt> {
        let attribute = &self.settings.name_attribute;
        let name = entry.all(attribute).iter().find_map(|it| it.parse::<UserName>().ok());
        let name = name.ok_or_else(|| {
            let why =
                format!("the attribute {attribute} of {} is no name that users have", entry.dn);
            Doubt::NotAdmitted(why)
        })?;
        let roles = self.roles.given(groups);
        let roles = roles.map_err(|why| Doubt::NotAdmitted(format!("{}: {why}", entry.dn)))?;
        let first = |attribute| entry.all(attribute).first().cloned().unwrap_or_default();
        let profile = Profile {
            first_name: first("givenName"),
            last_name: first("sn"),
            email: first("mail"),
            description: String::new(),
        };
        let subject = self.subject(entry)?;
        Ok(Person { name, origin: Origin::Ldap, subject, profile, roles })
    }

    /// What stays with them. The DN is none where the settings name an attribute: it may be another one's later.
    fn subject(&self, entry: &Entry) -> Result<String, Doubt> {
        let Some(attribute) = &self.settings.id_attribute else {
            return Ok(by_dn(entry));
        };
        let id = entry.id(attribute).filter(|it| !it.is_empty());
        id.map(|it| format!("id:{it}")).ok_or_else(|| {
            silent(14011, &format!(
                "{} has no value of {attribute}, which weir.users.ldap.id-attribute names, or none \
                 that weir.users.ldap.bind-dn may read",
                entry.dn
            ))
        })
    }
}

/// Whom a name leads to.
fn one(mut found: Found) -> Result<Entry, Doubt> {
    let wrong = |why: &str| Err(Doubt::Wrong(why.to_owned()));
    match (found.entries.pop(), found.entries.is_empty() && !found.is_cut) {
        (None, _) => wrong("the directory has nobody of that name"),
        // The name alone would not say who that is.
        (Some(_), false) => wrong("the filter weir.users.ldap.filter finds more than one entry"),
        (Some(entry), true) if entry.dn.trim().is_empty() => wrong("the entry has no DN"),
        (Some(entry), true) => Ok(entry),
    }
}

fn by_dn(entry: &Entry) -> String {
    format!("dn:{}", dn(&entry.dn))
}

/// The filter with a value in it, which ends nothing there and begins nothing.
fn filled(filter: &str, place: &str, value: &str) -> String {
    filter.replace(place, &ldap_escape(value))
}

/// Finds those whom the filter would let in under whatever name, and who are called that here.
fn again(filter: &str, attribute: &str, name: &str) -> String {
    // There is no presence by another rule than equality.
    let by_rule = [":={name}", "~={name}", ">={name}", "<={name}"];
    let filter = by_rule.iter().fold(filter.to_owned(), |filter, rule| {
        filter.replace(rule, &filled(rule, "{name}", name))
    });
    format!("(&({attribute}={}){})", ldap_escape(name), filter.replace("{name}", "*"))
}

fn many(name: &UserName) -> Doubt {
    let cause = format!("there is more than one entry that may be {name}, and nothing tells which");
    silent(14011, &cause)
}

fn refusal(code: u32) -> String {
    match code {
        result_code::INVALID_CREDENTIALS => "the password is wrong".to_owned(),
        code => format!("the directory does not let them in (LDAP result {code})"),
    }
}

/// The result of a bind that the server decided. Nothing in it tells the password.
async fn bound(session: &mut Session, dn: &str, password: &Secret) -> Result<u32, Failed> {
    let text = password.expose_text().filter(|it| !it.is_empty());
    let text = text.ok_or_else(|| Doubt::Wrong("the password is empty, or no text".into()))?;
    let answer = session.simple_bind(dn, text).await;
    match answer.map(|it| it.rc) {
        Ok(code) if result_code::is_away(code) => Err(result_code::away(code)),
        Ok(code) => Ok(code),
        Err(error) => Err(Failed::Away(crate::chain(&error))),
    }
}

fn silent(code: u32, cause: &str) -> Doubt {
    let fault = match code {
        14011 => Fault::transient(14011, format!("the directory can't be searched: {cause}"))
            .with_hint("correct weir.users.ldap, and start the engine anew"),
        _ => Fault::transient(14010, format!("no directory answers: {cause}"))
            .with_hint("do the servers of weir.users.ldap.urls run, and does weir.users.ldap.ca sign their certificates?"),
    };
    Doubt::Silent(fault)
}

#[async_trait]
impl Directory for Ldap {
    async fn check(
        &self,
        name: &str,
        (password, gate): (&Secret, &dyn Gate),
        within: Duration,
    ) -> Result<Person, Doubt> {
        self.asked(Wanted::LogIn { name, password, gate }, within).await
    }

    async fn look_up(
        &self,
        name: &UserName,
        subject: &str,
        within: Duration,
    ) -> Result<Person, Doubt> {
        self.asked(Wanted::Known { name, subject }, within).await
    }

    fn recheck_every(&self) -> Duration {
        self.settings.recheck_every.duration()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_value_in_a_filter_whatever_stands_in_it() {
        let filter = "(&(objectClass=person)(|(uid={name})(mail={name})))";
        let of = |name: &str| filled(filter, "{name}", name);
        assert_eq!(of("eve"), "(&(objectClass=person)(|(uid=eve)(mail=eve)))");
        let inner = |name: &str| filled("(uid={name})", "{name}", name);
        assert_eq!(inner("*"), "(uid=\\2a)");
        assert_eq!(inner("eve)(uid=*"), "(uid=eve\\29\\28uid=\\2a)");
        assert_eq!(inner("a\\2a\0"), "(uid=a\\5c2a\\00)");
        assert_eq!(inner("{name}"), "(uid={name})");
    }

    #[test]
    fn who_is_looked_up_is_searched_by_the_own_name_and_must_be_let_in_still() {
        let of = |filter: &str| again(filter, "uid", "e*e");
        assert_eq!(of("(mail={name})"), "(&(uid=e\\2ae)(mail=*))");
        let enabled = "(&(|(uid={name})(mail={name}))(!(disabled=TRUE)))";
        assert_eq!(of(enabled), "(&(uid=e\\2ae)(&(|(uid=*)(mail=*))(!(disabled=TRUE))))");
        assert_eq!(of("(cn:caseExactMatch:={name})"), "(&(uid=e\\2ae)(cn:caseExactMatch:=e\\2ae))");
    }
}
