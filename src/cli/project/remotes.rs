//! Remotes of projects. What goes over a network is an operation of the server: it is waited for here, with
//! its progress, and goes on there if nobody waits.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use weir_http_api::{
    AddressedCredentials, Cloned, Fetched, FetchedBranch, Page, ProjectClone, Pulled, Pushed,
    RemoteAdd, RemoteCredentials, RemotePull, RemotePush, RemoteView,
};
use weir_http_client::{Client, List};

use super::versions::{merged, short};
use crate::cli::exit::Reason;
use crate::cli::failure::Failure;
use crate::cli::hidden;
use crate::cli::human::{plain, word};
use crate::cli::listing::Listing;
use crate::cli::look::Look;
use crate::cli::operation::result;
use crate::cli::output::Output;
use crate::cli::table::{self, Column, Rows};

#[derive(Debug, Subcommand)]
pub(crate) enum RemoteVerb {
    /// List the remotes of a project
    #[command(visible_alias = "ls")]
    List {
        project: String,
        #[command(flatten)]
        listing: Listing,
    },
    /// Add a remote; nothing is asked of it
    Add {
        project: String,
        name: String,
        /// As https://host/path
        address: String,
        #[command(flatten)]
        credentials: CredentialArgs,
    },
    /// Forget a remote, and its credentials
    Remove { project: String, name: String },
    /// Give a remote other credentials, or forget them
    Credentials {
        project: String,
        name: String,
        #[command(flatten)]
        credentials: CredentialArgs,
        /// Forget them
        #[arg(long, conflicts_with_all = ["user", "secret_file"])]
        forget: bool,
    },
    /// Learn where the branches of a remote are
    Fetch {
        project: String,
        #[arg(default_value = "origin")]
        name: String,
    },
}

/// What a remote is shown. Never an argument: other users of the machine see those.
#[derive(Debug, Args)]
pub(crate) struct CredentialArgs {
    /// Whose password it is; without it the secret is a token
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// A file whose first line is the password or the token; the server keeps it sealed
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

impl CredentialArgs {
    /// Without either none are meant.
    fn given(self) -> Result<Option<RemoteCredentials>, Failure> {
        match self {
            Self { user: None, secret_file: None } => Ok(None),
            other => other.asked().map(Some),
        }
    }

    /// From the file, or typed, or from standard input.
    fn asked(self) -> Result<RemoteCredentials, Failure> {
        let what = if self.user.is_some() { "password" } else { "token" };
        let secret = hidden::line(what, self.secret_file.as_deref())?;
        Ok(RemoteCredentials { user: self.user, secret })
    }
}

#[derive(Debug, Args)]
pub(crate) struct PullArgs {
    project: String,
    #[arg(long, default_value = "origin", value_name = "NAME")]
    remote: String,
    /// Of the remote; without it the one that is called as the project's
    #[arg(long)]
    branch: Option<String>,
    /// The author's address, if there is something to merge
    #[arg(long)]
    email: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct PushArgs {
    project: String,
    #[arg(long, default_value = "origin", value_name = "NAME")]
    remote: String,
    /// Of the project; without it the one that it is on
    #[arg(long)]
    branch: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct CloneArgs {
    /// As https://host/path
    address: String,
    #[command(flatten)]
    credentials: CredentialArgs,
}

impl RemoteVerb {
    pub(super) async fn run(self, client: &Client, out: &Output) -> Result<(), Failure> {
        let what = |done: &str, name: &str| format!("can't {done} {}", plain(name));
        match self {
            Self::List { project, listing } => {
                let refused = |it| Failure::of_client(what("list the remotes of", &project), it);
                let all = List::remotes(&project);
                listing.show((client, out), all, refused, listed).await
            }
            Self::Add { project, name, address, credentials } => {
                let what = what("add the remote", &name);
                let credentials = credentials.given()?;
                let new = RemoteAdd { name, address, credentials };
                let added = client.remote_add(&project, &new).await;
                out.show(&added.map_err(|it| Failure::of_client(what, it))?, shown)
            }
            Self::Remove { project, name } => {
                let gone = client.remote_remove(&project, &name).await;
                let gone =
                    gone.map_err(|it| Failure::of_client(what("remove the remote", &name), it));
                out.show(&gone?, |it, _| format!("{} is forgotten\n", plain(&it.name)))
            }
            Self::Credentials { project, name, credentials, forget } => {
                let given = match forget {
                    true => None,
                    false => Some(addressed(client, out, (&project, &name), credentials).await?),
                };
                let set = client.remote_credentials(&project, &name, given.as_ref()).await;
                let what = what("change the credentials of", &name);
                out.show(&set.map_err(|it| Failure::of_client(what, it))?, shown)
            }
            Self::Fetch { project, name } => {
                let what = what("fetch from", &name);
                let begun = client.remote_fetch(&project, &name).await;
                let fetched: Fetched = result(client, out, (what, begun)).await?;
                out.show(&fetched, |it, _| branches(&it.branches))
            }
        }
    }
}

/// Shows where they will be sent before anybody is asked for them.
async fn addressed(
    client: &Client,
    out: &Output,
    (project, remote): (&str, &str),
    credentials: CredentialArgs,
) -> Result<AddressedCredentials, Failure> {
    let what = format!("can't change the credentials of {}", plain(remote));
    let page = client.remotes(project).await;
    let remotes = page.map_err(|it| Failure::of_client(what.clone(), it))?.items;
    let Some(found) = remotes.into_iter().find(|it| it.name == remote) else {
        let why = format!("{} has no remote of that name", plain(project));
        let hint = format!("weir project remote list {} shows those that it has", word(project));
        return Err(Failure::new(Reason::Unknown, what, why).with_hint(hint));
    };
    out.note(&format!("{} leads to {}", plain(remote), plain(&found.address)));
    let RemoteCredentials { user, secret } = credentials.asked()?;
    Ok(AddressedCredentials { address: found.address, user, secret })
}

pub(super) async fn pull(
    client: &Client,
    out: &Output,
    args: PullArgs,
) -> Result<ExitCode, Failure> {
    let PullArgs { project, remote, branch, email } = args;
    let what = format!("can't pull from {}", plain(&remote));
    let begun = client.remote_pull(&project, &remote, &RemotePull { branch, email }).await;
    let pulled: Pulled = result(client, out, (what, begun)).await?;
    if !pulled.branches.is_empty() {
        out.note(branches(&pulled.branches).trim_end());
    }
    merged(&pulled.merge, (&project, &pulled.branch), out)
}

pub(super) async fn push(client: &Client, out: &Output, args: PushArgs) -> Result<(), Failure> {
    let PushArgs { project, remote, branch } = args;
    let what = format!("can't push to {}", plain(&remote));
    let begun = client.remote_push(&project, &remote, &RemotePush { branch }).await;
    let pushed: Pushed = result(client, out, (what, begun)).await?;
    out.show(&pushed, |it, _| {
        let [remote, branch] = [&it.remote, &it.branch].map(|it| plain(it));
        format!("{remote} has {branch} at {}\n", short(&it.version))
    })
}

pub(super) async fn clone(client: &Client, out: &Output, args: CloneArgs) -> Result<(), Failure> {
    let CloneArgs { address, credentials } = args;
    let what = format!("can't clone {}", plain(&address));
    let credentials = credentials.given()?;
    let begun = client.project_clone(&ProjectClone { address, credentials }).await;
    let cloned: Cloned = result(client, out, (what, begun)).await?;
    out.show(&cloned.project, super::served::shown)
}

fn listed(page: &Page<RemoteView>, look: &Look) -> String {
    let narrow = [Column::Text("REMOTE"), Column::Text("ADDRESS"), Column::Text("CREDENTIALS")];
    let mut rows = Rows::new(look, &narrow, &[]);
    for it in &page.items {
        let cells = [&it.name, &it.address, &credentials(it)].map(|it| table::text(it));
        rows.add(cells.into(), vec![]);
    }
    rows.text()
}

fn shown(it: &RemoteView, _: &Look) -> String {
    table::facts(&[
        ("remote", plain(&it.name)),
        ("address", plain(&it.address)),
        ("credentials", plain(&credentials(it))),
    ])
}

fn credentials(it: &RemoteView) -> String {
    match (&it.user, it.has_credentials) {
        (Some(user), _) => format!("of {user}"),
        (None, true) => "a token".to_owned(),
        (None, false) => "none".to_owned(),
    }
}

fn branches(moved: &[FetchedBranch]) -> String {
    if moved.is_empty() {
        return "nothing moved\n".to_owned();
    }
    let line = |it: &FetchedBranch| {
        let branch = plain(&it.branch);
        match (&it.before, &it.after) {
            (None, Some(after)) => format!("{branch} is new, at {}\n", short(after)),
            (Some(before), Some(after)) => {
                format!("{branch} moved from {} to {}\n", short(before), short(after))
            }
            (_, None) => format!("{branch} is gone\n"),
        }
    };
    moved.iter().map(line).collect()
}
