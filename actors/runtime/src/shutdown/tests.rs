use std::sync::Mutex;

use tokio::sync::Notify;

use super::*;
use crate::system::testing::system;

type Trace = Arc<Mutex<Vec<&'static str>>>;

fn shutdown() -> (Shutdown, Trace) {
    (system().shutdown().clone(), Trace::default())
}

fn note(trace: &Trace, text: &'static str) -> impl Future<Output = Result<(), Fault>> + use<> {
    let trace = trace.clone();
    async move {
        trace.lock().unwrap().push(text);
        Ok(())
    }
}

fn outcomes(report: &Report) -> Vec<(Phase, &str, &Outcome)> {
    report.steps().map(|(phase, step)| (phase, step.name.as_str(), &step.outcome)).collect()
}

#[tokio::test(start_paused = true)]
async fn phases_run_in_order_whatever_the_order_of_registration() {
    let (shutdown, trace) = shutdown();
    shutdown.add(Phase::StoreClose, "store", note(&trace, "store")).unwrap();
    shutdown.add(Phase::ServiceUnbind, "http", note(&trace, "unbind")).unwrap();
    let slow = {
        let (done, begun) = (note(&trace, "drain"), shutdown.clone());
        async move {
            assert!(begun.has_begun(Phase::WorkflowDrain) && !begun.has_begun(Phase::StoreClose));
            tokio::time::sleep(Duration::from_secs(2)).await;
            done.await
        }
    };
    shutdown.add(Phase::WorkflowDrain, "workflows", slow).unwrap();

    assert!(!shutdown.has_begun(Phase::ServiceUnbind));
    assert_eq!(shutdown.request(Reason::Signal("SIGTERM")), Requested::First);
    let report = shutdown.run().await;
    assert_eq!(*trace.lock().unwrap(), ["unbind", "drain", "store"]);
    assert_eq!(report.took, Duration::from_secs(2));
    assert_eq!((report.is_clean(), report.exit_code()), (true, 0));
}

#[tokio::test(start_paused = true)]
async fn the_steps_of_a_phase_run_side_by_side() {
    let (shutdown, _) = shutdown();
    let met = Arc::new(tokio::sync::Barrier::new(2));
    for name in ["one", "two"] {
        let met = met.clone();
        let step = async move {
            met.wait().await;
            Ok(())
        };
        shutdown.add(Phase::SingletonHandOver, name, step).unwrap();
    }
    shutdown.request(Reason::Requested("weir node stop".into()));
    assert!(shutdown.run().await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn a_step_that_hangs_fails_or_panics_is_reported_and_the_rest_runs() {
    let (shutdown, trace) = shutdown();
    let hangs = futures::future::pending::<Result<(), Fault>>();
    shutdown.add(Phase::ServiceUnbind, "hangs", hangs).unwrap();
    let fails = async { Err(Fault::transient(1, "no route")) };
    shutdown.add(Phase::ServiceUnbind, "fails", fails).unwrap();
    shutdown.add(Phase::ServiceUnbind, "panics", async { panic!("oh") }).unwrap();
    shutdown.add(Phase::StoreClose, "store", note(&trace, "store")).unwrap();

    shutdown.request(Reason::Signal("SIGTERM"));
    let report = shutdown.run().await;
    let panicked = "task shutdown/service-unbind/panics panicked: oh".to_owned();
    let expected = [
        (Phase::ServiceUnbind, "hangs", &Outcome::TimedOut),
        (Phase::ServiceUnbind, "fails", &Outcome::Failed("no route".into())),
        (Phase::ServiceUnbind, "panics", &Outcome::Failed(panicked)),
        (Phase::StoreClose, "store", &Outcome::Done),
        (Phase::SystemTerminate, "tasks", &Outcome::Done),
    ];
    assert_eq!(outcomes(&report), expected);
    assert_eq!(report.phases[0].took, Duration::from_secs(5));
    assert_eq!(report.exit_code(), 1);
}

#[tokio::test(start_paused = true)]
async fn it_runs_once_and_everybody_gets_the_same_report() {
    let (shutdown, trace) = shutdown();
    shutdown.add(Phase::ServiceUnbind, "http", note(&trace, "unbind")).unwrap();
    shutdown.request(Reason::Signal("SIGINT"));
    let (one, two) = tokio::join!(shutdown.run(), shutdown.run());
    assert_eq!(one, two);
    assert_eq!(shutdown.run().await, one);
    assert_eq!(*trace.lock().unwrap(), ["unbind"]);

    let late = shutdown.add(Phase::StoreClose, "late", note(&trace, "late"));
    assert_eq!(late, Err(TooLate { phase: Phase::StoreClose, step: "late".into() }));
}

#[tokio::test(start_paused = true)]
async fn a_second_request_ends_the_waiting_and_begins_nothing_more() {
    let (shutdown, trace) = shutdown();
    let began = Arc::new(Notify::new());
    let hangs = {
        let began = began.clone();
        async move {
            began.notify_one();
            futures::future::pending().await
        }
    };
    shutdown.add(Phase::WorkflowDrain, "hangs", hangs).unwrap();
    shutdown.add(Phase::StoreClose, "store", note(&trace, "store")).unwrap();
    shutdown.request(Reason::Signal("SIGTERM"));

    let again = async {
        began.notified().await;
        shutdown.request(Reason::Signal("SIGTERM"))
    };
    let (report, again) = tokio::join!(shutdown.run(), again);
    assert_eq!(again, Requested::Again);
    assert!(report.fast && report.took < Duration::from_secs(1));
    assert!(report.steps().all(|(_, step)| step.outcome == Outcome::Skipped));
    assert!(trace.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn tasks_are_joined_last_and_those_that_do_not_end_are_named() {
    let system = system();
    let stopping = system.shutdown().stopping();
    system.tasks().spawn("obedient", async move { stopping.stopped().await });
    system.tasks().spawn("deaf", futures::future::pending::<()>());
    system.shutdown().request(Reason::Signal("SIGTERM"));
    let report = system.shutdown().run().await;
    let left = Outcome::Failed("cancelled after 5s: deaf".into());
    assert_eq!(outcomes(&report), [(Phase::SystemTerminate, "tasks", &left)]);
}

#[tokio::test]
async fn stopping_turns_true_with_the_first_request() {
    let (shutdown, _) = shutdown();
    let stopping = shutdown.stopping();
    assert!(!stopping.is_stopping());
    shutdown.request(Reason::Signal("SIGTERM"));
    assert!(stopping.is_stopping());
    stopping.stopped().await;
    assert_eq!(shutdown.requested().await, Reason::Signal("SIGTERM"));
}

#[tokio::test(start_paused = true)]
async fn a_downed_node_stops_its_work_at_once_and_exits_with_minus_one() {
    let (shutdown, trace) = shutdown();
    shutdown.add(Phase::ServiceUnbind, "http", note(&trace, "unbind")).unwrap();
    shutdown.add(Phase::WorkflowDrain, "workflows", note(&trace, "drain")).unwrap();
    shutdown.add(Phase::SingletonHandOver, "singletons", note(&trace, "hand over")).unwrap();
    shutdown.add(Phase::ClusterLeave, "cluster", note(&trace, "leave")).unwrap();
    let hangs = futures::future::pending::<Result<(), Fault>>();
    shutdown.add(Phase::StoreClose, "store", hangs).unwrap();
    shutdown.add_downed("workflows", note(&trace, "abort"));

    shutdown.request(Reason::Downed(Fault::stopped("the majority is elsewhere")));
    let report = shutdown.run().await;
    assert_eq!(*trace.lock().unwrap(), ["abort", "unbind"]);
    assert_eq!(report.exit_code(), 255);
    assert_eq!(report.took, DOWNED_WITHIN, "what hangs gets one second");
}

#[tokio::test(start_paused = true)]
async fn what_is_for_a_downed_node_is_not_done_at_an_ordinary_end() {
    let (shutdown, trace) = shutdown();
    shutdown.add_downed("workflows", note(&trace, "abort"));
    shutdown.add(Phase::WorkflowDrain, "workflows", note(&trace, "drain")).unwrap();
    shutdown.request(Reason::Signal("SIGTERM"));
    assert_eq!(shutdown.run().await.exit_code(), 0);
    assert_eq!(*trace.lock().unwrap(), ["drain"]);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_downed_while_it_stops_stops_at_once_and_says_so() {
    let (shutdown, _) = shutdown();
    let hangs = futures::future::pending::<Result<(), Fault>>();
    shutdown.add(Phase::WorkflowDrain, "hangs", hangs).unwrap();
    shutdown.request(Reason::Signal("SIGTERM"));
    let downed = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        shutdown.request(Reason::Downed(Fault::stopped("removed")))
    };
    let (report, again) = tokio::join!(shutdown.run(), downed);
    assert_eq!((again, report.exit_code()), (Requested::Again, 255));
    assert_eq!(report.took, Duration::from_secs(1));
}
