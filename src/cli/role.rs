//! `weir role`: sets of claims with a scope.

use std::collections::BTreeSet;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use weir_domain::{ClusterName, ProjectName, RoleName, Scope, UserClaim};
use weir_http_api::{Page, RoleChange, RoleCreate, RoleView};
use weir_http_client::{Client, List};

use super::args::Once;
use super::failure::Failure;
use super::human::plain;
use super::listing::Listing;
use super::look::Look;
use super::output::Output;
use super::table::{self, Column, Rows};
use super::user::{deleted, refused};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List roles
    #[command(visible_alias = "ls")]
    List {
        #[command(flatten)]
        listing: Listing,
    },
    /// Show one role with its claims
    Show { name: RoleName },
    /// Make a role
    Create {
        name: RoleName,
        #[arg(long, default_value = "", value_name = "TEXT")]
        description: String,
        #[command(flatten)]
        grants: GrantArgs,
        #[command(flatten)]
        once: Once,
    },
    /// Change a role, for all who have it, at once
    Set {
        name: RoleName,
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        #[command(flatten)]
        grants: GrantArgs,
        /// Only if the role has this revision
        #[arg(long, value_name = "N")]
        revision: Option<u64>,
        #[command(flatten)]
        once: Once,
    },
    /// Delete a role, and take it from all who have it
    Delete {
        name: RoleName,
        #[command(flatten)]
        once: Once,
    },
}

/// What is allowed, and where.
#[derive(Debug, Args)]
pub(crate) struct GrantArgs {
    /// A claim, as docs/rights.md lists them; may be repeated
    #[arg(long = "claim", value_name = "CLAIM", required = true)]
    claims: Vec<UserClaim>,
    /// Only for this project; may be repeated
    #[arg(long = "in", value_name = "PROJECT")]
    projects: Vec<ProjectName>,
    /// Only at this cluster, by the name that the server knows it by; may be repeated
    #[arg(long = "at", value_name = "CLUSTER", conflicts_with = "projects")]
    clusters: Vec<ClusterName>,
}

impl GrantArgs {
    pub(super) fn grants(self) -> (BTreeSet<UserClaim>, Scope) {
        let scope = match (self.projects.is_empty(), self.clusters.is_empty()) {
            (false, _) => Scope::Projects(self.projects.into_iter().collect()),
            (true, false) => Scope::Clusters(self.clusters.into_iter().collect()),
            (true, true) => Scope::Everything,
        };
        (self.claims.into_iter().collect(), scope)
    }
}

impl Verb {
    pub(crate) async fn run(self, client: &Client, out: &Output) -> Result<ExitCode, Failure> {
        match self {
            Self::List { listing } => {
                let refused = |it| refused("can't list roles", it);
                listing.show((client, out), List::roles(), refused, list).await?;
            }
            Self::Show { name } => {
                let role = client.role(name.as_str()).await;
                out.show(&role.map_err(|it| refused(format!("can't show {name}"), it))?, shown)?;
            }
            Self::Create { name, description, grants, once } => {
                let what = format!("can't make the role {name}");
                let (claims, scope) = grants.grants();
                let request = RoleCreate { name, description, claims, scope };
                let made = once.client(client).role_create(&request).await;
                out.show(&made.map_err(|it| refused(what, it))?, shown)?;
            }
            Self::Set { name, description, grants, revision, once } => {
                let what = format!("can't change the role {name}");
                if description.is_none() {
                    once.needs_revision(revision, &what, "its description")?;
                }
                let known = client.role(name.as_str()).await;
                let known = known.map_err(|it| refused(what.clone(), it))?;
                let (claims, scope) = grants.grants();
                let description = description.unwrap_or(known.description);
                let change = RoleChange { description, claims, scope };
                let revision = revision.unwrap_or(known.revision);
                let client = once.client(client);
                let changed = client.role_change(name.as_str(), &change, Some(revision)).await;
                out.show(&changed.map_err(|it| refused(what, it))?, shown)?;
            }
            Self::Delete { name, once } => {
                let gone = once.client(client).role_delete(name.as_str()).await;
                let gone = gone.map_err(|it| refused(format!("can't delete {name}"), it))?;
                out.show(&gone, |it, _| deleted(name.as_str(), it.is_some()))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

pub(super) fn scope(scope: &Scope) -> String {
    match scope {
        Scope::Everything => "everything".to_owned(),
        Scope::Projects(them) => {
            let them: Vec<_> = them.iter().map(ProjectName::as_str).collect();
            them.join(",")
        }
        Scope::Clusters(them) => {
            let them: Vec<_> = them.iter().map(|it| format!("at {it}")).collect();
            them.join(",")
        }
    }
}

pub(super) fn claims(claims: &BTreeSet<UserClaim>) -> String {
    match claims.len() == UserClaim::ALL.len() {
        true => "all".to_owned(),
        false => claims.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(","),
    }
}

fn list(page: &Page<RoleView>, look: &Look) -> String {
    use Column::{Number, Text};
    let narrow = [Text("ROLE"), Number("CLAIMS"), Text("SCOPE"), Text("DESCRIPTION")];
    let mut rows = Rows::new(look, &narrow, &[]);
    for it in &page.items {
        rows.add(
            vec![
                table::text(it.name.as_str()),
                table::count(it.claims.len() as u64),
                table::text(&scope(&it.scope)),
                table::text(&it.description),
            ],
            vec![],
        );
    }
    rows.text()
}

fn shown(it: &RoleView, _: &Look) -> String {
    let revision = if it.revision == 0 { "built in".to_owned() } else { it.revision.to_string() };
    table::facts(&[
        ("role", it.name.to_string()),
        ("description", plain(&it.description).to_string()),
        ("claims", claims(&it.claims)),
        ("scope", scope(&it.scope)),
        ("revision", revision),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples::LOOK;

    #[test]
    fn roles_are_listed_and_shown() {
        let (name, project) = ("deployer".parse(), "flights".parse().expect("a name"));
        let role = RoleView {
            name: name.expect("a name"),
            description: "Deploys flights".into(),
            claims: [UserClaim::DeploymentRead, UserClaim::DeploymentWrite].into(),
            scope: Scope::Projects([project].into()),
            revision: 2,
        };
        assert_eq!(
            list(&Page::whole([role.clone()]), &LOOK),
            "\
ROLE      CLAIMS  SCOPE    DESCRIPTION
deployer       2  flights  Deploys flights
"
        );
        assert_eq!(
            shown(&role, &LOOK),
            "\
role:         deployer
description:  Deploys flights
claims:       deployment:read,deployment:write
scope:        flights
revision:     2
"
        );
    }
}
