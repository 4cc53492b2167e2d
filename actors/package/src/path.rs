//! Paths of scripts: below the project's directory, written in one way.

use crate::{Error, Result};

const LENGTH_MAX: usize = 1_024;

/// Refuses a path that would lead out of the directory that it is unpacked into, on any system,
/// and a second way to write one that is there.
pub(crate) fn check(path: &str) -> Result<()> {
    let reason = if path.is_empty() {
        "it is empty"
    } else if path.len() > LENGTH_MAX {
        "it has more than 1024 bytes"
    } else if path.chars().any(|it| it.is_control() || it == '\\' || it == ':') {
        "it holds a backslash, a colon or a control character"
    } else if path.starts_with('/') {
        "it begins at the root"
    } else if path.split('/').any(|it| it == "..") {
        "it leads upwards"
    } else if path.split('/').any(|it| it.is_empty() || it == ".") {
        "it has an empty part or a single dot"
    } else {
        return Ok(());
    };
    Err(Error::UnsafePath { path: path.chars().take(200).collect(), reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_paths_below_the_project_are_accepted() {
        for path in ["a", "scripts/price.js", "a/..b/c.", "caf\u{e9}.js"] {
            assert!(check(path).is_ok(), "{path}");
        }
        for path in ["", "/etc/passwd", "../x", "a/../../x", "a//b", "./a", "a/", "c:x", "a\\b"] {
            assert!(matches!(check(path), Err(Error::UnsafePath { .. })), "{path}");
        }
        assert!(check("a\0b").is_err() && check(&"a".repeat(1_025)).is_err());
    }
}
