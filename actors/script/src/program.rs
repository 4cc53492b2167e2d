//! A script with all that it runs with.

use std::time::Duration;

use serde_json::Value;

use crate::ceiling::Ceiling;
use crate::config::{JavaScriptConfig, LimitsConfig, Script};

#[derive(Debug)]
pub(crate) struct Program {
    /// What the interpreter calls it, in stacks.
    pub(crate) name: String,
    /// The file of the project that it is in, if it is in one.
    pub(crate) file: Option<String>,
    pub(crate) text: String,
    pub(crate) arguments: Value,
    limits: LimitsConfig,
    /// What keeps the limits from being raised.
    ceiling: Option<Ceiling>,
}

impl Program {
    /// `None`: the front door did not put the file's text in.
    pub(crate) fn of(config: &JavaScriptConfig, ceiling: Option<&Ceiling>) -> Option<Self> {
        let (file, text) = match &config.script {
            Script::Inline(text) => (None, text.clone()),
            Script::File(it) => (Some(it.file.clone()), it.text.clone()?),
        };
        let name = file.clone().unwrap_or_else(|| "script".to_owned());
        let arguments = config.arguments.clone();
        let limits = ceiling.map_or(config.limits, |it| it.over(config.limits));
        Some(Self { name, file, text, arguments, limits, ceiling: ceiling.copied() })
    }

    pub(crate) fn time_max(&self) -> Duration {
        self.limits.time.duration()
    }

    pub(crate) fn bytes_max(&self) -> usize {
        usize::try_from(self.limits.memory.0).unwrap_or(usize::MAX)
    }

    /// What to do about a script that needs more memory.
    pub(crate) fn raise_memory(&self) -> String {
        match self.ceiling.filter(|it| self.limits.memory >= it.memory) {
            Some(it) => format!("no script gets more here: {}.script-memory says so", it.key),
            None => "raise limits.memory of the stage".to_owned(),
        }
    }

    /// What to do about a script that needs more time.
    pub(crate) fn raise_time(&self) -> String {
        match self.ceiling.filter(|it| self.limits.time >= it.time) {
            Some(it) => format!("no script gets more here: {}.script-time says so", it.key),
            None => "raise limits.time of the stage".to_owned(),
        }
    }

    /// What the limits are called in messages.
    pub(crate) fn limits(&self) -> (String, String) {
        (self.limits.time.to_string(), self.limits.memory.to_string())
    }
}
