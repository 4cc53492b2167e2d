//! What is refused of the settings of people from elsewhere.

use super::*;

const LDAP: &str = "weir.users.ldap { urls = [\"ldaps://ldap.example.org\"], base = \"dc=x\", \
                    roles = [{ group = \"cn=a\", roles = [user] }] }\n";
const OIDC: &str = "weir.users.oidc { issuer = \"https://op.example.org\", client-id = weir, \
                    redirect-uri = \"https://weir.example.org/log-in\", \
                    roles = [{ group = a, roles = [user] }] }\n";

fn refused(text: &str) -> String {
    load_in(&[], text, &[]).unwrap_err().join("\n")
}

#[test]
fn passwords_never_go_to_another_machine_in_the_clear() {
    load(LDAP);
    let with = |more: &str| format!("{LDAP}weir.users.ldap {{ {more} }}");
    load(&with("urls = [\"ldap://ldap.example.org:3890\"]"));
    load(&with("urls = [\"ldap://127.0.0.1\", \"ldap://[::1]:389\"], start-tls = false"));
    let clear = with("urls = [\"ldap://ldap.example.org\"], start-tls = false");
    assert!(refused(&clear).contains("in the clear"), "{}", refused(&clear));
    for url in ["http://x", "ldaps://", "ldaps://a:b@host", "ldaps://host/dc=x", "ldap://h:99999"] {
        refused(&with(&format!("urls = [\"{url}\"]")));
    }
}

#[test]
fn a_directory_that_would_let_in_nobody_or_everybody_is_refused() {
    let with = |more: &str| refused(&format!("{LDAP}weir.users.ldap {{ {more} }}"));
    assert!(with("roles = []").contains("nobody is let in"));
    assert!(with("filter = \"(uid=ada)\"").contains("{name}"));
    assert!(with("bind-dn = \"cn=weir\"").contains("has no password"));
    assert!(with("bind-password-file = a").contains("nobody whose it is"));
    assert!(with("groups.attribute = \"\"").contains("no groups are read"));
}

#[test]
fn a_provider_speaks_tls_and_signs_with_a_key_of_its_own() {
    load(OIDC);
    let with = |more: &str| refused(&format!("{OIDC}weir.users.oidc {{ {more} }}"));
    assert!(with("algorithms = [HS256]").contains("HS256"));
    assert!(with("algorithms = [none]").contains("none"));
    assert!(with("issuer = \"http://op.example.org\"").contains("TLS"));
    assert!(with("redirect-uri = \"https://weir.example.org/\"").contains("log-in page"));
    assert!(with("scopes = [profile]").contains("openid"));
}
