//! `weir user`: the cluster's users.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use weir_domain::{RoleName, UserName};
use weir_http_api::{
    Page, PasswordChange, PasswordSet, ProfileView, SetUp, UserChange, UserCreate, UserOrigin,
    UserView,
};
use weir_http_client::{Client, Error, List};

use super::args::Once;
use super::exit::Exit;
use super::failure::Failure;
use super::hidden;
use super::human::{age_of, plain};
use super::listing::Listing;
use super::look::Look;
use super::output::Output;
use super::table::{self, Column, Rows};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List users
    #[command(visible_alias = "ls")]
    List {
        #[command(flatten)]
        listing: Listing,
    },
    /// Show one user
    Show { name: UserName },
    /// Make the first administrator, with the secret that the engine wrote to its data directory
    SetUp {
        name: UserName,
        /// The file that the engine's log names (WEIR-06140)
        #[arg(long, value_name = "FILE")]
        secret_file: PathBuf,
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// Make a user, whose password must be changed at the first log-in
    Create {
        name: UserName,
        /// A role; may be repeated
        #[arg(long = "role", value_name = "ROLE")]
        roles: Vec<RoleName>,
        #[command(flatten)]
        profile: ProfileArgs,
        #[command(flatten)]
        password: PasswordArgs,
        #[command(flatten)]
        once: Once,
    },
    /// Change what is given of a user
    Set {
        name: UserName,
        /// All roles that the user has from now on; may be repeated
        #[arg(long = "role", value_name = "ROLE", conflicts_with = "no_roles")]
        roles: Vec<RoleName>,
        /// Take all roles away
        #[arg(long)]
        no_roles: bool,
        /// Let the user log in again
        #[arg(long, conflicts_with = "disable")]
        enable: bool,
        /// Log the user out, and don't let them in again
        #[arg(long)]
        disable: bool,
        #[command(flatten)]
        profile: ProfileArgs,
        /// Only if the user has this revision
        #[arg(long, value_name = "N")]
        revision: Option<u64>,
        #[command(flatten)]
        once: Once,
    },
    /// Change one's own password, or set that of another user
    Password {
        /// Another user, who must change it at the next log-in
        name: Option<UserName>,
        /// A file with one's own present password
        #[arg(long, value_name = "FILE", conflicts_with = "name")]
        present_file: Option<PathBuf>,
        #[command(flatten)]
        password: PasswordArgs,
        #[command(flatten)]
        once: Once,
    },
    /// Delete a user with all tokens and sessions
    Delete {
        name: UserName,
        #[command(flatten)]
        once: Once,
    },
}

#[derive(Debug, Args)]
pub(crate) struct PasswordArgs {
    /// A file with the new password; without it, it is asked for or read from standard input
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ProfileArgs {
    #[arg(long, value_name = "TEXT")]
    first_name: Option<String>,
    #[arg(long, value_name = "TEXT")]
    last_name: Option<String>,
    #[arg(long, value_name = "TEXT")]
    email: Option<String>,
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

impl ProfileArgs {
    fn is_given(&self) -> bool {
        let all = [&self.first_name, &self.last_name, &self.email, &self.description];
        all.iter().any(|it| it.is_some())
    }

    /// What is not given stays as it is.
    fn over(self, known: ProfileView) -> ProfileView {
        ProfileView {
            first_name: self.first_name.unwrap_or(known.first_name),
            last_name: self.last_name.unwrap_or(known.last_name),
            email: self.email.unwrap_or(known.email),
            description: self.description.unwrap_or(known.description),
        }
    }
}

impl Verb {
    pub(crate) async fn run(self, client: &Client, out: &Output) -> Result<ExitCode, Failure> {
        match self {
            Self::List { listing } => {
                let refused = |it| refused("can't list users", it);
                listing.show((client, out), List::users(), refused, list).await?;
            }
            Self::Show { name } => {
                let user = client.user(name.as_str()).await;
                out.show(&user.map_err(|it| refused(format!("can't show {name}"), it))?, shown)?;
            }
            Self::SetUp { name, secret_file, password } => {
                let secret = hidden::line("set-up secret", Some(&secret_file))?;
                let password = password.read()?;
                let request = SetUp { secret, name, password, profile: ProfileView::default() };
                let done = client.set_up(&request).await;
                done.map_err(|it| refused("can't make the first administrator", it))?;
                out.note(&format!("{0} is an administrator: weir login {0}", request.name));
            }
            Self::Create { name, roles, profile, password, once } => {
                let what = format!("can't make the user {name}");
                let roles: BTreeSet<_> = roles.into_iter().collect();
                let profile = profile.over(ProfileView::default());
                let password = password.read()?;
                let request = UserCreate { name, password, roles, profile };
                let made = once.client(client).user_create(&request).await;
                out.show(&made.map_err(|it| without_role(what, it))?, shown)?;
            }
            Self::Set { name, roles, no_roles, enable, disable, profile, revision, once } => {
                let what = format!("can't change {name}");
                if profile.is_given() {
                    once.needs_revision(revision, &what, "the rest of the profile")?;
                }
                let known = client.user(name.as_str()).await;
                let known = known.map_err(|it| refused(what.clone(), it))?;
                let change = UserChange {
                    enabled: (enable || disable).then_some(enable),
                    profile: profile.is_given().then(|| profile.over(known.profile)),
                    roles: (no_roles || !roles.is_empty()).then(|| roles.into_iter().collect()),
                };
                // What is not given is what was just read.
                let revision = revision.unwrap_or(known.revision);
                let client = once.client(client);
                let changed = client.user_change(name.as_str(), &change, Some(revision)).await;
                out.show(&changed.map_err(|it| without_role(what, it))?, shown)?;
            }
            Self::Password { name: None, present_file, password, once } => {
                let current = hidden::line("present password", present_file.as_deref())?;
                let request = PasswordChange { current, new: password.read()? };
                let done = once.client(client).change_password(&request).await;
                done.map_err(|it| refused("can't change the password", it))?;
                out.note("the password is changed; other sessions have ended");
            }
            Self::Password { name: Some(name), password, once, .. } => {
                let request = PasswordSet { password: password.read()? };
                let done = once.client(client).user_password(name.as_str(), &request).await;
                done.map_err(|it| refused(format!("can't set the password of {name}"), it))?;
                out.note(&format!(
                    "{name} must change it at the next log-in; sessions have ended and tokens are revoked"
                ));
            }
            Self::Delete { name, once } => {
                let gone = once.client(client).user_delete(name.as_str()).await;
                let gone = gone.map_err(|it| refused(format!("can't delete {name}"), it))?;
                out.show(&gone, |it, _| deleted(name.as_str(), it.is_some()))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl PasswordArgs {
    fn read(&self) -> Result<weir_http_api::Concealed, Failure> {
        hidden::new_line("new password", self.password_file.as_deref())
    }
}

/// Where the server has no better hint.
pub(super) fn refused(what: impl Into<String>, error: Error) -> Failure {
    let has_hint = matches!(&error, Error::Problem(problem) if problem.hint.is_some());
    let failure = Failure::of_client(what, error);
    match failure.exit {
        Exit::NotFound if !has_hint => failure
            .with_hint("the same command with `list` in the place of the verb shows what there is"),
        _ => failure,
    }
}

/// Of a user that is known, what is not there is a role.
fn without_role(what: impl Into<String>, error: Error) -> Failure {
    let failure = Failure::of_client(what, error);
    match failure.exit {
        Exit::NotFound => failure.with_hint("weir role list"),
        _ => failure,
    }
}

/// What is said of a deletion; `is_now`: this sending did it, and none before.
pub(super) fn deleted(name: &str, is_now: bool) -> String {
    match is_now {
        true => format!("{} deleted\n", plain(name)),
        false => format!("{} was deleted when this command was sent before\n", plain(name)),
    }
}

fn roles(it: &UserView) -> String {
    let roles: BTreeSet<_> = it.roles.iter().chain(&it.group_roles).map(RoleName::as_str).collect();
    let roles: Vec<_> = roles.into_iter().collect();
    if roles.is_empty() { "-".to_owned() } else { roles.join(",") }
}

/// Who knows the password.
fn origin(it: &UserView) -> &'static str {
    match it.origin {
        UserOrigin::Local => "Weir",
        UserOrigin::Ldap => "the directory",
        UserOrigin::Oidc => "the provider of log-ins",
    }
}

fn state(it: &UserView) -> &'static str {
    match (it.enabled, it.must_change) {
        (false, _) => "disabled",
        (true, true) => "must change password",
        (true, false) => "enabled",
    }
}

fn list(page: &Page<UserView>, look: &Look) -> String {
    use Column::{Number, Text};
    let narrow = [Text("USER"), Text("STATE"), Text("ROLES"), Text("LOGGED IN")];
    let wide = [Text("EMAIL"), Text("CREATED"), Text("BY"), Number("FAILURES")];
    let mut rows = Rows::new(look, &narrow, &wide);
    for it in &page.items {
        rows.add(
            vec![
                table::text(it.name.as_str()),
                table::text(state(it)),
                table::text(&roles(it)),
                table::text(&age_of(look.now, it.logged_in_at)),
            ],
            vec![
                table::text(&it.profile.email),
                table::text(&age_of(look.now, Some(it.created_at))),
                table::text(it.created_by.as_str()),
                table::count(it.failures),
            ],
        );
    }
    rows.text()
}

fn shown(it: &UserView, look: &Look) -> String {
    let name = format!("{} {}", it.profile.first_name, it.profile.last_name);
    table::facts(&[
        ("user", it.name.to_string()),
        ("state", state(it).to_owned()),
        ("roles", roles(it)),
        ("from", origin(it).to_owned()),
        ("name", plain(name.trim()).to_string()),
        ("email", plain(&it.profile.email).to_string()),
        ("description", plain(&it.profile.description).to_string()),
        ("created", format!("{} ago by {}", age_of(look.now, Some(it.created_at)), it.created_by)),
        ("logged in", age_of(look.now, it.logged_in_at)),
        ("revision", it.revision.to_string()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples::{LOOK, WIDE, ago};

    fn user() -> UserView {
        UserView {
            name: "ada".parse().expect("a name"),
            enabled: true,
            profile: ProfileView { email: "ada@example.org".into(), ..ProfileView::default() },
            roles: ["admin", "user"].map(|it| it.parse().expect("a name")).into(),
            must_change: false,
            password_at: ago(60),
            created_at: ago(7_200),
            created_by: "local".parse().expect("a name"),
            revision: 3,
            logged_in_at: Some(ago(60)),
            failures: 1,
            origin: UserOrigin::Local,
            group_roles: BTreeSet::new(),
        }
    }

    #[test]
    fn a_list_of_users() {
        let bob = UserView {
            name: "bob".parse().expect("a name"),
            enabled: false,
            roles: BTreeSet::new(),
            logged_in_at: None,
            ..user()
        };
        let page = Page::whole([user(), bob]);
        assert_eq!(
            list(&page, &LOOK),
            "\
USER  STATE     ROLES       LOGGED IN
ada   enabled   admin,user  1m
bob   disabled  -           -
"
        );
        assert!(list(&page, &WIDE).contains("ada@example.org  2h       local         1"));
    }

    #[test]
    fn a_deletion_that_was_done_before_says_so() {
        assert_eq!(deleted("bob", true), "bob deleted\n");
        let before = "bob was deleted when this command was sent before\n";
        assert_eq!(deleted("bob", false), before);
    }

    #[test]
    fn one_user() {
        assert_eq!(
            shown(&user(), &LOOK),
            "\
user:         ada
state:        enabled
roles:        admin,user
from:         Weir
name:
email:        ada@example.org
description:
created:      2h ago by local
logged in:    1m
revision:     3
"
        );
    }
}
