//! Who is linked, who is being greeted, who was lost: the decisions about connections, as values.
//!
//! Invariants:
//! - L1: there is at most one link to an incarnation. Of two that were dialled from both sides, the
//!   one that the lower uid dialled is kept, on both sides.
//! - L2: a node does not greet a peer while it welcomes it, so two that dial each other at once
//!   end with one link and not with none.
//! - L3: what is known about the end of an incarnation is told once.
//!
//! Nothing here waits, and nothing here knows a socket.

use std::collections::HashMap;

use weir_domain::{ClusterAddress, Incarnation, NodeUid};

use crate::code;
use crate::event::{Cause, Evidence};
use crate::hello::{Hello, Refusal};

#[derive(Debug)]
pub(crate) struct Roster {
    me: Incarnation,
    live: HashMap<NodeUid, Live>,
    /// Connections on which words are exchanged now, by the peer's address.
    greeting: HashMap<ClusterAddress, Greeting>,
    /// Whom an address leads to that is not its own: a seed's IP address, a name with many.
    aliases: HashMap<ClusterAddress, NodeUid>,
    /// Whose connection was closed by its system, by its own address.
    lost: HashMap<ClusterAddress, Incarnation>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Live {
    pub link: u64,
    pub node: Incarnation,
    pub address: ClusterAddress,
    /// Whether this node dialled it.
    pub is_dialler: bool,
}

#[derive(Debug, Default)]
struct Greeting {
    dialled: usize,
    welcomed: usize,
}

/// What a new link makes superfluous or known.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Entered {
    /// Links whose place it takes.
    pub superseded: Vec<u64>,
    pub gone: Vec<Incarnation>,
}

impl Roster {
    pub(crate) fn new(me: Incarnation) -> Self {
        Self {
            me,
            live: HashMap::new(),
            greeting: HashMap::new(),
            aliases: HashMap::new(),
            lost: HashMap::new(),
        }
    }

    /// The link to whoever listens at the address.
    pub(crate) fn at(&self, address: &ClusterAddress) -> Option<&Live> {
        let alias = self.aliases.get(address).and_then(|uid| self.live.get(uid));
        alias.or_else(|| self.live.values().find(|it| it.address == *address))
    }

    pub(crate) fn alias(&mut self, address: ClusterAddress, uid: NodeUid) {
        self.aliases.insert(address, uid);
    }

    /// Whether a greeting may begin there now. If so it must end with `greeted`.
    pub(crate) fn greet(&mut self, address: &ClusterAddress) -> bool {
        let is_welcomed = self.greeting.get(address).is_some_and(|it| it.welcomed > 0);
        if is_welcomed || self.at(address).is_some() {
            return false;
        }
        self.greeting.entry(address.clone()).or_default().dialled += 1;
        true
    }

    pub(crate) fn greeted(&mut self, address: &ClusterAddress) {
        self.done(address, |it| it.dialled = it.dialled.saturating_sub(1));
    }

    /// Whether the peer that says this hello may be welcomed. If so it must end with `welcomed`.
    pub(crate) fn welcome(&mut self, hello: &Hello) -> Result<(), Refusal> {
        self.check_age(hello)?;
        self.check_address(hello)?;
        let is_mine_kept = self.me.uid < hello.node.uid;
        let is_greeted = self.greeting.get(&hello.address).is_some_and(|it| it.dialled > 0);
        let is_linked = self.live.get(&hello.node.uid).is_some_and(|it| it.is_dialler);
        if is_mine_kept && (is_greeted || is_linked) {
            return Err(self.duplicate());
        }
        self.greeting.entry(hello.address.clone()).or_default().welcomed += 1;
        Ok(())
    }

    pub(crate) fn welcomed(&mut self, address: &ClusterAddress) {
        self.done(address, |it| it.welcomed = it.welcomed.saturating_sub(1));
    }

    /// An address is only announced, which proves nothing about the node that is linked there. Once
    /// that has lost its link the address may be another's.
    fn check_address(&self, hello: &Hello) -> Result<(), Refusal> {
        let is_there = |it: &&Live| it.address == hello.address && it.node.name != hello.node.name;
        match self.live.values().find(is_there) {
            Some(other) => {
                let reason = format!(
                    "it announces {}, where {} is linked: give each node a canonical host and port of its own",
                    hello.address, other.node
                );
                Err(Refusal::new(code::ADDRESS_TAKEN, reason))
            }
            None => Ok(()),
        }
    }

    /// A peer must not be older than the incarnation that is linked.
    pub(crate) fn check_age(&self, hello: &Hello) -> Result<(), Refusal> {
        let is_newer = |it: &&Live| it.node.name == hello.node.name && it.node.uid > hello.node.uid;
        match self.live.values().find(is_newer) {
            Some(newer) => {
                let reason =
                    format!("{} is linked, which is newer than {}", newer.node, hello.node);
                Err(Refusal::new(code::OLD_INCARNATION, reason))
            }
            None => Ok(()),
        }
    }

    fn duplicate(&self) -> Refusal {
        let reason = "the two dialled each other at once: the other link is kept";
        Refusal { by: Some(self.me.uid), ..Refusal::new(code::DUPLICATE_LINK, reason) }
    }

    /// Enters a link, unless another one to the same peer is to be kept.
    pub(crate) fn enter(&mut self, live: Live) -> Result<Entered, Refusal> {
        let mut entered = Entered::default();
        if let Some(other) = self.live.get(&live.node.uid) {
            let kept = if self.me.uid < live.node.uid { live.is_dialler } else { !live.is_dialler };
            if !kept && other.is_dialler != live.is_dialler {
                return Err(self.duplicate());
            }
            entered.superseded.push(other.link);
        }
        let is_before = |it: &&Live| it.address == live.address && it.node.uid != live.node.uid;
        for before in self.live.values().filter(is_before) {
            entered.superseded.push(before.link);
            entered.gone.push(before.node.clone());
        }
        entered.gone.extend(self.answered(&live.address, &live.node));
        for gone in &entered.gone {
            self.live.remove(&gone.uid);
        }
        self.live.insert(live.node.uid, live);
        Ok(entered)
    }

    /// An incarnation answers there: who was lost there, and is another one, is gone.
    fn answered(&mut self, address: &ClusterAddress, by: &Incarnation) -> Option<Incarnation> {
        self.lost.remove(address).filter(|it| it != by)
    }

    /// A link has ended. Gives nothing if it was not, or no more, the peer's link.
    pub(crate) fn leave(&mut self, node: &Incarnation, link: u64, cause: &Cause) -> Option<Left> {
        if self.live.get(&node.uid).is_none_or(|it| it.link != link) {
            return None;
        }
        let live = self.live.remove(&node.uid)?;
        let gone = match cause {
            Cause::Goodbye(_) => Some(Evidence::Left),
            Cause::Closed => {
                self.lost.insert(live.address.clone(), live.node);
                None
            }
            Cause::Lost(_)
            | Cause::Silent(_)
            | Cause::Garbled(_)
            | Cause::Disconnected(_)
            | Cause::Superseded => None,
        };
        Some(Left { address: live.address, gone })
    }

    /// A live host says that nobody listens there: who was lost there is gone.
    pub(crate) fn refused(&mut self, address: &ClusterAddress) -> Option<Incarnation> {
        self.lost.remove(address)
    }

    fn done(&mut self, address: &ClusterAddress, end: impl FnOnce(&mut Greeting)) {
        if let Some(greeting) = self.greeting.get_mut(address) {
            end(greeting);
            if greeting.dialled == 0 && greeting.welcomed == 0 {
                self.greeting.remove(address);
            }
        }
    }
}

/// A link that has left.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Left {
    pub address: ClusterAddress,
    pub gone: Option<Evidence>,
}

#[cfg(test)]
mod tests;
