//! Where state is kept: the plugin of the journal, and how to reach its database.

use std::num::NonZeroU32;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use weir_domain::{Bytes, Millis};

use crate::Secret;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Persistence {
    pub journal: Journal,
    pub stream_history: StreamHistory,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Journal {
    pub plugin: JournalPlugin,
    pub sqlite: Sqlite,
    /// For the plugins `mariadb` and `mysql`.
    pub mysql: DatabaseServer,
    pub postgresql: DatabaseServer,
    pub schema: Schema,
    pub queue: NonZeroU32,
    pub timeout: Millis,
}

impl Journal {
    /// The database server in use; `None` for SQLite, which is a file.
    pub fn server(&self) -> Option<&DatabaseServer> {
        match self.plugin {
            JournalPlugin::Sqlite => None,
            JournalPlugin::Mariadb | JournalPlugin::Mysql => Some(&self.mysql),
            JournalPlugin::Postgresql => Some(&self.postgresql),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JournalPlugin {
    Sqlite,
    Mariadb,
    Mysql,
    Postgresql,
}

impl JournalPlugin {
    /// The section of `persistence.journal` that says where the database is.
    pub fn section(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Mariadb | Self::Mysql => "mysql",
            Self::Postgresql => "postgresql",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Sqlite {
    /// As it was written; [`Settings::in_data_dir`](super::Settings::in_data_dir) makes it a path.
    pub file: PathBuf,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DatabaseServer {
    pub host: String,
    pub port: u16,
    pub database: String,
    pub user: String,
    pub password: Option<Secret>,
    pub tls: DatabaseTls,
    pub connections: NonZeroU32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DatabaseTls {
    pub mode: TlsMode,
    /// None: the authorities that this machine trusts.
    pub ca: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsMode {
    /// Encrypted, and the server proves who it is.
    Verify,
    /// Encrypted, to whoever answers.
    Require,
    Off,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Schema {
    pub migrate: Migrate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Migrate {
    /// By `weir persistence migrate` or a database administrator.
    Manual,
    /// By an engine at its start.
    Automatic,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StreamHistory {
    pub keep: u32,
    /// `None`: however old they are.
    pub keep_for: Option<Millis>,
    pub log_lines: NonZeroU32,
    pub log_bytes: Bytes,
}
