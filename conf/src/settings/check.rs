//! What types can't say: settings that contradict each other, or that would stop the process from
//! doing its work.

mod checkpoint_store;
mod cluster;
mod persistence;
mod secrets;
mod users;

use std::fmt::Display;

use weir_domain::{Finding, Millis};

use super::{Bind, Management, REFERENCE, ROOT, Settings};
use crate::document::{Document, Kind};

const TOKEN_LENGTH_MIN: usize = 16;

pub(super) fn check(settings: &Settings, document: &Document) -> Vec<Finding> {
    let mut checks = Checks { document, findings: Vec::new() };
    checks.order(settings);
    checks.times(settings);
    checks.addresses(settings);
    checks.roles("node.roles", &settings.node.roles);
    for (index, url) in settings.config_server.engines.iter().enumerate() {
        if !url.strip_prefix("http://").is_some_and(|it| !it.is_empty() && !it.contains(' ')) {
            let cause = format!("{url:?} is not the address of an engine");
            let path = format!("config-server.engines[{index}]");
            checks.add(&path, cause, "write for instance http://node-1:5842");
        }
    }
    checks.management(&settings.management);
    checks.cluster(settings);
    checks.persistence("persistence.journal", &settings.persistence.journal);
    checks.persistence("config-server.persistence", &settings.config_server.persistence);
    checks.checkpoint_store(settings);
    checks.secrets(settings);
    checks.ldap(&settings.users.ldap);
    checks.oidc(&settings.users.oidc);
    if settings.data_dir.as_os_str().is_empty() {
        let fix = "name a directory; \".\" is the working directory";
        checks.add("data-dir", "the path is empty", fix);
    }
    checks.findings
}

struct Checks<'d> {
    document: &'d Document,
    findings: Vec<Finding>,
}

impl Checks<'_> {
    fn order(&mut self, settings: &Settings) {
        let (supervision, stream) = (&settings.supervision, &settings.stream);
        self.at_most(
            ("supervision.min-backoff", supervision.min_backoff),
            ("supervision.max-backoff", supervision.max_backoff),
        );
        self.at_most(
            ("stream.batch-bytes", stream.batch_bytes),
            ("stream.edge-bytes", stream.edge_bytes),
        );
        self.at_most(
            ("stream.dead-letter.max-raw-bytes", stream.dead_letter.max_raw_bytes),
            ("stream.max-record-bytes", stream.max_record_bytes),
        );
    }

    fn at_most<T: Copy + PartialOrd + Display>(&mut self, small: (&str, T), large: (&str, T)) {
        if small.1 <= large.1 {
            return;
        }
        if self.is_default(small.0) {
            let cause = format!("{} is less than {}, the value of {}", large.1, small.1, small.0);
            self.add(large.0, cause, &format!("raise it, or lower {}", small.0));
        } else {
            let cause = format!("{} is more than {}, the value of {}", small.1, large.1, large.0);
            self.add(small.0, cause, &format!("lower it, or raise {}", large.0));
        }
    }

    /// Of two settings that contradict each other, the one that a person wrote is to be looked at.
    fn is_default(&self, path: &str) -> bool {
        self.document.place(&format!("{ROOT}.{path}")).file == REFERENCE.0
    }

    /// A wait of no time at all would turn a failure into a busy loop, and a timeout into a failure.
    fn times(&mut self, settings: &Settings) {
        let all = [
            ("supervision.min-backoff", settings.supervision.min_backoff),
            ("rest-server.request-timeout", settings.rest_server.request_timeout),
            ("persistence.journal.timeout", settings.persistence.journal.timeout),
            ("config-server.persistence.timeout", settings.config_server.persistence.timeout),
            ("stream.checkpoint-interval", settings.stream.checkpoint_interval),
            ("shutdown.phase-timeout", settings.shutdown.phase_timeout),
        ];
        self.longer_than_nothing(&all);
        let sizes = [
            ("stream.edge-bytes", settings.stream.edge_bytes),
            ("stream.batch-bytes", settings.stream.batch_bytes),
            ("stream.max-record-bytes", settings.stream.max_record_bytes),
            ("stream.max-unpublished", settings.stream.max_unpublished),
            ("rest-server.max-body", settings.rest_server.max_body),
            ("persistence.stream-history.log-bytes", settings.persistence.stream_history.log_bytes),
        ];
        for (path, _) in sizes.into_iter().filter(|it| it.1.0 == 0) {
            self.add(path, "it must be more than nothing", "write for instance 1MiB");
        }
    }

    fn longer_than_nothing(&mut self, all: &[(&str, Millis)]) {
        for (path, _) in all.iter().filter(|it| it.1 == Millis(0)) {
            self.add(path, "it must be longer than nothing", "write for instance 1s");
        }
    }

    fn roles(&mut self, path: &str, roles: &[String]) {
        for (index, role) in roles.iter().enumerate() {
            self.role(&format!("{path}[{index}]"), role);
        }
    }

    fn role(&mut self, path: &str, role: &str) {
        if role.is_empty() || role.contains(char::is_whitespace) {
            let cause = format!("{role:?} is not a role: it is empty or has a space in it");
            self.add(path, cause, "write one word per role");
        }
    }

    fn addresses(&mut self, settings: &Settings) {
        let mut all = vec![
            ("config-server.bind", &settings.config_server.bind),
            ("rest-server.bind", &settings.rest_server.bind),
        ];
        if settings.metrics.enabled {
            all.push(("metrics.bind", &settings.metrics.bind));
        }
        if settings.management.enabled {
            all.push(("management.bind", &settings.management.bind));
        }
        if settings.has_peers() {
            all.push(("cluster.bind", &settings.cluster.bind));
        }
        for (index, (path, bind)) in all.iter().enumerate() {
            self.host(&format!("{path}.host"), &bind.host, "127.0.0.1 or 0.0.0.0");
            if let Some((other, _)) = all[..index].iter().find(|it| collide(it.1, bind)) {
                let (mut here, mut there) = (format!("{path}.port"), format!("{other}.port"));
                if self.is_default(&here) {
                    std::mem::swap(&mut here, &mut there);
                }
                let cause = format!("port {} is the port of {there}, too", bind.port);
                self.add(&here, cause, "choose another port");
            }
        }
    }

    fn host(&mut self, path: &str, host: &str, example: &str) {
        if host.is_empty() || host.contains([' ', '/', '@']) {
            let cause = format!("{host:?} is not the name or address of a host");
            self.add(path, cause, &format!("write for instance {example}"));
        }
    }

    /// Who may change the cluster shows a token that nobody guesses.
    fn management(&mut self, management: &Management) {
        let length = management.token.as_ref().map(|it| it.expose().chars().count());
        match length {
            None if !management.read_only => {
                let cause =
                    "anybody could change the cluster: read-only is false and there is no token";
                let fix = "set management.token, or read-only = true";
                self.add("management.read-only", cause, fix);
            }
            Some(length) if length < TOKEN_LENGTH_MIN => {
                let cause =
                    format!("it is too short: it has less than {TOKEN_LENGTH_MIN} characters");
                self.add("management.token", cause, "make one with `openssl rand -hex 32`");
            }
            Some(_) | None => {}
        }
    }

    fn add(&mut self, path: &str, cause: impl Into<String>, fix: &str) {
        let path = format!("{ROOT}.{path}");
        let finding = self.document.finding(Kind::Hocon.code(10), &path, cause);
        self.findings.push(finding.with_fix(fix));
    }
}

fn collide(a: &Bind, b: &Bind) -> bool {
    let any = |it: &Bind| matches!(it.host.as_str(), "0.0.0.0" | "::" | "[::]");
    a.port != 0 && a.port == b.port && (a.host == b.host || any(a) || any(b))
}
