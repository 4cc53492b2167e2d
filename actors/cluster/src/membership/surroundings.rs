//! The surroundings of a node: its links, gossip and evidence, brought together into what can be
//! reached from here; and what this node has to tell the others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use weir_domain::{ClusterAddress, Incarnation, Member, NodeStatus, NodeUid};
use weir_persistence_api::Members;

use super::acquaintance::Acquaintances;
use crate::admission::Admission;
use crate::liveness::{DETAILS, Heard, Liveness, MISSING};
use crate::mesh::{Mesh, MeshLink, MeshState, News, Note, Refusal};
use crate::reach::{Reach, Sources, is_present, merge, missing};
use crate::settings::Describe;

/// How often a node describes itself to the others.
const DESCRIBE_EVERY: Duration = Duration::from_secs(10);
/// How long one that was removed in order may take to say goodbye and close its links.
const GOODBYE_WITHIN: Duration = Duration::from_secs(5);

/// The way to the others, for a node that is not alone.
#[derive(Clone)]
pub(crate) struct Outside {
    pub(crate) mesh: Arc<dyn Mesh>,
    pub(crate) liveness: Arc<dyn Liveness>,
}

/// What news are about that concern the list of members.
pub(super) enum Concern {
    /// The list has this version now.
    Changed(u64),
    /// This node's end is in the list.
    Downed(String),
}

pub(super) struct Surroundings {
    me: Incarnation,
    own_address: ClusterAddress,
    seeds: Vec<ClusterAddress>,
    outside: Option<Outside>,
    admission: Admission,
    describe: Describe,
    describe_at: Duration,
    acquaintances: Acquaintances,
    gone: BTreeMap<NodeUid, String>,
    /// Those of them whose end is beyond doubt.
    ended: BTreeSet<NodeUid>,
    /// Since when those that were removed in order are known to be.
    seen_off: BTreeMap<NodeUid, Duration>,
    answering: BTreeSet<NodeUid>,
    dialled: BTreeSet<ClusterAddress>,
    said_missing: Option<BTreeSet<NodeUid>>,
}

/// What the surroundings are made of.
pub(crate) struct Ground {
    pub(crate) me: Incarnation,
    pub(crate) own_address: ClusterAddress,
    pub(crate) seeds: Vec<ClusterAddress>,
    pub(crate) outside: Option<Outside>,
    pub(crate) admission: Admission,
    pub(crate) describe: Describe,
}

impl Surroundings {
    pub(super) fn new(ground: Ground) -> Self {
        let Ground { me, own_address, seeds, outside, admission, describe } = ground;
        Self {
            me,
            own_address,
            seeds,
            outside,
            admission,
            describe,
            describe_at: Duration::ZERO,
            acquaintances: Acquaintances::default(),
            gone: BTreeMap::new(),
            ended: BTreeSet::new(),
            seen_off: BTreeMap::new(),
            answering: BTreeSet::new(),
            dialled: BTreeSet::new(),
            said_missing: None,
        }
    }

    pub(super) fn links(&self) -> Vec<MeshLink> {
        self.outside.as_ref().map(|it| it.mesh.links()).unwrap_or_default()
    }

    /// Merges what the links, gossip and evidence say.
    pub(super) fn look(&mut self, now: Duration, members: &Members, links: &[MeshLink]) -> Reach {
        let me = self.me.uid;
        let members = &members.members;
        let up = links.iter().filter(|it| it.is_up()).filter_map(|it| it.peer.as_ref());
        let up: BTreeSet<Incarnation> = up.cloned().collect();
        self.admission.update(members, up.clone());
        let up: BTreeSet<NodeUid> = up.into_iter().map(|it| it.uid).collect();
        self.note_own_address(members, links);
        // Whoever is linked lives, whatever was told of its end, and in whatever order.
        self.gone
            .retain(|uid, _| !up.contains(uid) && members.iter().any(|it| it.node.uid == *uid));
        self.ended.retain(|uid| self.gone.contains_key(uid));
        let links = self.acquaintances.observe(now, me, members, &up);
        let heard = self.heard();
        let sources = Sources {
            live: heard.keys().copied().collect(),
            links,
            gone: self.gone.clone(),
            ended: self.ended.clone(),
            answering: self.answering.clone(),
            tables: tables(&heard),
        };
        let reach = merge(me, members, &sources);
        self.say(now, missing(&sources));
        reach
    }

    /// Whoever was at this node's address has left it, and so has ended. That it is this node's is
    /// proven only by having dialled it: another's address in the settings is no proof.
    fn note_own_address(&mut self, members: &[Member], links: &[MeshLink]) {
        let is_own =
            |it: &MeshLink| it.state == MeshState::Itself && it.address == self.own_address;
        if !links.iter().any(is_own) {
            return;
        }
        let before = members.iter().filter(|it| it.address == self.own_address);
        let before = before.filter(|it| it.node != self.me);
        let how = || "this node listens at its address now".to_owned();
        for member in before {
            self.gone.insert(member.node.uid, how());
            self.ended.insert(member.node.uid);
        }
    }

    fn heard(&self) -> Arc<Heard> {
        let heard = self.outside.as_ref().map(|it| it.liveness.heard().borrow().clone());
        heard.unwrap_or_default()
    }

    /// Tells the others what they can't see: whom this node misses, and how it is.
    fn say(&mut self, now: Duration, missing: BTreeSet<NodeUid>) {
        let Some(Outside { liveness, .. }) = &self.outside else { return };
        if self.said_missing.as_ref() != Some(&missing) {
            liveness.publish(MISSING, json(&missing));
            self.said_missing = Some(missing);
        }
        if now >= self.describe_at {
            self.describe_at = now + DESCRIBE_EVERY;
            liveness.publish(DETAILS, json(&(self.describe)()));
        }
    }

    /// Dials whoever is a member, and lets go of those that are none any more.
    pub(super) fn tend_links(&mut self, now: Duration, members: &Members, links: &[MeshLink]) {
        let Some(Outside { mesh, .. }) = &self.outside else { return };
        let members = &members.members;
        let wanted = self.wanted(members);
        self.dialled.difference(&wanted).for_each(|it| mesh.forget(it));
        wanted.difference(&self.dialled).for_each(|it| mesh.dial(it));
        self.dialled = wanted;
        let is_linked = |member: &&Member| {
            links.iter().any(|it| it.is_up() && it.peer.as_ref() == Some(&member.node))
        };
        let over = members.iter().filter(|it| !is_present(it.status) && it.node != self.me);
        for member in over.filter(is_linked) {
            // One that was removed in order says goodbye itself, for which it needs the link.
            let since = *self.seen_off.entry(member.node.uid).or_insert(now);
            if member.status == NodeStatus::Down || now.saturating_sub(since) >= GOODBYE_WITHIN {
                mesh.disconnect(member.node.uid, &member.reason);
            }
        }
        self.seen_off.retain(|uid, _| members.iter().any(|it| it.node.uid == *uid));
    }

    /// Whose addresses are to be dialled. Who goes away itself needs nobody any more.
    fn wanted(&self, members: &[Member]) -> BTreeSet<ClusterAddress> {
        let is_going = |it: &Member| it.node == self.me && it.status >= NodeStatus::Exiting;
        if members.iter().any(is_going) {
            return BTreeSet::new();
        }
        let stays = |it: &&Member| is_present(it.status) && it.status != NodeStatus::Exiting;
        let others = members.iter().filter(stays).filter(|it| it.node != self.me);
        let mut wanted: BTreeSet<ClusterAddress> = others.map(|it| it.address.clone()).collect();
        wanted.extend(self.seeds.iter().filter(|it| **it != self.own_address).cloned());
        wanted
    }

    pub(super) fn tell_all(&self, note: &Note) {
        let Some(Outside { mesh, .. }) = &self.outside else { return };
        for peer in mesh.links().into_iter().filter(MeshLink::is_up).filter_map(|it| it.peer) {
            mesh.tell(peer.uid, note.clone());
        }
    }

    /// Takes note of news, and returns what concerns the list.
    pub(super) fn hear(&mut self, members: &Members, news: News) -> Option<Concern> {
        match news {
            News::Up { peer } => {
                self.gone.remove(&peer.uid);
                if let Some(Outside { liveness, .. }) = &self.outside {
                    liveness.meet(&peer);
                }
                None
            }
            News::Down { .. } => None,
            News::Gone { node, evidence, is_certain } => {
                if is_certain {
                    self.ended.insert(node.uid);
                }
                self.gone.insert(node.uid, evidence);
                None
            }
            News::Refused { address, refusal } => self.refused(members, &address, refusal),
            News::Note { note: Note::Changed { version }, .. } => Some(Concern::Changed(version)),
            News::Note { from, note } => {
                if let Some(Outside { liveness, .. }) = &self.outside {
                    liveness.take(from, note);
                }
                None
            }
        }
    }

    fn refused(
        &mut self,
        members: &Members,
        address: &ClusterAddress,
        refusal: Refusal,
    ) -> Option<Concern> {
        match refusal {
            // At the address of a namesake only he can say so.
            Refusal::DuplicateName => {
                let there = members.members.iter().filter(|it| it.address == *address);
                let namesakes =
                    there.filter(|it| it.node.name == self.me.name && it.node != self.me);
                self.answering.extend(namesakes.map(|it| it.node.uid));
                None
            }
            Refusal::Downed(why) => Some(Concern::Downed(why)),
            Refusal::Other(_) => None,
        }
    }

    /// The addresses that are dialled in vain, and why.
    pub(super) fn troubles(&self, links: &[MeshLink]) -> Vec<(String, String)> {
        let down = links.iter().filter(|it| !it.is_up() && it.address != self.own_address);
        let trouble = |it: &MeshLink| Some((it.address.to_string(), it.trouble.clone()?));
        down.filter_map(trouble).collect()
    }
}

fn tables(heard: &Heard) -> BTreeMap<NodeUid, BTreeSet<NodeUid>> {
    let read = |said: &BTreeMap<String, String>| serde_json::from_str(said.get(MISSING)?).ok();
    heard.iter().filter_map(|(&uid, said)| Some((uid, read(said)?))).collect()
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("what is published has only plain values")
}
