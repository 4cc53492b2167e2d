//! A workflow of the world, and what its instances said.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use weir_domain::schedule::{InstanceNumber, InstanceReport, InstanceState};
use weir_domain::{InstanceId, Timestamp, Workflow};
use weir_runtime::Stopwatch;

use super::wait_until;
use crate::*;

/// A workflow, and what its instances said.
pub(in crate::tests) struct Driven {
    pub(in crate::tests) running: RunningWorkflow,
    said: Arc<Mutex<BTreeMap<u64, Vec<Happened>>>>,
    is_stopping: AtomicBool,
}

/// How a workflow stopped.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::tests) enum StopOutcome {
    Drained,
    Aborted,
}

impl Driven {
    pub(in crate::tests) fn new(running: RunningWorkflow) -> Self {
        Self { running, said: Arc::default(), is_stopping: AtomicBool::new(false) }
    }

    pub(in crate::tests) fn start(&self, number: u64) {
        let said = self.said.clone();
        said.lock().unwrap().insert(number, Vec::new());
        let notice = move |it: Happened| {
            if let Some(all) = said.lock().unwrap().get_mut(&number) {
                all.push(it);
            }
        };
        self.running.start(InstanceId(number), Arc::new(notice));
    }

    pub(in crate::tests) fn said(&self, number: u64) -> Vec<Happened> {
        self.said.lock().unwrap()[&number].clone()
    }

    pub(in crate::tests) fn view(&self) -> Workflow {
        let numbers: Vec<u64> = self.said.lock().unwrap().keys().copied().collect();
        self.running.view(numbers.into_iter().map(|it| self.report(it)).collect())
    }

    fn report(&self, number: u64) -> InstanceReport {
        let state = match self.said(number).last() {
            Some(Happened::Ended(Ok(()))) => InstanceState::Terminated,
            Some(Happened::Ended(Err(_))) => InstanceState::RestartBackoff,
            _ if self.is_stopping.load(Ordering::SeqCst) => InstanceState::StopProcessing,
            _ => InstanceState::On,
        };
        InstanceReport {
            workflow: self.running.name().clone(),
            number: InstanceNumber(number),
            state,
            since: Timestamp(0),
            restarts: 0,
            restart_at: None,
            fault: None,
        }
    }

    /// Drains all instances; those that work on after `grace` are aborted.
    pub(in crate::tests) async fn stop(&self, grace: Duration) -> StopOutcome {
        self.is_stopping.store(true, Ordering::SeqCst);
        let numbers: Vec<u64> = self.said.lock().unwrap().keys().copied().collect();
        let each = || numbers.iter().map(|it| InstanceId(*it));
        each().for_each(|it| self.running.drain(it));
        let has_ended = || self.view().instances == 0;
        let watch = Stopwatch::start();
        while !has_ended() && watch.elapsed() < grace {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if has_ended() {
            return StopOutcome::Drained;
        }
        each().for_each(|it| self.running.abort(it));
        wait_until("all have ended", has_ended).await;
        StopOutcome::Aborted
    }
}
