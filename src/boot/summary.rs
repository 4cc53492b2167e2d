//! What `weir dev` tells the person who started it: where to look, and what was done so far.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use weir_domain::Workflow;

use super::engine::Engine;
use crate::cli::args::SERVER;

pub(crate) struct Places {
    /// `None`: it has errors, and what was deployed before runs.
    pub(crate) project: Option<String>,
    pub(crate) directory: PathBuf,
    pub(crate) page: String,
    pub(crate) rest: String,
    pub(crate) management: Option<String>,
    pub(crate) metrics: Option<String>,
}

/// Says where to look.
pub(crate) fn announce(places: &Places) {
    let Places { project, directory, page, rest, management, metrics } = places;
    let management =
        management.as_ref().map_or(String::new(), |it| format!("  health    {it}/ready\n"));
    let metrics = metrics.as_ref().map_or(String::new(), |it| format!("  metrics   {it}\n"));
    let what = match project {
        Some(project) => format!("project {project}"),
        None => "what was deployed before: there are errors in the project".to_owned(),
    };
    say(&format!(
        "\nweir runs {what} in {}\n  \
           page      {page}\n  \
           REST API  {rest}/api/v1\n\
         {management}{metrics}  \
           commands  {}\n  \
           stop      Ctrl-C: open streams finish first\n\n",
        directory.display(),
        commands(rest)
    ));
}

/// As they are typed: with the server's address, unless it is the one that is asked by default.
fn commands(rest: &str) -> String {
    let at = match rest == SERVER {
        true => String::new(),
        false => format!(" --server {rest}"),
    };
    let commands = ["workflow list", "stream list", "stream show ID --log"];
    commands.map(|it| format!("weir {it}{at}")).join(" | ")
}

/// Whoever reads this may be gone, as in `weir dev | head`: the work goes on.
fn say(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// Tells the totals whenever work came to rest.
pub(crate) async fn follow(engine: Engine) {
    let stopping = engine.system.shutdown().stopping();
    let mut told = Vec::new();
    loop {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(500)) => {}
            () = stopping.stopped() => return,
        }
        let views = engine.activation.workflows();
        let is_at_rest = views.iter().all(|it| it.open_streams == 0);
        let closed: Vec<_> = views.iter().map(closed).collect();
        if is_at_rest && closed != told && closed.iter().any(|it| *it > 0) {
            say(&table(&views));
            told = closed;
        }
    }
}

fn closed(view: &Workflow) -> u64 {
    view.committed + view.committed_with_warnings + view.rolled_back
}

fn table(views: &[Workflow]) -> String {
    let mut text = format!(
        "\n  {:<20} {:>8} {:>10} {:>11} {:>12} {:>12} {:>12}\n",
        "WORKFLOW",
        "STREAMS",
        "WARNINGS",
        "ROLLED BACK",
        "RECORDS IN",
        "RECORDS OUT",
        "DEAD LETTERS"
    );
    for view in views {
        text += &format!(
            "  {:<20} {:>8} {:>10} {:>11} {:>12} {:>12} {:>12}\n",
            view.name,
            closed(view),
            view.committed_with_warnings,
            view.rolled_back,
            view.counts.records_in,
            view.counts.records_out,
            view.counts.dead_letters
        );
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_find_the_server_also_on_a_port_of_its_own() {
        let text = "weir workflow list | weir stream list | weir stream show ID --log";
        assert_eq!(commands(SERVER), text);
        let other = commands("http://127.0.0.1:6842");
        assert!(
            other.starts_with("weir workflow list --server http://127.0.0.1:6842 | "),
            "{other}"
        );
    }
}
