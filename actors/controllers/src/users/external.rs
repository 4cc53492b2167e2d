//! Users from outside: recorded when they are let in, with what their groups give them.
//!
//! - A name belongs to whom it came with first: a local user's name is nobody else's, and neither is
//!   that of another person, or of another origin.
//! - They have no password here, and don't count as administrators that can log in: what vouches for them
//!   may be away.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use weir_domain::{RoleName, Timestamp, UserName};
use weir_runtime::Decision;

use super::gate::Known;
use super::{Author, Event, NewSession, Origin, Person, Profile, Rejection, User, Users};

/// What is known of a user from outside, beside what is known of all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct External {
    pub origin: Origin,
    pub subject: String,
    /// What the groups give.
    pub roles: BTreeSet<RoleName>,
    /// Who vouched for them does so still, as far as is known here.
    pub is_vouched: bool,
}

/// Whose password is checked, and by whom.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Standing {
    /// Theirs, here.
    Local,
    /// That of the directory; the name is the one that is stored.
    Outside(Origin, UserName),
    Unknown,
}

/// Who vouches for somebody, as whom, and when they logged in last.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Vouched {
    pub(super) origin: Origin,
    pub(super) subject: String,
    pub(super) logged_in_at: Option<Timestamp>,
}

impl External {
    fn of(person: &Person) -> Self {
        let Person { origin, subject, roles, .. } = person.clone();
        Self { origin, subject, roles, is_vouched: true }
    }
}

impl User {
    pub(super) fn from_outside(person: Person, at: Timestamp) -> Self {
        let external = Some(External::of(&person));
        Self {
            is_enabled: true,
            profile: person.profile,
            roles: BTreeSet::new(),
            must_change: false,
            password_at: at,
            created: Author { user: person.name, at },
            revision: 1,
            logged_in_at: None,
            attempts: super::Attempts::default(),
            password: None,
            password_number: 0,
            external,
        }
    }

    pub(super) fn may_be_known(&self) -> bool {
        self.is_enabled && self.external.as_ref().is_none_or(|it| it.is_vouched)
    }

    /// Given here, and by groups.
    pub(super) fn all_roles(&self) -> impl Iterator<Item = &RoleName> {
        self.roles.iter().chain(self.external.iter().flat_map(|it| &it.roles))
    }
}

impl Users {
    pub(super) fn standing(&self, name: &UserName) -> Standing {
        match self.ignoring_case(name) {
            None => Standing::Unknown,
            Some((stored, it)) => match &it.external {
                None => Standing::Local,
                Some(it) => Standing::Outside(it.origin, stored.clone()),
            },
        }
    }

    /// Who vouches for somebody.
    pub(super) fn vouched_by(&self, name: &UserName) -> Option<Vouched> {
        let user = self.users.get(name)?;
        user.external.as_ref().map(|it| Vouched {
            origin: it.origin,
            subject: it.subject.clone(),
            logged_in_at: user.logged_in_at,
        })
    }

    /// Until when nobody is let in under that name from there.
    pub(super) fn waits(&self, name: &UserName, from: &str, now: Timestamp) -> Option<Timestamp> {
        self.users.get(name)?.attempts.wait_until(from, now)
    }

    /// The user whom the directory knows as that subject, and until when nobody is let in as them from there.
    pub(super) fn subject_waits(&self, subject: &str, from: &str, now: Timestamp) -> Option<Known> {
        let is_it = |it: &External| it.origin == Origin::Ldap && it.subject == subject;
        let (name, user) =
            self.users.iter().find(|it| it.1.external.as_ref().is_some_and(is_it))?;
        let (until, is_at_home) =
            (user.attempts.wait_until(from, now), user.attempts.is_from(from));
        Some(Known { name: name.clone(), until, is_at_home })
    }

    /// Lets in somebody who was vouched for.
    pub(super) fn admit(&self, person: Person, mut session: NewSession) -> Decision<Self> {
        let (mut events, name) = self.recorded(person, session.at)?;
        self.is_id_free(session.id.0)?;
        session.user = name;
        events.push(Event::LoggedIn { session });
        Ok(events)
    }

    /// Records what is said of somebody now who was let in before.
    pub(super) fn refresh(&self, person: Person, at: Timestamp) -> Decision<Self> {
        Ok(self.recorded(person, at)?.0)
    }

    /// Nobody vouches any more for somebody who was let in before.
    pub(super) fn disown(&self, name: UserName, at: Timestamp) -> Decision<Self> {
        let external = self.users.get(&name).and_then(|it| it.external.as_ref());
        match external.is_some_and(|it| it.is_vouched) {
            true => Ok(vec![Event::ExternalDisowned { name, at }]),
            false => Ok(vec![]),
        }
    }

    fn recorded(
        &self,
        mut person: Person,
        at: Timestamp,
    ) -> Result<(Vec<Event>, UserName), Rejection> {
        let not_admitted = |reason: String| Rejection::NotAdmitted { reason };
        person.profile.shorten();
        let known: BTreeSet<_> = self.roles().map(|it| it.name).collect();
        person.roles.retain(|it| known.contains(it));
        if person.roles.is_empty() {
            let reason = "none of the roles that the groups give exists here";
            return Err(not_admitted(reason.to_owned()));
        }
        let Some((name, user)) = self.ignoring_case(&person.name) else {
            self.is_name_free(&person.name)?;
            let name = person.name.clone();
            return Ok((vec![Event::ExternalRecorded { person, at }], name));
        };
        let name = name.clone();
        person.name = name.clone();
        let Some(external) = &user.external else {
            return Err(not_admitted(format!("there is a local user {name}, whose name it is")));
        };
        if external.origin != person.origin {
            return Err(not_admitted(format!("{name} is the name of a user from elsewhere")));
        }
        if external.subject != person.subject {
            return Err(not_admitted(format!(
                "another person was {name} before: delete that user to let this one in"
            )));
        }
        if !user.is_enabled {
            return Err(Rejection::Disabled(name));
        }
        let is_news = *external != External::of(&person) || user.profile != person.profile;
        Ok((is_news.then_some(Event::ExternalRecorded { person, at }).into_iter().collect(), name))
    }

    pub(super) fn record(&mut self, person: Person, at: Timestamp) {
        let Some(user) = self.users.get_mut(&person.name) else {
            self.users.insert(person.name.clone(), User::from_outside(person, at));
            return;
        };
        user.external = Some(External::of(&person));
        user.profile = person.profile;
        user.revision += 1;
    }

    pub(super) fn disowned(&mut self, name: &UserName) {
        self.end_sessions(name, None);
        let user = self.stored(name);
        if let Some(external) = &mut user.external {
            external.is_vouched = false;
            external.roles.clear();
        }
        user.revision += 1;
    }

    fn ignoring_case(&self, name: &UserName) -> Option<(&UserName, &User)> {
        let is_same = |it: &UserName| it.as_str().eq_ignore_ascii_case(name.as_str());
        self.users.iter().find(|it| is_same(it.0))
    }
}

impl Profile {
    /// What others wrote of somebody is no reason to keep them out.
    fn shorten(&mut self) {
        let all =
            [&mut self.first_name, &mut self.last_name, &mut self.email, &mut self.description];
        all.into_iter().for_each(crate::text::shorten);
    }
}
