//! Credentials of remotes, in one file of the configuration server's data directory.
//!
//! - C1: nothing of a secret is on the disk but sealed, by a key pair of its own that is under the master key.
//! - C2: what is sealed says whose it is and for which address it was given: an entry that somebody moved in
//!   the file, or a remote that leads elsewhere, gets nothing.
//! - C3: the file is the old one or the new one, and its owner's alone.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

use serde::{Deserialize, Serialize};
use weir_controllers::keys::Masters;
use weir_domain::Fault;
use weir_http_api::Concealed;
use weir_secrets::{MasterKey, PrivateKey, Sealed, Secret, Wrapped, write_private};

pub(in crate::boot) const FILE: &str = "remote-credentials.json";
const VERSION: u32 = 1;

/// Whose credentials they are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Owner {
    pub(crate) project: String,
    pub(crate) remote: String,
}

/// What a remote is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Where it may be sent.
    pub(crate) address: String,
    /// None: the secret is a token.
    pub(crate) user: Option<String>,
    pub(crate) secret: Concealed,
}

/// Where credentials are kept. Blocking.
pub(crate) trait CredentialStore: Send + Sync + 'static {
    fn get(&self, of: &Owner) -> Result<Option<Kept>, Fault>;
    /// Of the remotes of a project that have any: whose they are, if they are no tokens.
    fn users(&self, project: &str) -> Result<BTreeMap<String, Option<String>>, Fault>;
    /// Puts them in the place of others.
    fn set(&self, of: &Owner, kept: &Kept) -> Result<(), Fault>;
    /// Nothing happens if there are none.
    fn forget(&self, of: &Owner) -> Result<(), Fault>;
    /// The project goes, or gets another name.
    fn project_moved(&self, from: &str, to: Option<&str>) -> Result<(), Fault>;
}

/// The master key is asked for when it is needed first: most servers keep no credentials.
type Load = Box<dyn Fn() -> Result<Masters, Fault> + Send + Sync>;

pub(crate) struct CredentialFile {
    path: PathBuf,
    load: Load,
    masters: OnceLock<Masters>,
    changing: Mutex<()>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Stored {
    version: u32,
    /// By project and remote.
    #[serde(default)]
    remotes: BTreeMap<String, BTreeMap<String, Entry>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Entry {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    key: Wrapped,
    sealed: Sealed,
}

/// What is in the seal.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    project: String,
    remote: String,
    address: String,
    user: Option<String>,
    secret: Concealed,
}

impl CredentialFile {
    pub(crate) fn new(
        data_dir: &std::path::Path,
        load: impl Fn() -> Result<Masters, Fault> + Send + Sync + 'static,
    ) -> Self {
        let (path, load) = (data_dir.join(FILE), Box::new(load));
        Self { path, load, masters: OnceLock::new(), changing: Mutex::default() }
    }

    fn masters(&self) -> Result<&Masters, Fault> {
        match self.masters.get() {
            Some(masters) => Ok(masters),
            None => {
                let loaded = (self.load)()?;
                Ok(self.masters.get_or_init(|| loaded))
            }
        }
    }

    fn read(&self) -> Result<Stored, Fault> {
        let empty = Stored { version: VERSION, remotes: BTreeMap::new() };
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(empty),
            Err(error) => return Err(self.unusable(&error.to_string())),
        };
        let stored: Stored = serde_json::from_str(&text)
            .map_err(|it| self.unusable(&format!("it is not what was written: {it}")))?;
        match stored.version {
            VERSION => Ok(stored),
            other => Err(self.unusable(&format!("it has version {other}"))),
        }
    }

    fn unusable(&self, reason: &str) -> Fault {
        let message = format!(
            "the credentials of remotes in {} can't be read: {reason}",
            self.path.display()
        );
        Fault::config(131, message).with_hint(
            "mend the file and its mode, or move it away and give the credentials of the remotes again",
        )
    }

    fn change(&self, change: impl FnOnce(&mut Stored) -> Result<(), Fault>) -> Result<(), Fault> {
        let _turn = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stored = self.read()?;
        change(&mut stored)?;
        stored.remotes.retain(|_, it| !it.is_empty());
        let text = serde_json::to_string_pretty(&stored).unwrap_or_default();
        let temporary = self.path.with_extension("new");
        let failed = |reason: String| {
            let message = format!("{} can't be written: {reason}", self.path.display());
            let hint = "nothing was changed: look at the disk and at who may write there";
            Fault::transient(132, message).with_hint(hint)
        };
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(failed(error.to_string()));
            }
            _ => {}
        }
        write_private(&temporary, &Secret::from(text)).map_err(|it| failed(it.to_string()))?;
        let above = self.path.parent().map_or_else(PathBuf::new, PathBuf::from);
        let moved = fs::rename(&temporary, &self.path)
            .and_then(|()| File::open(above).and_then(|it| it.sync_all()));
        moved.map_err(|it| failed(it.to_string()))
    }

    fn open(&self, of: &Owner, entry: &Entry) -> Result<Content, Fault> {
        let masters = self.masters()?;
        let is_named = |it: &&MasterKey| it.fingerprint() == entry.key.master();
        let master = masters.former.iter().find(is_named).unwrap_or(&masters.current);
        let closed = |reason: String| {
            let Owner { project, remote } = of;
            let message = format!(
                "the credentials of the remote {remote} of {project} can't be opened: {reason}"
            );
            Fault::config(133, message).with_hint("give the credentials of this remote again")
        };
        let key = master.unwrap(&entry.key).map_err(|it| closed(it.to_string()))?;
        let content = entry.sealed.open(&key).map_err(|it| closed(it.to_string()))?;
        let content: Content = serde_json::from_slice(content.expose())
            .map_err(|_| closed("they are not what was written".to_owned()))?;
        let is_theirs = content.project == of.project && content.remote == of.remote;
        is_theirs
            .then_some(content)
            .ok_or_else(|| closed("they are those of another one".to_owned()))
    }

    fn seal(&self, content: &Content) -> Result<Entry, Fault> {
        let key = PrivateKey::generate();
        let text = content_text(content);
        let sealed = Sealed::seal(&text, &[key.public()]).map_err(|it| Fault::from(&it))?;
        let key = self.masters()?.current.wrap(&key);
        Ok(Entry { user: content.user.clone(), key, sealed })
    }
}

/// As it is sealed; wiped when it was.
fn content_text(content: &Content) -> Secret {
    Secret::new(serde_json::to_vec(content).unwrap_or_default())
}

impl CredentialStore for CredentialFile {
    fn get(&self, of: &Owner) -> Result<Option<Kept>, Fault> {
        let stored = self.read()?;
        let entry = stored.remotes.get(&of.project).and_then(|it| it.get(&of.remote));
        let Some(entry) = entry else { return Ok(None) };
        let Content { address, user, secret, .. } = self.open(of, entry)?;
        Ok(Some(Kept { address, user, secret }))
    }

    fn users(&self, project: &str) -> Result<BTreeMap<String, Option<String>>, Fault> {
        let mut stored = self.read()?;
        let remotes = stored.remotes.remove(project).unwrap_or_default();
        Ok(remotes.into_iter().map(|(remote, it)| (remote, it.user)).collect())
    }

    fn set(&self, of: &Owner, kept: &Kept) -> Result<(), Fault> {
        let Kept { address, user, secret } = kept.clone();
        let Owner { project, remote } = of.clone();
        let entry = self.seal(&Content { project, remote, address, user, secret })?;
        self.change(|stored| {
            let remotes = stored.remotes.entry(of.project.clone()).or_default();
            remotes.insert(of.remote.clone(), entry);
            Ok(())
        })
    }

    fn forget(&self, of: &Owner) -> Result<(), Fault> {
        if !self.users(&of.project)?.contains_key(&of.remote) {
            return Ok(());
        }
        self.change(|stored| {
            stored.remotes.get_mut(&of.project).map(|it| it.remove(&of.remote));
            Ok(())
        })
    }

    fn project_moved(&self, from: &str, to: Option<&str>) -> Result<(), Fault> {
        if self.users(from)?.is_empty() {
            return Ok(());
        }
        self.change(|stored| {
            let remotes = stored.remotes.remove(from).unwrap_or_default();
            let Some(to) = to else { return Ok(()) };
            let mut moved = BTreeMap::new();
            for (remote, entry) in remotes {
                let content =
                    self.open(&Owner { project: from.to_owned(), remote: remote.clone() }, &entry)?;
                let content = Content { project: to.to_owned(), ..content };
                moved.insert(remote, self.seal(&content)?);
            }
            stored.remotes.insert(to.to_owned(), moved);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn masters(current: &MasterKey, former: &[&MasterKey]) -> Masters {
        Masters {
            current: current.clone(),
            former: former.iter().map(|it| (*it).clone()).collect(),
        }
    }

    fn store(dir: &Path, current: &MasterKey, former: &[&MasterKey]) -> CredentialFile {
        let (current, former) =
            (current.clone(), former.iter().map(|it| (*it).clone()).collect::<Vec<_>>());
        CredentialFile::new(dir, move || Ok(masters(&current, &former.iter().collect::<Vec<_>>())))
    }

    fn owner(project: &str, remote: &str) -> Owner {
        Owner { project: project.to_owned(), remote: remote.to_owned() }
    }

    fn kept(secret: &str) -> Kept {
        Kept {
            address: "https://git.example/shop".to_owned(),
            user: Some("ada".to_owned()),
            secret: Concealed::new(secret),
        }
    }

    #[test]
    fn credentials_are_kept_replaced_moved_and_forgotten_and_never_clear() {
        let dir = tempfile::tempdir().unwrap();
        let key = MasterKey::generate();
        let store = store(dir.path(), &key, &[]);
        let origin = owner("shop", "origin");
        assert_eq!(store.get(&origin).unwrap(), None);
        store.set(&origin, &kept("hunter-one")).unwrap();
        store.set(&origin, &kept("hunter-two")).unwrap();
        assert_eq!(store.get(&origin).unwrap(), Some(kept("hunter-two")));
        let text = fs::read_to_string(dir.path().join(FILE)).unwrap();
        assert!(!text.contains("hunter") && !text.contains("AGE-SECRET"), "{text}");
        store.project_moved("shop", Some("store")).unwrap();
        assert_eq!(store.get(&origin).unwrap(), None);
        assert_eq!(store.get(&owner("store", "origin")).unwrap(), Some(kept("hunter-two")));
        store.forget(&owner("store", "origin")).unwrap();
        assert!(store.users("store").unwrap().is_empty());
    }

    #[test]
    fn an_entry_that_somebody_moved_to_another_remote_opens_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let key = MasterKey::generate();
        let store = store(dir.path(), &key, &[]);
        store.set(&owner("shop", "origin"), &kept("hunter-one")).unwrap();
        let path = dir.path().join(FILE);
        let text = fs::read_to_string(&path).unwrap().replace("\"origin\"", "\"other\"");
        fs::write(&path, text).unwrap();
        let refused = store.get(&owner("shop", "other")).unwrap_err();
        assert!(refused.message.contains("those of another one"), "{refused}");
    }

    #[test]
    fn after_a_rotation_what_was_kept_opens_with_the_former_master_key_and_with_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let (old, new) = (MasterKey::generate(), MasterKey::generate());
        let origin = owner("shop", "origin");
        store(dir.path(), &old, &[]).set(&origin, &kept("hunter-one")).unwrap();
        let found = store(dir.path(), &new, &[&old]).get(&origin).unwrap();
        assert_eq!(found, Some(kept("hunter-one")));
        let refused = store(dir.path(), &new, &[]).get(&origin).unwrap_err();
        assert!(refused.message.contains("can't be opened") && refused.hint.is_some(), "{refused}");
    }
}
