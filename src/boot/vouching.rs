//! What this server signs with when it vouches for its users, and whose word counts here.
//!
//! The key is made from a secret in a file that its owner alone may read.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use weir_conf::Settings;
use weir_domain::Fault;
use weir_http_server::{Issuer, PackageKey, TrustedServer};
use weir_secrets::{SigningKey, random_secret, read_private, write_private};

use super::lock;
use super::packages::Signing;

/// In the server's own directory, where none is named.
pub(super) const FILE: &str = "vouching.key";

/// Who vouches here, and signs packages by `signing`; keys are made at the first start. `own_dir` is the server's own
/// directory.
pub(super) fn issuer(
    settings: &Settings,
    own_dir: &Path,
    signing: Signing,
) -> Result<Issuer, Fault> {
    let server = &settings.config_server;
    let file = server.signing_key.clone().unwrap_or_else(|| own_dir.join(FILE));
    if !file.exists() {
        make(&file, server.signing_key.is_none())?;
    }
    let secret = read_private(&file).map_err(|it| Fault::from(&it))?;
    let key = SigningKey::of_secret(&secret).ok_or_else(|| {
        Fault::config(183, format!("{} holds no signing key: it is too short", file.display()))
            .with_hint("remove the file: a new key is made, which clusters must be told to trust")
    })?;
    Ok(Issuer { name: server.name.clone(), key, packages: Arc::new(signing) })
}

impl PackageKey for Signing {
    fn public(&self) -> Result<String, Fault> {
        Ok(self.signer()?.0.key().to_string())
    }
}

fn make(file: &Path, is_own: bool) -> Result<(), Fault> {
    if !is_own {
        let message =
            format!("weir.config-server.signing-key names {}, which is not there", file.display());
        return Err(Fault::config(181, message).with_hint(
            "put the key there, or set it to null: then one is made in the data directory",
        ));
    }
    let failed =
        |it: std::io::Error| Fault::config(182, format!("{} can't be made: {it}", file.display()));
    lock::make(file.parent().ok_or_else(|| failed(ErrorKind::NotFound.into()))?).map_err(failed)?;
    write_private(file, &random_secret()).map_err(|it| Fault::from(&it))
}

/// Whose word counts at this engine.
pub(super) fn trusted(settings: &Settings) -> Vec<TrustedServer> {
    let servers = settings.rest_server.trusted_servers.iter();
    servers.map(|it| TrustedServer { name: it.name.clone(), key: it.key.into() }).collect()
}
