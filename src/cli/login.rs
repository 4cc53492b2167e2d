//! `weir login`, `logout`, `whoami`: who one is at a server.

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use weir_domain::{ClusterName, Extent, UserClaim, UserName};
use weir_http_api::{LogIn, LoggedIn, Me, Via};
use weir_http_client::Client;

use super::args::Global;
use super::failure::Failure;
use super::hidden;
use super::human::relative;
use super::look::Look;
use super::output::Output;
use super::profile::Profiles;
use super::table;

#[derive(Debug, Args)]
pub(crate) struct Login {
    /// The user
    name: UserName,
    /// A file with the password; without it, it is asked for or read from standard input
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl Login {
    pub(crate) async fn run(self, global: &Global, out: &Output) -> Result<ExitCode, Failure> {
        let server = global.server_to_log_in()?;
        let profiles = Profiles::load()?;
        profiles.check_server(global.profile.as_deref(), &server)?;
        if is_clear(&server) {
            out.note(&format!("warning: {server} is not encrypted: the network sees the password"));
        }
        let client = Client::trusting(&server, &global.authority_at(&server)?);
        let client = client.map_err(|it| Failure::of_client("can't log in", it))?;
        let client = client.with_token(global.shown_at(&server)?);
        let password = hidden::line("password", self.password_file.as_deref())?;
        let begun = client.log_in(&LogIn { name: self.name, password }).await;
        let begun = begun.map_err(|it| Failure::of_client("can't log in", it))?;
        let LoggedIn { user, token, expires_at, must_change } = begun;
        let session = Some((user.to_string(), token));
        profiles.remember(global.profile.as_deref(), (&server, global.ca()), session)?;
        let ends = relative(out.look().now, expires_at);
        out.note(&format!("{user} is logged in at {server}; the session ends {ends}"));
        if must_change {
            out.note("the password must be changed first: weir user password");
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Whether what is sent there can be read on the way.
fn is_clear(server: &str) -> bool {
    let uri = server.parse::<axum::http::Uri>().ok();
    uri.is_some_and(|it| {
        let host = it.host().unwrap_or_default().trim_matches(['[', ']']);
        let is_here = host.parse::<IpAddr>().is_ok_and(|it| it.is_loopback());
        it.scheme_str() == Some("http") && host != "localhost" && !is_here
    })
}

/// Forgets the session here, also when the server knows it no more.
pub(crate) async fn logout(global: &Global, out: &Output) -> Result<ExitCode, Failure> {
    let place = global.place()?;
    let forget =
        || Profiles::load()?.remember(global.profile.as_deref(), (&place.server, None), None);
    let token = match place.to_log_out() {
        Ok(Some(token)) => token,
        Ok(None) => {
            out.note("nobody is logged in here");
            return Ok(ExitCode::SUCCESS);
        }
        Err(_) => {
            forget()?;
            out.note("the session here was spoiled, and is forgotten: it could not be ended there");
            return Ok(ExitCode::SUCCESS);
        }
    };
    let ended = place.client("can't log out", Some(token))?.log_out().await;
    forget()?;
    ended.map_err(|it| {
        Failure::of_client("the session is forgotten here, and not ended there", it)
    })?;
    out.note(&format!("logged out at {}", place.server));
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn whoami(global: &Global, out: &Output) -> Result<ExitCode, Failure> {
    let me = global.client()?.me().await;
    out.show(&me.map_err(|it| Failure::of_client("can't ask who one is", it))?, shown)?;
    Ok(ExitCode::SUCCESS)
}

fn shown(me: &Me, look: &Look) -> String {
    let via = match me.via {
        Via::Session => "a session",
        Via::Token => "a token",
        Via::Voucher => "the word of a configuration server",
        Via::ManagementToken => "the engine's weir.management.token",
        Via::Machine => "this is the engine's machine, which it trusts",
        Via::Nothing => "nobody is logged in",
    };
    let user = me.user.as_ref().map_or("-", UserName::as_str).to_owned();
    let mut facts = vec![("user", user), ("by", via.to_owned())];
    if let Some(expires_at) = me.expires_at {
        facts.push(("expires", relative(look.now, expires_at)));
    }
    if me.must_change {
        facts.push(("first", "change the password: weir user password".to_owned()));
    }
    facts.push(("may", may(me)));
    table::facts(&facts)
}

fn may(me: &Me) -> String {
    let is_everything = me.grants.values().all(|it| *it == Extent::Everything);
    if me.grants.len() == UserClaim::ALL.len() && is_everything {
        return "everything".to_owned();
    }
    let everywhere = me.grants.iter().map(|it| allowed(it, None));
    let at = me.at_clusters.iter();
    let at = at.flat_map(|(name, claims)| claims.iter().map(move |it| allowed(it, Some(name))));
    let all: Vec<_> = everywhere.chain(at).collect();
    if all.is_empty() { "what everybody may".to_owned() } else { all.join(", ") }
}

fn allowed((claim, extent): (&UserClaim, &Extent), cluster: Option<&ClusterName>) -> String {
    let at = cluster.map(|it| format!(" at {it}")).unwrap_or_default();
    match extent {
        Extent::Everything => format!("{claim}{at}"),
        Extent::Projects(them) => {
            let them: Vec<_> = them.iter().map(|it| it.as_str()).collect();
            format!("{claim} in {}{at}", them.join(" and "))
        }
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::cli::samples::{LOOK, ago};

    #[test]
    fn a_way_that_others_can_listen_to_is_told_from_one_that_they_can_not() {
        for server in ["http://node-1:5842", "http://10.0.0.1:5842", "http://[fe80::1]:5842"] {
            assert!(is_clear(server), "{server}");
        }
        for server in
            ["https://node-1", "http://127.0.0.1:5842", "http://[::1]:1", "http://localhost"]
        {
            assert!(!is_clear(server), "{server}");
        }
    }

    #[test]
    fn who_one_is_and_what_one_may() {
        let flights = Extent::Projects(["flights".parse().expect("a name")].into());
        let grants =
            [(UserClaim::ClusterRead, Extent::Everything), (UserClaim::DeploymentWrite, flights)];
        let control = [(UserClaim::StreamControl, Extent::Everything)];
        let me = Me {
            user: Some("ada".parse().expect("a name")),
            via: Via::Session,
            grants: grants.into(),
            at_clusters: [("east".parse().expect("a name"), control.into())].into(),
            expires_at: Some(ago(-3_600)),
            must_change: false,
        };
        assert_eq!(
            shown(&me, &LOOK),
            "\
user:     ada
by:       a session
expires:  in 1h
may:      cluster:read, deployment:write in flights, stream:control at east
"
        );
    }
}
