//! `weir node`: the engines of the cluster.

use std::process::ExitCode;

use clap::Subcommand;
use weir_http_api::{NodeView, Page};
use weir_http_client::Client;

use super::failure::Failure;
use super::human;
use super::look::Look;
use super::output::Output;
use super::table::{self, Column, Rows, facts};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List the engines of the cluster
    #[command(visible_alias = "ls")]
    List,
    /// Show one engine
    Show { name: String },
}

impl Verb {
    pub(crate) async fn run(self, client: &Client, out: &Output) -> Result<ExitCode, Failure> {
        match self {
            Self::List => {
                let refuse = |error| Failure::of_client("can't list nodes", error);
                out.show(&client.nodes().await.map_err(refuse)?, list)?;
            }
            Self::Show { name } => {
                let refuse = |error| Failure::of_client(format!("can't show node {name:?}"), error);
                out.show(&client.node(&name).await.map_err(refuse)?, show)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn list(nodes: &Page<NodeView>, look: &Look) -> String {
    use Column::{Number, Text};
    let narrow = [
        Text("NAME"),
        Text("STATUS"),
        Number("WORKFLOWS"),
        Number("OPEN"),
        Number("MEMORY"),
        Text("VERSION"),
        Text("AGE"),
    ];
    let wide = [Text("ADDRESS"), Text("ROLES"), Number("CPUS"), Text("SYSTEM"), Text("UID")];
    let mut rows = Rows::new(look, &narrow, &wide);
    for it in &nodes.items {
        rows.add(
            vec![
                table::text(it.name.as_str()),
                table::status(it.status),
                table::count(it.workflow_instances),
                table::count(it.open_streams),
                table::bytes(it.memory_bytes),
                table::text(&it.version),
                table::text(&human::age(look.now, it.started_at)),
            ],
            vec![
                table::text(&it.address),
                table::text(&roles(it)),
                table::count(it.processors),
                table::text(&system(it)),
                table::text(&it.uid.to_string()),
            ],
        );
    }
    rows.text()
}

fn show(it: &NodeView, look: &Look) -> String {
    let started = format!("{} ({} ago)", it.started_at, human::age(look.now, it.started_at));
    facts(&[
        ("name", it.name.to_string()),
        ("status", look.paint_status(it.status)),
        ("address", human::plain(&it.address)),
        ("roles", roles(it)),
        ("version", human::plain(&it.version)),
        ("started", started),
        ("system", format!("{}, {}", system(it), human::plural(it.processors as usize, "CPU"))),
        ("memory", human::bytes(it.memory_bytes)),
        ("workflows", human::plural(it.workflow_instances as usize, "instance")),
        ("streams", format!("{} open", it.open_streams)),
        ("uid", it.uid.to_string()),
    ])
}

fn roles(it: &NodeView) -> String {
    if it.roles.is_empty() { "-".into() } else { human::plain(&it.roles.join(", ")) }
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
        let page = Page::whole([samples::node()]);
        assert_eq!(
            list(&page, &LOOK),
            "\
NAME  STATUS  WORKFLOWS  OPEN    MEMORY  VERSION  AGE
one   ✓ up            2     1  50.0 MiB  0.1.0    2h
"
        );
        let wide = list(&page, &WIDE);
        let last = wide.lines().last().expect("a line");
        assert!(
            last.contains("weir://dev@127.0.0.1:5843  ingest, backup     2  linux x86_64"),
            "{wide}"
        );
    }

    #[test]
    fn one_node() {
        assert_eq!(
            show(&samples::node(), &LOOK),
            "\
name:       one
status:     ✓ up
address:    weir://dev@127.0.0.1:5843
roles:      ingest, backup
version:    0.1.0
started:    2023-11-14T20:11:40.000Z (2h ago)
system:     linux x86_64, 2 CPUs
memory:     50.0 MiB
workflows:  2 instances
streams:    1 open
uid:        0197a8b0-0000-7000-8000-000000000001
"
        );
    }
}
