//! People whom somebody else knows: an LDAP directory that checks their passwords, and a provider of OpenID
//! Connect that their browser is led to. User Storage asks both by its traits and knows no protocol.
//!
//! - I1: nothing of a password, a code or a token is in any message, whatever goes wrong.
//! - I2: every question has a deadline, and every answer a bound; what is no answer is no panic either.
//! - I3: nobody is let in by default: without a group that gives a role there is no way in.
//!
//! Settings are read once, when a process starts; what can't work is refused then.

mod groups;
mod ldap;
mod oidc;
mod trust;

pub use ldap::Ldap;
pub use oidc::Oidc;

use std::error::Error;
use std::path::PathBuf;

use weir_conf::settings::Users;
use weir_controllers::users::Outside;
use weir_domain::Fault;
use weir_secrets::{Secret, read_private};

/// All that the settings name.
pub fn outside(settings: &Users) -> Result<Outside, Fault> {
    let mut outside = Outside::default();
    if settings.ldap.is_given() {
        outside.directory = Some(std::sync::Arc::new(Ldap::new(&settings.ldap)?));
    }
    if let Some(issuer) = &settings.oidc.issuer {
        outside.provider = Some(std::sync::Arc::new(Oidc::new(&settings.oidc, issuer)?));
    }
    Ok(outside)
}

/// What stands in a file of ours, or in a variable of the environment.
fn secret(
    path: &str,
    file: Option<&PathBuf>,
    variable: Option<&String>,
) -> Result<Option<Secret>, Fault> {
    let found = match (file, variable) {
        (Some(file), _) => {
            let read = read_private(file).map_err(|it| {
                let hint = "make it a file with mode 0600 of the user who runs Weir";
                Fault::config(14001, format!("weir.{path}-file can't be used: {}", chain(&it)))
                    .with_hint(hint)
            })?;
            let text = read.expose_text().map(|it| it.trim_end_matches(['\r', '\n']).to_owned());
            text.ok_or_else(|| format!("weir.{path}-file holds no text"))
        }
        (None, Some(name)) => std::env::var(name)
            .map_err(|_| format!("weir.{path}-variable names {name}, which is not set")),
        (None, None) => return Ok(None),
    };
    match found {
        Ok(text) if text.is_empty() => Err(format!("weir.{path}: there is nothing in it")),
        other => other,
    }
    .map(|it| Some(Secret::from(it)))
    .map_err(|cause| Fault::config(14001, cause).with_hint("write the secret there"))
}

/// With all that it comes from.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let more = cause.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        next = cause.source();
    }
    text
}
