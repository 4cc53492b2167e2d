//! What changes of deployments have in common: how they are asked for, and what they do to nodes.

use weir_domain::WorkflowName;
use weir_http_api::ChangeView;
use weir_http_client::{ChangeOptions, Client};

use super::wait;
use crate::cli::args::{Once, Wait};
use crate::cli::failure::Failure;
use crate::cli::look::{Look, Tone};
use crate::cli::output::Output;
use crate::cli::table::{self, Column, Rows};

use Column::Text;

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ChangeArgs {
    /// Only say what it would do: what starts, stops and stays on which node
    #[arg(long)]
    pub(super) dry_run: bool,
    /// The revision that was looked at; it is refused if something changed since
    #[arg(long, value_name = "N")]
    if_revision: Option<u64>,
    #[command(flatten)]
    pub(super) once: Once,
}

impl ChangeArgs {
    pub(super) fn options(&self) -> ChangeOptions {
        ChangeOptions { dry_run: self.dry_run, revision: self.if_revision }
    }

    pub(super) fn client(&self, client: &Client) -> Client {
        self.once.client(client)
    }

    /// Decided on the sight of this revision, unless the caller saw another one.
    pub(super) fn options_at(&self, revision: u64) -> ChangeOptions {
        let options = self.options();
        ChangeOptions { revision: options.revision.or(Some(revision)), ..options }
    }
}

/// Shows what was done, and waits until the nodes that it concerns have done it, if that is wanted.
pub(super) async fn finish(
    client: &Client,
    out: &Output,
    change: ChangeView,
    wait: Wait,
) -> Result<(), Failure> {
    out.show(&change, shown)?;
    match wait.limit().filter(|_| !change.dry_run && !change.nodes.is_empty()) {
        Some(limit) => {
            let nodes = change.nodes.into_iter().map(|it| it.node).collect();
            wait::until_active(client, out, &nodes, limit).await
        }
        None => Ok(()),
    }
}

pub(super) fn shown(it: &ChangeView, look: &Look) -> String {
    let mut text = String::new();
    if it.dry_run {
        let head =
            format!("dry run: nothing is changed; at revision {} this would be:", it.revision);
        text += &format!("{}\n", look.paint(Tone::Busy, &head));
    }
    if it.changes.is_empty() {
        text += if it.dry_run { "nothing to change\n" } else { "done\n" };
    }
    text.extend(it.changes.iter().map(|it| format!("{}\n", crate::cli::human::plain(it))));
    if !it.nodes.is_empty() {
        text += &nodes(it, look);
    }
    if !it.dry_run {
        text += &format!("revision {}\n", it.revision);
    }
    text
}

fn nodes(it: &ChangeView, look: &Look) -> String {
    let narrow = ["NODE", "BEFORE", "AFTER", "STARTS", "STOPS", "RESTARTS", "STAYS"].map(Text);
    let mut rows = Rows::new(look, &narrow, &[Text("WHY")]);
    for it in &it.nodes {
        rows.add(
            vec![
                table::text(it.node.as_str()),
                table::text(it.before.as_str()),
                table::text(it.after.as_str()),
                table::text(&names(&it.starts)),
                table::text(&names(&it.stops)),
                table::text(&names(&it.restarts)),
                table::text(&names(&it.stays)),
            ],
            vec![table::text(&it.why.text)],
        );
    }
    rows.text()
}

fn names(names: &[WorkflowName]) -> String {
    let names: Vec<_> = names.iter().map(WorkflowName::as_str).collect();
    if names.is_empty() { "-".to_owned() } else { names.join(",") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples::{self, LOOK, WIDE};

    #[test]
    fn a_change_says_what_starts_and_stops_on_which_node() {
        let change = samples::deployment_change();
        assert_eq!(
            shown(&change, &LOOK),
            "\
flights-2 was made the default
NODE    BEFORE     AFTER      STARTS      STOPS  RESTARTS  STAYS
node-1  flights-1  flights-2  departures  -      arrivals  weather
revision 5
"
        );
        assert!(shown(&change, &WIDE).contains("no rule fits: it is the default\n"));
    }

    #[test]
    fn a_dry_run_says_that_it_is_one() {
        let change = samples::deployment_change();
        let change = ChangeView { dry_run: true, revision: 4, nodes: vec![], ..change };
        assert_eq!(
            shown(&change, &LOOK),
            "dry run: nothing is changed; at revision 4 this would be:\n\
             flights-2 was made the default\n"
        );
        let change = ChangeView { changes: vec![], ..change };
        assert!(shown(&change, &LOOK).ends_with("this would be:\nnothing to change\n"));
        let again = ChangeView { dry_run: false, ..change };
        assert_eq!(shown(&again, &LOOK), "done\nrevision 4\n");
    }
}
