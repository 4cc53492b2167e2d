//! Why a package was refused: what, where, why, and what to do.

use weir_domain::{Bytes, Code, Digest};

use crate::{Item, SignerKey};

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the file is no package of weir: it does not begin with {expected:?}")]
    NotAPackage { expected: &'static str },
    #[error("the package has format {found}, and this version of weir reads up to {known}")]
    NewerFormat { found: u32, known: u32 },
    #[error("the file ends within {within}: {missing} bytes are missing")]
    Truncated { within: String, missing: u64 },
    #[error("the file goes on after its last object")]
    Trailing,
    #[error("{what} has {size} and may have at most {limit}")]
    TooLarge { what: String, size: Bytes, limit: Bytes },
    #[error("the package has {found} objects and may have at most {limit}")]
    TooManyObjects { found: usize, limit: usize },
    #[error("{what} is malformed: {reason}")]
    Malformed { what: String, reason: String },
    #[error("{0} is there twice")]
    Duplicate(Item),
    #[error("the script path {path:?} is refused: {reason}")]
    UnsafePath { path: String, reason: &'static str },
    #[error("{used_by} refers to {missing}, which the package does not hold")]
    Dangling { used_by: Item, missing: Item },
    #[error("the object {object:.12} of {used_by} is not in the package")]
    Missing { used_by: Item, object: Digest },
    #[error("nothing in the package refers to the object {0:.12}")]
    Unused(Digest),
    #[error(
        "{what} was changed after the package was built: its digest should be {stated:.12} and is {found:.12}"
    )]
    Tampered { what: String, stated: Digest, found: Digest },
    #[error(
        "the manifest or its signature was changed after it was signed: {signer} did not sign this"
    )]
    BadSignature { signer: SignerKey },
    #[error("the package was signed by {signer}, which is not trusted here")]
    UnknownSigner { signer: SignerKey },
    #[error("the project has no workflow: there is nothing to run")]
    Empty,
    #[error("the package can't be read or written")]
    Io(#[source] std::io::Error),
}

impl Error {
    pub fn code(&self) -> Code {
        match self {
            Self::NotAPackage { .. } => Code(2401),
            Self::NewerFormat { .. } => Code(2402),
            Self::Truncated { .. } | Self::Trailing => Code(2403),
            Self::TooLarge { .. } | Self::TooManyObjects { .. } => Code(2404),
            Self::Malformed { .. } => Code(2405),
            Self::Duplicate(_) => Code(2406),
            Self::UnsafePath { .. } => Code(2407),
            Self::Dangling { .. } | Self::Missing { .. } | Self::Unused(_) => Code(2408),
            Self::Tampered { .. } | Self::BadSignature { .. } => Code(2409),
            Self::UnknownSigner { .. } => Code(2410),
            Self::Empty => Code(2411),
            Self::Io(_) => Code(2412),
        }
    }

    /// What a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotAPackage { .. } => {
                "name a file that a configuration server wrote as a package"
            }
            Self::NewerFormat { .. } => {
                "upgrade this cluster first, or build the package with an older version"
            }
            Self::Truncated { .. } | Self::Trailing => {
                "transfer the file again, and compare its size with the original"
            }
            Self::TooLarge { .. } | Self::TooManyObjects { .. } => {
                "leave out what need not be deployed, or deploy it in parts"
            }
            Self::Malformed { .. } | Self::Missing { .. } | Self::Unused(_) => {
                "build the package again; if it is refused again, report it"
            }
            Self::Duplicate(_) => "give each item of a kind a name of its own",
            Self::UnsafePath { .. } => {
                "write a path below the project's directory, as scripts/price.js"
            }
            Self::Dangling { .. } => "add it to the deployment, or remove the reference",
            Self::Tampered { .. } | Self::BadSignature { .. } => {
                "do not use this file: take it anew from the server that built it"
            }
            Self::UnknownSigner { .. } => {
                "if it is yours, name its public key in weir.packages.trusted-signers of each engine; or build the package on a server that is trusted"
            }
            Self::Empty => "select at least one workflow",
            Self::Io(_) => "look at the cause, and try again",
        }
    }
}
