//! A plan with the values of its secrets put in: what an instance builds its stages from.
//!
//! Invariants:
//! - It lives as long as the instance, and its configurations are wiped then.
//! - It is neither shown nor stored nor compared: for all that, there is the plan as it was deployed.
//!
//! Not here: copies that kinds keep of their configurations.

use std::ops::Deref;

use serde_json::Value;
use weir_domain::plan::{Plan, Role};
use weir_domain::{Fault, StageId};
use weir_secrets::{Opened, Piece, Quoting, may_name_secrets, pieces};
use zeroize::Zeroize as _;

use crate::Registry;

/// What a kind does with secrets in the texts of its configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretUse {
    /// They are put in as they are.
    Plain,
    /// They stand in literals of expressions: each `'` is written twice.
    InLiterals,
    /// Its configuration shows in what is stored and logged, as in the names of files.
    Refused,
}

pub(crate) struct ClearPlan {
    clear: Plan,
    deployed: Plan,
}

impl ClearPlan {
    /// A fault names what is missing, and shows no value.
    pub(crate) fn of(plan: &Plan, secrets: &Opened, registry: &Registry) -> Result<Self, Fault> {
        let mut clear = Self { clear: plan.clone(), deployed: plan.clone() };
        let Plan { workflow, stages, dead_letters, .. } = &mut clear.clear;
        let stages =
            stages.iter_mut().map(|it| (it.role, &it.kind, it.id.as_str(), &mut it.config));
        let letters = dead_letters.iter_mut();
        let letters = letters.map(|it| (Role::Sink, &it.kind, "dead letters", &mut it.config));
        for (role, kind, stage, config) in stages.chain(letters) {
            let usage = registry.secret_use(role, kind);
            put_into(config, secrets, usage).map_err(|fault| {
                let message = format!("workflow {workflow}, stage {stage}: {}", fault.message);
                Fault { message, ..fault }
            })?;
        }
        Ok(clear)
    }

    /// The configuration of a stage, or of the dead letters, as it was deployed.
    pub(crate) fn deployed(&self, stage: &StageId) -> Value {
        self.deployed.config(stage).map(|it| it.1.clone()).unwrap_or_default()
    }
}

/// The connection of an action with the values of its secrets, wiped once it is dropped.
pub(crate) struct ClearConnection(Value);

impl ClearConnection {
    pub(crate) fn of(connection: &Value, secrets: &Opened) -> Result<Self, Fault> {
        let mut clear = Self(connection.clone());
        put_into(&mut clear.0, secrets, SecretUse::Plain)?;
        Ok(clear)
    }
}

impl Deref for ClearConnection {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.0
    }
}

impl Drop for ClearConnection {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

fn put_into(config: &mut Value, secrets: &Opened, usage: SecretUse) -> Result<(), Fault> {
    match config {
        Value::String(text) if may_name_secrets(text) => {
            let quoting = match usage {
                SecretUse::InLiterals => Quoting::Sql,
                SecretUse::Refused if names_secrets(text) => return Err(refused(text)),
                // Where nothing is named, what is left is the text that `$${sec:` stands for.
                SecretUse::Plain | SecretUse::Refused => Quoting::Plain,
            };
            let mut value = secrets.put_into(text, quoting).map_err(|it| Fault::from(&it))?;
            *text = std::mem::take(&mut *value);
            Ok(())
        }
        Value::Array(items) => items.iter_mut().try_for_each(|it| put_into(it, secrets, usage)),
        Value::Object(entries) => {
            entries.values_mut().try_for_each(|it| put_into(it, secrets, usage))
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn names_secrets(text: &str) -> bool {
    pieces(text).iter().any(|it| matches!(it, Piece::Name(_)))
}

fn refused(text: &str) -> Fault {
    let message = format!("{text:?} would show the value of a secret");
    Fault::config(3115, message).with_hint("write an ${env:NAME} there, or no secret")
}

impl Deref for ClearPlan {
    type Target = Plan;

    fn deref(&self) -> &Plan {
        &self.clear
    }
}

impl Drop for ClearPlan {
    fn drop(&mut self) {
        self.clear.stages.iter_mut().for_each(|it| wipe(&mut it.config));
        self.clear.dead_letters.iter_mut().for_each(|it| wipe(&mut it.config));
    }
}

fn wipe(config: &mut Value) {
    match config {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(entries) => entries.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use weir_domain::AssetName;
    use weir_secrets::Secret;

    use super::*;

    fn secrets() -> Opened {
        let secret =
            |name, value: &str| (AssetName::new(name).unwrap(), Secret::from(value.to_owned()));
        [secret("PW", "it's"), secret("USER", "ada")].into_iter().collect()
    }

    #[test]
    fn secrets_are_put_into_every_text_of_a_configuration_and_only_there() {
        let mut config =
            json!({ "${sec:PW}": ["${sec:USER}", 7, { "a": "'${sec:PW}'" }], "b": "$" });
        put_into(&mut config, &secrets(), SecretUse::InLiterals).unwrap();
        let expected = json!({ "${sec:PW}": ["ada", 7, { "a": "'it''s'" }], "b": "$" });
        assert_eq!(config, expected);
        wipe(&mut config);
        assert_eq!(config, json!({ "${sec:PW}": ["", 7, { "a": "" }], "b": "" }));
    }

    #[test]
    fn a_text_that_only_looks_like_a_secret_is_fit_for_every_kind() {
        for usage in [SecretUse::Plain, SecretUse::InLiterals, SecretUse::Refused] {
            let mut config = json!(["/srv/$${sec:PW}", "${env:HOME}"]);
            put_into(&mut config, &secrets(), usage).unwrap();
            assert_eq!(config, json!(["/srv/${sec:PW}", "${env:HOME}"]), "{usage:?}");
        }
        let both = put_into(&mut json!("$${sec:A}${sec:PW}"), &secrets(), SecretUse::Refused);
        assert!(both.is_err());
    }

    #[test]
    fn what_would_show_a_value_and_what_is_not_there_is_refused() {
        let why = |text: &str, usage| put_into(&mut json!([text]), &secrets(), usage).unwrap_err();
        let shown = why("/srv/${sec:PW}", SecretUse::Refused);
        assert_eq!(shown.message, "\"/srv/${sec:PW}\" would show the value of a secret");
        let unknown = why("${sec:PV}", SecretUse::Plain);
        assert_eq!(unknown.message, "there is no secret \"PV\"");
    }
}
