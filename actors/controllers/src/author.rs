//! Who changes something, and when.

use serde::{Deserialize, Serialize};
use weir_domain::{Timestamp, UserName};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    pub user: UserName,
    pub at: Timestamp,
}

impl Author {
    /// Who does what nobody asked for. No user has that name.
    pub(crate) fn weir() -> UserName {
        UserName::new("weir").expect("the name is valid")
    }
}
