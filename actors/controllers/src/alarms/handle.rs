//! The way to the alarm centre, wherever it lives.

use std::time::Duration;

use weir_cluster::{Proxy, ProxyError};
use weir_domain::{Alarm, AlarmId, Timestamp};

use super::{
    AlarmPage, AlarmService, Asked, Confirmed, Rejection, Request, Response, Unjudged, Which,
};
use crate::Sender;

const ASK_WITHIN: Duration = Duration::from_secs(15);

/// Why there is no good answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Rejected(#[from] Rejection),
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Proxy(#[from] ProxyError),
}

type Answer<T> = Result<T, Failure>;

/// Cheap to clone.
#[derive(Clone)]
pub struct AlarmCentre(Proxy<AlarmService>);

fn odd<T>(response: Response) -> Answer<T> {
    Err(match response {
        Response::Rejected(it) => it.into(),
        Response::Refused(it) => Failure::Refused(it),
        // An engine of another version may answer what this one does not expect.
        other => Failure::Refused(format!("an answer to another question: {other:?}")),
    })
}

impl AlarmCentre {
    pub fn new(proxy: Proxy<AlarmService>) -> Self {
        Self(proxy)
    }

    /// One page of alarms, when it was looked last (`None`: not yet), and what could not be judged then.
    pub async fn list(
        &self,
        asked: Asked,
    ) -> Answer<(AlarmPage, Option<Timestamp>, Vec<Unjudged>)> {
        match self.0.ask(Request::List(asked), ASK_WITHIN).await? {
            Response::Page { page, looked_at, unjudged } => Ok((page, looked_at, unjudged)),
            other => odd(other),
        }
    }

    pub async fn find(&self, id: AlarmId) -> Answer<Option<Alarm>> {
        match self.0.ask(Request::Show(id), ASK_WITHIN).await? {
            Response::Alarm(it) => Ok(it.map(|it| *it)),
            other => odd(other),
        }
    }

    /// Says that somebody has seen them. Those that were confirmed before stay as they are.
    pub async fn confirm(
        &self,
        which: Which,
        note: Option<String>,
        sender: Sender,
    ) -> Answer<Confirmed> {
        let Sender { user: by, command } = sender;
        let confirm = Request::Confirm { which, by, note };
        match self.0.ask_as(command, confirm, ASK_WITHIN).await? {
            Response::Confirmed(it) => Ok(it),
            other => odd(other),
        }
    }
}
