//! What is owed to the disk, as values that are stored and run again after a crash.
//!
//! They are read back by later versions: fields may be added with a default, never renamed.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use weir_domain::{Fault, Fingerprint};

use super::config::{Existing, TargetRule};
use super::identity::DirectoryId;
use super::staging::Owner;
use super::{NAME, codes};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "camelCase")]
pub(super) enum Action {
    Publish(Publish),
    Move(Move),
    Discard(Discard),
}

/// Gives a staged file its name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Publish {
    /// The output directory.
    pub(super) directory: PathBuf,
    /// The file's name in the staging directory.
    pub(super) staged: String,
    /// The name that it gets, below the output directory.
    pub(super) name: String,
    pub(super) on_existing: TargetRule,
    pub(super) create_directory: bool,
    pub(super) owner: Owner,
    /// The staged file's inode: a second run finds by it which name the first one gave.
    pub(super) inode: u64,
    /// The output directory as it was when the file was staged.
    #[serde(default)]
    pub(super) directory_id: DirectoryId,
}

impl Publish {
    pub(super) fn target(&self) -> PathBuf {
        self.directory.join(&self.name)
    }
}

/// Moves a finished input file away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Move {
    pub(super) from: PathBuf,
    /// The file that was read. Another file at its path stays where it is.
    pub(super) fingerprint: Fingerprint,
    pub(super) to_directory: PathBuf,
    /// The name below it: the path below the input directory.
    pub(super) name: String,
    pub(super) on_existing: Existing,
    /// The input directory as it was when the file was found there.
    #[serde(default)]
    pub(super) directory_id: DirectoryId,
}

impl Move {
    /// The input directory: directories below it come and go with their files.
    pub(super) fn input_directory(&self) -> &Path {
        let depth = Path::new(&self.name).components().count();
        self.from.ancestors().nth(depth).unwrap_or(parent(&self.from))
    }
}

/// Removes what a stage of a stream staged and never published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Discard {
    pub(super) directory: PathBuf,
    pub(super) owner: Owner,
    /// The output directory as it was before anything was staged.
    #[serde(default)]
    pub(super) directory_id: DirectoryId,
}

impl Action {
    /// As the pipeline stores it. Paths are text: that was checked when the stage was built.
    pub(super) fn stored(&self) -> weir_stream::Action {
        let payload = serde_json::to_value(self).expect("an action's paths are UTF-8");
        weir_stream::Action::new(NAME, payload)
    }

    pub(super) fn read(payload: &serde_json::Value) -> Result<Self, Fault> {
        Self::deserialize(payload).map_err(|error| {
            let message = format!("a stored action of the file connector can't be read: {error}");
            Fault::transient(codes::ACTION, message)
                .with_hint("run the version of weir that stored it, or a newer one")
        })
    }
}

/// The directory that a target stands in.
pub(super) fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}
