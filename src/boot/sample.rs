//! The sample project, carried in the binary, so that one command shows real work.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

#[derive(rust_embed::Embed)]
#[folder = "samples/flights/"]
struct Sample;

/// Puts the sample below the data directory, once: what a person changes there stays changed.
pub(crate) fn unpack(data_dir: &Path) -> anyhow::Result<PathBuf> {
    let goal = data_dir.join("flights");
    if goal.exists() {
        return Ok(goal);
    }
    // It appears whole or not at all, whenever this ends.
    let dir = data_dir.join(".flights.part");
    for name in Sample::iter() {
        let path = dir.join(name.as_ref());
        let file = Sample::get(&name).with_context(|| format!("the sample's file {name}"))?;
        let parent = path.parent().unwrap_or(&dir);
        std::fs::create_dir_all(parent)
            .and_then(|()| std::fs::write(&path, &file.data))
            .with_context(|| format!("{} can't be written", path.display()))?;
    }
    std::fs::rename(&dir, &goal).with_context(|| format!("{} can't be made", goal.display()))?;
    Ok(goal)
}
