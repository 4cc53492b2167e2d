//! Who changes something, and when.

use serde::{Deserialize, Serialize};
use weir_domain::{CommandId, Timestamp, UserName};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    pub user: UserName,
    pub at: Timestamp,
}

/// Who sends a command, and the id that it has however often it is sent: it is carried out once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    pub user: UserName,
    pub command: CommandId,
}

impl Author {
    /// Who shows the token of the configuration. No user has that name.
    pub fn operator() -> UserName {
        UserName::new("management-token").expect("the name is valid")
    }

    /// Who is on the engine's own machine and did not log in. No user has that name.
    pub fn local() -> UserName {
        UserName::new("local").expect("the name is valid")
    }

    /// Who does what nobody asked for. No user has that name.
    pub(crate) fn weir() -> UserName {
        UserName::new("weir").expect("the name is valid")
    }
}
