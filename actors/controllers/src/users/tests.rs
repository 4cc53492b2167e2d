//! User Storage: its decisions, and the service with its passwords.

mod external;
mod golden;
mod log_in;
mod random;
mod service;
mod tokens;
mod vouching;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use std::time::Duration;

use uuid::Uuid;
use weir_domain::{Scope, UserClaim};
use weir_secrets::{Bearer, Secret};

use super::*;

const NOW: Timestamp = Timestamp(1_000_000);
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Made once: a hash is slow on purpose.
static HASH: LazyLock<PasswordHash> =
    LazyLock::new(|| PasswordHash::of(&Secret::from("correct horse battery".to_owned())));

fn author() -> Author {
    Author { user: name("root"), at: NOW }
}

fn name(text: &str) -> UserName {
    text.parse().unwrap()
}

fn role(text: &str) -> RoleName {
    text.parse().unwrap()
}

fn password() -> NewPassword {
    NewPassword { hash: HASH.clone(), must_change: false }
}

fn user(named: &str, roles: &[&str]) -> NewUser {
    NewUser {
        name: name(named),
        profile: Profile::default(),
        roles: roles.iter().map(|it| role(it)).collect(),
        password: password(),
    }
}

fn of_own(named: &str, claims: &[UserClaim]) -> Role {
    Role {
        name: role(named),
        description: String::new(),
        claims: claims.iter().copied().collect(),
        scope: Scope::Everything,
        revision: 0,
    }
}

/// Set up by `root`.
fn cluster() -> Users {
    let mut state = Users::default();
    state.apply(&Event::SetUp { user: user("root", &["admin"]), at: NOW });
    state
}

fn then(state: &mut Users, command: Command) -> Result<(), Rejection> {
    let events = state.decide(command)?;
    events.iter().for_each(|it| state.apply(it));
    Ok(())
}

fn create(state: &mut Users, user: NewUser) -> Result<(), Rejection> {
    then(state, Command::CreateUser { user, author: author() })
}

fn change(named: &str, change: UserChange) -> Command {
    Command::ChangeUser { name: name(named), change, expected: None, author: author() }
}

fn disable(named: &str) -> Command {
    change(named, UserChange { is_enabled: Some(false), ..UserChange::default() })
}

fn give(named: &str, roles: &[&str]) -> Command {
    let roles = Some(roles.iter().map(|it| role(it)).collect());
    change(named, UserChange { roles, ..UserChange::default() })
}

fn delete(named: &str) -> Command {
    Command::DeleteUser { name: name(named), expected: None, author: author() }
}

/// Logs in and gives what is shown from then on.
fn session(state: &mut Users, named: &str) -> Bearer {
    let bearer = Bearer::generate(Uuid::from_u128(state.sessions.len() as u128 + 1));
    let session = NewSession {
        id: SessionId(bearer.id),
        user: name(named),
        from: "127.0.0.1".into(),
        at: NOW,
        expires_at: NOW.plus(DAY),
        hash: bearer.hash(),
    };
    let password = state.users[&name(named)].password_number;
    then(state, Command::LogIn { session, password }).unwrap();
    bearer
}

fn identify(state: &Users, bearer: &Bearer) -> Option<Identity> {
    state.identify(bearer.id, &bearer.hash(), NOW)
}

#[test]
fn the_first_administrator_needs_the_last_set_up_secret_and_there_is_one_first() {
    let hash = |text: &str| SecretHash::of(&Secret::from(text.to_owned()));
    let mut state = Users::default();
    for secret in [hash("first"), hash("second")] {
        then(&mut state, Command::PrepareSetUp { secret, at: NOW }).unwrap();
    }
    let set_up = |secret| Command::SetUp { secret, user: user("root", &[]), at: NOW };
    assert_eq!(then(&mut state, set_up(hash("first"))), Err(Rejection::WrongSetUpSecret));
    then(&mut state, set_up(hash("second"))).unwrap();
    assert!(state.administrators().eq([&name("root")]));
    assert_eq!(then(&mut state, set_up(hash("second"))), Err(Rejection::IsSetUp));
    let prepare = Command::PrepareSetUp { secret: hash("third"), at: NOW };
    assert_eq!(then(&mut state, prepare), Err(Rejection::IsSetUp));
}

#[test]
fn users_who_were_there_before_don_t_end_the_set_up_without_an_administrator() {
    let secret = SecretHash::of(&Secret::from("first".to_owned()));
    let mut state = Users::default();
    then(&mut state, Command::PrepareSetUp { secret, at: NOW }).unwrap();
    create(&mut state, user("ada", &["user"])).unwrap();
    // Another instance makes a new secret.
    then(&mut state, Command::PrepareSetUp { secret, at: NOW }).unwrap();
    let set_up = |named| Command::SetUp { secret, user: user(named, &[]), at: NOW };
    then(&mut state, set_up("root")).unwrap();
    assert!(state.administrators().eq([&name("root")]));

    let mut state = Users::default();
    then(&mut state, Command::PrepareSetUp { secret, at: NOW }).unwrap();
    create(&mut state, user("ada", &["admin"])).unwrap();
    assert_eq!(then(&mut state, set_up("root")), Err(Rejection::IsSetUp));
}

#[test]
fn nobody_is_set_up_by_an_empty_storage() {
    let secret = SecretHash::of(&Secret::new(vec![]));
    let set_up = Command::SetUp { secret, user: user("root", &[]), at: NOW };
    assert_eq!(then(&mut Users::default(), set_up), Err(Rejection::WrongSetUpSecret));
}

#[test]
fn the_last_administrator_stays_one() {
    let mut state = cluster();
    create(&mut state, user("ada", &["user"])).unwrap();
    let refused = Err(Rejection::LastAdministrator(name("root")));
    for command in [|| disable("root"), || delete("root"), || give("root", &["user"])] {
        assert_eq!(then(&mut state, command()), refused);
    }
    then(&mut state, give("ada", &["user", "admin"])).unwrap();
    then(&mut state, disable("root")).unwrap();
    assert_eq!(then(&mut state, delete("ada")), Err(Rejection::LastAdministrator(name("ada"))));
}

#[test]
fn names_differ_by_more_than_case_and_roles_must_be_known() {
    let mut state = cluster();
    let taken =
        |what: &str, name: &str| Err(Rejection::NameTaken { what: what.into(), name: name.into() });
    assert_eq!(create(&mut state, user("Root", &[])), taken("user", "root"));
    assert_eq!(create(&mut state, user("Weir", &[])), taken("user", "weir"));
    assert_eq!(create(&mut state, user("a", &["x"])), Err(Rejection::UnknownRole(role("x"))));
    let create = Command::CreateRole { role: of_own("Admin", &[]), author: author() };
    assert_eq!(then(&mut state, create), taken("role", "admin"));
}

#[test]
fn what_is_built_in_is_not_changed() {
    let mut state = cluster();
    let (role, built_in) = (of_own("admin", &[]), Err(Rejection::BuiltIn(role("admin"))));
    let name = role.name.clone();
    let change = Command::ChangeRole { role, expected: None, author: author() };
    assert_eq!(then(&mut state, change), built_in);
    let delete = Command::DeleteRole { name, expected: None, author: author() };
    assert_eq!(then(&mut state, delete), built_in);
}

#[test]
fn two_who_change_one_user_at_once_are_told_apart_by_its_revision() {
    let mut state = cluster();
    create(&mut state, user("ada", &["user"])).unwrap();
    let rename = |to: &str, expected| {
        let profile = Profile { first_name: to.into(), ..Profile::default() };
        let change = UserChange { profile: Some(profile), ..UserChange::default() };
        Command::ChangeUser { name: name("ada"), change, expected, author: author() }
    };
    then(&mut state, rename("Ada", Some(1))).unwrap();
    let refused = then(&mut state, rename("Eve", Some(1)));
    let what = "user ada".to_owned();
    assert_eq!(refused, Err(Rejection::Changed { what, expected: 1, actual: 2 }));
    assert_eq!(state.decide(rename("Ada", Some(2))), Ok(vec![]), "it is that already");
}

#[test]
fn a_user_may_do_what_the_roles_allow_now() {
    let mut state = cluster();
    let claims = [("r1", UserClaim::DeploymentActivate), ("r2", UserClaim::StreamSniff)];
    for (named, claim) in claims {
        let create = Command::CreateRole { role: of_own(named, &[claim]), author: author() };
        then(&mut state, create).unwrap();
    }
    create(&mut state, user("ada", &["r1", "r2"])).unwrap();
    let bearer = session(&mut state, "ada");
    let may = |state: &Users, claim| identify(state, &bearer).unwrap().grants.allows(claim, None);
    assert!(claims.iter().all(|it| may(&state, it.1)));
    assert!(!may(&state, UserClaim::KeyWrite));
    then(&mut state, give("ada", &["r1"])).unwrap();
    assert!(may(&state, UserClaim::DeploymentActivate) && !may(&state, UserClaim::StreamSniff));

    let delete = Command::DeleteRole { name: role("r1"), expected: Some(1), author: author() };
    then(&mut state, delete).unwrap();
    assert!(!may(&state, UserClaim::DeploymentActivate));
    let again = of_own("r1", &[UserClaim::KeyWrite]);
    then(&mut state, Command::CreateRole { role: again, author: author() }).unwrap();
    assert!(!may(&state, UserClaim::KeyWrite), "another role of that name is not given to anybody");
}

#[test]
fn a_session_ends_with_its_user_its_password_its_time_or_when_told() {
    let mut state = cluster();
    create(&mut state, user("ada", &["user"])).unwrap();
    let (one, two) = (session(&mut state, "ada"), session(&mut state, "ada"));
    let late = NOW.plus(DAY);
    assert_eq!(state.identify(one.id, &one.hash(), late), None);
    assert_eq!(identify(&state, &Bearer::generate(one.id)), None, "the id alone is nothing");

    let change_own = Command::ChangePassword {
        name: name("ada"),
        password: HASH.clone(),
        checked: 1,
        from: String::new(),
        keep: Some(SessionId(two.id)),
        at: NOW,
    };
    then(&mut state, change_own).unwrap();
    assert!(identify(&state, &one).is_none() && identify(&state, &two).is_some());
    let end = Command::EndSession { id: SessionId(two.id), author: author() };
    then(&mut state, end).unwrap();
    assert!(identify(&state, &two).is_none());

    for end in [|| disable("ada"), || delete("ada")] {
        let bearer = session(&mut state, "ada");
        then(&mut state, end()).unwrap();
        assert!(identify(&state, &bearer).is_none());
        let enable = UserChange { is_enabled: Some(true), ..UserChange::default() };
        let _ = then(&mut state, change("ada", enable));
        assert!(identify(&state, &bearer).is_none(), "it does not come back");
    }
}

/// `WEIR_UPDATE=1 cargo test -p weir-controllers rights` writes it anew.
#[test]
fn the_matrix_of_rights_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/rights.md");
    if std::env::var_os("WEIR_UPDATE").is_some() {
        std::fs::write(path, matrix()).unwrap();
    }
    let stored = std::fs::read_to_string(path).unwrap();
    assert!(stored == matrix(), "docs/rights.md is not what the code says: write it anew");
}

#[test]
fn only_an_administrator_may_export_keys_and_change_users() {
    use UserClaim::{AuditManage, KeyExport, KeyWrite, UserWrite};
    for role in &Role::built_in()[1..] {
        for claim in [KeyExport, KeyWrite, UserWrite, AuditManage] {
            assert!(!role.claims.contains(&claim), "{} {claim}", role.name);
        }
    }
    assert_eq!(Role::built_in()[0].claims.len(), UserClaim::ALL.len());
}
