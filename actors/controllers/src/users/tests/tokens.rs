//! Tokens, and the bounds of what people write.

use super::*;

fn token(named: &str, id: u128, expires_at: Timestamp) -> NewToken {
    let bearer = Bearer::generate(Uuid::from_u128(id));
    NewToken {
        id: TokenId(bearer.id),
        user: name(named),
        description: String::new(),
        claims: BTreeSet::new(),
        scope: Scope::Everything,
        expires_at,
        hash: bearer.hash(),
    }
}

fn by(author_name: &str) -> Author {
    Author { user: name(author_name), at: NOW }
}

#[test]
fn a_password_that_another_user_sets_takes_the_tokens_away_and_one_s_own_does_not() {
    let mut state = cluster();
    create(&mut state, user("ada", &["user"])).unwrap();
    for (named, id) in [("ada", 1), ("ada", 2), ("root", 3)] {
        let token = token(named, id, NOW.plus(DAY));
        then(&mut state, Command::CreateToken { token, author: by(named) }).unwrap();
    }
    let change_own = Command::ChangePassword {
        name: name("ada"),
        password: HASH.clone(),
        checked: 1,
        from: String::new(),
        keep: None,
        at: NOW,
    };
    then(&mut state, change_own).unwrap();
    assert_eq!(state.tokens().count(), 3);
    let set = |author| Command::SetPassword { name: name("ada"), password: HASH.clone(), author };
    then(&mut state, set(by("ada"))).unwrap();
    assert_eq!(state.tokens().count(), 3);
    then(&mut state, set(by("root"))).unwrap();
    assert!(state.tokens().map(|it| it.user).eq([name("root")]));
}

#[test]
fn a_user_has_so_many_tokens_and_those_that_expired_go() {
    let mut state = cluster();
    let make = |id, at: Timestamp| Command::CreateToken {
        token: token("root", id, at.plus(DAY)),
        author: Author { user: name("root"), at },
    };
    (1..=100).for_each(|id| then(&mut state, make(id, NOW)).unwrap());
    let full = Rejection::TooMany { what: "tokens of yours".into(), max: 100 };
    assert_eq!(then(&mut state, make(101, NOW)), Err(full));
    create(&mut state, user("ada", &["user"])).unwrap();
    let others =
        Command::CreateToken { token: token("ada", 102, NOW.plus(DAY)), author: by("ada") };
    then(&mut state, others).unwrap();
    then(&mut state, make(103, NOW.plus(DAY))).unwrap();
    assert_eq!(state.tokens().count(), 1);
}

#[test]
fn what_people_write_has_a_bound() {
    let mut state = cluster();
    let long = "x".repeat(201);
    let profile = Profile { email: long.clone(), ..Profile::default() };
    let what =
        |what: &str| Err(Rejection::TooLong(crate::TooLong { what: what.to_owned(), length: 201 }));
    let made = NewUser { profile: profile.clone(), ..user("ada", &[]) };
    assert_eq!(create(&mut state, made), what("email"));
    let changed = UserChange { profile: Some(profile), ..UserChange::default() };
    assert_eq!(then(&mut state, change("root", changed)), what("email"));
    let token = NewToken { description: long.clone(), ..token("root", 1, NOW.plus(DAY)) };
    let make = Command::CreateToken { token, author: author() };
    assert_eq!(then(&mut state, make), what("description"));
    let role = Role { description: long, ..of_own("own", &[]) };
    let make = Command::CreateRole { role, author: author() };
    assert_eq!(then(&mut state, make), what("description"));
    let projects = (0..201).map(|it| format!("p{it}").parse().unwrap()).collect();
    let role = Role { scope: Scope::Projects(projects), ..of_own("own", &[]) };
    let make = Command::CreateRole { role, author: author() };
    assert!(matches!(then(&mut state, make), Err(Rejection::TooMany { max: 200, .. })));
}

#[test]
fn a_token_allows_what_it_names_where_its_user_may_until_it_ends() {
    let mut state = cluster();
    create(&mut state, user("ada", &["user"])).unwrap();
    let bearer = Bearer::generate(Uuid::from_u128(77));
    let token = |days: u32| NewToken {
        id: TokenId(bearer.id),
        user: name("ada"),
        description: "deploys".into(),
        claims: [UserClaim::StreamRead, UserClaim::KeyExport].into(),
        scope: Scope::Projects(BTreeSet::from(["flights".parse().unwrap()])),
        expires_at: NOW.plus(DAY * days),
        hash: bearer.hash(),
    };
    let make = |days| Command::CreateToken { token: token(days), author: author() };
    for bad in [0, 367] {
        assert_eq!(then(&mut state, make(bad)), Err(Rejection::BadExpiry { days: 366 }));
    }
    then(&mut state, make(30)).unwrap();
    assert_eq!(then(&mut state, make(30)), Err(Rejection::IdTaken(bearer.id)));

    let grants = identify(&state, &bearer).unwrap().grants;
    let flights = "flights".parse().unwrap();
    assert!(grants.allows(UserClaim::StreamRead, Some(&flights)));
    assert!(!grants.allows(UserClaim::StreamRead, None));
    assert!(!grants.allows(UserClaim::KeyExport, Some(&flights)), "its user may not");
    assert_eq!(state.identify(bearer.id, &bearer.hash(), NOW.plus(DAY * 30)), None);
    then(&mut state, disable("ada")).unwrap();
    assert!(identify(&state, &bearer).is_none());
    then(&mut state, Command::RevokeToken { id: TokenId(bearer.id), author: author() }).unwrap();
    assert_eq!(state.tokens().count(), 0);
}

#[test]
fn the_last_use_of_a_token_is_kept_to_ten_minutes() {
    let mut state = cluster();
    let bearer = Bearer::generate(Uuid::from_u128(77));
    let token = NewToken {
        id: TokenId(bearer.id),
        user: name("root"),
        description: String::new(),
        claims: BTreeSet::new(),
        scope: Scope::Everything,
        expires_at: NOW.plus(DAY),
        hash: bearer.hash(),
    };
    then(&mut state, Command::CreateToken { token, author: author() }).unwrap();
    let touch = |at| Command::Touch { tokens: BTreeMap::from([(TokenId(bearer.id), at)]) };
    then(&mut state, touch(NOW)).unwrap();
    let minutes = |n: u64| NOW.plus(Duration::from_secs(n * 60));
    assert_eq!(state.decide(touch(minutes(9))), Ok(vec![]));
    then(&mut state, touch(minutes(10))).unwrap();
    assert_eq!(state.tokens().next().unwrap().used_at, Some(minutes(10)));
}
