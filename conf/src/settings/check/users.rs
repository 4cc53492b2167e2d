//! Settings of the directory and of the provider of log-ins: nothing that would send a password in the
//! clear, let in whoever asks, or fail at the first log-in.

use super::Checks;
use crate::settings::{GroupRoles, Ldap, Oidc};

/// Those whose verifying key is public. With another one whoever can check a token can make one.
const ALGORITHMS: [&str; 9] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

impl Checks<'_> {
    pub(super) fn ldap(&mut self, ldap: &Ldap) {
        if !ldap.is_given() {
            return;
        }
        for (index, url) in ldap.urls.iter().enumerate() {
            self.ldap_url(&format!("users.ldap.urls[{index}]"), url, ldap.start_tls);
        }
        let variable = ldap.bind_password_variable.is_some();
        match (ldap.bind_dn.is_empty(), ldap.bind_password_file.is_some(), variable) {
            (true, false, false) => {}
            (true, ..) => {
                let cause = "there is a password, and nobody whose it is";
                self.add("users.ldap.bind-dn", cause, "name who searches the directory");
            }
            (false, false, false) => {
                let cause = "it has no password, and directories take such a one for nobody";
                let fix = "name users.ldap.bind-password-file or bind-password-variable";
                self.add("users.ldap.bind-dn", cause, fix);
            }
            (false, true, true) => {
                let cause = "there are two places of one password";
                self.add(
                    "users.ldap.bind-password-variable",
                    cause,
                    "name the file or the variable",
                );
            }
            (false, ..) => {}
        }
        if ldap.base.is_empty() {
            let cause = "it does not say where people are";
            self.add("users.ldap.base", cause, "write for instance ou=people,dc=example,dc=org");
        }
        let filters = [
            ("users.ldap.filter", &ldap.filter, "{name}", true),
            ("users.ldap.groups.filter", &ldap.groups.filter, "{dn}", ldap.groups.base.is_some()),
        ];
        for (path, filter, what, is_used) in filters {
            let is_filter = filter.starts_with('(') && filter.ends_with(')');
            if is_used && !(is_filter && filter.contains(what)) {
                let cause = format!("{filter:?} is no filter with {what} in it");
                let example = if what == "{dn}" { "(member={dn})" } else { "(uid={name})" };
                self.add(path, cause, &format!("write for instance {example}"));
            }
        }
        if ldap.name_attribute.is_empty() {
            let cause = "nobody has a name";
            self.add("users.ldap.name-attribute", cause, "write for instance uid");
        }
        if ldap.groups.attribute.is_none() && ldap.groups.base.is_none() {
            let cause = "no groups are read, so that nobody is let in";
            self.add("users.ldap.groups.attribute", cause, "name it, or users.ldap.groups.base");
        }
        self.group_roles("users.ldap.roles", &ldap.roles);
        self.longer_than_nothing(&[
            ("users.ldap.timeout", ldap.timeout),
            ("users.ldap.recheck-every", ldap.recheck_every),
        ]);
    }

    fn ldap_url(&mut self, path: &str, url: &str, start_tls: bool) {
        let example = "write for instance ldaps://ldap.example.org";
        let (is_safe, rest) = match (url.strip_prefix("ldaps://"), url.strip_prefix("ldap://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (start_tls, rest),
            (None, None) => {
                let cause = format!("{url:?} is not the URL of a directory");
                return self.add(path, cause, example);
            }
        };
        if !is_authority(rest) {
            self.add(path, format!("{url:?} has more or less than a host and a port"), example);
        } else if !is_safe && !is_here(rest) {
            let cause = format!("passwords would go to {url} in the clear");
            self.add(path, cause, "write ldaps://, or set users.ldap.start-tls = true");
        }
    }

    pub(super) fn oidc(&mut self, oidc: &Oidc) {
        let Some(issuer) = &oidc.issuer else { return };
        self.web("users.oidc.issuer", issuer, "https://login.example.org/realms/main");
        self.web("users.oidc.redirect-uri", &oidc.redirect_uri, "https://weir.example.org/log-in");
        if !oidc.redirect_uri.ends_with("/log-in") {
            let cause = "it does not lead to the log-in page";
            let fix = "write for instance https://weir.example.org/log-in";
            self.add("users.oidc.redirect-uri", cause, fix);
        }
        let needed = [
            ("users.oidc.client-id", &oidc.client_id, "what the provider knows Weir by"),
            ("users.oidc.name", &oidc.name, "what people call the provider"),
            ("users.oidc.name-claim", &oidc.name_claim, "preferred_username"),
            ("users.oidc.groups-claim", &oidc.groups_claim, "groups"),
        ];
        for (path, _, what) in needed.into_iter().filter(|it| it.1.is_empty()) {
            self.add(path, "it is empty", &format!("write {what}"));
        }
        if oidc.client_secret_file.is_some() && oidc.client_secret_variable.is_some() {
            let cause = "there are two places of one secret";
            self.add("users.oidc.client-secret-variable", cause, "name the file or the variable");
        }
        if !oidc.scopes.iter().any(|it| it == "openid") {
            let cause = "without openid a provider gives no ID token";
            self.add("users.oidc.scopes", cause, "add \"openid\"");
        }
        for (index, it) in oidc.algorithms.iter().enumerate() {
            if !ALGORITHMS.contains(&it.as_str()) {
                let cause = format!("{it:?} is none that tokens may be signed with");
                let fix = format!("write one of {}", ALGORITHMS.join(", "));
                self.add(&format!("users.oidc.algorithms[{index}]"), cause, &fix);
            }
        }
        if oidc.algorithms.is_empty() {
            self.add("users.oidc.algorithms", "no token could be good", "write [\"RS256\"]");
        }
        self.group_roles("users.oidc.roles", &oidc.roles);
        self.longer_than_nothing(&[
            ("users.oidc.timeout", oidc.timeout),
            ("users.oidc.session-max", oidc.session_max),
            ("users.oidc.token-trust", oidc.token_trust),
        ]);
    }

    /// What is in the clear is read on the way, and can be answered by somebody else.
    fn web(&mut self, path: &str, url: &str, example: &str) {
        let authority = |rest: &str| rest.split('/').next().unwrap_or_default().to_owned();
        let is_good = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(rest), _) => is_authority(&authority(rest)),
            (None, Some(rest)) => is_authority(&authority(rest)) && is_here(&authority(rest)),
            (None, None) => false,
        };
        if !is_good || url.contains(['?', '#', ' ']) {
            let cause = format!("{url:?} is not the address of something that speaks TLS");
            self.add(path, cause, &format!("write for instance {example}"));
        }
    }

    fn group_roles(&mut self, path: &str, all: &[GroupRoles]) {
        if all.is_empty() {
            let cause = "no group gives a role, so that nobody is let in";
            let fix = "write for instance [{ group = \"operators\", roles = [\"user\"] }]";
            self.add(path, cause, fix);
        }
        for (index, it) in all.iter().enumerate() {
            if it.group.is_empty() || it.roles.is_empty() {
                let cause = "it names no group, or gives no role";
                self.add(&format!("{path}[{index}]"), cause, "name both");
            }
        }
    }
}

/// A host and perhaps a port, and nothing else: neither a user nor a path.
fn is_authority(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    };
    let is_port = port.is_none_or(|it| it.parse::<u16>().is_ok_and(|it| it != 0));
    let plain = |it: char| it.is_ascii_alphanumeric() || "-._[]:".contains(it);
    !host.is_empty() && host.chars().all(plain) && is_port
}

/// Whether it is this machine, as far as its text tells.
fn is_here(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => host,
        _ => authority,
    };
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|it| it.is_loopback())
}
