//! `weir node`: the engines of the cluster.

use std::process::ExitCode;
use std::time::Duration;

use clap::Subcommand;
use weir_domain::{CERTIFICATE_EARLY, NodeName, NodeStatus, Timestamp};
use weir_http_api::{DrainMove, DrainView, NodeView, Page};
use weir_http_client::Client;

use super::args::Once;
use super::failure::Failure;
use super::human;
use super::look::{Look, Status, Tone};
use super::output::Output;
use super::scheduler::{refused, warnings};
use super::table::{self, Column, Rows, facts};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List the engines of the cluster
    #[command(visible_alias = "ls")]
    List,
    /// Show one engine
    Show { name: NodeName },
    /// Empty an engine: what it runs starts elsewhere, and it gets nothing until it is undrained
    Drain {
        name: NodeName,
        /// Only show what becomes of each instance, and why
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        once: Once,
    },
    /// Let a drained engine be given instances again
    Undrain {
        name: NodeName,
        /// Only show what becomes of each instance, and why
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        once: Once,
    },
}

impl Verb {
    pub(crate) async fn run(self, client: &Client, out: &Output) -> Result<ExitCode, Failure> {
        match self {
            Self::List => {
                let refuse = |error| Failure::of_client("can't list nodes", error);
                out.show(&client.nodes().await.map_err(refuse)?, list)?;
            }
            Self::Show { name } => {
                let refuse =
                    |error| Failure::of_client(format!("can't show node \"{name}\""), error);
                out.show(&client.node(name.as_str()).await.map_err(refuse)?, show)?;
            }
            Self::Drain { name, dry_run, once } => {
                let what = format!("can't drain node \"{name}\"");
                let refuse = |error| refused(what, error);
                if dry_run {
                    let planned = client.node_drain_plan(name.as_str(), false).await;
                    out.show(&planned.map_err(refuse)?, plan)?;
                } else {
                    let drained = once.client(client).node_drain(name.as_str()).await;
                    out.show(&drained.map_err(refuse)?, drained_line)?;
                }
            }
            Self::Undrain { name, dry_run, once } => {
                let what = format!("can't undrain node \"{name}\"");
                let refuse = |error| refused(what, error);
                if dry_run {
                    let planned = client.node_drain_plan(name.as_str(), true).await;
                    out.show(&planned.map_err(refuse)?, plan)?;
                } else {
                    let undrained = once.client(client).node_undrain(name.as_str()).await;
                    out.show(&undrained.map_err(refuse)?, drained_line)?;
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn drained_line(it: &DrainView, look: &Look) -> String {
    let state = it.reach.map_or("no member now".to_owned(), |it| look.paint_status(it));
    let drained = if it.drained { "until it is undrained" } else { "no" };
    let left = human::plural(it.instances as usize, "instance");
    facts(&[
        ("node", it.node.to_string()),
        ("state", state),
        ("drained", drained.to_owned()),
        ("has", left),
    ]) + &warnings(&it.warnings, look)
}

/// What becomes of each instance that does not stay.
fn plan(it: &DrainView, look: &Look) -> String {
    use Column::{Number, Text};
    let moves = it.moves.as_deref().unwrap_or_default();
    let narrow = [Text("WORKFLOW"), Number("NUMBER"), Text("FROM"), Text("TO"), Text("WHY")];
    let mut rows = Rows::new(look, &narrow, &[Number("BECOMES")]);
    for DrainMove { workflow, number, from, to, becomes, why } in moves {
        let to = match to {
            Some(to) => table::text(to.as_str()),
            None => table::status(Status::new(Tone::Bad, '✗', "nowhere")),
        };
        rows.add(
            vec![
                table::text(workflow.as_str()),
                table::count(number.0),
                table::text(from.as_ref().map_or("-", |it| it.as_str())),
                to,
                table::text(why),
            ],
            vec![table::text(&becomes.map_or("-".to_owned(), |it| it.to_string()))],
        );
    }
    let moves = match moves {
        [] => "nothing starts and nothing stops\n".to_owned(),
        _ => rows.text(),
    };
    let revision = it.revision.map_or("-".to_owned(), |it| it.to_string());
    moves + "\n" + &facts(&[("revision", revision)]) + &warnings(&it.warnings, look)
}

fn list(nodes: &Page<NodeView>, look: &Look) -> String {
    use Column::{Number, Text};
    let narrow = [
        Text("NAME"),
        Text("STATUS"),
        Number("WORKFLOWS"),
        Number("OPEN"),
        Number("MEMORY"),
        Number("LINKS"),
        Text("VERSION"),
        Text("UPTIME"),
    ];
    let wide = [
        Text("ADDRESS"),
        Text("REST"),
        Text("ROLES"),
        Number("CPUS"),
        Text("SYSTEM"),
        Number("TASKS"),
        Text("CERTIFICATE"),
        Text("LEASES"),
        Text("UID"),
    ];
    let mut rows = Rows::new(look, &narrow, &wide);
    for it in &nodes.items {
        rows.add(
            vec![
                table::text(it.name.as_str()),
                table::status(status(it)),
                table::count(it.workflow_instances),
                table::count(it.open_streams),
                table::bytes(it.memory_bytes),
                table::count(it.links),
                table::text(&it.version),
                table::text(&uptime(it)),
            ],
            vec![
                table::text(&it.address),
                table::text(&it.rest),
                table::text(&listed(&it.roles)),
                table::count(it.processors),
                table::text(&system(it)),
                table::count(it.tasks),
                table::text(&certificate(it, look)),
                table::text(&listed(&it.leases)),
                table::text(&it.uid.to_string()),
            ],
        );
    }
    rows.text()
}

fn show(it: &NodeView, look: &Look) -> String {
    facts(&[
        ("name", it.name.to_string()),
        ("status", look.paint_status(status(it))),
        ("address", human::plain(&it.address)),
        ("rest", human::plain(&it.rest)),
        ("roles", listed(&it.roles)),
        ("leases", listed(&it.leases)),
        ("version", human::plain(&it.version)),
        ("started", it.started_at.to_string()),
        ("uptime", uptime(it)),
        ("system", format!("{}, {}", system(it), human::plural(it.processors as usize, "CPU"))),
        ("memory", human::bytes(it.memory_bytes)),
        ("tasks", it.tasks.to_string()),
        ("links", it.links.to_string()),
        ("certificate", certificate(it, look)),
        ("workflows", human::plural(it.workflow_instances as usize, "instance")),
        ("streams", format!("{} open", it.open_streams)),
        ("uid", it.uid.to_string()),
    ])
}

/// One that is up and drained runs nothing: that is what an operator has to see first.
fn status(it: &NodeView) -> Status {
    match (it.status, it.unreachable, it.drained) {
        (NodeStatus::Up, false, Some(true)) => Status::new(Tone::Warn, '◐', "up, drained"),
        (NodeStatus::Up, true, Some(true)) => {
            Status::new(Tone::Bad, '!', "up, drained, unreachable")
        }
        (status, unreachable, _) => (status, unreachable).into(),
    }
}

/// In its largest unit, by the node's own clock.
fn uptime(it: &NodeView) -> String {
    human::age(Timestamp(i64::try_from(it.uptime_ms).unwrap_or(i64::MAX)), Timestamp(0))
}

fn certificate(it: &NodeView, look: &Look) -> String {
    let Some(at) = it.certificate_expires_at else { return "-".into() };
    let when = human::relative(look.now, at);
    match at.since(look.now) {
        Duration::ZERO => format!("✗ expired {when}"),
        left if left < CERTIFICATE_EARLY => format!("! expires {when}"),
        _ => format!("expires {when}"),
    }
}

fn listed(words: &[String]) -> String {
    if words.is_empty() { "-".into() } else { human::plain(&words.join(", ")) }
}

fn system(it: &NodeView) -> String {
    human::plain(&format!("{} {}", it.os, it.architecture))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples::{self, LOOK, WIDE};

    #[test]
    fn a_list_of_nodes() {
        let lost =
            NodeView { name: "two".parse().expect("a name"), unreachable: true, ..samples::node() };
        let drained = NodeView {
            name: "tri".parse().expect("a name"),
            drained: Some(true),
            ..samples::node()
        };
        let page = Page::whole([samples::node(), drained, lost]);
        assert_eq!(
            list(&page, &LOOK),
            "\
NAME  STATUS             WORKFLOWS  OPEN    MEMORY  LINKS  VERSION  UPTIME
one   ✓ up                       2     1  50.0 MiB      2  0.1.0    2h
tri   ◐ up, drained              2     1  50.0 MiB      2  0.1.0    2h
two   ! up, unreachable          2     1  50.0 MiB      2  0.1.0    2h
"
        );
        let wide = list(&page, &WIDE);
        let last = wide.lines().last().expect("a line");
        assert!(
            last.contains(
                "weir://dev@127.0.0.1:5843  http://127.0.0.1:5842  ingest, backup     2  linux x86_64     17  \
                 expires in 30d  access-coordinator  "
            ),
            "{wide}"
        );
    }

    #[test]
    fn one_node() {
        assert_eq!(
            show(&samples::node(), &LOOK),
            "\
name:         one
status:       ✓ up
address:      weir://dev@127.0.0.1:5843
rest:         http://127.0.0.1:5842
roles:        ingest, backup
leases:       access-coordinator
version:      0.1.0
started:      2023-11-14T20:11:40.000Z
uptime:       2h
system:       linux x86_64, 2 CPUs
memory:       50.0 MiB
tasks:        17
links:        2
certificate:  expires in 30d
workflows:    2 instances
streams:      1 open
uid:          0197a8b0-0000-7000-8000-000000000001
"
        );
    }

    #[test]
    fn a_drained_node() {
        let drained = DrainView {
            node: "one".parse().expect("a name"),
            drained: true,
            reach: Some(weir_domain::schedule::Reach::Draining),
            instances: 0,
            warnings: vec!["workflow w misses 1 instances of its target".into()],
            dry_run: false,
            revision: None,
            moves: None,
        };
        assert_eq!(
            drained_line(&drained, &LOOK),
            "\
node:     one
state:    ◐ draining
drained:  until it is undrained
has:      0 instances

! workflow w misses 1 instances of its target
"
        );
    }

    #[test]
    fn the_plan_of_a_drain() {
        let moved = |number: u64, to: Option<&str>, why: &str| DrainMove {
            workflow: "w".parse().expect("a name"),
            number: weir_domain::schedule::InstanceNumber(number),
            from: Some("one".parse().expect("a name")),
            to: to.map(|it| it.parse().expect("a name")),
            becomes: to.map(|_| weir_domain::schedule::InstanceNumber(number + 4)),
            why: why.into(),
        };
        let planned = DrainView {
            node: "one".parse().expect("a name"),
            drained: true,
            reach: Some(weir_domain::schedule::Reach::Draining),
            instances: 0,
            warnings: vec!["workflow w misses 1 instances of its target".into()],
            dry_run: true,
            revision: Some(7),
            moves: Some(vec![
                moved(1, Some("two"), "it had the least load, 0"),
                moved(2, None, "on 1 node the rule for default allows no more there"),
            ]),
        };
        assert_eq!(
            plan(&planned, &LOOK),
            "\
WORKFLOW  NUMBER  FROM  TO         WHY
w              1  one   two        it had the least load, 0
w              2  one   ✗ nowhere  on 1 node the rule for default allows no more there

revision:  7

! workflow w misses 1 instances of its target
"
        );
        let idle = DrainView { moves: Some(vec![]), warnings: vec![], ..planned };
        assert_eq!(plan(&idle, &LOOK), "nothing starts and nothing stops\n\nrevision:  7\n");
    }

    #[test]
    fn a_certificate_that_expired_says_so() {
        let at = |days: i64| NodeView {
            certificate_expires_at: Some(samples::ago(-days * 86_400)),
            ..samples::node()
        };
        assert_eq!(certificate(&at(-3), &LOOK), "✗ expired 3d ago");
        assert_eq!(certificate(&at(29), &LOOK), "! expires in 29d");
        assert_eq!(certificate(&NodeView { certificate_expires_at: None, ..at(1) }, &LOOK), "-");
    }
}
