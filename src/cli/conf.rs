//! `weir conf`: what a process would be configured with.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};

use super::args::ConfArgs;
use super::failure::Failure;
use super::look::Look;
use super::output::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show the effective configuration, secrets masked
    Show(ConfArgs),
}

impl Verb {
    pub(crate) fn run(self, out: &Output) -> Result<ExitCode, Failure> {
        let Self::Show(conf) = self;
        let settings = conf.settings()?;
        out.show(&json!({ "weir": settings.effective() }), flat)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// One line per key, as `-D` takes it.
fn flat(value: &Value, _: &Look) -> String {
    let mut text = String::new();
    put(&mut text, "", value);
    text
}

fn put(text: &mut String, path: &str, value: &Value) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                put(text, &path, value);
            }
        }
        _ => *text += &format!("{path}={value}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples::LOOK;

    #[test]
    fn every_key_is_a_line() {
        let value = json!({ "weir": { "node": { "roles": ["a"] }, "none": {}, "port": 1 } });
        assert_eq!(flat(&value, &LOOK), "weir.node.roles=[\"a\"]\nweir.none={}\nweir.port=1\n");
    }
}
