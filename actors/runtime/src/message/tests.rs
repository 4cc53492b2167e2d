use ractor::{Actor, ActorProcessingErr};
use tokio::sync::Semaphore;

use super::*;
use crate::System;
use crate::system::testing::system;

const SECOND: Duration = Duration::from_secs(1);

/// Answers one question for each permit of its door.
struct Doorman(Arc<Semaphore>);

struct Knock(Reply<&'static str>);

impl Actor for Doorman {
    type Msg = Envelope<Knock>;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Self::Msg>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        let Knock(reply) = message.open();
        self.0.acquire().await?.forget();
        reply.send("come in");
        Ok(())
    }
}

struct House {
    system: System,
    door: Arc<Semaphore>,
    actor: ActorRef<Envelope<Knock>>,
    doorman: Ref<Knock>,
}

async fn house(limit: usize) -> House {
    let (system, door) = (system(), Arc::new(Semaphore::new(0)));
    let (actor, _) = Actor::spawn(None, Doorman(door.clone()), ()).await.unwrap();
    let doorman = Ref::new(system.gate("doorman", limit), actor.clone());
    House { system, door, actor, doorman }
}

#[tokio::test(start_paused = true)]
async fn an_ask_is_answered_or_ends_at_its_deadline() {
    let house = house(8).await;
    let late = house.doorman.ask(SECOND, Knock).await;
    assert_eq!(late, Err(AskError::Timeout { actor: "doorman".into(), after: Millis(1_000) }));
    house.door.add_permits(2);
    assert_eq!(house.doorman.ask(SECOND, Knock).await, Ok("come in"));
}

#[tokio::test(start_paused = true)]
async fn a_full_mailbox_refuses_at_once_and_a_patient_teller_waits_for_room() {
    let house = house(1).await;
    // One is being handled, one fills the mailbox.
    let _ = house.doorman.ask(SECOND, Knock).await;
    let (reply, _answer) = oneshot::channel();
    house.doorman.tell(Knock(Reply(reply))).unwrap();

    let busy = house.doorman.ask(SECOND, Knock).await;
    assert_eq!(busy, Err(AskError::Busy { actor: "doorman".into(), waiting: 1 }));
    let (reply, _answer) = oneshot::channel();
    let told = house.doorman.tell_within(SECOND, Knock(Reply(reply)));
    house.door.add_permits(1);
    assert_eq!(told.await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn messages_left_in_a_stopped_actor_are_counted_and_their_askers_told() {
    let house = house(8).await;
    let asked = (0..3).map(|_| house.doorman.ask(Duration::from_secs(60), Knock));
    let stop = async {
        // The first is being handled when the stop arrives; it is still answered.
        crate::system::testing::wait_until("two wait", || house.doorman.waiting() == 2).await;
        house.actor.stop(None);
        house.door.add_permits(1);
    };
    let (answers, ()) = tokio::join!(futures::future::join_all(asked), stop);
    assert_eq!(
        answers,
        [Ok("come in"), Err(stopped(&"doorman".into())), Err(stopped(&"doorman".into()))]
    );
    assert_eq!(house.system.dead_letters().of("doorman"), 2);

    let after = house.doorman.ask(SECOND, Knock).await;
    assert_eq!(after, Err(stopped(&"doorman".into())));
    assert_eq!(house.system.dead_letters().of("doorman"), 3);
}

#[tokio::test]
async fn a_supervised_actor_is_reached_in_whichever_incarnation_it_runs() {
    let system = system();
    let built = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let build = move |parent| {
        // The first one fails at its first question, the others answer.
        let door = Arc::new(Semaphore::new(8));
        if built.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0 {
            door.close();
        }
        let spawned = async { Actor::spawn_linked(None, Doorman(door), (), parent).await };
        let spawned = async { spawned.await.map(|(actor, _)| actor) };
        Box::pin(spawned) as futures::future::BoxFuture<'static, _>
    };
    let policy = crate::RestartPolicy::default();
    let child = crate::supervise(&system, "doorman", policy, None, Box::new(build)).await.unwrap();
    let mut watch = child.watch();
    let first = watch.wait_for(|it| it.actor.is_some()).await.unwrap().actor.clone().unwrap();
    let doorman = Ref::supervised(system.gate("doorman", 8), child);
    let failed = doorman.ask(SECOND * 30, Knock).await;
    assert!(matches!(failed, Err(AskError::Stopped { .. })), "{failed:?}");

    let is_another =
        |it: &crate::Child<_>| it.actor.as_ref().is_some_and(|it| it.get_id() != first.get_id());
    tokio::time::timeout(SECOND * 30, watch.wait_for(is_another)).await.unwrap().unwrap();
    assert_eq!(doorman.ask(SECOND * 30, Knock).await, Ok("come in"));
}

#[tokio::test(start_paused = true)]
async fn the_end_of_an_actor_can_be_watched_also_after_it() {
    let house = house(8).await;
    let mut watch = Box::pin(house.doorman.ended());
    assert!(futures::poll!(watch.as_mut()).is_pending());
    house.actor.stop(None);
    tokio::time::timeout(SECOND, watch).await.unwrap();
    tokio::time::timeout(SECOND, house.doorman.ended()).await.unwrap();
}
