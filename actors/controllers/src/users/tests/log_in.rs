//! Back-off after log-ins that fail.

use super::*;

fn seconds(n: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(n))
}

/// Where somebody guesses.
const THERE: &str = "192.0.2.1";
/// Where the user is.
const HERE: &str = "127.0.0.1";

fn failed(named: &str, from: &str, at: Timestamp) -> Command {
    Command::FailLogIn { user: name(named), from: from.to_owned(), at }
}

fn fail(state: &mut Users, named: &str, times: u32) {
    for _ in 0..times {
        then(state, failed(named, THERE, NOW)).unwrap();
    }
}

/// The seconds that whoever guesses there waits after so many failures.
fn wait(state: &Users, named: &str) -> u64 {
    wait_at(state, named, THERE)
}

fn wait_at(state: &Users, named: &str, from: &str) -> u64 {
    match state.attempt(&name(named), from, NOW) {
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
    assert!(matches!(state.attempt(&name("ada"), THERE, seconds(900)), Attempt::Check { .. }));
}

#[test]
fn who_guesses_keeps_nobody_out_elsewhere_and_all_wait_alike() {
    let mut state = cluster();
    create(&mut state, user("ada", &["user"])).unwrap();
    for named in ["root", "ada"] {
        fail(&mut state, named, 49);
        assert_eq!((wait(&state, named), wait_at(&state, named, HERE)), (900, 0));
        fail(&mut state, named, 50);
        assert_eq!(wait_at(&state, named, HERE), 30, "never long");
    }
}

#[test]
fn a_log_in_forgets_the_failures_from_there_and_a_day_forgets_all() {
    let mut state = cluster();
    for _ in 0..4 {
        then(&mut state, failed("root", HERE, NOW)).unwrap();
    }
    fail(&mut state, "root", 5);
    session(&mut state, "root");
    assert_eq!(state.users().next().unwrap().failures.count, 0);
    for _ in 0..4 {
        then(&mut state, failed("root", HERE, NOW)).unwrap();
    }
    assert_eq!((wait_at(&state, "root", HERE), wait(&state, "root")), (0, 1));
    fail(&mut state, "root", 100);
    assert_eq!(wait_at(&state, "root", HERE), 0, "the user has logged in from here");
    let tomorrow = NOW.plus(DAY);
    then(&mut state, failed("root", THERE, tomorrow)).unwrap();
    assert!(matches!(state.attempt(&name("root"), THERE, tomorrow), Attempt::Check { .. }));
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
            from: THERE.into(),
            at: NOW,
            expires_at: seconds(60),
            hash: bearer.hash(),
        };
        Command::LogIn { session, password }
    };
    assert_eq!(then(&mut state, log_in(2)), Err(Rejection::BadCredentials { is_user: true }));
    fail(&mut state, "ada", 5);
    assert_eq!(then(&mut state, log_in(1)), Err(Rejection::TryLater(seconds(1))));
    let set = Command::SetPassword { name: name("ada"), password: HASH.clone(), author: author() };
    then(&mut state, set).unwrap();
    assert_eq!(then(&mut state, log_in(1)), Err(Rejection::BadCredentials { is_user: true }));
    let change_own = Command::ChangePassword {
        name: name("ada"),
        password: HASH.clone(),
        checked: 1,
        from: HERE.into(),
        keep: None,
        at: NOW,
    };
    assert_eq!(
        then(&mut state, change_own),
        Err(Rejection::BadCredentials { is_user: true }),
        "it was set since"
    );
    then(&mut state, disable("ada")).unwrap();
    assert_eq!(then(&mut state, log_in(2)), Err(Rejection::Disabled(name("ada"))));
}
