use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::post;
use tokio::sync::{Notify, Semaphore};
use weir_domain::{NodeName, UserClaim};
use weir_runtime::{IdSource, PhaseTimeouts, SystemClock, SystemSettings};

use super::*;
use crate::guard::Need;

struct Server {
    url: String,
    done: Arc<AtomicUsize>,
    /// The handler waits for one of them.
    turns: Arc<Semaphore>,
    /// It does.
    waiting: Arc<Notify>,
    client: reqwest::Client,
}

fn system() -> System {
    let clock = Arc::new(SystemClock);
    System::new(SystemSettings {
        node: NodeName::new("design").unwrap(),
        ids: IdSource::new(clock.clone()),
        clock,
        shutdown: PhaseTimeouts::default(),
    })
}

/// What is posted under `/of/{status}` is answered with that status, and how often anything was done.
async fn server(repeats: Repeats) -> Server {
    let (done, turns) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(1_000)));
    let waiting = Arc::new(Notify::new());
    let (count, wait, waits) = (done.clone(), turns.clone(), waiting.clone());
    let handler = async move |axum::extract::Path(status): axum::extract::Path<u16>| {
        waits.notify_one();
        wait.acquire().await.unwrap().forget();
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        assert_ne!(status, 599, "it was asked for");
        let body = if status == 299 {
            "x".repeat(ANSWER_BYTES_MAX as usize + 1)
        } else {
            format!("{number}")
        };
        (StatusCode::from_u16(status).unwrap(), [(ETAG, "\"e\"")], body).into_response()
    };
    let tasks = repeats.system.tasks().clone();
    let rule = Rule { need: Need::Claim(UserClaim::ProjectWrite), action: Some("thing do") };
    let router = Router::new().route("/of/{status}", post(handler.clone()).patch(handler));
    let router = router.route_layer(from_fn(move |request: Request, next: Next| {
        let repeats = repeats.clone();
        async move { repeats.once(rule, request, next).await }
    }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tasks.spawn("server", async move { axum::serve(listener, router).await });
    Server { url, done, turns, waiting, client: reqwest::Client::new() }
}

impl Server {
    fn request(&self, status: u16, key: &str, body: &'static str) -> reqwest::RequestBuilder {
        let url = format!("{}/of/{status}", self.url);
        self.client.post(url).header("idempotency-key", key).body(body)
    }

    async fn send(&self, status: u16, key: &str, body: &'static str) -> (u16, bool, String) {
        let answer = self.request(status, key, body).send().await.unwrap();
        let is_again = answer.headers().contains_key("idempotency-replayed");
        (answer.status().as_u16(), is_again, answer.text().await.unwrap())
    }

    fn done(&self) -> usize {
        self.done.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn the_same_request_is_carried_out_once_also_by_a_server_that_begins_anew() {
    let store = Arc::new(KeptInMemory::default());
    let first = server(Repeats::new(system(), store.clone())).await;
    assert_eq!(first.send(201, "k", "a").await, (201, false, "1".to_owned()));
    assert_eq!(first.send(201, "k", "a").await, (201, true, "1".to_owned()));
    let headers = first.request(201, "k", "a").send().await.unwrap();
    assert_eq!(headers.headers()["etag"], "\"e\"");
    let next = server(Repeats::new(system(), store)).await;
    assert_eq!(next.send(201, "k", "a").await, (201, true, "1".to_owned()));
    assert_eq!((first.done(), next.done()), (1, 0));
    // No key, and a key of another request's.
    let plain = first.client.post(format!("{}/of/200", first.url)).send().await.unwrap();
    assert_eq!(plain.text().await.unwrap(), "2");
    assert_eq!(first.send(200, "l", "a").await, (200, false, "3".to_owned()));
}

#[tokio::test]
async fn another_request_under_the_same_key_is_refused() {
    let server = server(Repeats::in_memory(system())).await;
    assert_eq!(server.send(200, "k", "a").await.0, 200);
    // Another body, and another thing of the same route.
    assert_eq!(server.send(200, "k", "b").await.0, 422);
    assert_eq!(server.send(202, "k", "a").await.0, 422);
    let other = server.client.patch(format!("{}/of/200", server.url));
    let other = other.header("idempotency-key", "k").body("b").send().await.unwrap();
    assert_eq!(other.status(), 200, "another method is another route");
    // What its sender saw before makes no other request of it.
    let seen = server.request(200, "k", "a").header("if-match", "9").send().await.unwrap();
    assert_eq!((seen.status().as_u16(), server.done()), (200, 2));
    assert_eq!(server.send(200, &"k".repeat(256), "a").await.0, 400);
}

#[tokio::test]
async fn who_asks_while_it_is_carried_out_is_told_so_and_its_sender_may_be_gone() {
    let server = server(Repeats::in_memory(system())).await;
    server.turns.forget_permits(1_000);
    let mut sending = Box::pin(server.request(200, "k", "a").send());
    tokio::select! {
        answer = &mut sending => panic!("it waits: {answer:?}"),
        () = server.waiting.notified() => {}
    }
    assert_eq!(server.send(200, "k", "a").await.0, 409);
    assert_eq!(server.send(200, "k", "b").await.0, 422);
    drop(sending);
    server.turns.add_permits(1);
    let deadline = Duration::from_secs(30);
    let answered = tokio::time::timeout(deadline, async {
        loop {
            let answer = server.send(200, "k", "a").await;
            if answer.0 != 409 {
                return answer;
            }
        }
    });
    assert_eq!(answered.await.unwrap(), (200, true, "1".to_owned()));
    assert_eq!(server.done(), 1);
}

#[tokio::test]
async fn what_a_server_was_doing_when_it_ended_is_not_done_again() {
    let store = Arc::new(KeptInMemory::default());
    let before = Repeats::new(system(), store.clone());
    let hash = PasswordHash::of(&Secret::from("x".to_owned()));
    let claim = Claim {
        id: before.system.ids().command(),
        by: Caller::Anonymous.by(),
        at: before.system.now(),
        server: before.system.node().clone(),
        life: before.system.uid(),
        sent: hash,
    };
    let after = Repeats::new(system(), store);
    assert!(before.is_carried_out(&claim) && !after.is_carried_out(&claim));
    let elsewhere = Claim { server: NodeName::new("other").unwrap(), ..claim.clone() };
    assert!(after.is_carried_out(&elsewhere));
    let old = claim.at.0 - CARRIED_OUT_WITHIN.as_millis() as i64;
    let long_ago = Claim { at: weir_domain::Timestamp(old), ..elsewhere };
    assert!(!after.is_carried_out(&long_ago));
}

/// Keeps claims, and fails to say so as often as it is told.
struct Forgetful {
    kept: KeptInMemory,
    fails: AtomicUsize,
    keeps: bool,
}

impl Forgetful {
    fn failing(fails: usize, keeps: bool) -> Arc<Self> {
        Arc::new(Self { kept: KeptInMemory::default(), fails: AtomicUsize::new(fails), keeps })
    }
}

#[async_trait::async_trait]
impl AnswerStore for Forgetful {
    async fn claim(&self, scope: &Scope, claim: &Claim) -> Result<Taken, Fault> {
        let taken = self.kept.claim(scope, claim).await;
        let fails =
            self.fails.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |it| it.checked_sub(1));
        if fails.is_ok() { Err(Fault::transient(172, "lost")) } else { taken }
    }

    async fn answer(&self, scope: &Scope, claim: &Claim, it: KeptAnswer) -> Result<(), Fault> {
        match self.keeps {
            true => self.kept.answer(scope, claim, it).await,
            false => Err(Fault::transient(172, "full")),
        }
    }

    async fn release(&self, scope: &Scope, claim: &Claim) -> Result<(), Fault> {
        self.kept.release(scope, claim).await
    }
}

#[tokio::test]
async fn what_was_claimed_and_never_begun_is_done_by_who_sends_it_again() {
    let server = server(Repeats::new(system(), Forgetful::failing(1, true))).await;
    let (status, is_again, _) = server.send(200, "k", "a").await;
    assert_eq!((status, is_again, server.done()), (503, false, 0), "its claim is there");
    assert_eq!(server.send(200, "k", "a").await, (200, false, "1".to_owned()));
    assert_eq!(server.send(200, "k", "a").await, (200, true, "1".to_owned()));
}

#[tokio::test]
async fn what_was_done_and_could_not_be_kept_is_not_done_again() {
    let server = server(Repeats::new(system(), Forgetful::failing(0, false))).await;
    assert_eq!(server.send(200, "k", "a").await, (200, false, "1".to_owned()));
    let (status, _, said) = server.send(200, "k", "a").await;
    assert_eq!((status, server.done()), (409, 1), "{said}");
}

#[tokio::test]
async fn what_can_not_be_read_is_not_done_again() {
    struct Newer;

    #[async_trait::async_trait]
    impl AnswerStore for Newer {
        async fn claim(&self, _: &Scope, _: &Claim) -> Result<Taken, Fault> {
            Ok(Taken::Unreadable)
        }
        async fn answer(&self, _: &Scope, _: &Claim, _: KeptAnswer) -> Result<(), Fault> {
            Ok(())
        }
        async fn release(&self, _: &Scope, _: &Claim) -> Result<(), Fault> {
            Ok(())
        }
    }

    let server = server(Repeats::new(system(), Arc::new(Newer))).await;
    assert_eq!((server.send(200, "k", "a").await.0, server.done()), (409, 0));
}

#[tokio::test]
async fn a_refusal_is_not_kept_and_a_failure_is() {
    let server = server(Repeats::in_memory(system())).await;
    for (number, refused) in [400, 409, 412, 429, 503].into_iter().enumerate() {
        let key = format!("k{refused}");
        for again in [1, 2] {
            let answer = server.send(refused, &key, "a").await;
            assert_eq!(answer, (refused, false, format!("{}", 2 * number + again)));
        }
    }
    assert_eq!(server.send(500, "f", "a").await, (500, false, "11".to_owned()));
    assert_eq!(server.send(500, "f", "a").await, (500, true, "11".to_owned()));
    assert_eq!(server.send(599, "p", "a").await.0, 500, "it panics");
    assert_eq!(server.send(599, "p", "a").await.0, 500, "nobody knows what it did before");
    assert_eq!(server.done(), 12);
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_given_once() {
    let server = server(Repeats::in_memory(system())).await;
    assert_eq!(server.send(299, "k", "a").await.2.len(), ANSWER_BYTES_MAX as usize + 1);
    assert_eq!(server.send(299, "k", "a").await.0, 409);
    assert_eq!(server.done(), 1);
}
