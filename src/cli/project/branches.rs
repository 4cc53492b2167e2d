//! Branches of projects, and merging them. Conflicts are decided by their paths: `PATH` for a file,
//! `PATH:FIELD` for a field of it.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::Value;
use weir_http_api::{
    BranchCreate, BranchView, MergeConflict, MergeDecision, MergeDecisions, MergeOutcome,
    MergeRequest, MergeTake, MergeView, Page,
};
use weir_http_client::{Client, List};

use super::versions::{short, status};
use crate::cli::exit::{Exit, Reason};
use crate::cli::failure::Failure;
use crate::cli::files;
use crate::cli::human::{plain, plural, word};
use crate::cli::listing::Listing;
use crate::cli::look::{Look, Tone};
use crate::cli::output::Output;
use crate::cli::table::{self, Column, Rows};

#[derive(Debug, Subcommand)]
pub(crate) enum BranchVerb {
    /// List the branches of a project, and those of its remotes as they were seen last
    #[command(visible_alias = "ls")]
    List {
        project: String,
        #[command(flatten)]
        listing: Listing,
    },
    /// Make a branch; the project stays where it is
    Create {
        project: String,
        name: String,
        /// A version or a branch; without it where the project is
        #[arg(long, value_name = "VERSION")]
        at: Option<String>,
    },
    /// Go to another branch; changes that are not committed come along
    Switch { project: String, name: String },
    /// Give a branch another name
    Rename { project: String, name: String, to: String },
    /// Delete a branch that is merged
    Delete {
        project: String,
        name: String,
        /// Even if it has versions that the project's branch has not: they are lost
        #[arg(long)]
        force: bool,
    },
}

impl BranchVerb {
    pub(super) async fn run(self, client: &Client, out: &Output) -> Result<(), Failure> {
        let what = |done: &str, name: &str| format!("can't {done} {}", plain(name));
        match self {
            Self::List { project, listing } => {
                let refused = |it| Failure::of_client(what("list the branches of", &project), it);
                let all = List::branches(&project);
                listing.show((client, out), all, refused, listed).await
            }
            Self::Create { project, name, at } => {
                let what = what("make the branch", &name);
                let made = client.branch_create(&project, &BranchCreate { name, at }).await;
                out.show(&made.map_err(|it| Failure::of_client(what, it))?, shown)
            }
            Self::Switch { project, name } => {
                let done = client.branch_switch(&project, &name).await;
                let what = what("go to the branch", &name);
                out.show(&done.map_err(|it| Failure::of_client(what, it))?, status)
            }
            Self::Rename { project, name, to } => {
                let done = client.branch_rename(&project, &name, &to).await;
                let what = what("rename the branch", &name);
                out.show(&done.map_err(|it| Failure::of_client(what, it))?, shown)
            }
            Self::Delete { project, name, force } => {
                let what = what("delete the branch", &name);
                let refused = |it| Failure::of_client(what.clone(), it);
                let seen = match force {
                    true => {
                        let page = client.branches(&project).await.map_err(refused)?;
                        let is_it = |it: &BranchView| !it.is_remote && it.name == name;
                        page.items.into_iter().find(is_it).map(|it| it.head)
                    }
                    false => None,
                };
                let gone = client.branch_delete(&project, &name, seen.as_deref()).await;
                out.show(&gone.map_err(refused)?, |it, _| {
                    format!("{} is deleted; it was at {}\n", plain(&it.name), plain(&it.head))
                })
            }
        }
    }
}

fn shown(it: &BranchView, _: &Look) -> String {
    format!("{} is at {}\n", plain(&it.name), short(&it.head))
}

fn listed(page: &Page<BranchView>, look: &Look) -> String {
    let narrow = [Column::Text("BRANCH"), Column::Text("VERSION"), Column::Text("")];
    let mut rows = Rows::new(look, &narrow, &[Column::Text("ID")]);
    for it in &page.items {
        let note = match (it.is_current, it.is_remote) {
            (true, _) => "the project is here",
            (false, true) => "of a remote",
            (false, false) => "",
        };
        let cells = vec![table::text(&it.name), table::text(&short(&it.head)), table::text(note)];
        rows.add(cells, vec![table::text(&it.head)]);
    }
    rows.text()
}

#[derive(Debug, Args)]
pub(crate) struct Merge {
    project: String,
    /// Here, or of a remote: origin/main
    #[arg(required_unless_present = "abort")]
    branch: Option<String>,
    /// Without it one that says what was merged
    #[arg(long, short)]
    message: Option<String>,
    /// The author's address; the author is who one is at the server
    #[arg(long)]
    email: Option<String>,
    /// The two versions that the conflicts are of, as they were told: OURS..THEIRS
    #[arg(long, value_name = "VERSIONS")]
    of: Option<String>,
    /// Take ours where this is in conflict: PATH, or PATH:FIELD; may be repeated
    #[arg(long, value_name = "CONFLICT", requires = "of")]
    ours: Vec<String>,
    /// Take theirs
    #[arg(long, value_name = "CONFLICT", requires = "of")]
    theirs: Vec<String>,
    /// Take a value of one's own, as JSON or as a text
    #[arg(long, value_name = "PATH:FIELD=VALUE", requires = "of")]
    set: Vec<String>,
    /// Take the text of a file of one's own
    #[arg(long, value_name = "PATH=FILE", requires = "of")]
    text: Vec<String>,
    /// Only say what it would come to
    #[arg(long)]
    dry_run: bool,
    /// Undo a merge that another program has begun in the project's files
    #[arg(long, conflicts_with_all = ["branch", "of", "message", "dry_run"])]
    abort: bool,
}

impl Merge {
    pub(super) async fn run(self, client: &Client, out: &Output) -> Result<ExitCode, Failure> {
        let decisions = self.decisions()?;
        let Self { project, branch, message, email, dry_run, .. } = self;
        let Some(branch) = branch else {
            let done = client.merge_abort(&project).await;
            let what = format!("can't undo the merge of {}", plain(&project));
            out.show(&done.map_err(|it| Failure::of_client(what, it))?, status)?;
            return Ok(ExitCode::SUCCESS);
        };
        let request = MergeRequest { branch: branch.clone(), message, email, decisions };
        let done = client.branch_merge(&project, &request, dry_run).await;
        let what = format!("can't merge {}", plain(&branch));
        let done = done.map_err(|it| Failure::of_client(what, it))?;
        merged(&done, (&project, &branch), out)
    }

    fn decisions(&self) -> Result<Option<MergeDecisions>, Failure> {
        let Some(of) = &self.of else { return Ok(None) };
        let wrong = |why: String| {
            let failure = Failure::new(Reason::Usage, "the conflicts can't be decided so", why);
            failure.with_hint("weir project merge PROJECT BRANCH --dry-run shows what to write")
        };
        let (ours, theirs) =
            of.split_once("..").ok_or_else(|| wrong(format!("{of:?} is not OURS..THEIRS")))?;
        let mut conflicts = Vec::new();
        for (takes, take) in [(&self.ours, MergeTake::Ours), (&self.theirs, MergeTake::Theirs)] {
            conflicts.extend(takes.iter().map(|it| decision(it, take, Value::Null)));
        }
        for given in &self.set {
            let whole = || wrong(format!("{given:?} is not PATH:FIELD=VALUE"));
            let (place, value) = given.split_once('=').ok_or_else(whole)?;
            if !place.contains(':') {
                return Err(whole());
            }
            let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
            conflicts.push(decision(place, MergeTake::Value, value));
        }
        for given in &self.text {
            let (path, file) = given
                .split_once('=')
                .ok_or_else(|| wrong(format!("{given:?} is not PATH=FILE")))?;
            let file = PathBuf::from(file);
            let text = fs::read_to_string(&file);
            let text = text.map_err(|it| files::unread(file.display(), &it))?;
            let (path, field, take) = (path.to_owned(), None, MergeTake::Value);
            conflicts.push(MergeDecision { path, field, take, value: text.into() });
        }
        let (ours, theirs) = (ours.to_owned(), theirs.to_owned());
        Ok(Some(MergeDecisions { ours, theirs, conflicts }))
    }
}

fn decision(place: &str, take: MergeTake, value: Value) -> MergeDecision {
    let (path, field) = match place.split_once(':') {
        Some((path, field)) => (path, Some(field.to_owned())),
        None => (place, None),
    };
    MergeDecision { path: path.to_owned(), field, take, value }
}

/// Exits as a conflict where there are some, with the command that decides them.
pub(super) fn merged(
    done: &MergeView,
    (project, branch): (&str, &str),
    out: &Output,
) -> Result<ExitCode, Failure> {
    out.show(done, |it, look| text(it, branch, look))?;
    if done.outcome != MergeOutcome::Conflicts {
        return Ok(ExitCode::SUCCESS);
    }
    out.note(&next_step(done, project, branch));
    Ok(Exit::Conflict.into())
}

fn text(it: &MergeView, branch: &str, look: &Look) -> String {
    let branch = plain(branch);
    let at = it.version.as_deref().map(short);
    match (it.outcome, at) {
        (MergeOutcome::Nothing, _) => format!("the project has all of {branch}\n"),
        (MergeOutcome::FastForward, Some(at)) => {
            format!("the project is where {branch} is: {at}\n")
        }
        (MergeOutcome::FastForward, None) => format!("the project would go where {branch} is\n"),
        (MergeOutcome::Merged, Some(at)) => format!("{branch} is merged: {at}\n"),
        (MergeOutcome::Merged, None) => format!("{branch} would be merged, without conflicts\n"),
        (MergeOutcome::Conflicts, _) => conflicts(&it.conflicts, look),
    }
}

fn conflicts(all: &[MergeConflict], look: &Look) -> String {
    let shown = |value: &Option<Value>| match value {
        None => "(not there)".to_owned(),
        Some(Value::String(text)) if text.lines().count() > 1 => {
            plural(text.lines().count(), "line")
        }
        Some(value) => plain(&value.to_string()),
    };
    let mut text = String::new();
    for it in all {
        let reason = it.reason.as_deref().map_or(String::new(), |it| format!("  ({})", plain(it)));
        text.push_str(&format!("{}{reason}\n", look.paint(Tone::Bad, &place(it))));
        for (name, value) in [("base", &it.base), ("ours", &it.ours), ("theirs", &it.theirs)] {
            text.push_str(&format!("  {name:<7} {}\n", shown(value)));
        }
    }
    text
}

fn place(it: &MergeConflict) -> String {
    let field = it.field.as_deref().map_or(String::new(), |it| format!(":{}", plain(it)));
    format!("{}{field}", plain(&it.path))
}

/// As it can be copied: ours everywhere, for a person to change.
fn next_step(it: &MergeView, project: &str, branch: &str) -> String {
    let count = plural(it.conflicts.len(), "conflict");
    let [ours, theirs] = [&it.ours, &it.theirs].map(|it| it.as_deref().unwrap_or_default());
    let of = word(&format!("{ours}..{theirs}"));
    // Bound by a sign: a path that begins with a hyphen is no option.
    let takes = it.conflicts.iter().map(|it| format!(" --ours={}", word(&place(it))));
    format!(
        "{count}, and nothing was changed. Decide each by --ours, --theirs, --set or --text:\n  \
         weir project merge {} {} --of {of}{}",
        word(project),
        word(branch),
        takes.collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cli::samples::LOOK;

    fn view() -> MergeView {
        let conflict = MergeConflict {
            path: "flights.yaml".into(),
            field: Some("spec.stages[read].source".into()),
            reason: None,
            base: Some(json!("files")),
            ours: Some(json!("ours")),
            theirs: None,
        };
        MergeView {
            outcome: MergeOutcome::Conflicts,
            version: None,
            ours: Some("a".repeat(40)),
            theirs: Some("b".repeat(40)),
            conflicts: vec![conflict],
        }
    }

    #[test]
    fn conflicts_are_shown_with_the_command_that_decides_them() {
        assert_eq!(
            text(&view(), "theirs", &LOOK),
            "flights.yaml:spec.stages[read].source\n  base    \"files\"\n  ours    \"ours\"\n  \
             theirs  (not there)\n"
        );
        let step = next_step(&view(), "shop", "theirs");
        let of = format!("--of {}..{}", "a".repeat(40), "b".repeat(40));
        let takes = "--ours='flights.yaml:spec.stages[read].source'";
        assert!(step.ends_with(&format!("weir project merge shop theirs {of} {takes}")), "{step}");
    }

    #[test]
    fn what_somebody_else_named_is_no_command_where_it_is_copied() {
        for (path, quoted) in [
            ("it's; $(reboot).yaml", r"--ours='it'\''s; $(reboot).yaml'"),
            ("-x y", "--ours='-x y'"),
            ("flights.yaml", "--ours=flights.yaml"),
        ] {
            let mut view = view();
            view.conflicts[0].path = path.into();
            view.conflicts[0].field = None;
            let step = next_step(&view, "shop", "a`b`");
            assert!(step.ends_with(quoted) && step.contains(" shop 'a`b`' --of "), "{step}");
        }
    }

    #[test]
    fn a_decision_names_a_file_or_a_field_of_it() {
        let merge = |set: &str| Merge {
            project: "shop".into(),
            branch: Some("theirs".into()),
            message: None,
            email: None,
            of: Some("a..b".into()),
            ours: vec!["x.bin".into()],
            theirs: vec!["a.yaml:spec.x[a:b]".into()],
            set: vec![set.into()],
            text: vec![],
            dry_run: false,
            abort: false,
        };
        let decisions = merge("a.yaml:spec.y={\"z\": 1}").decisions().unwrap().unwrap();
        let told: Vec<_> = decisions
            .conflicts
            .iter()
            .map(|it| (it.path.as_str(), it.field.as_deref(), it.take, it.value.clone()))
            .collect();
        assert_eq!(
            told,
            [
                ("x.bin", None, MergeTake::Ours, Value::Null),
                ("a.yaml", Some("spec.x[a:b]"), MergeTake::Theirs, Value::Null),
                ("a.yaml", Some("spec.y"), MergeTake::Value, json!({ "z": 1 })),
            ]
        );
        assert!(merge("a.yaml=1").decisions().is_err());
    }
}
