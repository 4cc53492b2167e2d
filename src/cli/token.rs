//! `weir token` and `weir session`: what users show.

use std::process::ExitCode;

use clap::Subcommand;
use weir_domain::{Millis, SessionId, TokenId, UserName, parse_duration};
use weir_http_api::{Page, SessionView, TokenCreate, TokenCreated, TokenView};
use weir_http_client::{Client, List};

use super::args::Once;
use super::failure::Failure;
use super::human::{age, age_of, relative};
use super::listing::Listing;
use super::look::Look;
use super::output::Output;
use super::role::{GrantArgs, claims, scope};
use super::table::{self, Column, Rows};
use super::user::refused;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List one's own tokens
    #[command(visible_alias = "ls")]
    List {
        /// Those of all users
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        listing: Listing,
    },
    /// Make a token that allows what it names, where its user may do that
    Create {
        /// What it is for
        description: String,
        #[command(flatten)]
        grants: GrantArgs,
        /// How long it holds: a year at most
        #[arg(long, value_name = "TIME", default_value = "90d", value_parser = parse_duration)]
        expires_in: Millis,
        #[command(flatten)]
        once: Once,
    },
    /// Revoke a token
    Revoke {
        id: TokenId,
        /// It is another user's
        #[arg(long)]
        of_others: bool,
        #[command(flatten)]
        once: Once,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SessionVerb {
    /// List sessions of all users
    #[command(visible_alias = "ls")]
    List {
        #[command(flatten)]
        listing: Listing,
    },
    /// End a session
    End {
        id: SessionId,
        #[command(flatten)]
        once: Once,
    },
    /// End all sessions of a user
    EndAll {
        user: UserName,
        #[command(flatten)]
        once: Once,
    },
}

impl Verb {
    pub(crate) async fn run(self, client: &Client, out: &Output) -> Result<ExitCode, Failure> {
        match self {
            Self::List { all, listing } => {
                let tokens = if all { List::tokens() } else { List::my_tokens() };
                let refused = |it| refused("can't list tokens", it);
                listing.show((client, out), tokens, refused, list).await?;
            }
            Self::Create { description, grants, expires_in, once } => {
                let (claims, scope) = grants.grants();
                let expires_at = out.look().now.plus(expires_in.duration());
                let request = TokenCreate { description, claims, scope, expires_at };
                let made = once.client(client).token_create(&request).await;
                let made = made.map_err(|it| refused("can't make the token", it))?;
                out.show(&made, created)?;
                out.note("it is shown this once; programs show it as WEIR_TOKEN");
            }
            Self::Revoke { id, of_others, once } => {
                let client = once.client(client);
                let done = match of_others {
                    true => client.token_revoke(id).await,
                    false => client.my_token_revoke(id).await,
                };
                done.map_err(|it| refused(format!("can't revoke the token {id}"), it))?;
                out.note(&format!("{id} allows nothing any more"));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl SessionVerb {
    pub(crate) async fn run(self, client: &Client, out: &Output) -> Result<ExitCode, Failure> {
        match self {
            Self::List { listing } => {
                let refused = |it| refused("can't list sessions", it);
                listing.show((client, out), List::sessions(), refused, sessions).await?;
            }
            Self::End { id, once } => {
                let done = once.client(client).session_end(id).await;
                done.map_err(|it| refused(format!("can't end the session {id}"), it))?;
                out.note(&format!("{id} has ended"));
            }
            Self::EndAll { user, once } => {
                let done = once.client(client).sessions_end(user.as_str()).await;
                done.map_err(|it| refused(format!("can't end the sessions of {user}"), it))?;
                out.note(&format!("{user} is logged out everywhere"));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn created(it: &TokenCreated, _: &Look) -> String {
    it.token.expose().to_owned() + "\n"
}

fn list(page: &Page<TokenView>, look: &Look) -> String {
    use Column::Text;
    let narrow = [Text("TOKEN"), Text("USER"), Text("EXPIRES"), Text("USED"), Text("FOR")];
    let mut rows = Rows::new(look, &narrow, &[Text("CLAIMS"), Text("SCOPE")]);
    for it in &page.items {
        rows.add(
            vec![
                table::text(&it.id.to_string()),
                table::text(it.user.as_str()),
                table::text(&relative(look.now, it.expires_at)),
                table::text(&age_of(look.now, it.used_at)),
                table::text(&it.description),
            ],
            vec![table::text(&claims(&it.claims)), table::text(&scope(&it.scope))],
        );
    }
    rows.text()
}

fn sessions(page: &Page<SessionView>, look: &Look) -> String {
    use Column::Text;
    let narrow = [Text("SESSION"), Text("USER"), Text("FROM"), Text("SINCE"), Text("ENDS")];
    let mut rows = Rows::new(look, &narrow, &[]);
    for it in &page.items {
        rows.add(
            vec![
                table::text(&it.id.to_string()),
                table::text(it.user.as_str()),
                table::text(&it.from),
                table::text(&age(look.now, it.opened_at)),
                table::text(&relative(look.now, it.expires_at)),
            ],
            vec![],
        );
    }
    rows.text()
}

#[cfg(test)]
mod tests {
    use weir_domain::{Scope, UserClaim};

    use super::*;
    use crate::cli::samples::{LOOK, WIDE, ago};

    const ID: &str = "01970000-0000-7000-8000-000000000001";

    #[test]
    fn lists_of_tokens_and_sessions() {
        let token = TokenView {
            id: ID.parse().expect("an id"),
            user: "ada".parse().expect("a name"),
            description: "nightly deploy".into(),
            claims: [UserClaim::DeploymentWrite].into(),
            scope: Scope::Everything,
            expires_at: ago(-7 * 86_400),
            created_at: ago(60),
            used_at: None,
        };
        let page = Page::whole([token]);
        assert_eq!(
            list(&page, &LOOK),
            "\
TOKEN                                 USER  EXPIRES  USED  FOR
01970000-0000-7000-8000-000000000001  ada   in 7d    -     nightly deploy
"
        );
        assert!(list(&page, &WIDE).ends_with("nightly deploy  deployment:write  everything\n"));
        let session = SessionView {
            id: ID.parse().expect("an id"),
            user: "ada".parse().expect("a name"),
            from: "10.0.0.7".into(),
            opened_at: ago(3_600),
            expires_at: ago(-3_600),
            current: false,
        };
        assert_eq!(
            sessions(&Page::whole([session]), &LOOK),
            "\
SESSION                               USER  FROM      SINCE  ENDS
01970000-0000-7000-8000-000000000001  ada   10.0.0.7  1h     in 1h
"
        );
    }
}
