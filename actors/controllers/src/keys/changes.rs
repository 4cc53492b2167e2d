//! What may be changed of keys.

use std::collections::BTreeMap;

use weir_domain::KeyFingerprint;
use weir_runtime::{Decision, EventSourced as _};
use weir_secrets::Wrapped;

use super::{Alias, Author, Certificate, Event, KeyPair, Keys, NewPair, Rejection, Trusted};
use crate::text::is_short;

pub(super) fn free<T>(stored: &BTreeMap<Alias, T>, alias: &Alias) -> Result<(), Rejection> {
    match stored.contains_key(alias) {
        true => Err(Rejection::AliasTaken(alias.clone())),
        false => Ok(()),
    }
}

pub(super) fn there<T>(stored: &BTreeMap<Alias, T>, alias: &Alias) -> Result<(), Rejection> {
    match stored.contains_key(alias) {
        true => Ok(()),
        false => Err(Rejection::UnknownAlias(alias.clone())),
    }
}

impl Keys {
    pub(super) fn create(&self, pair: NewPair, author: Author) -> Decision<Self> {
        self.is_new(&pair)?;
        match self.is_alias_taken(&pair.alias, None) {
            true => Err(Rejection::AliasTaken(pair.alias)),
            false => Ok(vec![Event::Created { pair, author }]),
        }
    }

    pub(super) fn import(&self, mut pair: NewPair, author: Author) -> Decision<Self> {
        self.is_new(&pair)?;
        pair.alias = pair.alias.first_free(|it| self.is_alias_taken(it, None));
        Ok(vec![Event::Imported { pair, author }])
    }

    pub(super) fn rotate(
        &self,
        pair: NewPair,
        expected: Option<KeyFingerprint>,
        author: Author,
    ) -> Decision<Self> {
        self.is_current(expected)?;
        let key = pair.wrapped.public.fingerprint();
        let mut events = self.create(pair, author.clone())?;
        if self.current.is_some() {
            events.push(Event::Chosen { key, author });
        }
        Ok(events)
    }

    pub(super) fn choose(
        &self,
        key: KeyFingerprint,
        expected: Option<KeyFingerprint>,
        author: Author,
    ) -> Decision<Self> {
        self.pair(&key)?;
        if self.current == Some(key) {
            return Ok(vec![]);
        }
        self.is_current(expected)?;
        Ok(vec![Event::Chosen { key, author }])
    }

    pub(super) fn describe(
        &self,
        key: KeyFingerprint,
        alias: Alias,
        description: String,
        author: Author,
    ) -> Decision<Self> {
        let pair = self.pair(&key)?;
        if pair.alias == alias && pair.description == description {
            return Ok(vec![]);
        }
        is_short("description", &description)?;
        match self.is_alias_taken(&alias, Some(&key)) {
            true => Err(Rejection::AliasTaken(alias)),
            false => Ok(vec![Event::Described { key, alias, description, author }]),
        }
    }

    pub(super) fn delete(&self, key: KeyFingerprint, author: Author) -> Decision<Self> {
        let pair = self.pair(&key)?;
        if self.current == Some(key) {
            return Err(Rejection::IsCurrent(pair.alias.clone()));
        }
        let sealed_to_it = |it: &&Trusted<Certificate>| it.value.needs(&key);
        match self.certificates.values().find(sealed_to_it) {
            Some(it) => {
                Err(Rejection::InUse { key: pair.alias.clone(), identity: it.value.alias.clone() })
            }
            None => Ok(vec![Event::Deleted { key, author }]),
        }
    }

    /// Every key at once: a rotation that stopped half way would need two master keys for ever.
    pub(super) fn rewrap(&self, wrapped: Vec<Wrapped>, author: Author) -> Decision<Self> {
        let given: BTreeMap<_, _> =
            wrapped.iter().map(|it| (it.public.fingerprint(), it)).collect();
        if !given.keys().eq(self.pairs.keys()) {
            return Err(Rejection::NotAll);
        }
        let changes =
            |it: &Wrapped| self.pairs[&it.public.fingerprint()].wrapped.master() != it.master();
        let mut events = Vec::new();
        if wrapped.iter().any(changes) {
            events.push(Event::Rewrapped { wrapped, author: author.clone() });
        } else if self.is_restated {
            return Ok(vec![]);
        }
        let mut after = self.clone();
        events.iter().for_each(|it| after.apply(it));
        (after.is_restated, after.owes_forgetting) = (true, true);
        after.restated += 1;
        events.push(Event::Restated { keys: Box::new(after), author });
        Ok(events)
    }

    /// All that was owed, unless the keys were restated once more while it was deleted.
    pub(super) fn confirm_forgotten(&self, restated: u64) -> Vec<Event> {
        let is_it = self.owes_forgetting && self.restated == restated;
        is_it.then_some(Event::Forgotten).into_iter().collect()
    }

    pub(super) fn is_new(&self, pair: &NewPair) -> Result<(), Rejection> {
        is_short("description", &pair.description)?;
        let key = pair.wrapped.public.fingerprint();
        match self.pairs.get(&key) {
            Some(known) => Err(Rejection::Known { key, alias: known.alias.clone() }),
            None => Ok(()),
        }
    }

    pub(super) fn is_current(&self, expected: Option<KeyFingerprint>) -> Result<(), Rejection> {
        match expected.is_none_or(|it| self.current == Some(it)) {
            true => Ok(()),
            false => Err(Rejection::CurrentChanged(self.current)),
        }
    }

    pub(super) fn is_alias_taken(&self, alias: &Alias, except: Option<&KeyFingerprint>) -> bool {
        self.pairs.iter().any(|(key, it)| it.alias == *alias && Some(key) != except)
    }

    pub(super) fn checked(
        &self,
        key: &KeyFingerprint,
        expected: Option<u64>,
    ) -> Result<(), Rejection> {
        let pair = self.pair(key)?;
        let (alias, actual) = (pair.alias.clone(), pair.revision);
        match expected {
            Some(expected) if expected != actual => {
                Err(Rejection::Changed { alias, expected, actual })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn pair(&self, key: &KeyFingerprint) -> Result<&KeyPair, Rejection> {
        self.pairs.get(key).ok_or(Rejection::Unknown(*key))
    }

    pub(super) fn stored(&mut self, key: KeyFingerprint) -> &mut KeyPair {
        self.pairs.get_mut(&key).expect("events are about keys that are stored")
    }
}
