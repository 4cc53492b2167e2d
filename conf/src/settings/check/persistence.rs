//! Whether a database server can be reached by what is said about it.

use super::Checks;
use crate::settings::{Journal, TlsMode};

impl Checks<'_> {
    /// Only the database in use is looked at.
    pub(super) fn persistence(&mut self, section: &str, journal: &Journal) {
        let Some(server) = journal.server() else { return };
        let base = format!("{section}.{}", journal.plugin.section());
        let host = format!("{base}.host");
        if server.host.is_empty() {
            let plugin = format!("{section}.plugin");
            let at = if self.is_default(&host) { &plugin } else { &host };
            let cause = "the database is on a server, and its host is not named";
            self.add(at, cause, &format!("set {host}"));
        } else {
            self.host(&host, &server.host, "db.example.org");
        }
        for (key, text) in [("database", &server.database), ("user", &server.user)] {
            if text.is_empty() {
                self.add(&format!("{base}.{key}"), "it is empty", "write for instance weir");
            }
        }
        if server.port == 0 {
            self.add(&format!("{base}.port"), "no database listens on port 0", "write its port");
        }
        if server.tls.mode != TlsMode::Verify && server.tls.ca.is_some() {
            let cause = "it has no effect: the certificate of the database is not verified";
            let fix = format!("set {base}.tls.mode to verify, or remove this");
            self.add(&format!("{base}.tls.ca"), cause, &fix);
        }
    }
}
