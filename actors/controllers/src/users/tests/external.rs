//! Users from outside: whose a name is, what the groups give, and what ends when nobody vouches any more.

use super::*;

fn person(named: &str, subject: &str, roles: &[&str]) -> Person {
    Person {
        name: name(named),
        origin: Origin::Ldap,
        subject: subject.to_owned(),
        profile: Profile::default(),
        roles: roles.iter().map(|it| role(it)).collect(),
    }
}

fn admit(state: &mut Users, person: Person) -> Result<Bearer, Rejection> {
    let bearer = Bearer::generate(Uuid::from_u128(state.sessions.len() as u128 + 100));
    let session = NewSession {
        id: SessionId(bearer.id),
        user: person.name.clone(),
        from: "127.0.0.1".into(),
        at: NOW,
        expires_at: NOW.plus(DAY),
        hash: bearer.hash(),
    };
    then(state, Command::Admit { person, session }).map(|()| bearer)
}

fn refused(state: &mut Users, person: Person) -> String {
    match admit(state, person) {
        Err(Rejection::NotAdmitted { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_name_belongs_to_whom_it_came_with_first() {
    let mut state = cluster();
    assert!(refused(&mut state, person("Root", "7", &["user"])).contains("a local user root"));
    admit(&mut state, person("eve", "7", &["user"])).unwrap();
    assert!(refused(&mut state, person("eve", "8", &["user"])).contains("another person"));
    let from_elsewhere = Person { origin: Origin::Oidc, ..person("eve", "7", &["user"]) };
    assert!(refused(&mut state, from_elsewhere).contains("elsewhere"));
    let taken = create(&mut state, user("Eve", &[]));
    assert!(matches!(taken, Err(Rejection::NameTaken { .. })), "{taken:?}");
    admit(&mut state, person("EVE", "7", &["user"])).unwrap();
    assert_eq!(state.users.len(), 2, "U2");
    assert!(matches!(
        admit(&mut state, person("weir", "9", &["user"])),
        Err(Rejection::NameTaken { .. })
    ));
    then(&mut state, delete("eve")).unwrap();
    admit(&mut state, person("eve", "8", &["user"])).unwrap();
}

#[test]
fn what_groups_give_follows_them_and_stands_beside_what_is_given_here() {
    let mut state = cluster();
    assert!(refused(&mut state, person("eve", "7", &["nope"])).contains("none of the roles"));
    let bearer = admit(&mut state, person("eve", "7", &["user", "nope"])).unwrap();
    then(&mut state, give("eve", &["monitoring"])).unwrap();
    let may = |state: &Users, claim| identify(state, &bearer).unwrap().grants.allows(claim, None);
    assert!(may(&state, UserClaim::AuditRead) && may(&state, UserClaim::StreamControl));
    let refresh = |roles| Command::Refresh { person: person("eve", "7", roles), at: NOW };
    then(&mut state, refresh(&["admin"])).unwrap();
    assert!(may(&state, UserClaim::KeyExport));
    assert_eq!(state.decide(refresh(&["admin"])), Ok(vec![]), "no news is no event");
    then(&mut state, refresh(&["monitoring"])).unwrap();
    assert!(!may(&state, UserClaim::StreamControl) && may(&state, UserClaim::AuditRead));
}

#[test]
fn an_administrator_by_group_does_not_keep_the_cluster() {
    let mut state = cluster();
    admit(&mut state, person("eve", "7", &["admin"])).unwrap();
    then(&mut state, give("eve", &["admin"])).unwrap();
    let last = Err(Rejection::LastAdministrator(name("root")));
    assert_eq!(then(&mut state, delete("root")), last);
    assert_eq!(then(&mut state, disable("root")), last);
}

#[test]
fn who_is_vouched_for_no_more_is_out_until_somebody_does() {
    let mut state = cluster();
    let session = admit(&mut state, person("eve", "7", &["user"])).unwrap();
    let token = Bearer::generate(Uuid::from_u128(7));
    let new = NewToken {
        id: TokenId(token.id),
        user: name("eve"),
        description: String::new(),
        claims: [UserClaim::StreamRead].into(),
        scope: Scope::Everything,
        expires_at: NOW.plus(DAY),
        hash: token.hash(),
    };
    then(&mut state, Command::CreateToken { token: new, author: author() }).unwrap();
    let disown = || Command::Disown { name: name("eve"), at: NOW };
    then(&mut state, disown()).unwrap();
    assert!(identify(&state, &session).is_none() && identify(&state, &token).is_none());
    assert_eq!(state.decide(disown()), Ok(vec![]));
    assert_eq!(state.decide(Command::Disown { name: name("root"), at: NOW }), Ok(vec![]));
    admit(&mut state, person("eve", "7", &["user"])).unwrap();
    assert!(identify(&state, &session).is_none() && identify(&state, &token).is_some());
    then(&mut state, disable("eve")).unwrap();
    let disabled = admit(&mut state, person("eve", "7", &["user"]));
    assert_eq!(disabled, Err(Rejection::Disabled(name("eve"))));
}

#[test]
fn nobody_has_a_password_here_who_is_from_elsewhere() {
    let mut state = cluster();
    admit(&mut state, person("eve", "7", &["user"])).unwrap();
    let password = HASH.clone();
    let set = Command::SetPassword { name: name("eve"), password, author: author() };
    assert_eq!(then(&mut state, set), Err(Rejection::KeptElsewhere(name("eve"))));
    assert_eq!(state.attempt(&name("eve"), "127.0.0.1", NOW), Attempt::Unknown);
}
