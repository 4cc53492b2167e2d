//! `weir fleet`: the clusters that a configuration server knows. `weir cluster` is about the members of one.

use std::process::ExitCode;

use clap::Subcommand;
use weir_domain::{ClusterId, ClusterName};
use weir_http_api::{FleetAdd, FleetClusterView, FleetSet, IssuerView, Page};
use weir_http_client::{Client, List};

use super::args::Once;
use super::exit::Exit;
use super::failure::Failure;
use super::human::age;
use super::listing::Listing;
use super::look::Look;
use super::output::Output;
use super::table::{self, Column, Rows};
use super::user::refused;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List the clusters, and how each was found last
    #[command(visible_alias = "ls")]
    List {
        #[command(flatten)]
        listing: Listing,
    },
    /// Show one cluster
    Show { name: ClusterName },
    /// Add a cluster
    Add {
        name: ClusterName,
        /// Its engines, as http://node-1:5842, in the order in which they are tried
        #[arg(required = true, value_name = "URL")]
        urls: Vec<String>,
        #[arg(long, default_value = "", value_name = "TEXT")]
        note: String,
        /// Which cluster is to answer there, as `weir version --remote` says at one of its engines; without
        /// it, the first one that answers is believed
        #[arg(long, value_name = "ID")]
        id: Option<ClusterId>,
        #[command(flatten)]
        once: Once,
    },
    /// Change where a cluster is reached, or what is said of it
    Set {
        name: ClusterName,
        /// Its engines; without any they stay
        #[arg(value_name = "URL")]
        urls: Vec<String>,
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
        /// The revision that was read: another one is refused
        #[arg(long, value_name = "NUMBER")]
        revision: Option<u64>,
        #[command(flatten)]
        once: Once,
    },
    /// Remove a cluster from the list; what it runs goes on
    Remove {
        name: ClusterName,
        #[command(flatten)]
        once: Once,
    },
    /// Look at a cluster now; exit code 8 if it does not answer
    Probe { name: ClusterName },
    /// Print what clusters must trust so that users of this server are let in there
    Issuer,
}

impl Verb {
    pub(crate) async fn run(self, client: &Client, out: &Output) -> Result<ExitCode, Failure> {
        match self {
            Self::List { listing } => {
                let refused = |it| refused("can't list clusters", it);
                listing.show((client, out), List::clusters(), refused, list).await?;
            }
            Self::Show { name } => {
                let shown_one = client.fleet_cluster(name.as_str()).await;
                out.show(
                    &shown_one.map_err(|it| refused(format!("can't show {name}"), it))?,
                    shown,
                )?;
            }
            Self::Add { name, urls, note, id, once } => {
                let what = format!("can't add {name}");
                let add = FleetAdd { name, urls, note, id };
                let added = once.client(client).fleet_add(&add).await;
                let added = added.map_err(|it| refused(what, it))?;
                out.show(&added, shown)?;
                if let Some(met) = added.id.filter(|_| id.is_none()) {
                    out.note(&format!(
                        "{met} answered and is believed from now on: compare it with what `weir version --remote` \
                         says at one of its engines, or name it with --id"
                    ));
                }
            }
            Self::Set { name, urls, note, revision, once } => {
                let what = format!("can't change {name}");
                if urls.is_empty() || note.is_none() {
                    once.needs_revision(revision, &what, "its addresses and note")?;
                }
                let known = client.fleet_cluster(name.as_str()).await;
                let known = known.map_err(|it| refused(what.clone(), it))?;
                let revision = revision.or(known.entry.map(|it| it.revision));
                let change = FleetSet {
                    urls: if urls.is_empty() { known.urls } else { urls },
                    note: note.unwrap_or(known.note),
                };
                let client = once.client(client);
                let set = client.fleet_set(name.as_str(), &change, revision).await;
                out.show(&set.map_err(|it| refused(what, it))?, shown)?;
            }
            Self::Remove { name, once } => {
                let removed = once.client(client).fleet_remove(name.as_str()).await;
                removed.map_err(|it| refused(format!("can't remove {name}"), it))?;
                out.note(&format!("{name} removed"));
            }
            Self::Probe { name } => {
                let found = client.fleet_probe(name.as_str()).await;
                let found = found.map_err(|it| refused(format!("can't look at {name}"), it))?;
                let is_there = found.standing.as_ref().is_some_and(|it| it.reachable);
                out.show(&found, shown)?;
                if !is_there {
                    return Ok(Exit::Unreachable.into());
                }
            }
            Self::Issuer => {
                let issuer = client.issuer().await;
                let issuer = issuer.map_err(|it| refused("can't show the issuer", it))?;
                out.show(&issuer, |it: &IssuerView, _| lines(it))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// As the configuration of an engine has them.
fn lines(it: &IssuerView) -> String {
    let signers = match &it.signer {
        Some(signer) => format!("weir.packages.trusted-signers = [\"{signer}\"]"),
        None => "# the server can't read the key of its packages: its log says why".to_owned(),
    };
    format!("weir.rest-server.trusted-servers = [{}]\n{signers}\n", it.setting)
}

fn state(it: &FleetClusterView) -> &'static str {
    match &it.standing {
        None => "not looked at",
        Some(found) if !found.reachable => "unreachable",
        Some(found) if found.cause.is_some() => "not usable",
        Some(found) if found.trusts == Some(false) => "does not trust",
        Some(_) => "up",
    }
}

fn nodes(it: &FleetClusterView) -> String {
    let counts = it.standing.as_ref().and_then(|it| it.nodes_up.zip(it.nodes));
    counts.map_or_else(|| "-".to_owned(), |(up, all)| format!("{up}/{all}"))
}

fn list(page: &Page<FleetClusterView>, look: &Look) -> String {
    use Column::Text;
    let mut rows = Rows::new(
        look,
        &[Text("CLUSTER"), Text("STATE"), Text("SINCE"), Text("NODES"), Text("VERSION")],
        &[Text("URLS"), Text("NOTE")],
    );
    for it in &page.items {
        let found = it.standing.as_ref();
        let name = if it.is_default { format!("{} *", it.name) } else { it.name.to_string() };
        rows.add(
            vec![
                table::text(&name),
                table::text(state(it)),
                table::text(&found.map_or("-".into(), |found| age(look.now, found.since))),
                table::text(&nodes(it)),
                table::text(found.and_then(|it| it.version.as_deref()).unwrap_or("-")),
            ],
            vec![table::text(&it.urls.join(" ")), table::text(&it.note)],
        );
    }
    rows.text()
}

fn shown(it: &FleetClusterView, look: &Look) -> String {
    let found = it.standing.as_ref();
    let mut lines = vec![
        ("cluster", it.name.to_string()),
        ("state", state(it).to_owned()),
        ("engines", it.urls.join(" ")),
    ];
    let mut add = |name, text: Option<String>| lines.extend(text.map(|it| (name, it)));
    add("cause", found.and_then(|it| it.cause.clone()));
    add("since", found.map(|it| age(look.now, it.since)));
    add("nodes", found.and_then(|it| it.nodes).map(|_| nodes(it)));
    add("version", found.and_then(|it| it.version.clone()));
    add("answered in", found.and_then(|it| it.answered_in_ms).map(|it| format!("{it} ms")));
    add("id", it.id.map(|it| it.to_string()));
    add("revision", it.entry.as_ref().map(|it| it.revision.to_string()));
    add("note", Some(it.note.clone()).filter(|it| !it.is_empty()));
    lines.iter().map(|(name, text)| format!("{name:<12} {}\n", super::human::plain(text))).collect()
}

#[cfg(test)]
mod tests {
    use weir_http_api::FleetStandingView;

    use super::*;
    use crate::cli::samples::{LOOK, ago};

    #[test]
    fn a_cluster_that_is_away_is_shown_with_the_cause() {
        let standing = FleetStandingView {
            reachable: false,
            since: ago(60),
            checked_at: ago(1),
            cause: Some("the engine at http://h:1 does not answer, nor does any other of its cluster: connection refused".into()),
            engine: None,
            answered_in_ms: None,
            version: None,
            nodes_up: None,
            nodes: None,
            trusts: None,
        };
        let cluster = FleetClusterView {
            name: "east".parse().expect("a name"),
            urls: vec!["http://h:1".into()],
            note: String::new(),
            is_default: false,
            entry: None,
            id: None,
            standing: Some(standing),
        };
        let page = Page::whole([cluster.clone()]);
        assert_eq!(
            list(&page, &LOOK),
            "CLUSTER  STATE        SINCE  NODES  VERSION\neast     unreachable  1m     -      -\n"
        );
        assert!(shown(&cluster, &LOOK).contains("cause        the engine at http://h:1 does not"));
    }
}
