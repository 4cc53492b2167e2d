//! The codes of this room: 12 is for keys and secrets.

use weir_domain::Code;

/// No private key for a secret.
pub(crate) const MISSING_KEY: Code = Code(12_001);
/// A secret would be sealed to nobody.
pub(crate) const NO_KEYS: Code = Code(12_002);
/// A secret is not as it was sealed.
pub(crate) const DAMAGED: Code = Code(12_003);
/// A text is no sealed secret.
pub(crate) const NOT_SEALED: Code = Code(12_004);
/// A text is no key of the kind that is taken.
pub(crate) const NOT_A_KEY: Code = Code(12_005);
/// A private key is kept with another public key.
pub(crate) const MISMATCH: Code = Code(12_006);
/// Private keys are under another master key.
pub(crate) const WRONG_MASTER: Code = Code(12_007);
/// A passphrase opens nothing.
pub(crate) const WRONG_PASSPHRASE: Code = Code(12_008);
/// A key is under a passphrase.
pub(crate) const PASSPHRASE_NEEDED: Code = Code(12_009);
/// A passphrase is too short.
pub(crate) const WEAK_PASSPHRASE: Code = Code(12_010);
/// A key is under a passphrase that costs too much to try.
pub(crate) const TOO_COSTLY: Code = Code(12_011);
/// Others can read a key file.
pub(crate) const EXPOSED: Code = Code(12_012);
/// A key file is not one.
pub(crate) const BAD_FILE: Code = Code(12_013);
/// A key file can not be read or written.
pub(crate) const FILE: Code = Code(12_014);
/// A variable of the environment is not set.
pub(crate) const NO_VARIABLE: Code = Code(12_015);
/// A configuration names a secret that is not there.
pub(crate) const UNKNOWN: Code = Code(12_016);
/// A secret that is no text stands in a text.
pub(crate) const NOT_TEXT: Code = Code(12_017);
/// A secret stands where it was not sealed for.
pub(crate) const MOVED: Code = Code(12_018);
/// A secret has the form of earlier versions, which says for no project and no name.
pub(crate) const UNBOUND: Code = Code(12_019);
