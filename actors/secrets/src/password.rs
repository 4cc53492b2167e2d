//! Passwords: argon2id, with the cost that OWASP recommends (19 MiB, two passes).
//!
//! Making and checking a hash takes tens of milliseconds on purpose: not for an actor or a task
//! that others wait on.

use std::fmt;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use serde::{Deserialize, Serialize};

use crate::Secret;

/// A password's hash in PHC form, with its own salt and cost, so that the cost can be raised later.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Never the same twice.
    pub fn of(password: &Secret) -> Self {
        let hash: Result<Phc, _> = Argon2::default().hash_password(password.expose());
        // It fails for more than 4 GiB, or where the system has no randomness: as nothing else goes on then, either.
        Self(hash.expect("the system has randomness").to_string())
    }

    /// Whether it is the hash of this password. A hash that can't be read is of none.
    pub fn is_of(&self, password: &Secret) -> bool {
        let parsed = Phc::new(&self.0);
        parsed.is_ok_and(|it| Argon2::default().verify_password(password.expose(), &it).is_ok())
    }
}

/// Not shown: who has it can guess at leisure.
impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_of_its_password_only_and_salted() {
        let (right, wrong) =
            (Secret::from("hunter2".to_owned()), Secret::from("hunter3".to_owned()));
        let (one, two) = (PasswordHash::of(&right), PasswordHash::of(&right));
        assert!(one.is_of(&right) && two.is_of(&right) && one != two);
        assert!(!one.is_of(&wrong) && !PasswordHash("x".into()).is_of(&right));
        assert!(one.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", one.0);
        assert_eq!(format!("{one:?}"), "PasswordHash(***)");
    }
}
