//! Whatever is asked in whatever order, the invariants hold: `apply` asserts U1 after each event.

use proptest::prelude::*;

use super::*;

const NAMES: [&str; 3] = ["root", "ada", "Ada"];
const ROLES: [&str; 3] = ["admin", "user", "own"];

fn any_command() -> impl Strategy<Value = Command> {
    let named = || prop::sample::select(&NAMES[..]);
    let roles = || prop::sample::subsequence(&ROLES[..], 0..=3);
    let expected = || prop::option::weighted(0.3, 1_u64..4);
    prop_oneof![
        (named(), roles()).prop_map(|(named, roles)| Command::CreateUser {
            user: user(named, &roles),
            author: author(),
        }),
        (named(), roles(), expected()).prop_map(|(named, roles, expected)| {
            let roles = Some(roles.into_iter().map(role).collect());
            let change = UserChange { roles, ..UserChange::default() };
            Command::ChangeUser { name: name(named), change, expected, author: author() }
        }),
        (named(), any::<bool>(), expected()).prop_map(|(named, is_enabled, expected)| {
            let change = UserChange { is_enabled: Some(is_enabled), ..UserChange::default() };
            Command::ChangeUser { name: name(named), change, expected, author: author() }
        }),
        (named(), expected()).prop_map(|(named, expected)| Command::DeleteUser {
            name: name(named),
            expected,
            author: author(),
        }),
        (named(), 1_u64..3).prop_map(|(named, checked)| Command::ChangePassword {
            name: name(named),
            password: HASH.clone(),
            checked,
            from: String::new(),
            keep: None,
            at: NOW,
        }),
        (named(), 1_u64..3, 1_u128..9).prop_map(|(named, password, id)| {
            let bearer = Bearer::generate(Uuid::from_u128(id));
            let session = NewSession {
                id: SessionId(bearer.id),
                user: name(named),
                from: String::new(),
                at: NOW,
                expires_at: NOW.plus(DAY),
                hash: bearer.hash(),
            };
            Command::LogIn { session, password }
        }),
        named().prop_map(|named| Command::FailLogIn {
            user: name(named),
            from: String::new(),
            at: NOW,
        }),
        Just(()).prop_map(|()| Command::CreateRole {
            role: of_own("own", &[UserClaim::StreamRead]),
            author: author(),
        }),
        expected().prop_map(|expected| Command::DeleteRole {
            name: role("own"),
            expected,
            author: author(),
        }),
    ]
}

proptest! {
    #[test]
    fn somebody_administers_and_nobody_gone_is_let_in(
        commands in prop::collection::vec(any_command(), 0..40),
    ) {
        let mut state = cluster();
        for command in commands {
            let _ = then(&mut state, command);
        }
        prop_assert!(state.administrators().next().is_some());
        let lower: BTreeSet<_> =
            state.users.keys().map(|it| it.as_str().to_ascii_lowercase()).collect();
        prop_assert_eq!(lower.len(), state.users.len(), "U2");
        for session in state.sessions.values() {
            let user = state.users.get(&session.user);
            prop_assert!(user.is_some_and(|it| it.is_enabled), "U4: {:?}", session);
        }
        // As snapshots are written.
        let stored = rmp_serde::to_vec_named(&state).unwrap();
        let read: Users = rmp_serde::from_slice(&stored).unwrap();
        prop_assert_eq!(rmp_serde::to_vec_named(&read).unwrap(), stored);
    }
}
