use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef, ActorStatus};
use weir_domain::Fault;

use super::*;
use crate::system::testing::{system, wait_until};
use crate::{RuntimeEvent, System, code};

/// Does as it is told.
struct Clerk {
    /// Fails this often in its start before it succeeds.
    refusals: Arc<std::sync::atomic::AtomicU32>,
}

enum Task {
    Fail(Fault),
    FailForGood(Fault),
    Panic,
    End,
}

impl ractor::Message for Task {}

impl Actor for Clerk {
    type Msg = Task;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Task>, (): ()) -> Result<(), ActorProcessingErr> {
        use std::sync::atomic::Ordering::SeqCst;
        match self.refusals.fetch_update(SeqCst, SeqCst, |it| it.checked_sub(1)) {
            Ok(_) => panic!("no desk"),
            Err(_) => Ok(()),
        }
    }

    async fn handle(
        &self,
        myself: ActorRef<Task>,
        task: Task,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        match task {
            Task::Fail(fault) => Err(Box::new(fault)),
            Task::FailForGood(fault) => Err(Box::new(Fatal(fault))),
            Task::Panic => panic!("out of ink"),
            Task::End => {
                myself.stop(None);
                Ok(())
            }
        }
    }
}

fn policy(max: u32) -> RestartPolicy {
    RestartPolicy {
        backoff: Backoff { min: Duration::from_secs(1), max: Duration::from_secs(8), jitter: 0.0 },
        budget: RestartBudget { max, window: Duration::from_secs(600) },
        ..RestartPolicy::default()
    }
}

async fn clerk(system: &System, policy: RestartPolicy, refusals: u32) -> Supervised<Task> {
    clerk_under(system, policy, refusals, None).await
}

async fn clerk_under(
    system: &System,
    policy: RestartPolicy,
    refusals: u32,
    parent: Option<ractor::ActorCell>,
) -> Supervised<Task> {
    let refusals = Arc::new(std::sync::atomic::AtomicU32::new(refusals));
    let build: Factory<Task> = Box::new(move |parent| {
        let clerk = Clerk { refusals: refusals.clone() };
        Box::pin(async { Actor::spawn_linked(None, clerk, (), parent).await.map(|it| it.0) })
    });
    supervise(system, "clerk", policy, parent, build).await.unwrap()
}

async fn until_running(clerk: &Supervised<Task>) -> ActorRef<Task> {
    wait_until("the clerk runs", || clerk.current().is_some()).await;
    clerk.current().unwrap()
}

async fn tell(clerk: &Supervised<Task>, task: Task) {
    let actor = until_running(clerk).await;
    actor.send_message(task).unwrap();
    wait_until("the clerk ends", || actor.get_status() == ActorStatus::Stopped).await;
    wait_until("it is noticed", || !matches!(clerk.state(), ChildState::Running { .. })).await;
}

#[tokio::test(start_paused = true)]
async fn a_failure_a_panic_and_a_failed_start_each_lead_to_a_restart_with_a_longer_wait() {
    let system = system();
    let mut events = system.events().subscribe();
    let clerk = clerk(&system, policy(10), 1).await;
    tell(&clerk, Task::Fail(Fault::transient(77, "no paper"))).await;
    tell(&clerk, Task::Panic).await;
    until_running(&clerk).await;

    let plain = |text| Fault::transient(code::ACTOR_RESTARTING.0, text);
    let causes = [plain("no desk"), Fault::transient(77, "no paper"), plain("out of ink")];
    for (attempt, cause) in (1..).zip(causes) {
        let expected = RuntimeEvent::ActorRestarting { actor: "clerk".into(), attempt, cause };
        assert_eq!(events.recv().await.unwrap(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_shows_its_cause_and_its_time() {
    let system = system();
    let clerk = clerk(&system, policy(10), 0).await;
    let cause = Fault::transient(77, "no paper");
    tell(&clerk, Task::Fail(cause.clone())).await;
    let until = system.now().plus(Duration::from_secs(1));
    assert_eq!(clerk.state(), ChildState::Restarting { attempt: 1, until, cause });
    assert!(clerk.current().is_none());
}

#[tokio::test(start_paused = true)]
async fn too_many_restarts_end_in_a_failure_that_a_person_can_undo() {
    let system = system();
    let clerk = clerk(&system, policy(2), 0).await;
    for _ in 0..3 {
        tell(&clerk, Task::Panic).await;
    }
    let cause = Fault::transient(code::ACTOR_RESTARTING.0, "out of ink");
    assert_eq!(clerk.state(), ChildState::Failed { cause });
    clerk.restart().await;
    until_running(&clerk).await;
}

#[tokio::test(start_paused = true)]
async fn a_fatal_error_is_not_tried_again() {
    let system = system();
    let clerk = clerk(&system, policy(10), 0).await;
    let cause = Fault::config(78, "the ledger burnt");
    tell(&clerk, Task::FailForGood(cause.clone())).await;
    assert_eq!(clerk.state(), ChildState::Failed { cause });
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    assert!(clerk.state().is_final());
}

/// Notes how its child supervisor ended.
struct Director(tokio::sync::mpsc::UnboundedSender<String>);

impl Actor for Director {
    type Msg = Task;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Task>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<Task>,
        event: ractor::SupervisionEvent,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        if let ractor::SupervisionEvent::ActorFailed(_, error) = event {
            self.0.send(error.to_string())?;
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_spent_budget_escalates_where_the_policy_says_so() {
    let system = system();
    let (send, mut noted) = tokio::sync::mpsc::unbounded_channel();
    let (director, _) = Actor::spawn(None, Director(send), ()).await.unwrap();
    let policy = RestartPolicy { exhausted: Exhausted::Escalate, ..policy(1) };
    let clerk = clerk_under(&system, policy, 0, Some(director.get_cell())).await;
    tell(&clerk, Task::Panic).await;
    tell(&clerk, Task::Fail(Fault::transient(77, "no paper"))).await;
    assert_eq!(noted.recv().await.unwrap(), "no paper");
    assert!(matches!(clerk.state(), ChildState::Failed { .. }));
    director.stop(None);
}

#[tokio::test(start_paused = true)]
async fn a_normal_end_is_final_and_does_not_stop_the_supervisor() {
    let system = system();
    let clerk = clerk(&system, policy(10), 0).await;
    tell(&clerk, Task::End).await;
    assert_eq!(clerk.state(), ChildState::Stopped);
    clerk.restart().await;
    until_running(&clerk).await;
    clerk.stop(Duration::from_secs(1)).await.unwrap();
    assert_eq!(clerk.state(), ChildState::Stopped);
}

#[tokio::test(start_paused = true)]
async fn a_stop_during_the_wait_for_a_restart_ends_it() {
    let system = system();
    let clerk = clerk(&system, policy(10), 0).await;
    tell(&clerk, Task::Panic).await;
    clerk.stop(Duration::from_secs(1)).await.unwrap();
    assert_eq!(clerk.state(), ChildState::Stopped);
    clerk.stop(Duration::from_secs(1)).await.unwrap();
}

/// Never comes back from its work.
struct Sleeper;

impl Actor for Sleeper {
    type Msg = Task;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Task>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(
        &self,
        _: ActorRef<Task>,
        _: Task,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        futures::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_that_does_not_stop_in_time_is_killed_and_named() {
    let system = system();
    let build: Factory<Task> = Box::new(|parent| {
        Box::pin(async { Actor::spawn_linked(None, Sleeper, (), parent).await.map(|it| it.0) })
    });
    let sleeper = supervise(&system, "sleeper", policy(1), None, build).await.unwrap();
    let actor = until_running(&sleeper).await;
    actor.send_message(Task::End).unwrap();
    let timed_out = sleeper.stop(Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(timed_out.to_string(), "sleeper did not stop within 1s and was killed");
    wait_until("it is dead", || actor.get_status() == ActorStatus::Stopped).await;
    assert_eq!(sleeper.state(), ChildState::Stopped);
}
