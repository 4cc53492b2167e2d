//! A script with all that it runs with.

use std::time::Duration;

use serde_json::Value;

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
}

impl Program {
    /// `None`: the front door did not put the file's text in.
    pub(crate) fn of(config: &JavaScriptConfig) -> Option<Self> {
        let (file, text) = match &config.script {
            Script::Inline(text) => (None, text.clone()),
            Script::File(it) => (Some(it.file.clone()), it.text.clone()?),
        };
        let name = file.clone().unwrap_or_else(|| "script".to_owned());
        let (arguments, limits) = (config.arguments.clone(), config.limits);
        Some(Self { name, file, text, arguments, limits })
    }

    pub(crate) fn time_max(&self) -> Duration {
        self.limits.time.duration()
    }

    pub(crate) fn bytes_max(&self) -> usize {
        usize::try_from(self.limits.memory.0).unwrap_or(usize::MAX)
    }

    /// What the limits are called in messages.
    pub(crate) fn limits(&self) -> (String, String) {
        (self.limits.time.to_string(), self.limits.memory.to_string())
    }
}
