//! The master key of this engine: where the settings say, or one that an engine that is alone makes.

use std::path::{Path, PathBuf};

use weir_conf::settings::Secrets;
use weir_controllers::keys::Masters;
use weir_domain::Fault;
use weir_secrets::{MasterKey, MasterSource};

use super::process::Process;

/// In the data directory of an engine that is alone.
pub(super) const FILE: &str = "master.key";

pub(super) fn load(process: &Process) -> Result<Masters, Fault> {
    load_as(&process.settings.secrets, &process.data_dir.path)
}

pub(super) fn load_as(secrets: &Secrets, data_dir: &Path) -> Result<Masters, Fault> {
    let Secrets { master_key, former_master_keys } = secrets;
    let current = match (&master_key.file, &master_key.variable) {
        (Some(path), _) => in_file(path, master_key.passphrase_file.as_ref()),
        (None, Some(name)) => MasterSource::Environment(name.clone()),
        // The configuration was checked: it is alone.
        (None, None) => MasterSource::File(made(data_dir)?),
    };
    let former: Vec<_> = former_master_keys.iter().map(|it| in_file(it, None)).collect();
    Masters::load(&current, &former)
}

fn in_file(path: &Path, passphrase: Option<&PathBuf>) -> MasterSource {
    let path = path.to_path_buf();
    match passphrase {
        Some(passphrase) => MasterSource::ProtectedFile { path, passphrase: passphrase.clone() },
        None => MasterSource::File(path),
    }
}

fn made(data_dir: &Path) -> Result<PathBuf, Fault> {
    let path = data_dir.join(FILE);
    let is_there = path.exists();
    let key = MasterKey::load_or_make(&path).map_err(|it| Fault::from(&it))?;
    if !is_there {
        let fingerprint = key.fingerprint().short();
        tracing::info!(code = "WEIR-00070", path = %path.display(), fingerprint, "made a master key: keep a copy of it");
    }
    Ok(path)
}

/// Makes a master key for engines to share.
pub(crate) fn make(path: &Path) -> weir_secrets::Result<String> {
    let key = MasterKey::generate();
    key.save(path, None)?;
    Ok(key.fingerprint().to_string())
}
