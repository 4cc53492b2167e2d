//! What administrators do with the database that engines share, while no engine needs to run.
//!
//! Each function returns what it did or found, one line each.

use weir_cluster::watermark::Watermarks;
use weir_conf::Settings;
use weir_conf::settings::{DatabaseServer, JournalPlugin, TlsMode};
use weir_domain::Fault;
use weir_persistence_sql::{Backend, Kind, Password, ServerSettings, Tls};

use super::ENGINE_LOCK;
use super::lock::DataDir;
use super::refusal;

const OF_SQLITE: &str = "sqlite needs nothing: an engine keeps the tables of its own file current";

/// The database server of the settings; `None` for SQLite, which is a file.
pub(crate) fn server(settings: &Settings) -> Option<Backend> {
    let journal = &settings.persistence.journal;
    let server = journal.server()?;
    let settings = ServerSettings {
        database: server.database.clone(),
        user: server.user.clone(),
        password: Password::new(server.password.as_ref().map_or("", |it| it.expose())),
        tls: tls(server),
        connections: server.connections.get(),
        queue: journal.queue.get() as usize,
        ..ServerSettings::new(server.host.clone(), server.port)
    };
    match kind(journal.plugin) {
        Kind::Sqlite => None,
        Kind::MySql => Some(Backend::MySql(settings)),
        Kind::Postgres => Some(Backend::Postgres(settings)),
    }
}

fn tls(server: &DatabaseServer) -> Tls {
    match server.tls.mode {
        TlsMode::Verify => Tls::Verify { ca: server.tls.ca.clone() },
        TlsMode::Require => Tls::Require,
        TlsMode::Off => Tls::Off,
    }
}

fn kind(plugin: JournalPlugin) -> Kind {
    match plugin {
        JournalPlugin::Sqlite => Kind::Sqlite,
        JournalPlugin::Mariadb | JournalPlugin::Mysql => Kind::MySql,
        JournalPlugin::Postgresql => Kind::Postgres,
    }
}

/// Makes what is missing of the tables.
pub(crate) async fn migrate(settings: &Settings) -> Result<Vec<String>, Fault> {
    let Some(backend) = server(settings) else { return Ok(vec![OF_SQLITE.to_owned()]) };
    let applied =
        weir_persistence_sql::migrate(&backend).await.map_err(|it| refusal::of_store(&it))?;
    let mut steps: Vec<_> = applied.iter().map(|it| format!("applied {it}")).collect();
    if steps.is_empty() {
        steps.push("the tables are those of this version already".to_owned());
    }
    Ok(steps)
}

/// Whether an engine could use the database now.
pub(crate) async fn verify(settings: &Settings) -> Result<Vec<String>, Fault> {
    let (Some(backend), Some(server)) = (server(settings), settings.persistence.journal.server())
    else {
        return Ok(vec![OF_SQLITE.to_owned()]);
    };
    weir_persistence_sql::verify(&backend).await.map_err(|it| refusal::of_store(&it))?;
    let DatabaseServer { database, host, port, .. } = server;
    Ok(vec![format!("the database {database} at {host}:{port} can be used by this version")])
}

/// The SQL that makes the tables.
pub(crate) fn plan(plugin: JournalPlugin) -> Result<String, Fault> {
    weir_persistence_sql::plan(kind(plugin)).ok_or_else(|| Fault::config(61, OF_SQLITE))
}

/// Forgets what this node has seen of its database, so that it takes the database as it is. The
/// engine of the data directory must not run: it would go on with what it remembers.
pub(crate) fn accept_restore(settings: &Settings) -> Result<Vec<String>, Fault> {
    let data_dir = DataDir::open(&settings.data_dir, ENGINE_LOCK).map_err(|error| {
        let other = |it: anyhow::Error| Fault::config(62, format!("{it:#}"));
        error.downcast::<Fault>().unwrap_or_else(other)
    })?;
    let accepted = Watermarks::accept(&data_dir.path);
    let accepted = accepted.map_err(|it| refusal::of_watermark(&it))?;
    let what = match accepted {
        true => "this node takes its database as it is",
        false => "this node has seen no database yet: there was nothing to forget",
    };
    Ok(vec![format!("{}: {what}", data_dir.path.display())])
}
