//! A real directory, and a double of one that answers with errors: who is let in, and who still is later.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod double;

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use double::Double;
use weir_conf::Settings;
use weir_controllers::users::{Directory as _, Doubt, Gate, Person};
use weir_domain::{Timestamp, UserName};
use weir_identity::Ldap;
use weir_secrets::Secret;
use weir_test_servers::Slapd;

const THEIRS: &str = "tr0ub4dor & three";
const WITHIN: Duration = Duration::from_secs(30);
const ID: &str = "weir.users.ldap.id-attribute=employeeNumber";

/// With eve, whose group gives her a role.
fn slapd() -> Slapd {
    let slapd = Slapd::start();
    populate(&slapd);
    slapd
}

fn populate(slapd: &Slapd) {
    slapd.person("eve", THEIRS);
    slapd.group("operators", &["eve"]);
}

fn ldap(urls: &[String], more: &[&str]) -> Ldap {
    let base = Slapd::BASE;
    let mut all = vec![
        format!("weir.users.ldap.urls={urls:?}"),
        "weir.users.ldap.start-tls=false".to_owned(),
        format!("weir.users.ldap.base=\"{base}\""),
        format!("weir.users.ldap.roles=[{{group=\"cn=operators,ou=groups,{base}\",roles=[user]}}]"),
    ];
    all.extend(more.iter().map(|it| (*it).to_owned()));
    Ldap::new(&Settings::load(None, &all).unwrap().users.ldap).unwrap()
}

fn now<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn check(ldap: &Ldap, name: &str, password: &str) -> Result<Person, Doubt> {
    let password = Secret::from(password.to_owned());
    now(ldap.check(name, (&password, &Open::default()), WITHIN))
}

/// Lets everything be tried, until it is shut.
#[derive(Default)]
struct Open {
    asked: Mutex<Vec<Option<String>>>,
    is_shut: bool,
}

#[async_trait]
impl Gate for Open {
    async fn may_try(&self, subject: Option<&str>) -> Result<(), Doubt> {
        self.asked.lock().unwrap().push(subject.map(str::to_owned));
        if self.is_shut { Err(Doubt::TooSoon(Timestamp(7))) } else { Ok(()) }
    }
}

fn look_up(ldap: &Ldap, person: &Person) -> Result<Person, Doubt> {
    now(ldap.look_up(&person.name, &person.subject, WITHIN))
}

#[track_caller]
fn is_silent(answer: Result<Person, Doubt>, about: &str) {
    match answer {
        Err(Doubt::Silent(fault)) => assert!(fault.message.contains(about), "{}", fault.message),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn is_wrong(answer: &Result<Person, Doubt>) {
    assert!(matches!(answer, Err(Doubt::Wrong(_))), "{answer:?}");
}

#[test]
fn who_lacks_the_attribute_that_stays_is_nobody_until_they_have_it() {
    let slapd = slapd();
    let by_id = ldap(&[slapd.url()], &[ID]);
    is_silent(check(&by_id, "eve", THEIRS), "has no value of employeeNumber");
    is_wrong(&check(&by_id, "eve", "wrong horse"));
    slapd.set("eve", "employeeNumber", "7");
    let eve = check(&by_id, "eve", THEIRS).unwrap();
    assert_eq!(eve.subject, "id:7");
    let by_dn = ldap(&[slapd.url()], &["weir.users.ldap.id-attribute=\"\""]);
    assert!(check(&by_dn, "eve", THEIRS).unwrap().subject.starts_with("dn:"));
}

#[test]
fn somebody_is_looked_up_as_whom_they_are_whatever_they_logged_in_with() {
    let slapd = slapd();
    let filter = "weir.users.ldap.filter=\"(&(mail={name})(!(employeeType=left)))\"";
    for id in [ID, "weir.users.ldap.id-attribute=\"\""] {
        slapd.set("eve", "employeeNumber", "7");
        let ldap = ldap(&[slapd.url()], &[id, filter]);
        let eve = check(&ldap, "eve@example.org", THEIRS).unwrap();
        assert_eq!(look_up(&ldap, &eve).unwrap(), eve);
        let other = Person { subject: "id:8".into(), ..eve.clone() };
        is_wrong(&look_up(&ldap, &other));
        let other = Person { name: "mia".parse::<UserName>().unwrap(), ..eve.clone() };
        is_wrong(&look_up(&ldap, &other));
        // Whom the filter lets in no more is out.
        slapd.set("eve", "employeeType", "left");
        is_wrong(&look_up(&ldap, &eve));
        slapd.set("eve", "employeeType", "here");
        look_up(&ldap, &eve).unwrap();
    }
}

#[test]
fn a_namesake_ends_no_session_and_one_who_can_t_be_told_apart_is_not_taken_for_them() {
    let slapd = slapd();
    slapd.set("eve", "employeeNumber", "7");
    let filter = "weir.users.ldap.filter=\"(mail={name})\"";
    let name = "weir.users.ldap.name-attribute=givenName";
    let ldap = ldap(&[slapd.url()], &[ID, filter, name]);
    let eve = check(&ldap, "eve@example.org", THEIRS).unwrap();
    // All are called Eve there.
    slapd.person("mia", THEIRS);
    slapd.set("mia", "employeeNumber", "8");
    assert_eq!(look_up(&ldap, &eve).unwrap(), eve);
    slapd.set("mia", "employeeNumber", "7");
    is_silent(look_up(&ldap, &eve), "more than one entry that may be Eve");
    slapd.remove("eve");
    slapd.set("mia", "employeeNumber", "8");
    is_wrong(&look_up(&ldap, &eve));
}

#[test]
fn a_server_that_answers_with_an_error_settles_nothing_and_is_not_asked_first_again() {
    let slapd = slapd();
    for code in [1, 3, 51, 52, 80] {
        for (search, bind) in [(code, 0), (0, code)] {
            let broken = Double::start(search, bind);
            let ldap = ldap(&[broken.url(), slapd.url()], &[]);
            is_wrong(&check(&ldap, "eve", "wrong horse"));
            assert_eq!(broken.connections(), 1);
            check(&ldap, "eve", THEIRS).unwrap();
            assert_eq!(broken.connections(), 1, "the other one answered last");
            let alone = self::ldap(&[broken.url()], &[]);
            is_silent(check(&alone, "eve", THEIRS), &format!("LDAP result {code}"));
        }
    }
}

#[test]
fn a_bind_that_fails_for_the_account_is_wrong_and_one_that_nobody_can_do_is_not() {
    for code in [19, 32, 48, 49, 50, 53] {
        let server = Double::start(0, code);
        is_wrong(&check(&ldap(&[server.url()], &[]), "eve", THEIRS));
    }
    for code in [2, 7, 8, 10, 13] {
        let server = Double::start(0, code);
        is_silent(check(&ldap(&[server.url()], &[]), "eve", THEIRS), &format!("result {code}"));
    }
}

#[test]
fn whoever_is_found_is_asked_about_before_the_password_is_tried() {
    let slapd = slapd();
    slapd.set("eve", "employeeNumber", "7");
    let filter = "weir.users.ldap.filter=\"(|(uid={name})(mail={name}))\"";
    let ldap = ldap(&[slapd.url()], &[ID, filter]);
    let shut = Open { is_shut: true, ..Open::default() };
    let (before, secret) = (slapd.log().len(), Secret::from(THEIRS.to_owned()));
    for name in ["eve", "EVE", "eve@example.org", "nobody"] {
        let answer = now(ldap.check(name, (&secret, &shut), WITHIN));
        assert_eq!(answer, Err(Doubt::TooSoon(Timestamp(7))), "{name}");
    }
    let id = Some("id:7".to_owned());
    assert_eq!(*shut.asked.lock().unwrap(), [id.clone(), id.clone(), id, None]);
    assert!(!slapd.log()[before..].contains("BIND dn"), "{}", slapd.log());
}

#[test]
fn for_a_name_that_nobody_has_the_directory_is_asked_the_same() {
    let slapd = slapd();
    let groups = format!("weir.users.ldap.groups.base=\"ou=groups,{}\"", Slapd::BASE);
    let ldap = ldap(&[slapd.url()], &[&groups]);
    let steps = |name| {
        let before = slapd.log().len();
        is_wrong(&check(&ldap, name, "wrong horse"));
        let log = slapd.log()[before..].to_owned();
        ["SRCH base", "BIND dn"].map(|it| log.matches(it).count())
    };
    assert_eq!((steps("eve"), steps("nobody")), ([2, 1], [2, 1]));
}

#[test]
fn no_search_is_without_a_bound() {
    let server = Double::start(0, 0);
    let groups = "weir.users.ldap.groups.base=\"ou=groups\"";
    let answer = check(&ldap(&[server.url()], &[groups]), "eve", THEIRS);
    assert!(!matches!(answer, Err(Doubt::Silent(_))), "{answer:?}");
    assert_eq!(server.limits(), [2, 10_000]);
}

#[test]
fn a_server_with_a_lower_bound_of_its_own_gives_what_it_gives() {
    let slapd = Slapd::start_limited(5);
    populate(&slapd);
    let groups = [
        "weir.users.ldap.groups.attribute=\"\"",
        &format!("weir.users.ldap.groups.base=\"ou=groups,{}\"", Slapd::BASE),
    ];
    check(&ldap(&[slapd.url()], &groups), "eve", THEIRS).unwrap();
}
