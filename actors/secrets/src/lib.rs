//! Key pairs, values that are sealed to them, and the master key that private keys are kept under;
//! passwords and tokens.
//!
//! Anyone may seal a value to a public key; only who has the private key opens it. All encryption
//! is age's (X25519, ChaCha20-Poly1305): what is stored here can be opened without Weir, by the
//! `age` tool, with the right key.
//!
//! Invariants:
//! - K1: a clear value and a private key are only ever in a `Secret` or `PrivateKey`: wiped when
//!   dropped, and neither shown, logged nor serialised.
//! - K2: what was changed since it was sealed is refused, never opened to something else.
//! - K3: private keys are stored under a master key or leave under a passphrase, never in clear.
//! - K4: a secret of a project is opened as that project's, under its own name, and as nothing else.
//!
//! Not here: who may use which key (Key Storage decides), and where anything is stored. The keys'
//! randomness is the operating system's and can't be seeded.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod bearer;
mod bound;
mod code;
mod error;
mod exchange;
mod file;
mod key;
mod keyring;
mod master;
mod opened;
mod password;
mod reference;
mod sealed;
mod secret;
mod signing;

pub use bearer::{Bearer, NoBearer, SecretHash, random_secret};
pub use bound::{Binding, SealedSecret};
pub use error::{Error, Result};
pub use exchange::{PASSPHRASE_MIN, export, import};
pub use file::{read_private, write_private};
pub use key::{PrivateKey, PublicKey};
pub use keyring::Keyring;
pub use master::{MasterKey, MasterSource, Wrapped};
pub use opened::{Opened, Quoting};
pub use password::PasswordHash;
pub use reference::{Piece, may_name_secrets, pieces};
pub use sealed::Sealed;
pub use secret::Secret;
pub use signing::{ServerKey, SigningKey};
