//! Log-ins that a directory vouches for.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::{fs, thread};

use serde_json::{Value, json};
use weir_test_servers::Slapd;

use super::{PASSWORD, settings};
use crate::access::Office;
use crate::support::{DEADLINE, wait_for, wait_until};

/// Of people in the directory.
const THEIRS: &str = "tr0ub4dor & three";

/// A directory with eve, who operates, and bob, who is in no group that counts.
fn directory() -> Slapd {
    let slapd = Slapd::start();
    populate(&slapd);
    slapd
}

fn populate(slapd: &Slapd) {
    slapd.person("eve", THEIRS);
    slapd.person("bob", THEIRS);
    slapd.group("operators", &["eve"]);
    slapd.group("others", &["bob"]);
}

fn quoted(all: &[String]) -> String {
    json!(all).to_string()
}

/// An engine with an administrator of its own, ada, who asks these servers.
fn office(slapd: &Slapd, urls: &[String], more: &[(&str, String)]) -> Office {
    let secret = slapd.ca().with_file_name("bind-password");
    fs::write(&secret, Slapd::PASSWORD).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let group = |cn: &str| format!("CN={cn}, ou=Groups,dc=EXAMPLE,dc=org");
    let roles = json!([
        { "group": group("operators"), "roles": ["user"] },
        { "group": group("watchers"), "roles": ["monitoring"] },
        { "group": group("admins"), "roles": ["admin"] },
    ]);
    let path = |it: &Path| json!(it).to_string();
    let mut all = vec![
        ("weir.users.ldap.urls", quoted(urls)),
        ("weir.users.ldap.ca", path(&slapd.ca())),
        ("weir.users.ldap.bind-dn", json!(Slapd::SERVICE).to_string()),
        ("weir.users.ldap.bind-password-file", path(&secret)),
        ("weir.users.ldap.base", json!(format!("ou=people,{}", Slapd::BASE)).to_string()),
        ("weir.users.ldap.roles", roles.to_string()),
        ("weir.users.ldap.timeout", "1s".to_owned()),
    ];
    all.extend(more.iter().cloned());
    Office::with(|start| settings(start, &all)).with_administrator(PASSWORD)
}

fn claims(me: &Value) -> Vec<String> {
    me["grants"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn somebody_of_the_directory_logs_in_with_what_the_groups_give() {
    let slapd = directory();
    for url in [slapd.tls_url(), slapd.url()] {
        let office = office(&slapd, &[url], &[]);
        let file = office.file("eve", THEIRS);
        office.done("eve", &["login", "eve", "--password-file", file.to_str().unwrap()]);
        let me = office.done("eve", &["whoami"]);
        assert!(me.contains("eve") && me.contains("workflow:control"), "{me}");
        assert!(!me.contains("user:write"), "{me}");
        let eve = office.user("eve");
        assert_eq!((&eve["origin"], &eve["groupRoles"]), (&json!("ldap"), &json!(["user"])));
        assert_eq!(eve["profile"]["email"], "eve@example.org");
        assert_eq!(eve["roles"], json!([]));
        // What somebody gives here holds beside that.
        office.done("ada", &["user", "set", "eve", "--role", "monitoring"]);
        let token = office.session_of("EVE", THEIRS);
        let me = office.me(&token).unwrap();
        assert_eq!(me["user"], "eve", "a directory does not tell EVE from eve");
        let audit = office.done("ada", &["audit", "list", "-o", "json"]);
        assert!(!audit.contains("user/EVE"), "recorded is who it was: {audit}");
        assert!(claims(&me).contains(&"user:read".to_owned()), "{me}");
        let refused = office
            .by("ada", &["user", "password", "eve", "--password-file", file.to_str().unwrap()]);
        assert!(refused.stderr.contains("kept elsewhere"), "{}", refused.stderr);
        let log = office.weir.stop();
        assert!(!log.contains(THEIRS) && !log.contains(Slapd::PASSWORD));
    }
}

#[test]
fn who_is_in_no_group_that_gives_a_role_is_told_so_in_general_words_and_the_audit_why() {
    let slapd = directory();
    let office = office(&slapd, &[slapd.tls_url()], &[]);
    let (status, problem) = office.logs_in("bob", THEIRS);
    assert_eq!(
        (status, &problem["detail"]),
        (401, &json!("it is you, and nothing here is open to you"))
    );
    let audit = wait_for("the refusal in the audit", DEADLINE, || {
        let audit = office.done("ada", &["audit", "list", "-o", "json"]);
        audit.contains("none of 1 groups gives a role here").then_some(audit)
    });
    assert!(!audit.contains(THEIRS));
    assert_eq!(
        office.logs_in("bob", "wrong horse").1["detail"],
        "the user or the password is wrong"
    );
    office.weir.stop();
}

#[test]
fn no_password_no_name_and_no_filter_gets_in() {
    let slapd = directory();
    let office = office(&slapd, &[slapd.tls_url()], &[]);
    let before = slapd.log();
    for password in ["", "wrong horse", "*", "\u{0}"] {
        assert_eq!(office.logs_in("eve", password).0, 401, "{password:?}");
    }
    // The server would let in whoever brings none: it is not asked.
    let log = slapd.log();
    let tried = log[before.len()..].matches("BIND dn=\"uid=eve,").count();
    assert!(tried <= 2 * 3, "{tried}: {log}");
    // None of them is a name of a user; the directory never sees them.
    for name in ["*", "e*", "eve)(uid=*", "eve)(|(uid=*))", "\\2a", "eve\u{0}", "uid=eve"] {
        assert_eq!(office.logs_in(name, THEIRS).0, 400, "{name:?}");
    }
    assert!(!slapd.log().contains("uid=*"), "{}", slapd.log());
    office.weir.stop();
}

#[test]
fn who_guesses_at_the_directory_waits_however_the_name_is_written() {
    let slapd = directory();
    let office = office(&slapd, &[slapd.tls_url()], &[]);
    let names = ["eve", "Eve", "eVe", "evE", "EVe", "EVE"];
    let answers: Vec<_> = names.iter().map(|it| office.logs_in(it, "wrong horse").0).collect();
    assert_eq!(answers, [401, 401, 401, 401, 401, 429]);
    assert_eq!(office.logs_in("eve", THEIRS).0, 429, "the right password waits, too");
    office.weir.stop();
}

#[test]
fn a_change_in_the_directory_takes_effect_while_the_session_is_open() {
    let slapd = directory();
    let office =
        office(&slapd, &[slapd.tls_url()], &[("weir.users.ldap.recheck-every", "100ms".into())]);
    let token = office.session_of("eve", THEIRS);
    let may =
        |claim: &str| office.me(&token).is_some_and(|it| claims(&it).contains(&claim.to_owned()));
    assert!(may("workflow:control") && !may("audit:read"));
    slapd.group("watchers", &["eve"]);
    wait_until("the new group to count", DEADLINE, || may("audit:read"));
    slapd.join("others", "eve");
    slapd.leave("watchers", "eve");
}

#[test]
fn who_is_gone_from_the_directory_is_out_with_session_and_token() {
    let slapd = directory();
    slapd.person("mia", THEIRS);
    slapd.join("operators", "mia");
    let office =
        office(&slapd, &[slapd.tls_url()], &[("weir.users.ldap.recheck-every", "100ms".into())]);
    let session = office.session_of("eve", THEIRS);
    let file = office.file("eve", THEIRS);
    office.done("eve", &["login", "eve", "--password-file", file.to_str().unwrap()]);
    let made = office.done("eve", &["token", "create", "x", "--claim", "workflow:read"]);
    let token = made.split_whitespace().find(|it| it.starts_with("weir_")).unwrap().to_owned();
    assert!(office.me(&token).is_some());
    slapd.leave("operators", "eve");
    wait_until("the session to end", DEADLINE, || office.me(&session).is_none());
    wait_until("the token to end", DEADLINE, || office.me(&token).is_none());
    slapd.remove("eve");
    assert_eq!(office.logs_in("eve", THEIRS).0, 401);
    // The same name, and another person.
    slapd.person("eve", THEIRS);
    slapd.join("operators", "eve");
    assert_eq!(office.logs_in("eve", THEIRS).0, 401);
    office.weir.logged("another person was eve before");
    assert!(office.me(&token).is_none(), "what was hers is not the other one's");
    office.done("ada", &["user", "delete", "eve"]);
    office.session_of("eve", THEIRS);
    office.weir.stop();
}

#[test]
fn while_the_directory_is_away_local_users_log_in_and_open_sessions_go_on() {
    let mut slapd = directory();
    let office =
        office(&slapd, &[slapd.tls_url()], &[("weir.users.ldap.recheck-every", "100ms".into())]);
    let eve = office.session_of("eve", THEIRS);
    // It takes connections and is silent; then it ends while somebody waits for it.
    slapd.freeze();
    thread::scope(|scope| {
        let waits = scope.spawn(|| {
            office.by(
                "eve",
                &["login", "eve", "--password-file", office.file("eve", THEIRS).to_str().unwrap()],
            )
        });
        office.session_of("ada", PASSWORD);
        let waited = waits.join().unwrap();
        assert!(waited.stderr.contains("the directory can't be asked now"), "{}", waited.stderr);
    });
    office.weir.logged("no answer within 1s");
    slapd.kill();
    let (status, problem) = office.logs_in("eve", THEIRS);
    assert_eq!((status, &problem["code"]), (503, &json!("WEIR-06193")), "{problem}");
    office.session_of("ada", PASSWORD);
    assert!(office.me(&eve).is_some());
    // Nothing of that counts as a wrong password. Each is an error in the log.
    (0..6).for_each(|_| assert_eq!(office.logs_in("eve", THEIRS).0, 503));
    slapd.restart();
    office.session_of("eve", THEIRS);
}

#[test]
fn the_next_server_is_asked_where_one_does_not_answer() {
    let slapd = directory();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("ldaps://{}", silent.local_addr().unwrap());
    let office = office(&slapd, &["ldaps://127.0.0.1:1".to_owned(), silent, slapd.tls_url()], &[]);
    office.session_of("eve", THEIRS);
    office.weir.stop();
}

#[test]
fn without_the_tls_that_is_asked_for_nothing_is_said() {
    let slapd = Slapd::start_in_the_clear();
    populate(&slapd);
    let before = slapd.log().len();
    let office = office(&slapd, &[slapd.url()], &[]);
    assert_eq!(office.logs_in("eve", THEIRS).0, 503);
    office.weir.logged("StartTLS fails");
    let log = slapd.log();
    assert!(
        log[before..].contains("1.3.6.1.4.1.1466.20037") && !log[before..].contains("BIND"),
        "{}",
        &log[before..]
    );

    // A certificate that somebody else signed.
    let (one, other) = (directory(), Slapd::start());
    let ca = json!(other.ca()).to_string();
    let office = self::office(&one, &[one.tls_url(), one.url()], &[("weir.users.ldap.ca", ca)]);
    assert_eq!(office.logs_in("eve", THEIRS).0, 503);
}

#[test]
fn a_local_user_s_name_is_nobody_else_s() {
    let slapd = directory();
    slapd.person("ada", THEIRS);
    slapd.join("operators", "ada");
    let office = office(&slapd, &[slapd.tls_url()], &[]);
    let before = slapd.log().len();
    assert_eq!(office.logs_in("ada", THEIRS).0, 401);
    assert!(!slapd.log()[before..].contains("uid=ada"), "the directory is not asked");
    assert_eq!(office.logs_in("Ada", THEIRS).0, 401);
    office.session_of("ada", PASSWORD);
    office.weir.stop();
}

#[test]
fn an_engine_whose_directory_can_t_be_used_says_so_when_it_starts() {
    let slapd = Slapd::start();
    let lost = |key: &str, value: &str, said: &str| {
        let urls = quoted(&[slapd.tls_url()]);
        let roles = json!([{ "group": "cn=a", "roles": ["user"] }]).to_string();
        let all = [
            ("weir.users.ldap.urls", urls),
            ("weir.users.ldap.base", "\"dc=x\"".to_owned()),
            ("weir.users.ldap.roles", roles),
            ("weir.users.ldap.bind-dn", "\"cn=x\"".to_owned()),
            ("weir.users.ldap.bind-password-variable", "PATH".to_owned()),
            (key, value.to_owned()),
        ];
        let project = crate::support::Project::of(&crate::support::Flow::straight("{ type: csv }"));
        let refused = settings(crate::support::Start::of(&project), &all).refused();
        assert!(refused.code != Some(0) && refused.stderr.contains(said), "{}", refused.stderr);
    };
    lost("weir.users.ldap.bind-password-variable", "NOBODY_SET_THIS", "NOBODY_SET_THIS");
    lost("weir.users.ldap.ca", "\"/nowhere/ca.pem\"", "/nowhere/ca.pem");
}
