//! What becomes of an object that was read: it is deleted, or copied and deleted then.
//!
//! It can be run any number of times. An object that is gone is finished; one that is another by now was
//! put there since, and stays. Between the last look and the deletion is a moment in which no store can be
//! told to delete that very object only: whoever replaces objects uses `done` without `delete` or `move`.

use object_store::ObjectMeta;
use object_store::path::Path;
use weir_domain::Fault;

use super::action::Finish;
use super::content::Object;
use super::identity::{fingerprint, is_same};
use super::store::Store;

/// Larger objects can't be copied by one request to S3.
const COPY_BYTES_MAX: u64 = 5 << 30;
/// How much of such is copied at once.
const PART_BYTES: u64 = 64 << 20;

/// What somebody should know, if anything.
pub(super) fn run(store: &Store, action: &Finish) -> Result<Option<String>, Fault> {
    let path = super::store::path(None, &action.path)?;
    if action.place != store.place() {
        return Ok(Some(format!(
            "{path} stays in {}: its stage reads elsewhere now",
            action.place
        )));
    }
    let Some(found) = store.head(&path)? else { return Ok(None) };
    if !is_same(&fingerprint(&found), &action.fingerprint) {
        return Ok(Some(replaced(store, &path)));
    }
    if let Some(to) = &action.to {
        let to = super::store::path(None, to)?;
        match found.size > COPY_BYTES_MAX {
            true => copy_by_parts(store, found, &to, PART_BYTES)?,
            false => store.copy(&path, &to)?,
        }
        match store.head(&path)? {
            None => return Ok(None),
            Some(now) if is_same(&fingerprint(&now), &action.fingerprint) => {}
            Some(_) => return Ok(Some(replaced(store, &path))),
        }
    }
    store.delete(&path).map(|()| None)
}

fn replaced(store: &Store, path: &Path) -> String {
    let at = store.address(path.as_ref());
    format!("{at} was replaced after it was read: it stays, and is read as what it is now")
}

/// Through this engine, range by range. A crash leaves an upload that nobody sees.
pub(super) fn copy_by_parts(
    store: &Store,
    from: ObjectMeta,
    to: &Path,
    part_bytes: u64,
) -> Result<(), Fault> {
    let doing = format!("can't copy {} to {to}", from.location);
    let (size, object) = (from.size, Object::new(store.clone(), from));
    let failed = |it: &object_store::Error| store.fault(&doing, it);
    let upload = store.upload_begin(to).map_err(|it| failed(&it))?;
    let copy = || {
        let (mut parts, mut at) = (Vec::new(), 0);
        while at < size {
            let content = object.fetch(at, part_bytes.min(size - at))?;
            at += content.len() as u64;
            let part = store.upload_part(to, &upload, (parts.len(), content));
            parts.push(part.map_err(|it| failed(&it))?);
        }
        store.upload_complete(to, &upload, &parts).map_err(|it| failed(&it))
    };
    copy().inspect_err(|_| {
        // What can't be given up is seen by nobody.
        let _ = store.upload_abort(to, &upload);
    })
}
