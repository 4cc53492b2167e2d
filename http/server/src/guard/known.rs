//! Bearers that were shown lately, and whose they are: a program that shows its token a thousand
//! times in a second asks the storage once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use weir_controllers::users::Identity;
use weir_domain::KeyFingerprint;
use weir_runtime::Stopwatch;
use weir_secrets::{Secret, SecretHash};

use crate::{Access, Refusal};

/// How long an answer is believed.
const BELIEVED: Duration = Duration::from_secs(3);
/// Somebody who makes up bearers must not fill the memory.
const KNOWN_MAX: usize = 1_000;

/// By hash: the bearers themselves are kept nowhere.
#[derive(Default)]
pub(super) struct Known(Mutex<HashMap<KeyFingerprint, Answer>>);

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
        self.lock().clear();
    }

    fn find(&self, key: &KeyFingerprint) -> Option<Option<Identity>> {
        let known = self.lock();
        known.get(key).filter(|it| it.age.elapsed() < BELIEVED).map(|it| it.identity.clone())
    }

    fn keep(&self, key: KeyFingerprint, answer: Answer) {
        let mut known = self.lock();
        if known.len() >= KNOWN_MAX {
            known.retain(|_, it| it.age.elapsed() < BELIEVED);
        }
        if known.len() < KNOWN_MAX {
            known.insert(key, answer);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<KeyFingerprint, Answer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
