//! Publishing: an upload is completed, once, however often it is tried.
//!
//! It runs after the stream's outcome was decided: there is no way back, so that every fault is
//! transient.

use object_store::ObjectMeta;
use object_store::path::Path;
use twox_hash::XxHash3_128;
use weir_domain::{Fault, FaultKind};
use weir_stream::{Published, Staging};

use super::action::Publish;
use super::codes;
use super::config::OnExisting;
use super::content::Object;
use super::note::Note;
use super::store::{Store, is_gone};

/// How much is read at once of an object that may be the one that was uploaded.
const COMPARED_BYTES: u64 = 8 << 20;

pub(super) fn run(store: &Store, staging: &Staging, action: &Publish) -> Result<Published, Fault> {
    publish(store, staging, action).map_err(|fault| Fault { kind: FaultKind::Transient, ..fault })
}

fn publish(store: &Store, staging: &Staging, action: &Publish) -> Result<Published, Fault> {
    let address = store.address(&action.path);
    // The note is removed last: without one, an earlier run has done it all, and nothing is to be told.
    let Some(note) = Note::get(staging, &action.note)? else {
        return Ok(Published { address, warning: None });
    };
    let path = note.path()?;
    if note.place != store.place() {
        let message = format!(
            "{path} was committed to {}, and its stage writes to {} now",
            note.place,
            store.place()
        );
        return Err(Fault::transient(codes::OUTPUT_OBJECT, message).with_hint(
            "deploy the stage with the store that it had, until what was committed is published",
        ));
    }
    let warning = match stands_already(store, &path, action)? {
        true => None,
        false => complete(store, &path, &note, action)?,
    };
    // What is to be told is told again by a run after a crash.
    if warning.is_none() {
        staging.remove(&action.note)?;
    }
    Ok(Published { address, warning })
}

/// Whether an earlier run has completed the upload, where nothing may be replaced.
fn stands_already(store: &Store, path: &Path, action: &Publish) -> Result<bool, Fault> {
    if action.on_existing == OnExisting::Replace {
        return Ok(false);
    }
    match store.head(path)? {
        None => Ok(false),
        Some(found) if is_it(store, &found, action)? => Ok(true),
        Some(_) => {
            let at = store.address(path.as_ref());
            let message =
                format!("{at} appeared after the stream was committed, and is in the way");
            Err(Fault::transient(codes::OUTPUT_EXISTS, message).with_hint(
                "move it away: the object that waits appears then; give each stream a key of its own with ${item:stem} or ${stream}",
            ))
        }
    }
}

fn complete(
    store: &Store,
    path: &Path,
    note: &Note,
    action: &Publish,
) -> Result<Option<String>, Fault> {
    let Err(cause) = store.upload_complete(path, &note.upload, &note.parts) else {
        return Ok(None);
    };
    if !is_gone(&cause) {
        return Err(store.fault(&format!("can't publish {path}"), &cause));
    }
    // Completed by an earlier run that did not live to say so; or the bucket is gone, or the upload.
    store.check_access(Some(path))?;
    let at = store.address(path.as_ref());
    let lost = "or a rule of the bucket has removed the upload before it was completed, and what is \
                missing is to be written again";
    Ok(match store.head(path)? {
        Some(found) if is_it(store, &found, action)? => None,
        Some(_) => Some(format!(
            "{at} has another content than was published: it was replaced since, {lost}"
        )),
        None => Some(format!("{at} is gone: it was published and taken since, {lost}")),
    })
}

/// Whether an object has the very content that was uploaded.
fn is_it(store: &Store, found: &ObjectMeta, action: &Publish) -> Result<bool, Fault> {
    if found.size != action.size {
        return Ok(false);
    }
    let object = Object::new(store.clone(), found.clone());
    let mut hash = XxHash3_128::new();
    let mut at = 0;
    while at < action.size {
        let content = object.fetch(at, COMPARED_BYTES.min(action.size - at))?;
        hash.write(&content);
        at += content.len() as u64;
    }
    Ok(format!("{:032x}", hash.finish_128()) == action.hash)
}
