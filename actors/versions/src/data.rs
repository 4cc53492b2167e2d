//! What lies in a project and is in no version: its data, and files that are half written.
//!
//! Directories that the project excludes hold data, and may hold more of it than a repository can
//! bear. What is in a version already stays in the next one, wherever it lies.

use std::fs;
use std::path::Path;

use crate::{Repository, Result};

pub(crate) const PROJECT_FILE: &str = "project.yaml";
/// Larger ones are no text of a person.
pub(crate) const BYTES_MAX: u64 = 1 << 20;
/// Where failed records lie, unless a workflow says otherwise: who may see versions need not see those.
const DEAD_LETTERS: &str = "dead-letters";
/// A file's next content, before it has the file's name.
const HALF_WRITTEN: &str = ".*.weir-new";

impl Repository {
    /// Has Git take data as it takes what `.gitignore` names, without writing that anywhere.
    pub(crate) fn leave_out_data(&self) -> Result<()> {
        let excluded = excluded(&self.work.join(&self.prefix).join(PROJECT_FILE));
        let rules = excluded.iter().filter_map(|it| rule(&self.prefix, it));
        let always = rule(&self.prefix, DEAD_LETTERS).into_iter().chain([HALF_WRITTEN.to_owned()]);
        let rules: Vec<_> = rules.chain(always).collect();
        Ok(self.git.add_ignore_rule(&rules.join("\n"))?)
    }
}

/// As far as the project's file can be read.
fn excluded(file: &Path) -> Vec<String> {
    let is_read = file.symlink_metadata().is_ok_and(|it| it.is_file() && it.len() <= BYTES_MAX);
    let text = if is_read { fs::read_to_string(file).unwrap_or_default() } else { String::new() };
    let Ok(project) = weir_conf::yaml::parse(PROJECT_FILE, &text) else { return Vec::new() };
    let project = project.to_json();
    let listed = project.pointer("/spec/exclude").and_then(|it| it.as_array());
    let names = listed.into_iter().flatten().filter_map(|it| it.as_str());
    names.map(|it| it.trim_start_matches("./").trim_end_matches('/').to_owned()).collect()
}

/// One directory and no pattern, at its place in the repository.
fn rule(prefix: &str, directory: &str) -> Option<String> {
    let is_plain = |it: &str| !matches!(it, "" | "." | "..") && !it.contains(char::is_control);
    if !directory.split('/').all(is_plain) {
        return None;
    }
    let mut rule = "/".to_owned();
    for letter in prefix.chars().chain(directory.chars()) {
        if matches!(letter, '\\' | '*' | '?' | '[' | ']' | '!' | '#' | ' ') {
            rule.push('\\');
        }
        rule.push(letter);
    }
    Some(rule + "/")
}
