//! What a configuration server keeps as files, and back again.
//!
//! A backup is a directory: the store as it was at one moment, and the projects that lie below the server's own
//! directory, with their history. The server may run meanwhile: of a project each file is as it was at one moment.
//! Its keys are in it only where that is asked for: whoever has them can open the projects' secrets and speak for
//! the server's users.

mod tree;

use std::io;
use std::path::{Path, PathBuf};

use weir_conf::Settings;
use weir_conf::settings::CONFIG_SERVER_DIR;
use weir_domain::Fault;

use super::config_server::LOCK;
use super::lock::{self, DataDir};
use super::{master, packages, project_versions, refusal, vouching};

/// What a backup consists of.
const STORE: &str = "weir.db";
const PROJECTS: &str = "projects";
const KEYS: &str = "keys";

/// Whether a backup has the server's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keys {
    With,
    Without,
}

/// Copies what the server of these settings keeps into a new directory. What is done, and what is not in it.
pub(crate) async fn backup(
    settings: &Settings,
    to: &Path,
    keys: Keys,
) -> Result<Vec<String>, Fault> {
    let store = store(settings)?;
    if !store.exists() {
        // `weir dev` keeps all in one store, which is its engine's.
        let of_dev = settings.data_dir.join(STORE);
        if of_dev.exists() && !settings.data_dir.join(CONFIG_SERVER_DIR).join(STORE).exists() {
            let message = format!(
                "there is no store of a configuration server in {}: what is there is of `weir dev`, or of an engine",
                settings.data_dir.display()
            );
            return Err(Fault::config(185, message).with_hint(
                "stop `weir dev` and copy its whole data directory; or name the server's own with --conf or \
                 -D weir.data-dir=DIR",
            ));
        }
        let message = format!("there is no store to back up: {} is not there", store.display());
        return Err(Fault::config(185, message).with_hint(
            "give the configuration of the server, or its weir.data-dir, with --conf or -D",
        ));
    }
    is_free(to)?;
    lock::make(to).map_err(|it| failed(to, &it))?;
    let copied = weir_persistence_sql::sqlite::copy(&store, &to.join(STORE)).await;
    copied.map_err(|it| refusal::of_store(&it))?;
    let mut steps = vec![format!("the store is in {}", to.join(STORE).display())];
    let (projects, copy) = (projects(settings), to.join(PROJECTS));
    if projects.exists() {
        let count = tree::copy(&projects, &copy).map_err(|it| failed(&copy, &it))?;
        steps.push(format!("the projects are in {}: {count} files", copy.display()));
    }
    let own = own_files(settings);
    let mut left = Vec::new();
    for Own { file, is_key, loss } in own {
        let Some(name) = file.file_name().filter(|_| file.exists()) else { continue };
        if is_key && keys == Keys::Without {
            left.push(format!("not in it is {}: without it {loss}", file.display()));
            continue;
        }
        let dir = to.join(KEYS);
        lock::make(&dir).map_err(|it| failed(&dir, &it))?;
        let copy = dir.join(name);
        tree::copy_file(&file, &copy).map_err(|it| failed(&copy, &it))?;
        steps.push(format!("{} is in {}", file.display(), copy.display()));
    }
    steps.extend(left);
    let elsewhere = weir_workspace::Workspace::below(projects).projects().unwrap_or_default();
    let elsewhere = elsewhere.iter().filter(|it| it.home != weir_workspace::Home::Own);
    steps.extend(elsewhere.map(|it| {
        format!("not in it is the project {}, which lies in {}", it.name, it.dir.display())
    }));
    steps.push("not in it are packages that were built, and results of operations".to_owned());
    Ok(steps)
}

/// Puts a backup where the server of these settings looks for it, which must be an empty place. The server must
/// not run. The store comes last: where it is, all of the backup is.
pub(crate) async fn restore(settings: &Settings, from: &Path) -> Result<Vec<String>, Fault> {
    let (source, store) = (from.join(STORE), store(settings)?);
    if !source.exists() {
        let message = format!("{} is no backup: it has no {STORE}", from.display());
        return Err(Fault::config(186, message)
            .with_hint("name the directory that `weir config-server backup DIR` made"));
    }
    let sound = weir_persistence_sql::sqlite::verify(&source).await;
    sound.map_err(|it| {
        let message = format!("{} is damaged: {it}", source.display());
        Fault::config(184, message).with_hint("nothing was restored: take another backup")
    })?;
    let own_dir = settings.data_dir.join(CONFIG_SERVER_DIR);
    // Held until the files are there.
    let _dir = DataDir::open(&own_dir, LOCK).map_err(|error| {
        let other = |it: anyhow::Error| Fault::config(187, format!("{it:#}"));
        error.downcast::<Fault>().unwrap_or_else(other)
    })?;
    is_free(&store)?;
    // What SQLite finds beside a database it takes for a part of it.
    for part in ["-wal", "-shm", "-journal"] {
        let mut name = store.clone().into_os_string();
        name.push(part);
        is_free(Path::new(&name))?;
    }
    let files = own_files(settings).into_iter().filter_map(|it| {
        let saved = from.join(KEYS).join(it.file.file_name()?);
        saved.exists().then_some((saved, it.file))
    });
    let files: Vec<_> = files.collect();
    files.iter().try_for_each(|it| is_free(&it.1))?;
    let (saved, projects) = (from.join(PROJECTS), projects(settings));
    if saved.exists() && projects.read_dir().is_ok_and(|mut it| it.next().is_some()) {
        is_free(&projects)?;
    }
    let mut steps = Vec::new();
    if saved.exists() {
        let count = tree::copy(&saved, &projects).map_err(|it| failed(&projects, &it))?;
        steps.push(format!("the projects are in {}: {count} files", projects.display()));
    }
    for (saved, file) in files {
        tree::copy_whole(&saved, &file).map_err(|it| failed(&file, &it))?;
        steps.push(format!("{} is there", file.display()));
    }
    tree::copy_whole(&source, &store).map_err(|it| failed(&store, &it))?;
    steps.push(format!("the store is {}", store.display()));
    Ok(steps)
}

/// A file of the server's own beside its store.
struct Own {
    file: PathBuf,
    is_key: bool,
    /// What can't be done where it is lost.
    loss: &'static str,
}

/// Those that the server made itself. What the settings name is kept by whoever put it there.
fn own_files(settings: &Settings) -> Vec<Own> {
    let data_dir = &settings.data_dir;
    let own_dir = data_dir.join(CONFIG_SERVER_DIR);
    let secrets = &settings.secrets.master_key;
    let has_own_master = secrets.file.is_none() && secrets.variable.is_none();
    let key =
        |is_own: bool, file: PathBuf, loss| is_own.then_some(Own { file, is_key: true, loss });
    let credentials = data_dir.join(project_versions::credentials::FILE);
    let loss = "passwords of remotes are to be given again";
    [
        key(has_own_master, data_dir.join(master::FILE), "what is sealed under it can't be opened"),
        key(
            settings.packages.signing_key.is_none(),
            data_dir.join(packages::FILE),
            "engines must be told to trust the next one before they take packages",
        ),
        key(
            settings.config_server.signing_key.is_none(),
            own_dir.join(vouching::FILE),
            "clusters must be told to trust the next one before users are let in there",
        ),
        Some(Own { file: credentials, is_key: false, loss }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn store(settings: &Settings) -> Result<PathBuf, Fault> {
    let persistence = &settings.config_server.persistence;
    match persistence.server() {
        None => Ok(settings.data_dir.join(CONFIG_SERVER_DIR).join(&persistence.sqlite.file)),
        Some(it) => {
            let message = format!("the store is the database {} on {}", it.database, it.host);
            Err(Fault::config(184, message).with_hint(
                "back it up with the database's own tools, as mariadb-dump --single-transaction or pg_dump",
            ))
        }
    }
}

fn projects(settings: &Settings) -> PathBuf {
    settings.in_data_dir(&settings.config_server.projects_dir)
}

fn is_free(path: &Path) -> Result<(), Fault> {
    match path.exists() {
        false => Ok(()),
        true => Err(Fault::config(188, format!("{} is there already", path.display()))
            .with_hint("nothing is overwritten: move it away, with all whose names begin like it")),
    }
}

fn failed(path: &Path, error: &io::Error) -> Fault {
    Fault::config(189, format!("{} can't be written: {error}", path.display()))
}
