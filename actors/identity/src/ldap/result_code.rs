//! What the codes of LDAP results mean here.

use super::Failed;

pub(super) const SUCCESS: u32 = 0;
pub(super) const SIZE_LIMIT_EXCEEDED: u32 = 4;
pub(super) const REFERRAL: u32 = 10;
pub(super) const ADMIN_LIMIT_EXCEEDED: u32 = 11;
pub(super) const NO_SUCH_OBJECT: u32 = 32;
/// The password is not that of the entry.
pub(super) const INVALID_CREDENTIALS: u32 = 49;

const OPERATIONS_ERROR: u32 = 1;
const TIME_LIMIT_EXCEEDED: u32 = 3;
const BUSY: u32 = 51;
const UNAVAILABLE: u32 = 52;
const OTHER: u32 = 80;

const CONSTRAINT_VIOLATION: u32 = 19;
const INAPPROPRIATE_AUTHENTICATION: u32 = 48;
const INSUFFICIENT_ACCESS_RIGHTS: u32 = 50;
const UNWILLING_TO_PERFORM: u32 = 53;

/// Something is wrong with the server itself, for now: another one may answer.
pub(super) fn is_away(code: u32) -> bool {
    matches!(code, OPERATIONS_ERROR | TIME_LIMIT_EXCEEDED | BUSY | UNAVAILABLE | OTHER)
}

pub(super) fn away(code: u32) -> Failed {
    Failed::Away(format!("it can't answer now (LDAP result {code})"))
}

/// Of somebody's own bind: the password is wrong, or the account may not log in. Directories say of one that is
/// locked, has expired or has no password what they like, so that all of these are known.
pub(super) fn is_refusal(code: u32) -> bool {
    matches!(
        code,
        CONSTRAINT_VIOLATION
            | NO_SUCH_OBJECT
            | INAPPROPRIATE_AUTHENTICATION
            | INVALID_CREDENTIALS
            | INSUFFICIENT_ACCESS_RIGHTS
            | UNWILLING_TO_PERFORM
    )
}
