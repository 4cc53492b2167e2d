//! What users of a configuration server may let it run.

use serde::{Deserialize, Serialize};
use weir_domain::{Bytes, Millis};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Runs {
    /// What a script gets, whatever its stage says.
    pub script_memory: Bytes,
    pub script_time: Millis,
    /// What all scripts of a project may take to load, for one run.
    pub script_loading: Millis,
    /// What a case of a test gets, whatever it says.
    pub case_timeout: Millis,
    /// For all cases that are asked for at once.
    pub tests_timeout: Millis,
    /// Operations of all kinds that run at once: of all users, and of one.
    pub operations: u32,
    pub operations_of_user: u32,
    /// Runs on samples, formats of samples and looks at sources that one user may have begun at once.
    pub samples_of_user: u32,
}
