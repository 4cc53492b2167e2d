//! Rules: which deployment a node runs, or all nodes that have a role.

use weir_domain::{DeploymentTag, NodeName};
use weir_http_api::{AssignmentsView, ChangeView, RoleAssignment, RoleAssignments, TagRef};
use weir_http_client::Client;

use super::change::{self, ChangeArgs};
use super::refused;
use crate::cli::args::Wait;
use crate::cli::exit::{Exit, Reason};
use crate::cli::failure::Failure;
use crate::cli::look::Look;
use crate::cli::output::Output;
use crate::cli::table::{self, Column, Rows};

use Column::Text;

/// Whose rule it is.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Whose {
    /// This node
    #[arg(long, value_name = "NODE")]
    node: Option<NodeName>,
    /// All nodes that have this role
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Assign {
    tag: DeploymentTag,
    #[command(flatten)]
    whose: Whose,
    /// Try the rule of the role before that of this role; without it a new rule is tried last
    #[arg(long, value_name = "ROLE", requires = "role")]
    before: Option<String>,
    #[command(flatten)]
    change: ChangeArgs,
    #[command(flatten)]
    wait: Wait,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Unassign {
    #[command(flatten)]
    whose: Whose,
    #[command(flatten)]
    change: ChangeArgs,
    #[command(flatten)]
    wait: Wait,
}

impl Assign {
    pub(super) async fn run(self, client: &Client, out: &Output) -> Result<(), Failure> {
        let Self { tag, whose: Whose { node, role }, before, change, wait } = self;
        let what = format!("can't assign \"{tag}\"");
        let done = match (node, role) {
            (Some(node), _) => {
                let (tag, options) = (TagRef { tag }, change.options());
                let done = change.client(client).assign_node(node.as_str(), &tag, &options).await;
                done.map_err(|it| refused(what, it))?
            }
            (None, role) => {
                let rule = RoleAssignment { role: role.unwrap_or_default(), tag };
                let edit = |rules| ruled(rules, rule, before.as_deref());
                set_roles(client, &change, what, edit).await?
            }
        };
        change::finish(client, out, done, wait).await
    }
}

impl Unassign {
    pub(super) async fn run(self, client: &Client, out: &Output) -> Result<(), Failure> {
        let Self { whose: Whose { node, role }, change, wait } = self;
        let done = match (node, role) {
            (Some(node), _) => {
                let what = format!("can't take the rule of node \"{node}\" away");
                let done =
                    change.client(client).unassign_node(node.as_str(), &change.options()).await;
                done.map_err(|it| {
                    let failure = refused(what, it);
                    match failure.exit {
                        Exit::NotFound => failure.with_hint("weir deployment assignments"),
                        _ => failure,
                    }
                })?
            }
            (None, role) => {
                let role = role.unwrap_or_default();
                let what = format!("can't take the rule of role {role:?} away");
                let edit = |rules| without(rules, &role);
                set_roles(client, &change, what, edit).await?
            }
        };
        change::finish(client, out, done, wait).await
    }
}

/// Changes the list as it is now: if somebody else changes it meanwhile, it is refused.
async fn set_roles(
    client: &Client,
    change: &ChangeArgs,
    what: String,
    edit: impl FnOnce(Vec<RoleAssignment>) -> Result<Vec<RoleAssignment>, String>,
) -> Result<ChangeView, Failure> {
    let rules = client.assignments().await.map_err(|it| refused(what.clone(), it))?;
    let roles = edit(rules.roles).map_err(|why| {
        let failure = Failure::new(Reason::Unknown, what.clone(), why);
        failure.with_hint("weir deployment assignments")
    })?;
    let (roles, options) = (RoleAssignments { roles }, change.options_at(rules.revision));
    change.client(client).assign_roles(&roles, &options).await.map_err(|it| refused(what, it))
}

/// A rule that is there keeps its place, unless another one is wanted.
fn ruled(
    mut rules: Vec<RoleAssignment>,
    rule: RoleAssignment,
    before: Option<&str>,
) -> Result<Vec<RoleAssignment>, String> {
    let known = rules.iter().position(|it| it.role == rule.role);
    let at = match (before, known) {
        (Some(before), _) if before == rule.role => {
            return Err(format!("{before:?} is the role itself"));
        }
        (Some(before), known) => {
            known.map(|it| rules.remove(it));
            let found = rules.iter().position(|it| it.role == before);
            found.ok_or_else(|| format!("there is no rule for role {before:?}"))?
        }
        (None, Some(known)) => {
            rules.remove(known);
            known
        }
        (None, None) => rules.len(),
    };
    rules.insert(at, rule);
    Ok(rules)
}

fn without(mut rules: Vec<RoleAssignment>, role: &str) -> Result<Vec<RoleAssignment>, String> {
    match rules.iter().position(|it| it.role == role) {
        Some(at) => {
            rules.remove(at);
            Ok(rules)
        }
        None => Err(format!("there is no rule for role {role:?}")),
    }
}

pub(super) fn rules(it: &AssignmentsView, look: &Look) -> String {
    let mut rows = Rows::new(look, &[Text("ORDER"), Text("RULE"), Text("DEPLOYMENT")], &[]);
    let mut add = |order: &str, rule: &str, tag: &DeploymentTag| {
        let cells = vec![table::text(order), table::text(rule), table::text(tag.as_str())];
        rows.add(cells, vec![]);
    };
    for it in &it.nodes {
        add("first", &format!("node {}", it.node), &it.tag);
    }
    for (number, it) in (1..).zip(&it.roles) {
        add(&format!("role {number}"), &format!("nodes with role {}", it.role), &it.tag);
    }
    add("last", "all others: the default", &it.default);
    rows.text() + &format!("revision {}\n", it.revision)
}

#[cfg(test)]
mod tests {
    use weir_http_api::NodeAssignment;

    use super::*;
    use crate::cli::samples::LOOK;

    fn rule(text: &str) -> RoleAssignment {
        let (role, tag) = text.split_once('=').expect("role=tag");
        RoleAssignment { role: role.into(), tag: tag.parse().expect("a tag") }
    }

    fn rules_of(text: &str) -> Vec<RoleAssignment> {
        text.split_whitespace().map(rule).collect()
    }

    #[test]
    fn a_rule_keeps_its_place_comes_last_or_before_another() {
        let set = |new: &str, before| ruled(rules_of("a=1 b=1"), rule(new), before);
        assert_eq!(set("a=2", None), Ok(rules_of("a=2 b=1")));
        assert_eq!(set("c=2", None), Ok(rules_of("a=1 b=1 c=2")));
        assert_eq!(set("c=2", Some("b")), Ok(rules_of("a=1 c=2 b=1")));
        assert_eq!(set("b=2", Some("a")), Ok(rules_of("b=2 a=1")));
        assert!(set("b=2", Some("x")).is_err() && set("b=2", Some("b")).is_err());
        assert_eq!(without(rules_of("a=1 b=1"), "a"), Ok(rules_of("b=1")));
        assert!(without(rules_of("a=1"), "b").is_err());
    }

    #[test]
    fn rules_are_listed_in_the_order_in_which_they_are_tried() {
        let all = AssignmentsView {
            revision: 7,
            default: "flights-1".parse().expect("a tag"),
            roles: rules_of("edge=flights-2 core=other"),
            nodes: vec![NodeAssignment {
                node: "node-3".parse().expect("a name"),
                tag: "flights-3".parse().expect("a tag"),
            }],
        };
        assert_eq!(
            rules(&all, &LOOK),
            "\
ORDER   RULE                     DEPLOYMENT
first   node node-3              flights-3
role 1  nodes with role edge     flights-2
role 2  nodes with role core     other
last    all others: the default  flights-1
revision 7
"
        );
    }
}
