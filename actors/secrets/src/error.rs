//! Why a key or a secret was refused. No variant ever holds a clear value.

use std::io;
use std::path::PathBuf;

use weir_domain::{Code, Fault, FaultKind, KeyFingerprint};

use crate::{Binding, code};

pub type Result<T> = std::result::Result<T, Error>;

/// A variant per thing that a caller may do differently.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It was sealed to keys that are not here.
    #[error("the secret can't be opened: {}", no_private_key(.0))]
    MissingKey(Vec<KeyFingerprint>),
    /// A value must be sealed to somebody.
    #[error("the secret is sealed to no key: name at least one public key")]
    NoKeys,
    /// It is not as it was sealed, or was not sealed to the keys that it names.
    #[error("the secret that names key {} is damaged or was changed", .0.short())]
    Damaged(KeyFingerprint),
    /// It was copied from where it belongs, or renamed.
    #[error("a value that was sealed as {sealed_as} is used as {used_as}")]
    Moved { sealed_as: Binding, used_as: Binding },
    /// What earlier versions sealed could be opened as any secret of any project.
    #[error("this secret was sealed by an earlier version: it is bound to no project and no name")]
    Unbound,
    #[error("this is no sealed secret: {0}")]
    NotSealed(&'static str),
    #[error("this is no {what}: {reason}")]
    NotAKey { what: &'static str, reason: &'static str },
    /// The private key does not belong to the public key that it is kept with.
    #[error("what is kept as the private key of {} belongs to another public key", .0.short())]
    Mismatch(KeyFingerprint),
    /// Another master key is configured than the one that private keys are kept under.
    #[error(
        "the private key {} is kept under the master key {}, and the one that is configured is {}",
        key.short(), under.short(), given.short()
    )]
    WrongMaster { key: KeyFingerprint, under: KeyFingerprint, given: KeyFingerprint },
    #[error("the passphrase is wrong, or what it protects is damaged")]
    WrongPassphrase,
    #[error("the key is protected by a passphrase, and none was given")]
    PassphraseNeeded,
    #[error("the passphrase has {given} characters and must have at least {min}")]
    WeakPassphrase { given: usize, min: usize },
    /// Opening it would take more memory than a key is worth.
    #[error("the key's passphrase protection is too costly to open: its scrypt factor is {0}")]
    TooCostly(u8),
    #[error("the key file {} can be read by others: its mode is {mode:04o}", path.display())]
    Exposed { path: PathBuf, mode: u32 },
    #[error("the key file {} {reason}", path.display())]
    BadFile { path: PathBuf, reason: &'static str },
    #[error("the key file {} can't be {action}", path.display())]
    File { path: PathBuf, action: &'static str, source: io::Error },
    #[error("the environment has no variable {0} that holds a master key")]
    NoVariable(String),
    /// A configuration names a secret that did not come along.
    #[error("there is no secret {0:?}")]
    Unknown(String),
    #[error("the value of secret {0:?} is no text, and it stands in one")]
    NotText(String),
}

fn no_private_key(keys: &[KeyFingerprint]) -> String {
    let keys: Vec<_> = keys.iter().map(ToString::to_string).collect();
    format!("there is no private key with fingerprint {}", keys.join(" or "))
}

impl Error {
    /// Its stable number.
    fn code(&self) -> Code {
        match self {
            Self::MissingKey(_) => code::MISSING_KEY,
            Self::NoKeys => code::NO_KEYS,
            Self::Damaged(_) => code::DAMAGED,
            Self::Moved { .. } => code::MOVED,
            Self::Unbound => code::UNBOUND,
            Self::NotSealed(_) => code::NOT_SEALED,
            Self::NotAKey { .. } => code::NOT_A_KEY,
            Self::Mismatch(_) => code::MISMATCH,
            Self::WrongMaster { .. } => code::WRONG_MASTER,
            Self::WrongPassphrase => code::WRONG_PASSPHRASE,
            Self::PassphraseNeeded => code::PASSPHRASE_NEEDED,
            Self::WeakPassphrase { .. } => code::WEAK_PASSPHRASE,
            Self::TooCostly(_) => code::TOO_COSTLY,
            Self::Exposed { .. } => code::EXPOSED,
            Self::BadFile { .. } => code::BAD_FILE,
            Self::File { .. } => code::FILE,
            Self::NoVariable(_) => code::NO_VARIABLE,
            Self::Unknown(_) => code::UNKNOWN,
            Self::NotText(_) => code::NOT_TEXT,
        }
    }

    /// What a person can do about it.
    fn hint(&self) -> &'static str {
        match self {
            Self::MissingKey(_) => {
                "import the key pair on this cluster, or seal the secret again to one of its keys"
            }
            Self::NoKeys => "choose a public key of the cluster that will use the secret",
            Self::Damaged(_) | Self::NotSealed(_) => "seal the value again, and copy it whole",
            Self::Moved { .. } => {
                "seal the value for where it is used: `weir secret encrypt NAME --project PROJECT`"
            }
            Self::Unbound => {
                "seal the value anew with `weir secret encrypt NAME --project PROJECT`; then build, \
                 upload and activate the package anew"
            }
            Self::NotAKey { .. } => "make a key pair with `age-keygen` or let Weir make one",
            Self::Mismatch(_) => "import the key pair anew from its backup",
            Self::WrongMaster { .. } => {
                "configure the master key with the first fingerprint, or rotate with both at hand"
            }
            Self::WrongPassphrase => "check the passphrase, and that the file is whole",
            Self::PassphraseNeeded => "give the passphrase that the key was exported with",
            Self::WeakPassphrase { .. } => "use several random words",
            Self::TooCostly(_) => "protect the key anew with a scrypt factor of 18 or less",
            Self::Exposed { .. } => "give it to the user that runs Weir, and run `chmod 600` on it",
            Self::BadFile { .. } => "name the file that holds the key",
            Self::File { .. } => "see that it exists and belongs to the user that runs Weir",
            Self::NoVariable(_) => "set the variable for the process, or name a key file instead",
            Self::Unknown(_) => {
                "secrets come with packages: `weir build` the project, and upload it"
            }
            Self::NotText(_) => "seal a value that is UTF-8",
        }
    }
}

impl From<&Error> for Fault {
    fn from(error: &Error) -> Self {
        let cause = match error {
            Error::File { source, .. } => format!("{error}: {source}"),
            _ => error.to_string(),
        };
        Fault::new(FaultKind::Config, error.code().0, cause).with_hint(error.hint())
    }
}
