//! Operations: begun once, followed, cancelled, and known to have been interrupted.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::poll;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, oneshot, watch};
use weir_domain::{CommandId, Fault, UserName};
use weir_http_api::{
    BuildRequest, Concealed, DeployRequest, OperationState, OperationView, OperationsQuery,
    StepState,
};
use weir_http_client::{Client, Error};
use weir_http_server::config_server::{self, Design};
use weir_http_server::{
    BeginOperation, Ended, Guard, Here, InMemory, Limits, MostOperations, OperationStore,
    Operations, Progress,
};

use crate::fixture::{self, design, problem, served};

const DEADLINE: Duration = Duration::from_secs(60);

fn begin(id: Option<u128>) -> BeginOperation {
    BeginOperation {
        kind: "build",
        project: Some("flights".parse().unwrap()),
        by: UserName::new("local").unwrap(),
        id: id.map(|it| CommandId(uuid::Uuid::from_u128(it))),
        steps: vec!["compile", "sign"],
    }
}

async fn server(operations: &Operations) -> Client {
    let design = Design { operations: operations.clone(), ..design() };
    let nowhere = Client::new("http://127.0.0.1:1").unwrap();
    let everybody = Guard::closed().or_from_here(Here::Everything);
    let router = config_server::router(design, nowhere, everybody, Limits::default());
    Client::new(&served(router).await).unwrap()
}

async fn over(client: &Client, id: CommandId) -> OperationView {
    let ended = async {
        loop {
            let operation = client.operation(id).await.unwrap();
            if operation.state.is_final() {
                return operation;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(DEADLINE, ended).await.expect("it ends")
}

/// Begins its first step, tells that, and waits for what comes of it.
fn waiting() -> (oneshot::Sender<Value>, oneshot::Receiver<()>, impl Work) {
    let (end, ends) = oneshot::channel();
    let (begun, has_begun) = oneshot::channel();
    let work = move |progress: Progress| {
        Box::pin(async move {
            progress.step("compile");
            progress.percent(40);
            progress.message("2 of 5 assets");
            begun.send(()).unwrap();
            tokio::select! {
                result = ends => Ok(result.unwrap()),
                () = progress.cancelled().cancelled() => Err(Ended::Cancelled),
            }
        }) as Working
    };
    (end, has_begun, work)
}

type Working = std::pin::Pin<Box<dyn Future<Output = Result<Value, Ended>> + Send>>;
trait Work: FnOnce(Progress) -> Working + Send + 'static {}
impl<T: FnOnce(Progress) -> Working + Send + 'static> Work for T {}

#[tokio::test]
async fn an_operation_tells_how_far_it_is_and_what_came_of_it() {
    let operations = Operations::in_memory(fixture::system());
    let client = server(&operations).await;
    let (end, begun, work) = waiting();
    let id = operations.begin(begin(None), work).await.unwrap().id;
    begun.await.unwrap();
    let running = client.operation(id).await.unwrap();
    let [compile, sign] = &running.steps[..] else { panic!("two steps: {running:?}") };
    assert_eq!((running.number, running.state), (1, OperationState::Running));
    assert_eq!((compile.state, compile.percent), (StepState::Running, Some(40)));
    assert_eq!(compile.message.as_deref(), Some("2 of 5 assets"));
    assert_eq!(sign.state, StepState::Waiting);
    end.send(json!({ "digest": "ab" })).unwrap();
    let ended = over(&client, id).await;
    assert_eq!(
        (ended.state, ended.result),
        (OperationState::Succeeded, Some(json!({ "digest": "ab" })))
    );
    assert_eq!((ended.steps[0].state, ended.steps[0].percent), (StepState::Done, Some(100)));
    assert!(ended.ended_at.is_some() && ended.problem.is_none());
}

#[tokio::test]
async fn the_same_command_begins_once() {
    let operations = Operations::in_memory(fixture::system());
    let (_end, _begun, work) = waiting();
    let first = operations.begin(begin(Some(7)), work).await.unwrap();
    let again = operations.begin(begin(Some(7)), |_| async { panic!("not again") }).await.unwrap();
    assert_eq!((first.id, first.number), (again.id, again.number));
    let other = operations.begin(begin(Some(8)), |_| async { Ok(Value::Null) }).await.unwrap();
    assert_eq!(other.number, 2);
}

#[tokio::test]
async fn one_user_can_not_have_all_that_may_run_at_once() {
    let most = MostOperations { of_all: 3, of_user: 2 };
    let store = Arc::new(InMemory::default());
    let operations = Operations::open(fixture::system(), store, most).await.unwrap();
    let client = server(&operations).await;
    let mut ends = Vec::new();
    let mut refused = async |by: &str| {
        let (end, heard, work) = waiting();
        let begin = BeginOperation { by: UserName::new(by).unwrap(), ..begin(None) };
        let begun = operations.begin(begin, work).await;
        ends.push((end, heard));
        begun.map(|it| it.id).map_err(|it| (it.code.to_string(), it.message))
    };
    let first = refused("ada").await.unwrap();
    refused("ada").await.unwrap();
    let own = "ada has 2 operations running, and may have no more".to_owned();
    assert_eq!(refused("ada").await, Err(("WEIR-07142".into(), own)));
    refused("bob").await.unwrap();
    let all = "3 operations run, and no more are begun".to_owned();
    assert_eq!(refused("eve").await, Err(("WEIR-07140".into(), all)));
    client.operation_cancel(first).await.unwrap();
    over(&client, first).await;
    refused("ada").await.unwrap();
}

#[tokio::test]
async fn an_operation_is_cancelled_and_what_is_over_stays() {
    let operations = Operations::in_memory(fixture::system());
    let client = server(&operations).await;
    let (_end, begun, work) = waiting();
    let id = operations.begin(begin(None), work).await.unwrap().id;
    begun.await.unwrap();
    assert!(client.operation_cancel(id).await.unwrap().is_cancelling);
    let ended = over(&client, id).await;
    assert_eq!(ended.state, OperationState::Cancelled);
    assert_eq!(ended.steps[0].state, StepState::Failed);
    let refused = client.operation_cancel(id).await;
    let Err(Error::Problem(it)) = refused else { panic!("a problem") };
    assert_eq!((it.status, it.detail.ends_with("it was cancelled")), (409, true), "{it:?}");
    assert_eq!(client.operation(id).await.unwrap(), ended);
}

#[tokio::test]
async fn what_fails_or_panics_says_why() {
    let operations = Operations::in_memory(fixture::system());
    let client = server(&operations).await;
    let fault = Fault::config(87, "no key").with_hint("put one there");
    let failed = operations.begin(begin(None), |_| async { Err(fault.into()) }).await.unwrap();
    let failed = over(&client, failed.id).await;
    let problem = failed.problem.unwrap();
    assert_eq!(failed.state, OperationState::Failed);
    assert_eq!(
        (problem.code.to_string(), problem.hint.unwrap()),
        ("WEIR-00087".into(), "put one there".into())
    );
    let lost = operations.begin(begin(None), |_| async { panic!("no luck") }).await.unwrap();
    let lost = over(&client, lost.id).await;
    assert_eq!((lost.state, lost.problem.unwrap().status), (OperationState::Failed, 500));
}

/// Keeps what it is let keep.
struct Halting {
    kept: InMemory,
    /// So many are taken; the next ones wait.
    turns: Semaphore,
    /// What is refused, and how often it was.
    is_refused: fn(&OperationView) -> bool,
    is_open: AtomicBool,
    refused: watch::Sender<u64>,
}

impl Halting {
    fn refusing(turns: usize, is_refused: fn(&OperationView) -> bool) -> Arc<Self> {
        let (kept, is_open, refused) = Default::default();
        Arc::new(Self { kept, turns: Semaphore::new(turns), is_refused, is_open, refused })
    }
}

#[async_trait]
impl OperationStore for Halting {
    async fn all(&self) -> Result<Vec<OperationView>, Fault> {
        self.kept.all().await
    }

    async fn save(&self, operation: OperationView) -> Result<(), Fault> {
        self.turns.acquire().await.unwrap().forget();
        if (self.is_refused)(&operation) && !self.is_open.load(Ordering::SeqCst) {
            self.refused.send_modify(|it| *it += 1);
            return Err(Fault::transient(100, "the disk is full"));
        }
        self.kept.save(operation).await
    }

    async fn forget(&self, id: CommandId) -> Result<(), Fault> {
        self.kept.forget(id).await
    }
}

#[tokio::test]
async fn nobody_hears_of_an_operation_before_it_is_kept() {
    let store = Halting::refusing(0, |_| true);
    let operations = Operations::open(fixture::system(), store.clone(), MostOperations::default())
        .await
        .unwrap();
    let mut first = pin!(operations.begin(begin(Some(7)), |_| async { panic!("not kept") }));
    let mut again = pin!(operations.begin(begin(Some(7)), |_| async { panic!("not again") }));
    assert!(poll!(&mut first).is_pending());
    assert!(poll!(&mut again).is_pending(), "whether it begins is not known");
    assert_eq!(operations.list(None, 9, |_| true), []);
    store.turns.add_permits(1);
    for refused in [first.await, again.await] {
        assert_eq!(refused.unwrap_err().message, "the disk is full");
    }
    // It was not begun: the same command begins it.
    store.is_open.store(true, Ordering::SeqCst);
    store.turns.add_permits(9);
    let begun = operations.begin(begin(Some(7)), |_| async { Ok(Value::Null) }).await.unwrap();
    assert_eq!(operations.get(begun.id).unwrap().number, begun.number);
}

#[tokio::test]
async fn an_operation_is_over_when_its_end_is_kept() {
    let store = Halting::refusing(999, |it| it.state.is_final());
    let operations = Operations::open(fixture::system(), store.clone(), MostOperations::default())
        .await
        .unwrap();
    let client = server(&operations).await;
    let mut refused = store.refused.subscribe();
    let work = |progress: Progress| async move {
        progress.step("compile");
        Ok(json!("done"))
    };
    let id = operations.begin(begin(None), work).await.unwrap().id;
    let twice = refused.wait_for(|it| *it > 1);
    tokio::time::timeout(DEADLINE, twice).await.expect("it is tried again").unwrap();
    let running = operations.get(id).unwrap();
    assert_eq!((running.state, running.result), (OperationState::Running, None));
    let message = running.steps[0].message.as_deref().unwrap();
    assert!(message.contains("the disk is full"), "{message}");
    store.is_open.store(true, Ordering::SeqCst);
    let ended = over(&client, id).await;
    assert_eq!((ended.state, &ended.result), (OperationState::Succeeded, &Some(json!("done"))));
    assert_eq!(store.all().await.unwrap(), [ended]);
}

#[tokio::test]
async fn one_that_took_long_is_shown_after_its_end_as_long_as_any_other() {
    let operations = Operations::in_memory(fixture::system());
    let client = server(&operations).await;
    let (end, begun, work) = waiting();
    let long = operations.begin(begin(None), work).await.unwrap().id;
    begun.await.unwrap();
    let mut short = Vec::new();
    for _ in 0..201 {
        let id = operations.begin(begin(None), |_| async { Ok(Value::Null) }).await.unwrap().id;
        over(&client, id).await;
        short.push(id);
    }
    end.send(Value::Null).unwrap();
    over(&client, long).await;
    // Beginning one is the occasion for the others to go.
    let last = operations.begin(begin(None), |_| async { Ok(Value::Null) }).await.unwrap().id;
    over(&client, last).await;
    assert!(operations.get(long).is_some(), "it ended a moment ago");
    assert!(operations.get(short[0]).is_none() && operations.get(short[9]).is_some());
}

#[tokio::test]
async fn what_ran_when_the_server_ended_is_interrupted_after_the_next_start() {
    let store = Arc::new(InMemory::default());
    let before = Operations::open(fixture::system(), store.clone(), MostOperations::default())
        .await
        .unwrap();
    let (_end, begun, work) = waiting();
    let id = before.begin(begin(Some(7)), work).await.unwrap().id;
    begun.await.unwrap();

    let after = Operations::open(fixture::system(), store.clone(), MostOperations::default())
        .await
        .unwrap();
    let interrupted = after.get(id).unwrap();
    assert_eq!(interrupted.state, OperationState::Interrupted);
    assert!(interrupted.problem.is_some() && interrupted.ended_at.is_some());
    assert_eq!(store.all().await.unwrap(), [interrupted]);
    let next = after.begin(begin(None), |_| async { Ok(Value::Null) }).await.unwrap();
    assert_eq!(next.number, 2, "numbers go on");
}

#[tokio::test]
async fn operations_are_listed_page_by_page_newest_first() {
    let operations = Operations::in_memory(fixture::system());
    let client = server(&operations).await;
    for number in 0..5 {
        let kind = if number % 2 == 0 { "build" } else { "test" };
        let begin = BeginOperation { kind, ..begin(None) };
        let id = operations.begin(begin, |_| async { Ok(Value::Null) }).await.unwrap().id;
        over(&client, id).await;
    }
    let query =
        OperationsQuery { limit: Some(2), kind: Some("build".into()), ..Default::default() };
    let page = client.operations(&query).await.unwrap();
    let next = OperationsQuery { cursor: page.next_cursor.clone(), ..query };
    let rest = client.operations(&next).await.unwrap();
    let numbers = |items: &[OperationView]| items.iter().map(|it| it.number).collect::<Vec<_>>();
    assert_eq!((numbers(&page.items), numbers(&rest.items)), (vec![5, 3], vec![1]));
    assert_eq!(rest.next_cursor, None);
    let running = OperationsQuery { state: Some(OperationState::Running), ..Default::default() };
    assert_eq!(client.operations(&running).await.unwrap().items, []);
}

#[tokio::test]
async fn an_operation_is_followed_to_its_end() {
    let operations = Operations::in_memory(fixture::system());
    let client = server(&operations).await;
    let (end, begun, work) = waiting();
    let id = operations.begin(begin(None), work).await.unwrap().id;
    begun.await.unwrap();
    let url = format!("{}/api/v1/operations:follow?id={id}", client.base().trim_end_matches('/'));
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut response = http.get(url).send().await.unwrap();
    let mut text = String::new();
    while !text.contains("2 of 5 assets") {
        let piece = response.chunk().await.unwrap().expect("it goes on");
        text += std::str::from_utf8(&piece).unwrap();
    }
    end.send(Value::Null).unwrap();
    let rest = tokio::time::timeout(DEADLINE, response.text()).await.expect("it ends").unwrap();
    assert!(rest.contains("\"state\":\"succeeded\""), "{rest}");
}

#[tokio::test]
async fn a_command_that_takes_long_is_accepted_and_begun_once_for_its_key() {
    let client = server(&Operations::in_memory(fixture::system())).await;
    let keyed = client.clone().with_idempotency_key(Some("k".into()));
    let request = BuildRequest { tag: Some("a".into()), ..Default::default() };
    let begun = keyed.build_create("sample", &request).await.unwrap();
    let ended = over(&client, begun.id).await;
    assert_eq!(ended.result.unwrap()["tag"], "a");
    assert_eq!(keyed.build_create("sample", &request).await.unwrap().id, begun.id);
    let other = BuildRequest { tag: Some("b".into()), ..request };
    let Err(Error::Problem(reused)) = keyed.build_create("sample", &other).await else {
        panic!("the key is another request's")
    };
    assert!(reused.is(weir_http_api::ProblemKind::KeyReused), "{reused:?}");

    let shown = client.clone().with_token(Some(Concealed::new("weir_planted")));
    let deploy = shown.project_deploy("sample", &DeployRequest::default()).await.unwrap();
    client.operation_cancel(deploy.id).await.unwrap();
    let ended = over(&client, deploy.id).await;
    assert_eq!((ended.state, ended.steps.len()), (OperationState::Cancelled, 2));
    assert_eq!(ended.steps[0].message.as_deref(), Some("it waits"));
    assert!(!format!("{ended:?}").contains("weir_planted"));
}

#[tokio::test]
async fn one_that_is_not_there_is_a_problem() {
    let client = server(&Operations::in_memory(fixture::system())).await;
    let id = CommandId(uuid::Uuid::from_u128(1));
    let refused = client.operation_cancel(id).await;
    let Err(Error::Problem(it)) = refused else { panic!("a problem") };
    assert_eq!(it.status, 404);
    let base = client.base().trim_end_matches('/').to_owned();
    let followed = problem(&format!("{base}/api/v1/operations:follow?project=nowhere")).await;
    assert_eq!((&followed["status"], &followed["code"]), (&json!(404), &json!("WEIR-07003")));
    let url = format!("{base}/api/v1/operations?state=over");
    assert_eq!(problem(&url).await["code"], "WEIR-07001");
}
