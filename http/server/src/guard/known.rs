//! Bearers that were shown lately, and whose they are: a program that shows its token a thousand
//! times in a second asks the storage once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use weir_controllers::users::Identity;
use weir_domain::KeyFingerprint;
use weir_runtime::Stopwatch;
use weir_secrets::{Bearer, Secret, SecretHash};

use crate::{Access, Refusal};

/// How long an answer is believed.
pub(crate) const BELIEVED: Duration = Duration::from_secs(3);
/// Bearers of users.
const KNOWN_MAX: usize = 1_000;
/// Bearers of nobody. Whoever makes them up takes the room of others that are made up.
const NOBODY_S_MAX: usize = 200;

/// By hash: the bearers themselves are kept nowhere.
#[derive(Default)]
pub(super) struct Known(Mutex<Answers>);

#[derive(Default)]
struct Answers {
    of_users: HashMap<KeyFingerprint, Answer>,
    of_nobody: HashMap<KeyFingerprint, Answer>,
}

struct Answer {
    age: Stopwatch,
    identity: Option<Identity>,
}

impl Known {
    pub(super) async fn identify(
        &self,
        access: &dyn Access,
        shown: &str,
    ) -> Result<Option<Identity>, Refusal> {
        // Nobody was given what does not even look like one.
        if shown.parse::<Bearer>().is_err() {
            return Ok(None);
        }
        let key = SecretHash::of(&Secret::from(shown.to_owned())).into();
        if let Some(identity) = self.find(&key) {
            return Ok(identity);
        }
        let age = Stopwatch::start();
        let identity = access.identify(shown).await?;
        self.keep(key, Answer { age, identity: identity.clone() });
        Ok(identity)
    }

    /// Somebody's rights, sessions or tokens have changed.
    pub(super) fn forget(&self) {
        *self.lock() = Answers::default();
    }

    fn find(&self, key: &KeyFingerprint) -> Option<Option<Identity>> {
        let known = self.lock();
        let answer = known.of_users.get(key).or_else(|| known.of_nobody.get(key))?;
        (answer.age.elapsed() < BELIEVED).then(|| answer.identity.clone())
    }

    fn keep(&self, key: KeyFingerprint, answer: Answer) {
        let mut known = self.lock();
        let (answers, max) = match answer.identity {
            Some(_) => (&mut known.of_users, KNOWN_MAX),
            None => (&mut known.of_nobody, NOBODY_S_MAX),
        };
        if answers.len() >= max {
            answers.retain(|_, it| it.age.elapsed() < BELIEVED);
        }
        if answers.len() < max {
            answers.insert(key, answer);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Answers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
