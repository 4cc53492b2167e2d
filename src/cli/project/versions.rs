//! Versions of projects of a configuration server: what changed, what was committed, how two differ.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use weir_http_api::{
    CommitRequest, Committed, FileChangeKind, Page, ProjectVersion, ProjectVersionDetail,
    VersionDiffQuery, VersionStatus, VersionsQuery,
};
use weir_http_client::Client;

use super::branches::{self, BranchVerb, Merge};
use super::difference;
use super::remotes::{self, CloneArgs, PullArgs, PushArgs, RemoteVerb};
use crate::cli::exit::Reason;
use crate::cli::failure::Failure;
use crate::cli::human::{age, plain, plural};
use crate::cli::look::Look;
use crate::cli::output::Output;
use crate::cli::table::{self, Column, Rows};

/// Characters of a version's id that are shown.
const SHOWN: usize = 12;
/// Versions of one page.
const PAGE: u32 = 200;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Give a project versions: make it a Git repository
    Init { project: String },
    /// Show where a project stands, and what changed since its newest version
    Status { project: String },
    /// List the versions of a project, newest first
    History(HistoryArgs),
    /// Show a version with its files, or what one of them held
    Version {
        project: String,
        /// Its id, the beginning of it, or a branch
        version: String,
        /// Print this file as it was
        #[arg(long, value_name = "PATH")]
        file: Option<String>,
    },
    /// Show how two versions differ, or a version and the files as they are now
    Diff(DiffArgs),
    /// Make a version of what changed
    Commit(CommitArgs),
    /// Put files back as they are in the newest version; what was added goes
    Discard {
        project: String,
        /// As the status shows them
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<String>,
    },
    /// Branches of a project
    #[command(subcommand)]
    Branch(BranchVerb),
    /// Merge a branch into the one that the project is on
    Merge(Merge),
    /// Remotes of a project: other repositories
    #[command(subcommand)]
    Remote(RemoteVerb),
    /// Fetch from a remote, and merge
    Pull(PullArgs),
    /// Send a branch to a remote
    Push(PushArgs),
    /// Make a project of what a remote has
    Clone(CloneArgs),
}

#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    project: String,
    /// Only versions that changed this file, through its former names
    #[arg(long, value_name = "PATH")]
    asset: Option<String>,
    /// Where to begin: a version or a branch
    #[arg(long, value_name = "VERSION")]
    from: Option<String>,
    /// Most versions to list
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    project: String,
    /// One file alone
    path: Option<String>,
    /// The older side: a version or a branch; without it where the project is
    #[arg(long, value_name = "VERSION")]
    from: Option<String>,
    /// The newer side; without it the files as they are now
    #[arg(long, value_name = "VERSION")]
    to: Option<String>,
    /// By fields where that can be told, and not by lines
    #[arg(long)]
    fields: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CommitArgs {
    project: String,
    /// What the version is about
    #[arg(long, short)]
    message: String,
    /// Only these files; without any all that changed
    #[arg(value_name = "PATH")]
    paths: Vec<String>,
    /// The author's address; the author is who one is at the server
    #[arg(long)]
    email: Option<String>,
    /// Only if this is the newest version; without it whatever is there now
    #[arg(long, value_name = "VERSION")]
    if_head: Option<String>,
    /// Only say what it would take
    #[arg(long)]
    dry_run: bool,
}

impl Verb {
    pub(crate) async fn run(self, client: &Client, out: &Output) -> Result<ExitCode, Failure> {
        match self {
            Self::Init { project } => {
                let made = client.versions_init(&project).await;
                let what = format!("can't give {} versions", plain(&project));
                out.show(&made.map_err(|it| Failure::of_client(what, it))?, status)?;
            }
            Self::Status { project } => {
                let found = client.version_status(&project).await;
                let what = format!("can't tell where {} stands", plain(&project));
                out.show(&found.map_err(|it| Failure::of_client(what, it))?, status)?;
            }
            Self::History(args) => {
                let page = args.asked(client).await?;
                out.show(&page, history)?;
            }
            Self::Version { project, version, file } => {
                let what = format!("can't show {}", plain(&version));
                let refused = |it| Failure::of_client(what, it);
                match file {
                    Some(path) => {
                        let held = client.version_file(&project, &version, &path).await;
                        out.show(&held.map_err(refused)?, |it, _| it.text.clone())?;
                    }
                    None => {
                        let found = client.project_version(&project, &version).await;
                        out.show(&found.map_err(refused)?, detail)?;
                    }
                }
            }
            Self::Diff(DiffArgs { project, path, from, to, fields }) => {
                let asked = VersionDiffQuery { from, to, path };
                let found = client.version_diff(&project, &asked);
                let what = format!("can't compare versions of {}", plain(&project));
                let found = found.await.map_err(|it| Failure::of_client(what, it))?;
                out.show(&found, |it, look| difference::text(it, fields, look))?;
            }
            Self::Commit(args) => commit(client, out, args).await?,
            Self::Discard { project, paths } => {
                let done = client.version_discard(&project, paths).await;
                let what = format!("can't discard changes of {}", plain(&project));
                out.show(&done.map_err(|it| Failure::of_client(what, it))?, status)?;
            }
            Self::Branch(verb) => verb.run(client, out).await?,
            Self::Merge(merge) => return merge.run(client, out).await,
            Self::Remote(verb) => verb.run(client, out).await?,
            Self::Pull(args) => return remotes::pull(client, out, args).await,
            Self::Push(args) => remotes::push(client, out, args).await?,
            Self::Clone(args) => remotes::clone(client, out, args).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl HistoryArgs {
    /// As many pages as it takes.
    async fn asked(self, client: &Client) -> Result<Page<ProjectVersion>, Failure> {
        let Self { project, asset, from, limit } = self;
        let mut found = Page { items: Vec::new(), next_cursor: None };
        loop {
            let left = limit - u32::try_from(found.items.len()).unwrap_or(limit).min(limit);
            let query = VersionsQuery {
                asset: asset.clone(),
                from: from.clone(),
                limit: Some(left.min(PAGE)),
                cursor: found.next_cursor.take(),
            };
            let page = client.versions(&project, &query).await;
            let what = format!("can't list the versions of {}", plain(&project));
            let page = page.map_err(|it| Failure::of_client(what, it))?;
            found.items.extend(page.items);
            found.next_cursor = page.next_cursor;
            if found.next_cursor.is_none() || found.items.len() >= limit as usize {
                return Ok(found);
            }
        }
    }
}

async fn commit(client: &Client, out: &Output, args: CommitArgs) -> Result<(), Failure> {
    let CommitArgs { project, message, paths, email, if_head, dry_run } = args;
    let what = || format!("can't commit {}", plain(&project));
    let refused = |it| Failure::of_client(what(), it);
    let status = client.version_status(&project).await.map_err(refused)?;
    if !status.is_versioned {
        let why = "the project has no versions: it is no Git repository";
        let hint = format!("weir project init {}", plain(&project));
        return Err(Failure::new(Reason::Contradiction, what(), why).with_hint(hint));
    }
    let seen = if_head.or(status.head);
    let paths = Some(paths).filter(|it| !it.is_empty());
    let request = CommitRequest { message, email, paths };
    let done = client.version_commit(&project, &request, seen.as_deref(), dry_run).await;
    out.show(&done.map_err(refused)?, committed)
}

/// As much of an id as people read.
pub(super) fn short(id: &str) -> String {
    plain(&id.chars().take(SHOWN).collect::<String>())
}

pub(super) fn status(it: &VersionStatus, _: &Look) -> String {
    let project = plain(it.project.as_str());
    if !it.is_versioned {
        return format!("{project} has no versions; weir project init {project} gives it some\n");
    }
    let branch =
        it.branch.as_deref().map_or("no branch".to_owned(), |it| format!("branch {}", plain(it)));
    let head = it.head.as_deref().map_or("no version yet".to_owned(), short);
    let mut text = format!("{project} is on {branch}, at {head}\n");
    if it.is_merging {
        text.push_str("a merge is in progress, which another program has begun\n");
    }
    if it.files.is_empty() {
        text.push_str("nothing changed\n");
    }
    for file in &it.files {
        text.push_str(&format!("{} {}\n", sign(file.change), plain(&file.path)));
    }
    text
}

pub(super) fn sign(change: FileChangeKind) -> char {
    match change {
        FileChangeKind::Added => '+',
        FileChangeKind::Changed => '~',
        FileChangeKind::Deleted => '-',
        FileChangeKind::Conflicted => '!',
        FileChangeKind::Moved => '>',
    }
}

fn history(page: &Page<ProjectVersion>, look: &Look) -> String {
    use Column::Text;
    let narrow = [Text("VERSION"), Text("AGE"), Text("AUTHOR"), Text("MESSAGE")];
    let mut rows = Rows::new(look, &narrow, &[Text("ID"), Text("EMAIL"), Text("PATH")]);
    for it in &page.items {
        rows.add(
            vec![
                table::text(&short(&it.id)),
                table::text(&age(look.now, it.at)),
                table::text(&it.author.name),
                table::text(it.message.lines().next().unwrap_or_default()),
            ],
            vec![
                table::text(&it.id),
                table::text(&it.author.email),
                table::text(it.path.as_deref().unwrap_or("-")),
            ],
        );
    }
    let more = match page.next_cursor {
        Some(_) => "there are more: --limit N\n",
        None => "",
    };
    rows.text() + more
}

fn detail(it: &ProjectVersionDetail, look: &Look) -> String {
    let version = &it.version;
    let parents: Vec<_> = version.parents.iter().map(|it| short(it)).collect();
    let facts = [
        ("version", plain(&version.id)),
        ("parents", parents.join(", ")),
        ("author", plain(&format!("{} <{}>", version.author.name, version.author.email))),
        ("age", age(look.now, version.at)),
        ("message", plain(&version.message)),
    ];
    let mut rows = Rows::new(look, &[Column::Text("FILE"), Column::Number("BYTES")], &[]);
    for file in &it.files {
        rows.add(vec![table::text(&file.path), table::count(file.bytes)], vec![]);
    }
    format!("{}\n{}", table::facts(&facts), rows.text())
}

fn committed(it: &Committed, _: &Look) -> String {
    let files = plural(it.files.len(), "file");
    match &it.version {
        Some(version) => format!("{} is committed, with {files}\n", short(&version.id)),
        None => {
            let lines =
                it.files.iter().map(|it| format!("{} {}\n", sign(it.change), plain(&it.path)));
            format!("it would take {files}:\n{}", lines.collect::<String>())
        }
    }
}

pub(super) use branches::merged;
