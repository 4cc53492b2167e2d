//! The key of one instance of a controller: clear values are sealed to it on their way here, so
//! that they are clear in no message.

use weir_secrets::{Error, PrivateKey, PublicKey, Sealed, Secret};

/// Made anew by every instance, and never stored.
#[derive(Debug, Clone)]
pub(crate) struct Transit(PrivateKey);

impl Transit {
    pub(crate) fn new() -> Self {
        Self(PrivateKey::generate())
    }

    pub(crate) fn public(&self) -> PublicKey {
        self.0.public()
    }

    /// Opens what came. The inner `Err`: it was sealed to another instance, and should be to this
    /// key.
    pub(crate) fn open(&self, sealed: &Sealed) -> Result<Result<Secret, PublicKey>, Error> {
        match sealed.open(&self.0) {
            Ok(value) => Ok(Ok(value)),
            Err(Error::MissingKey(_)) => Ok(Err(self.public())),
            Err(other) => Err(other),
        }
    }
}
