//! The service: from the set-up secret to a revoked session.

use std::sync::{Arc, Mutex};

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use weir_cluster::{RequestContext, Service, Singleton};
use weir_domain::{Clock, CommandId};
use weir_persistence_api::{
    Acquired, Fence, Journal, LeaseName, LeaseStore, MemoryStore, PersistenceId,
};
use weir_runtime::{HostSettings, ManualClock, System};
use weir_secrets::Sealed;

use super::*;
use crate::testing;

const PASSWORD: &str = "correct horse battery";

/// Remembers the last secret.
#[derive(Default)]
struct Told(Mutex<Option<Secret>>);

impl SetUpNotice for Told {
    fn announce(&self, secret: &Secret) {
        *self.0.lock().unwrap() = Some(secret.clone());
    }

    fn used(&self) {
        *self.0.lock().unwrap() = None;
    }
}

pub(super) struct Lab {
    pub(super) system: System,
    pub(super) clock: ManualClock,
    store: MemoryStore,
    fence: Fence,
    told: Arc<Told>,
    outside: Outside,
    pub(super) service: Arc<UserService>,
}

impl Lab {
    async fn new() -> Self {
        Self::with(Outside::default()).await
    }

    pub(super) async fn with(outside: Outside) -> Self {
        let clock = ManualClock::at(NOW);
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let store = MemoryStore::new(shared.clone());
        let system = testing::system(shared);
        let lease = LeaseName(LEASE.to_owned());
        let Ok(Acquired::Granted(fence)) = store.lease_acquire(&lease, system.owner(), DAY).await
        else {
            panic!("the lease is free");
        };
        let told = Arc::new(Told::default());
        let service = start(&system, &store, &fence, (&told, &outside)).await;
        Self { system, clock, store, fence, told, outside, service }
    }

    pub(super) async fn ask(&self, request: Request) -> Response {
        self.ask_as(self.system.ids().command(), request).await
    }

    async fn ask_as(&self, command: CommandId, request: Request) -> Response {
        let context = RequestContext { command, within: DAY, epoch: 1 };
        self.service.serve(request, context).await.unwrap()
    }

    pub(super) async fn seal(&self, text: &str) -> Sealed {
        let Response::Transit(to) = self.ask(Request::Transit).await else { panic!() };
        Sealed::seal(&Secret::from(text.to_owned()), &[to]).unwrap()
    }

    pub(super) async fn set_up(&self) {
        let secret = self.told.0.lock().unwrap().clone().expect("it was announced");
        let request = Request::SetUp {
            secret: SecretHash::of(&secret),
            name: name("root"),
            profile: Profile::default(),
            password: self.seal(PASSWORD).await,
        };
        assert!(matches!(self.ask(request).await, Response::Done));
        assert!(self.told.0.lock().unwrap().is_none(), "it was used");
    }

    pub(super) async fn log_in(&self, named: &str, password: &str) -> (Bearer, Response) {
        let bearer = Bearer::generate(self.system.ids().session().0);
        let (name, session, from) = (name(named), (&bearer).into(), "127.0.0.1".into());
        let password = self.seal(password).await;
        let is_proven = false;
        let response = self.ask(Request::LogIn { name, password, session, from, is_proven }).await;
        (bearer, response)
    }

    async fn log_in_from(&self, password: Sealed, (from, is_proven): (String, bool)) -> Response {
        let bearer = Bearer::generate(self.system.ids().session().0);
        let (name, session) = (name("root"), (&bearer).into());
        self.ask(Request::LogIn { name, password, session, from, is_proven }).await
    }

    /// The instance that takes over.
    async fn successor(&self) -> Arc<UserService> {
        let Self { system, store, fence, told, outside, .. } = self;
        let lease = LeaseName(LEASE.to_owned());
        let seen = (fence.owner.as_str(), fence.epoch);
        let forced = store.lease_force(&lease, system.owner(), DAY, seen).await;
        let Ok(Acquired::Granted(fence)) = forced else { panic!("{forced:?}") };
        start(system, store, &fence, (told, outside)).await
    }

    async fn stored(&self) -> String {
        let id = PersistenceId(LEASE.to_owned());
        let events = self.store.replay(&id, 0, 1_000).await.unwrap();
        events.iter().map(|it| String::from_utf8_lossy(&it.payload).into_owned()).collect()
    }
}

async fn start(
    system: &System,
    store: &MemoryStore,
    fence: &Fence,
    (told, outside): (&Arc<Told>, &Outside),
) -> Arc<UserService> {
    let singleton = UserSingleton {
        system: system.clone(),
        store: Arc::new(store.clone()),
        settings: HostSettings::default(),
        notice: told.clone(),
        outside: outside.clone(),
    };
    singleton.start(fence.clone()).await.unwrap().service
}

#[tokio::test]
async fn an_administrator_is_set_up_logs_in_and_is_known_until_the_session_ends() {
    let lab = Lab::new().await;
    lab.set_up().await;
    let (bearer, response) = lab.log_in("root", PASSWORD).await;
    let Response::Identity(identity) = response else { panic!("{response:?}") };
    assert!(identity.grants.allows(UserClaim::UserWrite, None) && !identity.must_change);
    let known = lab.ask(Request::Identify((&bearer).into())).await;
    assert!(matches!(known, Response::Identity(it) if it == identity));

    let Via::Session(id) = identity.via else { panic!() };
    assert!(matches!(lab.ask(Request::EndSession { id, by: name("root") }).await, Response::Done));
    let gone = lab.ask(Request::Identify((&bearer).into())).await;
    assert!(matches!(gone, Response::Rejected(Rejection::NotAuthenticated)));

    let stored = lab.stored().await;
    let text = bearer.to_text();
    let clear = text.expose_text().unwrap().splitn(3, '_').last().unwrap().to_owned();
    assert!(!stored.contains(PASSWORD) && !stored.contains(&clear));
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_are_answered_alike_and_failures_make_wait() {
    let lab = Lab::new().await;
    lab.set_up().await;
    for (user, password) in [("nobody", PASSWORD), ("root", "wrong horse battery")] {
        let (_, response) = lab.log_in(user, password).await;
        assert!(
            matches!(response, Response::Rejected(Rejection::BadCredentials { .. })),
            "{response:?}"
        );
    }
    for _ in 0..4 {
        lab.log_in("root", "wrong horse battery").await;
    }
    let (_, response) = lab.log_in("root", PASSWORD).await;
    assert!(matches!(response, Response::Rejected(Rejection::TryLater(_))), "{response:?}");
    lab.clock.advance(Duration::from_secs(1));
    let (_, response) = lab.log_in("root", PASSWORD).await;
    assert!(matches!(response, Response::Identity(_)), "{response:?}");
}

#[tokio::test]
async fn a_password_that_somebody_else_set_must_be_changed_by_whoever_knows_it() {
    let lab = Lab::new().await;
    lab.set_up().await;
    let by = name("root");
    let create = |password| Request::CreateUser {
        name: name("ada"),
        profile: Profile::default(),
        roles: [role("user")].into(),
        password,
        by: by.clone(),
    };
    for weak in ["short", "ada-ada-ada-1"] {
        let refused = lab.ask(create(lab.seal(weak).await)).await;
        assert!(matches!(refused, Response::Rejected(Rejection::BadPassword(_))), "{refused:?}");
    }
    assert!(matches!(lab.ask(create(lab.seal(PASSWORD).await)).await, Response::Done));
    let (_, response) = lab.log_in("ada", PASSWORD).await;
    let Response::Identity(identity) = response else { panic!("{response:?}") };
    let granted: Vec<_> = identity.grants.everywhere().keys().copied().collect();
    assert_eq!((identity.must_change, granted), (true, vec![]));

    let new = "another horse battery";
    for (current, is_done) in [("wrong horse battery", false), (PASSWORD, true)] {
        let (current, new) = (lab.seal(current).await, lab.seal(new).await);
        let change = Request::ChangePassword {
            name: name("ada"),
            current,
            new,
            from: String::new(),
            keep: None,
        };
        assert_eq!(matches!(lab.ask(change).await, Response::Done), is_done);
    }
    let (_, response) = lab.log_in("ada", new).await;
    assert!(matches!(response, Response::Identity(it) if !it.must_change));
}

#[tokio::test]
async fn a_password_that_is_sent_again_is_the_same_one_or_told_to_be_another() {
    let lab = Lab::new().await;
    lab.set_up().await;
    let (by, other) = (name("root"), "wrong horse battery");
    let create = async |text| Request::CreateUser {
        name: name("ada"),
        profile: Profile::default(),
        roles: [role("user")].into(),
        password: lab.seal(text).await,
        by: by.clone(),
    };
    let set = async |text| Request::SetPassword {
        name: name("ada"),
        password: lab.seal(text).await,
        by: by.clone(),
    };
    let change = async |from, text| Request::ChangePassword {
        name: name("ada"),
        current: lab.seal(from).await,
        new: lab.seal(text).await,
        from: String::new(),
        keep: None,
    };
    let is_told = |it: &Response| matches!(it, Response::Rejected(Rejection::SetAnother));
    let ids = lab.system.ids();
    let [one, two, three] = [ids.command(), ids.command(), ids.command()];
    assert!(matches!(lab.ask_as(one, create(PASSWORD).await).await, Response::Done));
    assert!(matches!(lab.ask_as(one, create(PASSWORD).await).await, Response::Done));
    assert!(is_told(&lab.ask_as(one, create(other).await).await));

    let temporary = "temporary horse battery";
    assert!(matches!(lab.ask_as(two, set(temporary).await).await, Response::Done));
    assert!(matches!(lab.ask_as(two, set(temporary).await).await, Response::Done));
    assert!(is_told(&lab.ask_as(two, set(other).await).await));

    let own = "own horse battery 1";
    assert!(matches!(lab.ask_as(three, change(temporary, own).await).await, Response::Done));
    assert!(matches!(lab.ask_as(three, change(temporary, own).await).await, Response::Done));
    assert!(is_told(&lab.ask_as(three, change(own, other).await).await));
    // Who set it once can't find out with that what its user chose since.
    assert!(is_told(&lab.ask_as(two, set(own).await).await));
    assert!(matches!(lab.ask_as(one, create(other).await).await, Response::Done));
    let (_, response) = lab.log_in("ada", own).await;
    assert!(matches!(response, Response::Identity(_)), "{response:?}");
}

#[tokio::test]
async fn a_set_up_with_another_secret_is_refused_before_its_password_is_looked_at() {
    let lab = Lab::new().await;
    let set_up = async || Request::SetUp {
        secret: SecretHash::of(&Secret::from("guessed".to_owned())),
        name: name("eve"),
        profile: Profile::default(),
        password: lab.seal("short").await,
    };
    let refused = lab.ask(set_up().await).await;
    assert!(matches!(refused, Response::Rejected(Rejection::WrongSetUpSecret)), "{refused:?}");
    lab.set_up().await;
    let refused = lab.ask(set_up().await).await;
    assert!(matches!(refused, Response::Rejected(Rejection::IsSetUp)), "{refused:?}");
}

#[tokio::test]
async fn who_hangs_up_is_counted_all_the_same() {
    let lab = Lab::new().await;
    lab.set_up().await;
    let begun = async {
        while !lab.system.tasks().running().iter().any(|it| **it == *"users/password") {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        it = lab.log_in("root", "wrong horse battery") => panic!("{:?}", it.1),
        () = begun => {}
    }
    let counted = async {
        loop {
            let Response::Users(users) = lab.ask(Request::Users).await else { panic!() };
            if users[0].failures.count == 1 {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), counted).await.expect("it is counted");
}

#[tokio::test]
async fn a_log_in_that_is_asked_again_of_a_successor_is_not_done_again() {
    let lab = Lab::new().await;
    lab.set_up().await;
    let bearer = Bearer::generate(lab.system.ids().session().0);
    let log_in = Request::LogIn {
        name: name("root"),
        password: lab.seal(PASSWORD).await,
        session: (&bearer).into(),
        from: "127.0.0.1".into(),
        is_proven: false,
    };
    let command = lab.system.ids().command();
    let first = lab.ask_as(command, log_in.clone()).await;
    assert!(matches!(first, Response::Identity(_)), "{first:?}");
    let successor = lab.successor().await;
    let context = RequestContext { command, within: DAY, epoch: 2 };
    // It can't open what was sealed to its predecessor, and need not.
    let again = successor.serve(log_in, context).await.unwrap();
    assert!(matches!(again, Response::Identity(it) if it.user == name("root")));
    let Ok(Response::Sessions(open)) = successor.serve(Request::Sessions, context).await else {
        panic!()
    };
    assert_eq!(open.len(), 1);
}

#[tokio::test]
async fn a_set_up_cluster_announces_no_secret_and_an_old_seal_is_told() {
    let lab = Lab::new().await;
    lab.set_up().await;
    let sealed = lab.seal(PASSWORD).await;
    let service = lab.successor().await;
    let Lab { system, told, .. } = &lab;
    assert!(told.0.lock().unwrap().is_none());
    let session = (&Bearer::generate(Uuid::from_u128(9))).into();
    let log_in = Request::LogIn {
        name: name("root"),
        password: sealed,
        session,
        from: String::new(),
        is_proven: false,
    };
    let context = RequestContext { command: system.ids().command(), within: DAY, epoch: 2 };
    let told = service.serve(log_in, context).await;
    assert!(matches!(told, Ok(Response::Transit(_))), "{told:?}");
}

#[tokio::test]
async fn a_flood_of_log_ins_keeps_nobody_out_who_is_known() {
    let lab = Lab::new().await;
    lab.set_up().await;
    let (home, right) = ("10.0.0.1".to_owned(), lab.seal(PASSWORD).await);
    let first = lab.log_in_from(right.clone(), (home.clone(), false)).await;
    assert!(matches!(first, Response::Identity(_)), "{first:?}");

    let wrong = lab.seal("a guess of many").await;
    let mut flood: FuturesUnordered<_> =
        (0..100).map(|n| lab.log_in_from(wrong.clone(), (format!("192.0.2.{n}"), false))).collect();
    let is_busy = |it: &Response| matches!(it, Response::Rejected(Rejection::Busy));
    while !flood.next().await.is_some_and(|it| is_busy(&it)) {}
    // Others from nowhere are refused; those who are known are not.
    let stranger = lab.log_in_from(right.clone(), ("198.51.100.1".into(), false));
    assert!(is_busy(&stranger.await), "the line is full");
    let at_home = lab.log_in_from(right.clone(), (home, false)).await;
    assert!(matches!(at_home, Response::Identity(_)), "{at_home:?}");
    // The number of failures makes wait who comes from elsewhere, and what was shown is no password.
    let proven = lab.log_in_from(right, ("198.51.100.2".into(), true)).await;
    let is_checked =
        matches!(proven, Response::Identity(_) | Response::Rejected(Rejection::TryLater(_)));
    assert!(is_checked, "{proven:?}");
    drop(flood);
}
