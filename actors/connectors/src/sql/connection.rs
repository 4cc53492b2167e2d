//! How a database is reached: as people write it, and what follows from it.

use std::fmt;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_domain::{Digest, Fault, Finding};

use super::codes;
use crate::finding;

/// Where the database is, and who may use it. Secrets are put in as `${sec:NAME}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "SqlConnection")]
pub struct ConnectionConfig {
    /// `postgres://USER@HOST:PORT/DATABASE`, `mysql://…` (MariaDB too) or `sqlite:FILE`, without a password.
    /// Instead of `type`, `host`, `port`, `database` and `user`, or of `file`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Which database.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<DatabaseKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// 5432 for PostgreSQL, 3306 for MariaDB and MySQL, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Hidden>,
    /// How the connection is protected.
    #[serde(default)]
    pub tls: TlsMode,
    /// The authority that the server's certificate is checked against, as a PEM file, relative to the
    /// project. Absent: those that the machine trusts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// Of SQLite: the file, relative to the project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SqlDatabase")]
pub enum DatabaseKind {
    Postgres,
    /// MySQL and MariaDB.
    #[serde(alias = "mariadb")]
    Mysql,
    Sqlite,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SqlTls")]
pub enum TlsMode {
    /// The server must show a certificate for its host that is trusted.
    #[default]
    Verify,
    /// Protected against who listens, not against who pretends to be the server.
    Require,
    Off,
}

/// A text that is not shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(rename = "SqlPassword")]
pub struct Hidden(String);

impl Hidden {
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A database that can be connected to.
#[derive(Debug, Clone)]
pub(super) struct Address {
    pub(super) kind: DatabaseKind,
    pub(super) place: Place,
    /// Of everything that it is made of, the password among it.
    pub(super) digest: Digest,
}

#[derive(Debug, Clone)]
pub(super) enum Place {
    Server(Server),
    File(PathBuf),
}

#[derive(Debug, Clone)]
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) database: String,
    pub(super) user: String,
    pub(super) password: Option<Hidden>,
    pub(super) tls: TlsMode,
    pub(super) ca: Option<PathBuf>,
}

impl Address {
    /// Whether it is a file that is not there yet, in a directory that is.
    pub(super) fn is_missing_file(&self) -> bool {
        match &self.place {
            Place::File(file) => !file.exists() && file.parent().is_some_and(Path::is_dir),
            Place::Server(_) => false,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::File(file) => write!(f, "the SQLite database {}", file.display()),
            Place::Server(it) => {
                let kind = match self.kind {
                    DatabaseKind::Postgres => "PostgreSQL",
                    DatabaseKind::Mysql | DatabaseKind::Sqlite => "MySQL",
                };
                write!(f, "the {kind} database {} at {}:{}", it.database, it.host, it.port)
            }
        }
    }
}

/// What is wrong with a connection: where below it, why, and what to do.
type Wrong = (&'static str, String, &'static str);

impl ConnectionConfig {
    /// Where it leads. Relative paths are below `base`.
    pub(super) fn address(&self, base: &Path) -> Result<Address, Fault> {
        self.resolve(base).map_err(|(path, cause, fix)| {
            let path = if path.is_empty() { String::new() } else { format!(".{path}") };
            Fault::config(codes::CONFIG, format!("connection{path}: {cause}")).with_hint(fix)
        })
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        let wrong = self.resolve(Path::new("")).err();
        let finding = |(path, cause, fix): Wrong| {
            let path =
                if path.is_empty() { "connection".into() } else { format!("connection.{path}") };
            finding(codes::BAD_CONNECTION, path, cause).with_fix(fix)
        };
        wrong.map(finding).into_iter().collect()
    }

    fn resolve(&self, base: &Path) -> Result<Address, Wrong> {
        let config = match &self.url {
            Some(url) => self.with_url(url)?,
            None => self.clone(),
        };
        let Some(kind) = config.kind.or(config.file.as_ref().map(|_| DatabaseKind::Sqlite)) else {
            let fix = "write for instance url: postgres://weir@localhost/orders";
            return Err(("", "it says nothing of which database it is".to_owned(), fix));
        };
        let place = match kind {
            DatabaseKind::Sqlite => Place::File(base.join(config.sqlite_file()?)),
            DatabaseKind::Postgres | DatabaseKind::Mysql => {
                Place::Server(config.server(kind, base)?)
            }
        };
        let all = serde_json::to_vec(&(&config, base)).unwrap_or_default();
        Ok(Address { kind, place, digest: Digest::of(&all) })
    }

    fn sqlite_file(&self) -> Result<&str, Wrong> {
        let more = [&self.host, &self.user, &self.database].iter().any(|it| it.is_some());
        if more || self.port.is_some() || self.password.is_some() {
            let cause = "SQLite has a file, and no host, port, database, user and password";
            return Err(("", cause.to_owned(), "leave them out"));
        }
        match self.file.as_deref() {
            Some(file) if !file.is_empty() => Ok(file),
            _ => {
                Err(("file", "the file is missing".to_owned(), "write for instance file: data.db"))
            }
        }
    }

    fn server(&self, kind: DatabaseKind, base: &Path) -> Result<Server, Wrong> {
        if self.file.is_some() {
            let fix = "leave it out, or write type: sqlite";
            return Err(("file", "only SQLite has a file".to_owned(), fix));
        }
        let given = |key: &'static str, value: &Option<String>| {
            let value = value.clone().filter(|it| !it.is_empty());
            value.ok_or((key, format!("the {key} is missing"), "write it here, or in url"))
        };
        let port = if kind == DatabaseKind::Postgres { 5432 } else { 3306 };
        Ok(Server {
            host: given("host", &self.host)?,
            port: self.port.unwrap_or(port),
            database: given("database", &self.database)?,
            user: given("user", &self.user)?,
            password: self.password.clone(),
            tls: self.tls,
            ca: self.ca.as_ref().map(|it| base.join(it)),
        })
    }

    /// With the parts of the address, which must not be there twice.
    fn with_url(&self, url: &str) -> Result<Self, Wrong> {
        let parts = [&self.host, &self.database, &self.user, &self.file];
        if self.kind.is_some() || self.port.is_some() || parts.iter().any(|it| it.is_some()) {
            let cause = "what it says is written beside it as well";
            return Err((
                "url",
                cause.to_owned(),
                "write either url, or type, host and the others",
            ));
        }
        const SHAPE: &str = "write postgres://USER@HOST:PORT/DATABASE, mysql://… or sqlite:FILE";
        let unclear = |cause: &str| ("url", cause.to_owned(), SHAPE);
        let (scheme, rest) = url.split_once(':').ok_or_else(|| unclear("it is no address"))?;
        let kind = match scheme {
            "postgres" | "postgresql" => DatabaseKind::Postgres,
            "mysql" | "mariadb" => DatabaseKind::Mysql,
            "sqlite" => {
                let file = rest.strip_prefix("//").unwrap_or(rest).to_owned();
                let kind = Some(DatabaseKind::Sqlite);
                return Ok(Self { url: None, kind, file: Some(file), ..self.clone() });
            }
            _ => return Err(unclear("it begins with no database that is known")),
        };
        let rest = rest.strip_prefix("//").ok_or_else(|| unclear("// is missing"))?;
        let (user, rest) = match rest.rsplit_once('@') {
            Some((user, _)) if user.contains(':') => {
                let fix = "take it out, and write password: ${sec:NAME} beside url";
                return Err(("url", "it has a password in it".to_owned(), fix));
            }
            Some((user, rest)) => (Some(user.to_owned()), rest),
            None => (None, rest),
        };
        let (place, database) = rest.split_once('/').unwrap_or((rest, ""));
        if database.contains(['?', '/']) {
            return Err(unclear("nothing may follow the database"));
        }
        let (host, port) = match place.rsplit_once(':').filter(|it| !it.1.ends_with(']')) {
            Some((host, port)) => {
                (host, Some(port.parse().map_err(|_| unclear("the port is no number"))?))
            }
            None => (place, None),
        };
        let host = Some(host.trim_matches(['[', ']']).to_owned());
        let database = Some(database.to_owned());
        Ok(Self { url: None, kind: Some(kind), host, port, database, user, ..self.clone() })
    }
}
