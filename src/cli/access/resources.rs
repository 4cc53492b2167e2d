//! `weir access resources` and `weir access revoke`: what is held exclusively.

use clap::Args;
use weir_domain::{GroupName, ResourceName};
use weir_http_api::{Page, ResourceGroupView, ResourcesRevoke, ResourcesRevoked};
use weir_http_client::Client;

use super::refused;
use crate::cli::args::{Once, TokenArgs};
use crate::cli::exit::{Exit, Reason};
use crate::cli::failure::Failure;
use crate::cli::human;
use crate::cli::look::{Look, Status, Tone};
use crate::cli::output::Output;
use crate::cli::table::{self, Column, Rows};
use crate::cli::watch::watched;

#[derive(Debug, Args)]
pub(crate) struct Resources {
    /// Only resources of this group
    group: Option<GroupName>,
    /// Go on showing what changes, until Ctrl-C
    #[arg(short, long)]
    watch: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// The group that the resources belong to
    group: GroupName,
    /// The resources, as `weir access resources` names them
    #[arg(value_name = "RESOURCE", required_unless_present = "all")]
    resources: Vec<ResourceName>,
    /// All resources of the group
    #[arg(long, conflicts_with = "resources")]
    all: bool,
    /// Only say how many are held
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    once: Once,
    #[command(flatten)]
    token: TokenArgs,
}

impl Resources {
    pub(super) async fn run(self, client: &Client, out: &Output) -> Result<(), Failure> {
        watched(self.watch, out, async || self.ask(client).await, list).await
    }

    async fn ask(&self, client: &Client) -> Result<Page<ResourceGroupView>, Failure> {
        let page = client.resources().await;
        let mut page = page.map_err(|error| refused("can't list resources", error))?;
        if let Some(wanted) = &self.group {
            page.items.retain(|it| it.group == *wanted);
            if page.items.is_empty() {
                let what = format!("can't list resources of {wanted}");
                let failure = Failure::new(Reason::Unknown, what, "there is no such group");
                return Err(failure.with_hint("weir access resources"));
            }
        }
        Ok(page)
    }
}

impl Revoke {
    pub(super) async fn run(self, client: &Client, out: &Output) -> Result<(), Failure> {
        let Self { group, resources, all, dry_run, once, token } = self;
        let resources = (!all).then_some(resources);
        let command = ResourcesRevoke { group, resources, dry_run };
        let client = once.client(&token.client(client)?);
        let revoked = client.resources_revoke(&command).await;
        let revoked = revoked.map_err(|error| {
            let failure = refused("can't revoke resources", error);
            match failure.exit {
                Exit::NotFound => failure.with_hint("weir access resources"),
                _ => failure,
            }
        })?;
        out.show(&revoked, done)
    }
}

fn list(groups: &Page<ResourceGroupView>, look: &Look) -> String {
    use Column::Text;
    let narrow = [Text("GROUP"), Text("RESOURCE"), Text("STATE"), Text("HOLDER"), Text("SINCE")];
    let mut rows = Rows::new(look, &narrow, &[Text("LEASE"), Text("RESERVATION")]);
    let known = |it: Option<String>| it.unwrap_or_else(|| "-".to_owned());
    for group in &groups.items {
        for it in &group.resources {
            let state = match (&it.owner, it.retired) {
                (None, _) => Status::new(Tone::Quiet, '○', "free"),
                (Some(_), false) => Status::new(Tone::Good, '●', "held"),
                (Some(_), true) => Status::new(Tone::Warn, '◐', "retired"),
            };
            let holder = it.owner.as_deref().map(|it| it.split('#').next().unwrap_or(it));
            rows.add(
                vec![
                    table::text(group.group.as_str()),
                    table::text(it.name.as_str()),
                    table::status(state),
                    table::text(holder.unwrap_or("-")),
                    table::text(&human::age_of(look.now, it.since)),
                ],
                vec![
                    table::text(&known(it.lease.map(|it| it.to_string()))),
                    table::text(&known(it.reservation.map(|it| it.to_string()))),
                ],
            );
        }
        for it in &group.waiting {
            let wanted = it.wanted.as_ref().map_or("any", |it| it.as_str());
            rows.add(
                vec![
                    table::text(group.group.as_str()),
                    table::text(wanted),
                    table::status(Status::new(Tone::Warn, '◇', "awaited")),
                    table::text(it.owner.split('#').next().unwrap_or(&it.owner)),
                    table::text(&human::age(look.now, it.since)),
                ],
                vec![table::text("-"), table::text("-")],
            );
        }
    }
    rows.text()
}

fn done(revoked: &ResourcesRevoked, _: &Look) -> String {
    let count = usize::try_from(revoked.count).unwrap_or(usize::MAX);
    let (resources, group) = (human::plural(count, "resource"), &revoked.group);
    match revoked.dry_run {
        true => format!("{resources} of {group} would be revoked\n"),
        false => format!("{resources} of {group} revoked\n"),
    }
}

#[cfg(test)]
mod tests {
    use weir_http_api::{ResourceView, ResourceWaiterView};

    use super::*;
    use crate::cli::samples::{self, LOOK};

    #[test]
    fn a_list_of_resources() {
        let resource = |name: &str, owner: Option<&str>| ResourceView {
            name: name.parse().expect("a name"),
            reservation: None,
            owner: owner.map(str::to_owned),
            since: owner.map(|_| samples::item().claimed_at),
            lease: None,
            expires_at: None,
            retired: false,
        };
        let waiter = ResourceWaiterView {
            owner: "node-2#b".into(),
            wanted: None,
            since: samples::item().claimed_at,
        };
        let group = ResourceGroupView {
            group: "kafka-orders".parse().expect("a name"),
            resources: vec![resource("0", None), resource("1", Some("node-1#a"))],
            waiting: vec![waiter],
        };
        assert_eq!(
            list(&Page::whole([group]), &LOOK),
            "\
GROUP         RESOURCE  STATE      HOLDER  SINCE
kafka-orders  0         ○ free     -       -
kafka-orders  1         ● held     node-1  1m
kafka-orders  any       ◇ awaited  node-2  1m
"
        );
    }

    #[test]
    fn a_revocation_says_what_it_did_or_would_do() {
        let group: GroupName = "g".parse().expect("a name");
        let revoked = ResourcesRevoked { group, count: 1, dry_run: true };
        assert_eq!(done(&revoked, &LOOK), "1 resource of g would be revoked\n");
        let all = ResourcesRevoked { count: 10, dry_run: false, ..revoked };
        assert_eq!(done(&all, &LOOK), "10 resources of g revoked\n");
    }
}
