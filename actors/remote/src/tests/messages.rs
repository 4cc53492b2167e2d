//! Messages over a link: order, bounds, answers; on the network in memory.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;
use weir_domain::CommandId;
use weir_runtime::Trace;

use super::links::linked;
use super::*;

#[tokio::test(start_paused = true)]
async fn tells_arrive_in_order_and_asks_are_answered() {
    let (_network, a, b) = linked().await;
    let notes = Notes::served(&b);
    let to = b.local().node.uid;
    for number in 0..5_000 {
        a.tell(to, "notes", &note(number), Lane::Data).unwrap();
    }
    let answer = a.ask(to, "notes", &note(7), WITHIN).await.unwrap();
    assert_eq!(answer.payload, 7_u64.to_be_bytes().to_vec());
    wait_until("all came", || notes.len() == 5_001).await;
    let mut numbers = notes.numbers();
    numbers.retain(|it| *it != 7);
    assert!(numbers.is_sorted() && numbers.len() == 4_999);
}

#[tokio::test(start_paused = true)]
async fn a_typed_message_is_read_as_it_was_written() {
    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Greeting {
        name: String,
        times: u32,
    }
    let (_network, a, b) = linked().await;
    let _notes = Notes::served(&b);
    let greeting = Greeting { name: "hello".to_owned(), times: 3 };
    let request = Outgoing::of(Manifest::new("greeting", 2), &greeting).unwrap();
    let answer = a.ask(b.local().node.uid, "notes", &request, WITHIN).await.unwrap();
    assert_eq!(answer.read::<Greeting>().unwrap(), greeting);
    let error = answer.read::<u64>().unwrap_err();
    assert_eq!(error.to_string(), "a note v1 can't be read");
}

#[tokio::test(start_paused = true)]
async fn what_nobody_handles_is_said_and_what_is_refused_has_its_reason() {
    struct Picky;
    #[async_trait]
    impl Handler for Picky {
        async fn handle(
            &self,
            _: Incarnation,
            message: Incoming,
        ) -> Result<Option<Outgoing>, Refused> {
            match message.manifest.version {
                1 => Err(Refused::because(code::TOO_LARGE, "too much")),
                2 => panic!("no luck"),
                3 => Ok(None),
                _ => Err(Refused::Unhandled),
            }
        }
    }
    let (_network, a, b) = linked().await;
    b.serve("picky", Arc::new(Picky));
    let ask = async |path, version| {
        let request = Outgoing::raw(Manifest::new("x", version), vec![]);
        a.ask(b.local().node.uid, path, &request, WITHIN).await.map(|it| it.manifest)
    };
    let unhandled = |version| AskError::Unhandled { manifest: Manifest::new("x", version) };
    assert_eq!(ask("nowhere", 1).await, Err(unhandled(1)));
    assert_eq!(ask("picky", 9).await, Err(unhandled(9)));
    let refused = Refused::because(code::TOO_LARGE, "too much");
    assert_eq!(ask("picky", 1).await, Err(AskError::Refused(refused)));
    let panicked = ask("picky", 2).await.unwrap_err().to_string();
    assert!(panicked.contains("the handler panicked: no luck"), "{panicked}");
    assert_eq!(ask("picky", 3).await, Ok(Manifest::nothing()));
}

/// Waits for a permit before each message.
struct Slow {
    permits: Semaphore,
    begun: AtomicUsize,
    handled: AtomicUsize,
    bytes: AtomicUsize,
}

impl Slow {
    fn served(remote: &Remote) -> Arc<Self> {
        let slow = Arc::new(Self {
            permits: Semaphore::new(0),
            begun: AtomicUsize::new(0),
            handled: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
        });
        remote.serve("slow", slow.clone());
        slow
    }

    fn handled(&self) -> usize {
        self.handled.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Handler for Slow {
    async fn handle(&self, _: Incarnation, message: Incoming) -> Result<Option<Outgoing>, Refused> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.permits.acquire().await.unwrap().forget();
        self.handled.fetch_add(1, Ordering::SeqCst);
        self.bytes.fetch_add(message.payload.len(), Ordering::SeqCst);
        Ok(Some(note(self.handled() as u64)))
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_handler_makes_its_sender_busy_and_control_still_passes() {
    let (_network, a, b) = linked().await;
    let (slow, notes) = (Slow::served(&b), Notes::served(&b));
    let to = b.local().node.uid;
    let message = Outgoing::raw(NOTE, vec![0; 10_000]);
    let mut taken = 0;
    // The window under way, the window that waits there, and the queue here, and no more.
    let mut busy_in_a_row = 0;
    while busy_in_a_row < 100 {
        match a.tell(to, "slow", &message, Lane::Data) {
            Ok(()) => (taken, busy_in_a_row) = (taken + 1, 0),
            Err(error) => {
                assert_eq!(error, SendError::Busy);
                busy_in_a_row += 1;
            }
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let bytes = taken * 10_000;
    assert!(bytes < (8 + 1 + 1 + 1) << 20, "{bytes} bytes were taken");
    a.tell(to, "notes", &note(1), Lane::Control).unwrap();
    wait_until("control passes", || notes.len() == 1).await;
    slow.permits.add_permits(taken);
    wait_until("all are handled", || slow.handled() == taken).await;
    a.tell(to, "slow", &message, Lane::Data).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_large_message_travels_in_pieces_and_one_too_large_is_refused_here() {
    let (_network, a, b) = linked().await;
    let notes = Notes::served(&b);
    let to = b.local().node.uid;
    let large: Vec<u8> = (0..=255).cycle().take(20 << 20).collect();
    a.tell(to, "notes", &Outgoing::raw(NOTE, large.clone()), Lane::Data).unwrap();
    wait_until("there is room again", || a.tell(to, "notes", &note(5), Lane::Data) == Ok(())).await;
    wait_until("both came", || notes.len() == 2).await;
    assert!(notes.0.lock().unwrap()[0] == large);
    let too_large = Outgoing::raw(NOTE, vec![0; (64 << 20) + 1]);
    let error = a.tell(to, "notes", &too_large, Lane::Data).unwrap_err();
    assert_eq!(error, SendError::TooLarge { bytes: (64 << 20) + 1, max: 64 << 20 });
    let error = a.ask(to, "notes", &too_large, WITHIN).await.unwrap_err();
    assert!(matches!(error, AskError::TooLarge { .. }));
    let exact = Outgoing::raw(NOTE, vec![1; 64 << 20]);
    let answer = a.ask(to, "notes", &exact, WITHIN).await.unwrap();
    assert_eq!(answer.payload.len(), 64 << 20);
}

/// Answers with the trace that it works for.
struct Traced;

#[async_trait]
impl Handler for Traced {
    async fn handle(&self, _: Incarnation, _: Incoming) -> Result<Option<Outgoing>, Refused> {
        let trace = Trace::current().map(|it| it.to_string()).unwrap_or_default();
        Ok(Some(Outgoing::raw(NOTE, trace.into_bytes())))
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_done_elsewhere_is_done_for_the_same_trace() {
    let (_network, a, b) = linked().await;
    b.serve("traced", Arc::new(Traced));
    let ask = async || {
        let answer = a.ask(b.local().node.uid, "traced", &note(1), WITHIN).await.unwrap();
        String::from_utf8(answer.payload.to_vec()).unwrap()
    };
    let trace = Trace::begun_by(uuid::Uuid::from_u128((7 << 64) | 9));
    assert_eq!(Trace::within(Some(trace), ask()).await, trace.to_string());
    assert_eq!(ask().await, "");
}

#[tokio::test(start_paused = true)]
async fn a_repeated_ask_with_one_command_id_is_carried_out_once() {
    let (_network, a, b) = linked().await;
    let slow = Slow::served(&b);
    let to = b.local().node.uid;
    let ask = async |id: u128, within| {
        let request = note(1).with_command(CommandId(uuid::Uuid::from_u128(id)));
        a.ask(to, "slow", &request, within).await.map(|it| it.payload.to_vec())
    };
    let short = Duration::from_secs(1);
    assert_eq!(ask(1, short).await, Err(AskError::Timeout(short)));
    let (one, two) = tokio::join!(ask(1, WITHIN), async {
        wait_until("it has begun", || slow.begun.load(Ordering::SeqCst) == 1).await;
        slow.permits.add_permits(5);
        ask(1, WITHIN).await
    });
    assert_eq!(
        (one.unwrap(), two.unwrap()),
        (1_u64.to_be_bytes().into(), 1_u64.to_be_bytes().into())
    );
    assert_eq!(ask(2, WITHIN).await.unwrap(), 2_u64.to_be_bytes());
    assert_eq!((ask(1, WITHIN).await.unwrap(), slow.handled()), (1_u64.to_be_bytes().into(), 2));
}

#[tokio::test(start_paused = true)]
async fn open_asks_end_with_the_link_at_once() {
    let (network, a, b) = linked().await;
    let slow = Slow::served(&b);
    let request = note(1);
    let ask = a.ask(b.local().node.uid, "slow", &request, WITHIN);
    let kill = async {
        wait_until("it has begun", || slow.begun.load(Ordering::SeqCst) == 1).await;
        network.kill("b");
    };
    assert_eq!(tokio::join!(ask, kill).0.unwrap_err(), AskError::LinkLost);
    let error = a.ask(b.local().node.uid, "slow", &request, WITHIN).await.unwrap_err();
    assert_eq!(error, AskError::NoLink);
}

#[tokio::test(start_paused = true)]
async fn what_comes_after_its_deadline_is_not_handled() {
    let (_network, a, b) = linked().await;
    let slow = Slow::served(&b);
    let to = b.local().node.uid;
    a.tell(to, "slow", &note(1), Lane::Data).unwrap();
    a.tell(to, "slow", &note(2).with_deadline(Duration::from_secs(1)), Lane::Data).unwrap();
    a.tell(to, "slow", &note(3).with_deadline(Duration::from_secs(30)), Lane::Data).unwrap();
    wait_until("it has begun", || slow.begun.load(Ordering::SeqCst) == 1).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    slow.permits.add_permits(3);
    wait_until("two are handled", || slow.handled() == 2).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(slow.begun.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn order_holds_though_the_link_is_replaced_while_messages_wait() {
    let (_network, a, b) = linked().await;
    let notes = Notes::served(&b);
    let to = b.local().node.uid;
    let mut events = a.events();
    for number in 0..200 {
        a.tell(to, "notes", &note(number), Lane::Data).unwrap();
        if number % 50 == 25 {
            wait_until("what was told came", || notes.len() >= 1).await;
            a.disconnect(to, "for a test");
            up(&mut events).await;
        }
    }
    wait_until("the last came", || notes.numbers().last() == Some(&199)).await;
    let numbers = notes.numbers();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
}
