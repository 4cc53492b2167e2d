//! How events and states become bytes: MessagePack with named fields, so that a field can be added
//! with a default and a stored event still says what its parts mean.

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use weir_domain::CommandId;
use weir_persistence_api::{Manifest, NewEvent, Snapshot, StoredEvent};

use super::behaviour::{EventSourced, Form};
use super::commands::Commands;

/// An event of an older form, as it was stored.
#[derive(Debug)]
pub struct Stored<'a> {
    pub manifest: &'a Manifest,
    pub payload: &'a [u8],
}

/// Why stored bytes are not what they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);

impl Stored<'_> {
    /// Reads it as the type that was written then.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Unreadable> {
        read(self.payload)
    }

    /// For a form that nobody knows, most likely written by a newer version.
    pub fn unknown(&self) -> Unreadable {
        let Manifest { name, version } = self.manifest;
        Unreadable(format!("form {name:?} version {version} is not known to this version of weir"))
    }
}

pub(super) fn event_to_stored<B: EventSourced>(
    event: &B::Event,
    command: Option<CommandId>,
) -> Result<NewEvent, String> {
    let payload = write(event)?;
    Ok(NewEvent { manifest: manifest(B::EVENT_FORM), payload, tags: B::tags(event), command })
}

pub(super) fn event_from_stored<B: EventSourced>(
    stored: &StoredEvent,
) -> Result<B::Event, Unreadable> {
    let Form { name, version } = B::EVENT_FORM;
    if stored.manifest.name == name && stored.manifest.version == version {
        return read(&stored.payload);
    }
    B::upcast(&Stored { manifest: &stored.manifest, payload: &stored.payload })
}

/// What a snapshot holds. Before commands had ids it was the state alone.
#[derive(Serialize, Deserialize)]
struct Kept<S> {
    state: S,
    commands: Commands,
}

/// The name of the form tells the two apart, so that both are read.
fn kept_manifest<B: EventSourced>() -> Manifest {
    let Form { name, version } = B::STATE_FORM;
    Manifest { name: format!("{name}+commands"), version }
}

pub(super) fn state_to_snapshot<B: EventSourced>(
    state: &B,
    commands: &Commands,
    sequence: u64,
) -> Result<Snapshot, String> {
    let payload = write(&Kept { state, commands: commands.clone() })?;
    Ok(Snapshot { sequence, manifest: kept_manifest::<B>(), payload })
}

pub(super) fn state_from_snapshot<B: EventSourced>(
    snapshot: &Snapshot,
) -> Result<(B, Commands), Unreadable> {
    let stored = Stored { manifest: &snapshot.manifest, payload: &snapshot.payload };
    if snapshot.manifest == kept_manifest::<B>() {
        return stored.read().map(|Kept { state, commands }| (state, commands));
    }
    if snapshot.manifest == manifest(B::STATE_FORM) {
        return stored.read().map(|state| (state, Commands::default()));
    }
    Err(stored.unknown())
}

/// The same state again: what a snapshot of it would read as.
pub(super) fn copy<B: EventSourced>(state: &B) -> Result<B, String> {
    let copied = write(state).and_then(|it| read(&it).map_err(|it| it.to_string()));
    copied.map_err(|it| format!("the state can't be written and read again: {it}"))
}

fn manifest(form: Form) -> Manifest {
    Manifest { name: form.name.to_owned(), version: form.version }
}

fn write<T: Serialize>(value: &T) -> Result<Bytes, String> {
    rmp_serde::to_vec_named(value).map(Bytes::from).map_err(|it| it.to_string())
}

fn read<T: DeserializeOwned>(mut bytes: &[u8]) -> Result<T, Unreadable> {
    let value = rmp_serde::from_read(&mut bytes).map_err(|it| Unreadable(it.to_string()))?;
    match bytes.len() {
        0 => Ok(value),
        left => Err(Unreadable(format!("{left} bytes are left over after its end"))),
    }
}
