//! Paths of assets, as seen from their project: `sources/orders.yaml`.

use std::path::{Component, Path};

use weir_domain::AssetName;

use crate::error::{Error, Result};
use crate::walk::DEPTH_MAX;

/// Longest path of a new asset, in characters.
pub(crate) const LENGTH_MAX: usize = 200;

/// Refuses a path that can't be that of an asset, whether there is one or not: it may not lead out of
/// the project, nor to where assets are not looked for.
pub(crate) fn check(path: &str) -> Result<()> {
    let refuse = |reason: &str| Err(Error::invalid("path", path, reason));
    let parts: Vec<_> = path.split('/').collect();
    let is_plain = |it: Component<'_>| matches!(it, Component::Normal(_));
    if path.is_empty() || path.contains('\0') || !Path::new(path).components().all(is_plain) {
        return refuse("write a path below the project's directory, as sources/orders.yaml");
    }
    if parts.iter().any(|it| it.is_empty() || *it == ".") {
        return refuse("each part between two slashes is the name of a directory");
    }
    if parts.iter().any(|it| it.starts_with('.')) {
        return refuse("what begins with a dot is hidden, and no asset");
    }
    if parts.len() > DEPTH_MAX + 1 {
        return refuse("assets are looked for in at most 64 directories within each other");
    }
    if !path.ends_with(".yaml") && !path.ends_with(".yml") {
        return refuse("assets are files that end with .yaml");
    }
    Ok(())
}

/// Refuses what a new asset can't be called so that it means the same on every file system.
pub(crate) fn check_new(path: &str) -> Result<()> {
    check(path)?;
    let length = path.chars().count();
    if length > LENGTH_MAX {
        let reason = format!("a path has at most {LENGTH_MAX} characters, this one has {length}");
        return Err(Error::invalid("path", path.chars().take(80).collect::<String>(), reason));
    }
    for part in path.split('/') {
        AssetName::new(part).map_err(|it| Error::invalid("path", path, it.to_string()))?;
        check_portable(part).map_err(|it| Error::invalid("path", path, it))?;
    }
    Ok(())
}

/// Refuses a name that a file can't have on every system: a project may be checked out elsewhere.
pub(crate) fn check_portable(name: &str) -> std::result::Result<(), String> {
    const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];
    let stem = name.split('.').next().unwrap_or(name).to_ascii_lowercase();
    let is_numbered = |device| {
        stem.strip_prefix(device)
            .is_some_and(|it: &str| it.len() == 1 && it.bytes().all(|it| it.is_ascii_digit()))
    };
    if DEVICES.contains(&stem.as_str()) || is_numbered("com") || is_numbered("lpt") {
        return Err(format!("{stem} is a device on Windows, and no file can be called so there"));
    }
    if name.ends_with('.') {
        return Err("no file can end with a dot on Windows".to_owned());
    }
    Ok(())
}

/// The path that the asset gets when it gets another name: a file that is called as its asset goes along.
pub(crate) fn renamed(path: &str, old: &str, new: &str) -> String {
    let (directory, file) = path.rsplit_once('/').map_or(("", path), |it| (it.0, it.1));
    match file.rsplit_once('.') {
        Some((stem, extension)) if stem == old && !directory.is_empty() => {
            format!("{directory}/{new}.{extension}")
        }
        Some((stem, extension)) if stem == old => format!("{new}.{extension}"),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_in_its_project_and_is_that_of_an_asset() {
        let deep = format!("{}x.yaml", "a/".repeat(64));
        for good in
            ["project.yaml", "sources/orders.yaml", "a/b/c.yml", "sources/größe 1.yaml", &deep]
        {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/etc/x.yaml",
            "../x.yaml",
            "a/../../x.yaml",
            "a//b.yaml",
            "./a.yaml",
            "a/.git/x.yaml",
            ".x.yaml",
            "a.txt",
            "a/b.yaml/",
            "a\0.yaml",
            &format!("{}x.yaml", "a/".repeat(65)),
        ] {
            assert!(matches!(check(bad), Err(Error::Invalid { .. })), "{bad}");
        }
    }

    #[test]
    fn a_new_path_is_short_and_plain() {
        assert!(check_new("sources/orders-1_b.yaml").is_ok());
        let long = format!("{}.yaml", "x/".repeat(100));
        let named = ["con/x.yaml", "NUL.yaml", "a/lpt1.yaml", "shop./x.yaml"];
        for bad in
            ["sources/größe.yaml", "a b.yaml", "🚀.yaml", "a\\b.yaml", &long].iter().chain(&named)
        {
            assert!(matches!(check_new(bad), Err(Error::Invalid { .. })), "{bad}");
        }
    }

    #[test]
    fn a_file_that_is_called_as_its_asset_follows_it() {
        assert_eq!(renamed("sources/orders.yaml", "orders", "sales"), "sources/sales.yaml");
        assert_eq!(renamed("orders.yml", "orders", "sales"), "sales.yml");
        assert_eq!(renamed("sources/all.yaml", "orders", "sales"), "sources/all.yaml");
    }
}
