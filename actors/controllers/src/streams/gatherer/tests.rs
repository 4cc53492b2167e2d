//! The gatherer before a history that is slow, or away.

use futures::poll;
use tokio::sync::{mpsc, oneshot};
use weir_domain::{Code, Counts, InstanceId, StreamId, StreamState, Timestamp, WorkflowName};
use weir_persistence_api::Error;
use weir_runtime::SystemClock;

use super::super::Failure;
use super::*;

type Changes = Vec<(Stream, Vec<LogLine>)>;

/// Streams that may wait, and more than those.
const KEPT: usize = 10_000;
const MANY: usize = 10_100;

/// Nothing here takes that long.
const WITHIN: Duration = Duration::from_secs(600);

fn id(n: usize) -> StreamId {
    format!("{n:032x}").parse().unwrap()
}

/// The n-th stream after so many attempts.
pub(in crate::streams) fn stream(n: usize, attempts: u32) -> Stream {
    Stream {
        id: id(n),
        workflow: WorkflowName::new("w").unwrap(),
        instance: InstanceId(1),
        node: "engine-1".into(),
        item: format!("in/{n}.csv"),
        state: StreamState::Open,
        attempts,
        opened_at: Timestamp(1),
        closed_at: None,
        counts: Counts::default(),
        stages: Default::default(),
        published: Vec::new(),
        fault: None,
    }
}

fn closed(n: usize) -> Stream {
    Stream { state: StreamState::Committed, closed_at: Some(Timestamp(2)), ..stream(n, 1) }
}

pub(in crate::streams) fn line(text: &str) -> LogLine {
    LogLine { at: Timestamp(1), severity: None, code: Code(3007), text: text.into() }
}

/// A write that is under way, and how it is to end.
struct Write {
    changes: Changes,
    end: oneshot::Sender<Answer<()>>,
}

impl Write {
    fn succeed(self) {
        self.end.send(Ok(())).expect("the gatherer waits for it");
    }

    fn fail(self) {
        self.end.send(Err(Error::Unavailable("away".into()).into())).expect("it waits for it");
    }
}

/// A history whose every write waits for the test, and ends as the test says.
struct Slow(mpsc::UnboundedSender<Write>);

#[async_trait]
impl History for Slow {
    async fn save(&self, changes: Changes) -> Answer<()> {
        let (end, ended) = oneshot::channel();
        self.0.send(Write { changes, end }).expect("the test looks on");
        ended.await.expect("the test ends every write")
    }
}

struct Lab {
    gatherer: Ref<Command>,
    writes: mpsc::UnboundedReceiver<Write>,
}

impl Lab {
    async fn new() -> Self {
        let system = crate::testing::system(Arc::new(SystemClock));
        let (sender, writes) = mpsc::unbounded_channel();
        let history = Arc::new(Slow(sender));
        let gatherer = spawn(&system, history, RestartPolicy::default()).await.unwrap();
        Self { gatherer, writes }
    }

    fn report(&self, stream: Stream) {
        self.gatherer.tell(Command::Report(Box::new(stream), vec![])).unwrap();
    }

    /// Is sent when it is polled.
    fn close(&self, n: usize) -> impl Future<Output = Answer<()>> + use<> {
        let gatherer = self.gatherer.clone();
        let close = move |reply| Command::Close(Box::new(closed(n)), vec![line("last")], reply);
        async move { gatherer.ask(ASK_WITHIN, close).await? }
    }

    async fn written(&mut self) -> Write {
        let write = tokio::time::timeout(WITHIN, self.writes.recv()).await;
        write.expect("it writes").expect("the gatherer runs")
    }

    /// Everything that was sent arrived.
    async fn arrived(&self) {
        let arriving = async {
            // On paused time it passes only when nobody has anything else to do.
            while self.gatherer.waiting() > 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(WITHIN, arriving).await.expect("the gatherer takes what it is sent");
    }
}

#[tokio::test(start_paused = true)]
async fn a_last_state_is_acknowledged_when_it_is_written_and_not_before() {
    let mut lab = Lab::new().await;
    let mut closing = Box::pin(lab.close(1));
    assert!(poll!(&mut closing).is_pending());
    let write = lab.written().await;
    assert_eq!(write.changes, [(closed(1), vec![line("last")])]);
    assert!(poll!(&mut closing).is_pending(), "it is not durable yet");
    write.succeed();
    assert!(closing.await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_brings_the_last_line_again() {
    let mut lab = Lab::new().await;
    let mut closing = Box::pin(lab.close(1));
    assert!(poll!(&mut closing).is_pending());
    lab.written().await.fail();
    assert!(matches!(closing.await, Err(Failure::Store(Error::Unavailable(_)))));
    assert_eq!(lab.written().await.changes, [(closed(1), vec![])]);
}

#[tokio::test(start_paused = true)]
async fn while_the_history_is_away_progress_is_dropped_and_no_last_state_that_is_waited_for() {
    let mut lab = Lab::new().await;
    lab.report(stream(MANY, 1));
    let first = lab.written().await;
    // The lowest id is the oldest stream: it would be dropped first.
    let mut closing = Box::pin(lab.close(0));
    assert!(poll!(&mut closing).is_pending());
    for n in 1..MANY {
        lab.report(stream(n, 1));
    }
    lab.arrived().await;
    first.fail();

    let second = lab.written().await;
    assert_eq!(second.changes.len(), KEPT);
    assert_eq!(second.changes[0], (closed(0), vec![line("last")]));
    assert!(poll!(&mut closing).is_pending());
    second.succeed();
    assert!(closing.await.is_ok());
}
