//! `weir profile`: servers, and who one is there.
//!
//! They are kept in one file that only its user may read (`profiles.json` with mode 0600, below
//! `$WEIR_CONFIG_DIR`, `$XDG_CONFIG_HOME/weir` or `~/.config/weir`). A session is in there as it is.

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use serde::{Deserialize, Serialize};
use weir_domain::{Misread, did_you_mean};
use weir_http_api::{Concealed, Page};
use weir_http_client::{Client, Management};

use super::args::shown;
use super::exit::Reason;
use super::failure::Failure;
use super::files;
use super::human::plain;
use super::look::Look;
use super::output::Output;
use super::table::{self, Column, Rows};

/// The one that is made where none is named.
const FIRST: &str = "default";

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List profiles
    #[command(visible_alias = "ls")]
    List,
    /// Use a profile from now on
    Use { name: String },
    /// Make a profile, or change its server: who changes it is logged out there. An authority named
    /// with --ca is kept in it
    Set {
        name: String,
        /// Its engine
        #[arg(long = "url", value_name = "URL")]
        url: String,
        /// Its management server, which `weir cluster` asks then, and which the session is shown to
        #[arg(long, value_name = "URL")]
        management: Option<String>,
    },
    /// Forget a profile, with the session in it
    Delete { name: String },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub(crate) server: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) management: Option<String>,
    /// A file with the authority that signed the certificates of both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ca: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<String>,
    /// The session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<Concealed>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Profiles {
    #[serde(default)]
    current: Option<String>,
    #[serde(default)]
    profiles: BTreeMap<String, Profile>,
}

/// The profile that a command uses.
#[derive(Debug)]
pub(crate) struct Chosen {
    name: String,
    pub(crate) profile: Profile,
}

impl Chosen {
    /// The session in it; refused where it was spoiled, so that it can be shown to nobody.
    pub(crate) fn session(&self) -> Result<Option<Concealed>, Failure> {
        let Some(token) = &self.profile.token else { return Ok(None) };
        let session = shown(token.expose(), &format!("profile {:?}", self.name));
        session.map_err(|it| it.with_hint(format!("weir login USER --profile {}", self.name)))
    }

    /// The session, where it may be shown to a management server: that of the profile, or one that
    /// the host of its server has.
    pub(crate) fn session_for(&self, client: &Management) -> Result<Option<Concealed>, Failure> {
        let Profile { server, management, .. } = &self.profile;
        let is_its_own = management.as_deref().is_some_and(|it| client.is_at(it));
        match is_its_own || client.is_beside(server) {
            true => self.session(),
            false => Ok(None),
        }
    }
}

/// What is shown of one.
#[derive(Debug, Serialize)]
struct Listed {
    name: String,
    current: bool,
    server: String,
    management: Option<String>,
    user: Option<String>,
}

impl Profiles {
    /// None at all, where there is no file.
    pub(crate) fn load() -> Result<Self, Failure> {
        file()?.map_or_else(|| Ok(Self::default()), |it| Self::read(&it))
    }

    fn read(file: &Path) -> Result<Self, Failure> {
        let what = || format!("can't read the profiles in {}", file.display());
        let text = match fs::read_to_string(file) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            text => text
                .map_err(|it| files::unread(format!("the profiles in {}", file.display()), &it))?,
        };
        let hint = "mend the file, or delete it and log in again";
        serde_json::from_str(&text).map_err(|it| {
            // A session is in there: what stands in it is not repeated.
            let why = Misread::of(&it.to_string()).discreet();
            Failure::new(Reason::Unusable, what(), why).with_hint(hint)
        })
    }

    /// The one that is named, or else the current one.
    pub(crate) fn chosen(mut self, name: Option<&str>) -> Result<Option<Chosen>, Failure> {
        let Some(name) = name.map(str::to_owned).or_else(|| self.current.clone()) else {
            return Ok(None);
        };
        match self.profiles.remove(&name) {
            Some(profile) => Ok(Some(Chosen { name, profile })),
            None => Err(self.unknown(&name)),
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.profiles.contains_key(name)
    }

    /// Refuses a server that is not that of the profile in which it would be remembered.
    pub(crate) fn check_server(&self, name: Option<&str>, server: &str) -> Result<(), Failure> {
        let name = name.or(self.current.as_deref()).unwrap_or(FIRST);
        match self.profiles.get(name).filter(|it| it.server != server) {
            None => Ok(()),
            Some(known) => {
                let what = format!("profile {name} is not for {server}");
                let why = format!("its server is {}", known.server);
                let hint =
                    "--profile NAME names another one; `weir profile set` changes its server";
                Err(Failure::new(Reason::Contradiction, what, why).with_hint(hint))
            }
        }
    }

    /// Remembers who one is at a server; `None`: nobody any more.
    pub(crate) fn remember(
        self,
        name: Option<&str>,
        (server, ca): (&str, Option<PathBuf>),
        session: Option<(String, Concealed)>,
    ) -> Result<(), Failure> {
        let name = name.map(str::to_owned).or_else(|| self.current.clone());
        let name = name.unwrap_or_else(|| FIRST.to_owned());
        let (user, token) = session.unzip();
        let known = self.profiles.get(&name).filter(|it| it.server == server);
        let management = known.and_then(|it| it.management.clone());
        let ca = ca.or_else(|| known.and_then(|it| it.ca.clone()));
        let profile = Profile { server: server.to_owned(), management, ca, user, token };
        self.keep(name, profile)
    }

    fn keep(mut self, name: String, profile: Profile) -> Result<(), Failure> {
        self.profiles.insert(name.clone(), profile);
        self.current.get_or_insert(name);
        self.save()
    }

    fn save(&self) -> Result<(), Failure> {
        let Some(file) = file()? else {
            let why = "neither WEIR_CONFIG_DIR, XDG_CONFIG_HOME nor HOME is set";
            return Err(Failure::new(Reason::Usage, "can't keep the profile", why)
                .with_hint("WEIR_CONFIG_DIR=~/.config/weir"));
        };
        let what = || format!("the profiles in {}", file.display());
        self.write(&file).map_err(|it| files::unwritten(what(), &it))
    }

    /// In one step, so that a session is neither lost nor seen by others while it is written.
    fn write(&self, file: &Path) -> std::io::Result<()> {
        let directory = file.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(directory)?;
        let draft = file.with_extension(format!("{}.draft", std::process::id()));
        // Who had the same id may have been killed here.
        let _ = fs::remove_file(&draft);
        let mut options = OpenOptions::new();
        let mut writer = options.write(true).create_new(true).mode(0o600).open(&draft)?;
        let text = serde_json::to_string_pretty(self)? + "\n";
        let written = writer.write_all(text.as_bytes()).and_then(|()| writer.sync_all());
        let written = written.and_then(|()| fs::rename(&draft, file));
        if written.is_err() {
            // What is left of it may hold a session.
            let _ = fs::remove_file(&draft);
        }
        written
    }

    fn unknown(&self, name: &str) -> Failure {
        let near = did_you_mean(name, self.profiles.keys().map(String::as_str));
        let hint = near.map_or_else(
            || "weir profile list".to_owned(),
            |it| format!("did you mean {it:?}? `weir profile list` lists all"),
        );
        let why = "`weir profile set` and `weir login` make one";
        Failure::new(Reason::Unknown, format!("there is no profile {name:?}"), why).with_hint(hint)
    }

    fn listed(&self) -> Page<Listed> {
        let items = self.profiles.iter().map(|(name, it)| Listed {
            name: name.clone(),
            current: self.current.as_ref() == Some(name),
            server: it.server.clone(),
            management: it.management.clone(),
            user: it.user.clone(),
        });
        Page { items: items.collect(), next_cursor: None }
    }
}

/// Where they are kept; `None`: nowhere is known where.
fn file() -> Result<Option<PathBuf>, Failure> {
    let of = |name| env::var_os(name).filter(|it| !it.is_empty()).map(PathBuf::from);
    let directory = of("WEIR_CONFIG_DIR")
        .or_else(|| of("XDG_CONFIG_HOME").map(|it| it.join("weir")))
        .or_else(|| of("HOME").map(|it| it.join(".config/weir")));
    Ok(directory.map(|it| it.join("profiles.json")))
}

impl Verb {
    /// `ca` is kept with a server that is set.
    pub(crate) fn run(self, ca: Option<PathBuf>, out: &Output) -> Result<ExitCode, Failure> {
        let mut profiles = Profiles::load()?;
        match self {
            Self::List => out.show(&profiles.listed(), table)?,
            Self::Use { name } => {
                if !profiles.has(&name) {
                    return Err(profiles.unknown(&name));
                }
                profiles.current = Some(name);
                profiles.save()?;
            }
            Self::Set { name, url, management } => {
                check_places(&name, &url, management.as_deref())?;
                let profile = Profile { server: url, management, ca, user: None, token: None };
                profiles.keep(name, profile)?;
            }
            Self::Delete { name } => {
                if profiles.profiles.remove(&name).is_none() {
                    return Err(profiles.unknown(&name));
                }
                profiles.current = profiles.current.filter(|it| *it != name);
                profiles.save()?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What can't be asked is not kept.
fn check_places(name: &str, url: &str, management: Option<&str>) -> Result<(), Failure> {
    let what = || format!("can't keep the profile {name:?}");
    Client::new(url).map_err(|it| {
        let hint = format!("weir profile set {name} --url http://127.0.0.1:5842");
        Failure::of_client(what(), it).with_hint(hint)
    })?;
    let Some(management) = management else { return Ok(()) };
    Management::new(management).map(drop).map_err(|it| {
        let hint =
            format!("weir profile set {name} --url {url} --management http://127.0.0.1:8558");
        Failure::of_client(what(), it).with_hint(hint)
    })
}

fn table(page: &Page<Listed>, look: &Look) -> String {
    use Column::Text;
    let mut rows = Rows::new(look, &[Text("PROFILE"), Text("SERVER"), Text("USER")], &[]);
    for it in &page.items {
        let mark = if it.current { "* " } else { "  " };
        rows.add(
            vec![
                table::text(&format!("{mark}{}", plain(&it.name))),
                table::text(&it.server),
                table::text(it.user.as_deref().unwrap_or("-")),
            ],
            vec![],
        );
    }
    rows.text()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::cli::exit::Exit;
    use crate::cli::samples::LOOK;

    fn profiles() -> Profiles {
        let server = "http://node-1:5842".to_owned();
        let (user, token) = (Some("ada".to_owned()), Some(Concealed::new("weir_session")));
        let ada = Profile { server: server.clone(), management: None, ca: None, user, token };
        let nobody = Profile { server, management: None, ca: None, user: None, token: None };
        let profiles = [("prod".to_owned(), ada), ("test".to_owned(), nobody)].into();
        Profiles { current: Some("prod".to_owned()), profiles }
    }

    #[test]
    fn a_list_of_profiles_shows_no_session() {
        let text = crate::cli::output::json(&profiles().listed()).expect("JSON");
        assert!(!text.contains("weir_session"), "{text}");
        assert_eq!(
            table(&profiles().listed(), &LOOK),
            "\
PROFILE  SERVER              USER
* prod   http://node-1:5842  ada
  test   http://node-1:5842  -
"
        );
    }

    #[test]
    fn an_address_that_is_none_is_not_kept() {
        let check = |url, management| check_places("p", url, management).map_err(|it| it.exit);
        assert_eq!(check("http://node-1:5842", Some("http://node-1:8558")), Ok(()));
        assert_eq!(check("nonsense", None), Err(Exit::Usage));
        assert_eq!(check("ftp://node-1", None), Err(Exit::Usage));
        assert_eq!(check("http://node-1:5842", Some("nonsense")), Err(Exit::Usage));
    }

    #[test]
    fn a_session_of_one_server_does_not_end_in_the_profile_of_another() {
        let check = |name, server| profiles().check_server(name, server);
        assert!(check(None, "http://node-1:5842").is_ok());
        assert!(check(Some("new"), "http://b:5842").is_ok());
        let refused = check(None, "http://b:5842").expect_err("prod is of another server");
        assert_eq!(refused.exit, Exit::Conflict);
        assert!(check(Some("test"), "http://b:5842").is_err());
        assert!(Profiles::default().check_server(None, "http://b:5842").is_ok());
    }

    #[test]
    fn profiles_are_read_as_they_were_written_and_only_by_their_user() {
        let directory = tempfile::TempDir::new().expect("a directory");
        let file = directory.path().join("deep/profiles.json");
        assert!(Profiles::read(&file).expect("none").profiles.is_empty());
        profiles().write(&file).expect("it is written");
        profiles().write(&file).expect("it is written again");
        let mode = fs::metadata(&file).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let read = Profiles::read(&file).expect("profiles").chosen(None).expect("one");
        let session = read.expect("one").session().expect("one that can be shown");
        assert_eq!(session, Some(Concealed::new("weir_session")));
        assert_eq!(fs::read_dir(directory.path().join("deep")).expect("a directory").count(), 1);
    }

    #[test]
    fn a_session_is_shown_to_the_management_of_its_own_host_and_to_the_one_that_is_named() {
        let shown = |server: &str, management: Option<&str>, asked| {
            let (user, token) = (None, Some(Concealed::new("weir_session")));
            let management = management.map(str::to_owned);
            let ca = None;
            let profile = Profile { server: server.to_owned(), management, ca, user, token };
            let chosen = Chosen { name: "prod".to_owned(), profile };
            let session = chosen.session_for(&Management::new(asked).expect("an address"));
            session.expect("one that can be shown").is_some()
        };
        assert!(shown("http://node-1:5842", None, "http://node-1:8558"));
        assert!(!shown("http://node-1:5842", None, "http://node-2:8558"));
        assert!(!shown("http://node-1:5842", None, "http://127.0.0.1:8558"));
        let named = Some("http://127.0.0.1:8558/");
        assert!(shown("http://node-1:5842", named, "http://127.0.0.1:8558"));
        assert!(!shown("http://node-1:5842", named, "http://127.0.0.1:8559"));
    }

    #[test]
    fn a_session_that_was_spoiled_is_refused_when_it_would_be_shown_and_no_sooner() {
        let mut spoiled = profiles();
        let token = Some(Concealed::new("weir_a weir_b"));
        spoiled.profiles.get_mut("prod").expect("a profile").token = token;
        let chosen = spoiled.chosen(Some("prod")).expect("it is found").expect("one");
        let elsewhere = Management::new("http://nowhere:1").expect("an address");
        assert_eq!(chosen.session_for(&elsewhere).expect("it is not shown there"), None);
        let told = chosen.session().expect_err("it can't be shown").text(&LOOK);
        assert!(told.contains("hint:  weir login USER --profile prod\n"), "{told}");
        assert!(!told.contains("weir_a"), "{told}");
    }

    #[test]
    fn a_profile_that_is_not_there_is_refused_with_the_nearest() {
        let refused = profiles().chosen(Some("prd")).expect_err("there is none");
        assert_eq!(refused.exit, Exit::NotFound);
        assert!(refused.text(&LOOK).contains("did you mean \"prod\"?"), "{refused:?}");
    }
}
