//! Back-off after log-ins that fail.

use super::*;

fn seconds(n: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(n))
}

fn fail(state: &mut Users, named: &str, times: u32) {
    for _ in 0..times {
        then(state, Command::FailLogIn { user: name(named), at: NOW }).unwrap();
    }
}

/// The seconds that a user waits after so many failures.
fn wait(state: &Users, named: &str) -> u64 {
    match state.attempt(&name(named), NOW) {
        Attempt::Wait(until) => until.since(NOW).as_secs(),
        Attempt::Check { .. } => 0,
        Attempt::Unknown => panic!("{named} is known"),
    }
}

#[test]
fn each_failure_after_the_fourth_doubles_the_wait_up_to_a_quarter_of_an_hour() {
    let mut state = cluster();
    create(&mut state, user("ada", &["user"])).unwrap();
    let waits = (0..17).map(|_| {
        fail(&mut state, "ada", 1);
        wait(&state, "ada")
    });
    let expected = [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900];
    assert!(waits.eq(expected));
    fail(&mut state, "ada", 100);
    assert_eq!(wait(&state, "ada"), 900);
    assert!(matches!(state.attempt(&name("ada"), seconds(900)), Attempt::Check { .. }));
}

#[test]
fn the_last_administrator_is_never_kept_out_for_long() {
    let mut state = cluster();
    fail(&mut state, "root", 50);
    assert_eq!(wait(&state, "root"), 30);
    create(&mut state, user("ada", &["admin"])).unwrap();
    assert_eq!(wait(&state, "root"), 900);
}

#[test]
fn a_log_in_forgets_the_failures_and_so_does_a_day() {
    let mut state = cluster();
    fail(&mut state, "root", 4);
    session(&mut state, "root");
    fail(&mut state, "root", 4);
    assert_eq!(wait(&state, "root"), 0);
    let tomorrow = NOW.plus(DAY);
    then(&mut state, Command::FailLogIn { user: name("root"), at: tomorrow }).unwrap();
    assert!(matches!(state.attempt(&name("root"), tomorrow), Attempt::Check { .. }));
}

#[test]
fn a_right_password_is_no_way_around_a_wait_a_change_or_a_disabled_user() {
    let mut state = cluster();
    create(&mut state, user("ada", &["user"])).unwrap();
    let log_in = |password| {
        let bearer = Bearer::generate(Uuid::from_u128(5));
        let session = NewSession {
            id: SessionId(bearer.id),
            user: name("ada"),
            from: String::new(),
            at: NOW,
            expires_at: seconds(60),
            hash: bearer.hash(),
        };
        Command::LogIn { session, password }
    };
    assert_eq!(then(&mut state, log_in(2)), Err(Rejection::BadCredentials));
    fail(&mut state, "ada", 5);
    assert_eq!(then(&mut state, log_in(1)), Err(Rejection::TryLater(seconds(1))));
    let set = Command::SetPassword { name: name("ada"), password: HASH.clone(), author: author() };
    then(&mut state, set).unwrap();
    assert_eq!(then(&mut state, log_in(1)), Err(Rejection::BadCredentials));
    let change_own = Command::ChangePassword {
        name: name("ada"),
        password: HASH.clone(),
        checked: 1,
        keep: None,
        at: NOW,
    };
    assert_eq!(then(&mut state, change_own), Err(Rejection::BadCredentials), "it was set since");
    then(&mut state, disable("ada")).unwrap();
    assert_eq!(then(&mut state, log_in(2)), Err(Rejection::Disabled(name("ada"))));
}
