//! The kind `objects` of sources: what can be said of a configuration without asking a store.

use object_store::path::Path;
use schemars::Schema;
use serde_json::Value;
use weir_domain::{Fault, Finding, PortName};
use weir_stream::{
    AnySource, BuildContext, Checked, ConfigError, SecretUse, SourceKind, decode_config,
};

use super::config::{Finished, InputConfig};
use super::source::ObjectSource;
use super::{NAME, codes};
use crate::finding;
use crate::private::misplaced_secrets;
use crate::whole::checks::{check_pattern, check_polling, check_registry, check_schema};

/// Where secrets may stand.
pub(super) const SECRETS: [&str; 1] = ["connection"];

pub(super) struct Input;

impl SourceKind for Input {
    fn name(&self) -> &'static str {
        NAME
    }

    fn config_schema(&self) -> Schema {
        schemars::schema_for!(InputConfig)
    }

    fn decode(&self, config: &Value) -> Result<(), ConfigError> {
        decode_config::<InputConfig>(config).map(|_| ())
    }

    /// In the connection; elsewhere `check` refuses them.
    fn secret_use(&self) -> SecretUse {
        SecretUse::Plain
    }

    fn check(&self, value: &Value) -> Checked {
        let Ok(config) = decode_config::<InputConfig>(value) else { return Checked::default() };
        let mut findings = config.connection.findings();
        findings.extend(misplaced_secrets(value, &SECRETS, codes::BAD_SECRET));
        check_prefixes(&config, &mut findings);
        let kept = config.done.is_none().then_some("set done, or reprocess: whenChanged");
        check_polling(config.interval, config.reprocess, kept, &mut findings);
        check_pattern(config.glob.as_deref(), config.regex.as_deref(), &mut findings);
        let declared = check_schema(&config.format, &mut findings);
        check_registry(&config.format, &mut findings);
        Checked { outputs: vec![(PortName::out(), declared)], findings, ..Checked::default() }
    }

    fn build(&self, config: &Value, cx: &BuildContext) -> Result<AnySource, Fault> {
        let config: InputConfig = cx.config(config, codes::CONFIG)?;
        Ok(AnySource::Items(Box::new(ObjectSource::new(config, cx)?)))
    }
}

fn check_prefixes(config: &InputConfig, findings: &mut Vec<Finding>) {
    check_prefix("prefix", config.prefix.as_deref(), findings);
    for (path, finished) in [("done.move", &config.done), ("error.move", &config.error)] {
        let Some(Finished::Move(to)) = finished else { continue };
        check_prefix(path, Some(to), findings);
        let bare = |text: &str| text.trim_matches('/').to_owned();
        if bare(to) == bare(config.prefix.as_deref().unwrap_or_default()) {
            let cause = "finished objects would stay where they are";
            let fix = "name another prefix, or leave it out to leave them where they are";
            findings.push(finding(codes::BAD_PLACE, path, cause).with_fix(fix));
        }
    }
}

pub(super) fn check_prefix(path: &str, prefix: Option<&str>, findings: &mut Vec<Finding>) {
    let Some(prefix) = prefix else { return };
    let (cause, fix) = if prefix.contains("${") {
        ("a prefix has no macros", "a sink's name may have them, with `/` in it")
    } else if Path::parse(prefix.trim_matches('/')).is_err() {
        ("this can't be the beginning of a key", "write names with `/` between them: in/flights")
    } else {
        return;
    };
    findings.push(finding(codes::BAD_PLACE, path, cause).with_fix(fix));
}
