//! One command: how it is sent, what is seen of it, and how it is undone.

use super::*;
use crate::support::cluster::Answer;

/// What there is to see at a node.
type Look<'a> = Box<dyn Fn(&Cluster, usize) -> Value + 'a>;
/// Undoes it through these nodes.
type Undo<'a> = Box<dyn Fn(&Cluster, [usize; 2]) + 'a>;

pub(super) struct Row<'a> {
    pub(super) name: &'static str,
    /// It has a key of its own.
    pub(super) does: Call,
    pub(super) look: Look<'a>,
    pub(super) undo: Option<Undo<'a>>,
    /// It is sent first to the node that the controllers are on.
    pub(super) is_through_the_host: bool,
    /// How it may be answered, too, when it was carried out before.
    pub(super) sent_again: Option<u16>,
    /// How it is answered when it was carried out before and undone.
    pub(super) undone_and_sent_again: Option<u16>,
}

impl<'a> Row<'a> {
    pub(super) fn new(
        name: &'static str,
        does: Call,
        look: impl Fn(&Cluster, usize) -> Value + 'a,
    ) -> Self {
        let does = does.header("idempotency-key", &format!("the one of {name}"));
        Self {
            name,
            does,
            look: Box::new(look),
            undo: None,
            is_through_the_host: false,
            sent_again: None,
            undone_and_sent_again: None,
        }
    }

    pub(super) fn undone_by(self, calls: impl Into<Vec<Call>>) -> Self {
        let calls = calls.into();
        self.undone_as(move |cluster, nodes| {
            for call in &calls {
                let answer = told(cluster, nodes, call);
                assert_eq!(answer.status, 200, "{} {}: {}", call.method, call.path, answer.body);
            }
        })
    }

    pub(super) fn undone_as(self, undo: impl Fn(&Cluster, [usize; 2]) + 'a) -> Self {
        Self { undo: Some(Box::new(undo)), ..self }
    }

    pub(super) fn through_the_host(self) -> Self {
        Self { is_through_the_host: true, ..self }
    }

    pub(super) fn sent_again_is(self, status: u16) -> Self {
        Self { sent_again: Some(status), ..self }
    }

    pub(super) fn undone_and_sent_again_is(self, status: u16) -> Self {
        Self { undone_and_sent_again: Some(status), ..self }
    }
}

/// Sends a call to one node after the other until it is answered: with anything but that it could not
/// be now.
#[track_caller]
pub(super) fn told(cluster: &Cluster, nodes: [usize; 2], call: &Call) -> Answer {
    let mut turns = nodes.into_iter().cycle();
    wait_for(&format!("an answer to {} {}", call.method, call.path), DEADLINE, || {
        let at = turns.next().expect("they never end");
        cluster.nodes[at].called(call).ok().filter(|it| it.status < 500 && it.status != 429)
    })
}

/// What a node shows; null where there is no such thing.
#[track_caller]
pub(super) fn seen(cluster: &Cluster, at: usize, path: &str) -> Value {
    let answer = told(cluster, [at, at], &Call::new("GET", path));
    match answer.status {
        404 => Value::Null,
        200 => serde_json::from_str(&answer.body).unwrap(),
        status => panic!("{path}: {status} {}", answer.body),
    }
}
