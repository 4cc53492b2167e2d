//! Messages within a process: the runtime's bounded tell, which counts and names what it drops,
//! against ractor's cast, which does not.

use anyhow::ensure;
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::sync::oneshot;
use weir_runtime::{Envelope, Ref, Stopwatch};

use crate::report::{Report, Samples, Target, per_second, rate};
use crate::system;

const MESSAGES: u64 = 200_000;
const ROUNDS: usize = 41;

enum Message {
    Add(u64),
    Sum(oneshot::Sender<u64>),
}

impl ractor::Message for Message {}

fn add(sum: &mut u64, message: Message) {
    match message {
        Message::Add(number) => *sum += number,
        Message::Sum(reply) => {
            // Whoever asked waits for it.
            let _ = reply.send(std::mem::take(sum));
        }
    }
}

/// Adds up what it is told.
struct Raw;

impl Actor for Raw {
    type Msg = Message;
    type State = u64;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Message>, (): ()) -> Result<u64, ActorProcessingErr> {
        Ok(0)
    }

    async fn handle(
        &self,
        _: ActorRef<Message>,
        message: Message,
        sum: &mut u64,
    ) -> Result<(), ActorProcessingErr> {
        add(sum, message);
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<Message>,
        _: SupervisionEvent,
        _: &mut u64,
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}

/// The same behind a gate.
struct Bounded;

impl Actor for Bounded {
    type Msg = Envelope<Message>;
    type State = u64;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Self::Msg>, (): ()) -> Result<u64, ActorProcessingErr> {
        Ok(0)
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        sum: &mut u64,
    ) -> Result<(), ActorProcessingErr> {
        add(sum, message.open());
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<Self::Msg>,
        _: SupervisionEvent,
        _: &mut u64,
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}

pub(crate) async fn measure(report: &mut Report) -> anyhow::Result<()> {
    let (raw, _) = Actor::spawn(None, Raw, ()).await?;
    let (bounded, _) = Actor::spawn(None, Bounded, ()).await?;
    let limit = usize::try_from(MESSAGES)? + 1;
    let gated = Ref::<Message>::new(system("bench").gate("bounded", limit), bounded);
    let (mut casts, mut tells) = (Samples::default(), Samples::default());
    for round in 0..=ROUNDS {
        let cast = round_of(|it| Ok(raw.send_message(it)?)).await?;
        let tell = round_of(|it| Ok(gated.tell(it)?)).await?;
        if round > 0 {
            casts.add(cast);
            tells.add(tell);
        }
    }
    let (bare, weir) = (casts.median(), tells.median());
    report.ratio("local tell", &rate(bare), &rate(weir), weir / bare, Target::AtLeast(0.9));
    Ok(())
}

/// Messages a second, from the first that is sent until the last is handled.
async fn round_of(send: impl Fn(Message) -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let watch = Stopwatch::start();
    for number in 0..MESSAGES {
        send(Message::Add(number))?;
    }
    let (reply, sum) = oneshot::channel();
    send(Message::Sum(reply))?;
    let sum = sum.await?;
    let took = watch.elapsed();
    ensure!(sum == MESSAGES * (MESSAGES - 1) / 2, "{sum} is not the sum of what was sent");
    Ok(per_second(MESSAGES, took))
}
