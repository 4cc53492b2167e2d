//! A database of one test.

use std::path::PathBuf;
use std::process::Command;

use weir_test_servers::{Database, MariaDb, Postgres};

use crate::support::Project;

/// Where it is, and how it is asked. Answers are lines, their columns apart by `|`.
pub(crate) enum Store<'s> {
    Postgres(&'s Postgres, Database),
    MariaDb(&'s MariaDb, Database),
    Sqlite(PathBuf),
}

impl<'s> Store<'s> {
    pub(crate) fn postgres(server: &'s Postgres) -> Self {
        Self::Postgres(server, server.database())
    }

    pub(crate) fn mariadb(server: &'s MariaDb) -> Self {
        let database = server.database();
        server.execute(&format!("ALTER DATABASE {} CHARACTER SET utf8mb4", database.name));
        Self::MariaDb(server, database)
    }

    /// A file of the project.
    pub(crate) fn sqlite(project: &Project) -> Self {
        let file = project.path("data.db");
        std::fs::write(&file, "").unwrap();
        Self::Sqlite(file)
    }

    /// As it stands in a workflow.
    pub(crate) fn connection(&self) -> String {
        let server = |kind: &str, it: &Database| {
            let Database { host, port, name, user, password } = it;
            format!(
                "{{ url: \"{kind}://{user}@{host}:{port}/{name}\", password: {password}, tls: off }}"
            )
        };
        match self {
            Self::Postgres(_, it) => server("postgres", it),
            Self::MariaDb(_, it) => server("mysql", it),
            Self::Sqlite(_) => "{ url: \"sqlite:data.db\" }".to_owned(),
        }
    }

    /// Runs statements, as the user that the workflow has.
    pub(crate) fn ask(&self, sql: &str) -> Vec<String> {
        let said = match self {
            Self::Postgres(server, it) => {
                server.execute_in(&it.name, &format!("SET ROLE {}; {sql}", it.user))
            }
            Self::MariaDb(server, it) => {
                server.execute_in(&it.name, &format!("SET NAMES utf8mb4; {sql}")).replace('\t', "|")
            }
            Self::Sqlite(file) => {
                let file = file.to_str().unwrap();
                let python = "import sqlite3, sys\n\
                    db = sqlite3.connect(sys.argv[1], timeout=30)\n\
                    for sql in sys.argv[2].split(';'):\n\
                    \x20   for row in db.execute(sql):\n\
                    \x20       print('|'.join('NULL' if it is None else str(it) for it in row))\n\
                    db.commit()\n";
                let ran = Command::new("python3").args(["-c", python, file, sql]).output().unwrap();
                let errors = String::from_utf8_lossy(&ran.stderr);
                assert!(ran.status.success(), "{sql}: {errors}");
                String::from_utf8(ran.stdout).unwrap()
            }
        };
        said.lines().filter(|it| *it != "SET").map(str::to_owned).collect()
    }

    /// The one number that a query answers with; 0 where a table is not there yet.
    pub(crate) fn number(&self, sql: &str) -> u64 {
        self.ask(sql)[0].parse().unwrap_or(0)
    }
}
