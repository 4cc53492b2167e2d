//! Arguments that several commands share.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use weir_conf::Settings;
use weir_domain::{ClusterName, Millis, parse_duration};
use weir_http_api::Concealed;
use weir_http_client::{Authority, Client, Management};
use weir_runtime::{IdSource, SystemClock};

use super::exit::Reason;
use super::failure::Failure;
use super::files;
use super::output::Format;
use super::profile::{Chosen, Profiles};

#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The engine or configuration server to ask; without it that of the profile, or
    /// http://127.0.0.1:5842
    #[arg(
        long,
        global = true,
        env = "WEIR_SERVER",
        value_name = "URL",
        help_heading = "Global options"
    )]
    pub(crate) server: Option<String>,
    /// The profile to use: a server, and who one is there
    #[arg(
        long,
        global = true,
        env = "WEIR_PROFILE",
        value_name = "NAME",
        help_heading = "Global options"
    )]
    pub(crate) profile: Option<String>,
    /// Which cluster of a configuration server to ask; without it its default one. `weir fleet list` lists them
    #[arg(
        long,
        global = true,
        env = "WEIR_CLUSTER",
        value_name = "NAME",
        help_heading = "Global options"
    )]
    pub(crate) cluster: Option<ClusterName>,
    /// How to write the answer
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        value_name = "FORMAT",
        default_value = "table",
        help_heading = "Global options"
    )]
    pub(crate) output: Format,
    /// The authority that signed the server's certificate, a PEM file; without it that of the
    /// profile, or those this machine trusts
    #[arg(
        long,
        global = true,
        env = "WEIR_CA",
        value_name = "FILE",
        help_heading = "Global options"
    )]
    pub(crate) ca: Option<PathBuf>,
    /// Write without colours, as when NO_COLOR is set
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) no_color: bool,
}

impl Global {
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let place = self.place()?;
        let client = place.client("can't ask the server", place.token()?)?;
        Ok(client.in_cluster(self.cluster.as_ref().map(ToString::to_string)))
    }

    /// A client of the configuration server.
    pub(crate) fn design(&self) -> Result<Client, Failure> {
        let place = match self.names_server()? {
            true => self.place()?,
            false => {
                Place { server: DESIGN.to_owned(), chosen: None, authority: self.authority(None)? }
            }
        };
        place.client("can't ask the configuration server", place.token()?)
    }

    /// Whether somebody said which server to ask.
    pub(crate) fn names_server(&self) -> Result<bool, Failure> {
        Ok(self.server.is_some() || self.chosen()?.is_some())
    }

    /// Which server to ask, and who one is there. A profile's session is shown to its own server and
    /// to no other one.
    pub(crate) fn place(&self) -> Result<Place, Failure> {
        let chosen = self.chosen()?;
        let (server, chosen) = match (&self.server, chosen) {
            (Some(server), chosen) => {
                (server.clone(), chosen.filter(|it| it.profile.server == *server))
            }
            (None, Some(chosen)) => (chosen.profile.server.clone(), Some(chosen)),
            (None, None) => (SERVER.to_owned(), None),
        };
        let authority = self.authority(chosen.as_ref())?;
        Ok(Place { server, chosen, authority })
    }

    /// Who must have signed the certificates of the servers that are asked: what is named, or else what the
    /// profile says.
    fn authority(&self, chosen: Option<&Chosen>) -> Result<Authority, Failure> {
        let of_profile = || chosen?.profile.ca.as_deref();
        let Some(path) = self.ca.as_deref().or_else(of_profile) else {
            return Ok(Authority::default());
        };
        let refused = |why: String| {
            let what = format!("can't use {} as the authority of servers", path.display());
            Failure::new(Reason::Usage, what, why)
                .with_hint("--ca FILE, with a PEM file that has the authority's certificate")
        };
        let pem = std::fs::read(path).map_err(|it| refused(it.to_string()))?;
        Authority::of_pem(&pem).map_err(refused)
    }

    /// The same, for a server to log in at.
    pub(crate) fn authority_at(&self, server: &str) -> Result<Authority, Failure> {
        self.authority(self.known_at(server)?.as_ref())
    }

    /// What is named, so that it is found from elsewhere, too.
    pub(crate) fn ca(&self) -> Option<PathBuf> {
        let path = self.ca.as_ref()?;
        Some(std::path::absolute(path).unwrap_or_else(|_| path.clone()))
    }

    fn chosen(&self) -> Result<Option<Chosen>, Failure> {
        Profiles::load()?.chosen(self.profile.as_deref())
    }

    /// Which server to log in at. A profile that is named and not there yet is made by that.
    pub(crate) fn server_to_log_in(&self) -> Result<String, Failure> {
        let is_new = |name: &str| Ok::<_, Failure>(!Profiles::load()?.has(name));
        match self.profile.as_deref() {
            Some(name) if is_new(name)? => {
                Ok(self.server.clone().unwrap_or_else(|| SERVER.to_owned()))
            }
            _ => Ok(self.place()?.server),
        }
    }

    /// What of one's own may be shown at a server, where it need not be good any more.
    pub(crate) fn shown_at(&self, server: &str) -> Result<Option<Concealed>, Failure> {
        // What can't be shown is not good any more either.
        Ok(self.known_at(server)?.and_then(|it| it.session().ok().flatten()))
    }

    /// The profile that is used, where it is one of that server.
    fn known_at(&self, server: &str) -> Result<Option<Chosen>, Failure> {
        let profiles = Profiles::load()?;
        let name = self.profile.as_deref().filter(|it| profiles.has(it));
        Ok(profiles.chosen(name)?.filter(|it| it.profile.server == server))
    }
}

/// Where commands go.
pub(crate) struct Place {
    pub(crate) server: String,
    /// The profile whose server it is.
    chosen: Option<Chosen>,
    authority: Authority,
}

impl Place {
    /// What is shown there: a token of one's own, or else the profile's session.
    fn token(&self) -> Result<Option<Concealed>, Failure> {
        match own()? {
            Some(token) => Ok(Some(token)),
            None => self.session(),
        }
    }

    fn session(&self) -> Result<Option<Concealed>, Failure> {
        self.chosen.as_ref().map_or(Ok(None), Chosen::session)
    }

    /// What can be ended there: the profile's session, or else what a token of one's own stands for.
    /// Refused only where the profile keeps a session that can't be shown.
    pub(crate) fn to_log_out(&self) -> Result<Option<Concealed>, Failure> {
        Ok(self.session()?.or_else(|| own().ok().flatten()))
    }

    pub(crate) fn client(&self, what: &str, token: Option<Concealed>) -> Result<Client, Failure> {
        let client = Client::trusting(&self.server, &self.authority);
        Ok(client.map_err(|it| Failure::of_client(what, it))?.with_token(token))
    }
}

/// A configuration server on this machine.
const DESIGN: &str = "http://127.0.0.1:5841";
/// An engine on this machine.
pub(crate) const SERVER: &str = "http://127.0.0.1:5842";
/// Its management server.
const MANAGEMENT: &str = "http://127.0.0.1:8558";

/// What a command is shown with that not everybody may give.
#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    /// A file with the token that commands need; without it the variable WEIR_MANAGEMENT_TOKEN or
    /// WEIR_TOKEN, or the session of the profile
    #[arg(long, global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

impl TokenArgs {
    /// Never an argument: other users of the machine see those.
    pub(crate) fn token(&self) -> Result<Option<Concealed>, Failure> {
        let token = match &self.token_file {
            Some(file) => shown(&files::text("the token", file)?, &file.display().to_string())?,
            None => of_variable("WEIR_MANAGEMENT_TOKEN")?,
        };
        token.map_or_else(own, |it| Ok(Some(it)))
    }

    fn is_given(&self) -> bool {
        self.token_file.is_some() || std::env::var_os("WEIR_MANAGEMENT_TOKEN").is_some()
    }

    /// A client that shows the token, where there is one.
    pub(crate) fn client(&self, client: &Client) -> Result<Client, Failure> {
        let client = client.clone();
        Ok(match self.token()? {
            Some(token) => client.with_token(Some(token)),
            None => client,
        })
    }
}

/// A token of one's own, for programs.
fn own() -> Result<Option<Concealed>, Failure> {
    of_variable("WEIR_TOKEN")
}

fn of_variable(name: &str) -> Result<Option<Concealed>, Failure> {
    let text = std::env::var_os(name).unwrap_or_default();
    shown(&text.to_string_lossy(), &format!("the variable {name}"))
}

/// What is shown to a server as it stands `within` something; `None` where nothing does. What can't
/// stand in a header is no token, and is refused before anything is sent, without repeating it.
pub(crate) fn shown(text: &str, within: &str) -> Result<Option<Concealed>, Failure> {
    let token = text.trim();
    match token.bytes().position(|it| !it.is_ascii_graphic()) {
        None => Ok(Some(token).filter(|it| !it.is_empty()).map(Concealed::new)),
        Some(at) => {
            let why =
                format!("a token is one word of plain characters, and byte {} is none", at + 1);
            let failure =
                Failure::new(Reason::Usage, format!("the token in {within} can't be shown"), why);
            Err(failure.with_hint("write the token there as it was printed, on one line"))
        }
    }
}

/// For who may have to send a command again.
#[derive(Debug, Clone, Args)]
pub(crate) struct Once {
    /// A text of one's own: the same command with the same text is carried out once, however often
    /// it is sent
    #[arg(long, global = true, value_name = "TEXT", value_parser = plain_text)]
    idempotency_key: Option<String>,
}

/// What servers take as a key.
fn plain_text(text: &str) -> Result<String, String> {
    let is_plain = text.trim() == text && text.chars().all(|it| it == ' ' || it.is_ascii_graphic());
    match is_plain && (1..=KEY_MAX).contains(&text.len()) {
        true => Ok(text.to_owned()),
        false => Err(format!("write 1 to {KEY_MAX} plain characters")),
    }
}

const KEY_MAX: usize = 255;

impl Once {
    pub(crate) fn client(&self, client: &Client) -> Client {
        client.clone().with_idempotency_key(self.idempotency_key.clone())
    }

    pub(crate) fn management(&self, client: Management) -> Management {
        client.with_idempotency_key(self.idempotency_key.clone())
    }

    /// One in any case, for what is sent again though nobody asks for that: it is done once.
    pub(crate) fn key(&self) -> String {
        let fresh = || IdSource::new(Arc::new(SystemClock)).command().to_string();
        self.idempotency_key.clone().unwrap_or_else(fresh)
    }

    pub(crate) fn is_given(&self) -> bool {
        self.idempotency_key.is_some()
    }

    /// For a command that sends along what it has just read. Somebody could change that before it is
    /// sent again: then it would be another command, carried out too, but for the revision.
    pub(crate) fn needs_revision(
        &self,
        revision: Option<u64>,
        what: &str,
        read: &str,
    ) -> Result<(), Failure> {
        if !self.is_given() || revision.is_some() {
            return Ok(());
        }
        let why = format!("{read} is not given, and could differ when this is sent again");
        let failure = Failure::new(Reason::Usage, what, why);
        Err(failure.with_hint("give it, too, or the revision that `show` tells, with --revision"))
    }
}

/// Which management server to ask, and what to show it.
#[derive(Debug, Args)]
pub(crate) struct ManagementArgs {
    /// The management server of an engine; without it that of the profile, or
    /// http://127.0.0.1:8558
    #[arg(long, global = true, env = "WEIR_MANAGEMENT", value_name = "URL")]
    pub(crate) management: Option<String>,
    #[command(flatten)]
    token: TokenArgs,
}

impl ManagementArgs {
    pub(crate) fn client(&self, global: &Global) -> Result<Management, Failure> {
        let (token, chosen) = (self.token.token()?, global.chosen()?);
        let of_profile = chosen.as_ref().and_then(|it| it.profile.management.as_deref());
        let base = self.management.as_deref().or(of_profile).unwrap_or(MANAGEMENT);
        let client =
            Management::trusting(base, &global.authority(chosen.as_ref())?).map_err(|error| {
                let failure = Failure::of_client("can't ask the management server", error);
                failure.with_hint("weir cluster status --management http://127.0.0.1:8558")
            })?;
        let token = match (token, chosen) {
            (None, Some(chosen)) => chosen.session_for(&client)?,
            (token, _) => token,
        };
        Ok(client.with_token(token))
    }

    /// Whom a question goes to that servers of the REST API answer, too: where somebody names one of those and no
    /// management server, that one, with the right of who is logged in there.
    pub(crate) fn asked(&self, global: &Global) -> Result<Asked, Failure> {
        let chosen = global.chosen()?;
        let is_managed = self.management.is_some()
            || chosen.as_ref().is_some_and(|it| it.profile.management.is_some())
            || self.token.is_given();
        match global.names_server()? && !is_managed {
            true => Ok(Asked { client: global.client()?, refused: Failure::of_client }),
            false => {
                let client = self.client(global)?.as_client().clone();
                Ok(Asked { client, refused: Failure::of_management })
            }
        }
    }
}

/// Who answers a question about the cluster.
pub(crate) struct Asked {
    pub(crate) client: Client,
    refused: fn(String, weir_http_client::Error) -> Failure,
}

impl Asked {
    pub(crate) fn refused(
        &self,
        what: impl Into<String>,
        error: weir_http_client::Error,
    ) -> Failure {
        (self.refused)(what.into(), error)
    }
}

/// Whether to wait for the end of what was begun.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Wait {
    /// Wait until it is done
    #[arg(long)]
    wait: bool,
    /// Wait no longer than this, as 90s; 5m if it is not said
    #[arg(long, value_name = "TIME", requires = "wait", value_parser = parse_duration)]
    timeout: Option<Millis>,
}

impl Wait {
    /// How long to wait; `None`: not at all.
    pub(crate) fn limit(self) -> Option<Millis> {
        self.wait.then(|| self.timeout.unwrap_or(WAIT_MAX))
    }
}

/// How long to wait where nobody says it.
pub(crate) const WAIT_MAX: Millis = Millis::seconds(300);

/// Where the configuration of a process comes from.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ConfArgs {
    /// A HOCON file over the built-in defaults
    #[arg(long, value_name = "FILE")]
    pub(crate) conf: Option<PathBuf>,
    /// Set one key over all files, as -D weir.logging.level=debug; may be repeated
    #[arg(short = 'D', value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

impl ConfArgs {
    pub(crate) fn settings(&self) -> Result<Settings, Failure> {
        let refuse = |findings| Failure::of_findings("the configuration is not valid", findings);
        Settings::load(self.conf.as_deref(), &self.set).map_err(refuse)
    }
}

/// Arguments of `weir dev`.
#[derive(Debug, Clone, Args)]
pub(crate) struct DevArgs {
    /// Where everything is kept between starts, over weir.data-dir (./.weir)
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The project to run instead of the sample
    #[arg(long, value_name = "DIR")]
    pub(crate) project: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) conf: ConfArgs,
}

/// Arguments of `weir config-server` and `weir reactive-engine`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServerArgs {
    #[command(flatten)]
    pub(crate) conf: ConfArgs,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples::LOOK;

    #[test]
    fn a_token_that_no_header_can_hold_is_refused_with_its_place_and_not_repeated() {
        let taken = |text| shown(text, "t.txt").map(|it| it.map(|it| it.expose().to_owned()));
        assert_eq!(
            taken("weir_abc\n").expect("a line's end is none of it"),
            Some("weir_abc".into())
        );
        assert_eq!(taken(" \n").expect("nothing"), None);
        for text in ["weir_abc\nweir_def", "weir_abc def", "weir_ä", "weir_\u{7f}x"] {
            let refused = shown(text, "t.txt").expect_err("it is no token");
            let told = refused.text(&LOOK);
            assert!(told.starts_with("error: the token in t.txt can't be shown\n"), "{told}");
            assert!(told.contains("WEIR-07310") && !told.contains("weir_"), "{told}");
        }
    }

    #[test]
    fn a_key_that_no_server_takes_is_refused_at_once() {
        assert!(plain_text("leavers 2026-11").is_ok());
        for bad in ["", " ", "a\nb", "ä", &"x".repeat(256)] {
            assert!(plain_text(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_was_read_is_sent_under_a_key_with_its_revision_alone() {
        let of = |key: Option<&str>| Once { idempotency_key: key.map(str::to_owned) };
        let asked = |once: &Once, revision| once.needs_revision(revision, "can't", "the rest");
        assert!(asked(&of(None), None).is_ok());
        assert!(asked(&of(Some("k")), Some(3)).is_ok());
        assert!(asked(&of(Some("k")), None).is_err());
    }
}
