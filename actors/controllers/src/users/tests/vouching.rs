//! The service with a directory and a provider that do what the test says.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::future::join_all;
use weir_domain::Fault;

use super::service::Lab;
use super::*;

const MINUTE: Duration = Duration::from_secs(60);
const PASSWORD: &str = "correct horse battery";

/// Says the same to everybody who asks.
struct Double {
    answer: Mutex<Result<Person, Doubt>>,
    asked: AtomicU32,
    /// It says nothing, for ever.
    is_stuck: AtomicBool,
    /// So many wait for it, and have at once.
    waiting: AtomicU32,
    most: AtomicU32,
}

struct Waits<'a>(&'a Double);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Double {
    fn of(origin: Origin) -> Arc<Self> {
        let person = Person {
            name: name("eve"),
            origin,
            subject: "7".into(),
            profile: Profile::default(),
            roles: [role("user")].into(),
        };
        Arc::new(Self {
            answer: Mutex::new(Ok(person)),
            asked: AtomicU32::new(0),
            is_stuck: AtomicBool::new(false),
            waiting: AtomicU32::new(0),
            most: AtomicU32::new(0),
        })
    }

    fn says(&self, answer: Result<Person, Doubt>) {
        *self.answer.lock().unwrap() = answer;
    }

    fn answer(&self) -> Result<Person, Doubt> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.answer.lock().unwrap().clone()
    }

    async fn speaks(&self) {
        if self.is_stuck.load(Ordering::SeqCst) {
            let waiting = self.waiting.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(waiting, Ordering::SeqCst);
            let _waits = Waits(self);
            std::future::pending::<()>().await;
        }
    }

    fn times(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Directory for Double {
    async fn check(
        &self,
        _: &str,
        (password, gate): (&Secret, &dyn Gate),
        _: Duration,
    ) -> Result<Person, Doubt> {
        let answer = self.answer();
        let subject = answer.as_ref().ok().map(|it| it.subject.as_str());
        gate.may_try(subject).await?;
        let answer = answer?;
        match password.expose() == b"theirs" {
            true => Ok(answer),
            false => Err(Doubt::Wrong("it is".into())),
        }
    }

    async fn look_up(
        &self,
        _: &UserName,
        subject: &str,
        within: Duration,
    ) -> Result<Person, Doubt> {
        assert_eq!(subject, "7");
        let silent = Err(Doubt::Silent(Fault::transient(1, "it is away")));
        match tokio::time::timeout(within, self.speaks()).await {
            Ok(()) => self.answer(),
            Err(_) => silent,
        }
    }

    fn recheck_every(&self) -> Duration {
        5 * MINUTE
    }
}

#[async_trait]
impl Provider for Double {
    fn name(&self) -> &str {
        "the house"
    }

    async fn begin(&self, begun: &Begun, _: Timestamp) -> Result<String, Doubt> {
        self.speaks().await;
        Ok(begun.state.clone())
    }

    async fn finish(&self, _: &Secret, _: &Begun, _: Timestamp) -> Result<Person, Doubt> {
        self.speaks().await;
        self.answer()
    }

    fn is_secure(&self) -> bool {
        true
    }

    fn session_max(&self) -> Duration {
        60 * MINUTE
    }

    fn token_trust(&self) -> Duration {
        120 * MINUTE
    }
}

fn silent() -> Result<Person, Doubt> {
    Err(Doubt::Silent(Fault::transient(1, "it is away")))
}

async fn with_directory() -> (Lab, Arc<Double>) {
    let double = Double::of(Origin::Ldap);
    let lab = Lab::with(Outside { directory: Some(double.clone()), provider: None }).await;
    lab.set_up().await;
    (lab, double)
}

async fn is_known(lab: &Lab, bearer: &Bearer) -> bool {
    match lab.ask(Request::Identify(bearer.into())).await {
        Response::Identity(_) => true,
        Response::Rejected(Rejection::NotAuthenticated) => false,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn somebody_is_looked_up_again_when_the_last_look_is_old_and_not_before() {
    let (lab, double) = with_directory().await;
    let (bearer, response) = lab.log_in("eve", "theirs").await;
    assert!(matches!(response, Response::Identity(_)), "{response:?}");
    let asked = double.times();
    lab.clock.advance(4 * MINUTE);
    assert!(is_known(&lab, &bearer).await && double.times() == asked);
    lab.clock.advance(2 * MINUTE);
    assert!(is_known(&lab, &bearer).await && double.times() == asked + 1);
    assert!(is_known(&lab, &bearer).await && double.times() == asked + 1);
    double.says(Err(Doubt::Wrong("nobody of that name".into())));
    lab.clock.advance(5 * MINUTE);
    assert!(!is_known(&lab, &bearer).await);
}

#[tokio::test]
async fn what_a_silent_directory_said_last_holds_for_a_bounded_time() {
    let (lab, double) = with_directory().await;
    let (bearer, _) = lab.log_in("eve", "theirs").await;
    let Response::Identity(identity) = lab.ask(Request::Identify((&bearer).into())).await else {
        panic!()
    };
    let token = Bearer::generate(Uuid::from_u128(7));
    let new = NewToken {
        id: TokenId(token.id),
        user: identity.user.clone(),
        description: String::new(),
        claims: [UserClaim::StreamRead].into(),
        scope: Scope::Everything,
        expires_at: lab.system.now().plus(30 * DAY),
        hash: token.hash(),
    };
    let made = lab.ask(Request::CreateToken { token: new, by: identity.user.clone() }).await;
    assert!(matches!(made, Response::Done), "{made:?}");
    double.says(silent());
    lab.clock.advance(11 * 60 * MINUTE);
    assert!(is_known(&lab, &token).await);
    lab.clock.advance(2 * 60 * MINUTE);
    let response = lab.ask(Request::Identify((&token).into())).await;
    assert!(matches!(response, Response::Rejected(Rejection::Silent(_))), "{response:?}");
    // Local users are as they were.
    assert!(matches!(lab.log_in("root", PASSWORD).await.1, Response::Identity(_)));
    // Nobody was made to wait for what was nobody's fault.
    for _ in 0..7 {
        let response = lab.log_in("eve", "theirs").await.1;
        assert!(matches!(response, Response::Rejected(Rejection::Silent(_))), "{response:?}");
    }
}

#[tokio::test]
async fn wrong_passwords_of_the_directory_make_wait_and_empty_ones_are_not_tried() {
    let (lab, double) = with_directory().await;
    for named in ["eve", "Eve", "eVe", "evE", "EVE"] {
        let response = lab.log_in(named, "wrong").await.1;
        assert!(matches!(response, Response::Rejected(Rejection::BadCredentials { .. })));
    }
    let asked = double.times();
    let response = lab.log_in("eve", "theirs").await.1;
    assert!(matches!(response, Response::Rejected(Rejection::TryLater(_))), "{response:?}");
    lab.clock.advance(MINUTE);
    let response = lab.log_in("eve", "").await.1;
    assert!(matches!(response, Response::Rejected(Rejection::BadCredentials { .. })));
    assert_eq!(double.times(), asked);
    assert!(matches!(lab.log_in("eve", "theirs").await.1, Response::Identity(_)));
}

fn is_wrong(response: &Response) -> bool {
    matches!(response, Response::Rejected(Rejection::BadCredentials { .. }))
}

fn must_wait(response: &Response) -> bool {
    matches!(response, Response::Rejected(Rejection::TryLater(_)))
}

#[tokio::test]
async fn who_guesses_waits_under_every_name_that_leads_to_the_same_person() {
    let (lab, double) = with_directory().await;
    // Not here yet, then a user.
    for round in 0..2 {
        for alias in 0..5 {
            let response = lab.log_in(&format!("alias-{round}-{alias}"), "wrong").await.1;
            assert!(is_wrong(&response), "{response:?}");
        }
        let response = lab.log_in(&format!("alias-{round}-5"), "theirs").await.1;
        assert!(must_wait(&response), "{response:?}");
        lab.clock.advance(MINUTE);
        assert!(matches!(lab.log_in("eve", "theirs").await.1, Response::Identity(_)));
    }
    assert!(double.times() > 0);
}

#[tokio::test]
async fn who_tries_one_password_on_many_people_waits_and_nobody_where_they_usually_are() {
    let (lab, double) = with_directory().await;
    assert!(matches!(lab.log_in("eve", "theirs").await.1, Response::Identity(_)));
    let Ok(eve) = double.answer() else { panic!() };
    for n in 0..50 {
        double.says(Ok(Person { subject: format!("of {n}"), ..eve.clone() }));
        let response = lab.log_in(&format!("user-{n}"), "wrong").await.1;
        assert!(is_wrong(&response), "{n}: {response:?}");
    }
    double.says(Ok(Person { subject: "of mia".into(), name: name("mia"), ..eve.clone() }));
    assert!(must_wait(&lab.log_in("mia", "theirs").await.1));
    double.says(Err(Doubt::Wrong("nobody of that name".into())));
    assert!(must_wait(&lab.log_in("nobody", "theirs").await.1), "it tells not who is there");
    double.says(Ok(eve.clone()));
    assert!(matches!(lab.log_in("eve", "theirs").await.1, Response::Identity(_)));
    lab.clock.advance(MINUTE);
    double.says(Ok(Person { subject: "of mia".into(), name: name("mia"), ..eve }));
    assert!(matches!(lab.log_in("mia", "theirs").await.1, Response::Identity(_)));
}

#[tokio::test]
async fn names_that_nobody_has_make_no_failures_of_people_be_forgotten() {
    let (lab, double) = with_directory().await;
    let there = double.answer();
    for n in 0..12 {
        assert!(is_wrong(&lab.log_in(&format!("alias-{n}"), "wrong").await.1));
        lab.clock.advance(5 * MINUTE);
    }
    double.says(Err(Doubt::Wrong("nobody of that name".into())));
    for n in 0..1_001 {
        assert!(is_wrong(&lab.log_in(&format!("nobody-{n}"), "wrong").await.1));
        // The address waits no longer.
        lab.clock.advance(MINUTE / 2);
    }
    double.says(there);
    assert!(is_wrong(&lab.log_in("alias-12", "wrong").await.1));
    lab.clock.advance(MINUTE);
    assert!(must_wait(&lab.log_in("alias-13", "theirs").await.1), "the thirteenth failed");
}

async fn with_provider() -> (Lab, Arc<Double>) {
    let double = Double::of(Origin::Oidc);
    let lab = Lab::with(Outside { directory: None, provider: Some(double.clone()) }).await;
    lab.set_up().await;
    (lab, double)
}

fn kept(text: &str) -> SecretHash {
    SecretHash::of(&Secret::from(text.to_owned()))
}

async fn begin(lab: &Lab, by: &str) -> String {
    let request = Request::BeginProvider { binding: kept(by), from: "127.0.0.1".into() };
    match lab.ask(request).await {
        Response::Begun { location, is_secure: true } => location,
        other => panic!("{other:?}"),
    }
}

async fn finish(lab: &Lab, state: &str, by: &str) -> (Bearer, Response) {
    let bearer = Bearer::generate(lab.system.ids().session().0);
    let (code, session) = (Ok(lab.seal("code").await), (&bearer).into());
    let (state, binding) = (state.to_owned(), kept(by));
    let from = "127.0.0.1".to_owned();
    let request = Request::FinishProvider { state, code, binding, session, from };
    (bearer, lab.ask(request).await)
}

fn is_expired(response: &Response) -> bool {
    matches!(response, Response::Rejected(Rejection::LogInExpired))
}

#[tokio::test]
async fn a_log_in_at_the_provider_is_finished_soon_once_and_where_it_began() {
    let (lab, double) = with_provider().await;
    let state = begin(&lab, "a").await;
    assert!(is_expired(&finish(&lab, "another", "a").await.1));
    assert!(is_expired(&finish(&lab, &state, "b").await.1));
    assert!(is_expired(&finish(&lab, &state, "a").await.1), "it was tried elsewhere");
    let state = begin(&lab, "a").await;
    lab.clock.advance(10 * MINUTE);
    assert!(is_expired(&finish(&lab, &state, "a").await.1), "it took too long");
    assert_eq!(double.times(), 0);
    let state = begin(&lab, "a").await;
    assert!(matches!(finish(&lab, &state, "a").await.1, Response::Identity(_)));
    assert!(is_expired(&finish(&lab, &state, "a").await.1), "it was finished");
    // One address can't make the log-ins of others be forgotten.
    let state = begin(&lab, "a").await;
    for _ in 0..150 {
        let request = Request::BeginProvider { binding: kept("x"), from: "192.0.2.1".into() };
        assert!(matches!(lab.ask(request).await, Response::Begun { .. }));
    }
    assert!(matches!(finish(&lab, &state, "a").await.1, Response::Identity(_)));
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_says_nothing_is_waited_for_in_a_line_and_not_for_ever() {
    let (lab, double) = with_provider().await;
    let state = begin(&lab, "a").await;
    double.is_stuck.store(true, Ordering::SeqCst);
    let response = finish(&lab, &state, "a").await.1;
    assert!(matches!(response, Response::Rejected(Rejection::Silent(_))), "{response:?}");
    let begin = || Request::BeginProvider { binding: kept("x"), from: "192.0.2.1".into() };
    let answers = join_all((0..9).map(|_| lab.ask(begin()))).await;
    let is_busy = |it: &&Response| matches!(it, Response::Rejected(Rejection::Busy));
    let is_silent = |it: &&Response| matches!(it, Response::Rejected(Rejection::Silent(_)));
    let counts = (answers.iter().filter(is_busy).count(), answers.iter().filter(is_silent).count());
    assert_eq!(counts, (1, 8), "{answers:?}");
}

#[tokio::test(start_paused = true)]
async fn looks_that_are_all_due_stand_in_a_line_and_who_finds_no_place_is_as_before() {
    let (lab, double) = with_directory().await;
    let mut bearers = Vec::new();
    for n in 0..12 {
        let Ok(eve) = double.answer() else { panic!() };
        double.says(Ok(Person { name: name(&format!("user-{n}")), ..eve }));
        let (bearer, response) = lab.log_in(&format!("user-{n}"), "theirs").await;
        assert!(matches!(response, Response::Identity(_)), "{response:?}");
        bearers.push(bearer);
    }
    lab.clock.advance(6 * MINUTE);
    double.is_stuck.store(true, Ordering::SeqCst);
    let answers = join_all(bearers.iter().map(|it| is_known(&lab, it))).await;
    assert_eq!(answers, [true; 12]);
    assert_eq!(double.most.load(Ordering::SeqCst), 8);
}

#[tokio::test]
async fn what_a_provider_vouched_for_holds_for_a_bounded_time() {
    let (lab, _) = with_provider().await;
    let state = begin(&lab, "a").await;
    let (session, response) = finish(&lab, &state, "a").await;
    let Response::Identity(identity) = response else { panic!("{response:?}") };
    assert_eq!(identity.expires_at, lab.system.now().plus(60 * MINUTE));
    let token = Bearer::generate(Uuid::from_u128(7));
    let new = NewToken {
        id: TokenId(token.id),
        user: identity.user.clone(),
        description: String::new(),
        claims: [UserClaim::StreamRead].into(),
        scope: Scope::Everything,
        expires_at: lab.system.now().plus(30 * DAY),
        hash: token.hash(),
    };
    lab.ask(Request::CreateToken { token: new, by: identity.user.clone() }).await;
    lab.clock.advance(61 * MINUTE);
    assert!(!is_known(&lab, &session).await && is_known(&lab, &token).await);
    lab.clock.advance(60 * MINUTE);
    assert!(!is_known(&lab, &token).await);
    let state = begin(&lab, "a").await;
    finish(&lab, &state, "a").await;
    assert!(is_known(&lab, &token).await, "somebody vouches again");
}

#[tokio::test]
async fn an_origin_that_is_set_up_no_more_vouches_for_nobody() {
    let lab = Lab::with(Outside::default()).await;
    lab.set_up().await;
    let response =
        lab.ask(Request::BeginProvider { binding: kept("a"), from: String::new() }).await;
    assert!(matches!(response, Response::Rejected(Rejection::NoProvider)), "{response:?}");
    assert!(matches!(lab.ask(Request::Ways).await, Response::Ways(None)));
    let response = lab.log_in("eve", "theirs").await.1;
    assert!(matches!(response, Response::Rejected(Rejection::BadCredentials { is_user: false })));
}
