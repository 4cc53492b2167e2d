//! How the cluster looks in a terminal.

use std::time::Duration;

use serde::Serialize;
use weir_domain::{Incarnation, NodeStatus};
use weir_http_api::{
    ExplanationView, LeaseState, LeaseView, LinkView, MemberView, MembersView, Page,
};

use crate::cli::args::Asked;
use crate::cli::failure::Failure;
use crate::cli::human;
use crate::cli::look::{Look, Tone};
use crate::cli::table::{self, Column, Rows, facts};

use Column::{Number, Text};

/// What `weir cluster status` shows.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status {
    #[serde(flatten)]
    members: MembersView,
    leases: Vec<LeaseView>,
}

impl Status {
    pub(super) async fn ask(asked: &Asked) -> Result<Self, Failure> {
        let refuse = |error| asked.refused("can't ask for the cluster's status", error);
        let client = &asked.client;
        let mut members = client.members().await.map_err(refuse)?;
        members.members.retain(|it| it.status != NodeStatus::Removed);
        Ok(Self { members, leases: client.leases().await.map_err(refuse)?.items })
    }
}

pub(super) fn status(status: &Status, look: &Look) -> String {
    let MembersView { cluster, node, leader, store_trouble, .. } = &status.members;
    let store = match store_trouble {
        None => look.paint(Tone::Good, "✓ answers"),
        Some(why) => look.paint(Tone::Bad, &format!("✗ {}", human::plain(why))),
    };
    let lines = [
        ("cluster", cluster.to_string()),
        ("asked", node.name.to_string()),
        ("leader", leader.as_ref().map_or("-".into(), ToString::to_string)),
        ("members", counted_members(&status.members.members)),
        ("leases", counted_leases(&status.leases)),
        ("store", store),
    ];
    format!("{}\n{}", facts(&lines), members(&status.members, look))
}

/// `2 up, 1 joining, 1 unreachable`.
fn counted_members(members: &[MemberView]) -> String {
    let statuses = [
        NodeStatus::Up,
        NodeStatus::Joining,
        NodeStatus::Leaving,
        NodeStatus::Exiting,
        NodeStatus::Down,
    ];
    let count = |status| members.iter().filter(|it| it.status == status).count();
    let unreachable = members.iter().filter(|it| it.unreachable).count();
    let counted = statuses.map(|it| (count(it), it.to_string()));
    listed(counted.into_iter().chain([(unreachable, "unreachable".to_owned())]))
}

fn counted_leases(leases: &[LeaseView]) -> String {
    let count = |state| leases.iter().filter(|it| it.state == state).count();
    let troubled = leases.iter().filter(|it| it.trouble.is_some()).count();
    listed([
        (count(LeaseState::Held), "held".to_owned()),
        (count(LeaseState::Expired), "expired".to_owned()),
        (count(LeaseState::Free), "free".to_owned()),
        (troubled, "in trouble here".to_owned()),
    ])
}

fn listed(counts: impl IntoIterator<Item = (usize, String)>) -> String {
    let some = counts.into_iter().filter(|it| it.0 > 0).map(|(n, word)| format!("{n} {word}"));
    let text = some.collect::<Vec<_>>().join(", ");
    if text.is_empty() { "none".into() } else { text }
}

pub(super) fn members(members: &MembersView, look: &Look) -> String {
    let narrow = ["NAME", "STATUS", "ADDRESS", "ROLES", "VERSION", "JOINED"].map(Text);
    let wide = [
        Number("UP-NUMBER"),
        Text("REST"),
        Text("UNREACHABLE-FROM"),
        Text("UNREACHABLE"),
        Text("CHANGED"),
        Text("WHY"),
        Text("UID"),
    ];
    let mut rows = Rows::new(look, &narrow, &wide);
    for it in &members.members {
        rows.add(
            vec![
                table::text(&marked(it, members)),
                table::status((it.status, it.unreachable)),
                table::text(&it.address.to_string()),
                table::text(&words(&it.roles)),
                table::text(&it.version),
                table::text(&human::age(look.now, it.joined_at)),
            ],
            vec![
                table::count(it.up_number),
                table::text(&it.rest),
                table::text(&words(&it.unreachable_from)),
                table::text(&human::age_of(look.now, it.unreachable_since)),
                table::text(&human::age(look.now, it.changed_at)),
                table::text(&it.reason),
                table::text(&it.uid.to_string()),
            ],
        );
    }
    rows.text()
}

/// The leader has a star.
fn marked(it: &MemberView, members: &MembersView) -> String {
    let is_leader = members.leader.as_ref() == Some(&it.name) && it.status < NodeStatus::Down;
    if is_leader { format!("{} *", it.name) } else { it.name.to_string() }
}

fn words(words: &[String]) -> String {
    if words.is_empty() { "-".into() } else { words.join(", ") }
}

fn name_of(node: Option<&Incarnation>) -> String {
    node.map_or("-".into(), |it| it.name.to_string())
}

pub(super) fn leases(leases: &Page<LeaseView>, look: &Look) -> String {
    let narrow = [
        Text("NAME"),
        Text("STATE"),
        Text("NODE"),
        Number("EPOCH"),
        Number("LEFT"),
        Text("PINNED"),
        Text("HERE"),
        Text("TROUBLE"),
    ];
    let mut rows = Rows::new(look, &narrow, &[Text("OWNER")]);
    for it in &leases.items {
        rows.add(
            vec![
                table::text(&it.name),
                table::status(it.state),
                table::text(&name_of(it.owner.as_ref())),
                table::count(it.epoch),
                table::text(&human::duration(Duration::from_millis(it.left_ms))),
                table::text(it.pinned.as_ref().map_or("-", |it| it.as_str())),
                table::text(&it.here),
                table::text(it.trouble.as_deref().unwrap_or("-")),
            ],
            vec![table::text(&it.owner.as_ref().map_or("-".into(), ToString::to_string))],
        );
    }
    rows.text()
}

pub(super) fn links(links: &Page<LinkView>, look: &Look) -> String {
    let narrow = [
        Text("ADDRESS"),
        Text("PEER"),
        Text("STATE"),
        Text("SINCE"),
        Number("ROUND-TRIP"),
        Number("QUEUED"),
        Text("CERTIFICATE"),
        Text("TROUBLE"),
    ];
    let mut rows = Rows::new(look, &narrow, &[Text("SUBJECT"), Text("UID")]);
    for it in &links.items {
        let certificate = it.certificate.as_ref();
        let expires = certificate.map(|it| human::relative(look.now, it.expires_at));
        rows.add(
            vec![
                table::text(&it.address.to_string()),
                table::text(&name_of(it.peer.as_ref())),
                table::status(it.state),
                table::text(&human::age(look.now, it.since)),
                table::text(&it.round_trip_us.map_or("-".into(), round_trip)),
                table::bytes(it.queued_bytes),
                table::text(expires.as_deref().unwrap_or("-")),
                table::text(it.trouble.as_deref().unwrap_or("-")),
            ],
            vec![
                table::text(certificate.map_or("-", |it| &it.subject)),
                table::text(&it.peer.as_ref().map_or("-".into(), |it| it.uid.to_string())),
            ],
        );
    }
    rows.text()
}

/// `230µs`, `1.2ms`.
fn round_trip(us: u64) -> String {
    if us < 1_000 { format!("{us}µs") } else { format!("{}.{}ms", us / 1_000, us % 1_000 / 100) }
}

pub(super) fn explanation(it: &ExplanationView, look: &Look) -> String {
    let status = it.status.map_or("not a member".into(), |it| look.paint_status(it));
    let mut text = facts(&[("node", it.node.to_string()), ("status", status)]);
    for reason in &it.reasons {
        let code = look.paint(Tone::Quiet, &reason.code.to_string());
        text += &format!("\n{} {code}\n", human::plain(&reason.message));
        if let Some(hint) = &reason.hint {
            text += &format!("{} {}\n", look.paint(Tone::Good, "hint:"), human::plain(hint));
        }
    }
    text
}

/// What became of a member after a command.
pub(super) fn member_line(it: &MemberView, look: &Look) -> String {
    format!("{} {}\n", it.name, look.paint_status((it.status, it.unreachable)))
}

/// Where a lease is, and where it is to be.
pub(super) fn lease_line(it: &LeaseView, look: &Look) -> String {
    let owner = match &it.owner {
        Some(owner) if it.state == LeaseState::Held => format!(" by {}", owner.name),
        Some(_) | None => String::new(),
    };
    let pinned = match &it.pinned {
        Some(node) => format!("pinned to {node}"),
        None => "not pinned".to_owned(),
    };
    format!("{}: {}{owner}, epoch {}, {pinned}\n", it.name, look.paint_status(it.state), it.epoch)
}

#[cfg(test)]
mod tests;
